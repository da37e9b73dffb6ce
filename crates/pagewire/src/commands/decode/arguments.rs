//! The command line of `pagewire decode` and `pagewire encode`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use pagewire_live::Site;

use crate::commands::live::{EventArguments, ShowArguments, site};

#[derive(Debug, Args)]
pub(crate) struct DecodeArguments {
    #[command(subcommand)]
    pub(crate) kind: DecodeKind,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DecodeKind {
    /// A Protobuf message: by a schema as JSON, or without one as a tree of the likeliest readings · 解码 Protobuf
    Proto(ProtoArguments),
    /// Tars (JCE), as Huya sends it, and calls and answers of its RPC (WUP) · 解码 Tars
    Tars(TarsArguments),
    /// STT, as Douyu sends it, with packets around it or without · 解码 STT
    Stt(PlainArguments),
    /// Packets of Bilibili's live socket, unpacked · 解码 Bilibili 数据包
    Bilibili(PlainArguments),
    /// Frames of live rooms, as sites send them: who says what and gives how much · 解码直播间消息
    Frame(FrameArguments),
    /// WebSocket frames of a captured stream, with the handshake before them · 拆解 WebSocket 帧
    Ws(WsArguments),
}

#[derive(Debug, Args)]
pub(crate) struct TarsArguments {
    #[command(flatten)]
    pub(crate) input: InputArguments,
    #[command(flatten)]
    pub(crate) reading: TarsReading,
    /// One JSON value a line, for machines
    #[arg(long)]
    pub(crate) json: bool,
}

/// How Tars is read.
#[derive(Debug, Args)]
pub(crate) struct TarsReading {
    /// Tars: read byte lists that look like it as such too
    #[arg(long)]
    pub(crate) nested: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PlainArguments {
    #[command(flatten)]
    pub(crate) input: InputArguments,
    /// One JSON value a line, for machines
    #[arg(long)]
    pub(crate) json: bool,
}

/// Frames of one room, in their order: gifts are counted over all of them, and what comes again is shown once.
#[derive(Debug, Args)]
pub(crate) struct FrameArguments {
    #[command(flatten)]
    pub(crate) input: InputArguments,
    /// A frame is one line of a file, in hexadecimal or base64 (told apart by how it looks, where --from does not say), and not the whole file
    #[arg(long, conflicts_with_all = ["hex", "base64"])]
    pub(crate) lines: bool,
    /// The site whose frames they are
    #[arg(long, value_name = "SITE", value_parser = site())]
    pub(crate) site: Site,
    #[command(flatten)]
    pub(crate) show: ShowArguments,
}

/// Two files are both directions of one connection: the client's, then the server's.
#[derive(Debug, Args)]
pub(crate) struct WsArguments {
    #[command(flatten)]
    pub(crate) input: InputArguments,
    /// Messages are compressed (permessage-deflate); known from the handshake where it is there
    #[arg(long)]
    pub(crate) deflate: bool,
    /// Print what Sec-WebSocket-Accept must be for this Sec-WebSocket-Key
    #[arg(long, value_name = "KEY", conflicts_with_all = ["files", "hex", "base64"])]
    pub(crate) key: Option<String>,
    /// With --key: say whether this Sec-WebSocket-Accept belongs to it
    #[arg(long, value_name = "ACCEPT", requires = "key")]
    pub(crate) accept: Option<String>,
    /// One JSON object a line, for machines
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct EncodeArguments {
    #[command(subcommand)]
    pub(crate) kind: EncodeKind,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EncodeKind {
    /// A Protobuf message out of JSON, as raw bytes · 把 JSON 编码为 Protobuf
    Proto(EncodeProtoArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ProtoArguments {
    #[command(flatten)]
    pub(crate) input: InputArguments,
    #[command(flatten)]
    pub(crate) reading: ProtoReading,
    /// Print a guessed .proto file of all the inputs, which are messages of one type
    #[arg(long, conflicts_with_all = ["schema", "raw", "encode", "json"])]
    pub(crate) guess: bool,
    /// List the fields that the schema does not know, in place of those that it does
    #[arg(long, requires = "schema", conflicts_with = "encode")]
    pub(crate) unknown: bool,
    /// The other way round: JSON in, raw bytes out (as `pagewire encode proto`)
    #[arg(long, requires = "schema", conflicts_with = "raw")]
    pub(crate) encode: bool,
    /// One JSON value a line, for machines
    #[arg(long)]
    pub(crate) json: bool,
}

/// How a Protobuf message is read.
#[derive(Debug, Args)]
pub(crate) struct ProtoReading {
    #[command(flatten)]
    pub(crate) schema: SchemaArguments,
    /// Protobuf: read it without a schema (as is done where none is given)
    #[arg(long, conflicts_with = "schema")]
    pub(crate) raw: bool,
}

/// What is done with the bytes of a topic.
#[derive(Debug, Args)]
#[command(next_help_heading = "Decoding (as `pagewire decode`) · 解码")]
pub(crate) struct LiveArguments {
    /// Decode what is bytes: binary frames and bodies, and values that are bytes. Texts and JSON stay as they are. With --json, records get `decoded` or `decode_error` · 解码二进制内容
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub(crate) decode: Option<Format>,
    #[command(flatten)]
    pub(crate) proto: ProtoReading,
    #[command(flatten)]
    pub(crate) tars: TarsReading,
    #[command(flatten)]
    pub(crate) frames: FrameReading,
}

/// How frames of live rooms are read.
#[derive(Debug, Args)]
pub(crate) struct FrameReading {
    /// Frames: the site whose they are
    #[arg(long, value_name = "SITE", value_parser = site())]
    pub(crate) site: Option<Site>,
    #[command(flatten)]
    pub(crate) events: EventArguments,
}

/// What the bytes of a topic are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A Protobuf message: with --schema as JSON, without it a tree of the likeliest readings
    Proto,
    /// Tars (JCE), and calls and answers of its RPC (WUP)
    Tars,
    /// STT, with packets around it or without
    Stt,
    /// Packets of Bilibili's live socket
    Bilibili,
    /// Frames of a live room of --site: its events, each once. With --json an event a line
    Frame,
}

#[derive(Debug, Args)]
pub(crate) struct EncodeProtoArguments {
    /// A file with JSON; - is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) schema: SchemaArguments,
}

/// A message type.
#[derive(Debug, Args)]
pub(crate) struct SchemaArguments {
    /// A .proto file. What it imports is looked for beside it
    #[arg(long, value_name = "FILE")]
    pub(crate) schema: Option<PathBuf>,
    /// Look for imports in this folder too; may be repeated
    #[arg(long, short = 'I', value_name = "FOLDER")]
    pub(crate) include: Vec<PathBuf>,
    /// The message: User or shop.v1.User; may be left out where the file has only one
    #[arg(long, value_name = "NAME", requires = "schema")]
    pub(crate) message: Option<String>,
}

/// Where bytes come from.
#[derive(Debug, Args)]
pub(crate) struct InputArguments {
    /// Files with the bytes; - is standard input [default: -]
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// How the files are written
    #[arg(long, value_name = "FORM", value_enum, default_value_t = Form::Raw)]
    pub(crate) from: Form,
    /// These bytes, in hexadecimal; spaces, colons and 0x are passed over
    #[arg(long, value_name = "HEX", conflicts_with_all = ["files", "base64", "from"])]
    pub(crate) hex: Option<String>,
    /// These bytes, in base64, also of the kind for addresses
    #[arg(long, value_name = "BASE64", conflicts_with_all = ["files", "from"])]
    pub(crate) base64: Option<String>,
}

/// How bytes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// As they are.
    Raw,
    /// In hexadecimal.
    Hex,
    /// In base64.
    Base64,
}
