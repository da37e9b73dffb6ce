//! Which pages are attached, how they fare, and who was turned away.

use std::collections::BTreeMap;

use pagewire_rpc::Note;
use serde::Deserialize;

use super::hub::{Hub, Problem, Refusal, Status, read};
use super::report::{Check, State, length};

/// A main thread that answers later than this is busy or throttled, in milliseconds.
const SLOW_MS: u64 = 500;
/// Two heartbeats of the default length, in milliseconds: a page that is silent for longer is about to be lost.
const SILENT_MS: u64 = 30_000;

#[derive(Debug, Deserialize)]
struct Listing {
    pages: Vec<Page>,
}

#[derive(Debug, Deserialize)]
struct Page {
    id: String,
    group: String,
    url: String,
    functions: Vec<Function>,
    calls: Calls,
    #[serde(default)]
    draining: bool,
    health: Health,
    #[serde(default)]
    notes: Vec<Note>,
}

#[derive(Debug, Deserialize)]
struct Function {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Calls {
    in_flight: usize,
    queued: usize,
    ended: BTreeMap<String, u64>,
}

#[derive(Debug, Deserialize)]
struct Health {
    responsive: bool,
    #[serde(default)]
    lag_ms: Option<u64>,
    #[serde(default)]
    hidden: Option<bool>,
    silent_ms: u64,
    #[serde(default)]
    timeouts_in_row: u32,
    #[serde(default)]
    asked_last: bool,
}

pub(crate) async fn pages(hub: &Hub<'_>) -> Vec<Check> {
    let reply = hub.get("/v1/pages").await.ok();
    if let Some(listing) = reply.as_ref().and_then(read::<Listing>) {
        return judge(&listing.pages);
    }
    let problem = reply.as_ref().and_then(read::<Problem>);
    vec![
        Check::new(
            "pages",
            State::Warn,
            "which pages are attached is not to be seen",
            "无法查看已接入的网页",
        )
        .why(problem.map_or_else(String::new, |problem| problem.detail)),
    ]
}

fn judge(pages: &[Page]) -> Vec<Check> {
    if pages.is_empty() {
        return vec![
            Check::new("pages", State::Warn, "no page is attached", "没有网页接入")
                .todo("paste the snippet that pagewire serve prints into a page's console (F12)")
                .todo("pagewire doctor --page URL   says whether that page would attach"),
        ];
    }
    let mut groups: BTreeMap<&str, usize> = BTreeMap::new();
    for page in pages {
        *groups.entry(&page.group).or_default() += 1;
    }
    let groups: Vec<_> = groups
        .iter()
        .map(|(group, n)| format!("{group} ({n})"))
        .collect();
    let summary = Check::new(
        "pages",
        State::Ok,
        format!("{} attached, by group: {}", pages.len(), groups.join(", ")),
        format!("已接入 {} 个网页", pages.len()),
    );
    std::iter::once(summary)
        .chain(pages.iter().flat_map(Page::checks))
        .collect()
}

impl Page {
    /// How it fares, and what whoever attached it knows of it.
    fn checks(&self) -> Vec<Check> {
        let notes = self.notes.iter().map(|note| self.noted(note));
        std::iter::once(self.check()).chain(notes).collect()
    }

    fn noted(&self, note: &Note) -> Check {
        let state = if note.blocks { State::Bad } else { State::Warn };
        let check = self.say(
            state,
            note.words(),
            &format!("接入方的说明（{}）", note.code),
        );
        let todo = match note.code.as_str() {
            "paused" => Some("go on in the debugger of its tab (F8), or close its DevTools"),
            // The words of the note say what there is to say.
            _ => None,
        };
        let check = check.todos(todo);
        if note.blocks {
            check.why("it does not answer calls as long as this is so; they time out")
        } else {
            check
        }
    }

    fn check(&self) -> Check {
        self.silence()
            .or_else(|| self.duty())
            .or_else(|| self.slowness())
            .unwrap_or_else(|| self.readiness())
    }

    fn say(&self, state: State, what: &str, zh: &str) -> Check {
        let Self { id, group, url, .. } = self;
        // Programs that attach as pages have no address.
        let place = if url.is_empty() { "" } else { ", " };
        Check::new(
            "page",
            state,
            format!("{id}, group {group}{place}{url}: {what}"),
            format!("{id}：{zh}"),
        )
    }

    /// Nothing comes from it.
    fn silence(&self) -> Option<Check> {
        if !self.health.responsive {
            let check = self.say(State::Bad, "its JavaScript does not answer", "脚本没有响应");
            return Some(check
                .why("its main thread is blocked: a dialog, a breakpoint, a long loop, or a tab that the browser froze; calls to it time out")
                .todo("look at the tab: close the dialog, go on in the debugger, or bring it to the front"));
        }
        if self.health.silent_ms <= SILENT_MS {
            return None;
        }
        let what = format!("nothing came from it for {}", length(self.health.silent_ms));
        let check = self.say(State::Warn, &what, "长时间没有消息");
        Some(
            check
                .why("the connection is half open, or the machine slept; the hub closes it soon")
                .todo("reload the page if it does not come back by itself"),
        )
    }

    /// It gets no calls, or is the last one to get any.
    fn duty(&self) -> Option<Check> {
        if self.draining {
            let what = "draining: it gets no new calls but those that name it";
            let check = self.say(State::Warn, what, "排空中：不再接收新的调用");
            return Some(check
                .why("somebody asked for that, as before a reload; calls to its group go to other pages, or fail where it is the last one")
                .todo(format!("pagewire pages --resume {0}   gives it calls again; --detach {0} lets it go", self.id)));
        }
        if !self.health.asked_last {
            return None;
        }
        let what = format!(
            "{} calls in a row timed out: it is asked only when no other page of its group can be",
            self.health.timeouts_in_row
        );
        let check = self.say(State::Warn, &what, "连续超时，只在没有其他网页时才会被调用");
        Some(check
            .why(self.why_slow())
            .todo("look at the tab, or reload it; without that it gets another chance every 30 s, and one answer in time makes it well")
            .todo("if the function just takes long: pagewire call … --timeout 2m"))
    }

    /// It answers late, or did.
    fn slowness(&self) -> Option<Check> {
        let ended = &self.calls.ended;
        let timeouts = ended.get("timeout").copied().unwrap_or(0);
        if timeouts > 0 {
            let what = format!(
                "{timeouts} of {} calls ended without an answer in time, {} of them just now in a row",
                ended.values().sum::<u64>(),
                self.health.timeouts_in_row
            );
            let check = self.say(State::Warn, &what, "有调用超时");
            return Some(
                check
                    .why(self.why_slow())
                    .todo("pagewire call … --timeout 2m, or let the function answer sooner"),
            );
        }
        let lag = self.health.lag_ms.unwrap_or(0);
        if lag <= SLOW_MS && self.health.hidden != Some(true) {
            return None;
        }
        let what = format!("in the background or busy: answers after {lag} ms");
        let check = self.say(State::Warn, &what, "在后台或繁忙");
        Some(check.why(self.why_slow()).todo(
            "give the tab a window of its own, or start the browser with --disable-background-timer-throttling",
        ))
    }

    fn readiness(&self) -> Check {
        let functions: Vec<_> = self.functions.iter().map(|f| f.name.as_str()).collect();
        if functions.is_empty() {
            return self
                .say(State::Warn, "it exposes no function", "没有暴露任何函数")
                .todo("in its console: pw.expose(\"title\", () => document.title)");
        }
        let what = format!(
            "answers; functions: {}; {} calls under way, {} wait",
            functions.join(", "),
            self.calls.in_flight,
            self.calls.queued
        );
        self.say(State::Ok, &what, "正常")
    }

    fn why_slow(&self) -> &'static str {
        if self.health.hidden == Some(true) {
            "the tab is hidden: browsers slow its timers down to once a second, later once a minute"
        } else {
            "the functions take long, or the page's main thread is busy"
        }
    }
}

pub(crate) fn refusals(status: &Status) -> Vec<Check> {
    if status.refusals.is_empty() {
        return vec![Check::new(
            "refusals",
            State::Ok,
            "the hub has refused nothing in this run",
            "本次运行没有拒绝过任何请求",
        )];
    }
    let forgotten = (status.refusals_forgotten > 0).then(|| {
        let count = status.refusals_forgotten;
        Check::new(
            "refused",
            State::Warn,
            format!("{count} older refusals are not told apart any more"),
            format!("另有 {count} 次较早的拒绝"),
        )
    });
    let shown = status
        .refusals
        .iter()
        .map(|refusal| refusal.check(status.now_ms));
    shown.chain(forgotten).collect()
}

impl Refusal {
    fn check(&self, now_ms: u64) -> Check {
        let ago = length(now_ms.saturating_sub(self.last_ms));
        let times = match self.count {
            1 => "once".to_owned(),
            n => format!("{n} times"),
        };
        let check = Check::new(
            "refused",
            State::Warn,
            format!("{} ({}, {times}, last {ago} ago)", self.reason, self.asked),
            format!("{}：{} 次，最近在 {ago} 前", self.seen_zh(), self.count),
        )
        .why(self.advice.as_str());
        let flag = self.flag.as_ref();
        check
            .todos(flag.map(|flag| format!("pagewire serve {flag}")))
            .todos(self.todo().iter().copied())
    }

    /// What to type where no flag by itself helps.
    fn todo(&self) -> &'static [&'static str] {
        match self.code.as_str() {
            "token_required" => &[
                "PAGEWIRE_TOKEN=SECRET pagewire …   or, in a program, the header Authorization: Bearer SECRET",
            ],
            "token_required_outside" => &[
                "in whoever asked: the header Authorization: Bearer SECRET   (pagewire serve --token SECRET=call:GROUP/* makes one)",
                "if the proxy is yours and on this machine: pagewire serve --trust-proxy loopback --public-url https://HOST/PATH",
            ],
            // The advice says it all.
            _ => &[],
        }
    }

    fn seen_zh(&self) -> String {
        let from = self.from.as_deref().unwrap_or_default();
        match self.code.as_str() {
            "origin_not_allowed" => format!("来源 {from} 未被允许"),
            "origin_not_plain" => format!("来源 {from} 不能打开普通 WebSocket"),
            "token_required_outside" => "来自代理或其他机器的请求没有令牌".into(),
            "origin_attaches_only" => format!("来源 {from} 只能接入，不能调用或订阅"),
            "origin_null" => "没有来源的网页（沙箱、data:、file:）只能使用令牌".into(),
            "origin_untold" => "其他网页通过链接、图片或框架发来的请求".into(),
            "wrong_host" => format!("主机名 {from:?} 不属于本 hub"),
            "token_unknown" => "未知的令牌".into(),
            "token_required" => "缺少令牌".into(),
            "hello_refused" => "网页未能加入分组".into(),
            // A newer hub may know more reasons.
            _ => "已拒绝".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn page(changes: serde_json::Value) -> Page {
        let mut page = json!({"id": "p", "group": "g", "url": "u", "functions": [{"name": "f"}],
            "draining": false, "notes": [],
            "calls": {"in_flight": 0, "queued": 0, "ended": {}},
            "health": {"responsive": true, "lag_ms": 1, "hidden": false, "silent_ms": 5, "timeouts_in_row": 0, "asked_last": false}});
        for (path, value) in changes.as_object().expect("an object") {
            *page.pointer_mut(path).expect("a member") = value.clone();
        }
        serde_json::from_value(page).expect("a page")
    }

    #[test]
    fn pages_are_judged_by_how_they_fare() {
        let cases = [
            (json!({}), "\"ok\"", "functions: f"),
            (
                json!({"/health/responsive": false}),
                "\"bad\"",
                "does not answer",
            ),
            (json!({"/health/silent_ms": SILENT_MS}), "\"ok\"", "answers"),
            (
                json!({"/health/silent_ms": SILENT_MS + 1}),
                "\"warn\"",
                "nothing came",
            ),
            (
                json!({"/calls/ended": {"timeout": 2, "result": 1}}),
                "\"warn\"",
                "2 of 3 calls",
            ),
            (json!({"/draining": true}), "\"warn\"", "--resume p "),
            (
                json!({"/health/asked_last": true, "/health/timeouts_in_row": 3}),
                "\"warn\"",
                "3 calls in a row",
            ),
            (
                json!({"/health/hidden": true}),
                "\"warn\"",
                "the tab is hidden",
            ),
            (json!({"/health/lag_ms": SLOW_MS}), "\"ok\"", "answers"),
            (
                json!({"/health/lag_ms": SLOW_MS + 1}),
                "\"warn\"",
                "main thread is busy",
            ),
            (json!({"/functions": []}), "\"warn\"", "exposes no function"),
        ];
        for (changes, state, words) in cases {
            let shown = serde_json::to_string(&page(changes.clone()).check()).expect("JSON");
            assert!(
                shown.contains(state) && shown.contains(words),
                "{changes}: {shown}"
            );
        }
    }

    #[test]
    fn what_is_known_of_a_page_is_told() {
        let page = page(json!({"/notes": [
            {"code": "paused", "text": "paused in the debugger at app.js:10", "blocks": true},
            {"code": "csp", "text": "its policy forbids ws://127.0.0.1:9999"},
        ]}));
        let checks: Vec<_> = page
            .checks()
            .iter()
            .map(|check| serde_json::to_value(check).expect("JSON"))
            .collect();
        let told: Vec<_> = checks
            .iter()
            .map(|check| {
                (
                    check["state"].as_str(),
                    check["seen"].as_str(),
                    check["do"].is_array(),
                )
            })
            .collect();
        assert_eq!(
            told[1..],
            [
                (
                    Some("bad"),
                    Some("p, group g, u: paused in the debugger at app.js:10"),
                    true
                ),
                (
                    Some("warn"),
                    Some("p, group g, u: its policy forbids ws://127.0.0.1:9999"),
                    false
                ),
            ]
        );
        assert_eq!(told[0].0, Some("ok"));
    }
}
