//! The hub that pages of a browser go to.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use pagewire_hub::{Attachment, Hub};
use pagewire_rpc::{LinkOptions, Payload, TopicName};

use crate::attach::PageCarrier;

/// The hub that pages go to.
#[derive(Debug, Clone)]
pub enum HubPort {
    /// In this process.
    Local(Hub),
    /// In another one.
    Remote(Arc<dyn RemoteHub>),
}

/// A hub in another process.
pub trait RemoteHub: fmt::Debug + Send + Sync {
    /// Runs one page until it is gone. What `attachment` says holds for the page, not for us.
    fn drive(&self, carrier: PageCarrier, attachment: Attachment) -> BoxFuture<'_, ()>;

    /// Publishes a value of a tap; waits while the hub does not keep up.
    fn publish(&self, topic: TopicName, payload: Payload) -> BoxFuture<'_, ()>;
}

impl HubPort {
    /// Longest message of a page, in bytes. A hub elsewhere has its own limit too.
    pub(crate) fn message_bytes_max(&self) -> usize {
        match self {
            Self::Local(hub) => hub.options().link.message_bytes_max,
            Self::Remote(_) => LinkOptions::default().message_bytes_max,
        }
    }

    /// Runs one page until it is gone.
    pub(crate) async fn drive(&self, carrier: PageCarrier, attachment: Attachment) {
        match self {
            Self::Local(hub) => {
                if let Some(turned_away) = hub.drive(carrier, attachment).await {
                    tracing::warn!(?turned_away, "a page was not let in");
                }
            }
            Self::Remote(hub) => hub.drive(carrier, attachment).await,
        }
    }

    /// Publishes a value of a tap.
    pub(crate) async fn publish(&self, topic: TopicName, payload: Payload) {
        match self {
            Self::Local(hub) => {
                if let Err(error) = hub.publish(&topic, &payload) {
                    tracing::warn!(%topic, %error, "a value of a tap was not taken");
                }
            }
            Self::Remote(hub) => hub.publish(topic, payload).await,
        }
    }
}
