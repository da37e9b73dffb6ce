//! What may go wrong, as a text that the command line, an address and a request have in common: `drop=20`, `close=1012`, `masked`.

mod text;

use std::time::Duration;

use pagewire_live::Site;
use thiserror::Error;

/// Faults that stand at the same time, of a room or of an address. One more is refused.
pub const FAULTS_MAX: usize = 16;

/// Something that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Something befalls connections.
    Connection(Order, When),
    /// Opening a connection is refused.
    Refuse {
        /// How often.
        times: Times,
        /// In which way.
        how: Refusal,
    },
    /// Opening a connection takes so long.
    SlowHandshake(Duration),
    /// The site has no socket for this room, and wants to be asked again and again. Douyin only.
    Polling,
    /// What happens in the room is told in a worse way, to all.
    Traffic(TrafficFault),
    /// The broadcast ends: now, or when it has so many messages.
    End(Option<u64>),
    /// A room that waits goes live. No fault, but told in the same way.
    GoLive,
    /// Takes back all faults that stand.
    None,
}

/// What befalls a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// It is gone, without a close frame.
    Drop,
    /// It is closed with this code.
    Close(u16),
    /// The site says that it closes, in a frame of its own, and does. Douyin only.
    SayClose,
    /// A frame of no meaning comes.
    Garbage,
    /// The next frame has a message in its middle that cannot be read. Not on Douyu, whose messages are any text.
    Broken,
    /// A frame comes that is small, and unpacks to more than readers take. Not on Huya and Douyu, which pack nothing.
    Bomb,
    /// A message comes that is longer than readers take.
    Huge,
    /// Nothing more comes, and it stays open.
    Stall,
}

/// When an [`Order`] is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Once, on all connections that are open.
    Now,
    /// On each connection, whenever it has had so many frames. At least 1.
    Every(u64),
}

/// How often something is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// Until it is taken back.
    Always,
    /// So often. At least 1.
    Count(u64),
}

/// How the opening of a connection is refused. Sites whose client says only afterwards which room it wants refuse that then, in their own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// As Douyin refuses a signature: HTTP 200, and headers that say why.
    Blocked,
    /// This HTTP status, from 400 to 599.
    Status(u16),
}

/// How the room's messages are told in a worse way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrafficFault {
    /// Each gift comes twice: by turns with the same id and with another one.
    DoubledGifts,
    /// No run of gifts says that it has ended.
    MissingEnds,
    /// So many messages at a time come in reversed order. 2 to 1,000.
    Reordered(u64),
    /// People are masked, as for somebody who has not logged in.
    Masked,
    /// Every so many messages one is lost for good, which the account does not count. Gifts never are. At least 1.
    Lost(u64),
}

/// Why a text is no fault, or cannot be done here.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{fault:?} is refused: {why}. Faults are {KNOWN}")]
pub struct FaultError {
    fault: String,
    why: &'static str,
}

const KNOWN: &str = "drop[=N] close=CODE[/N] say-close[=N] garbage[=N] broken[=N] bomb[=N] huge[=N] stall[=N] refuse[=TIMES[/STATUS]] \
    slow-handshake=MILLISECONDS polling doubled-gifts missing-ends reordered=N masked lost=N end[=N] go-live none; N counts frames of a connection, \
    of reordered, lost and end messages of the room; without it the fault comes once, at once";

impl Fault {
    /// Once, on all connections that are open.
    pub const fn now(order: Order) -> Self {
        Self::Connection(order, When::Now)
    }

    /// On each connection, whenever it has had so many frames.
    pub const fn every(order: Order, frames: u64) -> Self {
        Self::Connection(order, When::Every(frames))
    }

    /// Whether it goes on, rather than being done at once.
    pub(crate) const fn stands(&self) -> bool {
        match self {
            Self::Connection(_, When::Every(_))
            | Self::Refuse { .. }
            | Self::SlowHandshake(_)
            | Self::Polling
            | Self::Traffic(_)
            | Self::End(Some(_)) => true,
            Self::Connection(_, When::Now) | Self::End(None) | Self::GoLive | Self::None => false,
        }
    }

    /// Whether it stands in the place of the other one.
    pub(crate) fn replaces(&self, other: &Self) -> bool {
        use std::mem::discriminant;
        match (self, other) {
            (Self::Connection(one, _), Self::Connection(two, _)) => {
                discriminant(one) == discriminant(two)
            }
            (Self::Traffic(one), Self::Traffic(two)) => discriminant(one) == discriminant(two),
            (one, two) => discriminant(one) == discriminant(two),
        }
    }

    /// Whether rooms of the site can have it.
    ///
    /// # Errors
    ///
    /// They cannot; it says why.
    pub fn check_site(&self, site: Site) -> Result<(), FaultError> {
        let why = match self {
            Self::Polling | Self::Connection(Order::SayClose, _) if site != Site::Douyin => {
                "only Douyin has it"
            }
            Self::Connection(Order::Bomb, _) if matches!(site, Site::Huya | Site::Douyu) => {
                "this site packs nothing that could unpack to much"
            }
            Self::Connection(Order::Broken, _) if site == Site::Douyu => {
                "any text is a message of Douyu"
            }
            Self::Connection(..)
            | Self::Refuse { .. }
            | Self::SlowHandshake(_)
            | Self::Polling
            | Self::Traffic(_)
            | Self::End(_)
            | Self::GoLive
            | Self::None => return Ok(()),
        };
        Err(self.refused(why))
    }

    /// Whether rooms can have it whose messages are those of a journal.
    ///
    /// # Errors
    ///
    /// They cannot; it says why.
    pub fn check_recorded(&self) -> Result<(), FaultError> {
        match self {
            Self::Traffic(TrafficFault::MissingEnds | TrafficFault::Masked) => Err(self.refused(
                "it is another way to write messages, and those of a journal are sent as they were recorded",
            )),
            Self::Traffic(
                TrafficFault::DoubledGifts | TrafficFault::Reordered(_) | TrafficFault::Lost(_),
            )
            | Self::Connection(..)
            | Self::Refuse { .. }
            | Self::SlowHandshake(_)
            | Self::Polling
            | Self::End(_)
            | Self::GoLive
            | Self::None => Ok(()),
        }
    }

    /// Whether it can stand in an address, and so be of one connection only.
    pub(crate) fn check_address(&self) -> Result<(), FaultError> {
        match self {
            Self::Connection(_, When::Every(_))
            | Self::Refuse {
                times: Times::Always,
                ..
            }
            | Self::SlowHandshake(_)
            | Self::Polling => Ok(()),
            Self::Connection(_, When::Now) => {
                Err(self.refused("an address has to say after how many frames"))
            }
            Self::Refuse { .. } => Err(self.refused("in an address it is refuse=always")),
            Self::Traffic(_) | Self::End(_) | Self::GoLive | Self::None => {
                Err(self.refused("it is of a whole room; post it to /sim/rooms/ROOM/faults"))
            }
        }
    }

    pub(crate) fn refused(&self, why: &'static str) -> FaultError {
        FaultError {
            fault: self.to_string(),
            why,
        }
    }
}

/// Puts a fault beside those that stand, in the place of one of its kind.
///
/// # Errors
///
/// There are [`FAULTS_MAX`] already.
pub(crate) fn stand(faults: &mut Vec<Fault>, fault: Fault) -> Result<(), FaultError> {
    let replaced = faults.iter().any(|known| fault.replaces(known));
    if !replaced && faults.len() >= FAULTS_MAX {
        return Err(fault.refused("as many stand as can; take them back with none"));
    }
    faults.retain(|known| !fault.replaces(known));
    faults.push(fault);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_read_as_it_is_written() {
        let texts = [
            "drop",
            "drop=20",
            "close=1012",
            "close=1013/5",
            "say-close",
            "garbage=3",
            "broken=4",
            "bomb",
            "huge=9",
            "stall=2",
            "refuse=always",
            "refuse=3",
            "refuse=3/502",
            "slow-handshake=250",
            "polling",
            "doubled-gifts",
            "missing-ends",
            "reordered=8",
            "masked",
            "lost=10",
            "end",
            "end=500",
            "go-live",
            "none",
        ];
        for text in texts {
            let fault: Fault = text.parse().expect(text);
            assert_eq!(fault.to_string(), text);
        }
        assert_eq!("refuse".parse(), "refuse=always".parse::<Fault>());
        assert_eq!("close=1006".parse(), Ok(Fault::now(Order::Drop)));
    }

    #[test]
    fn what_is_no_fault_is_refused_with_those_that_are() {
        for text in [
            "",
            "drops",
            "drop=0",
            "drop=-1",
            "drop=",
            "close",
            "close=1004",
            "close=999",
            "masked=1",
            "refuse=0",
            "refuse=1/200",
            "refuse=1/600",
            "reordered=1",
            "reordered=1001",
            "slow-handshake=600001",
            "end=0",
            "lost",
        ] {
            let error = text.parse::<Fault>().expect_err(text).to_string();
            assert!(error.contains("slow-handshake=MILLISECONDS"), "{error}");
        }
        assert!("reordered=1000".parse::<Fault>().is_ok());
        assert!("slow-handshake=600000".parse::<Fault>().is_ok());
    }

    #[test]
    fn as_many_faults_stand_as_can_and_one_more_is_refused() {
        // All kinds that there are stand but one: the last one is one past the limit.
        let kinds = [
            "drop=1",
            "close=1012/1",
            "say-close=1",
            "garbage=1",
            "broken=1",
            "bomb=1",
            "huge=1",
            "stall=1",
            "refuse",
            "slow-handshake=1",
            "polling",
            "doubled-gifts",
            "missing-ends",
            "reordered=2",
            "masked",
            "lost=1",
            "end=1",
        ];
        let kinds = kinds.map(|text| text.parse::<Fault>().expect(text));
        let (last, first) = kinds.split_last().expect("many");
        let mut faults = Vec::new();
        for fault in first.iter().chain(first) {
            stand(&mut faults, *fault).expect("at the limit, or in the place of itself");
        }
        assert_eq!(faults.len(), FAULTS_MAX);
        stand(&mut faults, *last).expect_err("one past it");
    }
}
