//! Programs and runs for both engines, with the directives and hosts of the program tests.

#[path = "../../../tests/programs_support/directive.rs"]
#[allow(dead_code, unreachable_pub)]
pub(crate) mod directive;
#[path = "../../../tests/programs_support/host.rs"]
#[allow(dead_code, unreachable_pub)]
pub(crate) mod host;
#[path = "../../../tests/programs_support/literal.rs"]
#[allow(dead_code, unreachable_pub)]
pub(crate) mod literal;
#[path = "../../../tests/programs_support/run.rs"]
#[allow(dead_code, unreachable_pub)]
pub(crate) mod run;
#[path = "../../../tests/programs_support/scan.rs"]
#[allow(dead_code, unreachable_pub)]
pub(crate) mod scan;

use directive::{End, Run, directives};
use host::Host;
use literal::Literal;
use opforge_jit::{JitConfig, JitEngine};
use opforge_vm::ids::FuncId;
use opforge_vm::verify::{VerifiedProgram, VerifyConfig, verify};
use opforge_vm::{Engine, EngineConfig, FuelSchedule, Instance, Limits, Module, Value, ValueType, asm};
use run::{Fuel, Observed, instance, observe};
use std::path::{Path, PathBuf};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Folders with text programs, from the workspace.
const FOLDERS: &[&str] = &["examples", "vm/tests/runs", "tests/programs"];

/// Every text program of the workspace.
pub(crate) fn programs() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = FOLDERS.iter().map(|folder| Path::new(ROOT).join(folder)).collect();
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "ofa") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// What was compared.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    pub(crate) programs: usize,
    pub(crate) runs: usize,
    pub(crate) traps: usize,
    pub(crate) differences: Vec<String>,
}

/// A program on both engines.
pub(crate) struct Pair {
    interp: Instance<Host>,
    jit: Instance<Host>,
}

impl Pair {
    /// `None` if the program does not link with the hosts of the tests.
    pub(crate) fn new(
        verified: &VerifiedProgram,
        schedule: FuelSchedule,
        stack: Option<u32>,
    ) -> Option<Self> {
        let engine = Engine::new(EngineConfig::new().schedule(schedule));
        let interp = Module::new(&engine, verified).unwrap();
        let mut config = JitConfig::new().engine(engine);
        if let Some(frames) = stack {
            let compiled = JitEngine::new(config.clone()).unwrap().compile(verified).unwrap();
            let frame = config.native_stack / compiled.max_native_frames();
            config = config.native_stack(frame * frames);
        }
        let compiled = JitEngine::new(config).unwrap().compile(verified).unwrap_or_else(|e| panic!("{e}"));
        Some(Self { interp: instance(&interp).ok()?, jit: instance(compiled.module()).ok()? })
    }

    /// Runs on both; what differs.
    pub(crate) fn compare(&mut self, run: &Run, limits: Limits, fuel: Fuel, sum: &mut Compared) -> Observed {
        let expected = observe(&mut self.interp, run, limits, fuel, None);
        let actual = observe(&mut self.jit, run, limits, fuel, None);
        sum.runs += 1;
        if expected != actual {
            let args: Vec<String> = run.args.iter().map(ToString::to_string).collect();
            sum.differences.push(format!(
                "func {} ({}) {limits:?} {fuel:?}\n    interpreter {expected:?}\n    native      {actual:?}",
                run.func.0,
                args.join(" ")
            ));
        }
        let seen = expected.unwrap_or_else(|_| Observed {
            end: End::Values(Vec::new()),
            fuel: 0,
            memory: 0,
            linear: 0,
            host_calls: 0,
            host: Host::default(),
            shown: String::new(),
        });
        sum.traps += usize::from(matches!(seen.end, End::Trap(_)));
        seen
    }
}

/// Assembles and verifies a file; `None` if it is about programs that cannot be run.
pub(crate) fn load(source: &str) -> Option<VerifiedProgram> {
    verify(asm::assemble(source).ok()?, &VerifyConfig::default()).ok()
}

/// The runs that a program asks for, and each function with a few values, where all its parameters are plain.
pub(crate) fn runs(source: &str, verified: &VerifiedProgram) -> Vec<Run> {
    let mut runs = Vec::new();
    if let Ok(found) = directives(source) {
        let lines = found.runs.iter();
        runs.extend(lines.filter_map(|line| directive::run(line.text, verified.program()).ok()));
    }
    // That function makes as many bytes as it is asked for, and panics where there is no memory for them.
    let functions = if source.contains("env.zeros") { 0 } else { verified.functions().len() as u32 };
    for func in 0..functions {
        let Some(signature) = verified.program().func_sig(FuncId(func)) else { continue };
        for choice in 0..4 {
            let args: Option<Vec<Literal>> =
                signature.params.iter().enumerate().map(|(i, &ty)| sample(ty, choice + i)).collect();
            if let Some(args) = args {
                let limits = Limits::new().fuel(3_000);
                let end = End::Values(Vec::new());
                runs.push(Run { limits, exact_fuel: false, func: FuncId(func), args, end });
            }
            if signature.params.is_empty() {
                break;
            }
        }
    }
    runs
}

fn sample(ty: ValueType, choice: usize) -> Option<Literal> {
    let pick = |values: [i64; 4]| values[choice % 4];
    Some(match ty {
        ValueType::Bool => Literal::Plain(Value::Bool(choice.is_multiple_of(2))),
        ValueType::I64 => Literal::Plain(Value::I64(pick([5, 0, -1, i64::MIN]))),
        ValueType::U64 => Literal::Plain(Value::U64(pick([3, 0, -1, 1]) as u64)),
        ValueType::F64 => Literal::Float([1.5f64, -0.0, f64::NAN, 1e300][choice % 4].to_bits()),
        _ => return None,
    })
}
