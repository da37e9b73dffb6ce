//! A schema with every kind of field, for us and for the library.

use std::sync::LazyLock;

use pagewire_codec::proto::{MessageId, Schema};
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};

/// The messages that targets read and write.
pub const MESSAGES: [&str; 2] = ["fuzz.All", "fuzz.Old"];
const FILE: &str = "old.proto";

static SCHEMA: LazyLock<Schema> =
    LazyLock::new(|| Schema::compile(FILE, text).expect("the schema has no mistake"));
static LIBRARY: LazyLock<DescriptorPool> = LazyLock::new(descriptors);

/// By our reader.
pub fn schema() -> &'static Schema {
    &SCHEMA
}

/// One of [`MESSAGES`] by its place, any number.
pub fn message(place: u8) -> MessageId {
    schema().message(name(place)).expect("it is in the schema")
}

fn name(place: u8) -> &'static str {
    MESSAGES[usize::from(place) % MESSAGES.len()]
}

/// JSON by the library alone. None where it does not read the bytes.
pub fn json_by_library(place: u8, bytes: &[u8]) -> Option<serde_json::Value> {
    let message: Option<MessageDescriptor> = LIBRARY.get_message_by_name(name(place));
    let message = DynamicMessage::decode(message.expect("it is in the schema"), bytes).ok()?;
    let json = serde_json::to_string(&message).ok()?;
    serde_json::from_str(&json).ok()
}

/// Appends a message as JSON and reads it. None where the bytes are no message.
pub fn json_by_us(place: u8, bytes: &[u8]) -> Option<serde_json::Value> {
    let mut out = Vec::new();
    schema().to_json(message(place), bytes, &mut out).ok()?;
    Some(serde_json::from_slice(&out).expect("JSON"))
}

fn text(name: &str) -> Option<String> {
    let text = match name {
        FILE => include_str!("old.proto"),
        "all_kinds.proto" => include_str!("all_kinds.proto"),
        _ => return None,
    };
    Some(text.to_owned())
}

struct Files;

impl FileResolver for Files {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        let text = text(name).ok_or_else(|| protox::Error::file_not_found(name))?;
        File::from_source(name, &text)
    }
}

fn descriptors() -> DescriptorPool {
    let mut files = ChainFileResolver::new();
    files.add(Files);
    files.add(GoogleFileResolver::new());
    let mut compiler = protox::Compiler::with_file_resolver(files);
    compiler.include_imports(true);
    compiler.open_file(FILE).expect("the schema has no mistake");
    compiler.descriptor_pool()
}

/// Messages of the schema as JSON, by their place in [`MESSAGES`].
pub const JSON_SEEDS: [(u8, &str); 5] = [
    (
        0,
        r#"{"aDouble":1.5,"aFloat":-0.25,"anInt32":-1,"anInt64":"-9223372036854775808","aUint32":4294967295,"aUint64":"18446744073709551615",
        "aSint32":-2147483648,"aSint64":"5","aFixed32":7,"aFixed64":"8","anSfixed32":-9,"anSfixed64":"-10","aBool":true,"aString":"主播好\n\"",
        "someBytes":"/wD+","color":"COLOR_MINUS","far":"far","another \"name\"":1}"#,
    ),
    (
        0,
        r#"{"inner":{"inner":{"chosenText":""}},"numbers":[1,-2,300],"texts":["","a"],"list":[{},{"chosenNumber":0},{"chosen":{"maybe":0}}],
        "doubles":[1e300,"NaN","-Infinity"],"colors":["COLOR_RED",5],"fixed":[1,2],"truths":[true,false]}"#,
    ),
    (
        0,
        r#"{"byName":{"":{},"x":{"anInt32":1}},"byNumber":{"-1":"minus","1":""},"byTruth":{"true":"COLOR_RED","false":"COLOR_NONE"},"bySint":{"-5":0.5}}"#,
    ),
    (
        0,
        r#"{"at":"2026-01-02T03:04:05.000000006Z","took":"-1.5s","loose":{"a":[1,null,{"b":true}],"c":"d"},"wrapped":"0","nothing":null,
        "any":{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1s"}}"#,
    ),
    (
        1,
        r#"{"part":{"n":0,"item":[{"s":"a","inner":{"packed":[1,2]}},{}]},"text":"","all":{"anInt32":1},"level":"LOW","chosen":{"b":"AAE="}}"#,
    ),
];
