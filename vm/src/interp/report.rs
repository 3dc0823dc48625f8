//! Reports of runs that trapped or stopped.

use super::drive::State;
use super::machine::Exit;
use super::module::Module;
use super::regs::Stack;
use crate::ids::{FuncId, InstrIx};
use crate::trap::{FrameInfo, Trap, TrapDetail};
use alloc::vec::Vec;
use opforge_schema::TrapCode;

/// The trap that an exit reports which is not about fuel.
pub(super) fn trap_code(exit: Exit) -> TrapCode {
    match exit {
        Exit::Trap(code) => code,
        _ => {
            debug_assert!(exit != Exit::Internal, "verified code met an internal error");
            TrapCode::InvalidFunction
        }
    }
}

/// The report of a run that stopped at a state with this fuel left.
pub(super) fn report(
    module: &Module,
    stack: &Stack,
    state: &State,
    fuel: u64,
    (code, detail): (TrapCode, TrapDetail),
) -> Trap {
    let (frames, frames_omitted) = backtrace(module, stack, state);
    let names = frames.iter().map(|frame| module.program().func_name(frame.func).map(Into::into)).collect();
    Trap { code, detail, frames, names, frames_omitted, fuel }
}

/// Active calls, innermost first; of very deep stacks the ends only.
fn backtrace(module: &Module, stack: &Stack, state: &State) -> (Vec<FrameInfo>, u32) {
    let frame = |func: FuncId, at: InstrIx| {
        let function = module.program().function(func);
        FrameInfo { func, pc: function.map_or(0, |f| f.pc(at)), span: function.and_then(|f| f.span(at)) }
    };
    let mut frames = alloc::vec![frame(state.func, state.instr)];
    let mut omitted = 0;
    let mut base = state.base;
    for _ in 1..state.depth {
        let link = base.checked_sub(2).and_then(|at| Some((stack.get(at)?, stack.get(at + 1)?)));
        let Some((word, up)) = link else { break };
        let call = (word as u32).wrapping_sub(1);
        let Some(func) = module.code().func_of(call) else { break };
        if frames.len() == Trap::MAX_FRAMES {
            // Keep the innermost half and slide the rest towards the entry frame.
            frames.remove(Trap::MAX_FRAMES / 2);
            omitted += 1;
        }
        frames.push(frame(func, module.code().own_instr(call)));
        base = base.saturating_sub(up as usize);
    }
    (frames, omitted)
}
