//! Topics below `taps/` as programs see them.

use pagewire_hub::HubOptions;
use pagewire_rpc::{JsonText, PageId, Payload, TopicName};
use pagewire_server::{Access, Token};
use pagewire_testkit::{FakePage, TestHub, hub_and_page};
use serde_json::json;

fn publish(hub: &TestHub, page: &str, connection: &str, count: usize) {
    let page = PageId::new(page).expect("an id");
    let topic = TopicName::of_tap(&page, connection).expect("a topic");
    for _ in 0..count {
        let value = Payload::Json(JsonText::of(&json!({"kind": "text"})).expect("JSON"));
        hub.hub.publish(&topic, &value).expect("there is room");
    }
}

#[tokio::test]
async fn taps_of_a_page_are_listed_with_it() {
    let (hub, page, client) = hub_and_page(&["f"]).await;
    let other = FakePage::attach(&hub, "g", &[]).await;
    publish(&hub, &page.id, "2-<b>.example", 1);
    publish(&hub, &page.id, "1-push.example", 3);
    // Who follows what is not there makes no tap.
    client
        .get(&format!("/v1/topics/taps/{}/3-not.there", page.id))
        .await;
    let info = client.get(&format!("/v1/pages/{}", page.id)).await;
    let taps = info.json().await["taps"].clone();
    let tap = |connection: &str, frames: u64| {
        let topic = format!("taps/{}/{connection}", page.id);
        json!({"topic": topic, "frames": frames, "kept_bytes": frames * (128 + 15)})
    };
    assert_eq!(
        taps,
        json!([tap("1-push.example", 3), tap("2-<b>.example", 1)])
    );
    let list = client.get("/v1/pages").await.json().await;
    for listed in list["pages"].as_array().expect("a list") {
        let own = listed["id"] == other.id;
        assert_eq!(listed["taps"], if own { json!([]) } else { taps.clone() });
    }
    let html = client.get("/").await.text().await;
    assert!(
        html.contains(&format!("taps/{}/1-push.example: 3<", page.id))
            && html.contains("2-&lt;b&gt;.example: 1<"),
        "{html}"
    );
}

#[tokio::test]
async fn taps_are_listed_for_those_who_may_read_them() {
    let token = |secret: &str, scopes: &[&str]| {
        let scopes = json!(scopes);
        let token = json!({"name": secret, "secret": secret, "scopes": scopes});
        serde_json::from_value::<Token>(token).expect("a token")
    };
    let access = Access {
        tokens: vec![
            token("calls-0123456789", &["call"]),
            token("reads-0123456789", &["call", "subscribe:taps/*"]),
        ],
        ..Access::default()
    };
    let hub = TestHub::with(HubOptions::default(), access).await;
    let page = FakePage::attach(&hub, "g", &[]).await;
    publish(&hub, &page.id, "1-a", 1);
    for (secret, taps) in [("calls-0123456789", 0), ("reads-0123456789", 1)] {
        let client = hub
            .client()
            .with("authorization", &format!("Bearer {secret}"));
        for path in ["/v1/pages".to_owned(), format!("/v1/pages/{}", page.id)] {
            let answer = client.get(&path).await.json().await;
            let info = if path == "/v1/pages" {
                &answer["pages"][0]
            } else {
                &answer
            };
            assert_eq!(
                info["taps"].as_array().map(Vec::len),
                Some(taps),
                "{secret} {path}"
            );
        }
    }
}
