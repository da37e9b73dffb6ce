//! What a stream does otherwise than RFC 6455 asks.

use serde::ser::{Serialize, SerializeStruct as _, Serializer};

/// Something that the standard does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WsDeviation {
    /// RSV1, RSV2 or RSV3 is set.
    #[error("RSV{0} is set, which no extension that was negotiated uses")]
    ReservedBit(u8),
    /// RSV1 is set on a frame that does not begin a message.
    #[error("RSV1 says that a message is compressed, and may be set on its first frame only")]
    CompressedBit,
    /// An opcode between those that are defined.
    #[error("opcode {0} is reserved")]
    ReservedOpcode(u8),
    /// A length in more bytes than it needs.
    #[error("the payload length is not written in the fewest bytes")]
    LengthNotMinimal,
    /// Close, ping or pong with more than 125 bytes.
    #[error("a control frame has a payload of more than 125 bytes")]
    ControlTooLong,
    /// Close, ping or pong without FIN.
    #[error("a control frame is fragmented: FIN is not set")]
    ControlFragmented,
    /// A continuation of nothing.
    #[error("a continuation frame comes where no message was begun")]
    NothingToContinue,
    /// A new message within another.
    #[error("a new message begins before the one under way has ended")]
    MessageInterrupted,
    /// Text in another encoding.
    #[error("a text message is not UTF-8")]
    TextNotUtf8,
    /// One direction has masked frames and others.
    #[error("frames before this one in the same direction {}", if *.masked { "were not masked" } else { "were masked" })]
    MaskChanged {
        /// Whether this one is.
        masked: bool,
    },
    /// A close frame with half a code.
    #[error("a close frame has a payload of one byte, where a code takes two")]
    CloseCodeCut,
    /// A code that must not be sent, or that nobody has defined.
    #[error("close code {0} must not be sent in a close frame")]
    CloseCode(u16),
    /// A reason in another encoding.
    #[error("the reason of a close frame is not UTF-8")]
    CloseReasonNotUtf8,
    /// Something after the last frame.
    #[error("a frame follows a close frame")]
    AfterClose,
    /// Of a request: another method.
    #[error("the method of a handshake is GET")]
    MethodNotGet,
    /// HTTP/1.0.
    #[error("a handshake needs HTTP/1.1 or higher")]
    HttpVersion,
    /// A header field that must be there.
    #[error("the header field {0} is missing")]
    HeaderMissing(&'static str),
    /// A header field that may be there once.
    #[error("the header field {0} comes more than once")]
    HeaderRepeated(&'static str),
    /// `Upgrade` names other protocols only.
    #[error("Upgrade does not name websocket")]
    UpgradeNotWebSocket,
    /// `Connection` names other things only.
    #[error("Connection does not name Upgrade")]
    ConnectionNotUpgrade,
    /// A key that is no nonce.
    #[error("Sec-WebSocket-Key is not the base64 of 16 bytes")]
    KeyNotSixteenBytes,
    /// An old or new version of the protocol.
    #[error("Sec-WebSocket-Version is not 13")]
    VersionNot13,
    /// Of a response: another status.
    #[error("the server answers with a status other than 101, so there is no WebSocket")]
    StatusNot101,
    /// The proof that the server has read the key.
    #[error("Sec-WebSocket-Accept does not fit the key")]
    AcceptDoesNotFit,
    /// A subprotocol out of the blue.
    #[error("the server chose a subprotocol that the client did not offer")]
    SubprotocolNotOffered,
    /// An extension out of the blue.
    #[error("the server chose an extension that the client did not offer")]
    ExtensionNotOffered,
}

impl WsDeviation {
    /// Where the standard says so: `RFC 6455 §5.5`.
    pub const fn section(self) -> &'static str {
        match self {
            Self::ReservedBit(_) | Self::ReservedOpcode(_) | Self::LengthNotMinimal => {
                "RFC 6455 §5.2"
            }
            Self::CompressedBit => "RFC 7692 §6.1",
            Self::ControlTooLong | Self::ControlFragmented => "RFC 6455 §5.5",
            Self::NothingToContinue | Self::MessageInterrupted => "RFC 6455 §5.4",
            Self::TextNotUtf8 => "RFC 6455 §8.1",
            Self::MaskChanged { .. } => "RFC 6455 §5.1",
            Self::CloseCodeCut | Self::CloseReasonNotUtf8 | Self::AfterClose => "RFC 6455 §5.5.1",
            Self::CloseCode(_) => "RFC 6455 §7.4",
            Self::MethodNotGet
            | Self::HttpVersion
            | Self::KeyNotSixteenBytes
            | Self::VersionNot13 => "RFC 6455 §4.1",
            Self::HeaderMissing(_)
            | Self::UpgradeNotWebSocket
            | Self::ConnectionNotUpgrade
            | Self::StatusNot101
            | Self::SubprotocolNotOffered
            | Self::ExtensionNotOffered => "RFC 6455 §4.1",
            Self::HeaderRepeated(_) => "RFC 6455 §11.3",
            Self::AcceptDoesNotFit => "RFC 6455 §4.2.2",
        }
    }
}

impl Serialize for WsDeviation {
    /// `{"section": "RFC 6455 §5.5", "text": "…"}`
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut note = to.serialize_struct("WsDeviation", 2)?;
        note.serialize_field("section", self.section())?;
        note.serialize_field("text", &self.to_string())?;
        note.end()
    }
}
