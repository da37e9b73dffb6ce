//! When a record was made, by both clocks.

/// When a record was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stamp {
    /// Microseconds since the journal began, of a clock that never goes back.
    pub mono_us: u64,
    /// Microseconds since 1970 (Unix time), of the clock on the wall, which may be set.
    pub unix_us: u64,
}

impl Stamp {
    /// The later of both, clock by clock.
    #[must_use]
    pub fn latest(self, other: Self) -> Self {
        Self {
            mono_us: self.mono_us.max(other.mono_us),
            unix_us: self.unix_us.max(other.unix_us),
        }
    }
}

/// A point in time by one of the two clocks of a [`Stamp`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Microseconds since the journal began.
    Mono(u64),
    /// Microseconds since 1970.
    Unix(u64),
}

impl Moment {
    /// True where `stamp` is before this moment.
    pub fn is_after(self, stamp: Stamp) -> bool {
        match self {
            Self::Mono(us) => stamp.mono_us < us,
            Self::Unix(us) => stamp.unix_us < us,
        }
    }

    /// True where `stamp` is behind this moment.
    pub fn is_before(self, stamp: Stamp) -> bool {
        match self {
            Self::Mono(us) => stamp.mono_us > us,
            Self::Unix(us) => stamp.unix_us > us,
        }
    }
}
