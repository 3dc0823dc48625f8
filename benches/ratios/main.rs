//! opforge against execution_tape 0.0.1 on the same container bytes, as markdown tables.
//!
//! `cargo bench --bench ratios` prints everything. Arguments after `--`:
//! `--samples N` (default 9), `--only TEXT` (programs whose name contains it), `--part run|verify|decode`,
//! `--peer-quadratic` (lets execution_tape verify the shapes that take it seconds and over a gigabyte),
//! `--ours N` (runs the chosen programs N times on opforge alone, for profilers),
//! `--strict` (exit code 1 if a required figure is missed).

#[path = "../support/mod.rs"]
mod support;

use opforge_vm::{Engine, FuelSchedule};
use std::hint::black_box;
use std::time::Duration;
use support::clock::thread_cpu_time;
use support::engines::{Ours, PLENTY, Peer, ours_decode, ours_lower, ours_verify, peer_decode, peer_verify};
use support::programs::{self, Workload};
use support::shapes::{self, Shape};

/// CPU time that one sample of one engine aims at.
const SAMPLE: Duration = Duration::from_millis(40);

fn main() {
    let options = Options::parse();
    let mut met = true;
    let workloads: Vec<Workload> =
        programs::all().into_iter().filter(|workload| workload.name.contains(&options.only)).collect();
    if let Some(runs) = options.ours {
        profile(&workloads, runs);
        return;
    }
    if options.has_part("run") {
        met &= interpret(&workloads, options.samples);
    }
    if options.has_part("verify") {
        met &= verify(&options);
    }
    if options.has_part("decode") {
        decode(options.samples);
    }
    if options.strict && !met {
        eprintln!("a required figure was missed");
        std::process::exit(1);
    }
}

struct Options {
    samples: usize,
    only: String,
    part: Option<String>,
    peer_quadratic: bool,
    ours: Option<u32>,
    strict: bool,
}

impl Options {
    fn parse() -> Self {
        let mut options = Self {
            samples: 9,
            only: String::new(),
            part: None,
            peer_quadratic: false,
            ours: None,
            strict: false,
        };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut value = || args.next().unwrap_or_else(|| usage(&format!("{arg} needs a value")));
            match &*arg {
                // Cargo passes this to every bench target.
                "--bench" => {}
                "--samples" => options.samples = number(&value()),
                "--only" => options.only = value(),
                "--part" => options.part = Some(value()),
                "--ours" => options.ours = Some(number(&value())),
                "--peer-quadratic" => options.peer_quadratic = true,
                "--strict" => options.strict = true,
                _ => usage(&format!("unknown argument {arg}")),
            }
        }
        options
    }

    fn has_part(&self, part: &str) -> bool {
        self.part.as_ref().is_none_or(|chosen| chosen == part)
    }
}

fn number<N: std::str::FromStr>(text: &str) -> N {
    text.parse().unwrap_or_else(|_| usage(&format!("{text} is not a number")))
}

fn usage(problem: &str) -> ! {
    eprintln!("{problem}; see the top of benches/ratios.rs");
    std::process::exit(3);
}

/// Runs programs on opforge alone.
fn profile(workloads: &[Workload], runs: u32) {
    for workload in workloads {
        let (_, instrs) = Ours::new(workload, FuelSchedule::V1).run();
        let mut ours = Ours::new(workload, FuelSchedule::default());
        for _ in 0..runs {
            assert_eq!(black_box(ours.run()).0, workload.expected, "{}", workload.name);
        }
        println!("{}: {instrs} instructions a run, {} runs", workload.name, runs + 1);
    }
}

fn timed(work: impl FnOnce()) -> f64 {
    let start = thread_cpu_time();
    work();
    (thread_cpu_time() - start).as_secs_f64() * 1e9
}

/// How often work must run to fill a sample.
fn repeats(mut work: impl FnMut()) -> u32 {
    work();
    let once = timed(&mut work).max(1.0);
    ((SAMPLE.as_secs_f64() * 1e9 / once).round() as u32).max(1)
}

/// The mean nanoseconds of one repeat.
fn sample(repeats: u32, mut work: impl FnMut()) -> f64 {
    timed(|| (0..repeats).for_each(|_| work())) / f64::from(repeats)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}

/// Medians of interleaved samples: first, second, and second / first. The ratio is the median of the pairs'
/// ratios, so that a machine that changes speed between pairs does not matter.
fn compare(samples: usize, mut first: impl FnMut(), mut second: impl FnMut()) -> (f64, f64, f64) {
    let (first_repeats, second_repeats) = (repeats(&mut first), repeats(&mut second));
    let (mut firsts, mut seconds, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for i in 0..samples {
        let (a, b) = if i % 2 == 0 {
            let a = sample(first_repeats, &mut first);
            (a, sample(second_repeats, &mut second))
        } else {
            let b = sample(second_repeats, &mut second);
            (sample(first_repeats, &mut first), b)
        };
        firsts.push(a);
        seconds.push(b);
        ratios.push(b / a);
    }
    (median(firsts), median(seconds), median(ratios))
}

fn verdict(met: bool) -> &'static str {
    if met { "yes" } else { "NO" }
}

/// Checks that both engines agree with Rust on the result and with each other on the fuel. Returns the number of
/// instructions run.
fn check(workload: &Workload) -> u64 {
    let name = workload.name;
    let (result, instrs) = Ours::new(workload, FuelSchedule::V1).run();
    assert_eq!(result, workload.expected, "{name}: opforge's result");
    // execution_tape does not tell what fuel is left: exactly the fuel used must do, one less must not.
    assert_eq!(Peer::new(workload, instrs).try_run(), Some(workload.expected), "{name}: same fuel");
    assert_eq!(Peer::new(workload, instrs - 1).try_run(), None, "{name}: execution_tape used less fuel");
    instrs
}

fn interpret(workloads: &[Workload], samples: usize) -> bool {
    println!(
        "\n| program | instructions | opforge ns/instr | execution_tape ns/instr | ratio | required | met |"
    );
    println!("|---|---:|---:|---:|---:|---:|---|");
    let mut all_met = true;
    for workload in workloads {
        let instrs = check(workload);
        let mut ours = Ours::new(workload, FuelSchedule::default());
        let mut peer = Peer::new(workload, PLENTY);
        let (ours_ns, peer_ns, ratio) = compare(
            samples,
            || assert_eq!(black_box(ours.run()).0, workload.expected),
            || assert_eq!(black_box(peer.try_run()), Some(workload.expected)),
        );
        let met = ratio >= workload.required;
        all_met &= met;
        println!(
            "| {} | {instrs} | {:.2} | {:.2} | {ratio:.1} | {} | {} |",
            workload.name,
            ours_ns / instrs as f64,
            peer_ns / instrs as f64,
            workload.required,
            verdict(met),
        );
    }
    all_met
}

/// What one stage took: the fastest of some runs, and the peak of memory it held beyond what was there before.
struct Cost {
    ns: f64,
    peak: usize,
}

/// Input is made outside the measurement, output is dropped outside it.
fn cost<I, O>(runs: usize, mut input: impl FnMut() -> I, mut work: impl FnMut(I) -> O) -> Cost {
    let mut best = Cost { ns: f64::INFINITY, peak: 0 };
    for run in 0..=runs {
        let made = input();
        let mut output = None;
        if run == 0 {
            // Counting costs time, so memory gets a run of its own.
            best.peak = allocation_counter::measure(|| output = Some(work(made))).bytes_max as usize;
        } else {
            best.ns = best.ns.min(timed(|| output = Some(black_box(work(made)))));
        }
        drop(output);
    }
    best
}

fn verify(options: &Options) -> bool {
    println!("\nNanoseconds per instruction (fastest of {} runs) and peak memory:", options.samples);
    println!(
        "\n| shape | instructions | bytes | opforge verify | peak | opforge lower | execution_tape verify + lower | peak | met |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---|");
    let mut all_met = true;
    for shape in shapes::all() {
        let Shape { name, bytes, instrs, quadratic_in_peer } = &shape;
        let per_instr = |cost: &Cost| cost.ns / *instrs as f64;
        let megabytes = |cost: &Cost| cost.peak as f64 / 1e6;
        let verified = cost(options.samples, || ours_decode(bytes), ours_verify);
        let engine = Engine::default();
        let checked = ours_verify(ours_decode(bytes));
        let lowered = cost(options.samples, || (), |()| ours_lower(&engine, &checked));
        let peer = if !quadratic_in_peer {
            Some(cost(options.samples, || peer_decode(bytes), peer_verify))
        } else {
            options.peer_quadratic.then(|| cost(1, || peer_decode(bytes), peer_verify))
        };
        let peer = peer.map_or("not run | ".into(), |cost| {
            format!("{:.0} | {:.2} MB", per_instr(&cost), megabytes(&cost))
        });
        let met = per_instr(&verified) <= 1000.0 && verified.peak < 10_000_000;
        all_met &= met;
        println!(
            "| {name} | {instrs} | {} | {:.0} | {:.2} MB | {:.0} | {peer} | {} |",
            bytes.len(),
            per_instr(&verified),
            megabytes(&verified),
            per_instr(&lowered),
            verdict(met),
        );
    }
    println!("\nRequired: at most 1000 ns an instruction and less than 10 MB at every shape.");
    all_met
}

fn decode(samples: usize) {
    println!("\n| decode | bytes | opforge MB/s | execution_tape MB/s | ratio |");
    println!("|---|---:|---:|---:|---:|");
    let shapes = shapes::all();
    for shape in shapes.iter().filter(|shape| !shape.quadratic_in_peer) {
        let bytes = &*shape.bytes;
        let (ours, peer, ratio) = compare(
            samples,
            || drop(black_box(ours_decode(black_box(bytes)))),
            || drop(black_box(peer_decode(black_box(bytes)))),
        );
        let rate = |ns: f64| bytes.len() as f64 * 1e3 / ns;
        println!("| {} | {} | {:.0} | {:.0} | {ratio:.2} |", shape.name, bytes.len(), rate(ours), rate(peer));
    }
}
