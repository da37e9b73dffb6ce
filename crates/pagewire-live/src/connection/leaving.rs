//! When a room leaves the tab of its page for a socket of one's own.

use super::options::Credentials;
use super::reason::Reason;
use super::status::State;
use crate::event::Site;
use crate::sites::SiteEntry;

/// Whether a room that is watched through a tab is better off with a socket of one's own: what is so is the tab's fault and not the room's, and such
/// a socket needs nothing of the user that they did not give.
pub fn goes_direct(
    entry: &SiteEntry,
    credentials: &Credentials,
    state: State,
    reason: &Reason,
) -> bool {
    needs_nothing_more(entry, credentials) && is_of_the_tab(state, reason)
}

/// Nobody has to sign, and whoever has to be let in has what it takes.
fn needs_nothing_more(entry: &SiteEntry, credentials: &Credentials) -> bool {
    let lets_in = match entry.format {
        Site::Bilibili => !credentials.token.is_empty(),
        Site::Douyin | Site::Huya | Site::Douyu | Site::Tiktok => true,
    };
    entry.signing.is_none() && entry.asks() && !entry.push.is_empty() && lets_in
}

fn is_of_the_tab(state: State, reason: &Reason) -> bool {
    match state {
        State::Waiting | State::Refused => {}
        // It works, or is on its way; of a page that fell silent loading it again is tried first.
        State::Connecting | State::Live | State::Stalled | State::Polling | State::Ended => {
            return false;
        }
    }
    match reason {
        Reason::NoTab { .. } | Reason::NoSocket => true,
        // What a site wants of a person is that person's to give, and not to be gone round.
        Reason::LogIn | Reason::Captcha | Reason::Sent { .. } => false,
        // The room is as it is, however one asks.
        Reason::NotLive | Reason::Missing | Reason::Ended { .. } => false,
        // Who is told so asks less often, and not once more in another way.
        Reason::TooOften => false,
        Reason::Asking
        | Reason::NoAnswer(_)
        | Reason::Unclear { .. }
        | Reason::Opening
        | Reason::Entered
        | Reason::Messages
        | Reason::PageLoads
        | Reason::NoPage
        | Reason::Handshake(_)
        | Reason::Denied { .. }
        | Reason::ClosedEarly { .. }
        | Reason::Unreachable(_)
        | Reason::Dropped { .. }
        | Reason::SiteCloses
        | Reason::Moved
        | Reason::Silent { .. }
        | Reason::Polling
        | Reason::Paused
        | Reason::Resumed
        | Reason::Masked
        | Reason::NoAddress
        | Reason::NoFact { .. }
        | Reason::GivenUp { .. } => false,
    }
}
