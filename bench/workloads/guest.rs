//! A workload's opforge program in an instance, on whichever engine the module is for.

use super::{ENTRY, HOST_MODULE, HOST_NAME, Looping, Workload};
use opforge_vm::interp::TypedFunc;
use opforge_vm::verify::{VerifiedProgram, VerifyConfig, verify};
use opforge_vm::{Caller, Capabilities, Capability, Instance, Limits, Linker, Module, Outcome, Value, asm};

/// Fuel that no workload uses up.
const PLENTY: u64 = 1 << 60;

/// Assembles and verifies.
pub(crate) fn verified(ofa: &str) -> VerifiedProgram {
    let program = asm::assemble(ofa).unwrap_or_else(|errors| panic!("{errors}"));
    verify(program, &VerifyConfig::new()).unwrap_or_else(|report| panic!("{report}"))
}

/// The entry function by its type.
#[derive(Debug)]
enum Entry {
    Signed(TypedFunc<(i64,), i64>),
    Unsigned(TypedFunc<(u64,), u64>),
}

/// An instance, ready to run.
#[derive(Debug)]
pub(crate) struct Guest {
    instance: Instance<()>,
    entry: Entry,
    looping: Looping,
}

impl Guest {
    pub(crate) fn new(module: &Module, workload: &Workload) -> Self {
        let mut linker = Linker::new();
        let ping = |_: &mut Caller<'_, ()>, x: i64| x.wrapping_add(1);
        linker
            .func(&format!("{HOST_MODULE}.{HOST_NAME}"), Capability::none(), ping)
            .expect("the linker is empty");
        let instance = linker.instantiate(module, (), &Capabilities::none()).expect("one import at most");
        let func = module.program().func_by_name(ENTRY).expect("every workload has the entry function");
        let entry = match module.typed_func(func) {
            Ok(entry) => Entry::Signed(entry),
            Err(_) => Entry::Unsigned(module.typed_func(func).expect("one integer in, one out")),
        };
        Self { instance, entry, looping: workload.looping }
    }

    fn limits() -> Limits {
        Limits::new().fuel(PLENTY).host_calls(u64::MAX)
    }

    /// Does the work of `n` and gives the result's bits.
    pub(crate) fn run(&mut self, n: u64) -> u64 {
        let limits = Self::limits();
        match &self.entry {
            Entry::Signed(entry) => {
                let mut entry = entry.bind(&mut self.instance, &limits).expect("its own instance");
                let mut call = |x| entry.call((x,)).unwrap_or_else(|error| panic!("{error}"));
                let n = n as i64;
                (match self.looping {
                    Looping::Guest => call(n),
                    Looping::Host => (0..n).fold(n, |x, _| call(x)),
                }) as u64
            }
            Entry::Unsigned(entry) => {
                let mut entry = entry.bind(&mut self.instance, &limits).expect("its own instance");
                let mut call = |x| entry.call((x,)).unwrap_or_else(|error| panic!("{error}"));
                match self.looping {
                    Looping::Guest => call(n),
                    Looping::Host => (0..n).fold(n, |x, _| call(x)),
                }
            }
        }
    }

    /// The fuel that one call uses.
    pub(crate) fn fuel(&mut self, n: u64) -> u64 {
        let (func, arg) = match &self.entry {
            Entry::Signed(entry) => (entry.func(), Value::I64(n as i64)),
            Entry::Unsigned(entry) => (entry.func(), Value::U64(n)),
        };
        let mut execution = self.instance.execution(Self::limits());
        execution.start(func, &[arg]).unwrap_or_else(|error| panic!("{error}"));
        let outcome = execution.resume();
        assert!(matches!(outcome, Outcome::Finished(_)), "{outcome:?}");
        PLENTY - execution.fuel()
    }
}
