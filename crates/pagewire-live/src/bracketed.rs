//! Texts in which words in brackets stand for pictures: `hello [rose]`.

use std::borrow::Cow;
use std::ops::Range;

use crate::event::{EVENT_LIST_MAX, PIECES_BYTES_MAX, Piece};

/// The text with the words apart that `known` knows, brackets and all; what it gives gets the word as its text. Empty where none is known: the text says
/// it all. Time grows with the text alone, and memory with the pieces that fit.
pub(crate) fn pieces<'a, 'k>(
    text: &Cow<'a, str>,
    mut known: impl FnMut(&str) -> Option<Cow<'k, Piece<'a>>>,
) -> Vec<Piece<'a>>
where
    'a: 'k,
{
    let mut pieces = Vec::new();
    let mut bytes_left = PIECES_BYTES_MAX;
    let (mut plain_from, mut end) = (0_usize, 0_usize);
    for (at, _) in text.match_indices(']') {
        // A word has no bracket in it, so nothing is looked at twice.
        let looked_to = std::mem::replace(&mut end, at.saturating_add(1));
        let between = text.get(looked_to..end).unwrap_or_default();
        let Some(open) = between.rfind('[') else {
            continue;
        };
        let from = looked_to.saturating_add(open);
        let Some(piece) = text.get(from..end).and_then(&mut known) else {
            continue;
        };
        // Room for the plain parts around it; the rest of a text with too many stands as it is.
        let Some(left) = bytes_left.checked_sub(piece.bytes()) else {
            break;
        };
        if pieces.len() >= EVENT_LIST_MAX.saturating_sub(2) {
            break;
        }
        bytes_left = left;
        push_plain(&mut pieces, part(text, plain_from..from));
        pieces.push(Piece {
            text: part(text, from..end),
            ..piece.into_owned()
        });
        plain_from = end;
    }
    if !pieces.is_empty() {
        push_plain(&mut pieces, part(text, plain_from..text.len()));
    }
    pieces
}

fn push_plain<'a>(pieces: &mut Vec<Piece<'a>>, plain: Cow<'a, str>) {
    if !plain.is_empty() {
        pieces.push(Piece {
            text: plain,
            ..Piece::default()
        });
    }
}

/// Borrowed where the whole is.
fn part<'a>(text: &Cow<'a, str>, range: Range<usize>) -> Cow<'a, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.get(range).unwrap_or_default()),
        Cow::Owned(text) => Cow::Owned(text.get(range).unwrap_or_default().to_owned()),
    }
}
