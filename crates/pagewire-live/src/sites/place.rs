//! Where the tab of a room is.

use super::address::{RoomAddress, host};
use super::entry::SiteEntry;

/// Where the tab of a room is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TabAt {
    /// At the room's page.
    Room,
    /// At another address: mostly the site wants a log-in.
    Away {
        /// Without its query.
        address: String,
        /// It is a log-in page of the table, whatever the room's own state is.
        is_log_in: bool,
    },
    /// Away no longer, and not at the room either: what it was sent away for is done, and the room can be loaded.
    Left,
    /// At an error page of the browser: the page could not be loaded.
    Failed,
    /// At no address of the web: it is closed, or empty.
    Gone,
}

impl SiteEntry {
    /// Where a tab is by its address, if it has one, and by where it was away before.
    ///
    /// A log-in may lead over many pages, also of others. It is done when the tab is at the room's own host again, at no log-in page of the table and not
    /// where it was sent first.
    pub fn tab_at(
        &self,
        room: &RoomAddress,
        away_before: Option<&str>,
        address: Option<&str>,
    ) -> TabAt {
        let is_web = |address: &&str| {
            let scheme = address.split_once("://").map(|(scheme, _)| scheme);
            matches!(scheme, Some("http" | "https"))
        };
        let Some(address) = address.filter(is_web) else {
            let is_error = address.is_some_and(|address| address.starts_with(ERROR_PAGES));
            return if is_error { TabAt::Failed } else { TabAt::Gone };
        };
        let away = |is_log_in| TabAt::Away {
            address: without_query(address).to_owned(),
            is_log_in,
        };
        if self.is_log_in(address) {
            return away(true);
        }
        if self.is_page_of(room, address) {
            return TabAt::Room;
        }
        let is_home = |address: &str| host(address).eq_ignore_ascii_case(host(&room.page));
        match away_before {
            Some(before) if is_home(address) && place(before) != place(address) => TabAt::Left,
            Some(_) | None => away(false),
        }
    }

    fn is_page_of(&self, room: &RoomAddress, address: &str) -> bool {
        let mut rooms = self.rooms.iter().filter_map(|room| room.read(address));
        place(address) == place(&room.page) || rooms.any(|(name, _)| name == room.room)
    }
}

/// Where Chromium is while it says that it could not load a page.
const ERROR_PAGES: &str = "chrome-error:";

fn without_query(address: &str) -> &str {
    address.split(['?', '#']).next().unwrap_or_default()
}

/// Host, port and path.
fn place(address: &str) -> &str {
    let address = without_query(address);
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.strip_suffix('/').unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sites::SiteTable;

    #[test]
    fn a_tab_is_away_until_the_log_in_is_done() {
        let table = SiteTable::shipped();
        let away = |address: &str, is_log_in| TabAt::Away {
            address: address.to_owned(),
            is_log_in,
        };
        let (login, sms) = ("https://www.huya.com/login", "https://udblgn.huya.com/sms");
        for (before, address, at) in [
            (None, "https://www.huya.com/kpl", TabAt::Room),
            (None, "https://www.huya.com/kpl/?from=x#top", TabAt::Room),
            (None, "https://m.huya.com/kpl", TabAt::Room),
            (None, "about:blank", TabAt::Gone),
            (None, "chrome-error://chromewebdata/", TabAt::Failed),
            (
                None,
                "https://www.huya.com/login?next=kpl",
                away(login, false),
            ),
            (
                Some(login),
                "https://www.huya.com/login?sms=1",
                away(login, false),
            ),
            (Some(login), sms, away(sms, true)),
            (
                Some(login),
                "https://evil.test/kpl",
                away("https://evil.test/kpl", false),
            ),
            (Some(login), "https://www.huya.com/", TabAt::Left),
            (Some(sms), "https://www.huya.com/l", TabAt::Left),
            (Some(sms), "https://www.huya.com/kpl", TabAt::Room),
            (Some(login), "chrome://newtab/", TabAt::Gone),
        ] {
            let room = table.parse_room("huya:kpl").expect("a room");
            let huya = table.get("huya").expect("a site");
            assert_eq!(
                huya.tab_at(&room, before, Some(address)),
                at,
                "{before:?} {address}"
            );
            assert_eq!(huya.tab_at(&room, before, None), TabAt::Gone);
        }
        // A log-in page of the table stays one, though its host is the room's and it is another page.
        let sim = table.get("sim").expect("a site");
        let room = table
            .parse_room("http://127.0.0.1:8/live/r")
            .expect("a room");
        let login = "http://127.0.0.1:8/login";
        let before = Some("http://127.0.0.1:8/welcome");
        assert_eq!(sim.tab_at(&room, before, Some(login)), away(login, true));
    }
}
