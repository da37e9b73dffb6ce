//! What happens in a room, message by message, with the faults of how it is told.

mod made;
mod recorded;

use std::sync::Arc;
use std::time::Duration;

use pagewire_live::made::{Happening, Person, Written};

use crate::fault::{Fault, TrafficFault};
use crate::options::RoomOptions;
use crate::server::SimError;

use self::made::Made;
use self::recorded::Recorded;
pub use self::recorded::{NUMBER_FRAMES_MAX, Played};

/// One message, ready to be put into a frame.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    /// By which readers know it again; 0 where its site has none.
    pub(crate) id: u64,
    pub(crate) written: Written,
    /// What it tells, where it is made up.
    pub(crate) happening: Option<Happening>,
}

impl Message {
    pub(crate) fn bytes(&self) -> usize {
        match &self.written {
            Written::Douyin { payload, .. } => payload.len(),
            Written::Huya { body, .. } => body.len(),
            Written::Packet(packet) => packet.len(),
        }
    }
}

/// What comes next in a room.
#[derive(Debug)]
pub(crate) enum Next {
    Message(Message),
    /// A fault has taken it away.
    Lost,
    /// It is not due yet.
    Later,
    /// Nothing more comes.
    Over,
}

/// When the next message is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    /// In milliseconds of Unix time.
    pub(crate) unix_ms: u64,
    /// Since the room was watched for the first time.
    pub(crate) since_begin: Duration,
}

/// Where messages come from. A [`Room`](crate::room::Room) asks for the next message and for the last ones, and nothing else.
#[derive(Debug)]
pub(crate) enum Traffic {
    /// Made up by a seed.
    Made(Box<Made>),
    /// Played from a journal.
    Recorded(Box<Recorded>),
}

impl Traffic {
    /// # Errors
    ///
    /// A site of which nothing is made up, and a journal that cannot be read.
    pub(crate) fn of(options: &RoomOptions) -> Result<Self, SimError> {
        Ok(match &options.recording {
            Some(recording) => Self::Recorded(Box::new(Recorded::open(options, recording)?)),
            None => Self::Made(Box::new(Made::new(options.site, options.seed)?)),
        })
    }

    pub(crate) const fn id(&self) -> u64 {
        match self {
            Self::Made(made) => made.id,
            Self::Recorded(recorded) => recorded.id,
        }
    }

    pub(crate) const fn host(&self) -> &Arc<Person> {
        match self {
            Self::Made(made) => &made.host,
            Self::Recorded(recorded) => &recorded.host,
        }
    }

    /// The next message as it is told now, with these faults.
    pub(crate) fn next(&mut self, now: Now, faults: &[Fault]) -> Next {
        match self {
            Self::Made(made) => match made.next(now.unix_ms, faults) {
                Some(message) => Next::Message(message),
                None => Next::Lost,
            },
            Self::Recorded(recorded) => recorded.next(now.since_begin, faults),
        }
    }

    /// What was still held back, and the end of the broadcast.
    pub(crate) fn end(&mut self, now_ms: u64) -> Vec<Message> {
        match self {
            Self::Made(made) => made.end(now_ms),
            Self::Recorded(recorded) => recorded.end(now_ms),
        }
    }

    /// What of a journal was played.
    pub(crate) fn played(&self) -> Option<Played> {
        match self {
            Self::Made(_) => None,
            Self::Recorded(recorded) => Some(recorded.played()),
        }
    }
}

fn traffic(faults: &[Fault]) -> impl Iterator<Item = TrafficFault> {
    faults.iter().filter_map(|fault| {
        if let Fault::Traffic(fault) = fault {
            Some(*fault)
        } else {
            None
        }
    })
}

/// How many messages at a time come in reversed order.
fn reordered(faults: &[Fault]) -> Option<u64> {
    traffic(faults).find_map(|fault| {
        if let TrafficFault::Reordered(messages) = fault {
            Some(messages)
        } else {
            None
        }
    })
}

fn is_doubled(faults: &[Fault]) -> bool {
    traffic(faults).any(|fault| fault == TrafficFault::DoubledGifts)
}

/// Whether a message is lost that is the last of so many.
fn is_lost(count: u64, faults: &[Fault]) -> bool {
    traffic(faults)
        .any(|fault| matches!(fault, TrafficFault::Lost(every) if count.is_multiple_of(every)))
}
