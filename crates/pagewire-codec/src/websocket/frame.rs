//! Frames (RFC 6455 §5).

use std::borrow::Cow;

use serde::Serialize;

use super::deviation::WsDeviation;
use super::rules::Rules;
use crate::cursor::Cursor;
use crate::error::DecodeError;

/// What a frame is, by its opcode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WsOpcode {
    /// 0: more of the message under way.
    Continuation,
    /// 1: a message in UTF-8 begins.
    Text,
    /// 2: a message of bytes begins.
    Binary,
    /// 8: the last frame.
    Close,
    /// 9: to be answered with a pong.
    Ping,
    /// 10: the answer to a ping, or a sign of life.
    Pong,
    /// Any other number, of which 11 to 15 are control frames.
    Reserved(u8),
}

impl WsOpcode {
    const fn from_wire(number: u8) -> Self {
        match number {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            _ => Self::Reserved(number),
        }
    }

    /// Close, ping, pong, and reserved ones from 11 on.
    pub const fn is_control(self) -> bool {
        match self {
            Self::Close | Self::Ping | Self::Pong => true,
            Self::Reserved(number) => number >= 8,
            Self::Continuation | Self::Text | Self::Binary => false,
        }
    }
}

/// How a payload length is written (RFC 6455 §5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WsLengthForm {
    /// In 7 bits, up to 125.
    SevenBits,
    /// In the two bytes behind 126.
    TwoBytes,
    /// In the eight bytes behind 127.
    EightBytes,
}

/// What a close frame says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WsClose {
    /// Why, as a number.
    pub code: u16,
    /// Why, in words. What is not UTF-8 stands as U+FFFD.
    pub reason: String,
}

/// What the handshake has added to the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WsExtension {
    /// Nothing.
    #[default]
    None,
    /// RFC 7692: RSV1 marks messages that are compressed. They are shown as they are, and not checked for UTF-8.
    PermessageDeflate,
}

/// A frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WsFrame<'a> {
    /// At which byte of the stream it begins.
    pub at: usize,
    /// How many bytes of it come before the payload.
    pub head_bytes: usize,
    /// Whether the message ends with this frame.
    pub fin: bool,
    /// RSV1, RSV2 and RSV3.
    pub rsv: [bool; 3],
    /// What it is.
    pub opcode: WsOpcode,
    /// The key that the payload was masked with.
    pub mask: Option<[u8; 4]>,
    /// How its length is written.
    pub length_form: WsLengthForm,
    /// Without the mask. Borrowed where there was none. Left out of the JSON, for who shows it decides between text and base64.
    #[serde(skip)]
    pub payload: Cow<'a, [u8]>,
    /// Of a close frame with a code.
    pub close: Option<WsClose>,
    /// What it does otherwise than the standard asks.
    pub deviations: Vec<WsDeviation>,
}

/// The frames of one direction of a stream. After an error there are no more, since nothing tells where the next one begins.
#[derive(Debug, Clone)]
pub struct WsFrames<'a> {
    input: Cursor<'a>,
    index: usize,
    rules: Rules,
}

/// Reads the frames of one direction, which must begin with a frame: what [`ws_head`](super::ws_head) has read is to be cut off. Places count from
/// its first byte.
pub const fn ws_frames(stream: &[u8], extension: WsExtension) -> WsFrames<'_> {
    WsFrames {
        input: Cursor::new(stream),
        index: 0,
        rules: Rules::new(extension),
    }
}

impl WsFrames<'_> {
    /// Whether a message was begun that has not ended: at the end of a stream, one that is cut.
    pub const fn is_inside_message(&self) -> bool {
        self.rules.is_inside_message()
    }
}

impl<'a> Iterator for WsFrames<'a> {
    type Item = Result<WsFrame<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.input.is_empty() {
            return None;
        }
        let mut frame = frame(&mut self.input);
        match &mut frame {
            Ok(frame) => self.rules.check(frame),
            Err(_) => self.input = Cursor::new(&[]),
        }
        let index = self.index;
        self.index = index.saturating_add(1);
        Some(frame.map_err(|error| error.inside(format!("frame {index}"))))
    }
}

fn frame<'a>(input: &mut Cursor<'a>) -> Result<WsFrame<'a>, DecodeError> {
    let at = input.at();
    let [first, second] = input.array("the head of a frame")?;
    let (length, length_form) = match second & 0x7F {
        126 => {
            let length = u16::from_be_bytes(input.array("a length in two bytes")?);
            (u64::from(length), WsLengthForm::TwoBytes)
        }
        127 => {
            let before = *input;
            let length = u64::from_be_bytes(input.array("a length in eight bytes")?);
            if length >> 63 == 1 {
                return Err(before.malformed("the first bit of a length in eight bytes is set"));
            }
            (length, WsLengthForm::EightBytes)
        }
        length => (u64::from(length), WsLengthForm::SevenBits),
    };
    let is_masked = second & 0x80 != 0;
    let mask = is_masked
        .then(|| input.array("the masking key"))
        .transpose()?;
    let head_bytes = input.at().saturating_sub(at);
    let payload = input.take(length, "the payload")?;
    Ok(WsFrame {
        at,
        head_bytes,
        fin: first & 0x80 != 0,
        rsv: [first & 0x40 != 0, first & 0x20 != 0, first & 0x10 != 0],
        opcode: WsOpcode::from_wire(first & 0xF),
        mask,
        length_form,
        payload: mask.map_or(Cow::Borrowed(payload), |key| unmask(payload, key).into()),
        close: None,
        deviations: Vec::new(),
    })
}

/// RFC 6455 §5.3.
fn unmask(payload: &[u8], key: [u8; 4]) -> Vec<u8> {
    let bytes = payload.iter().zip(key.iter().cycle());
    bytes.map(|(byte, key)| byte ^ key).collect()
}
