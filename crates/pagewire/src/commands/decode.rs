//! `pagewire decode` and `pagewire encode`: bytes that somebody has, made readable, and back.

mod arguments;
mod input;
mod pretty;
mod proto;
mod stt;
mod tars;
mod tree;
mod ws;

pub(crate) use self::arguments::{DecodeArguments, EncodeArguments};
use self::arguments::{DecodeKind, EncodeKind};
use crate::exit::Failed;

pub(crate) fn decode(arguments: &DecodeArguments) -> Result<(), Failed> {
    match &arguments.kind {
        DecodeKind::Proto(arguments) => proto::decode(arguments),
        DecodeKind::Tars(arguments) => tars::decode(arguments),
        DecodeKind::Stt(arguments) => stt::decode(arguments),
        DecodeKind::Ws(arguments) => ws::decode(arguments),
    }
}

pub(crate) fn encode(arguments: &EncodeArguments) -> Result<(), Failed> {
    match &arguments.kind {
        EncodeKind::Proto(arguments) => proto::encode(arguments),
    }
}
