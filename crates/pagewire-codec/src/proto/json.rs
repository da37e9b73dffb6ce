//! Messages to canonical Protobuf JSON (<https://protobuf.dev/programming-guides/json/>), straight from the wire.

mod forms;

use std::collections::HashMap;

use super::in_order::InOrder;
use super::packed::Packed;
use super::schema::{MessageId, Schema};
use super::table::{FieldSpec, Form, Holds, Label, Table};
use super::wire::{Fields, Value, too_deep};
use crate::error::{DecodeError, Fault};
use crate::proto::scalar;

/// Bytes of JSON of one message. A field of two bytes may have a long name, so JSON can be many times as long as the message.
pub const JSON_BYTES_MAX: usize = 128 << 20;

/// Fields of a message, and of the messages around it, that are kept until they are written, where it was not written in order. One more is an error. A field
/// of two bytes takes some tens.
pub const JSON_FIELDS_MAX: usize = 1 << 20;

impl Schema {
    /// Appends a message as JSON: names in lowerCamelCase, 64-bit numbers as texts, bytes as base64, enums by name. Fields that the schema does not
    /// know are left out ([`Schema::unknown_fields`] lists them), as are those whose value is written in another way than the schema says.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] with the byte and the field; `out` is then as it was. [`JSON_BYTES_MAX`], [`JSON_FIELDS_MAX`] and [`DEPTH_MAX`](super::DEPTH_MAX)
    /// are its limits.
    pub fn to_json(
        &self,
        message: MessageId,
        bytes: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), DecodeError> {
        let begun_at = out.len();
        let end_at_most = begun_at.saturating_add(JSON_BYTES_MAX);
        let tables = &self.tables;
        let mut in_order = InOrder {
            tables,
            out,
            end_at_most,
        };
        if in_order.message(message.0, bytes, 0).is_some() {
            return Ok(());
        }
        out.truncate(begun_at);
        let mut transcoder = Transcoder {
            schema: self,
            found: Vec::new(),
            end_at_most,
            out,
        };
        let place = Place { at: 0, depth: 0 };
        let result = transcoder.message(message.0, bytes, place);
        if result.is_err() {
            out.truncate(begun_at);
        }
        result
    }
}

struct Transcoder<'s, 'a> {
    schema: &'s Schema,
    /// Fields of the message that is written, after those of the messages around it.
    found: Vec<Found<'a>>,
    out: &'s mut Vec<u8>,
    /// Where the output is too long.
    end_at_most: usize,
}

/// A field that the schema knows.
#[derive(Debug, Clone, Copy)]
struct Found<'a> {
    /// Its place in the table.
    field: u16,
    value: Value<'a>,
    at: usize,
}

/// Where a message is.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// Its first byte in the input.
    at: usize,
    /// How many messages are around it.
    depth: usize,
}

impl Place {
    const fn inner(self, at: usize) -> Self {
        Self {
            at,
            depth: self.depth.saturating_add(1),
        }
    }
}

const fn too_many_fields() -> Fault {
    Fault::Limit {
        what: "fields of a message that are not in order",
        got: (JSON_FIELDS_MAX as u64).saturating_add(1),
        max: JSON_FIELDS_MAX as u64,
    }
}

impl<'s, 'a> Transcoder<'s, 'a> {
    fn message(&mut self, table: usize, bytes: &'a [u8], place: Place) -> Result<(), DecodeError> {
        too_deep(place.depth, place.at)?;
        let Some(table) = self.table(table) else {
            return Ok(());
        };
        if let Form::WellKnown(descriptor) = &table.form {
            return self.well_known(descriptor, bytes, place);
        }
        let begin = self.gather(table, bytes, place)?;
        self.gathered(table, begin, place)
    }

    /// One message that was written in several parts: it has the fields of all.
    fn parts(
        &mut self,
        table: usize,
        group: std::ops::Range<usize>,
        place: Place,
    ) -> Result<(), DecodeError> {
        too_deep(place.depth, place.at)?;
        let Some(table) = self.table(table) else {
            return Ok(());
        };
        if let Form::WellKnown(descriptor) = &table.form {
            let parts = self.found.get(group).unwrap_or_default().iter();
            let merged: Vec<u8> = parts.flat_map(|part| body(part.value)).copied().collect();
            return self.well_known(descriptor, &merged, place);
        }
        let begin = self.found.len();
        for at in group {
            let Some(part) = self.found.get(at).copied() else {
                continue;
            };
            let part_place = Place {
                at: part.at,
                ..place
            };
            self.collect(table, body(part.value), part_place)?;
        }
        self.keep_last_of_oneofs(table, begin);
        self.sort(begin);
        self.gathered(table, begin, place)
    }

    fn table(&self, table: usize) -> Option<&'s Table> {
        self.schema.tables.get(table)
    }

    /// Writes the message whose fields are those from here on, and forgets them.
    fn gathered(
        &mut self,
        table: &'s Table,
        begin: usize,
        place: Place,
    ) -> Result<(), DecodeError> {
        match table.form {
            Form::Any => self.any(begin, place),
            Form::Fields | Form::WellKnown(_) => self.object(table, begin, place),
        }
    }

    fn object(&mut self, table: &'s Table, begin: usize, place: Place) -> Result<(), DecodeError> {
        let end = self.found.len();
        self.out.push(b'{');
        let empty = self.out.len();
        let mut at = begin;
        while at < end {
            let next = self.group_end(at, end);
            let Some(spec) = self.spec(table, at) else {
                break;
            };
            let length = self.out.len();
            if length > empty {
                self.out.push(b',');
            }
            let written = self.field(spec, at..next, place);
            if !written.map_err(|error| error.inside(&*spec.rest.name))? {
                self.out.truncate(length);
            }
            self.check_length(place)?;
            at = next;
        }
        self.out.push(b'}');
        self.found.truncate(begin);
        Ok(())
    }

    /// Puts the fields of a message behind those that are there, by their numbers; gives the place of the first.
    fn gather(
        &mut self,
        table: &Table,
        bytes: &'a [u8],
        place: Place,
    ) -> Result<usize, DecodeError> {
        let begin = self.found.len();
        let is_sorted = self.collect(table, bytes, place)?;
        self.keep_last_of_oneofs(table, begin);
        if !is_sorted {
            self.sort(begin);
        }
        Ok(begin)
    }

    /// The same, as they were written; says whether that is by their numbers.
    fn collect(
        &mut self,
        table: &Table,
        bytes: &'a [u8],
        place: Place,
    ) -> Result<bool, DecodeError> {
        let (mut is_sorted, mut last) = (true, 0);
        for field in Fields::inside(bytes, place.depth) {
            let field = field.map_err(|error| error.shifted(place.at))?;
            let Some(slot) = table.find(field.number) else {
                continue;
            };
            let known = slot.place;
            let spec = table.fields.get(usize::from(known));
            if !spec.is_some_and(|spec| scalar::accepts(spec, field.value)) {
                continue;
            }
            is_sorted &= known >= last;
            last = known;
            let at = place.at.saturating_add(field.at);
            if self.found.len() >= JSON_FIELDS_MAX {
                return Err(DecodeError::at(at, too_many_fields()));
            }
            self.found.push(Found {
                field: known,
                value: field.value,
                at,
            });
        }
        Ok(is_sorted)
    }

    fn sort(&mut self, begin: usize) {
        if let Some(found) = self.found.get_mut(begin..) {
            found.sort_by_key(|found| found.field);
        }
    }

    /// Of the members of a oneof the last that was written counts, from where another one was written before it.
    fn keep_last_of_oneofs(&mut self, table: &Table, begin: usize) {
        if !table.has_oneofs {
            return;
        }
        // By oneof: its last member, and where another one was met, going backwards.
        let mut seen: HashMap<u16, (u16, Option<usize>)> = HashMap::new();
        for (at, found) in self.found.iter().enumerate().skip(begin).rev() {
            if let Some(oneof) = table.oneof(found.field) {
                let (last, over_at) = seen.entry(oneof).or_insert((found.field, None));
                if *last != found.field {
                    over_at.get_or_insert(at);
                }
            }
        }
        seen.retain(|_, (_, over_at)| over_at.is_some());
        if seen.is_empty() {
            return;
        }
        let mut kept = begin;
        for at in begin..self.found.len() {
            let field = self.found.get(at).map(|found| found.field);
            let oneof = field.and_then(|field| table.oneof(field));
            let over_at = oneof.and_then(|oneof| seen.get(&oneof)?.1);
            if over_at.is_none_or(|over_at| at > over_at) {
                self.found.swap(kept, at);
                kept = kept.saturating_add(1);
            }
        }
        self.found.truncate(kept);
    }

    fn group_end(&self, begin: usize, end: usize) -> usize {
        let group = self.found.get(begin..end).unwrap_or_default();
        let field = group.first().map(|found| found.field);
        let length = group.iter().take_while(|found| Some(found.field) == field);
        begin.saturating_add(length.count().max(1))
    }

    fn spec(&self, table: &'s Table, at: usize) -> Option<&'s FieldSpec> {
        table.fields.get(usize::from(self.found.get(at)?.field))
    }

    /// Writes one field with its key; false where it is left out.
    fn field(
        &mut self,
        spec: &'s FieldSpec,
        group: std::ops::Range<usize>,
        place: Place,
    ) -> Result<bool, DecodeError> {
        self.out.extend_from_slice(spec.comma_key.without_comma());
        match spec.label {
            Label::Implicit | Label::Explicit => {
                let Some(last) = self.found.get(group.end.saturating_sub(1)).copied() else {
                    return Ok(false);
                };
                if spec.label == Label::Implicit && scalar::is_default(&spec.holds, last.value) {
                    return Ok(false);
                }
                self.single(spec, group, last, place)?;
                Ok(true)
            }
            Label::Repeated => self.list(spec, group, place),
            Label::Map => self.map(spec, group, place),
        }
    }

    /// A field that occurs once; where it was written more often, messages are one, and of others the last counts.
    fn single(
        &mut self,
        spec: &'s FieldSpec,
        group: std::ops::Range<usize>,
        last: Found<'a>,
        place: Place,
    ) -> Result<(), DecodeError> {
        let Some(table) = spec.holds.table() else {
            return self.scalar(&spec.holds, last);
        };
        if group.len() == 1 {
            return self.message(table, body(last.value), place.inner(last.at));
        }
        self.parts(table, group, place.inner(last.at))
    }

    fn list(
        &mut self,
        spec: &'s FieldSpec,
        group: std::ops::Range<usize>,
        place: Place,
    ) -> Result<bool, DecodeError> {
        self.out.push(b'[');
        let empty = self.out.len();
        for (index, at) in group.enumerate() {
            let Some(item) = self.found.get(at).copied() else {
                continue;
            };
            let written = self.list_item(spec, item, empty, place);
            written.map_err(|error| error.inside(index.to_string()))?;
            self.check_length(place)?;
        }
        self.out.push(b']');
        Ok(self.out.len() > empty.saturating_add(1))
    }

    fn list_item(
        &mut self,
        spec: &'s FieldSpec,
        item: Found<'a>,
        empty: usize,
        place: Place,
    ) -> Result<(), DecodeError> {
        if let (true, Value::Bytes(packed)) = (spec.is_packed, item.value) {
            for value in Packed::new(spec.wire, packed) {
                let (value, at) = value.map_err(|error| error.shifted(item.at))?;
                self.comma(empty);
                let at = item.at.saturating_add(at);
                self.scalar(&spec.holds, Found { value, at, ..item })?;
                self.check_length(place)?;
            }
            return Ok(());
        }
        self.comma(empty);
        match spec.holds.table() {
            Some(table) => self.message(table, body(item.value), place.inner(item.at)),
            None => self.scalar(&spec.holds, item),
        }
    }

    /// Entries in the order in which their keys came first; of those with the same key the last counts.
    fn map(
        &mut self,
        spec: &'s FieldSpec,
        group: std::ops::Range<usize>,
        place: Place,
    ) -> Result<bool, DecodeError> {
        let table = spec.holds.table().and_then(|table| self.table(table));
        let Some((table, [key, value])) = table.and_then(|table| {
            let [key, value] = &table.fields[..] else {
                return None;
            };
            Some((table, [key, value]))
        }) else {
            return Ok(false);
        };
        let mut places: HashMap<Vec<u8>, usize> = HashMap::new();
        let mut entries: Vec<(Vec<u8>, Found<'a>)> = Vec::new();
        for at in group {
            let Some(entry) = self.found.get(at).copied() else {
                continue;
            };
            let text = self.map_key(table, key, entry, place)?;
            let next = entries.len();
            let at = *places.entry(text.clone()).or_insert(next);
            match entries.get_mut(at) {
                Some(old) => old.1 = entry,
                None => entries.push((text, entry)),
            }
        }
        self.out.push(b'{');
        let empty = self.out.len();
        for (text, entry) in entries {
            self.comma(empty);
            self.out.extend_from_slice(&text);
            self.out.push(b':');
            let written = self.map_value(table, value, entry, place);
            let name = || String::from_utf8_lossy(&text).into_owned();
            written.map_err(|error| error.inside(name()))?;
            self.check_length(place)?;
        }
        self.out.push(b'}');
        Ok(true)
    }

    /// The key of an entry as the key of an object.
    fn map_key(
        &mut self,
        table: &Table,
        key: &'s FieldSpec,
        entry: Found<'a>,
        place: Place,
    ) -> Result<Vec<u8>, DecodeError> {
        let begin = self.gather(table, body(entry.value), place.inner(entry.at))?;
        let mut keys = self.found.get(begin..).unwrap_or_default().iter();
        let last = keys.rfind(|found| found.field == 0).copied();
        self.found.truncate(begin);
        let last = last.unwrap_or_else(|| Found {
            value: scalar::default_of(&key.holds),
            ..entry
        });
        let mut text = Vec::new();
        scalar::write(&mut text, &key.holds, last.value).map_err(|error| error.shifted(last.at))?;
        if text.first() != Some(&b'"') {
            text.insert(0, b'"');
            text.push(b'"');
        }
        Ok(text)
    }

    fn map_value(
        &mut self,
        table: &Table,
        value: &'s FieldSpec,
        entry: Found<'a>,
        place: Place,
    ) -> Result<(), DecodeError> {
        let inner = place.inner(entry.at);
        let begin = self.gather(table, body(entry.value), inner)?;
        let found = self.found.get(begin..).unwrap_or_default();
        let keys = found.iter().take_while(|found| found.field == 0).count();
        let group = begin.saturating_add(keys)..self.found.len();
        let last = self.found.get(group.clone()).and_then(<[_]>::last).copied();
        match (last, value.holds.table()) {
            (Some(last), _) => self.single(value, group, last, inner)?,
            (None, Some(table)) => self.message(table, &[], inner.inner(entry.at))?,
            (None, None) => {
                let default = scalar::default_of(&value.holds);
                let value_found = Found {
                    value: default,
                    ..entry
                };
                self.scalar(&value.holds, value_found)?;
            }
        }
        self.found.truncate(begin);
        Ok(())
    }

    fn scalar(&mut self, holds: &Holds, found: Found<'a>) -> Result<(), DecodeError> {
        scalar::write(self.out, holds, found.value).map_err(|error| error.shifted(found.at))
    }

    fn comma(&mut self, empty: usize) {
        if self.out.len() > empty {
            self.out.push(b',');
        }
    }

    fn check_length(&self, place: Place) -> Result<(), DecodeError> {
        if self.out.len() <= self.end_at_most {
            return Ok(());
        }
        let over = self.out.len().saturating_sub(self.end_at_most);
        let fault = Fault::Limit {
            what: "bytes of JSON of a message",
            got: JSON_BYTES_MAX.saturating_add(over) as u64,
            max: JSON_BYTES_MAX as u64,
        };
        Err(DecodeError::at(place.at, fault))
    }
}

/// The fields inside of a message or a group.
fn body(value: Value<'_>) -> &[u8] {
    match value {
        Value::Bytes(bytes) | Value::Group(bytes) => bytes,
        Value::Varint(_) | Value::Fixed64(_) | Value::Fixed32(_) => &[],
    }
}
