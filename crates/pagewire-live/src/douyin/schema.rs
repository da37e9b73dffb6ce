//! Every field that is known, for JSON of whole messages.

use std::collections::HashMap;
use std::sync::OnceLock;

use pagewire_codec::proto::{MessageId, Schema};

const FILE: &str = "douyin.proto";

/// The schema, `pagewire.douyin`. Compiled at the first call, which takes some milliseconds.
///
/// # Panics
///
/// Never: the schema is a part of this crate, and its tests compile it.
pub fn schema() -> &'static Schema {
    static SCHEMA: OnceLock<Schema> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let text = |name: &str| (name == FILE).then(|| include_str!("douyin.proto").to_owned());
        Schema::compile(FILE, text).expect("a test compiles it")
    })
}

/// The type of the messages with this method, such as `ChatMessage` for `WebcastChatMessage`; none where it is not known.
pub fn message_of(method: &str) -> Option<MessageId> {
    static BY_METHOD: OnceLock<HashMap<String, MessageId>> = OnceLock::new();
    let by_method = BY_METHOD.get_or_init(|| schema().messages().filter_map(method_of).collect());
    by_method.get(method).copied()
}

/// The method of messages of a type. What is around messages, and their parts, has none.
fn method_of((id, full_name): (MessageId, &str)) -> Option<(String, MessageId)> {
    let name = full_name.strip_prefix("pagewire.douyin.")?;
    let is_kind = name.ends_with("Message") && name != "Message";
    is_kind.then(|| (format!("Webcast{name}"), id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_lead_to_the_types_of_their_messages() {
        let chat = message_of("WebcastChatMessage").expect("it is known");
        assert_eq!(schema().name(chat), "pagewire.douyin.ChatMessage");
        for method in [
            "WebcastPushFrame",
            "WebcastMessage",
            "ChatMessage",
            "WebcastUser",
            "",
        ] {
            assert_eq!(message_of(method), None, "{method}");
        }
    }
}
