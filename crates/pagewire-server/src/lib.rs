//! The faces of the hub: the page socket, HTTP for programs, and who may use them (`docs/protocol.md` §3 and §4).
//!
//! The life of one HTTP call: `access::guard` → `calls::call` → [`pagewire_hub::Hub::call`] → the page's driver → `calls::answer`.

mod access;
mod assets;
mod calls;
mod entrance;
mod home;
mod listener;
mod metrics;
mod pages;
mod plain;
mod problem;
mod public_url;
mod query;
mod refusals;
mod server;
mod socket;
mod status;
mod token;
mod topics;
mod userscript;

pub use access::{Access, AllowedOrigin, Origin, OriginError, TrustedProxy, TrustedProxyError};
pub use pagewire_hub::show_duration;
pub use public_url::{PublicUrl, PublicUrlError};
pub use query::parse_duration;
pub use server::{BindError, PlainPattern, Server, ServerOptions};
pub use token::{SECRET_BYTES_MIN, Secret, SecretError, Token};
