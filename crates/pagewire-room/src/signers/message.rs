//! What a signer is asked and what it answers, as JSON (`docs/signers.md`).

use std::fmt;

use http::HeaderName;
use http::header::{CONNECTION, EXPECT, HOST, TE, TRAILER};
use pagewire_dial::{Address, Header, is_of_the_handshake};
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::Value;

/// Longest answer of a signer, in bytes of JSON.
pub const ANSWER_BYTES_MAX: usize = 64 << 10;
/// Longest signature, in bytes.
pub const SIGNATURE_BYTES_MAX: usize = 4 << 10;
/// Longest address, in bytes.
pub const ADDRESS_BYTES_MAX: usize = 16 << 10;
/// Most headers that come with an address.
pub const ADDRESS_HEADERS_MAX: usize = 32;
/// Longest value of one of them, in bytes.
pub const HEADER_VALUE_BYTES_MAX: usize = 8 << 10;
/// Most unknown members of an answer that are named.
const UNKNOWN_NAMED_MAX: usize = 8;
/// So much of a member's name is shown in an error, in characters.
const MEMBER_CHARS_MAX: usize = 40;
/// So much is shown of what a page, a script or a server says, in characters.
pub(crate) const WORDS_CHARS_MAX: usize = 300;

/// What is to be signed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct SignRequest {
    /// The site, such as `douyin`.
    pub site: String,
    /// The room as the site numbers it.
    pub room: String,
    /// The parameters of the push address, without the signature.
    pub parameters: Parameters,
    /// The line that is signed: `key=value` pairs joined by commas.
    pub line: String,
    /// MD5 of that line, in lower-case hexadecimal.
    pub md5: String,
}

/// Parameters of an address, in their order. JSON of it is an object in the same order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parameters(pub Vec<(String, String)>);

impl Serialize for Parameters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl SignRequest {
    /// The request as JSON on one line.
    pub(crate) fn json(&self) -> String {
        serde_json::to_string(self).expect("texts have a JSON")
    }
}

/// What a signer answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignAnswer {
    /// The value of the signature parameter.
    Signature(String),
    /// A whole address, and the headers that the handshake is to have.
    Address {
        /// A `ws://` or `wss://` address.
        url: String,
        /// Headers of the opening request, checked.
        headers: Vec<Header>,
    },
}

/// Why an answer is of no use. `path` is the member that is wrong, empty for the answer itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{why}", Place(.path))]
pub struct AnswerError {
    /// Such as `headers.Cookie`.
    pub path: String,
    /// What is wrong there.
    pub why: String,
}

/// `path: `, or nothing for the answer as a whole.
struct Place<'a>(&'a str);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "" => f.write_str("the answer "),
            path => write!(f, "the answer's member {path:?} "),
        }
    }
}

impl AnswerError {
    fn new(path: &str, why: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            why: why.into(),
        }
    }

    pub(crate) fn zh(&self) -> String {
        match self.path.as_str() {
            "" => format!("回答无法使用：{}", self.why),
            path => format!("回答中的 {path:?} 无法使用：{}", self.why),
        }
    }
}

impl SignAnswer {
    /// Reads an answer: a text, `{"signature": …}` or `{"url": …, "headers": {…}}`. The second part is a note on members that were ignored.
    ///
    /// # Errors
    ///
    /// The answer is no JSON, has a member of a wrong type, is over a limit, or would break the request that is made of it.
    pub fn read(json: &[u8]) -> Result<(Self, Option<String>), AnswerError> {
        if json.len() > ANSWER_BYTES_MAX {
            let why = format!("has {} bytes, more than {ANSWER_BYTES_MAX}", json.len());
            return Err(AnswerError::new("", why));
        }
        let value: Value = serde_json::from_slice(json)
            .map_err(|error| AnswerError::new("", format!("is no JSON: {error}")))?;
        let mut members = match value {
            Value::String(text) => return Ok((Self::Signature(signature("", text)?), None)),
            Value::Object(members) => members,
            other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_)) => {
                return Err(AnswerError::new(
                    "",
                    format!(
                        "is {}, and should be a text, {{\"signature\": …}} or {{\"url\": …}}",
                        kind(&other)
                    ),
                ));
            }
        };
        let answer = match (members.remove("signature"), members.remove("url")) {
            (Some(value), None) => {
                Self::Signature(signature("signature", text("signature", value)?)?)
            }
            (None, Some(url)) => Self::Address {
                url: address(text("url", url)?)?,
                headers: headers(members.remove("headers"))?,
            },
            (Some(_), Some(_)) => {
                return Err(AnswerError::new(
                    "",
                    "has both a signature and a url; give one of them",
                ));
            }
            (None, None) => return Err(nothing_known(&members)),
        };
        Ok((answer, ignored(&members)))
    }
}

/// An answer of an object without what we look for; a signer that failed often says so there.
fn nothing_known(members: &serde_json::Map<String, Value>) -> AnswerError {
    match members.get("error").or_else(|| members.get("message")) {
        Some(Value::String(said)) => AnswerError::new(
            "",
            format!("is an error: {}", excerpt(said, WORDS_CHARS_MAX)),
        ),
        Some(
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_),
        )
        | None => {
            let names = named(members);
            let has = if names.is_empty() {
                "nothing".to_owned()
            } else {
                names
            };
            AnswerError::new(
                "",
                format!("has neither \"signature\" nor \"url\", but {has}"),
            )
        }
    }
}

fn ignored(members: &serde_json::Map<String, Value>) -> Option<String> {
    (!members.is_empty()).then(|| {
        format!(
            "members of the answer that mean nothing here: {}",
            named(members)
        )
    })
}

fn named(members: &serde_json::Map<String, Value>) -> String {
    let names = members.keys().take(UNKNOWN_NAMED_MAX);
    let names: Vec<_> = names.map(|name| format!("{:?}", shown(name))).collect();
    let more = members.len().saturating_sub(UNKNOWN_NAMED_MAX);
    match more {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

/// The beginning of a text that somebody else wrote, of so many characters.
pub(crate) fn excerpt(text: &str, chars: usize) -> String {
    let mut cut: String = text.chars().take(chars).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}

fn shown(text: &str) -> String {
    excerpt(text, MEMBER_CHARS_MAX)
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn text(path: &str, value: Value) -> Result<String, AnswerError> {
    match value {
        Value::String(text) => Ok(text),
        other @ (Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::Array(_)
        | Value::Object(_)) => Err(AnswerError::new(
            path,
            format!("is {}, and should be a text", kind(&other)),
        )),
    }
}

fn limited(path: &str, text: String, limit: usize) -> Result<String, AnswerError> {
    match text.len() {
        0 => Err(AnswerError::new(path, "is empty")),
        length if length > limit => Err(AnswerError::new(
            path,
            format!("has {length} bytes, more than {limit}"),
        )),
        _ => Ok(text),
    }
}

fn signature(path: &str, text: String) -> Result<String, AnswerError> {
    let text = limited(path, text, SIGNATURE_BYTES_MAX)?;
    // It goes into an address, encoded; what nobody can have meant is a script's own trouble, such as a printed line.
    if text.chars().any(char::is_control) {
        return Err(AnswerError::new(path, "holds control characters"));
    }
    Ok(text)
}

fn address(text: String) -> Result<String, AnswerError> {
    let text = limited("url", text, ADDRESS_BYTES_MAX)?;
    if text.chars().any(char::is_control) {
        return Err(AnswerError::new("url", "holds control characters"));
    }
    let checked: Result<Address, String> = text.parse();
    match checked {
        Ok(_) => Ok(text),
        Err(why) => Err(AnswerError::new(
            "url",
            format!("is not the address of a WebSocket: {why}"),
        )),
    }
}

fn headers(value: Option<Value>) -> Result<Vec<Header>, AnswerError> {
    let members = match value {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Object(members)) => members,
        Some(other @ (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_))) => {
            return Err(AnswerError::new(
                "headers",
                format!("is {}, and should be an object of texts", kind(&other)),
            ));
        }
    };
    if members.len() > ADDRESS_HEADERS_MAX {
        return Err(AnswerError::new(
            "headers",
            format!(
                "has {} members, more than {ADDRESS_HEADERS_MAX}",
                members.len()
            ),
        ));
    }
    members
        .into_iter()
        .map(|(name, value)| header(&name, value))
        .collect()
}

fn header(name: &str, value: Value) -> Result<Header, AnswerError> {
    let path = format!("headers.{}", shown(name));
    let value = limited(&path, text(&path, value)?, HEADER_VALUE_BYTES_MAX)?;
    let name: HeaderName = name
        .parse()
        .map_err(|_| AnswerError::new(&path, "is no name of a header"))?;
    if is_of_the_handshake(&name) || [HOST, CONNECTION, EXPECT, TE, TRAILER].contains(&name) {
        return Err(AnswerError::new(
            &path,
            "would break the handshake, which sets it itself or must not have it",
        ));
    }
    let mut value = http::HeaderValue::try_from(value)
        .map_err(|_| AnswerError::new(&path, "holds control characters"))?;
    value.set_sensitive([http::header::COOKIE, http::header::AUTHORIZATION].contains(&name));
    Ok(Header { name, value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: &Value) -> Result<(SignAnswer, Option<String>), String> {
        SignAnswer::read(value.to_string().as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_request_is_json_with_its_parameters_in_their_order() {
        let parameters =
            [("z", "1"), ("a", "价\"")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let request = SignRequest {
            site: "douyin".into(),
            room: "7".into(),
            parameters: Parameters(parameters.to_vec()),
            line: "live_id=1,room_id=7".into(),
            md5: "5d41402abc4b2a76b9719d911017c592".into(),
        };
        assert_eq!(
            request.json(),
            r#"{"site":"douyin","room":"7","parameters":{"z":"1","a":"价\""},"line":"live_id=1,room_id=7","md5":"5d41402abc4b2a76b9719d911017c592"}"#
        );
    }

    #[test]
    fn a_text_and_an_object_with_a_signature_say_the_same() {
        let signature = SignAnswer::Signature("x/+=".into());
        for value in [json!("x/+="), json!({"signature": "x/+="})] {
            assert_eq!(read(&value), Ok((signature.clone(), None)));
        }
    }

    #[test]
    fn a_whole_address_brings_its_headers() {
        let value = json!({"url": "wss://push.example/x?a=1", "headers": {"Cookie": "a=b", "Origin": "https://o.example"}});
        let (answer, note) = read(&value).unwrap();
        let SignAnswer::Address { url, headers } = answer else {
            panic!("{answer:?}")
        };
        let headers: Vec<_> = headers
            .iter()
            .map(|header| (header.name.as_str(), header.value.to_str().unwrap()))
            .collect();
        assert_eq!((url.as_str(), note), ("wss://push.example/x?a=1", None));
        assert_eq!(
            headers,
            [("cookie", "a=b"), ("origin", "https://o.example")]
        );
        assert!(read(&json!({"url": "ws://h/", "headers": null})).is_ok());
    }

    #[test]
    fn unknown_members_are_ignored_and_noted() {
        let (_, note) = read(&json!({"signature": "s", "took": 3, "by": "x"})).unwrap();
        assert_eq!(
            note.unwrap(),
            "members of the answer that mean nothing here: \"by\", \"took\""
        );
        let mut many: serde_json::Map<_, _> =
            (0..20).map(|n| (format!("m{n:02}"), Value::Null)).collect();
        many.insert("signature".into(), "s".into());
        let (_, note) = read(&many.into()).unwrap();
        assert!(note.unwrap().ends_with("\"m07\" and 12 more"));
    }

    #[test]
    fn what_others_say_is_shown_up_to_a_limit() {
        for (limit, answer) in [
            (
                MEMBER_CHARS_MAX,
                (|text| json!({ text: 1 })) as fn(String) -> Value,
            ),
            (WORDS_CHARS_MAX, |text| json!({ "error": text })),
        ] {
            let whole = "价".repeat(limit);
            assert!(read(&answer(whole.clone())).unwrap_err().contains(&whole));
            let cut = read(&answer(format!("{whole}价"))).unwrap_err();
            assert!(cut.contains(&format!("{whole}…")), "{cut}");
        }
    }

    #[test]
    fn what_is_of_no_use_is_refused_with_its_path() {
        let cases = [
            (json!(null), "is null"),
            (json!(7), "is a number"),
            (json!([]), "is a list"),
            (json!(""), "is empty"),
            (json!("a\nb"), "control characters"),
            (json!({}), "neither \"signature\" nor \"url\", but nothing"),
            (json!({"sign": "x"}), "but \"sign\""),
            (json!({"error": "no window"}), "is an error: no window"),
            (json!({"signature": 1}), "member \"signature\" is a number"),
            (json!({"signature": null}), "member \"signature\" is null"),
            (json!({"signature": "s", "url": "ws://h"}), "both"),
            (json!({"url": ["ws://h"]}), "member \"url\" is a list"),
            (json!({"url": "https://h/x"}), "wss://h/x"),
            (json!({"url": "ws://h/\r\nX: y"}), "control characters"),
            (
                json!({"url": "ws://h", "headers": []}),
                "member \"headers\" is a list",
            ),
            (
                json!({"url": "ws://h", "headers": {"Cookie": 1}}),
                "member \"headers.Cookie\" is a number",
            ),
            (
                json!({"url": "ws://h", "headers": {"Coo kie": "x"}}),
                "no name of a header",
            ),
            (
                json!({"url": "ws://h", "headers": {"Cookie": "a\r\nb"}}),
                "control characters",
            ),
            (
                json!({"url": "ws://h", "headers": {"Upgrade": "x"}}),
                "break the handshake",
            ),
            (
                json!({"url": "ws://h", "headers": {"Host": "x"}}),
                "break the handshake",
            ),
            (
                json!({"url": "ws://h", "headers": {"Sec-WebSocket-Key": "x"}}),
                "break the handshake",
            ),
        ];
        for (value, words) in cases {
            let error = read(&value).unwrap_err();
            assert!(error.contains(words), "{value}: {error}");
        }
        let error = SignAnswer::read(b"{").unwrap_err();
        assert!(error.to_string().contains("is no JSON"), "{error}");
    }

    /// An answer with a part of this length.
    type OfLength<'a> = &'a dyn Fn(usize) -> Value;

    #[test]
    fn each_length_is_taken_at_its_limit_and_not_one_past_it() {
        let address = |length: usize| format!("ws://h/{}", "x".repeat(length - 7));
        let headers = |count: usize| -> Value {
            let headers = (0..count).map(|n| (format!("x-{n}"), Value::from("v")));
            Value::Object(headers.collect())
        };
        let cases: [(&str, OfLength<'_>, usize); 4] = [
            (
                "signature",
                &|n| json!({"signature": "s".repeat(n)}),
                SIGNATURE_BYTES_MAX,
            ),
            ("url", &|n| json!({"url": address(n)}), ADDRESS_BYTES_MAX),
            (
                "headers",
                &|n| json!({"url": "ws://h", "headers": headers(n)}),
                ADDRESS_HEADERS_MAX,
            ),
            (
                "headers.cookie",
                &|n| json!({"url": "ws://h", "headers": {"cookie": "c".repeat(n)}}),
                HEADER_VALUE_BYTES_MAX,
            ),
        ];
        for (path, of_length, limit) in cases {
            assert!(read(&of_length(limit)).is_ok(), "{path}");
            let error = SignAnswer::read(of_length(limit + 1).to_string().as_bytes()).unwrap_err();
            assert_eq!(error.path, path);
            assert!(error.why.contains("more than"), "{error}");
        }
        let padded = |length: usize| format!("\"s\"{}", " ".repeat(length - 3));
        assert!(SignAnswer::read(padded(ANSWER_BYTES_MAX).as_bytes()).is_ok());
        assert!(SignAnswer::read(padded(ANSWER_BYTES_MAX + 1).as_bytes()).is_err());
    }
}
