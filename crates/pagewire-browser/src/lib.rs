//! Browsers of the Chromium family: finding one, running one with a profile of its own, connecting to one that runs, and making its
//! documents pages of a hub ([`attach`]).

mod attach;
mod connect;
mod find;
mod launch;
mod port;
mod profile;
mod transport;

pub use attach::{
    AttachOptions, Code, Detached, Dialogs, PageCarrier, Present, Reach, Reloads, Report,
    UserScript, WantedPage, attach,
};
pub use connect::{ConnectError, Endpoint, Stage, UrlFault, connect};
pub use find::{HOW_TO_GET_ONE, find, find_active_port};
pub use launch::{Browser, Ended, How, LaunchError, LaunchOptions, Window};
pub use port::{HubPort, RemoteHub};
pub use profile::{
    PROFILE_NAME_CHARS_MAX, Profile, ProfileError, ProfileUser, named_profile, profiles_folder,
};
pub use transport::{COMMAND_BYTES_MAX, QUEUE_BYTES_MAX, Transport, TransportError};
