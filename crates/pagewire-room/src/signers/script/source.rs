//! The file of a script, and when it changed.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

/// Longest script, in bytes.
pub const SCRIPT_BYTES_MAX: u64 = 8 << 20;

/// A script as it was when it was read.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) stamp: Stamp,
    pub(super) text: Arc<str>,
}

/// What tells that a file changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
}

impl Source {
    pub(super) fn read(file: &Path) -> Result<Self, String> {
        let stamp = Stamp::of(file)?;
        if stamp.length > SCRIPT_BYTES_MAX {
            return Err(format!(
                "it has {} bytes, more than {SCRIPT_BYTES_MAX}",
                stamp.length
            ));
        }
        let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
        Ok(Self {
            stamp,
            text: text.into(),
        })
    }
}

impl Stamp {
    pub(super) fn of(file: &Path) -> Result<Self, String> {
        let facts = std::fs::metadata(file).map_err(|error| error.to_string())?;
        if !facts.is_file() {
            return Err("it is no file".to_owned());
        }
        Ok(Self {
            modified: facts.modified().ok(),
            length: facts.len(),
        })
    }
}
