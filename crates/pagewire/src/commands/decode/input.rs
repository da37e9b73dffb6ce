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
    /// Where they are a text, for when they cannot be read.
    text: Option<Text>,
}

/// A text that stands for bytes.
#[derive(Clone, Copy)]
struct Text {
    form: Form,
    /// It was taken for the bytes themselves.
    is_raw: bool,
    has_lines: bool,
}

impl Text {
    fn of(bytes: &[u8], from: Form) -> Option<Self> {
        let bytes = bytes.trim_ascii();
        let form = match from {
            Form::Hex | Form::Base64 => from,
            Form::Raw if bytes.is_empty() => return None,
            Form::Raw if bytes.iter().all(is_of_hex) => Form::Hex,
            Form::Raw if bytes.iter().all(is_of_base64) => Form::Base64,
            Form::Raw => return None,
        };
        Some(Self {
            form,
            is_raw: from == Form::Raw,
            has_lines: bytes.contains(&b'\n'),
        })
    }
}

impl Input {
    /// What may help where the bytes could not be read.
    pub(super) fn hint(&self) -> Option<&'static str> {
        let text = self.text.filter(|text| text.is_raw)?;
        Some(match text.form {
            Form::Base64 => "it looks like base64: --from base64",
            Form::Hex | Form::Raw => "it looks like hexadecimal: --from hex",
        })
    }

    /// The same where each line may be a frame.
    pub(super) fn hint_of_frames(&self) -> Option<&'static str> {
        if self.text.is_some_and(|text| text.has_lines) {
            return Some("it has several lines: with --lines each of them is a frame");
        }
        self.hint()
    }
}

/// What hexadecimal of any tool has in it.
fn is_of_hex(byte: &u8) -> bool {
    byte.is_ascii_hexdigit() || byte.is_ascii_whitespace() || b":,-_\\xX".contains(byte)
}

fn is_of_base64(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace() || b"+/-_=".contains(byte)
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
            return Ok(vec![Input {
                name: name.to_owned(),
                bytes,
                text: None,
            }]);
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
        let bytes = read_file(file)?;
        let text = Text::of(&bytes, arguments.from);
        let bytes = parse(&name, bytes, arguments.from)?;
        Ok(Input { name, bytes, text })
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

/// The bytes that a line stands for. One of which `--from` does not say how it is written is hexadecimal where it has nothing else, with what tools put
/// between the digits.
pub(super) fn parse_line(line: &[u8], from: Form) -> Result<Vec<u8>, String> {
    let form = match from {
        Form::Hex | Form::Base64 => from,
        Form::Raw if line.iter().all(is_of_hex) => Form::Hex,
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
    let has_lines = bytes.trim_ascii().contains(&b'\n');
    written(bytes, form).map_err(|why| {
        let hint = if has_lines {
            " (of several lines, `pagewire decode frame --lines` reads each by itself)"
        } else {
            ""
        };
        Failed::new(USAGE, format!("{name} is {why}{hint}"))
    })
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
            None if is_of_hex(byte) => {}
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
    fn a_line_is_hexadecimal_where_it_can_be() {
        for line in [
            "0a06e5bc",
            "0a 06 e5 bc",
            "0x0a06e5bc",
            "0a:06:e5:bc\r",
            "CgblvA==",
            "CgblvA",
        ] {
            let bytes = parse_line(line.as_bytes(), Form::Raw);
            assert_eq!(bytes.unwrap(), b"\x0a\x06\xe5\xbc", "{line}");
        }
        let cut = parse_line(b"0a 06 e", Form::Raw).unwrap_err();
        assert_eq!(cut, "cut: it has an odd number of digits, 5");
        assert_eq!(parse_line(b"00000000", Form::Base64).unwrap().len(), 6);
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
