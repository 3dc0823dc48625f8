//! The command line.
//!
//! Exit codes: 0 all cases passed, 1 some case failed, 2 a file cannot be read or is not what it should be, 3 the
//! command line is wrong.

use crate::engine::EngineKind;
use crate::examples;
use crate::extape::{self, Case, Deviations};
use crate::numeric::{self, Row};
use crate::report::Report;
use crate::sessions::{self, Printing};
use std::fmt::Write as _;
use std::fs;

/// What is printed for `--help`.
pub const HELP: &str = "\
Runs case files on the engines of opforge and names every difference.

Usage:
  opforge-conformance extape FILE.jsonl...     cases of the EXTAPE corpus
  opforge-conformance wasm-numeric FILE.csv... numeric rows of the WebAssembly core test suite
  opforge-conformance spec-examples            the examples in the opcode spec
  opforge-conformance sessions FILE.json...    coroutines that talk over sessions

Options:
  --engine NAME   run on this engine; may be given more than once: interp; jit; parity, which is both side by side, so
                  that they must agree in all that can be seen; all (default), also called both: interp and parity
  --only TEXT     only extape cases whose name contains TEXT
  --case NAME     only the session case of this name
  --trace         also print the events of session cases
  --list          also list the extape cases that differ on purpose, and the committed list's reasons
  -h, --help      print this

The last line of the output is `N passed, M failed`; what is above it names the failed cases and counts what was run,
skipped, or different on purpose.

extape: every container decodes and verifies, or is refused, as the case says; canonical containers are written back
byte for byte; every run ends as expected, with the expected fuel and host calls, runs out with one unit of fuel less,
and is the same with its fuel in slices, traced, and with fuel charged by size. Differences on purpose are checked one by one: conformance/deviations.txt.
wasm-numeric: every row whose operation has a twin runs as a program of one instruction, its operands as arguments and
as constants, its condition also as a branch. Rows that are not run are counted with the reason; an operation without a
twin must stand in conformance/unmapped.txt, one with a twin must not.
sessions: every case becomes a program of one instruction for each of the case, goes through a container, is accepted or
refused as the case says, and runs under the reference schedule with exactly the events, ticks, ends and registers that
the case says; refused programs run without the verifier's checks of sessions.

Exit codes: 0 all passed, 1 some failed, 2 a file is unreadable or wrong, 3 wrong usage.
";

/// What to print and how to exit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finish {
    /// For standard output.
    pub output: String,
    /// For standard error.
    pub errors: String,
    /// The exit code.
    pub code: u8,
}

impl Finish {
    fn usage(error: &str) -> Self {
        let errors = format!("error: {error}\nhelp: `opforge-conformance --help` shows the usage\n");
        Self { output: String::new(), errors, code: 3 }
    }

    fn input(error: &str) -> Self {
        Self { output: String::new(), errors: format!("error: {error}\n"), code: 2 }
    }
}

/// What the arguments say.
#[derive(Debug, Default)]
struct Options {
    engines: Vec<EngineKind>,
    only: Option<String>,
    case: Option<String>,
    printing: Printing,
    list: Listing,
    operands: Vec<String>,
    help: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Listing {
    #[default]
    Failures,
    Deviations,
}

fn parse(args: &[String]) -> Result<Options, String> {
    let mut options = Options::default();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
        match arg.as_str() {
            "-h" | "--help" => options.help = true,
            "--list" => options.list = Listing::Deviations,
            "--case" => options.case = Some(value()?.clone()),
            "--trace" => options.printing = Printing::Events,
            "--only" => options.only = Some(value()?.clone()),
            "--engine" => match value()?.as_str() {
                "all" | "both" => options.engines.extend(EngineKind::ALL),
                name => options.engines.push(name.parse()?),
            },
            other if other.starts_with('-') => return Err(format!("there is no option {other}")),
            other => options.operands.push(other.to_owned()),
        }
    }
    if options.engines.is_empty() {
        options.engines.extend(EngineKind::ALL);
    }
    options.engines.dedup();
    Ok(options)
}

/// Runs the command line, without the program's name.
#[must_use]
pub fn run(args: &[String]) -> Finish {
    let options = match parse(args) {
        Ok(options) => options,
        Err(error) => return Finish::usage(&error),
    };
    if options.help {
        return Finish { output: HELP.to_owned(), errors: String::new(), code: 0 };
    }
    let Some((command, files)) = options.operands.split_first() else {
        return Finish::usage("a command is missing: extape, wasm-numeric, spec-examples or sessions");
    };
    let mut report = Report::new();
    let outcome = match (command.as_str(), files.is_empty()) {
        ("extape", false) => run_extape(files, &options, &mut report),
        ("wasm-numeric", false) => run_numeric(files, &options, &mut report),
        ("sessions", false) => run_sessions(files, &options, &mut report),
        ("spec-examples", true) => examples::run_examples(&options.engines, &mut report),
        ("extape" | "wasm-numeric" | "sessions", true) => {
            return Finish::usage(&format!("{command} needs at least one file"));
        }
        ("spec-examples", false) => return Finish::usage("spec-examples takes no files"),
        _ => return Finish::usage(&format!("there is no command {command}")),
    };
    if let Err(error) = outcome {
        return Finish::input(&error);
    }
    let mut output = String::new();
    if options.list == Listing::Deviations {
        for (name, how) in report.deviating() {
            // Writing to a string cannot fail.
            let _ = writeln!(output, "DIFFERS {name}: {how}");
        }
    }
    let _ = writeln!(output, "{report}");
    Finish { output, errors: String::new(), code: u8::from(report.failed() > 0) }
}

/// Reads all files before anything runs, so that a bad one is not found late.
fn read_all<T>(files: &[String], read: impl Fn(&str) -> Result<Vec<T>, String>) -> Result<Vec<T>, String> {
    let mut all = Vec::new();
    for file in files {
        let text = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
        all.extend(read(&text).map_err(|error| format!("{file}: {error}"))?);
    }
    Ok(all)
}

fn run_extape(files: &[String], options: &Options, report: &mut Report) -> Result<(), String> {
    let mut cases = read_all(files, Case::from_lines)?;
    if let Some(only) = &options.only {
        cases.retain(|case| case.name.contains(only.as_str()));
        if cases.is_empty() {
            return Err(format!("no case has {only:?} in its name"));
        }
    }
    let deviations = Deviations::committed()?;
    extape::run_cases(&cases, &options.engines, &deviations, report);
    if options.list == Listing::Deviations {
        for (name, listed, reason) in deviations.iter() {
            report.note(format!("listed: {name}: {listed:?}: {reason}"));
        }
    }
    Ok(())
}

fn run_numeric(files: &[String], options: &Options, report: &mut Report) -> Result<(), String> {
    let rows = read_all(files, Row::from_csv)?;
    numeric::run_rows(&rows, &options.engines, report)
}

fn run_sessions(files: &[String], options: &Options, report: &mut Report) -> Result<(), String> {
    let mut cases = read_all(files, sessions::Case::from_file)?;
    if let Some(name) = &options.case {
        cases.retain(|case| case.name == *name);
        if cases.is_empty() {
            return Err(format!("no case is called {name:?}"));
        }
    }
    sessions::run_cases(&cases, &options.engines, options.printing, report);
    Ok(())
}
