//! How the rooms fare, on one line.

use pagewire_live::{State, Status};

use crate::commands::live::Language;

/// How one room fares.
#[derive(Debug, Clone)]
pub(crate) struct RoomStatus {
    pub(crate) status: Status,
    pub(crate) viewers: Option<u64>,
    pub(crate) messages_per_s: f64,
    pub(crate) time_ms: u64,
}

/// The line below all others.
pub(crate) fn line<'r>(
    rooms: impl IntoIterator<Item = Option<&'r RoomStatus>>,
    language: Language,
) -> String {
    let rooms: Vec<_> = rooms.into_iter().collect();
    match rooms[..] {
        [Some(room)] => of_room(room, language),
        _ => of_rooms(&rooms, language),
    }
}

fn of_room(room: &RoomStatus, language: Language) -> String {
    let RoomStatus { status, .. } = room;
    let mut parts = vec![called(status.state, language).to_owned()];
    if status.masked {
        parts.push(language.of("masked", "已脱敏").to_owned());
    }
    if let Some(viewers) = room.viewers {
        parts.push(format!("{} {viewers}", language.of("viewers", "观众")));
    }
    parts.push(format!("{:.1}/s", room.messages_per_s));
    if let Some(delay_ms) = status.delay_ms {
        parts.push(format!(
            "{} {}",
            language.of("delay", "延迟"),
            seconds(delay_ms, language)
        ));
    }
    if let Some(last_ms) = status.last_frame_ms {
        let ago_ms = room.time_ms.saturating_sub(last_ms);
        let ago = seconds(i64::try_from(ago_ms).unwrap_or(i64::MAX), language);
        parts.push(match language {
            Language::English => format!("last frame {ago} ago"),
            Language::Chinese => format!("上一帧 {ago}前"),
        });
    }
    if status.sequence_gaps > 0 {
        parts.push(format!(
            "{} {}",
            language.of("missing", "缺失"),
            status.sequence_gaps
        ));
    }
    if status.reconnects() > 0 {
        parts.push(format!(
            "{} {}",
            language.of("reconnects", "重连"),
            status.reconnects()
        ));
    }
    parts.join(" · ")
}

fn of_rooms(rooms: &[Option<&RoomStatus>], language: Language) -> String {
    let mut parts = vec![match language {
        Language::English => format!("{} rooms", rooms.len()),
        Language::Chinese => format!("{} 个直播间", rooms.len()),
    }];
    let count_of = |state: State| {
        let known = rooms.iter().flatten();
        known.filter(|room| room.status.state == state).count()
    };
    for one in [
        State::Live,
        State::Polling,
        State::Waiting,
        State::Connecting,
        State::Stalled,
        State::Ended,
        State::Refused,
    ] {
        let count = count_of(one);
        if count > 0 {
            parts.push(format!("{} {count}", called(one, language)));
        }
    }
    let rate: f64 = rooms.iter().flatten().map(|room| room.messages_per_s).sum();
    parts.push(format!("{rate:.1}/s"));
    parts.join(" · ")
}

const fn called(state: State, language: Language) -> &'static str {
    match language {
        Language::English => state.name(),
        Language::Chinese => state.zh(),
    }
}

/// `0.4 s`
fn seconds(ms: i64, language: Language) -> String {
    let sign = if ms < 0 { "-" } else { "" };
    let ms = ms.unsigned_abs();
    let unit = language.of("s", "秒");
    format!("{sign}{}.{} {unit}", ms / 1_000, ms % 1_000 / 100)
}
