//! A stream that is asked only after it called: asking a socket that has nothing costs as much as reading from it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::Stream;
use futures_util::task::AtomicWaker;

/// Polls the stream inside only when that has woken the task since it was last empty. A task that waits for many things at once is woken
/// mostly by the others.
#[derive(Debug)]
pub(crate) struct Attentive<S> {
    inner: Pin<Box<S>>,
    bell: Arc<Bell>,
    waker: Waker,
}

#[derive(Debug)]
struct Bell {
    rung: AtomicBool,
    task: AtomicWaker,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        self.task.wake();
    }
}

impl<S: Stream> Attentive<S> {
    pub(crate) fn new(inner: S) -> Self {
        let bell = Arc::new(Bell {
            rung: AtomicBool::new(true),
            task: AtomicWaker::new(),
        });
        Self {
            inner: Box::pin(inner),
            waker: bell.clone().into(),
            bell,
        }
    }

    /// The next item; wakes the task of `context` when there may be one.
    pub(crate) fn poll_next(&mut self, context: &Context<'_>) -> Poll<Option<S::Item>> {
        // Before looking, so that a call in between is not missed.
        self.bell.task.register(context.waker());
        self.poll()
    }

    /// The next item if there is one now. Whoever gets none is to [poll](Self::poll_next) before it waits.
    pub(crate) fn next_ready(&mut self) -> Option<Option<S::Item>> {
        match self.poll() {
            Poll::Ready(item) => Some(item),
            Poll::Pending => None,
        }
    }

    fn poll(&mut self) -> Poll<Option<S::Item>> {
        if !self.bell.rung.swap(false, Ordering::AcqRel) {
            return Poll::Pending;
        }
        let polled = self
            .inner
            .as_mut()
            .poll_next(&mut Context::from_waker(&self.waker));
        if polled.is_ready() {
            // There may be more, and a stream calls only when it was found empty.
            self.bell.rung.store(true, Ordering::Release);
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::poll_fn;
    use std::rc::Rc;

    use futures_util::StreamExt as _;
    use tokio::sync::mpsc;

    use super::*;

    /// A stream of a channel that counts how often it is polled.
    fn counted(
        mut channel: mpsc::Receiver<u32>,
    ) -> (Attentive<impl Stream<Item = u32>>, Rc<Cell<u32>>) {
        let polls = Rc::new(Cell::new(0));
        let count = polls.clone();
        let stream = futures_util::stream::poll_fn(move |context| {
            count.set(count.get() + 1);
            channel.poll_recv(context)
        });
        (Attentive::new(stream), polls)
    }

    #[tokio::test]
    async fn a_stream_that_has_not_called_is_left_alone() {
        let (sender, receiver) = mpsc::channel(8);
        let (mut stream, polls) = counted(receiver);
        let idle = async |stream: &mut Attentive<_>| {
            poll_fn(|context| {
                assert!(stream.poll_next(context).is_pending());
                Poll::Ready(())
            })
            .await;
        };
        for _ in 0..5 {
            idle(&mut stream).await;
        }
        assert_eq!(polls.get(), 1, "once to find it empty");
        for item in [1, 2] {
            sender.send(item).await.unwrap();
        }
        assert_eq!(stream.next_ready(), Some(Some(1)));
        assert_eq!(stream.next_ready(), Some(Some(2)));
        assert_eq!(stream.next_ready(), None);
        assert_eq!(polls.get(), 4);
        drop(sender);
        assert_eq!(stream.next_ready(), Some(None), "the end calls too");
    }

    #[tokio::test]
    async fn whoever_waits_is_woken_for_every_item() {
        let (sender, receiver) = mpsc::channel(1);
        let (mut stream, _) = counted(receiver);
        let send = async move {
            for item in 0..1_000 {
                sender.send(item).await.unwrap();
            }
        };
        let receive = async {
            let items = futures_util::stream::poll_fn(|context| stream.poll_next(context));
            items.collect::<Vec<_>>().await
        };
        let ((), items) = tokio::join!(send, receive);
        assert_eq!(items, (0..1_000).collect::<Vec<_>>());
    }
}
