//! JSON to messages.

use prost_reflect::prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage};

use super::schema::{MessageId, Schema};

/// Why JSON is no message of a type.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct EncodeError(#[from] serde_json::Error);

impl Schema {
    /// A message out of canonical Protobuf JSON, fields in the order of their numbers.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] with line and column: not JSON, a field that the schema does not have, or a value that does not fit. The largest `float`,
    /// ±3.4028235e+38, is one that does not, as prost-reflect compares it with what it stands for before it is rounded.
    pub fn to_bytes(&self, message: MessageId, json: &str) -> Result<Vec<u8>, EncodeError> {
        let descriptor = self.descriptor(message);
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let message = DynamicMessage::deserialize(descriptor, &mut deserializer)?;
        deserializer.end()?;
        Ok(message.encode_to_vec())
    }

    pub(super) fn descriptor(&self, message: MessageId) -> prost_reflect::MessageDescriptor {
        let pool: &DescriptorPool = &self.pool;
        let mut messages = pool.all_messages();
        messages
            .nth(message.0)
            .expect("ids are given by the schema")
    }
}
