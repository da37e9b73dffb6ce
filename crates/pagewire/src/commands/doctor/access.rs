//! Who may reach the hub beside programs on this machine: plain pages, and everybody through a proxy.

use super::hub::{Access, Hub};
use super::probe::{Reply, Unreachable};
use super::report::{Check, State};

pub(crate) async fn checks(hub: &Hub<'_>, access: &Access) -> Vec<Check> {
    let mut checks: Vec<_> = plain(access).into_iter().collect();
    let Some(url) = &access.public_url else {
        return checks;
    };
    let asked = (url != hub.base).then(|| format!("{url}/health"));
    let answer = match asked {
        // What answered until here came that way.
        None => Ok(()),
        Some(health) => judge(hub.probe.get(&health, &[]).await),
    };
    checks.push(match answer {
        Ok(()) => reached(url, access),
        Err(why) => not_reached(url, &why),
    });
    checks
}

/// Nothing where the plain pattern is off: most hubs are like that.
fn plain(access: &Access) -> Option<Check> {
    if !access.plain {
        return None;
    }
    let (pages, zh) = match access.plain_pages.as_slice() {
        [] => ("no page".to_owned(), "没有网页".to_owned()),
        origins => (
            format!("pages of {}", origins.join(", ")),
            format!("来源 {}", origins.join("、")),
        ),
    };
    let check = Check::new(
        "plain",
        State::Ok,
        format!(
            "{pages}, and programs on this machine, may open a plain WebSocket at the hub's address"
        ),
        format!("普通 WebSocket 模式已打开：{zh}，以及本机程序"),
    );
    Some(match access.plain_pages.is_empty() {
        true => check.todo("pagewire serve --plain-page ORIGIN   lets pages of that origin do so"),
        false => check,
    })
}

/// What keeps the public address from being the hub's.
enum NotReached {
    NoAnswer(Unreachable),
    Other(String),
}

fn judge(reply: Result<Reply, Unreachable>) -> Result<(), NotReached> {
    let reply = reply.map_err(NotReached::NoAnswer)?;
    if reply.is_healthy() {
        return Ok(());
    }
    let server = reply.header("server");
    let server = server.map_or_else(String::new, |server| format!(", Server: {server}"));
    let status = reply.status;
    Err(NotReached::Other(format!("HTTP {status}{server}")))
}

fn reached(url: &str, access: &Access) -> Check {
    let believed = match access.trusted_proxies.as_slice() {
        [] => "everybody there needs a token".to_owned(),
        proxies => format!("the hub believes the proxies {}", proxies.join(", ")),
    };
    Check::new(
        "public",
        State::Ok,
        format!("the hub is reached as {url}, too; {believed}"),
        format!("也可通过 {url} 访问 hub"),
    )
}

fn not_reached(url: &str, why: &NotReached) -> Check {
    let zh = format!("通过公开地址 {url} 无法访问 hub");
    let check = |seen| Check::new("public", State::Warn, seen, zh);
    match why {
        NotReached::NoAnswer(why) => check(format!(
            "the hub's public address {url} was not reached: {why}"
        ))
        .why("asked from this machine, which may not see what others see")
        .todos(why.todo())
        .todo(
            "start the proxy, or look at its log; docs/reverse-proxy.md has whole configurations",
        ),
        NotReached::Other(answer) => check(format!(
            "at the public address {url} answers something else than the hub: {answer}"
        ))
        .why("the proxy does not hand on what comes below that address, or cannot reach the hub")
        .todo("give the proxy the rules in docs/reverse-proxy.md; its log says what it tried"),
    }
}
