//! What a signer gives.

use std::fmt;

use serde_json::{Map, Value};

mod error;

pub use error::{SignAnswerError, SignAnswerFault};

use crate::connection::reason::cut;

/// Longest answer of a signer, in bytes. A whole address has about two thousand.
pub const SIGN_ANSWER_BYTES_MAX: usize = 64 << 10;
/// Longest signature, in bytes. Those that are known have some tens.
pub const SIGNATURE_BYTES_MAX: usize = 4 << 10;
/// Longest address, in bytes.
pub const SIGN_URL_BYTES_MAX: usize = 16 << 10;
/// Headers of an answer. Browsers send about twenty.
pub const SIGN_HEADERS_MAX: usize = 64;
/// Longest value of one of them, in bytes.
pub const SIGN_HEADER_BYTES_MAX: usize = 8 << 10;
/// Most unknown members of an answer that are named; the others are counted.
const UNKNOWN_NAMED_MAX: usize = 8;

/// What a signer gives.
#[derive(Clone, PartialEq, Eq)]
pub enum SignAnswer {
    /// The signature alone.
    Signature(String),
    /// All that it takes to open the socket.
    Address {
        /// `wss://…`, with its whole query.
        url: String,
        /// What the request is to have besides, such as `Cookie`. Whoever makes the request refuses those that would break its handshake.
        headers: Vec<(String, String)>,
    },
}

impl fmt::Debug for SignAnswer {
    /// Without what is secret: logs are read by many.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signature(signature) => write!(f, "Signature({} bytes)", signature.len()),
            Self::Address { url, headers } => {
                let url = url.split('?').next().unwrap_or_default();
                write!(f, "Address({url}, {} headers)", headers.len())
            }
        }
    }
}

/// Members of an answer that mean nothing here, for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored(String);

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(names) = self;
        write!(f, "members of the answer that mean nothing here: {names}")
    }
}

type Read = Result<(SignAnswer, Option<Ignored>), SignAnswerError>;

impl SignAnswer {
    /// Reads what a program or a server gave: JSON as [`read_json`](Self::read_json) takes it, or the bare text of a signature or an address.
    ///
    /// # Errors
    ///
    /// As of [`read_json`](Self::read_json).
    pub fn read(answer: &[u8], result: &str) -> Read {
        check_length(answer)?;
        let text = std::str::from_utf8(answer).map(str::trim);
        let text = text.map_err(|error| SignAnswerError::whole(not_json(error)))?;
        let is_json = matches!(text.bytes().next(), Some(b'{' | b'[' | b'"'))
            || matches!(text, "null" | "true" | "false");
        if is_json {
            return Self::read_json(answer, result);
        }
        Ok((of_text("", text.to_owned())?, None))
    }

    /// Reads JSON: a text, `{"signature": …}`, the same in the member in which the page's own function has it (`result`), or `{"url": …, "headers": …}`.
    /// Beside it are the members that were ignored, where there are any.
    ///
    /// # Errors
    ///
    /// Says what is wrong and where. It never repeats a signature, an address or the value of a header.
    pub fn read_json(answer: &[u8], result: &str) -> Read {
        check_length(answer)?;
        let value = serde_json::from_slice(answer);
        let value = value.map_err(|error| SignAnswerError::whole(not_json(error)))?;
        let mut members = match value {
            Value::String(text) => return Ok((of_text("", text)?, None)),
            Value::Object(members) => members,
            other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_)) => {
                return Err(of_type("", &other, WANTED));
            }
        };
        let own = (!result.is_empty())
            .then(|| members.remove(result).map(|value| (result, value)))
            .flatten();
        let signature = members
            .remove("signature")
            .map(|value| ("signature", value))
            .or(own);
        let answer = match (signature, members.remove("url")) {
            (Some((path, value)), None) => signature_at(path, text(path, value)?)?,
            (None, Some(value)) => Self::Address {
                url: url_at("url", text("url", value)?)?,
                headers: headers(members.remove("headers"))?,
            },
            (Some(_), Some(_)) => return Err(SignAnswerError::whole(SignAnswerFault::Both)),
            (None, None) => return Err(SignAnswerError::whole(nothing_known(&members))),
        };
        let ignored = (!members.is_empty()).then(|| Ignored(named(&members)));
        Ok((answer, ignored))
    }
}

const WANTED: &str = r#"a text, {"signature": …} or {"url": …}"#;

fn not_json(why: impl ToString) -> SignAnswerFault {
    SignAnswerFault::NotJson(cut(&why.to_string()))
}

fn check_length(answer: &[u8]) -> Result<(), SignAnswerError> {
    let (got, max) = (answer.len(), SIGN_ANSWER_BYTES_MAX);
    if got > max {
        return Err(SignAnswerError::whole(SignAnswerFault::TooLong {
            got,
            max,
        }));
    }
    Ok(())
}

fn of_text(path: &str, text: String) -> Result<SignAnswer, SignAnswerError> {
    if text.starts_with("wss://") || text.starts_with("ws://") {
        let (url, headers) = (url_at(path, text)?, Vec::new());
        return Ok(SignAnswer::Address { url, headers });
    }
    signature_at(path, text)
}

fn signature_at(path: &str, text: String) -> Result<SignAnswer, SignAnswerError> {
    let text = limited(path, text, SIGNATURE_BYTES_MAX)?;
    // What nobody can have meant is a signer's own trouble, such as a page of an error or a printed line.
    let is_of_one = |byte: u8| byte.is_ascii_graphic() && !b"<>{}\"\\".contains(&byte);
    if text.bytes().all(is_of_one) {
        Ok(SignAnswer::Signature(text))
    } else {
        Err(SignAnswerError::at(path, SignAnswerFault::NoSignature))
    }
}

fn url_at(path: &str, url: String) -> Result<String, SignAnswerError> {
    let url = limited(path, url, SIGN_URL_BYTES_MAX)?;
    let rest = url
        .strip_prefix("wss://")
        .or_else(|| url.strip_prefix("ws://"));
    let has_host = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
    if has_host && url.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(url)
    } else {
        Err(SignAnswerError::at(path, SignAnswerFault::NoAddress))
    }
}

fn headers(value: Option<Value>) -> Result<Vec<(String, String)>, SignAnswerError> {
    let members = match value {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Object(members)) => members,
        Some(other @ (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_))) => {
            return Err(of_type("headers", &other, "an object of texts"));
        }
    };
    let (got, max) = (members.len(), SIGN_HEADERS_MAX);
    if got > max {
        let fault = SignAnswerFault::TooMany { got, max };
        return Err(SignAnswerError::at("headers", fault));
    }
    let members = members.into_iter();
    members.map(|(name, value)| header(name, value)).collect()
}

fn header(name: String, value: Value) -> Result<(String, String), SignAnswerError> {
    let path = format!("headers.{}", cut(&name));
    let value = limited(&path, text(&path, value)?, SIGN_HEADER_BYTES_MAX)?;
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_of_name) {
        return Err(SignAnswerError::at(&path, SignAnswerFault::HeaderName));
    }
    if value.chars().any(char::is_control) {
        return Err(SignAnswerError::at(&path, SignAnswerFault::HeaderValue));
    }
    Ok((name, value))
}

fn text(path: &str, value: Value) -> Result<String, SignAnswerError> {
    match value {
        Value::String(text) => Ok(text),
        other @ (Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::Array(_)
        | Value::Object(_)) => Err(of_type(path, &other, "a text")),
    }
}

fn limited(path: &str, text: String, max: usize) -> Result<String, SignAnswerError> {
    match text.len() {
        0 => Err(SignAnswerError::at(path, SignAnswerFault::Empty)),
        got if got > max => {
            let fault = SignAnswerFault::TooLong { got, max };
            Err(SignAnswerError::at(path, fault))
        }
        _ => Ok(text),
    }
}

fn of_type(path: &str, got: &Value, wanted: &'static str) -> SignAnswerError {
    let got = match got {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    SignAnswerError::at(path, SignAnswerFault::Type { got, wanted })
}

/// An answer of an object without what we look for; a signer that failed often says so there.
fn nothing_known(members: &Map<String, Value>) -> SignAnswerFault {
    let said = members.get("error").or_else(|| members.get("message"));
    match said.and_then(Value::as_str) {
        Some(said) => SignAnswerFault::Failed(cut(said)),
        None => SignAnswerFault::Nothing(named(members)),
    }
}

fn named(members: &Map<String, Value>) -> String {
    let names = members.keys().take(UNKNOWN_NAMED_MAX);
    let names: Vec<_> = names.map(|name| format!("{:?}", cut(name))).collect();
    match members.len().saturating_sub(UNKNOWN_NAMED_MAX) {
        0 if names.is_empty() => "nothing".to_owned(),
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}
