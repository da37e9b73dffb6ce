//! How much topics keep, with the defaults (`docs/limits.md`).

/// How much is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicOptions {
    /// Values kept in each topic. Default 1,024, at least 1.
    pub values_max: usize,
    /// Bytes of values kept in each topic. Default 4 MiB; the newest value is kept even if it is larger.
    pub bytes_max: usize,
    /// Values kept in each topic below `taps/`, in place of `values_max`. Default 131,072, at least 1: a burst of 100,000 frames is kept for a
    /// subscriber that lags.
    pub tap_values_max: usize,
    /// Bytes of values kept in each topic below `taps/`, in place of `bytes_max`. Default 96 MiB: 50 frames of 1 MiB as base64, and some more.
    pub tap_bytes_max: usize,
    /// Bytes of values kept in all topics below `taps/` together, within `bytes_total_max`. Default 192 MiB, so that other topics keep room.
    /// Above it the tap that is published to gives way; a new tap takes the room of those that were quiet longest and have no subscribers.
    pub tap_bytes_total_max: usize,
    /// Bytes of values kept in all topics together. Default 256 MiB; above it a topic keeps only its newest value.
    pub bytes_total_max: usize,
    /// Topics. Default 1,024. One more takes the place of the topic without subscribers that was published to longest ago.
    pub topics_max: usize,
    /// Topics of one page group, and taps of one page. Default 64; one more of a group is refused, one more tap takes the place of the page's
    /// quietest one without subscribers.
    pub topics_per_group_max: usize,
    /// Subscribers of one topic. Default 4,096; one more is refused.
    pub subscribers_max: usize,
    /// Different filters of subscribers at a time. Default 1,024; one more is refused. Each may take some megabytes for its patterns.
    pub filters_max: usize,
}

impl Default for TopicOptions {
    fn default() -> Self {
        Self {
            values_max: 1_024,
            bytes_max: 4 << 20,
            tap_values_max: 131_072,
            tap_bytes_max: 96 << 20,
            tap_bytes_total_max: 192 << 20,
            bytes_total_max: 256 << 20,
            topics_max: 1_024,
            topics_per_group_max: 64,
            subscribers_max: 4_096,
            filters_max: 1_024,
        }
    }
}
