//! What a client says.

use pagewire_codec::proto::Writer;

/// The acknowledgement of a frame whose response wants one. Sources disagree on which of the two `internal_ext` of a frame is meant: the header
/// `im-internal_ext` is taken where it is there, else that of the response.
pub fn ack_packet(log_id: u64, internal_ext: &str) -> Vec<u8> {
    let mut frame = Writer::default();
    frame.varint(2, log_id).text(7, "ack").text(8, internal_ext);
    frame.into_bytes()
}

/// Says that the client is there.
pub fn heartbeat_packet() -> Vec<u8> {
    let mut frame = Writer::default();
    frame.text(7, "hb");
    frame.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::douyin::PushFrame;

    #[test]
    fn a_heartbeat_is_the_four_bytes_that_pages_send() {
        assert_eq!(heartbeat_packet(), [0x3A, 0x02, 0x68, 0x62]);
    }

    #[test]
    fn an_acknowledgement_names_the_frame_and_repeats_its_ext() {
        let packet = ack_packet(u64::MAX, "a|b");
        let read = PushFrame::read(&packet).unwrap();
        assert_eq!(
            (read.log_id, &*read.payload_type, read.payload),
            (u64::MAX, "ack", &b"a|b"[..])
        );
    }
}
