//! What `--capture` says: a value out of the page's own scripts at a certain place, which no name reaches.

use std::str::FromStr;

use crate::event::Location;
use crate::expose::is_function_name;
use crate::pattern::{PatternError, UrlPattern};

/// A value that is taken when a script passes a place, written `name=URL-PATTERN:LINE:COLUMN:EXPRESSION` or
/// `name=URL-PATTERN:"text near it":EXPRESSION` (the text is a JSON string).
#[derive(Debug, Clone)]
pub struct Capture {
    /// What the value is called: 1–64 letters or digits of any script, `_`, `-`.
    pub name: String,
    /// Which scripts.
    pub url: UrlPattern,
    /// Where in them.
    pub place: Place,
    /// JavaScript, not empty, evaluated at the place: it sees the variables there.
    pub expression: String,
}

/// Where in a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// By numbers, as DevTools and error messages show them.
    At {
        /// From 1.
        line: u32,
        /// From 1, in UTF-16 units.
        column: u32,
    },
    /// Where this text begins for the first time.
    Near(String),
}

/// What is wrong with the text of a [`Capture`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// Nothing to tell the name from the rest.
    #[error("there is no = after the name; {FORM}")]
    NoName,
    /// No name for a function.
    #[error("the name before = is not 1-64 letters, digits, '_' or '-'; {FORM}")]
    Name,
    /// Neither numbers nor a quoted text.
    #[error(
        "there is no place after the pattern of addresses: neither :LINE:COLUMN: nor :\"text\":; {FORM}"
    )]
    NoPlace,
    /// A number that no line has.
    #[error("the place {0} is none: lines and columns count from 1 to 4294967295; {FORM}")]
    Place(Box<str>),
    /// A quoted text that is no JSON string, or is empty.
    #[error(
        "the text of the place is not a JSON string with something in it, followed by a colon; {FORM}"
    )]
    Text,
    /// Not a pattern.
    #[error("{0}")]
    Pattern(#[from] PatternError),
    /// No expression.
    #[error("there is nothing after the place; {FORM}")]
    NoExpression,
}

const FORM: &str = "write name=URL-PATTERN:LINE:COLUMN:EXPRESSION or name=URL-PATTERN:\"text near it\":EXPRESSION, such as \
    key='*/app.js:120:18:secretKey'";

impl FromStr for Capture {
    type Err = CaptureError;

    fn from_str(text: &str) -> Result<Self, CaptureError> {
        let (name, rest) = text.split_once('=').ok_or(CaptureError::NoName)?;
        if !is_function_name(name) {
            return Err(CaptureError::Name);
        }
        let (url, place, expression) = split_place(rest)?;
        let expression = expression.trim();
        if expression.is_empty() {
            return Err(CaptureError::NoExpression);
        }
        Ok(Self {
            name: name.to_owned(),
            url: url.parse()?,
            place,
            expression: expression.to_owned(),
        })
    }
}

/// Pattern, place and expression. The first place counts, as expressions have colons and quotes of their own.
fn split_place(text: &str) -> Result<(&str, Place, &str), CaptureError> {
    let mut at = authority_start(text);
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let colon = rest.find(':').ok_or(CaptureError::NoPlace)?;
        at = at.saturating_add(colon);
        let (url, after) = (text.get(..at), text.get(at.saturating_add(1)..));
        let (Some(url), Some(after)) = (url, after) else {
            return Err(CaptureError::NoPlace);
        };
        if after.starts_with('"') {
            let (near, expression) = split_text(after)?;
            return Ok((url, Place::Near(near), expression));
        }
        if let Some(numbers) = Numbers::at_start(after) {
            let (skipped, place, expression) = numbers.split(after)?;
            let url = text.get(..at.saturating_add(skipped)).unwrap_or(url);
            return Ok((url, place, expression));
        }
        at = at.saturating_add(1);
    }
}

/// Where colons begin to count: those of an IPv6 address, in its brackets, do not.
fn authority_start(text: &str) -> usize {
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || "*+.-:".contains(c);
    let host = match text.split_once("://") {
        Some((scheme, host)) if scheme.chars().all(is_scheme) => host,
        _ => text,
    };
    let start = text.len().saturating_sub(host.len());
    match host.find(']') {
        Some(end) if host.starts_with('[') => start.saturating_add(end),
        _ => 0,
    }
}

fn split_text(text: &str) -> Result<(String, &str), CaptureError> {
    let mut strings = serde_json::Deserializer::from_str(text).into_iter::<String>();
    let near = match strings.next() {
        Some(Ok(near)) if !near.is_empty() => near,
        _ => return Err(CaptureError::Text),
    };
    let rest = text.get(strings.byte_offset()..).unwrap_or_default();
    let expression = rest.strip_prefix(':').ok_or(CaptureError::Text)?;
    Ok((near, expression))
}

/// Numbers with a colon after each: two or more. Before line and column there may be a port.
struct Numbers<'a>(Vec<&'a str>);

impl<'a> Numbers<'a> {
    fn at_start(text: &'a str) -> Option<Self> {
        let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let end = text.rfind(':')?;
        let numbers: Vec<_> = text.get(..end)?.split(':').take_while(is_number).collect();
        (numbers.len() >= 2).then_some(Self(numbers))
    }

    /// How much of `text` is no part of the place, the place, and what follows it.
    fn split(&self, text: &'a str) -> Result<(usize, Place, &'a str), CaptureError> {
        let bytes = |numbers: &[&str]| numbers.iter().map(|n| n.len().saturating_add(1)).sum();
        let [port @ .., line, column] = &self.0[..] else {
            return Err(CaptureError::NoPlace);
        };
        let number = |text: &str| text.parse::<u32>().ok().filter(|number| *number > 0);
        let (Some(at_line), Some(at_column)) = (number(line), number(column)) else {
            return Err(CaptureError::Place(format!("{line}:{column}").into()));
        };
        let place = Place::At {
            line: at_line,
            column: at_column,
        };
        let end: usize = bytes(&self.0);
        let expression = text.get(end..).unwrap_or_default();
        Ok((bytes(port), place, expression))
    }
}

impl Place {
    /// The place in the protocol's numbers, where the text of the script is `source`. None where the text does not occur.
    pub fn find(&self, source: &str) -> Option<Location> {
        match self {
            Self::At { line, column } => Some(Location {
                line_number: line.saturating_sub(1),
                column_number: column.saturating_sub(1),
            }),
            Self::Near(text) => {
                let before = source.get(..source.find(text.as_str())?)?;
                Some(end_of(before))
            }
        }
    }
}

/// Where `text` ends, with the line ends of ECMAScript (ECMA-262 §12.3), which are V8's.
fn end_of(text: &str) -> Location {
    let (mut line_number, mut column_number) = (0_u32, 0_u32);
    let mut after_return = false;
    for c in text.chars() {
        match c {
            '\n' if after_return => {}
            '\n' | '\r' | '\u{2028}' | '\u{2029}' => {
                line_number = line_number.saturating_add(1);
                column_number = 0;
            }
            c if c.len_utf16() == 2 => column_number = column_number.saturating_add(2),
            _ => column_number = column_number.saturating_add(1),
        }
        after_return = c == '\r';
    }
    Location {
        line_number,
        column_number,
    }
}

#[cfg(test)]
mod tests;
