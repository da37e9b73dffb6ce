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
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::carrier::LinkKey;
use super::options::Code;
use super::state::{Asked, Session, State, read, read_answer};

/// Tools of one tab. One more is left out. Half of the functions that a hub takes of a page by default.
pub(super) const TOOLS_MAX: usize = 128;
/// Longest tool with its schema. A longer one is left out; the hub takes functions that are not much longer.
pub(super) const TOOL_BYTES_MAX: usize = 12 << 10;
/// All tools of a tab together. One more is left out; half of a hello.
pub(super) const TOOLS_BYTES_MAX: usize = 512 << 10;
/// Calls of tools of one tab, and runs of code in it, at once. One more fails: the hub gives a page fewer, so only a page that makes calls up has so many.
pub(super) const TOOL_CALLS_MAX: usize = 256;

/// A tool that a page registered, and the name of its function.
#[derive(Debug, Clone)]
pub(super) struct KnownTool {
    function: String,
    tool: Tool,
    /// As told to the page.
    pub(super) bytes: usize,
}

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
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        session.tools.retain(|known| !known.is(&tool));
        let known = KnownTool::new(free_name(&session.tools, &tool), tool);
        let others = &session.tools;
        let bytes: usize = others.iter().map(|known| known.bytes).sum();
        if others.len() >= TOOLS_MAX
            || known.bytes > TOOL_BYTES_MAX
            || bytes + known.bytes > TOOLS_BYTES_MAX
        {
            let name = known.tool.name;
            return tracing::warn!(name, known.bytes, "one more tool is left out");
        }
        let (frame, told) = (known.tool.frame_id.clone(), known.told());
        session.tools.push(known);
        // A document that has no link yet is told when it has.
        if let Some(link) = self.link_of_frame(id, &frame) {
            self.send_control(now, link, 't', &told);
        }
    }

    /// Tells a document that has got its link what it registered before.
    pub(super) fn offer_tools(&mut self, now: Instant, key: LinkKey) {
        let frame = self.frame_of(key);
        let link = self.links.get(&key);
        let session = link.and_then(|link| self.sessions.get(&link.session));
        let tools = session.map_or(&[][..], |session| &session.tools);
        let tools = tools
            .iter()
            .filter(|known| Some(&known.tool.frame_id) == frame);
        for told in tools.map(KnownTool::told).collect::<Vec<_>>() {
            self.send_control(now, key, 't', &told);
        }
    }

    fn frame_of(&self, key: LinkKey) -> Option<&FrameId> {
        let link = self.links.get(&key)?;
        let contexts = &self.sessions.get(&link.session)?.contexts;
        contexts.get(&link.context)?.frame.as_ref()
    }

    fn tool_removed(&mut self, now: Instant, id: &SessionId, tool: &Tool) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let mut known = session.tools.iter();
        let Some(place) = known.position(|known| known.is(tool)) else {
            return;
        };
        let function = session.tools.remove(place).function;
        if let Some(link) = self.link_of_frame(id, &tool.frame_id) {
            let told = json!({ "name": function, "removed": true });
            self.send_control(now, link, 't', &told);
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
        self.invoke(now, key, &id, &message);
    }

    fn invoke(&mut self, now: Instant, key: LinkKey, id: &SessionId, message: &ToolMessage<'_>) {
        let frame = self.frame_of(key);
        let tools = self
            .sessions
            .get(id)
            .map_or(&[][..], |session| &session.tools);
        // A frame has no business with the tools of its neighbours.
        let mut own = tools
            .iter()
            .filter(|known| Some(&known.tool.frame_id) == frame);
        let Some(KnownTool { tool, .. }) =
            own.find(|known| known.function == message.name).cloned()
        else {
            return self.tell_outcome(now, key, message.id, Err("the page took this tool back"));
        };
        if self.begin_tool(now, key, message.id) {
            let invoke = WebMcpInvokeTool {
                frame_id: &tool.frame_id,
                tool_name: &tool.name,
                input: message.input.unwrap_or(RawValue::NULL),
            };
            self.command(now, Some(id), &invoke, Asked::ToolInvoked(key, message.id));
        }
    }

    /// True where one more call may begin; else it has failed.
    fn begin_tool(&mut self, now: Instant, key: LinkKey, id: u64) -> bool {
        let Some(link) = self.links.get_mut(&key) else {
            return false;
        };
        if link.tool_calls >= TOOL_CALLS_MAX {
            let why = "too many calls of tools are under way";
            self.tell_outcome(now, key, id, Err(why));
            return false;
        }
        link.tool_calls += 1;
        true
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
            return self.tell_outcome(now, key, message.id, Err("the code is one text"));
        };
        if !self.begin_tool(now, key, message.id) {
            return;
        }
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
            (_, _) => Err(responded.error()),
        };
        self.end_tool(now, link, call, outcome);
    }

    fn end_tool(&mut self, now: Instant, key: LinkKey, id: u64, outcome: Result<&RawValue, &str>) {
        if let Some(link) = self.links.get_mut(&key) {
            link.tool_calls = link.tool_calls.saturating_sub(1);
        }
        self.tell_outcome(now, key, id, outcome);
    }

    fn tell_outcome(
        &mut self,
        now: Instant,
        key: LinkKey,
        id: u64,
        outcome: Result<&RawValue, &str>,
    ) {
        let told = ToolOutcome {
            id,
            output: outcome.ok(),
            error: outcome.err(),
        };
        self.send_control(now, key, 't', &told);
    }
}

impl Session {
    /// The document of a frame is gone.
    pub(super) fn forget_tools(&mut self, frame: Option<&FrameId>) {
        self.tools
            .retain(|known| Some(&known.tool.frame_id) != frame);
    }
}

impl KnownTool {
    fn new(function: String, tool: Tool) -> Self {
        let mut known = Self {
            function,
            tool,
            bytes: 0,
        };
        known.bytes = known.told().to_string().len();
        known
    }

    fn told(&self) -> Value {
        let Tool {
            description,
            input_schema,
            ..
        } = &self.tool;
        json!({ "name": self.function, "description": description, "schema": input_schema })
    }

    fn is(&self, tool: &Tool) -> bool {
        self.tool.frame_id == tool.frame_id && self.tool.name == tool.name
    }
}

/// A name for the function of a tool that no other tool of its frame has: `a.b` and `a/b` are `a_b` and `a_b_2`.
fn free_name(known: &[KnownTool], tool: &Tool) -> String {
    let name = function_name(&tool.name);
    let is_free = |name: &str| {
        let mut own = known
            .iter()
            .filter(|one| one.tool.frame_id == tool.frame_id);
        own.all(|one| one.is(tool) || one.function != name)
    };
    if is_free(&name) {
        return name;
    }
    let numbered = |n: usize| {
        let number = format!("_{n}");
        let room = pagewire_rpc::NAME_CHARS_MAX - number.len();
        let short: String = name.chars().take(room).collect();
        short + &number
    };
    // One of so many is free, as there are no more tools than that.
    let mut names = (2..=TOOLS_MAX + 2).map(numbered);
    names.find(|name| is_free(name)).unwrap_or(name)
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
