//! How a page attaches, from wherever it runs, comes back and goes.

use http::{Method, StatusCode};
use pagewire_testkit::chromium;

use crate::stage::{Stage, text, told};

#[tokio::test]
async fn functions_come_and_go_while_attached() {
    let Some(chromium) = chromium() else { return };
    let stage = Stage::open(&chromium).await;
    let status = async |function: &str| stage.call(function, "").await.status;
    assert_eq!(status("fresh").await, StatusCode::NOT_FOUND);
    stage.answer("expose", r#"["fresh","first"]"#).await;
    assert_eq!(stage.answer("fresh", "").await, "first");
    stage.answer("expose", r#"["fresh","second"]"#).await;
    assert_eq!(stage.answer("fresh", "").await, "second");
    stage.answer("takeBack", r#"["first"]"#).await;
    assert_eq!(
        stage.answer("fresh", "").await,
        "second",
        "what was replaced takes nothing back"
    );
    stage.answer("takeBack", r#"["second"]"#).await;
    assert_eq!(status("fresh").await, StatusCode::NOT_FOUND);
    stage.close().await;
}

#[tokio::test]
async fn the_console_prints_the_command_that_calls_a_function() {
    let Some(chromium) = chromium() else { return };
    let stage = Stage::open(&chromium).await;
    let hub = stage.relay.http_url();
    let said = stage.answer("said", "").await;
    let expected = format!("curl {hub}/v1/call/page/add -d '[1,1]'");
    let said: Vec<_> = said.as_array().expect("lines").iter().map(text).collect();
    assert!(said.contains(&expected), "{said:?}");
    let exposed = stage.hub.hub.pages()[0].functions.len();
    let commands = said.iter().filter(|line| line.starts_with("curl "));
    assert_eq!(commands.count(), exposed, "{said:?}");
    assert_eq!(said.len(), exposed, "nothing else is said: {said:?}");

    stage.answer("expose", r#"["新","fresh"]"#).await;
    let said = stage.answer("said", "").await;
    let expected = format!("curl {hub}/v1/call/page/%E6%96%B0 -d '[]'");
    assert_eq!(said[exposed], expected);
    assert_eq!(stage.answer("%E6%96%B0", "[]").await, "fresh");
    stage.close().await;
}

#[tokio::test]
async fn modules_and_workers_attach_too() {
    let Some(chromium) = chromium() else { return };
    let module = include_str!("../pages/module.html").replace("{{options}}", r#"url: "{{hub}}","#);
    let worker = include_str!("../pages/worker.html");
    for html in [&module, worker] {
        let stage = Stage::show(&chromium, html, &[]).await;
        assert_eq!(stage.answer("add", "[1,2]").await, 3);
        stage.close().await;
    }
}

/// `types.d.ts` promises it: `url` is by default the hub that served the script.
#[tokio::test]
async fn a_module_knows_the_hub_that_served_it() {
    let Some(chromium) = chromium() else { return };
    let html = include_str!("../pages/module.html").replace("{{options}}", "");
    let stage = Stage::show(&chromium, &html, &[]).await;
    assert_eq!(stage.answer("add", "[1,2]").await, 3);
    stage.close().await;
}

#[tokio::test]
async fn a_reload_keeps_the_page_id_and_grows_the_epoch() {
    let Some(chromium) = chromium() else { return };
    let mut stage = Stage::open(&chromium).await;
    let http = stage.http.clone();
    let waiting = tokio::spawn(async move { http.post("/v1/call/page/wait", "").await });
    told(&mut stage.site, "entered").await;
    let mut epochs = vec![epoch(&stage)];
    for _ in 0..3 {
        stage.answer("reload", "").await;
        assert_eq!(told(&mut stage.site, "opened").await, stage.page);
        epochs.push(epoch(&stage));
        assert_eq!(stage.answer("add", "[1,2]").await, 3);
    }
    assert!(epochs.is_sorted_by(|a, b| a < b), "{epochs:?}");
    let cut = waiting.await.expect("no panic");
    assert_eq!(cut.status, StatusCode::BAD_GATEWAY);
    assert_eq!(cut.json().await["code"], "page_gone");
    assert_eq!(stage.hub.hub.pages().len(), 1);
    stage.close().await;
}

#[tokio::test]
async fn a_lost_link_is_taken_up_again() {
    let Some(chromium) = chromium() else { return };
    let mut stage = Stage::open(&chromium).await;
    let mut epochs = vec![epoch(&stage)];
    for _ in 0..3 {
        let http = stage.http.clone();
        let waiting = tokio::spawn(async move { http.post("/v1/call/page/wait", "").await });
        told(&mut stage.site, "entered").await;
        stage.relay.cut();
        let cut = waiting.await.expect("no panic");
        assert_eq!(cut.json().await["code"], "page_gone");
        assert_eq!(told(&mut stage.site, "aborted").await, "AbortError");
        stage.relay.mend();
        assert_eq!(told(&mut stage.site, "opened").await, stage.page);
        epochs.push(epoch(&stage));
        assert_eq!(stage.answer("add", "[1,2]").await, 3);
    }
    assert!(epochs.is_sorted_by(|a, b| a < b), "{epochs:?}");
    stage.close().await;
}

fn epoch(stage: &Stage) -> u64 {
    let pages = stage.hub.hub.pages();
    pages
        .iter()
        .find(|page| page.id.as_str() == stage.page)
        .expect("the page is attached")
        .epoch
}

#[tokio::test]
async fn a_page_that_is_to_stay_away_does() {
    let Some(chromium) = chromium() else { return };
    for leaves_by_itself in [true, false] {
        let html = include_str!("../pages/functions.html");
        let mut stage = Stage::show(&chromium, html, &[]).await;
        stage.answer("hurry", "").await;
        if leaves_by_itself {
            stage.answer("close", "").await;
        } else {
            let path = format!("/v1/pages/{}", stage.page);
            let detached = stage.http.send(Method::DELETE, &path, "").await;
            assert_eq!(detached.status, StatusCode::NO_CONTENT);
        }
        let code = told(&mut stage.site, "rested").await;
        assert_eq!(code, if leaves_by_itself { 1000 } else { 4410 });
        assert_eq!(stage.hub.hub.pages().len(), 0);
        stage.close().await;
    }
}

#[tokio::test]
async fn a_duplicated_tab_becomes_a_page_of_its_own() {
    let Some(chromium) = chromium() else { return };
    let html = include_str!("../pages/functions.html");
    let mut stage = Stage::show(&chromium, html, &["--disable-popup-blocking"]).await;
    stage.answer("duplicate", "").await;
    // The twin brings the same id and takes it over; the first tab is told `replaced` and comes back as somebody else.
    assert_eq!(told(&mut stage.site, "opened").await, stage.page);
    let other = text(&told(&mut stage.site, "opened").await);
    assert_ne!(other, stage.page);
    let mut ids: Vec<_> = stage
        .hub
        .hub
        .pages()
        .into_iter()
        .map(|page| page.id.to_string())
        .collect();
    let mut expected = vec![stage.page.clone(), other];
    ids.sort();
    expected.sort();
    assert_eq!(ids, expected);
    let mut tabs = Vec::new();
    for id in &ids {
        let response = stage
            .http
            .post(&format!("/v1/call/page/tab?page={id}"), "")
            .await;
        tabs.push(response.text().await);
    }
    assert_ne!(tabs[0], tabs[1], "each id is another tab");
    stage.close().await;
}
