//! Tools that a page registers through WebMCP are functions of the page.

use std::collections::BTreeSet;

use http::StatusCode;
use pagewire_browser::AttachOptions;
use pagewire_testkit::{Site, chromium, until};
use serde_json::json;

use crate::driver::DRIVEN;
use crate::stage::{Stage, exposed, told};

const TOOLS: &str = "<!doctype html><title>Tools</title><script>
const report = (value) => fetch('/report', { method: 'POST', body: JSON.stringify(value) });
const add = new AbortController();
const register = (name, execute, more = {}, options) => document.modelContext.registerTool(
    { name, description: `Does ${name}`, inputSchema: { type: 'object' }, execute, ...more }, options);
register('add', ({ a, b }) => a + b, {
    inputSchema: { type: 'object', properties: { a: { type: 'number' }, b: { type: 'number' } }, required: ['a', 'b'] },
}, { signal: add.signal });
register('echo', (input) => input);
register('text', () => 'a text');
register('throwText', async () => { await null; throw 'a text'; });
register('fail', () => { throw new TypeError('not today'); });
register('slow', (input, client) => new Promise(() => { report({ entered: true }); }));
for (const name of ['cart.add', 'cart_add', 'cart-add']) register(name, () => name);
globalThis.unregister = () => add.abort();
globalThis.more = (n) => { for (let i = 0; i < n; i += 1) register(`tool${i}`, () => i, {}, { signal: add.signal }); };
</script>";

async fn stage(html: &str, adjust: impl FnOnce(&mut AttachOptions)) -> Option<Stage> {
    let chromium = chromium()?;
    let site = Site::start().await;
    site.page("/", html);
    site.page("/other", "<!doctype html>");
    let flags = ["--enable-features=WebMCP", DRIVEN].map(str::to_owned);
    let stage = Stage::start(&chromium, site, &flags, |options| {
        options.expose = exposed(&["unregister=unregister", "more=more"]);
        adjust(options);
    })
    .await;
    stage.loaded().await;
    Some(stage)
}

impl Stage {
    fn functions(&self) -> BTreeSet<String> {
        let pages = self.hub.hub.pages();
        let functions = pages.iter().flat_map(|page| &page.functions);
        functions
            .map(|function| function.name.to_string())
            .collect()
    }

    /// Waits until the page has a function, or has it no more.
    async fn until_has(&self, name: &str, has: bool) {
        let what = format!("{name}: {has}");
        until(&what, async || {
            (self.functions().contains(name) == has).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn tools_are_called_with_an_object_and_answer_or_fail() {
    let Some(mut stage) = stage(TOOLS, |_| {}).await else {
        return;
    };
    stage.until_has("cart-add", true).await;
    assert_eq!(stage.answer("add", r#"[{"a":1,"b":2}]"#).await, 3);
    let input = json!({ "deep": [1, { "b": null }] });
    assert_eq!(stage.answer("echo", json!([input])).await, input);
    assert_eq!(stage.answer("echo", "").await, json!({}));
    assert_eq!(stage.answer("text", "").await, "a text");
    let bad = stage.call("add", r#"[{"a":"x","b":2}]"#).await;
    assert_eq!(
        bad.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "the schema is the tool's own"
    );
    for (function, why) in [
        ("fail", "Error: TypeError: not today"),
        ("throwText", "Error: \"a text\""),
    ] {
        let failed = stage.call(function, "").await;
        assert_eq!(failed.status, StatusCode::INTERNAL_SERVER_ERROR);
        let failed = failed.json().await;
        assert_eq!(failed["code"], "page_error", "{failed}");
        assert_eq!(failed["detail"], why, "{failed}");
    }
    let mut names = BTreeSet::new();
    for function in ["cart_add", "cart_add_2", "cart-add"] {
        names.insert(stage.answer(function, "").await.to_string());
    }
    let own = [r#""cart-add""#, r#""cart.add""#, r#""cart_add""#];
    assert_eq!(names, own.map(str::to_owned).into(), "each is called");
    // A caller that leaves.
    let http = stage.http.clone();
    let caller = tokio::spawn(async move { http.post("/v1/call/page/slow", "").await.status });
    told(&mut stage.site, "entered").await;
    caller.abort();
    until("the end of the call", async || {
        let page = &stage.hub.hub.pages()[0];
        (page.calls.in_flight == 0).then_some(())
    })
    .await;
    stage.answer("unregister", "").await;
    stage.until_has("add", false).await;
    stage.close().await;
}

/// As in `attach/tools.rs`.
const TOOLS_MAX: usize = 128;

#[tokio::test]
async fn as_many_tools_are_functions_as_there_may_be_and_one_more_is_not() {
    let html = TOOLS
        .replace("register('", "void ('")
        .replace("register(name, () => name)", "void name");
    let Some(stage) = stage(&html, |_| {}).await else {
        return;
    };
    stage.until_has("unregister", true).await;
    let others = stage.functions().len();
    stage.answer("more", json!([TOOLS_MAX + 1])).await;
    stage
        .until_has(&format!("tool{}", TOOLS_MAX - 1), true)
        .await;
    assert_eq!(stage.functions().len(), others + TOOLS_MAX);
    let last = stage.answer(&format!("tool{}", TOOLS_MAX - 1), "").await;
    assert_eq!(last, TOOLS_MAX - 1);
    assert!(!stage.functions().contains(&format!("tool{TOOLS_MAX}")));
    // Room is there again when tools are taken back.
    stage.answer("unregister", "").await;
    stage.until_has("tool0", false).await;
    stage.close().await;
}

#[tokio::test]
async fn tools_go_with_their_document_and_come_with_the_next_one() {
    let Some(mut stage) = stage(TOOLS, |_| {}).await else {
        return;
    };
    let mut driver = stage.driver().await;
    let tab = driver.tab_at(&stage.url("/")).await;
    stage.until_has("add", true).await;
    let other = stage.url("/other");
    driver.go(&tab, &other).await;
    stage.page().await;
    assert_eq!(
        stage.call("add", r#"[{"a":1,"b":2}]"#).await.status,
        StatusCode::NOT_FOUND
    );
    let first = stage.url("/");
    driver.go(&tab, &first).await;
    stage.page().await;
    stage.until_has("add", true).await;
    assert_eq!(stage.answer("add", r#"[{"a":1,"b":2}]"#).await, 3);
    stage.close().await;
}
