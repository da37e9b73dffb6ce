//! Functions of a page that the browser carries out: tools that the page registers through WebMCP (`document.modelContext`), and `eval`.
//!
//! Source: the WebMCP draft of the Web Machine Learning Community Group, and domain `WebMCP` of Chromium 156, which has it behind
//! `--enable-features=WebMCP`. A browser without it refuses the first command, and nothing else happens.

use std::time::Instant;

use bytes::Bytes;
use pagewire_cdp::command::{
    RuntimeEvaluate, WebMcpCancelInvocation, WebMcpEnable, WebMcpInvokeTool,
};
use pagewire_cdp::event::{
    Evaluated, Tool, ToolInvocation, ToolResponded, ToolsAdded, ToolsRemoved,
};
use pagewire_cdp::{CommandError, FrameId, RawEvent, SessionId};
use pagewire_rpc::FUNCTION_EVAL;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;

use super::carrier::LinkKey;
use super::options::Code;
use super::state::{Asked, State, read, read_answer};

/// Tools of one page. One more is left out.
pub(super) const TOOLS_MAX: usize = 256;

/// A message of the page script on tools.
#[derive(Deserialize)]
struct ToolMessage<'a> {
    /// The call, as numbered by the page.
    id: u64,
    /// The function, unless the call is taken back.
    #[serde(default)]
    name: String,
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
    #[serde(default)]
    cancel: bool,
}

/// What came of a call, for the page.
#[derive(Serialize)]
struct ToolOutcome<'a> {
    id: u64,
    /// As the tool gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

impl State {
    pub(super) fn watch_tools(&mut self, now: Instant, session: &SessionId) {
        self.tell(now, session, &WebMcpEnable {});
    }

    pub(super) fn tool_event(&mut self, now: Instant, session: &SessionId, event: &RawEvent<'_>) {
        match &*event.method {
            "WebMCP.toolsAdded" => {
                if let Some(ToolsAdded { tools }) = read(event) {
                    for tool in tools {
                        self.tool_added(now, session, tool);
                    }
                }
            }
            "WebMCP.toolsRemoved" => {
                if let Some(ToolsRemoved { tools }) = read(event) {
                    for tool in tools {
                        self.tool_removed(now, session, &tool);
                    }
                }
            }
            "WebMCP.toolResponded" => {
                if let Some(responded) = read(event) {
                    self.tool_responded(now, session, &responded);
                }
            }
            _ => {}
        }
    }

    fn tool_added(&mut self, now: Instant, id: &SessionId, tool: Tool) {
        let Some(link) = self.link_of_frame(id, &tool.frame_id) else {
            return;
        };
        let function = function_name(&tool.name);
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        if session.tools.len() >= TOOLS_MAX {
            return tracing::warn!(
                tool = tool.name,
                max = TOOLS_MAX,
                "one more tool is left out"
            );
        }
        let told = json!({ "name": function, "description": tool.description, "schema": tool.input_schema });
        session.tools.insert(function, (tool.frame_id, tool.name));
        self.send_control(now, link, 't', &told);
    }

    fn tool_removed(&mut self, now: Instant, id: &SessionId, tool: &Tool) {
        let function = function_name(&tool.name);
        if let Some(session) = self.sessions.get_mut(id) {
            session.tools.remove(&function);
        }
        if let Some(link) = self.link_of_frame(id, &tool.frame_id) {
            self.send_control(
                now,
                link,
                't',
                &json!({ "name": function, "removed": true }),
            );
        }
    }

    fn link_of_frame(&self, id: &SessionId, frame: &FrameId) -> Option<LinkKey> {
        let contexts = &self.sessions.get(id)?.contexts;
        let mut contexts = contexts
            .iter()
            .filter(|(_, facts)| facts.frame.as_ref() == Some(frame));
        contexts.find_map(|(context, _)| self.link_at(id, *context))
    }

    /// A function of the page that stands for a tool was called, or the call was taken back.
    pub(super) fn tool_called(&mut self, now: Instant, key: LinkKey, line: &Bytes) {
        let message = match serde_json::from_slice::<ToolMessage<'_>>(line) {
            Ok(message) => message,
            Err(error) => return tracing::debug!(%error, "a page sent something unknown"),
        };
        let Some(link) = self.links.get(&key) else {
            return;
        };
        let id = link.session.clone();
        let Some(session) = self.sessions.get(&id) else {
            return;
        };
        if message.cancel {
            let mut invocations = session.invocations.iter();
            let invocation = invocations.find(|(_, asked)| **asked == (key, message.id));
            if let Some(invocation_id) = invocation.map(|(invocation, _)| invocation.clone()) {
                let cancel = WebMcpCancelInvocation {
                    invocation_id: &invocation_id,
                };
                self.tell(now, &id, &cancel);
            }
            return;
        }
        if message.name == FUNCTION_EVAL && self.options.code == Code::On {
            return self.run_code(now, key, &id, &message);
        }
        let Some((frame_id, tool_name)) = session.tools.get(&message.name).cloned() else {
            return self.end_tool(now, key, message.id, Err("the page took this tool back"));
        };
        let invoke = WebMcpInvokeTool {
            frame_id: &frame_id,
            tool_name: &tool_name,
            input: message.input.unwrap_or(RawValue::NULL),
        };
        self.command(now, Some(&id), &invoke, Asked::ToolInvoked(key, message.id));
    }

    /// Gives a page the function that runs code of programs, where that is switched on.
    pub(super) fn offer_code(&mut self, now: Instant, key: LinkKey) {
        if self.options.code == Code::On {
            let told = json!({
                "name": FUNCTION_EVAL,
                "description": "Runs JavaScript in the page and gives its value; a promise is waited for",
                "schema": { "type": "string" },
            });
            self.send_control(now, key, 't', &told);
        }
    }

    /// The browser runs it, not the page: the page's policy may forbid `eval`.
    fn run_code(&mut self, now: Instant, key: LinkKey, id: &SessionId, message: &ToolMessage<'_>) {
        let code = message.input.map(RawValue::get).unwrap_or_default();
        let Ok(code) = serde_json::from_str::<String>(code) else {
            return self.end_tool(now, key, message.id, Err("the code is one text"));
        };
        let context_id = self.links.get(&key).map(|link| link.context);
        let evaluate = RuntimeEvaluate {
            expression: &code,
            context_id,
            silent: true,
            return_by_value: true,
            await_promise: true,
        };
        self.command(now, Some(id), &evaluate, Asked::CodeRun(key, message.id));
    }

    pub(super) fn code_run(
        &mut self,
        now: Instant,
        key: LinkKey,
        id: u64,
        result: Result<&RawValue, CommandError>,
    ) {
        match read_answer::<Evaluated<'_>>(result) {
            Ok(Evaluated {
                exception_details: Some(details),
                ..
            }) => {
                let thrown = details.exception.and_then(|thrown| thrown.description);
                self.end_tool(now, key, id, Err(&thrown.unwrap_or(details.text)));
            }
            Ok(Evaluated { result, .. }) => {
                let value = result.and_then(|result| result.value);
                self.end_tool(now, key, id, Ok(value.unwrap_or(RawValue::NULL)));
            }
            Err(why) => self.end_tool(now, key, id, Err(&why)),
        }
    }

    pub(super) fn tool_invoked(
        &mut self,
        now: Instant,
        key: LinkKey,
        id: u64,
        result: Result<&RawValue, CommandError>,
    ) {
        match read_answer::<ToolInvocation>(result) {
            Ok(ToolInvocation { invocation_id }) => {
                let link = self.links.get(&key);
                let session = link.and_then(|link| self.sessions.get_mut(&link.session));
                if let Some(session) = session {
                    session.invocations.insert(invocation_id, (key, id));
                }
            }
            Err(why) => self.end_tool(now, key, id, Err(&why)),
        }
    }

    fn tool_responded(&mut self, now: Instant, id: &SessionId, responded: &ToolResponded<'_>) {
        let session = self.sessions.get_mut(id);
        let asked =
            session.and_then(|session| session.invocations.remove(&responded.invocation_id));
        let Some((link, call)) = asked else {
            return;
        };
        let outcome = match (&*responded.status, responded.output) {
            ("Completed", output) => Ok(output.unwrap_or(RawValue::NULL)),
            (status, _) => Err(responded.error_text.as_deref().unwrap_or(status)),
        };
        self.end_tool(now, link, call, outcome);
    }

    fn end_tool(&mut self, now: Instant, key: LinkKey, id: u64, outcome: Result<&RawValue, &str>) {
        let told = ToolOutcome {
            id,
            output: outcome.ok(),
            error: outcome.err(),
        };
        self.send_control(now, key, 't', &told);
    }
}

/// A tool's name as the name of a function.
fn function_name(tool: &str) -> String {
    let known = |c: char| {
        if c.is_alphanumeric() || matches!(c, '_' | '-') {
            c
        } else {
            '_'
        }
    };
    tool.chars()
        .map(known)
        .take(pagewire_rpc::NAME_CHARS_MAX)
        .collect()
}
