//! Bytes out of files, standard input, hexadecimal or base64.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::arguments::{Form, InputArguments};
use crate::exit::{FAILED, Failed, USAGE};

/// Bytes, and what to call them.
pub(super) struct Input {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

/// All inputs that were named, or standard input.
pub(super) fn read(arguments: &InputArguments) -> Result<Vec<Input>, Failed> {
    let inline = [
        ("--hex", &arguments.hex, Form::Hex),
        ("--base64", &arguments.base64, Form::Base64),
    ];
    for (name, text, form) in inline {
        if let Some(text) = text {
            let bytes = parse(name, text.as_bytes().to_vec(), form)?;
            let name = name.to_owned();
            return Ok(vec![Input { name, bytes }]);
        }
    }
    let standard_input = [PathBuf::from("-")];
    let files = if arguments.files.is_empty() {
        &standard_input[..]
    } else {
        &arguments.files
    };
    let read = |file: &PathBuf| {
        let name = name(file);
        let bytes = parse(&name, read_file(file)?, arguments.from)?;
        Ok(Input { name, bytes })
    };
    files.iter().map(read).collect()
}

fn name(file: &Path) -> String {
    if file.as_os_str() == "-" {
        "standard input".to_owned()
    } else {
        file.display().to_string()
    }
}

/// What to call a file, and its bytes as they come; `-` is standard input.
pub(super) fn open(file: &Path) -> Result<(String, Box<dyn Read>), Failed> {
    let bytes: Box<dyn Read> = if file.as_os_str() == "-" {
        Box::new(std::io::stdin())
    } else {
        let opened = File::open(file);
        Box::new(opened.map_err(|error| no_file(file, &error))?)
    };
    Ok((name(file), bytes))
}

/// The bytes that a line stands for. One of which `--from` does not say how it is written is hexadecimal where it has nothing else.
pub(super) fn parse_line(line: &[u8], from: Form) -> Result<Vec<u8>, String> {
    let form = match from {
        Form::Hex | Form::Base64 => from,
        Form::Raw if line.trim_ascii().iter().all(u8::is_ascii_hexdigit) => Form::Hex,
        Form::Raw => Form::Base64,
    };
    written(line.to_vec(), form)
}

fn no_file(file: &Path, error: &std::io::Error) -> Failed {
    Failed::new(USAGE, format!("{}: {error}", file.display()))
}

/// A file, or standard input where it is called `-`.
pub(super) fn read_file(file: &Path) -> Result<Vec<u8>, Failed> {
    let mut bytes = Vec::new();
    if file.as_os_str() == "-" {
        std::io::stdin()
            .read_to_end(&mut bytes)
            .map_err(|error| Failed::new(FAILED, format!("cannot read standard input: {error}")))?;
        return Ok(bytes);
    }
    std::fs::read(file).map_err(|error| no_file(file, &error))
}

fn parse(name: &str, bytes: Vec<u8>, form: Form) -> Result<Vec<u8>, Failed> {
    written(bytes, form).map_err(|why| Failed::new(USAGE, format!("{name} is {why}")))
}

/// The bytes that these stand for, or why they do not.
fn written(bytes: Vec<u8>, form: Form) -> Result<Vec<u8>, String> {
    match form {
        Form::Raw => Ok(bytes),
        Form::Hex => from_hex(&bytes),
        Form::Base64 => from_base64(&bytes).map_err(|why| format!("not base64: {why}")),
    }
}

fn from_hex(text: &[u8]) -> Result<Vec<u8>, String> {
    let mut digits = Vec::new();
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let is_prefix = *byte == b'0' && matches!(text.get(at + 1), Some(b'x' | b'X'));
        let digit = char::from(*byte).to_digit(16);
        match digit.and_then(|digit| u8::try_from(digit).ok()) {
            _ if is_prefix => at += 1,
            Some(digit) => digits.push(digit),
            None if byte.is_ascii_whitespace() || b":,-_\\x".contains(byte) => {}
            None => {
                return Err(format!(
                    "not hexadecimal: byte {at} is {:?}",
                    char::from(*byte)
                ));
            }
        }
        at += 1;
    }
    if !digits.len().is_multiple_of(2) {
        return Err(format!(
            "cut: it has an odd number of digits, {}",
            digits.len()
        ));
    }
    Ok(digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect())
}

fn from_base64(text: &[u8]) -> Result<Vec<u8>, base64::DecodeError> {
    let plain = |byte: &u8| !byte.is_ascii_whitespace();
    let text: Vec<u8> = text.iter().copied().filter(plain).collect();
    let is_url_safe = text.iter().any(|byte| b"-_".contains(byte));
    let alphabet = if is_url_safe { &URL_SAFE } else { &STANDARD };
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    GeneralPurpose::new(alphabet, config).decode(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_of_any_tool_is_read() {
        for text in [
            "0a06 e5BC",
            "0x0a 0x06 0xe5 0xbc",
            "0a:06:e5:bc",
            "\\x0a\\x06\\xe5\\xbc\n",
        ] {
            assert_eq!(
                from_hex(text.as_bytes()).unwrap(),
                b"\x0a\x06\xe5\xbc",
                "{text}"
            );
        }
        assert_eq!(
            from_hex(b"0a0").unwrap_err(),
            "cut: it has an odd number of digits, 3"
        );
        assert_eq!(
            from_hex(b"0a g").unwrap_err(),
            "not hexadecimal: byte 3 is 'g'"
        );
    }

    #[test]
    fn base64_of_both_kinds_is_read() {
        for text in ["/wD+", "_wD-", "/w D+\n"] {
            assert_eq!(
                from_base64(text.as_bytes()).unwrap(),
                b"\xff\x00\xfe",
                "{text}"
            );
        }
        assert_eq!(from_base64(b"/w==").unwrap(), from_base64(b"/w").unwrap());
        assert!(from_base64(b"a*b").is_err());
    }
}
