//! Sessions, endpoints and coroutines that come, go and change hands: `open`, `close`, `transfer`, `spawn`.

use super::coro::{Coroutine, Status, Wait};
use super::decide::Answer;
use super::event::Event;
use super::handler::Receipt;
use super::hash::bundle_hash;
use super::record::Act;
use super::slice::{Done, Slice, get, refused, set, trap};
use super::store::SessionStatus;
use super::world::World;
use crate::endpoint::{CoroId, EndpointId, EvidenceId};
use crate::heap::Heap;
use crate::ids::{FuncId, ShapeId};
use crate::interp::coroutine::{CoroStack, Frames};
use crate::interp::session::Step;
use crate::lower::{ExecFunction, Slot};
use crate::program::LinearType;
use crate::protocol::StateId;
use crate::session_fault::SessionFault;
use alloc::boxed::Box;
use alloc::vec::Vec;
use opforge_schema::TrapCode;

impl World {
    /// Adds a coroutine that is ready. Nothing is done if there is no room for it.
    pub(super) fn add_coroutine(
        &mut self,
        max: u32,
        function: &ExecFunction,
        func: FuncId,
        args: impl Iterator<Item = u64>,
        stacks: &mut Stacks,
        heap: &mut Heap,
    ) -> Result<u32, TrapCode> {
        if self.alive >= max {
            return Err(TrapCode::CoroutineLimitExceeded);
        }
        let fixed = Coroutine::BYTES;
        heap.charge(fixed + Frames::first_bytes(function))?;
        let frames = match Frames::new(func, function, args, stacks.take()) {
            Ok(frames) => frames,
            Err(code) => {
                heap.uncharge(fixed + Frames::first_bytes(function));
                return Err(code);
            }
        };
        let mut coro = Coroutine {
            generation: 0,
            status: Status::Ready,
            paused: false,
            woken: false,
            called: None,
            home: None,
            owned: Vec::new(),
            awaits: None,
            handles: Vec::new(),
            facts: Vec::new(),
            checkpoints: Vec::new(),
            bytes: fixed,
            frames,
        };
        self.alive += 1;
        if let Some(index) = self.free.pop()
            && let Some(slot) = self.coros.get_mut(index as usize)
        {
            coro.generation = slot.generation + 1;
            *slot = coro;
            return Ok(index);
        }
        self.coros.push(coro);
        Ok(self.coros.len() as u32 - 1)
    }
}

/// Stacks of coroutines that are gone, for others.
#[derive(Debug, Default)]
pub(super) struct Stacks(Vec<CoroStack>);

impl Stacks {
    const KEEP: usize = 64;

    fn take(&mut self) -> CoroStack {
        self.0.pop().unwrap_or_default()
    }

    pub(super) fn keep(&mut self, stack: CoroStack) {
        if self.0.len() < Self::KEEP {
            self.0.push(stack);
        }
    }
}

impl Slice<'_> {
    pub(super) fn open(&mut self, frame: &mut [u64], shape: ShapeId, dsts: &[Slot], heap: &mut Heap) -> Done {
        self.not_speculating()?;
        let (plan, max, current) = (self.plan, self.config.max_sessions, self.current);
        let (index, generation) = self.world.store.open(plan, shape, current, max, heap)?;
        for (role, &dst) in (0..).zip(dsts) {
            let id = EndpointId { session: index, generation, role };
            set(frame, dst, id.to_slot());
            if let Some(coro) = self.coro_mut() {
                coro.owned.push(id);
            }
        }
        let session = EndpointId { session: index, generation, role: 0 }.session_id();
        self.emit(Event::Opened { session, shape });
        Ok(Step::Next)
    }

    pub(super) fn close(&mut self, frame: &[u64], chan: Slot, heap: &mut Heap) -> Done {
        self.not_speculating()?;
        let id = EndpointId::from_slot(get(frame, chan));
        let Some(session) = self.world.store.of(id) else {
            return Err(trap(TrapCode::CloseFault, SessionFault::Stale(id)));
        };
        if session.roles.get(usize::from(id.role)).is_none_or(|role| role.owner != self.current) {
            return Err(trap(TrapCode::CloseFault, SessionFault::NotOwned(id)));
        }
        self.usable(id)?;
        self.world.end_session(id.session_id(), SessionStatus::Closed, self.plan, heap);
        let mut dropped = Vec::new();
        if let Some(coro) = self.coro_mut() {
            coro.owned.retain(|&owned| {
                let keep = owned.session_id() != id.session_id();
                if !keep {
                    dropped.push(owned);
                }
                keep
            });
        }
        for owned in dropped {
            self.world.give_back(owned, self.plan, heap);
        }
        Ok(Step::Next)
    }

    pub(super) fn transfer(
        &mut self,
        frame: &[u64],
        chan: Slot,
        target: Slot,
        bundle: Option<Slot>,
        heap: &mut Heap,
    ) -> Done {
        self.not_speculating()?;
        let id = EndpointId::from_slot(get(frame, chan));
        let to = CoroId::from_slot(get(frame, target));
        self.check_transfer(id, to)?;
        let has_bundle = bundle.is_some();
        let bundle: Box<[u8]> = bundle.map_or_else(Box::default, |slot| heap.bytes(get(frame, slot)).into());
        heap.work(bundle.len());
        let from = self.coro_id();
        let facts = self.moving_facts(id);
        let role = self.role_name(id);
        let serial = self.world.transfers + 1;
        let (session, bundle_ref) = (id.session, &*bundle);
        let receipt = Receipt { serial, session, role: &role, from, to, facts, bundle: bundle_ref };
        let ask = (Act::Transfer, TrapCode::TransferFault);
        if let Answer::Failed(text) = self.ask(ask, heap, |handler| handler.on_transfer(receipt))? {
            return Err(refused(TrapCode::TransferFault, &text));
        }
        self.world.transfers = serial;
        let bundle_hash = bundle_hash(has_bundle.then_some(&*bundle));
        self.move_endpoint(id, to);
        self.emit(Event::Transferred { endpoint: id, from, to, bundle_hash });
        Ok(Step::Next)
    }

    /// How many facts go along with an endpoint.
    fn moving_facts(&self, id: EndpointId) -> usize {
        let coro = self.world.coro(self.current);
        coro.map_or(0, |coro| coro.facts.iter().filter(|fact| fact.endpoint == id).count())
    }

    fn check_transfer(&self, id: EndpointId, to: CoroId) -> Done<()> {
        let fault = |fault| trap(TrapCode::TransferFault, fault);
        let Some(session) = self.world.store.of(id) else { return Err(fault(SessionFault::Stale(id))) };
        let Some(role) = session.roles.get(usize::from(id.role)).filter(|role| role.owner == self.current)
        else {
            return Err(fault(SessionFault::NotOwned(id)));
        };
        if to == self.coro_id() {
            return Err(fault(SessionFault::TargetIsSelf));
        }
        let Some(target) = self.world.alive(to) else { return Err(fault(SessionFault::NoTarget)) };
        match target.handles.iter().find(|(handle, _)| *handle == id) {
            Some(&(_, state)) if state != role.state => Err(fault(SessionFault::AwaitedInOtherState)),
            None if self.config.transfer_needs_handle => Err(fault(SessionFault::NotAwaited)),
            _ if self.moving_facts(id) + target.facts.len() > self.config.max_facts as usize => {
                Err(fault(SessionFault::FactLimit))
            }
            _ => Ok(()),
        }
    }

    /// The endpoint, and what the coroutine knows about it, is another's now.
    fn move_endpoint(&mut self, id: EndpointId, to: CoroId) {
        let mut known = Vec::new();
        let mut bytes = 0;
        if let Some(coro) = self.coro_mut() {
            coro.owned.retain(|&owned| owned != id);
            for fact in coro.facts.extract_if(.., |fact| fact.endpoint == id) {
                bytes += fact.bytes();
                known.push(fact);
            }
            coro.bytes = coro.bytes.saturating_sub(bytes);
        }
        let Some(role) = self.world.store.role_mut(id) else { return };
        role.owner = to.index;
        let state = role.state;
        // As at a fork: what has ended before has nothing to do with a speculation.
        let epoch =
            self.world.store.of(id).filter(|session| session.is_active()).map(|session| session.epoch);
        let Some(target) = self.world.coro_mut(to.index) else { return };
        target.owned.push(id);
        target.handles.retain(|&(handle, _)| handle != id);
        target.bytes += bytes;
        // What comes in while it speculates is nothing that it did: going back leaves it as it came.
        let before = target.checkpoints.first().map_or(target.facts.len(), |outermost| outermost.facts);
        for checkpoint in &mut target.checkpoints {
            checkpoint.owned.extend(epoch.map(|epoch| (id, state, epoch)));
            checkpoint.facts += known.len();
        }
        target.facts.splice(before..before, known);
        let waits = target.status == Status::Waits(Wait::Ownership) && target.awaits == Some(id);
        if waits {
            self.world.wake(to.index);
        }
    }

    pub(super) fn spawn(
        &mut self,
        frame: &mut [u64],
        func: FuncId,
        (args, dst): (&[Slot], Option<Slot>),
        heap: &mut Heap,
    ) -> Done {
        self.not_speculating()?;
        let Some(function) = self.program.function(func) else {
            return Err(TrapCode::InvalidFunction.into());
        };
        let values: Vec<u64> = args.iter().map(|&slot| get(frame, slot)).collect();
        let params = self.plan.linear(func);
        for (index, param) in params.iter().enumerate() {
            let bits = values.get(param.slot as usize).copied().unwrap_or(0);
            self.check_argument(param.ty, bits)?;
            let before = params.get(..index).unwrap_or(&[]);
            if before.iter().any(|other| param.is_same(other, &values)) {
                let fault = match param.ty {
                    LinearType::Evidence(_) => trap(TrapCode::GuardFault, SessionFault::Evidence),
                    _ => trap(TrapCode::TransferFault, SessionFault::NotOwned(EndpointId::from_slot(bits))),
                };
                return Err(fault);
            }
        }
        let max = self.config.max_coroutines;
        let child =
            self.world.add_coroutine(max, function, func, values.iter().copied(), self.stacks, heap)?;
        for param in params {
            let bits = values.get(param.slot as usize).copied().unwrap_or(0);
            self.world.give(child, param.ty, bits, Some(self.current));
        }
        self.world.enqueue(child, &self.config.policy);
        let (parent, child) = (Some(self.coro_id()), self.world.coro_id(child));
        if let Some(dst) = dst {
            set(frame, dst, child.to_slot());
        }
        self.emit(Event::Spawned { parent, child, func });
        Ok(Step::Next)
    }

    /// What is handed to a new coroutine is the giver's.
    fn check_argument(&self, ty: LinearType, bits: u64) -> Done<()> {
        match ty {
            LinearType::Chan(wanted) => {
                let id = EndpointId::from_slot(bits);
                self.usable(id)?;
                let state = self.world.state_of(id);
                if state != Some(wanted.state) {
                    return Err(trap(TrapCode::TransferFault, SessionFault::Delegation(id)));
                }
                Ok(())
            }
            LinearType::Handle(_) => Ok(()),
            LinearType::Evidence(layer) => {
                let evidence = EvidenceId::from_slot(bits);
                let layer = self.world.layers.get(layer.0);
                let held = layer.is_some_and(|layer| layer.held.contains(&(self.current, evidence.serial)));
                if held { Ok(()) } else { Err(trap(TrapCode::GuardFault, SessionFault::Evidence)) }
            }
        }
    }
}

impl World {
    /// What is left to be done with an endpoint.
    pub(super) fn state_of(&self, id: EndpointId) -> Option<StateId> {
        Some(self.store.of(id)?.roles.get(usize::from(id.role))?.state)
    }

    /// Gives a linear argument to a new coroutine; it is `from`'s, or the machine's.
    pub(super) fn give(&mut self, child: u32, ty: LinearType, bits: u64, from: Option<u32>) {
        match ty {
            LinearType::Chan(_) => {
                let id = EndpointId::from_slot(bits);
                if let Some(coro) = from.and_then(|from| self.coro_mut(from)) {
                    coro.owned.retain(|&owned| owned != id);
                }
                if let Some(role) = self.store.role_mut(id) {
                    role.owner = child;
                }
                if let Some(coro) = self.coro_mut(child) {
                    coro.owned.push(id);
                    coro.home.get_or_insert(id);
                }
            }
            LinearType::Handle(wanted) => {
                let id = EndpointId::from_slot(bits);
                if let Some(coro) = self.coro_mut(child) {
                    coro.handles.push((id, wanted.state));
                }
            }
            LinearType::Evidence(layer) => {
                if let Some(from) = from {
                    self.layers.hand_over(layer.0, EvidenceId::from_slot(bits).serial, from, child);
                }
            }
        }
    }
}
