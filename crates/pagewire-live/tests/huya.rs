//! Messages of Huya, written here by hand, as events.

mod tars;

mod huya {
    mod gifts;
    mod hostile;
    mod messages;
    mod requests;
}

use pagewire_codec::DecodeError;
use pagewire_live::{Event, FrameReader, Site};
use serde_json::Value;

use tars::Field;
use tars::Field::{Bytes, Int, List, Struct, Text};

/// 2026-10-01.
const ARRIVAL_MS: u64 = 1_790_812_800_000;

/// Command 7: one message.
fn push(uri: i64, group: &str, id: i64, body: Vec<u8>) -> Vec<u8> {
    let push = tars::message(&[
        (0, Int(5)),
        (1, Int(uri)),
        (2, Bytes(body)),
        (3, Int(0)),
        (4, Text(group)),
        (5, Int(id)),
    ]);
    tars::message(&[(0, Int(7)), (1, Bytes(push))])
}

/// Command 22: many messages of one group.
fn batch(group: &str, messages: &[(i64, i64, Vec<u8>)]) -> Vec<u8> {
    let items = messages.iter().map(|(uri, id, body)| {
        Struct(vec![
            (0, Int(*uri)),
            (1, Bytes(body.clone())),
            (2, Int(*id)),
        ])
    });
    let batch = tars::message(&[(0, Text(group)), (1, List(items.collect()))]);
    tars::message(&[(0, Int(22)), (1, Bytes(batch))])
}

/// A chat with what all have.
fn chat(text: &'static str) -> Vec<u8> {
    let sender = Struct(vec![(0, Int(31)), (2, Text("芦苇"))]);
    tars::message(&[(0, sender), (3, Text(text))])
}

fn read(frame: &[u8]) -> (Vec<Event<'static>>, Vec<DecodeError>) {
    let (mut events, mut errors) = (Vec::new(), Vec::new());
    FrameReader::new(Site::Huya).read(frame, ARRIVAL_MS, |event| match event {
        Ok(event) => events.push(event.into_owned()),
        Err(error) => errors.push(error),
    });
    (events, errors)
}

/// The events of a frame in which there is no error, as JSON.
fn json(frame: &[u8]) -> Vec<Value> {
    let (events, errors) = read(frame);
    assert_eq!(errors, []);
    events.iter().map(json_of).collect()
}

fn json_of(event: &Event<'_>) -> Value {
    let mut line = Vec::new();
    event.write_json(&mut line);
    serde_json::from_slice(&line).expect("JSON")
}

/// The one event of a message with this body, in the group of presenter 70.
fn one(uri: i64, fields: &[(u8, Field<'_>)]) -> Value {
    let events = json(&push(uri, "live:70", 900, tars::message(fields)));
    let [event] = events.try_into().expect("one event");
    event
}
