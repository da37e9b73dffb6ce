//! Which build this is.

/// The commit and its date, such as `194c2d0 2026-11-22`; none in a build from a source archive or a package.
pub(crate) fn commit() -> Option<&'static str> {
    Some(env!("BUILD_COMMIT")).filter(|commit| !commit.is_empty())
}

/// Version and commit, as `--version` shows them.
pub(crate) const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), env!("BUILD_COMMIT_SUFFIX"));
