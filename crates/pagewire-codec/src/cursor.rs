//! Reading bytes from the front, with errors that say where.

use crate::error::{DecodeError, Fault};

/// The rest of an input, and how far it has been read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a> {
    all: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    #[inline]
    pub(crate) const fn new(all: &'a [u8]) -> Self {
        Self { all, at: 0 }
    }

    /// Bytes read so far.
    #[inline]
    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    #[inline]
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.all.get(self.at..).unwrap_or_default()
    }

    /// Passes over bytes that were read from [`rest`](Self::rest), which leave these.
    #[inline]
    pub(crate) fn leave(&mut self, rest: &'a [u8]) {
        self.at = self.all.len().saturating_sub(rest.len());
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.rest().is_empty()
    }

    /// The same input up to here, read from a place before: for a part whose end is known. Places stay those of the whole.
    pub(crate) fn since(&self, at: usize) -> Self {
        Self {
            all: self.all.get(..self.at).unwrap_or_default(),
            at,
        }
    }

    #[inline]
    pub(crate) fn take(&mut self, count: u64, what: &'static str) -> Result<&'a [u8], DecodeError> {
        let rest = self.rest();
        let taken = usize::try_from(count)
            .ok()
            .and_then(|count| rest.get(..count));
        let Some(taken) = taken else {
            return Err(self.truncated(count, what));
        };
        self.at = self.at.saturating_add(taken.len());
        Ok(taken)
    }

    #[inline]
    pub(crate) fn array<const N: usize>(
        &mut self,
        what: &'static str,
    ) -> Result<[u8; N], DecodeError> {
        let bytes = self.take(N as u64, what)?;
        Ok(bytes.first_chunk().copied().unwrap_or([0; N]))
    }

    pub(crate) fn byte(&mut self, what: &'static str) -> Result<u8, DecodeError> {
        self.array::<1>(what).map(|[byte]| byte)
    }

    #[cold]
    fn truncated(&self, needed: u64, what: &'static str) -> DecodeError {
        let left = self.rest().len();
        let fault = Fault::Truncated { what, needed, left };
        DecodeError::at(self.at, fault)
    }

    #[cold]
    pub(crate) fn malformed(&self, why: &'static str) -> DecodeError {
        DecodeError::at(self.at, Fault::Malformed(why))
    }
}
