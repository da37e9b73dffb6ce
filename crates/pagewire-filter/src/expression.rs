//! What was parsed.

use std::cmp::Ordering;
use std::ops::Range;

use regex::Regex;

use crate::number::Number;

#[derive(Debug, Clone)]
pub(crate) enum Condition {
    Constant(bool),
    Any(Vec<Self>),
    All(Vec<Self>),
    Not(Box<Self>),
    Compare(Operand, Relation, Operand),
    In(Operand, Vec<Literal>),
    InList(Operand, Path),
    Test(Path, Test),
    Has(Path),
    /// It is there, and is `true`.
    Is(Path),
}

/// What stands on one side of a comparison.
#[derive(Debug, Clone)]
pub(crate) enum Operand {
    Literal(Literal),
    Path(Path),
    /// Of a text: its characters; of a list its entries, of an object its members.
    Size(Path),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Literal {
    Bool(bool),
    Number(Number),
    Text(Box<str>),
}

/// The way from a value to one inside it.
#[derive(Debug, Clone)]
pub(crate) struct Path {
    pub(crate) steps: Vec<Step>,
    /// Where it stands in the expression.
    pub(crate) at: Range<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// By its number in [`Wanted::members`](crate::value::Wanted).
    Member(usize),
    /// An entry of a list, from 0.
    Entry(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Relation {
    pub(crate) fn of_sign(sign: &str) -> Option<Self> {
        Some(match sign {
            "==" => Self::Equal,
            "!=" => Self::Unequal,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            _ => return None,
        })
    }

    /// Whether values in this order are as it says; `None` for those that have no order.
    pub(crate) fn holds(self, order: Option<Ordering>) -> bool {
        match self {
            Self::Equal => order == Some(Ordering::Equal),
            Self::Unequal => order != Some(Ordering::Equal),
            Self::Less => order == Some(Ordering::Less),
            Self::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            Self::Greater => order == Some(Ordering::Greater),
            Self::GreaterOrEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        }
    }
}

/// What a text is asked.
#[derive(Debug, Clone)]
pub(crate) enum Test {
    Contains(Box<str>),
    StartsWith(Box<str>),
    EndsWith(Box<str>),
    Matches(Regex),
}
