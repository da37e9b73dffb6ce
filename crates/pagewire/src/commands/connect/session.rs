//! One open connection, from its first message to its close.

use std::pin::Pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::SplitStream;
use pagewire_dial::Socket;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::arguments::AfterInput;
use super::end::End;
use super::input::Input;
use super::outbox::Outbox;
use super::output::{Event, Form, Side, Source};
use super::payload::Payload;
use super::pings::Pings;
use super::topic::{NotPublished, Topic};
use crate::close_code;
use crate::exit::Failed;

/// How long a server may take over its goodbye.
const CLOSE_WAIT: Duration = Duration::from_secs(2);

/// What every connection of this command does.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) form: Form,
    /// Sent at once, in each connection anew.
    pub(super) first: Vec<Message>,
    pub(super) ping: Option<Duration>,
    pub(super) idle: Option<Duration>,
    pub(super) after_input: AfterInput,
    pub(super) topic: Option<Topic>,
}

/// What goes on from one connection to the next.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) input: Input,
    /// When to close because standard input has ended.
    pub(super) close_due: Option<Instant>,
    /// Messages that are still wanted, if that is known.
    pub(super) missing: Option<u64>,
    /// Values that the hub refused.
    pub(super) not_published: u64,
}

#[derive(Debug)]
pub(super) struct Session<'a> {
    plan: &'a Plan,
    progress: &'a mut Progress,
    stream: SplitStream<Socket>,
    outbox: Outbox,
    /// In the outbox; told as sent when it is empty.
    sending: Vec<(Payload, Source)>,
    last_seen: Instant,
    pings: Pings,
}

/// What a turn of the loop brought.
#[derive(Debug)]
enum Turn {
    Stopped,
    Sent(Result<(), Error>),
    Received(Option<Result<Message, Error>>),
    Line(Option<Result<String, Failed>>),
    PingDue,
    IdleDue(Duration),
    CloseDue,
}

impl<'a> Session<'a> {
    pub(super) fn new(socket: Socket, plan: &'a Plan, progress: &'a mut Progress) -> Self {
        let (sink, stream) = socket.split();
        let mut session = Self {
            plan,
            progress,
            stream,
            outbox: Outbox::new(sink),
            sending: Vec::new(),
            last_seen: Instant::now(),
            pings: Pings::new(plan.ping),
        };
        for message in &plan.first {
            session.send(message.clone(), Source::Option);
        }
        session
    }

    /// Goes on until one side ends the connection, and closes it.
    ///
    /// # Errors
    ///
    /// Something beside the connection failed: standard input or output, or the hub. The connection is closed then too.
    pub(super) async fn run(
        mut self,
        mut stop: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<End, Failed> {
        loop {
            let turn = self.turn(stop.as_mut()).await;
            let handled = tokio::select! {
                // First: a turn that says stop takes no other look at the signal.
                biased;
                handled = self.handle(turn) => handled,
                () = stop.as_mut() => Ok(Some(End::Interrupted)),
            };
            match handled {
                Ok(None) => {}
                Ok(Some(end)) => {
                    self.conclude(&end).await?;
                    return Ok(end);
                }
                Err(failed) => {
                    // Nobody may be reading any more what this prints; the first failure is the one to tell.
                    let _ = self.conclude(&End::Interrupted).await;
                    return Err(failed);
                }
            }
        }
    }

    async fn turn(&mut self, stop: Pin<&mut impl Future<Output = ()>>) -> Turn {
        let idle = self.plan.idle.map(|idle| (self.last_seen + idle, idle));
        let (ping_due, close_due) = (self.pings.due(), self.progress.close_due);
        let is_busy = self.outbox.is_busy();
        tokio::select! {
            () = stop => Turn::Stopped,
            sent = self.outbox.drive(), if is_busy => Turn::Sent(sent),
            message = self.stream.next() => Turn::Received(message),
            line = self.progress.input.next(), if !is_busy => Turn::Line(line),
            () = at(ping_due), if !is_busy => Turn::PingDue,
            () = at(idle.map(|(due, _)| due)) => Turn::IdleDue(idle.map_or(Duration::ZERO, |(_, idle)| idle)),
            () = at(close_due), if !is_busy => Turn::CloseDue,
        }
    }

    async fn handle(&mut self, turn: Turn) -> Result<Option<End>, Failed> {
        match turn {
            Turn::Stopped => Ok(Some(End::Interrupted)),
            Turn::Sent(result) => self.handle_sent(result).map(|()| None),
            Turn::Received(Some(Ok(message))) => self.handle_message(message).await,
            Turn::Received(Some(Err(error))) => Ok(Some(End::of_error(&error))),
            Turn::Received(None) => Ok(Some(End::Lost("it ended without a close".to_owned()))),
            Turn::Line(Some(line)) => {
                self.send(Message::text(line?), Source::Input);
                Ok(None)
            }
            Turn::Line(None) => {
                self.progress.close_due = match self.plan.after_input {
                    AfterInput::Stay => None,
                    AfterInput::CloseAfter(time) => Some(Instant::now() + time),
                };
                Ok(None)
            }
            Turn::PingDue => {
                self.outbox.push(self.pings.next());
                Ok(None)
            }
            Turn::IdleDue(idle) => Ok(Some(End::Idle(idle))),
            Turn::CloseDue => Ok(Some(End::InputOver)),
        }
    }

    fn send(&mut self, message: Message, source: Source) {
        self.sending
            .extend(Payload::of(&message).map(|payload| (payload, source)));
        self.outbox.push(message);
    }

    fn handle_sent(&mut self, result: Result<(), Error>) -> Result<(), Failed> {
        let sending = std::mem::take(&mut self.sending);
        match result {
            Ok(()) => sending.iter().try_for_each(|(payload, source)| {
                let source = *source;
                self.print(&Event::Sent { payload, source })
            }),
            Err(error) => {
                // Why the connection takes no more is told by what is read next: a close, or its loss.
                self.outbox.clear();
                let message = format!("{} messages were not sent: {error}", sending.len());
                if sending.is_empty() {
                    Ok(())
                } else {
                    self.print(&Event::Error { message: &message })
                }
            }
        }
    }

    async fn handle_message(&mut self, message: Message) -> Result<Option<End>, Failed> {
        self.last_seen = Instant::now();
        let Some(payload) = Payload::of(&message) else {
            return match message {
                Message::Close(frame) => Ok(Some(End::of_close(frame))),
                Message::Text(_)
                | Message::Binary(_)
                | Message::Ping(_)
                | Message::Pong(_)
                | Message::Frame(_) => Ok(None),
            };
        };
        // The library answers pings itself, with the next read.
        if message.is_ping() {
            self.print(&Event::Ping { payload: &payload })?;
        } else if message.is_pong() {
            let round_trip = self.pings.answered_by(&payload);
            self.print(&Event::Pong {
                payload: &payload,
                round_trip,
            })?;
        } else {
            self.print(&Event::Message { payload: &payload })?;
            self.publish(&payload).await?;
            return Ok(self.count());
        }
        Ok(None)
    }

    async fn publish(&mut self, payload: &Payload) -> Result<(), Failed> {
        let Some(topic) = &self.plan.topic else {
            return Ok(());
        };
        match topic.publish(payload).await {
            Ok(()) => Ok(()),
            Err(NotPublished::All(failed)) => Err(failed),
            Err(NotPublished::Value(why)) => {
                self.progress.not_published += 1;
                self.print(&Event::Error {
                    message: &format!("a message was not published: {why}"),
                })
            }
        }
    }

    fn count(&mut self) -> Option<End> {
        let missing = self.progress.missing.as_mut()?;
        *missing = missing.saturating_sub(1);
        (*missing == 0).then_some(End::Counted)
    }

    /// Says goodbye, or lets the server's goodbye be answered, and tells the end.
    async fn conclude(&mut self, end: &End) -> Result<(), Failed> {
        if let Some(code) = end.farewell() {
            self.outbox.push(Message::Close(Some(CloseFrame {
                code: code.into(),
                reason: "".into(),
            })));
        }
        let answered = timeout(CLOSE_WAIT, self.drain()).await.unwrap_or(false);
        match (end, end.farewell()) {
            (End::Closed { code, reason }, _) => {
                self.print(&Event::closed(*code, reason, Side::Server, true))
            }
            (_, Some(code)) => self.print(&Event::closed(code, "", Side::Client, answered)),
            (End::Lost(why), None) => self.print(&Event::closed(
                close_code::ABNORMAL,
                why,
                Side::Server,
                false,
            )),
            (
                End::Counted
                | End::InputOver
                | End::Interrupted
                | End::Idle(_)
                | End::Broken { .. },
                None,
            ) => Ok(()),
        }
    }

    /// Sends what is left and reads to the end. Messages that come after our goodbye are nobody's; true when the server's goodbye came.
    async fn drain(&mut self) -> bool {
        let (mut answered, mut is_over) = (false, false);
        while self.outbox.is_busy() || !is_over {
            let is_busy = self.outbox.is_busy();
            tokio::select! {
                sent = self.outbox.drive(), if is_busy => if sent.is_err() { self.outbox.clear() },
                message = self.stream.next(), if !is_over => match message {
                    Some(Ok(message)) => answered |= message.is_close(),
                    Some(Err(_)) | None => is_over = true,
                },
            }
        }
        answered
    }

    fn print(&self, event: &Event<'_>) -> Result<(), Failed> {
        self.plan.form.print(event)
    }
}

/// That moment, or never.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
