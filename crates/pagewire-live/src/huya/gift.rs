//! Gifts: what the site counts, and how many that are.

use std::borrow::Cow;

use pagewire_codec::{DecodeError, TarsReader};

use super::fields::{id, number, some_number, some_text, text};
use super::messages::Read;
use crate::event::{Body, Gift, Notice, Piece, PieceKind, User};

/// `SendItemSubBroadcastPacket`
pub(super) fn gift<'a>(fields: &mut TarsReader<'a>) -> Result<Read<'a>, DecodeError> {
    let (mut gift, mut user, mut receiver) = (Gift::default(), User::default(), User::default());
    gift.gift = id(fields, 0)?;
    let payment = text(fields, 1)?;
    let given = number(fields, 2)?;
    receiver.id = id(fields, 3)?.into();
    user.id = id(fields, 4)?.into();
    receiver.name = text(fields, 5)?;
    user.name = text(fields, 6)?;
    gift.group_count = number(fields, 8)?;
    gift.combo_count = number(fields, 9)?;
    user.avatar = some_text(fields, 14)?;
    receiver.avatar = some_text(fields, 15)?;
    gift.name = text(fields, 20)?;
    user.level = some_number(fields, 28)?;
    gift.combo = id(fields, 39)?;
    if gift.group_count == 0 {
        gift.group_count = given;
    }
    gift.count = count(gift.group_count, gift.combo_count);
    if gift.combo.is_empty() {
        // It is by itself. The site may tell of one payment again; where there is none the message is what tells gifts apart.
        (gift.combo, gift.ends) = (payment, true);
    }
    let presenter = receiver.id.clone();
    gift.receiver = Some(Box::new(receiver));
    let mut read = Read::of(Body::Gift(gift));
    (read.presenter, read.user) = (presenter.into(), Some(user));
    Ok(read)
}

/// Gifts in a press times presses so far. Captured: of one run 18 messages came with the numbers 1 to 19 without 18, each with the same run.
const fn count(pack: u64, presses: u64) -> u64 {
    let pack = if pack == 0 { 1 } else { pack };
    let presses = if presses == 0 { 1 } else { presses };
    pack.saturating_mul(presses)
}

/// `SendItemNoticeWordBroadcastPacket`: somebody gave much to somebody, mostly in another room. It is no gift of this room, and what was given
/// there comes as a gift there.
pub(super) fn banner<'a>(fields: &mut TarsReader<'a>) -> Result<Read<'a>, DecodeError> {
    let gift = id(fields, 0)?;
    let given = number(fields, 1)?;
    let user = User {
        id: id(fields, 3)?.into(),
        name: text(fields, 4)?,
        ..User::default()
    };
    let receiver = mention(id(fields, 5)?, text(fields, 6)?);
    let pack = some_number(fields, 8)?.unwrap_or(given);
    let presses = number(fields, 9)?;
    let gift = Piece {
        kind: PieceKind::Gift,
        text: gift.clone(),
        id: Some(gift),
        image: None,
    };
    let count = format!(" × {}", count(pack, presses));
    let pieces = vec![
        mention(user.id.clone().into(), user.name.clone()),
        plain(" → "),
        receiver,
        plain(": "),
        gift,
        plain(count),
    ];
    let text: String = pieces.iter().map(|piece| &*piece.text).collect();
    let mut read = Read::of(Body::Notice(Notice {
        text: Cow::Owned(text),
        pieces,
    }));
    read.user = Some(user);
    Ok(read)
}

fn mention<'a>(id: Cow<'a, str>, name: Cow<'a, str>) -> Piece<'a> {
    Piece {
        kind: PieceKind::Mention,
        text: name,
        id: Some(id),
        image: None,
    }
}

fn plain<'a>(text: impl Into<Cow<'a, str>>) -> Piece<'a> {
    Piece {
        text: text.into(),
        ..Piece::default()
    }
}
