//! The last messages of a room, for whoever is behind or comes back.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::traffic::Message;

/// Bytes of messages that a room keeps at most. With messages of a busy room that is about a minute at 300 a second.
pub const BACKLOG_BYTES_MAX: usize = 64 << 20;

/// What a message costs besides its bytes, about.
const MESSAGE_BYTES: usize = 512;

/// Messages have numbers from 0 on. The oldest are forgotten; connections hold no messages, but the number of the next one.
#[derive(Debug)]
pub(crate) struct Backlog {
    messages: VecDeque<Arc<Message>>,
    /// The number of the oldest one.
    first: u64,
    bytes: usize,
    room_bytes: usize,
}

/// What comes after a number.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) messages: Vec<Arc<Message>>,
    /// The number of the one after these.
    pub(crate) next: u64,
    /// Messages between the number and these that are forgotten.
    pub(crate) missed: u64,
}

impl Backlog {
    pub(crate) const fn new(room_bytes: usize) -> Self {
        Self {
            messages: VecDeque::new(),
            first: 0,
            bytes: 0,
            room_bytes,
        }
    }

    /// The number of the next message.
    pub(crate) fn next(&self) -> u64 {
        self.first + self.messages.len() as u64
    }

    pub(crate) fn push(&mut self, message: Message) {
        self.bytes += size(&message);
        self.messages.push_back(Arc::new(message));
        while self.bytes > self.room_bytes {
            let Some(oldest) = self.messages.pop_front() else {
                break;
            };
            self.bytes -= size(&oldest);
            self.first += 1;
        }
    }

    /// At most so many messages from this number on.
    pub(crate) fn after(&self, number: u64, at_most: usize) -> Batch {
        // A number that is still to come is one of another broadcast, or made up.
        let from = number.clamp(self.first, self.next());
        let skipped = usize::try_from(from - self.first).unwrap_or(usize::MAX);
        let messages: Vec<_> = self
            .messages
            .iter()
            .skip(skipped)
            .take(at_most)
            .cloned()
            .collect();
        Batch {
            next: from + messages.len() as u64,
            missed: self.first.saturating_sub(number),
            messages,
        }
    }
}

fn size(message: &Message) -> usize {
    message.bytes() + MESSAGE_BYTES
}

#[cfg(test)]
mod tests {
    use pagewire_live::made::Written;

    use super::*;

    fn message(id: u64) -> Message {
        Message {
            id,
            written: Written::Packet(vec![0; 1_000 - MESSAGE_BYTES]),
            happening: None,
        }
    }

    fn ids(batch: &Batch) -> Vec<u64> {
        batch.messages.iter().map(|message| message.id).collect()
    }

    #[test]
    fn as_many_bytes_are_kept_as_can_be_and_with_one_more_message_the_oldest_is_forgotten() {
        let mut backlog = Backlog::new(3_000);
        (0..3).for_each(|id| backlog.push(message(id)));
        let all = backlog.after(0, 10);
        assert_eq!((ids(&all), all.next, all.missed), (vec![0, 1, 2], 3, 0));
        backlog.push(message(3));
        let rest = backlog.after(0, 2);
        assert_eq!((ids(&rest), rest.next, rest.missed), (vec![1, 2], 3, 1));
        let rest = backlog.after(rest.next, 2);
        assert_eq!((ids(&rest), rest.next, rest.missed), (vec![3], 4, 0));
        let ahead = backlog.after(99, 2);
        assert_eq!((ids(&ahead), ahead.next, ahead.missed), (vec![], 4, 0));
    }
}
