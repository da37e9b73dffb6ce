//! Frames that want to do harm: cut, random, bombs, broken in the middle. Each is told, and what is beside it comes out.
#![cfg(all(target_os = "linux", feature = "decode"))]

mod binary;
mod frames;

use std::io::Write as _;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::write::GzEncoder;
use flate2::{Compress, Compression, FlushCompress};
use pagewire_codec::proto::Writer;
use pagewire_live::made::douyin::Frames;
use pagewire_testkit::PATIENCE;
use serde_json::Value;
use tokio::process::Command;

use self::binary::Finished;
use self::frames::{decode_lines, events, feed};

const MIB: usize = 1 << 20;
/// Of address space, in KiB: a bomb that is unpacked does not fit.
const MEMORY_KIB: &str = "800000";

/// As lines of input.
fn lines<'a>(frames: impl IntoIterator<Item = &'a [u8]>) -> String {
    let frames = frames.into_iter();
    frames.map(|frame| STANDARD.encode(frame) + "\n").collect()
}

async fn decode(lines: &str) -> Finished {
    decode_lines("douyin", &["--json"], lines.as_bytes()).await
}

/// One message of a response.
fn message(response: &mut Writer, id: u64, payload: &[u8]) {
    response.message(1, |message| {
        message
            .text(1, "WebcastChatMessage")
            .bytes(2, payload)
            .varint(3, id);
    });
}

fn chat(text: &str) -> Vec<u8> {
    let mut chat = Writer::default();
    chat.text(3, text);
    chat.into_bytes()
}

/// A response with these chats.
fn response<'a>(payloads: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut response = Writer::default();
    for (id, payload) in (1..).zip(payloads) {
        message(&mut response, id, payload);
    }
    response.into_bytes()
}

/// A response with a chat that no other one has the id of.
fn good() -> Vec<u8> {
    let mut response = Writer::default();
    message(&mut response, 99, &chat("good"));
    response.into_bytes()
}

fn texts(finished: &Finished) -> Vec<String> {
    let events = events(finished);
    let texts = events.iter().map(|event| event["chat"]["text"].as_str());
    texts.map(|text| text.expect("a text").to_owned()).collect()
}

#[tokio::test]
async fn a_broken_message_does_not_keep_the_others_back() {
    let (first, last) = (chat("first"), chat("last"));
    let broken = [
        &b"\x1a\x0a\x61"[..],    // A text longer than what there is.
        b"\x12\x03\x0a\x09\x61", // A user who is cut.
        b"\x00\x01",             // A field with the number 0.
    ];
    for broken in broken {
        let decoded = decode(&lines([&response([&*first, broken, &*last])[..]])).await;
        assert_eq!(decoded.code, 1, "{}", decoded.stderr);
        assert_eq!(texts(&decoded), ["first", "last"], "{broken:x?}");
        assert_eq!(decoded.stderr.lines().count(), 1, "{}", decoded.stderr);
        let words = "pagewire: standard input, line 1, holds what is no message of douyin: ";
        assert!(decoded.stderr.starts_with(words) && decoded.stderr.contains(", at byte "));
    }
    // One whose own fields are cut.
    let mut response = Writer::default();
    message(&mut response, 1, &first);
    response.bytes(1, b"\x0a\x7fWebcast");
    message(&mut response, 2, &last);
    let decoded = decode(&lines([&response.into_bytes()[..]])).await;
    assert_eq!(texts(&decoded), ["first", "last"]);
    assert!(
        decoded.stderr.contains(" in messages"),
        "{}",
        decoded.stderr
    );
}

#[tokio::test]
async fn frames_that_are_cut_at_any_byte_end_in_words() {
    let mut frames = Frames::new(1).messages_per_frame(2);
    let whole = frames.next().expect("a frame");
    let response = response([&chat("a")[..], &chat("b"), &chat("c")]);
    let good = good();
    for frame in [&whole, &response] {
        let cut = (0..frame.len()).map(|end| &frame[..end]);
        let decoded = decode(&lines(cut.chain([&good[..]]))).await;
        assert_eq!(decoded.code, 1);
        let last = events(&decoded).pop().expect("what is whole");
        assert_eq!(last["chat"]["text"], "good");
        let errors = decoded.stderr.lines().count();
        assert!(errors * 2 > frame.len(), "{errors} of {}", frame.len());
        for error in decoded.stderr.lines() {
            assert!(error.contains(", at byte "), "{error}");
        }
    }
}

#[tokio::test]
async fn random_bytes_end_in_words() {
    // xorshift64.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let frames: Vec<Vec<u8>> = (0..2_000)
        .map(|_| {
            (0..random() % 300)
                .map(|_| random().to_le_bytes()[0])
                .collect()
        })
        .collect();
    let good = good();
    let input = frames.iter().map(|frame| &frame[..]).chain([&good[..]]);
    let decoded = decode(&lines(input)).await;
    assert_eq!(decoded.code, 1);
    let last = events(&decoded).pop().expect("what is whole");
    assert_eq!(last["chat"]["text"], "good");
    let words = "pagewire: standard input, line ";
    assert!(decoded.stderr.lines().count() > 1_000);
    assert!(decoded.stderr.lines().all(|line| line.starts_with(words)));
}

/// A gzip file of so many MiB of zeros. Its last bytes, the checksum, are wrong: nobody gets there.
fn zeros(mib: usize) -> Vec<u8> {
    let mut deflate = Compress::new(Compression::best(), false);
    let mut block = Vec::with_capacity(MIB);
    deflate
        .compress_vec(&vec![0; MIB], &mut block, FlushCompress::Full)
        .expect("memory takes it");
    let head = b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec();
    [head, block.repeat(mib), b"\x03\0".to_vec(), vec![0; 8]].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(bytes).expect("memory takes it");
    gzip.finish().expect("memory takes it")
}

/// In the frame of the site's socket.
fn pushed(payload: &[u8]) -> Vec<u8> {
    let mut frame = Writer::default();
    frame.varint(1, 1).text(7, "msg").bytes(8, payload);
    frame.into_bytes()
}

#[tokio::test]
async fn bombs_take_neither_memory_nor_time() {
    let bomb = zeros(1_024);
    let packed = gzip(&bomb);
    assert!(packed.len() < 8_000, "{} bytes for 1 GiB", packed.len());
    let good = good();
    let frames = [
        &bomb,
        &packed,
        &gzip(&packed),
        &pushed(&bomb),
        &pushed(&packed),
    ];
    let input = frames.iter().map(|frame| &frame[..]).chain([&good[..]]);
    let mut command = Command::new("sh");
    let decode = "ulimit -v \"$2\" && exec \"$1\" decode frame --site douyin --lines --json";
    let pagewire = env!("CARGO_BIN_EXE_pagewire");
    command.args(["-c", decode, "sh", pagewire, MEMORY_KIB]);
    command.stdout(std::process::Stdio::piped());
    command
        .stderr(std::process::Stdio::piped())
        .kill_on_drop(true);
    let begin = Instant::now();
    let decoded = feed(command, lines(input).as_bytes()).await;
    assert!(begin.elapsed() < PATIENCE / 2, "{:?}", begin.elapsed());
    assert_eq!(
        (decoded.code, texts(&decoded)),
        (1, vec!["good".to_owned()])
    );
    assert_eq!(
        decoded.stderr.lines().count(),
        frames.len(),
        "{}",
        decoded.stderr
    );
    for error in decoded.stderr.lines() {
        assert!(error.contains("too much: "), "{error}");
    }
}

#[tokio::test]
async fn times_of_the_far_future_do_not_move_the_clock() {
    let mut far = Writer::default();
    far.text(3, "far").varint(15, 1 << 40);
    let near = chat("near");
    let decoded = decode(&lines([&response([&far.into_bytes()[..], &near])[..]])).await;
    let events = events(&decoded);
    let times: Vec<&Value> = events.iter().map(|event| &event["time_ms"]).collect();
    assert_eq!(*times[0], (1_u64 << 40) * 1_000);
    assert_eq!(events[1]["time_source"], "arrival");
    assert!(times[1].as_u64() < Some(1 << 42), "{}", times[1]);
}
