//! Medians, ratios and bars, as tables and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::plan::{Case, Load, Round, Scale};
use crate::publishing::Form;

/// What was measured, and whether it is good enough.
#[derive(Debug)]
pub(crate) struct Report {
    rows: Vec<Row>,
    bars: Vec<Bar>,
    left_out: Vec<String>,
}

/// Medians of one case.
#[derive(Debug)]
struct Row {
    name: String,
    cpu_us: f64,
    per_second: f64,
    p50_us: f64,
    p99_us: f64,
}

/// A promise, measured in each round by itself; the median counts.
#[derive(Debug)]
struct Bar {
    name: String,
    limit: Limit,
    measured: Option<f64>,
}

#[derive(Debug, Clone, Copy)]
enum Limit {
    AtMost(f64),
    AtLeast(f64),
    /// Only told.
    None,
}

impl Limit {
    fn holds(self, measured: f64) -> bool {
        match self {
            Self::AtMost(limit) => measured <= limit,
            Self::AtLeast(limit) => measured >= limit,
            Self::None => true,
        }
    }
}

impl Report {
    pub(crate) fn new(scale: &Scale, rounds: &[Round], left_out: Vec<String>) -> Self {
        let cases = rounds
            .first()
            .into_iter()
            .flat_map(|round| round.figures.keys());
        let rows = cases.map(|case| Row::new(*case, rounds)).collect();
        Self {
            rows,
            bars: bars(scale, rounds),
            left_out,
        }
    }

    /// True also when a bar could not be measured because something was left out.
    pub(crate) fn all_bars_held(&self) -> bool {
        let mut measured = self
            .bars
            .iter()
            .filter_map(|bar| Some((bar.limit, bar.measured?)));
        measured.all(|(limit, measured)| limit.holds(measured))
    }

    /// Two tables, aligned so that they can be read on a terminal too.
    pub(crate) fn markdown(&self) -> String {
        let rows = self.rows.iter().map(|row| {
            let time = |us: f64| {
                if us == 0.0 {
                    String::new()
                } else {
                    format!("{us:.0}")
                }
            };
            [
                row.name.clone(),
                format!("{:.2}", row.cpu_us),
                format!("{:.0}", row.per_second),
                time(row.p50_us),
                time(row.p99_us),
            ]
        });
        let head = [
            "what",
            "server's CPU, µs each",
            "per second",
            "p50, µs",
            "p99, µs",
        ];
        let mut text = table(head.map(String::from), rows.collect());
        text.push('\n');
        let bars = self.bars.iter().filter_map(|bar| {
            let measured = bar.measured?;
            let (limit, verdict) = match bar.limit {
                Limit::None => (String::new(), ""),
                Limit::AtMost(limit) => (
                    format!("≤ {limit}"),
                    if bar.limit.holds(measured) {
                        "ok"
                    } else {
                        "missed"
                    },
                ),
                Limit::AtLeast(limit) => (
                    format!("≥ {limit}"),
                    if bar.limit.holds(measured) {
                        "ok"
                    } else {
                        "missed"
                    },
                ),
            };
            Some([
                bar.name.clone(),
                limit,
                format!("{measured:.2}"),
                verdict.to_owned(),
            ])
        });
        text += &table(
            ["bar", "limit", "measured", ""].map(String::from),
            bars.collect(),
        );
        for what in &self.left_out {
            let _ = writeln!(text, "\nleft out: {what}");
        }
        text
    }

    pub(crate) fn json(&self) -> Value {
        let rows = self.rows.iter().map(|row| {
            json!({ "name": row.name, "cpu_us": row.cpu_us, "per_second": row.per_second, "p50_us": row.p50_us, "p99_us": row.p99_us })
        });
        let bars = self.bars.iter().map(|bar| {
            let limit = match bar.limit {
                Limit::AtMost(limit) => json!({ "at_most": limit }),
                Limit::AtLeast(limit) => json!({ "at_least": limit }),
                Limit::None => Value::Null,
            };
            let held = bar.measured.map(|measured| bar.limit.holds(measured));
            json!({ "name": bar.name, "limit": limit, "measured": bar.measured, "held": held })
        });
        json!({ "rows": rows.collect::<Vec<_>>(), "bars": bars.collect::<Vec<_>>(), "left_out": self.left_out })
    }
}

impl Row {
    fn new(case: Case, rounds: &[Round]) -> Self {
        let figures: Vec<_> = rounds
            .iter()
            .filter_map(|round| round.figures.get(&case))
            .collect();
        let of = |figure: fn(&crate::plan::Figures) -> f64| {
            median(figures.iter().map(|figures| figure(figures)).collect()).unwrap_or_default()
        };
        Self {
            name: case.to_string(),
            cpu_us: of(|figures| figures.cpu_us),
            per_second: of(|figures| figures.per_second),
            p50_us: of(|figures| figures.p50_us),
            p99_us: of(|figures| figures.p99_us),
        }
    }
}

/// The bars of the measured speed.
fn bars(scale: &Scale, rounds: &[Round]) -> Vec<Bar> {
    let [one_page, pages] = scale.busy;
    let [few, callers] = [scale.callers[0], scale.callers[2]];
    let [small, large] = scale.bytes;
    let [none, some_idle, most_idle] = scale.idle;
    let hub = move |busy, idle, callers, bytes| Case::Hub {
        busy,
        idle,
        load: Load { callers, bytes },
    };
    let echo = move |callers| {
        Case::HttpEcho(Load {
            callers,
            bytes: small,
        })
    };
    let socket = |connections| Case::WebSocketEcho { connections };
    let bar = |name: String, limit, measure: &dyn Fn(&Round) -> Option<f64>| Bar {
        name,
        limit,
        measured: median(rounds.iter().filter_map(measure).collect()),
    };
    let mut bars = vec![
        bar(
            format!("{one_page} page, {callers} callers, {small} B: CPU a call ÷ bare HTTP echo"),
            Limit::AtMost(4.0),
            &|round| {
                Some(round.cpu(hub(one_page, none, callers, small))? / round.cpu(echo(callers))?)
            },
        ),
        bar(
            format!(
                "{pages} pages, {callers} callers, {small} B: CPU a call ÷ (bare HTTP echo + bare WebSocket echo)"
            ),
            Limit::AtMost(1.3),
            &|round| {
                let bare = round.cpu(echo(callers))? + round.cpu(socket(pages))?;
                Some(round.cpu(hub(pages, none, callers, small))? / bare)
            },
        ),
    ];
    for (busy, limit) in [(pages, Limit::AtLeast(0.4)), (one_page, Limit::None)] {
        bars.push(bar(
            format!("{busy} pages, {callers} callers, {small} B: calls a second ÷ bare HTTP echo"),
            limit,
            &|round| {
                Some(
                    round.per_second(hub(busy, none, callers, small))?
                        / round.per_second(echo(callers))?,
                )
            },
        ));
    }
    bars.push(bar(
        format!("{few} caller, {small} B: p50 beyond bare HTTP echo + bare WebSocket echo, µs"),
        Limit::AtMost(25.0),
        &|round| {
            let bare = round.p50_us(echo(few))? + round.p50_us(socket(one_page))?;
            Some(round.p50_us(hub(one_page, none, few, small))? - bare)
        },
    ));
    bars.push(bar(
        format!("{one_page} page, {callers} callers: CPU of a call of {large} B ÷ {small} B"),
        Limit::AtMost(2.5),
        &|round| {
            Some(
                round.cpu(hub(one_page, none, callers, large))?
                    / round.cpu(hub(one_page, none, callers, small))?,
            )
        },
    ));
    for (busy, idle) in [
        (one_page, some_idle),
        (one_page, most_idle),
        (pages, some_idle),
        (pages, most_idle),
    ] {
        bars.push(bar(format!("{busy} pages, {callers} callers, {small} B: CPU a call with {idle} idle pages ÷ without"), Limit::AtMost(1.1), &|round| {
            Some(round.cpu(hub(busy, idle, callers, small))? / round.cpu(hub(busy, none, callers, small))?)
        }));
    }
    bars.push(bar(
        format!("memory for each of {most_idle} idle pages, KiB"),
        Limit::AtMost(12.0),
        &|round| {
            let memory = |idle| round.memory_kib.get(&(one_page, idle));
            Some((memory(most_idle)? - memory(none)?) / (most_idle - none) as f64)
        },
    ));
    for form in [Form::NdJson, Form::WebSocket] {
        bars.push(bar(
            format!("publishing 1 KiB to one {form} subscriber: CPU a message, µs"),
            Limit::AtMost(3.0),
            &|round| round.cpu(Case::Publishing(form)),
        ));
    }
    bars
}

impl Round {
    fn cpu(&self, case: Case) -> Option<f64> {
        Some(self.figures.get(&case)?.cpu_us)
    }

    fn per_second(&self, case: Case) -> Option<f64> {
        Some(self.figures.get(&case)?.per_second)
    }

    fn p50_us(&self, case: Case) -> Option<f64> {
        Some(self.figures.get(&case)?.p50_us)
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// A Markdown table with columns of one width; all but the first stand at the right.
fn table<const N: usize>(head: [String; N], rows: Vec<[String; N]>) -> String {
    let widths: [usize; N] = std::array::from_fn(|column| {
        let all = rows.iter().chain([&head]);
        all.map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
            .max(2)
    });
    let line = |row: &[String; N]| {
        let cells = row
            .iter()
            .zip(widths)
            .enumerate()
            .map(|(column, (cell, width))| {
                if column == 0 {
                    format!("| {cell:<width$} ")
                } else {
                    format!("| {cell:>width$} ")
                }
            });
        cells.collect::<String>() + "|\n"
    };
    let rule = widths.iter().enumerate().map(|(column, width)| {
        let dashes = "-".repeat(width - usize::from(column > 0));
        if column == 0 {
            format!("| {dashes} ")
        } else {
            format!("| {dashes}: ")
        }
    });
    let rule = rule.collect::<String>() + "|\n";
    line(&head) + &rule + &rows.iter().map(line).collect::<String>()
}
