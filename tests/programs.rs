//! Programs as tests: every `.ofa` file under `tests/programs/` and `examples/` says in comments at its top what
//! it does, and this runs it every way there is and compares.
//!
//! The directives (a file needs at least one):
//!
//! ```text
//! ; run: ENTRY ARGS => RESULTS              arguments apart by spaces, results typed, apart by commas
//! ; run: ENTRY ARGS => trap CODE [(DETAIL)] [in FUNC] [pc N] [span N]
//! ; run: [fuel 10] [depth 3] ENTRY ...      limits: fuel, depth, memory, host-calls, slots
//! ; fuel: N                                 exactly the fuel that the run above uses, one unit an instruction
//! ; memory: N                               exactly the bytes that the run above allocates
//! ; log: text                               a line that the run above logs through `env.log`
//! ; error: V0603 [in FUNC] [pc N]           the program does not verify: every error, in order
//! ; link-error: H0001                       the program does not link: every problem, in order
//! ; asm-error: A0201                        the text does not assemble: every error, in order
//! ```
//!
//! Each program goes through assembler, container and back, verifier and, under both fuel schedules, the engine:
//! in one go, in slices of fuel, and traced. It is also disassembled and assembled again, exactly and prettily.

#[path = "programs_support/mod.rs"]
mod support;

use opforge_vm::verify::VerifyErrorKind;
use opforge_vm::{Opcode, TrapCode};
use std::collections::BTreeSet;
use std::sync::OnceLock;
use support::{Summary, check_all, families, problems};

fn summary() -> &'static Summary {
    static SUMMARY: OnceLock<Summary> = OnceLock::new();
    SUMMARY.get_or_init(check_all)
}

#[test]
fn programs_do_what_they_say() {
    let summary = summary();
    let failures = &summary.failures;
    assert!(
        failures.is_empty(),
        "{} of {} programs fail:\n\n{}",
        failures.len(),
        summary.files,
        failures.join("\n\n")
    );
}

/// A folder that is lost, or no longer found, must show.
#[test]
fn every_family_is_there() {
    let least = [
        ("agg", 18),
        ("bool", 3),
        ("call", 18),
        ("cast", 6),
        ("const", 10),
        ("control", 28),
        ("core", 10),
        ("decimal", 6),
        ("float", 10),
        ("host", 11),
        ("int", 18),
        ("intrinsic", 10),
        ("limits", 8),
        ("memory", 12),
        ("text", 8),
        ("verify", 131),
    ];
    let found = families();
    let missing: Vec<_> = least
        .iter()
        .filter(|(family, least)| found.get(*family).copied().unwrap_or(0) < *least)
        .map(|(family, least)| format!("{family}: {} of {least}", found.get(*family).copied().unwrap_or(0)))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    let unknown: Vec<_> =
        found.keys().filter(|family| !least.iter().any(|(name, _)| name == *family)).collect();
    assert!(unknown.is_empty(), "families without a number here: {unknown:?}");
    assert!(summary().examples >= 8, "{} examples", summary().examples);
}

/// The runner must be able to fail: each of these says something that is not so.
#[test]
fn programs_that_say_something_wrong_are_reported() {
    let body = ".func main(x: i64) -> (i64) {\n    i64.div x, x, x\n    ret x\n}\n";
    let log = ".host log = \"env.log\" (str) -> ()\n.func main(s: str) -> () {\n host_call log s -> ()\n ret ()\n}\n";
    let cases = [
        ("run: main 5 => i64 2", body),
        ("run: main 5 => u64 1", body),
        ("run: main 5 => i64 1, i64 1", body),
        ("run: main 5 => ()", body),
        ("run: main 5 => trap DivByZero", body),
        ("run: main 0 => i64 1", body),
        ("run: main 0 => trap IndexOutOfBounds", body),
        ("run: main 0 => trap DivByZero in other", body),
        ("run: main 0 => trap DivByZero pc 1", body),
        ("run: main 0 => trap DivByZero span 1", body),
        ("run: main 5 => i64 1\n; fuel: 3", body),
        ("run: main 5 => i64 1\n; memory: 8", body),
        ("run: main 5 => i64 1\n; log: x", body),
        ("run: main \"x\" => ()", log),
        ("run: main \"x\" => ()\n; log: y", log),
        ("run: main u64 5 => i64 1", body),
        ("run: other 5 => i64 1", body),
        ("run: [fuel 1] main 5 => i64 1", body),
        ("error: V0603", body),
        ("link-error: H0001", body),
        ("asm-error: A0201", body),
        ("runs: main 5 => i64 1", body),
        ("fuel: 3", body),
        ("run: main 5 => i64 1", ".func main(x: i64) -> (i64) {\n    ret ()\n}\n"),
        ("error: V0603", ".func main(x: i64) -> (i64) {\n    ret ()\n}\n"),
        ("error: V0704 pc 1", ".func main(x: i64) -> (i64) {\n    ret ()\n}\n"),
        ("run: main 5 => i64 1", "no program"),
    ];
    for (says, body) in cases {
        assert!(!problems(&format!("; {says}\n{body}")).is_empty(), "not noticed: {says}\n{body}");
    }
    assert_eq!(problems(&format!("; run: main 5 => i64 1\n; fuel: 2\n{body}")), [""; 0]);
}

#[test]
fn every_opcode_runs_in_some_program() {
    let ran = &summary().opcodes;
    // Session instructions run in session machines, and these programs without one.
    let plain = Opcode::ALL.iter().filter(|op| !op.row().typestate().is_session());
    let missing: Vec<_> = plain.filter(|op| !ran.contains(&op.didx())).collect();
    assert!(missing.is_empty(), "no program of tests/programs/ runs {missing:?}");
}

/// Codes that no verified program traps with: none, and an intrinsic that has a row but no function, of which the VM's
/// own tables have none (`vm/tests/intrinsics.rs`).
const NOT_IN_PROGRAMS: [TrapCode; 2] = [TrapCode::None, TrapCode::InvalidIntrinsic];

#[test]
fn every_trap_happens_in_some_program() {
    let met = &summary().traps;
    let missing: Vec<_> = TrapCode::ALL
        .iter()
        .filter(|code| !NOT_IN_PROGRAMS.contains(code) && !code.is_session() && !met.contains(code.name()))
        .collect();
    assert!(missing.is_empty(), "no program of tests/programs/ traps with {missing:?}");
}

/// Errors that no text can have: the assembler writes what they are about, or names it by index only where
/// something is.
const NOT_FROM_TEXT: [(&str, &str); 20] = [
    ("V0101", "the assembler adds a host signature's symbol and types itself"),
    ("V0103", "the assembler always writes both type lists"),
    ("V0203", "parameter names and parameters come from one list"),
    ("V0206", "result names and results come from one list"),
    ("V0404", "every function gets a signature"),
    ("V0706", "the tables declare no bound for an immediate"),
    (
        "V0808",
        "reported only where no other error explains it; the classes of a register clash elsewhere first",
    ),
    ("V0901", "the default budget is for megabytes; vm/tests/verify_cost.rs meets it"),
    ("V0902", "the tables are the VM's own"),
    ("V1001", "the tables are the VM's own; vm/tests/extensions.rs meets it"),
    ("V1101", "the assembler names things once; as those up to V1113, met in vm/src/verify/session/tests"),
    ("V1102", "the assembler makes payloads of types that it has checked"),
    ("V1103", "the assembler makes states of local types that it has checked"),
    ("V1104", "the assembler makes states of local types that it has checked"),
    ("V1105", "the assembler looks up roles and local types itself"),
    ("V1108", "the assembler reads one result at most"),
    ("V1110", "the assembler writes exactly the types that are needed"),
    ("V1113", "the builder refuses so many"),
    ("V1301", "shapes are looked at only when asked to; vm/tests/verify_sessions.rs meets it"),
    ("V1302", "shapes are looked at only when asked to; vm/tests/verify_sessions.rs meets it"),
];

#[test]
fn every_verifier_error_is_reported_for_some_program() {
    let met = &summary().verify_errors;
    let excused: BTreeSet<_> = NOT_FROM_TEXT.iter().map(|&(code, _)| code).collect();
    let known: BTreeSet<_> = VerifyErrorKind::ALL.iter().map(|&(code, _, _)| code).collect();
    let missing: Vec<_> =
        known.iter().filter(|code| !met.contains(**code) && !excused.contains(*code)).collect();
    assert!(missing.is_empty(), "no program of tests/programs/ is refused with {missing:?}");
    let wrong: Vec<_> =
        excused.iter().filter(|code| met.contains(**code) || !known.contains(*code)).collect();
    assert!(wrong.is_empty(), "these can be had from text, or do not exist: {wrong:?}");
}
