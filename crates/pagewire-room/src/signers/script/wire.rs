//! What is said with the process that runs a script: JSON texts, one a line.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The first line for the process. Each further one is a request.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Setup {
    /// Its name, for messages.
    pub(super) file: String,
    pub(super) source: String,
    pub(super) function: String,
    pub(super) memory_bytes: usize,
    pub(super) time_ms: u64,
}

/// A line of the process.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Said {
    /// The script called `console`.
    Log { level: String, text: String },
    /// The script is loaded, and has the function.
    Ready,
    /// What the function gave, as JSON.
    Answer(Box<RawValue>),
    /// There is no answer.
    Fault(ScriptFault),
}

/// Why a script gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum ScriptFault {
    /// It threw, or cannot be compiled.
    #[error("{message}{}", At(.at))]
    Threw {
        /// The error as the script words it.
        message: String,
        /// Where, if it is known.
        at: Option<ScriptPlace>,
    },
    /// There is no such function.
    #[error(
        "there is no such function; the file has to declare it at its top level (found: {found})"
    )]
    NoFunction {
        /// What is there in its place.
        found: String,
    },
    /// It was stopped because it took too long.
    #[error("it ran longer than {after_ms} ms and was stopped{}", At(.at))]
    Slow {
        /// How long it may take.
        after_ms: u64,
        /// Where it was, if that is known.
        at: Option<ScriptPlace>,
    },
    /// It took more memory than it may.
    #[error("it took more than {limit_bytes} bytes of memory and was stopped{}", At(.at))]
    Memory {
        /// How much it may take.
        limit_bytes: usize,
        /// Where it was, if that is known.
        at: Option<ScriptPlace>,
    },
    /// It waits for what cannot come.
    #[error("its promise is never settled: there are no timers and no network in a script")]
    NeverSettled,
    /// What it gave has no JSON.
    #[error("it gave {kind}, which is no answer; return a text, {{signature}} or {{url, headers}}")]
    NoAnswer {
        /// What it gave.
        kind: String,
    },
    /// What it gave is too long.
    #[error("its answer has {bytes} bytes of JSON, more than {limit}")]
    TooLong {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        limit: usize,
    },
}

/// A place in a script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptPlace {
    /// The function, if it has a name.
    pub function: Option<String>,
    /// The line, from 1; none where the engine knows only the function.
    pub line: Option<u32>,
}

impl fmt::Display for ScriptPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, &self.function) {
            (Some(line), Some(function)) => write!(f, "line {line} in {function}"),
            (Some(line), None) => write!(f, "line {line}"),
            (None, Some(function)) => write!(f, "in {function}"),
            (None, None) => f.write_str("somewhere"),
        }
    }
}

/// ` (line 3 in sign)`, or nothing.
struct At<'a>(&'a Option<ScriptPlace>);

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(place) => write!(f, " ({place})"),
            None => Ok(()),
        }
    }
}

impl ScriptFault {
    /// The same in Chinese.
    pub fn zh(&self) -> String {
        match self {
            Self::Threw { message, at } => format!("抛出异常：{message}{}", At(at)),
            Self::NoFunction { found } => {
                format!("没有这个函数，文件须在顶层声明它（现为：{found}）")
            }
            Self::Slow { after_ms, at } => format!("运行超过 {after_ms} 毫秒，已被终止{}", At(at)),
            Self::Memory { limit_bytes, at } => {
                format!("占用内存超过 {limit_bytes} 字节，已被终止{}", At(at))
            }
            Self::NeverSettled => {
                "其 Promise 永远不会完成：脚本中没有定时器，也没有网络".to_owned()
            }
            Self::NoAnswer { kind } => {
                format!(
                    "返回了 {kind}，不是有效回答；请返回字符串、{{signature}} 或 {{url, headers}}"
                )
            }
            Self::TooLong { bytes, limit } => format!("回答的 JSON 有 {bytes} 字节，超过 {limit}"),
        }
    }
}
