//! `GET /metrics`: the hub's figures for Prometheus, in the OpenMetrics text format. Nothing is counted here; each scrape reads what the hub
//! counts.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::IntoResponse;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use pagewire_hub::{DURATION_BUCKETS_MS, FunctionMetrics, Hub, PageInfo};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::access::Principal;
use crate::problem::Problem;
use crate::server::Shared;

const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(crate) async fn metrics(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
) -> Result<impl IntoResponse, Problem> {
    if !principal.scopes.may_read_metrics() {
        return Err(Problem::missing_scope("metrics"));
    }
    let mut registry = Registry::with_prefix("pagewire");
    registry.register_collector(Box::new(HubCollector(shared.hub.clone())));
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry)
        .expect("writing to a String does not fail");
    let headers = [(CONTENT_TYPE, MEDIA_TYPE), (CACHE_CONTROL, "no-store")];
    Ok((headers, text))
}

#[derive(Debug)]
struct HubCollector(Hub);

impl Collector for HubCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let hub = self.0.metrics();
        let ended = hub
            .calls_ended
            .iter()
            .map(|(kind, count)| ([("end", kind.name().to_owned())], *count));
        counters(
            &mut encoder,
            "calls",
            "Ends of calls, by how; a call that was given to another page ends at each",
            ended,
        )?;
        durations(&mut encoder, &hub.functions)?;
        gauge(
            &mut encoder,
            "calls_active",
            "Calls under way, waiting ones and open streams included",
            hub.calls_active,
        )?;
        for (name, help, value) in [
            (
                "call_retries",
                "Calls that were given to another page",
                hub.retries,
            ),
            (
                "answers_dropped",
                "Answers of pages that nobody waited for",
                hub.answers_dropped,
            ),
            (
                "values_dropped",
                "Published values that were not taken, without an answer that says so",
                hub.values_dropped,
            ),
            (
                "values_lost",
                "Values that subscribers lost by being too slow",
                hub.values_lost,
            ),
        ] {
            counter(&mut encoder, name, help, value)?;
        }
        pages(&mut encoder, &self.0.pages())?;
        topics(&mut encoder, &self.0)
    }
}

fn pages(encoder: &mut DescriptorEncoder<'_>, pages: &[PageInfo]) -> fmt::Result {
    let mut by_carrier = BTreeMap::<_, usize>::new();
    for page in pages {
        *by_carrier.entry(page.carrier).or_default() += 1;
    }
    let by_carrier = by_carrier
        .into_iter()
        .map(|(carrier, count)| ([("carrier", carrier.to_owned())], count));
    gauges(encoder, "pages", "Attached pages", by_carrier)?;
    let silent = pages.iter().filter(|page| !page.health.responsive).count();
    let last = pages.iter().filter(|page| page.health.asked_last).count();
    let queued: usize = pages.iter().map(|page| page.calls.queued).sum();
    let in_flight: usize = pages.iter().map(|page| page.calls.in_flight).sum();
    for (name, help, value) in [
        (
            "pages_unresponsive",
            "Pages whose JavaScript did not answer the last ping",
            silent,
        ),
        (
            "pages_asked_last",
            "Pages that other pages are asked before, for they did not answer",
            last,
        ),
        (
            "calls_in_flight",
            "Calls that pages work on, by the last turn of each page's link",
            in_flight,
        ),
        (
            "calls_queued",
            "Calls that wait for a free place at their page",
            queued,
        ),
    ] {
        gauge(encoder, name, help, value)?;
    }
    Ok(())
}

fn topics(encoder: &mut DescriptorEncoder<'_>, hub: &Hub) -> fmt::Result {
    let topics = hub.topics().list();
    let subscribers = topics.iter().map(|topic| topic.subscribers).sum();
    let kept: usize = topics.iter().map(|topic| topic.kept_bytes).sum();
    gauge(encoder, "topics", "Topics", topics.len())?;
    gauge(encoder, "subscribers", "Subscribers of topics", subscribers)?;
    gauge(
        encoder,
        "topic_bytes",
        "Bytes of values that topics keep",
        kept,
    )?;
    counter(
        encoder,
        "values_published",
        "Values that topics took",
        hub.topics().values_published(),
    )
}

fn durations(encoder: &mut DescriptorEncoder<'_>, functions: &[FunctionMetrics]) -> fmt::Result {
    let help = "From giving a call to its page until its end";
    let mut metric =
        encoder.encode_descriptor("call_duration_seconds", help, None, MetricType::Histogram)?;
    for function in functions {
        let name = function.name.as_ref();
        let label = |text: Option<&str>| text.unwrap_or("(others)").to_owned();
        let labels = [
            ("group", label(name.map(|(group, _)| group.as_str()))),
            ("function", label(name.map(|(_, name)| name.as_str()))),
        ];
        let limits = DURATION_BUCKETS_MS
            .iter()
            .map(|ms| std::time::Duration::from_millis(*ms).as_secs_f64())
            .chain([f64::INFINITY]);
        let buckets: Vec<_> = limits.zip(function.durations.iter().copied()).collect();
        metric
            .encode_family(&labels)?
            .encode_histogram::<NoLabelSet>(
                function.sum.as_secs_f64(),
                function.durations.iter().sum(),
                &buckets,
                None,
            )?;
    }
    Ok(())
}

type Labels = [(&'static str, String); 1];

fn counters(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl Iterator<Item = (Labels, u64)>,
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (labels, value) in values {
        ConstCounter::new(value).encode(metric.encode_family(&labels)?)?;
    }
    Ok(())
}

fn counter(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    let metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    ConstCounter::new(value).encode(metric)
}

fn gauges(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl Iterator<Item = (Labels, usize)>,
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (labels, value) in values {
        const_gauge(value).encode(metric.encode_family(&labels)?)?;
    }
    Ok(())
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: usize) -> fmt::Result {
    let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    const_gauge(value).encode(metric)
}

fn const_gauge(value: usize) -> ConstGauge<i64> {
    ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX))
}
