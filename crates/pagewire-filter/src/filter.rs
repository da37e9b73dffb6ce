//! A filter that is ready.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use crate::error::FilterError;
use crate::expression::{Condition, Literal, Operand, Path, Relation, Step};
use crate::parser::{Parsed, parse};
use crate::value::{Value, Wanted};
use crate::verdict;

/// An expression, compiled. Cheap to use from several threads at once.
#[derive(Debug, Clone)]
pub struct Filter {
    text: Box<str>,
    condition: Condition,
    wanted: Wanted,
}

/// A member that an expression names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member<'f> {
    /// The way to it, from outside in. Numbers of entries are left out. Empty for `@`, the whole value.
    pub names: Vec<&'f str>,
    /// Where it stands in the expression, in bytes.
    pub at: Range<usize>,
    /// The texts that it is said to be equal to or not.
    pub texts: Vec<&'f str>,
    /// What is asked of it.
    pub role: Role,
}

/// What an expression asks of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It stands by itself, and is to be `true`.
    Condition,
    /// Its value is compared with a literal, or with several.
    ComparedToLiteral,
    /// Its value is compared with that of a member.
    ComparedToMember,
    /// Something else, such as whether it is there.
    Other,
}

impl Filter {
    /// Reads an expression.
    ///
    /// # Errors
    ///
    /// It is not understood, or over a limit; the error tells the place.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let Parsed { condition, wanted } = parse(text)?;
        let text = text.into();
        Ok(Self {
            text,
            condition,
            wanted,
        })
    }

    /// The expression as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether a value, as JSON, is wanted. What is no JSON is not. Takes time by the length of the value, and
    /// [`FILTER_STEPS_MAX`](crate::FILTER_STEPS_MAX) steps at most.
    pub fn matches_json(&self, json: &[u8]) -> bool {
        if self.wanted.is_nothing() {
            return verdict::holds(&self.condition, &Value::Missing);
        }
        let value = self.wanted.read(json);
        value.is_some_and(|value| verdict::holds(&self.condition, &value))
    }

    /// Every mention of a member, in no order that matters.
    pub fn members(&self) -> Vec<Member<'_>> {
        let mut found = Vec::new();
        self.condition.visit(&mut |path, role, texts| {
            found.push(Member {
                names: self.names(path),
                at: path.at.clone(),
                texts,
                role,
            });
        });
        found
    }

    /// The texts of which this member of the value must be one where the filter matches, and whether that is all that the filter asks. `None`
    /// where it may be any.
    pub fn texts_of(&self, member: &str) -> Option<(Vec<&str>, OnlyThis)> {
        let number = self
            .wanted
            .members
            .iter()
            .position(|(name, _)| **name == *member)?;
        let (texts, only) = self.condition.texts_of(&[Step::Member(number)])?;
        Some((texts.into_iter().collect(), only))
    }

    fn names(&self, path: &Path) -> Vec<&str> {
        let mut wanted = &self.wanted;
        let mut names = Vec::new();
        for step in &path.steps {
            if let Step::Member(number) = step
                && let Some((name, inner)) = wanted.members.get(*number)
            {
                names.push(&**name);
                wanted = inner;
            }
        }
        names
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Filter {}

/// Whether a filter asks for more than one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnlyThis {
    /// Whoever has the member knows the verdict.
    Yes,
    /// The rest is to be looked at.
    No,
}

impl Condition {
    fn visit<'f>(&'f self, take: &mut impl FnMut(&'f Path, Role, Vec<&'f str>)) {
        match self {
            Self::Constant(_) => {}
            Self::Any(conditions) | Self::All(conditions) => {
                for condition in conditions {
                    condition.visit(take);
                }
            }
            Self::Not(condition) => condition.visit(take),
            Self::Compare(left, relation, right) => {
                let is_equality = matches!(relation, Relation::Equal | Relation::Unequal);
                let text = |other: &'f Operand| {
                    let text = other.text().filter(|_| is_equality);
                    text.into_iter().collect()
                };
                for (operand, other) in [(left, right), (right, left)] {
                    if let Some(path) = operand.path() {
                        take(path, operand.role(other), text(other));
                    }
                }
            }
            Self::In(operand, list) => {
                if let Some(path) = operand.path() {
                    let role = match operand {
                        Operand::Path(_) => Role::ComparedToLiteral,
                        Operand::Size(_) | Operand::Literal(_) => Role::Other,
                    };
                    take(path, role, list.iter().filter_map(Literal::text).collect());
                }
            }
            Self::InList(operand, path) => {
                take(path, Role::Other, operand.text().into_iter().collect());
                if let Some(path) = operand.path() {
                    take(path, Role::Other, Vec::new());
                }
            }
            Self::Test(path, _) | Self::Has(path) => take(path, Role::Other, Vec::new()),
            Self::Is(path) => take(path, Role::Condition, Vec::new()),
        }
    }

    fn texts_of(&self, member: &[Step]) -> Option<(BTreeSet<&str>, OnlyThis)> {
        let is_it =
            |operand: &Operand| matches!(operand, Operand::Path(path) if path.steps == member);
        match self {
            Self::Constant(false) => Some((BTreeSet::new(), OnlyThis::Yes)),
            Self::Compare(left, Relation::Equal, right) => {
                let text = if is_it(left) {
                    right.text()
                } else {
                    left.text()
                };
                let is_about_it = is_it(left) || is_it(right);
                let text = text.filter(|_| is_about_it)?;
                Some((BTreeSet::from([text]), OnlyThis::Yes))
            }
            Self::In(operand, list) if is_it(operand) => {
                let texts: Option<_> = list.iter().map(Literal::text).collect();
                Some((texts?, OnlyThis::Yes))
            }
            Self::Any(conditions) => {
                let parts = conditions.iter().map(|one| one.texts_of(member));
                let parts: Option<Vec<_>> = parts.collect();
                let parts = parts?;
                let only = OnlyThis::all(parts.iter().map(|(_, only)| *only));
                Some((
                    parts.into_iter().flat_map(|(texts, _)| texts).collect(),
                    only,
                ))
            }
            Self::All(conditions) => {
                let parts = conditions.iter().filter_map(|one| one.texts_of(member));
                let parts: Vec<_> = parts.collect();
                let only = if parts.len() == conditions.len() {
                    OnlyThis::all(parts.iter().map(|(_, only)| *only))
                } else {
                    OnlyThis::No
                };
                let texts = parts.into_iter().map(|(texts, _)| texts);
                Some((texts.reduce(|a, b| &a & &b)?, only))
            }
            Self::Constant(true)
            | Self::Not(_)
            | Self::Compare(..)
            | Self::In(..)
            | Self::InList(..)
            | Self::Test(..)
            | Self::Has(_)
            | Self::Is(_) => None,
        }
    }
}

impl OnlyThis {
    fn all(mut parts: impl Iterator<Item = Self>) -> Self {
        if parts.all(|part| part == Self::Yes) {
            Self::Yes
        } else {
            Self::No
        }
    }
}

impl Operand {
    /// What is asked of its member, where it is compared with this.
    const fn role(&self, other: &Self) -> Role {
        match (self, other) {
            (Self::Path(_), Self::Path(_)) => Role::ComparedToMember,
            (Self::Path(_), Self::Literal(_) | Self::Size(_)) => Role::ComparedToLiteral,
            (Self::Size(_) | Self::Literal(_), _) => Role::Other,
        }
    }

    fn path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) | Self::Size(path) => Some(path),
            Self::Literal(_) => None,
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Literal(literal) => literal.text(),
            Self::Path(_) | Self::Size(_) => None,
        }
    }
}

impl Literal {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Bool(_) | Self::Number(_) => None,
        }
    }
}

/// A text as an expression writes it, with quotes.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests;
