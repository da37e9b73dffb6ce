//! One site of the table: as it is written, and as it is checked.

use std::collections::BTreeMap;
use std::str::FromStr as _;

use pagewire_cdp::UrlPattern;
use serde::Deserialize;

use super::address::RoomPattern;
use super::ask::{Ask, Means, is_place, is_sign};
use crate::event::Site;
use crate::signing::Signing;

macro_rules! texts {
    ($(#[doc = $doc:literal])* $name:ident { $($field:ident: $type:ty,)* $(; $($inner:ident: $inner_type:ty,)*)? }) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Default, Deserialize)]
        #[serde(default)]
        pub(crate) struct $name {
            $(pub(crate) $field: Option<$type>,)*
            $($(pub(crate) $inner: $inner_type,)*)?
        }

        impl $name {
            pub(super) const KEYS: &[&str] = &[$(stringify!($field),)* $($(stringify!($inner),)*)?];

            /// The keys that say something.
            pub(super) fn keys_set(&self) -> Vec<&'static str> {
                let mut keys = Vec::new();
                $(if self.$field.is_some() {
                    keys.push(stringify!($field));
                })*
                $($(if !self.$inner.keys_set().is_empty() {
                    keys.push(stringify!($inner));
                })*)?
                keys
            }

            /// What is here, and where nothing is here, what is there.
            pub(super) fn over(self, under: Self) -> Self {
                Self {
                    $($field: self.$field.or(under.$field),)*
                    $($($inner: self.$inner.over(under.$inner),)*)?
                }
            }
        }
    };
}

texts! {
    /// An entry as it is written.
    EntryText {
        like: String,
        format: String,
        title: String,
        title_zh: String,
        rooms: Vec<String>,
        page: String,
        short: Vec<String>,
        log_in: Vec<String>,
        sockets: Vec<String>,
        polling: Vec<String>,
        fetch: String,
        answers: Vec<String>,
        push: Vec<String>,
        headers: BTreeMap<String, String>,
        unseen: Vec<String>,
        ;
        timing: TimingText,
        ask: AskText,
        sign: SignatureText,
    }
}

texts! {
    /// Numbers of a connection as they are written.
    TimingText {
        heartbeat_ms: u64,
        unanswered_heartbeats_max: u32,
        silence_ms: u64,
        backoff_first_ms: u64,
        backoff_longest_ms: u64,
        steady_ms: u64,
        refusals_max: u32,
        ask_every_ms: u64,
        open_within_ms: u64,
    }
}

texts! {
    /// How one asks as it is written.
    AskText {
        address: String,
        room_id: Vec<String>,
        presenter: Vec<String>,
        host: Vec<String>,
        title: Vec<String>,
        viewer: Vec<String>,
        state: Vec<String>,
        live: Vec<String>,
        not_live: Vec<String>,
        signs: Vec<SignText>,
    }
}

texts! {
    /// How an address is signed as it is written.
    SignatureText {
        function: String,
        argument: String,
        result: String,
        parameter: String,
        signed: Vec<String>,
        cursor: String,
        internal_ext: String,
        parameters: Vec<(String, String)>,
    }
}

/// A text that is only in answers of one kind.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignText {
    pub(super) means: Means,
    pub(super) text: String,
}

/// A site of live rooms.
#[derive(Debug, Clone)]
pub struct SiteEntry {
    /// Its key in the table, which stands in short forms (`douyin:123`) and in topics.
    pub name: String,
    /// How its frames are to be read.
    pub format: Site,
    /// What people call it.
    pub title: String,
    /// What they call it in Chinese.
    pub title_zh: String,
    pub(super) rooms: Vec<RoomPattern>,
    pub(super) page: String,
    /// Links that lead to a room, as people share them.
    pub(super) short: Vec<UrlPattern>,
    /// Where the site sends whoever is to log in.
    pub(super) log_in: Vec<UrlPattern>,
    /// Sockets of the page that carry the room.
    pub sockets: Vec<UrlPattern>,
    /// Addresses whose answers carry the room where the page has no socket.
    pub polling: Vec<UrlPattern>,
    /// Where one polls by oneself: one of [`polling`](Self::polling), without its query.
    pub(super) fetch: Option<String>,
    /// Addresses whose answers say how the room is, for [`Ask::read`].
    pub answers: Vec<UrlPattern>,
    /// Where a socket of one's own is opened, one after the other where one does not work. `{origin}` stands for where the room is.
    /// Empty where only the page can.
    pub push: Vec<String>,
    /// What the request for such a socket has besides a user agent and cookies.
    pub headers: BTreeMap<String, String>,
    /// Numbers of a connection.
    pub timing: Timing,
    /// How one asks whether a room is live.
    pub ask: Ask,
    /// How addresses of [`push`](Self::push) are signed; none where they need no signature.
    pub signing: Option<Signing>,
    /// Keys whose values were never seen to work with the live site.
    pub unseen: Vec<String>,
}

/// Numbers of a connection. A table of the user's can have others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Milliseconds from heartbeat to heartbeat, where the site does not say. At least 1,000.
    pub heartbeat_ms: u64,
    /// So many heartbeats may go without anything coming in; with the next one due the connection is given up. Default 2.
    pub unanswered_heartbeats_max: u32,
    /// A connection over which nothing came for so many milliseconds is given up. At least 1,000.
    pub silence_ms: u64,
    /// The least that is waited before connecting again, in milliseconds. Default 1,500. At least 100.
    pub backoff_first_ms: u64,
    /// The most, in milliseconds. Default 60,000.
    pub backoff_longest_ms: u64,
    /// A connection that brought something and lasted for so many milliseconds makes the next wait a first one. Default 10,000.
    pub steady_ms: u64,
    /// Refusals in a row; with one more the connection is refused for good. Default 5.
    pub refusals_max: u32,
    /// Milliseconds from asking to asking whether a room is live, on average. Default 30,000. At least 1,000.
    pub ask_every_ms: u64,
    /// A connection that is not there, and an answer that did not come, within so many milliseconds has failed. Default 20,000. At least 1,000.
    pub open_within_ms: u64,
}

/// What is wrong with the value of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) key: &'static str,
    pub(super) what: String,
}

fn wrong(key: &'static str, what: impl ToString) -> Wrong {
    let what = what.to_string();
    Wrong { key, what }
}

impl SiteEntry {
    pub(super) fn check(name: &str, text: EntryText) -> Result<Self, Wrong> {
        let format = text.format.ok_or_else(|| wrong("format", NO_FORMAT))?;
        let format = Site::ALL.iter().find(|site| site.name() == format);
        let rooms = text.rooms.unwrap_or_default();
        let rooms = rooms.iter().map(|room| {
            RoomPattern::parse(room).map_err(|what| wrong("rooms", format!("{room:?}: {what}")))
        });
        let patterns = |key, texts: Option<Vec<String>>| {
            let texts = texts.unwrap_or_default();
            let read =
                |text: &String| UrlPattern::from_str(text).map_err(|error| wrong(key, error));
            texts.iter().map(read).collect::<Result<Vec<_>, _>>()
        };
        let page = text.page.ok_or_else(|| wrong("page", NO_PAGE))?;
        if !page.contains("{room}") {
            return Err(wrong("page", NO_PAGE));
        }
        Ok(Self {
            name: name.to_owned(),
            format: *format.ok_or_else(|| wrong("format", NO_FORMAT))?,
            title: text.title.unwrap_or_else(|| name.to_owned()),
            title_zh: text.title_zh.unwrap_or_else(|| name.to_owned()),
            rooms: rooms.collect::<Result<_, _>>()?,
            page,
            short: patterns("short", text.short)?,
            log_in: patterns("log_in", text.log_in)?,
            sockets: patterns("sockets", text.sockets)?,
            polling: patterns("polling", text.polling)?,
            fetch: text.fetch,
            answers: patterns("answers", text.answers)?,
            push: push(text.push)?,
            headers: text.headers.unwrap_or_default(),
            timing: timing(&text.timing)?,
            ask: ask(text.ask)?,
            signing: Signing::new(text.sign).map_err(|what| wrong("sign", what))?,
            unseen: unseen(text.unseen)?,
        })
    }
}

fn push(addresses: Option<Vec<String>>) -> Result<Vec<String>, Wrong> {
    let addresses = addresses.unwrap_or_default();
    let is_socket =
        |address: &&String| address.starts_with("wss://") || address.starts_with("ws://");
    match addresses.iter().find(|address| !is_socket(address)) {
        Some(other) => Err(wrong("push", format!("{other:?} needs wss:// or ws://"))),
        None => Ok(addresses),
    }
}

fn timing(text: &TimingText) -> Result<Timing, Wrong> {
    let at_least = |least: u64, value: Option<u64>, default: u64| match value.unwrap_or(default) {
        value if value < least => Err(wrong(
            "timing",
            format!("{value} ms is less than {least}, the least there is"),
        )),
        value => Ok(value),
    };
    let backoff_first_ms = at_least(100, text.backoff_first_ms, 1_500)?;
    Ok(Timing {
        heartbeat_ms: at_least(1_000, text.heartbeat_ms, 30_000)?,
        unanswered_heartbeats_max: text.unanswered_heartbeats_max.unwrap_or(2),
        silence_ms: at_least(1_000, text.silence_ms, 60_000)?,
        backoff_first_ms,
        backoff_longest_ms: at_least(
            backoff_first_ms,
            text.backoff_longest_ms,
            60_000.max(backoff_first_ms),
        )?,
        steady_ms: text.steady_ms.unwrap_or(10_000),
        refusals_max: text.refusals_max.unwrap_or(5),
        ask_every_ms: at_least(1_000, text.ask_every_ms, 30_000)?,
        open_within_ms: at_least(1_000, text.open_within_ms, 20_000)?,
    })
}

fn ask(text: AskText) -> Result<Ask, Wrong> {
    let places = [
        &text.room_id,
        &text.presenter,
        &text.host,
        &text.title,
        &text.viewer,
        &text.state,
    ];
    let other = places
        .into_iter()
        .flatten()
        .flatten()
        .find(|place| !is_place(place));
    if let Some(other) = other {
        return Err(wrong(
            "ask",
            format!("{other:?} is neither a JSON pointer such as /data/id nor a text with {{}}"),
        ));
    }
    if !text.signs.iter().flatten().all(is_sign) {
        return Err(wrong(
            "ask",
            "a sign with an empty text would be everywhere",
        ));
    }
    Ok(Ask::new(text))
}

fn unseen(keys: Option<Vec<String>>) -> Result<Vec<String>, Wrong> {
    let keys = keys.unwrap_or_default();
    let known = EntryText::KEYS;
    match keys.iter().find(|key| !known.contains(&key.as_str())) {
        Some(other) => Err(wrong("unseen", format!("{other:?} is no key of a site"))),
        None => Ok(keys),
    }
}

const NO_FORMAT: &str = "it needs to be one of douyin, huya, bilibili, douyu, tiktok";
const NO_PAGE: &str = "it needs the address of a room's page, with {room} in it";
