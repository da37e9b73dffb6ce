//! A made-up room.

use std::collections::VecDeque;
use std::sync::Arc;

use pagewire_live::Site;
use pagewire_live::made::{Frames, Happening, Happens, Person, Press, Repeat, Style, frames};

use super::{Message, is_doubled, is_lost, reordered, traffic};
use crate::fault::{Fault, TrafficFault};
use crate::options::OptionsError;

/// What masked people are called by their sites: facts of Douyin, used for all.
const MASKED_ID: u64 = 111_111;
/// Further than any time that a room is shown at, so that no other message has such an id: some years of seconds, in the upper half of the id.
const OTHER_ID: u64 = 100_000_000 << 32;
/// By how much a message is older than the frame that brings it: what a room makes up goes on by up to 400 ms a message.
const AGE_MS: u64 = 500;

/// A made-up room.
pub(crate) struct Made {
    site: Site,
    frames: Box<dyn Frames + Send>,
    pub(super) id: u64,
    pub(super) host: Arc<Person>,
    /// To be sent before anything else happens.
    waiting: VecDeque<Message>,
    /// Messages so far, with those that were lost.
    count: u64,
}

impl std::fmt::Debug for Made {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Made")
            .field("site", &self.site)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Made {
    /// # Errors
    ///
    /// A site of which nothing is made up.
    pub(super) fn new(site: Site, seed: u64) -> Result<Self, OptionsError> {
        let none = || OptionsError::Site(site.name());
        let mut frames = frames(site, seed, None).ok_or_else(none)?;
        let (id, host) = (frames.room().id(), frames.room().host().clone());
        Ok(Self {
            site,
            frames,
            id,
            host,
            waiting: VecDeque::new(),
            count: 0,
        })
    }

    /// The next message as it is told now, in milliseconds of Unix time, with these faults. None where it is lost.
    pub(super) fn next(&mut self, now_ms: u64, faults: &[Fault]) -> Option<Message> {
        if self.waiting.is_empty() {
            let together = reordered(faults);
            for _ in 0..together.unwrap_or(1) {
                let message = self.happen(now_ms, faults);
                if together.is_some() {
                    self.waiting.push_front(message);
                } else {
                    self.waiting.push_back(message);
                }
            }
            self.double(faults);
        }
        let message = self.waiting.pop_front()?;
        self.count += 1;
        let happening = message.happening.as_ref();
        let is_gift = happening.is_some_and(|it| matches!(it.what, Happens::Gift(_)));
        (is_gift || !is_lost(self.count, faults)).then_some(message)
    }

    /// Lets something happen that the site tells of.
    fn happen(&mut self, now_ms: u64, faults: &[Fault]) -> Message {
        loop {
            self.frames.room().set_clock(now_ms.saturating_sub(AGE_MS));
            let happening = self.frames.room().next();
            let mut happening = happening.expect("made-up rooms go on for ever");
            if !self.is_told(&happening) {
                continue;
            }
            worsen(&mut happening, faults);
            if let Some(message) = self.message(happening) {
                return message;
            }
        }
    }

    /// Sites other than Douyin tell of a pause as they tell of the end, after which nobody waits for more. Most messages of Douyu have no id by which
    /// somebody could tell that they came before.
    fn is_told(&self, happening: &Happening) -> bool {
        let is_pause = matches!(happening.what, Happens::Pause | Happens::Resume);
        let is_again = happening.repeat != Repeat::First;
        !(is_pause && self.site != Site::Douyin || is_again && self.site == Site::Douyu)
    }

    fn message(&mut self, happening: Happening) -> Option<Message> {
        let written = self.frames.write(&happening)?;
        Some(Message {
            id: happening.id,
            written,
            happening: Some(happening),
        })
    }

    /// Lets gifts among what waits come twice.
    fn double(&mut self, faults: &[Fault]) {
        if !is_doubled(faults) {
            return;
        }
        let mut doubled = VecDeque::new();
        for message in std::mem::take(&mut self.waiting) {
            let again = message.happening.as_ref().and_then(again);
            doubled.push_back(message);
            let again = again.and_then(|happening| self.message(happening));
            doubled.extend(again);
        }
        self.waiting = doubled;
    }

    /// What was still held back, and the end of the broadcast.
    pub(super) fn end(&mut self, now_ms: u64) -> Vec<Message> {
        self.frames.room().set_clock(now_ms);
        let id = (now_ms / 1_000) << 32 | 0xffff_ffff;
        let end = Happening {
            id,
            at_ms: now_ms,
            repeat: Repeat::First,
            what: Happens::End,
        };
        let mut rest: Vec<_> = std::mem::take(&mut self.waiting).into();
        rest.extend(self.message(end));
        rest
    }
}

/// The same gift once more, which adds nothing.
fn again(happening: &Happening) -> Option<Happening> {
    let Happens::Gift(press) = &happening.what else {
        return None;
    };
    if happening.repeat != Repeat::First {
        return None;
    }
    // By another id a light gift would be another one: no number of a run says that it is not.
    let repeat = if press.style == Style::Light || happening.id.is_multiple_of(2) {
        Repeat::SameId
    } else {
        Repeat::OtherId
    };
    let id = match repeat {
        Repeat::First | Repeat::SameId => happening.id,
        Repeat::OtherId => happening.id + OTHER_ID,
    };
    let what = Happens::Gift(Press {
        adds: 0,
        ..press.clone()
    });
    Some(Happening {
        id,
        at_ms: happening.at_ms,
        repeat,
        what,
    })
}

fn worsen(happening: &mut Happening, faults: &[Fault]) {
    for fault in traffic(faults) {
        match fault {
            TrafficFault::MissingEnds => {
                if let Happens::Gift(press) = &mut happening.what {
                    press.ends = false;
                }
            }
            TrafficFault::Masked => mask(&mut happening.what),
            TrafficFault::DoubledGifts | TrafficFault::Reordered(_) | TrafficFault::Lost(_) => {}
        }
    }
}

fn mask(what: &mut Happens) {
    match what {
        Happens::Gift(press) => {
            // People of one masked name and one gift are told apart by the marks of their runs alone, as they are at a site, where those do not collide.
            press.run = press.run << 12 | press.by.id & 0xfff;
            mask_person(&mut press.by);
        }
        Happens::Chat { by, .. }
        | Happens::Emoji { by, .. }
        | Happens::Like { by, .. }
        | Happens::Enter { by, .. }
        | Happens::Follow { by, .. }
        | Happens::Share { by }
        | Happens::FanClub { by, .. } => mask_person(by),
        Happens::Stats { top, .. } | Happens::Rank { top } => {
            top.iter_mut().for_each(|(person, _)| mask_person(person));
        }
        Happens::Pause
        | Happens::Resume
        | Happens::End
        | Happens::Notice { .. }
        | Happens::Battle { .. }
        | Happens::Unknown { .. } => {}
    }
}

fn mask_person(person: &mut Arc<Person>) {
    let first: String = person.name.chars().take(1).collect();
    *person = Arc::new(Person {
        id: MASKED_ID,
        name: format!("{first}***"),
        ..Person::clone(person)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(site: Site, faults: &[&str], count: usize) -> Vec<Message> {
        let faults: Vec<Fault> = faults
            .iter()
            .map(|fault| fault.parse().expect("a fault"))
            .collect();
        let mut made = Made::new(site, 7).expect("it is made up");
        let next = || Some(made.next(1_800_000_000_000, &faults));
        std::iter::from_fn(next).take(count).flatten().collect()
    }

    fn happening(message: &Message) -> &Happening {
        message.happening.as_ref().expect("it is made up")
    }

    fn gifts(messages: &[Message]) -> impl Iterator<Item = (&Happening, &Press)> {
        messages.iter().filter_map(|message| {
            let Happens::Gift(press) = &happening(message).what else {
                return None;
            };
            Some((happening(message), press))
        })
    }

    #[test]
    fn messages_are_of_the_time_when_they_are_told() {
        for message in messages(Site::Douyin, &[], 500) {
            let at_ms = happening(&message).at_ms;
            let is_repeat = happening(&message).repeat != Repeat::First;
            assert!(
                is_repeat || (1_799_999_999_500..1_800_000_000_000).contains(&at_ms),
                "{at_ms}"
            );
        }
    }

    #[test]
    fn each_gift_comes_twice_and_ends_are_missing() {
        let plain = messages(Site::Douyin, &[], 1_000);
        assert!(gifts(&plain).any(|(_, press)| press.ends));
        let worse = messages(Site::Douyin, &["doubled-gifts", "missing-ends"], 1_000);
        assert!(gifts(&worse).all(|(_, press)| !press.ends));
        let of = |wanted| {
            gifts(&worse)
                .filter(|(happening, _)| happening.repeat == wanted)
                .count()
        };
        let (same, other) = (of(Repeat::SameId), of(Repeat::OtherId));
        assert!(
            same > 40 && other > 40 && same + other >= of(Repeat::First) - 1,
            "{same} {other}"
        );
    }

    #[test]
    fn masked_people_have_one_id_and_a_letter() {
        for (_, press) in gifts(&messages(Site::Douyin, &["masked"], 500)) {
            assert_eq!(press.by.id, MASKED_ID);
            assert!(press.by.name.ends_with("***") && press.by.name.chars().count() == 4);
        }
    }

    #[test]
    fn reordered_messages_are_all_there() {
        let ids = |messages: &[Message]| {
            messages
                .iter()
                .map(|message| message.id & 0xffff)
                .collect::<Vec<_>>()
        };
        let (plain, worse) = (
            messages(Site::Douyin, &[], 64),
            messages(Site::Douyin, &["reordered=8"], 64),
        );
        let mut sorted: Vec<_> = ids(&plain)
            .chunks(8)
            .flat_map(|chunk| chunk.iter().rev().copied().collect::<Vec<_>>())
            .collect();
        assert_eq!(ids(&worse), sorted);
        sorted.dedup();
        assert_ne!(ids(&plain), ids(&worse));
    }

    #[test]
    fn every_so_many_messages_one_is_lost_but_no_gift() {
        let all = messages(Site::Douyin, &[], 1_000);
        let left = messages(Site::Douyin, &["lost=10"], 1_000);
        assert_eq!(gifts(&all).count(), gifts(&left).count());
        assert!((900..950).contains(&left.len()), "{}", left.len());
    }
}
