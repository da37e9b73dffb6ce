//! From chunk to chunk, and past what is none.

use std::io::{self, Read, Seek};

use super::{Ending, OpenChunk, RESYNC_NESTED_MAX, SegmentError, SegmentReader, Step, damage};
use crate::chunk::{
    CHUNK_HEAD_BYTES, FORMAT_VERSION, Head, KIND_BEGIN, KIND_RECORDS, MARKER, PACKING_DEFLATE,
    PACKING_NONE, find_head,
};
use crate::damage::DamageKind;
use crate::window::WINDOW_BYTES;

const HEAD_BYTES: u64 = CHUNK_HEAD_BYTES as u64;

impl<R: Read + Seek> SegmentReader<R> {
    /// Opens the next chunk. `None` where it is open, or was passed over.
    pub(super) fn next_chunk(&mut self) -> Result<Option<Step>, SegmentError> {
        if self.range.to.is_some_and(|to| to.is_before(self.latest)) {
            return Ok(Some(Step::End(Ending::TimeIsUp)));
        }
        let bytes = self.window.bytes(self.at, CHUNK_HEAD_BYTES)?;
        if bytes.is_empty() {
            return Ok(Some(Step::End(Ending::Whole)));
        }
        let looks_torn = bytes.len() < CHUNK_HEAD_BYTES
            && bytes
                .iter()
                .zip(&MARKER)
                .all(|(byte, expected)| byte == expected);
        let head = Head::decode(bytes);
        match head.filter(|head| self.segment.is_none_or(|segment| head.segment == segment)) {
            Some(head) if head.version > FORMAT_VERSION => Err(SegmentError::Newer(head.version)),
            Some(head) => Ok(self.read_chunk(&head)?),
            None => Ok(Some(self.pass_to_next_head(looks_torn)?)),
        }
    }

    /// The first head from `start` on that begins before `before`.
    pub(super) fn find(&mut self, start: u64, before: u64) -> io::Result<Option<(u64, Head)>> {
        let mut at = start;
        while at < before {
            let bytes = self.window.bytes(at, WINDOW_BYTES)?;
            if let Some((offset, head)) = find_head(bytes, self.segment) {
                let found = at + offset as u64;
                return Ok((found < before).then_some((found, head)));
            }
            if bytes.len() < WINDOW_BYTES {
                return Ok(None);
            }
            // A head may stand across the border.
            at += (WINDOW_BYTES - CHUNK_HEAD_BYTES + 1) as u64;
        }
        Ok(None)
    }

    fn pass_to_next_head(&mut self, looks_torn: bool) -> io::Result<Step> {
        let begin = self.at;
        let Some((at, head)) = self.find(begin + 1, u64::MAX)? else {
            let end = self.window.file_bytes()?.max(begin);
            if looks_torn {
                self.window.forget();
                let torn = damage(begin..end, DamageKind::Torn, None);
                return Ok(Step::End(Ending::Unfinished(torn)));
            }
            self.at = end;
            return Ok(Step::Damage(damage(begin..end, DamageKind::NoChunk, None)));
        };
        self.at = at;
        let lost = self
            .expected
            .and_then(|expected| head.first.checked_sub(expected));
        if lost.is_some() {
            self.expected = Some(head.first);
        }
        // Alone at the beginning of a segment there is the chunk without records.
        let lost = lost.or_else(|| (begin == 0 && at == HEAD_BYTES).then_some(0));
        Ok(Step::Damage(damage(begin..at, DamageKind::NoChunk, lost)))
    }

    fn read_chunk(&mut self, head: &Head) -> io::Result<Option<Step>> {
        self.segment = Some(head.segment);
        if !head.is_within_limits() {
            return self.pass(head, DamageKind::TooLarge).map(Some);
        }
        let bytes = CHUNK_HEAD_BYTES + head.stored_bytes as usize;
        let end = self.at + head.chunk_bytes();
        if self.window.held(self.at, bytes).is_none() && self.window.file_bytes()? < end {
            return self.pass_incomplete(head).map(Some);
        }
        if self
            .range
            .from
            .is_some_and(|from| from.is_after(head.latest))
        {
            self.go_behind(head);
            return Ok(None);
        }
        let chunk = self.window.bytes(self.at, bytes)?;
        if Head::decode(chunk) != Some(*head) {
            // A writer without room has cut it off and written another since the head was read.
            return Ok(None);
        }
        if chunk.len() < bytes {
            return self.pass_incomplete(head).map(Some);
        }
        let stored = chunk.get(CHUNK_HEAD_BYTES..);
        if stored.is_none_or(|stored| crc32fast::hash(stored) != head.checksum) {
            return self.pass(head, DamageKind::Records).map(Some);
        }
        if let Some(step) = self.check_number(head) {
            return Ok(Some(step));
        }
        let at = self.at;
        self.go_behind(head);
        Ok(self.open(head, at))
    }

    /// Whether this chunk is the one that should come.
    fn check_number(&mut self, head: &Head) -> Option<Step> {
        let expected = self.expected.unwrap_or(head.first);
        let (at, has_begun) = (self.at, std::mem::replace(&mut self.begun, true));
        if let Some(missing) = head.first.checked_sub(expected) {
            self.expected = Some(head.first);
            let missing = (missing > 0).then_some(missing)?;
            return Some(Step::Damage(damage(
                at..at,
                DamageKind::Missing,
                Some(missing),
            )));
        }
        if has_begun {
            self.at += head.chunk_bytes();
            return Some(Step::Damage(damage(
                at..self.at,
                DamageKind::Repeated,
                Some(0),
            )));
        }
        self.expected = Some(head.first);
        Some(Step::Damage(damage(
            at..at,
            DamageKind::OutOfOrder,
            Some(0),
        )))
    }

    fn go_behind(&mut self, head: &Head) {
        self.at += head.chunk_bytes();
        self.expected = self.expected.max(Some(head.next()));
        if head.records == 0
            || self
                .range
                .from
                .is_some_and(|from| from.is_after(head.latest))
        {
            self.latest = self.latest.latest(head.latest);
        }
    }

    fn open(&mut self, head: &Head, at: u64) -> Option<Step> {
        match (head.kind, head.packing) {
            (KIND_BEGIN, _) => return None,
            (KIND_RECORDS, PACKING_NONE) if head.plain_bytes == head.stored_bytes => {}
            (KIND_RECORDS, PACKING_DEFLATE) => {
                let stored = self
                    .window
                    .held(at + HEAD_BYTES, head.stored_bytes as usize);
                let stored = stored.expect("its checksum was just computed");
                let plain_bytes = head.plain_bytes as usize;
                if !self.unpacker.unpack(stored, plain_bytes, &mut self.plain) {
                    return Some(senseless(head, at));
                }
            }
            (KIND_RECORDS, PACKING_NONE) => return Some(senseless(head, at)),
            _ => {
                self.skipped.chunks += 1;
                self.latest = self.latest.latest(head.latest);
                return None;
            }
        }
        self.chunk = Some(OpenChunk {
            head: *head,
            at,
            given: 0,
            next: 0,
            last: 0..0,
        });
        None
    }

    /// A chunk that reaches over the end of the file: it is being written, or bytes of it were taken out.
    fn pass_incomplete(&mut self, head: &Head) -> io::Result<Step> {
        if self.find(self.at + HEAD_BYTES, u64::MAX)?.is_some() {
            return self.pass(head, DamageKind::Records);
        }
        let end = self.window.file_bytes()?.max(self.at);
        let records = Some(head.records.into());
        self.window.forget();
        let torn = damage(self.at..end, DamageKind::Torn, records);
        Ok(Step::End(Ending::Unfinished(torn)))
    }

    /// Goes to the next head, which is inside this chunk where bytes of it were taken out.
    fn pass(&mut self, head: &Head, kind: DamageKind) -> io::Result<Step> {
        let begin = self.at;
        let end = begin.saturating_add(head.chunk_bytes());
        self.resync.nested = if begin < self.resync.until {
            self.resync.nested + 1
        } else {
            0
        };
        self.resync.until = self.resync.until.max(end);
        self.at = if self.resync.nested < RESYNC_NESTED_MAX {
            let found = self.find(begin + HEAD_BYTES, end)?;
            found.map_or(end, |(at, _)| at)
        } else {
            self.resync.until
        };
        self.at = self.at.min(self.window.file_bytes()?);
        let before = self
            .expected
            .and_then(|expected| head.first.checked_sub(expected));
        let lost = u64::from(head.records).saturating_add(before.unwrap_or_default());
        self.expected = self.expected.max(Some(head.next()));
        self.latest = self.latest.latest(head.latest);
        Ok(Step::Damage(damage(begin..self.at, kind, Some(lost))))
    }
}

fn senseless(head: &Head, at: u64) -> Step {
    let bytes = at..at + head.chunk_bytes();
    Step::Damage(damage(
        bytes,
        DamageKind::Malformed,
        Some(head.records.into()),
    ))
}
