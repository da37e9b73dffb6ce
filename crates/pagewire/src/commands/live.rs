//! Events of live rooms at the command line: from which frames, which of them, and how they look.

mod arguments;
#[cfg(feature = "watch")]
mod language;
mod line;
mod print;
#[cfg(feature = "watch")]
mod summary;
#[cfg(feature = "watch")]
mod words;

pub(crate) use self::arguments::{EventArguments, OwnOptions, site};
pub(crate) use self::print::{EventPrinter, Remarks};
#[cfg(feature = "watch")]
pub(crate) use self::{language::Language, line::SECONDS, summary::summary};
