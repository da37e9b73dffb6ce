//! What happens in a room, as Douyin's socket sends it.

mod kinds;
mod parts;

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use pagewire_codec::proto::Writer;

use super::course::Course;
use super::frames::Written;
use super::room::{Happening, Repeat};

/// Messages of a frame, if not told otherwise: with them a frame unpacks to about 75 kB, as those of a busy room do.
pub const MESSAGES_PER_FRAME: u64 = 20;

/// Frames of one made-up room: `PushFrame`s with a packed `Response` each. As an iterator it goes on for ever.
#[derive(Debug)]
pub struct Frames {
    pub(super) course: Course,
}

impl Frames {
    pub(super) fn of(course: Course) -> Self {
        Self { course }
    }

    /// The next frame before it is packed and put into its envelope: a `Response`, as polling answers with it.
    ///
    /// The manifest counts it as a frame that is not packed.
    pub fn response(&mut self) -> Vec<u8> {
        let response = self.unpacked();
        self.course.manifest.bytes += response.len() as u64;
        response
    }

    fn unpacked(&mut self) -> Vec<u8> {
        let messages = self.course.messages();
        let mut response = Writer::default();
        for _ in 0..messages {
            let happening = self.course.room.next().expect("it goes on for ever");
            self.course.manifest.add(&happening);
            self.message(&mut response, &happening);
        }
        self.course.manifest.frames += 1;
        let now_ms = self.now_ms();
        response.text(2, &self.cursor());
        response.varint(4, now_ms).text(5, &self.internal_ext());
        response.varint(8, 15).varint(9, 1);
        let response = response.into_bytes();
        self.course.manifest.unpacked_bytes += response.len() as u64;
        response
    }

    /// Its method and its fields.
    fn fields(&mut self, happening: &Happening) -> (String, Vec<u8>) {
        let mut pen = kinds::Pen {
            room: &self.course.room,
            chance: &mut self.course.chance,
            happening,
        };
        pen.message()
    }

    pub(super) fn written(&mut self, happening: &Happening) -> Option<Written> {
        let (method, payload) = self.fields(happening);
        Some(Written::Douyin { method, payload })
    }

    fn message(&mut self, response: &mut Writer, happening: &Happening) {
        let (method, payload) = self.fields(happening);
        response.message(1, |message| {
            message.text(1, &method).bytes(2, &payload);
            message.varint(3, happening.id).varint(4, 1);
            if happening.repeat != Repeat::First {
                message.varint(5, self.course.manifest.frames);
            }
        });
    }

    /// When the frame is sent.
    fn now_ms(&self) -> u64 {
        self.course.room.now_ms() + 150
    }

    fn cursor(&self) -> String {
        let (now_ms, room) = (self.now_ms(), self.course.room.id());
        format!("t-{now_ms}_r-{room}_d-1_u-1_h-{}", room ^ now_ms)
    }

    fn internal_ext(&self) -> String {
        let (now_ms, room) = (self.now_ms(), self.course.room.id());
        let seq = self.course.manifest.frames;
        format!(
            "internal_src:dim|wss_push_room_id:{room}|wss_push_did:7300000000000000001|first_req_ms:{}|fetch_time:{now_ms}|seq:{seq}|wss_info:0-{now_ms}-0-0|wrds_v:{room}",
            now_ms - now_ms % 3_600_000
        )
    }
}

impl Iterator for Frames {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let packed = packed(&self.unpacked());
        let mut frame = Writer::default();
        frame.varint(1, self.course.manifest.frames);
        frame.varint(2, self.course.chance.number());
        frame.varint(3, 8_888).varint(4, 8);
        let headers = [
            ("compress_type", "gzip".to_owned()),
            ("im-internal_ext", self.internal_ext()),
            ("im-cursor", self.cursor()),
            ("im-now", self.now_ms().to_string()),
            ("im-live_cursor", "d-1_u-1".to_owned()),
        ];
        for (name, value) in headers {
            frame.message(5, |header| {
                header.text(1, name).text(2, &value);
            });
        }
        frame.text(6, "pb").text(7, "msg").bytes(8, &packed);
        let frame = frame.into_bytes();
        self.course.manifest.bytes += frame.len() as u64;
        Some(frame)
    }
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(bytes).expect("memory takes all");
    gzip.finish().expect("memory takes all")
}
