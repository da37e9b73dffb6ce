//! Headers that a caller adds to the opening request.

use std::str::FromStr;

use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderName, HeaderValue};

/// `Name: value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Its name.
    pub name: HeaderName,
    /// Its value.
    pub value: HeaderValue,
}

impl FromStr for Header {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once(':').ok_or("write it as 'Name: value'")?;
        let name: HeaderName = name
            .trim()
            .parse()
            .map_err(|_| format!("{:?} is no name of a header", name.trim()))?;
        if name == "sec-websocket-protocol" {
            return Err("offer subprotocols with --subprotocol".to_owned());
        }
        if is_of_the_handshake(&name) {
            return Err(format!("{name} belongs to the handshake itself"));
        }
        let value = HeaderValue::from_bytes(value.trim().as_bytes())
            .map_err(|_| format!("the value of {name} holds control characters"))?;
        Ok(Self { name, value })
    }
}

/// True for headers that a handshake breaks with when somebody else sets them.
pub fn is_of_the_handshake(name: &HeaderName) -> bool {
    name.as_str().starts_with("sec-websocket-")
        || [CONNECTION, UPGRADE, CONTENT_LENGTH, TRANSFER_ENCODING].contains(name)
}
