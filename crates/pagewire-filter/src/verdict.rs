//! Whether a condition holds of a value, with a limit of work.

use std::cell::Cell;
use std::cmp::Ordering;

use crate::expression::{Condition, Literal, Operand, Path, Relation, Step, Test};
use crate::number::Number;
use crate::value::Value;

/// Work on one value: a step for each value that is looked at, one more for each 64 bytes of a text that is compared or searched, and for each 8 bytes
/// where a pattern is. A value that takes more does not match.
pub const FILTER_STEPS_MAX: usize = 4 << 20;

pub(crate) fn holds(condition: &Condition, value: &Value<'_>) -> bool {
    let verdict = Verdict {
        value,
        left: Cell::new(FILTER_STEPS_MAX),
    };
    // Without steps tests are false, which `!` turns round: what was not looked at says nothing.
    verdict.holds(condition) && verdict.left.get() > 0
}

struct Verdict<'v> {
    value: &'v Value<'v>,
    left: Cell<usize>,
}

/// What values are compared by.
#[derive(Clone, Copy)]
enum Scalar<'v> {
    Bool(bool),
    Number(Number),
    Text(&'v str),
    /// A list or an object: unequal to everything.
    Other,
}

impl Verdict<'_> {
    fn holds(&self, condition: &Condition) -> bool {
        match condition {
            Condition::Constant(constant) => *constant,
            Condition::Any(conditions) => conditions.iter().any(|one| self.holds(one)),
            Condition::All(conditions) => conditions.iter().all(|one| self.holds(one)),
            Condition::Not(condition) => !self.holds(condition),
            Condition::Compare(left, relation, right) => self.compare(left, *relation, right),
            Condition::In(operand, list) => self.operand(operand, &mut |value| {
                let is = |literal| self.are(value, Relation::Equal, Scalar::of_literal(literal));
                list.iter().any(is)
            }),
            Condition::InList(operand, path) => self.operand(operand, &mut |value| {
                self.scalars(path, &mut |entry| self.are(value, Relation::Equal, entry))
            }),
            Condition::Test(path, test) => {
                self.scalars(path, &mut |value| self.passes(value, test))
            }
            Condition::Has(path) => self.values(path, &mut |_| true),
            Condition::Is(path) => {
                self.scalars(path, &mut |value| matches!(value, Scalar::Bool(true)))
            }
        }
    }

    fn compare(&self, left: &Operand, relation: Relation, right: &Operand) -> bool {
        self.operand(left, &mut |left| {
            self.operand(right, &mut |right| self.are(left, relation, right))
        })
    }

    fn are(&self, left: Scalar<'_>, relation: Relation, right: Scalar<'_>) -> bool {
        let bytes = left.text_bytes().min(right.text_bytes());
        self.spends(bytes / 64) && relation.holds(left.order(right))
    }

    fn passes(&self, value: Scalar<'_>, test: &Test) -> bool {
        let Scalar::Text(text) = value else {
            return false;
        };
        match test {
            Test::Contains(part) => self.spends(text.len() / 64) && text.contains(&**part),
            Test::StartsWith(start) => self.spends(0) && text.starts_with(&**start),
            Test::EndsWith(end) => self.spends(0) && text.ends_with(&**end),
            Test::Matches(pattern) => self.spends(text.len() / 8) && pattern.is_match(text),
        }
    }

    /// Takes a step, and more for a longer text. False when there were not as many left.
    fn spends(&self, more: usize) -> bool {
        let left = self.left.get().checked_sub(more.saturating_add(1));
        self.left.set(left.unwrap_or(0));
        left.is_some_and(|left| left > 0)
    }

    /// Whether `is` holds of something that the operand stands for.
    fn operand(&self, operand: &Operand, is: &mut dyn FnMut(Scalar<'_>) -> bool) -> bool {
        match operand {
            Operand::Literal(literal) => is(Scalar::of_literal(literal)),
            Operand::Path(path) => self.scalars(path, is),
            Operand::Size(path) => self.values(path, &mut |value| {
                let text_size = |text: &str| {
                    let is_counted = self.spends(text.len() / 64);
                    is_counted.then(|| text.chars().count())
                };
                let size = match value {
                    Value::Text(text) => text_size(text),
                    Value::List { size, .. } | Value::Object { size, .. } => Some(*size),
                    Value::Missing | Value::Bool(_) | Value::Number(_) => None,
                };
                let size = size.and_then(|size| i128::try_from(size).ok());
                size.is_some_and(|size| is(Scalar::Number(Number::Whole(size))))
            }),
        }
    }

    /// Whether `is` holds of something there; a list stands for its entries.
    fn scalars(&self, path: &Path, is: &mut dyn FnMut(Scalar<'_>) -> bool) -> bool {
        self.values(path, &mut |value| {
            let Value::List { entries, .. } = value else {
                return Scalar::of_value(value).is_some_and(&mut *is);
            };
            let mut entries = entries.iter();
            entries.any(|entry| self.spends(0) && Scalar::of_value(entry).is_some_and(&mut *is))
        })
    }

    /// Whether `is` holds of something that the path leads to.
    fn values(&self, path: &Path, is: &mut dyn FnMut(&Value<'_>) -> bool) -> bool {
        self.walk(self.value, &path.steps, is)
    }

    fn walk(
        &self,
        value: &Value<'_>,
        steps: &[Step],
        is: &mut dyn FnMut(&Value<'_>) -> bool,
    ) -> bool {
        if !self.spends(0) || *value == Value::Missing {
            return false;
        }
        let Some((step, rest)) = steps.split_first() else {
            return is(value);
        };
        let inner = match (step, value) {
            (Step::Member(number), Value::Object { members, .. }) => members.get(*number),
            (Step::Entry(number), Value::List { entries, .. }) => entries.get(*number),
            (Step::Member(_), Value::List { entries, .. }) => {
                let mut entries = entries.iter();
                // An entry that is a list itself was not looked into.
                return entries.any(|entry| {
                    matches!(entry, Value::Object { .. }) && self.walk(entry, steps, is)
                });
            }
            (Step::Member(_) | Step::Entry(_), _) => None,
        };
        inner.is_some_and(|inner| self.walk(inner, rest, is))
    }
}

impl<'v> Scalar<'v> {
    fn of_value(value: &'v Value<'_>) -> Option<Self> {
        Some(match value {
            Value::Missing => return None,
            Value::Bool(bool) => Self::Bool(*bool),
            Value::Number(number) => Self::Number(*number),
            Value::Text(text) => Self::Text(text),
            Value::List { .. } | Value::Object { .. } => Self::Other,
        })
    }

    fn of_literal(literal: &'v Literal) -> Self {
        match literal {
            Literal::Bool(bool) => Self::Bool(*bool),
            Literal::Number(number) => Self::Number(*number),
            Literal::Text(text) => Self::Text(text),
        }
    }

    fn text_bytes(self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Bool(_) | Self::Number(_) | Self::Other => 0,
        }
    }

    /// `None` for what has no order.
    fn order(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => Some(a.cmp(&b)),
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            (Self::Number(a), Self::Number(b)) => Some(a.compare(b)),
            (Self::Number(a), Self::Text(b)) => Some(a.compare(Number::of_text(b)?)),
            (Self::Text(a), Self::Number(b)) => Some(Number::of_text(a)?.compare(b)),
            (Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::Other, _) => None,
        }
    }
}
