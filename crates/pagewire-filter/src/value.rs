//! What a filter looks at in a value, and no more: the rest is passed over while it is read.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::expression::Step;
use crate::number::Number;

/// Entries of lists that are looked at in one value, all lists together. Further ones are as if they were missing.
pub const FILTER_VALUES_MAX: usize = 65_536;

/// The members that an expression names, as a tree. What is wanted of a list is wanted of each of its entries.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    pub(crate) members: Vec<(Box<str>, Self)>,
    /// The value itself is looked at, not only members of it.
    is_end: bool,
}

impl Wanted {
    /// The member of this name of what `within` leads to, which then leads to it.
    pub(crate) fn member(&mut self, within: &mut Vec<usize>, name: &str) -> Step {
        let parent = self.descend(within);
        let known = parent
            .members
            .iter()
            .position(|(known, _)| **known == *name);
        let number = known.unwrap_or_else(|| {
            parent.members.push((name.into(), Self::default()));
            parent.members.len().saturating_sub(1)
        });
        within.push(number);
        Step::Member(number)
    }

    /// A path ends there.
    pub(crate) fn end(&mut self, within: &[usize]) {
        self.descend(within).is_end = true;
    }

    fn descend(&mut self, within: &[usize]) -> &mut Self {
        within.iter().fold(self, |wanted, number| {
            let member = wanted.members.get_mut(*number);
            &mut member.expect("numbers come from `member`").1
        })
    }

    pub(crate) fn is_nothing(&self) -> bool {
        self.members.is_empty() && !self.is_end
    }

    /// What is wanted of a value as JSON. `None` where it is no JSON.
    pub(crate) fn read<'v>(&self, json: &'v [u8]) -> Option<Value<'v>> {
        let left = Cell::new(FILTER_VALUES_MAX);
        let mut json = serde_json::Deserializer::from_slice(json);
        let reading = Reading {
            wanted: self,
            left: &left,
            place: Place::Member,
        };
        let value = reading.deserialize(&mut json).ok()?;
        json.end().is_ok().then_some(value)
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum Value<'v> {
    /// Not there, or null, or not looked at.
    #[default]
    Missing,
    Bool(bool),
    Number(Number),
    Text(Cow<'v, str>),
    List {
        size: usize,
        entries: Vec<Self>,
    },
    Object {
        size: usize,
        /// By their numbers in [`Wanted::members`].
        members: Vec<Self>,
    },
}

#[derive(Clone, Copy)]
struct Reading<'w> {
    wanted: &'w Wanted,
    /// Entries of lists that may still be looked at.
    left: &'w Cell<usize>,
    place: Place,
}

/// Where a value stands. A list that is an entry of a list is not looked into, so that depth is bounded by the expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Member,
    Entry,
}

impl<'v> DeserializeSeed<'v> for Reading<'_> {
    type Value = Value<'v>;

    fn deserialize<D: Deserializer<'v>>(self, deserializer: D) -> Result<Value<'v>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'v> Visitor<'v> for Reading<'_> {
    type Value = Value<'v>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value<'v>, E> {
        Ok(Value::Missing)
    }

    fn visit_bool<E>(self, bool: bool) -> Result<Value<'v>, E> {
        Ok(Value::Bool(bool))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value<'v>, E> {
        Ok(Value::Number(Number::Whole(number.into())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value<'v>, E> {
        Ok(Value::Number(Number::Whole(number.into())))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value<'v>, E> {
        Ok(Value::Number(Number::Double(number)))
    }

    fn visit_borrowed_str<E>(self, text: &'v str) -> Result<Value<'v>, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value<'v>, E> {
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'v>>(self, mut list: A) -> Result<Value<'v>, A::Error> {
        let (mut size, mut entries) = (0_usize, Vec::new());
        while self.place == Place::Member && self.left.get() > 0 {
            let place = Place::Entry;
            let Some(entry) = list.next_element_seed(Self { place, ..self })? else {
                return Ok(Value::List { size, entries });
            };
            self.left.set(self.left.get().saturating_sub(1));
            size = size.saturating_add(1);
            entries.push(entry);
        }
        while list.next_element::<IgnoredAny>()?.is_some() {
            size = size.saturating_add(1);
        }
        Ok(Value::List { size, entries })
    }

    fn visit_map<A: MapAccess<'v>>(self, mut object: A) -> Result<Value<'v>, A::Error> {
        let Wanted {
            members: wanted, ..
        } = self.wanted;
        let mut size = 0_usize;
        let mut members = vec![Value::Missing; wanted.len()];
        while let Some(number) = object.next_key_seed(Key(wanted))? {
            size = size.saturating_add(1);
            let member = number.and_then(|number| wanted.get(number).zip(members.get_mut(number)));
            match member {
                None => drop(object.next_value::<IgnoredAny>()?),
                Some(((_, wanted), member)) => {
                    *member = object.next_value_seed(Reading {
                        wanted,
                        place: Place::Member,
                        ..self
                    })?;
                }
            }
        }
        Ok(Value::Object { size, members })
    }
}

/// Reads the name of a member as its number, if it is wanted.
struct Key<'w>(&'w [(Box<str>, Wanted)]);

impl<'v> DeserializeSeed<'v> for Key<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'v>>(self, deserializer: D) -> Result<Option<usize>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Option<usize>, E> {
        Ok(self.0.iter().position(|(wanted, _)| **wanted == *name))
    }
}
