//! A schema out of messages of which nothing is known.

use std::collections::BTreeMap;
use std::fmt;

use super::packed::Packed;
use super::raw;
use super::wire::{DEPTH_MAX, Fields, Value, WireType};
use crate::error::DecodeError;

/// Fields of one guess, those inside of others with it. One more is left out.
pub const GUESS_FIELDS_MAX: usize = 65_536;

/// What many messages of one type have in common. [`fmt::Display`] writes it as a `.proto` file.
#[derive(Debug, Default)]
pub struct Guess {
    messages: u64,
    bytes: u64,
    root: Node,
    /// Fields told apart.
    len: usize,
}

/// A message type.
#[derive(Debug, Default)]
struct Node {
    messages: u64,
    fields: BTreeMap<u32, Seen>,
}

/// A field, as it was seen.
#[derive(Debug, Default)]
struct Seen {
    /// Messages that have it.
    messages: u64,
    /// The most of it in one message.
    most: u64,
    varints: Varints,
    fixed64: Fixed,
    fixed32: Fixed,
    groups: u64,
    delimited: Delimited,
}

#[derive(Debug, Default)]
struct Varints {
    count: u64,
    max: u64,
    times: u64,
}

#[derive(Debug, Default)]
struct Fixed {
    count: u64,
    floats: u64,
}

/// Values that may be texts, messages, packed numbers or bytes: how many of them can be each, and look most like it.
#[derive(Debug, Default)]
struct Delimited {
    count: u64,
    empty: u64,
    longest: usize,
    can_be_text: u64,
    can_be_message: u64,
    can_be_packed: u64,
    looks_like_text: u64,
    looks_like_message: u64,
    /// Those that can be one.
    inner: Node,
}

/// Guesses the type of messages.
///
/// # Errors
///
/// [`DecodeError`] for the first one that is no message.
pub fn guess<'a>(messages: impl IntoIterator<Item = &'a [u8]>) -> Result<Guess, DecodeError> {
    let mut guess = Guess::default();
    for message in messages {
        Fields::new(message).try_for_each(|field| field.map(drop))?;
        guess.messages = guess.messages.saturating_add(1);
        guess.bytes = guess.bytes.saturating_add(message.len() as u64);
        guess.root.add(message, 0, &mut guess.len);
    }
    Ok(guess)
}

impl Node {
    /// Adds a message that can be read.
    fn add(&mut self, message: &[u8], depth: usize, len: &mut usize) {
        self.messages = self.messages.saturating_add(1);
        let mut times: BTreeMap<u32, u64> = BTreeMap::new();
        for field in Fields::inside(message, depth).map_while(Result::ok) {
            if !self.fields.contains_key(&field.number) {
                if *len >= GUESS_FIELDS_MAX {
                    continue;
                }
                *len = len.saturating_add(1);
            }
            let seen = self.fields.entry(field.number).or_default();
            seen.add(field.value, depth, len);
            let count = times.entry(field.number).or_default();
            *count = count.saturating_add(1);
            seen.most = seen.most.max(*count);
        }
        for number in times.keys() {
            if let Some(seen) = self.fields.get_mut(number) {
                seen.messages = seen.messages.saturating_add(1);
            }
        }
    }
}

impl Seen {
    fn add(&mut self, value: Value<'_>, depth: usize, len: &mut usize) {
        match value {
            Value::Varint(number) => {
                count(&mut self.varints.count);
                self.varints.max = self.varints.max.max(number);
                self.varints.times = self
                    .varints
                    .times
                    .saturating_add(u64::from(raw::time_ms(number).is_some()));
            }
            Value::Fixed64(bits) => self.fixed64.add(f64::from_bits(bits)),
            Value::Fixed32(bits) => self.fixed32.add(f64::from(f32::from_bits(bits))),
            Value::Group(_) => count(&mut self.groups),
            Value::Bytes(bytes) => self.delimited.add(bytes, depth, len),
        }
    }
}

impl Fixed {
    fn add(&mut self, number: f64) {
        count(&mut self.count);
        if raw::is_plain(number) {
            count(&mut self.floats);
        }
    }
}

/// Whether bytes are a message that a proto3 schema can describe.
fn is_declarable(bytes: &[u8], depth: usize) -> bool {
    Fields::inside(bytes, depth).all(|field| {
        field.is_ok_and(|field| {
            !raw::is_reserved(field.number) && !matches!(field.value, Value::Group(_))
        })
    })
}

impl Delimited {
    fn add(&mut self, bytes: &[u8], depth: usize, len: &mut usize) {
        count(&mut self.count);
        self.longest = self.longest.max(bytes.len());
        if bytes.is_empty() {
            return count(&mut self.empty);
        }
        if std::str::from_utf8(bytes).is_ok() {
            count(&mut self.can_be_text);
        }
        if Packed::new(WireType::Varint, bytes).all(|value| value.is_ok()) {
            count(&mut self.can_be_packed);
        }
        let inner = depth.saturating_add(1);
        if inner <= DEPTH_MAX && is_declarable(bytes, inner) {
            count(&mut self.can_be_message);
            self.inner.add(bytes, inner, len);
        }
        match raw::looks_like(bytes, depth) {
            raw::Looks::Text => count(&mut self.looks_like_text),
            raw::Looks::Message => count(&mut self.looks_like_message),
            raw::Looks::Neither => {}
        }
    }

    /// A type that every value can be.
    fn kind(&self) -> Kind<'_> {
        let filled = self.count.saturating_sub(self.empty);
        let can_be_text = self.can_be_text == filled;
        if filled == 0 {
            return Kind::Scalar("bytes");
        }
        if self.can_be_message == filled
            && (!can_be_text || self.looks_like_message > self.looks_like_text)
        {
            return Kind::Message(&self.inner);
        }
        if can_be_text {
            return Kind::Scalar("string");
        }
        if self.can_be_packed == filled && self.looks_like_message == 0 && filled > 1 {
            return Kind::Packed;
        }
        Kind::Scalar("bytes")
    }
}

fn count(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}

enum Kind<'a> {
    Scalar(&'static str),
    Packed,
    Message(&'a Node),
}

impl Seen {
    /// The type of the values that were seen most. Values that are written in another way are not of it.
    fn kind(&self) -> Option<(Kind<'_>, bool)> {
        let counts = [
            self.varints.count,
            self.fixed64.count,
            self.fixed32.count,
            self.delimited.count,
        ];
        let most = counts.into_iter().max().unwrap_or_default();
        let is_mixed = counts.into_iter().filter(|count| *count > 0).count() > 1;
        if most == 0 {
            return None;
        }
        // Repeated numbers are written in both ways.
        let filled = self.delimited.count.saturating_sub(self.delimited.empty);
        if self.varints.count > 0
            && self.delimited.count > 0
            && self.delimited.can_be_packed == filled
        {
            return Some((Kind::Packed, false));
        }
        // A repeated number also takes what is delimited, as packed numbers, and these are none.
        let is_never_packed = self.delimited.count > 0 && self.most > 1;
        let kind = if most == self.delimited.count || is_never_packed {
            self.delimited.kind()
        } else if most == self.varints.count {
            Kind::Scalar(self.varints.kind())
        } else if most == self.fixed64.count {
            Kind::Scalar(self.fixed64.kind("double", "fixed64"))
        } else {
            Kind::Scalar(self.fixed32.kind("float", "fixed32"))
        };
        Some((kind, is_mixed))
    }
}

impl Varints {
    const fn kind(&self) -> &'static str {
        match self.max {
            0 | 1 => "bool",
            max if max > i64::MAX as u64 => "int64",
            _ => "uint64",
        }
    }
}

impl Fixed {
    const fn kind(&self, float: &'static str, fixed: &'static str) -> &'static str {
        if self.floats == self.count {
            float
        } else {
            fixed
        }
    }
}

impl fmt::Display for Guess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "syntax = \"proto3\";\n")?;
        writeln!(
            f,
            "// Guessed from {} messages of {} bytes together.",
            self.messages, self.bytes
        )?;
        writeln!(f, "message Guess {{")?;
        self.root.write(f, 1)?;
        writeln!(f, "}}")
    }
}

impl Node {
    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        let indent = "  ".repeat(depth);
        for (number, seen) in &self.fields {
            let Some((kind, is_mixed)) = seen.kind() else {
                writeln!(
                    f,
                    "{indent}// {number} is a group, which proto3 does not have"
                )?;
                continue;
            };
            if raw::is_reserved(*number) {
                writeln!(f, "{indent}// {number} is a number that no schema may use")?;
                continue;
            }
            if let Kind::Message(inner) = &kind {
                writeln!(f, "{indent}message Field{number} {{")?;
                inner.write(f, depth.saturating_add(1))?;
                writeln!(f, "{indent}}}")?;
            }
            let repeated = if seen.most > 1 || matches!(kind, Kind::Packed) {
                "repeated "
            } else {
                ""
            };
            let kind = match kind {
                Kind::Scalar(name) => name.to_owned(),
                Kind::Packed => "uint64".to_owned(),
                Kind::Message(_) => format!("Field{number}"),
            };
            write!(f, "{indent}{repeated}{kind} field_{number} = {number};")?;
            writeln!(f, "  // {}", seen.remark(self.messages, is_mixed))?;
        }
        Ok(())
    }
}

impl Seen {
    fn remark(&self, messages: u64, is_mixed: bool) -> String {
        let mut remark = if self.messages == messages {
            "always there".to_owned()
        } else {
            format!("in {} of {messages}", self.messages)
        };
        if self.varints.count > 0 && self.varints.times == self.varints.count {
            remark += ", looks like a time";
        } else if self.varints.count > 0 {
            remark += &format!(", up to {}", self.varints.max);
        }
        if self.delimited.count > 0 {
            remark += &format!(", up to {} bytes", self.delimited.longest);
        }
        if is_mixed {
            remark += ", written in more than one way";
        }
        remark
    }
}
