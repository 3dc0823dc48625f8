//! A program with its hosts on both engines, whose runs must be alike.

use opforge_jit::{JitConfig, JitEngine};
use opforge_vm::host::IntoHostFunc;
use opforge_vm::ids::FuncId;
use opforge_vm::verify::{VerifyConfig, verify};
use opforge_vm::{
    Capabilities, Capability, Engine, Instance, Limits, Linker, Module, Outcome, Trap, Value, asm,
};
use std::fmt::Debug;

/// The one host function of most programs here.
pub(crate) const STEP: &str = "env.step";

/// How a run ended.
#[derive(Debug, PartialEq)]
pub(crate) enum End {
    Values(Vec<Value>),
    Trapped(Box<Trap>),
    OutOfFuel(Box<Trap>),
    Other(String),
}

impl End {
    pub(crate) fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Finished(values) => Self::Values(values),
            Outcome::Trapped(trap) => Self::Trapped(trap),
            Outcome::OutOfFuel(trap) => Self::OutOfFuel(trap),
            other => Self::Other(format!("{other:?}")),
        }
    }
}

/// A linker with one function, [`STEP`].
pub(crate) fn host_calls<T: 'static, Args>(func: impl IntoHostFunc<T, Args>) -> Linker<T> {
    let mut linker = Linker::new();
    linker.func(STEP, Capability::none(), func).unwrap();
    linker
}

/// The module of a program, interpreted and compiled.
pub(crate) fn modules(source: &str) -> [Module; 2] {
    let program = asm::assemble(source).unwrap_or_else(|e| panic!("{}", e.render(source, "test")));
    let verified = verify(program, &VerifyConfig::default()).unwrap_or_else(|e| panic!("{e}"));
    let compiled = JitEngine::new(JitConfig::new()).unwrap().compile(&verified).unwrap();
    [Module::new(&Engine::default(), &verified).unwrap(), compiled.module().clone()]
}

/// A program on both engines.
pub(crate) struct Both<T> {
    interp: Instance<T>,
    jit: Instance<T>,
}

impl<T: Debug + PartialEq + 'static> Both<T> {
    pub(crate) fn new(
        source: &str,
        linker: &Linker<T>,
        granted: &Capabilities,
        data: impl Fn() -> T,
    ) -> Self {
        let [interp, jit] =
            modules(source).map(|module| linker.instantiate(&module, data(), granted).unwrap());
        Self { interp, jit }
    }

    pub(crate) fn instances(&mut self) -> [&mut Instance<T>; 2] {
        [&mut self.interp, &mut self.jit]
    }

    /// Runs a function on both. How it ended, and the fuel that was left.
    pub(crate) fn call(&mut self, func: FuncId, args: &[Value], limits: Limits) -> (End, u64) {
        let [expected, actual] = self.instances().map(|instance| observe(instance, func, args, limits));
        assert_eq!(actual, expected, "{func} {args:?} {limits:?}");
        assert_eq!(self.interp.data(), self.jit.data());
        (actual.0, actual.1)
    }

    pub(crate) fn data(&self) -> &T {
        self.jit.data()
    }
}

/// Runs a function: how it ended, and fuel, host calls and memory.
pub(crate) fn observe<T>(
    instance: &mut Instance<T>,
    func: FuncId,
    args: &[Value],
    limits: Limits,
) -> (End, u64, u64, u64) {
    let mut execution = instance.execution(limits);
    execution.start(func, args).unwrap();
    let end = End::of(execution.resume());
    (end, execution.fuel(), execution.host_calls(), execution.heap().charged())
}
