//! What a connection carried, so that what one side sent can be compared with what another side saw.

use std::fmt;
use std::fmt::Write as _;

use ring::digest::{Context, SHA256};

/// Messages in their order: how many, how long, and a hash of all of them.
#[derive(Clone)]
pub struct Carried {
    /// Messages.
    pub count: u64,
    /// Bytes of their payloads.
    pub bytes: u64,
    hash: Context,
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageKind {
    /// UTF-8.
    Text,
    /// Any bytes.
    Binary,
}

impl Carried {
    /// Adds a message.
    pub fn add(&mut self, kind: MessageKind, payload: &[u8]) {
        self.count += 1;
        self.bytes += payload.len() as u64;
        self.hash.update(&[kind as u8]);
        self.hash.update(&(payload.len() as u64).to_be_bytes());
        self.hash.update(payload);
    }

    fn sha256(&self) -> String {
        let digest = self.hash.clone().finish();
        digest.as_ref().iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").expect("writing to a String does not fail");
            hex
        })
    }
}

impl Default for Carried {
    fn default() -> Self {
        Self {
            count: 0,
            bytes: 0,
            hash: Context::new(&SHA256),
        }
    }
}

impl PartialEq for Carried {
    fn eq(&self, other: &Self) -> bool {
        self.count == other.count && self.sha256() == other.sha256()
    }
}

impl fmt::Debug for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, bytes, .. } = self;
        write!(f, "{count} messages, {bytes} bytes, {}", self.sha256())
    }
}
