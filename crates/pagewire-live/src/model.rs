//! Records that know their own shape.
//!
//! The members of an event stand in one place, as Rust structs in [`record!`], each with its number and its comment. JSON, the JSON Schema and the
//! `.proto` are made from that, so they cannot differ.

mod json_schema;
mod proto;

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pagewire_codec::write_json_text;

pub use json_schema::event_json_schema;
pub use proto::event_proto;

/// What a value looks like from outside.
#[derive(Debug, Clone)]
pub(crate) enum Shape {
    Text,
    Count,
    Flag,
    /// Base64 in JSON.
    Bytes,
    /// One of these names.
    Name(Names),
    Record(fn() -> Record),
    Optional(Box<Self>),
    List(Box<Self>),
}

/// A record: an object in JSON, a message in Protobuf.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) name: &'static str,
    pub(crate) doc: &'static [&'static str],
    pub(crate) members: Vec<Member>,
}

#[derive(Debug, Clone)]
pub(crate) struct Member {
    /// In Protobuf. Never given to another member.
    pub(crate) number: u32,
    pub(crate) name: &'static str,
    pub(crate) doc: &'static [&'static str],
    pub(crate) shape: Shape,
}

/// Names that a text is one of, each with its comment. More may come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names(pub(crate) &'static [(&'static str, &'static [&'static str])]);

/// A value with a shape.
pub(crate) trait Described {
    fn shape() -> Shape;

    /// Appends it as JSON.
    fn write_json(&self, out: &mut Vec<u8>);

    /// Left out of JSON: nothing is said of it.
    fn is_absent(&self) -> bool {
        false
    }
}

impl Described for Cow<'_, str> {
    fn shape() -> Shape {
        Shape::Text
    }

    #[inline]
    fn write_json(&self, out: &mut Vec<u8>) {
        write_json_text(out, self);
    }
}

impl Described for u64 {
    fn shape() -> Shape {
        Shape::Count
    }

    #[inline]
    fn write_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(itoa::Buffer::new().format(*self).as_bytes());
    }
}

impl Described for bool {
    fn shape() -> Shape {
        Shape::Flag
    }

    fn write_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if *self { b"true" } else { b"false" });
    }

    fn is_absent(&self) -> bool {
        !*self
    }
}

impl<T: Described> Described for Option<T> {
    fn shape() -> Shape {
        Shape::Optional(Box::new(T::shape()))
    }

    #[inline]
    fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Some(value) => value.write_json(out),
            None => out.extend_from_slice(b"null"),
        }
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T: Described> Described for Vec<T> {
    fn shape() -> Shape {
        Shape::List(Box::new(T::shape()))
    }

    fn write_json(&self, out: &mut Vec<u8>) {
        let mut before = b'[';
        for value in self {
            out.push(before);
            value.write_json(out);
            before = b',';
        }
        if before == b'[' {
            out.push(before);
        }
        out.push(b']');
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl<T: Described> Described for Box<T> {
    fn shape() -> Shape {
        T::shape()
    }

    fn write_json(&self, out: &mut Vec<u8>) {
        (**self).write_json(out);
    }

    fn is_absent(&self) -> bool {
        (**self).is_absent()
    }
}

/// Bytes of a site, borrowed where they can be; base64 in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bytes<'a>(pub Cow<'a, [u8]>);

impl Described for Bytes<'_> {
    fn shape() -> Shape {
        Shape::Bytes
    }

    fn write_json(&self, out: &mut Vec<u8>) {
        out.push(b'"');
        let begin = out.len();
        let length = base64::encoded_len(self.0.len(), true).unwrap_or_default();
        out.resize(begin.saturating_add(length), 0);
        let place = out.get_mut(begin..).unwrap_or_default();
        STANDARD
            .encode_slice(&self.0, place)
            .expect("the place is as long as it must be");
        out.push(b'"');
    }
}

/// Appends a member of an object; `comma_key` is `,"name":`. What is absent is left out.
#[inline]
pub(crate) fn write_member(out: &mut Vec<u8>, comma_key: &str, value: &impl Described) {
    if !value.is_absent() {
        out.extend_from_slice(comma_key.as_bytes());
        value.write_json(out);
    }
}

/// Ends the object whose members were appended from here on. The comma before the first one becomes the brace.
#[inline]
pub(crate) fn end_object(out: &mut Vec<u8>, begin: usize) {
    match out.get_mut(begin) {
        Some(comma) => *comma = b'{',
        None => out.push(b'{'),
    }
    out.push(b'}');
}

/// A struct whose members have numbers and comments. Options, lists and flags are left out of JSON where they hold nothing.
macro_rules! record {
    (
        $(#[doc = $doc:literal])*
        pub struct $name:ident $(<$borrow:lifetime>)? {
            $( $(#[doc = $member_doc:literal])* $number:literal $member:ident: $type:ty, )*
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Default)]
        pub struct $name $(<$borrow>)? {
            $( $(#[doc = $member_doc])* pub $member: $type, )*
        }

        impl $(<$borrow>)? $crate::model::Described for $name $(<$borrow>)? {
            fn shape() -> $crate::model::Shape {
                $crate::model::Shape::Record(|| $crate::model::Record {
                    name: stringify!($name),
                    doc: &[$($doc),*],
                    members: vec![$(
                        $crate::model::Member {
                            number: $number,
                            name: stringify!($member),
                            doc: &[$($member_doc),*],
                            shape: <$type as $crate::model::Described>::shape(),
                        },
                    )*],
                })
            }

            fn write_json(&self, out: &mut Vec<u8>) {
                let begin = out.len();
                $(
                    let comma_key = concat!(",\"", stringify!($member), "\":");
                    $crate::model::write_member(out, comma_key, &self.$member);
                )*
                $crate::model::end_object(out, begin);
            }
        }

        impl $(<$borrow>)? $crate::model::IntoOwned for $name $(<$borrow>)? {
            type Owned = $crate::model::owned!($name $(, $borrow)?);

            fn into_owned(self) -> Self::Owned {
                $name { $( $member: $crate::model::IntoOwned::into_owned(self.$member), )* }
            }
        }
    };
}

/// A record that borrows from nothing.
macro_rules! owned {
    ($name:ident) => { $name };
    ($name:ident, $borrow:lifetime) => { $name<'static> };
}

/// An enum whose values have names in JSON.
macro_rules! names {
    (
        $(#[doc = $doc:literal])*
        pub enum $name:ident {
            $( $(#[doc = $value_doc:literal])* $value:ident = $text:literal, )*
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $( $(#[doc = $value_doc])* $value, )*
        }

        impl $name {
            /// All that there are.
            pub const ALL: &'static [Self] = &[$(Self::$value),*];

            /// As JSON and the command line write it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$value => $text,)* }
            }
        }

        impl $crate::model::Described for $name {
            fn shape() -> $crate::model::Shape {
                $crate::model::Shape::Name($crate::model::Names(&[$(($text, &[$($value_doc),*])),*]))
            }

            fn write_json(&self, out: &mut Vec<u8>) {
                // Names need no escape.
                out.push(b'"');
                out.extend_from_slice(self.name().as_bytes());
                out.push(b'"');
            }
        }

        impl $crate::model::IntoOwned for $name {
            type Owned = Self;

            fn into_owned(self) -> Self {
                self
            }
        }
    };
}

pub(crate) use {names, owned, record};

/// Values that may borrow, made to live for ever.
pub(crate) trait IntoOwned {
    type Owned;

    fn into_owned(self) -> Self::Owned;
}

impl IntoOwned for Cow<'_, str> {
    type Owned = Cow<'static, str>;

    fn into_owned(self) -> Cow<'static, str> {
        Cow::Owned(Self::into_owned(self))
    }
}

impl IntoOwned for Bytes<'_> {
    type Owned = Bytes<'static>;

    fn into_owned(self) -> Self::Owned {
        Bytes(Cow::Owned(self.0.into_owned()))
    }
}

impl IntoOwned for u64 {
    type Owned = Self;

    fn into_owned(self) -> Self {
        self
    }
}

impl IntoOwned for bool {
    type Owned = Self;

    fn into_owned(self) -> Self {
        self
    }
}

impl<T: IntoOwned> IntoOwned for Option<T> {
    type Owned = Option<T::Owned>;

    fn into_owned(self) -> Self::Owned {
        self.map(T::into_owned)
    }
}

impl<T: IntoOwned> IntoOwned for Vec<T> {
    type Owned = Vec<T::Owned>;

    fn into_owned(self) -> Self::Owned {
        self.into_iter().map(T::into_owned).collect()
    }
}

impl<T: IntoOwned> IntoOwned for Box<T> {
    type Owned = Box<T::Owned>;

    fn into_owned(self) -> Self::Owned {
        Box::new((*self).into_owned())
    }
}
