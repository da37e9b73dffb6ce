//! Content-Security-Policy (CSP Level 3) as far as the page script needs it: may the page connect to the hub, and load its script? Pure.
//!
//! Where the standard and Chromium differ Chromium counts, since it is the stricter one: `http:` does not stand for `ws:`, and a source
//! without a scheme has that of the page, which is never `ws:`. `tests/doctor_csp.rs` asks a real one.

use std::fmt;

/// Policies of one page. Each of them must allow.
#[derive(Debug, Clone, Default)]
pub(crate) struct Policies(Vec<Policy>);

/// One policy: its directives in their order, names in lower case, first of each name only.
#[derive(Debug, Clone)]
struct Policy(Vec<Directive>);

#[derive(Debug, Clone)]
struct Directive {
    name: String,
    sources: Vec<String>,
}

/// An address as policies see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// In lower case, as the host.
    pub(crate) scheme: String,
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    pub(crate) path: String,
}

/// What a page does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// `new WebSocket`, `fetch`.
    Connect,
    /// `import()`, `<script src>`.
    Script,
}

/// The directive that refuses something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RefusedBy(String);

impl fmt::Display for RefusedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Target {
    /// Reads an address; none where it has no scheme and host.
    pub(crate) fn parse(address: &str) -> Option<Self> {
        let uri: http::Uri = address.parse().ok()?;
        Some(Self {
            scheme: uri.scheme_str()?.to_ascii_lowercase(),
            host: uri.host()?.to_ascii_lowercase(),
            port: uri.port_u16(),
            path: uri.path().to_owned(),
        })
    }

    fn port_or_default(&self) -> Option<u16> {
        self.port.or_else(|| default_port(&self.scheme))
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    }
}

impl Policies {
    /// Adds what a `Content-Security-Policy` header, or the `content` of a `<meta>`, holds: policies separated by commas.
    pub(crate) fn add(&mut self, text: &str) {
        let policies = text.split(',').map(Policy::parse);
        self.0
            .extend(policies.filter(|policy| !policy.0.is_empty()));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// May a page at `page` use `target` in this way? The first directive that refuses, if not.
    pub(crate) fn check(&self, page: &Target, kind: Use, target: &Target) -> Result<(), RefusedBy> {
        self.0
            .iter()
            .try_for_each(|policy| policy.check(page, kind, target))
    }

    /// True when text that is evaluated as code is refused: `eval`, `new Function`.
    pub(crate) fn refuses_eval(&self) -> bool {
        let refuses = |policy: &Policy| {
            policy
                .find(&["script-src", "default-src"])
                .is_some_and(|directive| !directive.has("'unsafe-eval'"))
        };
        self.0.iter().any(refuses)
    }

    /// True when the page has no origin of its own: `sandbox` without `allow-same-origin`.
    pub(crate) fn takes_the_origin(&self) -> bool {
        let takes = |policy: &Policy| {
            policy
                .find(&["sandbox"])
                .is_some_and(|directive| !directive.has("allow-same-origin"))
        };
        self.0.iter().any(takes)
    }
}

impl Policy {
    fn parse(text: &str) -> Self {
        let mut directives: Vec<Directive> = Vec::new();
        for part in text.split(';') {
            let mut words = part.split_ascii_whitespace();
            let Some(name) = words.next().map(str::to_ascii_lowercase) else {
                continue;
            };
            // The first of a name counts (CSP3 §2.2.1).
            if directives.iter().all(|known| known.name != name) {
                directives.push(Directive {
                    name,
                    sources: words.map(str::to_owned).collect(),
                });
            }
        }
        Self(directives)
    }

    /// The first of these directives that the policy has.
    fn find(&self, names: &[&str]) -> Option<&Directive> {
        names
            .iter()
            .find_map(|name| self.0.iter().find(|directive| directive.name == *name))
    }

    fn check(&self, page: &Target, kind: Use, target: &Target) -> Result<(), RefusedBy> {
        let names: &[&str] = match kind {
            Use::Connect => &["connect-src", "default-src"],
            Use::Script => &["script-src-elem", "script-src", "default-src"],
        };
        match self.find(names) {
            None => Ok(()),
            Some(directive) if directive.allows(page, kind, target) => Ok(()),
            Some(directive) => Err(RefusedBy(directive.to_string())),
        }
    }
}

impl fmt::Display for Directive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.sources
            .iter()
            .try_for_each(|source| write!(f, " {source}"))
    }
}

impl Directive {
    fn has(&self, word: &str) -> bool {
        self.sources
            .iter()
            .any(|source| source.eq_ignore_ascii_case(word))
    }

    fn allows(&self, page: &Target, kind: Use, target: &Target) -> bool {
        // A script that a script loads is trusted then, and host sources count no more (CSP3 §6.7.1.1).
        if kind == Use::Script && self.has("'strict-dynamic'") {
            return true;
        }
        // 'none' beside other sources is ignored, and matches nothing by itself.
        self.sources
            .iter()
            .any(|source| matches_source(source, page, target))
    }
}

/// CSP3 §6.7.2.8. Nonces, hashes and the other keywords match no address.
fn matches_source(source: &str, page: &Target, target: &Target) -> bool {
    if source.eq_ignore_ascii_case("'self'") {
        return matches_self(page, target);
    }
    if source.starts_with('\'') {
        return false;
    }
    if source == "*" {
        return matches!(target.scheme.as_str(), "http" | "https" | "ws" | "wss")
            || target.scheme == page.scheme;
    }
    let (scheme, rest) = match source.split_once("://") {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => match source.strip_suffix(':') {
            Some(scheme) if !scheme.contains('.') => return matches_scheme(scheme, target),
            Some(_) | None => (None, source),
        },
    };
    let scheme = scheme.unwrap_or(&page.scheme);
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let (host, port) = split_port(authority);
    matches_scheme(scheme, target)
        && matches_host(host, target)
        && matches_port(scheme, port, target)
        && matches_path(path, target)
}

fn matches_self(page: &Target, target: &Target) -> bool {
    let same_port = page.port_or_default() == target.port_or_default();
    let both_default = page.port_or_default() == default_port(&page.scheme)
        && target.port_or_default() == default_port(&target.scheme);
    page.host == target.host
        && (same_port || both_default)
        && match target.scheme.as_str() {
            "https" | "wss" => true,
            "ws" => page.scheme == "http",
            scheme => scheme == page.scheme,
        }
}

fn matches_scheme(source: &str, target: &Target) -> bool {
    let source = source.to_ascii_lowercase();
    match (source.as_str(), target.scheme.as_str()) {
        ("http", "https") | ("ws", "wss") => true,
        (source, target) => source == target,
    }
}

fn matches_host(source: &str, target: &Target) -> bool {
    let source = source.to_ascii_lowercase();
    if source == "*" {
        return true;
    }
    match source.strip_prefix('*') {
        Some(suffix) => suffix.starts_with('.') && target.host.ends_with(suffix),
        None => source == target.host,
    }
}

fn matches_port(scheme: &str, source: Option<&str>, target: &Target) -> bool {
    let port = target.port_or_default();
    match source {
        Some("*") => true,
        None => port == default_port(&target.scheme),
        Some(text) => {
            let source = text.parse::<u16>().ok();
            let upgraded = source == Some(80)
                && port == Some(443)
                && !scheme.eq_ignore_ascii_case(&target.scheme);
            source.is_some() && (source == port || upgraded)
        }
    }
}

/// A path that ends in `/` stands for all below it.
fn matches_path(source: &str, target: &Target) -> bool {
    match source {
        "" | "/" => true,
        folder if folder.ends_with('/') => target.path.starts_with(folder),
        file => target.path == file,
    }
}

fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        // The colons of an IPv6 address are inside brackets.
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        Some(_) | None => (authority, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(address: &str) -> Target {
        Target::parse(address).expect(address)
    }

    fn allows(policies: &[&str], page: &str, kind: Use, address: &str) -> bool {
        let mut all = Policies::default();
        policies.iter().for_each(|policy| all.add(policy));
        all.check(&target(page), kind, &target(address)).is_ok()
    }

    const HTTP: &str = "http://127.0.0.1:8000/";
    const HTTPS: &str = "https://shop.example/cart";

    #[test]
    fn connections_are_allowed_as_in_chromium() {
        let socket = "ws://127.0.0.1:9999/v1/page";
        let cases = include_str!("../../../tests/csp_cases.txt");
        let mut seen = 0;
        for line in cases
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            let (verdicts, policy) = line.split_once(" | ").expect("VERDICTS | POLICY");
            let policy = policy.replace("PORT", "9999");
            // The module loads the script beside it.
            let files = ["pagewire.mjs", "pagewire.js"];
            let loads = |file: &str| {
                let address = format!("http://127.0.0.1:9999/bridge/{file}");
                allows(&[&policy], HTTP, Use::Script, &address)
            };
            let shown = [
                allows(&[&policy], HTTP, Use::Connect, socket),
                files.into_iter().all(loads),
            ];
            let mut all = Policies::default();
            all.add(&policy);
            let words = shown.into_iter().chain([!all.refuses_eval()]);
            let words: Vec<_> = words.map(|ok| if ok { "yes" } else { "no" }).collect();
            let verdicts: Vec<_> = verdicts.split_whitespace().collect();
            assert_eq!(words, verdicts, "{policy}");
            seen += 1;
        }
        assert!(seen > 30, "{seen} cases");
    }

    #[test]
    fn sources_match_addresses() {
        let cases = [
            // Scheme, host, port and path.
            ("*.shop.example", "https://api.shop.example/", true),
            ("*.shop.example", "https://shop.example/", false),
            ("*.shop.example", "https://evilshop.example/", false),
            ("shop.example", "https://shop.example:444/", false),
            ("shop.example:*", "https://shop.example:444/", true),
            ("http://shop.example", "https://shop.example/", true),
            ("http://shop.example:80", "https://shop.example/", true),
            ("https://shop.example", "http://shop.example/", false),
            ("https://shop.example:443", "https://shop.example/", true),
            ("https://SHOP.example", "https://shop.example/", true),
            ("https:", "https://shop.example/", true),
            ("https://shop.example/a/", "https://shop.example/a/b", true),
            ("https://shop.example/a", "https://shop.example/a/b", false),
            ("https://shop.example/a", "https://shop.example/a", true),
            ("https://shop.example/", "https://shop.example/a", true),
            ("http://[::1]:9999", "http://[::1]:9999/", true),
            ("http://shop.example:x", "http://shop.example/", false),
            // What the page is matters to 'self' and to sources without a scheme.
            ("'self'", "https://shop.example/", true),
            ("'SELF'", "wss://shop.example/", true),
            ("'self'", "http://shop.example/", false),
            ("'self'", "https://shop.example:444/", false),
            ("127.0.0.1:9999", "http://127.0.0.1:9999/", false),
            ("*", "ws://127.0.0.1:9999/", true),
            ("*", "data:x", false),
            (
                "'nonce-https://shop.example'",
                "https://shop.example/",
                false,
            ),
        ];
        for (source, address, expected) in cases {
            let Some(target) = Target::parse(address) else {
                continue;
            };
            assert_eq!(
                matches_source(source, &self::target(HTTPS), &target),
                expected,
                "{source} {address}"
            );
        }
    }

    #[test]
    fn every_policy_must_allow() {
        let socket = "ws://127.0.0.1:9999/v1/page";
        assert!(allows(
            &["connect-src ws:", "script-src 'none'"],
            HTTPS,
            Use::Connect,
            socket
        ));
        assert!(!allows(
            &["connect-src ws:", "connect-src 'self'"],
            HTTPS,
            Use::Connect,
            socket
        ));
        assert!(!allows(
            &["connect-src ws:, default-src 'self'"],
            HTTPS,
            Use::Connect,
            socket
        ));
        let mut all = Policies::default();
        all.add("default-src 'self'; img-src *");
        let refused = all
            .check(&target(HTTPS), Use::Connect, &target(socket))
            .unwrap_err();
        assert_eq!(refused.to_string(), "default-src 'self'");
        let mut none = Policies::default();
        none.add(" ; , ");
        assert!(none.is_empty());
    }

    #[test]
    fn a_sandbox_takes_the_origin() {
        for (policy, takes) in [
            ("sandbox", true),
            ("sandbox allow-scripts", true),
            ("sandbox allow-same-origin", false),
            ("img-src *", false),
        ] {
            let mut all = Policies::default();
            all.add(policy);
            assert_eq!(all.takes_the_origin(), takes, "{policy}");
        }
    }
}
