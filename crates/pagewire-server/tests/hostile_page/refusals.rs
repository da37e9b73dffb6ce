//! What the hub refused, in its own words: it logs each refusal.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span;

/// Keeps what the hub's access layer logs.
#[derive(Debug, Default, Clone)]
pub(crate) struct Refusals(Arc<Mutex<Vec<Refusal>>>);

#[derive(Debug, Default, Clone)]
pub(crate) struct Refusal {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) why: String,
}

impl Refusals {
    /// How often each `METHOD /path` was refused.
    pub(crate) fn counts(&self) -> BTreeMap<String, usize> {
        let all = self.all().into_iter();
        count(all.map(|refusal| format!("{} {}", refusal.method, refusal.path)))
    }

    pub(crate) fn all(&self) -> Vec<Refusal> {
        self.0.lock().expect("no panic before").clone()
    }
}

pub(crate) fn count(items: impl Iterator<Item = String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for item in items {
        *counts.entry(item).or_default() += 1;
    }
    counts
}

impl Visit for Refusal {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        match field.name() {
            "method" => self.method = format!("{value:?}"),
            "why" => self.why = format!("{value:?}"),
            _ => {}
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "path" {
            value.clone_into(&mut self.path);
        }
    }
}

impl tracing::Subscriber for Refusals {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.is_event() && metadata.target() == "pagewire_server::access::guard"
    }

    fn event(&self, event: &tracing::Event<'_>) {
        let mut refusal = Refusal::default();
        event.record(&mut refusal);
        self.0.lock().expect("no panic before").push(refusal);
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}
