//! Checks one program against its directives.

use super::coverage::Summary;
use super::directive::{Directives, End, ErrorLine, Run, RunLine, directives, run};
use super::run::{Fuel, Observed, Trace, instance, observe};
use opforge_vm::asm::assemble;
use opforge_vm::container::{DecodeConfig, decode, encode};
use opforge_vm::disasm::{DisasmOptions, disassemble};
use opforge_vm::verify::{VerifiedProgram, VerifyConfig, verify};
use opforge_vm::{Engine, EngineConfig, FuelSchedule, Instance, Module, Program, TrapCode};
use std::path::Path;

use super::host::Host;

/// Runs up to this many instructions are also cut at every one of them.
const FINE: u64 = 30_000;

/// Checks a file; what is wrong and what was covered goes into the summary.
pub(crate) fn check_file(path: &Path, summary: &mut Summary) {
    summary.files += 1;
    let source = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let problems = problems(path, &source, summary);
    if !problems.is_empty() {
        let name = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap_or(path);
        summary.failures.push(format!("{}:\n  {}", name.display(), problems.join("\n  ")));
    }
}

/// What is wrong with a program.
pub(crate) fn problems(path: &Path, source: &str, summary: &mut Summary) -> Vec<String> {
    let mut problems = Vec::new();
    match directives(source) {
        Err(problem) => problems.push(problem),
        Ok(found) => check_source(path, source, &found, summary, &mut problems),
    }
    problems
}

fn check_source(
    path: &Path,
    source: &str,
    found: &Directives<'_>,
    summary: &mut Summary,
    problems: &mut Vec<String>,
) {
    let program = match assemble(source) {
        Ok(program) => program,
        Err(errors) => {
            let codes: Vec<_> = errors.errors().iter().map(|error| error.kind.code()).collect();
            if codes != found.asm_errors {
                problems.push(errors.render(source, &path.display().to_string()).to_string());
            }
            return;
        }
    };
    if !found.asm_errors.is_empty() {
        problems.push(format!("expected {:?}, it assembles", found.asm_errors));
        return;
    }
    // What no container can hold must not verify either; the errors below say whether it does.
    let encodes = match encode(&program) {
        Err(error) if found.errors.is_empty() => {
            return problems.push(format!("it does not encode: {error}"));
        }
        encoded => encoded.is_ok(),
    };
    if encodes && let Err(problem) = through_container(&program) {
        return problems.push(problem);
    }
    let pretty = match through_text(&program) {
        Ok(pretty) => pretty,
        Err(problem) => return problems.push(problem),
    };
    let pretty = verify(pretty, &VerifyConfig::default());
    let verified = match (verify(program, &VerifyConfig::default()), pretty) {
        (Err(report), pretty) => {
            summary.verify_errors.extend(report.errors().iter().map(|error| error.kind().code()));
            if pretty.is_ok() {
                problems.push("verifies when disassembled prettily and assembled again".into());
            }
            return problems.extend(compare_errors(&found.errors, &report));
        }
        (Ok(verified), Ok(pretty)) => (verified, pretty),
        (Ok(_), Err(report)) => {
            return problems.push(format!("disassembled prettily it does not verify: {report}"));
        }
    };
    if !found.errors.is_empty() {
        return problems.push(format!("expected {:?}, it verifies", found.errors));
    }
    check_runs(&verified, found, summary, problems);
}

/// The container holds the same program.
fn through_container(program: &Program) -> Result<(), String> {
    let bytes = encode(program).map_err(|e| format!("it does not encode: {e}"))?;
    let decoded = decode(&bytes, &DecodeConfig::new()).map_err(|e| format!("it does not decode: {e}"))?;
    if decoded == *program { Ok(()) } else { Err("the container holds another program".into()) }
}

/// The exact text is the same program. Gives it as read from pretty text.
fn through_text(program: &Program) -> Result<Program, String> {
    let exact = disassemble(program, &DisasmOptions::exact());
    let again = assemble(&exact).map_err(|e| format!("its exact text: {}", e.render(&exact, "exact")))?;
    if again != *program {
        return Err(format!("its exact text is another program:\n{exact}"));
    }
    let pretty = disassemble(program, &DisasmOptions::pretty());
    assemble(&pretty).map_err(|e| format!("its pretty text: {}", e.render(&pretty, "pretty")))
}

fn compare_errors(expected: &[ErrorLine<'_>], report: &opforge_vm::verify::VerifyReport) -> Option<String> {
    let fits = |(line, error): (&ErrorLine<'_>, &opforge_vm::verify::VerifyError)| {
        line.code == error.kind().code()
            && (line.func.is_none() || line.func == error.func_name())
            && (line.pc.is_none() || line.pc == error.pc())
    };
    let errors = report.errors();
    if expected.len() == errors.len() && expected.iter().zip(errors).all(fits) {
        return None;
    }
    Some(format!("expected errors {expected:?}, there are:\n{report}"))
}

fn module(verified: &VerifiedProgram, schedule: FuelSchedule) -> Result<Module, String> {
    let engine = Engine::new(EngineConfig::new().schedule(schedule));
    Module::new(&engine, verified).map_err(|e| e.to_string())
}

fn check_runs(
    (verified, pretty): &(VerifiedProgram, VerifiedProgram),
    found: &Directives<'_>,
    summary: &mut Summary,
    problems: &mut Vec<String>,
) {
    let modules =
        [(verified, FuelSchedule::V1), (verified, FuelSchedule::BySize), (pretty, FuelSchedule::V1)];
    let mut instances = Vec::new();
    for (verified, schedule) in modules {
        let module = match module(verified, schedule) {
            Ok(module) => module,
            Err(problem) => return problems.push(problem),
        };
        match instance(&module) {
            Ok(instance) => instances.push(instance),
            Err(codes) if codes == found.link_errors => return,
            Err(codes) => return problems.push(format!("it does not link: {codes:?}")),
        }
    }
    if !found.link_errors.is_empty() {
        return problems.push(format!("expected {:?}, it links", found.link_errors));
    }
    for line in &found.runs {
        let checked = run(line.text, verified.program()).and_then(|run| {
            let pretty_run = super::directive::run(line.text, pretty.program())?;
            let [v1, by_size, pretty] = &mut instances[..] else { return Err("instances".into()) };
            check_run(v1, line, &run, summary)?;
            check_by_size(v1, by_size, &run)?;
            check_pretty(v1, &run, pretty, &pretty_run)
        });
        if let Err(problem) = checked {
            problems.push(format!("{}\n    {problem}", line.text));
        }
    }
}

/// The run does what its line says, and the same however it is cut up.
fn check_run(
    instance: &mut Instance<Host>,
    line: &RunLine<'_>,
    run: &Run,
    summary: &mut Summary,
) -> Result<(), String> {
    let seen = observe(instance, run, run.limits, Fuel::AtOnce, None)?;
    if !seen.end.fits(&run.end) {
        return Err(format!("expected {}\n    actual   {}\n    {}", run.end, seen.end, seen.shown));
    }
    if seen.host.log != line.log {
        return Err(format!("expected log {:?}\n    actual   {:?}", line.log, seen.host.log));
    }
    for (what, expected, actual) in [("fuel", line.fuel, seen.fuel), ("memory", line.memory, seen.memory)] {
        if expected.is_some_and(|expected| expected != actual) {
            return Err(format!("expected {what} {}, actual {actual}", expected.unwrap_or(0)));
        }
    }
    if let End::Trap(trap) = &seen.end {
        let code = TrapCode::ALL.iter().find(|code| code.name() == trap.code);
        summary.traps.extend(code.map(|code| code.name()));
    }
    let mut trace = Trace::default();
    same("traced", &seen, &observe(instance, run, run.limits, Fuel::AtOnce, Some(&mut trace))?)?;
    if !seen.host.charged && trace.instrs.len() as u64 != seen.fuel {
        return Err(format!("{} instructions traced for {} fuel", trace.instrs.len(), seen.fuel));
    }
    summary.opcodes.extend(trace.instrs.iter().map(|&(_, _, didx)| didx));
    same_in_slices(instance, run, &seen, &trace)?;
    exact_fuel(instance, run, &seen, FuelSchedule::V1)
}

fn same(how: &str, expected: &Observed, actual: &Observed) -> Result<(), String> {
    if expected == actual {
        return Ok(());
    }
    Err(format!("{how} it differs:\n    in one go {expected:?}\n    {how} {actual:?}"))
}

/// Cut at every few units of fuel the run ends alike, and its trace is the same.
fn same_in_slices(
    instance: &mut Instance<Host>,
    run: &Run,
    seen: &Observed,
    trace: &Trace,
) -> Result<(), String> {
    let slices = if seen.fuel <= FINE { [1, 2, 5] } else { [997, 1000, 65_536] };
    for slice in slices {
        let cut = observe(instance, run, run.limits, Fuel::Slices(slice), None)?;
        same(&format!("in slices of {slice}"), seen, &cut)?;
        let mut pieces = Trace::default();
        let cut = observe(instance, run, run.limits, Fuel::Slices(slice), Some(&mut pieces))?;
        same(&format!("traced in slices of {slice}"), seen, &cut)?;
        if pieces.instrs != trace.instrs {
            return Err(format!(
                "in slices of {slice} the trace is another: {:?}, {:?}",
                trace.instrs, pieces.instrs
            ));
        }
    }
    Ok(())
}

/// The fuel that a run takes is just enough for it, and one unit less is not.
fn exact_fuel(
    instance: &mut Instance<Host>,
    run: &Run,
    seen: &Observed,
    schedule: FuelSchedule,
) -> Result<(), String> {
    if run.exact_fuel {
        return Ok(());
    }
    let enough = observe(instance, run, run.limits.fuel(seen.fuel), Fuel::AtOnce, None)?;
    same("with just enough fuel", seen, &enough)?;
    let Some(less) = seen.fuel.checked_sub(1) else { return Ok(()) };
    let short = observe(instance, run, run.limits.fuel(less), Fuel::AtOnce, None)?;
    // By size an instruction may cost more than one unit, and where it does not fit it takes none.
    let all_used = short.fuel == less || schedule == FuelSchedule::BySize && short.fuel < less;
    match &short.end {
        End::Trap(trap) if trap.code == "FuelExceeded" && all_used => Ok(()),
        end => Err(format!("with one unit of fuel less: {end}, {} fuel", short.fuel)),
    }
}

/// Fuel by size changes nothing but the fuel, and that only upwards.
fn check_by_size(v1: &mut Instance<Host>, by_size: &mut Instance<Host>, run: &Run) -> Result<(), String> {
    if run.exact_fuel {
        return Ok(());
    }
    let expected = observe(v1, run, run.limits, Fuel::AtOnce, None)?;
    let actual = observe(by_size, run, run.limits, Fuel::AtOnce, None)?;
    if actual.fuel < expected.fuel {
        return Err(format!("by size it takes {} fuel, by count {}", actual.fuel, expected.fuel));
    }
    same("with fuel by size", &expected, &Observed { fuel: expected.fuel, ..actual.clone() })?;
    let mut trace = Trace::default();
    same(
        "traced, with fuel by size",
        &actual,
        &observe(by_size, run, run.limits, Fuel::AtOnce, Some(&mut trace))?,
    )?;
    same_in_slices(by_size, run, &actual, &trace)?;
    exact_fuel(by_size, run, &actual, FuelSchedule::BySize)
}

/// The program that is assembled from pretty text does the same; byte offsets may differ.
fn check_pretty(
    v1: &mut Instance<Host>,
    run: &Run,
    pretty: &mut Instance<Host>,
    pretty_run: &Run,
) -> Result<(), String> {
    let without_pc = |mut seen: Observed| {
        if let End::Trap(trap) = &mut seen.end {
            trap.pc = None;
        }
        seen.shown.clear();
        seen
    };
    let expected = without_pc(observe(v1, run, run.limits, Fuel::AtOnce, None)?);
    let actual = without_pc(observe(pretty, pretty_run, pretty_run.limits, Fuel::AtOnce, None)?);
    same("from pretty text", &expected, &actual)
}
