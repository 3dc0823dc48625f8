//! opforge's engines beside wasmi, execution_tape, Lua and native Rust, on the ten workloads of `../shared/workloads`: time a
//! unit of work, what loading a program costs, and whether that is what it must be, as markdown tables.
//!
//! `just bench-peers`, or `cargo run --release --locked --manifest-path bench/peers/Cargo.toml --`; `--help` lists the
//! options. Figures are taken as `benches/support/sampling.rs` says. Before an engine is timed, and at every run of it while it
//! is, its result must be native Rust's.
//!
//! opforge's interpreter and wasmi are built with one dispatcher of two each, so their portable ones are in a second build,
//! which this one makes beside itself and drives by the worker protocol. With the argument `worker` a build answers that
//! protocol itself: this one for the engines of both.

#[path = "../../../benches/support/clock.rs"]
mod clock;
#[path = "../../../benches/support/conditions.rs"]
mod conditions;
mod engines;
mod figures;
mod portable;
mod processes;
mod protocol;
mod remote;
#[path = "../../../benches/support/sampling.rs"]
#[allow(dead_code, reason = "other benches do not time themselves")]
mod sampling;
mod tables;
#[cfg(feature = "all-engines")]
#[path = "../../../benches/support/tape.rs"]
mod tape;
#[cfg(test)]
mod tests;
mod verdicts;
mod worker;
#[path = "../../workloads/mod.rs"]
#[allow(dead_code, reason = "other benches read the rest")]
mod workloads;

use clap::{Parser, Subcommand, ValueEnum};
use engines::Engine;
use figures::{Loads, Row, Taken};
use sampling::Guard;
use std::io;
use std::path::{Path, PathBuf};
use workloads::Workload;

/// opforge's engines beside their peers.
#[derive(Debug, Parser)]
struct Options {
    #[command(subcommand)]
    command: Option<Command>,
    /// What to measure; both by default.
    #[arg(long)]
    part: Option<Part>,
    /// Rounds of each workload in each process, and of loading.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    samples: u16,
    /// Processes that measure the workloads, one behind the other.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    processes: u16,
    /// Only workloads whose name contains this text.
    #[arg(long, default_value = "")]
    only: String,
    /// Only the engines with these names.
    #[arg(long, value_delimiter = ',')]
    engines: Vec<String>,
    /// Do without the engines of the second build.
    #[arg(long, conflicts_with = "portable")]
    no_portable: bool,
    /// The second build's program; it is built where this is not given.
    #[arg(long)]
    portable: Option<PathBuf>,
    /// Write the report to this file too.
    #[arg(long)]
    report: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    Run,
    Load,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
enum Command {
    /// Answer the worker protocol on stdin and stdout.
    Worker,
    /// Measure the workloads in this process alone, for the process that puts the figures together.
    #[command(hide = true)]
    Measure,
}

fn main() -> io::Result<()> {
    let options = Options::parse();
    if cfg!(debug_assertions) {
        eprintln!("this build is not optimised: its figures say nothing");
    }
    let mut engines = engines::all();
    // The second build has none below it.
    let portable = (cfg!(feature = "all-engines") && !options.no_portable)
        .then(|| options.portable.clone().unwrap_or_else(portable::build));
    engines.extend(portable.as_deref().map(remote::engines).into_iter().flatten());
    if let Some(unknown) = options.engines.iter().find(|name| engines.iter().all(|e| e.name != **name)) {
        let known: Vec<&str> = engines.iter().map(|engine| &*engine.name).collect();
        eprintln!("there is no engine {unknown}; there are {}", known.join(", "));
        std::process::exit(3);
    }
    engines.retain(|engine| options.engines.is_empty() || options.engines.contains(&engine.name));
    match options.command {
        Some(Command::Worker) => worker::answer_all(engines, io::stdin().lock(), io::stdout().lock()),
        Some(Command::Measure) => {
            serde_json::to_writer(io::stdout().lock(), &measure(&options, &mut engines)).map_err(Into::into)
        }
        None => {
            let report = report(&options, &mut engines, portable.as_deref());
            print!("{report}");
            options.report.as_deref().map_or(Ok(()), |path| write(path, &report))
        }
    }
}

/// The workloads that are wanted.
fn workloads(options: &Options) -> impl Iterator<Item = Workload> {
    workloads::shared().into_iter().filter(|workload| workload.name.contains(&options.only))
}

/// All workloads in this process.
fn measure(options: &Options, engines: &mut [Engine]) -> Vec<Taken> {
    let mut guard = Guard::new();
    let rounds = usize::from(options.samples);
    workloads(options)
        .map(|workload| {
            eprintln!("  {}", workload.name);
            Taken::new(&mut guard, engines, &workload, rounds)
        })
        .collect()
}

/// The whole report.
fn report(options: &Options, engines: &mut [Engine], portable: Option<&Path>) -> String {
    let before = conditions::load();
    let mut rows = Vec::new();
    if options.part != Some(Part::Load) {
        let processes = processes::measure(options, portable);
        rows.extend(workloads(options).map(|workload| Row::new(workload, &processes)));
    }
    let rounds = usize::from(options.samples);
    let loads = (options.part != Some(Part::Run)).then(|| {
        eprintln!("loading");
        Loads::new(&mut Guard::new(), engines, rounds)
    });
    let mut report = head(options, engines, &before);
    if !rows.is_empty() {
        report += &tables::times(engines, &rows);
        let ours = |name| engines.iter().position(|engine| engine.name == name);
        for engine in ["opforge-interp", "opforge-interp-loop"].into_iter().filter_map(ours) {
            report += &tables::ratios(engines, &rows, engine);
        }
    }
    report.extend(loads.as_ref().map(|loads| tables::loads(loads, rounds)));
    report + &verdicts::table(engines, &rows, loads.as_ref())
}

/// Machine, versions, command.
fn head(options: &Options, engines: &[Engine], load_before: &str) -> String {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let versions: Vec<String> =
        engines.iter().map(|engine| format!("{} ({})", engine.name, engine.version)).collect();
    format!(
        "# opforge beside its peers\n\nWritten by `bench/peers`; [README.md](README.md) says how.\n\n\
         - Command: `just bench-peers {}`; {} processes of {} rounds.\n\
         - Machine: {}. Load before: {load_before}; after: {}.\n\
         - Built by {} with fat LTO, from {}.\n\
         - Engines: {}. opforge meters fuel in every engine; wasmi where its name says so.\n",
        args.join(" "),
        options.processes,
        options.samples,
        conditions::machine(),
        conditions::load(),
        conditions::rustc(),
        conditions::commit(env!("CARGO_MANIFEST_DIR")),
        versions.join(", "),
    )
}

/// Writes a file whole or not at all.
fn write(path: &Path, report: &str) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}.tmp", std::process::id()));
    std::fs::write(&temporary, report)?;
    std::fs::rename(&temporary, path)
}
