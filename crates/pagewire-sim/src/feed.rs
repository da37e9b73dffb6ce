//! One open socket: messages of a room go out, what the client says is counted and answered, and what shall go wrong does.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use bytes::Bytes;
use tokio::sync::broadcast;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::fault::{Fault, Order, When};
use crate::room::{Room, wall_ms};
use crate::wire::{HUGE_BYTES, Said, Unit, Wire};

/// Bytes of one message of a client.
pub const INCOMING_BYTES_MAX: usize = 64 << 10;
/// Messages of one frame.
const FRAME_MESSAGES: usize = 20;
/// How long a client may take to read a frame. Then it is gone.
const SEND_WAIT: Duration = Duration::from_secs(30);
/// How long a client may take, after all of a broadcast was sent, to acknowledge the rest of it.
const ACKS_WAIT: Duration = Duration::from_secs(5);
/// How long a client may take to answer a close frame.
const GOODBYE_WAIT: Duration = Duration::from_secs(1);

/// A socket that has been let in.
pub(crate) struct Feed {
    pub(crate) socket: WebSocket,
    pub(crate) room: Arc<Room>,
    pub(crate) wire: Wire,
    /// Of the address.
    pub(crate) faults: Vec<Fault>,
    /// The number of the next message.
    pub(crate) next: u64,
    pub(crate) shut_down: CancellationToken,
}

/// What a connection does over time.
#[derive(Debug, Default)]
struct State {
    frames: u64,
    /// Frames of this connection that the client has acknowledged.
    acks: u64,
    /// The broadcast is over and all of it sent: when acknowledgements are waited for no more.
    closes_at: Option<Instant>,
    is_stalled: bool,
    /// The next frame gets a message that cannot be read.
    is_to_break: bool,
}

impl State {
    /// Whoever acknowledges frames gets to acknowledge the last ones too: behind a close frame nothing can be said.
    const fn awaits_acks(&self) -> bool {
        self.acks > 0 && self.acks < self.frames
    }
}

/// The connection is over, and how.
enum End {
    /// Without a word.
    Drop,
    /// With a close frame.
    Close(u16),
    /// The client is gone.
    Gone,
}

/// What a connection waits for.
enum Turn {
    Said(Option<Result<Message, axum::Error>>),
    News,
    Order(Order),
    Closing,
    ShutDown,
}

impl Feed {
    /// Serves until either side ends it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the connection, without a close frame.
    pub(crate) async fn run(mut self) {
        self.room.count(|counters| {
            counters.open += 1;
            counters.opened += 1;
        });
        let end = self.serve().await;
        self.room.count(|counters| counters.open -= 1);
        match end {
            End::Drop | End::Gone => {}
            End::Close(code) => self.close(code).await,
        }
    }

    async fn close(&mut self, code: u16) {
        let frame = CloseFrame {
            code,
            reason: "".into(),
        };
        // Whoever is gone needs no goodbye; the others answer, or not.
        let _ = timeout(SEND_WAIT, self.socket.send(Message::Close(Some(frame)))).await;
        let goodbye = async { while let Some(Ok(_)) = self.socket.recv().await {} };
        let _ = timeout(GOODBYE_WAIT, goodbye).await;
    }

    async fn serve(&mut self) -> End {
        let (mut news, mut orders) = (self.room.news(), self.room.orders());
        let (mut state, shut_down) = (State::default(), self.shut_down.clone());
        loop {
            // Seen before messages are looked for, so that none that comes meanwhile is missed.
            news.mark_unchanged();
            if let ControlFlow::Break(end) = self.send_messages(&mut state).await {
                return end;
            }
            if state.closes_at.is_some() && !state.awaits_acks() {
                return End::Close(close_code::NORMAL);
            }
            let turn = tokio::select! {
                said = self.socket.recv() => Turn::Said(said),
                // The room outlives its connections.
                _ = news.changed() => Turn::News,
                order = orders.recv() => match order {
                    Ok(order) => Turn::Order(order),
                    Err(broadcast::error::RecvError::Lagged(_)) => Turn::News,
                    Err(broadcast::error::RecvError::Closed) => Turn::ShutDown,
                },
                () = sleep_until(state.closes_at.unwrap_or_else(Instant::now)), if state.closes_at.is_some() => Turn::Closing,
                () = shut_down.cancelled() => Turn::ShutDown,
            };
            let flow = match turn {
                Turn::Said(Some(Ok(message))) => self.take(message, &mut state).await,
                Turn::Said(Some(Err(_)) | None) => ControlFlow::Break(End::Gone),
                Turn::News => ControlFlow::Continue(()),
                Turn::Order(order) => self.carry_out(order, &mut state).await,
                Turn::Closing => ControlFlow::Break(End::Close(close_code::NORMAL)),
                Turn::ShutDown => ControlFlow::Break(End::Close(close_code::AWAY)),
            };
            if let ControlFlow::Break(end) = flow {
                return end;
            }
        }
    }

    /// Sends all that there is.
    async fn send_messages(&mut self, state: &mut State) -> ControlFlow<End> {
        while !state.is_stalled {
            let (batch, is_over) = self.room.after(self.next, FRAME_MESSAGES);
            if batch.messages.is_empty() {
                // A room that goes live again is not over.
                let closes_at = || {
                    state
                        .closes_at
                        .unwrap_or_else(|| Instant::now() + ACKS_WAIT)
                };
                state.closes_at = is_over.then(closes_at);
                break;
            }
            let mut units: Vec<_> = batch
                .messages
                .iter()
                .map(|message| Unit::from(&**message))
                .collect();
            if std::mem::take(&mut state.is_to_break) {
                units.insert(units.len() / 2, self.wire.broken());
            }
            let frame = self.wire.frame(&units, batch.next, wall_ms());
            self.next = batch.next;
            self.send(frame).await?;
            state.frames += 1;
            self.room.count(|counters| {
                counters.frames += 1;
                counters.missed += batch.missed;
            });
            self.carry_out_standing(state).await?;
        }
        ControlFlow::Continue(())
    }

    async fn carry_out_standing(&mut self, state: &mut State) -> ControlFlow<End> {
        let mut faults = self.room.faults();
        faults.extend(&self.faults);
        for fault in faults {
            if let Fault::Connection(order, When::Every(frames)) = fault
                && state.frames.is_multiple_of(frames)
            {
                self.carry_out(order, state).await?;
            }
        }
        ControlFlow::Continue(())
    }

    async fn carry_out(&mut self, order: Order, state: &mut State) -> ControlFlow<End> {
        let now_ms = wall_ms();
        match order {
            Order::Drop => return ControlFlow::Break(End::Drop),
            Order::Close(code) => return ControlFlow::Break(End::Close(code)),
            Order::SayClose => {
                if let Wire::Douyin(wire) = &mut self.wire {
                    let frame = wire.push(&[], "close", self.next, now_ms);
                    self.send(frame).await?;
                }
                return ControlFlow::Break(End::Close(close_code::NORMAL));
            }
            Order::Garbage => self.send(self.wire.garbage()).await?,
            Order::Broken => state.is_to_break = true,
            Order::Bomb => {
                if let Some(bomb) = self.wire.bomb(now_ms) {
                    self.send(bomb).await?;
                }
            }
            Order::Huge => self.send(vec![0; HUGE_BYTES]).await?,
            Order::Stall => state.is_stalled = true,
        }
        ControlFlow::Continue(())
    }

    async fn take(&mut self, message: Message, state: &mut State) -> ControlFlow<End> {
        let bytes = match message {
            Message::Binary(bytes) => bytes,
            Message::Text(text) => Bytes::from(text),
            Message::Ping(_) | Message::Pong(_) => return ControlFlow::Continue(()),
            Message::Close(_) => return ControlFlow::Break(End::Gone),
        };
        let answer = match self.wire.said(&bytes, wall_ms()) {
            Said::Heartbeat(answer) => {
                self.room.count(|counters| counters.heartbeats += 1);
                answer
            }
            Said::Ack { is_right } => {
                state.acks += 1;
                self.room.count(|counters| {
                    counters.acks += 1;
                    counters.acks_wrong += u64::from(!is_right);
                });
                None
            }
            Said::Other(answer) => answer,
        };
        match answer {
            Some(answer) if !state.is_stalled => self.send(answer).await,
            Some(_) | None => ControlFlow::Continue(()),
        }
    }

    async fn send(&mut self, bytes: Vec<u8>) -> ControlFlow<End> {
        let sent = timeout(SEND_WAIT, self.socket.send(Message::Binary(bytes.into())));
        tokio::select! {
            // What can be sent at once is, and leaves room for the close frame; only behind a frame that is stuck there is none.
            biased;
            sent = sent => match sent {
                Ok(Ok(())) => ControlFlow::Continue(()),
                Ok(Err(_)) | Err(_) => ControlFlow::Break(End::Gone),
            },
            () = self.shut_down.cancelled() => ControlFlow::Break(End::Drop),
        }
    }
}
