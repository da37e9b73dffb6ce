//! What speed is promised. A bar is measured in each round by itself, so that both sides of a ratio saw the same machine; the
//! median of the rounds counts.

use crate::case::{Case, Load, Scale, Server, counted};
use crate::plan::{Measured, Round};
use crate::publishing::Form;

/// One promise.
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
    /// Nothing is promised; the figure belongs to those that are.
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
    let mut bars = Bars {
        scale,
        measured,
        bars: Vec::new(),
    };
    bars.calls();
    bars.idle_pages();
    bars.publishing();
    bars.bars
}

struct Bars<'a> {
    scale: &'a Scale,
    measured: &'a Measured,
    bars: Vec<Bar>,
}

impl Bars<'_> {
    fn calls(&mut self) {
        let ([one, many], [small, large]) = (self.scale.busy, self.scale.bytes);
        let [caller, _, callers] = self.scale.callers;
        let hub = |busy, callers, bytes| hub(busy, 0, callers, bytes);
        let echo = |callers| {
            Case::HttpEcho(Load {
                callers,
                bytes: small,
            })
        };
        let socket = |connections| Case::WebSocketEcho { connections };
        let load = format!("{}, {small} B", counted(callers, "caller"));
        let (page, pages) = (counted(one, "page"), counted(many, "page"));

        let name = format!("{page}, {load}: CPU a call ÷ bare HTTP echo");
        self.add(name, Limit::AtMost(4.0), |round| {
            Some(cpu(round, hub(one, callers, small))? / cpu(round, echo(callers))?)
        });
        let name = format!("{pages}, {load}: CPU a call ÷ (bare HTTP echo + bare WebSocket echo)");
        self.add(name, Limit::AtMost(1.3), |round| {
            let bare = cpu(round, echo(callers))? + cpu(round, socket(many))?;
            Some(cpu(round, hub(many, callers, small))? / bare)
        });
        for (busy, limit) in [(many, Limit::AtLeast(0.4)), (one, Limit::None)] {
            let name = format!(
                "{}, {load}: calls a second ÷ bare HTTP echo",
                counted(busy, "page")
            );
            self.add(name, limit, |round| {
                let calls = round.get(&hub(busy, callers, small))?.per_second;
                Some(calls / round.get(&echo(callers))?.per_second)
            });
        }
        let name = format!(
            "{page}, {}, {small} B: p50 beyond bare HTTP echo + bare WebSocket echo, µs",
            counted(caller, "caller")
        );
        self.add(name, Limit::AtMost(25.0), |round| {
            let bare = p50_us(round, echo(caller))? + p50_us(round, socket(one))?;
            Some(p50_us(round, hub(one, caller, small))? - bare)
        });
        let name = format!(
            "{page}, {}: CPU a call, {large} B ÷ {small} B",
            counted(callers, "caller")
        );
        self.add(name, Limit::AtMost(2.5), |round| {
            Some(cpu(round, hub(one, callers, large))? / cpu(round, hub(one, callers, small))?)
        });
    }

    fn idle_pages(&mut self) {
        let (small, callers) = (self.scale.bytes[0], self.scale.callers[2]);
        let [none, some, many] = self.scale.idle;
        for busy in self.scale.busy {
            for idle in [some, many] {
                let (pages, load) = (counted(busy, "page"), counted(callers, "caller"));
                let name =
                    format!("{pages}, {load}, {small} B: CPU a call, {idle} idle pages ÷ none");
                self.add(name, Limit::AtMost(1.1), |round| {
                    let without = cpu(round, hub(busy, none, callers, small))?;
                    Some(cpu(round, hub(busy, idle, callers, small))? / without)
                });
            }
        }
        let memory_kib = |idle| {
            let busy = self.scale.busy[0];
            self.measured.memory_kib.get(&Server::Hub { busy, idle })
        };
        if let (Some(without), Some(with)) = (memory_kib(none), memory_kib(many)) {
            self.bars.push(Bar {
                name: format!("memory of each of {many} idle pages, KiB"),
                limit: Limit::AtMost(12.0),
                measured: (with - without) / (many - none) as f64,
            });
        }
    }

    fn publishing(&mut self) {
        for form in [Form::NdJson, Form::WebSocket] {
            let name = format!("publishing 1 KiB to one {form} subscriber: CPU a message, µs");
            self.add(name, Limit::AtMost(3.0), |round| {
                cpu(round, Case::Publishing(form))
            });
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
