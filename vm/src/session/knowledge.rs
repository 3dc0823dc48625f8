//! Facts about endpoints: `tag`, `check`.

use super::coro::Fact;
use super::event::Event;
use super::slice::{Done, Slice, get, set, trap};
use crate::endpoint::EndpointId;
use crate::heap::Heap;
use crate::interp::session::Step;
use crate::lower::Slot;
use crate::session_fault::SessionFault;
use alloc::sync::Arc;
use opforge_schema::TrapCode;

impl Slice<'_> {
    /// The endpoint and the text of a fact: a tuple of both.
    fn fact(&self, handle: u64, heap: &Heap) -> Done<Fact> {
        let fault = || trap(TrapCode::TransferFault, SessionFault::Fact);
        let endpoint = EndpointId::from_slot(heap.node_slot(handle, 0).ok_or_else(fault)?);
        let text = heap.text(heap.node_slot(handle, 1).ok_or_else(fault)?);
        if self.world.store.of(endpoint).is_none() {
            return Err(trap(TrapCode::TransferFault, SessionFault::Stale(endpoint)));
        }
        Ok(Fact { endpoint, text: text.into() })
    }

    pub(super) fn tag(&mut self, frame: &mut [u64], fact: Slot, dst: Slot, heap: &mut Heap) -> Done {
        let fact = self.fact(get(frame, fact), heap)?;
        let known = self.world.coro(self.current).map_or(0, |coro| coro.facts.len());
        if known >= self.config.max_facts as usize {
            return Err(trap(TrapCode::MemoryLimitExceeded, SessionFault::FactLimit));
        }
        let bytes = (size_of::<Fact>() + fact.text.len()) as u64;
        heap.charge(bytes)?;
        let (endpoint, text) = (fact.endpoint, Arc::clone(&fact.text));
        if let Some(coro) = self.coro_mut() {
            coro.bytes += bytes;
            coro.facts.push(fact);
        }
        set(frame, dst, 1);
        let coro = self.coro_id();
        self.emit(Event::Tagged { coro, endpoint, fact: text });
        Ok(Step::Next)
    }

    pub(super) fn check(
        &mut self,
        frame: &mut [u64],
        knowledge: Slot,
        target: Slot,
        dst: Slot,
        heap: &Heap,
    ) -> Done {
        let fact = self.fact(get(frame, knowledge), heap)?;
        let target: Arc<str> = heap.text(get(frame, target)).into();
        let known = self.world.coro(self.current).is_some_and(|coro| coro.facts.contains(&fact));
        let role = self.role_name(fact.endpoint);
        let permitted = known && self.config.flow.permits(&fact.text, &role, &target);
        set(frame, dst, u64::from(permitted));
        let coro = self.coro_id();
        self.emit(Event::Checked { coro, endpoint: fact.endpoint, target, permitted });
        Ok(Step::Next)
    }
}
