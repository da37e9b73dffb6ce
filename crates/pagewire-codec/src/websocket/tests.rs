use proptest::prelude::*;

use super::*;
use crate::error::{DecodeError, Fault};

/// A frame as it stands on the wire, in the fewest bytes.
fn wire(first: u8, mask: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
    let bit = if mask.is_some() { 0x80 } else { 0 };
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..=125 => bytes.push(bit | u8::try_from(length).unwrap()),
        length @ 126..=65_535 => {
            bytes.push(bit | 126);
            bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        length => {
            bytes.push(bit | 127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend(mask.iter().flatten());
    let key = mask.unwrap_or_default();
    bytes.extend(
        payload
            .iter()
            .enumerate()
            .map(|(at, byte)| byte ^ key[at % 4]),
    );
    bytes
}

fn read(stream: &[u8]) -> Vec<WsFrame<'_>> {
    ws_frames(stream, WsExtension::None)
        .map(Result::unwrap)
        .collect()
}

/// The sections and texts of all that is wrong, with the index of the frame.
fn deviations(stream: &[u8], extension: WsExtension) -> Vec<(usize, WsDeviation)> {
    let frames = ws_frames(stream, extension).map(Result::unwrap).enumerate();
    frames
        .flat_map(|(index, frame)| {
            frame
                .deviations
                .into_iter()
                .map(move |deviation| (index, deviation))
        })
        .collect()
}

#[test]
fn the_examples_of_the_standard_are_read() {
    // RFC 6455 §5.7.
    let single = [0x81, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F];
    let masked = [
        0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58,
    ];
    let fragmented = [0x01, 0x03, 0x48, 0x65, 0x6C, 0x80, 0x02, 0x6C, 0x6F];
    let ping = [0x89, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F];
    let frame = &read(&single)[0];
    assert!(frame.fin && frame.rsv == [false; 3] && frame.mask.is_none());
    assert_eq!(
        (frame.opcode, &*frame.payload),
        (WsOpcode::Text, &b"Hello"[..])
    );
    let frame = &read(&masked)[0];
    assert_eq!(frame.mask, Some([0x37, 0xFA, 0x21, 0x3D]));
    assert_eq!((frame.head_bytes, &*frame.payload), (6, &b"Hello"[..]));
    let frames = read(&fragmented);
    assert_eq!((frames[0].fin, &*frames[0].payload), (false, &b"Hel"[..]));
    assert_eq!(
        (frames[1].opcode, frames[1].at, &*frames[1].payload),
        (WsOpcode::Continuation, 5, &b"lo"[..])
    );
    assert_eq!(read(&ping)[0].opcode, WsOpcode::Ping);
    for (length, form, head_bytes) in [
        (125, WsLengthForm::SevenBits, 2),
        (126, WsLengthForm::TwoBytes, 4),
        (65_535, WsLengthForm::TwoBytes, 4),
        (65_536, WsLengthForm::EightBytes, 10),
    ] {
        let stream = wire(0x82, None, &vec![7; length]);
        let frame = &read(&stream)[0];
        assert_eq!((frame.length_form, frame.head_bytes), (form, head_bytes));
        assert_eq!(
            (frame.payload.len(), &frame.deviations[..]),
            (length, &[][..])
        );
    }
}

#[test]
fn a_close_frame_tells_its_code_and_reason() {
    let close = |payload: &[u8]| {
        let stream = wire(0x88, None, payload);
        let frame = read(&stream).remove(0);
        (frame.close, frame.deviations)
    };
    let said = |code, reason: &str| {
        Some(WsClose {
            code,
            reason: reason.to_owned(),
        })
    };
    assert_eq!(close(b""), (None, vec![]));
    assert_eq!(close(b"\x03\xE8bye"), (said(1000, "bye"), vec![]));
    assert_eq!(close(b"\x03"), (None, vec![WsDeviation::CloseCodeCut]));
    assert_eq!(
        close(b"\x03\xE8\xFF"),
        (
            said(1000, "\u{FFFD}"),
            vec![WsDeviation::CloseReasonNotUtf8]
        )
    );
    for code in [999, 1004, 1005, 1006, 1015, 1016, 2999, 5000] {
        let (told, deviations) = close(&u16::to_be_bytes(code));
        assert_eq!(
            (told, deviations),
            (said(code, ""), vec![WsDeviation::CloseCode(code)])
        );
    }
    for code in [1000, 1003, 1007, 1014, 3000, 4999] {
        assert_eq!(close(&u16::to_be_bytes(code)), (said(code, ""), vec![]));
    }
}

#[test]
fn every_deviation_of_a_frame_is_told_and_reading_goes_on() {
    use WsDeviation as D;
    let text = "é".as_bytes();
    let cases = [
        (wire(0xC1, None, b""), vec![(0, D::ReservedBit(1))]),
        (
            wire(0xB2, None, b""),
            vec![(0, D::ReservedBit(2)), (0, D::ReservedBit(3))],
        ),
        (wire(0x83, None, b""), vec![(0, D::ReservedOpcode(3))]),
        (wire(0x8B, None, b""), vec![(0, D::ReservedOpcode(11))]),
        (vec![0x82, 126, 0, 1, 7], vec![(0, D::LengthNotMinimal)]),
        (
            vec![0x82, 127, 0, 0, 0, 0, 0, 0, 0, 1, 7],
            vec![(0, D::LengthNotMinimal)],
        ),
        (wire(0x89, None, &[0; 125]), vec![]),
        (wire(0x89, None, &[0; 126]), vec![(0, D::ControlTooLong)]),
        (wire(0x09, None, b""), vec![(0, D::ControlFragmented)]),
        (wire(0x80, None, b""), vec![(0, D::NothingToContinue)]),
        (
            [
                wire(0x01, None, b"a"),
                wire(0x89, None, b""),
                wire(0x80, None, b"b"),
            ]
            .concat(),
            vec![],
        ),
        (
            [wire(0x01, None, b"a"), wire(0x81, None, b"b")].concat(),
            vec![(1, D::MessageInterrupted)],
        ),
        (wire(0x81, None, b"\xFF"), vec![(0, D::TextNotUtf8)]),
        (
            [wire(0x01, None, &text[..1]), wire(0x80, None, &text[1..])].concat(),
            vec![],
        ),
        (
            [wire(0x01, None, &text[..1]), wire(0x80, None, b"")].concat(),
            vec![(1, D::TextNotUtf8)],
        ),
        (
            [wire(0x01, None, b"\xFF"), wire(0x80, None, b"\xFF")].concat(),
            vec![(0, D::TextNotUtf8)],
        ),
        (wire(0x82, None, b"\xFF"), vec![]),
        (
            [wire(0x82, None, b""), wire(0x82, Some([1; 4]), b"")].concat(),
            vec![(1, D::MaskChanged { masked: true })],
        ),
        (
            [wire(0x88, None, b""), wire(0x82, None, b"")].concat(),
            vec![(1, D::AfterClose)],
        ),
    ];
    for (stream, expected) in cases {
        assert_eq!(
            deviations(&stream, WsExtension::None),
            expected,
            "{stream:02x?}"
        );
    }
}

#[test]
fn with_compression_the_first_bit_marks_a_message_and_text_is_not_checked() {
    let deflate = WsExtension::PermessageDeflate;
    assert_eq!(deviations(&wire(0xC1, None, b"\xFF"), deflate), []);
    assert_eq!(
        deviations(&wire(0x81, None, b"\xFF"), deflate),
        [(0, WsDeviation::TextNotUtf8)]
    );
    let continued = [wire(0x41, None, b"\xFF"), wire(0xC0, None, b"")].concat();
    assert_eq!(
        deviations(&continued, deflate),
        [(1, WsDeviation::CompressedBit)]
    );
    assert_eq!(
        deviations(&wire(0xA1, None, b""), deflate),
        [(0, WsDeviation::ReservedBit(2))]
    );
}

#[test]
fn a_stream_that_ends_inside_a_frame_is_an_error_with_its_place() {
    let hello = wire(0x81, Some([1, 2, 3, 4]), b"Hello");
    let first = |cut: usize| {
        let stream = [wire(0x82, None, b"x"), hello[..cut].to_vec()].concat();
        let frames: Vec<_> = ws_frames(&stream, WsExtension::None)
            .map(|frame| frame.map(drop))
            .collect();
        frames
            .get(1)
            .cloned()
            .map(|frame| frame.unwrap_err().to_string())
    };
    assert_eq!(first(0), None);
    for (cut, expected) in [
        (
            1,
            "the head of a frame needs 2 more bytes, and 1 are left, at byte 3 in frame 1",
        ),
        (
            3,
            "the masking key needs 4 more bytes, and 1 are left, at byte 5 in frame 1",
        ),
        (
            8,
            "the payload needs 5 more bytes, and 2 are left, at byte 9 in frame 1",
        ),
    ] {
        assert_eq!(first(cut).as_deref(), Some(expected));
    }
    let huge = [0x82, 127, 0x7F, 255, 255, 255, 255, 255, 255, 255, 1];
    let error = ws_frames(&huge, WsExtension::None)
        .next()
        .unwrap()
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the payload needs 9223372036854775807 more bytes")
    );
    let too_huge = [0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0];
    let error = ws_frames(&too_huge, WsExtension::None)
        .next()
        .unwrap()
        .unwrap_err();
    assert!(error.to_string().contains("the first bit of a length"));
    let begun = wire(0x01, None, b"a");
    let mut frames = ws_frames(&begun, WsExtension::None);
    assert!(frames.next().is_some() && frames.next().is_none() && frames.is_inside_message());
}

const REQUEST: &str = "GET /chat?a=1 HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://example.com\r\nSec-WebSocket-Protocol: chat, superchat\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";
const RESPONSE: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: upgrade\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n";

fn head(text: &str) -> WsHead {
    ws_head(text.as_bytes()).unwrap().unwrap()
}

#[test]
fn the_handshake_of_the_standard_is_right() {
    // RFC 6455 §1.3.
    let (key, accept) = ("dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_eq!(accept_of(key), accept);
    assert_eq!(check_accept(key, accept), []);
    assert_eq!(
        check_accept("short", accept),
        [
            WsDeviation::KeyNotSixteenBytes,
            WsDeviation::AcceptDoesNotFit
        ]
    );
    let stream = [REQUEST.as_bytes(), &wire(0x82, Some([0; 4]), b"x")].concat();
    let request = ws_head(&stream).unwrap().unwrap();
    assert_eq!(
        (request.bytes, &request.deviations[..]),
        (REQUEST.len(), &[][..])
    );
    let expected = WsHeadKind::Request {
        method: "GET".to_owned(),
        path: "/chat?a=1".to_owned(),
    };
    assert_eq!(request.kind, expected);
    let response = head(RESPONSE);
    assert_eq!(response.kind, WsHeadKind::Response { status: 101 });
    assert_eq!(response.deviations, []);
    assert_eq!(check_heads(&request, &response), []);
    assert_eq!(response.extension(), WsExtension::PermessageDeflate);
    assert_eq!(read(&stream[request.bytes..]).len(), 1);
    for frame in [0x81_u8, 0x01, 0x89, 0x00] {
        assert_eq!(ws_head(&[frame, 0]), Ok(None));
    }
}

#[test]
fn what_is_wrong_with_a_handshake_is_told() {
    use WsDeviation as D;
    for (from, to, expected) in [
        ("GET", "POST", D::MethodNotGet),
        ("HTTP/1.1", "HTTP/1.0", D::HttpVersion),
        ("Host", "Guest", D::HeaderMissing("Host")),
        (
            "Sec-WebSocket-Key",
            "X-Key",
            D::HeaderMissing("Sec-WebSocket-Key"),
        ),
        ("dGhl", "", D::KeyNotSixteenBytes),
        ("Version: 13", "Version: 8", D::VersionNot13),
        ("Upgrade: websocket", "Upgrade: h2c", D::UpgradeNotWebSocket),
        ("keep-alive, Upgrade", "keep-alive", D::ConnectionNotUpgrade),
        (
            "Origin:",
            "Sec-WebSocket-Key:",
            D::HeaderRepeated("Sec-WebSocket-Key"),
        ),
    ] {
        let text = REQUEST.replace(from, to);
        assert_eq!(head(&text).deviations, [expected], "{text}");
    }
    for (from, to, expected) in [
        ("101", "403", D::StatusNot101),
        ("HTTP/1.1", "HTTP/1.0", D::HttpVersion),
        (
            "sec-websocket-accept",
            "x",
            D::HeaderMissing("Sec-WebSocket-Accept"),
        ),
    ] {
        assert_eq!(head(&RESPONSE.replace(from, to)).deviations, [expected]);
    }
    let request = head(REQUEST);
    for (from, to, expected) in [
        ("s3pP", "S3pP", D::AcceptDoesNotFit),
        ("chat", "Chat", D::SubprotocolNotOffered),
        (
            "permessage-deflate",
            "permessage-bzip2",
            D::ExtensionNotOffered,
        ),
    ] {
        assert_eq!(
            check_heads(&request, &head(&RESPONSE.replace(from, to))),
            [expected]
        );
    }
}

#[test]
fn every_deviation_names_a_section() {
    let json = serde_json::to_value(WsDeviation::CloseCode(1005)).unwrap();
    let expected = serde_json::json!({
        "section": "RFC 6455 §7.4",
        "text": "close code 1005 must not be sent in a close frame",
    });
    assert_eq!(json, expected);
    let stream = wire(0xC9, Some([1, 2, 3, 4]), b"x");
    let json = serde_json::to_value(&read(&stream)[0]).unwrap();
    assert_eq!(json["opcode"], "ping");
    assert_eq!(json["deviations"][0]["section"], "RFC 6455 §5.2");
}

#[test]
fn a_head_up_to_the_limits_is_read_and_more_is_an_error() {
    let padded = |bytes: usize| {
        let empty = REQUEST.replace("Origin: http://example.com", "Origin: ");
        let more = "x".repeat(bytes - empty.len());
        empty.replace("Origin: ", &format!("Origin: {more}"))
    };
    let longest = padded(WS_HEAD_BYTES_MAX);
    assert_eq!(head(&longest).bytes, WS_HEAD_BYTES_MAX);
    let fault = |text: &str| ws_head(text.as_bytes()).unwrap_err().fault;
    let expected = |what, max: usize| Fault::Limit {
        what,
        got: max as u64 + 1,
        max: max as u64,
    };
    let what = "the head of a request or response in bytes";
    assert_eq!(
        fault(&padded(WS_HEAD_BYTES_MAX + 1)),
        expected(what, WS_HEAD_BYTES_MAX)
    );
    let fields = |count: usize| format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(count));
    assert_eq!(head(&fields(WS_HEADERS_MAX)).fields.len(), WS_HEADERS_MAX);
    let what = "the number of header fields";
    assert_eq!(
        fault(&fields(WS_HEADERS_MAX + 1)),
        expected(what, WS_HEADERS_MAX)
    );
}

#[test]
fn a_head_that_is_cut_or_no_http_is_an_error() {
    for cut in 1..RESPONSE.len() {
        let error: DecodeError = ws_head(&RESPONSE.as_bytes()[..cut]).unwrap_err();
        assert!(
            matches!(error.fault, Fault::Truncated { .. } | Fault::Malformed(_)),
            "{error}"
        );
    }
    let error = ws_head(b"GET / HTTP/2.0\r\n\r\n").unwrap_err();
    assert_eq!(
        error.to_string(),
        "malformed: the version of HTTP is not 1.0 or 1.1, at byte 0"
    );
}

fn frames() -> impl Strategy<Value = Vec<(u8, Option<[u8; 4]>, Vec<u8>)>> {
    let payload = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        Just(vec![1; 65_536]),
    ];
    prop::collection::vec((any::<u8>(), any::<Option<[u8; 4]>>(), payload), 0..5)
}

proptest! {
    #[test]
    fn whatever_is_written_is_read(frames in frames(), cut: prop::sample::Index) {
        let stream: Vec<u8> = frames.iter().flat_map(|(first, mask, payload)| wire(*first, *mask, payload)).collect();
        let read = read(&stream);
        prop_assert_eq!(read.len(), frames.len());
        for (frame, (first, mask, payload)) in read.iter().zip(&frames) {
            prop_assert_eq!(frame.fin, first & 0x80 != 0);
            prop_assert_eq!(frame.mask, *mask);
            prop_assert_eq!(&*frame.payload, &payload[..]);
            prop_assert!(!frame.deviations.contains(&WsDeviation::LengthNotMinimal));
        }
        let cut = cut.index(stream.len() + 1);
        let whole = ws_frames(&stream[..cut], WsExtension::None).take_while(Result::is_ok).count();
        prop_assert!(whole < frames.len() || cut == stream.len());
    }

    #[test]
    fn text_is_checked_alike_however_it_is_cut(payload: Vec<u8>, text: String, at: prop::sample::Index, is_text: bool) {
        let payload = if is_text { text.into_bytes() } else { payload };
        let at = at.index(payload.len() + 1);
        let stream = [wire(0x01, None, &payload[..at]), wire(0x80, None, &payload[at..])].concat();
        let is_broken = !deviations(&stream, WsExtension::None).is_empty();
        prop_assert_eq!(is_broken, str::from_utf8(&payload).is_err());
    }

    #[test]
    fn random_bytes_end(bytes: Vec<u8>) {
        for extension in [WsExtension::None, WsExtension::PermessageDeflate] {
            let _ = ws_frames(&bytes, extension).count();
        }
        let _ = ws_head(&bytes);
        let _ = ws_head(&[b"GET / HTTP/1.1\r\n", &bytes[..]].concat());
    }
}
