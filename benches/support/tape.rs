//! execution_tape behind a small interface.

use execution_tape::host::{Host, HostContext, HostError, SigHash, ValueRef};
use execution_tape::program::Program;
use execution_tape::trace::TraceMask;
use execution_tape::value::{FuncId, Value};
use execution_tape::verifier::{VerifiedProgram, VerifyConfig, verify_program_owned};
use execution_tape::vm::{ExecutionContext, Limits, Trap, Vm};

/// Fuel that no program of a bench uses up.
pub(crate) const PLENTY: u64 = 1 << 60;

/// A host with one function, `(i64) -> (i64)`, one more than its argument. It compares the symbol, as every host there
/// must, and skips the signature hash; it does not allocate.
#[derive(Debug)]
struct Increment {
    symbol: &'static str,
}

impl Host for Increment {
    fn call(
        &mut self,
        symbol: &str,
        _: SigHash,
        args: &[ValueRef<'_>],
        rets: &mut [Value],
        _: HostContext<'_, '_>,
    ) -> Result<u64, HostError> {
        if symbol != self.symbol {
            return Err(HostError::UnknownSymbol);
        }
        let ([ValueRef::I64(x)], [ret]) = (args, rets) else { return Err(HostError::Failed) };
        *ret = Value::I64(x.wrapping_add(1));
        Ok(0)
    }
}

/// A VM with a program, and with a context that keeps its allocations from run to run.
#[derive(Debug)]
pub(crate) struct Tape {
    vm: Vm<Increment>,
    context: ExecutionContext,
    program: VerifiedProgram,
}

impl Tape {
    /// `symbol` is the name of the host function that increments.
    pub(crate) fn new(program: VerifiedProgram, symbol: &'static str, fuel: u64) -> Self {
        let limits = Limits { fuel, max_host_calls: u64::MAX, ..Limits::default() };
        Self { vm: Vm::new(Increment { symbol }, limits), context: ExecutionContext::new(), program }
    }

    /// A new VM for the program: aggregates of earlier runs are never freed else.
    #[allow(dead_code, reason = "only the bench `handles` makes aggregates")]
    pub(crate) fn renew(&mut self, symbol: &'static str, fuel: u64) {
        let limits = Limits { fuel, max_host_calls: u64::MAX, ..Limits::default() };
        self.vm = Vm::new(Increment { symbol }, limits);
    }

    /// Runs function 0, which returns one number: its bits. `None` if the fuel ran out.
    pub(crate) fn call(&mut self, args: &[Value]) -> Option<u64> {
        let result = self.vm.run_with_ctx(
            &mut self.context,
            &self.program,
            FuncId(0),
            args,
            TraceMask::NONE,
            None,
            None,
        );
        match result.as_deref() {
            Ok([Value::I64(v)]) => Some(*v as u64),
            Ok([Value::U64(v)]) => Some(*v),
            Ok(other) => panic!("execution_tape returned {other:?}"),
            Err(info) if info.trap == Trap::FuelExceeded => None,
            Err(info) => panic!("execution_tape: {info:?}"),
        }
    }
}

pub(crate) fn decode(bytes: &[u8]) -> Program {
    Program::decode(bytes).unwrap_or_else(|error| panic!("{error:?}"))
}

/// Verifies and lowers: execution_tape does both in one step.
pub(crate) fn verify(program: Program) -> VerifiedProgram {
    verify_program_owned(program, &VerifyConfig::default()).unwrap_or_else(|error| panic!("{error:?}"))
}
