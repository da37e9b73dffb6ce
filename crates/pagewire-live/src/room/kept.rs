//! What is kept of a gift for as long as its combo is remembered.

use std::borrow::Cow;

use crate::event::{Badge, Body, Event, Gift, Id, SitePart, User};

/// Bytes of the texts that are kept of a gift: its person, its receiver, its names and ids. Of longer ones each text is cut, and pictures and badges are left out.
pub const KEPT_GIFT_BYTES_MAX: usize = 4 * 1_024;

/// What is left of each text then. Ids and names of sites have tens of bytes.
const CUT_BYTES: usize = 256;

/// A gift to keep, and the event that it is of; none where both can be kept as they are.
pub(super) fn cut<'a>(event: &Event<'a>, gift: &Gift<'a>) -> Option<(Event<'a>, Gift<'a>)> {
    if bytes(event, gift) <= KEPT_GIFT_BYTES_MAX {
        return None;
    }
    let gift = Gift {
        gift: cut_text(&gift.gift),
        name: cut_text(&gift.name),
        combo: cut_text(&gift.combo),
        receiver: gift.receiver.as_deref().map(cut_user).map(Box::new),
        ..*gift
    };
    let event = Event {
        room: cut_id(&event.room),
        id: cut_id(&event.id),
        user: event.user.as_ref().map(cut_user),
        body: Body::Gift(gift.clone()),
        method: cut_text(&event.method),
        part: SitePart::NONE,
        ..*event
    };
    Some((event, gift))
}

fn bytes(event: &Event<'_>, gift: &Gift<'_>) -> usize {
    let texts = [&gift.gift, &gift.name, &gift.combo, &event.method];
    let people = [event.user.as_ref(), gift.receiver.as_deref()];
    let sizes = texts.map(|text| text.len()).into_iter();
    let sizes = sizes.chain([event.room.len(), event.id.len()]);
    let sizes = sizes.chain(people.into_iter().flatten().map(user_bytes));
    sizes.fold(0, usize::saturating_add)
}

fn user_bytes(user: &User<'_>) -> usize {
    let badges = user.badges.iter().map(badge_bytes);
    let avatar = user.avatar.as_ref().map_or(0, |avatar| avatar.len());
    let own = [user.id.len(), user.name.len(), avatar];
    badges.chain(own).fold(0, usize::saturating_add)
}

/// With the memory of the badge itself: many may be empty.
fn badge_bytes(badge: &Badge<'_>) -> usize {
    let room = badge.room.as_ref().map_or(0, |room| room.len());
    let texts = badge.name.len().saturating_add(room);
    texts.saturating_add(size_of::<Badge<'_>>())
}

fn cut_user<'a>(user: &User<'a>) -> User<'a> {
    User {
        id: cut_id(&user.id),
        name: cut_text(&user.name),
        badges: Vec::new(),
        avatar: None,
        ..*user
    }
}

fn cut_id<'a>(id: &Id<'a>) -> Id<'a> {
    let text = Cow::from(id.clone());
    cut_text(&text).into()
}

fn cut_text<'a>(text: &Cow<'a, str>) -> Cow<'a, str> {
    let end = text.floor_char_boundary(CUT_BYTES);
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.get(..end).unwrap_or_default()),
        Cow::Owned(text) => Cow::Owned(text.get(..end).unwrap_or_default().to_owned()),
    }
}
