//! What kinds of events and units of money are called.

use pagewire_live::Unit;

use super::Language;

/// The kind of an event. It is the same in English as programs have it.
pub(super) fn kind(kind: &'static str, language: Language) -> &'static str {
    let chinese = match kind {
        "chat" => "聊天",
        "gift" => "礼物消息",
        "gift.delta" => "送礼",
        "gift.final" => "送礼合计",
        "like" => "点赞",
        "enter" => "进场",
        "follow" => "关注",
        "share" => "分享",
        "fan_club" => "粉丝团",
        "stats" => "人数",
        "rank" => "榜单",
        "room_state" => "直播间",
        "notice" => "通知",
        "link" => "连线",
        "control" => "管理",
        "unknown" => "未知",
        other => other,
    };
    language.of(kind, chinese)
}

/// A unit of money.
pub(super) const fn unit(unit: Unit, language: Language) -> &'static str {
    match unit {
        Unit::Diamond => language.of("diamonds", "钻石"),
        Unit::YbCent => language.of("hundredths of a Y coin", "分 Y 币"),
        Unit::GoldSeed => language.of("gold seeds", "金瓜子"),
        Unit::SilverSeed => language.of("silver seeds", "银瓜子"),
        Unit::Fen => language.of("fen", "分"),
    }
}
