//! What the frames of a room tell, each thing once.

use std::time::{SystemTime, UNIX_EPOCH};

use pagewire_codec::DecodeError;
use pagewire_live::{Event, FrameReader, Room, Site, TimeSource};

/// Times of messages are believed up to so much after now: clocks differ, and a time of the far future would end all combos.
const CLOCKS_DIFFER_MS: u64 = 24 * 60 * 60 * 1_000;

/// Frames of one room to its events: each once, gifts counted over all frames, whichever connections they came on.
#[derive(Debug)]
pub(crate) struct Account {
    reader: FrameReader,
    room: Room,
    /// By the latest frame.
    now_ms: u64,
}

impl Account {
    pub(crate) fn new(site: Site) -> Self {
        Self {
            reader: FrameReader::new(site),
            room: Room::default(),
            now_ms: 0,
        }
    }

    /// Reads a frame that came at this time, in milliseconds of Unix time.
    pub(crate) fn read(
        &mut self,
        frame: &[u8],
        arrival_ms: u64,
        mut take: impl FnMut(Result<Event<'_>, DecodeError>),
    ) {
        // Clocks are set back, and a room's must not be.
        self.now_ms = self.now_ms.max(arrival_ms);
        let (room, now_ms) = (&mut self.room, self.now_ms);
        self.reader.read(frame, arrival_ms, |read| match read {
            Ok(event) => room.take(event, now_ms, |event| take(Ok(event))),
            Err(error) => take(Err(error)),
        });
    }

    /// Reads a frame that came at a time which nobody wrote down: when the latest of its messages was made, and not before the frames that were read
    /// before it.
    pub(crate) fn read_captured(
        &mut self,
        frame: &[u8],
        take: impl FnMut(Result<Event<'_>, DecodeError>),
    ) {
        let wall_ms = unix_ms();
        let mut latest_ms = self.now_ms;
        self.reader.read(frame, wall_ms, |read| {
            let time = read.ok().map(|event| event.time);
            let own = time.filter(|time| time.source != TimeSource::Arrival);
            let believed = own.filter(|time| time.ms <= wall_ms.saturating_add(CLOCKS_DIFFER_MS));
            latest_ms = believed.map_or(latest_ms, |time| latest_ms.max(time.ms));
        });
        let arrival_ms = if latest_ms == 0 { wall_ms } else { latest_ms };
        self.read(frame, arrival_ms, take);
    }

    /// When time itself brings something about, by the clock of the frames.
    pub(crate) fn next_ms(&self) -> Option<u64> {
        self.room.next_ms()
    }

    /// Tells what time brought about.
    pub(crate) fn advance(&mut self, now_ms: u64, take: impl FnMut(Event<'_>)) {
        self.now_ms = self.now_ms.max(now_ms);
        self.room.advance(self.now_ms, take);
    }

    /// Nothing more comes.
    pub(crate) fn end(&mut self, take: impl FnMut(Event<'_>)) {
        self.room.end(take);
    }
}

fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}
