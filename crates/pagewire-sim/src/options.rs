//! What a simulated site is started with.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use pagewire_journal::Speed;
use pagewire_journal::find_note;
use pagewire_live::{About, Site};
use serde::Serialize;
use thiserror::Error;

use crate::backlog::BACKLOG_BYTES_MAX;
use crate::fault::{Fault, FaultError};
use crate::server::SimError;

/// Rooms of one site.
pub const ROOMS_MAX: usize = 256;
/// Messages a second of one room.
pub const RATE_MAX: u32 = 10_000;
/// Messages of one broadcast: then it ends. At 100 a second that is after almost three hours. The account keeps the id of each.
pub const ROOM_MESSAGES_MAX: u64 = 1 << 20;
/// Characters of the name of a room.
pub const ROOM_NAME_CHARS_MAX: usize = 64;
/// Connections at the same time, of browsers and programs alike.
pub const CONNECTIONS_MAX: usize = 2_048;

/// What to serve.
#[derive(Debug, Clone)]
pub struct Options {
    /// Port of 127.0.0.1; 0, the default, is a free one.
    pub port: u16,
    /// At most [`ROOMS_MAX`], each with a name of its own.
    pub rooms: Vec<RoomOptions>,
    /// How often clients are asked to say that they are there, where the site asks. 1 s to 60 s; by default 10 s.
    pub heartbeat: Duration,
    /// How long Bilibili's client may take to say which room it wants. By default 5 s.
    pub auth_timeout: Duration,
    /// Bytes of messages that each room keeps for whoever comes back. By default [`BACKLOG_BYTES_MAX`], which is the most.
    pub backlog_bytes: usize,
    /// Connections at the same time; more wait. By default [`CONNECTIONS_MAX`], which is the most.
    pub connections: usize,
}

/// One room.
#[derive(Debug, Clone)]
pub struct RoomOptions {
    /// What it is called in addresses: letters, digits and `-`, at most [`ROOM_NAME_CHARS_MAX`].
    pub name: String,
    /// Whose push server it is on.
    pub site: Site,
    /// Decides people, texts and gifts, and the ids of the broadcast and its host. Its own among the rooms of a site.
    pub seed: u64,
    /// Messages a second, 1 to [`RATE_MAX`]. By default 20.
    pub rate: u32,
    /// After so many messages the broadcast ends. None is [`ROOM_MESSAGES_MAX`], which is the most.
    pub messages: Option<u64>,
    /// How whoever asks finds it. By default live.
    pub status: Status,
    /// A room that waits goes live after this time.
    pub live_after: Option<Duration>,
    /// What goes wrong from the beginning.
    pub faults: Vec<Fault>,
    /// Plays a journal in the place of what `seed` and `rate` would make up. By default none; see [`RoomOptions::of_journal`].
    pub recording: Option<Recording>,
}

/// A journal that is played. It is read while it plays, on the task of its room, a chunk at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// Its folder, or one of its files.
    pub path: PathBuf,
    /// How fast: at most [`RATE_MAX`] messages a second.
    pub speed: Speed,
}

/// How whoever asks for a room finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It will be live later.
    Waiting,
    /// It is live. What happens begins when somebody watches for the first time, so that whoever watches from then on can have all of it.
    Live,
    /// It was live.
    Ended,
    /// The site wants a log-in first.
    Login,
    /// The site wants a captcha solved first.
    Captcha,
}

/// Why a site cannot be as the options say.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OptionsError {
    /// More than there may be.
    #[error("there can be {max} {what}, not {got}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// As asked for.
        got: u64,
        /// The most.
        max: u64,
    },
    /// A name that cannot stand in an address.
    #[error(
        "{0:?} cannot be the name of a room; use 1 to {ROOM_NAME_CHARS_MAX} letters, digits and -"
    )]
    Name(String),
    /// Two rooms with one name.
    #[error("two rooms have the name {0:?}; give each its own")]
    Twice(String),
    /// Two rooms of one site that nothing tells apart.
    #[error(
        "two rooms of {site} have the seed {seed}, and would be the same room; give each its own"
    )]
    SameSeed {
        /// Of this site.
        site: &'static str,
        /// What both have.
        seed: u64,
    },
    /// A site of which nothing is made up.
    #[error("rooms of {0} cannot be simulated; those of douyin, huya, bilibili and douyu can")]
    Site(&'static str),
    /// Two rooms of one site for which clients would ask by the same number: a journal has the one of its room.
    #[error(
        "{first:?} and {second:?} are the same room of {site}, number {id}; leave one of them out, or make the other up by another seed"
    )]
    SameRoom {
        /// Of this site.
        site: &'static str,
        /// The number.
        id: u64,
        /// The name of one.
        first: String,
        /// The name of the other.
        second: String,
    },
    /// A number that is too small, or a time that is too short or too long.
    #[error("{0}")]
    Range(&'static str),
    /// A fault that the room cannot have.
    #[error(transparent)]
    Fault(#[from] FaultError),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            rooms: Vec::new(),
            heartbeat: Duration::from_secs(10),
            auth_timeout: Duration::from_secs(5),
            backlog_bytes: BACKLOG_BYTES_MAX,
            connections: CONNECTIONS_MAX,
        }
    }
}

impl RoomOptions {
    /// A live room of this name, which decides its seed too.
    pub fn new(name: &str, site: Site) -> Self {
        Self {
            name: name.to_owned(),
            site,
            seed: name
                .bytes()
                .fold(1, |seed, byte| seed * 31 % 1_000_003 + u64::from(byte)),
            rate: 20,
            messages: None,
            status: Status::Live,
            live_after: None,
            faults: Vec::new(),
            recording: None,
        }
    }

    /// A live room that plays a journal: of the site that its first note names, and called as it says there; what cannot stand in a name is a `-`. What
    /// is played, and what of it makes sense as a fault: `docs/sim.md`.
    ///
    /// # Errors
    ///
    /// The journal cannot be read, or does not say whose frames it has.
    pub fn of_journal(path: &Path, speed: Speed) -> Result<Self, SimError> {
        let no_site = || SimError::NoSite(path.to_owned());
        let about = find_note(path, About::read)?.ok_or_else(no_site)?;
        let plain = about
            .room
            .chars()
            .map(|char| if is_plain(char) { char } else { '-' });
        let name: String = plain.take(ROOM_NAME_CHARS_MAX).collect();
        let name = if name.is_empty() { UNNAMED } else { &name };
        let path = path.to_owned();
        Ok(Self {
            recording: Some(Recording { path, speed }),
            ..Self::new(name, about.site)
        })
    }

    /// Whether the room can have a fault.
    ///
    /// # Errors
    ///
    /// It cannot; it says why.
    pub fn check_fault(&self, fault: Fault) -> Result<(), FaultError> {
        fault.check_site(self.site)?;
        if self.recording.is_some() {
            fault.check_recorded()?;
        }
        Ok(())
    }

    fn check(&self) -> Result<(), OptionsError> {
        if self.name.is_empty()
            || self.name.len() > ROOM_NAME_CHARS_MAX
            || !self.name.chars().all(is_plain)
        {
            return Err(OptionsError::Name(self.name.chars().take(80).collect()));
        }
        if self.site == Site::Tiktok {
            return Err(OptionsError::Site(self.site.name()));
        }
        at_most("messages a second", self.rate, RATE_MAX)?;
        let messages = self.messages.unwrap_or(ROOM_MESSAGES_MAX);
        at_most("messages of a broadcast", messages, ROOM_MESSAGES_MAX)?;
        if self.rate == 0 || messages == 0 {
            let why = "a room has at least one message a second, and one in all";
            return Err(OptionsError::Range(why));
        }
        if let Some(Recording {
            speed: Speed::Times(times),
            ..
        }) = self.recording
            && !(times > 0.0 && times.is_finite())
        {
            return Err(OptionsError::Range(
                "a journal is played at a speed above 0, such as 1 or 10",
            ));
        }
        for fault in &self.faults {
            self.check_fault(*fault)?;
            if !fault.stands() {
                return Err(OptionsError::Fault(fault.refused(
                    "at the start nobody is there; say after how many frames, or of which messages",
                )));
            }
        }
        Ok(())
    }
}

impl Options {
    /// # Errors
    ///
    /// What is asked for cannot be served.
    pub(crate) fn check(&self) -> Result<(), OptionsError> {
        at_most("rooms", self.rooms.len() as u64, ROOMS_MAX as u64)?;
        at_most(
            "connections",
            self.connections as u64,
            CONNECTIONS_MAX as u64,
        )?;
        let backlog = self.backlog_bytes as u64;
        at_most("bytes to come back to", backlog, BACKLOG_BYTES_MAX as u64)?;
        if self.connections == 0 {
            return Err(OptionsError::Range("there is at least one connection"));
        }
        if !(1..=60).contains(&self.heartbeat.as_secs()) {
            return Err(OptionsError::Range("heartbeats are 1 to 60 seconds apart"));
        }
        let (mut names, mut seeds) = (HashSet::new(), HashSet::new());
        for room in &self.rooms {
            room.check()?;
            if !names.insert(&room.name) {
                return Err(OptionsError::Twice(room.name.clone()));
            }
            // Ids come of the seed, where they do not come of a journal.
            if room.recording.is_none() && !seeds.insert((room.site, room.seed)) {
                let (site, seed) = (room.site.name(), room.seed);
                return Err(OptionsError::SameSeed { site, seed });
            }
        }
        Ok(())
    }
}

/// What the room of a journal is called that does not tell.
const UNNAMED: &str = "journal";

const fn is_plain(char: char) -> bool {
    char.is_ascii_alphanumeric() || char == '-'
}

fn at_most(
    what: &'static str,
    got: impl Into<u64>,
    max: impl Into<u64>,
) -> Result<(), OptionsError> {
    let (got, max) = (got.into(), max.into());
    if got > max {
        return Err(OptionsError::TooMany { what, got, max });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(rooms: Vec<RoomOptions>) -> Options {
        Options {
            rooms,
            ..Options::default()
        }
    }

    fn room(name: &str) -> RoomOptions {
        RoomOptions::new(name, Site::Douyin)
    }

    #[test]
    fn what_is_at_its_limit_is_served_and_one_past_it_is_not() {
        let many = |count: usize| (0..count).map(|at| room(&format!("r{at}"))).collect();
        assert_eq!(options(many(ROOMS_MAX)).check(), Ok(()));
        assert!(options(many(ROOMS_MAX + 1)).check().is_err());
        type Change = fn(&mut RoomOptions, u64);
        let cases: [Change; 3] = [
            |room, past| room.rate = RATE_MAX + u32::from(past == 1),
            |room, past| room.messages = Some(ROOM_MESSAGES_MAX + past),
            |room, past| {
                let chars = ROOM_NAME_CHARS_MAX + usize::from(past == 1);
                room.name = "n".repeat(chars);
            },
        ];
        for change in cases {
            for past in [0, 1] {
                let mut changed = room("r");
                change(&mut changed, past);
                assert_eq!(options(vec![changed]).check().is_ok(), past == 0);
            }
        }
        for past in [0, 1] {
            let options = Options {
                connections: CONNECTIONS_MAX + past,
                ..Options::default()
            };
            assert_eq!(options.check().is_ok(), past == 0);
            let backlog_bytes = BACKLOG_BYTES_MAX + past;
            let options = Options {
                backlog_bytes,
                ..Options::default()
            };
            assert_eq!(options.check().is_ok(), past == 0);
        }
    }

    #[test]
    fn options_that_cannot_be_are_said_in_words() {
        let cases = [
            (room("a/b"), "letters, digits and -"),
            (RoomOptions::new("t", Site::Tiktok), "cannot be simulated"),
            (
                RoomOptions {
                    rate: 0,
                    ..room("r")
                },
                "at least one",
            ),
            (
                RoomOptions {
                    faults: vec!["drop".parse().expect("a fault")],
                    ..room("r")
                },
                "at the start nobody is there",
            ),
            (
                RoomOptions {
                    faults: vec!["bomb=3".parse().expect("a fault")],
                    ..RoomOptions::new("h", Site::Huya)
                },
                "packs nothing",
            ),
        ];
        for (room, words) in cases {
            let error = options(vec![room]).check().expect_err(words).to_string();
            assert!(error.contains(words), "{error}");
        }
        let twice = options(vec![room("r"), room("r")]).check();
        assert_eq!(twice, Err(OptionsError::Twice("r".to_owned())));
        let same = RoomOptions {
            name: "s".to_owned(),
            ..room("r")
        };
        let same = options(vec![room("r"), same]).check();
        assert!(
            matches!(same, Err(OptionsError::SameSeed { .. })),
            "{same:?}"
        );
    }
}
