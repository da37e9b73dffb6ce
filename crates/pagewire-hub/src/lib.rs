//! The hub: which pages are attached, which of them answers a call, and the topics they publish.
//!
//! - [`Hub::call`] finds a page, asks it and gives the one end of the call.
//! - [`Hub::drive`] runs one attached page over a [`Carrier`]; `pagewire_rpc::Link` inside it is the protocol.
//! - [`Topics`] keeps what was published and hands it to any number of subscribers.
//!
//! Nothing here knows HTTP, WebSocket or a browser.

mod answer;
mod attentive;
mod call;
mod carrier;
mod driver;
mod hints;
mod hub;
mod inbox;
mod metrics;
mod outbox;
mod page;
mod registry;
mod requests;
mod scope;
mod topic;

/// Maps on the way of every call. Seeded anew in each run, so that nobody can choose names that fall together.
type FastMap<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;

pub use answer::{Answer, CallStream, Failure, FailureReason, Reply};
pub use call::{CallRequest, Target};
pub use carrier::{Carrier, CarrierError, Outbound};
pub use driver::TurnedAway;
pub use hints::{Cause, Hints, Left, show_duration};
pub use hub::{Drained, Hub, HubCounts, HubOptions, fresh_page_id, random_text};
pub use metrics::{DURATION_BUCKETS_MS, FunctionMetrics, MetricsSnapshot};
pub use page::{CallCounts, PageHealth, PageInfo, TapInfo};
pub use registry::{Attachment, Grant, GroupPolicy, GroupRules, NotFound, Routing};
pub use scope::{Pattern, Scope, ScopeError, Scopes};
pub use topic::{
    Cursor, FilterRefused, Notice, PassedOver, PublishError, Published, Record, SlowReader, Start,
    SubscribeError, Subscription, TopicInfo, TopicOptions, Topics,
};
