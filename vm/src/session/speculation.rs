//! Speculation: `fork`, `join`, `abort`.

use super::coro::{Checkpoint, Outgoing, Wait};
use super::event::Event;
use super::ring::MESSAGE_BYTES;
use super::slice::{Done, Slice, Stop, get, trap};
use crate::endpoint::EndpointId;
use crate::heap::Heap;
use crate::interp::session::Step;
use crate::lower::Slot;
use crate::program::EdgePolicy;
use crate::session_fault::SessionFault;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use opforge_schema::TrapCode;

impl Slice<'_> {
    pub(super) fn fork(&mut self, frame: &[u64], ghost: Slot, depth: u32, heap: &mut Heap) -> Done {
        let max = self.config.max_speculation as usize;
        let Some(coro) = self.world.coro(self.current) else { return Ok(Step::Next) };
        if coro.checkpoints.len() >= max {
            let fault = if max == 0 { SessionFault::SpeculationOff } else { SessionFault::SpeculationDepth };
            return Err(trap(TrapCode::SpeculationFault, fault));
        }
        let store = &self.world.store;
        let owned: Box<[_]> = coro
            .owned
            .iter()
            .filter_map(|&id| {
                let session = store.of(id)?;
                Some((id, session.roles.get(usize::from(id.role))?.state, session.epoch))
            })
            .collect();
        let bytes = (size_of::<Checkpoint>() + size_of_val(frame) + size_of_val(&*owned)) as u64;
        heap.charge(bytes)?;
        let checkpoint = Checkpoint {
            depth,
            slots: frame.into(),
            owned,
            facts: coro.facts.len(),
            outbox: Vec::new(),
            inbox: Vec::new(),
            events: Vec::new(),
            bytes,
        };
        let (coro, ghost) = (self.coro_id(), get(frame, ghost));
        self.emit(Event::Forked { coro, ghost });
        if let Some(coro) = self.coro_mut() {
            coro.checkpoints.push(checkpoint);
        }
        Ok(Step::Next)
    }

    /// The innermost speculation, which this frame must have begun.
    fn innermost(&self, depth: u32) -> Done<&Checkpoint> {
        let checkpoint = self.world.coro(self.current).and_then(|coro| coro.checkpoints.last());
        checkpoint
            .filter(|checkpoint| checkpoint.depth == depth)
            .ok_or_else(|| trap(TrapCode::SpeculationFault, SessionFault::NoSpeculation))
    }

    fn pop_checkpoint(&mut self, heap: &mut Heap) -> Option<Checkpoint> {
        let checkpoint = self.coro_mut()?.checkpoints.pop()?;
        heap.uncharge(checkpoint.bytes);
        Some(checkpoint)
    }

    pub(super) fn join(&mut self, depth: u32, heap: &mut Heap) -> Done {
        let checkpoint = self.innermost(depth)?;
        let ended = checkpoint.owned.iter().any(|&(id, _, epoch)| {
            self.world.store.of(id).is_none_or(|session| !session.is_active() || session.epoch != epoch)
        });
        if ended {
            return Err(trap(TrapCode::SpeculationFault, SessionFault::SessionEnded));
        }
        let outer = self.world.coro(self.current).map_or(0, |coro| coro.checkpoints.len()) > 1;
        if !outer {
            self.room_for_all(&checkpoint.outbox)?;
            let outbox = checkpoint.outbox.clone();
            let decided = self.decide_all(outbox, heap)?;
            if let Some(checkpoint) = self.coro_mut().and_then(|coro| coro.checkpoints.last_mut()) {
                checkpoint.outbox = decided;
            }
        }
        let Some(mut checkpoint) = self.pop_checkpoint(heap) else { return Ok(Step::Next) };
        if outer {
            self.merge_outwards(checkpoint, heap)?;
        } else {
            for out in checkpoint.outbox.drain(..) {
                self.deliver(out, heap)?;
            }
            for event in checkpoint.events.drain(..) {
                self.emit(event);
            }
        }
        let coro = self.coro_id();
        self.emit(Event::Joined { coro });
        Ok(Step::Next)
    }

    /// All that was held back fits its edges, or the coroutine waits for the first edge that is too full.
    fn room_for_all(&self, outbox: &[Outgoing]) -> Done<()> {
        let mut wanted: BTreeMap<(u32, u16), u32> = BTreeMap::new();
        for out in outbox {
            let (session, edge) = (out.session, out.edge);
            let count = wanted.entry((session, edge)).or_default();
            *count += 1;
            self.check_room(session, edge)?;
            let Some(of) = self.world.store.get(session) else { continue };
            let (Some(shape), Some(state)) = (self.plan.shape(of.shape), of.edges.get(usize::from(edge)))
            else {
                continue;
            };
            let policy = shape.edges.get(usize::from(edge)).map_or(EdgePolicy::Block, |def| def.policy);
            let room = match policy {
                EdgePolicy::Drop | EdgePolicy::Latest => continue,
                EdgePolicy::Resize => shape.bound(edge),
                EdgePolicy::Block | EdgePolicy::Error => state.capacity,
            };
            if state.ring.len().saturating_add(*count) <= room {
                continue;
            }
            // More than the edge ever holds would wait for ever.
            if policy == EdgePolicy::Block && *count <= room {
                return Err(Stop::Wait(Wait::Send { session, edge }));
            }
            return Err(trap(TrapCode::BufferFull, SessionFault::Full { capacity: room }));
        }
        Ok(())
    }

    /// Asks the handler about each message before the first one goes; gives those that do.
    fn decide_all(&mut self, outbox: Vec<Outgoing>, heap: &mut Heap) -> Done<Vec<Outgoing>> {
        // Room is made for several messages at once; there must be enough for all of it.
        let most = (outbox.len() as u64).saturating_mul(4 * MESSAGE_BYTES);
        if heap.charged().saturating_add(most) > heap.limit() {
            return Err(TrapCode::MemoryLimitExceeded.into());
        }
        if !self.sees_messages {
            return Ok(outbox);
        }
        let mut decided = Vec::with_capacity(outbox.len());
        for out in outbox {
            let ends = self.world.store.get(out.session).and_then(|session| {
                let def = *self.plan.shape(session.shape)?.edges.get(usize::from(out.edge))?;
                let (session, generation, role) = (out.session, session.generation, def.from);
                Some((EndpointId { session, generation, role }, def.to))
            });
            let Some((id, to)) = ends else { continue };
            if let Some(message) = self.decide(id, to, out.message, heap)? {
                decided.push(Outgoing { message, ..out });
            }
        }
        Ok(decided)
    }

    /// What the speculation did is done by the one around it.
    fn merge_outwards(&mut self, inner: Checkpoint, heap: &mut Heap) -> Done<()> {
        let bytes = ((inner.outbox.len() + inner.inbox.len()) * size_of::<Outgoing>()) as u64;
        // These bytes were given back with the checkpoint, so they are there.
        heap.charge(bytes)?;
        if let Some(outer) = self.coro_mut().and_then(|coro| coro.checkpoints.last_mut()) {
            outer.bytes += bytes;
            outer.outbox.extend(inner.outbox);
            outer.inbox.extend(inner.inbox);
            outer.events.extend(inner.events);
        }
        Ok(())
    }

    pub(super) fn abort(&mut self, frame: &mut [u64], depth: u32, heap: &mut Heap) -> Done {
        self.innermost(depth)?;
        let Some(checkpoint) = self.pop_checkpoint(heap) else { return Ok(Step::Next) };
        for taken in checkpoint.inbox.iter().rev() {
            let session = self.world.store.get_mut(taken.session);
            if let Some(session) = session.filter(|session| session.is_active())
                && let Some(edge) = session.edges.get_mut(usize::from(taken.edge))
            {
                let before = edge.ring.bytes();
                edge.ring.put_back(taken.message);
                let _ = heap.charge(edge.ring.bytes().saturating_sub(before));
            }
        }
        for &(id, state, epoch) in &checkpoint.owned {
            if let Some(session) = self.world.store.of_mut(id)
                && session.epoch == epoch
                && let Some(role) = session.roles.get_mut(usize::from(id.role))
            {
                role.state = state;
            }
        }
        if let Some(coro) = self.coro_mut() {
            coro.facts.truncate(checkpoint.facts);
        }
        for (to, from) in frame.iter_mut().zip(&checkpoint.slots) {
            *to = *from;
        }
        let coro = self.coro_id();
        self.emit(Event::Aborted { coro });
        Ok(Step::Next)
    }
}
