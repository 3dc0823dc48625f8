//! Drives a run: from where it stands through the interpreter's loops, or native code, to where it ends or stops.

use super::code::InterpCode;
use super::dispatch::{self, Position};
use super::machine::{ENTRY_BASE, Exit, Machine};
use super::native::{self, Native, NativeEnd, Visited};
use super::trace::{Off, Tracer};
use crate::ids::{FuncId, InstrIx};
use crate::lower::ExecFunction;
use core::sync::atomic::Ordering;

/// Where a stopped run stands. Plain data: with the stack's slots and the heap it is all there is of a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct State {
    /// The function the run was started with.
    pub(super) entry: FuncId,
    pub(super) func: FuncId,
    /// The next instruction.
    pub(super) instr: InstrIx,
    pub(super) base: usize,
    pub(super) depth: u32,
    pub(super) running: bool,
    /// Whether the run was resumed since it was started.
    pub(super) resumed: bool,
    /// Whether a trace has reported the next instruction already: it was about to run when fuel ran out.
    pub(super) reported: bool,
}

impl State {
    /// At the start of an entry function.
    #[inline]
    pub(super) fn entry(func: FuncId) -> Self {
        Self {
            entry: func,
            func,
            instr: InstrIx(0),
            base: ENTRY_BASE,
            depth: 1,
            running: true,
            resumed: false,
            reported: false,
        }
    }
}

/// Runs segment after segment: at full speed where the fuel covers the segment at hand, else exactly to the
/// instruction that does not fit.
pub(super) fn run_segments<R: Tracer>(
    machine: &mut Machine<'_>,
    tracer: &mut R,
    state: &mut State,
    fuel: &mut u64,
) -> Exit {
    loop {
        let exit = run_segment(machine, tracer, state, fuel, u64::MAX);
        if exit != Exit::NeedExact {
            return exit;
        }
    }
}

/// A run from the start of an entry function, as far as it came at first.
pub(super) struct Begun {
    position: Position,
    /// How it ended; `None` if it has not.
    ended: Option<Exit>,
}

/// Begins a run in the frame of the entry function, of which [`start_of`] was asked before. `None` if that was all, as
/// most often where Rust calls a small function many times: nothing is made up for the case that it is not.
#[inline(always)]
pub(super) fn begin(machine: &mut Machine<'_>, (word, needed): (u32, u64), fuel: u64) -> Option<Begun> {
    let position = Position { word, base: ENTRY_BASE, fuel: 0, instr: InstrIx(0), report_from: InstrIx(0) };
    let Some(reserve) = fuel.checked_sub(needed) else {
        return Some(Begun { position, ended: Some(Exit::NeedExact) });
    };
    machine.reserve = reserve;
    #[cfg(opforge_threaded)]
    {
        if super::threaded::finishes(machine, &position) {
            machine.reserve = 0;
            return None;
        }
        Some(left_in_threaded_code(machine, position))
    }
    #[cfg(not(opforge_threaded))]
    Some(Begun { position, ended: None })
}

/// Where threaded code has left a run.
#[cfg(opforge_threaded)]
#[cold]
#[inline(never)]
fn left_in_threaded_code(machine: &mut Machine<'_>, mut position: Position) -> Begun {
    let ended = super::threaded::ended(machine, &mut position);
    Begun { position, ended }
}

/// Goes on with a run that [`begin`] has not ended.
#[cold]
#[inline(never)]
pub(super) fn go_on(machine: &mut Machine<'_>, begun: Begun, state: &mut State, fuel: &mut u64) -> Exit {
    let Begun { mut position, ended } = begun;
    let exit = match ended {
        Some(exit) => exit,
        None => dispatch::run::<false, Off>(machine, &mut Off, &mut position),
    };
    // Too little fuel for its first segment: the run has not begun.
    if ended != Some(Exit::NeedExact) {
        finish::<Off>(machine, state, fuel, &position, (exit, false));
    }
    if exit == Exit::NeedExact { run_segments(machine, &mut Off, state, fuel) } else { exit }
}

/// Runs the segment at hand, and those behind it as far as `more` fuel goes. [`Exit::NeedExact`] at the start of a
/// segment that does not fit.
fn run_segment<R: Tracer>(
    machine: &mut Machine<'_>,
    tracer: &mut R,
    state: &mut State,
    fuel: &mut u64,
    more: u64,
) -> Exit {
    let Some(start) = segment_at(machine, state) else { return Exit::Internal };
    run_from(machine, tracer, state, fuel, (start, more))
}

/// The same from a word that is known, with what the rest of its segment costs.
#[inline]
fn run_from<R: Tracer>(
    machine: &mut Machine<'_>,
    tracer: &mut R,
    state: &mut State,
    fuel: &mut u64,
    ((word, needed), more): ((u32, u64), u64),
) -> Exit {
    let report_from = InstrIx(state.instr.0 + u32::from(state.reported));
    let mut position = Position { word, base: state.base, fuel: 0, instr: state.instr, report_from };
    let exact = *fuel < needed;
    let exit = if exact {
        machine.reserve = 0;
        position.fuel = *fuel;
        dispatch::run::<true, R>(machine, tracer, &mut position)
    } else {
        machine.reserve = (*fuel - needed).min(more);
        machine.withheld = *fuel - needed - machine.reserve;
        run_fast(machine, tracer, &mut position)
    };
    finish::<R>(machine, state, fuel, &position, (exit, exact));
    exit
}

/// Takes the fuel back from a machine whose loop has ended, and brings the state to where it has.
#[inline]
fn finish<R: Tracer>(
    machine: &mut Machine<'_>,
    state: &mut State,
    fuel: &mut u64,
    position: &Position,
    (exit, exact): (Exit, bool),
) {
    *fuel = machine.reserve.saturating_add(machine.withheld).saturating_add(position.fuel);
    (machine.reserve, machine.withheld) = (0, 0);
    if exit == Exit::Finished {
        return;
    }
    state.base = position.base;
    state.reported = R::ENABLED && exit == Exit::OutOfFuelInWord;
    settle(machine, state, fuel, position, (exit, exact));
}

/// Runs at full speed from a position.
#[inline]
fn run_fast<R: Tracer>(machine: &mut Machine<'_>, tracer: &mut R, position: &mut Position) -> Exit {
    // Short runs are over before there is anything for the loop to do, which takes a while to get into.
    #[cfg(opforge_threaded)]
    if !R::ENABLED
        && let Some(exit) = super::threaded::run_at(machine, position)
    {
        return exit;
    }
    dispatch::run::<false, R>(machine, tracer, position)
}

/// The word that a function begins with, behind its first `Fuel` word, and what that says its first segment costs.
pub(super) fn start_of(code: &InterpCode, func: FuncId) -> Option<(u32, u64)> {
    let first = code.funcs.get(func.index())?.word;
    Some((first + 1, code.words.get(first as usize)?.a.into()))
}

/// The word to begin with where the state stands, and what the rest of the segment costs.
#[inline]
fn segment_at(machine: &Machine<'_>, state: &State) -> Option<(u32, u64)> {
    if state.instr == InstrIx(0) {
        return start_of(machine.code, state.func);
    }
    let function = machine.program.function(state.func)?;
    let segment = function.segment_of(state.instr)?;
    let word = machine.code.word_of(state.func, state.instr)?;
    Some((word, function.fuel(state.instr, segment.end)))
}

/// How long the interpreter runs before native code is tried again.
#[derive(Default)]
struct Patience {
    /// Fuel that the interpreter gets after a visit; with 0 it runs one segment.
    fuel: u64,
    /// Segments in a row that native code cannot be entered at.
    strangers: u32,
}

impl Patience {
    /// A visit of native code that used less fuel than this was not worth it.
    const WORTH: u64 = 256;
    const LEAST: u64 = 64;
    const MOST: u64 = 1 << 16;
    /// So many segments are tried one by one. In a loop that native code can enter, one of them is its head.
    const STRANGERS: u32 = 32;

    /// What the interpreter gets after native code was left, having used this much fuel.
    fn after_visit(&mut self, used: u64) -> u64 {
        self.strangers = 0;
        self.fuel = if used >= Self::WORTH { 0 } else { (self.fuel * 2).clamp(Self::LEAST, Self::MOST) };
        self.fuel
    }

    /// What the interpreter gets where native code cannot be entered.
    fn among_strangers(&mut self) -> u64 {
        self.strangers += 1;
        if self.strangers.is_multiple_of(Self::STRANGERS) { self.fuel.max(1024) } else { 0 }
    }
}

/// Runs in native code where that can be entered, in the interpreter from where it was left to where it can be entered
/// again.
pub(super) fn run_native(
    machine: &mut Machine<'_>,
    native: &Native,
    state: &mut State,
    fuel: &mut u64,
) -> Exit {
    state.reported = false;
    let first = visit(machine, native, state, fuel);
    run_turns(machine, native, first, state, fuel)
}

/// Runs by turns, from how the first visit of native code ended.
fn run_turns(
    machine: &mut Machine<'_>,
    native: &Native,
    mut last: Visit,
    state: &mut State,
    fuel: &mut u64,
) -> Exit {
    let mut patience = Patience::default();
    loop {
        let more = match last {
            Visit::Ended(exit) => return exit,
            Visit::Returned => None,
            Visit::Left(used) => Some(patience.after_visit(used)),
            Visit::Refused => Some(patience.among_strangers()),
        };
        if let Some(exit) = more.and_then(|more| run_between(machine, state, fuel, more)) {
            return exit;
        }
        last = visit(machine, native, state, fuel);
    }
}

/// Goes on after a visit from the start of an entry function, begun with `before` fuel, that left it.
#[cold]
#[inline(never)]
pub(super) fn run_on(
    machine: &mut Machine<'_>,
    native: &Native,
    (visited, before): (Visited, u64),
    state: &mut State,
    fuel: &mut u64,
) -> Exit {
    let visit = after_visit(machine, visited, before, state, fuel);
    run_turns(machine, native, visit, state, fuel)
}

/// How a try to run in native code ended.
enum Visit {
    /// The run has ended or stopped.
    Ended(Exit),
    /// The function has returned to its caller, where the state is now.
    Returned,
    /// The interpreter goes on from the state. This much fuel was used.
    Left(u64),
    /// Code cannot be entered at the state.
    Refused,
}

/// Runs in native code, if it can be entered at the state.
fn visit(machine: &mut Machine<'_>, native: &Native, state: &mut State, fuel: &mut u64) -> Visit {
    let room = native.room(machine, state.func, state.base);
    let Some((entry, room)) = native.entry(state).zip(room) else { return Visit::Refused };
    if machine.interrupt.is_some_and(|flag| flag.load(Ordering::Relaxed)) {
        return Visit::Ended(Exit::Interrupted);
    }
    let before = *fuel;
    let code = native.code();
    let visited = native::visit(machine, code, (state.func, entry), (state.base, room), before);
    after_visit(machine, visited, before, state, fuel)
}

/// How a visit ended that began with `before` fuel.
fn after_visit(
    machine: &mut Machine<'_>,
    visited: Visited,
    before: u64,
    state: &mut State,
    fuel: &mut u64,
) -> Visit {
    *fuel = machine.reserve.saturating_add(visited.fuel);
    machine.reserve = 0;
    if visited.end == NativeEnd::Finished && machine.depth == 1 {
        return Visit::Ended(Exit::Finished);
    }
    match native::go_on(machine, visited, state) {
        Some(Exit::NeedExact) => Visit::Returned,
        Some(exit) => Visit::Ended(exit),
        None => Visit::Left(before.saturating_sub(*fuel)),
    }
}

/// The interpreter's turn. `None` at the start of a segment that does not fit what it was given.
fn run_between(machine: &mut Machine<'_>, state: &mut State, fuel: &mut u64, more: u64) -> Option<Exit> {
    let mut exit = run_segment(machine, &mut Off, state, fuel, more);
    if exit == Exit::OutOfFuelInWord && more < u64::MAX {
        // An instruction that pays by size did not fit.
        exit = run_segment(machine, &mut Off, state, fuel, u64::MAX);
    }
    (exit != Exit::NeedExact).then_some(exit)
}

/// Brings the state to the instruction where a loop stopped, and the fuel to what is left before it.
pub(super) fn settle(
    machine: &Machine<'_>,
    state: &mut State,
    fuel: &mut u64,
    position: &Position,
    (exit, exact): (Exit, bool),
) {
    let func = machine.code.func_of(position.word).unwrap_or(state.func);
    let function: Option<&ExecFunction> = machine.program.function(func);
    let own = machine.code.own_instr(position.word);
    let after = InstrIx(own.0 + 1);
    state.func = func;
    match exit {
        Exit::NeedExact | Exit::Interrupted => {
            // At a `Fuel` word: the segment starts behind what the word covers.
            state.instr = InstrIx(machine.code.covered(func, position.word).end);
        }
        Exit::OutOfFuelExact => state.instr = position.instr,
        Exit::OutOfFuelInWord => {
            // The word's fixed fuel was charged with its segment, which ends with it.
            state.instr = own;
            *fuel = fuel.saturating_add(function.map_or(0, |f| f.fuel(own, after)));
        }
        Exit::Trap(_) | Exit::Pending => {
            state.instr = own;
            if !exact
                && let Some(function) = function
                && let Some(segment) = function.segment_of(own)
            {
                // The rest of the segment was charged but did not run.
                *fuel = fuel.saturating_add(function.fuel(after, segment.end));
            }
        }
        Exit::Blocked => {
            // As if it had not been reached. It is the last of its segment.
            state.instr = own;
            *fuel = fuel.saturating_add(function.map_or(0, |f| f.fuel(own, after)));
        }
        Exit::Yielded => state.instr = after,
        Exit::Halted => state.instr = own,
        Exit::Finished | Exit::Internal | Exit::Turned => {}
    }
}
