//! Functions without a change of the page: `--expose` and `--script`.

use http::StatusCode;
use pagewire_browser::{AttachOptions, Report, UserScript, WantedPage};
use pagewire_testkit::{Site, chromium};
use serde_json::{Value, json};

use crate::driver::DRIVEN;
use crate::stage::{Stage, exposed};

async fn stage(html: &str, adjust: impl FnOnce(&mut AttachOptions)) -> Option<Stage> {
    let chromium = chromium()?;
    let site = Site::start().await;
    site.page("/", html);
    let stage = Stage::start(&chromium, site, &[DRIVEN.to_owned()], adjust).await;
    stage.loaded().await;
    Some(stage)
}

const SHOP: &str = "<!doctype html><title>Shop</title><script>
    function add(a, b) { return a + b; }
    const lexical = (x) => x * 2;
    class Signer { #key = 7; sign(text) { return `${text}:${this.#key}`; } }
    globalThis.app = { api: new Signer(), price: 12.5, later: undefined };
    globalThis.签名 = () => '好';
    </script>";

const EXPRESSIONS: [&str; 14] = [
    "add=add",
    "lexical=lexical",
    "sign=app.api.sign",
    "index=app['api'].sign.bind(app.api)",
    "arrow=(a, b = 1) => a - b",
    "slow=async (x) => { await null; return x + 1; }",
    "title=document.title",
    "price=app.price",
    "made=new Map([[1, 2]]).get",
    "签名=签名",
    "rows=function* (n) { for (let i = 0; i < n; i += 1) yield i; }",
    "commented=add // adds",
    "missing=app.later.deep",
    "unknown=nowhere",
];

#[tokio::test]
async fn any_expression_of_a_page_becomes_a_function() {
    let Some(stage) = stage(SHOP, |options| options.expose = exposed(&EXPRESSIONS)).await else {
        return;
    };
    let cases = [
        ("add", json!([1, 2]), json!(3)),
        ("lexical", json!([4]), json!(8)),
        ("sign", json!(["a"]), json!("a:7")),
        ("index", json!(["b"]), json!("b:7")),
        ("arrow", json!([5]), json!(4)),
        ("arrow", json!([5, 3]), json!(2)),
        ("slow", json!([1]), json!(2)),
        ("title", json!([]), json!("Shop")),
        ("price", json!([]), json!(12.5)),
        ("%E7%AD%BE%E5%90%8D", json!([]), json!("好")),
        ("commented", json!([2, 2]), json!(4)),
    ];
    for (function, arguments, expected) in cases {
        assert_eq!(
            stage.answer(function, arguments).await,
            expected,
            "{function}"
        );
    }
    let rows = stage.call("rows", "[3]").await.text().await;
    assert_eq!(rows, "0\n1\n2\n");
    let errors = [
        (
            "missing",
            "TypeError: Cannot read properties of undefined (reading 'deep')",
        ),
        ("unknown", "ReferenceError: nowhere is not defined"),
        (
            "made",
            "TypeError: Method Map.prototype.get called on incompatible receiver undefined",
        ),
    ];
    for (function, expected) in errors {
        let answer = stage.call(function, "[1]").await;
        assert_eq!(
            answer.status,
            StatusCode::INTERNAL_SERVER_ERROR,
            "{function}"
        );
        let problem = answer.json().await;
        assert_eq!(problem["detail"], expected, "{function}: {problem}");
        let stack = problem["error"]["data"]["stack"].as_str().unwrap();
        assert!(stack.contains("\n    at "), "{stack}");
    }
    stage.close().await;
}

#[tokio::test]
async fn an_expression_may_come_into_being_and_change_after_the_page_was_loaded() {
    let html = "<!doctype html><script>
        globalThis.begin = (n) => { globalThis.app = { next: () => n }; };
        </script>";
    let list = ["begin=begin", "next=app.next"];
    let Some(stage) = stage(html, |options| options.expose = exposed(&list)).await else {
        return;
    };
    let problem = stage.call("next", "").await.json().await;
    assert_eq!(problem["detail"], "ReferenceError: app is not defined");
    for n in [1, 2] {
        stage.answer("begin", json!([n])).await;
        assert_eq!(stage.answer("next", "").await, n);
    }
    stage.close().await;
}

/// Texts that people get wrong, among others.
const WRONG: [&str; 6] = [
    "broken=(x",
    "closed=add) + (1",
    "opened=1] + [2",
    "add=(a, b) => a + b",
    "two=1; 2",
    "last=(1, 2), 3",
];

const WRONG_SCRIPTS: [(&str, &str); 5] = [
    ("broken.js", "pagewire.expose('never', () => 1;"),
    (
        "throws.js",
        "pagewire.expose('before', () => 1); nowhere();",
    ),
    ("name.js", "pagewire.expose('not a name', () => 1);"),
    ("good.js", "pagewire.expose('good', () => 'yes');"),
    (
        "later.js",
        "await null; pagewire.expose('later', () => 'yes');",
    ),
];

#[tokio::test]
async fn what_cannot_be_parsed_is_told_and_hurts_no_other() {
    let Some(chromium) = chromium() else { return };
    let site = Site::start().await;
    site.page("/", "<!doctype html><title>Wrong</title>");
    let url = format!("{}/", site.origin);
    let mut stage = Stage::browse(&chromium, site, &[DRIVEN.to_owned()], |options| {
        options.pages = vec![WantedPage::new(url)];
        options.expose = exposed(&WRONG);
        let script = |(name, source): (&str, &str)| UserScript {
            name: name.to_owned(),
            source: source.to_owned(),
        };
        options.scripts = WRONG_SCRIPTS.map(script).to_vec();
    })
    .await;
    for what in [
        "--expose broken",
        "--expose closed",
        "--expose opened",
        "--expose two",
        "--script broken.js",
    ] {
        let told = stage.report("a problem", |report| match report {
            Report::Problem { text } => Some(text),
            _ => None,
        });
        let told = told.await;
        let head = format!("{what} cannot be parsed, so it does nothing: SyntaxError: ");
        assert!(told.starts_with(&head) && told.len() > head.len(), "{told}");
    }
    stage.page().await;
    stage.loaded().await;
    assert_eq!(stage.answer("add", "[1,2]").await, 3);
    for function in ["good", "later"] {
        assert_eq!(stage.answer(function, "").await, "yes", "{function}");
    }
    assert_eq!(stage.answer("before", "").await, 1);
    let last = stage.answer("last", "").await;
    assert_eq!(last, 3, "as the comma of JavaScript has it");
    let functions = stage.hub.hub.pages()[0].functions.clone();
    let mut names: Vec<_> = functions.iter().map(|one| one.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["add", "before", "good", "last", "later"]);
    stage.close().await;
}

#[tokio::test]
async fn a_script_of_the_user_streams_publishes_and_takes_back() {
    let source = "
        const list = [];
        pagewire.expose('push', (value) => list.push(value), { description: 'Adds', params: { value: { type: 'number' } }, idempotent: true });
        const back = pagewire.expose('gone', () => 1);
        pagewire.expose('takeBack', () => back());
        pagewire.expose('tell', async (value) => (await pagewire.publish('list', value)).seq);
        pagewire.expose('all', function* () { yield* list; });";
    let adjust = |options: &mut AttachOptions| {
        options.scripts = vec![UserScript {
            name: "list.js".to_owned(),
            source: source.to_owned(),
        }];
    };
    let Some(stage) = stage("<!doctype html>", adjust).await else {
        return;
    };
    for n in 1..=3 {
        assert_eq!(stage.answer("push", json!([n])).await, n);
    }
    let bad = stage.call("push", r#"["text"]"#).await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(stage.call("all", "").await.text().await, "1\n2\n3\n");
    assert_eq!(stage.answer("tell", r#"[{"a":1}]"#).await, 1);
    let kept = stage.http.get("/v1/topics/pages/page/list").await;
    assert_eq!(kept.json().await["records"][0]["value"], json!({"a": 1}));
    assert_eq!(stage.answer("gone", "").await, 1);
    stage.answer("takeBack", "").await;
    assert_eq!(stage.call("gone", "").await.status, StatusCode::NOT_FOUND);
    let page: Value = stage
        .http
        .get(&format!("/v1/pages/{}", stage.page))
        .await
        .json()
        .await;
    let push = page["functions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == "push");
    assert_eq!(push.unwrap()["description"], "Adds", "{page}");
    stage.close().await;
}
