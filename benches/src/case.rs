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
    /// Pages that answer: as few as the fewest callers and as many as the most.
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

/// The process that a case measures. Each lives for the whole run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Server {
    /// Both echoes.
    Reference,
    Hub {
        busy: usize,
        idle: usize,
    },
    /// A hub whose one page publishes.
    Topic,
    Aiohttp {
        busy: usize,
    },
}

impl Scale {
    /// Everything, in the order of a round. What is compared stands together, so that a machine that grows slower or faster does so for both.
    pub(crate) fn cases(&self) -> Vec<Case> {
        let mut cases = Vec::new();
        for bytes in self.bytes {
            for callers in self.callers {
                self.add_calls(Load { callers, bytes }, &mut cases);
            }
        }
        cases.extend([Form::NdJson, Form::WebSocket].map(Case::Publishing));
        cases
    }

    fn add_calls(&self, load: Load, cases: &mut Vec<Case>) {
        cases.push(Case::HttpEcho(load));
        let connections = load.callers;
        if load.bytes == self.bytes[0] && self.busy.contains(&connections) {
            cases.push(Case::WebSocketEcho { connections });
        }
        for idle in self.idle {
            cases.extend(self.busy.map(|busy| Case::Hub { busy, idle, load }));
        }
        cases.extend(self.busy.map(|busy| Case::Aiohttp { busy, load }));
    }
}

impl Case {
    pub(crate) fn server(self) -> Server {
        match self {
            Self::HttpEcho(_) | Self::WebSocketEcho { .. } => Server::Reference,
            Self::Hub { busy, idle, .. } => Server::Hub { busy, idle },
            Self::Publishing(_) => Server::Topic,
            Self::Aiohttp { busy, .. } => Server::Aiohttp { busy },
        }
    }
}

impl Server {
    /// Pages that attach to it and stay: busy and idle ones.
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
                let connections = counted(*connections, "connection");
                write!(f, "bare WebSocket echo, {connections}")
            }
            Self::Hub { busy, idle, load } => {
                write!(f, "hub, {}", counted(*busy, "page"))?;
                if *idle > 0 {
                    write!(f, " and {idle} idle")?;
                }
                write!(f, ", {load}")
            }
            Self::Publishing(form) => write!(f, "publishing 1 KiB to one {form} subscriber"),
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
