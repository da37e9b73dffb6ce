//! `Text`: a pattern such as `{0:user} came`, and the pieces that stand in its braces.

use std::borrow::Cow;

use pagewire_codec::DecodeError;

use super::fields::{bytes, each, some_id, some_text, text};
use super::people::{image_address, user};
use crate::event::{EVENT_LIST_MAX, PIECES_BYTES_MAX, Piece, PieceKind, push};

/// A rich text, piece by piece. Plain parts of its pattern are pieces too.
pub(super) fn pieces(fields: &[u8]) -> Result<Vec<Piece<'_>>, DecodeError> {
    let (mut pattern, mut pieces) = (Cow::default(), Vec::new());
    each(fields, |field| {
        match field.number {
            2 => pattern = text(field),
            4 => {
                let piece = piece(bytes(field))?;
                push(&mut pieces, piece);
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(if pattern.is_empty() {
        pieces
    } else {
        filled(&pattern, &pieces)
    })
}

/// All of a rich text as a plain one.
pub(super) fn plain(pieces: &[Piece<'_>]) -> String {
    pieces.iter().map(|piece| &*piece.text).collect()
}

/// The pattern with its pieces in it. A brace that names no piece stands as it is. Time grows with the pattern alone, and memory with the pieces that fit.
fn filled<'a>(pattern: &str, pieces: &[Piece<'a>]) -> Vec<Piece<'a>> {
    let mut filled: Vec<Piece<'a>> = Vec::new();
    let (mut plain_from, mut end) = (0_usize, 0_usize);
    let mut bytes_left = PIECES_BYTES_MAX;
    for (at, _) in pattern.match_indices('}') {
        let looked_to = std::mem::replace(&mut end, at.saturating_add(1));
        let between = pattern.get(looked_to..at).unwrap_or_default();
        let Some((before, slot)) = between.rsplit_once('{') else {
            continue;
        };
        let number = slot.split(':').next().unwrap_or_default();
        let Some(piece) = number.parse().ok().and_then(|at: usize| pieces.get(at)) else {
            continue;
        };
        // Room for the plain parts around it; the rest of a pattern with too many stands as it is.
        let Some(left) = bytes_left.checked_sub(piece.bytes()) else {
            break;
        };
        if filled.len() >= EVENT_LIST_MAX.saturating_sub(2) {
            break;
        }
        bytes_left = left;
        let open = looked_to.saturating_add(before.len());
        push_plain(
            &mut filled,
            pattern.get(plain_from..open).unwrap_or_default(),
        );
        filled.push(piece.clone());
        plain_from = end;
    }
    push_plain(&mut filled, pattern.get(plain_from..).unwrap_or_default());
    filled
}

fn push_plain(pieces: &mut Vec<Piece<'_>>, text: &str) {
    if !text.is_empty() {
        pieces.push(Piece {
            text: Cow::Owned(text.to_owned()),
            ..Piece::default()
        });
    }
}

/// TextPiece. Which of its members it has says what it is; the number `type` agrees where it was seen.
fn piece(fields: &[u8]) -> Result<Piece<'_>, DecodeError> {
    let mut piece = Piece::default();
    each(fields, |field| {
        let of = bytes(field);
        match field.number {
            11 => piece.text = text(field),
            21 => mention(of, &mut piece)?,
            22 => gift(of, &mut piece)?,
            24 => pattern_ref(of, &mut piece)?,
            25 => image(of, &mut piece)?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(piece)
}

/// TextPieceUser
fn mention<'a>(fields: &'a [u8], piece: &mut Piece<'a>) -> Result<(), DecodeError> {
    piece.kind = PieceKind::Mention;
    each(fields, |field| {
        if field.number == 1 {
            let user = user(bytes(field))?;
            (piece.text, piece.image) = (user.name, user.avatar);
            piece.id = (!user.id.is_empty()).then_some(user.id.into());
        }
        Ok(())
    })
}

/// TextPieceGift
fn gift<'a>(fields: &'a [u8], piece: &mut Piece<'a>) -> Result<(), DecodeError> {
    piece.kind = PieceKind::Gift;
    each(fields, |field| {
        match field.number {
            1 => piece.id = some_id(field),
            2 => pattern_ref(bytes(field), piece)?,
            _ => {}
        }
        Ok(())
    })
}

/// TextPiecePatternRef.default_pattern
fn pattern_ref<'a>(fields: &'a [u8], piece: &mut Piece<'a>) -> Result<(), DecodeError> {
    each(fields, |field| {
        if field.number == 2 {
            piece.text = text(field);
        }
        Ok(())
    })
}

/// TextPieceImage
fn image<'a>(fields: &'a [u8], piece: &mut Piece<'a>) -> Result<(), DecodeError> {
    piece.kind = PieceKind::Image;
    each(fields, |field| {
        if field.number != 1 {
            return Ok(());
        }
        piece.image = image_address(bytes(field))?;
        each(bytes(field), |of_image| {
            if of_image.number == 8 {
                emoji(bytes(of_image), piece)?;
            }
            Ok(())
        })
    })
}

/// ImageContent: a picture that stands for a text is an emoji.
fn emoji<'a>(fields: &'a [u8], piece: &mut Piece<'a>) -> Result<(), DecodeError> {
    each(fields, |field| {
        match (field.number, some_text(field)) {
            (1, Some(name)) if piece.text.is_empty() => piece.text = name,
            (4, Some(alternative)) => piece.text = alternative,
            _ => return Ok(()),
        }
        piece.kind = PieceKind::Emoji;
        Ok(())
    })
}
