//! Reading bytes from the front, with errors that say where.

use crate::error::{DecodeError, Fault};

/// The rest of an input, and how far it has been read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a> {
    all: &'a [u8],
    /// The end of `all`. Where it begins is worked out only where somebody asks.
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    #[inline]
    pub(crate) const fn new(all: &'a [u8]) -> Self {
        Self { all, rest: all }
    }

    /// Bytes read so far.
    #[inline]
    pub(crate) const fn at(&self) -> usize {
        self.all.len().saturating_sub(self.rest.len())
    }

    #[inline]
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Passes over bytes that were read from [`rest`](Self::rest), which leave these.
    #[inline]
    pub(crate) const fn leave(&mut self, rest: &'a [u8]) {
        self.rest = rest;
    }

    #[inline]
    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The same input up to here, read from a place before: for a part whose end is known. Places stay those of the whole.
    pub(crate) fn since(&self, at: usize) -> Self {
        let all = self.all.get(..self.at()).unwrap_or_default();
        let rest = all.get(at..).unwrap_or_default();
        Self { all, rest }
    }

    #[inline]
    pub(crate) fn take(&mut self, count: u64, what: &'static str) -> Result<&'a [u8], DecodeError> {
        let count_here = usize::try_from(count).ok();
        let Some((taken, rest)) = count_here.and_then(|count| self.rest.split_at_checked(count))
        else {
            return Err(self.truncated(count, what));
        };
        self.rest = rest;
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
        DecodeError::at(self.at(), fault)
    }

    #[cold]
    pub(crate) fn malformed(&self, why: &'static str) -> DecodeError {
        DecodeError::at(self.at(), Fault::Malformed(why))
    }
}
