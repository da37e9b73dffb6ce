//! Requests of the page: each is read, noted until it is answered, and handed on.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::input::PublishParams;
use super::{Event, Link, Output, PageRequest, within};
use crate::Error;
use crate::call::EndKind;
use crate::message::{Params, RequestId};
use crate::name::{FunctionName, GroupName, TopicName};

/// Requests of the page.
impl Link {
    pub(super) fn handle_request(
        &mut self,
        id: RequestId,
        method: &str,
        params: Params<'_>,
        deadline_ms: Option<u64>,
        credit: u32,
    ) -> Result<(), Error> {
        if method == "$/hello" {
            return Err(Error::Violation {
                got: "a second $/hello",
                state: "open",
            });
        }
        if self.requests.contains(&id) {
            return Err(Error::Violation {
                got: "a request id that is under way",
                state: "open",
            });
        }
        if params.has_bytes() && method.starts_with("$/") && method != "$/publish" {
            return Err(Error::Violation {
                got: "bytes where none can be",
                state: "open",
            });
        }
        if self.requests.len() >= self.options.requests_max {
            self.requests.insert(id.clone());
            self.respond(
                &id,
                Err((
                    EndKind::Overloaded.code(),
                    "too many requests of this page are under way",
                )),
            );
            return Ok(());
        }
        self.requests.insert(id.clone());
        match self.read_request(method, params, deadline_ms, credit) {
            Ok(Some(request)) => self
                .outputs
                .push_back(Output::Event(Event::Requested { id, request })),
            Ok(None) => self.respond(&id, Err((EndKind::NotFound.code(), "no such method"))),
            Err(error) => {
                self.respond(&id, Err((EndKind::BadArguments.code(), &error.to_string())))
            }
        }
        Ok(())
    }

    fn read_request(
        &self,
        method: &str,
        params: Params<'_>,
        deadline_ms: Option<u64>,
        credit: u32,
    ) -> Result<Option<PageRequest>, Error> {
        Ok(Some(match method {
            "$/publish" => {
                let PublishParams { topic, value } = params.read("a bad $/publish")?;
                let value = params.into_value(value)?;
                within(
                    "topic_value_bytes_max",
                    value.len(),
                    self.options.topic_value_bytes_max,
                )?;
                PageRequest::Publish { topic, value }
            }
            "$/subscribe" => {
                let SubscribeParams {
                    topic,
                    since,
                    last,
                    filter,
                } = params.read("a bad $/subscribe")?;
                PageRequest::Subscribe {
                    topic,
                    since: since.map(Since::into_text),
                    last,
                    filter,
                }
            }
            "$/unsubscribe" => {
                let UnsubscribeParams { subscription } = params.read("a bad $/unsubscribe")?;
                PageRequest::Unsubscribe { subscription }
            }
            _ => match method.split_once('.').filter(|_| !method.starts_with("$/")) {
                None => return Ok(None),
                Some((group, function)) => PageRequest::Call {
                    group: GroupName::new(group)?,
                    function: FunctionName::new(function)?,
                    arguments: params.into_arguments()?,
                    timeout: deadline_ms.map(Duration::from_millis),
                    credit,
                },
            },
        }))
    }
}

#[derive(Deserialize)]
struct SubscribeParams {
    topic: TopicName,
    #[serde(default)]
    since: Option<Since>,
    #[serde(default)]
    last: Option<usize>,
    #[serde(default)]
    filter: Option<String>,
}

/// A cursor, or a bare sequence number.
#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum Since {
    Seq(u64),
    Cursor(String),
}

impl Since {
    fn into_text(self) -> String {
        match self {
            Self::Seq(seq) => seq.to_string(),
            Self::Cursor(cursor) => cursor,
        }
    }
}

#[derive(Deserialize)]
struct UnsubscribeParams {
    subscription: u64,
}
