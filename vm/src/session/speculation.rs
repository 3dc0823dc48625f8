//! Speculation: `fork`, `join`, `abort`.

use super::coro::{Checkpoint, Outgoing, Wait};
use super::event::Event;
use super::slice::{Done, Slice, Stop, get, trap};
use crate::endpoint::EndpointId;
use crate::heap::Heap;
use crate::interp::session::Step;
use crate::lower::Slot;
use crate::program::EdgePolicy;
use crate::session_fault::SessionFault;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use opforge_schema::TrapCode;

/// How many messages go over each edge, by session and edge.
fn by_edge(outbox: &[Outgoing]) -> BTreeMap<(u32, u16), usize> {
    let mut counts = BTreeMap::new();
    for out in outbox {
        *counts.entry((out.session, out.edge)).or_default() += 1;
    }
    counts
}

impl Slice<'_> {
    pub(super) fn fork(&mut self, frame: &[u64], ghost: Slot, depth: u32, heap: &mut Heap) -> Done {
        let max = self.config.max_speculation as usize;
        let Some(coro) = self.world.coro(self.current) else { return Ok(Step::Next) };
        if coro.checkpoints.len() >= max {
            let fault = if max == 0 { SessionFault::SpeculationOff } else { SessionFault::SpeculationDepth };
            return Err(trap(TrapCode::SpeculationFault, fault));
        }
        let store = &self.world.store;
        // What has ended before has nothing to do with it.
        let remembered = |&id: &EndpointId| {
            let session = store.of(id).filter(|session| session.is_active())?;
            Some((id, session.roles.get(usize::from(id.role))?.state, session.epoch))
        };
        let owned: Vec<_> = coro.owned.iter().filter_map(remembered).collect();
        let facts = coro.facts.len();
        let bytes = (size_of::<Checkpoint>() + size_of_val(frame) + size_of_val(&*owned)) as u64;
        // Its own event is part of the speculation around it.
        self.room_for_events(1, 0, heap)?;
        heap.charge(bytes)?;
        let checkpoint = Checkpoint {
            depth,
            slots: frame.into(),
            owned,
            facts,
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
            self.memory_for_all(&decided, heap)?;
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

    /// All that was held back fits its edges, or the coroutine waits for an edge that is too full.
    fn room_for_all(&self, outbox: &[Outgoing]) -> Done<()> {
        let mut waits = None;
        for ((session, edge), count) in by_edge(outbox) {
            let of = self.world.store.get(session);
            let Some(state) = of.and_then(|of| of.edges.get(usize::from(edge))) else { continue };
            let policy = state.policy;
            let room = match policy {
                EdgePolicy::Drop | EdgePolicy::Latest => continue,
                EdgePolicy::Resize => state.bound,
                EdgePolicy::Block | EdgePolicy::Error => state.capacity,
            };
            if u64::from(state.ring.len()) + count as u64 <= u64::from(room) {
                continue;
            }
            // More than the edge ever holds would wait for ever.
            if policy != EdgePolicy::Block || count as u64 > u64::from(room) {
                return Err(trap(TrapCode::BufferFull, SessionFault::Full { capacity: room }));
            }
            waits = waits.or(Some(Wait::Send { session, edge }));
        }
        waits.map_or(Ok(()), |wait| Err(Stop::Wait(wait)))
    }

    /// The memory limit leaves what it takes to put all of it on its edges: none goes if not.
    fn memory_for_all(&self, outbox: &[Outgoing], heap: &Heap) -> Done<()> {
        let growth = |((session, edge), count): ((u32, u16), usize)| {
            let state = self.world.store.get(session)?.edges.get(usize::from(edge))?;
            let room = (state.bound.saturating_sub(state.ring.len())) as usize;
            Some(state.growth(if state.policy.is_lossy() { count.min(room) } else { count }))
        };
        let most: u64 = by_edge(outbox).into_iter().filter_map(growth).sum();
        // What the checkpoint takes is given back first.
        let held = self.world.coro(self.current).and_then(|coro| coro.checkpoints.last());
        let charged = heap.charged() - held.map_or(0, |checkpoint| checkpoint.bytes);
        if charged.saturating_add(most) > heap.limit() {
            return Err(TrapCode::MemoryLimitExceeded.into());
        }
        Ok(())
    }

    /// Asks the handler about each message before the first one goes; gives those that do.
    fn decide_all(&mut self, outbox: Vec<Outgoing>, heap: &mut Heap) -> Done<Vec<Outgoing>> {
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
        let texts = inner.events.iter().map(Event::text_bytes).sum::<usize>();
        let messages = (inner.outbox.len() + inner.inbox.len()) * size_of::<Outgoing>();
        let bytes = (messages + inner.events.len() * size_of::<Event>() + texts) as u64;
        // These bytes were given back with the checkpoint, so they are there; so is the room for the event of its end.
        heap.charge(bytes)?;
        self.room_for_events(1, 0, heap)?;
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
        let Some(checkpoint) = self.undo(heap) else { return Ok(Step::Next) };
        for (to, from) in frame.iter_mut().zip(&checkpoint.slots) {
            *to = *from;
        }
        // The checkpoint took more than that.
        self.room_for_events(1, 0, heap)?;
        let coro = self.coro_id();
        self.emit(Event::Aborted { coro });
        Ok(Step::Next)
    }

    /// Undoes all that the coroutine does on trial, whose slice is its last.
    pub(super) fn undo_all(&mut self, heap: &mut Heap) {
        while self.undo(heap).is_some() {}
    }

    /// Undoes what the innermost speculation did to others and to what the coroutine owns and knows. Gives its checkpoint,
    /// which holds the registers. `None` if there is none.
    fn undo(&mut self, heap: &mut Heap) -> Option<Checkpoint> {
        let checkpoint = self.pop_checkpoint(heap)?;
        for taken in checkpoint.inbox.iter().rev() {
            let session = self.world.store.get_mut(taken.session).filter(|session| session.is_active());
            let edge = session.and_then(|session| session.edges.get_mut(usize::from(taken.edge)));
            // Where a later message has come, this one would have made way for it.
            if let Some(edge) = edge.filter(|edge| edge.policy != EdgePolicy::Latest || edge.ring.is_empty())
            {
                edge.ring.put_back(taken.message, heap);
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
        let coro = self.coro_mut()?;
        let forgotten: u64 =
            coro.facts.drain(checkpoint.facts.min(coro.facts.len())..).map(|fact| fact.bytes()).sum();
        coro.bytes = coro.bytes.saturating_sub(forgotten);
        heap.uncharge(forgotten);
        Some(checkpoint)
    }
}
