//! Programs that call in every way there is, and know which ends each call may have.

use std::sync::Arc;
use std::time::Duration;

use pagewire_testkit::{Http, Response};
use tokio_util::sync::CancellationToken;

use super::life::thrown;
use super::pages::returning_id;
use super::streams::{check_first_part, read_events, read_lines};
use super::witness::Witness;
use crate::GROUP;
use crate::program::{DEADLINE, End, Ends, end_of, proper_answer};

/// Between two calls of a program, so that 64 of them load a small machine without drowning it.
const THINK_TIME: Duration = Duration::from_millis(20);
/// Deadlines of calls that are to miss them, at least or perhaps.
const SHORT_DEADLINES_MS: [u64; 4] = [15, 40, 80, 150];

/// One way to call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ask {
    Echo,
    /// May run twice.
    Again,
    /// To the page that a key gives.
    Keyed,
    /// To one page by its id.
    Directed,
    Late,
    /// A late answer with a short deadline: either may be first.
    Hurried,
    Throw,
    Never,
    /// A stream as NDJSON, to its end.
    Lines,
    /// A stream as Server-Sent Events, to its end.
    Events,
    /// A stream whose reader hangs up after the first piece.
    LeaveStream,
    /// Hangs up once the page has the call.
    HangUp,
}

/// What a program asks, turn by turn.
const TURNS: [Ask; 16] = [
    Ask::Echo,
    Ask::Late,
    Ask::Keyed,
    Ask::Never,
    Ask::Again,
    Ask::Lines,
    Ask::Directed,
    Ask::HangUp,
    Ask::Echo,
    Ask::Hurried,
    Ask::Events,
    Ask::Throw,
    Ask::Again,
    Ask::Keyed,
    Ask::LeaveStream,
    Ask::Directed,
];

/// What the pages do meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pages {
    /// They come and go, so any call may lose its page, or find none.
    Restless,
    /// They stay.
    Steady,
}

impl Ask {
    fn function(self) -> &'static str {
        match self {
            Self::Echo | Self::Again | Self::Keyed | Self::Directed => "echo",
            Self::Late | Self::Hurried => "late",
            Self::Throw => "throw",
            Self::Never => "never",
            Self::Lines | Self::Events | Self::LeaveStream => "stream",
            Self::HangUp => "hold",
        }
    }

    /// How a call may end that its program waits for.
    fn allows(self, end: End, pages: Pages) -> bool {
        match end {
            End::NotFound | End::PageGone => pages == Pages::Restless,
            End::Timeout => matches!(self, Self::Never | Self::Hurried),
            End::PageError => self == Self::Throw,
            End::Result => !matches!(self, Self::Throw | Self::Never | Self::HangUp),
        }
    }
}

/// A program that makes one call at a time.
pub(super) struct Caller {
    http: Http,
    index: u64,
    witness: Arc<Witness>,
    /// The hub's number of the last call that was answered.
    last_call: u64,
    pub(super) made: u64,
    pub(super) ends: Ends,
    pub(super) hung_up: u64,
}

impl Caller {
    pub(super) fn new(http: Http, index: u64, witness: &Arc<Witness>) -> Self {
        Self {
            http,
            index,
            witness: witness.clone(),
            last_call: 0,
            made: 0,
            ends: Ends::default(),
            hung_up: 0,
        }
    }

    /// Calls while pages come and go.
    pub(super) async fn call_until(mut self, stop: CancellationToken) -> Self {
        while !stop.is_cancelled() {
            self.ask(self.turn(), Pages::Restless).await;
            tokio::time::sleep(THINK_TIME).await;
        }
        self
    }

    /// Calls in every way once, at pages that stay.
    pub(super) async fn call_in_calm(mut self) -> Self {
        for ask in TURNS {
            self.ask(ask, Pages::Steady).await;
        }
        self
    }

    fn turn(&self) -> Ask {
        let turns = TURNS.len() as u64;
        TURNS[usize::try_from((self.index + self.made) % turns).expect("a place in a short list")]
    }

    async fn ask(&mut self, ask: Ask, pages: Pages) {
        // No two programs share a number.
        let number = self.index * 1_000_000_000 + self.made;
        self.made += 1;
        let Some(end) = self.outcome(ask, number).await else {
            self.hung_up += 1;
            return;
        };
        assert!(
            ask.allows(end, pages),
            "call {number}, {ask:?} of {pages:?} pages, ended as {end:?}"
        );
        self.ends.count(end);
    }

    /// Makes a call; none where the program hung up.
    async fn outcome(&mut self, ask: Ask, number: u64) -> Option<End> {
        let response = if ask == Ask::HangUp {
            self.answer_before_arrival(number).await?
        } else {
            self.post(ask, number).await
        };
        let end = end_of(&response);
        let page = response.header("pagewire-page").to_owned();
        if end == End::Result {
            self.check_order(&response);
            match ask {
                Ask::Lines => return Some(read_lines(response, &page, number).await),
                Ask::Events => return Some(read_events(response, &page, number).await),
                Ask::LeaveStream => {
                    check_first_part(response, &page, number).await;
                    return None;
                }
                Ask::Echo
                | Ask::Again
                | Ask::Keyed
                | Ask::Directed
                | Ask::Late
                | Ask::Hurried
                | Ask::Throw
                | Ask::Never
                | Ask::HangUp => {}
            }
        }
        let text = response.text().await;
        if end == End::Result {
            assert_eq!(text, proper_answer(&page, ask.function(), number));
        } else {
            end.check_problem(&text);
        }
        if end == End::PageError {
            assert!(text.contains(&thrown(number)), "{number}: {text}");
        }
        Some(end)
    }

    async fn post(&self, ask: Ask, number: u64) -> Response {
        let (client, path) = (&self.http, self.path(ask, number));
        match ask {
            Ask::Again => client.post(&path, format!(r#"[{number},"again"]"#)).await,
            Ask::Events => {
                let client = client.with("accept", "text/event-stream");
                client.post(&path, format!("[{number}]")).await
            }
            Ask::Echo
            | Ask::Keyed
            | Ask::Directed
            | Ask::Late
            | Ask::Hurried
            | Ask::Throw
            | Ask::Never
            | Ask::Lines
            | Ask::LeaveStream
            | Ask::HangUp => client.post(&path, format!("[{number}]")).await,
        }
    }

    fn path(&self, ask: Ask, number: u64) -> String {
        let short = SHORT_DEADLINES_MS[usize::try_from(number % 4).expect("one of four")];
        let deadline_ms = match ask {
            Ask::Never | Ask::Hurried => u128::from(short),
            Ask::Echo
            | Ask::Again
            | Ask::Keyed
            | Ask::Directed
            | Ask::Late
            | Ask::Throw
            | Ask::Lines
            | Ask::Events
            | Ask::LeaveStream
            | Ask::HangUp => DEADLINE.as_millis(),
        };
        let target = match ask {
            Ask::Again => "&idempotent=true".to_owned(),
            Ask::Keyed => format!("&key=key-{}", self.index),
            Ask::Directed => {
                let page = returning_id(number % 16 * 3);
                format!("&page={}", page.expect("each third page returns"))
            }
            Ask::Echo
            | Ask::Late
            | Ask::Hurried
            | Ask::Throw
            | Ask::Never
            | Ask::Lines
            | Ask::Events
            | Ask::LeaveStream
            | Ask::HangUp => String::new(),
        };
        let function = ask.function();
        format!("/v1/call/{GROUP}/{function}?timeout={deadline_ms}ms{target}")
    }

    /// Hangs up once the page has the call. The answer where that came first: the page was lost.
    async fn answer_before_arrival(&self, number: u64) -> Option<Response> {
        let arrived = self.witness.arrival(number);
        tokio::select! {
            response = self.post(Ask::HangUp, number) => {
                self.witness.forget(number);
                Some(response)
            }
            _ = arrived => None,
        }
    }

    /// Numbers of calls grow, so an answer of an older call shows.
    fn check_order(&mut self, response: &Response) {
        let call = response.header("pagewire-call").parse().expect("a number");
        assert!(call > self.last_call, "call {call} was answered before");
        self.last_call = call;
    }
}
