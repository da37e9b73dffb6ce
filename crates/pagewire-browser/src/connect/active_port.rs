//! `DevToolsActivePort`: the file in a folder of user data in which a browser says where its debugging port is. Its first line is the port, its second the
//! path of the WebSocket.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use super::ConnectError;
use crate::find::{ACTIVE_PORT, find_active_port};

/// Longest file that is read, in bytes; Chromium writes about 60.
pub(super) const ACTIVE_PORT_BYTES_MAX: u64 = 4_096;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct ActivePort {
    pub(super) port: u16,
    pub(super) path: String,
}

impl ActivePort {
    /// Reads the file. It is so short that this does not block.
    pub(super) fn read(folder: &Path) -> Result<Self, ConnectError> {
        let file = folder.join(ACTIVE_PORT);
        let text = read_short(&file).map_err(|error| {
            let folder = folder.to_owned();
            if error.kind() == io::ErrorKind::NotFound {
                return ConnectError::NoActivePort { folder };
            }
            let why = error.to_string();
            ConnectError::ActivePort { folder, why }
        })?;
        Self::parse(&text).ok_or_else(|| ConnectError::ActivePort {
            folder: folder.to_owned(),
            why: "it holds no port and path".to_owned(),
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let port = lines.next()?.trim().parse().ok()?;
        let path = lines.next()?.trim();
        // Chromium writes 0 for the moment between opening the file and the port.
        (port != 0 && path.starts_with('/')).then(|| Self {
            port,
            path: path.to_owned(),
        })
    }
}

fn read_short(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    let mut limited = File::open(file)?.take(ACTIVE_PORT_BYTES_MAX + 1);
    let read = limited.read_to_string(&mut text)?;
    if read as u64 > ACTIVE_PORT_BYTES_MAX {
        let why = format!("it is longer than {ACTIVE_PORT_BYTES_MAX} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    Ok(text)
}

/// The path that a browser of this user said it has at this port.
pub(super) fn path_at(port: u16) -> Option<String> {
    let said = find_active_port().into_iter();
    said.filter_map(|folder| ActivePort::read(&folder).ok())
        .find(|said| said.port == port)
        .map(|said| said.path)
}
