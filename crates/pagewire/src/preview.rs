//! How bytes look to a person.

const COLUMNS: usize = 16;

/// The first bytes, hexadecimal beside ASCII, on lines that are set in and begin with a line feed each. `rest` says where the others are.
pub(crate) fn rows(bytes: &[u8], bytes_max: usize, rest: &str) -> String {
    let mut text = String::new();
    let shown = &bytes[..bytes.len().min(bytes_max)];
    for (row, chunk) in shown.chunks(COLUMNS).enumerate() {
        let hex: Vec<_> = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
        let ascii: String = chunk
            .iter()
            .map(|byte| match byte {
                0x20..0x7f => char::from(*byte),
                _ => '.',
            })
            .collect();
        text += &format!(
            "\n  {:06x}  {:width$}  {ascii}",
            row * COLUMNS,
            hex.join(" "),
            width = 3 * COLUMNS - 1
        );
    }
    let left = bytes.len() - shown.len();
    if left > 0 {
        text += &format!("\n  … {left} more bytes ({rest})");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_end_at_their_limit_and_say_what_is_left() {
        assert_eq!(rows(b"", 16, "there"), "");
        let at = rows(&[0x41; 17], 17, "there");
        let padding = " ".repeat(3 * COLUMNS - 1 - 2);
        assert_eq!(
            at,
            format!(
                "\n  000000  {}  {}\n  000010  41{padding}  A",
                ["41"; 16].join(" "),
                "A".repeat(16)
            )
        );
        let past = rows(&[0; 18], 17, "there");
        assert!(past.ends_with("  .\n  … 1 more bytes (there)"), "{past}");
    }
}
