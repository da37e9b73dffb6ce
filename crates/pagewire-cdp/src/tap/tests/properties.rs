use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use proptest::prelude::*;
use serde_json::value::RawValue;

use super::*;

/// A JSON string in one of the ways to write it: each character as it is or escaped.
fn written(text: &str, escaped: &[bool]) -> String {
    let mut out = String::from("\"");
    for (at, c) in text.chars().enumerate() {
        let wanted = escaped
            .get(at % escaped.len().max(1))
            .copied()
            .unwrap_or(false);
        if wanted && c == '\n' {
            out.push_str("\\n");
        } else if wanted && c == '/' {
            out.push_str("\\/");
        } else if wanted || c.is_control() || matches!(c, '"' | '\\') {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04X}"));
            }
        } else {
            out.push(c);
        }
    }
    out.push('"');
    out
}

/// The value that a frame with this payload, as JSON, becomes.
fn frame_value(opcode: u8, payload: &str) -> Value {
    let (mut taps, page) = (taps(&["ws:*"]), session("S"));
    open(&mut taps, &page, "1", "wss://x/");
    let params = format!(
        r#"{{"requestId":"1","timestamp":10.5,"response":{{"opcode":{opcode},"payloadData":{payload}}}}}"#
    );
    let params: &RawValue = serde_json::from_str(&params).expect("written as JSON");
    feed_raw(&mut taps, &page, "Network.webSocketFrameReceived", params).unwrap();
    values(&mut taps).pop().expect("a frame").1
}

/// What happens to one socket.
#[derive(Debug, Clone)]
struct Life {
    session: &'static str,
    id: String,
    frames: Vec<String>,
}

impl Life {
    fn events(&self) -> Vec<(&'static str, Value)> {
        let host = format!("wss://{}-{}/", self.session, self.id);
        let mut events = vec![
            ("Network.webSocketCreated", created(&self.id, &host)),
            (
                "Network.webSocketWillSendHandshakeRequest",
                handshake(&self.id),
            ),
            (
                "Network.webSocketHandshakeResponseReceived",
                answer(&self.id),
            ),
        ];
        for text in &self.frames {
            events.push(("Network.webSocketFrameReceived", frame(&self.id, 1, text)));
        }
        events.push(("Network.webSocketClosed", closed(&self.id)));
        events
    }
}

fn lives() -> impl Strategy<Value = Vec<Life>> {
    let frames = prop::collection::vec(any::<String>(), 0..6);
    prop::collection::vec(frames, 1..6).prop_map(|all| {
        all.into_iter()
            .enumerate()
            .map(|(at, frames)| Life {
                // The same ids in two sessions.
                session: if at % 2 == 0 { "tab" } else { "worker" },
                id: (at / 2).to_string(),
                frames,
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn a_text_comes_back_and_its_size_is_true(text in any::<String>(), escaped in prop::collection::vec(any::<bool>(), 1..8)) {
        let value = frame_value(1, &written(&text, &escaped));
        prop_assert_eq!(value["text"].as_str(), Some(&*text));
        prop_assert_eq!(value["size"].as_u64(), Some(text.len() as u64));
    }

    #[test]
    fn bytes_come_back_and_their_size_is_true(bytes in prop::collection::vec(any::<u8>(), 0..80), escaped in prop::collection::vec(any::<bool>(), 1..4)) {
        let value = frame_value(2, &written(&BASE64_STANDARD.encode(&bytes), &escaped));
        let got = BASE64_STANDARD.decode(value["base64"].as_str().unwrap()).unwrap();
        prop_assert_eq!(&got, &bytes);
        prop_assert_eq!(value["size"].as_u64(), Some(bytes.len() as u64));
    }

    #[test]
    fn any_units_of_utf_16_have_a_size(units in prop::collection::vec(prop_oneof![any::<u16>(), 0xD700_u16..0xE100], 0..12)) {
        let inner: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
        prop_assert_eq!(payload::text_bytes(&inner), String::from_utf16_lossy(&units).len() as u64);
    }

    #[test]
    fn each_socket_keeps_its_order_and_none_loses_anything(lives in lives(), turns in prop::collection::vec(any::<prop::sample::Index>(), 60)) {
        let mut taps = taps(&["ws:*"]);
        let mut waiting: Vec<_> = lives.iter().map(|life| (life, life.events().into_iter())).collect();
        let mut turns = turns.into_iter().cycle();
        while !waiting.is_empty() {
            let turn = turns.next().expect("without end").index(waiting.len());
            let (life, events) = &mut waiting[turn];
            match events.next() {
                Some((name, params)) => feed(&mut taps, &session(life.session), name, &params).unwrap(),
                None => drop(waiting.remove(turn)),
            }
        }
        let values = values(&mut taps);
        for life in &lives {
            let host = format!("-{}-{}", life.session, life.id);
            let got: Vec<_> = values
                .iter()
                .filter(|(connection, _)| connection.ends_with(&host))
                .map(|(_, value)| match value["kind"].as_str().unwrap() {
                    "text" => value["text"].as_str().unwrap().to_owned(),
                    kind => format!("({kind})"),
                })
                .collect();
            let mut expected = vec!["(open)".to_owned()];
            expected.extend(life.frames.iter().cloned());
            expected.push("(close)".to_owned());
            prop_assert_eq!(got, expected);
        }
    }
}
