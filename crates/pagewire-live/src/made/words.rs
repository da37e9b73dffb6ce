//! What people say, and what they are called.

use super::chance::Chance;

/// A picture that stands in a text, as a word in brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Emoji {
    /// The site's number of it.
    pub id: u64,
    /// Such as `[玫瑰]`.
    pub text: &'static str,
}

/// All of them.
pub const EMOJIS: &[Emoji] = &[
    emoji(101, "[玫瑰]"),
    emoji(102, "[比心]"),
    emoji(103, "[捂脸]"),
    emoji(104, "[赞]"),
    emoji(105, "[大笑]"),
    emoji(106, "[流泪]"),
    emoji(107, "[送心]"),
    emoji(108, "[鼓掌]"),
];

const fn emoji(id: u64, text: &'static str) -> Emoji {
    Emoji { id, text }
}

const PHRASES: &[&str] = &[
    "主播好",
    "来了来了",
    "第一次来",
    "声音真好听",
    "今天播到几点",
    "这首歌叫什么",
    "求歌单",
    "晚上好呀",
    "支持支持",
    "太厉害了",
    "哈哈哈哈哈",
    "笑死我了",
    "关注了",
    "什么时候开始的",
    "有没有优惠",
    "怎么买",
    "这个颜色还有吗",
    "链接在哪里",
    "已经拍了",
    "发货快吗",
    "想听一首老歌",
    "能不能再讲一遍",
    "刚才没听清",
    "我是从朋友那里看到的",
    "明天还播吗",
    "加油",
    "别着急慢慢来",
    "好漂亮",
    "学到了",
    "说得对",
    "这一关怎么过",
    "左边左边",
    "小心后面",
    "运气真好",
    "再来一局",
    "网络有点卡",
    "画面很清楚",
    "请问适合新手吗",
    "谢谢分享",
    "下次一定",
];
const ENGLISH: &[&str] = &[
    "hello from Kuala Lumpur",
    "nice stream",
    "gg",
    "first time here",
    "what song is this?",
    "LOL",
    "love it",
    "good luck tonight",
    "can you say that again",
    "so good",
    "where is the link",
    "is this live?",
    "wow",
    "see you tomorrow",
    "greetings to everybody here",
];
const SYMBOLS: &[&str] = &[
    "😂",
    "❤️",
    "🔥",
    "👍",
    "🎉",
    "😭",
    "🌹",
    "👏",
    "💯",
    "🙏🏻",
    "👨‍👩‍👧",
    "🇨🇳",
];
const JOINTS: &[&str] = &["，", "！", " ", "~", "。", "？"];

const SURNAMES: &[&str] = &[
    "山", "云", "小", "阿", "老", "大", "林", "江", "白", "夏", "秋", "南", "北", "晴", "星", "海",
    "青", "风", "月", "雨",
];
const GIVEN: &[&str] = &[
    "上的猫",
    "里看花",
    "太阳",
    "明",
    "木匠",
    "橘子汽水",
    "间小屋",
    "边散步",
    "鸽子",
    "日限定",
    "天的风",
    "方有鱼",
    "极光",
    "空万里",
    "河漫步",
    "底捞月",
    "衫客",
    "吹麦浪",
    "半弯",
    "打芭蕉",
];
const OTHERS: &[&str] = &[
    "Mika",
    "user",
    "Lena_K",
    "Tom.H",
    "кот",
    "さくら",
    "민지",
    "OldRiver",
    "x",
    "Zoë",
    "night owl",
    "José",
    "九九",
    "ᴅᴊ阿飞",
    "用户",
];

/// One line in a chat: from one sign to some sentences.
pub(super) fn line(chance: &mut Chance) -> String {
    match chance.below(20) {
        0..=1 => chance
            .pick(SYMBOLS)
            .repeat(usize::from(chance.percent(50)) * 2 + 1),
        2 => chance.pick(EMOJIS).text.to_owned(),
        3..=5 => chance.pick(ENGLISH).to_owned(),
        6 => "6".repeat(usize::try_from(chance.between(1, 9)).unwrap_or(1)),
        _ => sentences(chance),
    }
}

fn sentences(chance: &mut Chance) -> String {
    let mut said = chance.pick(PHRASES).to_owned();
    for _ in 0..chance.skewed(6) {
        said.push_str(chance.pick(JOINTS));
        said.push_str(chance.pick(PHRASES));
    }
    if chance.percent(25) {
        said.push_str(chance.pick(EMOJIS).text);
    }
    if chance.percent(10) {
        said.push_str(chance.pick(SYMBOLS));
    }
    said
}

/// What a person is called. Not unique, as names are.
pub(super) fn name(chance: &mut Chance) -> String {
    if chance.percent(75) {
        let name = [chance.pick(SURNAMES), chance.pick(GIVEN)].concat();
        return match chance.below(10) {
            0 => name + chance.pick(SYMBOLS),
            1 => format!("{name}{}", chance.below(1_000)),
            _ => name,
        };
    }
    let name = chance.pick(OTHERS);
    let number = chance.below(10_000_000);
    if chance.percent(50) {
        format!("{name}{number}")
    } else {
        name.to_owned()
    }
}
