//! Tars read field by field, by questions that need not fit.
#![no_main]

use pagewire_codec::{DecodeError, TarsReader, TarsWriter};
use pagewire_fuzz::check_error;

pagewire_fuzz::target!(check, seeds: seeds());

/// How many bytes of the input are questions: what to ask for, then under which tag.
const QUESTIONS_BYTES: usize = 16;
/// Readers within readers that are asked; more ask nothing new.
const DEPTH: usize = 4;

fn check(input: &[u8]) {
    let (questions, bytes) = input.split_at(input.len().min(QUESTIONS_BYTES));
    ask(TarsReader::new(bytes), questions, bytes.len(), 0);
}

fn ask(mut reader: TarsReader<'_>, questions: &[u8], input_bytes: usize, depth: usize) {
    for question in questions.chunks_exact(2) {
        let (what, tag) = (question[0] % 7, question[1]);
        let before = reader.clone();
        let result = match what {
            0 => reader.integer(tag).map(drop),
            1 => reader.float(tag).map(drop),
            2 => reader
                .bytes(tag)
                .map(|bytes| assert!(bytes.unwrap_or_default().len() <= input_bytes)),
            3 => reader.text(tag).map(drop),
            4 => ask_struct(reader.structure(tag), questions, input_bytes, depth),
            5 => ask_items(reader.list(tag), questions, input_bytes, depth),
            _ => ask_items(reader.map(tag), questions, input_bytes, depth),
        };
        if let Err(error) = result {
            check_error(&error, input_bytes);
            // A field in error is left where it is.
            assert_eq!(format!("{reader:?}"), format!("{before:?}"));
        }
    }
}

type Found<T> = Result<Option<T>, DecodeError>;

fn ask_struct(
    found: Found<TarsReader<'_>>,
    questions: &[u8],
    input_bytes: usize,
    depth: usize,
) -> Result<(), DecodeError> {
    if let Some(inner) = found?
        && depth < DEPTH
    {
        ask(inner, &questions[2..], input_bytes, depth + 1);
    }
    Ok(())
}

fn ask_items(
    found: Found<pagewire_codec::TarsItems<'_>>,
    questions: &[u8],
    input_bytes: usize,
    depth: usize,
) -> Result<(), DecodeError> {
    let items = found?.into_iter().flatten();
    // What was found was passed over before, so there is no error in it.
    let items: Vec<_> = items.map(|item| item.expect("an item")).collect();
    assert!(items.len() <= input_bytes);
    if depth < DEPTH {
        for item in items.into_iter().take(DEPTH) {
            ask(item, &questions[2..], input_bytes, depth + 1);
        }
    }
    Ok(())
}

fn seeds() -> Vec<Vec<u8>> {
    let questions = [0, 0, 4, 1, 5, 2, 6, 3, 3, 4, 2, 5, 1, 6, 0, 200];
    let mut to = TarsWriter::default();
    to.integer(0, 1_400).structure(1, |to| {
        to.integer(0, 42).text(2, "名字");
    });
    to.list(2, [1, 2], |to, n| {
        to.structure(0, |to| {
            to.integer(0, n);
        });
    });
    to.map(3, ["a", "b"], |to, key| {
        to.text(0, key).bytes(1, &[0xFF]);
    });
    to.text(4, "text")
        .bytes(5, b"bytes")
        .double(6, 1.5)
        .integer(200, i64::MIN);
    vec![[&questions[..], &to.into_bytes()].concat()]
}
