//! A program that numbers its calls and checks that each answer belongs to its call.

use std::iter::Sum;
use std::time::{Duration, Instant};

use pagewire_testkit::{Http, Response, TestHub};
use serde_json::Value;

/// Time that a call gets unless a test says otherwise: so long that ending by it means a call was lost.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
/// Longest function name, in characters.
const NAME_CHARS_MAX: usize = 64;
/// A letter of four bytes, as JSON text and as a path.
const WIDE_LETTER: (&str, &str) = ("𠀀", "%F0%A0%80%80");

/// A name of its own for each number, as long as a name can be: 64 characters of mostly four bytes. A hub that keeps
/// something for each name it ever heard cannot hide it.
pub(crate) fn fresh_name(word: &str, number: u64) -> String {
    let start = format!("{word}-{number}-");
    let wide = NAME_CHARS_MAX - start.len();
    start + &WIDE_LETTER.0.repeat(wide)
}

/// What a page must answer to a call: nothing but this very call gives this text.
pub(crate) fn proper_answer(page: &str, function: &str, number: u64) -> String {
    format!(r#"{{"page":"{page}","function":"{function}","number":{number}}}"#)
}

/// The ends that these tests know; any other fails the test that meets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Result,
    NotFound,
    PageGone,
    Timeout,
    PageError,
}

impl End {
    /// Its `code` in a problem document; a result has none.
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Result => None,
            Self::NotFound => Some("not_found"),
            Self::PageGone => Some("page_gone"),
            Self::Timeout => Some("timeout"),
            Self::PageError => Some("page_error"),
        }
    }

    /// Asserts that a problem document tells this end.
    pub(crate) fn check_problem(self, problem: &str) {
        let problem: Value = serde_json::from_str(problem).expect("JSON");
        assert_eq!(problem["code"].as_str(), self.code(), "{problem}");
    }
}

/// How many calls ended in which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Ends {
    pub(crate) results: u64,
    pub(crate) not_found: u64,
    pub(crate) page_gone: u64,
    pub(crate) timeouts: u64,
    pub(crate) page_errors: u64,
}

impl Ends {
    /// All ends of some programs.
    pub(crate) fn of<'a>(programs: impl IntoIterator<Item = &'a Program>) -> Self {
        programs.into_iter().map(|program| program.ends).sum()
    }

    /// How many there are together.
    pub(crate) fn all(&self) -> u64 {
        self.results + self.not_found + self.page_gone + self.timeouts + self.page_errors
    }

    pub(crate) fn count(&mut self, end: End) {
        match end {
            End::Result => self.results += 1,
            End::NotFound => self.not_found += 1,
            End::PageGone => self.page_gone += 1,
            End::Timeout => self.timeouts += 1,
            End::PageError => self.page_errors += 1,
        }
    }
}

impl Sum for Ends {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            results: sum.results + one.results,
            not_found: sum.not_found + one.not_found,
            page_gone: sum.page_gone + one.page_gone,
            timeouts: sum.timeouts + one.timeouts,
            page_errors: sum.page_errors + one.page_errors,
        })
    }
}

/// A call that ended.
#[derive(Debug)]
pub(crate) struct Answer {
    /// What the program sent as its argument.
    pub(crate) number: u64,
    pub(crate) end: End,
    /// The body.
    pub(crate) text: String,
}

/// A program with connections of its own, which makes one call at a time.
pub(crate) struct Program {
    http: Http,
    group: &'static str,
    next_number: u64,
    /// The hub's number of the last call that was answered. It grows, so an answer of an older call shows.
    last_call: u64,
    pub(crate) ends: Ends,
}

impl Program {
    /// The program of this index; no two programs share a number.
    pub(crate) fn new(hub: &TestHub, group: &'static str, index: usize) -> Self {
        Self {
            http: hub.client(),
            group,
            next_number: index as u64 * 1_000_000_000,
            last_call: 0,
            ends: Ends::default(),
        }
    }

    /// Programs 0 to `count`.
    pub(crate) fn several(hub: &TestHub, group: &'static str, count: usize) -> Vec<Self> {
        (0..count)
            .map(|index| Self::new(hub, group, index))
            .collect()
    }

    /// Calls, expects a result and gives the number of the call.
    pub(crate) async fn expect_result(&mut self, function: &str) -> u64 {
        let answer = self.call(function).await;
        assert_eq!(answer.end, End::Result, "{function}: {}", answer.text);
        answer.number
    }

    /// Calls a function that is not there, and expects to be told so.
    pub(crate) async fn expect_not_found(&mut self, function: &str) {
        let Answer { end, text, .. } = self.call(function).await;
        assert_eq!(end, End::NotFound, "{function}: {text}");
        assert!(text.contains(function), "asked {function}, told {text}");
    }

    /// Calls a function with the number of the call as its argument.
    pub(crate) async fn call(&mut self, function: &str) -> Answer {
        self.call_within(function, DEADLINE).await
    }

    /// The same with a deadline of its own.
    pub(crate) async fn call_within(&mut self, function: &str, deadline: Duration) -> Answer {
        let number = self.next_number;
        self.next_number += 1;
        let asked = Instant::now();
        let response = self
            .http
            .post(&self.path(function, deadline), format!("[{number}]"))
            .await;
        let end = end_of(&response);
        let (page, call) = (
            response.header("pagewire-page").to_owned(),
            response.header("pagewire-call").parse().unwrap_or(0),
        );
        let text = response.text().await;
        match end {
            End::Result => {
                assert!(call > self.last_call, "call {call} was answered before");
                self.last_call = call;
                assert_eq!(text, proper_answer(&page, function, number));
            }
            End::NotFound | End::PageGone | End::Timeout => end.check_problem(&text),
            End::PageError => unreachable!("a program calls nothing that throws: {text}"),
        }
        assert!(
            end == End::Timeout || asked.elapsed() < deadline,
            "{function} ended as {end:?} after its deadline"
        );
        self.ends.count(end);
        Answer { number, end, text }
    }

    fn path(&self, function: &str, deadline: Duration) -> String {
        let function = function.replace(WIDE_LETTER.0, WIDE_LETTER.1);
        let deadline_ms = deadline.as_millis();
        format!("/v1/call/{}/{function}?timeout={deadline_ms}ms", self.group)
    }
}

pub(crate) fn end_of(response: &Response) -> End {
    match response.status.as_u16() {
        200 => End::Result,
        404 => End::NotFound,
        500 => End::PageError,
        502 => End::PageGone,
        504 => End::Timeout,
        status => unreachable!("no call of these tests ends with status {status}"),
    }
}
