//! Each kind of message, with the members that readers use and some that they pass over.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pagewire_codec::proto::Writer;
use serde_json::{Value, json};

use crate::made::people::Person;
use crate::made::room::{Happening, Happens, Room};
use crate::made::words::{EMOJIS, Emoji};
use crate::made::{Club, Press};

/// Who does what to whom, by the numbers of the site.
const ENTERS: u64 = 1;
const FOLLOWS: u64 = 2;
const SHARES: u64 = 3;

/// One message, of so many gifts where it is about gifts.
pub(super) fn message(room: &Room, happening: &Happening, count: u64) -> Value {
    // Newer forms and older ones come side by side, and a message that comes again has the form that it had.
    let is_new = happening.id.is_multiple_of(2);
    let mut message = match &happening.what {
        Happens::Chat { by, text } => chat(happening, by, text, None),
        Happens::Emoji { by, emoji } => chat(happening, by, emoji.text, Some(emoji)),
        Happens::Gift(press) if is_new => packed_gift(happening, press, count),
        Happens::Gift(press) => gift(happening, press, count),
        Happens::Like { by, .. } => like(by),
        Happens::Enter { by, .. } => interaction(room, happening, by, ENTERS),
        Happens::Follow { by, .. } => interaction(room, happening, by, FOLLOWS),
        Happens::Share { by } => interaction(room, happening, by, SHARES),
        Happens::FanClub { by, level } => fleet(by, *level),
        Happens::Stats { visitors, .. } if is_new => watched(*visitors),
        Happens::Stats { viewers, .. } => online(*viewers),
        Happens::Rank { top } => rank(top),
        Happens::Pause | Happens::End => {
            json!({ "cmd": "PREPARING", "roomid": room.id().to_string() })
        }
        Happens::Resume => {
            json!({ "cmd": "LIVE", "roomid": room.id(), "live_time": happening.at_ms / 1_000 })
        }
        Happens::Notice { text } => {
            json!({ "cmd": "NOTICE_MSG", "msg_common": text, "msg_self": text, "roomid": room.id() })
        }
        Happens::Battle { ours, theirs, .. } => battle(room, *ours, *theirs),
        Happens::Unknown { name, number } => {
            json!({ "cmd": name.to_uppercase(), "data": { "number": number } })
        }
    };
    let members = message.as_object_mut().expect("all are objects");
    members.insert("msg_id".to_owned(), json!(happening.id.to_string()));
    members.insert("send_time".to_owned(), json!(happening.at_ms));
    message
}

fn face(person: &Person) -> String {
    format!("https://i.example.com/face/{}.jpg", person.picture)
}

fn medal(club: &Club) -> Value {
    json!({
        "target_id": club.host, "medal_level": club.level, "medal_name": club.name, "anchor_roomid": club.host, "is_lighted": 1,
        "medal_color": 6_067_854, "medal_color_start": 6_067_854, "medal_color_end": 6_067_854, "guard_level": 0, "special": "", "score": 21
    })
}

fn detail(person: &Person) -> Value {
    json!({
        "uid": person.id, "base": { "name": person.name, "face": face(person), "name_color": 0, "is_mystery": false },
        "medal": null, "wealth": { "level": person.level }, "guard": { "level": 0, "expired_str": "" }
    })
}

/// DANMU_MSG; `emoji` is the one picture that it is.
fn chat(happening: &Happening, by: &Person, said: &str, emoji: Option<&Emoji>) -> Value {
    let picture = emoji.map_or_else(|| json!("{}"), |emoji| {
        json!({ "emoticon_unique": format!("made_up_{}", emoji.id), "url": picture_of(emoji), "height": 60, "width": 60 })
    });
    let used = EMOJIS
        .iter()
        .filter(|known| said.contains(known.text) && emoji.is_none());
    let used: serde_json::Map<_, _> = used
        .map(|emoji| {
            let entry = json!({ "emoji": emoji.text, "emoticon_unique": format!("emoji_{}", emoji.id), "url": picture_of(emoji), "count": 1 });
            (emoji.text.to_owned(), entry)
        })
        .collect();
    let extra = json!({
        "content": said, "dm_type": u64::from(emoji.is_some()), "emots": used, "id_str": happening.id.to_string(), "reply_mid": 0,
        "reply_uname": "", "show_reply": true, "font_size": 25, "color": 16_777_215, "user_hash": "1"
    });
    let mode =
        json!({ "mode": 0, "show_player_type": 0, "extra": extra.to_string(), "user": detail(by) });
    let club = by.club.as_ref().map_or_else(
        || json!([]),
        |club| {
            json!([
                club.level, club.name, "", club.host, 6_067_854, "", 0, 0, 0, 0, 0, 1, club.host
            ])
        },
    );
    let way = json!([
        0,
        1,
        25,
        16_777_215,
        happening.at_ms,
        1_700_000_000,
        0,
        "1",
        0,
        0,
        0,
        "",
        u64::from(emoji.is_some()),
        picture,
        "{}",
        mode
    ]);
    let user = json!([by.id, by.name, u64::from(by.is_admin), 0, 0, 10_000, 1, ""]);
    json!({
        "cmd": "DANMU_MSG", "dm_v2": "",
        "info": [way, said, user, club, [by.level, 0, 9_868_950, ">50000", 0], ["", ""], 0, 0, null,
            { "ts": happening.at_ms / 1_000, "ct": "0" }, 0, 0, null, null, 0, 7, [by.level]]
    })
}

fn picture_of(emoji: &Emoji) -> String {
    format!("https://i.example.com/emote/{}.png", emoji.id)
}

fn gift(happening: &Happening, press: &Press, count: u64) -> Value {
    let by = &press.by;
    json!({ "cmd": "SEND_GIFT", "data": {
        "uid": by.id, "uname": by.name, "face": face(by), "wealth_level": by.level, "medal_info": by.club.as_ref().map(medal),
        "giftId": press.gift.id, "giftName": press.gift.name, "num": count, "price": press.gift.price, "coin_type": "gold",
        "total_coin": count * press.gift.price, "tid": happening.id.to_string(), "rnd": happening.id.to_string(), "action": "投喂",
        "super_gift_num": press.total(), "super_batch_gift_num": press.presses, "timestamp": happening.at_ms / 1_000,
        "batch_combo_id": format!("batch:gift:combo_id:{}:{}:{}:{}", by.id, press.to.id, press.gift.id, press.run),
        "receive_user_info": { "uid": press.to.id, "uname": press.to.name }, "blind_gift": null, "sender_uinfo": detail(by)
    } })
}

fn packed(command: &str, protobuf: Writer) -> Value {
    json!({ "cmd": command, "data": { "dmscore": 476, "pb": STANDARD.encode(protobuf.into_bytes()) } })
}

fn packed_gift(happening: &Happening, press: &Press, count: u64) -> Value {
    let (by, mut out) = (&press.by, Writer::default());
    out.varint(1, by.id).text(2, &by.name).text(3, &face(by));
    if let Some(club) = &by.club {
        out.message(8, |medal| {
            medal.varint(1, club.host).varint(4, club.host);
            medal.varint(5, club.level).text(6, club.name);
        });
    }
    out.message(10, |gift| {
        gift.varint(1, press.gift.id)
            .text(2, press.gift.name)
            .varint(3, count);
        gift.varint(5, press.gift.price).varint(6, press.gift.price);
        gift.varint(7, count * press.gift.price).text(8, "gold");
        gift.text(9, &happening.id.to_string());
        gift.varint(10, happening.at_ms / 1_000);
    });
    packed("SEND_GIFT_V2", out)
}

fn interaction(room: &Room, happening: &Happening, by: &Person, kind: u64) -> Value {
    let at_s = happening.at_ms / 1_000;
    if happening.id.is_multiple_of(2) {
        let mut out = Writer::default();
        out.varint(1, by.id).text(2, &by.name);
        out.varint(5, kind).varint(6, room.id()).varint(7, at_s);
        if let Some(club) = &by.club {
            out.message(9, |medal| {
                medal.varint(1, club.host).varint(2, club.level);
                medal.text(3, club.name).varint(12, club.host);
            });
        }
        out.message(22, |user| {
            user.varint(1, by.id);
            user.message(2, |base| {
                base.text(1, &by.name).text(2, &face(by));
            });
        });
        return packed("INTERACT_WORD_V2", out);
    }
    json!({ "cmd": "INTERACT_WORD", "data": {
        "uid": by.id, "uname": by.name, "msg_type": kind, "roomid": room.id(), "timestamp": at_s, "score": happening.at_ms,
        "fans_medal": by.club.as_ref().map(medal), "identities": [1], "is_spread": 0, "spread_info": "", "uinfo": detail(by)
    } })
}

fn like(by: &Person) -> Value {
    json!({ "cmd": "LIKE_INFO_V3_CLICK", "data": {
        "uid": by.id, "uname": by.name, "like_text": "为主播点赞了", "msg_type": 6, "show_area": 1, "fans_medal": by.club.as_ref().map(medal)
    } })
}

/// The fleet is the nearest thing to a club that has messages.
fn fleet(by: &Person, level: u64) -> Value {
    json!({ "cmd": "USER_TOAST_MSG", "data": {
        "uid": by.id, "username": by.name, "op_type": level.min(2), "guard_level": 3, "num": level, "price": 198_000, "unit": "月",
        "toast_msg": format!("<%{}%> 开通了舰长", by.name)
    } })
}

fn watched(visitors: u64) -> Value {
    json!({ "cmd": "WATCHED_CHANGE", "data": {
        "num": visitors, "text_small": visitors.to_string(), "text_large": format!("{visitors}人看过")
    } })
}

fn online(viewers: u64) -> Value {
    json!({ "cmd": "ONLINE_RANK_COUNT", "data": {
        "count": viewers / 10, "count_text": (viewers / 10).to_string(), "online_count": viewers, "online_count_text": viewers.to_string()
    } })
}

fn rank(top: &[(Arc<Person>, u64)]) -> Value {
    let places = (1..).zip(top).map(|(place, (person, value)): (u64, _)| {
        json!({
            "uid": person.id, "uname": person.name, "face": face(person), "score": value.to_string(), "rank": place, "guard_level": 0
        })
    });
    let places: Vec<_> = places.collect();
    json!({ "cmd": "ONLINE_RANK_V2", "data": { "rank_type": "online_rank", "online_list": places } })
}

fn battle(room: &Room, ours: u64, theirs: u64) -> Value {
    json!({ "cmd": "PK_BATTLE_PROCESS", "pk_id": 1, "pk_status": 201, "data": {
        "battle_type": 1, "init_info": { "room_id": room.id(), "votes": ours, "best_uname": "" },
        "match_info": { "room_id": room.id() + 1, "votes": theirs, "best_uname": "" }
    } })
}
