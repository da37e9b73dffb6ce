//! Names as they stand in addresses and messages, checked once when they come in.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::Error;

/// Longest group or function name, in characters.
pub const NAME_CHARS_MAX: usize = 64;
/// Longest page id, in bytes.
pub const PAGE_ID_BYTES_MAX: usize = 64;
/// Longest topic, in bytes.
pub const TOPIC_BYTES_MAX: usize = 200;

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $check:path, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks `text` and keeps it.
            ///
            /// # Errors
            ///
            /// [`Error::Name`] when the text breaks the rule of this kind of name.
            pub fn new(text: &str) -> Result<Self, Error> {
                if !$check(text) {
                    return Err(Error::Name { what: $what });
                }
                Ok(Self(text.into()))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::new(&text).map_err(D::Error::custom)
            }
        }
    };
}

name_type! {
    /// The name of a group of pages that can stand in for one another: 1–64 letters or digits of any script, `_`, `-`.
    GroupName, is_name, "a group name is 1-64 letters, digits, '_' or '-'"
}
name_type! {
    /// The name of a function inside its group: 1–64 letters or digits of any script, `_`, `-`.
    FunctionName, is_name, "a function name is 1-64 letters, digits, '_' or '-'"
}
name_type! {
    /// The identity of a page, kept over reloads: 1–64 characters out of `A–Z a–z 0–9 _ -`.
    PageId, is_page_id, "a page id is 1-64 characters out of A-Z a-z 0-9 _ -"
}
name_type! {
    /// The full name of a topic, prefix included: segments joined by `/`, at most 200 bytes.
    TopicName, is_topic, "a topic is 1-200 bytes of segments joined by '/', none of them empty, '.' or '..', without white space or control characters"
}

/// The function that runs code of programs in a page; calling one of this name needs the scope `run-code` (`docs/protocol.md` §4).
pub const FUNCTION_EVAL: &str = "eval";

impl TopicName {
    /// The topic that a page of `group` means by `name`: `pages/{group}/{name}`.
    ///
    /// # Errors
    ///
    /// [`Error::Name`] when the result is no topic.
    pub fn of_page(group: &GroupName, name: &str) -> Result<Self, Error> {
        Self::new(&format!("pages/{group}/{name}"))
    }

    /// The topic of one tapped connection of a page: `taps/{page}/{connection}`. `connection` is one segment, such as `1-push.example.com`.
    ///
    /// # Errors
    ///
    /// [`Error::Name`] when the result is no topic.
    pub fn of_tap(page: &PageId, connection: &str) -> Result<Self, Error> {
        Self::new(&format!("taps/{page}/{connection}"))
    }

    /// This topic with one more segment.
    ///
    /// # Errors
    ///
    /// [`Error::Name`] when the result is no topic.
    pub fn below(&self, segment: &str) -> Result<Self, Error> {
        Self::new(&format!("{self}/{segment}"))
    }

    /// The page whose taps this topic is below, for topics `taps/{page}/…`; not checked to be a page id.
    pub fn tapped_page(&self) -> Option<&str> {
        let (page, _) = self.as_str().strip_prefix("taps/")?.split_once('/')?;
        Some(page)
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.chars().nth(NAME_CHARS_MAX).is_none()
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

fn is_page_id(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= PAGE_ID_BYTES_MAX
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

fn is_topic(text: &str) -> bool {
    text.len() <= TOPIC_BYTES_MAX
        && text.split('/').all(|part| {
            // URL clients take "." and ".." for steps in a path (RFC 3986 §5.2.4), so such a topic could not be addressed.
            !matches!(part, "" | "." | "..")
                && !part.contains(|c: char| c.is_control() || c.is_whitespace())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_script_pass_and_the_limit_is_exact() {
        for good in [
            "a",
            "价格",
            "get_price-2",
            &"x".repeat(64),
            &"价".repeat(64),
        ] {
            assert!(GroupName::new(good).is_ok(), "{good}");
            assert!(FunctionName::new(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "a.b",
            "a/b",
            "a b",
            "$/x",
            "a\u{202e}",
            &"x".repeat(65),
            &"价".repeat(65),
        ] {
            assert!(GroupName::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn page_ids_are_plain_ascii() {
        assert!(PageId::new(&"p".repeat(64)).is_ok());
        for bad in ["", "页", "a/b", &"p".repeat(65)] {
            assert!(PageId::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn topics_of_taps_name_their_page() {
        let page = PageId::new("p_1").unwrap();
        let tap = TopicName::of_tap(&page, "1-push.example.com").unwrap();
        assert_eq!(tap.as_str(), "taps/p_1/1-push.example.com");
        for (topic, tapped) in [
            (tap.as_str(), Some("p_1")),
            ("taps/p_1/a/b", Some("p_1")),
            ("taps/p_1", None),
            ("tapsy/p_1/1", None),
            ("pages/taps/p_1/1", None),
        ] {
            assert_eq!(TopicName::new(topic).unwrap().tapped_page(), tapped);
        }
        for bad in ["", "a b", &"c".repeat(192)] {
            assert!(TopicName::of_tap(&page, bad).is_err(), "{bad}");
        }
        assert!(TopicName::of_tap(&page, &"c".repeat(191)).is_ok());
    }

    #[test]
    fn topics_have_segments_and_a_length() {
        for good in ["a", "pages/shop/价格", "taps/p1/2", &"t".repeat(200)] {
            assert!(TopicName::new(good).is_ok(), "{good}");
        }
        for bad in ["", "/a", "a/", "a//b", "a b", "a\n", &"t".repeat(201)] {
            assert!(TopicName::new(bad).is_err(), "{bad:?}");
        }
    }
}
