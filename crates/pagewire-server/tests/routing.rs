//! Which page takes a call, and what happens when it does not answer.

use std::collections::HashSet;

use pagewire_hub::{GroupPolicy, HubOptions, Routing};
use pagewire_testkit::{FakePage, Http, TestHub, call, problem, soon, until};
use serde_json::json;

/// Pages of group `g` that answer `f` with their own id.
async fn pages_that_answer(hub: &TestHub, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for _ in 0..count {
        let page = FakePage::attach(hub, "g", &["f"]).await;
        let id = page.id.clone();
        let answer = json!(id).to_string();
        tokio::spawn(page.serve(move |_, _| answer.clone()));
        ids.push(id);
    }
    ids
}

async fn who(client: &Http, query: &str) -> String {
    let response = client.post(&format!("/v1/call/g/f{query}"), "").await;
    assert_eq!(response.status, 200);
    let page = response.header("pagewire-page").to_owned();
    assert_eq!(response.json().await, json!(page), "the header tells who");
    page
}

#[tokio::test]
async fn a_key_keeps_its_page() {
    let hub = TestHub::start().await;
    let ids = pages_that_answer(&hub, 5).await;
    let client = hub.client();
    let mut used = HashSet::new();
    for user in 0..20 {
        let query = format!("?key=user%20{user}");
        let first = who(&client, &query).await;
        assert_eq!(who(&client, &query).await, first);
        used.insert(first);
    }
    assert!(used.len() > 1, "not all keys belong to one of {ids:?}");
    let both = client.post("/v1/call/g/f?key=a&page=b", "").await;
    assert_eq!(both.status, 400);
}

#[tokio::test]
async fn round_robin_takes_turns() {
    let options = HubOptions {
        groups: GroupPolicy {
            routing: Routing::RoundRobin,
            ..GroupPolicy::default()
        },
        ..HubOptions::default()
    };
    let hub = TestHub::with_options(options).await;
    let ids = pages_that_answer(&hub, 3).await;
    let client = hub.client();
    for round in 0..2 {
        for id in &ids {
            assert_eq!(who(&client, "").await, *id, "round {round}");
        }
    }
}

#[tokio::test]
async fn a_draining_page_gets_no_new_calls_and_is_detached_when_idle() {
    let hub = TestHub::start().await;
    let client = hub.client();
    let mut busy = FakePage::attach(&hub, "g", &["f"]).await;
    let long = call(&client, "/v1/call/g/f", "");
    let id = busy.next_call("f").await;
    let path = format!("/v1/pages/{}", busy.id);
    assert_eq!(client.post(&format!("{path}/drain"), "").await.status, 204);
    assert_eq!(
        client.get(&path).await.json().await["draining"],
        json!(true)
    );
    let (status, body) = problem(call(&client, "/v1/call/g/f", "")).await;
    assert_eq!((status, &body["code"]), (429, &json!("overloaded")));
    assert!(body["detail"].as_str().unwrap().contains("drained"));
    let others = pages_that_answer(&hub, 1).await;
    for _ in 0..5 {
        assert_eq!(who(&client, "").await, others[0]);
    }

    let detach = {
        let (client, path) = (client.clone(), path.clone());
        tokio::spawn(async move {
            client
                .send(http::Method::DELETE, &format!("{path}?grace=1m"), "")
                .await
                .status
        })
    };
    busy.answer(id, "1").await;
    assert_eq!(soon("the answer", long).await.expect("no panic").1, "1");
    assert_eq!(soon("the end", detach).await.expect("no panic"), 204);
    assert_eq!(busy.closed().await.map(|(code, _)| code), Some(4410));
    for change in ["drain", "resume"] {
        let gone = client.post(&format!("{path}/{change}"), "").await;
        assert_eq!(gone.status, 404, "{change}");
    }
}

#[tokio::test]
async fn a_drained_page_comes_back() {
    let hub = TestHub::start().await;
    let ids = pages_that_answer(&hub, 1).await;
    let client = hub.client();
    let path = format!("/v1/pages/{}", ids[0]);
    client.post(&format!("{path}/drain"), "").await;
    assert_eq!(client.post("/v1/call/g/f", "").await.status, 429);
    assert_eq!(who(&client, &format!("?page={}", ids[0])).await, ids[0]);
    assert_eq!(client.post(&format!("{path}/resume"), "").await.status, 204);
    assert_eq!(who(&client, "").await, ids[0]);
}

#[tokio::test]
async fn an_idempotent_call_is_given_to_another_page_when_the_first_is_lost() {
    for (query, idempotent, answered) in [
        ("", false, false),
        ("?idempotent=true", false, true),
        ("", true, true),
        ("?key=k", true, true),
        ("?key=k&idempotent=false", false, false),
    ] {
        let hub = TestHub::start().await;
        let hello = json!({"group": "g", "functions": [{"name": "f", "idempotent": idempotent}]});
        let mut first = FakePage::attach_with(&hub, hello.clone()).await;
        let asked = call(&hub.client(), &format!("/v1/call/g/f{query}"), "[1]");
        first.next_call("f").await;
        let mut second = FakePage::attach_with(&hub, hello).await;
        drop(first);
        if answered {
            let id = second.next_call("f").await;
            second.answer(id, "2").await;
            let (status, text) = soon("the answer", asked).await.expect("no panic");
            assert_eq!((status.as_u16(), text.as_str()), (200, "2"), "{query}");
            assert_eq!(hub.hub.metrics().retries, 1);
        } else {
            let (status, body) = problem(asked).await;
            assert_eq!((status, &body["code"]), (502, &json!("page_gone")));
        }
    }
}

#[tokio::test]
async fn a_call_is_given_to_two_more_pages_at_most() {
    let hub = TestHub::start().await;
    let mut pages = Vec::new();
    for _ in 0..4 {
        pages.push(FakePage::attach(&hub, "g", &["f"]).await);
    }
    let last = pages.pop().expect("four pages");
    let asked = call(&hub.client(), "/v1/call/g/f?idempotent=true", "");
    for mut page in pages {
        page.next_call("f").await;
        drop(page);
    }
    let (status, body) = problem(asked).await;
    assert_eq!((status, &body["code"]), (502, &json!("page_gone")));
    assert_eq!(hub.hub.metrics().retries, 2);
    drop(last);
}

#[tokio::test]
async fn a_call_that_names_its_page_is_never_given_to_another() {
    let hub = TestHub::start().await;
    let mut first = FakePage::attach(&hub, "g", &["f"]).await;
    let _second = FakePage::attach(&hub, "g", &["f"]).await;
    let path = format!("/v1/call/g/f?page={}&idempotent=true", first.id);
    let asked = call(&hub.client(), &path, "");
    first.next_call("f").await;
    drop(first);
    assert_eq!(problem(asked).await.0, 502);
}

#[tokio::test]
async fn a_page_that_times_out_three_times_is_asked_last_until_it_answers() {
    let hub = TestHub::start().await;
    let client = hub.client();
    let mut silent = FakePage::attach(&hub, "g", &["f"]).await;
    let path = format!("/v1/call/g/f?page={}&timeout=30ms", silent.id);
    for _ in 0..3 {
        let (status, _) = problem(call(&client, &path, "")).await;
        assert_eq!(status, 504);
        silent.next_call("f").await;
        assert_eq!(silent.next().await["method"], "$/cancel");
    }
    let health = client.get(&format!("/v1/pages/{}", silent.id)).await;
    let health = &health.json().await["health"];
    assert_eq!(
        (&health["timeouts_in_row"], &health["asked_last"]),
        (&json!(3), &json!(true))
    );
    let others = pages_that_answer(&hub, 1).await;
    for _ in 0..5 {
        assert_eq!(who(&client, "").await, others[0]);
    }
    let named = call(&client, &format!("/v1/call/g/f?page={}", silent.id), "");
    let id = silent.next_call("f").await;
    silent.answer(id, "null").await;
    assert_eq!(named.await.expect("no panic").0, 200);
    let info = until("the page to be trusted again", async || {
        let pages = hub.hub.pages();
        pages.into_iter().find(|page| page.id.as_str() == silent.id)
    })
    .await;
    assert!(!info.health.asked_last);
}
