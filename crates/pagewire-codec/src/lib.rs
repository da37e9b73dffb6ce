//! Bytes to values, without a socket, a file or a clock.
//!
//! Every decoder borrows from its input where it can, reads hostile bytes in bounded memory and time, and says of what it cannot read
//! where that is ([`DecodeError`]).
#![cfg_attr(
    not(test),
    warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)
)]

mod bilibili;
mod cursor;
mod error;
mod inflate;
mod json_text;
pub mod proto;
mod stt;
mod tars;
mod websocket;

pub use bilibili::{
    BILIBILI_DEPTH_MAX, BILIBILI_PACKED_MAX, BILIBILI_PACKETS_MAX, BilibiliOperation,
    BilibiliPacket, BilibiliPackets, bilibili_packets,
};
pub use error::{DecodeError, Fault, Path};
pub use inflate::{Inflater, Packing, UNPACK_LAYERS_MAX, UNPACKED_BYTES_MAX, Unpacked};
pub use json_text::write_json_text;
pub use stt::{
    DouyuPacket, DouyuPackets, DouyuSide, STT_DEPTH_MAX, STT_VALUES_MAX, SttItem, SttValue,
    SttWriter, douyu_packet, douyu_packets, stt_items, stt_value,
};
pub use tars::{
    NestedBytes, TARS_DEPTH_MAX, TARS_VALUES_MAX, TarsItems, TarsReader, TarsValue, TarsWriter,
    WupPacket,
};
pub use websocket::{
    WS_HEAD_BYTES_MAX, WS_HEADERS_MAX, WsClose, WsDeviation, WsExtension, WsFrame, WsFrames,
    WsHead, WsHeadKind, WsLengthForm, WsOpcode, accept_of, check_accept, check_heads, ws_frames,
    ws_head,
};
