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

/// Fewer connections than this are worth a warning: they are what one busy machine comes to, and systems allow more.
pub(crate) const CONNECTIONS_FEW: usize = 1_024;

impl OpenFiles {
    /// The connections that fit into this limit. At least one.
    pub(crate) fn room(files: u64) -> usize {
        let room = files.saturating_sub(FILES_BESIDE).max(1);
        usize::try_from(room).unwrap_or(usize::MAX)
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

/// The connections that the hub takes where it would take `connections_max`: as many as fit into the limit of open files. Says in the log when
/// those are fewer.
pub(crate) fn fit(connections_max: usize, files: Option<u64>) -> usize {
    let Some(files) = files else {
        return connections_max;
    };
    let room = OpenFiles::room(files);
    if room >= connections_max {
        return connections_max;
    }
    if room < CONNECTIONS_FEW {
        tracing::warn!(
            open_files_max = files,
            connections_max = room,
            "the limit of open files leaves room for few connections; the rest waits. To have room for {connections_max}: {}",
            OpenFiles::advice(connections_max)
        );
    } else {
        tracing::info!(
            open_files_max = files,
            connections_max = room,
            "connections limited to what the limit of open files allows, {connections_max} otherwise"
        );
    }
    room
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_need_a_file_each_and_some_beside() {
        for (files, room) in [(164, 100), (65, 1), (64, 1), (0, 1)] {
            assert_eq!(OpenFiles::room(files), room, "{files}");
        }
        for (files, taken) in [
            (None, 100),
            (Some(165), 100),
            (Some(164), 100),
            (Some(163), 99),
        ] {
            assert_eq!(fit(100, files), taken, "{files:?}");
        }
        assert!(OpenFiles::advice(100).contains("ulimit -n 164 "));
    }
}
