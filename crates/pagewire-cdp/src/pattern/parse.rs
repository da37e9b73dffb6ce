//! From text to a pattern.

use std::fmt::Write;

use super::glob::Glob;
use super::{Port, URL_PATTERN_BYTES_MAX};

/// What is wrong with the text of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternError {
    /// No text.
    #[error("a pattern of addresses is empty; write * for all, or a host such as push.example.com")]
    Empty,
    /// Longer than [`URL_PATTERN_BYTES_MAX`].
    #[error(
        "a pattern of addresses has {got} bytes, the limit is {max}; put * for what may be left out"
    )]
    TooLong {
        /// Bytes of it.
        got: usize,
        /// Bytes it may have.
        max: usize,
    },
    /// Addresses have no such character.
    #[error(
        "a pattern of addresses has the character {0:?}, which no address has; write it as %XX, or put * for it"
    )]
    Character(char),
    /// A backslash before something else than a star.
    #[error(r"in a pattern of addresses \ stands only before *, as \*, which is a star")]
    Escape,
    /// `user@`.
    #[error("a pattern of addresses has a user name; leave out what stands before @")]
    UserName,
    /// A host in its readable form.
    #[error(
        "a pattern of addresses has the host {0:?}; write it as browsers do, which is xn--… for letters outside a-z"
    )]
    Host(Box<str>),
    /// A port that is none.
    #[error("a pattern of addresses has the port {0:?}; write a number up to 65535, or * for any")]
    Port(Box<str>),
}

/// A pattern, cut where an address has its parts.
#[derive(Debug, Clone)]
pub(super) struct Parts {
    pub(super) scheme: Glob,
    pub(super) host: Glob,
    pub(super) port: Port,
    /// From the path on.
    pub(super) rest: Glob,
    pub(super) has_fragment: bool,
}

impl Parts {
    pub(super) fn parse(text: &str) -> Result<Self, PatternError> {
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        if text.len() > URL_PATTERN_BYTES_MAX {
            let (got, max) = (text.len(), URL_PATTERN_BYTES_MAX);
            return Err(PatternError::TooLong { got, max });
        }
        let (scheme, rest) = text.split_once("://").unwrap_or(("*", text));
        let (authority, rest) = split_authority(rest);
        if authority.contains('@') {
            return Err(PatternError::UserName);
        }
        let (host, port) = split_port(authority);
        if !host.is_ascii() {
            return Err(PatternError::Host(host.into()));
        }
        let rest = match rest.chars().next() {
            None => "/*".to_owned(),
            Some('/') => rest.to_owned(),
            Some(_) => format!("/{rest}"),
        };
        Ok(Self {
            scheme: glob(&scheme.to_ascii_lowercase())?,
            host: glob(&host.to_ascii_lowercase())?,
            port: parse_port(port)?,
            has_fragment: rest.contains('#'),
            rest: glob(&rest)?,
        })
    }
}

/// What follows `://`, cut before the path, the query or the fragment.
pub(super) fn split_authority(text: &str) -> (&str, &str) {
    let end = text.find(['/', '?', '#']).unwrap_or(text.len());
    text.split_at(end)
}

/// Host and port. The colons of an IPv6 address are inside its brackets.
pub(super) fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

fn parse_port(port: Option<&str>) -> Result<Port, PatternError> {
    match port {
        None | Some("*") => Ok(Port::Any),
        Some(text) => text
            .parse()
            .ok()
            .filter(|_| text.bytes().all(|b| b.is_ascii_digit()))
            .map(Port::Is)
            .ok_or_else(|| PatternError::Port(text.into())),
    }
}

/// Cuts at the stars. What browsers write as `%XX` is written so.
fn glob(text: &str) -> Result<Glob, PatternError> {
    let (mut pieces, mut piece) = (Vec::new(), String::new());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            // A second star in a row adds nothing.
            '*' if piece.is_empty() && !pieces.is_empty() => {}
            '*' => pieces.push(std::mem::take(&mut piece).into_boxed_str()),
            '\\' => match chars.next() {
                Some('*') => piece.push('*'),
                _ => return Err(PatternError::Escape),
            },
            c if c.is_control() || c.is_whitespace() => return Err(PatternError::Character(c)),
            c if c.is_ascii() => piece.push(c),
            c => {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    write!(piece, "%{byte:02X}").expect("a String takes any text");
                }
            }
        }
    }
    pieces.push(piece.into_boxed_str());
    Ok(Glob::new(pieces))
}
