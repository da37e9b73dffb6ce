//! A room over time: what its events are together.

mod kept;
mod ranks;
mod seen;

use crate::event::{Body, Event, Gift, GiftCount, SitePart, Time, TimeSource, User};
use crate::ledger::{Combo, Count, GiftLedger, Ledgered, Press};
use crate::model::IntoOwned as _;

pub use kept::KEPT_GIFT_BYTES_MAX;
pub use ranks::ROOM_RANKINGS_MAX;
pub use seen::ROOM_IDS_MAX;

use ranks::Ranks;
use seen::Seen;

/// Takes the events of a room in, from however many connections, and gives what a person would want to see: each event once, `gift.delta` and
/// `gift.final` behind the gifts they come from, rankings with their changes.
#[derive(Debug, Default)]
pub struct Room {
    seen: Seen,
    ranks: Ranks,
    gifts: GiftLedger<Given>,
    repeated: u64,
}

/// The first event of a combo, and what is counted.
#[derive(Debug)]
struct Given {
    event: Event<'static>,
    of: GiftCount<'static>,
}

impl Room {
    /// Takes an event. `now_ms` is when it came, in milliseconds of Unix time, and does not go back.
    pub fn take(&mut self, mut event: Event<'_>, now_ms: u64, mut out: impl FnMut(Event<'_>)) {
        self.advance(now_ms, &mut out);
        let is_new = self.seen.is_new(event.kind(), &event.id);
        if let Body::Gift(gift) = &event.body {
            let (mut counted, time) = (Vec::new(), event.time);
            let cut = kept::cut(&event, gift);
            let (kept, gift) = cut
                .as_ref()
                .map_or((&event, gift), |(event, gift)| (event, gift));
            let combo = combo(kept, gift);
            // Of a gift that came before the numbers may still have grown; one whose combo is forgotten was counted.
            let may_have_grown = || !gift.combo.is_empty() && self.gifts.knows(&combo);
            if is_new || may_have_grown() {
                let given = || given(kept, gift);
                self.gifts
                    .add(now_ms, combo, press(gift), given, |ledgered| {
                        counted.push(told(&ledgered, time));
                    });
            }
            if is_new {
                out(event);
            } else {
                self.repeated = self.repeated.saturating_add(1);
            }
            return counted.into_iter().for_each(out);
        }
        if !is_new {
            self.repeated = self.repeated.saturating_add(1);
            return;
        }
        if let Body::Rank(rank) = &mut event.body {
            self.ranks.compare(rank);
        }
        out(event);
    }

    /// Ends combos that have been idle. To be called at [`Room::next_ms`] at the latest, where nothing else comes.
    pub fn advance(&mut self, now_ms: u64, mut out: impl FnMut(Event<'_>)) {
        self.gifts
            .advance(now_ms, |ledgered| out(told_late(&ledgered)));
    }

    /// When [`Room::advance`] has something to do.
    pub fn next_ms(&self) -> Option<u64> {
        self.gifts.next_ms()
    }

    /// Events that came again, and were left out: after a reconnect they are many.
    pub const fn repeated(&self) -> u64 {
        self.repeated
    }

    /// Ends all combos: nothing more comes.
    pub fn end(&mut self, mut out: impl FnMut(Event<'_>)) {
        self.gifts.end(|ledgered| out(told_late(&ledgered)));
    }
}

/// Without a mark of the combo there is one of a person and gift at a time, and a message that says that it has ended is by itself where none is open.
fn combo(event: &Event<'_>, gift: &Gift<'_>) -> Combo {
    Combo {
        room: (&*event.room).into(),
        sender: person(event.user.as_ref()),
        receiver: person(gift.receiver.as_deref()),
        gift: (&*gift.gift).into(),
        group: (&*gift.combo).into(),
    }
}

/// Many people share a masked id, so there the name is a part of who they are.
pub(crate) fn person(user: Option<&User<'_>>) -> Box<str> {
    match user {
        None => Box::default(),
        Some(user) if user.masked || user.id.is_empty() => {
            format!("{} {}", user.id, user.name).into()
        }
        Some(user) => (&*user.id).into(),
    }
}

fn press(gift: &Gift<'_>) -> Press {
    Press {
        total: gift.count,
        unit_value: gift.unit_value.unwrap_or(0),
        ends: gift.ends,
    }
}

fn given(event: &Event<'_>, gift: &Gift<'_>) -> Given {
    let of = GiftCount {
        gift: gift.gift.clone(),
        name: gift.name.clone(),
        count: 0,
        value: 0,
        unit: gift.unit,
        combo: gift.combo.clone(),
        receiver: gift.receiver.clone(),
    };
    Given {
        event: Event {
            part: SitePart::NONE,
            ..event.clone()
        }
        .into_owned(),
        of: of.into_owned(),
    }
}

/// What a message brought about.
fn told(ledgered: &Ledgered<'_, Given>, time: Time) -> Event<'static> {
    let of = |count: &Count<'_, Given>| GiftCount {
        count: count.count,
        value: count.value,
        ..count.label.of.clone()
    };
    let (body, label) = match ledgered {
        Ledgered::Delta(count) => (Body::GiftDelta(of(count)), count.label),
        Ledgered::Final(count) => (Body::GiftFinal(of(count)), count.label),
    };
    Event {
        time,
        body,
        ..label.event.clone()
    }
}

/// What time brought about: no message says when.
fn told_late(ledgered: &Ledgered<'_, Given>) -> Event<'static> {
    let (Ledgered::Delta(count) | Ledgered::Final(count)) = ledgered;
    let time = Time {
        ms: count.heard_ms,
        source: TimeSource::Arrival,
    };
    told(ledgered, time)
}
