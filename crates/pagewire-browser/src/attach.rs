//! Pages of the hub out of a browser: one task owns the connection to the browser and all that is known of it.
//!
//! [`attach`] is the shell: it moves messages. What to do with them is in [`state`] and the files beside it, which do no I/O.

mod captures;
mod carrier;
mod decode;
mod drivers;
mod links;
mod messages;
mod options;
mod page;
mod pages;
mod report;
mod script;
mod scripts;
mod signs;
mod state;
mod taps;
mod targets;
#[cfg(test)]
mod tests;
mod tools;
mod watch;
mod workers;

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures_util::{Sink, Stream};
use pagewire_hub::CarrierError;
use tokio::sync::mpsc;
use tokio::time::{Sleep, sleep_until};

pub use self::carrier::PageCarrier;
use self::carrier::{Doorbell, LinkKey};
use self::drivers::Drivers;
pub use self::options::{AttachOptions, Code, Dialogs, Present, Reach};
pub use self::pages::{Reloads, WantedPage};
pub use self::report::Report;
pub use self::script::UserScript;
use self::state::{Effect, State};
use crate::port::HubPort;
use crate::transport::{Transport, TransportError};

/// Messages of the browser that are read before effects are carried out.
const MESSAGES_PER_TURN: usize = 64;

/// Why attaching ended.
#[derive(Debug)]
pub enum Detached {
    /// The browser closed the connection, or is gone.
    BrowserGone,
    /// The browser was gone before it answered anything: it did not start.
    NeverAnswered,
    /// The connection broke.
    Broken(TransportError),
}

/// Attaches to a browser until it is gone. All pages leave the hub with it.
///
/// # Cancel safety
///
/// Dropping the future detaches every page at once; the browser goes on without us.
pub async fn attach(
    transport: Transport,
    port: HubPort,
    options: AttachOptions,
    reports: mpsc::Sender<Report>,
) -> Detached {
    let binding = format!("__pagewire_{}", pagewire_hub::random_text(8));
    let doorbell = Arc::new(Doorbell::default());
    let state = State::new(options, binding, doorbell.clone(), port.message_bytes_max());
    let shell = Shell {
        transport,
        state,
        doorbell,
        port,
        reports,
        drivers: Drivers::default(),
        timer: Box::pin(sleep_until(Instant::now().into())),
        unflushed: false,
        ended: None,
        browser_first: false,
    };
    shell.run().await
}

struct Shell {
    transport: Transport,
    state: State,
    doorbell: Arc<Doorbell>,
    port: HubPort,
    reports: mpsc::Sender<Report>,
    drivers: Drivers,
    timer: Pin<Box<Sleep>>,
    unflushed: bool,
    /// What ended the connection while messages before it were read.
    ended: Option<Turn>,
    /// Pages and programs get the first look in turns.
    browser_first: bool,
}

/// What a turn waited for.
enum Turn {
    Message(Option<Result<Bytes, TransportError>>),
    Broken(TransportError),
    Rung(Vec<LinkKey>),
    Reload(BTreeSet<usize>),
    Timer,
}

impl Shell {
    async fn run(mut self) -> Detached {
        self.state.begin(Instant::now());
        let detached = loop {
            self.carry_out().await;
            self.set_timer();
            match poll_fn(|context| self.poll_turn(context)).await {
                Turn::Message(None) => break Detached::BrowserGone,
                Turn::Message(Some(Err(error))) | Turn::Broken(error) => {
                    break Detached::Broken(error);
                }
                Turn::Message(Some(Ok(message))) => self.take_messages(&message),
                Turn::Rung(links) => {
                    let now = Instant::now();
                    for link in links {
                        self.state.deliver(now, link);
                    }
                }
                Turn::Reload(pages) => {
                    let now = Instant::now();
                    for page in pages {
                        self.state.load_again(now, page);
                    }
                }
                Turn::Timer => self.state.handle_timeout(Instant::now()),
            }
        };
        self.state
            .lose_browser(Instant::now(), unix_ms(), "the browser is gone");
        self.carry_out().await;
        self.drivers.end().await;
        if self.state.begun {
            detached
        } else {
            Detached::NeverAnswered
        }
    }

    /// Writes what it can and gives the first thing that there is to do.
    fn poll_turn(&mut self, context: &mut Context<'_>) -> Poll<Turn> {
        if let Poll::Ready(Err(error)) = self.poll_write(context) {
            return Poll::Ready(Turn::Broken(error));
        }
        self.drivers.poll(context);
        if let Some(ended) = self.ended.take() {
            return Poll::Ready(ended);
        }
        self.browser_first = !self.browser_first;
        if self.browser_first
            && let Poll::Ready(turn) = self.poll_browser(context)
        {
            return Poll::Ready(turn);
        }
        if let Poll::Ready(links) = self.doorbell.poll(context) {
            return Poll::Ready(Turn::Rung(links));
        }
        if !self.browser_first
            && let Poll::Ready(turn) = self.poll_browser(context)
        {
            return Poll::Ready(turn);
        }
        if let Poll::Ready(pages) = self.state.options.reloads.poll(context) {
            return Poll::Ready(Turn::Reload(pages));
        }
        self.timer.as_mut().poll(context).map(|()| Turn::Timer)
    }

    fn poll_browser(&mut self, context: &mut Context<'_>) -> Poll<Turn> {
        let transport = Pin::new(&mut self.transport);
        transport.poll_next(context).map(Turn::Message)
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        let mut transport = Pin::new(&mut self.transport);
        while !self.state.commands.is_empty() {
            std::task::ready!(transport.as_mut().poll_ready(context))?;
            if let Some(command) = self.state.commands.pop_front() {
                transport.as_mut().start_send(command)?;
                self.unflushed = true;
            }
        }
        if self.unflushed {
            std::task::ready!(transport.poll_flush(context))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Reads a message, and some of those that are there already.
    fn take_messages(&mut self, first: &Bytes) {
        let now = Instant::now();
        let wall_ms = unix_ms();
        self.state.handle_message(now, wall_ms, first);
        let mut context = Context::from_waker(std::task::Waker::noop());
        for _ in 1..MESSAGES_PER_TURN {
            // A pending poll here is made again with the task's own waker before the task sleeps.
            match self.poll_browser(&mut context) {
                Poll::Ready(Turn::Message(Some(Ok(message)))) => {
                    self.state.handle_message(now, wall_ms, &message);
                }
                Poll::Ready(ended) => {
                    self.ended = Some(ended);
                    break;
                }
                Poll::Pending => break,
            }
        }
    }

    /// Does what the state wants done. Waits for a page's driver or for the hub where they do not keep up: the browser waits with us.
    async fn carry_out(&mut self) {
        while let Some(effect) = self.state.effects.pop_front() {
            match effect {
                Effect::Drive(carrier, attachment) => {
                    let port = self.port.clone();
                    self.drivers
                        .push(async move { port.drive(carrier, attachment).await });
                }
                // An error means that the driver has ended; so has its page.
                Effect::Input(inputs, input) => {
                    drop(self.drivers.run_until(inputs.send(Ok(input))).await);
                }
                Effect::TooLarge(inputs) => {
                    let too_large = Err(CarrierError::TooLarge);
                    drop(self.drivers.run_until(inputs.send(too_large)).await);
                }
                Effect::Publish(topic, payload) => {
                    let published = self.port.publish(topic, payload);
                    self.drivers.run_until(published).await;
                }
                Effect::Report(report) => self.tell(report),
            }
        }
    }

    /// Reports are for people: one that nobody takes in time is left out.
    fn tell(&self, report: Report) {
        tracing::info!(?report, "attach");
        let _ = self.reports.try_send(report);
    }

    fn set_timer(&mut self) {
        if let Some(due) = self.state.poll_timeout()
            && self.timer.deadline() != due.into()
        {
            self.timer.as_mut().reset(due.into());
        }
    }
}

fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}
