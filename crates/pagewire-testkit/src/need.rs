//! What a test needs of the machine: there, or skipped by name, or failed where everything is required.

use std::env;
use std::path::PathBuf;

/// The value, or `None` after saying what is missing. With `PAGEWIRE_REQUIRE_ALL=1` missing is failing.
pub fn need<T>(what: &str, found: Option<T>) -> Option<T> {
    if found.is_none() {
        assert!(
            env::var_os("PAGEWIRE_REQUIRE_ALL").is_none_or(|value| value != "1"),
            "{what} is missing"
        );
        eprintln!("SKIPPED: {what} is missing");
    }
    found
}

/// A Chromium, or a skip.
pub fn chromium() -> Option<PathBuf> {
    need(
        "Chromium (Debian package chromium)",
        pagewire_browser::find(),
    )
}

/// A program named by an environment variable or found on the search path, or a skip.
pub fn program(variable: &str, name: &str) -> Option<PathBuf> {
    let named = env::var_os(variable).map(PathBuf::from);
    let path = env::var_os("PATH").unwrap_or_default();
    let found = || {
        env::split_paths(&path)
            .map(|folder| folder.join(name))
            .find(|file| file.is_file())
    };
    need(name, named.or_else(found))
}

/// True under `./check --long`: full counts and soaks.
pub fn is_long() -> bool {
    env::var_os("PAGEWIRE_TEST_LONG").is_some()
}
