//! Limits and tables of [`State`], against a browser that is a script. What a real one does is in `tests/attach.rs`.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use futures_util::Sink as _;
use pagewire_cdp::event::TargetKind;
use pagewire_cdp::{ContextId, SessionId};
use pagewire_hub::Outbound;
use pagewire_rpc::{Frame, GroupName};
use serde_json::{Value, from_slice, json};

use super::carrier::{LinkKey, PageCarrier};
use super::links::{
    CONTROLS_MAX, EVALUATION_BYTES, EVALUATIONS_FULL_MAX, EVALUATIONS_MAX, LINKS_MAX,
};
use super::options::AttachOptions;
use super::page::OpenLink;
use super::state::{Effect, Session, State};
use super::targets::TARGETS_MAX;
use super::tools::{TOOL_BYTES_MAX, TOOL_CALLS_MAX, TOOLS_BYTES_MAX, TOOLS_MAX};

const BINDING: &str = "binding";
const TAB: &str = "tab";

struct Scene {
    state: State,
    now: Instant,
    /// The hub's ends of the links.
    carriers: Vec<PageCarrier>,
    /// Commands that were not answered.
    asked: VecDeque<Value>,
}

impl Scene {
    /// A browser without tabs, of which these kinds become pages.
    fn new(kinds: &[TargetKind]) -> Self {
        let group = GroupName::new("page").expect("a name");
        let mut options = AttachOptions::new(group, "http://127.0.0.1:9999");
        options.kinds = kinds.to_vec();
        let state = State::new(options, BINDING.to_owned(), Arc::default(), 1 << 20);
        Self {
            state,
            now: Instant::now(),
            carriers: Vec::new(),
            asked: VecDeque::new(),
        }
    }

    /// One tab whose document has a link; all is answered.
    fn with_page() -> Self {
        let mut scene = Self::new(&[TargetKind::Page]);
        scene.attach(TAB);
        scene.document(1);
        scene.say(1, "+");
        scene.answer_all();
        scene
    }

    fn hear(&mut self, message: &Value) {
        let message = message.to_string();
        self.state.handle_message(self.now, 0, message.as_bytes());
        for effect in self.state.effects.drain(..) {
            if let Effect::Drive(carrier, _) = effect {
                self.carriers.push(carrier);
            }
        }
        for command in self.state.commands.drain(..) {
            self.asked.push_back(from_slice(&command).expect("JSON"));
        }
    }

    /// An event of the tab.
    fn event(&mut self, method: &str, params: &Value) {
        self.hear(&json!({ "sessionId": TAB, "method": method, "params": params }));
    }

    fn attach(&mut self, id: &str) {
        let target = json!({ "targetId": id, "type": "page", "url": "https://shop.example/" });
        let params = json!({ "sessionId": id, "targetInfo": target, "waitingForDebugger": true });
        self.hear(&json!({ "method": "Target.attachedToTarget", "params": params }));
    }

    /// A document of the tab's main frame.
    fn document(&mut self, context: i64) {
        self.context(context, TAB);
    }

    fn context(&mut self, context: i64, frame: &str) {
        let more = json!({ "isDefault": true, "frameId": frame });
        let context = json!({ "id": context, "origin": "https://shop.example", "auxData": more });
        self.event(
            "Runtime.executionContextCreated",
            &json!({ "context": context }),
        );
    }

    /// Lines of a document.
    fn say(&mut self, context: i64, lines: &str) {
        let params = json!({ "name": BINDING, "payload": lines, "executionContextId": context });
        self.event("Runtime.bindingCalled", &params);
    }

    /// Takes out the commands of a name that were not answered.
    fn take(&mut self, method: &str) -> Vec<Value> {
        let (taken, rest) = self
            .asked
            .drain(..)
            .partition(|command| command["method"] == method);
        self.asked = rest;
        taken.into_iter().collect::<VecDeque<_>>().into()
    }

    fn answer(&mut self, command: &Value) {
        self.hear(&json!({ "id": command["id"], "result": {} }));
    }

    fn answer_all(&mut self) {
        while let Some(command) = self.asked.pop_front() {
            self.answer(&command);
        }
    }

    /// A message of the hub for the first page, of so many bytes.
    fn send(&mut self, bytes: usize) {
        let frame = Frame::Text("x".repeat(bytes).into());
        let carrier = Pin::new(self.carriers.last_mut().expect("a link"));
        let sent = carrier.start_send(Outbound::Frame(frame));
        sent.expect("the page is there");
    }

    /// Hands over what waits, and gives the evaluations that are under way.
    fn deliver(&mut self) -> usize {
        self.state.deliver(self.now, LinkKey(1));
        self.hear(&json!({ "method": "Nothing.happened", "params": {} }));
        let mut asked = self.asked.iter();
        let is_evaluation = |command: &&Value| command["method"] == "Runtime.evaluate";
        asked.by_ref().filter(is_evaluation).count()
    }

    fn tab(&self) -> &Session {
        &self.state.sessions[&SessionId::from(TAB)]
    }

    fn link(&self) -> &OpenLink {
        &self.state.links[&LinkKey(1)]
    }

    /// Registers a tool whose description has so many bytes, and gives how many there are.
    fn tool(&mut self, name: &str, bytes: usize) -> usize {
        let tool = json!({ "name": name, "description": "x".repeat(bytes), "frameId": TAB });
        self.event("WebMCP.toolsAdded", &json!({ "tools": [tool] }));
        self.answer_all();
        self.tab().tools.len()
    }
}

#[test]
fn what_comes_while_enough_evaluations_are_under_way_goes_in_the_next_one() {
    let mut scene = Scene::with_page();
    for n in 1..=EVALUATIONS_MAX {
        scene.send(1);
        assert_eq!(scene.deliver(), n);
    }
    for _ in 0..10 {
        scene.send(1);
        assert_eq!(scene.deliver(), EVALUATIONS_MAX);
    }
    let evaluations = scene.take("Runtime.evaluate");
    scene.answer(&evaluations[0]);
    let next = scene.take("Runtime.evaluate");
    assert_eq!(next.len(), 1);
    let expression = next[0]["params"]["expression"].as_str().expect("a text");
    assert_eq!(expression.matches("'x'").count(), 10, "{expression}");
}

#[test]
fn more_evaluations_are_under_way_where_they_are_full() {
    let mut scene = Scene::with_page();
    for _ in 0..EVALUATIONS_FULL_MAX + 2 {
        scene.send(EVALUATION_BYTES);
    }
    assert_eq!(scene.deliver(), EVALUATIONS_FULL_MAX);
    let evaluations = scene.take("Runtime.evaluate");
    scene.answer(&evaluations[0]);
    assert_eq!(scene.take("Runtime.evaluate").len(), 1);
}

#[test]
fn as_many_messages_beside_the_link_wait_as_may_and_one_more_is_left_out() {
    let mut scene = Scene::with_page();
    let call = "t{\"id\":1,\"name\":\"none\"}\n";
    scene.say(1, &call.repeat(EVALUATIONS_MAX));
    assert_eq!(scene.link().controls.len(), 0, "they are under way");
    for (calls, waiting) in [
        (CONTROLS_MAX - 1, CONTROLS_MAX - 1),
        (1, CONTROLS_MAX),
        (1, CONTROLS_MAX),
    ] {
        scene.say(1, &call.repeat(calls));
        assert_eq!(scene.link().controls.len(), waiting);
    }
    scene.answer_all();
    assert_eq!(scene.link().controls.len(), 0);
}

#[test]
fn one_target_more_than_may_be_is_let_be() {
    let mut scene = Scene::new(&[]);
    for n in 0..TARGETS_MAX {
        scene.attach(&n.to_string());
        scene.answer_all();
    }
    assert_eq!(scene.state.sessions.len(), TARGETS_MAX);
    scene.attach("one more");
    assert_eq!(scene.state.sessions.len(), TARGETS_MAX);
    let methods: Vec<_> = scene
        .asked
        .iter()
        .map(|one| one["method"].clone())
        .collect();
    let expected = ["Runtime.runIfWaitingForDebugger", "Target.detachFromTarget"];
    assert_eq!(methods, expected);
}

#[test]
fn one_document_more_than_may_be_has_no_link() {
    let mut scene = Scene::new(&[TargetKind::Iframe]);
    scene.attach(TAB);
    let documents = i64::try_from(LINKS_MAX + 1).expect("a small number");
    for n in 1..=documents {
        scene.context(n, &format!("frame {n}"));
        scene.say(n, "+");
        scene.answer_all();
    }
    assert_eq!(scene.state.links.len(), LINKS_MAX);
    let last = &scene.tab().contexts[&ContextId(documents)];
    assert_eq!(last.link, None);
}

#[test]
fn one_tool_more_than_may_be_is_left_out() {
    let mut scene = Scene::with_page();
    for n in 1..=TOOLS_MAX {
        assert_eq!(scene.tool(&n.to_string(), 0), n);
    }
    assert_eq!(scene.tool("one more", 0), TOOLS_MAX);
}

#[test]
fn a_tool_that_is_longer_than_it_may_be_is_left_out() {
    let mut scene = Scene::with_page();
    scene.tool("empty", 0);
    let rest = TOOL_BYTES_MAX - scene.tab().tools[0].bytes;
    assert_eq!(scene.tool("whole", rest), 2);
    assert_eq!(scene.tool("above", rest + 1), 2);
}

#[test]
fn tools_that_are_longer_together_than_they_may_be_are_left_out() {
    let mut scene = Scene::with_page();
    scene.tool("0000", 0);
    let empty = scene.tab().tools[0].bytes;
    let mut left = TOOLS_BYTES_MAX - empty;
    let mut count = 1;
    while left > TOOL_BYTES_MAX + empty {
        scene.tool(&format!("{count:04}"), TOOL_BYTES_MAX - empty);
        left -= TOOL_BYTES_MAX;
        count += 1;
    }
    assert_eq!(scene.tool("last", left - empty + 1), count);
    assert_eq!(scene.tool("last", left - empty), count + 1);
    assert_eq!(scene.tool("more", 0), count + 1);
}

#[test]
fn one_call_of_a_tool_more_than_may_be_fails() {
    let mut scene = Scene::with_page();
    scene.tool("tool", 0);
    for id in 1..=TOOL_CALLS_MAX + 1 {
        let call = json!({ "id": id, "name": "tool", "input": {} });
        scene.say(1, &format!("t{call}"));
    }
    assert_eq!(scene.take("WebMCP.invokeTool").len(), TOOL_CALLS_MAX);
    let told = scene.take("Runtime.evaluate");
    let told = told[0]["params"]["expression"].as_str().expect("a text");
    assert!(
        told.contains("too many calls of tools are under way"),
        "{told}"
    );
}

#[test]
fn a_thousand_documents_leave_nothing_behind() {
    let mut scene = Scene::with_page();
    for n in 2..=1_000 {
        scene.tool("tool", 0);
        scene.say(n - 1, "t{\"id\":1,\"name\":\"tool\"}");
        // Another document comes before the browser has answered.
        scene.event("Runtime.executionContextsCleared", &json!({}));
        scene.answer_all();
        scene.document(n);
        scene.say(n, "+");
        scene.context(n + 10_000, &format!("frame {n}"));
        let gone = json!({ "executionContextId": n + 10_000 });
        scene.event("Runtime.executionContextDestroyed", &gone);
        scene.answer_all();
    }
    let tab = scene.tab();
    let tables = [tab.contexts.len(), tab.tools.len(), tab.invocations.len()];
    assert_eq!(tables, [1, 0, 0]);
    let state = &scene.state;
    let tables = [state.sessions.len(), state.targets.len(), state.links.len()];
    assert_eq!(tables, [1, 1, 1]);
    let tables = [state.identities.len(), state.connection.under_way()];
    assert_eq!(tables, [1, 0]);
    assert_eq!(scene.state.links[&LinkKey(1_000)].epoch, 1_000);

    let gone = json!({ "sessionId": TAB });
    scene.hear(&json!({ "method": "Target.detachedFromTarget", "params": gone }));
    let state = &scene.state;
    let tables = [state.sessions.len(), state.targets.len(), state.links.len()];
    assert_eq!(tables, [0, 0, 0]);
    assert_eq!(state.identities.len(), 0);
}

#[test]
fn frames_that_come_and_go_leave_nothing_behind() {
    let mut scene = Scene::new(&[TargetKind::Iframe]);
    scene.attach(TAB);
    for n in 1..=100 {
        let frame = format!("frame {n}");
        scene.context(n, &frame);
        scene.say(n, "+");
        assert_eq!(scene.state.links.len(), 1);
        scene.event(
            "Page.frameDetached",
            &json!({ "frameId": frame, "reason": "remove" }),
        );
        let gone = json!({ "executionContextId": n });
        scene.event("Runtime.executionContextDestroyed", &gone);
        scene.answer_all();
        assert_eq!(scene.state.links.len(), 0);
        assert_eq!(scene.state.identities.len(), 0);
    }
}
