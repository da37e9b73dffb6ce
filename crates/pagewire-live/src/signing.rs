//! What is signed before a socket of a room is opened, and what a signer gives for it.
//!
//! Pagewire signs nothing itself: the page's own function does, or something that the user points at. This makes the parameters and the MD5 that such a
//! signer is given ([`SignRequest`]), and reads what it answers ([`SignAnswer`]). Which parameters there are and which of them are signed is in the
//! table of sites, so this code is the same for every site that signs in this way.

mod answer;

use std::fmt;

use md5::{Digest as _, Md5};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Serialize, Serializer};

pub use answer::{
    Ignored, SIGN_ANSWER_BYTES_MAX, SIGN_HEADER_BYTES_MAX, SIGN_HEADERS_MAX, SIGN_URL_BYTES_MAX,
    SIGNATURE_BYTES_MAX, SignAnswer, SignAnswerError, SignAnswerFault,
};

use crate::made::chance::Chance;
use crate::sites::{RoomFacts, SignatureText};

/// How a site has its addresses signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signing {
    /// The page's own function that signs, as an expression in the page. Empty where it is not known.
    pub function: String,
    /// The member of that function's one argument in which the MD5 stands.
    pub argument: String,
    /// The member of its result in which the signature stands. Empty where the result is the signature.
    pub result: String,
    /// The parameter that the signature becomes.
    pub parameter: String,
    signed: Vec<String>,
    cursor: String,
    internal_ext: String,
    parameters: Vec<(String, String)>,
}

/// What a browser says of itself in the address. It must be what the user agent in the headers says, or the site closes the socket within seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Browser {
    /// `navigator.language`
    pub language: String,
    /// `navigator.platform`
    pub platform: String,
    /// `navigator.appCodeName`, or what stands before the `/` of the user agent.
    pub name: String,
    /// `navigator.appVersion`: the user agent behind `Mozilla/`.
    pub version: String,
    /// In pixels.
    pub screen_width: u32,
    /// In pixels.
    pub screen_height: u32,
    /// A name of the time zone data base.
    pub time_zone: String,
}

impl Browser {
    /// A browser of this user agent, on an ordinary screen in China.
    pub fn of_user_agent(user_agent: &str) -> Self {
        let (name, version) = user_agent.split_once('/').unwrap_or((user_agent, ""));
        let platform = match user_agent {
            text if text.contains("Windows") => "Win32",
            text if text.contains("Macintosh") => "MacIntel",
            _ => "Linux x86_64",
        };
        Self {
            language: "zh-CN".into(),
            platform: platform.into(),
            name: name.into(),
            version: version.into(),
            screen_width: 1_920,
            screen_height: 1_080,
            time_zone: "Asia/Shanghai".into(),
        }
    }

    /// The user agent that fits.
    pub fn user_agent(&self) -> String {
        format!("{}/{}", self.name, self.version)
    }
}

/// From where a connection goes on. Empty at first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resume {
    /// The last cursor.
    pub cursor: String,
    /// What the site wants back with it, which means nothing to others.
    pub internal_ext: String,
}

/// What a signer is given, as JSON.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct SignRequest {
    /// The site's key in the table.
    pub site: String,
    /// The site's id of the room.
    pub room_id: String,
    /// The address without its query.
    pub address: String,
    /// The query, without the signature, in its order. JSON of it is an object in the same order.
    #[serde(serialize_with = "as_object")]
    pub parameters: Vec<(String, String)>,
    /// The line of those that are signed.
    pub signed: String,
    /// The MD5 of that line, in lower-case hexadecimal.
    pub md5: String,
    /// What the request for the socket is sent with.
    pub user_agent: String,
    /// The member in which the page's own function gives its signature, for [`SignAnswer::read`]; empty where none is known. It is no part of the JSON.
    #[serde(skip)]
    pub result: String,
}

impl Signing {
    /// An address that the user gave whole, going on from there: its parameters that say from where are not signed.
    pub fn resumed(&self, address: &str, resume: &Resume) -> String {
        let Some((before, query)) = address.split_once('?') else {
            return address.to_owned();
        };
        let of = |name: &str| {
            let mut parameters = self.parameters.iter();
            let (_, template) = parameters.find(|(known, _)| known == name)?;
            let value = match template.as_str() {
                "{cursor}" => &resume.cursor,
                "{internal_ext}" => &resume.internal_ext,
                _ => return None,
            };
            (!value.is_empty()).then_some(value)
        };
        let parameters = query.split('&').map(|parameter| {
            let name = parameter.split('=').next().unwrap_or_default();
            of(name).map_or_else(
                || parameter.to_owned(),
                |value| format!("{name}={}", utf8_percent_encode(value, KEPT)),
            )
        });
        let parameters: Vec<_> = parameters.collect();
        format!("{before}?{}", parameters.join("&"))
    }
}

impl fmt::Debug for SignRequest {
    /// Without the parameters: they say who watches.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignRequest")
            .field("site", &self.site)
            .field("room_id", &self.room_id)
            .field("address", &self.address)
            .field("md5", &self.md5)
            .finish_non_exhaustive()
    }
}

fn as_object<S: Serializer>(pairs: &[(String, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(name, value)| (name, value)))
}

impl Signing {
    /// Of what the table says; none where it says nothing.
    pub(crate) fn new(text: SignatureText) -> Result<Option<Self>, String> {
        let Some(parameters) = text.parameters else {
            return Ok(None);
        };
        let signing = Self {
            function: text.function.unwrap_or_default(),
            argument: text.argument.unwrap_or_default(),
            result: text.result.unwrap_or_default(),
            parameter: text.parameter.unwrap_or_else(|| "signature".into()),
            signed: text.signed.unwrap_or_default(),
            cursor: text.cursor.unwrap_or_default(),
            internal_ext: text.internal_ext.unwrap_or_default(),
            parameters,
        };
        let values = signing.parameters.iter().map(|(_, value)| value);
        let values = values.chain([&signing.cursor, &signing.internal_ext]);
        let mut names = values.flat_map(|value| placeholders(value));
        if let Some(other) = names.find(|name| !PLACEHOLDERS.contains(name)) {
            let known = PLACEHOLDERS.join(", ");
            return Err(format!("{{{other}}} stands for nothing; there are {known}"));
        }
        drop(names);
        Ok(Some(signing))
    }

    /// What a signer is to sign for a connection to `address`, which is one of the site's push addresses.
    ///
    /// `now_ms` is Unix time in milliseconds. `seed` decides the numbers that the page draws by chance where there is nothing to go on from.
    pub fn request(
        &self,
        site: &str,
        address: &str,
        facts: &RoomFacts,
        browser: &Browser,
        resume: &Resume,
        now_ms: u64,
        seed: u64,
    ) -> SignRequest {
        let mut chance = Chance::new(seed);
        // As long as the ids that the site makes.
        let random = chance
            .between(7_000_000_000_000_000_000, 7_999_999_999_999_999_999)
            .to_string();
        let viewer = if facts.viewer.is_empty() {
            &random
        } else {
            &facts.viewer
        };
        let fill = |template: &str, resume: &Resume| {
            filled(template, |name| match name {
                "room_id" => facts.room_id.clone(),
                "viewer" => viewer.clone(),
                "now_ms" => now_ms.to_string(),
                "random" => random.clone(),
                "cursor" => resume.cursor.clone(),
                "internal_ext" => resume.internal_ext.clone(),
                "browser_language" => browser.language.clone(),
                "browser_platform" => browser.platform.clone(),
                "browser_name" => browser.name.clone(),
                "browser_version" => browser.version.clone(),
                "screen_width" => browser.screen_width.to_string(),
                "screen_height" => browser.screen_height.to_string(),
                "time_zone" => browser.time_zone.clone(),
                _ => String::new(),
            })
        };
        let first = |last: &String, template: &str| {
            if last.is_empty() {
                fill(template, &Resume::default())
            } else {
                last.clone()
            }
        };
        let resume = Resume {
            cursor: first(&resume.cursor, &self.cursor),
            internal_ext: first(&resume.internal_ext, &self.internal_ext),
        };
        let parameters = self.parameters.iter();
        let parameters: Vec<_> = parameters
            .map(|(name, value)| (name.clone(), fill(value, &resume)))
            .collect();
        let signed = signed_line(&self.signed, &parameters);
        SignRequest {
            site: site.to_owned(),
            room_id: facts.room_id.clone(),
            address: address.to_owned(),
            md5: md5_hex(signed.as_bytes()),
            parameters,
            signed,
            user_agent: browser.user_agent(),
            result: self.result.clone(),
        }
    }
}

impl SignRequest {
    /// The request on one line of JSON.
    ///
    /// # Panics
    ///
    /// Never: it is texts, and they have a JSON.
    pub fn json(&self) -> String {
        serde_json::to_string(self).expect("texts have a JSON")
    }

    /// The whole address: the parameters, and the signature behind them.
    pub fn address_with(&self, signing: &Signing, signature: &str) -> String {
        self.address_of(Some((&signing.parameter, signature)))
    }

    /// The address with the parameters, where nobody wants a signature.
    pub fn address_unsigned(&self) -> String {
        self.address_of(None)
    }

    fn address_of(&self, last: Option<(&str, &str)>) -> String {
        let mut address = self.address.clone();
        let parameters = self.parameters.iter();
        let parameters = parameters.map(|(name, value)| (name.as_str(), value.as_str()));
        let mut before = if address.contains('?') { '&' } else { '?' };
        for (name, value) in parameters.chain(last) {
            address.push(before);
            address.extend(utf8_percent_encode(name, KEPT));
            address.push('=');
            address.extend(utf8_percent_encode(value, KEPT));
            before = '&';
        }
        address
    }
}

/// `key=value` with commas between; a parameter that the address does not have has an empty value.
fn signed_line(names: &[String], parameters: &[(String, String)]) -> String {
    let value = |name: &String| {
        let mut parameters = parameters.iter();
        let found = parameters.find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    let pairs: Vec<_> = names
        .iter()
        .map(|name| format!("{name}={}", value(name)))
        .collect();
    pairs.join(",")
}

fn md5_hex(bytes: &[u8]) -> String {
    let digest = Md5::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The names in braces.
fn placeholders(template: &str) -> impl Iterator<Item = &str> {
    template
        .split('{')
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('}')?.0))
}

/// Values are put in once: braces in them stay as they are.
fn filled(template: &str, value: impl Fn(&str) -> String) -> String {
    let mut parts = template.split('{');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once('}') {
            Some((name, rest)) => {
                text.push_str(&value(name));
                text.push_str(rest);
            }
            None => {
                text.push('{');
                text.push_str(part);
            }
        }
    }
    text
}

/// What the table may name.
const PLACEHOLDERS: &[&str] = &[
    "room_id",
    "viewer",
    "now_ms",
    "random",
    "cursor",
    "internal_ext",
    "browser_language",
    "browser_platform",
    "browser_name",
    "browser_version",
    "screen_width",
    "screen_height",
    "time_zone",
];

/// All but what `encodeURIComponent` leaves as it is.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

#[cfg(test)]
mod tests;
