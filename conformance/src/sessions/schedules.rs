//! The same case under other schedules: what each party does must be the same, whenever it does it.
//!
//! Under the reference schedule every slice is one instruction. Here slices are long, so that native code is entered and
//! messages queue up.

use super::case::{Drive, Run, Status};
use super::instr::Instr;
use super::program::Built;
use super::run::{self, Backend, Pace, Seen};
use opforge::session::{Mode, Policy, compare};
use opforge::verify::VerifiedProgram;

/// Schedules besides the reference.
const POLICIES: [Policy; 4] = [
    Policy::Cooperative,
    Policy::RoundRobin { quantum: 3 },
    Policy::Random { seed: 1, quantum: 1 },
    Policy::Random { seed: 2, quantum: 5 },
];

/// More ticks than any case needs to come to its end.
const TICKS: u64 = 100_000;

/// Whether a case that is accepted goes the same way whoever runs when: everybody comes to the end, no message is lost,
/// the host does nothing in between, and numbers of sessions and coroutines are given out by one role.
pub(super) fn agree(run: &Run) -> bool {
    // Whether the one that gets something still runs then is another matter.
    let gives = |instr: &Instr| matches!(instr, Instr::Transfer { .. });
    let gives_numbers = |instr: &Instr| matches!(instr, Instr::Open(_) | Instr::Spawn { .. });
    let numbering = run.roles.iter().filter(|role| role.code.iter().any(gives_numbers)).count();
    let waits = run.config.machine.edge.is_none_or(|edge| edge.policy == opforge::program::EdgePolicy::Block);
    waits
        && !run.roles.iter().any(|role| role.code.iter().any(gives))
        && numbering <= 1
        && run.setup.is_empty()
        && matches!(run.drive[..], [Drive::Run(_)])
        && run.expect.status == [Status::AllDone]
}

/// What each way to run a case has otherwise than the reference.
pub(super) fn check(
    run: &Run,
    built: &Built,
    program: &VerifiedProgram,
    (backends, reference): (&[Backend], &Seen),
) -> Vec<Option<String>> {
    let mut found = Vec::new();
    for policy in POLICIES {
        let mut other = run.clone();
        other.config.machine = other.config.machine.policy(policy.clone());
        // Another order may take more turns: who waits has tried before.
        other.drive = vec![Drive::Run(TICKS)];
        for &backend in backends {
            let difference = run::run(&other, built, program, (backend, Pace::Whole)).and_then(|seen| {
                let same = compare(reference.events(), seen.events(), Mode::ModuloCommutativity);
                same.map_err(|difference| difference.to_string())
            });
            found.push(difference.err().map(|error| format!("{policy:?}, {backend:?}: {error}")));
        }
    }
    found
}
