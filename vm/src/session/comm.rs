//! Messages: `send`, `offer`, `receive`, `choose`.

use super::coro::Wait;
use super::event::Event;
use super::plan::{Does, Partner};
use super::ring::Message;
use super::slice::{Done, Slice, Stop, get, set, trap};
use super::store::NOBODY;
use crate::endpoint::EndpointId;
use crate::heap::Heap;
use crate::interp::session::Step;
use crate::lower::{Arm, Carried, Carries, Slot};
use crate::protocol::{LabelId, StateBranch, StateId};
use crate::session_fault::SessionFault;
use crate::value::canonical_f64_bits;
use opforge_schema::TrapCode;

/// A message that is to be sent: what of it the state of the endpoint says.
#[derive(Clone, Copy)]
pub(super) struct Outbound {
    pub(super) id: EndpointId,
    pub(super) branch: StateBranch,
    pub(super) partner: Partner,
    /// Whether the label was one of several, for all that the state says.
    pub(super) offered: bool,
}

/// A message that may be taken: from where, and what comes after it.
#[derive(Clone, Copy)]
pub(super) struct Incoming {
    pub(super) id: EndpointId,
    pub(super) partner: Partner,
    pub(super) label: LabelId,
    pub(super) next: StateId,
}

/// The labels that an instruction receives.
#[derive(Clone, Copy)]
enum Expects<'s> {
    /// Whichever is the only one.
    One(&'s Carried),
    /// Several, sorted.
    OneOf(&'s [Arm]),
}

impl<'s> Expects<'s> {
    /// Where the payload goes that comes with a label, and then control.
    #[inline(always)]
    fn place(self, label: LabelId) -> Option<(&'s Carried, Step)> {
        match self {
            Self::One(dst) => Some((dst, Step::Next)),
            Self::OneOf(arms) => {
                let arm = arms.get(arms.partition_point(|arm| arm.label < label))?;
                (arm.label == label).then_some((&arm.dst, Step::Take(arm.target)))
            }
        }
    }
}

/// The message that carries what the registers hold.
#[inline(always)]
fn message(frame: &[u64], label: LabelId, value: &Carried) -> Message {
    let mut slots = [0; 2];
    for (i, slot) in (0..u32::from(value.width)).zip(&mut slots) {
        *slot = get(frame, value.slot + i);
    }
    // What leaves the f64 domain has the same bits everywhere.
    if value.carries == Carries::Float {
        slots[0] = canonical_f64_bits(slots[0]);
    }
    Message { label, payload: value.payload, slots }
}

/// Writes what a message carries into its registers.
#[inline(always)]
pub(super) fn unpack(message: &Message, dst: &Carried, frame: &mut [u64]) {
    for (i, &bits) in (0..u32::from(dst.width)).zip(&message.slots) {
        set(frame, dst.slot + i, bits);
    }
}

impl Slice<'_> {
    /// Sends the label, or the only one there is.
    ///
    /// A message about which nothing is to be decided goes at once; [`Slice::send_with_care`] knows all else. What both
    /// need is found out once.
    #[inline]
    pub(super) fn send(
        &mut self,
        frame: &[u64],
        chan: Slot,
        label: Option<LabelId>,
        value: &Carried,
        heap: &mut Heap,
    ) -> Done {
        let id = EndpointId::from_slot(get(frame, chan));
        let cares = self.cares();
        let Some((role, shape, edges)) = self.world.store.end(id, self.current) else {
            return Err(self.why_not(id));
        };
        let state = self.plan.state(role.state);
        if state.does != Does::Send {
            return Err(trap(TrapCode::TypeViolation, SessionFault::NotSending(id)));
        }
        let branch = match label {
            None if state.single => state.branch,
            None => return Err(trap(TrapCode::TypeViolation, SessionFault::SeveralLabels(id))),
            Some(label) => match self.plan.branch(role.state, state, label) {
                Some(branch) => *branch,
                None => return Err(self.unknown_label(label)),
            },
        };
        let partner = role.turn_to(self.plan, (shape, id.role), state.partner);
        let Some(edge) = edges.get_mut(usize::from(partner.to)) else {
            return Err(trap(TrapCode::ChannelClosed, SessionFault::Stale(id)));
        };
        if branch.payload != value.payload {
            return Err(self.other_payload(branch.label));
        }
        let message = message(frame, branch.label, value);
        // Made where it is wanted: what stands in memory costs every message.
        let out = || Outbound { id, branch, partner, offered: label.is_some() };
        if cares || value.carries == Carries::Endpoint || !edge.put_plainly(message) {
            return self.send_with_care(&out(), message, value.carries, heap);
        }
        let waiter = core::mem::replace(&mut edge.wait_recv, NOBODY);
        role.state = branch.next;
        if waiter != NOBODY {
            self.world.wake(waiter);
        }
        if self.world.observes() {
            self.tell_sent(&out());
        }
        Ok(Step::Next)
    }

    /// Whether there is more to a message than that it goes from here to there.
    #[inline]
    fn cares(&self) -> bool {
        self.sees_messages || self.speculates()
    }

    #[cold]
    fn unknown_label(&self, label: LabelId) -> Stop {
        trap(TrapCode::UnknownLabel, SessionFault::Label { label: self.label(label) })
    }

    #[cold]
    fn other_payload(&self, label: LabelId) -> Stop {
        trap(TrapCode::TypeViolation, SessionFault::Payload { label: self.label(label) })
    }

    #[inline]
    pub(super) fn tell_sent(&mut self, out: &Outbound) {
        let (session, from, to, label) =
            (out.id.session_id(), out.id.role, out.partner.place, out.branch.label);
        self.emit(Event::Sent { session, from, to, label });
        if out.offered {
            self.emit(Event::Offered { session, from, to, label });
        }
    }

    /// Receives the only label there is.
    #[inline]
    pub(super) fn receive(&mut self, frame: &mut [u64], chan: Slot, dst: &Carried, heap: &mut Heap) -> Done {
        self.take_next(frame, chan, Expects::One(dst), heap)
    }

    /// Receives one of several labels, and goes where it leads.
    #[inline]
    pub(super) fn choose(&mut self, frame: &mut [u64], chan: Slot, arms: &[Arm], heap: &mut Heap) -> Done {
        self.take_next(frame, chan, Expects::OneOf(arms), heap)
    }

    /// Takes the next message on the edge to an endpoint, if its state expects it. As with [`Slice::send`], one about
    /// which nothing is to be decided is taken at once.
    #[inline(always)]
    fn take_next(&mut self, frame: &mut [u64], chan: Slot, expects: Expects<'_>, heap: &mut Heap) -> Done {
        let id = EndpointId::from_slot(get(frame, chan));
        let cares = self.cares();
        let Some((role, shape, edges)) = self.world.store.end(id, self.current) else {
            return Err(self.why_not(id));
        };
        let state = self.plan.state(role.state);
        if state.does != Does::Receive {
            return Err(trap(TrapCode::TypeViolation, SessionFault::NotReceiving(id)));
        }
        if matches!(expects, Expects::One(_)) && !state.single {
            return Err(trap(TrapCode::TypeViolation, SessionFault::SeveralLabels(id)));
        }
        let partner = role.turn_to(self.plan, (shape, id.role), state.partner);
        let Some(edge) = edges.get_mut(usize::from(partner.from)) else {
            return Err(trap(TrapCode::ChannelClosed, SessionFault::Stale(id)));
        };
        let Some(message) = edge.ring.first() else {
            return Err(Stop::Wait(Wait::Recv { session: id.session, edge: partner.from }));
        };
        let label = message.label;
        let branch = self.plan.branch(role.state, state, label);
        let (Some(branch), Some((dst, step))) = (branch, expects.place(label)) else {
            return Err(self.unknown_label(label));
        };
        if message.payload != dst.payload {
            return Err(self.other_payload(label));
        }
        let incoming = Incoming { id, partner, label, next: branch.next };
        if cares || dst.carries == Carries::Endpoint {
            let message = *message;
            return self.take_with_care(&incoming, message, (dst, step), frame, heap);
        }
        unpack(message, dst, frame);
        edge.ring.take();
        let waiter = core::mem::replace(&mut edge.wait_send, NOBODY);
        role.state = branch.next;
        if waiter != NOBODY {
            self.world.wake(waiter);
        }
        if self.world.observes() {
            self.tell_received(&incoming, step);
        }
        Ok(step)
    }

    #[inline]
    pub(super) fn tell_received(&mut self, incoming: &Incoming, step: Step) {
        let Incoming { id, partner, label, .. } = *incoming;
        let (session, from, to) = (id.session_id(), partner.place, id.role);
        self.emit(Event::Received { session, from, to, label });
        if matches!(step, Step::Take(_)) {
            self.emit(Event::Chose { session, from, to, label });
        }
    }
}
