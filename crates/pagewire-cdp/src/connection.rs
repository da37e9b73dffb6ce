//! One connection to a browser: commands under way with their deadlines, and what comes in, sorted.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::command::Command;
use crate::error::{CommandError, Error};
use crate::ids::{CommandId, SessionId};

/// Commands under way at once. One more is refused: a browser that answers none of them is stuck.
pub const COMMANDS_MAX: usize = 16_384;

/// The commands of one connection. `T` is what the asker wants back with the answer, to know what it was about.
///
/// A driver sends what [`Connection::command`] gives, feeds what it receives to [`Connection::handle_message`], and calls
/// [`Connection::handle_timeout`] when [`Connection::poll_timeout`] says so. Each command comes back exactly once: with its answer,
/// as timed out, or from [`Connection::drain`].
#[derive(Debug)]
pub struct Connection<T> {
    last_id: u64,
    commands: HashMap<CommandId, Pending<T>>,
    /// Entries of commands that were answered stay until their time comes.
    deadlines: BinaryHeap<Reverse<(Instant, CommandId)>>,
}

#[derive(Debug)]
struct Pending<T> {
    tag: T,
    method: &'static str,
}

/// What a message of the browser is.
#[derive(Debug)]
pub enum Incoming<'a, T> {
    /// The answer to a command.
    Reply(Reply<'a, T>),
    /// Something happened.
    Event(RawEvent<'a>),
    /// The answer to a command that had timed out.
    Late(CommandId),
}

/// The end of a command.
#[derive(Debug)]
pub struct Reply<'a, T> {
    /// What was given with the command.
    pub tag: T,
    /// The result as the browser wrote it, or why there is none.
    pub result: Result<&'a RawValue, CommandError>,
}

/// An event as the browser wrote it.
#[derive(Debug, Clone)]
pub struct RawEvent<'a> {
    /// Where it happened; `None`: in the browser itself.
    pub session: Option<Cow<'a, str>>,
    /// Its name, such as `Page.frameNavigated`.
    pub method: Cow<'a, str>,
    /// Its parameters, unread.
    pub params: &'a RawValue,
}

impl<'a> RawEvent<'a> {
    /// The parameters as a type.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] when they are not what this version of us knows; the event is to be passed over then.
    pub fn read<P: Deserialize<'a>>(&self) -> Result<P, Error> {
        serde_json::from_str(self.params.get()).map_err(|error| Error::Malformed {
            what: "the parameters of an event",
            at: error.column(),
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    id: Option<CommandId>,
    #[serde(borrow)]
    session_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    error: Option<ErrorBody>,
}

#[derive(Deserialize)]
struct ErrorBody {
    #[serde(default)]
    code: i64,
    #[serde(default)]
    message: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a, C> {
    id: CommandId,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<&'a SessionId>,
    method: &'static str,
    params: C,
}

impl<T> Default for Connection<T> {
    fn default() -> Self {
        Self {
            last_id: 0,
            commands: HashMap::new(),
            deadlines: BinaryHeap::new(),
        }
    }
}

impl<T> Connection<T> {
    /// Makes the message of a command. `session` is `None` for the browser itself. Without a `timeout` the command waits as long as it takes.
    ///
    /// # Errors
    ///
    /// The tag comes back where [`COMMANDS_MAX`] are under way.
    pub fn command<C: Command>(
        &mut self,
        now: Instant,
        session: Option<&SessionId>,
        command: &C,
        timeout: Option<Duration>,
        tag: T,
    ) -> Result<Bytes, (T, Error)> {
        if self.commands.len() >= COMMANDS_MAX {
            let error = Error::Limit {
                what: "commands under way",
                got: self.commands.len().saturating_add(1),
                max: COMMANDS_MAX,
            };
            return Err((tag, error));
        }
        self.last_id = self.last_id.saturating_add(1);
        let id = CommandId(self.last_id);
        let method = C::METHOD;
        let request = Request {
            id,
            session_id: session,
            method,
            params: command,
        };
        let Ok(message) = serde_json::to_vec(&request) else {
            return Err((tag, Error::Misuse("a command that is no JSON")));
        };
        if let Some(due) = timeout.and_then(|timeout| now.checked_add(timeout)) {
            self.deadlines.push(Reverse((due, id)));
        }
        self.commands.insert(id, Pending { tag, method });
        Ok(message.into())
    }

    /// Sorts one message of the browser.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] for what is no DevTools message. The connection can go on.
    pub fn handle_message<'a>(&mut self, message: &'a [u8]) -> Result<Incoming<'a, T>, Error> {
        let malformed = |at| Error::Malformed {
            what: "a message of the browser",
            at,
        };
        let envelope: Envelope<'a> =
            serde_json::from_slice(message).map_err(|error| malformed(error.column()))?;
        if let (Some(method), None) = (&envelope.method, envelope.id) {
            return Ok(Incoming::Event(RawEvent {
                session: envelope.session_id,
                method: method.clone(),
                params: envelope.params.unwrap_or(RawValue::NULL),
            }));
        }
        let id = envelope.id.ok_or_else(|| malformed(0))?;
        let Some(Pending { tag, method }) = self.commands.remove(&id) else {
            return Ok(Incoming::Late(id));
        };
        let result = match (envelope.result, envelope.error) {
            (_, Some(ErrorBody { code, message })) => Err(CommandError::Refused {
                method,
                code,
                message,
            }),
            (result, None) => Ok(result.unwrap_or(RawValue::NULL)),
        };
        Ok(Incoming::Reply(Reply { tag, result }))
    }

    /// The commands whose time is over at `now`, one by one.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<Reply<'static, T>> {
        while let Some(Reverse((due, id))) = self.deadlines.peek().copied() {
            let pending = self.commands.contains_key(&id);
            if pending && due > now {
                return None;
            }
            self.deadlines.pop();
            if let Some(Pending { tag, method }) = self.commands.remove(&id) {
                let result = Err(CommandError::TimedOut { method });
                return Some(Reply { tag, result });
            }
        }
        None
    }

    /// When [`Connection::handle_timeout`] is due; never too late, sometimes early.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.peek().map(|Reverse((due, _))| *due)
    }

    /// Commands under way.
    pub fn under_way(&self) -> usize {
        self.commands.len()
    }

    /// Ends everything that is under way: the connection is lost.
    pub fn drain(&mut self) -> impl Iterator<Item = Reply<'static, T>> {
        self.deadlines.clear();
        self.commands
            .drain()
            .map(|(_, Pending { tag, method })| Reply {
                tag,
                result: Err(CommandError::ConnectionLost { method }),
            })
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests begin at any time")]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::command::{BrowserGetVersion, RuntimeRunIfWaitingForDebugger};

    const SECOND: Duration = Duration::from_secs(1);

    fn ask(connection: &mut Connection<&'static str>, now: Instant, tag: &'static str) -> u64 {
        let message = connection
            .command(now, None, &BrowserGetVersion {}, Some(SECOND), tag)
            .expect("there is room");
        let message: serde_json::Value = serde_json::from_slice(&message).unwrap();
        assert_eq!(message["method"], "Browser.getVersion");
        message["id"].as_u64().unwrap()
    }

    fn reply(connection: &mut Connection<&'static str>, message: &serde_json::Value) -> String {
        match connection.handle_message(message.to_string().as_bytes()) {
            Ok(Incoming::Reply(Reply { tag, result })) => match result {
                Ok(result) => format!("{tag}: {}", result.get()),
                Err(error) => format!("{tag}: {error}"),
            },
            Ok(Incoming::Event(event)) => format!("event {} {}", event.method, event.params.get()),
            Ok(Incoming::Late(id)) => format!("late {}", id.0),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn replies_find_their_commands_whatever_their_order() {
        let (mut connection, now) = (Connection::default(), Instant::now());
        let (first, second) = (
            ask(&mut connection, now, "first"),
            ask(&mut connection, now, "second"),
        );
        let two = json!({"id": second, "result": {"n": 2}});
        assert_eq!(reply(&mut connection, &two), r#"second: {"n":2}"#);
        assert_eq!(reply(&mut connection, &two), format!("late {second}"));
        let one = json!({"id": first, "error": {"code": -32601, "message": "'X' wasn't found"}});
        assert_eq!(
            reply(&mut connection, &one),
            "first: the browser refused Browser.getVersion: 'X' wasn't found (-32601)"
        );
        assert_eq!(connection.under_way(), 0);
    }

    #[test]
    fn events_of_sessions_and_of_the_browser_pass_unread() {
        let mut connection = Connection::default();
        let event =
            json!({"method": "New.event", "params": {"deep": [1, {"a": "b"}]}, "sessionId": "S1"});
        assert_eq!(
            reply(&mut connection, &event),
            r#"event New.event {"deep":[1,{"a":"b"}]}"#
        );
        assert_eq!(
            reply(&mut connection, &json!({"method": "New.event"})),
            "event New.event null"
        );
        for bad in [
            json!([]),
            json!({}),
            json!({"params": 1}),
            json!({"id": "text"}),
        ] {
            assert!(reply(&mut connection, &bad).contains("malformed"), "{bad}");
        }
    }

    #[test]
    fn a_command_times_out_once_and_its_late_answer_is_known_as_such() {
        let (mut connection, now) = (Connection::default(), Instant::now());
        let id = ask(&mut connection, now, "slow");
        assert_eq!(connection.poll_timeout(), Some(now + SECOND));
        assert!(connection.handle_timeout(now + SECOND / 2).is_none());
        let ended = connection.handle_timeout(now + SECOND).expect("it is due");
        assert_eq!(ended.tag, "slow");
        assert!(matches!(ended.result, Err(CommandError::TimedOut { .. })));
        assert!(connection.handle_timeout(now + 2 * SECOND).is_none());
        assert_eq!(
            reply(&mut connection, &json!({"id": id, "result": {}})),
            format!("late {id}")
        );
    }

    #[test]
    fn a_lost_connection_ends_every_command() {
        let (mut connection, now) = (Connection::default(), Instant::now());
        ask(&mut connection, now, "a");
        ask(&mut connection, now, "b");
        let mut ended: Vec<_> = connection.drain().map(|reply| reply.tag).collect();
        ended.sort_unstable();
        assert_eq!(ended, ["a", "b"]);
        assert_eq!(connection.poll_timeout(), None);
    }

    #[test]
    fn one_command_over_the_limit_is_refused() {
        let (mut connection, now) = (Connection::default(), Instant::now());
        let command = RuntimeRunIfWaitingForDebugger {};
        for tag in 0..COMMANDS_MAX {
            assert!(connection.command(now, None, &command, None, tag).is_ok());
        }
        let refused = connection.command(now, None, &command, None, COMMANDS_MAX);
        assert!(matches!(refused, Err((COMMANDS_MAX, Error::Limit { .. }))));
    }
}
