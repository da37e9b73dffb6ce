//! Secrets out of addresses and header fields.

use std::borrow::Cow;

use crate::event::Headers;

/// What stands for a secret.
const REDACTED: &str = "REDACTED";

/// Words of names that sign or authorise, in lower case; `wsSecret`, `X-Amz-Signature`, `a_bogus` and `__NS_sig3` have one.
const SECRET_WORDS: &[&str] = &[
    "accesskey",
    "apikey",
    "appkey",
    "assertion",
    "auth",
    "authkey",
    "authorization",
    "bearer",
    "bogus",
    "cookie",
    "credential",
    "credentials",
    "csrf",
    "hmac",
    "jwt",
    "key",
    "otp",
    "pass",
    "passphrase",
    "passwd",
    "password",
    "pwd",
    "secret",
    "sess",
    "session",
    "sessionid",
    "sig",
    "sign",
    "signature",
    "signed",
    "ticket",
    "token",
    "tokens",
    "xsrf",
];
/// Names that say nothing of themselves: of single sites (`w_rid`, `SESSDATA`: Bilibili; `ttwid`, `verifyFp`: Douyin, TikTok; `fm`: Huya), and old ones.
const SECRET_NAMES: &[&str] = &[
    "accesstoken",
    "authtoken",
    "bilijct",
    "fm",
    "idtoken",
    "jsessionid",
    "mstoken",
    "odintt",
    "phpsessid",
    "refreshtoken",
    "samlresponse",
    "sessdata",
    "sid",
    "sidguard",
    "stoken",
    "ttwid",
    "txsecret",
    "verifyfp",
    "wrid",
    "wssecret",
    "xmsstub",
];
/// Header fields whose names have no secret word.
const SECRET_FIELDS: &[&str] = &["set-cookie", "set-cookie2"];
/// Header fields that hold an address.
const ADDRESS_FIELDS: &[&str] = &[
    ":path",
    "content-location",
    "location",
    "referer",
    "x-forwarded-uri",
];
/// How a token of ours begins as a subprotocol.
const TOKEN_PROTOCOL: &str = "pagewire.token.";
/// A part of a subprotocol that is this long and has digits is no name.
const PROTOCOL_TOKEN_BYTES: usize = 20;

/// `url` without its user name, and without the values of parameters that sign or authorise, each replaced by `REDACTED`.
/// Looks at the query and at the fragment.
pub fn redact_url(url: &str) -> Cow<'_, str> {
    let after_scheme = url.find("://").map_or(0, |at| at.saturating_add(3));
    let parameters = url.find(['?', '#']).unwrap_or(url.len());
    let (start, parameters) = url.split_at(parameters);
    let start = without_user(start, after_scheme);
    let parameters = without_secrets(parameters);
    match (start, parameters) {
        (Cow::Borrowed(_), Cow::Borrowed(_)) => Cow::Borrowed(url),
        (start, parameters) => Cow::Owned(format!("{start}{parameters}")),
    }
}

/// `start` ends before the query.
fn without_user(start: &str, after_scheme: usize) -> Cow<'_, str> {
    let Some((scheme, rest)) = start.split_at_checked(after_scheme) else {
        return Cow::Borrowed(start);
    };
    let end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    match authority.rsplit_once('@') {
        Some((_, host)) if !scheme.is_empty() => {
            Cow::Owned(format!("{scheme}{REDACTED}@{host}{path}"))
        }
        _ => Cow::Borrowed(start),
    }
}

fn without_secrets(parameters: &str) -> Cow<'_, str> {
    let is_secret = |part: &str| {
        part.split_once('=')
            .is_some_and(|(name, value)| !value.is_empty() && is_secret_name(&unescaped(name)))
    };
    if !parameters.split(PARAMETER_ENDS).any(is_secret) {
        return Cow::Borrowed(parameters);
    }
    let mut out = String::with_capacity(parameters.len());
    for part in parameters.split_inclusive(PARAMETER_ENDS) {
        let (text, end) = match part.strip_suffix(PARAMETER_ENDS) {
            Some(text) => part.split_at(text.len()),
            None => (part, ""),
        };
        match text.split_once('=') {
            Some((name, _)) if is_secret(text) => {
                out.push_str(name);
                out.push('=');
                out.push_str(REDACTED);
            }
            _ => out.push_str(text),
        }
        out.push_str(end);
    }
    Cow::Owned(out)
}

/// An address inside an address, and a fragment, have parameters too.
const PARAMETER_ENDS: [char; 4] = ['?', '#', '&', ';'];

/// The values of cookies, of credentials, and of subprotocols and addresses that hold such, are replaced by `REDACTED`.
pub fn redact_headers(headers: &mut Headers) {
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        if name == "sec-websocket-protocol" {
            *value = without_tokens(value);
        } else if ADDRESS_FIELDS.contains(&&*name) {
            if let Cow::Owned(redacted) = redact_url(value) {
                *value = redacted;
            }
        } else if SECRET_FIELDS.contains(&&*name)
            // Sec-WebSocket-Key is a nonce (RFC 6455 §4.1).
            || !name.starts_with("sec-websocket-") && is_secret_name(&name)
        {
            REDACTED.clone_into(value);
        }
    }
}

/// Subprotocols are the only thing that a page can say in a handshake, so tokens are sent as such:
/// as `pagewire.token.…`, with a name before them (`["access_token", "…"]`), or as they are.
fn without_tokens(protocols: &str) -> String {
    let mut follows_name = false;
    let kept: Vec<_> = protocols
        .split(',')
        .map(|entry| {
            let entry = entry.trim();
            let is_token = follows_name || entry.split('.').any(looks_like_token);
            follows_name = is_secret_name(entry) && !is_token;
            if entry.starts_with(TOKEN_PROTOCOL) {
                format!("{TOKEN_PROTOCOL}{REDACTED}")
            } else if is_token {
                REDACTED.to_owned()
            } else {
                entry.to_owned()
            }
        })
        .collect();
    kept.join(", ")
}

fn looks_like_token(part: &str) -> bool {
    part.len() >= PROTOCOL_TOKEN_BYTES
        && part.bytes().any(|b| b.is_ascii_digit())
        && part.bytes().any(|b| b.is_ascii_alphabetic())
}

/// True where the name, or a word of it, says that its value signs or authorises.
fn is_secret_name(name: &str) -> bool {
    let whole: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    SECRET_NAMES.contains(&&*whole) || words(name).any(|word| SECRET_WORDS.contains(&&*word))
}

/// `wsSecret` and `ws-secret2` are `ws` and `secret`.
fn words(name: &str) -> impl Iterator<Item = String> {
    let mut lower_before = false;
    let spaced: String = name
        .chars()
        .flat_map(|c| {
            let begins = c.is_ascii_uppercase() && lower_before;
            lower_before = c.is_ascii_lowercase() || c.is_ascii_digit();
            let c = if c.is_ascii_alphabetic() { c } else { ' ' };
            [begins.then_some(' '), Some(c.to_ascii_lowercase())]
        })
        .flatten()
        .collect();
    let words: Vec<_> = spaced.split_whitespace().map(str::to_owned).collect();
    words.into_iter()
}

/// The name with its `%XX` read.
fn unescaped(name: &str) -> Cow<'_, str> {
    if !name.contains('%') {
        return Cow::Borrowed(name);
    }
    let mut parts = name.split('%');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let byte = part
            .get(..2)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte {
            Some(byte) => {
                out.push(char::from(byte));
                out.push_str(part.get(2..).unwrap_or_default());
            }
            None => out.push_str(part),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests;
