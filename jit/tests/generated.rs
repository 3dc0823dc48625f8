//! Generated programs end alike on both engines: values, trap with its whole call stack, fuel left, host calls, memory.
//!
//! Each program runs on each of its inputs with fuel 0, 1, exactly what it takes, one less, and plenty, by both fuel
//! schedules, in slices, with few frames allowed, and with hardly any native stack. A difference is reported with the
//! smallest program that shows it.
//!
//! `OPFORGE_PROGRAMS` sets the number of programs, `OPFORGE_SEED` the first seed, `OPFORGE_THREADS` the threads.

#[path = "../../testgen/tests/support/run.rs"]
#[allow(dead_code, unreachable_pub)]
mod run;

use opforge_jit::{JitConfig, JitEngine};
use opforge_testgen::{GenConfig, GeneratedProgram, from_bytes, from_seed, seed_bytes, shrink};
use opforge_vm::disasm::{DisasmOptions, disassemble};
use opforge_vm::verify::{VerifyConfig, verify};
use opforge_vm::{Engine, EngineConfig, FuelSchedule, Limits, TrapCode};
use run::{Counts, Drive, End, Machine, Ran};
use std::collections::BTreeMap;
use std::thread;

/// Enough fuel for most programs.
const PLENTY: u64 = 20_000;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// What was run, to see that it was worth it.
#[derive(Debug, Default)]
struct Health {
    programs: u64,
    runs: u64,
    ops: Vec<u64>,
    traps: BTreeMap<&'static str, u64>,
}

impl Health {
    fn merge(&mut self, other: Self) {
        self.programs += other.programs;
        self.runs += other.runs;
        self.ops.resize(self.ops.len().max(other.ops.len()), 0);
        for (sum, count) in self.ops.iter_mut().zip(other.ops) {
            *sum += count;
        }
        for (trap, count) in other.traps {
            *self.traps.entry(trap).or_default() += count;
        }
    }
}

struct Both<'p> {
    of: &'p GeneratedProgram,
    interp: Machine,
    native: Machine,
}

impl Both<'_> {
    /// Runs on both engines; `None` if the memory limit has no room for the input.
    fn run(
        &mut self,
        input: usize,
        limits: Limits,
        slice: u64,
        health: &mut Health,
    ) -> Result<Option<Ran>, String> {
        let drive = || if slice == 0 { Drive::Whole } else { Drive::Sliced(slice) };
        let expected = self.interp.run(self.of, input, limits, drive());
        let actual = self.native.run(self.of, input, limits, drive());
        health.runs += 1;
        if expected != actual {
            return Err(format!(
                "input {input}, slice {slice}, {limits:?}\ninterpreter: {expected:?}\nnative:      {actual:?}"
            ));
        }
        Ok(expected)
    }
}

fn check(of: &GeneratedProgram, health: &mut Health) -> Result<(), String> {
    let verified = verify(of.program.clone(), &VerifyConfig::new()).map_err(|e| format!("refused: {e}"))?;
    health.programs += 1;
    // Enough stack for all calls, and for hardly any.
    for (schedule, native_stack) in [
        (FuelSchedule::V1, JitConfig::new().native_stack),
        (FuelSchedule::BySize, JitConfig::new().native_stack),
        (FuelSchedule::BySize, 2048),
    ] {
        let engine = Engine::new(EngineConfig::new().schedule(schedule));
        let config = JitConfig::new().engine(engine).native_stack(native_stack);
        let jit = JitEngine::new(config).map_err(|e| e.to_string())?;
        let compiled = jit.compile(&verified).map_err(|e| e.to_string())?;
        let (interp, native) = (Machine::new(&verified, schedule), Machine::of(compiled.module()));
        let mut both = Both { of, interp, native };
        for input in 0..of.inputs.len() {
            check_input(&mut both, input, health)?;
        }
    }
    Ok(())
}

fn check_input(both: &mut Both<'_>, input: usize, health: &mut Health) -> Result<(), String> {
    let limits = Limits::new().fuel(PLENTY).call_depth(24).host_calls(24).memory(1 << 20);
    let Some(whole) = both.run(input, limits, 0, health)? else { return Ok(()) };
    if let End::Trapped(trap) | End::OutOfFuel(trap) = &whole.end {
        *health.traps.entry(trap.code.name()).or_default() += 1;
    }
    let mut counts = Counts::default();
    both.interp.run(both.of, input, limits, Drive::Traced(&mut counts));
    health.ops.resize(health.ops.len().max(counts.ops.len()), 0);
    for (sum, count) in health.ops.iter_mut().zip(&counts.ops) {
        *sum += count;
    }
    let used = PLENTY - whole.fuel;
    let mut amounts = vec![0, 1, used / 3, used / 2, used.saturating_sub(1), used];
    amounts.extend((0..used).step_by((used as usize / 12).max(1)));
    for fuel in amounts {
        both.run(input, limits.fuel(fuel), 0, health)?;
    }
    both.run(input, limits, 1 + used / 3, health)?;
    for depth in [0, 2, 5] {
        both.run(input, limits.call_depth(depth), 0, health)?;
    }
    both.run(input, limits.stack_slots(200), 0, health)?;
    for memory in [whole.memory / 2, whole.memory.saturating_sub(1), whole.memory] {
        both.run(input, limits.memory(memory), 0, health)?;
    }
    both.run(input, limits.host_calls(1), 0, health)?;
    Ok(())
}

/// The report of a difference: the seed, and the smallest program that differs.
fn report(seed: u64, why: &str) -> String {
    let fails = |of: &GeneratedProgram| check(of, &mut Health::default()).is_err();
    let (bytes, config) = shrink(&seed_bytes(seed), &GenConfig::default(), 2000, fails);
    let small = from_bytes(&bytes, &config);
    let small_why = check(&small, &mut Health::default()).err().unwrap_or_default();
    let text = disassemble(&small.program, &DisasmOptions::pretty());
    format!("seed {seed}: {why}\n\nsmallest: {small_why}\ninputs: {:?}\n{text}", small.inputs)
}

fn check_seeds(seeds: impl Iterator<Item = u64>) -> Result<Health, String> {
    let mut health = Health::default();
    for seed in seeds {
        let of = from_seed(seed, &GenConfig::default());
        check(&of, &mut health).map_err(|why| report(seed, &why))?;
    }
    Ok(health)
}

#[test]
fn generated_programs_agree() {
    let programs = number("OPFORGE_PROGRAMS", if cfg!(debug_assertions) { 60 } else { 1000 });
    let first = number("OPFORGE_SEED", 0);
    let threads = number("OPFORGE_THREADS", 2).max(1);
    let workers: Vec<_> = (0..threads)
        .map(|n| {
            let seeds = (first + n..first + programs).step_by(threads as usize);
            thread::spawn(move || check_seeds(seeds))
        })
        .collect();
    let mut health = Health::default();
    for worker in workers {
        match worker.join().expect("a worker does not panic") {
            Ok(found) => health.merge(found),
            Err(difference) => panic!("{difference}"),
        }
    }
    let rarest = opforge_vm::ISA
        .iter()
        .map(|(didx, _)| {
            (health.ops.get(usize::from(didx)).copied().unwrap_or(0), opforge_vm::ISA.name(didx))
        })
        .min();
    println!(
        "{} programs, {} runs on each engine; rarest {rarest:?}; {:?}",
        health.programs, health.runs, health.traps
    );
    // A few programs need not meet every common trap.
    let enough = programs < 500 || health.traps.contains_key(TrapCode::DivByZero.name());
    assert!(health.traps.len() > 8 && enough, "{health:?}");
}
