//! What a message holds that its schema does not know.

use std::collections::BTreeMap;

use super::scalar;
use super::schema::{MessageId, Schema};
use super::table::Table;
use super::wire::{Fields, Value, WireType};

/// Places of unknown fields that are told apart. One more is left out.
pub const UNKNOWN_PLACES_MAX: usize = 4_096;

/// A field that is there and not in the schema, or is written in another way than the schema says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownField {
    /// The fields around it, by name, and its number: `user.fans_club.17`.
    pub path: String,
    /// How it is written.
    pub wire: WireType,
    /// The name in the schema, where it has one that does not fit.
    pub name: Option<String>,
    /// How often it is there.
    pub count: u64,
    /// Bytes of its values.
    pub bytes: u64,
}

type Places = BTreeMap<(Vec<u32>, WireType), UnknownField>;

impl Schema {
    /// Fields of a message, and of those inside, that the schema does not know, by their places. A message that is cut ends the list of its fields.
    pub fn unknown_fields(&self, message: MessageId, bytes: &[u8]) -> Vec<UnknownField> {
        let mut walk = Walk {
            tables: &self.tables,
            places: Places::new(),
            path: Vec::new(),
        };
        walk.message(message.0, bytes);
        walk.places.into_values().collect()
    }
}

struct Walk<'s> {
    tables: &'s [Table],
    places: Places,
    /// The fields around, by number and name.
    path: Vec<(u32, &'s str)>,
}

impl Walk<'_> {
    fn message(&mut self, table: usize, bytes: &[u8]) {
        let tables = self.tables;
        let Some(table) = tables.get(table) else {
            return;
        };
        for field in Fields::inside(bytes, self.path.len()).map_while(Result::ok) {
            let slot = table.find(field.number);
            let spec = slot.and_then(|slot| table.fields.get(usize::from(slot.place)));
            match spec {
                Some(spec) if scalar::accepts(spec, field.value) => {
                    let Some(inner) = spec.holds.table() else {
                        continue;
                    };
                    let (Value::Bytes(bytes) | Value::Group(bytes)) = field.value else {
                        continue;
                    };
                    if self.path.len() < super::DEPTH_MAX {
                        self.path.push((spec.number, &spec.rest.name));
                        self.message(inner, bytes);
                        self.path.pop();
                    }
                }
                Some(spec) => self.note(field.number, field.value, Some(&spec.rest.name)),
                None => self.note(field.number, field.value, None),
            }
        }
    }

    fn note(&mut self, number: u32, value: Value<'_>, name: Option<&str>) {
        let mut numbers: Vec<u32> = self.path.iter().map(|(number, _)| *number).collect();
        numbers.push(number);
        let is_full = self.places.len() >= UNKNOWN_PLACES_MAX;
        let key = (numbers, value.wire_type());
        if is_full && !self.places.contains_key(&key) {
            return;
        }
        let path = &self.path;
        let place = self.places.entry(key).or_insert_with(|| UnknownField {
            path: path
                .iter()
                .map(|(_, name)| format!("{name}."))
                .chain([number.to_string()])
                .collect(),
            wire: value.wire_type(),
            name: name.map(str::to_owned),
            count: 0,
            bytes: 0,
        });
        place.count = place.count.saturating_add(1);
        place.bytes = place.bytes.saturating_add(length(value) as u64);
    }
}

const fn length(value: Value<'_>) -> usize {
    match value {
        Value::Varint(number) => {
            let bits = 64_u32.saturating_sub((number | 1).leading_zeros());
            bits.div_ceil(7) as usize
        }
        Value::Fixed64(_) => 8,
        Value::Fixed32(_) => 4,
        Value::Bytes(bytes) | Value::Group(bytes) => bytes.len(),
    }
}
