//! `GET /`: what the hub does just now, for people who open its address. Plain HTML without any script.

use std::fmt::Write as _;
use std::time::Duration;

use axum::response::{Html, IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFRESH};
use pagewire_hub::{PageInfo, TapInfo, TopicInfo, show_duration};
use pagewire_rpc::Note;

use crate::access::Principal;
use crate::pages::seen_by;
use crate::problem::Problem;
use crate::refusals::RefusalInfo;
use crate::server::Shared;
use crate::status::{Build, unix_ms};

/// Rows of one table; `/v1/pages` and `/v1/topics` list all.
const ROWS_MAX: usize = 200;
/// Refusals that are shown, the newest; `/v1/status` lists all that are remembered.
const REFUSALS_SHOWN_MAX: usize = 20;
/// How often a browser asks again, in seconds.
const REFRESH_SECONDS: &str = "5";
const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:64rem;padding:0 1rem;color:#1c1c1c;background:#fff}\
    h1{font-size:1.4rem}h2{font-size:1.05rem;margin-top:2rem}table{border-collapse:collapse;width:100%}\
    th,td{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #ddd;vertical-align:top}\
    td{overflow-wrap:anywhere}.n{text-align:right;width:1%;overflow-wrap:normal;font-variant-numeric:tabular-nums}\
    @media(min-width:45rem){th,.n{white-space:nowrap}}.asked{min-width:6.5rem}\
    .bad{color:#b00020}.dim{color:#666}code{font-size:.9em;padding:.1rem .3rem;background:#f2f2f2}\
    @media(prefers-color-scheme:dark){body{color:#e6e6e6;background:#181818}th,td{border-color:#3a3a3a}\
    a{color:#8ab4f8}code{background:#2a2a2a}.bad{color:#ff8a80}.dim{color:#9a9a9a}}";

/// The page, as far as this visitor may see.
pub(crate) fn page(shared: &Shared, principal: &Principal) -> Result<Response, Problem> {
    if !principal.scopes.may_see_any() {
        return Err(Problem::missing_scope("call"));
    }
    let headers = [
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'",
        ),
        (CACHE_CONTROL, "no-store"),
        (REFRESH, REFRESH_SECONDS),
    ];
    Ok((headers, Html(html(shared, principal))).into_response())
}

fn html(shared: &Shared, principal: &Principal) -> String {
    let scopes = &principal.scopes;
    let mut out = head(&shared.facts.build, shared.facts.began.elapsed());
    let pages = seen_by(scopes, shared.hub.pages());
    PAGES.write(&mut out, &pages, page_row);
    if scopes.may_administer() {
        let (refusals, now_ms) = (shared.facts.refusals.list().refusals, unix_ms());
        REFUSALS.write(&mut out, &refusals, |out, refusal| {
            refusal_row(out, refusal, now_ms);
        });
    }
    let mut topics = shared.hub.topics().list();
    topics.retain(|topic| scopes.may_subscribe(&topic.topic));
    TOPICS.write(&mut out, &topics, topic_row);
    out.push_str(LINKS);
    if scopes.may_administer() {
        out.push_str(LINK_OF_STATUS);
    }
    out
}

fn head(build: &Build, uptime: Duration) -> String {
    let commit = build.commit.as_deref();
    let commit = commit.map_or_else(String::new, |commit| format!(" ({})", escape(commit)));
    let uptime = show_duration(uptime);
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>\
         <meta name=color-scheme content='light dark'><title>Pagewire</title><style>{STYLE}</style>\
         <h1>Pagewire {}<span class=dim>{commit}</span></h1>\
         <p>The hub has been running for {uptime}. <span lang=zh>hub 已运行 {uptime}。</span></p>",
        build.version
    )
}

/// What a table is called, its columns, and how many rows it shows at most.
struct Table {
    title: &'static str,
    columns: &'static str,
    shown_at_most: usize,
}

const PAGES: Table = Table {
    title: "Pages · 已接入的网页",
    columns: "<th>group · 分组<th>page · 网页<th>functions · 函数<th class=n>calls · 调用<th>state · 状态",
    shown_at_most: ROWS_MAX,
};
const REFUSALS: Table = Table {
    title: "Refused lately · 最近的拒绝",
    columns: "<th>what, and what to do · 原因与办法<th>request · 请求<th class=n>times · 次数<th class=n>ago · 距今",
    shown_at_most: REFUSALS_SHOWN_MAX,
};
const TOPICS: Table = Table {
    title: "Topics · 主题",
    columns: "<th>topic · 主题<th class=n>values · 值<th class=n>subscribers · 订阅者",
    shown_at_most: ROWS_MAX,
};
const LINKS: &str = "<p class=dim><a href=v1/pages>/v1/pages</a> · <a href=v1/topics>/v1/topics</a> · <a href=metrics>/metrics</a> · \
    <a href=bridge.js>/bridge.js</a>";
const LINK_OF_STATUS: &str = " · <a href=v1/status>/v1/status</a>";

impl Table {
    fn write<T>(&self, out: &mut String, rows: &[T], row: impl Fn(&mut String, &T)) {
        let _ = write!(out, "<h2>{} ({})</h2>", self.title, rows.len());
        if rows.is_empty() {
            out.push_str("<p class=dim>None yet. <span lang=zh>暂无。</span></p>");
            return;
        }
        let _ = write!(out, "<table><tr>{}", self.columns);
        for item in rows.iter().take(self.shown_at_most) {
            row(out, item);
        }
        out.push_str("</table>");
        let shown = self.shown_at_most;
        if rows.len() > shown {
            let _ = write!(
                out,
                "<p class=dim>The first {shown} are shown. <span lang=zh>只显示前 {shown} 项。</span></p>"
            );
        }
    }
}

fn page_row(out: &mut String, page: &PageInfo) {
    let functions: Vec<_> = page
        .functions
        .iter()
        .map(|function| function.name.as_str())
        .collect();
    let ended: u64 = page.calls.ended.values().sum();
    let (class, state) = state(page);
    let _ = write!(
        out,
        "<tr><td>{}<td>{}<br><span class=dim>{} · {}</span>{}<td>{}<td class=n>{ended}<td class={class}>{state}{}",
        escape(page.group.as_str()),
        escape(if page.title.is_empty() {
            &page.url
        } else {
            &page.title
        }),
        page.id,
        how(page),
        taps(page),
        escape(&functions.join(", ")),
        notes(page),
    );
}

/// Its carrier and what it is. A kind is letters and `_`, no markup.
fn how(page: &PageInfo) -> String {
    let words = [page.carrier, page.kind.as_str()];
    words.join(" ").trim_end().to_owned()
}

fn taps(page: &PageInfo) -> String {
    let line = |tap: &TapInfo| {
        let (topic, frames) = (escape(tap.topic.as_str()), tap.frames);
        format!("<br><span class=dim>{topic}: {frames}</span>")
    };
    page.taps.iter().map(line).collect()
}

fn notes(page: &PageInfo) -> String {
    let line = |note: &Note| {
        let class = if note.blocks { "bad" } else { "dim" };
        format!("<br><span class={class}>{}</span>", escape(note.words()))
    };
    page.notes.iter().map(line).collect()
}

fn state(page: &PageInfo) -> (&'static str, &'static str) {
    if page.draining {
        ("dim", "draining · 排空中")
    } else if !page.health.responsive {
        ("bad", "does not answer · 无响应")
    } else if page.health.asked_last {
        ("bad", "timed out · 多次超时")
    } else if page.calls.in_flight > 0 {
        ("ok", "busy · 忙")
    } else {
        ("ok", "ready · 就绪")
    }
}

fn refusal_row(out: &mut String, refusal: &RefusalInfo, now_ms: u64) {
    let flag = refusal.flag.as_deref().map_or_else(String::new, |flag| {
        format!("<br><code>pagewire serve {}</code>", escape(flag))
    });
    let ago = Duration::from_millis(now_ms.saturating_sub(refusal.last_ms));
    let _ = write!(
        out,
        "<tr><td>{}<br><span class=dim>{}</span>{flag}<td class=asked>{}<td class=n>{}<td class=n>{}",
        escape(&refusal.reason),
        escape(&refusal.advice),
        escape(&refusal.asked),
        refusal.count,
        show_duration(ago),
    );
}

fn topic_row(out: &mut String, topic: &TopicInfo) {
    let _ = write!(
        out,
        "<tr><td>{}<td class=n>{}<td class=n>{}",
        escape(topic.topic.as_str()),
        topic.seq,
        topic.subscribers
    );
}

/// Text of a page inside HTML.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_pages_are_no_markup() {
        assert_eq!(
            escape("<script>alert('a & \"b\"')</script>"),
            "&lt;script&gt;alert(&#39;a &amp; &quot;b&quot;&#39;)&lt;/script&gt;"
        );
    }

    #[test]
    fn rows_are_shown_up_to_the_limit() {
        for (table, shown_at_most) in [(PAGES, 200), (REFUSALS, 20), (TOPICS, 200)] {
            for (rows, shown, says_so) in [
                (shown_at_most, shown_at_most, false),
                (shown_at_most + 1, shown_at_most, true),
            ] {
                let mut out = String::new();
                table.write(&mut out, &vec![(); rows], |out, ()| out.push_str("<tr>"));
                assert_eq!(out.matches("<tr>").count(), shown + 1);
                assert_eq!(
                    out.contains(&format!("The first {shown_at_most} are")),
                    says_so
                );
            }
        }
    }
}
