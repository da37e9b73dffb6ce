//! What is measured: servers, cases, and their names.

use std::fmt;
use std::time::Duration;

use crate::devtools::What;
use crate::frames::Frames;
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
    pub(crate) taps: Ramp,
}

/// How many messages a second a tap is given, more and more.
#[derive(Debug)]
pub(crate) struct Ramp {
    pub(crate) rates: &'static [u32],
    /// Length of one step.
    pub(crate) seconds: f64,
    /// A step in which a message takes longer is the first that is too much.
    pub(crate) longest_delay: Duration,
}

/// What the bars are about.
pub(crate) const FULL: Scale = Scale {
    callers: [1, 16, 64],
    bytes: [32, 8 << 10],
    busy: [1, 64],
    idle: [0, 100, 8_000],
    taps: Ramp {
        rates: &[1_000, 2_000, 5_000, 10_000, 15_000, 20_000, 30_000, 40_000],
        seconds: 2.0,
        longest_delay: Duration::from_secs(1),
    },
};
/// Enough to see that everything works.
pub(crate) const QUICK: Scale = Scale {
    callers: [1, 2, 4],
    bytes: [32, 8 << 10],
    busy: [1, 4],
    idle: [0, 4, 32],
    taps: Ramp {
        rates: &[100, 200],
        seconds: 0.1,
        longest_delay: Duration::from_secs(30),
    },
};
/// Rounds in which taps are measured: a ramp takes as long as all calls of a round.
const TAP_ROUNDS: u32 = 3;

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
    /// The bare protocol.
    Evaluate(Load),
    /// The same through the hub.
    DevtoolsCall(Load),
    Tap(Frames),
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
    /// A browser, and what is attached to it.
    Devtools(What),
}

/// What a server cannot be run without, and this machine may not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Need {
    Python,
    Chromium,
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
        for bytes in self.bytes {
            let [few, _, many] = self.callers;
            for callers in [few, many] {
                let load = Load { callers, bytes };
                cases.extend([Case::Evaluate(load), Case::DevtoolsCall(load)]);
            }
        }
        cases.extend(Frames::ALL.map(Case::Tap));
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
            Self::Evaluate(_) => Server::Devtools(What::Evaluate),
            Self::DevtoolsCall(_) => Server::Devtools(What::Calls),
            Self::Tap(_) => Server::Devtools(What::Taps),
        }
    }

    pub(crate) fn is_in_round(self, number: u32) -> bool {
        !matches!(self, Self::Tap(_)) || number <= TAP_ROUNDS
    }
}

impl Server {
    /// Pages that attach to it and stay: busy and idle ones.
    pub(crate) fn pages(self) -> (usize, usize) {
        match self {
            Self::Hub { busy, idle } => (busy, idle),
            Self::Aiohttp { busy } => (busy, 0),
            Self::Reference | Self::Topic | Self::Devtools(_) => (0, 0),
        }
    }

    pub(crate) fn need(self) -> Option<Need> {
        match self {
            Self::Aiohttp { .. } => Some(Need::Python),
            Self::Devtools(_) => Some(Need::Chromium),
            Self::Reference | Self::Hub { .. } | Self::Topic => None,
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
            Self::Evaluate(load) => write!(f, "devtools, bare evaluate, {load}"),
            Self::DevtoolsCall(load) => write!(f, "devtools, hub, {load}"),
            Self::Tap(frames) => write!(f, "devtools, tap, {frames}"),
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
