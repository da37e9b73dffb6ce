//! Whether a room is live: what is asked, and what the answer says.

use serde_json::Value;

use super::entry::{AskText, SignText};

/// Longest value that is taken from an answer, in bytes. Ids have some tens, titles some hundred.
pub const FACT_BYTES_MAX: usize = 1_024;

/// How one asks a site whether a room is live.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    text: AskText,
}

/// What a site says of a room, which entering it may need. What it does not say is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoomFacts {
    /// The id that messages have. On Douyin another one at every broadcast.
    pub room_id: String,
    /// The id of the host.
    pub presenter: String,
    /// What the host is called.
    pub host: String,
    /// What the broadcast is called.
    pub title: String,
    /// The id that the site gave whoever asks.
    pub viewer: String,
}

/// What an answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomAnswer {
    /// It is live, or the site does not tell and gives what it takes to enter.
    Live(RoomFacts),
    /// It is there, and nobody broadcasts.
    NotLive,
    /// There is no such room.
    Missing,
    /// The site shows it only to those who have logged in.
    LogIn,
    /// The site wants to see a person first.
    Captcha,
    /// The site wants to be asked less often.
    TooOften,
    /// Nothing of this. It is not the same as not live: an empty answer is how some sites refuse.
    Unknown {
        /// The status of the answer.
        status: u16,
    },
}

impl Ask {
    pub(super) const fn new(text: AskText) -> Self {
        Self { text }
    }

    /// What to get, with `{room}` and `{origin}` in it; none where the table does not say.
    pub(super) fn address(&self) -> Option<&str> {
        self.text.address.as_deref()
    }

    /// Reads the answer to it, or the room's page, or what the page asked itself.
    pub fn read(&self, status: u16, body: &str) -> RoomAnswer {
        if let Some(sign) = self.sign(body) {
            return sign;
        }
        match status {
            404 | 410 => return RoomAnswer::Missing,
            401 => return RoomAnswer::LogIn,
            429 => return RoomAnswer::TooOften,
            200..=299 => {}
            _ => return RoomAnswer::Unknown { status },
        }
        let json: Option<Value> = serde_json::from_str(body).ok();
        let find = |places: &Option<Vec<String>>| {
            let mut places = places.iter().flatten();
            places
                .find_map(|place| found(place, json.as_ref(), body))
                .unwrap_or_default()
        };
        let state = find(&self.text.state);
        let is =
            |states: &Option<Vec<String>>| states.iter().flatten().any(|known| *known == state);
        if is(&self.text.not_live) {
            return RoomAnswer::NotLive;
        }
        let facts = RoomFacts {
            room_id: find(&self.text.room_id),
            presenter: find(&self.text.presenter),
            host: find(&self.text.host),
            title: find(&self.text.title),
            viewer: find(&self.text.viewer),
        };
        let can_enter = !facts.room_id.is_empty() || !facts.presenter.is_empty();
        // A state that the table does not know is none: whether it is live is seen on entering.
        if is(&self.text.live) || can_enter {
            return RoomAnswer::Live(facts);
        }
        RoomAnswer::Unknown { status }
    }

    fn sign(&self, body: &str) -> Option<RoomAnswer> {
        let mut signs = self.text.signs.iter().flatten();
        let sign = signs.find(|sign| !sign.text.is_empty() && body.contains(&sign.text))?;
        Some(sign.means.answer())
    }
}

/// What a sign in an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Means {
    Missing,
    NotLive,
    LogIn,
    Captcha,
    TooOften,
}

impl Means {
    const fn answer(self) -> RoomAnswer {
        match self {
            Self::Missing => RoomAnswer::Missing,
            Self::NotLive => RoomAnswer::NotLive,
            Self::LogIn => RoomAnswer::LogIn,
            Self::Captcha => RoomAnswer::Captcha,
            Self::TooOften => RoomAnswer::TooOften,
        }
    }
}

/// Whether a text can be looked at as a place of a value.
pub(super) fn is_place(place: &str) -> bool {
    place.starts_with('/')
        || place
            .split_once("{}")
            .is_some_and(|(before, _)| !before.is_empty())
}

pub(super) const fn is_sign(sign: &SignText) -> bool {
    !sign.text.is_empty()
}

/// The value at this place. An empty one, and one that is too long to be it, is none.
fn found(place: &str, json: Option<&Value>, body: &str) -> Option<String> {
    let value = if place.starts_with('/') {
        match json?.pointer(place)? {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
        }
    } else {
        let (before, behind) = place.split_once("{}")?;
        let (_, rest) = body.split_once(before)?;
        let end = match behind {
            "" => rest.find(|c: char| !c.is_ascii_alphanumeric() && !"_-.".contains(c)),
            _ => Some(rest.find(behind)?),
        };
        end.map_or(rest, |end| rest.get(..end).unwrap_or_default())
            .to_owned()
    };
    (1..=FACT_BYTES_MAX).contains(&value.len()).then_some(value)
}
