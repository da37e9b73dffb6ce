//! Events of live rooms at the command line: from which frames, which of them, and how they look.

mod arguments;
mod line;
mod print;

pub(crate) use self::arguments::{EventArguments, OwnOptions, site};
pub(crate) use self::print::{EventPrinter, Remarks};
