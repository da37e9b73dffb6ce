//! The child's side: QuickJS with a limit for memory, stack and time, and nothing but the language in it.

use std::cell::Cell;
use std::io::{self, BufRead as _, Write as _};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

use pagewire_live::SIGN_ANSWER_BYTES_MAX;
use rquickjs::context::EvalOptions;
use rquickjs::{Context, Ctx, Error, Function, Runtime, Value};
use serde_json::value::RawValue;

use super::CHILD_ARGUMENT;
use super::confine::confine;
use super::wire::{Said, ScriptFault, ScriptPlace, Setup};
use crate::signers::error::{WORDS_CHARS_MAX, excerpt};

/// Of what a script logs, so many characters a line are passed on.
const SCRIPT_LOG_CHARS_MAX: usize = 1_024;
/// So many lines a call are passed on.
const SCRIPT_LOG_LINES_MAX: u32 = 100;
/// The stack of a script, in bytes. The main thread has 1 MiB on Windows and 8 MiB elsewhere.
const SCRIPT_STACK_BYTES_MAX: usize = 512 << 10;

/// `console` for scripts, around the one function that goes outside.
const CONSOLE: &str = "(say) => {
  const show = (value) => {
    if (typeof value === 'string') return value;
    if (value instanceof Error) return `${value}\\n${value.stack}`;
    try { return JSON.stringify(value) ?? String(value); } catch { return String(value); }
  };
  const console = {};
  for (const level of ['log', 'debug', 'info', 'warn', 'error']) {
    console[level] = (...values) => say(level, values.map(show).join(' '));
  }
  globalThis.console = console;
}";

/// Runs scripts, when this process is the child that was started for it; `None` in every other process.
///
/// A program calls it first thing in `main`, before it starts threads, and returns the exit code.
pub fn child_main() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != CHILD_ARGUMENT {
        return None;
    }
    Some(match serve() {
        Ok(()) => ExitCode::SUCCESS,
        // The parent is gone, or is none of ours: nobody is there to be told.
        Err(_) => ExitCode::FAILURE,
    })
}

/// Reads the script, then one request a line until there is no more.
fn serve() -> io::Result<()> {
    let setup: Setup = serde_json::from_str(&line()?)?;
    confine(setup.memory_bytes)?;
    let engine = Engine::new(&setup)?;
    match engine.load(&setup) {
        Ok(()) => say(&Said::Ready)?,
        Err(fault) => return say(&Said::Fault(fault)),
    }
    loop {
        let request = line()?;
        if request.is_empty() {
            return Ok(());
        }
        match engine.call(&setup, &request) {
            Ok(answer) => say(&Said::Answer(answer))?,
            Err(fault) => return say(&Said::Fault(fault)),
        }
    }
}

/// One line of standard input without its end; empty when there is no more. Its length is the parent's business, which is this program.
fn line() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    line.truncate(line.trim_end().len());
    Ok(line)
}

fn say(said: &Said) -> io::Result<()> {
    let mut text = serde_json::to_string(said)?;
    text.push('\n');
    io::stdout().lock().write_all(text.as_bytes())?;
    io::stdout().lock().flush()
}

struct Engine {
    runtime: Runtime,
    context: Context,
    watch: Watch,
    logged: Rc<Cell<u32>>,
}

/// When the call that runs must end, and whether it was stopped for that.
#[derive(Clone)]
struct Watch {
    deadline: Rc<Cell<Instant>>,
    rang: Rc<Cell<bool>>,
}

impl Watch {
    fn is_over(&self) -> bool {
        let over = Instant::now() >= self.deadline.get();
        if over {
            self.rang.set(true);
        }
        over
    }
}

impl Engine {
    fn new(setup: &Setup) -> io::Result<Self> {
        let wrong = |error: Error| io::Error::other(error.to_string());
        let runtime = Runtime::new().map_err(wrong)?;
        runtime.set_memory_limit(setup.memory_bytes);
        runtime.set_max_stack_size(SCRIPT_STACK_BYTES_MAX);
        let watch = Watch {
            deadline: Rc::new(Cell::new(Instant::now())),
            rang: Rc::new(Cell::new(false)),
        };
        let looks = watch.clone();
        runtime.set_interrupt_handler(Some(Box::new(move || looks.is_over())));
        let context = Context::full(&runtime).map_err(wrong)?;
        Ok(Self {
            runtime,
            context,
            watch,
            logged: Rc::new(Cell::new(0)),
        })
    }

    fn load(&self, setup: &Setup) -> Result<(), ScriptFault> {
        self.within(setup, |ctx| {
            self.console(ctx)?;
            let mut options = EvalOptions::default();
            options.strict = false;
            options.filename = Some(setup.file.clone());
            ctx.eval_with_options::<(), _>(setup.source.as_str(), options)?;
            self.run_jobs(ctx);
            Ok(())
        })?;
        let found: String = self.within(setup, |ctx| {
            // An expression, so that `const sign = …` is found as well, which is no property of the global object.
            // Safe to evaluate: names and dots (`SignerAddress` checks).
            let first = setup.function.split('.').next().unwrap_or_default();
            ctx.eval(format!(
                "typeof {first} === 'undefined' ? 'nothing' : typeof {}",
                setup.function
            ))
        })?;
        match found.as_str() {
            "function" => Ok(()),
            "undefined" => Err(ScriptFault::NoFunction {
                found: "nothing".to_owned(),
            }),
            _ => Err(ScriptFault::NoFunction { found }),
        }
    }

    /// Runs what promises have queued, until nothing is left or the time is over: jobs may queue jobs for ever.
    fn run_jobs(&self, ctx: &Ctx<'_>) {
        while !self.watch.is_over() && ctx.execute_pending_job() {}
    }

    /// Gives `console` to the script.
    fn console(&self, ctx: &Ctx<'_>) -> Result<(), Error> {
        let logged = Rc::clone(&self.logged);
        let say = Function::new(ctx.clone(), move |level: String, text: String| {
            let count = logged.get();
            logged.set(count.saturating_add(1));
            if count < SCRIPT_LOG_LINES_MAX {
                let text = excerpt(&text, SCRIPT_LOG_CHARS_MAX);
                // A parent that is gone is noticed when the next line is read.
                let _ = say(&Said::Log { level, text });
            }
        })?;
        let install: Function<'_> = ctx.eval(CONSOLE)?;
        install.call((say,))
    }

    /// Calls the function with the request, waits for its promise if it gives one, and makes JSON of what comes.
    fn call(&self, setup: &Setup, request: &str) -> Result<Box<RawValue>, ScriptFault> {
        self.logged.set(0);
        let json = self.within(setup, |ctx| {
            // Called by its path, so that `api.sign` has `api` as its `this`.
            let function: Function<'_> =
                ctx.eval(format!("(request) => {}(request)", setup.function))?;
            let given: Value<'_> = function.call((ctx.json_parse(request)?,))?;
            let value = match given.as_promise() {
                Some(promise) => {
                    self.run_jobs(ctx);
                    promise.result().unwrap_or(Err(Error::WouldBlock))?
                }
                None => given,
            };
            let kind = kind(&value);
            match ctx.json_stringify(value)? {
                Some(json) => Ok(Ok(json.to_string()?)),
                None => Ok(Err(ScriptFault::NoAnswer { kind })),
            }
        })??;
        if json.len() > SIGN_ANSWER_BYTES_MAX {
            return Err(ScriptFault::TooLong {
                bytes: json.len(),
                limit: SIGN_ANSWER_BYTES_MAX,
            });
        }
        RawValue::from_string(json).map_err(|_| ScriptFault::NoAnswer {
            kind: "no JSON".to_owned(),
        })
    }

    /// Does something in the engine within the time of a call, and says what went wrong.
    fn within<T>(
        &self,
        setup: &Setup,
        work: impl FnOnce(&Ctx<'_>) -> Result<T, Error>,
    ) -> Result<T, ScriptFault> {
        let time = Duration::from_millis(setup.time_ms);
        self.watch.rang.set(false);
        self.watch.deadline.set(Instant::now() + time);
        self.context.with(|ctx| {
            let done = work(&ctx);
            // A promise job, or a script that catches everything, may have swallowed the interrupt.
            if !self.watch.rang.get()
                && let Ok(value) = done
            {
                return Ok(value);
            }
            // Reading the error runs the script again (getters, toString), and has its own time.
            let rang = self.watch.rang.get();
            self.watch.deadline.set(Instant::now() + time);
            Err(self.fault(&ctx, setup, done.err(), rang))
        })
    }

    fn fault(&self, ctx: &Ctx<'_>, setup: &Setup, error: Option<Error>, rang: bool) -> ScriptFault {
        if matches!(error, Some(Error::WouldBlock)) && !rang {
            return ScriptFault::NeverSettled;
        }
        let thrown = ctx.catch();
        let at = place(&thrown, &setup.file);
        if rang {
            // The engine notes lines at calls, so that of an interrupt is of the last call, and would mislead.
            let at = at.filter(|at| at.function.is_some());
            return ScriptFault::Slow {
                after_ms: setup.time_ms,
                at: at.map(|at| ScriptPlace { line: None, ..at }),
            };
        }
        let message = match &error {
            Some(Error::Exception) | None => words(ctx, &thrown),
            Some(other) => other.to_string(),
        };
        // Where there is no memory for an error, `null` is thrown in its place.
        if message.contains("out of memory") || (thrown.is_null() && self.is_nearly_full()) {
            return ScriptFault::Memory {
                limit_bytes: setup.memory_bytes,
                at,
            };
        }
        ScriptFault::Threw {
            message: excerpt(&message, WORDS_CHARS_MAX),
            at,
        }
    }

    fn is_nearly_full(&self) -> bool {
        let usage = self.runtime.memory_usage();
        usage.malloc_size > usage.malloc_limit / 2
    }
}

fn kind(value: &Value<'_>) -> String {
    match value.type_name() {
        "undefined" => "undefined (no return?)".to_owned(),
        name => format!("a {name}"),
    }
}

/// `TypeError: x is not a function`, or what was thrown, as text.
fn words<'js>(ctx: &Ctx<'js>, thrown: &Value<'js>) -> String {
    let to_text: Result<Function<'js>, Error> = ctx.eval("(value) => String(value)");
    let text = to_text.and_then(|to_text| to_text.call::<_, String>((thrown.clone(),)));
    text.unwrap_or_else(|_| {
        ctx.catch();
        format!("a {} without words", thrown.type_name())
    })
}

/// The first place of the script in the stack of an error: `    at sign (sign.js:3:5)`.
fn place(thrown: &Value<'_>, file: &str) -> Option<ScriptPlace> {
    let stack: String = thrown.as_object()?.get("stack").ok()?;
    stack.lines().find_map(|frame| {
        let frame = frame.trim().strip_prefix("at ")?;
        let (function, rest) = frame.split_once(file)?;
        let mut numbers = rest.trim_end_matches(')').split(':');
        let line = Some(numbers.nth(1)?.parse().ok()?);
        let function = function.trim_end_matches('(').trim();
        Some(ScriptPlace {
            function: (!function.is_empty() && !function.starts_with('<'))
                .then(|| function.to_owned()),
            line,
        })
    })
}
