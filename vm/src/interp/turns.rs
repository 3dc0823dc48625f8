//! Runs of many coroutines by turns: the loop goes from one to the next by itself where it can, and comes back here where
//! there is more to a slice's beginning or end.

use super::code::InterpCode;
use super::coroutine::Place;
use super::dispatch::{self, Position};
use super::drive::{self, State};
use super::instance::{Instance, begin_heap, host_failed};
use super::machine::{Exit, Machine};
use super::module::Module;
use super::native::Native;
use super::nesting::Nested;
use super::report;
use super::session::{SessionOps, Turn};
use super::trace::Off;
use super::waiting::pending_call;
use super::word::WordOp;
use crate::heap::Heap;
use crate::ids::InstrIx;
use crate::limits::Limits;
use crate::trap::{HostError, Trap};
use alloc::boxed::Box;
use core::sync::atomic::{AtomicBool, Ordering};
use opforge_schema::TrapCode;

/// What all slices of a machine share.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Account {
    pub(crate) fuel: u64,
    pub(crate) host_calls: u64,
    /// What hosts charged past the fuel that was left.
    pub(crate) owed: u64,
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
        let mut granted = machine.turn(Turn::Begin, 0);
        while let Some(slice) = granted {
            let mut fuel = slice.fuel;
            machine.depth = slice.depth;
            granted = match run_slice(&mut machine, native, &mut fuel) {
                Exit::Turned => machine.granted.take(),
                exit => {
                    let how = turn_of(&mut machine, module, exit, fuel);
                    machine.turn(how, fuel)
                }
            };
        }
        account.host_calls = machine.host_calls;
        account.owed = machine.owed;
        true
    }
}

/// Runs the coroutine from its place until something ends its slice. With [`Exit::Turned`] that was long ago: others have
/// had slices since.
fn run_slice(machine: &mut Machine<'_>, native: Option<&Native>, fuel: &mut u64) -> Exit {
    if machine.interrupt.is_some_and(|flag| flag.load(Ordering::Relaxed)) {
        return Exit::Interrupted;
    }
    let mut place = machine.place();
    if place.word != 0 {
        if native.is_none() && u64::from(place.cost) <= *fuel {
            let exit = resume_at(machine, &place, fuel);
            if exit != Exit::NeedExact {
                return exit;
            }
            place = machine.place();
        }
        place.state = place.settled(machine.code);
        place.word = 0;
    }
    place.state.resumed = true;
    let exit = match native {
        Some(native) => drive::run_native(machine, native, &mut place.state, fuel),
        None => {
            let exit = drive::run_segments(machine, &mut Off, &mut place.state, fuel);
            find_word(machine.code, &mut place, exit);
            exit
        }
    };
    place.state.depth = machine.depth;
    machine.set_place(place);
    exit
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

/// Goes on at a word that is known, with nothing to look up; and from there, slice by slice, with other coroutines that
/// stand at such words.
fn resume_at(machine: &mut Machine<'_>, place: &Place, fuel: &mut u64) -> Exit {
    let first = machine.spend(*fuel - u64::from(place.cost));
    let (base, none) = (place.state.base, InstrIx(0));
    let mut position = Position { word: place.word, base, fuel: first, instr: none, report_from: none };
    machine.switches = true;
    let exit = dispatch::run::<false, Off>(machine, &mut Off, &mut position);
    machine.switches = false;
    *fuel = machine.reserve.saturating_add(position.fuel);
    machine.reserve = 0;
    if exit == Exit::Turned {
        return exit;
    }
    let mut place = machine.place();
    place.word = 0;
    (place.state.base, place.state.depth) = (position.base, machine.depth);
    drive::settle(machine, &mut place.state, fuel, &position, (exit, false));
    machine.set_place(place);
    exit
}

/// What an exit is to those who take turns.
fn turn_of(machine: &mut Machine<'_>, module: &Module, exit: Exit, fuel: u64) -> Turn {
    match exit {
        Exit::Finished | Exit::Halted => Turn::Ended,
        Exit::Blocked => Turn::Blocked,
        Exit::Yielded => Turn::Yielded,
        Exit::Interrupted => Turn::Interrupted,
        Exit::OutOfFuelInWord => {
            Turn::OutOfFuel { needs: machine.place().cost(machine).saturating_add(machine.short) }
        }
        Exit::OutOfFuelExact | Exit::NeedExact => Turn::OutOfFuel { needs: machine.place().cost(machine) },
        Exit::Pending | Exit::Trap(_) | Exit::Internal | Exit::Turned => {
            Turn::Trapped(trap_at(machine, module, exit, fuel))
        }
    }
}

#[cold]
fn trap_at(machine: &mut Machine<'_>, module: &Module, exit: Exit, fuel: u64) -> Box<Trap> {
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
    let state = machine.place().settled(machine.code);
    Box::new(report::report(module, machine.stack, &state, fuel, (code, detail)))
}
