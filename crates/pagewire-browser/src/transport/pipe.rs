//! The debugging pipe: messages with a zero byte behind each, both ways.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes, BytesMut};
use futures_util::task::AtomicWaker;
use pagewire_cdp::pipe::Messages;
use tokio::net::unix::pipe::{Receiver, Sender};

use super::{QUEUE_BYTES_MAX, TransportError};

/// What ends a message.
const END: Bytes = Bytes::from_static(&[0]);
/// Room for one read. Chromium writes 64 KiB at a time, and the kernel holds as much.
const READ_BYTES: usize = 256 << 10;
/// Less room than this is not worth a read.
const READ_BYTES_MIN: usize = 16 << 10;
/// Slices that go out in one call: eight messages and their ends.
const SLICES: usize = 16;

#[derive(Debug)]
pub(super) struct Pipe {
    /// None when the browser closed its end, or broke a rule.
    from_browser: Option<Receiver>,
    messages: Messages,
    commands: CommandEnd,
    /// The first may be written in part.
    queue: VecDeque<Bytes>,
    queued_bytes: usize,
}

impl Pipe {
    pub(super) fn new(from_browser: Receiver, commands: CommandEnd) -> Self {
        Self {
            from_browser: Some(from_browser),
            messages: Messages::default(),
            commands,
            queue: VecDeque::new(),
            queued_bytes: 0,
        }
    }

    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, TransportError>>> {
        while let Some(from_browser) = &self.from_browser {
            match self.messages.next() {
                Ok(None) => {}
                Ok(Some(message)) => return Poll::Ready(Some(Ok(message))),
                Err(too_long) => {
                    self.from_browser = None;
                    return Poll::Ready(Some(Err(too_long.into())));
                }
            }
            match ready!(poll_read(from_browser, self.messages.buffer(), cx)) {
                Ok(0) => self.from_browser = None,
                Ok(_) => {}
                Err(error) => {
                    self.from_browser = None;
                    return Poll::Ready(Some(Err(TransportError::Broken(error))));
                }
            }
        }
        Poll::Ready(None)
    }

    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.poll_write_down_to(QUEUE_BYTES_MAX, cx)
    }

    pub(super) fn start_send(&mut self, message: Bytes) -> Result<(), TransportError> {
        if message.contains(&0) {
            return Err(TransportError::NotText);
        }
        self.queued_bytes += message.len() + END.len();
        self.queue.push_back(message);
        self.queue.push_back(END);
        Ok(())
    }

    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.poll_write_down_to(0, cx)
    }

    pub(super) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        let flushed = ready!(self.poll_flush(cx));
        self.commands.close();
        Poll::Ready(flushed)
    }

    /// Writes until at most so many bytes wait.
    fn poll_write_down_to(
        &mut self,
        waiting_bytes: usize,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), TransportError>> {
        while self.queued_bytes > waiting_bytes {
            let mut slices = [IoSlice::new(&[]); SLICES];
            for (slice, waiting) in slices.iter_mut().zip(&self.queue) {
                *slice = IoSlice::new(waiting);
            }
            let written = ready!(self.commands.poll_write(&slices, cx));
            self.advance(written.map_err(TransportError::Broken)?);
        }
        Poll::Ready(Ok(()))
    }

    fn advance(&mut self, mut written: usize) {
        self.queued_bytes -= written;
        while let Some(first) = self.queue.front_mut() {
            let part = written.min(first.len());
            first.advance(part);
            written -= part;
            if first.has_remaining() {
                break;
            }
            self.queue.pop_front();
        }
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.commands.close();
    }
}

/// Our end of the pipe for commands. Closing it ends the browser, which keeps what it has to and takes its files away; asking by a signal does neither. So
/// whoever launched the browser shares it with its transport.
#[derive(Debug, Clone)]
pub(crate) struct CommandEnd(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// None when it is closed.
    sender: Mutex<Option<Sender>>,
    /// Of the task that waits for room.
    writer: AtomicWaker,
}

impl CommandEnd {
    pub(crate) fn new(sender: Sender) -> Self {
        Self(Arc::new(Shared {
            sender: Mutex::new(Some(sender)),
            writer: AtomicWaker::new(),
        }))
    }

    /// A task that waits for room gets an error then.
    pub(crate) fn close(&self) {
        drop(self.sender().take());
        self.0.writer.wake();
    }

    fn poll_write(&self, slices: &[IoSlice<'_>], cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.0.writer.register(cx.waker());
        let sender = self.sender();
        let Some(sender) = &*sender else {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        };
        loop {
            ready!(sender.poll_write_ready(cx))?;
            match sender.try_write_vectored(slices) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }

    fn sender(&self) -> MutexGuard<'_, Option<Sender>> {
        self.0.sender.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// 0 is the end.
fn poll_read(
    from: &Receiver,
    buffer: &mut BytesMut,
    cx: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    if buffer.capacity() - buffer.len() < READ_BYTES_MIN {
        // Grows by doubling, so a message of any length is moved a few times at most.
        buffer.reserve(READ_BYTES);
    }
    loop {
        ready!(from.poll_read_ready(cx))?;
        match from.try_read_buf(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            read => return Poll::Ready(read),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use futures_util::{Sink, SinkExt as _, StreamExt as _};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::unix::pipe;

    use super::super::{COMMAND_BYTES_MAX, Transport};
    use super::*;

    /// A browser's ends of the pipe, and ours.
    fn pipes() -> (Receiver, Sender, Transport, CommandEnd) {
        let (to_browser, commands) = pipe::pipe().unwrap();
        let (answers, from_browser) = pipe::pipe().unwrap();
        let end = CommandEnd::new(to_browser);
        let transport = Transport::pipe(from_browser, end.clone());
        (commands, answers, transport, end)
    }

    fn poll_once<T>(
        transport: &mut Transport,
        poll: impl FnOnce(Pin<&mut Transport>, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let waker = futures_util::task::noop_waker();
        poll(Pin::new(transport), &mut Context::from_waker(&waker))
    }

    fn queued(transport: &Transport) -> usize {
        match &transport.0 {
            super::super::Wire::Pipe(pipe) => pipe.queued_bytes,
            super::super::Wire::WebSocket(_) => unreachable!("it is a pipe"),
        }
    }

    /// Fills the kernel's part of the pipe, and returns how many bytes of the message are left here.
    fn fill(transport: &mut Transport) -> usize {
        let long = Bytes::from(vec![b'f'; 256 << 10]);
        Pin::new(&mut *transport).start_send(long).unwrap();
        assert!(poll_once(transport, Sink::poll_flush).is_pending());
        queued(transport)
    }

    #[tokio::test]
    async fn messages_go_both_ways_with_a_zero_byte_behind_each() {
        let (mut commands, mut answers, mut transport, _end) = pipes();
        for message in ["{}", "[1]"] {
            transport.send(message.into()).await.unwrap();
        }
        let mut sent = [0; 7];
        commands.read_exact(&mut sent).await.unwrap();
        assert_eq!(&sent, b"{}\0[1]\0");
        answers.write_all(b"{\"id\":1}\0{}\0torn").await.unwrap();
        assert_eq!(transport.next().await.unwrap().unwrap(), "{\"id\":1}");
        assert_eq!(transport.next().await.unwrap().unwrap(), "{}");
        drop(answers);
        assert!(transport.next().await.is_none(), "half a message is none");
        assert!(transport.next().await.is_none());
    }

    #[tokio::test]
    async fn polls_that_are_left_neither_lose_nor_tear_a_message() {
        let (mut commands, _answers, mut transport, end) = pipes();
        let slowly = tokio::spawn(async move {
            let (mut read, mut some) = (Vec::new(), [0; 1_000]);
            while let Ok(length @ 1..) = commands.read(&mut some).await {
                read.extend_from_slice(&some[..length]);
            }
            read
        });
        let mut expected = Vec::new();
        for n in 0..60_u8 {
            let message = vec![b'a' + n % 26; usize::from(n) * 1_999];
            expected.extend_from_slice(&message);
            expected.push(0);
            while poll_once(&mut transport, Sink::poll_ready).is_pending() {
                tokio::task::yield_now().await;
            }
            Pin::new(&mut transport).start_send(message.into()).unwrap();
            // Left after what fits, which is a part of a message from the 8th on.
            let _ = poll_once(&mut transport, Sink::poll_flush);
        }
        transport.flush().await.unwrap();
        end.close();
        let read = slowly.await.unwrap();
        assert!(read == expected, "the same bytes in the same order");
    }

    #[tokio::test]
    async fn a_message_waits_when_more_than_the_limit_is_queued() {
        let (_commands, _answers, mut transport, _end) = pipes();
        let left = fill(&mut transport);
        let up_to_limit = vec![b'x'; QUEUE_BYTES_MAX - left - 1];
        Pin::new(&mut transport)
            .start_send(up_to_limit.into())
            .unwrap();
        assert_eq!(queued(&transport), QUEUE_BYTES_MAX);
        assert!(
            poll_once(&mut transport, Sink::poll_ready).is_ready(),
            "at the limit"
        );
        Pin::new(&mut transport).start_send(Bytes::new()).unwrap();
        assert_eq!(queued(&transport), QUEUE_BYTES_MAX + 1);
        assert!(
            poll_once(&mut transport, Sink::poll_ready).is_pending(),
            "one past it"
        );
    }

    #[tokio::test]
    async fn what_chromium_cannot_take_is_refused_and_the_transport_goes_on() {
        let (mut commands, _answers, mut transport, _end) = pipes();
        let longest = Bytes::from(vec![b'x'; COMMAND_BYTES_MAX]);
        let longer = Bytes::from(vec![b'x'; COMMAND_BYTES_MAX + 1]);
        let refused = transport.feed(longer).await.unwrap_err();
        assert!(
            matches!(refused, TransportError::CommandTooLong { .. }),
            "{refused}"
        );
        let torn = transport.feed("{}\0{}".into()).await.unwrap_err();
        assert!(matches!(torn, TransportError::NotText), "{torn}");
        assert!(!refused.is_final() && !torn.is_final());
        let sending =
            tokio::spawn(async move { transport.send(longest).await.map(|()| transport) });
        let mut sent = vec![0; COMMAND_BYTES_MAX + 1];
        commands.read_exact(&mut sent).await.unwrap();
        assert!(sent.ends_with(b"x\0"), "one at the limit went out whole");
        sending.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn closing_the_end_for_commands_wakes_who_waits_for_room() {
        let (_commands, _answers, mut transport, end) = pipes();
        fill(&mut transport);
        let (began, begins) = tokio::sync::oneshot::channel();
        let waiting = tokio::spawn(async move {
            let flush = transport.flush();
            tokio::pin!(flush);
            assert!(futures_util::poll!(&mut flush).is_pending());
            began.send(()).unwrap();
            flush.await
        });
        begins.await.unwrap();
        end.close();
        let error = waiting.await.unwrap().unwrap_err();
        assert!(error.is_final(), "{error}");
    }

    #[tokio::test]
    async fn a_transport_that_is_dropped_or_closed_closes_the_pipe() {
        for how in ["dropped", "closed"] {
            let (mut commands, answers, mut transport, _end) = pipes();
            transport.feed("{}".into()).await.unwrap();
            if how == "closed" {
                transport.close().await.unwrap();
            } else {
                transport.flush().await.unwrap();
                drop(transport);
            }
            let mut sent = Vec::new();
            commands.read_to_end(&mut sent).await.unwrap();
            assert_eq!(sent, b"{}\0", "{how}");
            drop(answers);
        }
    }
}
