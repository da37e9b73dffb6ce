//! The outer limits of the child process, for the case that a script breaks out of the engine's.

use std::io;

/// What the process may map beyond the script's memory: the program itself, the source, the C library's own.
#[cfg(unix)]
const PROCESS_BYTES: u64 = 128 << 20;

/// No more memory than that, no file or socket that is not open yet, no process.
#[cfg(unix)]
pub(super) fn confine(memory_bytes: usize) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let set = |resource, limit| {
        let limit = Rlimit {
            current: Some(limit),
            maximum: Some(limit),
        };
        setrlimit(resource, limit).map_err(io::Error::from)
    };
    set(Resource::Core, 0)?;
    // Standard input, output and error are open.
    set(Resource::Nofile, 3)?;
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    set(Resource::Nproc, 0)?;
    // macOS refuses it, or does not keep to it; the engine's own limit holds there.
    #[cfg(target_os = "linux")]
    set(
        Resource::As,
        PROCESS_BYTES.saturating_add(memory_bytes as u64),
    )?;
    #[cfg(not(target_os = "linux"))]
    let _ = (memory_bytes, PROCESS_BYTES);
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn confine(_memory_bytes: usize) -> io::Result<()> {
    Ok(())
}
