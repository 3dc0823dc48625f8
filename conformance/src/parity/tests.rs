//! Programs that differ in one point stand for engines that do.

use super::Parity;
use crate::engine::{End, Loaded, Pace, RunLimits, RunRequest, Tracing};
use crate::interp::Interp;
use opforge::FuelSchedule;
use opforge::asm::assemble;
use opforge::verify::{VerifiedProgram, VerifyConfig, verify};

const PROGRAM: &str = ".host echo = \"host.echo\" (i64) -> (i64)
.func main() -> (i64) {
    .span 1
    const.i64 r1, 5
    .span 2
    const.i64 r2, 0
    host_call echo (r1) -> (r3)
    nop
    tuple.new r6, (r1)
    i64.div r7, r1, r2
    ret (r1)
}
";

fn program(changes: &[(&str, &str)]) -> VerifiedProgram {
    let text = changes.iter().fold(PROGRAM.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from} is not there");
        text.replace(from, to)
    });
    verify(assemble(&text).unwrap(), &VerifyConfig::new()).unwrap()
}

fn run(native: &[(&str, &str)], fuel: u64) -> End {
    let schedule = FuelSchedule::V1;
    let interp = Interp::load(&program(&[]), schedule).unwrap();
    let native = Interp::load_native(&program(native), schedule).unwrap();
    let limits = RunLimits { fuel, ..RunLimits::default() };
    let (pace, tracing) = (Pace::Whole, Tracing::Off);
    Parity { interp, native }.run(&RunRequest { entry: 0, args: &[], limits, pace, tracing }).end
}

#[test]
fn the_same_program_is_the_same() {
    assert!(matches!(run(&[], 100), End::Trap(trap) if trap.kind == "DivByZero"));
    assert!(run(&[], 3).is_out_of_fuel());
}

#[test]
fn every_observable_is_compared() {
    for (change, what) in [
        (("r2, 0", "r2, 1"), "DivByZero"),
        (("(r1) -> (r3)", "(r2) -> (r3)"), "call of the host 0"),
        (("tuple.new r6, (r1)", "tuple.new r6, (r0)"), "bytes charged"),
        (("    i64.div", "    .span 7\n    i64.div"), "span"),
        (("    nop\n", "    nop\n    nop\n"), "fuel"),
    ] {
        let end = run(&[change], 100);
        let differs =
            matches!(&end, End::Broken(why) if why.starts_with("the engines differ") && why.contains(what));
        assert!(differs, "{change:?}: {end}");
    }
}

/// Ends alike, but stands elsewhere with no fuel.
#[test]
fn less_fuel_is_tried_too() {
    let end = run(&[(".span 1\n", ".span 9\n")], 100);
    assert!(matches!(&end, End::Broken(why) if why.contains("fuel: 0,")), "{end}");
}
