//! Messages: `send`, `offer`, `receive`, `choose`.

use super::coro::{Outgoing, Wait};
use super::decide::Answer;
use super::event::Event;
use super::fits::fits;
use super::handler::MessageInfo;
use super::plan::{Carries, Plan};
use super::record::Act;
use super::ring::Message;
use super::slice::{Done, Slice, Stop, get, pay_for, refused, set, trap};
use super::store::{MESSAGE, NOBODY, carried_endpoint};
use super::world::World;
use crate::endpoint::EndpointId;
use crate::heap::{Heap, ValueError};
use crate::interp::session::Step;
use crate::lower::{Arm, Carried, Slot};
use crate::program::{EdgePolicy, PayloadDef};
use crate::protocol::{LabelId, PayloadId, StateBranch, StateId, StateKind};
use crate::session_fault::SessionFault;
use crate::value::{Value, canonical_f64_bits};
use crate::value_type::ValueType;
use opforge_schema::TrapCode;

/// A message that may be sent.
struct Outbound {
    branch: StateBranch,
    /// The place of the receiver.
    to: u16,
    edge: u16,
    /// Whether the edge has to be asked what to do about it.
    full: bool,
}

/// A message that may be taken: from where, which it is, and what comes after it.
struct Incoming {
    id: EndpointId,
    from: u16,
    edge: u16,
    message: Message,
    next: StateId,
}

impl Slice<'_> {
    /// Sends the label, or the only one there is.
    pub(super) fn send(
        &mut self,
        frame: &[u64],
        chan: Slot,
        label: Option<LabelId>,
        value: &Carried,
        heap: &mut Heap,
    ) -> Done {
        let id = EndpointId::from_slot(get(frame, chan));
        let Outbound { branch, to, edge, full } = self.sendable(id, label)?;
        if branch.payload != value.payload {
            let label = self.label(branch.label);
            return Err(trap(TrapCode::TypeViolation, SessionFault::Payload { label }));
        }
        let message = self.message(frame, &branch, value);
        let carries = self.plan.carries(branch.payload);
        if carries == Carries::Endpoint {
            self.check_delegation(id, &message)?;
        }
        let out = Outgoing { session: id.session, edge, message };
        if self.speculates() {
            self.hold_back(out, heap)?;
        } else {
            if full {
                self.check_room(id.session, edge)?;
            }
            let Some(message) = self.decide(id, to, message, heap)? else {
                return Ok(self.sent(id, to, &branch, label.is_some()));
            };
            if carries == Carries::Endpoint {
                let owned = self.hand_off(&message);
                // An edge that loses the message loses the endpoint.
                if let Err(stop) = self.deliver(Outgoing { message, ..out }, heap) {
                    owned.into_iter().for_each(|carried| self.take_over(carried));
                    return Err(stop);
                }
            } else {
                self.deliver(Outgoing { message, ..out }, heap)?;
            }
        }
        Ok(self.sent(id, to, &branch, label.is_some()))
    }

    /// What is sent, to whom, over which edge.
    #[inline]
    fn sendable(&self, id: EndpointId, label: Option<LabelId>) -> Done<Outbound> {
        let tables = &self.plan.tables;
        let (session, state) = self.usable(id)?;
        let StateKind::Send(partner) = tables.kind(state) else {
            return Err(trap(TrapCode::TypeViolation, SessionFault::NotSending(id)));
        };
        let branch = match (label, tables.branches_of(state)) {
            (None, [branch]) => branch,
            (None, _) => return Err(trap(TrapCode::TypeViolation, SessionFault::SeveralLabels(id))),
            (Some(label), _) => tables.branch(state, label).ok_or_else(|| self.unknown_label(label))?,
        };
        let ends = self.plan.shape(session.shape).and_then(|plan| {
            let to = plan.place(partner)?;
            let edge = plan.edge(id.role, to)?;
            let full =
                !session.edges.get(usize::from(edge))?.has_room(plan.edges.get(usize::from(edge))?.policy);
            Some((to, edge, full))
        });
        let (to, edge, full) = ends.ok_or_else(|| trap(TrapCode::ChannelClosed, SessionFault::Stale(id)))?;
        Ok(Outbound { branch: *branch, to, edge, full })
    }

    #[cold]
    fn unknown_label(&self, label: LabelId) -> Stop {
        trap(TrapCode::UnknownLabel, SessionFault::Label { label: self.label(label) })
    }

    #[inline]
    fn message(&self, frame: &[u64], branch: &StateBranch, value: &Carried) -> Message {
        let mut slots = [0; 2];
        for (i, slot) in (0..u32::from(value.width)).zip(&mut slots) {
            *slot = get(frame, value.slot + i);
        }
        // What leaves the f64 domain has the same bits everywhere.
        if self.plan.carries(branch.payload) == Carries::Float {
            slots[0] = canonical_f64_bits(slots[0]);
        }
        Message { label: branch.label, payload: branch.payload, slots }
    }

    /// An endpoint that is sent along is the coroutine's own, of another role, and as the payload says.
    fn check_delegation(&self, id: EndpointId, message: &Message) -> Done<()> {
        let Some(PayloadDef::Chan(wanted)) = self.plan.tables.payload(message.payload) else { return Ok(()) };
        let carried = EndpointId::from_slot(message.slots[0]);
        self.not_speculating()?;
        self.usable(carried)?;
        let session = self.world.store.of(carried);
        let fits = session.is_some_and(|session| {
            let state = session.roles.get(usize::from(carried.role)).map(|role| role.state);
            session.shape == wanted.shape && carried.role == wanted.role && state == Some(wanted.state)
        });
        if fits && carried != id {
            return Ok(());
        }
        Err(trap(TrapCode::TransferFault, SessionFault::Delegation(carried)))
    }

    /// An endpoint in a message that is on its way belongs to no coroutine. Gives the endpoint.
    fn hand_off(&mut self, message: &Message) -> Option<EndpointId> {
        let carried = carried_endpoint(self.plan, message)?;
        if let Some(role) = self.world.store.role_mut(carried) {
            role.owner = MESSAGE;
        }
        if let Some(coro) = self.coro_mut() {
            coro.owned.retain(|&owned| owned != carried);
        }
        Some(carried)
    }

    /// Keeps a message of a speculation until that comes true.
    fn hold_back(&mut self, out: Outgoing, heap: &mut Heap) -> Done<()> {
        let bytes = size_of::<Outgoing>() as u64;
        self.room_for_events(2, 0, heap)?;
        heap.charge(bytes)?;
        if let Some(checkpoint) = self.coro_mut().and_then(|coro| coro.checkpoints.last_mut()) {
            checkpoint.bytes += bytes;
            checkpoint.outbox.push(out);
        }
        Ok(())
    }

    /// Waits or traps if an edge takes no message now.
    #[inline]
    pub(super) fn check_room(&self, session: u32, edge: u16) -> Done<()> {
        let Some(of) = self.world.store.get(session) else { return Ok(()) };
        let (Some(plan), Some(state)) = (self.plan.shape(of.shape), of.edges.get(usize::from(edge))) else {
            return Ok(());
        };
        let Some(def) = plan.edges.get(usize::from(edge)) else { return Ok(()) };
        if state.has_room(def.policy) {
            return Ok(());
        }
        let full = || trap(TrapCode::BufferFull, SessionFault::Full { capacity: state.capacity });
        match def.policy {
            EdgePolicy::Block => Err(Stop::Wait(Wait::Send { session, edge })),
            EdgePolicy::Error => Err(full()),
            EdgePolicy::Resize if state.capacity >= plan.bound(edge) => Err(full()),
            EdgePolicy::Resize | EdgePolicy::Drop | EdgePolicy::Latest => Ok(()),
        }
    }

    /// Asks the handler what happens to a message, if it wants to know.
    #[inline]
    pub(super) fn decide(
        &mut self,
        id: EndpointId,
        to: u16,
        message: Message,
        heap: &mut Heap,
    ) -> Done<Option<Message>> {
        if !self.sees_messages {
            return Ok(Some(message));
        }
        self.ask_about(id, to, message, heap)
    }

    #[cold]
    fn ask_about(
        &mut self,
        id: EndpointId,
        to: u16,
        message: Message,
        heap: &mut Heap,
    ) -> Done<Option<Message>> {
        let class = self.plan.tables.payload_class(message.payload).unwrap_or(ValueType::Unit);
        let value = heap.load_value(class, &message.slots);
        pay_for(&value, heap);
        let (from, to_name) = (self.role_name(id), self.role_name(EndpointId { role: to, ..id }));
        let (label, coro) = (self.label(message.label), self.coro_id());
        let info = MessageInfo {
            session: id.session,
            from: &from,
            to: &to_name,
            label: &label,
            value: &value,
            coro,
        };
        match self.ask((Act::Send, TrapCode::EffectFailed), heap, |handler| handler.on_send(info))? {
            Answer::Done | Answer::Blocked => Ok(Some(message)),
            Answer::Dropped if class.is_linear() => {
                Err(refused(TrapCode::EffectFailed, "a message that carries an endpoint cannot be dropped"))
            }
            Answer::Dropped => Ok(None),
            Answer::Value(value) => self.replaced(message, &value, class, heap).map(Some),
            Answer::Failed(text) => Err(refused(TrapCode::EffectFailed, &text)),
        }
    }

    fn replaced(&self, message: Message, value: &Value, class: ValueType, heap: &mut Heap) -> Done<Message> {
        if class.is_linear() {
            return Err(trap(TrapCode::EffectFailed, SessionFault::HandlerType));
        }
        match heap.store_value(value, class) {
            Ok(slots) if !fits(self.plan, heap, message.payload, slots[0]) => {
                Err(trap(TrapCode::EffectFailed, SessionFault::HandlerType))
            }
            Ok(mut slots) => {
                if class == ValueType::F64 {
                    slots[0] = canonical_f64_bits(slots[0]);
                }
                Ok(Message { slots, ..message })
            }
            Err(ValueError::MemoryLimitExceeded) => Err(TrapCode::MemoryLimitExceeded.into()),
            Err(_) => Err(trap(TrapCode::EffectFailed, SessionFault::HandlerType)),
        }
    }

    /// Puts a message on an edge that takes it, and wakes who waits for it.
    #[inline(always)]
    pub(super) fn deliver(&mut self, out: Outgoing, heap: &mut Heap) -> Done<()> {
        Ok(self.world.deliver(self.plan, out, heap)?)
    }

    /// The endpoint goes on, and it is told.
    #[inline(always)]
    fn sent(&mut self, id: EndpointId, to: u16, branch: &StateBranch, offered: bool) -> Step {
        if let Some(role) = self.world.store.role_mut(id) {
            role.state = branch.next;
        }
        if self.world.observes() {
            let (session, from, label) = (id.session_id(), id.role, branch.label);
            self.emit(Event::Sent { session, from, to, label });
            if offered {
                self.emit(Event::Offered { session, from, to, label });
            }
        }
        Step::Next
    }

    /// Receives the only label there is.
    pub(super) fn receive(&mut self, frame: &mut [u64], chan: Slot, dst: &Carried, heap: &mut Heap) -> Done {
        let id = EndpointId::from_slot(get(frame, chan));
        let incoming = self.incoming(id, true)?;
        self.accept(&incoming, dst.payload, heap)?;
        self.take(&incoming, dst, frame, heap)?;
        self.received(&incoming, false);
        Ok(Step::Next)
    }

    /// Receives one of several labels, and goes where it leads.
    pub(super) fn choose(&mut self, frame: &mut [u64], chan: Slot, arms: &[Arm], heap: &mut Heap) -> Done {
        let id = EndpointId::from_slot(get(frame, chan));
        let incoming = self.incoming(id, false)?;
        let label = incoming.message.label;
        let Some((at, arm)) = arms.iter().enumerate().find(|(_, arm)| arm.label == label) else {
            return Err(self.unknown_label(label));
        };
        self.accept(&incoming, arm.dst.payload, heap)?;
        self.take(&incoming, &arm.dst, frame, heap)?;
        self.received(&incoming, true);
        Ok(Step::Take(at as u32))
    }

    /// The next message on the edge to an endpoint, if its state expects it. Nothing is taken.
    #[inline(always)]
    fn incoming(&self, id: EndpointId, single: bool) -> Done<Incoming> {
        let tables = &self.plan.tables;
        let stale = || trap(TrapCode::ChannelClosed, SessionFault::Stale(id));
        let (session, state) = self.usable(id)?;
        let StateKind::Recv(partner) = tables.kind(state) else {
            return Err(trap(TrapCode::TypeViolation, SessionFault::NotReceiving(id)));
        };
        if single && tables.branches_of(state).len() != 1 {
            return Err(trap(TrapCode::TypeViolation, SessionFault::SeveralLabels(id)));
        }
        let plan = self.plan.shape(session.shape).ok_or_else(stale)?;
        let from = plan.place(partner).ok_or_else(stale)?;
        let edge = plan.edge(from, id.role).ok_or_else(stale)?;
        let queue = session.edges.get(usize::from(edge)).ok_or_else(stale)?;
        let Some(&message) = queue.ring.first() else {
            return Err(Stop::Wait(Wait::Recv { session: id.session, edge }));
        };
        let branch = tables.branch(state, message.label).ok_or_else(|| self.unknown_label(message.label))?;
        Ok(Incoming { id, from, edge, message, next: branch.next })
    }

    /// The message has the payload that the register takes, and the handler lets it pass.
    #[inline(always)]
    fn accept(&mut self, incoming: &Incoming, payload: PayloadId, heap: &mut Heap) -> Done<()> {
        if incoming.message.payload != payload {
            let label = self.label(incoming.message.label);
            return Err(trap(TrapCode::TypeViolation, SessionFault::Payload { label }));
        }
        if !self.sees_messages {
            return Ok(());
        }
        self.ask_whether(incoming, heap)
    }

    #[cold]
    fn ask_whether(&mut self, incoming: &Incoming, heap: &mut Heap) -> Done<()> {
        let (id, message) = (incoming.id, &incoming.message);
        let class = self.plan.tables.payload_class(message.payload).unwrap_or(ValueType::Unit);
        let value = heap.load_value(class, &message.slots);
        pay_for(&value, heap);
        let (from, to) = (self.role_name(EndpointId { role: incoming.from, ..id }), self.role_name(id));
        let (label, coro) = (self.label(message.label), self.coro_id());
        let info =
            MessageInfo { session: id.session, from: &from, to: &to, label: &label, value: &value, coro };
        match self.ask((Act::Receive, TrapCode::EffectFailed), heap, |handler| handler.on_recv(info))? {
            Answer::Failed(text) => Err(refused(TrapCode::EffectFailed, &text)),
            _ => Ok(()),
        }
    }

    /// Takes the message off its edge into a register, and wakes who waits for room.
    #[inline(always)]
    fn take(&mut self, incoming: &Incoming, dst: &Carried, frame: &mut [u64], heap: &mut Heap) -> Done<()> {
        let carried = carried_endpoint(self.plan, &incoming.message);
        if self.speculates() {
            if carried.is_some() {
                return Err(trap(TrapCode::SpeculationFault, SessionFault::InSpeculation));
            }
            self.remember_taken(incoming, heap)?;
        }
        let edge = self.world.store.of_mut(incoming.id);
        if let Some(edge) = edge.and_then(|session| session.edges.get_mut(usize::from(incoming.edge))) {
            edge.ring.take();
            let waiter = core::mem::replace(&mut edge.wait_send, NOBODY);
            if waiter != NOBODY {
                self.world.wake(waiter);
            }
        }
        for (i, &bits) in (0..u32::from(dst.width)).zip(&incoming.message.slots) {
            set(frame, dst.slot + i, bits);
        }
        if let Some(carried) = carried {
            self.take_over(carried);
        }
        Ok(())
    }

    /// Keeps a message that is taken inside of a speculation, to put it back if that is undone.
    fn remember_taken(&mut self, incoming: &Incoming, heap: &mut Heap) -> Done<()> {
        let bytes = size_of::<Outgoing>() as u64;
        self.room_for_events(2, 0, heap)?;
        heap.charge(bytes)?;
        let taken = Outgoing { session: incoming.id.session, edge: incoming.edge, message: incoming.message };
        if let Some(checkpoint) = self.coro_mut().and_then(|coro| coro.checkpoints.last_mut()) {
            checkpoint.bytes += bytes;
            checkpoint.inbox.push(taken);
        }
        Ok(())
    }

    /// The coroutine owns an endpoint that nobody owned.
    pub(super) fn take_over(&mut self, id: EndpointId) {
        let current = self.current;
        if let Some(role) = self.world.store.role_mut(id) {
            role.owner = current;
        }
        if let Some(coro) = self.coro_mut() {
            coro.owned.push(id);
        }
    }

    #[inline(always)]
    fn received(&mut self, incoming: &Incoming, chose: bool) {
        if let Some(role) = self.world.store.role_mut(incoming.id) {
            role.state = incoming.next;
        }
        if self.world.observes() {
            let (session, from, to) = (incoming.id.session_id(), incoming.from, incoming.id.role);
            let label = incoming.message.label;
            self.emit(Event::Received { session, from, to, label });
            if chose {
                self.emit(Event::Chose { session, from, to, label });
            }
        }
    }
}

impl World {
    /// Puts a message on an edge that takes it, and wakes who waits for it.
    pub(super) fn deliver(&mut self, plan: &Plan, out: Outgoing, heap: &mut Heap) -> Result<(), TrapCode> {
        let Some(session) = self.store.get_mut(out.session) else { return Ok(()) };
        let Some(shape) = plan.shape(session.shape) else { return Ok(()) };
        let (Some(edge), Some(def)) =
            (session.edges.get_mut(usize::from(out.edge)), shape.edges.get(usize::from(out.edge)))
        else {
            return Ok(());
        };
        let bound = shape.bound(out.edge);
        let full = !edge.has_room(def.policy);
        if full && def.policy == EdgePolicy::Drop {
            if let Some(carried) = carried_endpoint(plan, &out.message) {
                self.lose(carried, plan, heap);
            }
            return Ok(());
        }
        let replaces = def.policy == EdgePolicy::Latest && !edge.ring.is_empty();
        let growth = if replaces { 0 } else { edge.ring.growth(1, bound) };
        if growth > 0 {
            heap.charge(growth)?;
        }
        if full && def.policy == EdgePolicy::Resize {
            edge.capacity = edge.capacity.saturating_mul(2).min(bound);
        }
        let replaced = if replaces { edge.ring.take() } else { None };
        if !edge.ring.put(out.message, bound) {
            heap.uncharge(growth);
            return Err(TrapCode::MemoryLimitExceeded);
        }
        let waiter = core::mem::replace(&mut edge.wait_recv, NOBODY);
        if waiter != NOBODY {
            self.wake(waiter);
        }
        if let Some(carried) = replaced.and_then(|message| carried_endpoint(plan, &message)) {
            self.lose(carried, plan, heap);
        }
        Ok(())
    }
}
