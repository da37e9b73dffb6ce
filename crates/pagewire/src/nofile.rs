//! How many files and sockets this process may have open. Each connection of the hub is one.

/// The limit as the operating system keeps it: it refuses above `soft`, and this process may raise that up to `hard`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OpenFiles {
    pub(crate) soft: u64,
    pub(crate) hard: u64,
}

/// What the hub has open beside its connections: listeners, the runtime's own, standard streams. Generous.
const FILES_BESIDE: u64 = 64;
/// Where a system says "unlimited" and means less, as macOS does.
#[cfg(unix)]
const MODEST: u64 = 10_240;

impl OpenFiles {
    /// True when so many connections fit into the limit that `serve` gets by itself.
    pub(crate) fn suffices_for(files: u64, connections: usize) -> bool {
        let needed =
            u64::try_from(connections).map_or(u64::MAX, |n| n.saturating_add(FILES_BESIDE));
        files >= needed
    }

    /// What to type so that so many connections fit.
    pub(crate) fn advice(connections: usize) -> String {
        let needed =
            u64::try_from(connections).map_or(u64::MAX, |n| n.saturating_add(FILES_BESIDE));
        format!(
            "ulimit -n {needed}   (as a service: LimitNOFILE={needed}; for a user: /etc/security/limits.conf)"
        )
    }
}

/// The limit now; none where the system has no such thing.
#[cfg(unix)]
pub(crate) fn limit() -> Option<OpenFiles> {
    use rustix::process::{Resource, getrlimit};
    let limit = getrlimit(Resource::Nofile);
    Some(OpenFiles {
        soft: limit.current.unwrap_or(u64::MAX),
        hard: limit.maximum.unwrap_or(u64::MAX),
    })
}

#[cfg(not(unix))]
pub(crate) fn limit() -> Option<OpenFiles> {
    None
}

/// Raises the soft limit to the hard one, says so in the log, and gives the limit that holds then.
#[cfg(unix)]
pub(crate) fn raise() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let before = limit()?;
    let hard = getrlimit(Resource::Nofile).maximum;
    let try_to = |soft| {
        let limit = Rlimit {
            current: soft,
            maximum: hard,
        };
        setrlimit(Resource::Nofile, limit).is_ok()
    };
    if before.soft < before.hard && !try_to(hard) && before.soft < MODEST {
        try_to(Some(MODEST));
    }
    let after = limit()?;
    if after.soft > before.soft {
        tracing::info!(
            from = before.soft,
            to = after.soft,
            "limit of open files raised"
        );
    }
    Some(after.soft)
}

#[cfg(not(unix))]
pub(crate) fn raise() -> Option<u64> {
    None
}

/// Warns when so many connections do not fit.
pub(crate) fn warn_if_short(files: Option<u64>, connections_max: usize) {
    if let Some(files) = files.filter(|files| !OpenFiles::suffices_for(*files, connections_max)) {
        tracing::warn!(
            open_files_max = files,
            connections_max,
            "fewer connections fit than the hub would take; the rest waits. To have room for all: {}",
            OpenFiles::advice(connections_max)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_need_a_file_each_and_some_beside() {
        for (files, connections, ok) in [(164, 100, true), (163, 100, false), (0, 0, false)] {
            assert_eq!(OpenFiles::suffices_for(files, connections), ok, "{files}");
        }
        assert!(OpenFiles::advice(100).contains("ulimit -n 164 "));
    }
}
