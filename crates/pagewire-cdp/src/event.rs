//! The events that we read. Members that are not listed are passed over, so that a new browser does not break an old Pagewire.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::ids::{ContextId, FrameId, InvocationId, NetworkId, ScriptId, SessionId, TargetId};

/// A target (`Target.TargetInfo`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetInfo {
    /// Its id.
    pub target_id: TargetId,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: TargetKind,
    /// Its address; empty or `about:blank` before its first navigation.
    #[serde(default)]
    pub url: String,
    /// Its title.
    #[serde(default)]
    pub title: String,
    /// What it is beside its type, such as `prerender`.
    #[serde(default)]
    pub subtype: Option<String>,
    /// The tab that opened it.
    #[serde(default)]
    pub opener_id: Option<TargetId>,
}

/// What a target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(from = "String")]
pub enum TargetKind {
    /// A tab or a popup: its main frame, and all frames that live in the same process.
    Page,
    /// A frame in a process of its own, mostly one of another site.
    Iframe,
    /// A dedicated worker.
    Worker,
    /// A shared worker.
    SharedWorker,
    /// A service worker.
    ServiceWorker,
    /// Anything else: the browser's own windows, extensions.
    Other,
}

impl TargetKind {
    /// The kinds that have a use here, as the protocol calls them.
    pub const USED: [&'static str; 5] = [
        "page",
        "iframe",
        "worker",
        "shared_worker",
        "service_worker",
    ];

    /// What Pagewire calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Page => "tab",
            Self::Iframe => "iframe",
            Self::Worker => "worker",
            Self::SharedWorker => "shared_worker",
            Self::ServiceWorker => "service_worker",
            Self::Other => "other",
        }
    }
}

impl From<String> for TargetKind {
    fn from(text: String) -> Self {
        match text.as_str() {
            "page" => Self::Page,
            "iframe" => Self::Iframe,
            "worker" => Self::Worker,
            "shared_worker" => Self::SharedWorker,
            "service_worker" => Self::ServiceWorker,
            _ => Self::Other,
        }
    }
}

/// `Target.attachedToTarget`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttachedToTarget {
    /// Our new session.
    pub session_id: SessionId,
    /// What it is of.
    pub target_info: TargetInfo,
    /// It waits for `Runtime.runIfWaitingForDebugger`.
    #[serde(default)]
    pub waiting_for_debugger: bool,
}

/// `Target.detachedFromTarget`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DetachedFromTarget {
    /// The session that ended.
    pub session_id: SessionId,
}

/// `Target.targetInfoChanged`, `Target.targetCreated`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetTold {
    /// How the target is now.
    pub target_info: TargetInfo,
}

/// `Runtime.executionContextCreated`.
#[derive(Debug, Deserialize)]
pub struct ExecutionContextCreated {
    /// The context.
    pub context: ExecutionContext,
}

/// A JavaScript context (`Runtime.ExecutionContextDescription`).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionContext {
    /// Its id.
    pub id: ContextId,
    /// The origin of what runs in it; `://` where it is opaque.
    #[serde(default)]
    pub origin: String,
    /// More, where the target has frames.
    #[serde(default)]
    pub aux_data: ContextAuxData,
}

/// What a renderer adds to the description of a context.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContextAuxData {
    /// The page's own world, not an extension's. Workers do not say.
    #[serde(default)]
    pub is_default: Option<bool>,
    /// The frame.
    #[serde(default)]
    pub frame_id: Option<FrameId>,
}

/// `Runtime.executionContextDestroyed`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionContextDestroyed {
    /// The context that is gone.
    pub execution_context_id: ContextId,
}

/// `Runtime.bindingCalled`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BindingCalled<'a> {
    /// The name of the binding.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    /// The text.
    #[serde(borrow)]
    pub payload: Cow<'a, str>,
    /// Who called.
    pub execution_context_id: ContextId,
}

/// `Page.frameDetached`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FrameDetached {
    /// The frame.
    pub frame_id: FrameId,
    /// `remove`, or `swap` where another process has it from now on.
    #[serde(default)]
    pub reason: String,
}

/// `Page.frameNavigated`.
#[derive(Debug, Deserialize)]
pub struct FrameNavigated {
    /// The frame.
    pub frame: Frame,
}

/// A frame (`Page.Frame`).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Frame {
    /// Its id.
    pub id: FrameId,
    /// The frame around it; none for the main frame.
    #[serde(default)]
    pub parent_id: Option<FrameId>,
    /// Its document: the id of the request that it was loaded with.
    #[serde(default)]
    pub loader_id: Option<NetworkId>,
    /// Its address without the fragment.
    pub url: String,
    /// What could not be loaded, where the browser shows an error page of its own instead.
    #[serde(default)]
    pub unreachable_url: Option<String>,
}

/// `Page.javascriptDialogOpening`.
#[derive(Debug, Deserialize)]
pub struct JavascriptDialogOpening<'a> {
    /// `alert`, `confirm`, `prompt` or `beforeunload`.
    #[serde(rename = "type", borrow)]
    pub kind: Cow<'a, str>,
    /// What it says.
    #[serde(borrow)]
    pub message: Cow<'a, str>,
}

/// `Network.webSocketCreated`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WebSocketCreated<'a> {
    /// The socket.
    #[serde(borrow)]
    pub request_id: Cow<'a, str>,
    /// Its address.
    #[serde(borrow)]
    pub url: Cow<'a, str>,
    /// What opened it.
    #[serde(default)]
    pub initiator: Option<Initiator>,
}

/// Who asked for something (`Network.Initiator`).
#[derive(Debug, Deserialize)]
pub struct Initiator {
    /// The call stack, where it was a script.
    #[serde(default)]
    pub stack: Option<StackTrace>,
}

/// A call stack (`Runtime.StackTrace`).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StackTrace {
    /// The innermost first.
    #[serde(default)]
    pub call_frames: Vec<StackFrame>,
}

/// A place in a call stack (`Runtime.CallFrame`).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StackFrame {
    /// The script's address.
    pub url: String,
    /// From 0.
    pub line_number: i64,
    /// From 0.
    pub column_number: i64,
}

/// Header fields; a repeated one has its values in one text, a line each.
pub type Headers = BTreeMap<String, String>;

/// `Network.webSocketWillSendHandshakeRequest`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WebSocketWillSendHandshakeRequest<'a> {
    /// The socket.
    #[serde(borrow)]
    pub request_id: Cow<'a, str>,
    /// Monotonic, in seconds.
    pub timestamp: f64,
    /// Unix time, in seconds.
    pub wall_time: f64,
    /// What is sent.
    pub request: HandshakeRequest,
}

/// The request of an opening handshake.
#[derive(Debug, Deserialize)]
pub struct HandshakeRequest {
    /// Its header fields.
    pub headers: Headers,
}

/// `Network.webSocketHandshakeResponseReceived`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WebSocketHandshakeResponseReceived<'a> {
    /// The socket.
    #[serde(borrow)]
    pub request_id: Cow<'a, str>,
    /// Monotonic, in seconds.
    pub timestamp: f64,
    /// What came.
    pub response: HandshakeResponse,
}

/// The response of an opening handshake.
#[derive(Debug, Deserialize)]
pub struct HandshakeResponse {
    /// 101 where the socket opened.
    pub status: u16,
    /// Its header fields.
    pub headers: Headers,
}

/// `Network.webSocketFrameReceived`, `Network.webSocketFrameSent`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WebSocketFrameTold<'a> {
    /// The socket.
    #[serde(borrow)]
    pub request_id: Cow<'a, str>,
    /// Monotonic, in seconds.
    pub timestamp: f64,
    /// The message.
    #[serde(borrow)]
    pub response: WebSocketFrame<'a>,
}

/// A whole message of a WebSocket (`Network.WebSocketFrame`); fragments are put together by the browser. Chromium 156 tells neither of Ping and Pong nor of
/// the frame that closes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WebSocketFrame<'a> {
    /// RFC 6455 §5.2: 1 text, 2 binary, 9 Ping, 10 Pong.
    pub opcode: f64,
    /// A JSON string: the text where the opcode is 1, else base64.
    #[serde(borrow)]
    pub payload_data: &'a RawValue,
}

/// `Network.webSocketFrameError`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WebSocketFrameError<'a> {
    /// The socket.
    #[serde(borrow)]
    pub request_id: Cow<'a, str>,
    /// Monotonic, in seconds.
    pub timestamp: f64,
    /// In the browser's words.
    #[serde(borrow)]
    pub error_message: Cow<'a, str>,
}

/// `Network.webSocketClosed`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WebSocketClosed<'a> {
    /// The socket.
    #[serde(borrow)]
    pub request_id: Cow<'a, str>,
    /// Monotonic, in seconds.
    pub timestamp: f64,
}

/// `Network.requestWillBeSent`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestWillBeSent<'a> {
    /// The request.
    #[serde(borrow)]
    pub request_id: Cow<'a, str>,
    /// The request of the document that it belongs to. Empty for a worker's.
    #[serde(borrow, default)]
    pub loader_id: Cow<'a, str>,
    /// Monotonic, in seconds.
    pub timestamp: f64,
    /// Unix time, in seconds.
    pub wall_time: f64,
    /// What is sent.
    #[serde(borrow)]
    pub request: Request<'a>,
    /// What it is for (`Network.ResourceType`).
    #[serde(borrow, default, rename = "type")]
    pub kind: Cow<'a, str>,
    /// The answer to the request before, which led here; the id stays.
    #[serde(borrow, default)]
    pub redirect_response: Option<Response<'a>>,
}

/// A request (`Network.Request`).
#[derive(Debug, Deserialize)]
pub struct Request<'a> {
    /// Its address.
    #[serde(borrow)]
    pub url: Cow<'a, str>,
    /// Its method.
    #[serde(borrow)]
    pub method: Cow<'a, str>,
}

/// `Network.responseReceived`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResponseReceived<'a> {
    /// The request.
    #[serde(borrow)]
    pub request_id: Cow<'a, str>,
    /// `Document`, `Script`, `Fetch`, …
    #[serde(rename = "type", borrow, default)]
    pub kind: Cow<'a, str>,
    /// Monotonic, in seconds.
    pub timestamp: f64,
    /// The head.
    #[serde(borrow)]
    pub response: Response<'a>,
}

/// The head of a response (`Network.Response`).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Response<'a> {
    /// The address after redirections.
    #[serde(borrow)]
    pub url: Cow<'a, str>,
    /// The status.
    pub status: u16,
    /// The media type.
    #[serde(borrow, default)]
    pub mime_type: Cow<'a, str>,
}

/// `Network.loadingFinished`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadingFinished<'a> {
    /// The request.
    #[serde(borrow)]
    pub request_id: Cow<'a, str>,
    /// Monotonic, in seconds.
    pub timestamp: f64,
}

/// `Network.loadingFailed`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadingFailed<'a> {
    /// The request.
    #[serde(borrow)]
    pub request_id: Cow<'a, str>,
    /// Monotonic, in seconds.
    pub timestamp: f64,
    /// In the browser's words.
    #[serde(borrow, default)]
    pub error_text: Cow<'a, str>,
    /// The page, or the browser for it, did not want it any more.
    #[serde(default)]
    pub canceled: bool,
}

/// `Network.eventSourceMessageReceived`: one message of a stream of Server-Sent Events.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventSourceMessageReceived<'a> {
    /// The request.
    #[serde(borrow)]
    pub request_id: Cow<'a, str>,
    /// Monotonic, in seconds.
    pub timestamp: f64,
    /// Its event name.
    #[serde(borrow)]
    pub event_name: &'a RawValue,
    /// Its data, a JSON string.
    #[serde(borrow)]
    pub data: &'a RawValue,
}

/// The answer to `Network.getResponseBody`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResponseBody<'a> {
    /// A JSON string.
    #[serde(borrow)]
    pub body: &'a RawValue,
    /// It is base64.
    pub base64_encoded: bool,
}

/// `Log.entryAdded`.
#[derive(Debug, Deserialize)]
pub struct EntryAdded<'a> {
    /// The entry.
    #[serde(borrow)]
    pub entry: LogEntry<'a>,
}

/// What the browser wrote to a console (`Log.LogEntry`).
#[derive(Debug, Deserialize)]
pub struct LogEntry<'a> {
    /// `security`, `network`, …
    #[serde(borrow)]
    pub source: Cow<'a, str>,
    /// `verbose`, `info`, `warning`, `error`.
    #[serde(borrow)]
    pub level: Cow<'a, str>,
    /// The text.
    #[serde(borrow)]
    pub text: Cow<'a, str>,
}

/// `Debugger.scriptParsed`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScriptParsed {
    /// The script.
    pub script_id: ScriptId,
    /// Its address.
    pub url: String,
    /// Where it begins in what is at this address; a script inside a document does not begin at 0.
    #[serde(default)]
    pub start_line: u32,
    /// The same, in its first line.
    #[serde(default)]
    pub start_column: u32,
}

/// `Debugger.paused`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DebuggerPaused {
    /// Where, the innermost first.
    #[serde(default)]
    pub call_frames: Vec<PausedFrame>,
    /// Why: `instrumentation`, `other`, …
    pub reason: String,
    /// The breakpoints that were hit.
    #[serde(default)]
    pub hit_breakpoints: Vec<String>,
}

/// A frame of a paused script (`Debugger.CallFrame`).
#[derive(Debug, Deserialize)]
pub struct PausedFrame {
    /// The script, and where in it. Its address was told when it was parsed; the frame's own `url` may be empty.
    pub location: PausedPlace,
}

/// A place in a script that is named (`Debugger.Location`).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PausedPlace {
    /// The script.
    pub script_id: ScriptId,
    /// From 0.
    pub line_number: u32,
}

/// A place in a script (`Debugger.Location`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Location {
    /// From 0.
    pub line_number: u32,
    /// From 0.
    #[serde(default)]
    pub column_number: u32,
}

/// The answer to `Debugger.setBreakpointByUrl` and `Debugger.setInstrumentationBreakpoint`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BreakpointSet {
    /// Its id.
    pub breakpoint_id: String,
}

/// The answer to `Debugger.getScriptSource`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScriptSource {
    /// The text.
    pub script_source: String,
}

/// The answer to `Runtime.evaluate` and `Runtime.compileScript`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evaluated<'a> {
    /// What came out.
    #[serde(borrow, default)]
    pub result: Option<RemoteObject<'a>>,
    /// What was thrown.
    #[serde(borrow, default)]
    pub exception_details: Option<ExceptionDetails<'a>>,
}

/// A value in the page (`Runtime.RemoteObject`).
#[derive(Debug, Deserialize)]
pub struct RemoteObject<'a> {
    /// Its JSON, where it was asked for.
    #[serde(borrow, default)]
    pub value: Option<&'a RawValue>,
    /// What the console would show.
    #[serde(borrow, default)]
    pub description: Option<Cow<'a, str>>,
}

/// An exception (`Runtime.ExceptionDetails`).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExceptionDetails<'a> {
    /// A short text, such as `Uncaught`.
    #[serde(borrow)]
    pub text: Cow<'a, str>,
    /// From 0.
    pub line_number: i64,
    /// From 0.
    pub column_number: i64,
    /// What was thrown.
    #[serde(borrow, default)]
    pub exception: Option<RemoteObject<'a>>,
}

/// `WebMCP.toolsAdded`.
#[derive(Debug, Deserialize)]
pub struct ToolsAdded {
    /// The tools.
    pub tools: Vec<Tool>,
}

/// A tool that a page registered (`WebMCP.Tool`).
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it says of itself.
    #[serde(default)]
    pub description: String,
    /// JSON Schema of its argument.
    #[serde(default)]
    pub input_schema: Option<Box<RawValue>>,
    /// The frame that registered it.
    pub frame_id: FrameId,
}

/// `WebMCP.toolsRemoved`.
#[derive(Debug, Deserialize)]
pub struct ToolsRemoved {
    /// The tools.
    pub tools: Vec<Tool>,
}

/// The answer to `WebMCP.invokeTool`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolInvocation {
    /// The call.
    pub invocation_id: InvocationId,
}

/// `WebMCP.toolResponded`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolResponded<'a> {
    /// The call.
    pub invocation_id: InvocationId,
    /// `Completed`, `Canceled`, `Error`.
    #[serde(borrow)]
    pub status: Cow<'a, str>,
    /// What it gave.
    #[serde(borrow, default)]
    pub output: Option<&'a RawValue>,
    /// What went wrong; empty where it threw.
    #[serde(borrow, default)]
    pub error_text: Option<Cow<'a, str>>,
    /// What it threw.
    #[serde(borrow, default)]
    pub exception: Option<RemoteObject<'a>>,
}

impl ToolResponded<'_> {
    /// What went wrong, in a line.
    pub fn error(&self) -> &str {
        let thrown = self.exception.as_ref().map(|thrown| {
            let value = thrown.value.map(RawValue::get);
            let shown = thrown.description.as_deref().or(value);
            shown
                .and_then(|shown| shown.lines().next())
                .unwrap_or("it threw")
        });
        let told = self.error_text.as_deref().filter(|text| !text.is_empty());
        thrown.or(told).unwrap_or(&self.status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_targets_have_names_and_unknown_ones_are_other() {
        for (told, name) in [
            ("page", "tab"),
            ("iframe", "iframe"),
            ("worker", "worker"),
            ("shared_worker", "shared_worker"),
            ("service_worker", "service_worker"),
            ("browser_ui", "other"),
        ] {
            assert_eq!(TargetKind::from(told.to_owned()).name(), name);
        }
        for used in TargetKind::USED {
            assert_ne!(TargetKind::from(used.to_owned()), TargetKind::Other);
        }
    }
}
