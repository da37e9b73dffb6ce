//! Messages as events.

use std::borrow::Cow;

use pagewire_codec::{DecodeError, TarsReader};

use super::answers::Prices;
use super::envelope::{Push, unknown};
use super::fields::{id, some_number, some_text, structs, text};
use super::gift::{banner, gift};
use super::people::{badges, noble, sender};
use super::{names, rank};
use crate::event::{
    Body, Chat, Control, Enter, Piece, PieceKind, RoomState, RoomStateChange, Stats, Time, User,
    push,
};
use crate::reader::Take;

/// People mentioned in a chat who are looked for in its text. Of more the rest is left out; the site's part has all.
pub const MENTIONS_MAX: usize = 64;

impl<'a> Push<'a> {
    /// Gives the event of it, or why there is none.
    pub(super) fn event(&self, time: Time, prices: &Prices, take: Take<'_>) {
        let Read {
            presenter,
            user,
            body,
        } = match self.read() {
            Ok(read) => read,
            Err(error) => return take(Err(error.shifted(self.at).inside(&*self.method()))),
        };
        let room = match self.presenter() {
            "" => presenter,
            group => Cow::Borrowed(group),
        };
        let mut event = self.with(room, time, body);
        event.user = user;
        if let Body::Gift(gift) = &mut event.body {
            prices.tell(gift);
        }
        take(Ok(event));
    }

    fn read(&self) -> Result<Read<'a>, DecodeError> {
        let fields = &mut TarsReader::new(self.body);
        match self.uri {
            names::CHAT => chat(fields),
            names::GIFT => gift(fields),
            names::GIFT_ELSEWHERE => banner(fields),
            names::ENTER_BANNER => enter_banner(fields),
            names::ENTER => enter(fields),
            names::VIP_BAR => rank::vip_bar(fields),
            names::WEEK_RANK => rank::week(fields),
            names::FANS_RANK => rank::fans(fields),
            names::HEAT => heat(fields),
            names::BEGINS => begins(fields),
            names::ENDS => ends(fields),
            names::CHANGES => changes(fields),
            names::REDIRECT => Ok(redirect()),
            _ => Ok(Read::of(unknown(self.body))),
        }
    }
}

/// What a message holds.
pub(super) struct Read<'a> {
    /// Whose room it is of, where the message tells.
    pub(super) presenter: Cow<'a, str>,
    pub(super) user: Option<User<'a>>,
    pub(super) body: Body<'a>,
}

impl<'a> Read<'a> {
    pub(super) const fn of(body: Body<'a>) -> Self {
        Self {
            presenter: Cow::Borrowed(""),
            user: None,
            body,
        }
    }
}

/// `MessageNotice`
fn chat<'a>(fields: &mut TarsReader<'a>) -> Result<Read<'a>, DecodeError> {
    let user = fields.structure(0)?;
    let mut user = user
        .map(|mut user| sender(&mut user))
        .transpose()?
        .unwrap_or_default();
    let text = text(fields, 3)?;
    badges(fields, 8, &mut user.badges)?;
    let pieces = pieces(&text, fields)?;
    let presenter = id(fields, 11)?;
    Ok(Read {
        presenter,
        user: Some(user),
        body: Body::Chat(Chat {
            text,
            pieces,
            ..Chat::default()
        }),
    })
}

/// The text cut at those who are mentioned in it, `vAtSomeone`. One whose name is not in it stands behind it, without a text.
fn pieces<'a>(text: &str, fields: &mut TarsReader<'a>) -> Result<Vec<Piece<'a>>, DecodeError> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    let mut elsewhere = Vec::new();
    for someone in structs(fields, 10)?.take(MENTIONS_MAX) {
        let mut someone = someone?;
        let (id, name) = (id(&mut someone, 0)?, self::text(&mut someone, 1)?);
        let written = format!("@{name}");
        let found = rest.split_once(&written).filter(|_| !name.is_empty());
        let Some((before, behind)) = found else {
            push(&mut elsewhere, piece(PieceKind::Mention, "", Some(id)));
            continue;
        };
        if !before.is_empty() {
            push(&mut pieces, piece(PieceKind::Text, before, None));
        }
        push(&mut pieces, piece(PieceKind::Mention, &written, Some(id)));
        rest = behind;
    }
    if pieces.is_empty() && elsewhere.is_empty() {
        return Ok(pieces);
    }
    if !rest.is_empty() {
        push(&mut pieces, piece(PieceKind::Text, rest, None));
    }
    for mention in elsewhere {
        push(&mut pieces, mention);
    }
    Ok(pieces)
}

fn piece<'a>(kind: PieceKind, text: &str, id: Option<Cow<'a, str>>) -> Piece<'a> {
    Piece {
        kind,
        text: Cow::Owned(text.to_owned()),
        id,
        image: None,
    }
}

/// `VipEnterBanner`
fn enter_banner<'a>(fields: &mut TarsReader<'a>) -> Result<Read<'a>, DecodeError> {
    let mut user = User {
        id: id(fields, 0)?.into(),
        name: text(fields, 1)?,
        ..User::default()
    };
    let presenter = id(fields, 2)?;
    user.level = noble(fields, 3)?.and_then(|noble| noble.level);
    user.avatar = some_text(fields, 6)?;
    Ok(Read {
        presenter,
        user: Some(user),
        body: Body::Enter(Enter::default()),
    })
}

/// `EnterPushInfo`. It does not tell what they are called.
fn enter<'a>(fields: &mut TarsReader<'a>) -> Result<Read<'a>, DecodeError> {
    let mut read = Read::of(Body::Enter(Enter::default()));
    if let Some(noble) = noble(fields, 1)? {
        read.presenter = noble.presenter;
        read.user = Some(User {
            id: noble.user.into(),
            level: noble.level,
            ..User::default()
        });
    }
    Ok(read)
}

/// `AttendeeCountNotice`
fn heat<'a>(fields: &mut TarsReader<'a>) -> Result<Read<'a>, DecodeError> {
    Ok(Read::of(Body::Stats(Stats {
        heat: some_number(fields, 0)?,
        ..Stats::default()
    })))
}

/// `BeginLiveNotice`
fn begins<'a>(fields: &mut TarsReader<'a>) -> Result<Read<'a>, DecodeError> {
    let presenter = id(fields, 0)?;
    let change = RoomStateChange {
        state: Some(RoomState::Live),
        title: some_text(fields, 18)?,
        text: None,
    };
    Ok(state(presenter, change))
}

/// `EndLiveNotice`
fn ends<'a>(fields: &mut TarsReader<'a>) -> Result<Read<'a>, DecodeError> {
    let presenter = id(fields, 0)?;
    let change = RoomStateChange {
        state: Some(RoomState::Ended),
        title: None,
        text: some_text(fields, 3)?,
    };
    Ok(state(presenter, change))
}

/// `LiveInfoChangedNotice`
fn changes<'a>(fields: &mut TarsReader<'a>) -> Result<Read<'a>, DecodeError> {
    let presenter = id(fields, 0)?;
    let change = RoomStateChange {
        state: None,
        title: some_text(fields, 4)?,
        text: None,
    };
    Ok(state(presenter, change))
}

fn state<'a>(presenter: Cow<'a, str>, change: RoomStateChange<'a>) -> Read<'a> {
    let mut read = Read::of(Body::RoomState(change));
    read.presenter = presenter;
    read
}

/// `WSRedirect`: connect elsewhere. Where to is in the bytes, whose fields are not known.
fn redirect<'a>() -> Read<'a> {
    Read::of(Body::Control(Control {
        action: Cow::Borrowed("redirect"),
        ..Control::default()
    }))
}
