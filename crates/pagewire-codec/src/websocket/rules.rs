//! What RFC 6455 asks of the frames of one direction.

use std::borrow::Cow;

use super::deviation::WsDeviation;
use super::frame::{WsClose, WsExtension, WsFrame, WsLengthForm, WsOpcode};

/// What is known of the frames before.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    extension: WsExtension,
    is_masked: Option<bool>,
    is_closed: bool,
    message: Message,
}

/// The message under way.
#[derive(Debug, Clone, Copy)]
enum Message {
    None,
    /// Bytes, or what is compressed.
    Binary,
    /// With the begin of a character whose rest is to come.
    Text(Incomplete),
    /// Text that was not UTF-8, which is said once.
    Broken,
}

/// Up to three bytes.
#[derive(Debug, Clone, Copy, Default)]
struct Incomplete {
    bytes: [u8; 3],
    len: usize,
}

impl Rules {
    pub(super) const fn new(extension: WsExtension) -> Self {
        Self {
            extension,
            is_masked: None,
            is_closed: false,
            message: Message::None,
        }
    }

    pub(super) const fn is_inside_message(&self) -> bool {
        !matches!(self.message, Message::None)
    }

    /// In the order in which the standard speaks of them: the head, its direction, then what it means among the others.
    pub(super) fn check(&mut self, frame: &mut WsFrame<'_>) {
        self.check_head(frame);
        let masked = frame.mask.is_some();
        if *self.is_masked.get_or_insert(masked) != masked {
            frame.deviations.push(WsDeviation::MaskChanged { masked });
        }
        if self.is_closed {
            frame.deviations.push(WsDeviation::AfterClose);
        }
        if frame.opcode.is_control() {
            check_control(frame);
            self.is_closed |= frame.opcode == WsOpcode::Close;
        } else {
            self.check_data(frame);
        }
    }

    fn check_head(&self, frame: &mut WsFrame<'_>) {
        let notes = &mut frame.deviations;
        let [rsv1, rsv2, rsv3] = frame.rsv;
        let begins = matches!(frame.opcode, WsOpcode::Text | WsOpcode::Binary);
        match self.extension {
            WsExtension::None if rsv1 => notes.push(WsDeviation::ReservedBit(1)),
            WsExtension::PermessageDeflate if rsv1 && !begins => {
                notes.push(WsDeviation::CompressedBit);
            }
            WsExtension::None | WsExtension::PermessageDeflate => {}
        }
        let others = [(2, rsv2), (3, rsv3)];
        let set = others.into_iter().filter(|(_, is_set)| *is_set);
        notes.extend(set.map(|(number, _)| WsDeviation::ReservedBit(number)));
        if let WsOpcode::Reserved(number) = frame.opcode {
            notes.push(WsDeviation::ReservedOpcode(number));
        }
        let least = match frame.length_form {
            WsLengthForm::SevenBits => 0,
            WsLengthForm::TwoBytes => 126,
            WsLengthForm::EightBytes => 65_536,
        };
        if frame.payload.len() < least {
            notes.push(WsDeviation::LengthNotMinimal);
        }
    }

    /// RFC 6455 §5.4.
    fn check_data(&mut self, frame: &mut WsFrame<'_>) {
        let is_compressed = self.extension == WsExtension::PermessageDeflate && frame.rsv[0];
        let is_under_way = self.is_inside_message();
        let message = match frame.opcode {
            WsOpcode::Continuation => {
                if !is_under_way {
                    frame.deviations.push(WsDeviation::NothingToContinue);
                    return;
                }
                self.message
            }
            WsOpcode::Text if !is_compressed => Message::Text(Incomplete::default()),
            WsOpcode::Text
            | WsOpcode::Binary
            | WsOpcode::Close
            | WsOpcode::Ping
            | WsOpcode::Pong
            | WsOpcode::Reserved(_) => Message::Binary,
        };
        if is_under_way && frame.opcode != WsOpcode::Continuation {
            frame.deviations.push(WsDeviation::MessageInterrupted);
        }
        let message = match message {
            Message::Text(before) => match before.and(&frame.payload, frame.fin) {
                Some(incomplete) => Message::Text(incomplete),
                None => {
                    frame.deviations.push(WsDeviation::TextNotUtf8);
                    Message::Broken
                }
            },
            Message::None | Message::Binary | Message::Broken => message,
        };
        self.message = if frame.fin { Message::None } else { message };
    }
}

impl Incomplete {
    /// None where this and the payload are not UTF-8.
    fn and(self, payload: &[u8], is_end: bool) -> Option<Self> {
        let begun = self.bytes.get(..self.len).unwrap_or_default();
        let text = if begun.is_empty() {
            Cow::Borrowed(payload)
        } else {
            Cow::Owned([begun, payload].concat())
        };
        let Err(error) = str::from_utf8(&text) else {
            return Some(Self::default());
        };
        if is_end || error.error_len().is_some() {
            return None;
        }
        let rest = text.get(error.valid_up_to()..).unwrap_or_default();
        let mut bytes = [0; 3];
        bytes.get_mut(..rest.len())?.copy_from_slice(rest);
        Some(Self {
            bytes,
            len: rest.len(),
        })
    }
}

/// RFC 6455 §5.5.
fn check_control(frame: &mut WsFrame<'_>) {
    if frame.payload.len() > 125 {
        frame.deviations.push(WsDeviation::ControlTooLong);
    }
    if !frame.fin {
        frame.deviations.push(WsDeviation::ControlFragmented);
    }
    if frame.opcode != WsOpcode::Close || frame.payload.is_empty() {
        return;
    }
    let Some((code, reason)) = frame.payload.split_first_chunk() else {
        frame.deviations.push(WsDeviation::CloseCodeCut);
        return;
    };
    let code = u16::from_be_bytes(*code);
    if !may_be_sent(code) {
        frame.deviations.push(WsDeviation::CloseCode(code));
    }
    let reason = String::from_utf8_lossy(reason);
    if matches!(reason, Cow::Owned(_)) {
        frame.deviations.push(WsDeviation::CloseReasonNotUtf8);
    }
    let reason = reason.into_owned();
    frame.close = Some(WsClose { code, reason });
}

/// RFC 6455 §7.4: 1004 is reserved, 1005, 1006 and 1015 are for programs to tell themselves; 1012 to 1014 were registered later; 3000 to 3999 are
/// for libraries and 4000 to 4999 for applications.
const fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}
