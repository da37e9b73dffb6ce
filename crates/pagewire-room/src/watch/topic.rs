//! A room as a topic of the hub: `rooms/{site}/{room}`.

use bytes::Bytes;
use pagewire_hub::Hub;
use pagewire_live::{Event, RoomAddress};
use pagewire_rpc::{JsonText, Payload, TopicName};
use serde_json::json;

use super::listener::{Listener, Note, StateChange, Unread};

/// Publishes what happens in a room: events, and beside them values with `kind` `state`, `note` and
/// `unread` (`docs/protocol.md` §3.10).
#[derive(Debug)]
pub struct RoomTopic {
    hub: Hub,
    topic: TopicName,
    json: Vec<u8>,
    /// It was told that the hub has no room for one more topic.
    is_refused: bool,
}

impl RoomTopic {
    /// Of this room.
    ///
    /// # Errors
    ///
    /// The names of site and room make no topic.
    pub fn new(hub: Hub, room: &RoomAddress) -> Result<Self, pagewire_rpc::Error> {
        let topic = TopicName::new(&format!("rooms/{}/{}", room.site, room.room))?;
        Ok(Self {
            hub,
            topic,
            json: Vec::new(),
            is_refused: false,
        })
    }

    /// Where it is published.
    pub const fn topic(&self) -> &TopicName {
        &self.topic
    }

    fn publish(&mut self, json: Bytes) {
        let value = Payload::Json(JsonText::of_checked(json));
        if let Err(error) = self.hub.publish(&self.topic, &value)
            && !std::mem::replace(&mut self.is_refused, true)
        {
            tracing::warn!(topic = %self.topic, %error, "a room cannot be published");
        }
    }
}

impl Listener for RoomTopic {
    fn event(&mut self, event: &Event<'_>) {
        self.json.clear();
        event.write_json(&mut self.json);
        let json = Bytes::copy_from_slice(&self.json);
        self.publish(json);
    }

    fn unread(&mut self, unread: &Unread<'_>) {
        let json = json!({
            "kind": "unread",
            "error": unread.error.to_string(),
            "frame_bytes": unread.frame_bytes,
        });
        self.publish(json.to_string().into());
    }

    fn state(&mut self, change: &StateChange<'_>) {
        let next_step = change.reason.next_step();
        let json = json!({
            "kind": "state",
            "state": change.state.name(),
            "reason": change.reason.name(),
            "text": change.reason.to_string(),
            "text_zh": change.reason.zh(),
            "next_step": next_step.map(|[en, _]| en),
            "next_step_zh": next_step.map(|[_, zh]| zh),
            "again_in_ms": change.again_in_ms,
            "time_ms": change.time_ms,
        });
        self.publish(json.to_string().into());
    }

    fn note(&mut self, note: &Note<'_>) {
        let mut json = note.json();
        if let Some(members) = json.as_object_mut() {
            members.insert("kind".to_owned(), "note".into());
        }
        self.publish(json.to_string().into());
    }
}
