//! The frames of a WebSocket, taken apart.
#![no_main]

use pagewire_codec::{WsDeviation, WsExtension, WsFrame, WsLengthForm, WsOpcode, ws_frames};
use pagewire_fuzz::{check_error, json_of};

pagewire_fuzz::target!(check, seeds: seeds());

fn check(stream: &[u8]) {
    check_with(stream, WsExtension::None);
    check_with(stream, WsExtension::PermessageDeflate);
}

fn check_with(stream: &[u8], extension: WsExtension) {
    let mut written = Vec::new();
    let mut text = Text::default();
    let mut frames = ws_frames(stream, extension);
    while let Some(frame) = frames.next() {
        let frame = match frame {
            Err(error) => {
                check_error(&error, stream.len());
                assert!(!error.path.is_empty());
                assert!(frames.next().is_none(), "nothing comes after an error");
                assert!(stream.starts_with(&written));
                return;
            }
            Ok(frame) => frame,
        };
        assert_eq!(frame.at, written.len());
        let length = written.len() + frame.head_bytes + frame.payload.len();
        write(&frame, &mut written);
        assert_eq!(written.len(), length);
        check_shown(&frame);
        text.check(&frame, extension);
    }
    assert_eq!(written, stream, "frames are all of the stream");
}

fn check_shown(frame: &WsFrame<'_>) {
    // Showing takes most of the time, and the first frames show as much as all.
    if frame.at > 64 {
        return;
    }
    let json = json_of(frame);
    let deviations = json["deviations"].as_array().expect("a list");
    let names_section = |deviation: &serde_json::Value| {
        let section = deviation["section"].as_str();
        section.is_some_and(|section| section.starts_with("RFC "))
    };
    assert!(deviations.iter().all(names_section), "{json}");
}

fn write(frame: &WsFrame<'_>, to: &mut Vec<u8>) {
    let opcode = match frame.opcode {
        WsOpcode::Continuation => 0,
        WsOpcode::Text => 1,
        WsOpcode::Binary => 2,
        WsOpcode::Close => 8,
        WsOpcode::Ping => 9,
        WsOpcode::Pong => 10,
        WsOpcode::Reserved(number) => number,
    };
    let [rsv1, rsv2, rsv3] = frame.rsv.map(u8::from);
    to.push(u8::from(frame.fin) << 7 | rsv1 << 6 | rsv2 << 5 | rsv3 << 4 | opcode);
    let masked = u8::from(frame.mask.is_some()) << 7;
    let length = frame.payload.len();
    match frame.length_form {
        WsLengthForm::SevenBits => to.push(masked | length as u8),
        WsLengthForm::TwoBytes => {
            to.push(masked | 126);
            to.extend((length as u16).to_be_bytes());
        }
        WsLengthForm::EightBytes => {
            to.push(masked | 127);
            to.extend((length as u64).to_be_bytes());
        }
    }
    to.extend(frame.mask.iter().flatten());
    let key = frame.mask.unwrap_or_default();
    to.extend(
        frame
            .payload
            .iter()
            .zip(key.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
}

/// The text message under way, put together.
#[derive(Default)]
struct Text {
    bytes: Option<Vec<u8>>,
    is_told: bool,
}

impl Text {
    /// It is said that a text is not UTF-8 where it is not, once, at its end at the latest.
    fn check(&mut self, frame: &WsFrame<'_>, extension: WsExtension) {
        let is_compressed = extension == WsExtension::PermessageDeflate && frame.rsv[0];
        match frame.opcode {
            WsOpcode::Text => {
                *self = Self {
                    bytes: (!is_compressed).then(Vec::new),
                    is_told: false,
                }
            }
            WsOpcode::Binary => self.bytes = None,
            WsOpcode::Continuation => {}
            WsOpcode::Reserved(number) if number < 8 => self.bytes = None,
            WsOpcode::Close | WsOpcode::Ping | WsOpcode::Pong | WsOpcode::Reserved(_) => return,
        }
        let tells = frame.deviations.contains(&WsDeviation::TextNotUtf8);
        let Some(bytes) = &mut self.bytes else {
            return assert!(!tells);
        };
        bytes.extend_from_slice(&frame.payload);
        assert!(!(tells && self.is_told), "it is said once");
        self.is_told |= tells;
        if frame.fin {
            assert_eq!(self.is_told, str::from_utf8(bytes).is_err(), "{bytes:02x?}");
            self.bytes = None;
        }
    }
}

fn seeds() -> Vec<Vec<u8>> {
    // RFC 6455 §5.7, and a close frame.
    let masked = [
        0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58,
    ];
    let fragmented = [
        0x01, 0x04, 0x48, 0x65, 0x6C, 0xC3, 0x89, 0x00, 0x80, 0x03, 0xA9, 0x6C, 0x6F,
    ];
    let long = [&[0x82, 126, 0, 200][..], &[7; 200]].concat();
    let longest = [&[0x82, 127, 0, 0, 0, 0, 0, 0, 1, 0][..], &[7; 256]].concat();
    let close = b"\x88\x05\x03\xE8bye";
    vec![
        [&masked[..], &masked].concat(),
        [&fragmented[..], close].concat(),
        [&long[..], &longest].concat(),
        [&[0xC1, 0x01, 0x00][..], &[0x80, 0x00]].concat(),
    ]
}
