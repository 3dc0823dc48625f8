//! The session instructions, as far as the dispatch loop knows them: somebody else does them.

use super::drive::{self, State};
use super::instance::{Instance, begin_heap};
use super::machine::{ENTRY_BASE, Exit, Machine};
use super::nesting::Nested;
pub(crate) use super::regs::Stack as CoroStack;
use super::regs::{Regs, Stack};
use super::report;
use super::trace::Off;
use super::word::Word;
use crate::heap::Heap;
use crate::ids::{FuncId, InstrIx, Reg};
use crate::limits::Limits;
use crate::lower::{ExecFunction, SessionInstr};
use crate::trap::{Trap, TrapDetail};
use crate::value::Value;
use alloc::boxed::Box;
use core::sync::atomic::AtomicBool;
use opforge_schema::TrapCode;

/// What comes of a session instruction.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// It is done; control goes on behind it.
    Next,
    /// It is done; control goes to where this arm of a `choose` leads.
    Take(u32),
    /// It cannot be done now; nothing was done.
    Block,
    /// It is done, and others are to run before what is behind it.
    Yield,
    /// It is done; the coroutine has ended.
    Halt,
    /// It has trapped; nothing was done.
    Trap(TrapCode, TrapDetail),
}

/// Does session instructions. `frame` holds the slots of the innermost frame, `depth` frames from the outermost one.
pub(crate) trait SessionOps {
    fn step(
        &mut self,
        func: FuncId,
        instr: &SessionInstr,
        frame: &mut [u64],
        depth: u32,
        heap: &mut Heap,
    ) -> Step;
}

impl Machine<'_> {
    /// Does a session instruction. Gives the word that it leads to, if that is not the next one.
    #[inline(never)]
    pub(super) fn session(&mut self, regs: Regs, word: Word) -> Result<Option<u32>, Exit> {
        let base = regs.base(self.stack);
        self.session_base = base;
        let function = self.program.functions.get(word.a as usize).ok_or(Exit::Internal)?;
        let instr = function.sites.get(word.b as usize).ok_or(Exit::Internal)?;
        let Some(sessions) = &mut self.sessions else { return Err(Exit::Trap(TrapCode::NoSession)) };
        let frame = self.stack.slice_mut(base, function.frame_slots as usize);
        match sessions.step(FuncId(word.a), instr, frame, self.depth, self.heap) {
            Step::Next => Ok(None),
            Step::Take(arm) => {
                let entry = (word.c as usize).checked_add(arm as usize).ok_or(Exit::Internal)?;
                self.code.pool.get(entry).copied().map(Some).ok_or(Exit::Internal)
            }
            Step::Block => Err(Exit::Blocked),
            Step::Yield => Err(Exit::Yielded),
            Step::Halt => Err(Exit::Halted),
            Step::Trap(code, detail) => {
                self.detail = detail;
                Err(Exit::Trap(code))
            }
        }
    }
}

/// How a slice of a coroutine ended.
#[derive(Debug)]
pub(crate) enum SliceEnd {
    /// Its function returned, or it halted.
    Ended,
    /// It waits at a session instruction.
    Blocked,
    /// It lets others run.
    Yielded,
    /// Its fuel is used up.
    OutOfFuel,
    /// The interrupt flag was seen.
    Interrupted,
    /// It has trapped.
    Trapped(Box<Trap>),
}

/// What all slices of a machine share.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Account {
    pub(crate) fuel: u64,
    pub(crate) host_calls: u64,
    /// What hosts charged past the fuel that was left.
    pub(crate) owed: u64,
}

/// The frames of a coroutine, between its slices.
#[derive(Clone, Debug)]
pub(crate) struct Frames {
    stack: Stack,
    state: State,
}

impl Default for Frames {
    /// No frames, in place of those of a coroutine whose slice is on.
    fn default() -> Self {
        Self { stack: Stack::default(), state: State::entry(FuncId(0)) }
    }
}

impl<T> Instance<T> {
    /// Begins a machine's run with an empty heap.
    pub(crate) fn begin_machine(&mut self, limits: &Limits) -> Result<(), TrapCode> {
        begin_heap(&mut self.buffers.heap, self.module.program(), limits.max_memory);
        self.buffers.heap.begin_memories()
    }

    /// The heap of a machine's run.
    pub(crate) fn session_heap(&mut self) -> &mut Heap {
        &mut self.buffers.heap
    }
}

impl Frames {
    /// At the start of a function with these argument slots. A used stack may be given, to be used again.
    pub(crate) fn new(
        func: FuncId,
        function: &ExecFunction,
        args: impl Iterator<Item = u64>,
        mut stack: Stack,
    ) -> Result<Self, TrapCode> {
        stack.grow(ENTRY_BASE + function.frame_slots as usize)?;
        stack.slice_mut(0, ENTRY_BASE).fill(0);
        for (slot, bits) in (ENTRY_BASE..).zip(args) {
            stack.set(slot, bits);
        }
        Ok(Self { stack, state: State::entry(func) })
    }

    /// Bytes that a coroutine of a function takes at first.
    pub(crate) fn first_bytes(function: &ExecFunction) -> u64 {
        (ENTRY_BASE as u64 + u64::from(function.frame_slots)) * 8
    }

    /// Bytes of the stack.
    pub(crate) fn bytes(&self) -> u64 {
        self.stack.len() as u64 * 8
    }

    /// The stack, for another coroutine; too large ones are given back.
    pub(crate) fn take_stack(&mut self) -> Stack {
        const KEEP_SLOTS: usize = 256;
        let stack = core::mem::take(&mut self.stack);
        if stack.len() > KEEP_SLOTS { Stack::default() } else { stack }
    }

    /// The innermost function and the instruction that is next in it.
    pub(crate) fn at(&self) -> (FuncId, InstrIx) {
        (self.state.func, self.state.instr)
    }

    /// The function that it began with.
    pub(crate) fn entry(&self) -> FuncId {
        self.state.entry
    }

    /// The value in a register of the innermost frame.
    pub(crate) fn register<T>(&self, instance: &Instance<T>, reg: Reg) -> Option<Value> {
        let program = instance.module.program();
        let function = program.function(self.state.func)?;
        let (&slot, &ty) = (function.reg_slots.get(reg.index())?, function.reg_types.get(reg.index())?);
        let class = program.types.class(ty)?;
        let at = self.state.base + slot as usize;
        let slots = [self.stack.get(at).unwrap_or(0), self.stack.get(at + 1).unwrap_or(0)];
        Some(instance.buffers.heap.load_value(class, &slots))
    }

    /// The fuel of the next instruction, as far as it is known before it runs.
    pub(crate) fn next_cost<T>(&self, instance: &Instance<T>) -> u64 {
        let function = instance.module.program().function(self.state.func);
        let at = self.state.instr;
        function.map_or(0, |function| function.fuel(at, InstrIx(at.0.saturating_add(1))))
    }

    /// Runs until something ends the slice. At least one instruction is done, if the account's fuel is enough for it.
    pub(crate) fn run<T>(
        &mut self,
        instance: &mut Instance<T>,
        sessions: &mut dyn SessionOps,
        account: &mut Account,
        quantum: u64,
        limits: &Limits,
        interrupt: Option<&AtomicBool>,
    ) -> SliceEnd {
        let mut slice = quantum.max(self.next_cost(instance));
        loop {
            let given = slice.min(account.fuel);
            let mut fuel = given;
            let (from, depth) = (self.at(), self.state.depth);
            let end = self.run_for(instance, sessions, (&mut fuel, account), limits, interrupt);
            account.fuel = account.fuel - given + fuel;
            // An instruction that pays by size may need more than it costs at least.
            let stands = fuel == given && (from, depth) == (self.at(), self.state.depth);
            if !(matches!(end, SliceEnd::OutOfFuel) && stands && given < account.fuel) {
                return end;
            }
            slice = slice.saturating_mul(4);
        }
    }

    fn run_for<T>(
        &mut self,
        instance: &mut Instance<T>,
        sessions: &mut dyn SessionOps,
        (fuel, account): (&mut u64, &mut Account),
        limits: &Limits,
        interrupt: Option<&AtomicBool>,
    ) -> SliceEnd {
        core::mem::swap(&mut self.stack, &mut instance.buffers.stack);
        let (exit, detail) = self.dispatch(instance, sessions, (fuel, account), limits, interrupt);
        core::mem::swap(&mut self.stack, &mut instance.buffers.stack);
        match exit {
            Exit::Finished | Exit::Halted => SliceEnd::Ended,
            Exit::Blocked => SliceEnd::Blocked,
            Exit::Yielded => SliceEnd::Yielded,
            Exit::Interrupted => SliceEnd::Interrupted,
            Exit::OutOfFuelExact | Exit::OutOfFuelInWord | Exit::NeedExact => SliceEnd::OutOfFuel,
            Exit::Pending | Exit::Trap(_) | Exit::Internal => {
                // A machine's coroutines do not wait for host functions: effects are there for that.
                let code =
                    if exit == Exit::Pending { TrapCode::HostCallFailed } else { report::trap_code(exit) };
                let trap = report::report(&instance.module, &self.stack, &self.state, *fuel, (code, detail));
                SliceEnd::Trapped(Box::new(trap))
            }
        }
    }

    fn dispatch<T>(
        &mut self,
        instance: &mut Instance<T>,
        sessions: &mut dyn SessionOps,
        (fuel, account): (&mut u64, &mut Account),
        limits: &Limits,
        interrupt: Option<&AtomicBool>,
    ) -> (Exit, TrapDetail) {
        let Instance { module, hosts, calls, buffers } = instance;
        let Some(_nested) = Nested::enter(calls.len(), limits.max_nested_runs) else {
            return (Exit::Trap(TrapCode::CallDepthExceeded), TrapDetail::None);
        };
        let native = module.native().filter(|_| buffers.heap.is_ready_for(&module.program().types));
        let mut machine = Machine::new(module, (hosts, calls), buffers, limits);
        machine.interrupt = interrupt;
        machine.sessions = Some(sessions);
        machine.depth = self.state.depth;
        machine.host_calls = account.host_calls;
        machine.owed = account.owed;
        self.state.resumed = true;
        let exit = match native {
            Some(native) => drive::run_native(&mut machine, native, &mut self.state, fuel),
            None => drive::run_segments(&mut machine, &mut Off, &mut self.state, fuel),
        };
        account.host_calls = machine.host_calls;
        account.owed = machine.owed;
        self.state.depth = machine.depth;
        let detail = machine.take_detail(exit);
        (exit, detail)
    }
}
