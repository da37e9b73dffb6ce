//! Received messages as values of a hub's topic.

use std::time::Duration;

use pagewire_rpc::TopicName;
use tokio::time::timeout;

use super::payload::Payload;
use crate::cli::HubArguments;
use crate::client::{Client, json_or_text};
use crate::exit::{FAILED, Failed, USAGE};

/// A hub that takes longer over one value is as good as gone.
const PUBLISH_WAIT: Duration = Duration::from_secs(10);

/// The topic that every message goes to.
#[derive(Debug)]
pub(super) struct Topic {
    client: Client,
    path: String,
}

/// What became of a value that the hub did not take.
#[derive(Debug)]
pub(super) enum NotPublished {
    /// The hub refuses this value (too large); the next one may be fine.
    Value(String),
    /// The hub takes none.
    All(Failed),
}

impl Topic {
    /// The topic of the hub that these arguments name, once the hub answers: what is to be published shall not be lost for a typing error.
    pub(super) async fn reach(hub: &HubArguments, topic: &TopicName) -> Result<Self, Failed> {
        let client = Client::new(hub)?;
        client.get("/health").await?;
        let path = format!("/v1/topics/{}", Client::encode_path(topic.as_str()));
        Ok(Self { client, path })
    }

    /// Publishes one message: JSON byte for byte, other text as a JSON string, bytes as bytes.
    pub(super) async fn publish(&self, payload: &Payload) -> Result<(), NotPublished> {
        let publishing = async {
            match payload {
                Payload::Text(text) => self.client.post_json(&self.path, json_or_text(text)).await,
                Payload::Binary(bytes) => self.client.post_bytes(&self.path, bytes.clone()).await,
            }
        };
        match timeout(PUBLISH_WAIT, publishing).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(Failed {
                code: USAGE,
                message,
            })) => Err(NotPublished::Value(message.unwrap_or_default())),
            Ok(Err(failed)) => Err(NotPublished::All(failed)),
            Err(_) => Err(NotPublished::All(Failed::new(
                FAILED,
                format!("the hub did not take a value within {PUBLISH_WAIT:?}"),
            ))),
        }
    }
}
