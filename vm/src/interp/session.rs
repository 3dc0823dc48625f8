//! The session instructions, as far as the dispatch loop knows them: somebody else does them.

use super::code::InterpCode;
use super::dispatch::{self, Position};
use super::drive::{self, State};
use super::instance::{Instance, begin_heap, host_failed};
use super::machine::{ENTRY_BASE, Exit, FUEL_QUANTUM, Machine};
use super::module::Module;
use super::native::Native;
use super::nesting::Nested;
pub(crate) use super::regs::Stack as CoroStack;
use super::regs::{Regs, Stack};
use super::report;
use super::trace::Off;
use super::waiting::pending_call;
use super::word::{Word, WordOp};
use crate::heap::Heap;
use crate::ids::{FuncId, InstrIx, Reg};
use crate::limits::Limits;
use crate::lower::{ExecFunction, SessionInstr};
use crate::trap::{HostError, Trap, TrapDetail};
use crate::value::Value;
use alloc::boxed::Box;
use core::sync::atomic::{AtomicBool, Ordering};
use opforge_schema::TrapCode;

/// What comes of a session instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// It has trapped; nothing was done. Why is asked for apart: what does not fit registers costs every instruction.
    Trap,
}

/// How a coroutine's slice ended.
#[derive(Debug)]
pub(crate) enum Turn {
    /// There was none: the run begins.
    Begin,
    /// Its function returned, or it halted.
    Ended,
    /// It waits at a session instruction.
    Blocked,
    /// It lets others run.
    Yielded,
    /// The fuel of the slice does not reach the next instruction.
    OutOfFuel {
        /// What that costs.
        needs: u64,
    },
    /// The interrupt flag was seen.
    Interrupted,
    /// It has trapped.
    Trapped(Box<Trap>),
}

/// Does session instructions, and says whose turn it is. `frame` holds the slots of the innermost frame, `depth` frames from the outermost one.
pub(crate) trait SessionOps {
    fn step(
        &mut self,
        func: FuncId,
        instr: &SessionInstr,
        frame: &mut [u64],
        depth: u32,
        heap: &mut Heap,
    ) -> Step;

    /// Why the last instruction has trapped.
    fn take_trap(&mut self) -> (TrapCode, TrapDetail);

    /// Takes the frames of the coroutine whose slice ended so, with the fuel that is left of the slice, and puts those of
    /// the next in their place. Gives the fuel of its slice; `None` if the run ends here. `owed` is what hosts have charged
    /// beyond the fuel of slices, to be paid from that of the machine.
    fn turn(
        &mut self,
        how: Turn,
        left: u64,
        owed: &mut u64,
        frames: Current<'_>,
        heap: &mut Heap,
    ) -> Option<u64>;
}

/// The frames that run, in the hands of the machine.
#[derive(Debug)]
pub(crate) struct Current<'m> {
    stack: &'m mut Stack,
    place: &'m mut Place,
}

impl Current<'_> {
    /// Changes them for others.
    pub(crate) fn swap(&mut self, frames: &mut Frames) {
        core::mem::swap(self.stack, &mut frames.stack);
        core::mem::swap(self.place, &mut frames.place);
    }
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
            Step::Trap => {
                let (code, detail) = sessions.take_trap();
                self.detail = detail;
                Err(Exit::Trap(code))
            }
        }
    }
}

/// What all slices of a machine share.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Account {
    pub(crate) fuel: u64,
    pub(crate) host_calls: u64,
    /// What hosts charged past the fuel that was left.
    pub(crate) owed: u64,
}

/// Where a coroutine stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(super) state: State,
    /// The word to go on with, where it stands at or behind a session instruction: function and instruction of the state
    /// are then as old as the slice. 0 if the state says it all.
    word: u32,
    /// What the word costs, to be paid before it is entered.
    cost: u32,
}

impl Place {
    fn entry(func: FuncId) -> Self {
        Self { state: State::entry(func), word: 0, cost: 0 }
    }

    /// The state with function and instruction as they are now.
    fn settled(&self, code: &InterpCode) -> State {
        let mut state = self.state;
        if self.word != 0 {
            let at = if self.cost > 0 { self.word } else { self.word - 1 };
            state.func = code.func_of(at).unwrap_or(state.func);
            state.instr = InstrIx(code.own_instr(at).0 + u32::from(self.cost == 0));
        }
        state
    }
}

impl Place {
    /// The fuel of the next instruction, apart from what it costs by size.
    fn cost(&self, machine: &Machine<'_>) -> u64 {
        let State { func, instr, .. } = self.settled(machine.code);
        let function = machine.program.function(func);
        function.map_or(0, |function| function.fuel(instr, InstrIx(instr.0.saturating_add(1))))
    }
}

/// The frames of a coroutine, between its slices.
#[derive(Clone, Debug)]
pub(crate) struct Frames {
    stack: Stack,
    place: Place,
}

impl Default for Frames {
    /// No frames, in place of those of a coroutine whose slice is on.
    fn default() -> Self {
        Self { stack: Stack::default(), place: Place::entry(FuncId(0)) }
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
        let slots = ENTRY_BASE + function.frame_slots as usize;
        stack.limit(slots);
        stack.grow(slots)?;
        stack.slice_mut(0, slots).fill(0);
        for (slot, bits) in (ENTRY_BASE..).zip(args) {
            stack.set(slot, bits);
        }
        Ok(Self { stack, place: Place::entry(func) })
    }

    /// Bytes that the stack of a new coroutine of a function takes.
    pub(crate) fn first_bytes(function: &ExecFunction) -> u64 {
        (ENTRY_BASE as u64 + u64::from(function.frame_slots)) * 8
    }

    /// Bytes that the stack takes.
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
    pub(crate) fn at(&self, module: &Module) -> (FuncId, InstrIx) {
        let state = self.place.settled(module.code());
        (state.func, state.instr)
    }

    /// The function that it began with.
    pub(crate) fn entry(&self) -> FuncId {
        self.place.state.entry
    }

    /// The value in a register of the innermost frame.
    pub(crate) fn register(&self, module: &Module, heap: &Heap, reg: Reg) -> Option<Value> {
        let program = module.program();
        let state = self.place.settled(module.code());
        let function = program.function(state.func)?;
        let (&slot, &ty) = (function.reg_slots.get(reg.index())?, function.reg_types.get(reg.index())?);
        let class = program.types.class(ty)?;
        let at = state.base + slot as usize;
        let slots = [self.stack.get(at).unwrap_or(0), self.stack.get(at + 1).unwrap_or(0)];
        Some(heap.load_value(class, &slots))
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

    /// Runs coroutines by turns, until `sessions` ends it. `false` if the run is inside of too many others.
    pub(crate) fn run_turns(
        &mut self,
        sessions: &mut dyn SessionOps,
        account: &mut Account,
        limits: &Limits,
        interrupt: Option<&AtomicBool>,
    ) -> bool {
        let Self { module, hosts, calls, buffers } = self;
        let Some(_nested) = Nested::enter(calls.len(), limits.max_nested_runs) else { return false };
        let native = module.native().filter(|_| buffers.heap.is_ready_for(&module.program().types));
        let mut machine = Machine::new(module, (hosts, calls), buffers, limits);
        machine.interrupt = interrupt;
        machine.sessions = Some(sessions);
        machine.host_calls = account.host_calls;
        machine.owed = account.owed;
        let mut place = Place::entry(FuncId(0));
        let (mut how, mut fuel) = (Turn::Begin, 0);
        while let Some(sessions) = &mut machine.sessions {
            let current = Current { stack: machine.stack, place: &mut place };
            match sessions.turn(how, fuel, &mut machine.owed, current, machine.heap) {
                Some(slice) => fuel = slice,
                None => break,
            }
            machine.depth = place.state.depth;
            let exit = run_slice(&mut machine, native, &mut place, &mut fuel);
            place.state.depth = machine.depth;
            how = turn_of(&mut machine, module, &place, exit, fuel);
        }
        account.host_calls = machine.host_calls;
        account.owed = machine.owed;
        true
    }
}

/// Runs a coroutine from its place until something ends its slice.
fn run_slice(machine: &mut Machine<'_>, native: Option<&Native>, place: &mut Place, fuel: &mut u64) -> Exit {
    if machine.interrupt.is_some_and(|flag| flag.load(Ordering::Relaxed)) {
        return Exit::Interrupted;
    }
    if place.word != 0 {
        if native.is_none() && u64::from(place.cost) <= *fuel {
            let exit = resume_at(machine, place, fuel);
            if exit != Exit::NeedExact {
                return exit;
            }
        }
        place.state = place.settled(machine.code);
        place.word = 0;
    }
    place.state.resumed = true;
    match native {
        Some(native) => drive::run_native(machine, native, &mut place.state, fuel),
        None => {
            let exit = drive::run_segments(machine, &mut Off, &mut place.state, fuel);
            find_word(machine.code, place, exit);
            exit
        }
    }
}

/// Finds the word to go on with behind a first slice, so that later ones need not look for it.
fn find_word(code: &InterpCode, place: &mut Place, exit: Exit) {
    let State { func, instr, .. } = place.state;
    let own = if exit == Exit::Yielded { InstrIx(instr.0.saturating_sub(1)) } else { instr };
    let Some(word) = code.word_of(func, own).filter(|_| matches!(exit, Exit::Blocked | Exit::Yielded)) else {
        return;
    };
    let cost = code.words.get(word as usize).filter(|word| word.op == WordOp::Session).map(|word| word.x);
    match cost {
        Some(cost) if exit == Exit::Blocked => (place.word, place.cost) = (word, cost.into()),
        Some(_) => (place.word, place.cost) = (word + 1, 0),
        None => {}
    }
}

/// Goes on at a word that is known, with nothing to look up.
fn resume_at(machine: &mut Machine<'_>, place: &mut Place, fuel: &mut u64) -> Exit {
    let rest = *fuel - u64::from(place.cost);
    let first = rest.min(FUEL_QUANTUM);
    machine.reserve = rest - first;
    let (base, none) = (place.state.base, InstrIx(0));
    let mut position = Position { word: place.word, base, fuel: first, instr: none, report_from: none };
    let exit = dispatch::run::<false, Off>(machine, &mut Off, &mut position);
    *fuel = machine.reserve.saturating_add(position.fuel);
    machine.reserve = 0;
    place.state.base = position.base;
    match exit {
        Exit::Blocked => {
            place.word = position.word;
            place.cost = machine.code.words.get(position.word as usize).map_or(0, |word| word.x.into());
            *fuel = fuel.saturating_add(place.cost.into());
        }
        Exit::Yielded => (place.word, place.cost) = (position.word + 1, 0),
        exit => {
            place.word = 0;
            drive::settle(machine, &mut place.state, fuel, &position, (exit, false));
        }
    }
    exit
}

/// What an exit is to those who take turns.
fn turn_of(machine: &mut Machine<'_>, module: &Module, place: &Place, exit: Exit, fuel: u64) -> Turn {
    match exit {
        Exit::Finished | Exit::Halted => Turn::Ended,
        Exit::Blocked => Turn::Blocked,
        Exit::Yielded => Turn::Yielded,
        Exit::Interrupted => Turn::Interrupted,
        Exit::OutOfFuelInWord => Turn::OutOfFuel { needs: place.cost(machine).saturating_add(machine.short) },
        Exit::OutOfFuelExact | Exit::NeedExact => Turn::OutOfFuel { needs: place.cost(machine) },
        Exit::Pending | Exit::Trap(_) | Exit::Internal => {
            Turn::Trapped(trap_at(machine, module, place, exit, fuel))
        }
    }
}

#[cold]
fn trap_at(machine: &mut Machine<'_>, module: &Module, place: &Place, exit: Exit, fuel: u64) -> Box<Trap> {
    let detail = machine.take_detail(exit);
    let (code, detail) = match exit {
        // A machine's coroutines do not wait for host functions: effects are there for that.
        Exit::Pending => {
            let (call, _) = pending_call(machine.program, machine.heap, machine.pending.take());
            let error = HostError::failed("it is pending, and a coroutine cannot wait for it; use an effect");
            (TrapCode::HostCallFailed, host_failed(call.symbol, call.hash, error))
        }
        _ => (report::trap_code(exit), detail),
    };
    let state = place.settled(machine.code);
    Box::new(report::report(module, machine.stack, &state, fuel, (code, detail)))
}
