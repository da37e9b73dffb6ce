//! Medians and bars, as tables and as JSON.

use serde::Serialize;
use serde_json::{Value, json};

use crate::bars::{Bar, Limit, bars, median};
use crate::case::{Case, Scale};
use crate::plan::{Figures, Measured, Round};

/// What was measured, and whether it is good enough.
#[derive(Debug)]
pub(crate) struct Report {
    rows: Vec<Row>,
    bars: Vec<Bar>,
    left_out: Vec<String>,
}

/// One case: medians over the rounds.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    cpu_us: f64,
    /// The lowest of the rounds: what else the machine does only ever adds.
    cpu_us_lowest: f64,
    per_second: f64,
    p50_us: Option<f64>,
    p99_us: Option<f64>,
}

impl Report {
    pub(crate) fn new(scale: &Scale, measured: Measured) -> Self {
        let rounds = &measured.rounds;
        let cases = rounds.iter().take(1).flat_map(Round::keys);
        Self {
            rows: cases.map(|case| Row::new(*case, rounds)).collect(),
            bars: bars(scale, &measured),
            left_out: measured.left_out,
        }
    }

    /// Bars of what was not measured do not count.
    pub(crate) fn all_bars_held(&self) -> bool {
        self.bars.iter().all(Bar::holds)
    }

    /// Two tables, aligned so that they can be read on a terminal too.
    pub(crate) fn markdown(&self) -> String {
        let head = [
            "what",
            "CPU of the server, µs each",
            "lowest",
            "each second",
            "p50, µs",
            "p99, µs",
        ];
        let measured = table(head, self.rows.iter().map(Row::cells).collect());
        let head = ["bar", "limit", "measured", ""];
        let bars = table(head, self.bars.iter().map(bar_cells).collect());
        let left_out = self
            .left_out
            .iter()
            .map(|what| format!("\nLeft out: {what}\n"));
        format!("{measured}\n{bars}{}", left_out.collect::<String>())
    }

    pub(crate) fn json(&self) -> Value {
        let bars = self.bars.iter().map(bar_json);
        json!({ "measured": self.rows, "bars": bars.collect::<Vec<_>>(), "left_out": self.left_out })
    }
}

impl Row {
    fn new(case: Case, rounds: &[Round]) -> Self {
        let all: Vec<_> = rounds.iter().filter_map(|round| round.get(&case)).collect();
        let median_of = |figure: &dyn Fn(&Figures) -> Option<f64>| {
            median(all.iter().filter_map(|figures| figure(figures)).collect())
        };
        Self {
            name: case.to_string(),
            cpu_us: median_of(&|figures| Some(figures.cpu_us)).unwrap_or(f64::NAN),
            cpu_us_lowest: all
                .iter()
                .map(|figures| figures.cpu_us)
                .fold(f64::NAN, f64::min),
            per_second: median_of(&|figures| Some(figures.per_second)).unwrap_or(f64::NAN),
            p50_us: median_of(&|figures| Some(figures.latency?.p50_us)),
            p99_us: median_of(&|figures| Some(figures.latency?.p99_us)),
        }
    }

    fn cells(&self) -> [String; 6] {
        let time = |us: Option<f64>| us.map_or_else(String::new, |us| format!("{us:.0}"));
        [
            self.name.clone(),
            format!("{:.1}", self.cpu_us),
            format!("{:.1}", self.cpu_us_lowest),
            format!("{:.0}", self.per_second),
            time(self.p50_us),
            time(self.p99_us),
        ]
    }
}

pub(crate) fn bar_json(bar: &Bar) -> Value {
    let limit = match bar.limit {
        Limit::AtMost(limit) => json!({ "at_most": limit }),
        Limit::AtLeast(limit) => json!({ "at_least": limit }),
        Limit::None => Value::Null,
    };
    json!({ "name": bar.name, "limit": limit, "measured": bar.measured, "holds": bar.holds() })
}

pub(crate) fn bar_cells(bar: &Bar) -> [String; 4] {
    let limit = match bar.limit {
        Limit::AtMost(limit) => format!("≤ {limit}"),
        Limit::AtLeast(limit) => format!("≥ {limit}"),
        Limit::None => String::new(),
    };
    let verdict = match (bar.limit, bar.holds()) {
        (Limit::None, _) => "",
        (_, true) => "ok",
        (_, false) => "missed",
    };
    [
        bar.name.clone(),
        limit,
        format!("{:.2}", bar.measured),
        verdict.to_owned(),
    ]
}

/// A Markdown table; all columns but the first stand at the right.
pub(crate) fn table<const N: usize>(head: [&str; N], rows: Vec<[String; N]>) -> String {
    let head = head.map(str::to_owned);
    let widths: [usize; N] = std::array::from_fn(|column| {
        let cells = rows.iter().chain([&head]).map(|row| &row[column]);
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    });
    let rule = std::array::from_fn(|column| match column {
        0 => "-".repeat(widths[column]),
        _ => format!("{}:", "-".repeat(widths[column].saturating_sub(1))),
    });
    let lines = [&head, &rule].into_iter().chain(&rows);
    lines.map(|cells| table_line(cells, widths)).collect()
}

fn table_line<const N: usize>(cells: &[String; N], widths: [usize; N]) -> String {
    let padded = cells.iter().zip(widths).enumerate();
    let padded = padded.map(|(column, (cell, width))| match column {
        0 => format!("| {cell:<width$} |"),
        _ => format!(" {cell:>width$} |"),
    });
    padded.collect::<String>() + "\n"
}
