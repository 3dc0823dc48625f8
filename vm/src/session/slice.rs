//! A slice at work: does session instructions for the coroutine whose turn it is.
//!
//! Every instruction first decides everything, then does it in steps that cannot fail: one that traps or waits has done
//! nothing.

use super::config::SessionConfig;
use super::coro::{Coroutine, Wait};
use super::event::Event;
use super::handler::EffectHandler;
use super::lifecycle::Stacks;
use super::plan::Plan;
use super::store::{Session, SessionStatus};
use super::turns::Progress;
use super::world::World;
use crate::endpoint::{CoroId, EndpointId};
use crate::guard::LastPanic;
use crate::heap::Heap;
use crate::ids::{FuncId, InstrIx};
use crate::interp::coroutine::{CoroStack, Frames, Granted, Place};
use crate::interp::session::{SessionOps, Step, Turn};
use crate::lower::{ExecProgram, SessionInstr, Site, Slot};
use crate::protocol::{LabelId, RoleId, StateId};
use crate::session_fault::SessionFault;
use crate::trap::{TrapDetail, bounded};
use crate::value::Value;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::cell::Cell;
use opforge_schema::TrapCode;

/// Why an instruction is not done. With what an instruction gives it fits two registers: what is returned by memory
/// costs every message.
#[derive(Debug)]
pub(super) enum Stop {
    Wait(Wait),
    Trap(Box<(TrapCode, TrapDetail)>),
}

impl From<TrapCode> for Stop {
    fn from(code: TrapCode) -> Self {
        Self::Trap(Box::new((code, TrapDetail::None)))
    }
}

const _: () = assert!(size_of::<Wait>() <= 8 && size_of::<Done>() <= 16);

/// A trap with what it is about.
#[cold]
pub(super) fn trap(code: TrapCode, fault: SessionFault) -> Stop {
    Stop::Trap(Box::new((code, TrapDetail::Session(fault))))
}

pub(super) type Done<T = Step> = Result<T, Stop>;

/// The coroutine whose turn it is, with all that it may act on.
pub(super) struct Slice<'m> {
    pub(super) world: &'m mut World,
    pub(super) plan: &'m Plan,
    pub(super) config: &'m SessionConfig,
    pub(super) program: &'m ExecProgram,
    pub(super) handler: &'m mut dyn EffectHandler,
    pub(super) panic: &'m mut LastPanic,
    pub(super) stacks: &'m mut Stacks,
    pub(super) sees_messages: bool,
    /// The coroutine.
    pub(super) current: u32,
    /// The instruction that is done.
    pub(super) at: (FuncId, InstrIx),
    /// What it waits for, if the slice ended so.
    pub(super) wait: Option<Wait>,
    /// Why the last instruction has trapped.
    pub(super) trap: Option<Box<(TrapCode, TrapDetail)>>,
    /// The endpoint that it waits to become the owner of.
    pub(super) awaited: Cell<Option<EndpointId>>,
    pub(super) progress: Progress,
    /// Where nobody stands.
    pub(super) nowhere: Frames,
}

impl SessionOps for Slice<'_> {
    fn take_trap(&mut self) -> (TrapCode, TrapDetail) {
        self.trap.take().map_or((TrapCode::NoSession, TrapDetail::None), |trap| *trap)
    }

    fn turn(
        &mut self,
        how: Turn,
        left: u64,
        owed: &mut u64,
        stack: &mut CoroStack,
        heap: &mut Heap,
    ) -> Option<Granted> {
        self.take_turn(how, left, owed, stack, heap)
    }

    fn place(&mut self) -> &mut Place {
        match self.world.coros.get_mut(self.current as usize) {
            Some(coro) => coro.frames.place_mut(),
            None => self.nowhere.place_mut(),
        }
    }

    fn step(
        &mut self,
        func: FuncId,
        instr: &SessionInstr,
        frame: &mut [u64],
        depth: u32,
        heap: &mut Heap,
    ) -> Step {
        self.at = (func, instr.at);
        let done = match &instr.site {
            Site::Send { chan, value } => self.send(frame, *chan, None, value, heap),
            Site::Receive { chan, dst } => self.receive(frame, *chan, dst, heap),
            Site::Offer { chan, label, value } => self.send(frame, *chan, Some(*label), value, heap),
            Site::Choose { chan, arms } => self.choose(frame, *chan, arms, heap),
            Site::Open { shape, dsts } => self.open(frame, *shape, dsts, heap),
            Site::Close { chan } => self.close(frame, *chan, heap),
            Site::Invoke { effect, args, dst } => self.invoke(frame, *effect, (args, *dst), heap),
            Site::Acquire { layer, dst } => self.acquire(frame, *layer, *dst, heap),
            Site::Release { layer, evidence } => self.release(frame, *layer, *evidence, heap),
            Site::Fork { ghost } => self.fork(frame, *ghost, depth, heap),
            Site::Join => self.join(depth, heap),
            Site::Abort => self.abort(frame, depth, heap),
            Site::Transfer { chan, target, bundle } => self.transfer(frame, *chan, *target, *bundle, heap),
            Site::Tag { fact, dst } => self.tag(frame, *fact, *dst, heap),
            Site::Check { knowledge, target, dst } => self.check(frame, *knowledge, *target, *dst, heap),
            Site::Spawn { func, args, dst } => self.spawn(frame, *func, (args, *dst), heap),
            Site::Yield => Ok(Step::Yield),
            Site::Halt => self.not_speculating().map(|()| Step::Halt),
        };
        match done {
            Ok(step) => step,
            Err(Stop::Wait(wait)) => {
                // Waiting costs nothing.
                heap.take_work();
                self.wait = Some(wait);
                Step::Block
            }
            Err(Stop::Trap(trap)) => {
                heap.take_work();
                self.trap = Some(trap);
                Step::Trap
            }
        }
    }
}

/// The bits in a slot of the frame.
#[inline]
pub(super) fn get(frame: &[u64], slot: Slot) -> u64 {
    frame.get(slot as usize).copied().unwrap_or(0)
}

/// Writes a slot of the frame.
#[inline]
pub(super) fn set(frame: &mut [u64], slot: Slot, bits: u64) {
    if let Some(to) = frame.get_mut(slot as usize) {
        *to = bits;
    }
}

impl Slice<'_> {
    pub(super) fn coro_id(&self) -> CoroId {
        self.world.coro_id(self.current)
    }

    /// The coroutine; it is there as long as its slice is on.
    pub(super) fn coro_mut(&mut self) -> Option<&mut Coroutine> {
        self.world.coro_mut(self.current)
    }

    pub(super) fn speculates(&self) -> bool {
        self.world.speculates(self.current)
    }

    /// Refuses what cannot be undone inside of a speculation.
    pub(super) fn not_speculating(&self) -> Done<()> {
        if self.speculates() {
            return Err(trap(TrapCode::SpeculationFault, SessionFault::InSpeculation));
        }
        Ok(())
    }

    /// Tells what has happened; what happens inside of a speculation is told when it comes true. Room for it was made.
    pub(super) fn emit(&mut self, event: Event) {
        let (tick, current) = (self.world.tick, self.current);
        if !self.world.log.wants(event.kind().level()) {
            return;
        }
        match self.world.coro_mut(current).and_then(|coro| coro.checkpoints.last_mut()) {
            Some(checkpoint) => checkpoint.events.push(event),
            None => self.world.log.push(tick, event),
        }
    }

    /// Makes room for so many events with so many bytes of text, if they have to wait for a speculation to come true.
    pub(super) fn room_for_events(&mut self, count: usize, text: usize, heap: &mut Heap) -> Done<()> {
        if !self.world.observes() {
            return Ok(());
        }
        let current = self.current;
        if let Some(top) = self.world.coro_mut(current).and_then(|coro| coro.checkpoints.last_mut()) {
            let bytes = (count * size_of::<Event>() + text) as u64;
            heap.charge(bytes)?;
            top.bytes += bytes;
        }
        Ok(())
    }

    /// The session of an endpoint that the coroutine can use now, and what is left to be done with it.
    #[inline]
    pub(super) fn usable(&self, id: EndpointId) -> Done<(&Session, StateId)> {
        if let Some(session) = self.world.store.of(id)
            && let Some(role) = session.roles.get(usize::from(id.role))
            && role.owner == self.current
            && session.is_active()
        {
            return Ok((session, role.state));
        }
        Err(self.why_not(id))
    }

    #[cold]
    pub(super) fn why_not(&self, id: EndpointId) -> Stop {
        let Some(session) = self.world.store.of(id) else {
            return trap(TrapCode::ChannelClosed, SessionFault::Stale(id));
        };
        if session.roles.get(usize::from(id.role)).is_none_or(|role| role.owner != self.current) {
            let coro = self.world.coro(self.current);
            let awaits = coro.is_some_and(|coro| coro.handles.iter().any(|&(handle, _)| handle == id));
            if awaits && session.is_active() {
                self.awaited.set(Some(id));
                return Stop::Wait(Wait::Ownership);
            }
            return trap(TrapCode::ChannelClosed, SessionFault::NotOwned(id));
        }
        trap(
            TrapCode::ChannelClosed,
            match session.status {
                SessionStatus::Faulted => SessionFault::PeerFailed(id),
                _ => SessionFault::Closed(id),
            },
        )
    }

    /// The name of a label.
    pub(super) fn label(&self, label: LabelId) -> Arc<str> {
        self.program.session_names.labels.get(usize::from(label.0)).cloned().unwrap_or_default()
    }

    /// The name of the role that an endpoint is of.
    pub(super) fn role_name(&self, id: EndpointId) -> Arc<str> {
        let shape = self.world.store.of(id).map(|session| session.shape);
        let roles = shape.map_or(&[][..], |shape| self.plan.tables.roles_of(shape));
        roles.get(usize::from(id.role)).map_or_else(Arc::default, |role| self.name_of_role(role.role))
    }

    pub(super) fn name_of_role(&self, role: RoleId) -> Arc<str> {
        self.program.session_names.roles.get(usize::from(role.0)).cloned().unwrap_or_default()
    }
}

/// Pays for making a value that the handler sees.
pub(super) fn pay_for(value: &Value, heap: &mut Heap) {
    match value {
        Value::Str(text) => heap.work(text.len()),
        Value::Bytes(bytes) => heap.work(bytes.len()),
        _ => {}
    }
}

/// What a handler says, as far as a report keeps it.
pub(super) fn refused(code: TrapCode, message: &str) -> Stop {
    trap(code, SessionFault::Refused(bounded(message).into()))
}
