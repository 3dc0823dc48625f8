//! Text, bytes and aggregates: opforge against execution_tape 0.0.1 on the same container bytes, in turns, as a markdown
//! table. Each program is a loop with one instruction nine times in it; the same loop with it once is taken off.
//!
//! `cargo bench --bench handles` prints everything. Arguments after `--`:
//! `--only TEXT` (programs whose name contains it), `--rounds N` (default 9),
//! `--ours N` (runs the chosen programs N times on opforge alone, for callgrind and other profilers),
//! `--base` (with `--ours`: the loops with the instruction once).

#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "other benches use the rest")]
mod support;

#[path = "../support/sampling.rs"]
#[allow(dead_code, reason = "other benches use the rest")]
mod sampling;

mod programs;

use opforge_vm::FuelSchedule;
use programs::Case;
use sampling::{Guard, Samples, interleaved};
use std::hint::black_box;
use support::clock;
use support::engines::{Ours, PLENTY, Peer};
use support::programs::Workload;

struct Options {
    rounds: usize,
    only: String,
    ours: Option<u32>,
    base: bool,
}

impl Options {
    fn parse() -> Self {
        let mut options = Self { rounds: 9, only: String::new(), ours: None, base: false };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut value = || args.next().unwrap_or_else(|| usage(&format!("{arg} needs a value")));
            match &*arg {
                // Cargo passes this to every bench target.
                "--bench" => {}
                "--only" => options.only = value(),
                "--rounds" => options.rounds = number(&value()),
                "--ours" => options.ours = Some(number(&value())),
                "--base" => options.base = true,
                _ => usage(&format!("unknown argument {arg}")),
            }
        }
        options
    }
}

fn number<N: std::str::FromStr>(text: &str) -> N {
    text.parse().unwrap_or_else(|_| usage(&format!("{text} is not a number")))
}

fn usage(problem: &str) -> ! {
    eprintln!("{problem}; see the top of benches/handles/main.rs");
    std::process::exit(3);
}

fn main() {
    let options = Options::parse();
    let mut cases = programs::all();
    cases.extend(programs::constants());
    cases.retain(|case| case.workload.name.contains(&options.only));
    if let Some(runs) = options.ours {
        for case in &cases {
            profile(case.base.as_ref().filter(|_| options.base).unwrap_or(&case.workload), runs);
        }
        return;
    }
    let mut guard = Guard::new();
    println!(
        "\n| program | operations | opforge ns/op | execution_tape ns/op | ratio of runs | quiet rounds |"
    );
    println!("|---|---:|---:|---:|---:|---:|");
    for case in &cases {
        let samples = measure(&mut guard, options.rounds, case, &case.workload);
        let base = case.base.as_ref().map(|base| measure(&mut guard, options.rounds, case, base));
        let net =
            |work| (samples.ns(work) - base.as_ref().map_or(0.0, |base| base.ns(work))) / case.ops as f64;
        println!(
            "| {} | {} | {:.2} | {:.2} | {:.1} | {} |",
            case.workload.name,
            case.ops,
            net(0),
            net(1),
            samples.ratio(1, 0),
            samples.quiet,
        );
    }
}

/// Runs a program on opforge alone.
fn profile(workload: &Workload, runs: u32) {
    let mut ours = Ours::new(workload, FuelSchedule::default());
    for _ in 0..runs {
        assert_eq!(black_box(ours.run()).0, workload.expected, "{}", workload.name);
    }
}

/// Nanoseconds of a run on opforge and on execution_tape.
fn measure(guard: &mut Guard, rounds: usize, case: &Case, workload: &Workload) -> Samples {
    let mut ours = Ours::new(workload, FuelSchedule::default());
    let mut peer = Peer::new(workload, PLENTY);
    let mut works: [Box<dyn FnMut() + '_>; 2] = [
        Box::new(|| assert_eq!(black_box(ours.run()).0, workload.expected, "{}", workload.name)),
        Box::new(|| {
            if case.leaks {
                peer.renew(PLENTY);
            }
            assert_eq!(black_box(peer.try_run()), Some(workload.expected), "{}", workload.name);
        }),
    ];
    interleaved(guard, rounds, &mut works)
}
