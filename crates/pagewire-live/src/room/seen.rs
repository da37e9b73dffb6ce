//! Messages that came before.

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// Messages of a room whose ids are remembered. One that comes again after so many others is a new one.
pub const ROOM_IDS_MAX: usize = 65_536;

/// Hashes of kinds and ids: of so few as are remembered no two are the same by chance.
#[derive(Debug, Default)]
pub(super) struct Seen {
    known: HashSet<u64>,
    oldest_first: VecDeque<u64>,
}

impl Seen {
    /// Remembers it, and says whether it was not known. What has no id is always new.
    pub(super) fn is_new(&mut self, kind: &str, id: &str) -> bool {
        if id.is_empty() {
            return true;
        }
        let mut hasher = DefaultHasher::new();
        (kind, id).hash(&mut hasher);
        let hash = hasher.finish();
        if !self.known.insert(hash) {
            return false;
        }
        if self.oldest_first.len() >= ROOM_IDS_MAX
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.oldest_first.push_back(hash);
        true
    }
}
