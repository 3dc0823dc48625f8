//! Facts about endpoints: `tag`, `check`.

use super::coro::Fact;
use super::event::Event;
use super::slice::{Done, Slice, get, set, trap};
use crate::endpoint::EndpointId;
use crate::heap::Heap;
use crate::interp::session::Step;
use crate::lower::Slot;
use crate::session_fault::SessionFault;
use opforge_schema::TrapCode;

impl Slice<'_> {
    /// The endpoint and the text of a fact: a tuple of both.
    fn fact<'h>(&self, handle: u64, heap: &'h Heap) -> Done<(EndpointId, &'h str)> {
        let fault = || trap(TrapCode::TransferFault, SessionFault::Fact);
        let endpoint = EndpointId::from_slot(heap.node_slot(handle, 0).ok_or_else(fault)?);
        let text = heap.text(heap.node_slot(handle, 1).ok_or_else(fault)?);
        if self.world.store.of(endpoint).is_none() {
            return Err(trap(TrapCode::TransferFault, SessionFault::Stale(endpoint)));
        }
        Ok((endpoint, text))
    }

    pub(super) fn tag(&mut self, frame: &mut [u64], fact: Slot, dst: Slot, heap: &mut Heap) -> Done {
        let (endpoint, text) = self.fact(get(frame, fact), heap)?;
        let len = text.len();
        let known = self.world.coro(self.current).map_or(0, |coro| coro.facts.len());
        if known >= self.config.max_facts as usize {
            return Err(trap(TrapCode::MemoryLimitExceeded, SessionFault::FactLimit));
        }
        // The limit is looked at before the text is copied.
        let bytes = Fact::bytes_of(text);
        if heap.charged().saturating_add(bytes) > heap.limit() {
            return Err(TrapCode::MemoryLimitExceeded.into());
        }
        let fact = Fact { endpoint, text: text.into() };
        heap.work(len);
        let text = Event::text(&fact.text);
        self.room_for_events(1, text.len(), heap)?;
        heap.charge(bytes)?;
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
        heap: &mut Heap,
    ) -> Done {
        let (endpoint, fact) = self.fact(get(frame, knowledge), heap)?;
        let target = heap.text(get(frame, target));
        let facts = self.world.coro(self.current).map_or(&[][..], |coro| &coro.facts);
        let (mut known, mut compared) = (false, facts.len());
        for other in facts.iter().filter(|other| other.endpoint == endpoint && other.text.len() == fact.len())
        {
            compared += fact.len();
            if *other.text == *fact {
                known = true;
                break;
            }
        }
        let role = self.role_name(endpoint);
        let permitted = known && self.config.flow.permits(fact, &role, target);
        let work = compared + fact.len() + target.len();
        let target = Event::text(target);
        heap.work(work);
        self.room_for_events(1, target.len(), heap)?;
        set(frame, dst, u64::from(permitted));
        let coro = self.coro_id();
        self.emit(Event::Checked { coro, endpoint, target, permitted });
        Ok(Step::Next)
    }
}
