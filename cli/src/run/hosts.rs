//! The host functions that programs find when the command line runs them, and what they note of their calls.

use super::log::{Call, Log};
use crate::output::{Out, to_stderr};
use crate::text::clean_lines;
use opforge::{Caller, Capability, HostError, Linker, Value};
use std::cell::RefCell;
use std::rc::Rc;

/// Where `env.print` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Stdout,
    Stderr,
}

/// What becomes of host calls.
#[derive(Debug)]
enum Role {
    /// They take effect.
    Live,
    /// They take effect and are noted.
    Record,
    /// They are noted, have no effect, and are answered as before: from this call on (the first is 1), `env.print`
    /// fails.
    Replay { closed_at: Option<u64> },
}

/// Standard output during a run.
pub(crate) type SharedOut = Rc<RefCell<Out>>;

/// What host functions of a run write to. It holds standard output for the time of the run.
#[derive(Debug)]
pub(crate) struct Console {
    out: SharedOut,
    target: Target,
    role: Role,
    log: Log,
}

impl Console {
    /// Takes standard output; nothing is noted.
    pub(crate) fn live(out: &mut Out, target: Target) -> Self {
        Self::new(std::mem::replace(out, Out::stdout()), target, Role::Live)
    }

    /// Takes standard output, and notes every call.
    pub(super) fn record(out: &mut Out, target: Target) -> Self {
        Self::new(std::mem::replace(out, Out::stdout()), target, Role::Record)
    }

    /// Writes nothing; answers calls as they were answered when this log was recorded.
    pub(super) fn replay(recorded: &Log, target: Target) -> Self {
        Self::new(Out::stdout(), target, Role::Replay { closed_at: recorded.closed_at })
    }

    fn new(out: Out, target: Target, role: Role) -> Self {
        Self { out: Rc::new(RefCell::new(out)), target, role, log: Log::default() }
    }

    /// Standard output, for others that write to it in between.
    pub(crate) fn share(&self) -> SharedOut {
        Rc::clone(&self.out)
    }

    /// Gives standard output back, which nobody may share any more.
    pub(crate) fn give_back(self, out: &mut Out) {
        if let Some(own) = Rc::into_inner(self.out) {
            *out = own.into_inner();
        }
    }

    /// What was noted.
    pub(super) fn log(&self) -> &Log {
        &self.log
    }

    fn note(&mut self, symbol: &'static str, argument: &Value, fuel: u64) {
        if !matches!(self.role, Role::Live) {
            self.log.call(Call::new(symbol, argument, fuel));
        }
    }

    fn print(&mut self, text: &str) -> Result<(), HostError> {
        let line = clean_lines(text);
        let on_stdout = self.target == Target::Stdout;
        let closed = match self.role {
            Role::Replay { closed_at } => closed_at.is_some_and(|at| self.log.calls() >= at),
            _ if on_stdout => {
                let mut out = self.out.borrow_mut();
                out.line(&line);
                out.is_closed()
            }
            _ => {
                to_stderr(&format!("{line}\n"));
                false
            }
        };
        if !matches!(self.role, Role::Live) {
            self.log.output(if on_stdout { "stdout" } else { "stderr" }, &line);
        }
        if closed {
            self.log.closed();
            return Err(HostError::failed("standard output is closed"));
        }
        Ok(())
    }

    fn log_line(&mut self, text: &str) {
        let line = format!("log: {}", clean_lines(text));
        if !matches!(self.role, Role::Replay { .. }) {
            to_stderr(&format!("{line}\n"));
        }
        if !matches!(self.role, Role::Live) {
            self.log.output("stderr", &line);
        }
    }
}

/// A linker with all of them.
pub(crate) fn linker() -> Linker<Console> {
    let mut linker = Linker::new();
    define(&mut linker).expect("no name and signature stands here twice");
    linker
}

type CallOf<'c> = Caller<'c, Console>;

const PRINT: &str = "env.print";
const LOG: &str = "env.log";

fn print(caller: &mut CallOf<'_>, argument: Value) -> Result<(), HostError> {
    let fuel = caller.fuel();
    let console = caller.data_mut();
    console.note(PRINT, &argument, fuel);
    match argument {
        Value::Str(text) => console.print(&text),
        Value::I64(v) => console.print(&v.to_string()),
        Value::U64(v) => console.print(&v.to_string()),
        Value::F64(v) => console.print(&super::value::float(v)),
        Value::Bool(v) => console.print(&v.to_string()),
        _ => Err(HostError::SignatureMismatch),
    }
}

fn define(linker: &mut Linker<Console>) -> Result<(), Box<dyn std::error::Error>> {
    let free = Capability::none;
    linker
        .func(PRINT, free(), |c: &mut CallOf<'_>, text: String| print(c, Value::Str(text)))?
        .func(PRINT, free(), |c: &mut CallOf<'_>, v: i64| print(c, Value::I64(v)))?
        .func(PRINT, free(), |c: &mut CallOf<'_>, v: u64| print(c, Value::U64(v)))?
        .func(PRINT, free(), |c: &mut CallOf<'_>, v: f64| print(c, Value::F64(v)))?
        .func(PRINT, free(), |c: &mut CallOf<'_>, v: bool| print(c, Value::Bool(v)))?
        .func(LOG, Capability::named("log"), |c: &mut CallOf<'_>, text: String| {
            let fuel = c.fuel();
            let text = Value::Str(text);
            c.data_mut().note(LOG, &text, fuel);
            if let Value::Str(text) = &text {
                c.data_mut().log_line(text);
            }
        })?;
    Ok(())
}
