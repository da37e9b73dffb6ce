//! Message types as flat tables, which reading goes by.

use std::collections::HashMap;

use prost_reflect::{Cardinality, DescriptorPool, FieldDescriptor, Kind, MessageDescriptor};

use super::scalar;
use super::wire::WireType;

/// Fields whose numbers are below this are found without a search.
const DENSE: u32 = 256;
/// As the place of a field: there is none.
const NONE: u16 = u16::MAX;

/// What is known of one message type.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: Box<str>,
    /// By their numbers.
    pub(super) fields: Vec<FieldSpec>,
    /// By the number.
    dense: Vec<Slot>,
    pub(super) has_oneofs: bool,
    pub(super) form: Form,
}

/// What is to be done about a field. This is small, and near where a [`FieldSpec`] often is not yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    /// The place in `fields`.
    pub(super) place: u16,
    pub(super) usual: Usual,
}

/// What the JSON of a message is.
#[derive(Debug)]
pub(super) enum Form {
    /// An object of its fields.
    Fields,
    /// That of the message that a `google.protobuf.Any` holds, and its type.
    Any,
    /// By a rule of its own, as a text is for a time.
    WellKnown(MessageDescriptor),
}

/// What is known of one field: one cache line, as a schema is larger than what is near the processor, and each field of a message needs another one.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct FieldSpec {
    pub(super) number: u32,
    /// `,"name":`
    pub(super) comma_key: CommaKey,
    pub(super) holds: Holds,
    /// How it is written.
    pub(super) wire: WireType,
    /// Many of its values may be written as one.
    pub(super) is_packed: bool,
    pub(super) label: Label,
    pub(super) rest: Box<RestOfSpec>,
}

const _: () = assert!(size_of::<FieldSpec>() == 64);

/// What is seldom asked for.
#[derive(Debug)]
pub(super) struct RestOfSpec {
    pub(super) name: Box<str>,
    /// The number of its oneof in the message.
    pub(super) oneof: Option<u16>,
}

/// What nearly all fields of messages are, so that one look tells what to do. It follows from the label and what the field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Usual {
    /// A string that is left out where it is empty.
    Text,
    Texts,
    /// A varint that is left out where it is 0.
    Number,
    /// This table.
    Message,
    Messages,
    No,
}

impl Usual {
    const fn of(label: Label, holds: &Holds) -> Self {
        match (label, holds) {
            (Label::Implicit, Holds::String) => Self::Text,
            (Label::Repeated, Holds::String) => Self::Texts,
            (Label::Implicit, Holds::Varint(_)) => Self::Number,
            (Label::Explicit, Holds::Message(_)) => Self::Message,
            (Label::Repeated, Holds::Message(_)) => Self::Messages,
            _ => Self::No,
        }
    }
}

/// How often a field may occur.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    /// Left out of JSON where it has its default value.
    Implicit,
    /// There where it was written.
    Explicit,
    Repeated,
    Map,
}

/// What a field holds, by its wire type.
#[derive(Debug)]
pub(super) enum Holds {
    Varint(Varint),
    Fixed64(Fixed),
    Fixed32(Fixed),
    String,
    Bytes,
    /// The table of this number.
    Message(usize),
    /// As above, between tags.
    Group(usize),
}

#[derive(Debug)]
pub(super) enum Varint {
    Int32,
    Int64,
    Uint32,
    Uint64,
    Sint32,
    Sint64,
    Bool,
    /// None: JSON writes `null`. Boxed, so that a [`FieldSpec`] is one cache line.
    Enum(Option<Box<EnumNames>>),
}

/// Names by numbers, quoted.
#[derive(Debug)]
pub(super) struct EnumNames(pub(super) HashMap<i32, Box<str>>);

#[derive(Debug, Clone, Copy)]
pub(super) enum Fixed {
    Float,
    Unsigned,
    Signed,
}

/// `,"name":`, beside what else is known of the field where it is short.
#[derive(Debug)]
pub(super) enum CommaKey {
    Short { length: u8, bytes: [u8; SHORT] },
    Long(Box<Box<[u8]>>),
}

/// Of a key with its comma, quotation marks and colon.
const SHORT: usize = 30;

impl CommaKey {
    fn new(name: &str) -> Self {
        let text = format!(",{}:", quoted(name)).into_bytes();
        let mut bytes = [0; SHORT];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(place), Ok(length)) => {
                place.copy_from_slice(&text);
                Self::Short { length, bytes }
            }
            _ => Self::Long(Box::new(text.into_boxed_slice())),
        }
    }

    pub(super) fn without_comma(&self) -> &[u8] {
        let text = match self {
            Self::Short { length, bytes } => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Self::Long(bytes) => bytes,
        };
        text.get(1..).unwrap_or_default()
    }

    #[inline]
    pub(super) fn append_to(&self, out: &mut Vec<u8>) {
        match self {
            // Always as many bytes, which is a step or two, and then back.
            Self::Short { length, bytes } => {
                let end = out.len().saturating_add(usize::from(*length));
                out.extend_from_slice(bytes);
                out.truncate(end);
            }
            Self::Long(bytes) => append_long(bytes, out),
        }
    }
}

#[cold]
#[inline(never)]
fn append_long(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(bytes);
}

impl Holds {
    /// The table of a message or a group.
    pub(super) const fn table(&self) -> Option<usize> {
        match self {
            Self::Message(table) | Self::Group(table) => Some(*table),
            Self::Varint(_) | Self::Fixed64(_) | Self::Fixed32(_) | Self::String | Self::Bytes => {
                None
            }
        }
    }
}

impl Table {
    /// The oneof of the field at this place.
    pub(super) fn oneof(&self, place: u16) -> Option<u16> {
        self.fields.get(usize::from(place))?.rest.oneof
    }

    #[inline]
    pub(super) fn find(&self, number: u32) -> Option<Slot> {
        if let Some(slot) = self.dense.get(number as usize) {
            return (slot.place != NONE).then_some(*slot);
        }
        self.search(number)
    }

    fn search(&self, number: u32) -> Option<Slot> {
        let found = self
            .fields
            .binary_search_by_key(&number, |field| field.number);
        let place = found.ok()?;
        Some(Slot::new(
            u16::try_from(place).ok()?,
            self.fields.get(place)?,
        ))
    }
}

impl Slot {
    fn new(place: u16, spec: &FieldSpec) -> Self {
        Self {
            place,
            usual: Usual::of(spec.label, &spec.holds),
        }
    }
}

/// The table of each message, in the order of [`DescriptorPool::all_messages`].
pub(super) fn tables(pool: &DescriptorPool) -> Vec<Table> {
    let ids: HashMap<String, usize> = pool
        .all_messages()
        .enumerate()
        .map(|(id, message)| (message.full_name().to_owned(), id))
        .collect();
    pool.all_messages()
        .map(|message| table(&message, &ids))
        .collect()
}

fn table(message: &MessageDescriptor, ids: &HashMap<String, usize>) -> Table {
    let mut fields: Vec<_> = message
        .fields()
        .map(|field| spec(message, &field, ids))
        .collect();
    fields.sort_by_key(|field| field.number);
    // More than these cannot be told apart by a place; no schema has so many.
    fields.truncate(usize::from(NONE));
    let highest = fields.last().map_or(0, |field| field.number);
    let none = Slot {
        place: NONE,
        usual: Usual::No,
    };
    let mut dense = vec![none; highest.saturating_add(1).min(DENSE) as usize];
    for (place, field) in (0..).zip(&fields) {
        if let Some(slot) = dense.get_mut(field.number as usize) {
            *slot = Slot::new(place, field);
        }
    }
    Table {
        name: message.full_name().into(),
        has_oneofs: fields.iter().any(|field| field.rest.oneof.is_some()),
        fields,
        dense,
        form: form(message),
    }
}

fn spec(
    message: &MessageDescriptor,
    field: &FieldDescriptor,
    ids: &HashMap<String, usize>,
) -> FieldSpec {
    let label = if field.is_map() {
        Label::Map
    } else if field.cardinality() == Cardinality::Repeated {
        Label::Repeated
    } else if field.supports_presence() {
        Label::Explicit
    } else {
        Label::Implicit
    };
    let oneof = field
        .containing_oneof()
        .filter(|oneof| !oneof.is_synthetic());
    let oneof = oneof.and_then(|oneof| {
        let place = message.oneofs().position(|one| one == oneof)?;
        u16::try_from(place).ok()
    });
    let holds = holds(field, ids);
    FieldSpec {
        number: field.number(),
        comma_key: CommaKey::new(field.json_name()),
        wire: scalar::wire_type(&holds),
        is_packed: label == Label::Repeated && scalar::is_packable(&holds),
        holds,
        label,
        rest: Box::new(RestOfSpec {
            name: field.name().into(),
            oneof,
        }),
    }
}

fn holds(field: &FieldDescriptor, ids: &HashMap<String, usize>) -> Holds {
    match field.kind() {
        Kind::Double => Holds::Fixed64(Fixed::Float),
        Kind::Float => Holds::Fixed32(Fixed::Float),
        Kind::Int32 => Holds::Varint(Varint::Int32),
        Kind::Int64 => Holds::Varint(Varint::Int64),
        Kind::Uint32 => Holds::Varint(Varint::Uint32),
        Kind::Uint64 => Holds::Varint(Varint::Uint64),
        Kind::Sint32 => Holds::Varint(Varint::Sint32),
        Kind::Sint64 => Holds::Varint(Varint::Sint64),
        Kind::Fixed32 => Holds::Fixed32(Fixed::Unsigned),
        Kind::Fixed64 => Holds::Fixed64(Fixed::Unsigned),
        Kind::Sfixed32 => Holds::Fixed32(Fixed::Signed),
        Kind::Sfixed64 => Holds::Fixed64(Fixed::Signed),
        Kind::Bool => Holds::Varint(Varint::Bool),
        Kind::String => Holds::String,
        Kind::Bytes => Holds::Bytes,
        Kind::Enum(kind) if kind.full_name() == "google.protobuf.NullValue" => {
            Holds::Varint(Varint::Enum(None))
        }
        Kind::Enum(kind) => {
            // Of names for one number the first counts.
            let mut names = HashMap::new();
            for value in kind.values() {
                let name = || quoted(value.name()).into();
                names.entry(value.number()).or_insert_with(name);
            }
            Holds::Varint(Varint::Enum(Some(Box::new(EnumNames(names)))))
        }
        Kind::Message(kind) => {
            let id = ids.get(kind.full_name()).copied().unwrap_or_default();
            if field.is_group() {
                Holds::Group(id)
            } else {
                Holds::Message(id)
            }
        }
    }
}

pub(super) fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a text is JSON")
}

/// Some types have JSON that is not that of their fields (<https://protobuf.dev/programming-guides/json/>).
fn form(message: &MessageDescriptor) -> Form {
    let google = message.full_name().strip_prefix("google.protobuf.");
    match google {
        Some("Any") => Form::Any,
        Some(
            "BoolValue" | "BytesValue" | "DoubleValue" | "Duration" | "FieldMask" | "FloatValue"
            | "Int32Value" | "Int64Value" | "ListValue" | "StringValue" | "Struct" | "Timestamp"
            | "UInt32Value" | "UInt64Value" | "Value",
        ) => Form::WellKnown(message.clone()),
        Some(_) | None => Form::Fields,
    }
}
