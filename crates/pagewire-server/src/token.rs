//! Tokens and the secrets in them, which never reach a log, `Debug` or `Serialize`.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pagewire_hub::Scopes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use subtle::ConstantTimeEq as _;

/// Shortest secret, in bytes: about 95 bits when it is random base64url.
pub const SECRET_BYTES_MIN: usize = 16;
/// Longest secret, in bytes.
const SECRET_BYTES_MAX: usize = 256;

/// A secret text. `Debug`, `Display` and `Serialize` show `***`.
#[derive(Clone)]
pub struct Secret(String);

/// A secret that cannot be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a token is 16-256 characters out of A-Z a-z 0-9 . _ ~ - (try: openssl rand -hex 24)")]
pub struct SecretError;

impl Secret {
    /// A fresh secret of 192 random bits.
    ///
    /// # Panics
    ///
    /// When the operating system gives no random bytes.
    pub fn random() -> Self {
        let mut bytes = [0; 24];
        getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
        Self(format!("pw_{}", URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// The text itself, for the one place that must show or send it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The subprotocol that carries it in a browser's WebSocket.
    pub fn subprotocol(&self) -> String {
        format!("{TOKEN_PROTOCOL_PREFIX}{}", URL_SAFE_NO_PAD.encode(&self.0))
    }

    /// Compares in a time that does not depend on where the texts differ.
    fn matches(&self, text: &str) -> bool {
        self.0.as_bytes().ct_eq(text.as_bytes()).into()
    }
}

/// What the subprotocol of a token begins with.
const TOKEN_PROTOCOL_PREFIX: &str = "pagewire.token.";

/// Reads the token out of an offered subprotocol.
pub(crate) fn from_subprotocol(protocol: &str) -> Option<String> {
    let encoded = protocol.strip_prefix(TOKEN_PROTOCOL_PREFIX)?;
    // A token that cannot be read is a token that is not known, not one that was not sent.
    let decoded = URL_SAFE_NO_PAD.decode(encoded).unwrap_or_default();
    Some(String::from_utf8(decoded).unwrap_or_default())
}

impl FromStr for Secret {
    type Err = SecretError;

    fn from_str(text: &str) -> Result<Self, SecretError> {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
        if (SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&text.len()) && text.bytes().all(good) {
            Ok(Self(text.to_owned()))
        } else {
            Err(SecretError)
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A secret and what it allows.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// For logs and people; not secret.
    pub name: String,
    /// What its bearer shows.
    pub secret: Secret,
    /// What its bearer may do.
    pub scopes: Scopes,
}

/// The token with this secret. Every token is compared, so that the time tells nothing.
pub(crate) fn find<'a>(tokens: &'a [Token], text: &str) -> Option<&'a Token> {
    tokens.iter().fold(None, |found, token| {
        if token.secret.matches(text) {
            Some(token)
        } else {
            found
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_never_shown() {
        let token = Token {
            name: "overlay".into(),
            secret: Secret::random(),
            scopes: Scopes::all(),
        };
        let shown = [
            format!("{token:?}"),
            format!("{}", token.secret),
            serde_json::to_string(&token).unwrap(),
        ];
        for text in shown {
            assert!(
                !text.contains(token.secret.reveal()) && text.contains("***"),
                "{text}"
            );
        }
    }

    #[test]
    fn secrets_have_a_length_and_an_alphabet() {
        for (length, ok) in [(15, false), (16, true), (256, true), (257, false)] {
            assert_eq!("x".repeat(length).parse::<Secret>().is_ok(), ok, "{length}");
        }
        assert!("0123456789abcdef=".parse::<Secret>().is_err());
    }

    #[test]
    fn subprotocols_round_trip() {
        let secret = Secret::random();
        assert_eq!(
            from_subprotocol(&secret.subprotocol()).as_deref(),
            Some(secret.reveal())
        );
        assert_eq!(from_subprotocol("pagewire.v1"), None);
        assert_eq!(from_subprotocol("pagewire.token.%%%").as_deref(), Some(""));
    }
}
