//! What can be given.

/// A gift that people can choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GiftKind {
    /// The site's number of it.
    pub id: u64,
    /// What it is called.
    pub name: &'static str,
    /// What one is worth, in the smallest unit of money of the site.
    pub price: u64,
}

/// All that there are: many are cheap.
pub const GIFTS: &[GiftKind] = &[
    gift(4_001, "小纸船", 1),
    gift(4_002, "一片叶子", 1),
    gift(4_003, "棒棒糖", 1),
    gift(4_004, "热茶", 2),
    gift(4_005, "小铃铛", 5),
    gift(4_006, "风车", 9),
    gift(4_007, "橘子", 10),
    gift(4_008, "Candle", 15),
    gift(4_009, "雨伞", 19),
    gift(4_010, "纸鹤", 30),
    gift(4_011, "贝壳", 52),
    gift(4_012, "望远镜", 66),
    gift(4_013, "海浪", 99),
    gift(4_014, "山间小路", 128),
    gift(4_015, "热气球", 199),
    gift(4_016, "灯塔", 299),
    gift(4_017, "帆船", 520),
    gift(4_018, "极光", 999),
    gift(4_019, "Orchestra", 1_200),
    gift(4_020, "星际列车", 3_000),
    gift(4_021, "天空之城", 10_000),
    gift(4_022, "银河", 28_888),
];

const fn gift(id: u64, name: &'static str, price: u64) -> GiftKind {
    GiftKind { id, name, price }
}
