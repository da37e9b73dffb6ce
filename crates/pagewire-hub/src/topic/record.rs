//! One kept value and its JSON form, the same on every face (`docs/protocol.md` §3.4).

use std::fmt;
use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use pagewire_rpc::Payload;
use serde::{Serialize, Serializer};

/// A place in a topic: `RUN:SEQ`. It resumes after the value with that number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    run: Option<Box<str>>,
    seq: u64,
}

impl Cursor {
    pub(crate) fn new(run: &str, seq: u64) -> Self {
        Self {
            run: Some(run.into()),
            seq,
        }
    }

    /// Reads `RUN:SEQ`, or a bare number, which is of whatever run is current.
    pub fn parse(text: &str) -> Option<Self> {
        let (run, seq) = match text.rsplit_once(':') {
            Some((run, seq)) => (Some(run.into()), seq),
            None => (None, text),
        };
        seq.parse().ok().map(|seq| Self { run, seq })
    }

    /// The number, if the cursor can be of this run.
    pub(crate) fn seq_in(&self, run: &str) -> Option<u64> {
        self.run
            .as_deref()
            .is_none_or(|own| own == run)
            .then_some(self.seq)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.run {
            Some(run) => write!(f, "{run}:{}", self.seq),
            None => self.seq.fmt(f),
        }
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One value of a topic.
#[derive(Debug)]
pub struct Record {
    run: Arc<str>,
    /// Its number.
    pub seq: u64,
    /// When the hub took it, in milliseconds of Unix time.
    pub time_ms: u64,
    /// The value.
    pub value: Payload,
    json: OnceLock<Bytes>,
}

impl Record {
    pub(crate) fn new(run: Arc<str>, seq: u64, time_ms: u64, value: Payload) -> Self {
        Self {
            run,
            seq,
            time_ms,
            value,
            json: OnceLock::new(),
        }
    }

    /// What resumes after this value.
    pub fn cursor(&self) -> Cursor {
        Cursor::new(&self.run, self.seq)
    }

    /// The record as JSON on one line: made once, shared by all subscribers.
    pub fn json(&self) -> Bytes {
        self.json.get_or_init(|| self.render()).clone()
    }

    /// The record without its value: the header of a binary message.
    pub fn json_head(&self) -> String {
        let Payload::Bytes(value) = &self.value else {
            return self.head(None, None);
        };
        self.head(value.media_type(), None)
    }

    fn render(&self) -> Bytes {
        match &self.value {
            Payload::Bytes(value) => {
                let base64 = STANDARD.encode(&value.data);
                self.head(Some(value.media_type_or_default()), Some(&base64))
                    .into()
            }
            Payload::Json(text) => {
                let text = text.on_one_line();
                let head = self.head(None, None);
                let open = head.len() - 1;
                [
                    &head.as_bytes()[..open],
                    b",\"value\":",
                    text.as_bytes(),
                    b"}",
                ]
                .concat()
                .into()
            }
        }
    }

    /// Numbers, and a run of letters, digits and `.`, need no escapes; what comes from outside does.
    fn head(&self, media_type: Option<&str>, base64: Option<&str>) -> String {
        let (mut seq, mut time_ms) = (itoa::Buffer::new(), itoa::Buffer::new());
        let (seq, time_ms) = (seq.format(self.seq), time_ms.format(self.time_ms));
        let mut head = [
            "{\"seq\":",
            seq,
            ",\"cursor\":\"",
            &self.run,
            ":",
            seq,
            "\",\"time_ms\":",
            time_ms,
        ]
        .concat();
        for (name, text) in [("type", media_type), ("base64", base64)] {
            if let Some(text) = text {
                let text = serde_json::Value::from(text);
                head.push_str(&format!(",\"{name}\":{text}"));
            }
        }
        head.push('}');
        head
    }
}
