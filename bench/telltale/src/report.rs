//! Tables, and under what conditions they came to be.

use crate::rounds::Figures;
use crate::{REQUIRED, conditions};

/// The crates that were built, with their versions.
const LOCK: &str = include_str!("../Cargo.lock");

/// Prints machine, versions and command.
pub(crate) fn conditions(samples: usize) {
    let commit = conditions::commit(env!("CARGO_MANIFEST_DIR"));
    let version = |name| conditions::locked_version(LOCK, name);
    let (ours, peers) = (version("opforge-vm"), version("telltale-machine"));
    println!("Machine: {}. {}.", conditions::machine(), conditions::rustc());
    println!(
        "Versions: opforge-vm {ours} (work tree at {commit}), telltale-machine {peers}; one build, `release`."
    );
    println!("Command: `{}`; {samples} runs of each.", std::env::args().collect::<Vec<_>>().join(" "));
    load("before");
}

/// Prints how busy the machine is.
pub(crate) fn load(when: &str) {
    println!("\nLoad {when}: {}.", conditions::load());
}

fn per_second(ns: f64) -> String {
    let mut digits = format!("{:.0}", 1e9 / ns);
    for place in (1..digits.len()).rev().filter(|place| (digits.len() - place) % 3 == 0).collect::<Vec<_>>() {
        digits.insert(place, ',');
    }
    digits
}

/// The ping-pong: the first `ours` works are ours, and the first of all is what the peer is compared with. Says whether the
/// ratio to the peer's fastest is as wanted.
pub(crate) fn messages(names: &[String], figures: &[Figures], ours: usize) -> bool {
    let ratios = |figures: &Figures, to: &Figures| (figures.median / to.median, figures.best / to.best);
    println!(
        "\n| ping-pong | ns a message, median | best | messages a second, median | best | times, medians | best |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|");
    let mut least = f64::INFINITY;
    for (at, (name, line)) in names.iter().zip(figures).enumerate() {
        let (slow, fast) = (per_second(line.median), per_second(line.best));
        print!("| {name} | {:.1} | {:.1} | {slow} | {fast} ", line.median, line.best);
        let (medians, bests) = ratios(line, &figures[0]);
        if at < ours {
            println!("| | |");
        } else {
            println!("| {medians:.0} | {bests:.0} |");
            least = least.min(medians).min(bests);
        }
    }
    let met = least >= REQUIRED;
    println!(
        "\nTimes: how many times the peer's message rate the first line has. Both sides had the same messages at the same ticks."
    );
    println!(
        "It must be at least {REQUIRED} times everywhere: {}, the least is {least:.0}.",
        if met { "met" } else { "NOT MET" }
    );
    met
}

/// Ours and, twice, the peer's, of which the faster counts.
pub(crate) fn rest(names: &[&str], figures: &[Figures]) {
    println!("\n| | opforge, ns: median | best | Telltale, ns: median | best | times, medians | best |");
    println!("|---|---:|---:|---:|---:|---:|---:|");
    for (name, works) in names.iter().zip(figures.chunks_exact(3)) {
        let ours = works[0];
        let peers = if works[1].median <= works[2].median { works[1] } else { works[2] };
        print!("| {name} | {:.1} | {:.1} | {:.0} | {:.0} ", ours.median, ours.best, peers.median, peers.best);
        println!("| {:.0} | {:.0} |", peers.median / ours.median, peers.best / ours.best);
    }
    println!("\nTelltale: the faster of two configurations, with and without retention.");
}
