//! What is kept, and then told: the same for a room that is watched and for a journal that is replayed.

use pagewire_codec::DecodeError;
use pagewire_journal::{Direction, FrameKind, Record, Stamp};
use pagewire_live::{Event, RoomAccount, Site};

use super::listener::{FrameSeen, Listener, Note, Unread};

/// The account of a room, and whom it is told.
#[derive(Debug)]
pub(super) struct Telling {
    site: Site,
    account: RoomAccount,
    /// Of the accounts before this one.
    repeated: u64,
}

impl Telling {
    pub(super) fn new(site: Site) -> Self {
        Self {
            site,
            account: RoomAccount::new(site),
            repeated: 0,
        }
    }

    /// Ends what is open, and forgets the rest.
    pub(super) fn begin_again(&mut self, listener: &mut dyn Listener) {
        self.end(listener);
        self.repeated = self.repeated();
        self.account = RoomAccount::new(self.site);
    }

    /// Tells what time brought about until then.
    pub(super) fn time(&mut self, at: Stamp, listener: &mut dyn Listener) {
        self.account
            .advance(unix_ms(at), |event| listener.event(&event));
    }

    /// Tells a record. Each event of a frame is heard as it stands there.
    pub(super) fn record(
        &mut self,
        at: Stamp,
        record: Record<'_>,
        listener: &mut dyn Listener,
        hear: impl FnMut(&Event<'_>),
    ) {
        self.time(at, listener);
        match record {
            Record::Frame(frame) => {
                let (bytes, time_ms) = (frame.payload.len(), unix_ms(at));
                let direction = frame.direction;
                listener.frame(FrameSeen {
                    direction,
                    bytes,
                    time_ms,
                });
                let is_message = match frame.kind {
                    FrameKind::Binary | FrameKind::Polled => true,
                    FrameKind::Text | FrameKind::Close | FrameKind::Ping | FrameKind::Pong => false,
                };
                if direction == Direction::In && is_message {
                    self.account
                        .read_heard(frame.payload, time_ms, hear, |read| {
                            tell(read, bytes, listener);
                        });
                }
            }
            Record::Opened(opened) => listener.note(&Note::Opened {
                address: opened.address,
            }),
            Record::Closed(closed) => listener.note(&Note::Closed {
                code: closed.code,
                reason: closed.reason,
            }),
            Record::Gap(gap) => listener.note(&Note::Lost {
                count: (gap.records > 0).then_some(gap.records),
            }),
            Record::Note(_) => {}
        }
    }

    pub(super) fn next_ms(&self) -> Option<u64> {
        self.account.next_ms()
    }

    pub(super) fn repeated(&self) -> u64 {
        self.repeated.saturating_add(self.account.repeated())
    }

    /// Nothing more comes.
    pub(super) fn end(&mut self, listener: &mut dyn Listener) {
        self.account.end(|event| listener.event(&event));
    }
}

fn tell(read: Result<Event<'_>, DecodeError>, frame_bytes: usize, listener: &mut dyn Listener) {
    match read {
        Ok(event) => listener.event(&event),
        Err(error) => listener.unread(&Unread {
            error: &error,
            frame_bytes,
        }),
    }
}

pub(super) fn unix_ms(at: Stamp) -> u64 {
    at.unix_us / 1_000
}
