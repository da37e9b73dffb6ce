//! Where to connect to: `ws://` and `wss://` addresses.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Uri};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// People paste addresses with blanks and letters of any script; both are encoded, as browsers do.
const PASTED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'`');

/// Whether the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// `ws://`
    Plain,
    /// `wss://`
    Tls,
}

/// A WebSocket address that was checked. Shown without the name and password it may hold.
#[derive(Debug, Clone)]
pub struct Address {
    /// From its scheme.
    pub security: Security,
    /// Host and port as they stand in the address, for the header `Host`.
    pub authority: String,
    /// Path and query.
    pub(crate) path: String,
    /// From `ws://NAME:PASSWORD@…`
    pub(crate) authorization: Option<HeaderValue>,
}

impl Address {
    /// The same place for an HTTP client.
    #[expect(
        clippy::missing_panics_doc,
        reason = "it cannot: its parts come from a valid address"
    )]
    pub fn http(&self) -> Uri {
        let scheme = match self.security {
            Security::Plain => "http",
            Security::Tls => "https",
        };
        format!("{scheme}://{}{}", self.authority, self.path)
            .parse()
            .expect("its parts come from a valid address")
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| format!("write the whole address, such as ws://{text}"))?;
        let security = match scheme.to_ascii_lowercase().as_str() {
            "ws" => Security::Plain,
            "wss" => Security::Tls,
            "http" => return Err(format!("WebSocket addresses begin with ws://: ws://{rest}")),
            "https" => {
                return Err(format!(
                    "WebSocket addresses begin with wss://: wss://{rest}"
                ));
            }
            _ => return Err("it must begin with ws:// or wss://".to_owned()),
        };
        let encoded = utf8_percent_encode(rest, PASTED);
        let uri: Uri = format!("{scheme}://{encoded}")
            .parse()
            .map_err(|error| format!("it is no address: {error}"))?;
        let authority = uri.authority().ok_or("it names no host")?.as_str();
        let (user, authority) = match authority.rsplit_once('@') {
            None => (None, authority),
            Some((user, authority)) => (Some(user), authority),
        };
        if uri.host().is_none_or(str::is_empty) {
            return Err("it names no host".to_owned());
        }
        // `Authority` takes any text for a port.
        if uri.port_u16().is_none() && !authority.ends_with(uri.host().unwrap_or_default()) {
            return Err("its port is no number up to 65535".to_owned());
        }
        let path = uri.path_and_query().map_or("", |path| path.as_str());
        let slash = if path.starts_with('/') { "" } else { "/" };
        Ok(Self {
            security,
            authority: authority.to_owned(),
            path: format!("{slash}{path}"),
            authorization: user.map(basic),
        })
    }
}

/// RFC 7617: the name and the password of an address.
fn basic(user: &str) -> HeaderValue {
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    let pair = [
        percent_decode_str(name).collect(),
        b":".to_vec(),
        percent_decode_str(password).collect::<Vec<u8>>(),
    ]
    .concat();
    let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair)))
        .expect("base64 is plain ASCII");
    value.set_sensitive(true);
    value
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.security {
            Security::Plain => "ws",
            Security::Tls => "wss",
        };
        write!(f, "{scheme}://{}{}", self.authority, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_browsers_read_them() {
        let cases = [
            ("ws://localhost", "ws://localhost/", "http://localhost/"),
            (
                "WSS://h.example:8443/a?b=c",
                "wss://h.example:8443/a?b=c",
                "https://h.example:8443/a?b=c",
            ),
            ("ws://[::1]:9/x#part", "ws://[::1]:9/x", "http://[::1]:9/x"),
            (
                "wss://h/价 格",
                "wss://h/%E4%BB%B7%20%E6%A0%BC",
                "https://h/%E4%BB%B7%20%E6%A0%BC",
            ),
            ("ws://h?a=1", "ws://h/?a=1", "http://h/?a=1"),
            ("ws://me:secret@h:1/", "ws://h:1/", "http://h:1/"),
        ];
        for (text, shown, http) in cases {
            let address: Address = text.parse().unwrap();
            assert_eq!(
                (address.to_string(), address.http().to_string()),
                (shown.into(), http.into()),
                "{text}"
            );
        }
    }

    #[test]
    fn a_name_and_password_become_a_header() {
        let address: Address = "ws://Aladdin:open%20sesame@h".parse().unwrap();
        assert_eq!(
            address.authorization.unwrap(),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
        );
    }

    #[test]
    fn what_is_no_address_is_refused_with_advice() {
        let cases = [
            (
                "localhost:9999/x",
                "write the whole address, such as ws://localhost:9999/x",
            ),
            ("http://h/x", "ws://h/x"),
            ("https://h/x", "wss://h/x"),
            ("ftp://h", "must begin with ws:// or wss://"),
            ("ws://", "no address"),
            ("ws://h:port", "port is no number"),
            ("ws://h:65536", "port is no number"),
            ("ws://h:", "port is no number"),
            ("ws://:80", "no host"),
        ];
        for (text, words) in cases {
            let error = text.parse::<Address>().unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
