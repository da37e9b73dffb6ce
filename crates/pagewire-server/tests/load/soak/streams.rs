//! Streamed answers as programs read them: every part in its place, and an end that says how it was.

use pagewire_testkit::Response;

use super::life::{STREAM_PARTS, stream_part};
use crate::program::End;

/// The body of a stream, and whether it is whole.
async fn read_body(mut response: Response) -> (String, bool) {
    let mut body = String::new();
    loop {
        match response.chunk().await {
            Some(Ok(chunk)) => body += &chunk,
            Some(Err(_)) => return (body, false),
            None => return (body, true),
        }
    }
}

/// Reads a stream that comes as NDJSON to its end.
pub(super) async fn read_lines(response: Response, page: &str, number: u64) -> End {
    let (body, is_whole) = read_body(response).await;
    let (values, error) = match body.split_once(r#"{"pagewire:error":"#) {
        Some((values, error)) => (values, error.strip_suffix("}\n")),
        None => (&*body, None),
    };
    check_parts(values.lines(), page, number, is_whole);
    match error {
        None => {
            assert!(is_whole, "a broken body says why: {body}");
            End::Result
        }
        Some(problem) => {
            assert!(!is_whole, "a whole body is a whole stream: {body}");
            End::PageGone.check_problem(problem);
            End::PageGone
        }
    }
}

/// Reads a stream that comes as Server-Sent Events to its end.
pub(super) async fn read_events(response: Response, page: &str, number: u64) -> End {
    let (body, is_whole) = read_body(response).await;
    assert!(is_whole, "{body}");
    let (values, end) = body.split_once("event: ").expect("a last event");
    let values = values
        .lines()
        .filter_map(|line| line.strip_prefix("data: "));
    let is_complete = end == "end\ndata: null\n\n";
    check_parts(values, page, number, is_complete);
    if is_complete {
        return End::Result;
    }
    let problem = end
        .strip_prefix("error\ndata: ")
        .expect("an end or an error");
    End::PageGone.check_problem(problem);
    End::PageGone
}

/// The parts of the stream from the first on, all of them where it is complete.
fn check_parts<'a>(
    parts: impl Iterator<Item = &'a str>,
    page: &str,
    number: u64,
    is_complete: bool,
) {
    let mut count = 0;
    for part in parts {
        assert_eq!(part, stream_part(page, number, count));
        count += 1;
    }
    assert!(
        count == STREAM_PARTS || !is_complete,
        "{count} of call {number}"
    );
}

/// Reads the first piece of a stream, and hangs up by dropping it.
pub(super) async fn check_first_part(mut response: Response, page: &str, number: u64) {
    let first = response.chunk().await.expect("a stream").expect("a piece");
    let line = first.lines().next();
    assert_eq!(line, Some(&*stream_part(page, number, 0)));
}
