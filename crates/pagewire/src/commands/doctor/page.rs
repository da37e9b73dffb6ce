//! Would the page script attach from a page? Its policy, its scheme, where it comes from, and what the hub thinks of its origin.

use std::net::IpAddr;

use pagewire_server::Origin;
use tokio::net::lookup_host;

use super::csp::{Policies, RefusedBy, Target, Use};
use super::hub::{Hub, Status, is_loopback};
use super::report::{Check, State};
use super::site::Page;
use crate::cli::DoctorArguments;
use crate::exit::{Failed, USAGE};

/// Where an address lies, as browsers see it (Local Network Access).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Space {
    Loopback,
    Local,
    Public,
}

pub(crate) async fn check(
    arguments: &DoctorArguments,
    hub: &Hub<'_>,
    status: Option<&Status>,
) -> Result<Vec<Check>, Failed> {
    let mut policies = Policies::default();
    for text in by_hand(arguments)? {
        policies.add(&text);
    }
    if arguments.page.is_none() && policies.is_empty() {
        return Ok(Vec::new());
    }
    let mut checks = Vec::new();
    // A policy by itself is judged as that of a usual page.
    let url = arguments.page.as_deref().unwrap_or("https://page.example/");
    let mut page = Page {
        target: Target::parse(url).ok_or_else(|| not_an_address(url))?,
        url: url.to_owned(),
        policies,
    };
    let given = !page.policies.is_empty();
    let fetched = match arguments.page {
        None => Ok(None),
        Some(_) => page.fetch(hub.probe).await.map(Some),
    };
    // Without any policy in hand there is nothing to judge by.
    let known = given || fetched.is_ok();
    match fetched {
        Ok(check) => checks.extend(check),
        Err(check) => checks.push(check),
    }
    if known {
        checks.push(page.connects(hub));
        checks.push(page.loads_the_script(hub));
    }
    if arguments.page.is_some() {
        checks.extend(page.mixed_content(hub));
        checks.extend(page.local_network(hub).await);
        checks.extend(page.origin(status));
    }
    Ok(checks)
}

fn not_an_address(url: &str) -> Failed {
    Failed::new(
        USAGE,
        format!("--page {url:?} is no address such as https://shop.example/cart"),
    )
}

/// Policies of the command line.
fn by_hand(arguments: &DoctorArguments) -> Result<Vec<String>, Failed> {
    let mut texts = arguments.csp.clone();
    if let Some(file) = &arguments.csp_file {
        let text = std::fs::read_to_string(file)
            .map_err(|error| Failed::new(USAGE, format!("{}: {error}", file.display())))?;
        texts.push(text);
    }
    // Copied out of a response, the name stands before it.
    let name = "content-security-policy:";
    let begins = |text: &str| {
        text.get(..name.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(name))
    };
    Ok(texts
        .into_iter()
        .map(|text| text.trim().to_owned())
        .map(|text| {
            if begins(&text) {
                text[name.len()..].to_owned()
            } else {
                text
            }
        })
        .collect())
}

impl Page {
    fn connects(&self, hub: &Hub<'_>) -> Check {
        let socket = hub.socket();
        match self.policies.check(&self.target, Use::Connect, &socket) {
            Ok(()) => Check::new(
                "connect",
                State::Ok,
                format!("no policy keeps the page from connecting to {}", shown(&socket)),
                "策略允许网页连接 hub",
            ),
            Err(by) => Check::new(
                "connect",
                State::Bad,
                format!("the policy refuses the page a connection to {}", shown(&socket)),
                "策略不允许网页连接 hub",
            )
            .why(refused_by(&by))
            .todo(format!("if the site is yours, add to its connect-src: {} {}", shown(&socket), shown(&hub.address(""))))
            .todo("if not: attach from a page of the same site without that policy, or remove the header by a browser extension"),
        }
    }

    /// The console is free of the policy's rules for inline scripts, but `import()` is a request like any other.
    fn loads_the_script(&self, hub: &Hub<'_>) -> Check {
        let files = ["/bridge/pagewire.mjs", "/bridge/pagewire.js"];
        let load = |file: &&str| {
            self.policies
                .check(&self.target, Use::Script, &hub.address(file))
                .err()
        };
        let Some(by) = files.iter().find_map(load) else {
            return Check::new(
                "script",
                State::Ok,
                "no policy keeps the page from loading the hub's script: the printed snippet works in its console",
                "策略允许加载 hub 的脚本",
            );
        };
        let eval = if self.policies.refuses_eval() {
            "; eval is refused too, but not what is pasted into the console"
        } else {
            ""
        };
        Check::new(
            "script",
            State::Warn,
            "the policy refuses the page the hub's script: import() of the printed snippet fails",
            "策略不允许加载 hub 的脚本：请直接粘贴脚本全文",
        )
        .why(format!("{}{eval}", refused_by(&by)))
        .todo(format!("paste the script itself into the console: curl {}/bridge.js", hub.base))
        .todo("then: var pw = pagewire.connect({url: …, group: …, token: …}) with what the snippet says")
    }

    fn mixed_content(&self, hub: &Hub<'_>) -> Option<Check> {
        if self.target.scheme != "https" || hub.is_behind_tls() {
            return None;
        }
        Some(if hub.is_local() {
            Check::new(
                "mixed",
                State::Ok,
                "an https page may open ws:// to this machine in Chromium and Firefox; Safari refuses it",
                "https 网页可以用 ws:// 连接本机（Safari 除外）",
            )
        } else {
            Check::new(
                "mixed",
                State::Bad,
                format!("browsers refuse an https page a ws:// connection to {}", hub.host),
                "浏览器不允许 https 网页用 ws:// 连接其他机器",
            )
            .why("mixed content: only this machine's loopback is exempt")
            .todo(format!("ssh -L 9999:127.0.0.1:{} {}   and --hub http://127.0.0.1:9999, or put TLS in front of the hub", hub.port, hub.host))
        })
    }

    /// Chrome from 147, Firefox from 154.
    async fn local_network(&self, hub: &Hub<'_>) -> Vec<Check> {
        if !hub.is_local() {
            return Vec::new();
        }
        let check = |state, seen: &str, zh: &str| Check::new("network", state, seen, zh);
        let frame = "a frame of another site needs <iframe allow=\"loopback-network\"> as well";
        let one = match space_of(&self.target.host, self.target.port.unwrap_or(443)).await {
            None => return Vec::new(),
            Some(Space::Loopback) => check(State::Ok, "the page comes from this machine: browsers ask nothing", "网页来自本机，浏览器不需要授权"),
            Some(Space::Local | Space::Public) if self.target.scheme == "https" => check(
                State::Warn,
                "browsers ask the user whether this page may reach local programs (Chrome from 147, Firefox from 154)",
                "浏览器会询问是否允许访问本机程序（Chrome 147、Firefox 154 起）",
            )
            .why(format!("Local Network Access, permission loopback-network; the script asks by a fetch first, since a bare WebSocket may show no prompt; {frame}"))
            .todo("allow it when the browser asks; later: the icon left of the address, site settings, local network access"),
            Some(Space::Local | Space::Public) => check(
                State::Bad,
                "browsers refuse this page the way to this machine without asking, since it is not https (Chrome from 147)",
                "http 网页会被浏览器直接拒绝访问本机（Chrome 147 起）",
            )
            .why("Local Network Access: only pages of a secure context may ask for the permission")
            .todo(format!("open the page as https://{}", self.target.host)),
        };
        vec![one]
    }

    fn origin(&self, status: Option<&Status>) -> Vec<Check> {
        if self.policies.takes_the_origin() {
            return vec![
                Check::new("origin", State::Warn, "the policy's sandbox takes the page's origin away: it cannot be allowed by name", "沙箱页面没有来源，只能使用令牌")
                    .todo("attach by the snippet that pagewire serve prints: it holds a token"),
            ];
        }
        // As browsers write it. A redirection may lead to a text that is none, which must not end up in a command to type.
        let (Some(status), Ok(origin)) = (status, self.origin_text().parse::<Origin>()) else {
            return Vec::new();
        };
        if status
            .access
            .origins
            .iter()
            .any(|allowed| allowed == origin.as_str())
        {
            return vec![Check::new(
                "origin",
                State::Ok,
                format!("the hub lets pages of {origin} attach"),
                "hub 允许该来源接入",
            )];
        }
        vec![
            Check::new("origin", State::Warn, format!("the hub lets pages of {origin} attach with a token only"), "该来源需要令牌才能接入")
                .why("the snippet that pagewire serve prints holds one; a script on the site itself would need the origin allowed")
                .todo(format!("pagewire serve --allow-origin {origin}")),
        ]
    }
}

fn refused_by(by: &RefusedBy) -> String {
    format!("its Content-Security-Policy says: {by}")
}

/// The address as it stands in a policy.
fn shown(target: &Target) -> String {
    let port = target
        .port
        .map_or_else(String::new, |port| format!(":{port}"));
    format!("{}://{}{port}", target.scheme, target.host)
}

async fn space_of(host: &str, port: u16) -> Option<Space> {
    if is_loopback(host) {
        return Some(Space::Loopback);
    }
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let addresses = lookup_host((bare, port)).await;
    match addresses {
        Ok(mut addresses) => addresses.next().map(|address| space(address.ip())),
        // Not resolved here it is most probably the world's.
        Err(_) => Some(Space::Public),
    }
}

fn space(address: IpAddr) -> Space {
    let local = match address {
        IpAddr::V4(v4) => v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local(),
    };
    match local {
        _ if address.is_loopback() => Space::Loopback,
        true => Space::Local,
        false => Space::Public,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lie_in_a_space() {
        for (address, expected) in [
            ("127.9.9.9", Space::Loopback),
            ("::1", Space::Loopback),
            ("192.168.1.7", Space::Local),
            ("169.254.1.1", Space::Local),
            ("fd00::1", Space::Local),
            ("fe80::1", Space::Local),
            ("93.184.216.34", Space::Public),
            ("2606:2800::1", Space::Public),
        ] {
            assert_eq!(space(address.parse().unwrap()), expected, "{address}");
        }
    }
}
