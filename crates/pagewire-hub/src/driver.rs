//! The one task that owns a page link: it moves messages between carrier, link, callers and topics.
//!
//! Each turn: act on what the link said, then wait for the first of: the carrier wrote, the carrier brought something, orders from programs,
//! answers to the page's own requests, a timer. Nothing here waits for a slow page, so a page that stops reading hurts only itself.

use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::{SplitSink, SplitStream};
use pagewire_rpc::{
    CallEnd, CallId, Closing, Departure, Event, Function, FunctionName, GroupName, Hello, Input,
    Link, Note, Output, Refusal, TopicName, Welcome,
};
use tokio::time::{Sleep, sleep_until, timeout};

use crate::FastMap;
use crate::answer::Caller;
use crate::attentive::Attentive;
use crate::carrier::{Carrier, CarrierError, Outbound};
use crate::hub::{Hub, fresh_page_id};
use crate::inbox::Orders;
use crate::outbox::Outbox;
use crate::page::Page;
use crate::registry::{Attachment, Exposed};
use crate::requests::{Requests, Told};

/// Messages taken from the carrier in one turn, so that orders and timers get theirs.
const INPUTS_PER_TURN: usize = 64;
/// Time for the last messages and the carrier's own goodbye.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

pub(crate) async fn drive(
    hub: Hub,
    link: Link,
    carrier: impl Carrier,
    attachment: Attachment,
) -> Option<TurnedAway> {
    // Boxed, for a future holds what it runs on once for each step; ten thousand pages may be idle.
    let mut driver = Box::new(Driver::new(hub, link, carrier, attachment));
    driver.run().await
}

/// A page that said hello and was not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnedAway {
    /// The group that it wanted to join; none where its hello could not be read.
    pub group: Option<GroupName>,
    /// Why not.
    pub refusal: Refusal,
}

struct Driver<C> {
    hub: Hub,
    link: Link,
    reader: Attentive<SplitStream<Pin<Box<C>>>>,
    outbox: Outbox<SplitSink<Pin<Box<C>>, Outbound>>,
    requests: Requests,
    callers: FastMap<CallId, Caller>,
    stage: Stage,
    turned_away: Option<TurnedAway>,
    timer: Pin<Box<Sleep>>,
    /// Whether programs come before the page in the next turn: they take turns, so that neither waits for the other.
    programs_first: bool,
    /// The topic that the page published to last, as it called it: pages publish to one again and again.
    last_topic: Option<(String, TopicName)>,
}

enum Stage {
    /// Before hello.
    Waiting(Attachment),
    Attached(Arc<Page>),
    Refused,
}

/// What a turn waited for.
enum Turn {
    /// Writing failed.
    Broken(CarrierError),
    Input(Option<Result<Input, CarrierError>>),
    Orders,
    Told(Told),
    Timer,
}

impl<C: Carrier> Driver<C> {
    fn new(hub: Hub, link: Link, carrier: C, attachment: Attachment) -> Self {
        let (sink, reader) = Box::pin(carrier).split();
        Self {
            requests: Requests::new(hub.clone(), attachment.scopes.clone()),
            hub,
            link,
            reader: Attentive::new(reader),
            outbox: Outbox::new(sink),
            callers: FastMap::default(),
            stage: Stage::Waiting(attachment),
            turned_away: None,
            timer: Box::pin(sleep_until(Instant::now().into())),
            programs_first: false,
            last_topic: None,
        }
    }

    async fn run(&mut self) -> Option<TurnedAway> {
        loop {
            self.act();
            if self.link.is_closed() {
                break;
            }
            self.set_timer();
            match poll_fn(|context| self.poll_turn(context)).await {
                Turn::Broken(error) | Turn::Input(Some(Err(error))) => self.lose(Some(&error)),
                Turn::Input(None) => self.lose(None),
                Turn::Input(Some(Ok(input))) => self.take_inputs(input),
                Turn::Orders => self.take_orders(),
                Turn::Told(told) => told.apply(&mut self.link),
                Turn::Timer => {}
            }
            self.link.handle_timeout(Instant::now());
        }
        self.say_goodbye().await;
        self.turned_away.take()
    }

    /// Writes what it can and gives the first thing that there is to do. All state lives outside, so that nothing is lost between two polls.
    fn poll_turn(&mut self, context: &mut Context<'_>) -> Poll<Turn> {
        if self.outbox.has_work()
            && let Poll::Ready(Err(error)) = self.outbox.poll_flush(context)
        {
            return Poll::Ready(Turn::Broken(error));
        }
        self.programs_first = !self.programs_first;
        let turn = if self.programs_first {
            self.poll_programs(context)
                .or_else_pending(|| self.poll_page(context))
        } else {
            self.poll_page(context)
                .or_else_pending(|| self.poll_programs(context))
        };
        turn.or_else_pending(|| self.timer.as_mut().poll(context).map(|()| Turn::Timer))
    }

    fn poll_page(&mut self, context: &Context<'_>) -> Poll<Turn> {
        self.reader.poll_next(context).map(Turn::Input)
    }

    fn poll_programs(&mut self, context: &mut Context<'_>) -> Poll<Turn> {
        if let Stage::Attached(page) = &self.stage
            && page.inbox.poll(context).is_ready()
        {
            return Poll::Ready(Turn::Orders);
        }
        // What this page asked for waits while the page does not read.
        if self.outbox.queued_bytes() < self.hub.options().outbox_bytes_max {
            return self.requests.poll(context).map(Turn::Told);
        }
        Poll::Pending
    }

    fn take_inputs(&mut self, first: Input) {
        let now = Instant::now();
        if let Stage::Attached(page) = &self.stage {
            page.heard(now);
        }
        self.take_input(now, first);
        for _ in 1..INPUTS_PER_TURN {
            self.act();
            match self.reader.next_ready() {
                Some(Some(Ok(input))) if !self.link.is_closed() => self.take_input(now, input),
                Some(Some(Ok(_))) | None => break,
                Some(Some(Err(error))) => return self.lose(Some(&error)),
                Some(None) => return self.lose(None),
            }
        }
    }

    fn take_input(&mut self, now: Instant, input: Input) {
        if let Err(error) = self.link.handle_input(now, input) {
            tracing::warn!(page = self.page_name(), %error, "the page broke the protocol");
        }
    }

    /// The carrier cannot go on; mostly there is nobody left to say goodbye to.
    fn lose(&mut self, error: Option<&CarrierError>) {
        match error {
            Some(CarrierError::TooLarge) => return self.link.close(Closing::MessageTooLarge),
            Some(CarrierError::Broken(error)) => {
                tracing::debug!(page = self.page_name(), error, "the carrier failed")
            }
            None => {}
        }
        self.take_input(Instant::now(), Input::Closed);
    }

    fn take_orders(&mut self) {
        if let Stage::Attached(page) = &self.stage {
            let orders = page.inbox.take();
            self.follow(orders);
        }
    }

    fn follow(&mut self, orders: Orders) {
        let now = Instant::now();
        for new in orders.calls {
            if self.outbox.queued_bytes() > self.hub.options().outbox_bytes_max {
                self.end_call(new.caller, CallEnd::Overloaded);
                continue;
            }
            self.callers.insert(new.id, new.caller);
            if let Err(error) = self.link.call(now, new.id, new.call) {
                tracing::error!(call = %new.id, %error, "a bug of ours: call ids are unique");
                self.callers.remove(&new.id);
            }
            self.act();
        }
        for call in orders.cancels {
            self.link.cancel(now, call);
        }
        for (call, more) in orders.grants {
            self.link.grant(call, more);
        }
        if let Some(closing) = orders.close {
            self.link.close(closing);
        }
    }

    /// Does all that the link says.
    fn act(&mut self) {
        while let Some(output) = self.link.poll_output() {
            match output {
                Output::Send(frame) => self.outbox.push(Outbound::Frame(frame)),
                Output::Ping => self.outbox.push(Outbound::Ping),
                Output::Close(closing) => self.close_carrier(&closing),
                Output::Event(event) => self.handle_event(event),
            }
            let max = self.hub.options().outbox_bytes_max.saturating_mul(2);
            if self.outbox.queued_bytes() > max && !self.link.is_closed() {
                self.link.close(Closing::OverLimit(
                    "outbox_bytes_max: the page does not read".into(),
                ));
            }
        }
        if let Stage::Attached(page) = &self.stage {
            page.sync(&self.link, &self.hub.shared.metrics);
        }
    }

    fn handle_event(&mut self, event: Event) {
        match event {
            Event::Hello(hello) => self.greet(&hello),
            Event::Exposed(functions) => self.expose(&functions),
            Event::Retracted(names) => self.retract(&names),
            Event::Item { call, value } => {
                if let Some(caller) = self.callers.get_mut(&call) {
                    caller.item(value);
                }
            }
            Event::Ended { call, end } => {
                if let (CallEnd::Timeout, Stage::Attached(page)) = (&end, &self.stage) {
                    page.set_silent_since(self.link.silent_since());
                }
                if let Some(caller) = self.callers.remove(&call) {
                    self.end_call(caller, end);
                }
            }
            Event::Published { topic, value } => self.publish(topic, &value),
            Event::Requested { id, request } => {
                let Stage::Attached(page) = &self.stage else {
                    return;
                };
                if let Some(told) = self.requests.start(page, id, request) {
                    told.apply(&mut self.link);
                }
            }
            Event::Granted { request, more } => self.requests.grant(&request, more),
            Event::RequestCancelled { request } => self.requests.cancel(&request),
            Event::Health(health) => self.set_health(Some(health)),
            Event::Noted(notes) => self.note(notes),
            Event::Unresponsive => self.set_health(None),
        }
    }

    fn greet(&mut self, hello: &Hello) {
        let waiting = std::mem::replace(&mut self.stage, Stage::Refused);
        let Stage::Waiting(attachment) = waiting else {
            return;
        };
        let functions = exposed(&self.hub, &hello.functions, &hello.group);
        let now = Instant::now();
        let attached =
            self.hub
                .registry()
                .attach(hello, attachment, fresh_page_id(), functions, now);
        let answered = match attached {
            Err(refusal) => self.turn_away(hello, refusal),
            Ok((page, old)) => {
                if let Some(old) = old {
                    old.close(Closing::Replaced);
                }
                tracing::info!(page = %page.id, group = %page.group, epoch = page.epoch, "page attached");
                let hub = env!("CARGO_PKG_VERSION");
                let welcome = Welcome {
                    page: page.id.clone(),
                    epoch: page.epoch,
                    hub,
                };
                self.stage = Stage::Attached(page);
                self.link.welcome(now, welcome)
            }
        };
        if let Err(error) = answered {
            tracing::error!(%error, "a bug of ours: hello is answered once");
        }
    }

    fn turn_away(&mut self, hello: &Hello, refusal: Refusal) -> Result<(), pagewire_rpc::Error> {
        tracing::warn!(group = %hello.group, why = refusal.message(), "page refused");
        self.turned_away = Some(TurnedAway {
            group: Some(hello.group.clone()),
            refusal: refusal.clone(),
        });
        self.link.refuse(refusal)
    }

    fn expose(&self, functions: &[Function]) {
        if let Stage::Attached(page) = &self.stage {
            let exposed = exposed(&self.hub, functions, &page.group);
            self.hub.registry().expose(page, exposed);
        }
    }

    fn retract(&self, names: &[FunctionName]) {
        if let Stage::Attached(page) = &self.stage {
            self.hub.registry().retract(page, names);
        }
    }

    fn publish(&mut self, topic: String, value: &pagewire_rpc::Payload) {
        let Stage::Attached(page) = &self.stage else {
            return;
        };
        let known = self.last_topic.take_if(|(known, _)| *known == topic);
        let name = match known {
            Some((_, name)) => Ok(name),
            None => page.topic(&topic),
        };
        if let Ok(name) = &name {
            self.last_topic = Some((topic, name.clone()));
        }
        let taken = name.map_err(|error| error.to_string()).and_then(|name| {
            self.hub
                .publish(&name, value)
                .map_err(|error| error.to_string())
        });
        match taken {
            Ok(_) => page.count_published(),
            Err(why) => {
                page.count_value_dropped();
                self.hub.shared.metrics.count_values_dropped(1);
                tracing::debug!(page = %page.id, why, "a published value was dropped");
            }
        }
    }

    fn set_health(&self, health: Option<pagewire_rpc::Health>) {
        if let Stage::Attached(page) = &self.stage {
            page.set_health(health);
        }
    }

    fn note(&self, notes: Vec<Note>) {
        if let Stage::Attached(page) = &self.stage {
            for note in &notes {
                tracing::debug!(page = %page.id, code = note.code, blocks = note.blocks, text = note.text, "note");
            }
            page.set_notes(notes);
        }
    }

    fn end_call(&self, caller: Caller, end: CallEnd) {
        if let Stage::Attached(page) = &self.stage {
            page.count_end(&end);
        }
        caller.end(end);
    }

    fn close_carrier(&mut self, closing: &Closing) {
        tracing::info!(
            page = self.page_name(),
            code = closing.code(),
            why = closing.reason(),
            "page link closed"
        );
        // The link itself turns away what it cannot read, before there is a group.
        if let Closing::Refused(refusal) = closing {
            self.turned_away.get_or_insert_with(|| TurnedAway {
                group: None,
                refusal: refusal.clone(),
            });
        }
        self.outbox.push(Outbound::Close {
            code: closing.code(),
            reason: closing.reason().to_owned(),
        });
    }

    fn set_timer(&mut self) {
        let Some(due) = self.link.poll_timeout() else {
            return;
        };
        if self.timer.deadline() != due.into() {
            self.timer.as_mut().reset(due.into());
        }
    }

    /// Writes what is left and waits for the carrier's end, both for a short time. Callers have their ends already.
    async fn say_goodbye(&mut self) {
        self.leave();
        let goodbye = poll_fn(|context| {
            ready!(self.outbox.poll_flush(context))?;
            while ready!(self.reader.poll_next(context)).is_some_and(|input| input.is_ok()) {}
            Poll::Ready(Ok::<_, CarrierError>(()))
        });
        let _ = timeout(CLOSE_TIMEOUT, goodbye).await;
    }

    /// Takes the page out of the hub. Orders that came too late end as page gone.
    fn leave(&mut self) {
        if let Stage::Attached(page) = std::mem::replace(&mut self.stage, Stage::Refused) {
            let departure = self.link.departure().unwrap_or(&Departure::Lost);
            let now = Instant::now();
            self.hub.registry().remove(&page, departure.clone(), now);
            // As text, so that the log escapes what the page said.
            let why = departure.to_string();
            tracing::info!(page = %page.id, epoch = page.epoch, why, "page left");
            for new in page.inbox.shut(departure.clone()).calls {
                let end = CallEnd::PageGone(departure.clone());
                page.count_end(&end);
                new.caller.end(end);
            }
        }
    }

    fn page_name(&self) -> &str {
        match &self.stage {
            Stage::Attached(page) => page.id.as_str(),
            Stage::Waiting(_) | Stage::Refused => "(not attached)",
        }
    }
}

trait OrElsePending {
    /// The other poll where this one has nothing.
    fn or_else_pending(self, other: impl FnOnce() -> Self) -> Self;
}

impl<T> OrElsePending for Poll<T> {
    fn or_else_pending(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::Ready(_) => self,
            Self::Pending => other(),
        }
    }
}

/// Makes functions ready to be called. Schemas are compiled here, outside the registry's lock.
fn exposed(hub: &Hub, functions: &[Function], group: &GroupName) -> Vec<Arc<Exposed>> {
    let ready = |function: &Function| {
        let stats = hub.shared.metrics.function(group, &function.name);
        Arc::new(Exposed::new(function.clone(), group, stats))
    };
    functions.iter().map(ready).collect()
}

impl<C> Drop for Driver<C> {
    /// A driver that is dropped half-way still takes its page out of the registry; callers see their channel close as page gone.
    fn drop(&mut self) {
        if let Stage::Attached(page) = &self.stage {
            let now = Instant::now();
            self.hub.registry().remove(page, Departure::Lost, now);
            page.inbox.shut(Departure::Lost);
        }
    }
}
