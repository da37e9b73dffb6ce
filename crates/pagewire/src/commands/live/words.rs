//! What kinds of events and amounts of money are called.

use pagewire_live::Unit;

use super::Language;
use super::line::number;

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

/// An amount in the unit as people say it: hundredths of a Y coin and of a yuan as Y coins and yuan.
pub(super) fn money(value: u64, unit: Unit, language: Language) -> String {
    let (amount, one, many, chinese) = match unit {
        Unit::Diamond => (number(value), "diamond", "diamonds", "钻石"),
        Unit::YbCent => (hundredths(value), "Y coin", "Y coins", "Y 币"),
        Unit::GoldSeed => (number(value), "gold seed", "gold seeds", "金瓜子"),
        Unit::SilverSeed => (number(value), "silver seed", "silver seeds", "银瓜子"),
        Unit::Fen => (hundredths(value), "yuan", "yuan", "元"),
    };
    let english = if amount == "1" { one } else { many };
    format!("{amount} {}", language.of(english, chinese))
}

/// `9.5` of 950.
fn hundredths(value: u64) -> String {
    let (whole, rest) = (number(value / 100), value % 100);
    match (rest, rest % 10) {
        (0, _) => whole,
        (_, 0) => format!("{whole}.{}", rest / 10),
        (_, _) => format!("{whole}.{rest:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_said_as_people_say_it() {
        for (value, unit, english, chinese) in [
            (1, Unit::Diamond, "1 diamond", "1 钻石"),
            (1_234, Unit::Diamond, "1,234 diamonds", "1,234 钻石"),
            (100, Unit::YbCent, "1 Y coin", "1 Y 币"),
            (5, Unit::YbCent, "0.05 Y coins", "0.05 Y 币"),
            (123_450, Unit::YbCent, "1,234.5 Y coins", "1,234.5 Y 币"),
            (3_000, Unit::GoldSeed, "3,000 gold seeds", "3,000 金瓜子"),
            (0, Unit::SilverSeed, "0 silver seeds", "0 银瓜子"),
            (3_099, Unit::Fen, "30.99 yuan", "30.99 元"),
        ] {
            assert_eq!(money(value, unit, Language::English), english);
            assert_eq!(money(value, unit, Language::Chinese), chinese);
        }
    }
}
