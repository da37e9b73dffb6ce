//! A page that finds our end in its document and sends whatever it likes: it gains what an attached page may do (`docs/protocol.md` §4 number 6), and
//! disturbs nobody else.

use std::collections::BTreeMap;

use http::StatusCode;
use pagewire_browser::UserScript;
use pagewire_testkit::{Site, chromium, is_long, until};
use serde_json::{Value, json};

use crate::driver::{DRIVEN, Driver, Tab};
use crate::stage::{Stage, exposed};

/// What the hostile page does. `raw` sends lines past the page script, through its own call of the binding.
const HOSTILE: &str = r#"<!doctype html><title>Hostile</title><script>
// Looked for when it is needed: a document may have begun before it was attached.
const receiver = () => globalThis[Object.getOwnPropertyNames(globalThis).find((name) => name.startsWith('__pagewire_'))];
const waiting = [], join = Array.prototype.join;
Array.prototype.join = function (separator) {
    const ours = separator === '\n' && this.length && typeof this[0] === 'string' && waiting.length;
    return ours ? waiting.shift() : join.call(this, separator);
};
const raw = async (text) => {
    waiting.push(text);
    receiver().link.expose('poke', () => 1);
    // What was said at once in answer to something delays the next text by a task.
    for (let i = 0; waiting.length && i < 100; i += 1) await new Promise((resolve) => setTimeout(resolve));
    return waiting.length === 0;
};
const hello = (params) => JSON.stringify({ jsonrpc: '2.0', id: 0, method: '$/hello', params: { functions: [], url: location.href, ...params } });
const notify = (method, params) => JSON.stringify({ jsonrpc: '2.0', method, params });
const ask = (id, method, params) => JSON.stringify({ jsonrpc: '2.0', id, method, params });
</script>"#;

const VICTIM: &str = "<!doctype html><title>Victim</title>";

struct Attack {
    stage: Stage,
    driver: Driver,
    tab: Tab,
    victim: String,
}

impl Attack {
    /// A tab of each, of two origins, in one group.
    async fn begin() -> Option<Self> {
        let chromium = chromium()?;
        let site = Site::start().await;
        site.page("/", VICTIM);
        site.page("/hostile", HOSTILE);
        let mut stage = Stage::start(&chromium, site, &[DRIVEN.to_owned()], |options| {
            options.expose = exposed(&["secret=() => 'kept'"]);
            options.scripts = vec![UserScript {
                name: "count.js".to_owned(),
                source: "let n = 0; pagewire.expose('count', () => n += 1);".to_owned(),
            }];
        })
        .await;
        let mut driver = stage.driver().await;
        let tab = driver.open(&stage.foreign_url("/hostile")).await;
        let victim = std::mem::take(&mut stage.page);
        stage.page = stage.page().await.to_string();
        driver.loaded(&tab).await;
        Some(Self {
            stage,
            driver,
            tab,
            victim,
        })
    }

    async fn run(&mut self, expression: &str) -> Value {
        self.driver.run(&self.tab, expression).await
    }

    /// Sends lines.
    async fn raw(&mut self, lines: &str) {
        assert_eq!(self.run(&format!("raw({lines})")).await, true, "{lines}");
    }

    /// What a function of a page answers, within the time that a call has.
    async fn ask(&self, function: &str, page: &str) -> Value {
        let path = format!("/v1/call/page/{function}?page={page}");
        let answer = self.stage.http.post(&path, "").await;
        let status = answer.status;
        let answer = answer.json().await;
        assert_eq!(status, StatusCode::OK, "{function}: {answer}");
        answer
    }

    /// The hostile page attached anew, with a document that has no history of attacks.
    async fn fresh(&mut self) {
        self.driver.send(&self.tab, "Page.reload", json!({})).await;
        let id = self.stage.page.clone();
        self.stage
            .report("the next document", |report| match report {
                pagewire_browser::Report::PageAttached { page, .. } if page.as_str() == id => {
                    Some(())
                }
                _ => None,
            })
            .await;
        self.driver.loaded(&self.tab).await;
    }

    /// The victim is as it was: the same document, one page, and it answers.
    async fn check(&self, what: &str) {
        assert_eq!(self.ask("secret", &self.victim).await, "kept", "{what}");
        let pages = self.stage.hub.hub.pages();
        let victims: Vec<_> = pages
            .iter()
            .filter(|page| page.id.as_str() == self.victim)
            .collect();
        assert_eq!(victims.len(), 1, "{what}");
        assert_eq!(victims[0].epoch, 1, "{what}");
        assert_eq!(
            victims[0].origin.as_deref(),
            Some(&*self.stage.site.origin),
            "{what}"
        );
        assert!(
            pages.iter().all(|page| page.group.as_str() == "page"),
            "{what}: {pages:?}"
        );
        assert!(pages.len() <= 2, "{what}: {pages:?}");
    }

    async fn topics(&self) -> Value {
        self.stage.http.get("/v1/topics").await.json().await["topics"].clone()
    }
}

#[tokio::test]
async fn it_cannot_be_another_page_or_of_another_group() {
    let Some(mut attack) = Attack::begin().await else {
        return;
    };
    let own = attack.stage.page.clone();
    let victim = attack.victim.clone();
    for params in [
        json!({ "group": "other", "page": own }),
        json!({ "group": "page", "page": victim }),
        json!({ "group": "page", "page": victim, "epoch": 1_000 }),
        json!({ "group": "page" }),
        json!({ "group": "page", "page": "p_mine" }),
        json!({}),
    ] {
        attack.raw(&format!("`+\n${{hello({params})}}`")).await;
        attack.check(&params.to_string()).await;
        let pages = attack.stage.hub.hub.pages();
        assert!(
            pages
                .iter()
                .all(|page| [&own, &victim].contains(&&page.id.to_string())),
            "{pages:?}"
        );
        attack.fresh().await;
    }
    attack.stage.close().await;
}

#[tokio::test]
async fn it_cannot_call_subscribe_or_publish_elsewhere() {
    let Some(mut attack) = Attack::begin().await else {
        return;
    };
    let asked = [
        ("page.secret", json!([])),
        ("page.count", json!([])),
        ("$/subscribe", json!({ "topic": "programs/orders" })),
        (
            "$/subscribe",
            json!({ "topic": format!("taps/{}/1-x", attack.victim) }),
        ),
        (
            "$/publish",
            json!({ "topic": "../programs/orders", "value": 1 }),
        ),
        (
            "$/publish",
            json!({ "topic": "/programs/orders", "value": 1 }),
        ),
        ("$/nothing", json!({})),
    ];
    let checks = u64::try_from(asked.len()).unwrap();
    for (method, params) in asked {
        attack
            .raw(&format!("ask(`forged`, {method:?}, {params})"))
            .await;
        attack.check(method).await;
    }
    attack
        .raw("notify('$/publish', { topic: 'programs/orders', value: 1 })")
        .await;
    let topics = until("its own topic", async || {
        let topics = attack.topics().await;
        (topics != json!([])).then_some(topics)
    })
    .await;
    assert_eq!(topics.as_array().unwrap().len(), 1, "{topics}");
    assert_eq!(topics[0]["topic"], "pages/page/programs/orders");
    let mut pages = attack.stage.hub.hub.pages().into_iter();
    let victim = pages.find(|page| page.id.as_str() == attack.victim);
    let calls = victim.unwrap().calls;
    assert_eq!(calls.ended, BTreeMap::from([("result", checks)]));
    for page in [&attack.victim, &attack.stage.page] {
        assert_eq!(
            attack.ask("count", page).await,
            1,
            "nobody called it before"
        );
    }
    attack.stage.close().await;
}

#[tokio::test]
async fn what_makes_no_sense_hurts_only_itself() {
    let Some(mut attack) = Attack::begin().await else {
        return;
    };
    for lines in [
        "'b%%%'",
        "'b'",
        "'bAAAA'",
        "'{'",
        "'{}'",
        "'zzz'",
        "'\\n\\n\\n'",
        "'d'",
        "'d{}'",
        "'d{\"id\":1,\"value\":1}'",
        "'t'",
        "'t{}'",
        "'t{\"id\":1,\"name\":\"add\",\"input\":{}}'",
        "'t{\"id\":1,\"cancel\":true}'",
        "'t{\"id\":1,\"name\":\"eval\",\"input\":\"1\"}'",
        "'-'",
        "'+-'",
        "'-\\n+\\n-'",
        "notify('$/bye', { reason: 'the browser is gone' })",
        "notify('$/notes', { notes: [{ code: 'paused', text: 'paused', blocks: true }] })",
        "notify('$/hello', {})",
        "hello({ group: 'page' })",
        "JSON.stringify({ jsonrpc: '2.0', id: 99, result: 1 })",
        "JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'page.secret', params: 7 })",
    ] {
        attack.raw(lines).await;
        attack.check(lines).await;
        attack.fresh().await;
    }
    attack.stage.close().await;
}

#[tokio::test]
async fn floods_do_not_drown_others() {
    let Some(mut attack) = Attack::begin().await else {
        return;
    };
    let count = if is_long() { 100_000 } else { 20_000 };
    let floods = [
        "notify('$/nothing', {})",
        "notify('$/publish', { topic: 'x', value: 1 })",
        "ask('a', 'page.secret', [])",
        "'+'",
        "'+\\n-'",
        "`+\\n${hello({ group: 'page', page: ID })}`",
        "'d{\"id\":1,\"value\":1}'",
        "'t{\"id\":1,\"name\":\"none\"}'",
        "'b%%%'",
    ];
    for line in floods {
        let line = line.replace("ID", &format!("{:?}", attack.stage.page));
        let lines = format!(
            "(() => {{ const line = {line}; return (line + '\\n').repeat({count}) + line; }})()"
        );
        attack.raw(&lines).await;
        attack.check(&line).await;
        attack.fresh().await;
    }
    attack.stage.close().await;
}

#[tokio::test]
async fn messages_without_end_close_its_own_link() {
    let Some(mut attack) = Attack::begin().await else {
        return;
    };
    for lines in [
        "notify('$/publish', { topic: 'x', value: 'x'.repeat(17 << 20) })",
        "'{' + 'x'.repeat(40 << 20)",
        "'b' + 'A'.repeat(60 << 20)",
        "'x'.repeat(100 << 20)",
        "('{' + 'x'.repeat(1 << 20) + '\\n').repeat(64)",
    ] {
        attack.raw(lines).await;
        attack.check(lines).await;
        attack.fresh().await;
    }
    attack.stage.close().await;
}
