//! opforge's session machine beside Telltale's protocol machine, in one process: messages per second of a ping-pong, and what
//! coroutines and sessions cost, as markdown tables.
//!
//! `just bench-telltale`, or `cargo run --release --locked --manifest-path bench/telltale/Cargo.toml --` and `--samples N` (runs
//! of each work, in turns, default 5), `--messages N` (of ours a run, default 1,000,000), `--steps N,N,...` (instructions
//! of the peer's a run, default 500,2000,8000), `--part messages|rest` (default both).
//!
//! Time is CPU time of the thread, and the setting-up of machines is left out. Before anything is timed, both must report the same
//! messages at the same ticks under the schedule that both have. While they are timed, the peer's host counts its messages, and
//! ours are as many as its events say for the same fuel. The exit code is 1 if the ratio is less than [`REQUIRED`].

#[path = "../../../benches/support/clock.rs"]
mod clock;
#[path = "../../../benches/support/conditions.rs"]
mod conditions;
mod ours;
mod peer;
#[path = "../../../benches/sessions/programs.rs"]
#[allow(dead_code, reason = "the bench of sessions runs the rest")]
mod programs;
mod report;
mod rounds;

use opforge_vm::session::SessionConfig;
use ours::Programs;
use peer::Config;
use rounds::{Sample, Work, rounds};
use std::process::ExitCode;

/// How many times the peer's messages per second are wanted.
const REQUIRED: f64 = 500.0;
/// Steps of the peer's that make a sample, in as many machines as need be.
const LONGEST: usize = 8_000;

fn main() -> ExitCode {
    let options = Options::parse();
    let programs = Programs::new();
    report::conditions(options.samples);
    let met = !options.has_part("messages") || messages(&options, &programs);
    if options.has_part("rest") {
        rest(&options, &programs);
    }
    report::load("after");
    if met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

struct Options {
    samples: usize,
    messages: u64,
    steps: Vec<usize>,
    part: Option<String>,
}

impl Options {
    fn parse() -> Self {
        let mut options =
            Self { samples: 5, messages: 1_000_000, steps: vec![500, 2_000, 8_000], part: None };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let value = args.next().unwrap_or_else(|| usage(&format!("{arg} needs a value")));
            match &*arg {
                "--samples" => options.samples = count(&value),
                "--messages" => options.messages = count(&value) as u64,
                "--steps" => options.steps = value.split(',').map(count).collect(),
                "--part" if ["messages", "rest"].contains(&&*value) => options.part = Some(value),
                _ => usage(&format!("{arg} {value} is no option")),
            }
        }
        options
    }

    fn has_part(&self, name: &str) -> bool {
        self.part.as_ref().is_none_or(|part| part == name)
    }
}

fn count(text: &str) -> usize {
    let number = text.parse().ok().filter(|&number| number > 0);
    number.unwrap_or_else(|| usage(&format!("{text} is no positive number")))
}

fn usage(problem: &str) -> ! {
    eprintln!("{problem}; see the top of bench/telltale/src/main.rs");
    std::process::exit(2);
}

/// The ping-pong. Says whether the ratio is as wanted.
fn messages(options: &Options, programs: &Programs) -> bool {
    let kinds = [
        ("opforge, events off", ours::quiet()),
        ("opforge, default (a million events kept)", SessionConfig::default()),
        ("opforge, events off, the peer's schedule", ours::reference()),
    ];
    // The peer's steps and, by the events that both agree on, its messages.
    let mut sizes = Vec::new();
    for &steps in &options.steps {
        let events = programs.events(steps);
        // The peer's events cost quadratic time.
        if steps <= 2_000 {
            assert!(
                events == peer::events(steps),
                "both have the same messages at the same ticks of {steps}"
            );
        }
        sizes.push((steps, events.iter().filter(|event| event.1).count() as u64));
    }

    let (mut names, mut works): (Vec<String>, Vec<Work<'_>>) = Default::default();
    for (name, config) in &kinds {
        programs.checked(config, options.messages);
        names.push((*name).into());
        works.push(Box::new(|| programs.messages(config, options.messages)));
    }
    for config in Config::ALL {
        for &(steps, expected) in &sizes {
            names.push(format!("Telltale, {}, {steps} steps", config.name()));
            works.push(Box::new(move || {
                Sample::sum((0..(LONGEST / steps).max(1)).map(|_| {
                    let sample = peer::messages(config, steps);
                    assert_eq!(sample.count, expected, "as many messages as ours in {steps} steps");
                    sample
                }))
            }));
        }
    }
    let figures = rounds(options.samples, &mut works);
    report::messages(&names, &figures, kinds.len())
}

/// Coroutines and sessions, the peer in both of its configurations that may be the fastest.
fn rest(options: &Options, programs: &Programs) {
    type Peers = fn(Config) -> Sample;
    let repeats =
        |what, coroutines| -> Work<'_> { Box::new(move || programs.repeats(what, coroutines, 500_000)) };
    let kinds: [(&str, Work<'_>, Peers); 6] = [
        ("yield, 1 coroutine", repeats(ours::YIELD, 1), |config| peer::yields(config, 1, 4_000)),
        ("yield, 256 coroutines", repeats(ours::YIELD, 256), |config| peer::yields(config, 256, 2_048)),
        ("spawn and halt, 100 of the peer's", repeats(ours::SPAWN, 1), |config| peer::children(config, 100)),
        ("spawn and halt, 800 of the peer's", repeats(ours::SPAWN, 1), |config| peer::children(config, 800)),
        ("open and close a session of 2 roles", repeats(ours::OPEN, 1), |config| peer::opens(config, 100)),
        ("load one: open, a coroutine a role", Box::new(|| programs.sessions(1_000)), |config| {
            peer::sessions(config, 100)
        }),
    ];
    let (mut names, mut works): (Vec<&str>, Vec<Work<'_>>) = Default::default();
    for (name, ours, peers) in kinds {
        names.push(name);
        works.push(ours);
        works.extend(Config::FAST.map(|config| -> Work<'_> { Box::new(move || peers(config)) }));
    }
    report::rest(&names, &rounds(options.samples, &mut works));
}
