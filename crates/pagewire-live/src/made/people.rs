//! Who is there.

use std::sync::Arc;

use super::chance::Chance;
use super::words;

/// Somebody in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Unique.
    pub id: u64,
    /// Need not be unique.
    pub name: String,
    /// Male, female, or not told.
    pub gender: Gender,
    /// How far they have come by paying; 0 to 60.
    pub level: u64,
    /// The club they are in.
    pub club: Option<Club>,
    /// How many follow them.
    pub followers: u64,
    /// How many they follow.
    pub following: u64,
    /// What pictures of them are named by.
    pub picture: String,
    /// A second id, of letters, as sites give it for addresses.
    pub handle: String,
    /// Rules the room beside its host.
    pub is_admin: bool,
}

/// What sites ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gender {
    /// Not told.
    Unknown,
    /// A man.
    Male,
    /// A woman.
    Female,
}

/// The club of the people who like a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Club {
    /// What it is called.
    pub name: &'static str,
    /// How far in it; 1 to 20.
    pub level: u64,
    /// Whose it is.
    pub host: u64,
}

const CLUBS: &[&str] = &["星光", "小鱼干", "南风团", "守护者", "米粒"];
const HEX: &[u8] = b"0123456789abcdef";
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

pub(super) fn person(chance: &mut Chance, host: u64) -> Arc<Person> {
    let id = match chance.below(4) {
        // Ids are of several ages, and so of several lengths.
        0 => chance.between(50_000_000_000, 120_000_000_000),
        1 => chance.between(100_000_000_000_000, 999_999_999_999_999),
        2 => chance.between(1_000_000_000_000_000, 4_000_000_000_000_000),
        _ => chance.between(6_500_000_000_000_000_000, 7_500_000_000_000_000_000),
    };
    let club = chance.percent(40).then(|| {
        let (level, is_here) = (chance.skewed(20) + 1, chance.percent(80));
        Club {
            name: chance.pick(CLUBS),
            level,
            host: if is_here {
                host
            } else {
                chance.between(1_000_000, 9_000_000)
            },
        }
    });
    Arc::new(Person {
        id,
        name: words::name(chance),
        gender: chance.weighted(&[(3, Gender::Unknown), (4, Gender::Male), (4, Gender::Female)]),
        level: if chance.percent(70) {
            chance.skewed(61)
        } else {
            0
        },
        club,
        followers: chance.skewed(20_000),
        following: chance.skewed(4_000),
        picture: chance.text(HEX, 32),
        handle: chance.text(LETTERS, 40),
        is_admin: chance.percent(2),
    })
}
