//! Names that the browser gives to things. They mean nothing but themselves.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id as the browser wrote it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Ok(Self(text.into()))
            }
        }
    )+};
}

ids! {
    /// A tab, a frame in a process of its own, a worker, or the browser (`Target.TargetID`). Lives as long as the thing itself, over navigations.
    TargetId,
    /// Our attachment to one target (`Target.SessionID`, flat mode).
    SessionId,
    /// A frame of a tab (`Page.FrameId`).
    FrameId,
    /// One request or WebSocket (`Network.RequestId`), unique in its session.
    NetworkId,
    /// One parsed script (`Runtime.ScriptId`), unique in its session.
    ScriptId,
    /// A WebMCP tool at work.
    InvocationId,
}

/// A JavaScript context (`Runtime.ExecutionContextId`), unique in its session for as long as one renderer process lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContextId(pub i64);

/// A command under way, unique on its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommandId(pub u64);
