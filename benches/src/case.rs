//! What is measured: servers, cases, and their names.

use std::fmt;

use crate::publishing::Form;

/// How many of what.
#[derive(Debug)]
pub(crate) struct Scale {
    /// One, some and many callers.
    pub(crate) callers: [usize; 3],
    /// Lengths of a call's body: a small and a large one.
    pub(crate) bytes: [usize; 2],
    /// Pages that answer: one and many.
    pub(crate) busy: [usize; 2],
    /// Further pages that only are there: none, some and many.
    pub(crate) idle: [usize; 3],
}

/// What the bars are about.
pub(crate) const FULL: Scale = Scale {
    callers: [1, 16, 64],
    bytes: [32, 8 << 10],
    busy: [1, 64],
    idle: [0, 100, 8_000],
};
/// Enough to see that everything works.
pub(crate) const QUICK: Scale = Scale {
    callers: [1, 2, 4],
    bytes: [32, 8 << 10],
    busy: [1, 4],
    idle: [0, 4, 32],
};

/// The servers, in the order in which a round starts them: the references right before the hub without idle pages, so that a
/// machine that grows slower or faster does so for both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    Reference,
    Hub { busy: usize, idle: usize },
    Topic,
    Aiohttp { busy: usize },
}

/// One measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Case {
    HttpEcho(Load),
    WebSocketEcho {
        connections: usize,
    },
    Hub {
        busy: usize,
        idle: usize,
        load: Load,
    },
    Publishing(Form),
    Aiohttp {
        busy: usize,
        load: Load,
    },
}

/// How a server is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Load {
    pub(crate) callers: usize,
    pub(crate) bytes: usize,
}

impl Scale {
    pub(crate) fn servers(&self) -> impl Iterator<Item = Server> + use<> {
        let busy = self.busy;
        let hubs = self.idle.into_iter();
        let hubs = hubs.flat_map(move |idle| busy.map(|busy| Server::Hub { busy, idle }));
        let aiohttp = busy.map(|busy| Server::Aiohttp { busy });
        [Server::Reference]
            .into_iter()
            .chain(hubs)
            .chain([Server::Topic])
            .chain(aiohttp)
    }

    /// All that is measured of a server.
    pub(crate) fn cases(&self, server: Server) -> Vec<Case> {
        let bytes = self.bytes;
        let loads = self.callers.into_iter();
        let loads = loads.flat_map(|callers| bytes.map(|bytes| Load { callers, bytes }));
        match server {
            Server::Reference => {
                let connections = self.busy.into_iter();
                let sockets = connections.map(|connections| Case::WebSocketEcho { connections });
                loads.map(Case::HttpEcho).chain(sockets).collect()
            }
            Server::Hub { busy, idle } => {
                loads.map(|load| Case::Hub { busy, idle, load }).collect()
            }
            Server::Topic => [Form::NdJson, Form::WebSocket].map(Case::Publishing).into(),
            Server::Aiohttp { busy } => loads.map(|load| Case::Aiohttp { busy, load }).collect(),
        }
    }
}

impl Server {
    /// Pages that attach to it: busy and idle ones.
    pub(crate) fn pages(self) -> (usize, usize) {
        match self {
            Self::Hub { busy, idle } => (busy, idle),
            Self::Aiohttp { busy } => (busy, 0),
            Self::Reference | Self::Topic => (0, 0),
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HttpEcho(load) => write!(f, "bare HTTP echo, {load}"),
            Self::WebSocketEcho { connections } => {
                write!(
                    f,
                    "bare WebSocket echo, {}",
                    counted(*connections, "connection")
                )
            }
            Self::Hub {
                busy,
                idle: 0,
                load,
            } => write!(f, "hub, {}, {load}", counted(*busy, "page")),
            Self::Hub { busy, idle, load } => {
                write!(f, "hub, {} and {idle} idle, {load}", counted(*busy, "page"))
            }
            Self::Publishing(form) => write!(f, "publishing to one {form} subscriber"),
            Self::Aiohttp { busy, load } => {
                write!(f, "hub in Python, {}, {load}", counted(*busy, "page"))
            }
        }
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} B", counted(self.callers, "caller"), self.bytes)
    }
}

/// `1 page`, `64 pages`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
