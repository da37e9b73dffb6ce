//! Ids, which are numbers on most sites and texts in events.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

use crate::model::{Described, IntoOwned, Shape};

/// An id as a text. One that is a number needs no memory of its own, and an event has three or more.
#[derive(Clone)]
pub struct Id<'a>(Form<'a>);

#[derive(Clone)]
enum Form<'a> {
    Text(Cow<'a, str>),
    /// As many as there are, and then zeros.
    Digits(u8, [u8; DIGITS]),
}

/// Of the largest number of 64 bits.
const DIGITS: usize = 20;

impl Id<'_> {
    /// To compare by, for which nobody needs to know that digits are a text.
    #[inline]
    fn bytes(&self) -> &[u8] {
        match &self.0 {
            Form::Text(text) => text.as_bytes(),
            Form::Digits(length, digits) => digits.get(..usize::from(*length)).unwrap_or_default(),
        }
    }
}

impl Deref for Id<'_> {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        match &self.0 {
            Form::Text(text) => text,
            Form::Digits(..) => str::from_utf8(self.bytes()).unwrap_or_default(),
        }
    }
}

impl Default for Id<'_> {
    fn default() -> Self {
        Self(Form::Text(Cow::Borrowed("")))
    }
}

impl From<u64> for Id<'_> {
    #[inline]
    fn from(number: u64) -> Self {
        let mut buffer = itoa::Buffer::new();
        let text = buffer.format(number).as_bytes();
        let mut digits = [0; DIGITS];
        for (to, from) in digits.iter_mut().zip(text) {
            *to = *from;
        }
        Self(Form::Digits(
            u8::try_from(text.len()).unwrap_or_default(),
            digits,
        ))
    }
}

impl<'a> From<Cow<'a, str>> for Id<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        Self(Form::Text(text))
    }
}

impl<'a> From<&'a str> for Id<'a> {
    fn from(text: &'a str) -> Self {
        Self(Form::Text(Cow::Borrowed(text)))
    }
}

impl From<String> for Id<'_> {
    fn from(text: String) -> Self {
        Self(Form::Text(Cow::Owned(text)))
    }
}

impl<'a> From<Id<'a>> for Cow<'a, str> {
    fn from(id: Id<'a>) -> Self {
        match id.0 {
            Form::Text(text) => text,
            Form::Digits(..) => Cow::Owned(id.to_string()),
        }
    }
}

impl AsRef<str> for Id<'_> {
    fn as_ref(&self) -> &str {
        self
    }
}

impl fmt::Display for Id<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl fmt::Debug for Id<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl PartialEq for Id<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for Id<'_> {}

impl PartialEq<str> for Id<'_> {
    fn eq(&self, other: &str) -> bool {
        self.bytes() == other.as_bytes()
    }
}

impl PartialEq<&str> for Id<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.bytes() == other.as_bytes()
    }
}

impl PartialEq<String> for Id<'_> {
    fn eq(&self, other: &String) -> bool {
        self.bytes() == other.as_bytes()
    }
}

impl Hash for Id<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl Described for Id<'_> {
    fn shape() -> Shape {
        Shape::Text
    }

    #[inline]
    fn write_json(&self, out: &mut Vec<u8>) {
        match &self.0 {
            Form::Text(text) => text.write_json(out),
            Form::Digits(..) => {
                out.push(b'"');
                out.extend_from_slice(self.bytes());
                out.push(b'"');
            }
        }
    }
}

impl IntoOwned for Id<'_> {
    type Owned = Id<'static>;

    fn into_owned(self) -> Id<'static> {
        Id(match self.0 {
            Form::Text(text) => Form::Text(IntoOwned::into_owned(text)),
            Form::Digits(length, digits) => Form::Digits(length, digits),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_the_text_of_its_digits() {
        for number in [0, 7, 1 << 53, u64::MAX] {
            let (id, text) = (Id::from(number), Id::from(number.to_string()));
            assert_eq!((&*id, &id), (&*number.to_string(), &text));
            let json = |id: &Id<'_>| {
                let mut out = Vec::new();
                id.write_json(&mut out);
                out
            };
            assert_eq!(json(&id), json(&text));
            assert_eq!(Cow::from(id.clone().into_owned()), number.to_string());
        }
        assert!(Id::default().is_empty());
    }
}
