//! When runs enter native code. The code here is none: it notes each visit and leaves at once, so everything is done by
//! the interpreter, and results must not change.

use opforge_vm::ids::{FuncId, InstrIx};
use opforge_vm::interp::{NativeCode, NativeEnd, NativeRun};
use opforge_vm::verify::{VerifyConfig, verify};
use opforge_vm::{
    Capabilities, Engine, Execution, Instance, InterruptHandle, Limits, Linker, Module, Outcome, Value, asm,
};
use std::sync::{Arc, Mutex};

/// The head of the loop in `SOURCE` is its third instruction.
const HEAD: InstrIx = InstrIx(3);

const SOURCE: &str = "
.func sum(n: i64) -> (acc: i64) {
    .reg acc, one, more
    const.i64 acc, 0
    const.i64 one, 1
    jmp @loop
@loop:
    call &add (acc, n) -> acc
    i64.sub n, n, one
    i64.lt more, one, n
    br more, @loop, @end
@end:
    ret acc
}
.func add(a: i64, b: i64) -> (c: i64) {
    i64.add a, a, b
    ret a
}
";

/// Visits as function and entry.
#[derive(Debug, Default)]
struct Visits(Mutex<Vec<(u32, u32)>>);

impl NativeCode for Visits {
    fn max_frames(&self) -> u16 {
        10
    }

    fn entry(&self, func: FuncId, at: InstrIx) -> Option<u32> {
        match (func, at) {
            (_, InstrIx(0)) => Some(0),
            (FuncId(0), HEAD) => Some(1),
            _ => None,
        }
    }

    fn run(&self, func: FuncId, run: &mut NativeRun<'_, '_>) -> NativeEnd {
        self.leave(func, 0, run)
    }

    fn run_from(&self, func: FuncId, entry: u32, run: &mut NativeRun<'_, '_>) -> NativeEnd {
        self.leave(func, entry, run)
    }
}

impl Visits {
    fn leave(&self, func: FuncId, entry: u32, run: &mut NativeRun<'_, '_>) -> NativeEnd {
        self.0.lock().unwrap().push((func.0, entry));
        let at = if entry == 0 { InstrIx(0) } else { HEAD };
        let fuel = run.fuel();
        run.leave_at((func, at), fuel, std::iter::empty());
        NativeEnd::Left
    }

    fn take(&self) -> Vec<(u32, u32)> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

fn instance() -> (Arc<Visits>, Instance<()>) {
    let program = asm::assemble(SOURCE).unwrap_or_else(|errors| panic!("{errors}"));
    let verified = verify(program, &VerifyConfig::default()).unwrap_or_else(|report| panic!("{report}"));
    let visits = Arc::new(Visits::default());
    let module = Module::new(&Engine::default(), &verified).unwrap().with_native(visits.clone());
    (visits, Linker::new().instantiate(&module, (), &Capabilities::none()).unwrap())
}

fn resume(execution: &mut Execution<'_, ()>) -> Option<i64> {
    match execution.resume() {
        Outcome::Finished(values) => match values[..] {
            [Value::I64(value)] => Some(value),
            _ => panic!("{values:?}"),
        },
        Outcome::OutOfFuel(_) | Outcome::Interrupted => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_run_enters_at_starts_of_functions_and_heads_of_loops() {
    let (visits, mut instance) = instance();
    assert_eq!(instance.call(FuncId(0), &[Value::I64(100)], Limits::new()), Ok(vec![Value::I64(5049)]));
    let seen = visits.take();
    assert_eq!(seen[0], (0, 0), "the run begins in native code");
    assert!(seen.contains(&(0, 1)), "{seen:?}");
    assert!(seen.iter().all(|visit| [(0, 0), (0, 1), (1, 0)].contains(visit)), "{seen:?}");
}

#[test]
fn a_run_in_slices_enters_again() {
    let (visits, mut instance) = instance();
    let mut execution = instance.execution(Limits::new().fuel(0));
    execution.start(FuncId(0), &[Value::I64(50)]).unwrap();
    assert_eq!(resume(&mut execution), None);
    visits.take();
    let mut slices = 0;
    let value = loop {
        execution.add_fuel(20);
        slices += 1;
        if let Some(value) = resume(&mut execution) {
            break value;
        }
        assert!(!visits.take().is_empty(), "slice {slices} was interpreted alone");
    };
    assert_eq!(value, (2..=50).sum::<i64>());
    assert!(slices > 10);
}

#[test]
fn visits_that_are_not_worth_it_become_rare() {
    let (visits, mut instance) = instance();
    let limits = Limits::new().fuel(u64::MAX);
    let sum = (2..=1_000_000).sum::<i64>();
    assert_eq!(instance.call(FuncId(0), &[Value::I64(1_000_000)], limits), Ok(vec![Value::I64(sum)]));
    // Seven million instructions, of which the interpreter gets up to 2^16 at a time.
    let seen = visits.take().len();
    assert!((50..300).contains(&seen), "{seen} visits");
}

#[test]
fn an_interrupt_stops_between_visits() {
    let (visits, mut instance) = instance();
    let handle = InterruptHandle::new();
    let mut execution = instance.execution(Limits::new().fuel(u64::MAX));
    execution.set_interrupt(handle.clone());
    execution.start(FuncId(0), &[Value::I64(4)]).unwrap();
    handle.interrupt();
    assert_eq!(resume(&mut execution), None);
    assert_eq!(visits.take(), [], "nothing runs before the flag is seen");
    handle.clear();
    assert_eq!(resume(&mut execution), Some(9));
}
