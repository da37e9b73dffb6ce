//! Addresses of rooms.

use std::fmt;

/// Longest name of a room in an address, in bytes. Those of sites have at most some tens.
pub const ROOM_NAME_BYTES_MAX: usize = 64;

/// A room of a site, by the name that stands in its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomAddress {
    /// The site's key in the table.
    pub site: String,
    /// What the address calls the room. It is mostly not the id that the site's messages have.
    pub room: String,
    /// Host and port that a person named, for a site that may be anywhere. Empty in short forms.
    pub origin: String,
    /// The address of the room's page.
    pub page: String,
}

/// Why a text is no room.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// No pattern fits.
    #[error(
        "no site is known that has rooms at {address:?}; known are {forms}. A short form such as douyin:123 works too, and a file of your own adds sites"
    )]
    Unknown {
        /// What was given.
        address: String,
        /// What would do, with commas.
        forms: String,
    },
    /// A short form of a site that is not in the table.
    #[error("there is no site {site:?}{}; known are {known}", hint(.nearest.as_deref()))]
    Site {
        /// What was given.
        site: String,
        /// The name that looks most like it.
        nearest: Option<String>,
        /// All names, with commas.
        known: String,
    },
    /// Of a short form: what stands behind the colon is no name.
    #[error(
        "{room:?} is no name of a room of {site}; a name has 1 to {ROOM_NAME_BYTES_MAX} letters, digits, `_`, `-` or `.`"
    )]
    Room {
        /// Of which site.
        site: String,
        /// What was given.
        room: String,
    },
    /// The site may be anywhere, so its name does not say where.
    #[error("{site} may be at any host and port, so its rooms need a whole address: {form}")]
    Origin {
        /// Which.
        site: String,
        /// How an address of it looks.
        form: String,
    },
}

pub(super) fn hint(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!(" (did you mean {name:?}?)"))
}

/// How a site's addresses of rooms look.
#[derive(Debug, Clone)]
pub(super) struct RoomPattern {
    text: String,
    host: String,
    /// None: any.
    port: Option<String>,
    path: Vec<Segment>,
    /// The parameter of the query that names the room.
    query: Option<(String, Name)>,
}

#[derive(Debug, Clone)]
enum Segment {
    Is(String),
    Any,
    /// With what stands before the name.
    Room(String, Name),
}

/// What a name may have in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Word,
    Number,
}

impl Name {
    fn fits(self, name: &str) -> bool {
        let fits = match self {
            Self::Word => is_room_name,
            Self::Number => |name: &str| name.bytes().all(|byte| byte.is_ascii_digit()),
        };
        is_room_name(name) && fits(name)
    }

    /// `@{room}`: a name behind an `@`.
    fn placeholder(text: &str) -> Option<(&str, Self)> {
        let of = |mark, name| Some((text.strip_suffix(mark)?, name));
        of("{room}", Self::Word).or_else(|| of("{number}", Self::Number))
    }
}

pub(super) fn is_room_name(name: &str) -> bool {
    (1..=ROOM_NAME_BYTES_MAX).contains(&name.len())
        // Names stand in paths and in names of topics, where these two would be something else.
        && !matches!(name, "." | "..")
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}

impl RoomPattern {
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = text
            .split_once("://")
            .ok_or("it needs http:// or https://")?;
        if !is_web(scheme) {
            return Err("it needs http:// or https://");
        }
        let (host, port, path, query) = parts(rest);
        let segment = |text: &str| match Name::placeholder(text) {
            Some((before, name)) => Segment::Room(before.to_owned(), name),
            None if text == "*" => Segment::Any,
            None => Segment::Is(text.to_owned()),
        };
        let path: Vec<_> = path.into_iter().map(segment).collect();
        let query = query.split_once('=').and_then(|(key, value)| {
            let (_, name) = Name::placeholder(value)?;
            Some((key.to_owned(), name))
        });
        let in_path = path
            .iter()
            .filter(|segment| matches!(segment, Segment::Room(..)));
        if in_path.count().saturating_add(query.iter().count()) != 1 {
            return Err(
                "it needs one {room} or {number}, as a part of its path or as the value of a parameter",
            );
        }
        if host.is_empty() || host.contains(['*', '{', '@']) {
            return Err("it needs the name of a host, in full");
        }
        Ok(Self {
            text: text.to_owned(),
            host: host.to_ascii_lowercase(),
            port: port.filter(|port| *port != "*").map(str::to_owned),
            path,
            query,
        })
    }

    /// The name of the room, and host and port, of an address that fits. Its scheme, its other parameters and its fragment do not count.
    pub(super) fn read<'a>(&self, address: &'a str) -> Option<(&'a str, &'a str)> {
        let rest = match address.split_once("://") {
            Some((scheme, rest)) => is_web(scheme).then_some(rest)?,
            None => address,
        };
        let origin = rest.split(['/', '?', '#']).next()?;
        let (host, port, path, query) = parts(rest);
        let port_fits = self
            .port
            .as_deref()
            .is_none_or(|wanted| port == Some(wanted));
        if !host.eq_ignore_ascii_case(&self.host) || !port_fits || path.len() != self.path.len() {
            return None;
        }
        let mut room = None;
        for (pattern, segment) in self.path.iter().zip(path) {
            match pattern {
                Segment::Any => {}
                Segment::Is(wanted) => (segment == wanted).then_some(())?,
                Segment::Room(before, name) => {
                    let found = segment.strip_prefix(before.as_str())?;
                    room = Some(name.fits(found).then_some(found)?);
                }
            }
        }
        if let Some((key, name)) = &self.query {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            room = pairs
                .find(|(found, _)| found == key)
                .map(|(_, value)| value);
            room = room.filter(|room| name.fits(room));
        }
        Some((room?, origin))
    }
}

impl RoomPattern {
    pub(super) fn host(&self) -> &str {
        &self.host
    }
}

impl fmt::Display for RoomPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn is_web(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

/// The host of an address, in its own letters; empty where it has none.
pub(super) fn host(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let authority = authority.rsplit_once('@').map_or(authority, |(_, it)| it);
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => host,
        Some(_) | None => authority,
    }
}

/// Host, port, parts of the path (without a last empty one), query.
fn parts(rest: &str) -> (&str, Option<&str>, Vec<&str>, &str) {
    let rest = rest.split('#').next().unwrap_or_default();
    let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = before.split_once('/').unwrap_or((before, ""));
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let path = path.strip_suffix('/').unwrap_or(path);
    (host, port, path.split('/').collect(), query)
}
