//! Douyin: acknowledgements and the cursor.

use std::borrow::Cow;

use pagewire_codec::UNPACKED_BYTES_MAX;

use super::{Heard, RESUME_BYTES_MAX, Says};
use crate::connection::options::Role;
use crate::douyin::envelope::{Around, is_response};
use crate::douyin::{PushFrame, ack_packet};
use crate::reader::Scratch;

/// Whether a frame wants an acknowledgement stands behind its messages, so it is unpacked for that; the messages are skipped. Where nothing is sent the
/// headers are enough.
pub(super) fn hear(role: Role, frame: &[u8], scratch: &mut Scratch) -> Heard {
    if is_response(frame) {
        return around(&PushFrame::default(), frame, scratch);
    }
    let Ok(push) = PushFrame::read(frame) else {
        return Heard::damaged();
    };
    match &*push.payload_type {
        "close" => Heard {
            says: Says::Closes,
            ..Heard::default()
        },
        "hb" | "ack" => Heard::default(),
        _ if role == Role::Observed && push.header("im-cursor").is_some() => of_headers(&push),
        _ => around(&push, push.payload, scratch),
    }
}

fn of_headers(push: &PushFrame<'_>) -> Heard {
    let header = |name| push.header(name).filter(|value| fits(value));
    Heard {
        sequence: (push.seq_id != 0).then_some(push.seq_id),
        cursor: header("im-cursor").map(str::to_owned),
        internal_ext: header("im-internal_ext").map(str::to_owned),
        now_ms: header("im-now").and_then(|now| now.parse().ok()),
        ..Heard::default()
    }
}

/// The headers first: where both differ they are newer.
fn around(push: &PushFrame<'_>, payload: &[u8], scratch: &mut Scratch) -> Heard {
    let Ok(unpacked) = scratch.inflater.unpack(payload, UNPACKED_BYTES_MAX) else {
        return Heard::damaged();
    };
    let Ok(around) = Around::read(&unpacked.bytes) else {
        return Heard::damaged();
    };
    let some = |text: Cow<'_, str>| fits(&text).then(|| text.into_owned());
    let some_number = |number: u64| (number != 0).then_some(number);
    let mut heard = of_headers(push);
    heard.cursor = heard.cursor.or_else(|| some(around.cursor));
    heard.internal_ext = heard.internal_ext.or_else(|| some(around.internal_ext));
    heard.now_ms = heard.now_ms.or_else(|| some_number(around.now_ms));
    heard.heartbeat_ms = some_number(around.heartbeat_s.saturating_mul(1_000));
    heard.fetch_interval_ms = some_number(around.fetch_interval_ms);
    if around.need_ack {
        heard.ack = Some(ack_packet(
            push.log_id,
            heard.internal_ext.as_deref().unwrap_or_default(),
        ));
    }
    heard
}

fn fits(text: &str) -> bool {
    (1..=RESUME_BYTES_MAX).contains(&text.len())
}
