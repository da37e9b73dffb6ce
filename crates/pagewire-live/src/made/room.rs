//! What happens in a room.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::Serialize;

use super::chance::Chance;
use super::combos::{Combos, Press, Style};
use super::people::{Person, person};
use super::words::{self, EMOJIS, Emoji};

/// One message that a site would send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happening {
    /// The id of the message; its upper half is the second when it was made, as at several sites.
    pub id: u64,
    /// When it happened, in milliseconds of Unix time.
    pub at_ms: u64,
    /// Whether it came before.
    pub repeat: Repeat,
    /// What it is.
    pub what: Happens,
}

/// Sites send messages again, which must not be counted again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// It comes for the first time.
    First,
    /// It came before, with this id.
    SameId,
    /// It came before, with another id. Only runs of gifts and batches do.
    OtherId,
}

/// What happens in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happens {
    /// Somebody says something.
    Chat {
        /// Who.
        by: Arc<Person>,
        /// What.
        text: String,
    },
    /// Somebody shows a large emoji.
    Emoji {
        /// Who.
        by: Arc<Person>,
        /// Which.
        emoji: Emoji,
    },
    /// Somebody gives something.
    Gift(Press),
    /// Somebody presses the heart.
    Like {
        /// Who.
        by: Arc<Person>,
        /// How often.
        count: u64,
        /// How often all did so far.
        total: u64,
    },
    /// Somebody comes in.
    Enter {
        /// Who.
        by: Arc<Person>,
        /// How many are there now.
        viewers: u64,
    },
    /// Somebody follows the host from now on.
    Follow {
        /// Who.
        by: Arc<Person>,
        /// How many do now.
        followers: u64,
    },
    /// Somebody shares the room.
    Share {
        /// Who.
        by: Arc<Person>,
    },
    /// Somebody joins the club of the host, or rises in it.
    FanClub {
        /// Who.
        by: Arc<Person>,
        /// How far; 1 is for those who join.
        level: u64,
    },
    /// How many there are.
    Stats {
        /// Now.
        viewers: u64,
        /// Since it began.
        visitors: u64,
        /// Who gave most so far, with what they gave.
        top: Vec<(Arc<Person>, u64)>,
    },
    /// Who gave most.
    Rank {
        /// They, with what they gave.
        top: Vec<(Arc<Person>, u64)>,
    },
    /// The broadcast pauses. Sites other than Douyin have one message for this and for the end.
    Pause,
    /// It goes on.
    Resume,
    /// The broadcast is over. A made-up room goes on for ever, so this is for whoever ends one.
    End,
    /// The site says something to all.
    Notice {
        /// What.
        text: &'static str,
    },
    /// Two rooms play against each other.
    Battle {
        /// The other host.
        rival: Arc<Person>,
        /// Points of this room.
        ours: u64,
        /// Points of the other one.
        theirs: u64,
    },
    /// Something that no reader knows.
    Unknown {
        /// Its kind, of letters.
        name: &'static str,
        /// What it holds.
        number: u64,
    },
}

/// The kinds that readers tell apart, called as those of [`Event`](crate::Event) are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "they are what `Happens` is")]
pub enum Kind {
    Chat,
    Gift,
    Like,
    Enter,
    Follow,
    Share,
    FanClub,
    Stats,
    Rank,
    RoomState,
    Notice,
    Link,
    Unknown,
}

impl Kind {
    /// As it is called in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Gift => "gift",
            Self::Like => "like",
            Self::Enter => "enter",
            Self::Follow => "follow",
            Self::Share => "share",
            Self::FanClub => "fan_club",
            Self::Stats => "stats",
            Self::Rank => "rank",
            Self::RoomState => "room_state",
            Self::Notice => "notice",
            Self::Link => "link",
            Self::Unknown => "unknown",
        }
    }
}

impl Happens {
    /// Of which kind it is. A large emoji is a chat.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Chat { .. } | Self::Emoji { .. } => Kind::Chat,
            Self::Gift(_) => Kind::Gift,
            Self::Like { .. } => Kind::Like,
            Self::Enter { .. } => Kind::Enter,
            Self::Follow { .. } => Kind::Follow,
            Self::Share { .. } => Kind::Share,
            Self::FanClub { .. } => Kind::FanClub,
            Self::Stats { .. } => Kind::Stats,
            Self::Rank { .. } => Kind::Rank,
            Self::Pause | Self::Resume | Self::End => Kind::RoomState,
            Self::Notice { .. } => Kind::Notice,
            Self::Battle { .. } => Kind::Link,
            Self::Unknown { .. } => Kind::Unknown,
        }
    }
}

/// A made-up room. As an iterator it goes on for ever.
#[derive(Debug, Clone)]
pub struct Room {
    chance: Chance,
    id: u64,
    host: Arc<Person>,
    crowd: Vec<Arc<Person>>,
    combos: Combos,
    now_ms: u64,
    /// Messages so far.
    count: u64,
    viewers: u64,
    visitors: u64,
    likes: u64,
    followers: u64,
    points: [u64; 2],
    is_paused: bool,
    /// What each gave so far.
    given: BTreeMap<u64, (Arc<Person>, u64)>,
    /// What comes again, after so many messages.
    again: VecDeque<(u64, Happening)>,
}

/// The first message of all rooms is of 2026-01-01, 12:00 UTC.
const BEGINS_MS: u64 = 1_767_268_800_000;
const CROWD: u64 = 3_000;
/// Places of a ranking.
const TOP: usize = 5;

const MIX: &[(u64, Kind)] = &[
    (240, Kind::Enter),
    (220, Kind::Chat),
    (170, Kind::Like),
    (170, Kind::Gift),
    (20, Kind::Follow),
    (10, Kind::Share),
    (20, Kind::FanClub),
    (60, Kind::Stats),
    (20, Kind::Rank),
    (5, Kind::RoomState),
    (15, Kind::Notice),
    (20, Kind::Link),
    (30, Kind::Unknown),
];
const NOTICES: &[&str] = &[
    "欢迎来到直播间！请文明发言，理性消费。请勿相信站外交易，谨防上当受骗。",
    "主播开启了新的话题，快来一起聊聊吧。",
    "The host has turned on subtitles.",
];
const UNKNOWN: &[&str] = &["MadeUpLantern", "MadeUpVote", "MadeUpBanner"];

impl Room {
    /// The room of this seed.
    pub fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let host = person(&mut chance, 0);
        let crowd = (0..CROWD).map(|_| person(&mut chance, host.id)).collect();
        Self {
            id: chance.between(7_000_000_000_000_000_000, 7_600_000_000_000_000_000),
            host,
            crowd,
            combos: Combos::default(),
            now_ms: BEGINS_MS,
            count: 0,
            viewers: chance.between(200, 20_000),
            visitors: chance.between(20_000, 900_000),
            likes: chance.below(1_000_000),
            followers: chance.between(1_000, 5_000_000),
            points: [0, 0],
            is_paused: false,
            given: BTreeMap::new(),
            again: VecDeque::new(),
            chance,
        }
    }

    /// The id of the broadcast.
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// Who broadcasts.
    pub const fn host(&self) -> &Arc<Person> {
        &self.host
    }

    /// When the last message was made, in milliseconds of Unix time.
    pub const fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// Lets what comes next happen at this time, in milliseconds of Unix time, for rooms that are shown as they happen. Ids of messages and of runs
    /// tell the time, so they then depend on it too.
    pub const fn set_clock(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
    }

    /// Somebody of the crowd; some are far more active than others.
    fn someone(&mut self) -> Arc<Person> {
        let at = self.chance.skewed(CROWD);
        self.person(at)
    }

    /// Somebody who need not have done anything yet.
    fn anyone(&mut self) -> Arc<Person> {
        let at = self.chance.below(CROWD);
        self.person(at)
    }

    fn person(&self, at: u64) -> Arc<Person> {
        let found = self.crowd.get(usize::try_from(at).unwrap_or_default());
        found.expect("one of the crowd").clone()
    }

    fn message_id(&mut self) -> u64 {
        let second = self.now_ms / 1_000;
        // Never the same twice.
        second << 32 | self.chance.below(1 << 16) << 16 | self.count & 0xffff
    }

    /// A message that came before, where one is due.
    fn repeated(&mut self) -> Option<Happening> {
        let due = self.again.iter().position(|(due, _)| *due <= self.count);
        let (_, mut happening) = self.again.remove(due?)?;
        if happening.repeat == Repeat::OtherId {
            happening.id = self.message_id();
        }
        if let Happens::Gift(press) = &mut happening.what {
            press.adds = 0;
        }
        Some(happening)
    }

    /// Lets a message come again: at once, or when others came that tell of higher numbers.
    fn plan_repeat(&mut self, happening: &Happening) {
        let (percent, has_other_id) = if let Happens::Gift(press) = &happening.what {
            (12, press.style != Style::Light)
        } else {
            (1, false)
        };
        if !self.chance.percent(percent) {
            return;
        }
        let other = has_other_id && self.chance.percent(50);
        let repeat = if other {
            Repeat::OtherId
        } else {
            Repeat::SameId
        };
        let due = self.count + self.chance.skewed(400);
        self.again.push_back((
            due,
            Happening {
                repeat,
                ..happening.clone()
            },
        ));
    }

    fn what(&mut self) -> Happens {
        if self.is_paused && self.chance.percent(20) {
            self.is_paused = false;
            return Happens::Resume;
        }
        match self.chance.weighted(MIX) {
            Kind::Chat => self.chat(),
            Kind::Gift => self.gift(),
            Kind::Like => {
                let count = self.chance.skewed(40) + 1;
                self.likes += count;
                Happens::Like {
                    by: self.someone(),
                    count,
                    total: self.likes,
                }
            }
            Kind::Enter => {
                let change = self.chance.below(40);
                self.viewers = (self.viewers + change).saturating_sub(20).max(50);
                self.visitors += 1 + change;
                Happens::Enter {
                    by: self.anyone(),
                    viewers: self.viewers,
                }
            }
            Kind::Follow => {
                self.followers += 1;
                Happens::Follow {
                    by: self.someone(),
                    followers: self.followers,
                }
            }
            Kind::Share => Happens::Share { by: self.someone() },
            Kind::FanClub => Happens::FanClub {
                by: self.someone(),
                level: self.chance.skewed(20) + 1,
            },
            Kind::Stats => Happens::Stats {
                viewers: self.viewers,
                visitors: self.visitors,
                top: self.top(),
            },
            Kind::Rank => Happens::Rank { top: self.top() },
            Kind::RoomState if self.is_paused => {
                self.is_paused = false;
                Happens::Resume
            }
            Kind::RoomState => {
                self.is_paused = true;
                Happens::Pause
            }
            Kind::Notice => Happens::Notice {
                text: self.chance.pick(NOTICES),
            },
            Kind::Link => {
                let [ours, theirs] = &mut self.points;
                *ours += self.chance.below(500);
                *theirs += self.chance.below(500);
                let (ours, theirs) = (*ours, *theirs);
                Happens::Battle {
                    rival: self.someone(),
                    ours,
                    theirs,
                }
            }
            Kind::Unknown => Happens::Unknown {
                name: self.chance.pick(UNKNOWN),
                number: self.chance.number(),
            },
        }
    }

    fn chat(&mut self) -> Happens {
        let by = self.someone();
        if self.chance.percent(8) {
            let emoji = self.chance.pick(EMOJIS);
            return Happens::Emoji { by, emoji };
        }
        let text = words::line(&mut self.chance);
        Happens::Chat { by, text }
    }

    fn gift(&mut self) -> Happens {
        let by = self.someone();
        let press = self
            .combos
            .next(&mut self.chance, &by, &self.host, self.now_ms);
        let given = self.given.entry(press.by.id);
        given.or_insert_with(|| (press.by.clone(), 0)).1 += press.adds * press.gift.price;
        Happens::Gift(press)
    }

    /// Who gave most so far.
    fn top(&self) -> Vec<(Arc<Person>, u64)> {
        let mut top: Vec<_> = self.given.values().cloned().collect();
        top.sort_by_key(|(person, value)| (std::cmp::Reverse(*value), person.id));
        top.truncate(TOP);
        top
    }
}

impl Iterator for Room {
    type Item = Happening;

    fn next(&mut self) -> Option<Happening> {
        self.count += 1;
        self.now_ms += self.chance.skewed(400);
        if let Some(repeated) = self.repeated() {
            return Some(repeated);
        }
        let happening = Happening {
            id: self.message_id(),
            at_ms: self.now_ms,
            repeat: Repeat::First,
            what: self.what(),
        };
        self.plan_repeat(&happening);
        Some(happening)
    }
}
