//! Parts that many messages have: pictures, people, rich texts.

use pagewire_codec::proto::Writer;

use crate::made::people::{Club, Gender, Person};

/// Hosts that have the same pictures.
const HOSTS: [&str; 3] = ["p3", "p6", "p9"];

/// An `Image` of so many hosts, with its average colour.
fn photo(image: &mut Writer, path: &str, hosts: usize) {
    addresses(image, path, hosts);
    image.text(5, "#A3A3CC");
}

/// An `Image` that stands beside a text: of levels (1) and of clubs (51).
fn mark(image: &mut Writer, path: &str, [height, width]: [u64; 2], kind: u64) {
    addresses(image, path, 1);
    image.varint(3, height).varint(4, width).varint(6, kind);
}

fn addresses(image: &mut Writer, path: &str, hosts: usize) {
    for host in HOSTS.iter().take(hosts) {
        image.text(1, &format!("https://{host}-pic.example.com/{path}"));
    }
    let name = path.rsplit('/').next().unwrap_or_default();
    image.text(2, name.split(['~', '?']).next().unwrap_or_default());
}

/// A `User`.
pub(super) fn user(user: &mut Writer, person: &Person) {
    let Person { id, name, .. } = person;
    user.varint(1, *id).varint(2, *id % 9_000_000_000);
    user.text(3, name);
    match person.gender {
        Gender::Unknown => {}
        Gender::Male => {
            user.varint(4, 1);
        }
        Gender::Female => {
            user.varint(4, 2);
        }
    }
    for (number, size, hosts) in [(9, 100, 3), (10, 720, 2), (11, 1080, 1)] {
        let path = format!(
            "aweme/{size}x{size}/aweme-avatar/made-up_{}.jpeg?from=3067671334",
            person.picture
        );
        user.message(number, |image| photo(image, &path, hosts));
    }
    badges(user, 21, person);
    user.message(22, |follow| {
        follow
            .varint(1, person.following)
            .varint(2, person.followers);
    });
    user.message(23, |grade| pay_grade(grade, person.level));
    user.message(24, |club| fans_club(club, person.club.as_ref()));
    user.message(32, |rights| {
        if person.is_admin {
            rights.varint(2, 1);
        }
    });
    user.text(38, &format!("dy{}", *id % 9_000_000_000));
    user.text(46, &format!("MS4wLjABAAAA{}", person.handle));
    user.varint(54, 3);
    badges(user, 61, person);
    user.varint(66, 1).text(68, name);
    user.text(1028, &id.to_string());
}

/// Pictures beside a name: level and club.
fn badges(user: &mut Writer, number: u32, person: &Person) {
    if person.level > 0 {
        let path = format!(
            "img/webcast/new_user_grade_level_v1_{}.png~tplv-obj.image",
            person.level
        );
        user.message(number, |image| mark(image, &path, [16, 32], 1));
    }
    if let Some(club) = &person.club {
        user.message(number, |image| {
            let path = format!(
                "img/webcast/fansclub_new_advanced_badge_{}_xmp.png~tplv-obj.image",
                club.level
            );
            mark(image, &path, [16, 58], 51);
            image.message(8, |content| {
                content
                    .text(1, club.name)
                    .text(2, "#FFFFFF")
                    .varint(3, club.level);
                content.text(4, &format!("粉丝团等级{}级", club.level));
            });
        });
    }
}

fn pay_grade(grade: &mut Writer, level: u64) {
    if level == 0 {
        return;
    }
    grade.varint(6, level);
    for (number, name, size) in [
        (19, "new_user_grade_level_v1", [16, 32]),
        (20, "aweme_pay_grade_2x", [12, 12]),
    ] {
        let path = format!("img/webcast/{name}_{level}.png~tplv-obj.image");
        grade.message(number, |image| mark(image, &path, size, 1));
    }
    grade.text(22, "").varint(25, level * 1_000);
}

fn fans_club(fans_club: &mut Writer, club: Option<&Club>) {
    fans_club.message(1, |data| {
        if let Some(club) = club {
            data.text(1, club.name).varint(2, club.level).varint(3, 1);
            data.message(4, |badge| {
                for size in [2, 4] {
                    badge.message(1, |entry| {
                        let path = format!(
                            "img/webcast/fansclub_level_v6_{}.png~tplv-obj.image",
                            club.level
                        );
                        entry.varint(1, size);
                        entry.message(2, |image| mark(image, &path, [16, 58], 51));
                    });
                }
            });
            data.packed(5, [4_001, 4_002]).varint(6, club.host);
        } else {
            data.message(4, |badge| {
                badge.message(1, |entry| {
                    entry.varint(1, 0).bytes(2, &[]);
                });
            });
        }
    });
}

/// A `Text` with pieces.
pub(super) fn text(text: &mut Writer, key: &str, pattern: &str, pieces: impl FnOnce(&mut Writer)) {
    text.text(1, key).text(2, pattern);
    text.message(3, |format| {
        format.text(1, "#B8FFFFFF").varint(4, 400);
    });
    pieces(text);
}

/// A piece that is a person.
pub(super) fn user_piece(text: &mut Writer, person: &Person) {
    text.message(4, |piece| {
        piece.varint(1, 11);
        piece.message(2, |format| {
            format.text(1, "#8CE7FF").varint(4, 400);
        });
        piece.message(21, |value| {
            value.message(1, |inner| user(inner, person));
        });
    });
}

/// A piece that is a text.
pub(super) fn text_piece(text: &mut Writer, said: &str) {
    text.message(4, |piece| {
        piece.varint(1, 1);
        piece.message(2, |format| {
            format.text(1, "#FFFFFF").varint(4, 400);
        });
        piece.text(11, said);
    });
}

/// A piece that is a picture.
pub(super) fn image_piece(text: &mut Writer, path: &str) {
    text.message(4, |piece| {
        piece.varint(1, 15);
        piece.message(25, |value| {
            value.message(1, |image| mark(image, path, [36, 36], 1));
            value.fixed32(2, 1.5_f32.to_bits());
        });
    });
}

/// A `PublicAreaCommon`.
pub(super) fn public_area(area: &mut Writer, spent: u64) {
    area.message(1, |image| {
        mark(
            image,
            "img/webcast/userlabel_regular_chat.png~tplv-obj.image",
            [16, 32],
            0,
        );
    });
    if spent > 0 {
        area.varint(2, spent).varint(3, spent / 7 + 1);
    }
    area.varint(4, spent % 97);
    for (name, value) in [("is_strategy_insert", "0"), ("strategy_version", "v3")] {
        area.message(5, |entry| {
            entry.text(1, name).text(2, value);
        });
    }
    area.varint(8, 1);
    for (name, value) in [("chat_source", "live_room"), ("pin_scene", "none")] {
        area.message(11, |entry| {
            entry.text(1, name).text(2, value);
        });
    }
}

/// A `GiftStruct`.
pub(super) fn gift(gift: &mut Writer, kind: &crate::made::GiftKind, is_combo: bool) {
    let path = format!("img/webcast/gift_made_up_{}.png~tplv-obj.image", kind.id);
    gift.message(1, |image| mark(image, &path, [64, 64], 0));
    gift.text(2, &format!("送出{}", kind.name)).varint(3, 1);
    gift.varint(4, 1_000).varint(5, kind.id).varint(7, 1);
    if is_combo {
        gift.varint(10, 1);
    }
    gift.varint(11, 1).varint(12, kind.price).varint(13, 1);
    gift.varint(14, kind.id * 3 % 1_999);
    gift.text(16, kind.name).text(18, "点亮粉丝团，连送更精彩");
    let path = format!(
        "img/webcast/gift_made_up_{}_icon.png~tplv-obj.image",
        kind.id
    );
    gift.message(21, |image| photo(image, &path, 1));
    gift.text(41, "");
    gift.message(47, |image| {
        photo(
            image,
            &format!("img/webcast/gift_made_up_{}_live.webp", kind.id),
            1,
        )
    });
    gift.packed(55, [kind.id, kind.id + 1]);
    gift.message(74, |image| {
        photo(
            image,
            &format!("img/webcast/gift_made_up_{}.webp", kind.id),
            1,
        )
    });
}
