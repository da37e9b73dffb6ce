//! What a connection is told before it begins.

use std::fmt;

use crate::sites::RoomFacts;

/// Whose the socket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Ours: it is opened, registered, acknowledged, kept alive and opened again.
    Direct,
    /// That of a page of the user: nothing is sent, and what the page does is followed.
    Observed,
}

/// What is done when a broadcast has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AfterEnd {
    /// Nothing more.
    Stop,
    /// The next one is waited for.
    WaitForNext,
}

/// Whether a site is asked before a socket is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AskFirst {
    /// It is, and again after refusals and ends.
    Yes,
    /// It is not: what it would say is known ([`RoomOptions::facts`]), or in the address.
    No,
}

/// What is done when a socket was refused for the last time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fallback {
    /// Nothing more.
    None,
    /// Messages are fetched by polling, which has to be signed too on most sites.
    Poll,
}

/// What a user gives of themselves. Only what they give is sent.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Credentials {
    /// The id of the account; 0 is nobody.
    pub user: u64,
    /// What lets this user into this room, such as Bilibili's token of `getDanmuInfo`.
    pub token: String,
    /// What the site gave this browser, such as Bilibili's cookie `buvid3`.
    pub device: String,
}

impl fmt::Debug for Credentials {
    /// Without the token and the cookie: logs are read by many.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// What a connection is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomOptions {
    /// Where a socket is opened, one after the other where one does not work: those of
    /// [`SiteEntry::push_addresses`](crate::SiteEntry::push_addresses), or the user's own. Only for [`Role::Direct`].
    pub addresses: Vec<String>,
    /// What is known of the room without asking. An answer's own values go over it.
    pub facts: RoomFacts,
    /// What the user gives of themselves.
    pub credentials: Credentials,
    /// Default: yes.
    pub ask_first: AskFirst,
    /// Default: wait for the next one.
    pub after_end: AfterEnd,
    /// Default: none, which is also what it is for sites whose entry has no polling address.
    pub fallback: Fallback,
}

impl Default for RoomOptions {
    fn default() -> Self {
        Self {
            addresses: Vec::new(),
            facts: RoomFacts::default(),
            credentials: Credentials::default(),
            ask_first: AskFirst::Yes,
            after_end: AfterEnd::WaitForNext,
            fallback: Fallback::None,
        }
    }
}
