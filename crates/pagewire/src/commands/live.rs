//! Events of live rooms at the command line: from which frames, which of them, and how they look.

mod arguments;
mod language;
mod line;
mod print;
#[cfg(feature = "watch")]
mod summary;
mod words;

pub(crate) use self::arguments::{EventArguments, OwnOptions, site};
pub(crate) use self::language::Language;
pub(crate) use self::print::{EventPrinter, Remarks};
#[cfg(feature = "watch")]
pub(crate) use self::{line::SECONDS, summary::summary};
