//! A part of a file in memory.

use std::io::{self, Read, Seek, SeekFrom};

/// Bytes that are read at once where fewer are asked for.
pub(crate) const WINDOW_BYTES: usize = 256 << 10;

/// Gives bytes of a file at any place, and reads a stretch of it at a time.
#[derive(Debug)]
pub(crate) struct Window<R> {
    file: R,
    at: u64,
    bytes: Vec<u8>,
}

impl<R: Read + Seek> Window<R> {
    pub(crate) fn new(file: R) -> Self {
        Self {
            file,
            at: 0,
            bytes: Vec::new(),
        }
    }

    pub(crate) fn file_bytes(&mut self) -> io::Result<u64> {
        self.file.seek(SeekFrom::End(0))
    }

    /// `count` bytes at `at`; fewer only where the file ends. What is in memory is asked first, and a file that has grown is read again.
    pub(crate) fn bytes(&mut self, at: u64, count: usize) -> io::Result<&[u8]> {
        if self.held(at, count).is_none() {
            self.read(at, count.max(WINDOW_BYTES))?;
        }
        let start = self.offset(at).unwrap_or(self.bytes.len());
        let end = start.saturating_add(count).min(self.bytes.len());
        Ok(&self.bytes[start..end])
    }

    /// Bytes that are in memory, without reading.
    pub(crate) fn held(&self, at: u64, count: usize) -> Option<&[u8]> {
        let start = self.offset(at)?;
        self.bytes.get(start..start.checked_add(count)?)
    }

    /// What is in memory is read again: it may be cut off and written anew.
    pub(crate) fn forget(&mut self) {
        self.bytes.clear();
    }

    fn offset(&self, at: u64) -> Option<usize> {
        let offset = usize::try_from(at.checked_sub(self.at)?).ok()?;
        (offset <= self.bytes.len()).then_some(offset)
    }

    fn read(&mut self, at: u64, count: usize) -> io::Result<()> {
        self.bytes.clear();
        // A window that a large chunk has stretched does not stay as large.
        self.bytes.shrink_to(count);
        self.at = at;
        self.file.seek(SeekFrom::Start(at))?;
        let left = self.file.by_ref().take(count as u64);
        // More than a window is asked for only where the file is known to have it.
        self.bytes.reserve_exact(count);
        let result = { left }.read_to_end(&mut self.bytes);
        if result.is_err() {
            self.bytes.clear();
        }
        result.map(drop)
    }
}
