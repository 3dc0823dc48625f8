//! Messages with which there is more to be done than to put them onto their edges and to take them off: those of a
//! speculation, those that the handler wants to see, those that carry an endpoint, and those for which there is no room.

use super::comm::{Incoming, Outbound, unpack};
use super::coro::{Outgoing, Wait};
use super::decide::Answer;
use super::fits::fits;
use super::handler::MessageInfo;
use super::plan::Plan;
use super::record::Act;
use super::ring::Message;
use super::slice::{Done, Slice, Stop, pay_for, refused, trap};
use super::store::{MESSAGE, NOBODY, carried_endpoint};
use super::world::World;
use crate::endpoint::EndpointId;
use crate::heap::{Heap, ValueError};
use crate::interp::session::Step;
use crate::lower::{Carried, Carries};
use crate::program::{EdgePolicy, PayloadDef};
use crate::session_fault::SessionFault;
use crate::value::{Value, canonical_f64_bits};
use crate::value_type::ValueType;
use opforge_schema::TrapCode;

impl Slice<'_> {
    /// Sends a message that is kept back, shown to the handler, full of an endpoint, or for which its edge has to make
    /// room.
    #[inline(never)]
    pub(super) fn send_with_care(
        &mut self,
        outbound: &Outbound,
        message: Message,
        carries: Carries,
        heap: &mut Heap,
    ) -> Done {
        let Outbound { id, partner, .. } = *outbound;
        let endpoint = carries == Carries::Endpoint;
        if endpoint {
            self.check_delegation(id, &message)?;
        }
        let out = Outgoing { session: id.session, edge: partner.to, message };
        if self.speculates() {
            self.hold_back(out, heap)?;
            return Ok(self.sent(outbound));
        }
        self.check_room(id.session, partner.to)?;
        let Some(message) = self.decide(id, partner.place, message, heap)? else {
            return Ok(self.sent(outbound));
        };
        let owned = if endpoint { self.hand_off(&message) } else { None };
        // An edge that loses the message loses the endpoint.
        if let Err(stop) = self.deliver(Outgoing { message, ..out }, heap) {
            owned.into_iter().for_each(|carried| self.take_over(carried));
            return Err(stop);
        }
        Ok(self.sent(outbound))
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

    /// An endpoint that is received is nothing to be undone, and has no other name yet in the coroutine.
    fn check_delegated(&self, carried: EndpointId) -> Done<()> {
        self.not_speculating()?;
        let coro = self.world.coro(self.current);
        if coro.is_some_and(|coro| coro.handles.iter().any(|&(handle, _)| handle == carried)) {
            return Err(trap(TrapCode::TransferFault, SessionFault::HasHandle(carried)));
        }
        Ok(())
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
    fn check_room(&self, session: u32, edge: u16) -> Done<()> {
        let of = self.world.store.get(session);
        let Some(state) = of.and_then(|of| of.edges.get(usize::from(edge))) else { return Ok(()) };
        if state.has_room() {
            return Ok(());
        }
        let full = || trap(TrapCode::BufferFull, SessionFault::Full { capacity: state.capacity });
        match state.policy {
            EdgePolicy::Block => Err(Stop::Wait(Wait::Send { session, edge })),
            EdgePolicy::Error => Err(full()),
            EdgePolicy::Resize if state.capacity >= state.bound => Err(full()),
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

    /// The endpoint goes on, and it is told.
    fn sent(&mut self, out: &Outbound) -> Step {
        if let Some(role) = self.world.store.role_mut(out.id) {
            role.state = out.branch.next;
        }
        if self.world.observes() {
            self.tell_sent(out);
        }
        Step::Next
    }

    /// Takes a message that might be put back, that is shown to the handler, or that carries an endpoint.
    #[inline(never)]
    pub(super) fn take_with_care(
        &mut self,
        incoming: &Incoming,
        message: Message,
        (dst, step): (&Carried, Step),
        frame: &mut [u64],
        heap: &mut Heap,
    ) -> Done {
        let carried = carried_endpoint(self.plan, &message);
        if let Some(carried) = carried {
            self.check_delegated(carried)?;
        }
        if self.sees_messages {
            self.ask_whether(incoming, &message, heap)?;
        }
        if self.speculates() {
            self.remember_taken(incoming, message, heap)?;
        }
        if let Some((role, _, edges)) = self.world.store.end(incoming.id, self.current) {
            role.state = incoming.next;
            if let Some(edge) = edges.get_mut(usize::from(incoming.partner.from)) {
                edge.ring.take();
                let waiter = core::mem::replace(&mut edge.wait_send, NOBODY);
                if waiter != NOBODY {
                    self.world.wake(waiter);
                }
            }
        }
        unpack(&message, dst, frame);
        if let Some(carried) = carried {
            self.take_over(carried);
        }
        if self.world.observes() {
            self.tell_received(incoming, step);
        }
        Ok(step)
    }

    #[cold]
    fn ask_whether(&mut self, incoming: &Incoming, message: &Message, heap: &mut Heap) -> Done<()> {
        let id = incoming.id;
        let class = self.plan.tables.payload_class(message.payload).unwrap_or(ValueType::Unit);
        let value = heap.load_value(class, &message.slots);
        pay_for(&value, heap);
        let (from, to) =
            (self.role_name(EndpointId { role: incoming.partner.place, ..id }), self.role_name(id));
        let (label, coro) = (self.label(message.label), self.coro_id());
        let info =
            MessageInfo { session: id.session, from: &from, to: &to, label: &label, value: &value, coro };
        match self.ask((Act::Receive, TrapCode::EffectFailed), heap, |handler| handler.on_recv(info))? {
            Answer::Failed(text) => Err(refused(TrapCode::EffectFailed, &text)),
            _ => Ok(()),
        }
    }

    /// Keeps a message that is taken inside of a speculation, to put it back if that is undone.
    fn remember_taken(&mut self, incoming: &Incoming, message: Message, heap: &mut Heap) -> Done<()> {
        let bytes = size_of::<Outgoing>() as u64;
        self.room_for_events(2, 0, heap)?;
        heap.charge(bytes)?;
        let taken = Outgoing { session: incoming.id.session, edge: incoming.partner.from, message };
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

    /// Puts a message on an edge that takes it, and wakes who waits for it.
    pub(super) fn deliver(&mut self, out: Outgoing, heap: &mut Heap) -> Done<()> {
        Ok(self.world.deliver(self.plan, out, heap)?)
    }
}

impl World {
    /// Puts a message on an edge that takes it, and wakes who waits for it.
    pub(super) fn deliver(&mut self, plan: &Plan, out: Outgoing, heap: &mut Heap) -> Result<(), TrapCode> {
        let session = self.store.get_mut(out.session);
        let Some(edge) = session.and_then(|session| session.edges.get_mut(usize::from(out.edge))) else {
            return Ok(());
        };
        let full = !edge.has_room();
        if full && edge.policy == EdgePolicy::Drop {
            if let Some(carried) = carried_endpoint(plan, &out.message) {
                self.lose(carried, plan, heap);
            }
            return Ok(());
        }
        let replaces = edge.policy == EdgePolicy::Latest && !edge.ring.is_empty();
        let growth = if replaces { 0 } else { edge.growth(1) };
        if growth > 0 {
            heap.charge(growth)?;
        }
        if full && edge.policy == EdgePolicy::Resize {
            edge.capacity = edge.capacity.saturating_mul(2).min(edge.bound);
        }
        let replaced = if replaces { edge.ring.take() } else { None };
        if !edge.ring.put(out.message, edge.bound) {
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
