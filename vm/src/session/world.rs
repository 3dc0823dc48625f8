//! Everything that a machine is, apart from its heap: plain data, so that copying it is a snapshot.

use super::config::{Policy, Priority, SessionConfig};
use super::coro::{Coroutine, Status, Wait};
use super::decide::Tape;
use super::event::{Ending, Event, Observe};
use super::guards::Layers;
use super::log::EventLog;
use super::plan::Plan;
use super::ready::Ready;
use super::ring::Message;
use super::store::{NOBODY, SessionStatus, Store, carried_endpoint};
use crate::endpoint::{CoroId, EndpointId, SessionId};
use crate::heap::Heap;
use crate::interp::turns::Account;
use crate::protocol::StateKind;
use alloc::vec::Vec;

/// Something that is gone, with what follows from it.
#[derive(Clone, Copy, Debug)]
enum Loss {
    /// A session, which ends so.
    Session(SessionId, SessionStatus),
    /// The owner of an endpoint.
    Ownership(EndpointId),
    /// An endpoint in a message that nobody will receive.
    Endpoint(EndpointId),
}

/// A coroutine whose slice is not over: fuel ran out or the run was interrupted in between.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unfinished {
    pub(super) coro: u32,
    /// What is left of its quantum.
    pub(super) quantum: u64,
    /// Whether it has done something of the slice already: only the first instruction may cost more than the quantum.
    pub(super) begun: bool,
}

#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) store: Store,
    pub(super) layers: Layers,
    pub(super) coros: Vec<Coroutine>,
    /// Places of coroutines that are gone.
    pub(super) free: Vec<u32>,
    pub(super) ready: Ready,
    /// Coroutines that are ready from the next tick on, with what they waited for.
    pub(super) woken: Vec<(u8, u32)>,
    pub(super) unfinished: Option<Unfinished>,
    /// Coroutines that neither halted nor trapped.
    pub(super) alive: u32,
    pub(super) paused: u32,
    pub(super) tick: u64,
    pub(super) log: EventLog,
    pub(super) account: Account,
    /// Transfers so far.
    pub(super) transfers: u64,
    pub(super) tape: Tape,
}

impl World {
    pub(super) fn new(plan: &Plan, config: &SessionConfig, fuel: u64) -> Self {
        Self {
            store: Store::default(),
            layers: Layers::new(&plan.tables.layers),
            coros: Vec::new(),
            free: Vec::new(),
            ready: Ready::new(&config.policy),
            woken: Vec::new(),
            unfinished: None,
            alive: 0,
            paused: 0,
            tick: 0,
            log: EventLog::new(config.observe, config.max_events),
            account: Account { fuel, ..Account::default() },
            transfers: 0,
            tape: Tape::Off,
        }
    }

    pub(super) fn coro(&self, index: u32) -> Option<&Coroutine> {
        self.coros.get(index as usize)
    }

    pub(super) fn coro_mut(&mut self, index: u32) -> Option<&mut Coroutine> {
        self.coros.get_mut(index as usize)
    }

    /// The name of a coroutine.
    pub(super) fn coro_id(&self, index: u32) -> CoroId {
        CoroId { index, generation: self.coro(index).map_or(0, |coro| coro.generation) }
    }

    /// The coroutine of this name, if it runs.
    pub(super) fn alive(&self, id: CoroId) -> Option<&Coroutine> {
        self.coro(id.index).filter(|coro| coro.generation == id.generation && coro.is_alive())
    }

    #[inline]
    pub(super) fn observes(&self) -> bool {
        self.log.wants(Observe::Events)
    }

    pub(super) fn emit(&mut self, event: Event) {
        self.log.push(self.tick, event);
    }

    /// Puts a coroutine into the queue.
    #[inline]
    pub(super) fn enqueue(&mut self, index: u32, policy: &Policy) {
        let rank = self.rank(index, policy);
        if let Some(coro) = self.coro_mut(index) {
            coro.status = Status::Ready;
        }
        self.ready.push(index, rank);
    }

    fn rank(&self, index: u32, policy: &Policy) -> i64 {
        match policy {
            Policy::Priority { by: Priority::Fixed(ranks), .. } => {
                ranks.get(&index).copied().unwrap_or(0).into()
            }
            // One that waits gains on all that come later, so when it came says it all.
            Policy::Priority { by: Priority::Aging(ranks), .. } => {
                i64::from(ranks.get(&index).copied().unwrap_or(0)).saturating_sub(self.tick as i64)
            }
            Policy::Priority { by: Priority::Tokens, .. } => self.tokens(index),
            Policy::ProgressAware { .. } => self.tokens(index).min(1),
            _ => 0,
        }
    }

    /// The progress tokens of the endpoints that a coroutine owns.
    fn tokens(&self, index: u32) -> i64 {
        let owned = self.coro(index).map_or(&[][..], |coro| &coro.owned);
        let tokens = |id: &EndpointId| {
            let role = self.store.of(*id).and_then(|session| session.roles.get(usize::from(id.role)));
            role.map_or(0, |role| i64::from(role.tokens))
        };
        owned.iter().map(tokens).sum()
    }

    /// A coroutine that waits is to be ready from the next tick on.
    pub(super) fn wake(&mut self, index: u32) {
        if let Some(coro) = self.coro_mut(index)
            && let Status::Waits(wait) = coro.status
            && !core::mem::replace(&mut coro.woken, true)
        {
            self.woken.push((wait.order(), index));
        }
    }

    /// Puts the woken ones into the queue: senders, receivers, those that waited for guards, others; each in order of
    /// their numbers. Paused ones wait on.
    #[inline]
    pub(super) fn enqueue_woken(&mut self, policy: &Policy) {
        match *self.woken {
            [] => {}
            // Mostly it is one.
            [(_, index)] if self.paused == 0 => {
                self.woken.clear();
                self.resume(index, policy);
            }
            _ => self.enqueue_several(policy),
        }
    }

    #[cold]
    fn enqueue_several(&mut self, policy: &Policy) {
        let mut woken = core::mem::take(&mut self.woken);
        woken.sort_unstable();
        woken.retain(|&(_, index)| {
            let Some(coro) = self.coro_mut(index) else { return false };
            if coro.paused {
                return true;
            }
            self.resume(index, policy);
            false
        });
        self.woken = woken;
    }

    /// Puts a woken coroutine into the queue, unless it waits no more.
    #[inline]
    fn resume(&mut self, index: u32, policy: &Policy) {
        let Some(coro) = self.coro_mut(index) else { return };
        coro.woken = false;
        if matches!(coro.status, Status::Waits(_)) {
            self.enqueue(index, policy);
            if self.log.wants(Observe::Trace) {
                let coro = self.coro_id(index);
                self.emit(Event::Woken { coro });
            }
        }
    }

    /// A coroutine waits from now on.
    pub(super) fn wait(&mut self, index: u32, wait: Wait) {
        match wait {
            Wait::Send { session, edge } | Wait::Recv { session, edge } => {
                let session = self.store.get_mut(session);
                if let Some(edge) = session.and_then(|session| session.edges.get_mut(usize::from(edge))) {
                    let slot = if wait.order() == 0 { &mut edge.wait_send } else { &mut edge.wait_recv };
                    *slot = index;
                }
            }
            Wait::Acquire { layer } => {
                if let Some(layer) = self.layers.get_mut(layer) {
                    layer.waiting.push_back(index);
                }
            }
            Wait::Ownership => {
                let awaits = self.coro(index).and_then(|coro| coro.awaits);
                if let Some(role) = awaits.and_then(|endpoint| self.store.role_mut(endpoint)) {
                    role.awaited = true;
                }
            }
            Wait::Effect { .. } | Wait::Grant { .. } => {}
        }
        if let Some(coro) = self.coro_mut(index) {
            coro.status = Status::Waits(wait);
        }
    }

    /// Wakes everybody who waits for something of a session.
    fn wake_all_of(&mut self, id: u32) {
        let Some(session) = self.store.get_mut(id) else { return };
        let mut waiting = Vec::new();
        for edge in &mut session.edges {
            waiting.extend([
                core::mem::replace(&mut edge.wait_send, NOBODY),
                core::mem::replace(&mut edge.wait_recv, NOBODY),
            ]);
        }
        let generation = session.generation;
        let awaited = session.roles.iter().any(|role| role.awaited);
        session.roles.iter_mut().for_each(|role| role.awaited = false);
        for index in waiting.into_iter().filter(|&index| index != NOBODY) {
            self.wake(index);
        }
        if awaited {
            self.wake_awaiting(SessionId { index: id, generation });
        }
    }

    /// Wakes those who wait to be given an end of a session. Any number may wait for one, and hardly ever does any.
    #[cold]
    fn wake_awaiting(&mut self, of: SessionId) {
        for index in 0..self.coros.len() as u32 {
            let waits = self.coro(index).filter(|coro| coro.status == Status::Waits(Wait::Ownership));
            if waits.and_then(|coro| coro.awaits).is_some_and(|endpoint| endpoint.session_id() == of) {
                self.wake(index);
            }
        }
    }

    /// Ends a session for all its parties. Messages on their way are gone; endpoints in them take their sessions along.
    pub(super) fn end_session(
        &mut self,
        session: SessionId,
        status: SessionStatus,
        plan: &Plan,
        heap: &mut Heap,
    ) {
        self.settle(Loss::Session(session, status), plan, heap);
    }

    /// An endpoint has no owner any more, and its session goes on, if it does, without it.
    pub(super) fn give_back(&mut self, id: EndpointId, plan: &Plan, heap: &mut Heap) {
        self.settle(Loss::Ownership(id), plan, heap);
    }

    /// A message with this endpoint is lost: its session has lost a party, if that had something left to do.
    pub(super) fn lose(&mut self, id: EndpointId, plan: &Plan, heap: &mut Heap) {
        self.settle(Loss::Endpoint(id), plan, heap);
    }

    /// Does what follows from a loss, however many sessions it goes through.
    fn settle(&mut self, loss: Loss, plan: &Plan, heap: &mut Heap) {
        let mut work = alloc::vec![loss];
        while let Some(loss) = work.pop() {
            let lost = |message: &Message| work.extend(carried_endpoint(plan, message).map(Loss::Endpoint));
            match loss {
                Loss::Session(id, status) => {
                    self.end_one(id, status, heap, lost);
                    work.extend(self.ends_of_the_ended(id).map(Loss::Ownership));
                }
                Loss::Ownership(id) => self.give_one_back(id, plan.keeps_registers, heap, lost),
                Loss::Endpoint(id) => {
                    let left =
                        self.state_of(id).is_some_and(|state| plan.tables.kind(state) != StateKind::End);
                    work.push(Loss::Ownership(id));
                    // It goes first: it comes last.
                    work.extend(left.then_some(Loss::Session(id.session_id(), SessionStatus::Faulted)));
                }
            }
        }
    }

    /// The ends of a session that has ended which coroutines have left behind when they did.
    fn ends_of_the_ended(&self, id: SessionId) -> impl Iterator<Item = EndpointId> {
        let session = self.store.of(id.endpoint(0)).filter(|session| !session.is_active());
        let roles = session.map_or(&[][..], |session| &session.roles);
        let ended = |owner| self.coro(owner).is_some_and(|coro| !coro.is_alive());
        (0..).zip(roles).filter(move |(_, role)| ended(role.owner)).map(move |(role, _)| id.endpoint(role))
    }

    fn give_one_back(&mut self, id: EndpointId, keep: bool, heap: &mut Heap, lost: impl FnMut(&Message)) {
        let owner = self.store.role_mut(id).map_or(NOBODY, |role| role.owner);
        if self.store.give_back(id, heap, lost) {
            self.wake_awaiting(id.session_id());
        }
        if let Some(coro) = self.coro_mut(owner).filter(|coro| !coro.is_alive()) {
            coro.owned.retain(|&left| left != id);
            // It has left nothing else behind.
            if !keep && coro.owned.is_empty() {
                heap.uncharge(Coroutine::BYTES);
                self.vacate(owner);
            }
        }
    }

    /// The place of a coroutine that is over is free for another, unless its names are used up.
    pub(super) fn vacate(&mut self, index: u32) {
        if self.coro(index).is_some_and(|coro| coro.generation < u32::MAX) {
            self.free.push(index);
        }
    }

    /// Ends a session that is on. Messages on their way are given to `lost`.
    fn end_one(
        &mut self,
        id: SessionId,
        status: SessionStatus,
        heap: &mut Heap,
        mut lost: impl FnMut(&Message),
    ) {
        let session = self.store.of_mut(id.endpoint(0)).filter(|session| session.is_active());
        let Some(session) = session else { return };
        session.status = status;
        session.epoch += 1;
        let epoch = session.epoch;
        for edge in &mut session.edges {
            heap.uncharge(edge.ring.bytes());
            edge.ring.drain().for_each(|message| lost(&message));
        }
        self.wake_all_of(id.index);
        let how = if status == SessionStatus::Closed { Ending::Closed } else { Ending::Faulted };
        if status == SessionStatus::Closed {
            self.emit(Event::Closed { session: id });
        }
        self.emit(Event::Terminal { session: id, how });
        self.emit(Event::Epoch { session: id, epoch });
    }

    /// A coroutine has no use for an endpoint any more. Its session goes on without it if nothing was left to be done.
    /// `false` if the endpoint stays the coroutine's, because others are not to hear of its end.
    pub(super) fn drop_endpoint(
        &mut self,
        id: EndpointId,
        cancel: bool,
        plan: &Plan,
        heap: &mut Heap,
    ) -> bool {
        let Some(session) = self.store.of(id) else { return true };
        let done = session
            .roles
            .get(usize::from(id.role))
            .is_none_or(|role| plan.tables.kind(role.state) == StateKind::End);
        if session.is_active() && !done {
            if !cancel {
                return false;
            }
            self.end_session(id.session_id(), SessionStatus::Faulted, plan, heap);
        }
        self.give_back(id, plan, heap);
        true
    }

    /// The checkpoints of a coroutine, for what it does inside of a speculation.
    pub(super) fn speculates(&self, index: u32) -> bool {
        self.coro(index).is_some_and(|coro| !coro.checkpoints.is_empty())
    }
}
