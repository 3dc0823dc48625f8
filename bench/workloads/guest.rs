//! A workload's opforge program in an instance, on whichever engine the module is for.

use super::{ENTRY, HOST_MODULE, HOST_NAME, Looping, Workload};
use opforge_vm::ids::FuncId;
use opforge_vm::verify::{VerifiedProgram, VerifyConfig, verify};
use opforge_vm::{
    Caller, Capabilities, Capability, Instance, Limits, Linker, Module, Outcome, Value, ValueType, asm,
};

/// Fuel that no workload uses up.
const PLENTY: u64 = 1 << 60;

/// Assembles and verifies.
pub(crate) fn verified(ofa: &str) -> VerifiedProgram {
    let program = asm::assemble(ofa).unwrap_or_else(|errors| panic!("{errors}"));
    verify(program, &VerifyConfig::new()).unwrap_or_else(|report| panic!("{report}"))
}

/// An instance, ready to run.
#[derive(Debug)]
pub(crate) struct Guest {
    instance: Instance<()>,
    func: FuncId,
    signed: bool,
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
        let signed = module.program().function(func).is_some_and(|f| *f.params == [ValueType::I64]);
        Self { instance, func, signed, looping: workload.looping }
    }

    fn limits() -> Limits {
        Limits::new().fuel(PLENTY).host_calls(u64::MAX)
    }

    fn arg(&self, n: u64) -> Value {
        if self.signed { Value::I64(n as i64) } else { Value::U64(n) }
    }

    /// One call from Rust. The only place to change for another way to call.
    fn call(&mut self, n: u64) -> u64 {
        let results = self.instance.call(self.func, &[self.arg(n)], Self::limits());
        bits(&results.unwrap_or_else(|error| panic!("{error}")))
    }

    /// Does the work of `n` and gives the result's bits.
    pub(crate) fn run(&mut self, n: u64) -> u64 {
        match self.looping {
            Looping::Guest => self.call(n),
            Looping::Host => (0..n).fold(n, |x, _| self.call(x)),
        }
    }

    /// The fuel that one call uses.
    pub(crate) fn fuel(&mut self, n: u64) -> u64 {
        let arg = self.arg(n);
        let mut execution = self.instance.execution(Self::limits());
        execution.start(self.func, &[arg]).unwrap_or_else(|error| panic!("{error}"));
        let outcome = execution.resume();
        assert!(matches!(outcome, Outcome::Finished(_)), "{outcome:?}");
        PLENTY - execution.fuel()
    }
}

fn bits(results: &[Value]) -> u64 {
    match results {
        [Value::I64(v)] => *v as u64,
        [Value::U64(v)] => *v,
        other => panic!("a workload returns one integer, not {other:?}"),
    }
}
