//! How a connection fares.

use super::reason::Reason;

/// What a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Nobody broadcasts, or the site did not say; it is asked again.
    Waiting,
    /// There is no connection yet, or not any more; one is being made.
    Connecting,
    /// Messages come over a socket.
    Live,
    /// Nothing comes, and no error says why.
    Stalled,
    /// Messages are fetched one answer after the other.
    Polling,
    /// The broadcast is over.
    Ended,
    /// It cannot be watched, and is not tried any more.
    Refused,
}

impl State {
    /// A short name that does not change, for programs.
    pub const fn name(self) -> &'static str {
        self.words()[0]
    }

    /// In Chinese.
    pub const fn zh(self) -> &'static str {
        self.words()[1]
    }

    const fn words(self) -> [&'static str; 2] {
        match self {
            Self::Waiting => ["waiting", "等待开播"],
            Self::Connecting => ["connecting", "连接中"],
            Self::Live => ["live", "直播中"],
            Self::Stalled => ["stalled", "无数据"],
            Self::Polling => ["polling", "轮询中"],
            Self::Ended => ["ended", "已结束"],
            Self::Refused => ["refused", "被拒绝"],
        }
    }
}

/// How a connection fares, for one line that a person reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// What it is.
    pub state: State,
    /// Why.
    pub reason: Reason,
    /// Since when it is so, in milliseconds of Unix time.
    pub since_ms: u64,
    /// The site hides who people are. It is a mark and no state: a room is live and masked at once.
    pub masked: bool,
    /// Frames and polling answers.
    pub frames: u64,
    /// Of those, such whose envelope could not be read.
    pub damaged: u64,
    /// Events.
    pub messages: u64,
    /// When the last frame or polling answer came.
    pub last_frame_ms: Option<u64>,
    /// The clock here less the site's, at the last frame that tells it: the way of the frame and how much the clocks differ.
    pub delay_ms: Option<i64>,
    /// When the last message that has a time was read here, less that time.
    pub message_delay_ms: Option<i64>,
    /// Frames that seem to be missing: how much the site's counter jumped over, on connections where it went up by ones before.
    pub sequence_gaps: u64,
    /// Sockets that were opened.
    pub connections: u64,
    /// Heartbeats since the last frame.
    pub unanswered_heartbeats: u32,
}

impl Status {
    pub(super) const fn new() -> Self {
        Self {
            state: State::Connecting,
            reason: Reason::Asking,
            since_ms: 0,
            masked: false,
            frames: 0,
            damaged: 0,
            messages: 0,
            last_frame_ms: None,
            delay_ms: None,
            message_delay_ms: None,
            sequence_gaps: 0,
            connections: 0,
            unanswered_heartbeats: 0,
        }
    }

    /// Connections after the first one.
    pub const fn reconnects(&self) -> u64 {
        self.connections.saturating_sub(1)
    }
}

/// How many events there were in the last seconds.
#[derive(Debug, Clone, Default)]
pub(super) struct Rate {
    /// A second of Unix time, and how many were in it.
    seconds: [(u64, u32); RATE_SECONDS],
}

/// Over so many seconds a rate is taken.
const RATE_SECONDS: usize = 10;

impl Rate {
    pub(super) fn count(&mut self, now_ms: u64) {
        let second = now_ms / 1_000;
        let slots = self.seconds.len() as u64;
        let slot =
            usize::try_from(second.checked_rem(slots).unwrap_or_default()).unwrap_or_default();
        if let Some((of, count)) = self.seconds.get_mut(slot) {
            if *of != second {
                (*of, *count) = (second, 0);
            }
            *count = count.saturating_add(1);
        }
    }

    pub(super) fn per_second(&self, now_ms: u64) -> f64 {
        let second = now_ms / 1_000;
        let recent = self
            .seconds
            .iter()
            .filter(|(of, _)| second.saturating_sub(*of) < RATE_SECONDS as u64);
        let count: u64 = recent.map(|(_, count)| u64::from(*count)).sum();
        #[allow(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = count as f64 / RATE_SECONDS as f64;
        rate
    }
}

/// The site's counter of frames on one connection.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sequence {
    last: u64,
    /// How often it went up by one.
    steps: u32,
}

/// That the counter grows by one is not proven, so it has to do so this often before a jump counts.
const STEPS_TO_TRUST: u32 = 3;

impl Sequence {
    /// How many are missing before this one.
    pub(super) const fn take(&mut self, number: u64) -> u64 {
        let grown = number.saturating_sub(self.last);
        let trusted = self.steps >= STEPS_TO_TRUST;
        if grown == 1 {
            self.steps = self.steps.saturating_add(1);
        }
        if grown > 0 {
            self.last = number;
        }
        if trusted { grown.saturating_sub(1) } else { 0 }
    }
}
