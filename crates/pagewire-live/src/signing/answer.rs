//! What a signer gives.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::Value;

/// Longest answer of a signer, in bytes. A whole address has about two thousand.
pub const SIGN_ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Longest signature, in bytes. Those that are known have some tens.
pub const SIGNATURE_BYTES_MAX: usize = 1_024;

/// Headers of an answer that are taken. Browsers send about twenty.
pub const SIGN_HEADERS_MAX: usize = 64;

/// What a signer gives.
#[derive(Clone, PartialEq, Eq)]
pub enum SignAnswer {
    /// The signature alone.
    Signature(String),
    /// All that it takes to open the socket.
    Address {
        /// `wss://…`, with its whole query.
        address: String,
        /// What the request is to have besides, such as `Cookie`.
        headers: Vec<(String, String)>,
    },
}

impl fmt::Debug for SignAnswer {
    /// Without what is secret: logs are read by many.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signature(signature) => write!(f, "Signature({} bytes)", signature.len()),
            Self::Address { address, headers } => {
                let address = address.split('?').next().unwrap_or_default();
                write!(f, "Address({address}, {} headers)", headers.len())
            }
        }
    }
}

/// Why what a signer gave does not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignAnswerError {
    /// Nothing, or white space.
    #[error("the signer gave nothing; {WANTED}")]
    Empty,
    /// More than [`SIGN_ANSWER_BYTES_MAX`].
    #[error("the signer gave {got} bytes, the limit is {SIGN_ANSWER_BYTES_MAX}; {WANTED}")]
    TooLong {
        /// Bytes of it.
        got: usize,
    },
    /// JSON that is something else, or no JSON.
    #[error("what the signer gave cannot be read ({why}); {WANTED}")]
    Unreadable {
        /// Why.
        why: String,
    },
    /// A signature that no site has.
    #[error(
        "the signer gave a signature of {got} bytes with characters that no signature has, or with more than {SIGNATURE_BYTES_MAX}"
    )]
    Signature {
        /// Bytes of it.
        got: usize,
    },
    /// An address of something else.
    #[error(
        "the signer gave an address that does not begin with wss:// or ws://, or has white space in it"
    )]
    Address,
    /// A header that a request cannot have.
    #[error(
        "the signer gave the header {name:?}, which a request cannot have, or a line break in its value, or more than {SIGN_HEADERS_MAX} headers"
    )]
    Header {
        /// Its name.
        name: String,
    },
}

const WANTED: &str = r#"it has to give the signature as a text or as {"signature": "…"}, or {"address": "wss://…", "headers": {"Cookie": "…"}}"#;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole {
    address: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Alone {
    signature: String,
}

impl SignAnswer {
    /// Reads what a signer gave: a signature as a bare text, as a JSON text, as `{"signature": …}`, or as the member that the page's own function has it
    /// in (`result_member`); or `{"address": …, "headers": …}`.
    ///
    /// # Errors
    ///
    /// Says what is wrong and what is wanted. It never repeats the signature.
    pub fn read(answer: &str, result_member: &str) -> Result<Self, SignAnswerError> {
        if answer.len() > SIGN_ANSWER_BYTES_MAX {
            return Err(SignAnswerError::TooLong { got: answer.len() });
        }
        let answer = answer.trim();
        let unreadable = |error: serde_json::Error| SignAnswerError::Unreadable {
            why: error.to_string(),
        };
        match answer.bytes().next() {
            None => Err(SignAnswerError::Empty),
            Some(b'"') => signature(serde_json::from_str(answer).map_err(unreadable)?),
            Some(b'{') => {
                let value: Value = serde_json::from_str(answer).map_err(unreadable)?;
                if value.get("address").is_some() {
                    return whole(serde_json::from_value(value).map_err(unreadable)?);
                }
                if let Some(Value::String(found)) = value.get(result_member) {
                    return signature(found.clone());
                }
                let alone: Alone = serde_json::from_value(value).map_err(unreadable)?;
                signature(alone.signature)
            }
            Some(_) if answer.starts_with("wss://") || answer.starts_with("ws://") => {
                whole(Whole {
                    address: answer.to_owned(),
                    headers: BTreeMap::new(),
                })
            }
            Some(_) => signature(answer.to_owned()),
        }
    }
}

fn signature(signature: String) -> Result<SignAnswer, SignAnswerError> {
    let is_one = (1..=SIGNATURE_BYTES_MAX).contains(&signature.len())
        && signature
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.~+/=%".contains(&byte));
    if is_one {
        Ok(SignAnswer::Signature(signature))
    } else {
        Err(SignAnswerError::Signature {
            got: signature.len(),
        })
    }
}

fn whole(whole: Whole) -> Result<SignAnswer, SignAnswerError> {
    let Whole { address, headers } = whole;
    let rest = address
        .strip_prefix("wss://")
        .or_else(|| address.strip_prefix("ws://"));
    let is_address = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
    if !is_address || !address.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(SignAnswerError::Address);
    }
    let is_name = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let mut of_request = headers.iter().enumerate();
    let other = of_request.find(|(index, (name, value))| {
        *index >= SIGN_HEADERS_MAX || !is_name(name) || value.contains(['\r', '\n', '\0'])
    });
    match other {
        Some((_, (name, _))) => Err(SignAnswerError::Header { name: name.clone() }),
        None => Ok(SignAnswer::Address {
            address,
            headers: headers.into_iter().collect(),
        }),
    }
}
