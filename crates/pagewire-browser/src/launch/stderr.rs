//! What a browser says on its error stream: into the log, and its last lines kept for whoever asks how it ended.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Lines that are kept.
pub(super) const STDERR_LINES_MAX: usize = 20;
/// Longest line, in bytes; what follows counts as the next line.
pub(super) const STDERR_LINE_BYTES_MAX: usize = 1_024;
/// Time for the rest of the stream to come after the browser ended. A process that it left behind may hold the stream open.
const REST_TIMEOUT: Duration = Duration::from_millis(500);

/// Owns the task that reads, which ends with the stream, or when this is dropped.
#[derive(Debug)]
pub(super) struct LastWords {
    lines: Arc<Mutex<VecDeque<String>>>,
    reader: JoinHandle<()>,
}

impl LastWords {
    pub(super) fn read(stream: impl AsyncRead + Send + Unpin + 'static) -> Self {
        let lines = Arc::new(Mutex::default());
        let reader = tokio::spawn(read_lines(stream, lines.clone()));
        Self { lines, reader }
    }

    /// The last lines of a browser that ended.
    pub(super) async fn take(&mut self) -> Vec<String> {
        if !self.reader.is_finished() {
            // An error means that somebody else holds the stream.
            let _ = timeout(REST_TIMEOUT, &mut self.reader).await;
        }
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().cloned().collect()
    }
}

impl Drop for LastWords {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

async fn read_lines(stream: impl AsyncRead + Unpin, lines: Arc<Mutex<VecDeque<String>>>) {
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut limited = (&mut stream).take(STDERR_LINE_BYTES_MAX as u64);
        match limited.read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let line = String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
        tracing::debug!(target: "pagewire_browser::stderr", "{line}");
        let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == STDERR_LINES_MAX {
            lines.pop_front();
        }
        lines.push_back(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_last_lines_are_kept_at_the_limit_and_not_one_more() {
        let text: String = (0..STDERR_LINES_MAX)
            .map(|n| format!("line {n}\n"))
            .collect();
        let kept = LastWords::read(std::io::Cursor::new(text.clone()))
            .take()
            .await;
        assert_eq!(kept.len(), STDERR_LINES_MAX);
        assert_eq!(kept[0], "line 0");
        let kept = LastWords::read(std::io::Cursor::new(text + "one more\n"))
            .take()
            .await;
        assert_eq!(kept.len(), STDERR_LINES_MAX);
        assert_eq!(kept[0], "line 1");
        assert_eq!(kept.last().unwrap(), "one more");
    }

    #[tokio::test]
    async fn a_line_over_the_limit_goes_on_in_the_next() {
        let whole = "x".repeat(STDERR_LINE_BYTES_MAX - 1);
        let kept = LastWords::read(std::io::Cursor::new(format!("{whole}\nend")))
            .take()
            .await;
        assert_eq!(kept, [whole.as_str(), "end"]);
        let longer = "x".repeat(STDERR_LINE_BYTES_MAX + 1);
        let kept = LastWords::read(std::io::Cursor::new(format!("{longer}\nend")))
            .take()
            .await;
        assert_eq!(kept, [&longer[1..], "x", "end"]);
    }

    #[tokio::test]
    async fn a_stream_that_stays_open_is_not_waited_for() {
        let (mut ours, theirs) = tokio::io::duplex(64);
        tokio::io::AsyncWriteExt::write_all(&mut ours, b"said\n")
            .await
            .unwrap();
        assert_eq!(LastWords::read(theirs).take().await, ["said"]);
        drop(ours);
    }
}
