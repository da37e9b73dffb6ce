//! One Brotli stream.

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};

use super::{Output, STREAM, cut};
use crate::cursor::Cursor;
use crate::error::DecodeError;

/// Bytes that are unpacked in one step: the library wants memory that is written already.
const STEP_BYTES: usize = 16_384;

pub(super) fn stream(packed: &mut Cursor<'_>, out: &mut Output) -> Result<(), DecodeError> {
    // Strict: without the large windows that RFC 7932 does not know, which a few bytes can ask a gigabyte for.
    let mut state = BrotliState::new_strict(
        StandardAlloc::default(),
        StandardAlloc::default(),
        StandardAlloc::default(),
    );
    let mut step = vec![0; STEP_BYTES.min(out.max.saturating_add(1))];
    let mut total_out = 0;
    loop {
        let input = packed.rest();
        let (mut input_left, mut input_at) = (input.len(), 0);
        let (mut step_left, mut step_at) = (step.len(), 0);
        let result = BrotliDecompressStream(
            &mut input_left,
            &mut input_at,
            input,
            &mut step_left,
            &mut step_at,
            &mut step,
            &mut total_out,
            &mut state,
        );
        packed.take(input_at as u64, STREAM)?;
        out.append(step.get(..step_at).unwrap_or_default(), packed.at())?;
        match result {
            BrotliResult::ResultSuccess => return Ok(()),
            BrotliResult::NeedsMoreOutput => {}
            BrotliResult::NeedsMoreInput => return Err(cut(packed)),
            BrotliResult::ResultFailure => {
                return Err(packed.malformed("Brotli data contradict themselves"));
            }
        }
    }
}
