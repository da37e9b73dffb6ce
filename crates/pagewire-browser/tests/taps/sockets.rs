//! Messages of WebSockets: complete, in order, byte for byte.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::StatusCode;
use pagewire_cdp::{Secrets, TapRules};
use pagewire_testkit::{End, Feed, Kinds, Site, Wire, chromium, is_long};
use serde_json::json;
use tokio::time::timeout;

use crate::reader::{CONTEXTS, Seen, attached, next_tap, page_of, put_contexts, rules};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_context_is_tapped_byte_for_byte_in_both_directions() {
    let Some(chromium) = chromium() else { return };
    let mut site = Site::start().await;
    let count = if is_long() { 5_000 } else { 500 };
    for context in CONTEXTS {
        let feed = Feed {
            count,
            replies: count,
            end: End::Close(4001, "done, 完"),
            ..Feed::default()
        };
        site.feed(&format!("/ws/{context}"), feed);
    }
    put_contexts(
        &site,
        &format!("run(`/ws/${{NAME}}`, {{ count: {count} }}).then(report);"),
    );
    let url = format!("{}/?name=page", site.origin);
    let mut attached = attached(&chromium, &url, &["ws:*"], |_| ()).await;
    let mut seen = BTreeMap::new();
    for _ in CONTEXTS {
        let one = next_tap(&mut attached).await.until_close().await;
        seen.insert(one.path(), one);
    }
    for _ in CONTEXTS {
        let fed = site.fed().await;
        let one = seen.remove(&fed.path).unwrap();
        assert_eq!(one.received, fed.sent, "{}", fed.path);
        assert_eq!(one.sent, fed.received, "{}", fed.path);
        assert_eq!((fed.sent.count, fed.received.count), (count, count));
        let page = site.report().await;
        assert_eq!(
            (&page["seen"], &page["code"]),
            (&count.into(), &4001.into()),
            "the page has it all too"
        );
    }
    attached.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_are_the_same_compressed_in_fragments_empty_and_of_each_length_form() {
    let Some(chromium) = chromium() else { return };
    let mut site = Site::start().await;
    let mut script = String::new();
    let mut feeds = 0;
    for size in [0, 1, 125, 126, 65_535, 65_536, 300_000] {
        for (wire, fragments) in [
            (Wire::Plain, 1),
            (Wire::Plain, 4),
            (Wire::Deflate, 1),
            (Wire::Deflate, 4),
        ] {
            feeds += 1;
            let path = format!("/ws/{size}/{wire:?}/{fragments}");
            let feed = Feed {
                count: 6,
                replies: 6,
                size,
                wire,
                fragments,
                end: End::Close(1000, ""),
                ..Feed::default()
            };
            site.feed(&path, feed);
            let binary_type = if feeds % 2 == 0 {
                "blob"
            } else {
                "arraybuffer"
            };
            script += &format!(
                "run('{path}', {{ count: 6, size: {size}, binaryType: '{binary_type}' }});\n"
            );
        }
    }
    site.page("/", page_of(&script));
    let mut attached = attached(&chromium, &site.origin, &["ws:*"], |_| ()).await;
    let mut seen = BTreeMap::new();
    for _ in 0..feeds {
        let tap = next_tap(&mut attached).await;
        let topic = tap.topic.clone();
        let one = tap.until_close().await;
        seen.insert(one.path(), (topic, one));
    }
    for _ in 0..feeds {
        let fed = site.fed().await;
        let (topic, one) = &seen[&fed.path];
        assert_eq!(
            (&one.received, &one.sent),
            (&fed.sent, &fed.received),
            "{}",
            fed.path
        );
        let deflated = one.open["response"]["sec-websocket-extensions"] == "permessage-deflate";
        assert_eq!(deflated, fed.path.contains("Deflate"));
        // The same through HTTP.
        let answer = attached
            .hub
            .client()
            .get(&format!("/v1/topics/{topic}"))
            .await
            .json()
            .await;
        let mut through_http = Seen::default();
        for record in answer["records"].as_array().unwrap() {
            through_http.take(&record["value"].to_string(), 0);
        }
        assert_eq!(
            (&through_http.received, &through_http.sent),
            (&fed.sent, &fed.received),
            "{}",
            fed.path
        );
    }
    attached.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_small_messages_comes_whole() {
    burst(
        "small",
        Feed {
            count: if is_long() { 100_000 } else { 10_000 },
            kinds: Kinds::Both,
            ..Feed::default()
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_of_a_mebibyte_come_whole() {
    burst(
        "large",
        Feed {
            count: 50,
            size: 1 << 20,
            kinds: Kinds::Binary,
            ..Feed::default()
        },
    )
    .await;
}

async fn burst(name: &str, feed: Feed) {
    let Some(chromium) = chromium() else { return };
    let mut site = Site::start().await;
    site.page("/", page_of("run('/ws').then(report);"));
    let count = feed.count;
    let feed = Feed {
        end: End::Close(1000, ""),
        ..feed
    };
    site.feed("/ws", feed);
    let mut attached = attached(&chromium, &site.origin, &["ws:*"], |_| ()).await;
    let begun = Instant::now();
    // Of a debug build beside another test; it is no claim about speed.
    let bound = Duration::from_secs(if is_long() { 300 } else { 60 });
    let seen = timeout(bound, async {
        next_tap(&mut attached).await.until_close().await
    })
    .await
    .expect("the end");
    let took = begun.elapsed();
    eprintln!(
        "{name}: {count} messages in {took:?}, at most {} ms behind",
        seen.delay_ms_max
    );
    let fed = site.fed().await;
    assert_eq!(seen.received, fed.sent);
    assert_eq!(fed.sent.count, count);
    let page = site.report().await;
    assert_eq!(
        (&page["seen"], &page["wasClean"]),
        (&count.into(), &true.into())
    );
    attached.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_of_the_handshake_are_left_out_or_kept() {
    for keep in [false, true] {
        let Some(chromium) = chromium() else { return };
        let site = Site::start().await;
        site.feed(
            "/ws",
            Feed {
                end: End::Close(1000, ""),
                headers: vec![("set-cookie", "fresh=s3cret; Path=/"), ("x-ray", "seen")],
                ..Feed::default()
            },
        );
        site.page(
            "/",
            page_of("document.cookie = 'sid=s3cret'; run('/ws?room=7&token=s3cret');"),
        );
        let mut attached = attached(&chromium, &site.origin, &["ws:*"], |options| {
            if keep {
                let keep_secrets = Secrets::Keep;
                options.taps = Arc::new(TapRules {
                    keep_secrets,
                    ..rules(&["ws:*"])
                });
            }
        })
        .await;
        let open = next_tap(&mut attached).await.until_close().await.open;
        assert_eq!(open["status"], 101);
        assert_eq!(open["response"]["x-ray"], "seen");
        assert_eq!(
            open["request"]["Cookie"],
            if keep { "sid=s3cret" } else { "REDACTED" }
        );
        assert_eq!(
            open.to_string().matches("s3cret").count(),
            if keep { 3 } else { 0 },
            "{open}"
        );
        assert!(open["url"].as_str().unwrap().contains("room=7"), "{open}");
        attached.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_told_how_a_socket_ends() {
    let Some(chromium) = chromium() else { return };
    let site = Site::start().await;
    let nobody = Site::start().await.origin.replace("http", "ws");
    let refuse = Some(StatusCode::FORBIDDEN);
    site.feed(
        "/refused",
        Feed {
            refuse,
            ..Feed::default()
        },
    );
    let two = Feed {
        count: 2,
        ..Feed::default()
    };
    site.feed(
        "/vanishes",
        Feed {
            end: End::Vanish,
            ..two.clone()
        },
    );
    site.feed(
        "/closes",
        Feed {
            end: End::Close(4444, "enough"),
            ..two.clone()
        },
    );
    site.feed("/closed", two);
    let script = format!(
        "run('/refused'); run('{nobody}/nobody'); run('/vanishes'); run('/closes');
        const socket = new WebSocket(new URL('/closed', location.origin.replace('http', 'ws')));
        let seen = 0;
        socket.onmessage = () => {{ if ((seen += 1) === 2) socket.close(4000, 'bye'); }};"
    );
    site.page("/", page_of(&script));
    let mut attached = attached(&chromium, &site.origin, &["ws:*"], |_| ()).await;
    let mut told = BTreeMap::new();
    for _ in 0..5 {
        let one = next_tap(&mut attached).await.until_close().await;
        let texts: Vec<_> = one
            .ends
            .iter()
            .map(|end| (end["kind"].clone(), end["text"].clone()))
            .collect();
        told.insert(
            one.path(),
            (one.open["status"].clone(), one.received.count, texts),
        );
    }
    let close = (json!("close"), json!(null));
    let refused = json!("Error during WebSocket handshake: Unexpected response code: 403");
    let nobody = json!("Error in connection establishment: net::ERR_CONNECTION_REFUSED");
    // Chromium 156 tells neither the code nor the reason of a close, whoever closes.
    let expected = [
        ("/closed", json!(101), 2, vec![close.clone()]),
        ("/closes", json!(101), 2, vec![close.clone()]),
        (
            "/nobody",
            json!(null),
            0,
            vec![(json!("error"), nobody), close.clone()],
        ),
        (
            "/refused",
            json!(null),
            0,
            vec![(json!("error"), refused), close.clone()],
        ),
        ("/vanishes", json!(101), 2, vec![close]),
    ];
    let expected =
        expected.map(|(path, status, count, ends)| (path.to_owned(), (status, count, ends)));
    assert_eq!(told, BTreeMap::from(expected));
    attached.close().await;
}
