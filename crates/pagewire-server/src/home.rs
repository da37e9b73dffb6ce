//! `GET /`: what the hub does just now, for people who open its address. Plain HTML without any script.

use std::fmt::Write as _;

use axum::response::{Html, IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFRESH};
use pagewire_hub::{PageInfo, TopicInfo};

use crate::access::Principal;
use crate::problem::Problem;
use crate::server::Shared;

/// Rows of one table; `/v1/pages` and `/v1/topics` list all.
const ROWS_MAX: usize = 200;
/// How often a browser asks again, in seconds.
const REFRESH_SECONDS: &str = "5";
const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:64rem;padding:0 1rem;color:#1c1c1c;background:#fff}\
    h1{font-size:1.4rem}h2{font-size:1.05rem;margin-top:2rem}table{border-collapse:collapse;width:100%}\
    th,td{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #ddd;vertical-align:top;overflow-wrap:anywhere}\
    td.n{text-align:right;font-variant-numeric:tabular-nums}.bad{color:#b00020}.dim{color:#666}\
    @media(prefers-color-scheme:dark){body{color:#e6e6e6;background:#181818}th,td{border-color:#3a3a3a}a{color:#8ab4f8}.bad{color:#ff8a80}.dim{color:#9a9a9a}}";

/// The page, as far as this visitor may see.
pub(crate) fn page(shared: &Shared, principal: &Principal) -> Result<Response, Problem> {
    if !principal.scopes.may_see_any() {
        return Err(Problem::missing_scope("call"));
    }
    let mut pages = shared.hub.pages();
    pages.retain(|page| principal.scopes.may_see(&page.group));
    let mut topics = shared.hub.topics().list();
    topics.retain(|topic| principal.scopes.may_subscribe(&topic.topic));
    let headers = [
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'",
        ),
        (CACHE_CONTROL, "no-store"),
        (REFRESH, REFRESH_SECONDS),
    ];
    Ok((headers, Html(html(&pages, &topics))).into_response())
}

fn html(pages: &[PageInfo], topics: &[TopicInfo]) -> String {
    let mut out = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'><title>Pagewire</title>\
         <style>{STYLE}</style><h1>Pagewire {}</h1><p>The hub is running. <span lang=zh>hub 正在运行。</span></p>",
        env!("CARGO_PKG_VERSION")
    );
    table(
        &mut out,
        "Pages · 已接入的网页",
        "<th>group · 分组<th>page · 网页<th>functions · 函数<th>calls · 调用<th>state · 状态",
        pages,
        page_row,
    );
    table(
        &mut out,
        "Topics · 主题",
        "<th>topic · 主题<th>values · 值<th>subscribers · 订阅者",
        topics,
        topic_row,
    );
    out.push_str(
        "<p class=dim><a href=v1/pages>/v1/pages</a> · <a href=v1/topics>/v1/topics</a> · <a href=metrics>/metrics</a> · \
         <a href=bridge.js>/bridge.js</a></p></html>",
    );
    out
}

fn table<T>(out: &mut String, title: &str, head: &str, rows: &[T], row: fn(&mut String, &T)) {
    let _ = write!(out, "<h2>{title} ({})</h2>", rows.len());
    if rows.is_empty() {
        out.push_str("<p class=dim>None yet. <span lang=zh>暂无。</span></p>");
        return;
    }
    let _ = write!(out, "<table><tr>{head}");
    for item in rows.iter().take(ROWS_MAX) {
        row(out, item);
    }
    out.push_str("</table>");
    if rows.len() > ROWS_MAX {
        let _ = write!(
            out,
            "<p class=dim>The first {ROWS_MAX} are shown. <span lang=zh>只显示前 {ROWS_MAX} 项。</span></p>"
        );
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
        "<tr><td>{}<td>{}<br><span class=dim>{} · {}</span><td>{}<td class=n>{ended}<td class={class}>{state}",
        escape(page.group.as_str()),
        escape(if page.title.is_empty() {
            &page.url
        } else {
            &page.title
        }),
        page.id,
        page.carrier,
        escape(&functions.join(", ")),
    );
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
        for (rows, shown, says_so) in [(200, 200, false), (201, 200, true)] {
            let mut out = String::new();
            table(&mut out, "t", "", &vec![(); rows], |out, ()| {
                out.push_str("<tr>");
            });
            assert_eq!(out.matches("<tr>").count(), shown + 1);
            assert_eq!(out.contains("The first 200"), says_so);
        }
    }
}
