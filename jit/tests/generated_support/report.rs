//! A difference, shown with all that is needed to understand it: the smallest program that has it, the run, both
//! ends, and what both engines did on the way.

use super::check::{Case, Failure, Health, check};
use super::engines::{Runs, Subject};
use super::way::Way;
use crate::run::{Drive, End, Machine, Ran};
use opforge_tables::ISA;
use opforge_testgen::{GenConfig, GeneratedProgram, from_bytes, seed_bytes, shrink};
use opforge_vm::disasm::{DisasmOptions, disassemble};
use opforge_vm::ids::FuncId;
use opforge_vm::interp::{InstrEvent, TraceSink};
use opforge_vm::verify::{VerifyConfig, verify};
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Programs that are tried for a smaller one.
const TRIES: usize = 3000;

/// Lines of traces that are shown.
const LINES: usize = 60;

/// As [`check`], with panics as failures.
pub(crate) fn try_check(
    of: &GeneratedProgram,
    seed: u64,
    subject: &dyn Subject,
    health: &mut Health,
) -> Result<(), Failure> {
    catch_unwind(AssertUnwindSafe(|| check(of, seed, subject, health))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(Failure::Other(format!("panic: {}", text.unwrap_or_default())))
    })
}

/// The whole report of a failure.
pub(crate) fn report(seed: u64, failure: &Failure, subject: &dyn Subject) -> String {
    let differs = |failure: &Failure| matches!(failure, Failure::Differs(_));
    let fails = |of: &GeneratedProgram| {
        let result = try_check(of, seed, subject, &mut Health::default());
        result.is_err_and(|other| differs(&other) == differs(failure))
    };
    let (bytes, config) = shrink(&seed_bytes(seed), &GenConfig::default(), TRIES, fails);
    let small = from_bytes(&bytes, &config);
    let small_failure = try_check(&small, seed, subject, &mut Health::default()).err();
    let mut text = format!("seed {seed}, again with `just parity 1 {seed}`\n{}\n", headline(failure));
    let _ = writeln!(text, "The smallest program that fails:\n");
    text += &disassemble(&small.program, &DisasmOptions::pretty());
    match &small_failure {
        Some(Failure::Differs(found)) => {
            let (case, expected, actual) = &**found;
            let _ = writeln!(text, "\n{}", headline(small_failure.as_ref().unwrap_or(failure)));
            let _ = writeln!(text, "entry: {}, arguments: {:?}", small.entry, small.inputs[case.input]);
            text += &ends(expected.as_ref(), actual.as_ref());
            text += &traces(&small, case, subject);
        }
        Some(Failure::Other(why)) => _ = writeln!(text, "\n{why}"),
        None => {
            _ = writeln!(text, "\nwhich does not fail again: the engines depend on more than the program")
        }
    }
    text
}

fn headline(failure: &Failure) -> String {
    match failure {
        Failure::Differs(found) => {
            let Case { setup, input, limits, way } = &found.0;
            format!("differs on input {input}: {setup:?}, {way:?}, {limits:?}")
        }
        Failure::Other(why) => why.clone(),
    }
}

/// Both ends, with what is not the same marked.
fn ends(expected: Option<&Ran>, actual: Option<&Ran>) -> String {
    let (Some(expected), Some(actual)) = (expected, actual) else {
        return format!("interpreter: {expected:#?}\nother: {actual:#?}\n");
    };
    let mut text = String::from("Ends, the interpreter's first:\n");
    let mut both = |what: &str, one: String, other: String| {
        let mark = if one == other { ' ' } else { '*' };
        let _ = writeln!(text, "{mark} {what}:");
        let _ = writeln!(text, "{mark}   {one}");
        if one != other {
            let _ = writeln!(text, "{mark}   {other}");
        }
    };
    let end = |ran: &Ran| match &ran.end {
        End::Finished(values) => format!("finished: {values:?}"),
        End::Trapped(trap) | End::OutOfFuel(trap) => {
            let whole = trap.to_string().replace('\n', "\n    ");
            format!("{whole}; {} fuel left, {:?}, {:?}", trap.fuel, trap.detail, trap.frames)
        }
    };
    both("end", end(expected), end(actual));
    both("fuel left", expected.fuel.to_string(), actual.fuel.to_string());
    both("memory charged", expected.memory.to_string(), actual.memory.to_string());
    both("calls of the host", expected.host_calls.to_string(), actual.host_calls.to_string());
    both("fuel that the host charged", expected.charged.to_string(), actual.charged.to_string());
    let first = |what: &str, one: &[String], other: &[String]| {
        let at = (0..one.len().max(other.len())).find(|&at| one.get(at) != other.get(at));
        let at = at.map(|at| format!("{what} {at}: {:?}\n    {:?}", one.get(at), other.get(at)));
        at.map_or_else(String::new, |line| format!("* the first that differs: {line}\n"))
    };
    let debug = |log: &Ran| -> Vec<String> {
        log.log.iter().zip(&log.host_fuel).map(|(call, fuel)| format!("{call:?} at {fuel} fuel")).collect()
    };
    let stops = |ran: &Ran| -> Vec<String> { ran.stops.iter().map(|stop| format!("{stop:?}")).collect() };
    text += &first("call of the host", &debug(expected), &debug(actual));
    text += &first("stop for fuel", &stops(expected), &stops(actual));
    text
}

/// What the interpreter runs, instruction by instruction.
#[derive(Debug, Default)]
struct Lines(Vec<String>);

impl TraceSink for Lines {
    fn instr(&mut self, event: InstrEvent) {
        let span = event.span.map_or_else(String::new, |span| format!(" span {span}"));
        self.0.push(format!("{} pc {} {}{span}", event.func, event.pc, ISA.name(event.didx)));
    }

    fn enter(&mut self, func: FuncId, depth: u32) {
        self.0.push(format!("-> {func} at depth {depth}"));
    }

    fn leave(&mut self, depth: u32) {
        self.0.push(format!("<- from depth {depth}"));
    }

    fn host_enter(&mut self, symbol: &str) {
        self.0.push(format!("-> host {symbol}"));
    }
}

/// What both engines do: the interpreter's trace, and of both where they stand with every amount of fuel, which is
/// all that can be seen of native code on its way.
fn traces(of: &GeneratedProgram, case: &Case, subject: &dyn Subject) -> String {
    let Ok(verified) = verify(of.program.clone(), &VerifyConfig::new()) else { return String::new() };
    let mut interp = Machine::new(&verified, case.setup.schedule());
    let mut lines = Lines::default();
    interp.run(of, case.input, case.limits, Drive::Traced(&mut lines));
    let mut text = format!("Trace of the interpreter, {} lines, the last:\n", lines.0.len());
    for line in lines.0.iter().skip(lines.0.len().saturating_sub(LINES)) {
        let _ = writeln!(text, "    {line}");
    }
    let mut other = match subject.load(&verified, case.setup) {
        Ok(other) => other,
        Err(why) => return text + &why,
    };
    let module = interp.module().clone();
    let places = |engine: &mut dyn Runs| -> Vec<String> {
        let all = 0..=case.limits.fuel.min(2000);
        let place = |fuel| match Way::WHOLE.run(engine, &module, of, (case.input, case.limits.fuel(fuel))) {
            Some(Ran { end: End::OutOfFuel(trap), fuel, memory, .. }) => {
                let name = ISA.name(opcode(&module, trap.at().func, trap.at().pc));
                let (at, calls) = (trap.at(), trap.frames.len());
                Some(format!("{} pc {} {name}, {calls} calls, {fuel} fuel, {memory} memory", at.func, at.pc))
            }
            _ => None,
        };
        all.map_while(place).collect()
    };
    let (one, two) = (places(&mut interp), places(&mut *other));
    let differs = (0..one.len().max(two.len())).find(|&at| one.get(at) != two.get(at));
    let from = differs.unwrap_or(one.len()).saturating_sub(LINES / 2);
    let _ = writeln!(text, "Where runs with so much fuel run out of it, the interpreter's and the other's:");
    for at in from..one.len().max(two.len()).min(from + LINES) {
        let (one, two) = (one.get(at).map_or("-", |s| s), two.get(at).map_or("-", |s| s));
        let _ = match one == two {
            true => writeln!(text, "    {at:>4}  {one}"),
            false => writeln!(text, "  * {at:>4}  {one}\n  *       {two}"),
        };
    }
    text
}

fn opcode(module: &opforge_vm::Module, func: FuncId, pc: u32) -> u16 {
    let opcode = || {
        let function = module.program().function(func)?;
        function.ops.get(function.pcs.binary_search(&pc).ok()?).copied()
    };
    opcode().unwrap_or(u16::MAX)
}
