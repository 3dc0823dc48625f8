//! Generated programs end alike on both engines: values, trap with its whole call stack, fuel left, what the host saw
//! and did, memory charged.
//!
//! Each program runs on each of its inputs with fuel 0, 1, exactly what it takes, one less, and plenty; in slices of
//! fuel; interrupted; with just enough of every limit and with less; some by the other fuel schedule, some with hardly
//! any native stack. A difference is reported with the smallest program that shows it. What was exercised is counted,
//! and too little of anything fails too.
//!
//! `just parity` runs 100000 programs. `OPFORGE_PROGRAMS` sets the number of programs, `OPFORGE_SEED` the first seed,
//! `OPFORGE_THREADS` the threads.

#[path = "../../testgen/tests/support/exercised.rs"]
#[allow(dead_code, unreachable_pub)]
mod exercised;
mod generated_support;
#[path = "../../testgen/tests/support/run.rs"]
#[allow(dead_code, unreachable_pub)]
mod run;

use generated_support::engines::{Native, Wrong};
use generated_support::harness::{Plan, run as run_plan};

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn generated_programs_agree() {
    let plan = Plan {
        programs: number("OPFORGE_PROGRAMS", if cfg!(debug_assertions) { 100 } else { 2000 }),
        first_seed: number("OPFORGE_SEED", 0),
        threads: number("OPFORGE_THREADS", 2).max(1),
    };
    let native = Native::new();
    let outcome = run_plan(plan, &native);
    println!("{}", outcome.figures());
    assert!(outcome.failures.is_empty(), "{}", outcome.reports(&native));
    let exercised = &outcome.health.exercised;
    assert!(exercised.impossible().is_empty(), "not unreachable at all: {:?}", exercised.impossible());
    let rare = exercised.too_rare(outcome.health.programs);
    assert!(rare.is_empty(), "exercised too rarely:\n{}", rare.join("\n"));
}

/// An engine that is wrong in one point is found out, and the report says which.
#[test]
fn a_wrong_engine_is_reported_with_a_small_program() {
    let wrong = Wrong { instr: "i64.div" };
    let outcome = run_plan(Plan { programs: 30, first_seed: 0, threads: 2 }, &wrong);
    let (seed, failure) = outcome.failures.first().expect("some program divides");
    assert!(outcome.failures.len() < 30, "most programs do not divide");
    let report = generated_support::report::report(*seed, failure, &wrong);
    for part in [
        &format!("`just parity 1 {seed}`\n"),
        "i64.div",
        "* fuel left:",
        "  memory charged:",
        "Trace of the interpreter",
        "-> func 0 at depth 1",
        "Where runs with so much fuel run out of it",
        "arguments: ",
    ] {
        assert!(report.contains(part), "{part:?} is missing:\n{report}");
    }
    let program =
        report.split("The smallest program").nth(1).and_then(|rest| rest.split("differs on").next());
    let instrs = program.unwrap_or(&report).lines().filter(|line| line.starts_with("    ")).count();
    assert!(instrs < 40, "{instrs} lines:\n{report}");
    println!("{report}");
}

/// The list of traps that cannot be met names real ones, each with a reason, and no trap of any row as a whole, but for
/// those of what is not there: intrinsics without functions, and hosts that panic.
#[test]
fn unreachable_traps_are_accounted_for() {
    use exercised::{UNREACHABLE, kinds, reachable, rows};
    for (kind, why) in UNREACHABLE {
        assert!(kinds().any(|other| other == *kind) && !why.is_empty(), "{kind:?}");
    }
    assert_eq!(reachable().count() + UNREACHABLE.len(), kinds().count());
    for (didx, row) in rows() {
        for &code in opforge_vm::TrapCode::ALL.iter().filter(|&&code| row.traps_with(code)) {
            use opforge_vm::TrapCode::{HostPanicked, InvalidIntrinsic};
            let there = !matches!(code, HostPanicked | InvalidIntrinsic);
            assert_eq!(
                reachable().any(|kind| kind.0 == code),
                there,
                "{} {code:?}",
                opforge_vm::ISA.name(didx)
            );
        }
    }
}
