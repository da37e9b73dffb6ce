//! What people and programs see of a room.

use std::sync::{Arc, Mutex, PoisonError};

use anstyle::Style;
use pagewire_live::{Body, Event, Tally};
use pagewire_room::watch::{FrameSeen, Listener, Note, StateChange, Tick, Unread};
use pagewire_rpc::TopicName;

use super::output::Output;
use super::status::{RoomStatus, line};
use crate::clock::time_of_day;
use crate::commands::live::{EventPrinter, Language};
use crate::terminal::{Paint, fit, harmless, stderr_columns};

const FAINT: Style = Style::new().dimmed();

/// How all rooms of the command fare.
#[derive(Debug, Clone)]
pub(crate) struct Board {
    rooms: Arc<Mutex<Vec<Option<RoomStatus>>>>,
    output: Output,
    language: Language,
    paint: Paint,
}

impl Board {
    pub(crate) fn new(rooms: usize, output: Output, language: Language) -> Self {
        Self {
            rooms: Arc::new(Mutex::new(vec![None; rooms])),
            output,
            language,
            paint: Paint::of_stderr(),
        }
    }

    fn set(&self, place: usize, room: RoomStatus) {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = rooms.get_mut(place) {
            *slot = Some(room);
        }
        let line = line(rooms.iter().map(Option::as_ref), self.language);
        drop(rooms);
        // A line that goes over the edge could not be cleared any more.
        let columns = stderr_columns().saturating_sub(1);
        self.output.status(fit(&line, columns));
    }
}

/// One room of them.
pub(crate) struct Screen {
    /// As it was named, where there are several.
    name: Option<String>,
    place: usize,
    board: Board,
    printer: EventPrinter,
    /// More members of an event's JSON.
    members: String,
    tally: Tally,
    /// Messages that could not be read.
    unread: u64,
    viewers: Option<u64>,
    /// When something was told last that has a time.
    last_ms: Option<u64>,
}

impl Screen {
    pub(crate) fn new(
        name: Option<String>,
        place: usize,
        board: Board,
        printer: EventPrinter,
        topic: Option<&TopicName>,
    ) -> Self {
        Self {
            name,
            place,
            board,
            printer,
            members: topic.map_or_else(String::new, |topic| format!(r#","topic":"{topic}""#)),
            tally: Tally::default(),
            unread: 0,
            viewers: None,
            last_ms: None,
        }
    }

    pub(crate) const fn unread_count(&self) -> u64 {
        self.unread
    }

    /// What the room was.
    pub(crate) fn into_tally(self) -> Tally {
        self.tally
    }

    fn say(&self, text: &str) {
        let time = self.last_ms.map_or_else(|| " ".repeat(8), time_of_day);
        let mark = match &self.name {
            Some(name) => format!("[{name}] "),
            None => String::new(),
        };
        let line = format!("{mark}{time}  {}", harmless(text));
        self.board.output.say(self.board.paint.text(FAINT, &line));
    }
}

impl Listener for Screen {
    fn event(&mut self, event: &Event<'_>) {
        self.tally.add(event);
        if let Body::Stats(stats) = &event.body {
            self.viewers = stats.viewers.or(self.viewers);
        }
        self.printer.add(event, &self.members);
        self.board.output.events(self.printer.take());
    }

    fn unread(&mut self, unread: &Unread<'_>) {
        self.unread += 1;
        let text = match self.board.language {
            Language::English => format!("a message could not be read: {}", unread.error),
            Language::Chinese => format!("有消息无法解析：{}", unread.error),
        };
        self.say(&text);
    }

    fn frame(&mut self, frame: FrameSeen) {
        self.last_ms = Some(frame.time_ms);
    }

    fn state(&mut self, change: &StateChange<'_>) {
        self.last_ms = Some(change.time_ms);
        let language = self.board.language;
        let (state, reason) = match language {
            Language::English => (change.state.name(), change.reason.to_string()),
            Language::Chinese => (change.state.zh(), change.reason.zh()),
        };
        let again = change.again_in_ms.map(|ms| {
            let seconds = ms.div_ceil(1_000);
            match language {
                Language::English => format!("; again in {seconds} s"),
                Language::Chinese => format!("；{seconds} 秒后重试"),
            }
        });
        let between = language.of(": ", "：");
        let text = format!("{state}{between}{reason}{}", again.unwrap_or_default());
        self.say(&text);
        if let Some([english, chinese]) = change.reason.next_step() {
            self.say(language.of(english, chinese));
        }
    }

    fn note(&mut self, note: &Note<'_>) {
        let text = match self.board.language {
            Language::English => note.to_string(),
            Language::Chinese => note.zh(),
        };
        self.say(&text);
    }

    fn tick(&mut self, tick: &Tick<'_>) {
        self.last_ms = Some(tick.time_ms);
        let room = RoomStatus {
            status: tick.status.clone(),
            viewers: self.viewers,
            messages_per_s: tick.messages_per_s,
            time_ms: tick.time_ms,
        };
        self.board.set(self.place, room);
    }
}
