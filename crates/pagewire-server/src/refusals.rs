//! What was refused lately, so that whoever asks why something does not connect gets an answer (`docs/protocol.md` §3.6). Pure: `now` is an argument.

use pagewire_hub::{Grant, TurnedAway};
use pagewire_rpc::Refusal as HelloRefusal;
use serde::Serialize;

use crate::access::{Denied, Foreign, Purpose};

/// Different refusals that are remembered. One more takes the place of the one that came last the longest ago.
const REFUSALS_MAX: usize = 64;
/// Most that is kept of a text that a refused peer sent, in bytes.
const REFUSED_TEXT_BYTES_MAX: usize = 200;

/// Something that was refused, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// A request, by the access layer.
    Request { denied: Denied, purpose: Purpose },
    /// A page's hello.
    Hello {
        origin: Option<String>,
        grant: Grant,
        why: TurnedAway,
    },
}

/// The refusals of one run, equal ones counted together.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    entries: Vec<Entry>,
    forgotten: u64,
}

#[derive(Debug)]
struct Entry {
    refused: Refused,
    asked: String,
    count: u64,
    first_ms: u64,
    last_ms: u64,
}

/// The refusals as they are told.
#[derive(Debug, Serialize)]
pub(crate) struct RefusalList {
    pub(crate) refusals: Vec<RefusalInfo>,
    /// Refusals that are counted in none of them any more.
    pub(crate) refusals_forgotten: u64,
}

/// One refusal with what to do about it.
#[derive(Debug, Serialize)]
pub(crate) struct RefusalInfo {
    code: &'static str,
    /// The origin, or the host name.
    from: Option<String>,
    /// Method and path of the last one.
    pub(crate) asked: String,
    pub(crate) count: u64,
    first_ms: u64,
    pub(crate) last_ms: u64,
    pub(crate) reason: String,
    pub(crate) advice: String,
    /// What to add to `pagewire serve`, where that is all it takes.
    pub(crate) flag: Option<String>,
}

impl Refusals {
    /// Remembers one. `asked` is the method and path, `now_ms` Unix time.
    pub(crate) fn record(&mut self, refused: Refused, asked: &str, now_ms: u64) {
        let (refused, asked) = (refused.cut(), cut(asked));
        let known = self
            .entries
            .iter_mut()
            .find(|entry| entry.refused == refused);
        if let Some(entry) = known {
            entry.count += 1;
            entry.asked = asked;
            entry.last_ms = now_ms.max(entry.last_ms);
            return;
        }
        if self.entries.len() >= REFUSALS_MAX {
            self.forget_one();
        }
        self.entries.push(Entry {
            refused,
            asked,
            count: 1,
            first_ms: now_ms,
            last_ms: now_ms,
        });
    }

    fn forget_one(&mut self) {
        let oldest = self
            .entries
            .iter()
            .enumerate()
            .min_by_key(|(_, entry)| entry.last_ms);
        if let Some((index, _)) = oldest {
            self.forgotten += self.entries.remove(index).count;
        }
    }

    /// All of them, the newest first.
    pub(crate) fn list(&self) -> RefusalList {
        let mut refusals: Vec<_> = self.entries.iter().map(Entry::info).collect();
        refusals.sort_by_key(|info| std::cmp::Reverse(info.last_ms));
        RefusalList {
            refusals,
            refusals_forgotten: self.forgotten,
        }
    }
}

impl Entry {
    fn info(&self) -> RefusalInfo {
        let (reason, advice) = self.refused.words();
        RefusalInfo {
            code: self.refused.code(),
            from: self.refused.from(),
            asked: self.asked.clone(),
            count: self.count,
            first_ms: self.first_ms,
            last_ms: self.last_ms,
            reason,
            advice: advice.to_owned(),
            flag: self.refused.flag(),
        }
    }
}

impl Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Hello { .. } => "hello_refused",
            Self::Request { denied, .. } => match denied {
                Denied::WrongHost(_) => "wrong_host",
                Denied::UnknownToken => "token_unknown",
                Denied::TokenRequired => "token_required",
                Denied::Outside(_) => "token_required_outside",
                Denied::Foreign(Foreign::Stranger(_)) => "origin_not_allowed",
                Denied::Foreign(Foreign::NotPlain(_)) => "origin_not_plain",
                Denied::Foreign(Foreign::AttachOnly(_)) => "origin_attaches_only",
                Denied::Foreign(Foreign::Nameless(_)) => "origin_null",
                Denied::Foreign(Foreign::Untold) => "origin_untold",
            },
        }
    }

    fn from(&self) -> Option<String> {
        match self {
            Self::Hello { origin, .. } => origin.clone(),
            Self::Request { denied, .. } => match denied {
                Denied::WrongHost(text) | Denied::Foreign(Foreign::Nameless(text)) => {
                    Some(text.clone())
                }
                Denied::Foreign(
                    Foreign::Stranger(origin)
                    | Foreign::AttachOnly(origin)
                    | Foreign::NotPlain(origin),
                ) => Some(origin.to_string()),
                Denied::UnknownToken
                | Denied::TokenRequired
                | Denied::Outside(_)
                | Denied::Foreign(Foreign::Untold) => None,
            },
        }
    }

    /// Why, and what helps.
    fn words(&self) -> (String, &'static str) {
        let (denied, attaches) = match self {
            Self::Hello { grant, why, .. } => return hello_words(grant, why),
            Self::Request { denied, purpose } => (denied, *purpose == Purpose::Attach),
        };
        match denied {
            Denied::WrongHost(host) => (
                format!("the hub was addressed by a name that is not its own: {host:?}"),
                "address it as 127.0.0.1 or localhost, or allow the name if it is yours",
            ),
            Denied::UnknownToken => (
                "a token came that this hub does not know".into(),
                "each run of the hub prints a snippet with a new token: paste the one of this run, or give the hub a lasting token",
            ),
            Denied::TokenRequired => (
                "a request came without a token, and this hub takes none without".into(),
                "send the token as Authorization: Bearer, or by --token or PAGEWIRE_TOKEN",
            ),
            Denied::Outside(sign) => (
                format!("{}, and came without a token", sign.words().0),
                "send a token, or tell the hub about its proxy: --trust-proxy, --public-url (docs/reverse-proxy.md)",
            ),
            Denied::Foreign(Foreign::NotPlain(origin)) => (
                format!(
                    "a page of {origin} wanted to open a plain WebSocket, and that origin is not named"
                ),
                "if you trust that site, name its origin",
            ),
            Denied::Foreign(Foreign::Stranger(origin)) if attaches => (
                format!("a page of {origin} wanted to attach, and that origin is not allowed"),
                "if you trust that site, allow its origin, or paste the snippet that the hub printed: it holds a token",
            ),
            Denied::Foreign(Foreign::Stranger(origin)) => (
                format!("a page of {origin} asked for something that pages get with a token only"),
                "if you trust that page, give it a token with the scope that it needs",
            ),
            Denied::Foreign(Foreign::AttachOnly(origin)) => (
                format!("a page of {origin} may attach, and wanted to do more"),
                "give the page a token with scope call or subscribe",
            ),
            Denied::Foreign(Foreign::Nameless(text)) => (
                format!("a page without an origin that could be allowed (Origin: {text:?}) asked"),
                "sandboxed frames, data: and file: pages have no origin: give the page a token, or serve it over http",
            ),
            Denied::Foreign(Foreign::Untold) => (
                "another page asked by a link, an image or a frame; the browser does not say which"
                    .into(),
                "type the address yourself, or send a token",
            ),
        }
    }

    /// What to add to `pagewire serve`. Only texts that are safe to type.
    fn flag(&self) -> Option<String> {
        match self {
            Self::Request {
                denied: Denied::Foreign(Foreign::Stranger(origin)),
                purpose: Purpose::Attach,
            } => Some(format!("--allow-origin {origin}")),
            Self::Request {
                denied: Denied::Foreign(Foreign::NotPlain(origin)),
                ..
            } => Some(format!("--plain-page {origin}")),
            Self::Request {
                denied: Denied::WrongHost(host),
                ..
            } => plain_name(host).map(|name| format!("--allow-host {name}")),
            Self::Request { .. } => None,
            Self::Hello {
                origin: Some(origin),
                grant: Grant::Origin | Grant::OriginOfGroup,
                why:
                    TurnedAway {
                        group: Some(group),
                        refusal: HelloRefusal::Access(_),
                    },
            } => Some(format!("--allow-origin {origin}={group}")),
            Self::Hello { .. } => None,
        }
    }

    /// What came from outside, at most so long that many of them cost little.
    fn cut(self) -> Self {
        match self {
            Self::Request {
                denied: Denied::WrongHost(host),
                purpose,
            } => Self::Request {
                denied: Denied::WrongHost(cut(&host)),
                purpose,
            },
            Self::Request {
                denied: Denied::Foreign(Foreign::Nameless(text)),
                purpose,
            } => Self::Request {
                denied: Denied::Foreign(Foreign::Nameless(cut(&text))),
                purpose,
            },
            Self::Request {
                denied: Denied::Foreign(Foreign::Stranger(origin) | Foreign::NotPlain(origin)),
                purpose,
            } if origin.as_str().len() > REFUSED_TEXT_BYTES_MAX => Self::Request {
                // Cut off it would be the origin of somebody else.
                denied: Denied::Foreign(Foreign::Nameless(cut(origin.as_str()))),
                purpose,
            },
            Self::Request { .. } | Self::Hello { .. } => self,
        }
    }
}

fn hello_words(grant: &Grant, why: &TurnedAway) -> (String, &'static str) {
    let group = why.group.as_ref();
    let group = group.map_or_else(String::new, |group| format!(" to join group {group}"));
    let message = cut(why.refusal.message());
    let reason = format!("a page that said hello{group} was turned away: {message}");
    let advice = match (&why.refusal, grant) {
        (HelloRefusal::BadHello(_), _) => {
            "the page's side of the protocol is wrong: load the script that this hub serves"
        }
        (HelloRefusal::TooManyPages, _) => {
            "detach pages that are not needed: DELETE /v1/pages/ID, or close them"
        }
        (HelloRefusal::Access(_), Grant::Token) => {
            "use the group of the token (--group of pagewire serve), or give the token the scope attach:GROUP"
        }
        (HelloRefusal::Access(_), Grant::Origin | Grant::OriginOfGroup) => {
            "let the page join another group, or give the group to the page's origin"
        }
        (HelloRefusal::Access(_), Grant::Any) => {
            "another page holds the id that the page brought: reload the page without it"
        }
    };
    (reason, advice)
}

fn cut(text: &str) -> String {
    text[..text.floor_char_boundary(REFUSED_TEXT_BYTES_MAX)].to_owned()
}

/// The host without its port, where it is a name and nothing else.
fn plain_name(host: &str) -> Option<&str> {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    (!name.is_empty() && !name.starts_with('-') && name.bytes().all(is_plain)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stranger(number: usize) -> Refused {
        let origin = format!("https://site{number}.example");
        Refused::Request {
            denied: Denied::Foreign(Foreign::Stranger(origin.parse().expect("an origin"))),
            purpose: Purpose::Attach,
        }
    }

    fn wrong_host(host: &str) -> Refused {
        Refused::Request {
            denied: Denied::WrongHost(host.into()),
            purpose: Purpose::Other,
        }
    }

    fn hello(grant: Grant, refusal: HelloRefusal) -> Refused {
        let group = Some(pagewire_rpc::GroupName::new("shop").expect("a group"));
        Refused::Hello {
            origin: Some("https://shop.example".into()),
            grant,
            why: TurnedAway { group, refusal },
        }
    }

    fn only(refused: Refused) -> RefusalInfo {
        let mut refusals = Refusals::default();
        refusals.record(refused, "GET /v1/page", 1);
        refusals.list().refusals.remove(0)
    }

    #[test]
    fn equal_refusals_are_counted_together() {
        let mut refusals = Refusals::default();
        for (number, now) in [(1, 10), (2, 20), (1, 30)] {
            refusals.record(stranger(number), &format!("GET /{now}"), now);
        }
        let list = refusals.list();
        let shown: Vec<_> = list
            .refusals
            .iter()
            .map(|r| {
                (
                    r.from.as_deref(),
                    r.count,
                    r.first_ms,
                    r.last_ms,
                    r.asked.as_str(),
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                (Some("https://site1.example"), 2, 10, 30, "GET /30"),
                (Some("https://site2.example"), 1, 20, 20, "GET /20"),
            ]
        );
        assert_eq!(list.refusals_forgotten, 0);
    }

    #[test]
    fn one_refusal_over_the_limit_takes_the_place_of_the_oldest() {
        let mut refusals = Refusals::default();
        for number in 0..REFUSALS_MAX {
            refusals.record(
                stranger(number),
                "GET /v1/page",
                100 + u64::try_from(number).unwrap(),
            );
        }
        refusals.record(stranger(0), "GET /v1/page", 500);
        assert_eq!(refusals.list().refusals.len(), REFUSALS_MAX);
        assert_eq!(refusals.list().refusals_forgotten, 0);
        refusals.record(stranger(REFUSALS_MAX), "GET /v1/page", 600);
        let list = refusals.list();
        assert_eq!(
            (list.refusals.len(), list.refusals_forgotten),
            (REFUSALS_MAX, 1)
        );
        let holds = |name: &str| {
            list.refusals
                .iter()
                .any(|r| r.from.as_deref() == Some(name))
        };
        assert!(holds("https://site0.example") && !holds("https://site1.example"));
    }

    #[test]
    fn long_texts_are_cut() {
        for (length, kept) in [
            (REFUSED_TEXT_BYTES_MAX, REFUSED_TEXT_BYTES_MAX),
            (REFUSED_TEXT_BYTES_MAX + 1, REFUSED_TEXT_BYTES_MAX),
        ] {
            let text = "a".repeat(length);
            assert_eq!(
                only(wrong_host(&text)).from.map(|from| from.len()),
                Some(kept)
            );
            let mut refusals = Refusals::default();
            refusals.record(stranger(1), &text, 1);
            assert_eq!(refusals.list().refusals[0].asked.len(), kept);
        }
        // An origin that is cut is not advised.
        let origin = format!("https://{}.example", "a".repeat(REFUSED_TEXT_BYTES_MAX));
        let info = only(Refused::Request {
            denied: Denied::Foreign(Foreign::Stranger(origin.parse().expect("an origin"))),
            purpose: Purpose::Attach,
        });
        assert_eq!((info.code, info.flag), ("origin_null", None));
    }

    #[test]
    fn a_flag_is_named_where_one_helps() {
        let access = || HelloRefusal::Access("because".into());
        let other = |denied| Refused::Request {
            denied,
            purpose: Purpose::Other,
        };
        let cases = [
            (
                stranger(1),
                "origin_not_allowed",
                Some("--allow-origin https://site1.example"),
            ),
            (
                wrong_host("hub.local:9999"),
                "wrong_host",
                Some("--allow-host hub.local"),
            ),
            (wrong_host("a;id"), "wrong_host", None),
            (wrong_host("-x"), "wrong_host", None),
            (wrong_host(""), "wrong_host", None),
            (other(Denied::UnknownToken), "token_unknown", None),
            (other(Denied::TokenRequired), "token_required", None),
            (
                other(Denied::Foreign(Foreign::Stranger(
                    "https://a".parse().unwrap(),
                ))),
                "origin_not_allowed",
                None,
            ),
            (
                other(Denied::Foreign(Foreign::AttachOnly(
                    "https://a".parse().unwrap(),
                ))),
                "origin_attaches_only",
                None,
            ),
            (
                other(Denied::Foreign(Foreign::Nameless("null".into()))),
                "origin_null",
                None,
            ),
            (
                other(Denied::Foreign(Foreign::Untold)),
                "origin_untold",
                None,
            ),
            (
                hello(Grant::Origin, access()),
                "hello_refused",
                Some("--allow-origin https://shop.example=shop"),
            ),
            (
                hello(Grant::OriginOfGroup, access()),
                "hello_refused",
                Some("--allow-origin https://shop.example=shop"),
            ),
            (hello(Grant::Token, access()), "hello_refused", None),
            (hello(Grant::Any, access()), "hello_refused", None),
            (
                hello(Grant::Origin, HelloRefusal::TooManyPages),
                "hello_refused",
                None,
            ),
        ];
        for (refused, code, flag) in cases {
            let info = only(refused);
            assert_eq!((info.code, info.flag.as_deref()), (code, flag), "{info:?}");
            assert!(!info.reason.is_empty() && !info.advice.is_empty());
        }
    }
}
