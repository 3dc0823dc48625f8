//! Tables, and under what conditions they came to be.

use crate::REQUIRED;
use crate::rounds::Figures;
use std::process::Command;

/// The crates that were built, with their versions.
const LOCK: &str = include_str!("../Cargo.lock");

/// Prints machine, versions and command.
pub(crate) fn conditions(samples: usize) {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map(|rest| rest.trim_matches(['\t', ' ', ':']));
    let threads = std::thread::available_parallelism().map_or(0, usize::from);
    let commit = said("git", &["-C", env!("CARGO_MANIFEST_DIR"), "describe", "--always", "--dirty"]);
    let (ours, peers) = (version("opforge-vm"), version("telltale-machine"));
    println!("Machine: {}, {threads} CPUs. {}.", model.unwrap_or("unknown"), said("rustc", &["--version"]));
    println!("Versions: opforge-vm {ours} ({commit}), telltale-machine {peers}; one build, `release`.");
    println!("Command: `{}`; {samples} runs of each.", std::env::args().collect::<Vec<_>>().join(" "));
    load("before");
}

/// Prints how busy the machine is.
pub(crate) fn load(when: &str) {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<_> = load.split(' ').take(3).collect();
    println!("\nLoad {when}: {}.", load.join(" "));
}

fn version(name: &str) -> &'static str {
    let of = LOCK.split("[[package]]").find(|entry| entry.contains(&format!("name = \"{name}\"\n")));
    of.and_then(|entry| entry.split("version = \"").nth(1))
        .and_then(|rest| rest.split('"').next())
        .unwrap_or("unknown")
}

/// What a command prints, where there is such a command.
fn said(command: &str, args: &[&str]) -> String {
    let output = Command::new(command).args(args).output();
    let text =
        output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_string()).unwrap_or_default();
    if text.is_empty() { format!("unknown {command}") } else { text }
}

fn per_second(ns: f64) -> String {
    let mut digits = format!("{:.0}", 1e9 / ns);
    for place in (1..digits.len()).rev().filter(|place| (digits.len() - place) % 3 == 0).collect::<Vec<_>>() {
        digits.insert(place, ',');
    }
    digits
}

/// The ping-pong: the first `ours` works are ours. Says whether the ratio is as wanted.
pub(crate) fn messages(names: &[String], figures: &[Figures], ours: usize) -> bool {
    let least = |of: fn(&Figures) -> f64| figures[ours..].iter().map(of).fold(f64::INFINITY, f64::min);
    let (median, best) = (least(|figures| figures.median), least(|figures| figures.best));
    let ratios = |figures: &Figures| (median / figures.median, best / figures.best);
    println!(
        "\n| ping-pong | ns a message, median | best | messages a second, median | best | ratio, medians | best |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|");
    for (at, (name, figures)) in names.iter().zip(figures).enumerate() {
        let (slow, fast) = (per_second(figures.median), per_second(figures.best));
        let (medians, bests) = ratios(figures);
        let ratios = if at < ours { format!("{medians:.0} | {bests:.0}") } else { "| ".into() };
        println!("| {name} | {:.1} | {:.1} | {slow} | {fast} | {ratios} |", figures.median, figures.best);
    }
    let (medians, bests) = ratios(&figures[0]);
    let met = medians.min(bests) >= REQUIRED;
    println!(
        "\nRatio: to the fastest of the peer's lines. Both messages and ticks were the same on both sides."
    );
    println!(
        "Events off, it must be at least {REQUIRED} times the peer's message rate: {}, with {:.0}.",
        if met { "met" } else { "NOT MET" },
        medians.min(bests)
    );
    met
}

/// Pairs of ours and the peer's.
pub(crate) fn rest(names: &[&str], figures: &[Figures]) {
    println!("\n| | opforge, ns: median | best | Telltale, ns: median | best | ratio, medians | best |");
    println!("|---|---:|---:|---:|---:|---:|---:|");
    for (name, pair) in names.iter().zip(figures.chunks_exact(2)) {
        let (ours, peers) = (pair[0], pair[1]);
        print!("| {name} | {:.1} | {:.1} | {:.0} | {:.0} ", ours.median, ours.best, peers.median, peers.best);
        println!("| {:.0} | {:.0} |", peers.median / ours.median, peers.best / ours.best);
    }
    println!("\nTelltale: {}.", crate::peer::Config::Lean.name());
}
