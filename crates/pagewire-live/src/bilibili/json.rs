//! JSON, member by member: a member of a type that was not expected costs that member and no more.
//!
//! Values are handed on as the JSON they are written as, and read by what they are to be. All of it borrows from the message, and nothing is read twice
//! deeper than the members that are wanted.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer as _, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// A text. What is no Unicode in it, such as half of a pair of surrogates, stands as U+FFFD.
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        // As bytes, since as a text half a pair of surrogates is an error.
        from.deserialize_bytes(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_bytes<E: Error>(self, bytes: &'de [u8]) -> Result<Text<'de>, E> {
        Ok(Text(String::from_utf8_lossy(bytes)))
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(
            String::from_utf8_lossy(bytes).into_owned(),
        )))
    }
}

/// Takes the members of an object, or the entries of a list under the key `""`.
struct Parts<T>(T);

impl<'de, T: FnMut(&str, &'de str)> Visitor<'de> for Parts<T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some((key, value)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
            (self.0)(&key.0, value.get());
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        while let Some(value) = list.next_element::<&'de RawValue>()? {
            (self.0)("", value.get());
        }
        Ok(())
    }
}

/// Takes the members of an object, one after the other. The whole text is read, so that what is no JSON is an error wherever it is.
pub(super) fn try_members<'a>(
    json: &'a str,
    take: impl FnMut(&str, &'a str),
) -> serde_json::Result<()> {
    let mut from = serde_json::Deserializer::from_str(json);
    from.deserialize_map(Parts(take))?;
    from.end()
}

/// The same, where it is known to be JSON. What is no object has no members.
pub(super) fn members<'a>(json: &'a str, take: impl FnMut(&str, &'a str)) {
    if is_object(json) {
        // An error would be one of the syntax, of which there is none.
        drop(try_members(json, take));
    }
}

/// Takes the entries of a list, with their places. What is no list has none.
pub(super) fn entries<'a>(json: &'a str, mut take: impl FnMut(usize, &'a str)) {
    if !is_list(json) {
        return;
    }
    let mut at = 0_usize;
    let one = |_: &str, value| {
        take(at, value);
        at = at.saturating_add(1);
    };
    // As above.
    drop(serde_json::Deserializer::from_str(json).deserialize_seq(Parts(one)));
}

pub(super) fn is_object(json: &str) -> bool {
    json.starts_with('{')
}

pub(super) fn is_list(json: &str) -> bool {
    json.starts_with('[')
}

/// A text; a number as it is written. Empty for all else.
pub(super) fn text(json: &str) -> Cow<'_, str> {
    match json.as_bytes().first() {
        Some(b'"') => {
            serde_json::from_str::<Text<'_>>(json).map_or_else(|_| Cow::default(), |text| text.0)
        }
        Some(b'-' | b'0'..=b'9') => Cow::Borrowed(json),
        _ => Cow::default(),
    }
}

/// A text that is not empty.
pub(super) fn some_text(json: &str) -> Option<Cow<'_, str>> {
    Some(text(json)).filter(|text| !text.is_empty())
}

/// An id as a text; 0 is none.
pub(super) fn some_id(json: &str) -> Option<Cow<'_, str>> {
    some_text(json).filter(|id| id != "0")
}

/// A number, also one that is written as a text. Of 1.5 it is 1, and true is 1; 0 for all else.
pub(super) fn number(json: &str) -> u64 {
    some_number(json).unwrap_or_default()
}

/// The same; none for all else.
pub(super) fn some_number(json: &str) -> Option<u64> {
    match json {
        "true" => Some(1),
        "false" => Some(0),
        _ => {
            let text = text(json);
            let whole = text.split_once('.').map_or(&*text, |(whole, _)| whole);
            whole.parse().ok()
        }
    }
}

/// A number of seconds in milliseconds.
pub(super) fn seconds(json: &str) -> u64 {
    number(json).saturating_mul(1_000)
}

/// A number in hundredths. Of what is smaller there is nothing.
pub(super) fn hundredths(json: &str) -> u64 {
    let text = text(json);
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let mut digits = part.bytes().filter(u8::is_ascii_digit);
    let mut digit = || u64::from(digits.next().unwrap_or(b'0').saturating_sub(b'0'));
    let part = digit().saturating_mul(10).saturating_add(digit());
    let whole: u64 = whole.parse().unwrap_or_default();
    whole.saturating_mul(100).saturating_add(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_taken_as_what_they_are_to_be() {
        assert_eq!(text(r#""a\u4e2d\n""#), "a中\n");
        assert_eq!(text(r#""\ud83d.""#), "\u{fffd}\u{fffd}\u{fffd}.");
        assert!(matches!(text(r#""plain""#), Cow::Borrowed("plain")));
        assert_eq!([text("12"), text("null"), text("{}")], ["12", "", ""]);
        assert_eq!(["7", r#""7""#, "7.9", "true"].map(number), [7, 7, 7, 1]);
        assert_eq!(
            ["-7", "1e3", "null", "[7]", r#""x""#].map(some_number),
            [None; 5]
        );
        assert_eq!(
            [some_id("0"), some_id(r#""0""#), some_id("\"\"")],
            [None, None, None]
        );
        assert_eq!(
            ["30", "30.5", r#""30.257""#, "null"].map(hundredths),
            [3_000, 3_050, 3_025, 0]
        );
        assert_eq!(number("99999999999999999999"), 0);
        assert_eq!(seconds("18446744073709551615"), u64::MAX);
    }

    #[test]
    fn what_is_no_object_has_no_members_and_what_is_no_list_no_entries() {
        let mut seen = String::new();
        members(r#"{"a":1,"\ud800":[2],"c":{"d":3}}"#, |key, value| {
            seen += &format!("{key}={value};");
        });
        members("[1]", |_, _| unreachable!("a list has no members"));
        entries(r#"[1,"x",null]"#, |at, value| {
            seen += &format!("{at}:{value};")
        });
        entries("{}", |_, _| unreachable!("an object has no entries"));
        assert_eq!(
            seen,
            "a=1;\u{fffd}\u{fffd}\u{fffd}=[2];c={\"d\":3};0:1;1:\"x\";2:null;"
        );
        assert!(try_members("{}x", |_, _| {}).is_err());
    }
}
