//! Which events somebody wants: an expression over their JSON, or shortcuts that are expressions.

use std::fmt;

use pagewire_filter::{Fault, Filter, FilterError, Member, OnlyThis, Role, nearest, quoted};

use crate::event::{Event, event_record};
use crate::model::Shape;

/// What is asked of events. All of it must hold; what is empty asks nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FilterParts {
    /// They are of one of these kinds.
    pub kinds: Vec<String>,
    /// One of these did it: a name or an id, whole.
    pub users: Vec<String>,
    /// They are chats that say this.
    pub said: Option<Said>,
    /// They are gifts of a combo that has ended, worth at least so much in the smallest money of the site.
    pub min_gift: Option<u64>,
    /// This is true of them.
    pub expression: Option<String>,
}

/// What a chat must say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// A text that is somewhere in it.
    Text(String),
    /// A regular expression that fits somewhere in it.
    Pattern(String),
}

impl Said {
    /// Reads `TEXT`, `/PATTERN/`, or `/PATTERN/i` for whichever case.
    pub fn parse(text: &str) -> Self {
        let inner = text.strip_prefix('/').and_then(|inner| {
            let ignoring_case = inner.strip_suffix("/i").map(|inner| format!("(?i){inner}"));
            ignoring_case.or_else(|| inner.strip_suffix('/').map(str::to_owned))
        });
        inner.map_or_else(|| Self::Text(text.to_owned()), Self::Pattern)
    }
}

impl FilterParts {
    /// The one expression that says the same, if anything is asked.
    pub fn expression(&self) -> Option<String> {
        let own = self.expression.as_ref().map(|own| format!("({own})"));
        let parts: Vec<_> = self.shortcuts().chain(own).collect();
        (!parts.is_empty()).then(|| parts.join(" && "))
    }

    fn shortcuts(&self) -> impl Iterator<Item = String> {
        let kinds = match &self.kinds[..] {
            [] => None,
            [kind] => Some(format!("kind == {}", quoted(kind))),
            kinds => {
                let kinds: Vec<_> = kinds.iter().map(|kind| quoted(kind)).collect();
                Some(format!("kind in [{}]", kinds.join(", ")))
            }
        };
        let user = |user: &String| format!("user.id == {0} || user.name == {0}", quoted(user));
        let users: Vec<_> = self.users.iter().map(user).collect();
        let users = (!users.is_empty()).then(|| format!("({})", users.join(" || ")));
        let said = self.said.as_ref().map(|said| {
            let asked = match said {
                Said::Text(text) => format!("contains({})", quoted(text)),
                Said::Pattern(pattern) => format!("matches({})", quoted(pattern)),
            };
            format!("kind == \"chat\" && chat.text.{asked}")
        });
        let min_gift = self
            .min_gift
            .map(|value| format!("kind == \"gift.final\" && gift_final.value >= {value}"));
        [kinds, users, said, min_gift].into_iter().flatten()
    }
}

/// Which events are wanted. By default all of them.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    asked: Option<Asked>,
}

#[derive(Debug, Clone)]
struct Asked {
    filter: Filter,
    /// Events of other kinds need no look.
    kinds: Option<Vec<Box<str>>>,
    /// Whether there is more to look at than the kind.
    only_kinds: OnlyThis,
    /// What is looked at beside what all events have.
    needs: Needs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    Members,
    SiteFields,
}

/// A filter that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventFilterError {
    /// Something is wrong with an expression, or with what one was made of.
    Expression {
        /// The expression that the error is of.
        expression: Box<str>,
        /// What, and where.
        error: FilterError,
    },
    /// No event can be all of this, as this expression.
    Nothing(Box<str>),
}

impl fmt::Display for EventFilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expression { expression, error } => {
                write!(f, "{}, in {expression}", error.sentence(expression))
            }
            Self::Nothing(expression) => write!(
                f,
                "no event can be all of this: {expression}; alternatives are written as A || B in one expression"
            ),
        }
    }
}

impl std::error::Error for EventFilterError {}

impl EventFilter {
    /// A filter of these parts.
    ///
    /// # Errors
    ///
    /// The expression is not understood or names what events do not have; a pattern is none; or nothing can match.
    pub fn new(parts: &FilterParts) -> Result<Self, EventFilterError> {
        // By itself first, so that errors are of places in what was written.
        if let Some(own) = &parts.expression {
            parse(own)?;
        }
        let Some(expression) = parts.expression() else {
            return Ok(Self::default());
        };
        let filter = parse(&expression)?;
        let kinds = filter.texts_of("kind");
        if kinds.as_ref().is_some_and(|(kinds, _)| kinds.is_empty()) {
            return Err(EventFilterError::Nothing(expression.into()));
        }
        let only_kinds = kinds.as_ref().map_or(OnlyThis::No, |(_, only)| *only);
        let kinds = kinds.map(|(kinds, _)| kinds.into_iter().map(Into::into).collect());
        let is_site = |member: &Member<'_>| member.names.first() == Some(&SITE_FIELDS);
        let needs = if filter.members().iter().any(is_site) {
            Needs::SiteFields
        } else {
            Needs::Members
        };
        Ok(Self {
            asked: Some(Asked {
                filter,
                kinds,
                only_kinds,
                needs,
            }),
        })
    }

    /// Whether the event is wanted. One of a kind that is not costs next to nothing; where more than the kind is asked, the event is written as JSON.
    pub fn matches(&self, event: &Event<'_>) -> bool {
        let Some(asked) = &self.asked else {
            return true;
        };
        if let Some(kinds) = &asked.kinds {
            let is_one = kinds.iter().any(|kind| **kind == *event.kind());
            if !is_one || asked.only_kinds == OnlyThis::Yes {
                return is_one;
            }
        }
        let mut json = Vec::new();
        match asked.needs {
            Needs::Members => event.write_json(&mut json),
            Needs::SiteFields => event.write_json_with_site_fields(&mut json),
        }
        asked.filter.matches_json(&json)
    }

    /// The expression that says the same; none where all events are wanted.
    pub fn expression(&self) -> Option<&str> {
        self.asked.as_ref().map(|asked| asked.filter.text())
    }
}

/// What the site sent has members that no schema of ours names.
pub(crate) const SITE_FIELDS: &str = "site_fields";

fn parse(expression: &str) -> Result<Filter, EventFilterError> {
    let wrong = |error| EventFilterError::Expression {
        expression: expression.into(),
        error,
    };
    let filter = Filter::parse(expression).map_err(wrong)?;
    for member in filter.members() {
        check(&member).map_err(wrong)?;
    }
    Ok(filter)
}

/// Events have such a member, and it can be such a text.
fn check(member: &Member<'_>) -> Result<(), FilterError> {
    let unknown = |fault| FilterError {
        at: member.at.clone(),
        fault,
    };
    let shape = shape_of(&member.names).map_err(unknown)?;
    if let Some(fault) = shape.as_ref().and_then(|shape| never(member, shape)) {
        return Err(unknown(fault));
    }
    let Some((name, Shape::Name(names))) = member.names.last().zip(shape) else {
        return Ok(());
    };
    let is_unknown = |text: &&&str| !names.0.iter().any(|(known, _)| known == *text);
    match member.texts.iter().find(is_unknown) {
        None => Ok(()),
        Some(text) => Err(unknown(Fault::Unknown {
            what: "such value of",
            name: format!("{name}: {text}").into(),
            nearest: nearest(text, names.0.iter().map(|(known, _)| *known)),
        })),
    }
}

/// What is asked of a member that looks like this, and is true of no event.
fn never(member: &Member<'_>, shape: &Shape) -> Option<Fault> {
    let name = || member.names.join(".").into();
    match (member.role, shape) {
        (Role::Condition, Shape::Flag) => None,
        (Role::Condition, _) => Some(Fault::NoFlag(name())),
        (Role::ComparedToMember, Shape::Record(_)) if member.names.len() == 1 => {
            Some(Fault::NoQuotes(name()))
        }
        (Role::ComparedToMember | Role::ComparedToLiteral, Shape::Record(record)) => {
            let first = record().members.first().map_or("…", |member| member.name);
            Some(Fault::Object {
                name: name(),
                member: first.into(),
            })
        }
        (Role::ComparedToMember | Role::ComparedToLiteral | Role::Other, _) => None,
    }
}

/// What the member at the end of this way looks like; nothing is known of the whole event and of what the site sent.
///
/// # Errors
///
/// No event has it.
pub(crate) fn shape_of(names: &[&str]) -> Result<Option<Shape>, Fault> {
    if names.first() == Some(&SITE_FIELDS) {
        return Ok(None);
    }
    let mut record = Some(event_record());
    let mut shape = None;
    for name in names {
        let members = record.take().map_or_else(Vec::new, |record| record.members);
        let Some(member) = members.iter().find(|member| member.name == *name) else {
            return Err(Fault::Unknown {
                what: "member",
                name: (*name).into(),
                nearest: nearest(name, members.iter().map(|member| member.name)),
            });
        };
        let inner = bare(&member.shape);
        if let Shape::Record(inner) = &inner {
            record = Some(inner());
        }
        shape = Some(inner);
    }
    Ok(shape)
}

/// Of a list its entries, of what may be absent what is there.
fn bare(shape: &Shape) -> Shape {
    match shape {
        Shape::Optional(inner) | Shape::List(inner) => bare(inner),
        Shape::Text
        | Shape::Count
        | Shape::Flag
        | Shape::Bytes
        | Shape::Name(_)
        | Shape::Record(_) => shape.clone(),
    }
}

#[cfg(test)]
mod tests;
