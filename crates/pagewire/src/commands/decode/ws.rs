//! WebSocket: the frames of a captured stream, and the handshake before them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use pagewire_codec::{
    WsDeviation, WsExtension, WsFrame, WsHead, WsHeadKind, WsLengthForm, WsOpcode, accept_of,
    check_accept, check_heads, ws_frames, ws_head,
};
use serde_json::{Value, json};

use super::arguments::WsArguments;
use super::input::{self, Input};
use crate::exit::{FAILED, Failed};
use crate::preview;
use crate::terminal::{harmless, one_line, print_json, print_text};

/// Bytes of a payload that are shown.
const SHOWN_BYTES: usize = 256;

pub(super) fn decode(arguments: &WsArguments) -> Result<(), Failed> {
    if let Some(key) = &arguments.key {
        return check_key(key, arguments);
    }
    let inputs = input::read(&arguments.input)?;
    let heads = inputs.iter().map(head).collect::<Result<Vec<_>, _>>()?;
    let agreed = heads.iter().flatten().find(is_response);
    let extension = match agreed.map(WsHead::extension) {
        Some(WsExtension::PermessageDeflate) => WsExtension::PermessageDeflate,
        _ if arguments.deflate => WsExtension::PermessageDeflate,
        Some(WsExtension::None) | None => WsExtension::None,
    };
    for (input, head) in inputs.iter().zip(&heads) {
        if inputs.len() > 1 && !arguments.json {
            print_text(&format!("# {}", input.name))?;
        }
        if let Some(head) = head {
            print_head(head, arguments)?;
        }
        let begin = head.as_ref().map_or(0, |head| head.bytes);
        print_frames(input, begin, extension, arguments)?;
    }
    if let [Some(request), Some(response)] = &heads[..] {
        print_together(&check_heads(request, response), arguments)?;
    }
    Ok(())
}

fn head(input: &Input) -> Result<Option<WsHead>, Failed> {
    ws_head(&input.bytes).map_err(|error| {
        let words = format!("{} begins with no handshake: {error}", input.name);
        Failed::new(FAILED, words)
    })
}

const fn is_response(head: &&WsHead) -> bool {
    matches!(head.kind, WsHeadKind::Response { .. })
}

/// `--key` alone says what the answer must be; with `--accept` whether it is.
fn check_key(key: &str, arguments: &WsArguments) -> Result<(), Failed> {
    let expected = accept_of(key);
    let Some(accept) = &arguments.accept else {
        return print_text(&expected);
    };
    let wrong = check_accept(key, accept);
    print_together(&wrong, arguments)?;
    if wrong.is_empty() {
        return Ok(());
    }
    let words = format!("the server has to answer Sec-WebSocket-Accept: {expected}");
    Err(Failed::new(FAILED, words))
}

fn print_together(deviations: &[WsDeviation], arguments: &WsArguments) -> Result<(), Failed> {
    if arguments.json {
        let line = json!({ "kind": "handshake", "deviations": deviations });
        return print_json(&line.to_string());
    }
    if deviations.is_empty() {
        return print_text("the handshake is right: Sec-WebSocket-Accept belongs to the key");
    }
    print_text(told(deviations).trim_start_matches('\n'))
}

fn print_head(head: &WsHead, arguments: &WsArguments) -> Result<(), Failed> {
    if arguments.json {
        let mut line = serde_json::to_value(head).expect("it is JSON");
        line["type"] = line["kind"].take();
        line["kind"] = "head".into();
        return print_json(&line.to_string());
    }
    let first = match &head.kind {
        WsHeadKind::Request { method, path } => {
            format!("{method} {path} HTTP/1.{}", head.http_minor)
        }
        WsHeadKind::Response { status } => format!("HTTP/1.{} {status}", head.http_minor),
    };
    let fields = head.fields.iter();
    let shown = fields.filter(|(name, _)| is_of_handshake(name));
    let fields: String = shown
        .map(|(name, value)| format!("\n  {name}: {}", one_line(value)))
        .collect();
    let text = format!("{}{fields}{}\n", one_line(&first), told(&head.deviations));
    print_text(&harmless(&text))
}

/// Others may hold secrets, and nobody asked for them.
fn is_of_handshake(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with("sec-websocket-")
        || ["host", "origin", "upgrade", "connection"].contains(&&*name)
}

fn print_frames(
    input: &Input,
    begin: usize,
    extension: WsExtension,
    arguments: &WsArguments,
) -> Result<(), Failed> {
    let stream = input.bytes.get(begin..).unwrap_or_default();
    let mut frames = ws_frames(stream, extension);
    for (number, frame) in (1..).zip(frames.by_ref()) {
        let frame = frame.map_err(|error| {
            let error = error.shifted(begin);
            Failed::new(
                FAILED,
                format!("{} ends inside of a frame: {error}", input.name),
            )
        })?;
        if arguments.json {
            print_json(&frame_json(&frame, begin).to_string())?;
        } else {
            print_text(&frame_text(number, &frame, begin))?;
        }
    }
    if frames.is_inside_message() && !arguments.json {
        print_text("the last message has not ended: a frame with FIN is missing")?;
    }
    Ok(())
}

fn frame_json(frame: &WsFrame<'_>, begin: usize) -> Value {
    let mut line = serde_json::to_value(frame).expect("it is JSON");
    line["kind"] = "frame".into();
    line["at"] = (begin + frame.at).into();
    line["size"] = frame.payload.len().into();
    match std::str::from_utf8(&frame.payload) {
        Ok(text) => line["text"] = text.into(),
        Err(_) => line["base64"] = BASE64.encode(&frame.payload).into(),
    }
    line
}

/// One frame as in RFC 6455 §5.2: its bits, then its payload.
fn frame_text(number: u32, frame: &WsFrame<'_>, begin: usize) -> String {
    let bit = |set: bool| if set { '1' } else { '0' };
    let rsv: String = frame.rsv.iter().map(|set| bit(*set)).collect();
    let (opcode, name) = opcode(frame.opcode);
    let form = match frame.length_form {
        WsLengthForm::SevenBits => "7 bits",
        WsLengthForm::TwoBytes => "126 and 2 bytes",
        WsLengthForm::EightBytes => "127 and 8 bytes",
    };
    let key = frame.mask.map_or_else(String::new, |key| {
        let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("  key {hex}")
    });
    let close = frame.close.as_ref().map_or_else(String::new, |close| {
        format!("\n  closes with {} {}", close.code, one_line(&close.reason))
    });
    let text = format!(
        "frame {number} at byte {}: {name}\n  FIN {}  RSV {rsv}  opcode {opcode}  MASK {}  length {} ({form}){key}{close}{}{}\n",
        begin + frame.at,
        bit(frame.fin),
        bit(frame.mask.is_some()),
        frame.payload.len(),
        payload(frame),
        told(&frame.deviations),
    );
    harmless(&text)
}

fn payload(frame: &WsFrame<'_>) -> String {
    let is_text = !frame.rsv[0] && matches!(frame.opcode, WsOpcode::Text);
    match std::str::from_utf8(&frame.payload) {
        _ if frame.payload.is_empty() || frame.close.is_some() => String::new(),
        Ok(text) if is_text && text.len() <= SHOWN_BYTES => format!("\n  {text}"),
        _ => preview::rows(&frame.payload, SHOWN_BYTES, "--json shows all"),
    }
}

const fn opcode(opcode: WsOpcode) -> (u8, &'static str) {
    match opcode {
        WsOpcode::Continuation => (0, "continuation"),
        WsOpcode::Text => (1, "text"),
        WsOpcode::Binary => (2, "binary"),
        WsOpcode::Close => (8, "close"),
        WsOpcode::Ping => (9, "ping"),
        WsOpcode::Pong => (10, "pong"),
        WsOpcode::Reserved(number) => (number, "reserved"),
    }
}

/// What is done otherwise than the standard asks, a line each.
fn told(deviations: &[WsDeviation]) -> String {
    let lines = deviations.iter();
    lines
        .map(|deviation| format!("\n  ! {}: {deviation}", deviation.section()))
        .collect()
}
