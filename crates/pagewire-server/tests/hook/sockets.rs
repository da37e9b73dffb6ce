//! Which sockets are observed, from when, until when, and under which name.

use http::StatusCode;
use pagewire_testkit::chromium;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::stage::Stage;

/// Kind, direction and text of each value, as far as it has them.
fn shown(values: &[Value]) -> Vec<String> {
    let line = |value: &Value| {
        let members = ["kind", "direction", "text"].into_iter();
        let texts: Vec<_> = members
            .filter_map(|member| value[member].as_str())
            .collect();
        texts.join(" ")
    };
    values.iter().map(line).collect()
}

#[tokio::test]
async fn a_socket_that_was_open_before_is_followed_from_where_the_page_touches_it() {
    let Some(chromium) = chromium() else { return };
    let mut stage = Stage::show(&chromium, None).await;
    stage
        .call("client", json!(["open", stage.push.url("/")]))
        .await;
    let mut connection = stage.push.next().await;
    stage
        .call("client", json!(["openBlind", stage.push.url("/")]))
        .await;
    let mut blind = stage.push.next().await;
    connection.text("before").await;
    stage.told("got").await;

    stage.call("hook", json!([])).await;
    // To look into an old message is to touch nothing.
    assert_eq!(stage.call("client", json!(["peek", 0])).await, "before");
    assert_eq!(stage.topics().await, Vec::<String>::new());
    connection.text("first").await;
    connection.text("second").await;
    let values = stage.first_values(1, 3).await;
    let expected = ["open", "text received first", "text received second"];
    assert_eq!(shown(&values), expected);
    assert_eq!(values[0]["seen"], "late");
    // What the page does not read is seen where it answers.
    for text in ["third", "fourth"] {
        blind.text(text).await;
        assert_eq!(blind.receive().await.to_string(), "noticed");
    }
    let values = stage.first_values(2, 5).await;
    let expected = [
        "open",
        "text received third",
        "text sent noticed",
        "text received fourth",
        "text sent noticed",
    ];
    assert_eq!(shown(&values), expected);
    connection.close(1000, "").await;
    assert_eq!(stage.values_to(1, "close").await.len(), 4);
    stage.close().await;
}

#[tokio::test]
async fn the_pattern_and_the_direction_choose_what_is_told() {
    let Some(chromium) = chromium() else { return };
    let hook = json!({"url": "ws://*/live?room=?", "direction": "received"});
    let mut stage = Stage::show(&chromium, Some(hook)).await;
    for (at, path) in ["/live?room=77", "/live", "/live?room=7"]
        .into_iter()
        .enumerate()
    {
        stage
            .call("client", json!(["open", stage.push.url(path)]))
            .await;
        let mut connection = stage.push.next().await;
        assert_eq!(connection.path, path);
        stage.call("client", json!(["send", at, "up"])).await;
        connection.text("down").await;
        stage.told("got").await;
        stage.call("client", json!(["close", at])).await;
        connection.closed().await;
    }
    let values = stage.values_to(1, "close").await;
    assert_eq!(shown(&values), ["open", "text received down", "close"]);
    assert_eq!(values[0]["url"], stage.push.url("/live?room=REDACTED"));
    assert_eq!(stage.topics().await, [stage.topic(1)]);
    stage.close().await;
}

#[tokio::test]
async fn the_name_and_password_of_an_address_are_not_told() {
    let Some(chromium) = chromium() else { return };
    let mut stage = Stage::open(&chromium).await;
    let url = stage.push.url("/a@b?c=d&e=").replace("//", "//me:pw@");
    stage.call("client", json!(["open", url])).await;
    let _connection = stage.push.next().await;
    let values = stage.first_values(1, 1).await;
    let expected = stage.push.url("/a@b?c=REDACTED&e=REDACTED");
    let expected = expected.replace("//", "//REDACTED@");
    assert_eq!(values[0]["url"], expected);
    stage.close().await;
}

#[tokio::test]
async fn links_to_hubs_are_not_told_also_where_a_page_opens_one_by_hand() {
    let Some(chromium) = chromium() else { return };
    let stage = Stage::open(&chromium).await;
    let hub = format!("{}/v1/page", stage.relay.http_url().replace("http", "ws"));
    for protocols in [json!("pagewire.v1"), json!(["pagewire.v1"])] {
        let opened = stage.call("client", json!(["open", hub, protocols]));
        opened.await;
    }
    stage
        .call("client", json!(["open", stage.push.url("/")]))
        .await;
    stage.first_values(1, 1).await;
    assert_eq!(stage.topics().await, [stage.topic(1)]);
    stage.close().await;
}

#[tokio::test]
async fn a_socket_has_the_lowest_free_number_of_its_host() {
    let Some(chromium) = chromium() else { return };
    let mut stage = Stage::open(&chromium).await;
    let mut connections = Vec::new();
    for path in ["/a", "/b"] {
        stage
            .call("client", json!(["open", stage.push.url(path)]))
            .await;
        connections.push(stage.push.next().await);
    }
    connections.remove(0).close(4000, "later").await;
    stage.values_to(1, "close").await;
    stage
        .call("client", json!(["open", stage.push.url("/c")]))
        .await;
    let values = stage.first_values(1, 3).await;
    assert_eq!(shown(&values), ["open", "close", "open"]);
    assert_eq!(values[2]["url"], stage.push.url("/c"));
    assert_eq!(stage.topics().await, [stage.topic(1), stage.topic(2)]);
    stage.close().await;
}

#[tokio::test]
async fn values_have_the_members_of_a_tap_in_their_order() {
    let Some(chromium) = chromium() else { return };
    let mut stage = Stage::open(&chromium).await;
    stage
        .call("client", json!(["open", stage.push.url("/")]))
        .await;
    let advised = stage.told("advised").await;
    assert_eq!(advised, format!("pagewire tail {}", stage.topic(1)));
    let mut connection = stage.push.next().await;
    connection.text("hello").await;
    connection.send(vec![1, 2].into()).await;
    connection.close(1001, "gone").await;
    stage.values_to(1, "close").await;
    let path = format!("/v1/topics/{}", stage.topic(1));
    let answer = stage.http.get(&path).await;
    assert_eq!(answer.status, StatusCode::OK);
    let text = without_times(&answer.text().await);
    let (host, url) = (&stage.push.host, stage.push.url("/"));
    for expected in [
        format!(
            r#"{{"kind":"open","connection":"1-{host}","url":"{url}",TIMES,"target":"tab","status":101}}"#
        ),
        r#"{"kind":"text","direction":"received","size":5,TIMES,"text":"hello"}"#.into(),
        r#"{"kind":"binary","direction":"received","size":2,TIMES,"base64":"AQI="}"#.into(),
        r#"{"kind":"close",TIMES,"code":1001,"reason":"gone"}"#.into(),
    ] {
        assert!(text.contains(&expected), "no {expected} in {text}");
    }
    stage.close().await;
}

/// `"at_us":1,"time_ms":2` as `TIMES`.
fn without_times(text: &str) -> String {
    let mut parts = text.split("\"at_us\":");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (at_us, rest) = part.split_once(",\"time_ms\":").expect("both times");
        assert!(at_us.parse::<u64>().is_ok(), "{at_us}");
        let digits = rest.find(|c: char| !c.is_ascii_digit()).expect("an end");
        assert_eq!(digits, "1795212345678".len(), "{rest}");
        out += "TIMES";
        out += &rest[digits..];
    }
    out
}

#[tokio::test]
async fn a_socket_that_does_not_open_ends_with_an_error() {
    let Some(chromium) = chromium() else { return };
    let mut stage = Stage::open(&chromium).await;
    // Nobody listens here any more.
    let nobody = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let host = nobody.local_addr().expect("an address").to_string();
    drop(nobody);
    stage.push.host = host;
    let failed = stage
        .call("client", json!(["fail", stage.push.url("/")]))
        .await;
    assert_eq!(failed, 1006);
    let values = stage.values_to(1, "close").await;
    assert_eq!(shown(&values), ["error not told why", "close"]);
    assert_eq!(values[1]["code"], 1006);
    stage.close().await;
}

#[tokio::test]
async fn an_unhooked_page_is_left_alone_in_whatever_order_hooks_go() {
    let Some(chromium) = chromium() else { return };
    let mut stage = Stage::open(&chromium).await;
    stage
        .call("client", json!(["open", stage.push.url("/")]))
        .await;
    let mut connection = stage.push.next().await;
    connection.text("one").await;
    stage.first_values(1, 2).await;
    stage.call("hook", json!([])).await;
    // The first hook goes first: the second one's doors stand before its own.
    stage.call("unhook", json!([])).await;
    connection.text("two").await;
    let values = stage.first_values(1, 4).await;
    assert_eq!(
        shown(&values),
        ["open", "text received one", "open", "text received two"]
    );
    assert_eq!(values[2]["seen"], "late");
    stage.call("unhook", json!([])).await;
    connection.text("three").await;
    while stage.told("got").await != 3 {}
    stage.call("client", json!(["send", 0, "up"])).await;
    assert_eq!(connection.receive().await.to_string(), "up");
    stage
        .call("client", json!(["open", stage.push.url("/")]))
        .await;
    assert_eq!(stage.values(1).await.len(), 4);
    assert_eq!(stage.topics().await, [stage.topic(1)]);
    stage.close().await;
}

#[tokio::test]
async fn frames_and_workers_that_load_the_hook_tell_what_they_are() {
    let Some(chromium) = chromium() else { return };
    let mut stage = Stage::show(&chromium, None).await;
    let (hub, url) = (stage.relay.http_url(), stage.push.url("/"));
    let hooked = |group: &str| {
        format!(
            r#"pagewire.hook(pagewire.connect({{ url: "{hub}", group: "{group}" }})); new WebSocket("{url}");"#
        )
    };
    let scripts = [format!("{hub}/bridge.js"), format!("{hub}/bridge/hook.js")];
    let [bridge, hook] = &scripts;
    stage.site.page(
        "/inner",
        format!(
            "<script src={bridge}></script><script src={hook}></script><script>{}</script>",
            hooked("iframe")
        ),
    );
    stage.call("client", json!(["frame", "/inner"])).await;
    let source = format!("importScripts({bridge:?}, {hook:?}); {}", hooked("worker"));
    stage.call("client", json!(["work", source])).await;
    let _open = [stage.push.next().await, stage.push.next().await];
    for kind in ["iframe", "worker"] {
        let topic = stage
            .topic(1)
            .replace("pages/page", &format!("pages/{kind}"));
        let first = stage
            .http
            .get(&format!("/v1/topics/{topic}?wait=60s"))
            .await;
        let first = first.json().await;
        assert_eq!(first["records"][0]["value"]["target"], kind, "{first}");
    }
    stage.close().await;
}
