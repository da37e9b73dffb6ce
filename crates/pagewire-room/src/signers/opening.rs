//! What a signer gave, as it goes into the request for a socket.

use http::header::{AUTHORIZATION, CONNECTION, COOKIE, EXPECT, HOST, TE, TRAILER};
use http::{HeaderName, HeaderValue};
use pagewire_dial::{Address, Header, is_of_the_handshake};
use pagewire_live::{SignAnswer, SignAnswerError, SignAnswerFault};

/// What a socket is opened with, by the word of a signer.
#[derive(Debug, Clone)]
pub enum Opening {
    /// The signature, for the address that is known.
    Signature(Signature),
    /// A whole address.
    Address {
        /// Where to.
        address: Address,
        /// Headers of the opening request. Cookies among them are not shown in logs.
        headers: Vec<Header>,
    },
}

/// A signature. Logs do not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Signature(pub String);

impl std::fmt::Debug for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signature({} bytes)", self.0.len())
    }
}

impl TryFrom<SignAnswer> for Opening {
    type Error = SignAnswerError;

    fn try_from(answer: SignAnswer) -> Result<Self, SignAnswerError> {
        let (url, headers) = match answer {
            SignAnswer::Signature(signature) => return Ok(Self::Signature(Signature(signature))),
            SignAnswer::Address { url, headers } => (url, headers),
        };
        let address: Result<Address, String> = url.parse();
        let headers = headers
            .into_iter()
            .map(|(name, value)| header(&name, value));
        Ok(Self::Address {
            address: address.map_err(|_| SignAnswerError::at("url", SignAnswerFault::NoAddress))?,
            headers: headers.collect::<Result<_, _>>()?,
        })
    }
}

fn header(name: &str, value: String) -> Result<Header, SignAnswerError> {
    let wrong = |fault| SignAnswerError::at(&format!("headers.{name}"), fault);
    let name: HeaderName = name
        .parse()
        .map_err(|_| wrong(SignAnswerFault::HeaderName))?;
    if is_of_the_handshake(&name) || [HOST, CONNECTION, EXPECT, TE, TRAILER].contains(&name) {
        return Err(wrong(SignAnswerFault::OfHandshake));
    }
    let value = HeaderValue::try_from(value);
    let mut value = value.map_err(|_| wrong(SignAnswerFault::HeaderValue))?;
    value.set_sensitive([COOKIE, AUTHORIZATION].contains(&name));
    Ok(Header { name, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opening(headers: &[(&str, &str)]) -> Result<Opening, SignAnswerError> {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        Opening::try_from(SignAnswer::Address {
            url: "wss://push.example/x?a=1".into(),
            headers: headers.collect(),
        })
    }

    #[test]
    fn headers_that_would_break_the_handshake_are_refused() {
        for name in [
            "Upgrade",
            "Host",
            "Sec-WebSocket-Key",
            "Expect",
            "TE",
            "Content-Length",
        ] {
            let error = opening(&[("Cookie", "a=b"), (name, "x")]).expect_err(name);
            assert_eq!(error.path, format!("headers.{name}"));
            assert_eq!(error.fault, SignAnswerFault::OfHandshake);
        }
    }

    #[test]
    fn cookies_go_with_the_request_and_are_not_shown() {
        let opening = opening(&[("Cookie", "a=s3cret"), ("Origin", "https://o.example")]);
        let opening = opening.expect("it can be opened");
        let shown = format!("{opening:?}");
        assert!(
            !shown.contains("s3cret") && shown.contains("o.example"),
            "{shown}"
        );
        let Opening::Address { headers, .. } = opening else {
            panic!("{shown}");
        };
        assert_eq!(headers[0].value, "a=s3cret");
    }
}
