//! The debugging pipe: messages with a zero byte behind each, both ways.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes, BytesMut};
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
    /// None when we closed our end.
    to_browser: Option<Sender>,
    /// The first may be written in part.
    queue: VecDeque<Bytes>,
    queued_bytes: usize,
}

impl Pipe {
    pub(super) fn new(from_browser: Receiver, to_browser: Sender) -> Self {
        Self {
            from_browser: Some(from_browser),
            messages: Messages::default(),
            to_browser: Some(to_browser),
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
        self.to_browser = None;
        Poll::Ready(flushed)
    }

    /// Writes until at most so many bytes wait.
    fn poll_write_down_to(
        &mut self,
        waiting_bytes: usize,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), TransportError>> {
        while self.queued_bytes > waiting_bytes {
            let Some(to_browser) = &self.to_browser else {
                return Poll::Ready(Err(TransportError::Broken(
                    io::ErrorKind::BrokenPipe.into(),
                )));
            };
            ready!(to_browser.poll_write_ready(cx)).map_err(TransportError::Broken)?;
            let mut slices = [IoSlice::new(&[]); SLICES];
            for (slice, waiting) in slices.iter_mut().zip(&self.queue) {
                *slice = IoSlice::new(waiting);
            }
            match to_browser.try_write_vectored(&slices) {
                Ok(written) => self.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(TransportError::Broken(error))),
            }
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
