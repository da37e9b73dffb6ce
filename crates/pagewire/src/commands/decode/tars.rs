//! Tars, also called JCE.

use pagewire_codec::{DecodeError, NestedBytes, TarsValue, WupPacket};
use serde::{Serialize, Serializer};

/// Fields, or a call or an answer, as JSON.
pub(super) fn read(bytes: &[u8], nested: NestedBytes) -> Result<String, DecodeError> {
    if is_wup(bytes) {
        return wup(bytes, nested);
    }
    TarsValue::decode(bytes, nested).map(|value| to_json(&value))
}

/// A call or an answer of the RPC over Tars begins with its own length; fields would need a tag there that nobody uses.
fn is_wup(bytes: &[u8]) -> bool {
    let length = bytes
        .first_chunk()
        .map(|length| u32::from_be_bytes(*length));
    length.is_some_and(|length| usize::try_from(length) == Ok(bytes.len()))
}

#[derive(Serialize)]
struct Wup<'a> {
    version: i64,
    request_id: i64,
    servant: &'a str,
    function: &'a str,
    #[serde(serialize_with = "as_object")]
    arguments: Vec<(&'a str, TarsValue<'a>)>,
}

fn wup(bytes: &[u8], nested: NestedBytes) -> Result<String, DecodeError> {
    let packet = WupPacket::decode(bytes)?;
    let decode = |(name, value)| {
        let value = TarsValue::decode(value, nested);
        let value = value.map_err(|error: DecodeError| error.inside(name))?;
        Ok((name, value))
    };
    let arguments = packet.arguments()?.into_iter().map(decode);
    Ok(to_json(&Wup {
        version: packet.version,
        request_id: packet.request_id,
        servant: packet.servant,
        function: packet.function,
        arguments: arguments.collect::<Result<_, DecodeError>>()?,
    }))
}

fn as_object<S: Serializer>(arguments: &[(&str, TarsValue<'_>)], to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(arguments.iter().map(|(name, value)| (name, value)))
}

fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("it is JSON")
}
