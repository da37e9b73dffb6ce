//! What the site itself sent.

use std::borrow::Cow;

use pagewire_codec::{DecodeError, NestedBytes, SttValue, TarsValue};
use serde::Serialize;
use serde_json::Value;

use crate::douyin;
use crate::model::{IntoOwned as _, names};

/// The site's own message of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SitePart<'a> {
    /// How it is written.
    pub format: SiteFormat,
    /// Its bytes.
    pub bytes: Cow<'a, [u8]>,
}

names! {
    /// How sites write messages.
    pub enum SiteFormat {
        /// Protobuf, of Douyin's schema.
        Douyin = "douyin",
        /// Protobuf, of no schema that we have.
        Protobuf = "protobuf",
        /// Tars.
        Tars = "tars",
        /// STT.
        Stt = "stt",
        /// JSON.
        Json = "json",
        /// Bytes of no format that has fields.
        Bytes = "bytes",
        /// The event was not read, but worked out from others.
        None = "none",
    }
}

impl SitePart<'_> {
    /// Of an event that no message alone tells.
    pub const NONE: SitePart<'static> = SitePart {
        format: SiteFormat::None,
        bytes: Cow::Borrowed(&[]),
    };

    /// With bytes of its own.
    pub fn into_owned(self) -> SitePart<'static> {
        SitePart {
            format: self.format.into_owned(),
            bytes: Cow::Owned(self.bytes.into_owned()),
        }
    }
}

impl SitePart<'_> {
    /// Appends it as JSON, and says whether it could be read; where not, nothing is appended.
    pub(super) fn write_json(&self, method: &str, out: &mut Vec<u8>) -> bool {
        let before = out.len();
        let written = match self.format {
            SiteFormat::Douyin => douyin::write_json(method, &self.bytes, out),
            SiteFormat::Protobuf => douyin::write_raw_json(&self.bytes, out),
            SiteFormat::Tars => written(TarsValue::decode(&self.bytes, NestedBytes::Guess), out),
            SiteFormat::Stt => written(SttValue::decode(&self.bytes), out),
            // JSON is passed on as it came: key order and numbers survive. An event is a line, and line breaks of JSON stand between its tokens alone.
            // What many cannot read, such as 1e999 and lists a thousand deep, would cost them the event; it stands one deeper there.
            SiteFormat::Json => {
                let in_event = [b"[", &*self.bytes, b"]"].concat();
                let is_json = serde_json::from_slice::<[Value; 1]>(&in_event).is_ok();
                if is_json {
                    let lines = self.bytes.split(|byte| matches!(byte, b'\n' | b'\r'));
                    lines.for_each(|line| out.extend_from_slice(line));
                }
                is_json
            }
            SiteFormat::Bytes | SiteFormat::None => false,
        };
        if !written {
            out.truncate(before);
        }
        written
    }
}

fn written(value: Result<impl Serialize, DecodeError>, out: &mut Vec<u8>) -> bool {
    value.is_ok_and(|value| serde_json::to_writer(out, &value).is_ok())
}
