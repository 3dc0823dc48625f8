//! The host functions that programs find when the command line runs them.

use crate::output::{Out, to_stderr};
use crate::text::clean_lines;
use opforge::{Caller, Capability, HostError, Linker};

/// Where `env.print` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Stdout,
    Stderr,
}

/// What host functions of a run write to. It holds standard output for the time of the run.
#[derive(Debug)]
pub(super) struct Console {
    out: Out,
    target: Target,
}

impl Console {
    /// Takes standard output.
    pub(super) fn new(out: &mut Out, target: Target) -> Self {
        Self { out: std::mem::replace(out, Out::stdout()), target }
    }

    /// Gives standard output back.
    pub(super) fn give_back(self, out: &mut Out) {
        *out = self.out;
    }

    fn print(&mut self, text: &str) -> Result<(), HostError> {
        let text = clean_lines(text);
        match self.target {
            Target::Stderr => to_stderr(&format!("{text}\n")),
            Target::Stdout => self.out.line(&text),
        }
        if self.out.is_closed() { Err(HostError::failed("standard output is closed")) } else { Ok(()) }
    }
}

/// A linker with all of them.
pub(super) fn linker() -> Linker<Console> {
    let mut linker = Linker::new();
    define(&mut linker).expect("no name and signature stands here twice");
    linker
}

type Call<'c> = Caller<'c, Console>;

fn define(linker: &mut Linker<Console>) -> Result<(), Box<dyn std::error::Error>> {
    const PRINT: &str = "env.print";
    let free = Capability::none;
    linker
        .func(PRINT, free(), |c: &mut Call<'_>, text: String| c.data_mut().print(&text))?
        .func(PRINT, free(), |c: &mut Call<'_>, v: i64| c.data_mut().print(&v.to_string()))?
        .func(PRINT, free(), |c: &mut Call<'_>, v: u64| c.data_mut().print(&v.to_string()))?
        .func(PRINT, free(), |c: &mut Call<'_>, v: f64| c.data_mut().print(&super::value::float(v)))?
        .func(PRINT, free(), |c: &mut Call<'_>, v: bool| c.data_mut().print(&v.to_string()))?
        .func("env.log", Capability::named("log"), |_: &mut Call<'_>, text: String| {
            to_stderr(&format!("log: {}\n", clean_lines(&text)));
        })?;
    Ok(())
}
