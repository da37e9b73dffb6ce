//! One table of the sites of live rooms, which a user can override without a new build.
//!
//! What is shipped is `sites.toml` beside this file; its opening comment says how it is written.

mod address;
mod ask;
mod entry;
mod place;

use std::collections::BTreeMap;

use pagewire_cdp::UrlPattern;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub use address::{AddressError, ROOM_NAME_BYTES_MAX, RoomAddress};
pub use ask::{Ask, FACT_BYTES_MAX, RoomAnswer, RoomFacts};
pub use entry::{SiteEntry, Timing};
pub use place::TabAt;

use address::{hint, host as host_of, is_room_name};
pub(crate) use entry::SignatureText;
use entry::{AskText, EntryText, TimingText};

const SHIPPED: &str = include_str!("sites.toml");

/// Longest table of a user, in bytes. The shipped one has some thousand.
pub const SITES_BYTES_MAX: usize = 1 << 20;

/// The sites that are known.
#[derive(Debug, Clone)]
pub struct SiteTable {
    /// As they are written, to put others over them.
    texts: BTreeMap<String, EntryText>,
    entries: BTreeMap<String, SiteEntry>,
}

/// Why a table of a user does not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SiteTableError {
    /// It is no TOML, or a value is not of the type that its key has.
    #[error("line {line}: {what}")]
    Toml {
        /// Where, from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// A key that no site has.
    #[error("line {line}: there is no key {key:?}{}", hint(.nearest.as_deref()))]
    Key {
        /// Where, from 1.
        line: usize,
        /// What was written.
        key: String,
        /// The key that looks most like it.
        nearest: Option<String>,
    },
    /// A value that is of the right type and still does not do.
    #[error("[{site}] {key}: {what}")]
    Value {
        /// Of which site.
        site: String,
        /// Which key.
        key: &'static str,
        /// What is wrong.
        what: String,
    },
    /// Longer than [`SITES_BYTES_MAX`].
    #[error("a table of sites has {got} bytes, the limit is {SITES_BYTES_MAX}")]
    TooLong {
        /// Bytes of it.
        got: usize,
    },
}

impl Default for SiteTable {
    fn default() -> Self {
        Self::shipped()
    }
}

impl SiteTable {
    /// The sites that Pagewire knows by itself.
    ///
    /// # Panics
    ///
    /// Never: the table is a part of this crate, and its tests read it.
    pub fn shipped() -> Self {
        let none = Self {
            texts: BTreeMap::new(),
            entries: BTreeMap::new(),
        };
        none.with(SHIPPED).expect("a test reads it")
    }

    /// With a table of the user over it: keys that are there replace those of the site, a site that is new is added. A key that is replaced is no
    /// longer one of `unseen`.
    ///
    /// # Errors
    ///
    /// Says the line, or the site and the key, of what is wrong. Nothing is taken then.
    pub fn with(&self, toml: &str) -> Result<Self, SiteTableError> {
        if toml.len() > SITES_BYTES_MAX {
            return Err(SiteTableError::TooLong { got: toml.len() });
        }
        let wrong = |error: &toml::de::Error| SiteTableError::Toml {
            line: line_of(toml, error.span().map_or(0, |span| span.start)),
            what: error.message().to_owned(),
        };
        let table = DeTable::parse(toml).map_err(|error| wrong(&error))?;
        check_keys(toml, table.get_ref())?;
        let new: BTreeMap<String, EntryText> =
            toml::from_str(toml).map_err(|error| wrong(&error))?;
        let mut texts = self.texts.clone();
        for (name, text) in new {
            let under = texts.remove(&name).unwrap_or_default();
            texts.insert(name, put_over(text, under));
        }
        let mut entries = BTreeMap::new();
        for (name, text) in &texts {
            let entry = resolved(&texts, name, text.clone())?;
            entries.insert(name.clone(), entry);
        }
        Ok(Self { texts, entries })
    }

    /// The site of this name.
    pub fn get(&self, name: &str) -> Option<&SiteEntry> {
        self.entries.get(name)
    }

    /// All, by their names.
    pub fn iter(&self) -> impl Iterator<Item = &SiteEntry> {
        self.entries.values()
    }

    /// Reads what a person names a room with: an address of its page, with or without `https://`, or a short form such as `douyin:123`.
    ///
    /// # Errors
    ///
    /// Says which forms are known.
    pub fn parse_room(&self, address: &str) -> Result<RoomAddress, AddressError> {
        let address = address.trim();
        for entry in self.iter() {
            if let Some((room, origin)) = entry.rooms.iter().find_map(|room| room.read(address)) {
                return Ok(entry.room(room, origin));
            }
        }
        let Some((site, room)) = address
            .split_once(':')
            .filter(|(_, rest)| !rest.contains('/'))
        else {
            return Err(self.unknown(address));
        };
        let Some(entry) = self.get(site) else {
            let is_host = site.contains('.');
            return Err(if is_host {
                self.unknown(address)
            } else {
                self.unknown_site(site)
            });
        };
        if !is_room_name(room) {
            return Err(AddressError::Room {
                site: site.to_owned(),
                room: room.to_owned(),
            });
        }
        if entry.page.contains("{origin}") {
            return Err(AddressError::Origin {
                site: site.to_owned(),
                form: entry
                    .rooms
                    .first()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
            });
        }
        Ok(entry.room(room, ""))
    }

    /// The site of a short link, with or without `https://`, and the whole address of it; none where it is no such link.
    pub fn short_link(&self, link: &str) -> Option<(&SiteEntry, String)> {
        let link = link.trim();
        let link = match link.split_once("://") {
            Some(_) => link.to_owned(),
            None => format!("https://{link}"),
        };
        let leads_on = |entry: &&SiteEntry| entry.short.iter().any(|short| short.matches(&link));
        let entry = self.iter().find(leads_on)?;
        Some((entry, link))
    }

    fn unknown(&self, address: &str) -> AddressError {
        let forms = self.iter().filter_map(|entry| entry.rooms.first());
        let forms: Vec<_> = forms.map(ToString::to_string).collect();
        AddressError::Unknown {
            address: address.to_owned(),
            forms: forms.join(", "),
        }
    }

    fn unknown_site(&self, site: &str) -> AddressError {
        let names: Vec<_> = self.entries.keys().map(String::as_str).collect();
        AddressError::Site {
            site: site.to_owned(),
            nearest: nearest(site, &names),
            known: names.join(", "),
        }
    }
}

impl SiteEntry {
    fn room(&self, room: &str, origin: &str) -> RoomAddress {
        let mut address = RoomAddress {
            site: self.name.clone(),
            room: room.to_owned(),
            origin: origin.to_owned(),
            page: String::new(),
        };
        address.page = filled(&self.page, &address);
        address
    }

    /// The address that says whether a room is live, for [`Ask::read`]; none where the table has none.
    pub fn ask_address(&self, room: &RoomAddress) -> Option<String> {
        self.ask.address().map(|address| filled(address, room))
    }

    /// Whether an address is at one of the site's own hosts: those of its rooms, sockets and answers, and where one asks. Short links are not among them,
    /// as many sites can share a host for these.
    pub fn has_host_of(&self, address: &str) -> bool {
        let host = host_of(address);
        let mut rooms = self.rooms.iter();
        let templates = [Some(&self.page), self.fetch.as_ref()];
        let ask = self.ask.address();
        let mut templates = templates
            .into_iter()
            .flatten()
            .map(String::as_str)
            .chain(ask);
        let patterns = [&self.sockets, &self.polling, &self.answers];
        let is_fitting = |pattern: &UrlPattern| {
            // Sockets and answers of one host differ in their schemes.
            let mut schemes = ["https", "http", "wss", "ws"].iter();
            schemes.any(|scheme| pattern.may_be_of_origin(&format!("{scheme}://{host}")))
        };
        !host.is_empty()
            && (rooms.any(|room| room.host().eq_ignore_ascii_case(host))
                || templates.any(|template| host_of(template).eq_ignore_ascii_case(host))
                || patterns.into_iter().flatten().any(is_fitting))
    }

    /// Whether an address is one where the site has people log in.
    pub fn is_log_in(&self, address: &str) -> bool {
        self.log_in.iter().any(|log_in| log_in.matches(address))
    }

    /// Whether the page of a room is what says how the room is.
    pub fn asks_page(&self) -> bool {
        self.ask.address() == Some(&self.page)
    }

    /// Whether the table says how to ask.
    pub(crate) fn asks(&self) -> bool {
        self.ask.address().is_some()
    }

    /// Where one polls by oneself, without its query; none where the table does not say.
    pub fn fetch_address(&self, room: &RoomAddress) -> Option<String> {
        self.fetch.as_ref().map(|address| filled(address, room))
    }

    /// [`push`](Self::push) for this room.
    pub fn push_addresses(&self, room: &RoomAddress) -> Vec<String> {
        self.push
            .iter()
            .map(|address| filled(address, room))
            .collect()
    }

    /// [`headers`](Self::headers) for this room.
    pub fn headers_for(&self, room: &RoomAddress) -> Vec<(String, String)> {
        let headers = self.headers.iter();
        headers
            .map(|(name, value)| (name.clone(), filled(value, room)))
            .collect()
    }
}

fn filled(template: &str, room: &RoomAddress) -> String {
    template
        .replace("{room}", &room.room)
        .replace("{origin}", &room.origin)
}

fn put_over(text: EntryText, under: EntryText) -> EntryText {
    let unseen = under.unseen.clone();
    let set = text.keys_set();
    let mut text = text.over(under);
    if !set.contains(&"unseen") {
        text.unseen = unseen.map(|keys| {
            keys.into_iter()
                .filter(|key| !set.contains(&key.as_str()))
                .collect()
        });
    }
    text
}

fn resolved(
    texts: &BTreeMap<String, EntryText>,
    name: &str,
    text: EntryText,
) -> Result<SiteEntry, SiteTableError> {
    let wrong = |key, what| SiteTableError::Value {
        site: name.to_owned(),
        key,
        what,
    };
    if name.is_empty()
        || name.contains(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-')
    {
        return Err(wrong(
            "",
            "a site's name has letters, digits, `_` and `-`: it stands in short forms".into(),
        ));
    }
    let text = match &text.like {
        None => text,
        Some(like) => {
            let under = texts.get(like).filter(|under| under.like.is_none());
            let under = under.cloned().ok_or_else(|| {
                wrong(
                    "like",
                    format!("{like:?} is no site that has all its keys itself"),
                )
            })?;
            put_over(text, under)
        }
    };
    SiteEntry::check(name, text).map_err(|error| wrong(error.key, error.what))
}

fn check_keys(toml: &str, table: &DeTable<'_>) -> Result<(), SiteTableError> {
    for (_, site) in table {
        let DeValue::Table(keys) = site.get_ref() else {
            continue; // Reading it says what is wrong.
        };
        check_names(toml, keys, EntryText::KEYS)?;
        for (name, inner) in keys {
            let known = match &**name.get_ref() {
                "timing" => TimingText::KEYS,
                "ask" => AskText::KEYS,
                "sign" => SignatureText::KEYS,
                _ => continue,
            };
            if let DeValue::Table(inner) = inner.get_ref() {
                check_names(toml, inner, known)?;
            }
        }
    }
    Ok(())
}

fn check_names(toml: &str, table: &DeTable<'_>, known: &[&str]) -> Result<(), SiteTableError> {
    let unknown = table.keys().find(|key| !known.contains(&&**key.get_ref()));
    let Some(key) = unknown else {
        return Ok(());
    };
    Err(SiteTableError::Key {
        line: line_of(toml, Spanned::span(key).start),
        key: key.get_ref().to_string(),
        nearest: nearest(key.get_ref(), known),
    })
}

fn line_of(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    before
        .iter()
        .filter(|byte| **byte == b'\n')
        .count()
        .saturating_add(1)
}

/// The name that a person may have meant.
fn nearest(name: &str, known: &[&str]) -> Option<String> {
    let near = known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(known, name), known));
    let (distance, known) = near.min()?;
    (distance <= 2 && distance < name.len()).then(|| (*known).to_owned())
}

#[cfg(test)]
mod tests;
