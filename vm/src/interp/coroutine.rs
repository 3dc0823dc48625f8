//! Coroutines, as the interpreter knows them: where each stands, and its frames.

use super::code::InterpCode;
use super::drive::State;
use super::machine::{ENTRY_BASE, Machine};
use super::module::Module;
pub(crate) use super::regs::Stack as CoroStack;
use super::regs::Stack;
use crate::heap::Heap;
use crate::ids::{FuncId, InstrIx, Reg};
use crate::lower::ExecFunction;
use crate::value::Value;
use opforge_schema::TrapCode;

/// Where a coroutine stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(super) state: State,
    /// The word to go on with, where it stands at or behind a session instruction: function and instruction of the state
    /// are then as old as the slice. 0 if the state says it all.
    pub(super) word: u32,
    /// What the word costs, to be paid before it is entered.
    pub(super) cost: u32,
}

impl Place {
    pub(super) fn entry(func: FuncId) -> Self {
        Self { state: State::entry(func), word: 0, cost: 0 }
    }

    /// The state with function and instruction as they are now.
    pub(super) fn settled(&self, code: &InterpCode) -> State {
        let mut state = self.state;
        if self.word != 0 {
            let at = if self.cost > 0 { self.word } else { self.word - 1 };
            state.func = code.func_of(at).unwrap_or(state.func);
            state.instr = InstrIx(code.own_instr(at).0 + u32::from(self.cost == 0));
        }
        state
    }

    /// The fuel of the next instruction, apart from what it costs by size.
    pub(super) fn cost(&self, machine: &Machine<'_>) -> u64 {
        let State { func, instr, .. } = self.settled(machine.code);
        let function = machine.program.function(func);
        function.map_or(0, |function| function.fuel(instr, InstrIx(instr.0.saturating_add(1))))
    }
}

/// A slice: its fuel, and where it begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Granted {
    pub(super) fuel: u64,
    pub(super) base: usize,
    pub(super) depth: u32,
    pub(super) word: u32,
    pub(super) cost: u32,
}

/// The frames of a coroutine. While its slice is on the machine has the stack.
#[derive(Clone, Debug)]
pub(crate) struct Frames {
    stack: Stack,
    place: Place,
}

impl Default for Frames {
    /// None.
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

    /// Changes the stack for the machine's.
    #[inline]
    pub(crate) fn swap_stack(&mut self, stack: &mut Stack) {
        core::mem::swap(&mut self.stack, stack);
    }

    /// A slice with so much fuel.
    #[inline]
    pub(crate) fn grant(&self, fuel: u64) -> Granted {
        let Place { state: State { base, depth, .. }, word, cost } = self.place;
        Granted { fuel, base, depth, word, cost }
    }

    #[inline]
    pub(crate) fn place_mut(&mut self) -> &mut Place {
        &mut self.place
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
