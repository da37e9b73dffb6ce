//! Packets that are no messages, and what a client says.

use super::*;

#[test]
fn packets_that_are_no_messages_are_told_too() {
    let heartbeat = packet(BilibiliOperation::HeartbeatReply, 1, &[0, 1, 0, 2]);
    let (events, _) = read(&heartbeat);
    assert_eq!(as_json(&events[0])["stats"], json!({ "heat": 65_538 }));
    assert_eq!(events[0].method, "heartbeat_reply");
    let short = packet(BilibiliOperation::HeartbeatReply, 1, &[0, 1]);
    assert_eq!(as_json(&read(&short).0[0])["stats"], json!({}));

    let refused = packet(BilibiliOperation::AuthReply, 1, br#"{"code":-101}"#);
    let (events, _) = read(&refused);
    assert_eq!(
        as_json(&events[0])["control"],
        json!({ "action": "auth_reply", "text": "-101" })
    );

    let (events, _) = read(&packet(BilibiliOperation::Unknown(19), 0, b"x"));
    assert_eq!((events[0].kind(), &*events[0].method), ("unknown", "19"));

    // A token is nobody's business.
    let own = [heartbeat_packet(), auth_packet(&auth())].concat();
    assert_eq!(read(&own), (Vec::new(), Vec::new()));
}

const fn auth() -> Auth<'static> {
    Auth {
        user: 0,
        room: 1_234,
        token: "tok\"en",
        buvid: "B-1",
    }
}

#[test]
fn a_client_says_which_room_it_wants_and_that_it_is_there() {
    assert_eq!(format!("{:?}", auth()), "Auth { user: 0, room: 1234, .. }");
    let packet = auth_packet(&auth());
    assert_eq!(packet[4..16], [0, 16, 0, 1, 0, 0, 0, 7, 0, 0, 0, 1]);
    assert_eq!(
        u32::from_be_bytes(packet[..4].try_into().unwrap()) as usize,
        packet.len()
    );
    let json: Value = serde_json::from_slice(&packet[16..]).unwrap();
    let expected = json!({
        "uid": 0, "roomid": 1_234, "protover": 3, "platform": "web", "type": 2, "key": "tok\"en", "buvid": "B-1"
    });
    assert_eq!(json, expected);
    assert_eq!(
        heartbeat_packet(),
        [0, 0, 0, 16, 0, 16, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1]
    );
}
