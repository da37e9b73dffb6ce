//! What is done with each frame, by us and by others.

use std::fmt;

use anyhow::{Context as _, Result};
use flate2::{Decompress, FlushDecompress};
use libdeflater::Decompressor;
use pagewire_codec::{Inflater, Packing, UNPACKED_BYTES_MAX};
use pagewire_live::douyin::{PushFrame, Response, message_of, schema};
use pagewire_live::{Body, FrameReader, Site};
use prost::Message;

use super::types::{plain, short};

/// From a frame to what is wanted of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Job {
    /// Unpacking alone.
    Libdeflate,
    /// Unpacking alone.
    ZlibRs,
    /// Unpacking alone, as the product does it.
    Inflater,
    /// The events of a frame as lines of JSON, as the product writes them.
    Events,
    /// Every field of each message to JSON, as the product does it.
    EveryField,
    /// The same, fields with their default values too.
    Prost,
    /// The same.
    ProstShort,
}

impl Job {
    pub(crate) const ALL: [Self; 7] = [
        Self::Libdeflate,
        Self::ZlibRs,
        Self::Inflater,
        Self::Events,
        Self::EveryField,
        Self::Prost,
        Self::ProstShort,
    ];
    /// The floor is the fastest of them.
    pub(crate) const UNGZIP: [Self; 3] = [Self::Libdeflate, Self::ZlibRs, Self::Inflater];
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Libdeflate => "ungzip, libdeflate",
            Self::ZlibRs => "ungzip, zlib-rs by flate2",
            Self::Inflater => "ungzip, pagewire-codec",
            Self::Events => "events to JSON lines, pagewire-live",
            Self::EveryField => "every field to JSON, pagewire-codec",
            Self::Prost => "every field to JSON, prost + serde_json",
            Self::ProstShort => "every field to JSON, prost + serde_json without defaults",
        })
    }
}

/// What a job made of a frame, to be compared with what it must be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) unpacked_bytes: u64,
    /// Messages that were written as JSON.
    pub(crate) messages: u64,
    /// Their bytes.
    pub(crate) json_bytes: u64,
}

impl std::ops::AddAssign for Done {
    fn add_assign(&mut self, other: Self) {
        self.unpacked_bytes += other.unpacked_bytes;
        self.messages += other.messages;
        self.json_bytes += other.json_bytes;
    }
}

/// All that is kept from frame to frame.
pub(crate) struct Worker {
    job: Job,
    inflater: Inflater,
    deflate: Decompress,
    libdeflate: Decompressor,
    unpacked: Vec<u8>,
    json: Vec<u8>,
    reader: FrameReader,
}

impl Worker {
    pub(crate) fn new(job: Job) -> Self {
        Self {
            job,
            inflater: Inflater::default(),
            deflate: Decompress::new(false),
            libdeflate: Decompressor::new(),
            unpacked: Vec::new(),
            json: Vec::new(),
            reader: FrameReader::new(Site::Douyin),
        }
    }

    pub(crate) fn work(&mut self, frame: &[u8]) -> Result<Done> {
        match self.job {
            Job::Libdeflate => self.libdeflate(PushFrame::read(frame)?.payload)?,
            Job::ZlibRs => self.zlib_rs(PushFrame::read(frame)?.payload)?,
            Job::Inflater => self.inflater(frame)?,
            Job::Events => return self.events(frame),
            Job::EveryField => return self.every_field(frame),
            Job::Prost => return self.prost(frame),
            Job::ProstShort => return self.prost_short(frame),
        }
        Ok(Done {
            unpacked_bytes: self.unpacked.len() as u64,
            ..Done::default()
        })
    }

    /// With the size that the packed bytes tell of themselves.
    fn libdeflate(&mut self, packed: &[u8]) -> Result<()> {
        let size = packed.last_chunk().context("gzip has a size")?;
        self.unpacked.resize(u32::from_le_bytes(*size) as usize, 0);
        self.libdeflate
            .gzip_decompress(packed, &mut self.unpacked)?;
        Ok(())
    }

    /// The deflate stream between head and tail, and its checksum.
    fn zlib_rs(&mut self, packed: &[u8]) -> Result<()> {
        let size = packed.last_chunk().context("gzip has a size")?;
        let stream = packed.get(10..).context("gzip has a head")?;
        self.unpacked.clear();
        self.unpacked
            .reserve(u32::from_le_bytes(*size) as usize + 1);
        self.deflate.reset(false);
        self.deflate
            .decompress_vec(stream, &mut self.unpacked, FlushDecompress::Finish)?;
        let mut crc = flate2::Crc::new();
        crc.update(&self.unpacked);
        let tail = packed
            .get(packed.len() - 8..)
            .and_then(|tail| tail.first_chunk());
        anyhow::ensure!(tail == Some(&crc.sum().to_le_bytes()), "the checksum fits");
        Ok(())
    }

    fn inflater(&mut self, frame: &[u8]) -> Result<()> {
        let packed = PushFrame::read(frame)?.payload;
        let into = &mut self.unpacked;
        self.inflater
            .inflate_into(Packing::Gzip, packed, UNPACKED_BYTES_MAX, into)?;
        Ok(())
    }

    /// Who gave most stands in messages of counts, and is an event besides; all others are one for each message.
    fn events(&mut self, frame: &[u8]) -> Result<Done> {
        let (mut done, mut failed) = (Done::default(), None);
        let Self { reader, json, .. } = self;
        json.clear();
        reader.read(frame, 0, |event| match event {
            Ok(event) => {
                event.write_json(json);
                json.push(b'\n');
                let is_besides =
                    matches!(&event.body, Body::Rank(rank) if rank.name == "contributors");
                done.messages += u64::from(!is_besides);
            }
            Err(error) => failed = Some(error),
        });
        done.json_bytes = json.len() as u64;
        failed.map_or(Ok(done), |error| Err(error.into()))
    }

    fn every_field(&mut self, frame: &[u8]) -> Result<Done> {
        self.inflater(frame)?;
        let response = Response::read(&self.unpacked);
        let mut done = Done {
            unpacked_bytes: self.unpacked.len() as u64,
            ..Done::default()
        };
        for message in &response.messages {
            let Some(id) = message_of(&message.method) else {
                continue;
            };
            self.json.clear();
            schema().to_json(id, message.payload, &mut self.json)?;
            done.messages += 1;
            done.json_bytes += self.json.len() as u64;
        }
        Ok(done)
    }
}

/// The types of a module of generated ones, by the methods of their messages.
macro_rules! by_method {
    ($name:ident, $module:ident, $($kind:ident)*) => {
        impl Worker {
            fn $name(&mut self, frame: &[u8]) -> Result<Done> {
                let frame = $module::PushFrame::decode(frame)?;
                self.zlib_rs(&frame.payload)?;
                let response = $module::Response::decode(&*self.unpacked)?;
                let mut done = Done { unpacked_bytes: self.unpacked.len() as u64, ..Done::default() };
                for message in &response.messages {
                    self.json.clear();
                    let (from, to) = (&*message.payload, &mut self.json);
                    match &*message.method {
                        $(concat!("Webcast", stringify!($kind)) => serde_json::to_writer(to, &$module::$kind::decode(from)?)?,)*
                        _ => continue,
                    }
                    done.messages += 1;
                    done.json_bytes += self.json.len() as u64;
                }
                Ok(done)
            }
        }
    };
}

/// All that is made up and known.
macro_rules! kinds {
    ($($name:ident in $module:ident;)*) => {
        $(by_method! { $name, $module,
            ChatMessage EmojiChatMessage GiftMessage LightGiftMessage LikeMessage MemberMessage SocialMessage FansclubMessage RoomUserSeqMessage
            RoomStatsMessage RoomRankMessage ControlMessage RoomMessage LinkerContributeMessage
        })*
    };
}

kinds! {
    prost in plain;
    prost_short in short;
}
