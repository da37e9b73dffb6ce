//! What bytes are read as, whether they come from a file or a topic.

use std::borrow::Cow;

use pagewire_codec::proto::{MessageId, RawMessage, Schema};
use pagewire_codec::{DecodeError, Inflater, NestedBytes, Packing, UNPACKED_BYTES_MAX};
use pagewire_live::Site;

use super::arguments::{Format, LiveArguments, ProtoReading, TarsReading};
use super::pretty::pretty;
use super::tree::tree;
use super::{bilibili, proto, stt, tars};
use crate::exit::{Failed, USAGE};

/// Reads bytes as one format, those inside where they are packed as gzip or zlib.
#[derive(Debug)]
pub(crate) struct Decoder {
    reads: Reads,
    inflater: Inflater,
}

/// What is done with the bytes of a topic.
#[derive(Debug)]
pub(crate) enum Live {
    /// Each value is read by itself.
    Values(Box<Decoder>),
    /// They are frames of a room of this site, which is followed.
    Frames(Site),
}

#[derive(Debug)]
enum Reads {
    Proto(Option<(Schema, MessageId)>),
    Tars(NestedBytes),
    Stt,
    Bilibili,
}

/// What became of bytes.
#[derive(Debug, Default)]
pub(crate) struct Decoded {
    /// What could be read: one value, or one for each packet.
    pub(crate) values: Vec<Value>,
    /// What could not, with its byte and its field.
    pub(crate) errors: Vec<DecodeError>,
    /// How the bytes were packed, from the outside to the inside.
    pub(crate) packing: Vec<Packing>,
    /// Places of fields that the schema does not know.
    pub(crate) unknown_fields: usize,
}

/// Something that was read.
#[derive(Debug)]
pub(crate) enum Value {
    /// JSON without white space between its tokens.
    Json(String),
    /// A Protobuf message without a schema.
    Raw(RawMessage),
}

impl Value {
    /// On one line.
    pub(crate) fn to_json(&self) -> Cow<'_, str> {
        match self {
            Self::Json(json) => json.into(),
            Self::Raw(message) => {
                let json = serde_json::to_string(message).expect("it is JSON");
                json.into()
            }
        }
    }

    /// For people, on several lines.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Json(json) => pretty(json),
            Self::Raw(message) => tree(message),
        }
    }
}

impl Live {
    /// What was asked for, if anything was.
    pub(crate) fn new(arguments: &LiveArguments) -> Result<Option<Self>, Failed> {
        let LiveArguments {
            decode,
            proto,
            tars,
            frames,
        } = arguments;
        check_options(arguments)?;
        let decoder = match decode {
            None => return Ok(None),
            Some(Format::Proto) => Decoder::proto(proto)?,
            Some(Format::Tars) => Decoder::tars(tars),
            Some(Format::Stt) => Decoder::stt(),
            Some(Format::Bilibili) => Decoder::bilibili(),
            Some(Format::Frame) => {
                let words = "--decode frame needs --site, the site whose frames they are";
                let site = frames.site.ok_or_else(|| Failed::new(USAGE, words))?;
                return Ok(Some(Self::Frames(site)));
            }
        };
        Ok(Some(Self::Values(Box::new(decoder))))
    }
}

/// Each option belongs to one format.
fn check_options(arguments: &LiveArguments) -> Result<(), Failed> {
    let LiveArguments {
        decode,
        proto,
        tars,
        frames,
    } = arguments;
    let of_frames = frames.site.is_some() || frames.events.are_given();
    for (format, is_given, words) in [
        (
            Format::Proto,
            proto.schema.schema.is_some() || proto.raw,
            "--schema and --raw belong to --decode proto",
        ),
        (
            Format::Tars,
            tars.nested,
            "--nested belongs to --decode tars",
        ),
        (
            Format::Frame,
            of_frames,
            "--site, and options about events such as --kind and --format, belong to --decode frame",
        ),
    ] {
        if is_given && *decode != Some(format) {
            return Err(Failed::new(USAGE, words));
        }
    }
    Ok(())
}

impl Decoded {
    pub(super) fn of(result: Result<Value, DecodeError>) -> Self {
        let mut decoded = Self::default();
        decoded.push(result);
        decoded
    }

    pub(super) fn push(&mut self, result: Result<Value, DecodeError>) {
        match result {
            Ok(value) => self.values.push(value),
            Err(error) => self.errors.push(error),
        }
    }
}

impl Decoder {
    /// With its schema compiled, where there is one.
    pub(super) fn proto(arguments: &ProtoReading) -> Result<Self, Failed> {
        let schema = proto::find(&arguments.schema)?;
        Ok(Self::new(Reads::Proto(schema)))
    }

    pub(super) fn tars(arguments: &TarsReading) -> Self {
        let nested = if arguments.nested {
            NestedBytes::Guess
        } else {
            NestedBytes::Keep
        };
        Self::new(Reads::Tars(nested))
    }

    pub(super) fn stt() -> Self {
        Self::new(Reads::Stt)
    }

    pub(super) fn bilibili() -> Self {
        Self::new(Reads::Bilibili)
    }

    fn new(reads: Reads) -> Self {
        let inflater = Inflater::default();
        Self { reads, inflater }
    }

    /// What bytes with an error are not.
    pub(crate) fn name(&self) -> &str {
        match &self.reads {
            Reads::Proto(Some((schema, message))) => schema.name(*message),
            Reads::Proto(None) => "Protobuf message",
            Reads::Tars(_) => "Tars",
            Reads::Stt => "STT",
            Reads::Bilibili => "packet of Bilibili",
        }
    }

    /// Whether bytes hold any number of values, each of which may have an error of its own.
    pub(crate) const fn reads_packets(&self) -> bool {
        match self.reads {
            Reads::Stt | Reads::Bilibili => true,
            Reads::Proto(_) | Reads::Tars(_) => false,
        }
    }

    /// Reads all of the bytes.
    pub(crate) fn decode(&mut self, bytes: &[u8]) -> Decoded {
        let unpacked = match self.inflater.unpack(bytes, UNPACKED_BYTES_MAX) {
            Ok(unpacked) => unpacked,
            Err(error) => {
                // A Protobuf message with a field 15 can begin as zlib does.
                let decoded = self.read(bytes);
                if decoded.errors.is_empty() {
                    return decoded;
                }
                return Decoded::of(Err(error));
            }
        };
        let mut decoded = self.read(&unpacked.bytes);
        for packing in unpacked.layers.iter().rev() {
            let errors = decoded.errors.into_iter();
            decoded.errors = errors.map(|error| error.inside(packing.name())).collect();
        }
        decoded.packing = unpacked.layers;
        decoded
    }

    fn read(&mut self, bytes: &[u8]) -> Decoded {
        match &self.reads {
            Reads::Proto(Some((schema, message))) => proto::read(schema, *message, bytes),
            Reads::Proto(None) => Decoded::of(RawMessage::read(bytes).map(Value::Raw)),
            Reads::Tars(nested) => Decoded::of(tars::read(bytes, *nested).map(Value::Json)),
            Reads::Stt => stt::read(bytes),
            Reads::Bilibili => bilibili::read(bytes, &mut self.inflater),
        }
    }
}
