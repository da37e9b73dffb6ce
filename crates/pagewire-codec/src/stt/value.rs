//! A message as a tree.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::ser::{Serialize, Serializer};

use super::{STT_DEPTH_MAX, STT_VALUES_MAX, SttWriter, stt_items};
use crate::error::{DecodeError, Fault};

/// A message or a value of it. Nothing in the text says which values are messages themselves; that is guessed: those that end with a slash when
/// they are unescaped, as messages do, unless they are an address (`https://…/`).
///
/// As JSON: items with keys are an object, in their order; a key that comes again has a list of its values; items without keys are a list. Where
/// there are both, those without stand under the key `""`. All else is text, numbers too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SttValue<'a> {
    /// A text, of which nothing is escaped any more.
    Text(Cow<'a, str>),
    /// Items: keys, which may come again or be missing, and values.
    Items(Vec<(Option<Cow<'a, str>>, Self)>),
}

impl<'a> SttValue<'a> {
    /// Reads a message.
    ///
    /// # Errors
    ///
    /// Bytes that are not UTF-8, and more than [`STT_DEPTH_MAX`] or [`STT_VALUES_MAX`] allow. The place is that of the outermost value.
    pub fn decode(message: &'a [u8]) -> Result<Self, DecodeError> {
        let text = str::from_utf8(message).map_err(|error| {
            let fault = Fault::Malformed("a message is not UTF-8");
            DecodeError::at(error.valid_up_to(), fault)
        })?;
        let mut values_left = STT_VALUES_MAX;
        items(text, 1, &mut values_left)
    }

    /// The value under a key: of several the first, and none of a text.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Text(_) => None,
            Self::Items(items) => {
                let mut items = items.iter();
                let found = items.find(|(known, _)| known.as_deref() == Some(key));
                found.map(|(_, value)| value)
            }
        }
    }

    /// The text of a value that is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Items(_) => None,
        }
    }

    /// The message: that of a text is a list of it alone.
    pub fn encode(&self) -> String {
        let mut to = SttWriter::default();
        match self {
            Self::Text(text) => drop(to.item(text)),
            Self::Items(items) => write_items(items, &mut to),
        }
        to.into_message()
    }

    fn into_owned(self) -> SttValue<'static> {
        match self {
            Self::Text(text) => SttValue::Text(Cow::Owned(text.into_owned())),
            Self::Items(items) => {
                let items = items.into_iter().map(|(key, value)| {
                    let key = key.map(|key| Cow::Owned(key.into_owned()));
                    (key, value.into_owned())
                });
                SttValue::Items(items.collect())
            }
        }
    }
}

fn items<'a>(
    message: &'a str,
    depth: usize,
    values_left: &mut usize,
) -> Result<SttValue<'a>, DecodeError> {
    if depth > STT_DEPTH_MAX {
        let what = "the depth of a message";
        return Err(limit(what, STT_DEPTH_MAX));
    }
    let mut items = Vec::new();
    for (index, item) in stt_items(message).enumerate() {
        let left = values_left.checked_sub(1);
        *values_left = left.ok_or_else(|| limit("the number of values", STT_VALUES_MAX))?;
        let value = if is_message(&item.value) {
            let value = self::items(&item.value, depth.saturating_add(1), values_left);
            let value = value.map_err(|mut error| {
                error.at = item.at;
                let index = || index.to_string();
                error.inside(item.key.as_deref().map_or_else(index, str::to_owned))
            });
            value?.into_owned()
        } else {
            SttValue::Text(item.value)
        };
        items.push((item.key, value));
    }
    Ok(SttValue::Items(items))
}

fn is_message(value: &str) -> bool {
    value.ends_with('/') && (value.contains("@=") || !value.contains("://"))
}

fn limit(what: &'static str, max: usize) -> DecodeError {
    let max = max as u64;
    let got = max.saturating_add(1);
    DecodeError::at(0, Fault::Limit { what, got, max })
}

fn write_items(items: &[(Option<Cow<'_, str>>, SttValue<'_>)], to: &mut SttWriter) {
    for (key, value) in items {
        let text = match value {
            SttValue::Text(text) => Cow::Borrowed(&**text),
            SttValue::Items(_) => Cow::Owned(value.encode()),
        };
        match key {
            Some(key) => to.field(key, &text),
            None => to.item(&text),
        };
    }
}

impl Serialize for SttValue<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let items = match self {
            Self::Text(text) => return to.serialize_str(text),
            Self::Items(items) => items,
        };
        if items.iter().all(|(key, _)| key.is_none()) {
            return to.collect_seq(items.iter().map(|(_, value)| value));
        }
        to.collect_map(by_key(items))
    }
}

/// The values of a key.
enum Values<'a> {
    One(&'a SttValue<'a>),
    Several(Vec<&'a SttValue<'a>>),
}

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::One(value) => value.serialize(to),
            Self::Several(values) => values.serialize(to),
        }
    }
}

/// In the order in which the keys came first.
fn by_key<'a>(items: &'a [(Option<Cow<'_, str>>, SttValue<'_>)]) -> Vec<(&'a str, Values<'a>)> {
    let mut places = HashMap::new();
    let mut by_key: Vec<(&str, Vec<&SttValue<'_>>)> = Vec::new();
    for (key, value) in items {
        let key = key.as_deref().unwrap_or_default();
        let place = *places.entry(key).or_insert(by_key.len());
        match by_key.get_mut(place) {
            Some((_, values)) => values.push(value),
            None => by_key.push((key, vec![value])),
        }
    }
    let by_key = by_key.into_iter().map(|(key, values)| {
        let values = match *values {
            [value] => Values::One(value),
            _ => Values::Several(values),
        };
        (key, values)
    });
    by_key.collect()
}
