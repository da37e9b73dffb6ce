//! Finding a Chromium on this machine, running one with a profile of its own, and connecting to one that runs.

mod connect;
mod find;
mod launch;
mod profile;
mod transport;

pub use connect::{ConnectError, Endpoint, Stage, UrlFault, connect};
pub use find::{HOW_TO_GET_ONE, find, find_active_port};
pub use launch::{Browser, Ended, How, LaunchError, LaunchOptions, Window};
pub use profile::{
    PROFILE_NAME_CHARS_MAX, Profile, ProfileError, ProfileUser, named_profile, profiles_folder,
};
pub use transport::{COMMAND_BYTES_MAX, QUEUE_BYTES_MAX, Transport, TransportError};
