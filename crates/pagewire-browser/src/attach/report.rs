//! What attaching tells to whoever started it.

use pagewire_rpc::{PageId, TopicName};

/// Something that a person wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Report {
    /// A document became a page of the hub: programs can call it.
    PageAttached {
        /// Its id, the same over navigations.
        page: PageId,
        /// `tab`, `iframe`, …
        kind: &'static str,
        /// Its address.
        url: String,
        /// Grows with each document.
        epoch: u64,
    },
    /// A page is gone, or its document is.
    PageLeft {
        /// Its id.
        page: PageId,
        /// Why, in words.
        why: String,
    },
    /// A connection is tapped.
    TapOpened {
        /// Where its frames go.
        topic: TopicName,
    },
    /// A socket that was opened before we listened: its address is not known, and what it carried is lost.
    SocketUnseen {
        /// The page.
        page: PageId,
    },
    /// The page's own page script cannot reach the hub.
    CarrierRefused {
        /// The page.
        page: PageId,
        /// In the browser's words.
        text: String,
    },
    /// A place of a capture was found and waits to be run.
    CaptureSet {
        /// The name.
        name: String,
        /// Where.
        place: String,
    },
    /// Something is not as it should be; the rest goes on.
    Problem {
        /// In words.
        text: String,
    },
}
