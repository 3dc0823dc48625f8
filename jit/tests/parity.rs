//! Both engines give the same outcome, trap, call stack, fuel, host calls and memory, for every text program of the
//! workspace, whatever the limits are and however the fuel is given.

mod parity_support;

use opforge_vm::{FuelSchedule, Limits};
use parity_support::directive::Run;
use parity_support::run::Fuel;
use parity_support::{Compared, Pair, load, programs, runs};

/// Runs that take up to so much fuel are repeated with every amount up to that.
const EVERY_FUEL: u64 = 200;

/// Short runs are repeated in slices of every size up to this.
const EVERY_SLICE: u64 = 40;

fn compare_everything(pair: &mut Pair, run: &Run, sum: &mut Compared) {
    let seen = pair.compare(run, run.limits, Fuel::AtOnce, sum);
    let mut amounts = vec![0, 1, seen.fuel.saturating_sub(1), seen.fuel, seen.fuel + 1];
    amounts.extend(0..seen.fuel.min(EVERY_FUEL));
    for fuel in amounts {
        if fuel <= run.limits.fuel {
            pair.compare(run, run.limits.fuel(fuel), Fuel::AtOnce, sum);
        }
    }
    // A slice ends native code where it leaves to the interpreter: short runs are left everywhere.
    let most = if seen.fuel < 200 { seen.fuel.min(EVERY_SLICE) } else { 0 };
    for slice in (1..=most).chain([1, 2, 3, 5, 7, 13, 31, 127, 1000]) {
        if seen.fuel / slice < 20_000 {
            pair.compare(run, run.limits, Fuel::Slices(slice), sum);
        }
    }
    let limits: Limits = run.limits;
    for depth in [0, 1, 2, 3, 7] {
        pair.compare(run, limits.call_depth(depth), Fuel::AtOnce, sum);
    }
    for slots in [0, 8, 16, 40, 100, 1000] {
        pair.compare(run, limits.stack_slots(slots), Fuel::AtOnce, sum);
    }
    for memory in [0, 1, 16, 50, 200, seen.memory.saturating_sub(1), seen.memory] {
        pair.compare(run, limits.memory(memory), Fuel::AtOnce, sum);
    }
    for calls in [0, 1, 2] {
        pair.compare(run, limits.host_calls(calls), Fuel::AtOnce, sum);
    }
}

fn compare_all(stack: Option<u32>, schedules: &[FuelSchedule]) -> Compared {
    let mut sum = Compared::default();
    for path in programs() {
        let source = std::fs::read_to_string(&path).unwrap();
        let Some(verified) = load(&source) else { continue };
        sum.programs += 1;
        let before = sum.differences.len();
        for &schedule in schedules {
            let Some(mut pair) = Pair::new(&verified, schedule, stack) else { continue };
            for run in runs(&source, &verified) {
                compare_everything(&mut pair, &run, &mut sum);
            }
        }
        for difference in sum.differences.iter_mut().skip(before) {
            *difference = format!("{}: {difference}", path.display());
        }
    }
    sum
}

fn assert_same(sum: &Compared) {
    println!("{} programs, {} runs, {} of them trap", sum.programs, sum.runs, sum.traps);
    let shown: Vec<&str> = sum.differences.iter().take(5).map(String::as_str).collect();
    assert!(sum.differences.is_empty(), "{} runs differ:\n{}", sum.differences.len(), shown.join("\n"));
    assert!(sum.programs > 50 && sum.traps > 1000, "the programs are not there: {sum:?}");
}

#[test]
fn every_program_agrees() {
    assert_same(&compare_all(None, &[FuelSchedule::V1, FuelSchedule::BySize]));
}

#[test]
fn every_program_agrees_when_the_native_stack_holds_one_frame() {
    assert_same(&compare_all(Some(1), &[FuelSchedule::BySize]));
}

#[test]
fn every_program_agrees_when_the_native_stack_holds_three_frames() {
    assert_same(&compare_all(Some(3), &[FuelSchedule::BySize]));
}

/// An element without slots is read into a register that has the slot of the next one (`r5`, of `r6`), which must be
/// handed over when native code is left before the read.
#[test]
fn a_read_without_slots_writes_no_other_register() {
    let source = "\
.elem #0 unit
.func main() -> (u64, u64) {
    const.u64 r1, 0
    const.unit r2
    array.new r3, #0, (r2, r0)
    const.u64 r4, 1
    const.u64 r6, 0
    const.u64 r7, 2
    jmp @test
@test:
    u64.lt r8, r6, r7
    br r8, @turn, @end
@turn:
    u64.add r1, r1, r4
    jmp @read
@read:
    array.get_imm r5, r3, 0
    br r8, @more, @read
@more:
    u64.add r6, r6, r4
    jmp @test
@end:
    ret (r6, r1)
}
";
    let verified = load(source).expect("the program is right");
    let mut sum = Compared::default();
    let mut pair = Pair::new(&verified, FuelSchedule::BySize, None).expect("no imports");
    for run in runs(source, &verified) {
        compare_everything(&mut pair, &run, &mut sum);
    }
    assert!(sum.differences.is_empty() && sum.runs > 20, "{sum:?}");
}
