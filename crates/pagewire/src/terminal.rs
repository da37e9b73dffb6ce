//! Texts of pages and rooms on a terminal: what could change the terminal's state or hide text is shown as an escape.

use std::io::{IsTerminal as _, Write as _};

use crate::exit::{FAILED, Failed, SUCCESS};

pub(crate) fn stdout_is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

pub(crate) fn stderr_is_terminal() -> bool {
    std::io::stderr().is_terminal()
}

/// True when the user's language is Chinese (POSIX: the first of these variables that is set and not empty decides).
pub(crate) fn prefers_chinese() -> bool {
    let values = ["LC_ALL", "LC_MESSAGES", "LANG"].map(std::env::var_os);
    let first = values.into_iter().flatten().find(|value| !value.is_empty());
    first.is_some_and(|value| value.to_string_lossy().starts_with("zh"))
}

/// The text with control characters (but line feed and tab), bidirectional overrides and invisible separators as `\u{…}`.
pub(crate) fn harmless(text: &str) -> String {
    escape(text, |c| format!("\\u{{{:x}}}", u32::from(c)))
}

/// JSON text with the same characters as JSON escapes: it stays the same JSON value.
pub(crate) fn harmless_json(text: &str) -> String {
    escape(text, |c| {
        c.encode_utf16(&mut [0; 2])
            .iter()
            .map(|unit| format!("\\u{unit:04x}"))
            .collect()
    })
}

/// The text on one line, for a place where a line break of somebody else would look like a line of ours.
pub(crate) fn one_line(text: &str) -> String {
    text.replace(['\n', '\r', '\t'], " ")
}

fn escape(text: &str, shown: impl Fn(char) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = None;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let joins = c == JOINER
            && before.is_some_and(is_pictograph)
            && rest.clone().next().is_some_and(is_pictograph);
        if is_harmful(c) && !joins {
            out.push_str(&shown(c))
        } else {
            out.push(c)
        }
        before = Some(c);
    }
    out
}

/// ZERO WIDTH JOINER. Between pictographs it makes one of several (a family out of people), and hides nothing.
const JOINER: char = '\u{200d}';

/// What emoji are made of (Unicode Technical Standard #51): symbols, and what changes their look or colour.
fn is_pictograph(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{2bff}' | '\u{fe0f}' | '\u{1f000}'..='\u{1faff}')
}

fn is_harmful(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// Prints JSON on a line of its own: harmless on a terminal, byte for byte into a pipe or file.
pub(crate) fn print_json(text: &str) -> Result<(), Failed> {
    if stdout_is_terminal() {
        write_line(harmless_json(text).as_bytes())
    } else {
        write_line(text.as_bytes())
    }
}

/// Prints a text on a line of its own, in the same way.
pub(crate) fn print_text(text: &str) -> Result<(), Failed> {
    if stdout_is_terminal() {
        write_line(harmless(text).as_bytes())
    } else {
        write_line(text.as_bytes())
    }
}

/// Says a line, which is harmless already, on standard error. Where nobody reads that, there is nobody to tell.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn write_line(line: &[u8]) -> Result<(), Failed> {
    let mut out = std::io::stdout().lock();
    out.write_all(line)
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.flush())
        .map_err(failed)
}

/// Writes bytes as they are.
pub(crate) fn write_bytes(bytes: &[u8]) -> Result<(), Failed> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes)
        .and_then(|()| out.flush())
        .map_err(failed)
}

/// A reader that has seen enough (`| head`) ends the command, and is no failure.
fn failed(error: std::io::Error) -> Failed {
    if error.kind() == std::io::ErrorKind::BrokenPipe {
        return Failed::silent(SUCCESS);
    }
    Failed::new(FAILED, format!("cannot write to standard output: {error}"))
}

/// Whether words have colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    Plain,
    Colours,
}

impl Paint {
    /// As it fits standard output: a terminal that has colours, and nobody who wants none (`NO_COLOR`).
    pub(crate) fn of_stdout() -> Self {
        Self::of(anstream::AutoStream::choice(&std::io::stdout()))
    }

    /// As it fits standard error.
    #[cfg(feature = "watch")]
    pub(crate) fn of_stderr() -> Self {
        Self::of(anstream::AutoStream::choice(&std::io::stderr()))
    }

    const fn of(choice: anstream::ColorChoice) -> Self {
        match choice {
            anstream::ColorChoice::Never => Self::Plain,
            anstream::ColorChoice::Auto
            | anstream::ColorChoice::AlwaysAnsi
            | anstream::ColorChoice::Always => Self::Colours,
        }
    }

    /// A text, which is harmless already.
    pub(crate) fn text(self, style: anstyle::Style, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Colours if text.is_empty() => String::new(),
            Self::Colours => format!("{style}{text}{style:#}"),
        }
    }
}

/// Columns of the terminal that standard error goes to; 80 where nobody knows.
#[cfg(feature = "watch")]
pub(crate) fn stderr_columns() -> usize {
    const USUAL: usize = 80;
    #[cfg(unix)]
    let columns =
        rustix::termios::tcgetwinsize(std::io::stderr()).map_or(0, |size| usize::from(size.ws_col));
    #[cfg(not(unix))]
    let columns = 0;
    if columns == 0 { USUAL } else { columns }
}

/// The text, cut off where it would need more columns.
#[cfg(feature = "watch")]
pub(crate) fn fit(text: &str, columns: usize) -> String {
    use unicode_width::UnicodeWidthChar as _;
    let mut taken: usize = 0;
    let fits = |c: &char| {
        taken = taken.saturating_add(c.width().unwrap_or(0));
        taken <= columns
    };
    text.chars().take_while(fits).collect()
}

/// Only systems with X11 or Wayland can lack a display.
pub(crate) fn has_display() -> bool {
    !cfg!(all(unix, not(target_os = "macos")))
        || ["DISPLAY", "WAYLAND_DISPLAY"]
            .iter()
            .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_change_the_terminal_is_shown() {
        let text = "ok \u{1b}[2J 价\u{202e}格\u{9b}\t\n";
        assert_eq!(harmless(text), "ok \\u{1b}[2J 价\\u{202e}格\\u{9b}\t\n");
        // A family is one emoji out of several; a joiner anywhere else is hidden text.
        let family = "👨\u{200d}👩\u{200d}👧 ❤\u{fe0f}\u{200d}🔥";
        assert_eq!(harmless(family), family);
        assert_eq!(harmless("a\u{200d}👧"), "a\\u{200d}👧");
        assert_eq!(harmless("👧\u{200d}"), "👧\\u{200d}");
        let json = format!("\"{}\"", "a\u{9b}\u{202e}\u{e0041}b");
        let shown = harmless_json(&json);
        assert!(shown.is_ascii(), "{shown}");
        let (before, after): (String, String) = (
            serde_json::from_str(&json).unwrap(),
            serde_json::from_str(&shown).unwrap(),
        );
        assert_eq!(before, after);
    }
}
