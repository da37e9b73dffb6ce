//! The commands that we send, each with its parameters. The protocol has hundreds more; these are the ones that Pagewire uses.
//!
//! Source: the protocol viewer of Chrome DevTools ("tot"), checked against Chromium 156.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::ids::{ContextId, FrameId, InvocationId, NetworkId, ScriptId, SessionId, TargetId};

/// A command: its name, and its parameters as JSON.
pub trait Command: Serialize {
    /// `Domain.method`.
    const METHOD: &'static str;
}

macro_rules! commands {
    ($($(#[$meta:meta])* $method:literal $name:ident $(<$life:lifetime>)? {
        $($(#[$field_meta:meta])* $field:ident: $type:ty),* $(,)?
    })+) => {$(
        $(#[$meta])*
        #[doc = concat!("\n\n`", $method, "`.")]
        #[derive(Debug, Clone, Serialize)]
        #[serde(rename_all = "camelCase")]
        pub struct $name $(<$life>)? {
            $($(#[$field_meta])* pub $field: $type),*
        }

        impl $(<$life>)? Command for $name $(<$life>)? {
            const METHOD: &'static str = $method;
        }
    )+};
}

/// Which kinds of targets are attached to; the first entry that fits decides.
#[derive(Debug, Clone, Serialize)]
pub struct TargetFilter {
    /// The target's type, such as `page`; `None`: any.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    /// Leave it alone.
    pub exclude: bool,
}

commands! {
    /// Which browser this is.
    "Browser.getVersion" BrowserGetVersion {}
    /// Ends the browser.
    "Browser.close" BrowserClose {}

    /// Attaches to what is there and to what comes: below the session that it is sent to, or to everything when it is sent to the browser.
    "Target.setAutoAttach" TargetSetAutoAttach<'a> {
        /// On or off.
        auto_attach: bool,
        /// New targets wait before their first script until `Runtime.runIfWaitingForDebugger`.
        wait_for_debugger_on_start: bool,
        /// Sessions on this one connection; always true here.
        flatten: bool,
        /// Which kinds.
        filter: &'a [TargetFilter],
    }
    /// Opens a tab.
    "Target.createTarget" TargetCreateTarget<'a> {
        /// Its address.
        url: &'a str,
    }
    /// Attaches to one target.
    "Target.attachToTarget" TargetAttachToTarget<'a> {
        /// The target.
        target_id: &'a TargetId,
        /// As in `Target.setAutoAttach`.
        flatten: bool,
    }
    /// Lets a target be.
    "Target.detachFromTarget" TargetDetachFromTarget<'a> {
        /// Our session of it.
        session_id: &'a SessionId,
    }
    /// Tells when targets come, go and change their address.
    "Target.setDiscoverTargets" TargetSetDiscoverTargets<'a> {
        /// On or off.
        discover: bool,
        /// Which kinds.
        filter: &'a [TargetFilter],
    }

    /// Tells of navigations, frames and dialogs.
    "Page.enable" PageEnable {}
    /// Runs a script in each new document of the target before the document's own scripts.
    "Page.addScriptToEvaluateOnNewDocument" PageAddScriptToEvaluateOnNewDocument<'a> {
        /// The script.
        source: &'a str,
        /// In the documents that are there already, too.
        run_immediately: bool,
    }
    /// Goes to another address.
    "Page.navigate" PageNavigate<'a> {
        /// The address.
        url: &'a str,
    }
    /// Loads the page again.
    "Page.reload" PageReload {}
    /// Answers an `alert`, `confirm`, `prompt` or `beforeunload`.
    "Page.handleJavaScriptDialog" PageHandleJavaScriptDialog {
        /// OK or Cancel.
        accept: bool,
    }

    /// Tells of JavaScript contexts.
    "Runtime.enable" RuntimeEnable {}
    /// Puts a function into each context that calls us with one text.
    "Runtime.addBinding" RuntimeAddBinding<'a> {
        /// The name of the function.
        name: &'a str,
    }
    /// Starts a target that waits before its first script.
    "Runtime.runIfWaitingForDebugger" RuntimeRunIfWaitingForDebugger {}
    /// Runs an expression.
    "Runtime.evaluate" RuntimeEvaluate<'a> {
        /// The expression.
        expression: &'a str,
        /// Where; `None`: in the target's main context.
        #[serde(skip_serializing_if = "Option::is_none")]
        context_id: Option<ContextId>,
        /// Exceptions are told to nobody but us.
        silent: bool,
        /// The value itself in the answer, as JSON.
        return_by_value: bool,
        /// A promise is waited for.
        await_promise: bool,
    }
    /// Looks whether a script can be parsed.
    "Runtime.compileScript" RuntimeCompileScript<'a> {
        /// The script.
        expression: &'a str,
        /// What error messages call it.
        #[serde(rename = "sourceURL")]
        source_url: &'a str,
        /// Keep it to be run; always false here.
        persist_script: bool,
    }

    /// Tells of requests and WebSockets.
    "Network.enable" NetworkEnable {
        /// Bytes of bodies that the browser keeps for us, in all.
        #[serde(skip_serializing_if = "Option::is_none")]
        max_total_buffer_size: Option<u64>,
        /// Bytes of one body.
        #[serde(skip_serializing_if = "Option::is_none")]
        max_resource_buffer_size: Option<u64>,
    }
    /// The body of a response.
    "Network.getResponseBody" NetworkGetResponseBody<'a> {
        /// The request.
        request_id: &'a NetworkId,
    }

    /// Tells what the browser writes to the page's console.
    "Log.enable" LogEnable {}

    /// Tells of scripts and pauses.
    "Debugger.enable" DebuggerEnable {}
    /// Stops telling.
    "Debugger.disable" DebuggerDisable {}
    /// Goes on after a pause.
    "Debugger.resume" DebuggerResume {}
    /// Stops at a place of all scripts with this address where the condition is true.
    "Debugger.setBreakpointByUrl" DebuggerSetBreakpointByUrl<'a> {
        /// A JavaScript regular expression.
        url_regex: &'a str,
        /// From 0.
        line_number: u32,
        /// From 0.
        column_number: u32,
        /// An expression, evaluated where it would stop.
        condition: &'a str,
    }
    /// Stops before the first line of each script.
    "Debugger.setInstrumentationBreakpoint" DebuggerSetInstrumentationBreakpoint<'a> {
        /// `beforeScriptExecution`.
        instrumentation: &'a str,
    }
    /// Takes a breakpoint away.
    "Debugger.removeBreakpoint" DebuggerRemoveBreakpoint<'a> {
        /// As `Debugger.paused` names it.
        breakpoint_id: &'a str,
    }
    /// The text of a script.
    "Debugger.getScriptSource" DebuggerGetScriptSource<'a> {
        /// The script.
        script_id: &'a ScriptId,
    }

    /// Tells of tools that pages register.
    "WebMCP.enable" WebMcpEnable {}
    /// Calls a tool.
    "WebMCP.invokeTool" WebMcpInvokeTool<'a> {
        /// The frame that registered it.
        frame_id: &'a FrameId,
        /// Its name.
        tool_name: &'a str,
        /// Its argument, an object.
        input: &'a RawValue,
    }
    /// Takes a call of a tool back.
    "WebMCP.cancelInvocation" WebMcpCancelInvocation<'a> {
        /// The call.
        invocation_id: &'a InvocationId,
    }
}
