//! Scopes: what a token allows (`docs/protocol.md` §4).

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use pagewire_rpc::{FUNCTION_EVAL, FunctionName, GroupName, TopicName};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A name, or the beginning of names: `shop/price`, `shop/*`, `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// Whether it covers the name that these parts make when they are joined.
    fn covers(&self, parts: &[&str]) -> bool {
        let (mut rest, open) = match self.0.strip_suffix('*') {
            Some(beginning) => (beginning, true),
            None => (self.0.as_str(), false),
        };
        for part in parts {
            if open && rest.len() <= part.len() {
                return part.starts_with(rest);
            }
            match rest.strip_prefix(part) {
                Some(left) => rest = left,
                None => return false,
            }
        }
        rest.is_empty()
    }
}

/// One permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Call functions, written `group/function`.
    Call(Pattern),
    /// Read topics.
    Subscribe(Pattern),
    /// Publish to topics.
    Publish(Pattern),
    /// Attach pages to groups.
    Attach(Pattern),
    /// See, drain and detach every page.
    Admin,
    /// Read the counters of the hub.
    Metrics,
    /// Run arbitrary code in pages.
    RunCode,
}

impl Scope {
    /// Call this function only.
    pub fn call(group: &GroupName, function: &FunctionName) -> Self {
        Self::Call(Pattern(format!("{group}/{function}")))
    }

    /// Attach pages to this group only.
    pub fn attach(group: &GroupName) -> Self {
        Self::Attach(Pattern(group.as_str().to_owned()))
    }
}

/// A scope that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown scope {0:?}: use call[:GROUP/FUNCTION], subscribe[:TOPIC], publish[:TOPIC], attach[:GROUP], metrics, \
     admin or run-code; what follows the colon may end in *"
)]
pub struct ScopeError(String);

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let (kind, pattern) = text.split_once(':').unwrap_or((text, "*"));
        let bad = || ScopeError(text.to_owned());
        let inner = pattern.strip_suffix('*').unwrap_or(pattern);
        if pattern.is_empty() || inner.contains(['*', ' ', ',']) {
            return Err(bad());
        }
        let pattern = Pattern(pattern.to_owned());
        match (kind, text.contains(':')) {
            ("call", _) => Ok(Self::Call(pattern)),
            ("subscribe", _) => Ok(Self::Subscribe(pattern)),
            ("publish", _) => Ok(Self::Publish(pattern)),
            ("attach", _) => Ok(Self::Attach(pattern)),
            ("admin", false) => Ok(Self::Admin),
            ("metrics", false) => Ok(Self::Metrics),
            ("run-code", false) => Ok(Self::RunCode),
            _ => Err(bad()),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(pattern) => write!(f, "call:{}", pattern.0),
            Self::Subscribe(pattern) => write!(f, "subscribe:{}", pattern.0),
            Self::Publish(pattern) => write!(f, "publish:{}", pattern.0),
            Self::Attach(pattern) => write!(f, "attach:{}", pattern.0),
            Self::Admin => f.write_str("admin"),
            Self::Metrics => f.write_str("metrics"),
            Self::RunCode => f.write_str("run-code"),
        }
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// All that one program or page may do. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scopes(Arc<[Scope]>);

static NONE: LazyLock<Scopes> = LazyLock::new(|| Scopes::new(Vec::new()));
static ALL: LazyLock<Scopes> = LazyLock::new(|| {
    let any = || Pattern("*".to_owned());
    Scopes::new(vec![
        Scope::Call(any()),
        Scope::Subscribe(any()),
        Scope::Publish(any()),
        Scope::Attach(any()),
        Scope::Admin,
        Scope::Metrics,
    ])
});

impl Scopes {
    /// Nothing.
    pub fn none() -> Self {
        NONE.clone()
    }

    /// All but running arbitrary code.
    pub fn all() -> Self {
        ALL.clone()
    }

    /// These.
    pub fn new(scopes: Vec<Scope>) -> Self {
        Self(scopes.into())
    }

    /// True when no scope is held.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// May call this function. One that runs arbitrary code, [`FUNCTION_EVAL`], needs `run-code` too.
    pub fn may_call(&self, group: &GroupName, function: &FunctionName) -> bool {
        let name = [group.as_str(), "/", function.as_str()];
        self.any(|scope| matches!(scope, Scope::Call(pattern) if pattern.covers(&name)))
            && (function.as_str() != FUNCTION_EVAL || self.may_run_code())
    }

    /// May run arbitrary code in pages.
    pub fn may_run_code(&self) -> bool {
        self.any(|scope| matches!(scope, Scope::RunCode))
    }

    /// May see the pages of this group: an admin, or who may call some function of it.
    pub fn may_see(&self, group: &GroupName) -> bool {
        let functions = format!("{group}/");
        let touches =
            |pattern: &Pattern| pattern.0.starts_with(&functions) || pattern.covers(&[&functions]);
        self.may_administer()
            || self.any(|scope| matches!(scope, Scope::Call(pattern) if touches(pattern)))
    }

    /// May see some page.
    pub fn may_see_any(&self) -> bool {
        self.any(|scope| matches!(scope, Scope::Admin | Scope::Call(_)))
    }

    /// May read this topic.
    pub fn may_subscribe(&self, topic: &TopicName) -> bool {
        self.any(
            |scope| matches!(scope, Scope::Subscribe(pattern) if pattern.covers(&[topic.as_str()])),
        )
    }

    /// May read some topic.
    pub fn may_subscribe_any(&self) -> bool {
        self.any(|scope| matches!(scope, Scope::Subscribe(_)))
    }

    /// May publish to this topic.
    pub fn may_publish(&self, topic: &TopicName) -> bool {
        self.any(
            |scope| matches!(scope, Scope::Publish(pattern) if pattern.covers(&[topic.as_str()])),
        )
    }

    /// May publish to some topic.
    pub fn may_publish_any(&self) -> bool {
        self.any(|scope| matches!(scope, Scope::Publish(_)))
    }

    /// May attach a page to this group.
    pub fn may_attach(&self, group: &GroupName) -> bool {
        self.any(
            |scope| matches!(scope, Scope::Attach(pattern) if pattern.covers(&[group.as_str()])),
        )
    }

    /// May detach pages and see all of them.
    pub fn may_administer(&self) -> bool {
        self.any(|scope| matches!(scope, Scope::Admin))
    }

    /// May read the counters of the hub.
    pub fn may_read_metrics(&self) -> bool {
        self.any(|scope| matches!(scope, Scope::Metrics | Scope::Admin))
    }

    fn any(&self, matches: impl Fn(&Scope) -> bool) -> bool {
        self.0.iter().any(matches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(texts: &[&str]) -> Scopes {
        Scopes::new(
            texts
                .iter()
                .map(|text| text.parse().expect("a scope"))
                .collect(),
        )
    }

    #[test]
    fn scopes_cover_what_they_say() {
        let group = GroupName::new("shop").unwrap();
        let function = FunctionName::new("price").unwrap();
        let topic = TopicName::new("pages/shop/prices").unwrap();
        // scope, calls shop/price, sees shop, reads the topic, attaches to shop
        let cases = [
            ("call", true, true, false, false),
            ("call:shop/*", true, true, false, false),
            ("call:shop/price", true, true, false, false),
            ("call:shop/pri", false, true, false, false),
            ("call:shopping/*", false, false, false, false),
            ("subscribe:pages/shop/*", false, false, true, false),
            ("subscribe:pages/shop/price", false, false, false, false),
            ("attach:shop", false, false, false, true),
            ("attach:sh*", false, false, false, true),
            ("attach:sho", false, false, false, false),
            ("admin", false, true, false, false),
            ("run-code", false, false, false, false),
        ];
        for (text, calls, sees, reads, attaches) in cases {
            let scopes = scopes(&[text]);
            assert_eq!(scopes.may_call(&group, &function), calls, "{text}");
            assert_eq!(scopes.may_see(&group), sees, "{text}");
            assert_eq!(scopes.may_subscribe(&topic), reads, "{text}");
            assert_eq!(scopes.may_attach(&group), attaches, "{text}");
            assert!(!scopes.may_publish(&topic), "{text}");
        }
        assert!(!Scopes::none().may_see_any() && Scopes::all().may_publish(&topic));
    }

    #[test]
    fn unknown_scopes_are_refused() {
        for text in [
            "",
            "calls",
            "call:",
            "call:a*b",
            "admin:x",
            "run-code:x",
            "call:a b",
            "subscribe:**",
        ] {
            assert!(text.parse::<Scope>().is_err(), "{text}");
        }
        assert_eq!("call".parse::<Scope>().unwrap().to_string(), "call:*");
    }
}
