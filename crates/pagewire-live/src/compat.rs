//! The lines that a widely used Python program prints of Douyin's rooms, for scripts that read them. Rooms of other sites get the same.

use crate::event::{Body, Chat, Event, Gender, PieceKind, Rank, RoomState, Stats, User};

/// The line of an event, without a line feed; `None` where that program prints nothing. `shown` is given each text of the site, and gives what may be
/// printed in its place: one line, without what could change a terminal.
pub fn compat_line(event: &Event<'_>, shown: impl Fn(&str) -> String) -> Option<String> {
    let who = Who::new(event.user.as_ref(), &shown);
    let (id, name) = (&who.id, &who.name);
    Some(match &event.body {
        Body::Chat(chat) => said(chat, event, &who, &shown),
        // Added up, these are right; that program's are not, as it counts what sites repeat.
        Body::GiftDelta(gift) => {
            let gift_name = if gift.name.is_empty() {
                &gift.gift
            } else {
                &gift.name
            };
            format!(
                "【礼物msg】{name} 送出了 {}x{}",
                shown(gift_name),
                gift.count
            )
        }
        Body::Like(like) => format!("【点赞msg】{name} 点了{}个赞", like.count),
        Body::Enter(_) => {
            let gender = gender(event.user.as_ref());
            format!("【进场msg】[{id}][{gender}]{name} 进入了直播间")
        }
        Body::Follow(_) => format!("【关注msg】[{id}]{name} 关注了主播"),
        Body::Stats(stats) => counted(stats, &event.method, &shown)?,
        Body::FanClub(club) => format!("【粉丝团msg】 {}", shown(&club.text)),
        Body::Notice(_) => format!("【直播间msg】直播间id:{}", shown(&event.room)),
        Body::Rank(rank) => ranked(rank, &shown),
        Body::RoomState(change) if change.state == Some(RoomState::Ended) => {
            "直播间已结束".to_owned()
        }
        Body::Gift(_)
        | Body::GiftFinal(_)
        | Body::Share(_)
        | Body::RoomState(_)
        | Body::Link(_)
        | Body::Control(_)
        | Body::Unknown(_) => return None,
    })
}

struct Who {
    id: String,
    name: String,
}

impl Who {
    fn new(user: Option<&User<'_>>, shown: &impl Fn(&str) -> String) -> Self {
        Self {
            id: user.map_or_else(String::new, |user| shown(&user.id)),
            name: user.map_or_else(String::new, |user| shown(&user.name)),
        }
    }
}

fn gender(user: Option<&User<'_>>) -> &'static str {
    match user.and_then(|user| user.gender) {
        Some(Gender::Male) => "男",
        Some(Gender::Female) => "女",
        None => "未知",
    }
}

fn said(chat: &Chat<'_>, event: &Event<'_>, who: &Who, shown: &impl Fn(&str) -> String) -> String {
    let text = shown(&chat.text);
    // A large emoji is a message of its own there.
    let emoji = chat
        .pieces
        .iter()
        .find(|piece| piece.kind == PieceKind::Emoji);
    if event.method.ends_with("EmojiChatMessage")
        && let Some(id) = emoji.and_then(|emoji| emoji.id.as_ref())
    {
        return format!("【聊天表情包id】 {},default_content:{text}", shown(id));
    }
    format!("【聊天msg】[{}]{}: {text}", who.id, who.name)
}

/// Douyin tells numbers in one message and a text for people in another.
fn counted(stats: &Stats<'_>, method: &str, shown: &impl Fn(&str) -> String) -> Option<String> {
    let total = stats.total.map(|total| format!(", 累计观看人数: {total}"));
    let are_numbers = total.is_some() || method.ends_with("RoomUserSeqMessage");
    match (stats.viewers, &stats.text) {
        (_, Some(text)) if !are_numbers => Some(format!("【直播间统计msg】{}", shown(text))),
        (Some(viewers), _) => Some(format!(
            "【统计msg】当前观看人数: {viewers}{}",
            total.unwrap_or_default()
        )),
        (None, _) => None,
    }
}

/// As Python shows the objects, with the members that there are.
fn ranked(rank: &Rank<'_>, shown: &impl Fn(&str) -> String) -> String {
    let text = |text: &str| {
        let text = shown(text).replace('\\', "\\\\").replace('\'', "\\'");
        format!("'{text}'")
    };
    let places = rank.users.iter().map(|ranked| {
        format!(
            "RoomRankMessageRoomRank(user=User(id={}, nick_name={}), score_str={})",
            shown(&ranked.user.id),
            text(&ranked.user.name),
            text(&ranked.score)
        )
    });
    let places: Vec<_> = places.collect();
    format!("【直播间排行榜msg】[{}]", places.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{
        Enter, FanClub, Follow, Gift, GiftCount, Like, Notice, Piece, Ranked, RoomStateChange,
        Site, SitePart, Time, Unknown,
    };

    fn user(gender: Option<Gender>) -> User<'static> {
        User {
            id: "11".into(),
            name: "夏\u{202e}橘\n子".into(),
            gender,
            ..User::default()
        }
    }

    fn line(method: &'static str, gender: Option<Gender>, body: Body<'static>) -> Option<String> {
        let event = Event {
            site: Site::Douyin,
            room: "7253".into(),
            id: "1".into(),
            time: Time::best(1, 0, 0),
            user: Some(user(gender)),
            body,
            method: method.into(),
            part: SitePart::NONE,
        };
        let shown = |text: &str| text.replace('\n', " ").replace('\u{202e}', "?");
        compat_line(&event, shown)
    }

    fn chat(text: &'static str) -> Chat<'static> {
        let piece = |kind, id| Piece {
            kind,
            id,
            ..Piece::default()
        };
        Chat {
            text: text.into(),
            pieces: vec![
                piece(PieceKind::Text, None),
                piece(PieceKind::Emoji, Some("99".into())),
            ],
            ..Chat::default()
        }
    }

    fn stats(
        viewers: Option<u64>,
        total: Option<u64>,
        text: Option<&'static str>,
    ) -> Body<'static> {
        Body::Stats(Stats {
            viewers,
            total,
            text: text.map(Into::into),
            ..Stats::default()
        })
    }

    fn given(name: &'static str) -> GiftCount<'static> {
        GiftCount {
            gift: "463".into(),
            name: name.into(),
            count: 3,
            ..GiftCount::default()
        }
    }

    fn rank() -> Body<'static> {
        let users = (1..=2).map(|place| Ranked {
            place,
            user: User {
                id: "5".into(),
                name: "it's".into(),
                ..User::default()
            },
            score: "10".into(),
        });
        Body::Rank(Rank {
            users: users.collect(),
            ..Rank::default()
        })
    }

    type Case = (
        &'static str,
        Option<Gender>,
        Body<'static>,
        Option<&'static str>,
    );

    fn check(cases: impl IntoIterator<Item = Case>) {
        for (method, gender, body, expected) in cases {
            let shown = line(method, gender, body.clone());
            assert_eq!(shown.as_deref(), expected, "{body:?}");
        }
    }

    #[test]
    fn what_people_do_is_a_line_of_the_python_program() {
        let enter = || Body::Enter(Enter::default());
        let given = |name| Body::GiftDelta(given(name));
        let like = Body::Like(Like {
            count: 8,
            total: Some(9),
        });
        let club = Body::FanClub(FanClub {
            text: "升级".into(),
            ..FanClub::default()
        });
        let said = "【聊天msg】[11]夏?橘 子: hi  there";
        let emoji = "【聊天表情包id】 99,default_content:[hi]";
        let entered = [
            (
                Some(Gender::Male),
                "【进场msg】[11][男]夏?橘 子 进入了直播间",
            ),
            (
                Some(Gender::Female),
                "【进场msg】[11][女]夏?橘 子 进入了直播间",
            ),
            (None, "【进场msg】[11][未知]夏?橘 子 进入了直播间"),
        ];
        check([
            (
                "ChatMessage",
                None,
                Body::Chat(chat("hi\n there")),
                Some(said),
            ),
            (
                "WebcastEmojiChatMessage",
                None,
                Body::Chat(chat("[hi]")),
                Some(emoji),
            ),
            (
                "",
                None,
                given("玫瑰"),
                Some("【礼物msg】夏?橘 子 送出了 玫瑰x3"),
            ),
            (
                "",
                None,
                given(""),
                Some("【礼物msg】夏?橘 子 送出了 463x3"),
            ),
            ("", None, like, Some("【点赞msg】夏?橘 子 点了8个赞")),
            (
                "",
                None,
                Body::Follow(Follow::default()),
                Some("【关注msg】[11]夏?橘 子 关注了主播"),
            ),
            ("", None, club, Some("【粉丝团msg】 升级")),
        ]);
        check(entered.map(|(gender, line)| ("", gender, enter(), Some(line))));
    }

    #[test]
    fn what_a_room_tells_is_a_line_of_the_python_program() {
        let state = |state| {
            Body::RoomState(RoomStateChange {
                state: Some(state),
                ..RoomStateChange::default()
            })
        };
        let (both, text) = (
            "【统计msg】当前观看人数: 5, 累计观看人数: 12",
            Some("5在线观众"),
        );
        let (one, sequence) = ("【统计msg】当前观看人数: 5", "WebcastRoomUserSeqMessage");
        check([
            ("", None, stats(Some(5), Some(12), None), Some(both)),
            ("", None, stats(Some(5), Some(12), text), Some(both)),
            ("", None, stats(Some(5), None, None), Some(one)),
            (sequence, None, stats(Some(5), None, text), Some(one)),
            (
                "",
                None,
                stats(Some(5), None, text),
                Some("【直播间统计msg】5在线观众"),
            ),
            ("", None, stats(None, Some(12), None), None),
            (
                "",
                None,
                Body::Notice(Notice::default()),
                Some("【直播间msg】直播间id:7253"),
            ),
            ("", None, state(RoomState::Ended), Some("直播间已结束")),
            ("", None, state(RoomState::Paused), None),
            ("", None, Body::Gift(Gift::default()), None),
            ("", None, Body::GiftFinal(given("玫瑰")), None),
            ("", None, Body::Unknown(Unknown::default()), None),
        ]);
        let one = "RoomRankMessageRoomRank(user=User(id=5, nick_name='it\\'s'), score_str='10')";
        let ranking = format!("【直播间排行榜msg】[{one}, {one}]");
        assert_eq!(line("", None, rank()), Some(ranking));
    }
}
