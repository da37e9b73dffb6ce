//! Lines as somebody wants them: a text with members of events in braces.

use std::fmt;

use serde_json::Value;

use crate::event::Event;
use crate::filter::{SITE_FIELDS, shape_of};

/// Longest text of a template, in bytes.
pub const TEMPLATE_BYTES_MAX: usize = 4_096;

/// A text such as `{user.name}: {chat.text}`. A member that is missing is empty, or `{user.level|0}` what stands behind the bar. `{{` and `}}` are braces;
/// `\t`, `\n` and `\\` are a tab, a line feed and a backslash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
    needs_site_fields: NeedsSiteFields,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NeedsSiteFields {
    Yes,
    No,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Member {
        names: Vec<String>,
        otherwise: String,
    },
}

/// A template that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at character {character}: {fault}")]
pub struct TemplateError {
    /// Where, from 1.
    pub character: usize,
    /// What is wrong.
    pub fault: TemplateFault,
}

/// What is wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TemplateFault {
    /// A brace that opens is not closed.
    Open,
    /// A brace closes what was not opened.
    Close,
    /// No event has such a member.
    Member(pagewire_filter::Fault),
    /// Longer than it may be.
    TooLong(usize),
}

impl fmt::Display for TemplateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("this brace is not closed; {{ is a brace as such"),
            Self::Close => f.write_str("this brace closes nothing; }} is a brace as such"),
            Self::Member(fault) => fault.fmt(f),
            Self::TooLong(bytes) => {
                write!(f, "{bytes} bytes, over the limit of {TEMPLATE_BYTES_MAX}")
            }
        }
    }
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    ///
    /// Its braces do not fit, a member is none of events, or it is too long.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let error = |at: usize, fault| {
            let before = text.get(..at).unwrap_or(text);
            let character = before.chars().count().saturating_add(1);
            TemplateError { character, fault }
        };
        if text.len() > TEMPLATE_BYTES_MAX {
            return Err(error(0, TemplateFault::TooLong(text.len())));
        }
        let (mut parts, mut plain) = (Vec::new(), String::new());
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let at = text.len().saturating_sub(rest.len());
            if let Some((sign, meant)) = SIGNS.iter().find(|(sign, _)| rest.starts_with(sign)) {
                plain.push_str(meant);
                rest = rest.get(sign.len()..).unwrap_or_default();
                continue;
            }
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
            match c {
                '}' => return Err(error(at, TemplateFault::Close)),
                '{' => {
                    let inner = rest.split_once('}');
                    let (member, behind) = inner.ok_or_else(|| error(at, TemplateFault::Open))?;
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                    let part = Part::member(member);
                    parts.push(part.map_err(|fault| error(at, TemplateFault::Member(fault)))?);
                    rest = behind;
                }
                c => plain.push(c),
            }
        }
        parts.push(Part::Text(plain));
        parts.retain(|part| *part != Part::Text(String::new()));
        let is_site = |part: &Part| match part {
            Part::Text(_) => false,
            Part::Member { names, .. } => names.first().is_some_and(|name| name == SITE_FIELDS),
        };
        let needs_site_fields = if parts.iter().any(is_site) {
            NeedsSiteFields::Yes
        } else {
            NeedsSiteFields::No
        };
        Ok(Self {
            parts,
            needs_site_fields,
        })
    }

    /// The line of an event, without a line feed of its own; `None` where the template names members and the event has none of them. `shown` is given
    /// each value, and gives what may be printed in its place.
    pub fn line(&self, event: &Event<'_>, shown: impl Fn(&str) -> String) -> Option<String> {
        let mut json = Vec::new();
        match self.needs_site_fields {
            NeedsSiteFields::Yes => event.write_json_with_site_fields(&mut json),
            NeedsSiteFields::No => event.write_json(&mut json),
        }
        // Deeper than a tree may be is only what sites send; without it all members are missing.
        let event: Value = serde_json::from_slice(&json).unwrap_or_default();
        let (mut line, mut members, mut found) = (String::new(), 0_usize, 0_usize);
        for part in &self.parts {
            match part {
                Part::Text(text) => line.push_str(text),
                Part::Member { names, otherwise } => {
                    members = members.saturating_add(1);
                    match written(&event, names) {
                        None => line.push_str(otherwise),
                        Some(text) => {
                            found = found.saturating_add(1);
                            line.push_str(&shown(&text));
                        }
                    }
                }
            }
        }
        (members == 0 || found > 0).then_some(line)
    }
}

/// What is not what it looks like.
const SIGNS: [(&str, &str); 5] = [
    ("{{", "{"),
    ("}}", "}"),
    ("\\t", "\t"),
    ("\\n", "\n"),
    ("\\\\", "\\"),
];

impl Part {
    /// `user.level|0`.
    fn member(text: &str) -> Result<Self, pagewire_filter::Fault> {
        let (path, otherwise) = text.split_once('|').unwrap_or((text, ""));
        let names: Vec<_> = path.trim().split('.').collect();
        shape_of(&names)?;
        Ok(Self::Member {
            names: names.into_iter().map(str::to_owned).collect(),
            otherwise: otherwise.to_owned(),
        })
    }
}

/// The member as a text: texts as they are, lists with commas, anything else as JSON. A member of a list is that of each entry.
fn written(value: &Value, names: &[String]) -> Option<String> {
    match (value, names.split_first()) {
        (Value::Null, _) => None,
        (Value::Array(list), _) => {
            let entries: Vec<_> = list
                .iter()
                .filter_map(|entry| written(entry, names))
                .collect();
            (!entries.is_empty()).then(|| entries.join(", "))
        }
        (value, Some((name, rest))) => written(value.get(name)?, rest),
        (Value::String(text), None) => Some(text.clone()),
        (value, None) => Some(value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Badge, Body, Chat, Site, SiteFormat, SitePart, Time, User};

    fn event() -> Event<'static> {
        let badge = |name: &'static str| Badge {
            name: name.into(),
            ..Badge::default()
        };
        Event {
            site: Site::Bilibili,
            room: "7".into(),
            id: "1".into(),
            time: Time::best(1_795_212_345_678, 0, 0),
            user: Some(User {
                id: "11".into(),
                name: "夏\u{1b}橘子".into(),
                badges: vec![badge("a"), badge("b")],
                ..User::default()
            }),
            body: Body::Chat(Chat {
                text: "{hi}".into(),
                ..Chat::default()
            }),
            method: "MADE_UP".into(),
            part: SitePart {
                format: SiteFormat::Json,
                bytes: br#"{"deep":{"er":[1,5]}}"#.into(),
            },
        }
    }

    #[test]
    fn members_in_braces_are_filled_in() {
        for (template, expected) in [
            ("{user.name}: {chat.text}", Some("夏?橘子: {hi}")),
            (r"{time_ms}\t{kind}\\n", Some("1795212345678\tchat\\n")),
            (r"\\t{kind}\n", Some("\\tchat\n")),
            ("{{{kind}}}", Some("{chat}")),
            (
                "[{user.level}] [{user.level|0}] {kind}",
                Some("[] [0] chat"),
            ),
            ("{user.badges.name}", Some("a, b")),
            ("{site_fields.deep.er}", Some("1, 5")),
            ("{chat}", Some(r#"{"text":"{hi}"}"#)),
            ("{gift.name}x{gift.count}", None),
            ("{gift.name|none}", None),
            ("plain", Some("plain")),
            ("", Some("")),
        ] {
            let parsed = Template::parse(template).unwrap_or_else(|error| panic!("{error}"));
            let line = parsed.line(&event(), |text| text.replace('\u{1b}', "?"));
            assert_eq!(line.as_deref(), expected, "{template}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_template_is_told_with_its_place() {
        for (template, says) in [
            (
                "人 {user",
                "at character 3: this brace is not closed; {{ is a brace as such",
            ),
            (
                "a } b",
                "at character 3: this brace closes nothing; }} is a brace as such",
            ),
            (
                "{user.nmae}",
                "at character 1: there is no member nmae; there is name",
            ),
            ("{}", "at character 1: there is no member "),
        ] {
            let error = Template::parse(template).expect_err(template).to_string();
            assert!(error.starts_with(says), "{error}");
        }
    }

    #[test]
    fn a_template_is_as_long_as_it_may_be_and_no_longer() {
        assert!(Template::parse(&"x".repeat(TEMPLATE_BYTES_MAX)).is_ok());
        let over = Template::parse(&"x".repeat(TEMPLATE_BYTES_MAX + 1)).unwrap_err();
        assert_eq!(over.fault, TemplateFault::TooLong(TEMPLATE_BYTES_MAX + 1));
    }
}
