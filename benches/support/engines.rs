//! The two engines behind one interface.

use super::programs::{Arg, HOST_SYMBOL, Workload};
use execution_tape::host::{Host, HostContext, HostError, SigHash, ValueRef};
use execution_tape::program::Program as PeerProgram;
use execution_tape::trace::TraceMask;
use execution_tape::value::{FuncId as PeerFuncId, Value as PeerValue};
use execution_tape::verifier::{
    VerifiedProgram as PeerVerified, VerifyConfig as PeerConfig, verify_program_owned,
};
use execution_tape::vm::{ExecutionContext, Limits as PeerLimits, Trap, Vm};
use opforge_vm::container::{DecodeConfig, decode};
use opforge_vm::ids::FuncId;
use opforge_vm::verify::{VerifiedProgram, VerifyConfig, verify};
use opforge_vm::{
    Caller, Capabilities, Capability, Engine, EngineConfig, FuelSchedule, Instance, Limits, Linker, Module,
    Outcome, Program, Value,
};

/// Fuel that no program here uses up.
pub(crate) const PLENTY: u64 = 1 << 60;

/// opforge's side: an instance and the arguments of its entry function.
#[derive(Debug)]
pub(crate) struct Ours {
    instance: Instance<()>,
    args: Vec<Value>,
}

impl Ours {
    pub(crate) fn new(workload: &Workload, schedule: FuelSchedule) -> Self {
        let verified = ours_verify(ours_decode(&workload.bytes));
        let module = ours_lower(&Engine::new(EngineConfig::new().schedule(schedule)), &verified);
        let mut linker = Linker::new();
        linker
            .func(HOST_SYMBOL, Capability::none(), |_: &mut Caller<'_, ()>, x: i64| x.wrapping_add(1))
            .expect("the linker is empty");
        let instance = linker.instantiate(&module, (), &Capabilities::none()).expect("one import at most");
        let value = |arg: &Arg| match *arg {
            Arg::I64(v) => Value::I64(v),
            Arg::U64(v) => Value::U64(v),
        };
        Self { instance, args: workload.args.iter().map(value).collect() }
    }

    /// Runs once. Returns the result's bits and the fuel used.
    pub(crate) fn run(&mut self) -> (u64, u64) {
        let limits = Limits::new().fuel(PLENTY).host_calls(u64::MAX);
        let mut execution = self.instance.execution(limits);
        execution.start(FuncId(0), &self.args).expect("the arguments fit");
        let outcome = execution.resume();
        let used = PLENTY - execution.fuel();
        let Outcome::Finished(results) = outcome else { panic!("opforge: {outcome:?}") };
        match results[..] {
            [Value::I64(v)] => (v as u64, used),
            [Value::U64(v)] => (v, used),
            ref other => panic!("opforge returned {other:?}"),
        }
    }
}

pub(crate) fn ours_decode(bytes: &[u8]) -> Program {
    decode(bytes, &DecodeConfig::new()).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn ours_verify(program: Program) -> VerifiedProgram {
    verify(program, &VerifyConfig::new()).unwrap_or_else(|report| panic!("{report}"))
}

pub(crate) fn ours_lower(engine: &Engine, verified: &VerifiedProgram) -> Module {
    Module::new(engine, verified).unwrap_or_else(|error| panic!("{error}"))
}

/// execution_tape's host. It compares the symbol, as every host there must, and skips the signature hash; it
/// does not allocate.
#[derive(Debug)]
pub(crate) struct PeerHost;

impl Host for PeerHost {
    fn call(
        &mut self,
        symbol: &str,
        _: SigHash,
        args: &[ValueRef<'_>],
        rets: &mut [PeerValue],
        _: HostContext<'_, '_>,
    ) -> Result<u64, HostError> {
        if symbol != HOST_SYMBOL {
            return Err(HostError::UnknownSymbol);
        }
        let ([ValueRef::I64(x)], [ret]) = (args, rets) else { return Err(HostError::Failed) };
        *ret = PeerValue::I64(x.wrapping_add(1));
        Ok(0)
    }
}

/// execution_tape's side: its VM, with a context that keeps its allocations from run to run.
#[derive(Debug)]
pub(crate) struct Peer {
    vm: Vm<PeerHost>,
    context: ExecutionContext,
    program: PeerVerified,
    args: Vec<PeerValue>,
}

impl Peer {
    pub(crate) fn new(workload: &Workload, fuel: u64) -> Self {
        let limits = PeerLimits { fuel, max_host_calls: u64::MAX, ..PeerLimits::default() };
        let value = |arg: &Arg| match *arg {
            Arg::I64(v) => PeerValue::I64(v),
            Arg::U64(v) => PeerValue::U64(v),
        };
        Self {
            vm: Vm::new(PeerHost, limits),
            context: ExecutionContext::new(),
            program: peer_verify(peer_decode(&workload.bytes)),
            args: workload.args.iter().map(value).collect(),
        }
    }

    /// Runs once. `None` if the fuel ran out.
    pub(crate) fn try_run(&mut self) -> Option<u64> {
        let result = self.vm.run_with_ctx(
            &mut self.context,
            &self.program,
            PeerFuncId(0),
            &self.args,
            TraceMask::NONE,
            None,
            None,
        );
        match result.as_deref() {
            Ok([PeerValue::I64(v)]) => Some(*v as u64),
            Ok([PeerValue::U64(v)]) => Some(*v),
            Ok(other) => panic!("execution_tape returned {other:?}"),
            Err(info) if info.trap == Trap::FuelExceeded => None,
            Err(info) => panic!("execution_tape: {info:?}"),
        }
    }
}

pub(crate) fn peer_decode(bytes: &[u8]) -> PeerProgram {
    PeerProgram::decode(bytes).unwrap_or_else(|error| panic!("{error:?}"))
}

/// Verifies and lowers: execution_tape does both in one step.
pub(crate) fn peer_verify(program: PeerProgram) -> PeerVerified {
    verify_program_owned(program, &PeerConfig::default()).unwrap_or_else(|error| panic!("{error:?}"))
}
