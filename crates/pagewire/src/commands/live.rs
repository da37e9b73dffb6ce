//! Events of live rooms at the command line: from which frames, which of them, and how they look.

#[cfg(feature = "decode")]
mod arguments;
mod language;
mod line;
#[cfg(feature = "decode")]
mod print;
#[cfg(feature = "watch")]
mod summary;
mod words;

#[cfg(feature = "decode")]
pub(crate) use self::arguments::{EventArguments, OwnOptions, ShowArguments, site};
pub(crate) use self::language::Language;
pub(crate) use self::line::{line, number};
#[cfg(feature = "decode")]
pub(crate) use self::print::{EventPrinter, Remarks};
#[cfg(feature = "watch")]
pub(crate) use self::summary::summary;
