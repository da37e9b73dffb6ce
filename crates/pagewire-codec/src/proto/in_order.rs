//! Messages to JSON in one go, as long as nothing about them is unusual.
//!
//! Nearly all writers write fields in the order of their numbers, each once, and both parts of the entries of maps. Such a message becomes JSON while it is
//! read. Of anything else, mistakes among it, nothing is said here: [`json`](super::json) reads the message again, takes its time, and knows what to say.

use super::packed::Packed;
use super::scalar;
use super::table::{FieldSpec, Form, Holds, Label, Slot, Table, Usual};
use super::wire::{DEPTH_MAX, HIGHEST_NUMBER, Value, leading_varint, short_varint};
use crate::json_text::write_json_utf8;

/// Entries of a map, whose keys are compared one by one.
const ENTRIES: usize = 16;

/// Writes messages. None where something is unusual; `out` holds a part of it then.
pub(super) struct InOrder<'s> {
    pub(super) tables: &'s [Table],
    pub(super) out: &'s mut Vec<u8>,
    /// Where the output is too long.
    pub(super) end_at_most: usize,
}

impl<'s> InOrder<'s> {
    pub(super) fn message(&mut self, table: usize, bytes: &[u8], depth: usize) -> Option<()> {
        let tables = self.tables;
        let table = tables.get(table)?;
        if depth > DEPTH_MAX || table.has_oneofs || !matches!(table.form, Form::Fields) {
            return None;
        }
        let begin = self.out.len();
        let mut rest = bytes;
        // The place of the field that may come next, or that of a later one.
        let mut next = 0_u32;
        while !rest.is_empty() {
            let tag = short(&mut rest)?;
            let number = u32::try_from(tag >> 3).ok()?;
            let Some(Slot { place, usual }) = table.find(number) else {
                rest = behind(tag, rest)?;
                continue;
            };
            if u32::from(place) < next {
                return None;
            }
            next = u32::from(place).saturating_add(1);
            let spec = table.fields.get(usize::from(place))?;
            match (usual, tag & 7) {
                (Usual::Text, 2) => {
                    self.text_field(spec, length_delimited(&mut rest)?)?;
                }
                (Usual::Number, 0) => self.number_field(spec, varint(&mut rest)?)?,
                (Usual::Message, 2) => {
                    let fields = length_delimited(&mut rest)?;
                    spec.comma_key.append_to(self.out);
                    self.message(spec.holds.table()?, fields, depth.saturating_add(1))?;
                }
                (Usual::Texts, 2) => {
                    rest = self.list(spec, tag, rest, |this, mut rest| {
                        this.text(length_delimited(&mut rest)?)?;
                        Some(rest)
                    })?;
                }
                (Usual::Messages, 2) => {
                    let table = spec.holds.table()?;
                    rest = self.list(spec, tag, rest, |this, mut rest| {
                        let fields = length_delimited(&mut rest)?;
                        this.message(table, fields, depth.saturating_add(1))?;
                        Some(rest)
                    })?;
                }
                _ => rest = self.field(spec, tag, rest, depth)?,
            }
        }
        self.end(begin)
    }

    #[inline(always)]
    fn end(&mut self, begin: usize) -> Option<()> {
        // All keys have a comma before them; that of the first is the brace.
        match self.out.get_mut(begin) {
            Some(comma) => *comma = b'{',
            None => self.out.push(b'{'),
        }
        self.out.push(b'}');
        self.check_length()
    }

    /// Asked where a message ends and between items: other fields are there once, and so can be only as long as their bytes and names are.
    #[inline(always)]
    fn check_length(&self) -> Option<()> {
        (self.out.len() <= self.end_at_most).then_some(())
    }

    /// Not a part of [`message`](Self::message), which would have fewer registers for itself.
    #[inline(never)]
    fn text_field(&mut self, spec: &FieldSpec, text: &[u8]) -> Option<()> {
        if text.is_empty() {
            return Some(());
        }
        spec.comma_key.append_to(self.out);
        self.text(text)
    }

    #[inline(always)]
    fn text(&mut self, text: &[u8]) -> Option<()> {
        write_json_utf8(self.out, text).then_some(())
    }

    /// As [`text_field`](Self::text_field).
    #[inline(never)]
    fn number_field(&mut self, spec: &FieldSpec, number: u64) -> Option<()> {
        let Holds::Varint(kind) = &spec.holds else {
            return None;
        };
        if !scalar::is_zero(kind, number) {
            spec.comma_key.append_to(self.out);
            scalar::write_varint(self.out, kind, number);
        }
        Some(())
    }

    /// The items of a list that follow each other, and what is behind them. Others of the same list are not in order.
    #[inline(always)]
    fn list<'a>(
        &mut self,
        spec: &FieldSpec,
        tag: u64,
        mut rest: &'a [u8],
        item: impl Fn(&mut Self, &'a [u8]) -> Option<&'a [u8]>,
    ) -> Option<&'a [u8]> {
        spec.comma_key.append_to(self.out);
        let mut before = b'[';
        loop {
            self.out.push(before);
            rest = item(self, rest)?;
            if !follows(tag, &mut rest) {
                break;
            }
            self.check_length()?;
            before = b',';
        }
        self.out.push(b']');
        Some(rest)
    }

    /// A field of any kind, and what is behind it.
    #[inline(never)]
    fn field<'a>(
        &mut self,
        spec: &FieldSpec,
        tag: u64,
        rest: &'a [u8],
        depth: usize,
    ) -> Option<&'a [u8]> {
        let (first, behind) = value(tag, rest)?;
        if !scalar::accepts(spec, first) {
            return Some(behind);
        }
        match spec.label {
            Label::Implicit | Label::Explicit => {
                if spec.label == Label::Explicit || !scalar::is_default(&spec.holds, first) {
                    spec.comma_key.append_to(self.out);
                    self.value(&spec.holds, first, depth)?;
                }
                Some(behind)
            }
            Label::Repeated => self.list(spec, tag, rest, |this, rest| {
                let (item, rest) = value(tag, rest)?;
                this.list_item(spec, item, depth)?;
                Some(rest)
            }),
            Label::Map => {
                spec.comma_key.append_to(self.out);
                self.map(spec, first, behind, depth)
            }
        }
    }

    fn list_item(&mut self, spec: &FieldSpec, value: Value<'_>, depth: usize) -> Option<()> {
        let (true, Value::Bytes(packed)) = (spec.is_packed, value) else {
            return self.value(&spec.holds, value, depth);
        };
        let mut written = None;
        for item in Packed::new(spec.wire, packed) {
            let (item, _) = item.ok()?;
            if written.replace(()).is_some() {
                self.out.push(b',');
            }
            scalar::write(self.out, &spec.holds, item).ok()?;
            self.check_length()?;
        }
        // A list of nothing may be left out, which the next field would have to know.
        written
    }

    #[inline]
    fn value(&mut self, holds: &Holds, value: Value<'_>, depth: usize) -> Option<()> {
        match (holds, value) {
            (Holds::Message(table), Value::Bytes(bytes)) => {
                self.message(*table, bytes, depth.saturating_add(1))
            }
            (Holds::String, Value::Bytes(text)) => self.text(text),
            (Holds::Group(_), _) => None,
            _ => scalar::write(self.out, holds, value).ok(),
        }
    }

    /// The entries that begin with this one and follow each other, and what is behind them.
    fn map<'a>(
        &mut self,
        spec: &FieldSpec,
        first: Value<'a>,
        mut rest: &'a [u8],
        depth: usize,
    ) -> Option<&'a [u8]> {
        let tables = self.tables;
        let table = tables.get(spec.holds.table()?)?;
        let [key, value] = &table.fields[..] else {
            return None;
        };
        // Where in the output the keys are.
        let mut keys = [(0, 0); ENTRIES];
        let mut entry = first;
        self.out.push(b'{');
        for index in 0..ENTRIES {
            let Value::Bytes(mut fields) = entry else {
                return None;
            };
            let (1, of_key) = field(&mut fields)? else {
                return None;
            };
            let (2, of_value) = field(&mut fields)? else {
                return None;
            };
            if !fields.is_empty()
                || !scalar::accepts(key, of_key)
                || !scalar::accepts(value, of_value)
            {
                return None;
            }
            let place = self.map_key(&key.holds, of_key)?;
            let is_known = |known: &(usize, usize)| {
                self.out.get(known.0..known.1) == self.out.get(place.0..place.1)
            };
            if keys.iter().take(index).any(is_known) {
                return None;
            }
            *keys.get_mut(index)? = place;
            self.out.push(b':');
            self.value(&value.holds, of_value, depth.saturating_add(1))?;
            self.check_length()?;
            let mut ahead = rest;
            match (!ahead.is_empty()).then(|| field(&mut ahead)) {
                Some(Some((number, next))) if number == spec.number => entry = next,
                // What is wrong with the next field is found when it is read.
                Some(_) | None => {
                    self.out.push(b'}');
                    return Some(rest);
                }
            }
            rest = ahead;
            self.out.push(b',');
        }
        None
    }

    /// Writes the key of an entry as the key of an object; gives its place.
    fn map_key(&mut self, holds: &Holds, key: Value<'_>) -> Option<(usize, usize)> {
        let begin = self.out.len();
        self.value(holds, key, 0)?;
        // All but numbers of 32 bits and truths are quoted already.
        if self.out.get(begin) != Some(&b'"') {
            self.out.insert(begin, b'"');
            self.out.push(b'"');
        }
        Some((begin, self.out.len()))
    }
}

/// Takes a tag from the front, if it is this one.
#[inline(always)]
fn follows(tag: u64, rest: &mut &[u8]) -> bool {
    let mut ahead = *rest;
    let is_it = short(&mut ahead) == Some(tag);
    if is_it {
        *rest = ahead;
    }
    is_it
}

/// Takes a field from the front.
#[inline(always)]
fn field<'a>(rest: &mut &'a [u8]) -> Option<(u32, Value<'a>)> {
    let tag = short(rest)?;
    let (value, behind) = value(tag, rest)?;
    *rest = behind;
    Some((u32::try_from(tag >> 3).ok()?, value))
}

/// The value of a field, and what is behind it. Groups are unusual, and a number that no field has is a mistake.
#[inline(always)]
fn value(tag: u64, mut rest: &[u8]) -> Option<(Value<'_>, &[u8])> {
    let number = u32::try_from(tag >> 3).ok()?;
    if !(1..=HIGHEST_NUMBER).contains(&number) {
        return None;
    }
    let value = match tag & 7 {
        0 => Value::Varint(varint(&mut rest)?),
        1 => Value::Fixed64(u64::from_le_bytes(*rest.split_off(..8)?.first_chunk()?)),
        2 => Value::Bytes(length_delimited(&mut rest)?),
        5 => Value::Fixed32(u32::from_le_bytes(*rest.split_off(..4)?.first_chunk()?)),
        _ => return None,
    };
    Some((value, rest))
}

/// What is behind a value.
#[inline(never)]
fn behind(tag: u64, rest: &[u8]) -> Option<&[u8]> {
    value(tag, rest).map(|(_, behind)| behind)
}

#[inline(always)]
fn length_delimited<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(short(rest)?).ok()?;
    let (bytes, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(bytes)
}

/// A tag or a length.
#[inline(always)]
fn short(rest: &mut &[u8]) -> Option<u64> {
    let (number, behind) = short_varint(rest)?;
    *rest = behind;
    Some(number)
}

#[inline(always)]
fn varint(rest: &mut &[u8]) -> Option<u64> {
    let (number, behind) = leading_varint(rest)?;
    *rest = behind;
    Some(number)
}
