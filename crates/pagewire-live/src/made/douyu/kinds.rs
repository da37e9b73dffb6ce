//! Each kind of message, with the members that captures have.

use std::sync::Arc;

use pagewire_codec::SttWriter;

use crate::made::Press;
use crate::made::people::Person;
use crate::made::room::{Happening, Happens, Room};

/// One message.
pub(super) fn message(room: &Room, happening: &Happening) -> String {
    let mut out = SttWriter::default();
    let room_id = room.id().to_string();
    match &happening.what {
        Happens::Chat { by, text } => chat(&mut out, happening, by, text),
        Happens::Emoji { by, emoji } => {
            chat(&mut out, happening, by, &format!("[emot:dy{}]", emoji.id));
        }
        Happens::Gift(press) => gift(&mut out, press),
        Happens::Enter { by, .. } => person(out.field("type", "uenter"), by),
        Happens::Share { by } => {
            out.field("type", "srres").field("uid", &by.id.to_string());
            out.field("nickname", &by.name).field("exp", "3");
        }
        Happens::FanClub { by, level } => fan_club(&mut out, by, *level),
        Happens::Stats { viewers, .. } => {
            out.field("type", "noble_num_info").field("sum", "23");
            number(&mut out, "vn", viewers / 10);
        }
        Happens::Rank { top } => rank(&mut out, top),
        Happens::Pause | Happens::End => room_state(&mut out, "0"),
        Happens::Resume => room_state(&mut out, "1"),
        Happens::Notice { text } => {
            out.field("type", "ssd")
                .field("content", text)
                .field("url", "");
        }
        Happens::Battle {
            rival,
            ours,
            theirs,
        } => {
            battle(&mut out, rival, *theirs, (room.host(), &room_id, *ours));
        }
        Happens::Unknown {
            name,
            number: value,
        } => {
            out.field("type", &name.to_lowercase());
            number(&mut out, "number", *value);
        }
        Happens::Like { .. } | Happens::Follow { .. } => {}
    }
    // The room stands behind the rest in some messages, and so it does here.
    out.field("rid", &room_id);
    out.into_message()
}

fn number(out: &mut SttWriter, key: &str, value: u64) {
    out.field(key, &value.to_string());
}

fn person(out: &mut SttWriter, by: &Person) {
    number(out, "uid", by.id);
    out.field("nn", &by.name);
    number(out, "level", by.level);
    out.field("ic", &format!("avatar_v3/202601/{}", by.picture));
    out.field("rg", if by.is_admin { "4" } else { "1" });
    if let Some(club) = &by.club {
        out.field("bnn", club.name);
        number(out, "bl", club.level);
        number(out, "brid", club.host);
    }
}

fn chat(out: &mut SttWriter, happening: &Happening, by: &Person, said: &str) {
    person(out.field("type", "chatmsg"), by);
    out.field("txt", said);
    out.field("cid", &format!("{:032x}", happening.id));
    number(out, "cst", happening.at_ms);
    out.field("ct", "14").field("col", "0").field("el", "");
}

fn gift(out: &mut SttWriter, press: &Press) {
    person(out.field("type", "dgb"), &press.by);
    number(out, "gfid", press.gift.id);
    out.field("gfn", press.gift.name).field("gs", "0");
    number(out, "gfcnt", press.adds);
    number(out, "hits", press.total());
    number(out, "bcnt", press.presses);
    number(out, "receive_uid", press.to.id);
    out.field("receive_nn", &press.to.name);
    out.nested("el", |effects| {
        effects.nested("1", |effect| {
            effect.field("eid", "1500000113").field("etp", "1");
        });
    });
}

fn fan_club(out: &mut SttWriter, by: &Person, level: u64) {
    out.field("type", "blab").field("uid", &by.id.to_string());
    out.field("nn", &by.name);
    number(out, "lbl", level - 1);
    number(out, "bl", level);
    out.field("ba", "1").field("bnn", "星光");
}

fn rank(out: &mut SttWriter, top: &[(Arc<Person>, u64)]) {
    out.field("type", "frank")
        .field("fc", "30")
        .field("bnn", "星光");
    out.nested("list", |list| {
        for (person, value) in top {
            let mut place = SttWriter::default();
            number(&mut place, "uid", person.id);
            place.field("nn", &person.name);
            number(&mut place, "fim", *value);
            number(&mut place, "bl", 9);
            number(&mut place, "lev", person.level);
            list.item(&place.into_message());
        }
    });
}

fn room_state(out: &mut SttWriter, state: &str) {
    out.field("type", "rss").field("ss", state);
    out.field("code", "0").field("notify", "1");
}

fn battle(
    out: &mut SttWriter,
    rival: &Person,
    theirs: u64,
    (host, room, ours): (&Person, &str, u64),
) {
    let mut side = |key: &str, person: &Person, room: &str, points: u64| {
        out.nested(key, |side| {
            side.field("nn", &person.name).field("rid", room);
            number(side, "sc", points);
        });
    };
    side("idb", rival, "71415", theirs);
    side("rida", host, room, ours);
    out.field("type", "nlkstatus").field("status", "3");
}
