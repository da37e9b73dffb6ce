//! What happened, in words.

use pagewire_live::{
    Body, Chat, Control, Enter, Event, FanClub, Follow, Gift, GiftCount, Like, Link, Rank,
    RankChange, RoomState, RoomStateChange, Share, Stats, User,
};

use super::phrase::{Words, joined, number};
use super::{name, short, text};
use crate::commands::live::Language;

pub(super) fn what(event: &Event<'_>, language: Language) -> String {
    let words = Words(language);
    match &event.body {
        Body::Chat(chat) => words.said(chat),
        Body::Gift(gift) => words.pressed(gift),
        Body::GiftDelta(count) => words.given(count),
        Body::GiftFinal(count) => words.given_in_all(count),
        Body::Like(like) => words.liked(like),
        Body::Enter(enter) => words.entered(enter),
        Body::Follow(follow) => words.followed(follow),
        Body::Share(share) => words.shared(share),
        Body::FanClub(club) => words.risen(club),
        Body::Stats(stats) => words.counted(stats),
        Body::Rank(rank) => words.ranked(rank),
        Body::RoomState(change) => words.changed(change),
        Body::Notice(notice) => text(&notice.text, language),
        Body::Link(link) => words.linked(link),
        Body::Control(control) => words.ordered(control),
        Body::Unknown(unknown) => {
            let method = text(&event.method, language);
            let size = words.count(unknown.bytes.0.len() as u64, "bytes", "字节");
            words.listed([Some(method), Some(size)])
        }
        _ => String::new(),
    }
}

impl Words {
    fn said(&self, chat: &Chat<'_>) -> String {
        let mut said = String::new();
        if let Some(user) = &chat.reply_to {
            said += &format!("@{} ", name(user));
        }
        said += &self.text(&chat.text);
        if let Some(paid) = chat.paid {
            let paid = self.money(paid, chat.unit);
            said += &self.in_brackets(&format!("{} {paid}", self.of("paid", "付费")));
        }
        said
    }

    /// What one message tells: not how many more there are.
    fn pressed(&self, gift: &Gift<'_>) -> String {
        let (gift_name, count) = (self.gift_name(&gift.name, &gift.gift), number(gift.count));
        let receiver = known(gift.receiver.as_deref());
        match self.0 {
            Language::English => {
                let receiver = receiver.map_or_else(String::new, |name| format!(" to {name}"));
                let end = if gift.ends { ", the last" } else { "" };
                format!("×{count} {gift_name} so far{receiver}{end}")
            }
            Language::Chinese => {
                let end = gift.ends.then(|| "连击结束".to_owned());
                let receiver = receiver.map(|name| format!("送给 {name}"));
                self.listed([Some(format!("{gift_name} 累计 ×{count}")), receiver, end])
            }
        }
    }

    fn given(&self, count: &GiftCount<'_>) -> String {
        self.given_as(count, "", "送")
    }

    fn given_in_all(&self, count: &GiftCount<'_>) -> String {
        self.given_as(count, " in all", "合计送")
    }

    fn given_as(&self, count: &GiftCount<'_>, in_all: &str, gave: &str) -> String {
        let gift_name = self.gift_name(&count.name, &count.gift);
        // Where the site does not tell what a gift is worth, nor does the line.
        let worth = (count.value > 0).then(|| self.money(count.value, count.unit));
        let receiver = known(count.receiver.as_deref());
        let count = number(count.count);
        match self.0 {
            Language::English => {
                let receiver = receiver.map_or_else(String::new, |name| format!(" to {name}"));
                let what = format!("×{count} {gift_name}{in_all}");
                self.listed([Some(what), worth]) + &receiver
            }
            Language::Chinese => {
                let receiver =
                    receiver.map_or_else(|| "出".to_owned(), |name| format!("给 {name}"));
                let what = format!("{gave}{receiver} {gift_name} ×{count}");
                self.listed([Some(what), worth.map(|worth| format!("共 {worth}"))])
            }
        }
    }

    fn gift_name(&self, name: &str, id: &str) -> String {
        if name.is_empty() {
            return format!("{} {}", self.of("gift", "礼物"), short(id));
        }
        short(name)
    }

    fn liked(&self, like: &Like) -> String {
        let count = number(like.count);
        let count = match self.0 {
            Language::English => format!("×{count}"),
            Language::Chinese => format!("点了 {count} 个赞"),
        };
        self.listed([Some(count), self.some(like.total, "in all", "累计")])
    }

    fn entered(&self, enter: &Enter<'_>) -> String {
        let came = || self.of("came in", "进入直播间").to_owned();
        let came = enter
            .text
            .as_ref()
            .map_or_else(came, |said| self.text(said));
        let viewers = self.people(enter.viewers, "viewers", "在线");
        self.listed([Some(came), viewers])
    }

    fn followed(&self, follow: &Follow) -> String {
        let follows = self.of("follows", "关注了主播").to_owned();
        let followers = self.some(follow.followers, "followers", "粉丝");
        self.listed([Some(follows), followers])
    }

    fn shared(&self, share: &Share<'_>) -> String {
        match &share.target {
            Some(target) => format!("{}{}", self.of("shared to ", "分享到 "), self.text(target)),
            None => self.of("shared the room", "分享了直播间").to_owned(),
        }
    }

    fn risen(&self, club: &FanClub<'_>) -> String {
        let action = match (&*club.action, self.0) {
            ("joined", Language::Chinese) => "加入粉丝团".to_owned(),
            ("level_up", Language::Chinese) => "粉丝团升级".to_owned(),
            (action, Language::English | Language::Chinese) => short(action).replace('_', " "),
        };
        let said = (!club.text.is_empty()).then(|| self.text(&club.text));
        // A number of the site adds nothing to words.
        let is_number = action.bytes().all(|byte| byte.is_ascii_digit());
        let action =
            Some(action).filter(|action| !(action.is_empty() || is_number && said.is_some()));
        self.explained(action, said)
    }

    fn counted(&self, stats: &Stats<'_>) -> String {
        self.listed([
            self.people(stats.viewers, "viewers", "在线"),
            self.people(stats.total, "so far", "累计"),
            self.some(stats.heat, "hot", "热度"),
            self.some(stats.likes, "likes", "点赞"),
            self.people(stats.ranked, "with a rank", "上榜"),
            stats.text.as_ref().map(|said| self.text(said)),
        ])
    }

    fn ranked(&self, rank: &Rank<'_>) -> String {
        let places = rank.users.iter().map(|ranked| {
            let score = match &*ranked.score {
                "" => String::new(),
                score => self.in_brackets(&short(score)),
            };
            format!("{} {}{score}", ranked.place, name(&ranked.user))
        });
        let places = self.first(places);
        let places = places.unwrap_or_else(|| self.of("nobody", "暂无").to_owned());
        let changes = self.first(rank.changes.iter().map(|change| self.moved(change)));
        let changes = changes.map(|changes| format!("· {changes}"));
        let places = self.explained(Some(self.ranking(&rank.name)), Some(places));
        joined(" ", [Some(places), changes]).unwrap_or_default()
    }

    /// What our readers have no name of the site for is named here; the others are called as the site calls them.
    fn ranking(&self, name: &str) -> String {
        let chinese = match (name, self.0) {
            ("room", Language::Chinese) => "房间榜",
            ("contributors", Language::Chinese) => "贡献榜",
            ("vip_bar", Language::Chinese) => "贵宾席",
            ("week", Language::Chinese) => "周榜",
            ("fans", Language::Chinese) => "粉丝榜",
            (name, Language::English | Language::Chinese) => return short(name),
        };
        chinese.to_owned()
    }

    fn moved(&self, change: &RankChange<'_>) -> String {
        let name = name(&change.user);
        match (change.from, change.to, self.0) {
            (Some(from), Some(to), _) => format!("{name} {from}→{to}"),
            (None, Some(to), Language::English) => format!("{name} is new at {to}"),
            (None, Some(to), Language::Chinese) => format!("{name} 新上榜第 {to}"),
            (Some(from), None, Language::English) => format!("{name} is gone from {from}"),
            (Some(from), None, Language::Chinese) => format!("{name} 掉出第 {from}"),
            (None, None, _) => name,
        }
    }

    fn changed(&self, change: &RoomStateChange<'_>) -> String {
        let state = change.state.map(|state| {
            let chinese = match state {
                RoomState::Live => "直播中",
                RoomState::Paused => "直播暂停",
                RoomState::Ended => "直播已结束",
            };
            self.of(state.name(), chinese).to_owned()
        });
        let title = change.title.as_ref().map(|title| {
            let title = self.text(title);
            format!("{}{title}", self.of("title ", "标题 "))
        });
        let said = change.text.as_ref().map(|said| self.text(said));
        self.listed([state, title, said])
    }

    fn linked(&self, link: &Link<'_>) -> String {
        let sides = link.sides.iter().map(|side| {
            let name = side.name.as_deref().filter(|name| !name.is_empty());
            let name = short(name.unwrap_or(&side.id));
            match side.score {
                Some(score) => format!("{name} {}", number(score)),
                None => name,
            }
        });
        let battle = link.battle.then(|| self.of("battle", "PK").to_owned());
        let action = (!link.action.is_empty()).then(|| short(&link.action));
        self.explained(joined(" ", [battle, action]), self.first(sides))
    }

    fn ordered(&self, control: &Control<'_>) -> String {
        let said = control.text.as_ref().map(|said| self.text(said));
        let by = control.by.as_ref().map(|by| name(by));
        let meant = match control.ids.len() {
            0 => None,
            count => Some(count),
        };
        let action = match self.0 {
            Language::English => {
                let meant = meant.map(|count| match count {
                    1 => "of 1 message".to_owned(),
                    count => format!("of {count} messages"),
                });
                let by = by.map(|name| format!("by {name}"));
                joined(" ", [Some(short(&control.action)), meant, by])
            }
            Language::Chinese => {
                let meant = meant.map(|count| format!("{count} 条消息"));
                let action = joined(" ", [Some(order_in_chinese(&control.action)), meant]);
                let by = by.map(|name| format!("由 {name} 操作"));
                joined("，", [action, by])
            }
        };
        self.explained(action, said)
    }
}

/// Others are named as the site names them.
fn order_in_chinese(action: &str) -> String {
    let known = match action {
        "leave" => "离开直播间",
        "mute" => "被禁言",
        "unmute" => "解除禁言",
        "admin" => "成为房管",
        "unadmin" => "取消房管",
        "kick" => "被踢出直播间",
        "block" => "被拉黑",
        "delete" => "撤回",
        "redirect" => "跳转",
        "warning" => "警告",
        "log_in_notice" => "登录提示",
        other => return short(other),
    };
    known.to_owned()
}

/// Whom a gift was given to, where the site names them.
fn known(receiver: Option<&User<'_>>) -> Option<String> {
    receiver.filter(|user| !user.name.is_empty()).map(name)
}
