//! The two engines behind one interface.

use super::programs::{Arg, HOST_SYMBOL, Workload};
pub(crate) use super::tape::PLENTY;
use super::tape::Tape;
pub(crate) use super::tape::{decode as peer_decode, verify as peer_verify};
use execution_tape::value::Value as PeerValue;
use opforge_vm::container::{DecodeConfig, decode};
use opforge_vm::ids::FuncId;
use opforge_vm::verify::{VerifiedProgram, VerifyConfig, verify};
use opforge_vm::{
    Caller, Capabilities, Capability, Engine, EngineConfig, FuelSchedule, Instance, Limits, Linker, Module,
    Outcome, Program, Value,
};

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

/// execution_tape's side: its VM and the arguments of the entry function.
#[derive(Debug)]
pub(crate) struct Peer {
    tape: Tape,
    args: Vec<PeerValue>,
}

impl Peer {
    pub(crate) fn new(workload: &Workload, fuel: u64) -> Self {
        let value = |arg: &Arg| match *arg {
            Arg::I64(v) => PeerValue::I64(v),
            Arg::U64(v) => PeerValue::U64(v),
        };
        let program = peer_verify(peer_decode(&workload.bytes));
        Self { tape: Tape::new(program, HOST_SYMBOL, fuel), args: workload.args.iter().map(value).collect() }
    }

    /// Drops the aggregates of earlier runs.
    #[allow(dead_code, reason = "only the bench `handles` makes aggregates")]
    pub(crate) fn renew(&mut self, fuel: u64) {
        self.tape.renew(HOST_SYMBOL, fuel);
    }

    /// Runs once. `None` if the fuel ran out.
    pub(crate) fn try_run(&mut self) -> Option<u64> {
        self.tape.call(&self.args)
    }
}
