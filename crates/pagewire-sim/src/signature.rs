//! The signature that the simulated page makes. The rule is made up here and is no site's: a published hash (FNV-1a, 64 bits) over a secret and the
//! text that is to be signed. It proves nothing to anybody but this simulator.

use std::fmt::Write as _;

use md5::{Digest as _, Md5};

/// Fields that are signed, in their order, with what is taken for those that an address does not have.
const FIELDS: [(&str, &str); 13] = [
    ("live_id", "1"),
    ("aid", "6383"),
    ("version_code", ""),
    ("webcast_sdk_version", ""),
    ("room_id", ""),
    ("sub_room_id", ""),
    ("sub_channel_id", ""),
    ("did_rule", "3"),
    ("user_unique_id", ""),
    ("device_platform", "web"),
    ("device_type", ""),
    ("ac", ""),
    ("identity", "audience"),
];

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// The text that is signed, of the parameters of a push address: `live_id=1,aid=6383,…`.
pub fn signed_text<'a>(parameter: impl Fn(&str) -> Option<&'a str>) -> String {
    let mut text = String::new();
    for (name, otherwise) in FIELDS {
        let comma = if text.is_empty() { "" } else { "," };
        let value = parameter(name).unwrap_or(otherwise);
        // Writing to a String does not fail.
        let _ = write!(text, "{comma}{name}={value}");
    }
    text
}

/// The MD5 of a text in lower-case hexadecimal, which the page calls `X-MS-STUB`.
pub fn stub(text: &str) -> String {
    let mut hex = String::new();
    for byte in Md5::digest(text.as_bytes()) {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// The signature of a stub by whoever knows the secret: `PW`, and the hash of `SECRET.STUB` in hexadecimal.
pub fn sign(secret: &str, stub: &str) -> String {
    let bytes = secret.bytes().chain([b'.']).chain(stub.bytes());
    let hash = bytes.fold(FNV_OFFSET, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME)
    });
    format!("PW{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_is_the_published_one() {
        // FNV-1a of ".a" by its authors' algorithm, worked out with Python.
        assert_eq!(stub("abc"), "900150983cd24fb0d6963f7d28e17f72");
        let text = signed_text(|name| match name {
            "room_id" => Some("7"),
            "user_unique_id" => Some("8"),
            _ => None,
        });
        assert_eq!(
            text,
            "live_id=1,aid=6383,version_code=,webcast_sdk_version=,room_id=7,sub_room_id=,sub_channel_id=,did_rule=3,user_unique_id=8,device_platform=web,device_type=,ac=,identity=audience"
        );
        assert_eq!(sign("", "a"), "PW07da4b07b4a09270");
        assert_ne!(sign("x", "a"), sign("y", "a"));
    }
}
