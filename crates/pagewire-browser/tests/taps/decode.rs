//! The page's own decoder: out of its closures, and each frame through it.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use pagewire_browser::AttachOptions;
use pagewire_rpc::FunctionName;
use pagewire_testkit::{Attached, End, Feed, Kinds, Site, chromium, soon};
use serde_json::{Value, json};

use crate::reader::{attached, next_tap, page_of};

/// All in closures, as a bundler writes it: nothing of it can be reached by a name.
const APP_JS: &str = "(() => {
	const secret = 7;
	const decode = (data) => (typeof data === 'string' ? data.length : new Uint8Array(data).length) * secret;
	const socket = new WebSocket(new URL('/ws', location.origin.replace('http', 'ws')));
	const own = [];
	socket.binaryType = 'arraybuffer';
	socket.onmessage = ({ data }) => { own.push(decode(data)); };
	socket.onclose = () => report(own);
})();";

fn decode_by(options: &mut AttachOptions, expose: &str) {
    let go = "go=(path) => { location.href = path; }";
    options.expose = vec![
        format!("decode={expose}").parse().unwrap(),
        go.parse().unwrap(),
    ];
    options.decode = Some(FunctionName::new("decode").unwrap());
}

/// A page with one socket, the messages of which go through this function.
async fn decoding(site: &Site, feed: Feed, expose: &str) -> Option<Attached> {
    let chromium = chromium()?;
    site.feed("/ws", feed);
    site.page("/", page_of("run('/ws');"));
    let adjust = |options: &mut AttachOptions| decode_by(options, expose);
    Some(attached(&chromium, &site.origin, &["ws:*"], adjust).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_captured_decoder_can_be_called_and_decodes_each_frame() {
    // The place where the socket is made, by numbers and by the text there.
    for place in ["4:2", "\"const socket =\""] {
        let Some(chromium) = chromium() else { return };
        let mut site = Site::start().await;
        let feed = Feed {
            count: 200,
            end: End::Close(1000, ""),
            ..Feed::default()
        };
        site.feed("/ws", feed.clone());
        site.page("/app.js", APP_JS);
        site.page("/", page_of("") + "<script src='/app.js'></script>");
        let capture = format!("decode=*/app.js:{place}:decode");
        let mut attached = attached(&chromium, &site.origin, &["ws:*"], |options| {
            options.captures = vec![capture.parse().unwrap()];
            options.decode = Some(FunctionName::new("decode").unwrap());
        })
        .await;
        let tap = next_tap(&mut attached).await;
        let mut decoded = tap.beside(&attached.hub, "decoded");
        assert_eq!(tap.until_close().await.received, feed.all());
        let own = site.report().await;
        assert_eq!(own.as_array().unwrap().len(), 200);
        for (index, own) in own.as_array().unwrap().iter().enumerate() {
            let value = decoded.value().await;
            assert_eq!(
                value,
                json!({ "kind": "decoded", "frame": index + 1, "value": own }),
                "{place}"
            );
        }
        let answer = attached
            .hub
            .client()
            .post("/v1/call/page/decode", "[\"four\"]")
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.text().await.as_str()),
            (200, "28")
        );
        attached.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_capture_whose_place_is_in_no_script_says_so() {
    let Some(chromium) = chromium() else { return };
    let site = Site::start().await;
    site.page("/", page_of(""));
    let mut attached = attached(&chromium, &site.origin, &[], |options| {
        options.captures = vec!["key=*/app.js:\"const key =\":key".parse().unwrap()];
    })
    .await;
    attached.page().await;
    let answer = attached.hub.client().post("/v1/call/page/key", "").await;
    assert_eq!(answer.status.as_u16(), 500);
    assert_eq!(
        answer.json().await["detail"],
        "Error: key is not captured yet: */app.js near \"const key =\" has not been run, or no script has it"
    );
    attached.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decoder_that_takes_its_time_and_one_that_throws_keep_the_order() {
    let site = Site::start().await;
    let feed = Feed {
        count: 300,
        kinds: Kinds::Both,
        ..Feed::default()
    };
    let slow_then_throws = "(() => {
        let number = 0;
        return async (data) => {
            const mine = number += 1;
            await new Promise((resolve) => setTimeout(resolve, mine % 5 ? 0 : 4));
            if (mine % 3 === 0) throw new TypeError(`no ${mine}`);
            return mine % 2 ? { mine, text: data } : data;
        };
    })()";
    // Once for all frames: what `--expose` says is looked at anew in each call.
    let expose = format!("(globalThis.decoder ??= {slow_then_throws})");
    let Some(mut attached) = decoding(&site, feed.clone(), &expose).await else {
        return;
    };
    let mut decoded = next_tap(&mut attached)
        .await
        .beside(&attached.hub, "decoded");
    for number in 1..=feed.count {
        let (_, payload) = feed.message(number - 1);
        let value = decoded.value().await;
        assert_eq!(
            (&value["kind"], &value["frame"]),
            (&json!("decoded"), &json!(number))
        );
        if number % 3 == 0 {
            assert_eq!(value["error"], format!("no {number}"));
        } else if number % 2 == 1 {
            let text = std::str::from_utf8(&payload).unwrap();
            assert_eq!(value["value"], json!({ "mine": number, "text": text }));
        } else {
            assert_eq!(value["base64"], BASE64.encode(&payload));
        }
    }
    attached.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_over_the_limit_and_those_of_a_document_that_is_gone_are_told_as_not_decoded() {
    let mut site = Site::start().await;
    let feed = Feed {
        count: 4_100,
        end: End::Close(1000, ""),
        ..Feed::default()
    };
    let never = "(data) => (location.pathname === '/' ? new Promise(() => {}) : 'decoded')";
    let Some(mut attached) = decoding(&site, feed, never).await else {
        return;
    };
    let tap = next_tap(&mut attached).await;
    let mut decoded = tap.beside(&attached.hub, "decoded");
    soon("the end", tap.until_close()).await;
    site.fed().await;
    for frame in 4_097..=4_100 {
        let value = decoded.value().await;
        let expected = json!({ "kind": "decoded", "frame": frame, "error": "the page's decoder does not keep up" });
        assert_eq!(value, expected);
    }
    site.page("/next", page_of("run('/ws');"));
    let go = attached.hub.client();
    tokio::spawn(async move { go.post("/v1/call/page/go", "[\"/next\"]").await });
    for frame in 1..=4_096 {
        let value = decoded.value().await;
        assert_eq!(value["frame"], frame);
        assert_eq!(value["error"], "the document that was to decode it is gone");
    }
    let mut decoded = next_tap(&mut attached)
        .await
        .beside(&attached.hub, "decoded");
    assert_eq!(
        decoded.value().await,
        json!({ "kind": "decoded", "frame": 1, "value": "decoded" })
    );
    attached.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_of_a_context_that_is_no_page_are_told_as_not_decoded() {
    let Some(chromium) = chromium() else { return };
    let site = Site::start().await;
    site.feed(
        "/ws",
        Feed {
            count: 1,
            ..Feed::default()
        },
    );
    site.page(
        "/worker.js",
        "new WebSocket(new URL('/ws', location.origin.replace('http', 'ws')));",
    );
    site.page("/", page_of("new SharedWorker('/worker.js');"));
    let mut attached = attached(&chromium, &site.origin, &["ws:*"], |options| {
        decode_by(options, "(data) => data")
    })
    .await;
    let mut decoded = next_tap(&mut attached)
        .await
        .beside(&attached.hub, "decoded");
    let value: Value = decoded.value().await;
    assert_eq!(
        value["error"],
        "the page is not attached, so that nothing can decode it"
    );
    attached.close().await;
}
