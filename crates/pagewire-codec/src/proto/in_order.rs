//! Messages to JSON in one go, as long as nothing about them is unusual.
//!
//! Nearly all writers write fields in the order of their numbers, each once, and both parts of the entries of maps. Such a message becomes JSON while it is
//! read. Of anything else, mistakes among it, nothing is said here: [`json`](super::json) reads the message again, takes its time, and knows what to say.

use super::scalar;
use super::table::{FieldSpec, Form, Holds, Label, Slot, Table, Usual};
use super::wire::{DEPTH_MAX, HIGHEST_NUMBER, Value, leading_varint, short_varint};

/// Entries of a map, whose keys are compared one by one.
const ENTRIES: usize = 16;

/// Writes messages. None where something is unusual; `out` holds a part of it then.
pub(super) struct InOrder<'s> {
    pub(super) tables: &'s [Table],
    pub(super) out: &'s mut Vec<u8>,
    /// Where the output is too long.
    pub(super) end_at_most: usize,
}

/// How far a message is written.
#[derive(Clone, Copy)]
struct Progress {
    /// The place of the field that may come next, or that of a later one.
    next: u16,
    /// It is a list, and may go on.
    in_list: bool,
}

impl<'s> InOrder<'s> {
    pub(super) fn message(&mut self, table: usize, bytes: &[u8], depth: usize) -> Option<()> {
        let tables = self.tables;
        let table = tables.get(table)?;
        if depth > DEPTH_MAX || table.has_oneofs || !matches!(table.form, Form::Fields) {
            return None;
        }
        let begin = self.out.len();
        let mut progress = Progress {
            next: 0,
            in_list: false,
        };
        let mut rest = bytes;
        while !rest.is_empty() {
            let tag = short(&mut rest)?;
            let number = u32::try_from(tag >> 3).ok()?;
            let Some(Slot { place, usual }) = table.find(number) else {
                let mut behind = rest;
                value(tag, &mut behind)?;
                rest = behind;
                continue;
            };
            let spec = table.fields.get(usize::from(place))?;
            match (usual, tag & 7) {
                (Usual::Text, 2) => {
                    let text = length_delimited(&mut rest)?;
                    progress = self.next_field(progress, place)?;
                    if !text.is_empty() {
                        spec.comma_key.append_to(self.out);
                        scalar::write_string(self.out, text).ok()?;
                    }
                }
                (Usual::Number, 0) => {
                    let number = varint(&mut rest)?;
                    progress = self.next_field(progress, place)?;
                    self.number(spec, number)?;
                }
                (Usual::Message, 2) => {
                    let fields = length_delimited(&mut rest)?;
                    progress = self.next_field(progress, place)?;
                    spec.comma_key.append_to(self.out);
                    self.message(spec.holds.table()?, fields, depth.saturating_add(1))?;
                }
                (Usual::Texts, 2) => {
                    let text = length_delimited(&mut rest)?;
                    progress = self.next_item(progress, place, spec)?;
                    scalar::write_string(self.out, text).ok()?;
                }
                (Usual::Messages, 2) => {
                    let fields = length_delimited(&mut rest)?;
                    progress = self.next_item(progress, place, spec)?;
                    self.message(spec.holds.table()?, fields, depth.saturating_add(1))?;
                }
                _ => {
                    let mut behind = rest;
                    let value = value(tag, &mut behind)?;
                    if scalar::accepts(spec, value) {
                        let behind = &mut behind;
                        progress = self.field(progress, place, spec, value, behind, depth)?;
                    }
                    rest = behind;
                }
            }
            if self.out.len() > self.end_at_most {
                return None;
            }
        }
        self.end(begin, progress);
        Some(())
    }

    #[inline]
    fn end(&mut self, begin: usize, progress: Progress) {
        if progress.in_list {
            self.out.push(b']');
        }
        // All keys have a comma before them; that of the first is the brace.
        match self.out.get_mut(begin) {
            Some(comma) => *comma = b'{',
            None => self.out.push(b'{'),
        }
        self.out.push(b'}');
    }

    #[inline(always)]
    fn number(&mut self, spec: &FieldSpec, number: u64) -> Option<()> {
        let Holds::Varint(kind) = &spec.holds else {
            return None;
        };
        if !scalar::is_zero(kind, number) {
            spec.comma_key.append_to(self.out);
            scalar::write_varint(self.out, kind, number);
        }
        Some(())
    }

    /// A field of any kind.
    fn field(
        &mut self,
        progress: Progress,
        place: u16,
        spec: &FieldSpec,
        value: Value<'_>,
        rest: &mut &[u8],
        depth: usize,
    ) -> Option<Progress> {
        match spec.label {
            Label::Implicit | Label::Explicit => {
                let progress = self.next_field(progress, place)?;
                if spec.label == Label::Explicit || !scalar::is_default(&spec.holds, value) {
                    spec.comma_key.append_to(self.out);
                    self.value(&spec.holds, value, depth)?;
                }
                Some(progress)
            }
            Label::Repeated => self.list_item(progress, place, spec, value, depth),
            Label::Map => {
                let progress = self.next_field(progress, place)?;
                spec.comma_key.append_to(self.out);
                self.map(spec, value, rest, depth)?;
                Some(progress)
            }
        }
    }

    /// Ends what is before a field, which must be one that comes before it.
    #[inline(always)]
    fn next_field(&mut self, progress: Progress, place: u16) -> Option<Progress> {
        if place < progress.next {
            return None;
        }
        if progress.in_list {
            self.out.push(b']');
        }
        Some(Progress {
            next: place.saturating_add(1),
            in_list: false,
        })
    }

    /// Ends what is before an item of a list, which may be one of the same list.
    #[inline(always)]
    fn next_item(&mut self, progress: Progress, place: u16, spec: &FieldSpec) -> Option<Progress> {
        if progress.in_list && progress.next == place.saturating_add(1) {
            self.out.push(b',');
            return Some(progress);
        }
        let progress = self.next_field(progress, place)?;
        spec.comma_key.append_to(self.out);
        self.out.push(b'[');
        Some(Progress {
            in_list: true,
            ..progress
        })
    }

    fn list_item(
        &mut self,
        progress: Progress,
        place: u16,
        spec: &FieldSpec,
        value: Value<'_>,
        depth: usize,
    ) -> Option<Progress> {
        let progress = self.next_item(progress, place, spec)?;
        let (true, Value::Bytes(packed)) = (spec.is_packed, value) else {
            self.value(&spec.holds, value, depth)?;
            return Some(progress);
        };
        let mut written = None;
        for item in scalar::Packed::new(spec.wire, packed) {
            let (item, _) = item.ok()?;
            if written.replace(()).is_some() {
                self.out.push(b',');
            }
            scalar::write(self.out, &spec.holds, item).ok()?;
            if self.out.len() > self.end_at_most {
                return None;
            }
        }
        // A list of nothing may be left out, which the next field would have to know.
        written.map(|()| progress)
    }

    #[inline]
    fn value(&mut self, holds: &Holds, value: Value<'_>, depth: usize) -> Option<()> {
        match (holds, value) {
            (Holds::Message(table), Value::Bytes(bytes)) => {
                self.message(*table, bytes, depth.saturating_add(1))
            }
            (Holds::String, Value::Bytes(text)) => scalar::write_string(self.out, text).ok(),
            (Holds::Varint(kind), Value::Varint(number)) => {
                scalar::write_varint(self.out, kind, number);
                Some(())
            }
            (Holds::Group(_), _) => None,
            _ => scalar::write(self.out, holds, value).ok(),
        }
    }

    /// The entries that begin with this one and follow each other.
    fn map(
        &mut self,
        spec: &FieldSpec,
        first: Value<'_>,
        rest: &mut &[u8],
        depth: usize,
    ) -> Option<()> {
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
            if self.out.len() > self.end_at_most {
                return None;
            }
            let mut ahead = *rest;
            match (!ahead.is_empty()).then(|| field(&mut ahead)) {
                Some(Some((number, next))) if number == spec.number => entry = next,
                // What is wrong with the next field is found when it is read.
                Some(_) | None => {
                    self.out.push(b'}');
                    return Some(());
                }
            }
            *rest = ahead;
            self.out.push(b',');
        }
        None
    }

    /// Writes the key of an entry as the key of an object; gives its place.
    fn map_key(&mut self, holds: &Holds, key: Value<'_>) -> Option<(usize, usize)> {
        let begin = self.out.len();
        // All but numbers of 32 bits and truths are quoted already.
        self.out.push(b'"');
        scalar::write(self.out, holds, key).ok()?;
        if self.out.get(begin.saturating_add(1)) == Some(&b'"') {
            self.out.remove(begin);
        } else {
            self.out.push(b'"');
        }
        Some((begin, self.out.len()))
    }
}

/// Takes a field from the front.
fn field<'a>(rest: &mut &'a [u8]) -> Option<(u32, Value<'a>)> {
    let tag = varint(rest)?;
    let value = value(tag, rest)?;
    Some((u32::try_from(tag >> 3).ok()?, value))
}

/// Takes the value of a field from the front. Groups are unusual, and a number that no field has is a mistake.
fn value<'a>(tag: u64, rest: &mut &'a [u8]) -> Option<Value<'a>> {
    if !(1..=HIGHEST_NUMBER).contains(&(tag >> 3)) {
        return None;
    }
    let value = match tag & 7 {
        0 => Value::Varint(varint(rest)?),
        1 => Value::Fixed64(u64::from_le_bytes(*rest.split_off(..8)?.first_chunk()?)),
        2 => Value::Bytes(length_delimited(rest)?),
        5 => Value::Fixed32(u32::from_le_bytes(*rest.split_off(..4)?.first_chunk()?)),
        _ => return None,
    };
    Some(value)
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
