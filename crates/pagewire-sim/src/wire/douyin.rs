//! Douyin's envelope: a `PushFrame` around a packed `Response`.

use pagewire_codec::proto::Writer;
use pagewire_live::douyin::PushFrame;
use pagewire_live::made::Written;

use super::{Said, Unit, gzip};

/// Cursors hold the number of the next message in the place of the site's own id, after this.
const CURSOR_BASE: u64 = 7_000_000_000_000_000_000;

/// One connection.
#[derive(Debug)]
pub(crate) struct DouyinWire {
    room: u64,
    /// How often the client is to say that it is there.
    heartbeat_s: u64,
    /// Frames so far.
    sequence: u64,
}

/// What else a response says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answered {
    pub(crate) room: u64,
    pub(crate) heartbeat_s: u64,
    /// The number of the message that comes next.
    pub(crate) next: u64,
    pub(crate) now_ms: u64,
    /// How often to ask again, where the room has no socket.
    pub(crate) polling_ms: Option<u64>,
}

impl Answered {
    /// Around what nobody goes on from.
    pub(super) const fn alone(room: u64, now_ms: u64) -> Self {
        Self {
            room,
            heartbeat_s: 0,
            next: 0,
            now_ms,
            polling_ms: None,
        }
    }
}

/// `fetch_type`: the numbers are made up here; what the site's mean is not known.
const BY_SOCKET: u64 = 1;
const BY_POLLING: u64 = 2;
/// How often to ask again at the beginning, before a socket.
const FETCH_INTERVAL_MS: u64 = 1_000;

impl DouyinWire {
    pub(crate) const fn new(room: u64, heartbeat_s: u64) -> Self {
        Self {
            room,
            heartbeat_s,
            sequence: 0,
        }
    }

    pub(super) fn frame(&mut self, units: &[Unit<'_>], next: u64, now_ms: u64) -> Vec<u8> {
        let answered = Answered {
            room: self.room,
            heartbeat_s: self.heartbeat_s,
            next,
            now_ms,
            polling_ms: None,
        };
        self.push(&gzip(&response(units, &answered)), "msg", next, now_ms)
    }

    /// A frame around what is packed already.
    pub(crate) fn push(&mut self, packed: &[u8], kind: &str, next: u64, now_ms: u64) -> Vec<u8> {
        self.sequence += 1;
        let mut frame = Writer::default();
        frame.varint(1, self.sequence);
        // Any number that is not the same on two connections.
        let log_id = (now_ms << 20 | self.sequence).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        frame.varint(2, log_id).varint(3, 8_888).varint(4, 8);
        let headers = [
            ("compress_type", "gzip".to_owned()),
            ("im-internal_ext", internal_ext(self.room, next)),
            ("im-cursor", cursor(next, now_ms)),
            ("im-now", now_ms.to_string()),
            ("im-live_cursor", "d-1_u-1".to_owned()),
        ];
        for (name, value) in headers {
            frame.message(5, |header| {
                header.text(1, name).text(2, &value);
            });
        }
        frame.text(6, "pb").text(7, kind).bytes(8, packed);
        frame.into_bytes()
    }

    pub(super) fn said(&self, bytes: &[u8]) -> Said {
        match PushFrame::read(bytes) {
            Ok(frame) if frame.payload_type == "hb" => Said::Heartbeat(Some(heartbeat())),
            Ok(frame) if frame.payload_type == "ack" => {
                let said = str::from_utf8(frame.payload).unwrap_or_default();
                let own = format!("|wss_push_room_id:{}|", self.room);
                Said::Ack {
                    is_right: frame.log_id != 0 && said.contains(&own),
                }
            }
            Ok(_) | Err(_) => Said::Other(None),
        }
    }
}

fn heartbeat() -> Vec<u8> {
    let mut frame = Writer::default();
    frame.text(7, "hb");
    frame.into_bytes()
}

/// A bare `Response`, as polling is answered with.
pub(crate) fn response(units: &[Unit<'_>], answered: &Answered) -> Vec<u8> {
    let mut response = Writer::default();
    for unit in units {
        let Written::Douyin { method, payload } = &*unit.written else {
            continue;
        };
        response.message(1, |message| {
            message.text(1, method).bytes(2, payload);
            message.varint(3, unit.id).varint(4, 1);
        });
    }
    let Answered {
        room, next, now_ms, ..
    } = *answered;
    response.text(2, &cursor(next, now_ms));
    let (interval_ms, kind) = match answered.polling_ms {
        Some(interval_ms) => (interval_ms, BY_POLLING),
        None => (FETCH_INTERVAL_MS, BY_SOCKET),
    };
    response.varint(3, interval_ms).varint(4, now_ms);
    response.text(5, &internal_ext(room, next)).varint(6, kind);
    response.varint(8, answered.heartbeat_s).varint(9, 1);
    response.into_bytes()
}

fn cursor(next: u64, now_ms: u64) -> String {
    format!("t-{now_ms}_r-{}_d-1_u-1", CURSOR_BASE + next)
}

/// The number of the next message in a cursor; none in the one that clients make up to begin with.
pub(crate) fn cursor_of(cursor: &str) -> Option<u64> {
    let number = cursor.split('_').find_map(|part| part.strip_prefix("r-"))?;
    number.parse::<u64>().ok()?.checked_sub(CURSOR_BASE)
}

fn internal_ext(room: u64, next: u64) -> String {
    format!(
        "internal_src:dim|wss_push_room_id:{room}|wss_push_did:7300000000000000001|seq:{next}|wss_info:0-0-0-0|wrds_v:{room}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_says_which_message_is_next() {
        assert_eq!(cursor_of(&cursor(0, 5)), Some(0));
        assert_eq!(cursor_of(&cursor(812, 5)), Some(812));
        for none in ["", "d-1_u-1_fh-7_t-1_r-1", "r-x", "t-1"] {
            assert_eq!(cursor_of(none), None, "{none}");
        }
    }

    #[test]
    fn what_a_client_repeats_is_compared() {
        let wire = DouyinWire::new(7, 10);
        let ack = |log_id, text: &str| {
            let mut frame = Writer::default();
            frame.varint(2, log_id).text(7, "ack").text(8, text);
            wire.said(&frame.into_bytes())
        };
        assert_eq!(ack(5, &internal_ext(7, 3)), Said::Ack { is_right: true });
        assert_eq!(ack(0, &internal_ext(7, 3)), Said::Ack { is_right: false });
        assert_eq!(ack(5, &internal_ext(8, 3)), Said::Ack { is_right: false });
        assert_eq!(
            wire.said(&[0x3a, 2, b'h', b'b']),
            Said::Heartbeat(Some(vec![0x3a, 2, b'h', b'b']))
        );
    }
}
