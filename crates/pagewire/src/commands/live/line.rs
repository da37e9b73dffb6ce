//! An event as one line for people: when, of which kind, who, what.

mod phrase;
mod what;

use anstyle::{AnsiColor, Style};
use pagewire_live::{Event, User};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::{Language, words};
use crate::clock::time_of_day;
use crate::terminal::{Paint, harmless, one_line};

pub(crate) use self::phrase::number;

/// Columns of a name; the rest of a longer one is cut off.
const NAME_COLUMNS_MAX: usize = 24;
/// Bytes of a text of an event; the rest of a longer one is counted.
const EVENT_TEXT_BYTES_MAX: usize = 1_024;
/// Columns for who did it, with the marks behind the name. Longer ones push what follows to the right.
const WHO_COLUMNS: usize = 20;

const FAINT: Style = Style::new().dimmed();
const NAME: Style = AnsiColor::Cyan.on_default();

/// The line, without a line feed. What comes from the site cannot change the terminal, nor look like another line.
pub(crate) fn line(event: &Event<'_>, language: Language, paint: Paint) -> String {
    let kind = event.kind();
    let called = words::kind(kind, language);
    let who = who(event.user.as_ref(), language);
    let what = what::what(event, language);
    let shown = format!(
        "{}  {}{}  {}{}  {}",
        paint.text(FAINT, &time_of_day(event.time.ms)),
        paint.text(of_kind(kind), called),
        padding(called, kind_columns(language)),
        paint.text(NAME, &who.name) + &paint.text(FAINT, &who.marks),
        padding(&(who.name + &who.marks), WHO_COLUMNS),
        paint.text(of_what(kind), &what),
    );
    shown.trim_end().to_owned()
}

/// As wide as what the longest kind is called.
const fn kind_columns(language: Language) -> usize {
    match language {
        Language::English => 10,
        Language::Chinese => 8,
    }
}

struct Who {
    name: String,
    marks: String,
}

fn who(user: Option<&User<'_>>, language: Language) -> Who {
    let Some(user) = user else {
        let (name, marks) = ("-".to_owned(), String::new());
        return Who { name, marks };
    };
    let marks = [
        (user.admin, language.of(" (admin)", "（房管）")),
        (user.masked, language.of(" (masked)", "（已脱敏）")),
    ];
    let marks = marks.into_iter().filter(|(is_so, _)| *is_so);
    Who {
        name: name(user),
        marks: marks.map(|(_, mark)| mark).collect(),
    }
}

fn name(user: &User<'_>) -> String {
    called(&user.name, &user.id)
}

/// What somebody is called, or their id.
pub(super) fn called(name: &str, id: &str) -> String {
    if name.trim().is_empty() {
        return short(id);
    }
    short(name)
}

/// A name of the site.
fn short(name: &str) -> String {
    let name = harmless(&one_line(name));
    // Without their width, characters could go on for ever.
    let is_short = name.chars().nth(4 * NAME_COLUMNS_MAX).is_none();
    if is_short && name.width() <= NAME_COLUMNS_MAX {
        return name;
    }
    let mut columns = 0;
    let fits = |c: &char| {
        columns += c.width().unwrap_or(0);
        columns < NAME_COLUMNS_MAX
    };
    let start = name.chars().take(4 * NAME_COLUMNS_MAX);
    start.take_while(fits).collect::<String>() + "…"
}

/// A text of the site.
fn text(text: &str, language: Language) -> String {
    let end = text.floor_char_boundary(EVENT_TEXT_BYTES_MAX);
    let shown = harmless(&one_line(&text[..end]));
    match text.len() - end {
        0 => shown,
        left => match language {
            Language::English => format!("{shown} … {left} more bytes (--json shows all of them)"),
            Language::Chinese => format!("{shown} … 还有 {left} 字节（--json 显示全文）"),
        },
    }
}

fn padding(text: &str, columns: usize) -> String {
    " ".repeat(columns.saturating_sub(text.width()))
}

fn of_kind(kind: &str) -> Style {
    match kind {
        "chat" => AnsiColor::Green.on_default(),
        "gift" | "gift.delta" | "gift.final" => AnsiColor::Yellow.on_default(),
        "room_state" | "link" | "control" | "notice" => AnsiColor::Magenta.on_default(),
        _ => FAINT,
    }
}

/// What people say and give stands out from what counts and comes and goes.
fn of_what(kind: &str) -> Style {
    match kind {
        "gift.delta" | "gift.final" => Style::new().bold(),
        "gift" | "like" | "enter" | "stats" | "rank" | "unknown" => FAINT,
        _ => Style::new(),
    }
}

#[cfg(test)]
mod tests;
