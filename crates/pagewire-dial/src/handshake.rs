//! The opening handshake of a client (RFC 6455 §4.1), apart from the wire. No extension is offered, so permessage-deflate is never in use.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{
    AUTHORIZATION, CONNECTION, HOST, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE, USER_AGENT,
};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::Empty;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::address::Address;
use crate::offer::Offer;

/// The nonce of one handshake, in base64.
#[derive(Debug, Clone)]
pub(crate) struct Key(String);

impl Key {
    pub(crate) fn new(nonce: [u8; 16]) -> Self {
        Self(STANDARD.encode(nonce))
    }
}

/// The opening request. The user's own headers win over ours.
pub(crate) fn request(
    address: &Address,
    offer: &Offer,
    key: &Key,
) -> Result<Request<Empty<Bytes>>, http::Error> {
    let mut request = Request::builder()
        .uri(address.path.as_str())
        .body(Empty::new())?;
    let headers = request.headers_mut();
    headers.insert(HOST, HeaderValue::try_from(address.authority.as_str())?);
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    headers.insert(SEC_WEBSOCKET_KEY, HeaderValue::try_from(key.0.as_str())?);
    let agent = concat!("pagewire/", env!("CARGO_PKG_VERSION"));
    headers.insert(USER_AGENT, HeaderValue::from_static(agent));
    if !offer.subprotocols.is_empty() {
        let list = HeaderValue::try_from(offer.subprotocols.join(", "))?;
        headers.insert(SEC_WEBSOCKET_PROTOCOL, list);
    }
    if let Some(value) = &address.authorization {
        headers.insert(AUTHORIZATION, value.clone());
    }
    if let Some(origin) = &offer.origin {
        headers.insert(ORIGIN, origin.clone());
    }
    let mut own = HeaderMap::new();
    for header in &offer.headers {
        own.append(header.name.clone(), header.value.clone());
    }
    // `extend` replaces what is there and keeps a header that the user gave twice.
    headers.extend(own);
    Ok(request)
}

/// Checks the answer of a server that switches protocols (RFC 6455 §4.1, second list): the selected subprotocol, or what is wrong.
pub(crate) fn check<B>(
    response: &Response<B>,
    key: &Key,
    offered: &[String],
) -> Result<Option<String>, String> {
    let headers = response.headers();
    if !has_word(headers, &UPGRADE, "websocket") || !has_word(headers, &CONNECTION, "upgrade") {
        return Err("it switches to something other than WebSocket".to_owned());
    }
    let accept = headers.get(SEC_WEBSOCKET_ACCEPT).map(HeaderValue::as_bytes);
    if accept != Some(derive_accept_key(key.0.as_bytes()).as_bytes()) {
        return Err(
            "its Sec-WebSocket-Accept does not answer our key; a cache or proxy may sit on the way"
                .to_owned(),
        );
    }
    if let Some(extensions) = headers.get(SEC_WEBSOCKET_EXTENSIONS) {
        return Err(format!(
            "it uses the extension {extensions:?}, which was not offered"
        ));
    }
    let Some(selected) = headers.get(SEC_WEBSOCKET_PROTOCOL) else {
        return Ok(None);
    };
    let selected = String::from_utf8_lossy(selected.as_bytes()).into_owned();
    if offered.contains(&selected) {
        Ok(Some(selected))
    } else {
        Err(format!(
            "it selects the subprotocol {selected:?}, which was not offered; offer it with --subprotocol"
        ))
    }
}

fn has_word(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).into_iter();
    let mut words = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    words.any(|found| found.trim().eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::StatusCode;

    /// RFC 6455 §1.3 gives this nonce and its answer.
    fn key() -> Key {
        Key("dGhlIHNhbXBsZSBub25jZQ==".to_owned())
    }

    fn answer(changes: &[(&'static str, &'static str)]) -> Response<()> {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let base = [
            ("upgrade", "WebSocket"),
            ("connection", "keep-alive, Upgrade"),
            ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ];
        for (name, value) in base.iter().chain(changes) {
            response
                .headers_mut()
                .insert(*name, HeaderValue::from_static(value));
        }
        response
    }

    #[test]
    fn answers_are_checked_as_the_rfc_says() {
        let offered = ["chat.v2".to_owned(), "chat".to_owned()];
        let cases = [
            (vec![], Ok(None)),
            (vec![("sec-websocket-protocol", "chat")], Ok(Some("chat"))),
            (
                vec![("sec-websocket-protocol", "other")],
                Err("not offered"),
            ),
            (vec![("upgrade", "h2c")], Err("other than WebSocket")),
            (vec![("connection", "close")], Err("other than WebSocket")),
            (
                vec![("sec-websocket-accept", "x")],
                Err("does not answer our key"),
            ),
            (
                vec![("sec-websocket-extensions", "permessage-deflate")],
                Err("permessage-deflate"),
            ),
        ];
        for (changes, expected) in cases {
            let checked = check(&answer(&changes), &key(), &offered);
            match (checked, expected) {
                (Ok(selected), Ok(expected)) => assert_eq!(selected.as_deref(), expected),
                (Err(error), Err(words)) => assert!(error.contains(words), "{error}"),
                (checked, expected) => panic!("{changes:?}: {checked:?}, not {expected:?}"),
            }
        }
    }

    #[test]
    fn the_users_headers_win_and_may_come_twice() {
        let offer = Offer {
            headers: ["Host: other", "X-A: 1", "X-A: 2", "User-Agent: me"]
                .map(|text| text.parse().expect("a header"))
                .to_vec(),
            origin: Some(HeaderValue::from_static("https://o.example")),
            subprotocols: vec!["a".to_owned(), "b".to_owned()],
            timeout: std::time::Duration::ZERO,
        };
        let address = "ws://me:pw@h:1/p?q".parse().expect("an address");
        let request = request(&address, &offer, &key()).expect("a request");
        assert_eq!(request.uri(), "/p?q");
        let values = |name: &str| {
            let values = request.headers().get_all(name).into_iter();
            values
                .map(|value| value.to_str().expect("text").to_owned())
                .collect::<Vec<_>>()
        };
        let cases = [
            ("host", vec!["other"]),
            ("x-a", vec!["1", "2"]),
            ("user-agent", vec!["me"]),
            ("origin", vec!["https://o.example"]),
            ("sec-websocket-protocol", vec!["a, b"]),
            ("sec-websocket-version", vec!["13"]),
            ("authorization", vec!["Basic bWU6cHc="]),
            ("sec-websocket-extensions", vec![]),
        ];
        for (name, expected) in cases {
            assert_eq!(values(name), expected, "{name}");
        }
    }
}
