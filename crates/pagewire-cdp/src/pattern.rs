//! Patterns of addresses, such as `https://*.example/api/*`.

use std::fmt;
use std::str::FromStr;

use parse::Parts;

mod glob;
mod parse;
#[cfg(test)]
mod tests;

pub use parse::PatternError;

/// Longest pattern, in bytes.
pub const URL_PATTERN_BYTES_MAX: usize = 2_048;

/// Which addresses are meant.
///
/// `*` stands for any text, also for none; `\*` is a star; all else stands for itself, `?` too, which begins the query. The whole address has to fit.
///
/// | written | means |
/// | --- | --- |
/// | `*` | every address, also `about:blank` and `data:` |
/// | `shop.example` | any scheme, any port, any path of this host |
/// | `*.shop.example` | its subdomains, not itself |
/// | `https://shop.example` | without a path: any path |
/// | `shop.example/` | the path `/` and nothing else |
/// | `shop.example:443/api/*` | this port; `https:` and `wss:` have it where the address names none |
///
/// A star before the path does not reach into the path: `https://*.example/*` is never `https://evil.test/.example/`. Case counts only in the path and what
/// follows. The fragment (`#…`) of an address is looked at only where the pattern has one; a user name in it, never. Matching takes time linear in the address.
///
/// ```
/// use pagewire_cdp::UrlPattern;
///
/// let pattern: UrlPattern = "push.example.com".parse()?;
/// assert!(pattern.matches("wss://push.example.com:8443/live?room=1"));
/// assert!(!pattern.matches("wss://evil.test/push.example.com"));
/// # Ok::<(), pagewire_cdp::PatternError>(())
/// ```
#[derive(Clone)]
pub struct UrlPattern {
    text: Box<str>,
    /// None: every address.
    parts: Option<Parts>,
}

/// Which ports a pattern means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Port {
    Any,
    Is(u16),
}

impl FromStr for UrlPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let parts = match text {
            "*" => None,
            _ => Some(Parts::parse(text)?),
        };
        Ok(Self {
            text: text.into(),
            parts,
        })
    }
}

impl UrlPattern {
    /// The pattern `*`.
    pub fn any() -> Self {
        Self {
            text: "*".into(),
            parts: None,
        }
    }

    /// True where it fits every address.
    pub const fn is_any(&self) -> bool {
        self.parts.is_none()
    }

    /// True where the whole of `url` fits.
    pub fn matches(&self, url: &str) -> bool {
        let Some(parts) = &self.parts else {
            return true;
        };
        let Some((start, rest)) = Start::of(url) else {
            return false;
        };
        let rest = match rest.split_once('#') {
            Some((before, _)) if !parts.has_fragment => before,
            _ => rest,
        };
        parts.fits_start(&start) && parts.rest.matches(rest)
    }

    /// True where an address of `origin` (as browsers write it: `https://shop.example:8443`) can fit: compares scheme, host and port.
    /// An opaque origin (`null`, `://`) fits only `*`.
    pub fn may_be_of_origin(&self, origin: &str) -> bool {
        let Some(parts) = &self.parts else {
            return true;
        };
        Start::of(origin)
            .is_some_and(|(start, _)| !start.scheme.is_empty() && parts.fits_start(&start))
    }

    /// The same as a JavaScript regular expression, for addresses as browsers write them (scheme and host in lower case).
    ///
    /// It is anchored, and may stand in a literal (`/…/`), a string or HTML: it has no quotes, angle brackets or white space. It needs the lookahead and the
    /// backward references of JavaScript, with which it never goes back behind a star of the path and takes no longer than [`UrlPattern::matches`].
    pub fn to_regex(&self) -> String {
        self.parts
            .as_ref()
            .map_or_else(|| r"^[\s\S]*$".to_owned(), Parts::to_regex)
    }

    /// The scheme where the pattern names one, in lower case.
    pub(crate) fn scheme(&self) -> Option<&str> {
        self.parts.as_ref().and_then(|parts| parts.scheme.literal())
    }
}

impl fmt::Display for UrlPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for UrlPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.text, f)
    }
}

/// An address up to its path, in lower case.
struct Start {
    scheme: String,
    host: String,
    port: Option<u16>,
}

impl Start {
    /// `url` cut before its path. None for an address without `://`.
    fn of(url: &str) -> Option<(Self, &str)> {
        let (scheme, rest) = url.split_once("://")?;
        let (authority, path) = parse::split_authority(rest);
        let host_and_port = authority
            .rsplit_once('@')
            .map_or(authority, |(_, host)| host);
        let (host, port) = parse::split_port(host_and_port);
        let scheme = scheme.to_ascii_lowercase();
        let port = match port {
            Some(port) => port.parse().ok(),
            None => default_port(&scheme),
        };
        let host = host.to_ascii_lowercase();
        Some((Self { scheme, host, port }, path))
    }
}

impl Parts {
    fn fits_start(&self, start: &Start) -> bool {
        let port = match self.port {
            Port::Any => true,
            Port::Is(port) => start.port == Some(port),
        };
        port && self.scheme.matches(&start.scheme) && self.host.matches(&start.host)
    }

    fn to_regex(&self) -> String {
        let scheme = self.scheme.to_regex("[^/]*");
        let host = if self.host.is_star() {
            r"(?:\[[^\]/?#@]*\]|[^/?#@:]*)".to_owned()
        } else {
            self.host.to_regex("[^/?#@:]*")
        };
        let user = "(?:[^/?#]*@)?";
        let start = match self.port {
            Port::Any => format!(r"{scheme}:\/\/{user}{host}(?::[0-9]*)?"),
            Port::Is(port) => {
                let full = format!(r"{scheme}:\/\/{user}{host}:{port}");
                // Browsers leave a scheme's own port out.
                let own: Vec<_> = DEFAULT_PORTS
                    .iter()
                    .filter(|(of, own)| *own == port && self.scheme.matches(of))
                    .map(|(of, _)| *of)
                    .collect();
                if own.is_empty() {
                    full
                } else {
                    format!(r"(?:{full}|(?:{}):\/\/{user}{host})", own.join("|"))
                }
            }
        };
        if self.has_fragment {
            format!("^{start}{}$", self.rest.to_steady_regex(r"[\s\S]*"))
        } else {
            format!(
                r"^{start}{}(?:#[\s\S]*)?$",
                self.rest.to_steady_regex("[^#]*")
            )
        }
    }
}

const DEFAULT_PORTS: [(&str, u16); 4] = [("http", 80), ("https", 443), ("ws", 80), ("wss", 443)];

fn default_port(scheme: &str) -> Option<u16> {
    DEFAULT_PORTS
        .iter()
        .find(|(of, _)| *of == scheme)
        .map(|(_, port)| *port)
}
