//! What a page says of itself and of its functions.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::name::{FunctionName, GroupName, PageId};

/// One exposed function (`docs/protocol.md` §1.4).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Function {
    /// Its name inside the group.
    pub name: FunctionName,
    /// For people and tools.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The arguments in their order; none means that nothing is known of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Vec<Parameter>>,
    /// JSON Schema of the result, or of each value of a stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// Answers with a stream. A hint: the first answer decides.
    #[serde(default)]
    pub stream: bool,
    /// May be run twice for one call: the hub asks another page when the first one is lost before it answered.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub idempotent: bool,
}

/// One argument of a function: an OpenRPC Content Descriptor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its name, for calls by name and for people.
    pub name: String,
    /// For people and tools.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Must be given. Default: may be left out.
    #[serde(default)]
    pub required: bool,
    /// JSON Schema of the value; default: anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
}

/// The parameters of `$/hello` (`docs/protocol.md` §1.3).
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Hello {
    /// The group that the page wants to join.
    pub group: GroupName,
    /// The id of an earlier welcome.
    #[serde(default)]
    pub page: Option<PageId>,
    /// The epoch of that welcome; 0 means none.
    #[serde(default)]
    pub epoch: u64,
    /// What it exposes at first.
    #[serde(default)]
    pub functions: Vec<Function>,
    /// What kind of JavaScript context it is, such as `tab`, `iframe` or `service_worker`; empty where it does not say.
    #[serde(default)]
    pub kind: String,
    /// Address of the page.
    #[serde(default)]
    pub url: String,
    /// Title of the page.
    #[serde(default)]
    pub title: String,
    /// Name and version of the page's side of the protocol.
    #[serde(default)]
    pub agent: String,
}

/// How a page's JavaScript fares, from its answer to `$/ping`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Health {
    /// By how much its event loop was late, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_ms: Option<u64>,
    /// The tab is in the background.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<bool>,
}
