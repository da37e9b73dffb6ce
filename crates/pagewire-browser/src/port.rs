//! The hub that pages of a browser go to: in this process.

use pagewire_hub::{Attachment, Carrier, Hub};
use pagewire_rpc::{Payload, TopicName};

/// The hub that pages go to.
#[derive(Debug, Clone)]
pub enum HubPort {
    /// In this process.
    Local(Hub),
}

impl HubPort {
    /// Longest message of a page, in bytes.
    pub(crate) fn message_bytes_max(&self) -> usize {
        match self {
            Self::Local(hub) => hub.options().link.message_bytes_max,
        }
    }

    /// Runs one page until it is gone.
    pub(crate) async fn drive(&self, carrier: impl Carrier, attachment: Attachment) {
        match self {
            Self::Local(hub) => {
                if let Some(turned_away) = hub.drive(carrier, attachment).await {
                    tracing::warn!(?turned_away, "a page was not let in");
                }
            }
        }
    }

    /// Publishes a value of a tap.
    #[expect(
        clippy::unused_async,
        reason = "a hub elsewhere makes its publisher wait"
    )]
    pub(crate) async fn publish(&self, topic: TopicName, payload: Payload) {
        match self {
            Self::Local(hub) => {
                if let Err(error) = hub.publish(&topic, &payload) {
                    tracing::warn!(%topic, %error, "a value of a tap was not taken");
                }
            }
        }
    }
}
