//! What the frames of a room tell, each thing once.

use pagewire_codec::DecodeError;

use crate::event::{Event, Site, TimeSource};
use crate::reader::FrameReader;
use crate::room::Room;

/// Times of messages are believed up to so much after now: clocks differ, and a time of the far future would end all combos.
const CLOCKS_DIFFER_MS: u64 = 24 * 60 * 60 * 1_000;

/// Frames of one room to its events: each once, gifts counted over all frames, whichever connections they came on.
///
/// Time is that of the frames: what time brings about happens at the moment when it is due, before a frame that came later is read. So the same frames
/// with the same times give the same events, however often and whenever [`advance`](Self::advance) was called between them:
///
/// ```
/// use pagewire_live::{RoomAccount, Site, made};
///
/// let mut account = RoomAccount::new(Site::Douyin);
/// let mut kinds = Vec::new();
/// for (n, frame) in (0..).zip(made::frames(Site::Douyin, 7, None).expect("it is made up").take(3)) {
///     account.read(&frame, 1_700_000_000_000 + n * 1_000, |read| {
///         kinds.extend(read.map(|event| event.kind().to_owned()));
///     });
/// }
/// account.end(|event| kinds.push(event.kind().to_owned()));
/// assert!(!kinds.is_empty());
/// ```
#[derive(Debug)]
pub struct RoomAccount {
    reader: FrameReader,
    room: Room,
    /// By the latest frame, or by the latest moment at which something was due.
    now_ms: u64,
}

impl RoomAccount {
    /// Of a room whose frames are to be read so.
    pub fn new(site: Site) -> Self {
        Self {
            reader: FrameReader::new(site),
            room: Room::default(),
            now_ms: 0,
        }
    }

    /// Reads a frame that came at this time, in milliseconds of Unix time, and gives the events that time brought about until then and those of the frame,
    /// with an error for each part of it that could not be read.
    ///
    /// Clocks are set back, and a room's must not be: an earlier time than the last one counts as the last one.
    pub fn read(
        &mut self,
        frame: &[u8],
        arrival_ms: u64,
        take: impl FnMut(Result<Event<'_>, DecodeError>),
    ) {
        self.read_heard(frame, arrival_ms, |_| {}, take);
    }

    /// As [`read`](Self::read), and tells each event as it stands in the frame as well, before what is known of it is left out: also one that came before.
    /// It is what [`Input::Event`](crate::Input::Event) is for.
    pub fn read_heard(
        &mut self,
        frame: &[u8],
        arrival_ms: u64,
        mut hear: impl FnMut(&Event<'_>),
        mut take: impl FnMut(Result<Event<'_>, DecodeError>),
    ) {
        self.advance(arrival_ms, |event| take(Ok(event)));
        self.now_ms = self.now_ms.max(arrival_ms);
        let (room, now_ms) = (&mut self.room, self.now_ms);
        self.reader.read(frame, arrival_ms, |read| match read {
            Ok(event) => {
                hear(&event);
                room.take(event, now_ms, |event| take(Ok(event)));
            }
            Err(error) => take(Err(error)),
        });
    }

    /// Reads a frame that came at a time which nobody wrote down: when the latest of its messages was made, and not before the frames that were read
    /// before it. `wall_ms` is now, in milliseconds of Unix time, for frames whose messages have no time, or none that can be.
    pub fn read_captured(
        &mut self,
        frame: &[u8],
        wall_ms: u64,
        take: impl FnMut(Result<Event<'_>, DecodeError>),
    ) {
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
    pub fn next_ms(&self) -> Option<u64> {
        self.room.next_ms()
    }

    /// Tells what time brought about until `now_ms`, which must not be later than the frames that are read after it came.
    pub fn advance(&mut self, now_ms: u64, mut take: impl FnMut(Event<'_>)) {
        while let Some(due_ms) = self.room.next_ms().filter(|due_ms| *due_ms <= now_ms) {
            self.now_ms = self.now_ms.max(due_ms);
            self.room.advance(self.now_ms, &mut take);
        }
    }

    /// Events that came again, and were left out.
    pub const fn repeated(&self) -> u64 {
        self.room.repeated()
    }

    /// Nothing more comes: what is open ends.
    pub fn end(&mut self, take: impl FnMut(Event<'_>)) {
        self.room.end(take);
    }
}
