//! The page script as a userscript (`docs/protocol.md` §3.5): what a manager such as Tampermonkey installs.
//!
//! Everything of the address that comes to stand in the script is of a type whose characters can end neither a comment nor a text.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::IntoResponse;
use pagewire_rpc::GroupName;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::assets;
use crate::problem::Problem;
use crate::query::parse_query;
use crate::server::Shared;

const TEMPLATE: &str = include_str!("../../../web/bridge/bridge.user.js");

pub(crate) async fn serve(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<impl IntoResponse, Problem> {
    let wanted = Wanted::new(parse_query(request.uri())?).map_err(Problem::bad_request)?;
    let hub = shared.access.address(request.uri(), request.headers());
    Ok(assets::script(wanted.script(&hub)))
}

/// What the address asks for.
#[derive(Debug)]
struct Wanted {
    group: GroupName,
    /// Never empty.
    matches: Vec<MatchPattern>,
    hook: Option<SocketPattern>,
}

impl Wanted {
    fn new(query: Vec<(String, String)>) -> Result<Self, String> {
        let (mut group, mut hook, mut matches) = (None, None, Vec::new());
        for (name, value) in query {
            let before = match name.as_str() {
                "group" => group
                    .replace(GroupName::new(&value).map_err(|error| format!("group: {error}"))?)
                    .is_some(),
                "hook" => hook.replace(value.parse()?).is_some(),
                "match" => {
                    matches.push(value.parse()?);
                    false
                }
                _ => {
                    return Err(format!(
                        "unknown parameter {name:?}: there are group, match and hook"
                    ));
                }
            };
            if before {
                return Err(format!("{name} may stand there once"));
            }
        }
        let group = group.ok_or("name the group that pages are to join: group=NAME")?;
        // Everywhere is for who says so: each page that it runs in asks for the hub, and the browser may ask the user.
        if matches.is_empty() {
            return Err("name the pages that it is to run in: match=https://shop.example/*, or match=*://*/* for all".into());
        }
        Ok(Self {
            group,
            matches,
            hook,
        })
    }

    fn script(&self, hub: &str) -> String {
        let matches: Vec<_> = self
            .matches
            .iter()
            .map(|pattern| format!("// @match              {pattern}"))
            .collect();
        let group = self.group.as_str();
        let (hook, hooking) = match &self.hook {
            None => ("", String::new()),
            Some(pattern) => {
                let url = quoted(&pattern.0);
                (
                    assets::HOOK,
                    format!("pagewire.hook(pw, {{ url: {url} }});\n"),
                )
            }
        };
        // The scripts come last: what stands in them is not filled in.
        TEMPLATE
            .replace("{{group}}", group)
            .replace(
                "{{path}}",
                &utf8_percent_encode(group, NON_ALPHANUMERIC).to_string(),
            )
            .replace("{{name}}", &quoted(group))
            .replace("{{hub}}", hub)
            .replace("{{url}}", &quoted(hub))
            .replace("{{version}}", env!("CARGO_PKG_VERSION"))
            .replace("{{matches}}", &matches.join("\n"))
            .replace("{{hooking}}", &hooking)
            .replace("{{hook}}", hook)
            .replace("{{bridge}}", assets::BRIDGE)
    }
}

/// A text as JavaScript writes it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Which pages a userscript runs in: scheme, host and path, such as `https://*.shop.example/cart/*`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct MatchPattern(String);

impl FromStr for MatchPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = |why: &str| {
            format!(
                "{text:?} is no match pattern: {why}; write scheme, host and path, such as https://*.shop.example/cart/*"
            )
        };
        let (scheme, rest) = text.split_once("://").ok_or_else(|| bad("it has no ://"))?;
        if !matches!(scheme, "*" | "http" | "https") {
            return Err(bad("its scheme is not *, http or https"));
        }
        let (host, path) = rest.split_once('/').ok_or_else(|| bad("it has no path"))?;
        if !is_host_pattern(host) {
            return Err(bad(
                "its host is neither a name or address, with * or *. before it and a port behind it where they are wanted, nor *; \
                 other letters than a to z are written as punycode",
            ));
        }
        if !path.bytes().all(is_url_byte) {
            return Err(bad(
                "its path has characters that addresses do not have; write them as %XX",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for MatchPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_host_pattern(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port),
        _ => (host, "*"),
    };
    if port != "*" && port.parse::<u16>().is_err() {
        return false;
    }
    if let Some(address) = name.strip_prefix('[') {
        let address = address
            .strip_suffix(']')
            .map(str::parse::<std::net::Ipv6Addr>);
        return address.is_some_and(|address| address.is_ok());
    }
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    name == "*"
        || name
            .strip_prefix("*.")
            .unwrap_or(name)
            .split('.')
            .all(is_label)
}

/// Which WebSockets the hook observes: `*` is any text, `?` any character (`web/bridge/types.d.ts`).
#[derive(Debug, Clone, PartialEq, Eq)]
struct SocketPattern(String);

impl FromStr for SocketPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() || !text.bytes().all(is_url_byte) {
            return Err(format!(
                "hook: {text:?} fits no address; write a WebSocket's with * for any text, such as wss://push.example.com/*"
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

/// What an address is made of (RFC 3986 §2), but for the apostrophe.
fn is_url_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&()*+,;=%".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(query: &str) -> Result<Wanted, String> {
        let uri = format!("/bridge.user.js?{query}")
            .parse()
            .expect("an address");
        Wanted::new(parse_query(&uri).map_err(|problem| problem.to_string())?)
    }

    #[test]
    fn match_patterns_have_a_scheme_a_host_and_a_path() {
        for good in [
            "*://*/*",
            "https://shop.example/*",
            "http://*.shop.example/cart/*?page=*",
            "https://shop.example/*/cart",
            "http://127.0.0.1:8000/",
            "http://localhost:*/*",
            "http://[::1]:8000/*",
            "https://xn--fiqs8s.example/a-b_c~d!$&()+,;=:@%20",
        ] {
            assert_eq!(good.parse(), Ok(MatchPattern(good.into())));
        }
        for bad in [
            "",
            "*",
            "<all_urls>",
            "shop.example/*",
            "https://shop.example",
            "ftp://shop.example/*",
            "file:///*",
            "https:///*",
            "https://*shop.example/*",
            "https://shop.*/*",
            "https://shop..example/*",
            "https://shop.example:x/*",
            "https://shop.example:99999/*",
            "https://u@shop.example/*",
            "https://[::1/*",
            "https://商店.example/*",
            "https://shop.example/购物车",
            "https://shop.example/ *",
            "https://shop.example/\n// @grant GM_xmlhttpRequest",
            "https://shop.example/\r*",
            "https://shop.example/\u{2028}*",
            "https://shop.example/'*",
            "https://shop.example/\"*",
            "https://shop.example/`*",
            "https://shop.example/\\*",
            "https://shop.example/</script>",
            "https://shop.example/{{bridge}}",
        ] {
            let error = bad.parse::<MatchPattern>().expect_err(bad);
            assert!(error.contains("such as https://"), "{error}");
        }
    }

    #[test]
    fn parameters_are_checked_by_name() {
        let all =
            wanted("group=shop&match=https://a.example/*&match=*://b.example/*&hook=wss://*/x?y")
                .expect("good");
        assert_eq!(all.group.as_str(), "shop");
        let shown: Vec<_> = all.matches.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["https://a.example/*", "*://b.example/*"]);
        assert_eq!(all.hook, Some(SocketPattern("wss://*/x?y".into())));
        let least = wanted("group=%E5%95%86%E5%BA%97&match=*://*/*").expect("good");
        assert_eq!((least.group.as_str(), least.hook), ("商店", None));
        for (query, expected) in [
            ("", "group=NAME"),
            ("match=*://*/*", "group=NAME"),
            ("group=a", "match=https://"),
            ("group=", "group: "),
            ("group=a%0Ab", "group: "),
            ("group=a'b", "group: "),
            ("group=*/", "group: "),
            ("group=a&group=b", "group may stand there once"),
            ("group=a&hook=*&hook=*", "hook may stand there once"),
            ("group=a&match=x", "is no match pattern"),
            ("group=a&hook=", "hook: "),
            ("group=a&hook=%22%7D)//", "hook: "),
            ("group=a&hook=*%0A", "hook: "),
            ("group=a&hook=%3C/script%3E", "hook: "),
            ("group=a&token=b", "unknown parameter \"token\""),
        ] {
            let error = wanted(query).expect_err(query);
            assert!(error.contains(expected), "{query}: {error}");
        }
    }

    #[test]
    fn nothing_is_left_to_fill_in() {
        for query in ["group=a&match=*://*/*", "group=a&match=*://*/*&hook=*"] {
            let script = wanted(query).expect("good").script("http://127.0.0.1:9999");
            let own = script.replace(assets::BRIDGE, "").replace(assets::HOOK, "");
            assert!(!own.contains("{{") && !own.contains("}}"), "{own}");
            assert_eq!(script.contains(assets::HOOK), query.contains("hook"));
        }
    }
}
