//! Which rooms are watched, by the table of sites.

use std::path::Path;

use pagewire_dial::tls::{self, Trust};
use pagewire_live::{AddressError, Reason, RoomAddress, SiteTable, State};
use pagewire_room::watch::{
    DirectSource, ShortLinkError, Watched, WatchedRoom, room_of_short_link,
};

use crate::exit::{FAILED, Failed, SUCCESS, USAGE};

/// The sites that are known, with the user's own over them.
pub(super) fn table(file: Option<&Path>) -> Result<SiteTable, Failed> {
    let shipped = SiteTable::shipped();
    let Some(file) = file else {
        return Ok(shipped);
    };
    let wrong = |why: String| Failed::new(USAGE, format!("--sites {}: {why}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    shipped
        .with(&text)
        .map_err(|error| wrong(error.to_string()))
}

/// The rooms that a person named, each once.
pub(super) async fn rooms(
    table: &SiteTable,
    named: &[String],
    ca: Option<&Path>,
) -> Result<Vec<WatchedRoom>, Failed> {
    let mut rooms: Vec<WatchedRoom> = Vec::with_capacity(named.len());
    for name in named {
        let address = match table.parse_room(name) {
            Ok(address) => address,
            Err(error) => match of_short_link(table, name, ca).await? {
                Some(address) => address,
                None => return Err(Failed::new(USAGE, no_room(name, &error))),
            },
        };
        let entry = table.get(&address.site).cloned();
        let entry = entry.expect("a room is one of a site of the table");
        if rooms.iter().all(|room| room.address != address) {
            rooms.push(WatchedRoom { entry, address });
        }
    }
    Ok(rooms)
}

/// What was kept of a room is a folder or a file, and whoever has it wants to see it.
fn no_room(name: &str, error: &AddressError) -> String {
    if Path::new(name).exists() {
        return format!(
            "{name} is a folder or a file, and no room; what was kept of a room is shown by: pagewire replay {name}"
        );
    }
    error.to_string()
}

async fn of_short_link(
    table: &SiteTable,
    link: &str,
    ca: Option<&Path>,
) -> Result<Option<RoomAddress>, Failed> {
    if table.short_link(link).is_none() {
        return Ok(None);
    }
    let source = DirectSource::new(tls::connector(&Trust::Roots(ca))?);
    let room = room_of_short_link(table, link, &source).await;
    room.map_err(|error| {
        let code = match error {
            ShortLinkError::NoRoom { .. } => USAGE,
            ShortLinkError::Failed { .. } => FAILED,
        };
        Failed::new(code, error.to_string())
    })
}

/// The exit code that the end of a room means: a broadcast that has ended is what was waited for.
pub(super) fn exit_code(watched: &Watched) -> u8 {
    match watched.status.state {
        State::Refused => of_reason(&watched.status.reason),
        _ if watched.missing > 0 => FAILED,
        State::Waiting
        | State::Connecting
        | State::Live
        | State::Stalled
        | State::Polling
        | State::Ended => SUCCESS,
    }
}

/// It ended as there was no browser for its tab.
pub(super) fn misses_tab(watched: &Watched) -> bool {
    matches!(watched.status.reason, Reason::NoTab { .. })
}

fn of_reason(reason: &Reason) -> u8 {
    match reason {
        Reason::Missing => 5,
        Reason::TooOften => 6,
        Reason::LogIn | Reason::Captcha | Reason::Denied { .. } => 7,
        Reason::GivenUp { last, .. } => of_reason(last),
        Reason::Asking
        | Reason::NotLive
        | Reason::NoAnswer(_)
        | Reason::Unclear { .. }
        | Reason::Opening
        | Reason::Entered
        | Reason::Messages
        | Reason::PageLoads
        | Reason::NoSocket
        | Reason::NoPage
        | Reason::Sent { .. }
        | Reason::NoTab { .. }
        | Reason::Handshake(_)
        | Reason::ClosedEarly { .. }
        | Reason::Unreachable(_)
        | Reason::Dropped { .. }
        | Reason::SiteCloses
        | Reason::Moved
        | Reason::Silent { .. }
        | Reason::Polling
        | Reason::Ended { .. }
        | Reason::Paused
        | Reason::Resumed
        | Reason::Masked
        | Reason::NoAddress
        | Reason::NoFact { .. } => FAILED,
    }
}
