//! The bars that speed is held against. Each is measured in each round by itself, so that both sides of a ratio saw the same machine; the
//! median of the rounds counts.

use crate::case::{Case, Load, Scale, Server};
use crate::plan::{Measured, Round};
use crate::publishing::Form;

const BARE_HTTP: &str = "bare HTTP echo";
const BARE_BOTH: &str = "bare HTTP echo + bare WebSocket echo";

/// One limit and what was measured.
#[derive(Debug)]
pub(crate) struct Bar {
    pub(crate) name: String,
    pub(crate) limit: Limit,
    pub(crate) measured: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Limit {
    AtMost(f64),
    AtLeast(f64),
    /// No bar of its own; the figure belongs to one that is.
    None,
}

impl Bar {
    pub(crate) fn holds(&self) -> bool {
        match self.limit {
            Limit::AtMost(limit) => self.measured <= limit,
            Limit::AtLeast(limit) => self.measured >= limit,
            Limit::None => true,
        }
    }
}

/// The bars whose measurements there are.
pub(crate) fn bars(scale: &Scale, measured: &Measured) -> Vec<Bar> {
    let bars = Vec::new();
    let mut bars = Bars {
        scale,
        measured,
        bars,
    };
    bars.cpu();
    bars.rate();
    bars.latency();
    bars.idle_pages();
    bars.memory();
    bars.publishing();
    bars.devtools();
    bars.bars
}

struct Bars<'a> {
    scale: &'a Scale,
    measured: &'a Measured,
    bars: Vec<Bar>,
}

impl Bars<'_> {
    fn cpu(&mut self) {
        let Scale {
            busy: [one, many],
            bytes: [small, large],
            callers: [.., callers],
            ..
        } = *self.scale;
        let (echo, socket) = (
            echo(callers, small),
            Case::WebSocketEcho { connections: many },
        );
        let (single, spread) = (hub(one, 0, callers, small), hub(many, 0, callers, small));
        let heavy = hub(one, 0, callers, large);
        self.add(
            format!("{single}: CPU ÷ {BARE_HTTP}"),
            Limit::AtMost(4.0),
            |round| Some(cpu(round, single)? / cpu(round, echo)?),
        );
        self.add(
            format!("{spread}: CPU ÷ ({BARE_BOTH})"),
            Limit::AtMost(1.3),
            |round| Some(cpu(round, spread)? / (cpu(round, echo)? + cpu(round, socket)?)),
        );
        self.add(
            format!("{heavy}: CPU ÷ that of {small} B"),
            Limit::AtMost(2.5),
            |round| Some(cpu(round, heavy)? / cpu(round, single)?),
        );
    }

    fn rate(&mut self) {
        let Scale {
            busy: [one, many],
            bytes: [small, _],
            callers: [.., callers],
            ..
        } = *self.scale;
        let echo = echo(callers, small);
        for (busy, limit) in [(many, Limit::AtLeast(0.4)), (one, Limit::None)] {
            let calls = hub(busy, 0, callers, small);
            self.add(
                format!("{calls}: calls a second ÷ {BARE_HTTP}"),
                limit,
                |round| Some(round.get(&calls)?.per_second / round.get(&echo)?.per_second),
            );
        }
    }

    fn latency(&mut self) {
        let Scale {
            busy: [one, _],
            bytes: [small, _],
            callers: [caller, ..],
            ..
        } = *self.scale;
        let (call, echo) = (hub(one, 0, caller, small), echo(caller, small));
        let socket = Case::WebSocketEcho { connections: one };
        self.add(
            format!("{call}: p50 beyond {BARE_BOTH}, µs"),
            Limit::AtMost(25.0),
            |round| Some(p50_us(round, call)? - p50_us(round, echo)? - p50_us(round, socket)?),
        );
    }

    fn idle_pages(&mut self) {
        let Scale {
            busy,
            bytes: [small, _],
            callers: [.., callers],
            idle: [none, some, many],
            ..
        } = *self.scale;
        for busy in busy {
            let without = hub(busy, none, callers, small);
            for idle in [some, many] {
                let with = hub(busy, idle, callers, small);
                self.add(
                    format!("{with}: CPU ÷ that without idle pages"),
                    Limit::AtMost(1.1),
                    |round| Some(cpu(round, with)? / cpu(round, without)?),
                );
            }
        }
    }

    fn memory(&mut self) {
        let Scale {
            busy: [busy, _],
            idle: [none, _, many],
            ..
        } = *self.scale;
        let memory_kib = |idle| self.measured.memory_kib.get(&Server::Hub { busy, idle });
        if let (Some(without), Some(with)) = (memory_kib(none), memory_kib(many)) {
            self.bars.push(Bar {
                name: format!("memory of each of {many} idle pages, KiB"),
                limit: Limit::AtMost(12.0),
                measured: (with - without) / (many - none) as f64,
            });
        }
    }

    fn publishing(&mut self) {
        for case in [Form::NdJson, Form::WebSocket].map(Case::Publishing) {
            self.add(format!("{case}: CPU, µs"), Limit::AtMost(3.0), |round| {
                cpu(round, case)
            });
        }
    }

    fn devtools(&mut self) {
        let Scale {
            bytes,
            callers: [few, _, many],
            ..
        } = *self.scale;
        for (bytes, callers) in bytes.into_iter().flat_map(|it| [(it, few), (it, many)]) {
            let load = Load { callers, bytes };
            let (call, bare) = (Case::DevtoolsCall(load), Case::Evaluate(load));
            self.add(
                format!("{call}: calls a second ÷ bare evaluate"),
                Limit::AtLeast(0.7),
                |round| Some(round.get(&call)?.per_second / round.get(&bare)?.per_second),
            );
        }
    }

    fn add(&mut self, name: String, limit: Limit, measure: impl Fn(&Round) -> Option<f64>) {
        let measured = median(self.measured.rounds.iter().filter_map(measure).collect());
        self.bars.extend(measured.map(|measured| Bar {
            name,
            limit,
            measured,
        }));
    }
}

fn hub(busy: usize, idle: usize, callers: usize, bytes: usize) -> Case {
    Case::Hub {
        busy,
        idle,
        load: Load { callers, bytes },
    }
}

fn echo(callers: usize, bytes: usize) -> Case {
    Case::HttpEcho(Load { callers, bytes })
}

fn cpu(round: &Round, case: Case) -> Option<f64> {
    Some(round.get(&case)?.cpu_us)
}

fn p50_us(round: &Round, case: Case) -> Option<f64> {
    Some(round.get(&case)?.latency?.p50_us)
}

/// None of nothing.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    Some(if values.len().is_multiple_of(2) {
        (values[middle - 1] + upper) / 2.0
    } else {
        upper
    })
}
