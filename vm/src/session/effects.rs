//! What the embedder does: `invoke`, `acquire`, `release`.

use super::coro::Wait;
use super::decide::Answer;
use super::event::Event;
use super::handler::{EffectCall, GuardCall};
use super::record::Act;
use super::slice::{Done, Slice, Stop, get, pay_for, refused, set, trap};
use crate::endpoint::EvidenceId;
use crate::heap::{Heap, ValueError};
use crate::ids::{EffectId, LayerId};
use crate::interp::session::Step;
use crate::lower::Slot;
use crate::session_fault::SessionFault;
use crate::value::Value;
use crate::value_type::ValueType;
use alloc::sync::Arc;
use alloc::vec::Vec;
use opforge_schema::TrapCode;

impl Slice<'_> {
    pub(super) fn invoke(
        &mut self,
        frame: &mut [u64],
        effect: EffectId,
        (args, dst): (&[Slot], Option<Slot>),
        heap: &mut Heap,
    ) -> Done {
        let tables = &self.plan.tables;
        let (Some(def), Some(sig)) = (tables.effects.get(effect.index()), tables.effect_sig(effect)) else {
            return Err(refused(TrapCode::EffectFailed, "the program declares no such effect"));
        };
        if !def.speculative {
            self.not_speculating()?;
        }
        let values = arguments(frame, args, sig.params, heap);
        values.iter().for_each(|value| pay_for(value, heap));
        let name = self.program.session_names.effects.get(effect.index()).cloned().unwrap_or_default();
        let call = EffectCall { coro: self.coro_id(), effect, name: &name, args: &values };
        let ask = (Act::Invoke, TrapCode::EffectFailed);
        let result = match self.ask(ask, heap, |handler| handler.invoke(call))? {
            Answer::Value(result) => result,
            Answer::Blocked => return Err(Stop::Wait(Wait::Effect { effect })),
            Answer::Failed(text) => return Err(refused(TrapCode::EffectFailed, &text)),
            Answer::Done | Answer::Dropped => Value::Unit,
        };
        let class = sig.results.first().copied().unwrap_or(ValueType::Unit);
        let slots = heap.store_value(&result, class).map_err(|error| match error {
            ValueError::MemoryLimitExceeded => TrapCode::MemoryLimitExceeded.into(),
            _ => trap(TrapCode::TypeMismatch, SessionFault::HandlerType),
        })?;
        self.room_for_events(1, 0, heap)?;
        if let Some(dst) = dst {
            for (i, &bits) in (0..class.slots()).zip(&slots) {
                set(frame, dst + i, bits);
            }
        }
        let coro = self.coro_id();
        self.emit(Event::Invoked { coro, effect });
        Ok(Step::Next)
    }

    pub(super) fn acquire(&mut self, frame: &mut [u64], layer: LayerId, dst: Slot, heap: &mut Heap) -> Done {
        self.not_speculating()?;
        let called = self.world.coro(self.current).is_some_and(|coro| coro.called == Some(layer.0));
        let Some(state) = self.world.layers.get(layer.0).filter(|layer| layer.active) else {
            return Err(trap(TrapCode::GuardFault, SessionFault::LayerInactive));
        };
        if !state.has_room(called) {
            return Err(Stop::Wait(Wait::Acquire { layer: layer.0 }));
        }
        let name = self.layer_name(layer);
        let call = GuardCall { coro: self.coro_id(), layer, name: &name };
        match self.ask((Act::Acquire, TrapCode::GuardFault), heap, |handler| handler.acquire(call))? {
            Answer::Blocked => return Err(Stop::Wait(Wait::Grant { layer: layer.0 })),
            Answer::Failed(text) => return Err(refused(TrapCode::GuardFault, &text)),
            Answer::Done | Answer::Value(_) | Answer::Dropped => {}
        }
        if called {
            self.answered(layer);
        }
        let serial = self.world.layers.grant(layer.0, self.current).unwrap_or(0);
        let evidence = EvidenceId { layer: layer.0 as u16, serial };
        set(frame, dst, evidence.to_slot());
        let coro = self.coro_id();
        self.emit(Event::Acquired { coro, layer });
        Ok(Step::Next)
    }

    /// The room that was kept for the coroutine is not kept any more.
    fn answered(&mut self, layer: LayerId) {
        if let Some(state) = self.world.layers.get_mut(layer.0) {
            state.called = state.called.saturating_sub(1);
        }
        if let Some(coro) = self.coro_mut() {
            coro.called = None;
        }
    }

    pub(super) fn release(
        &mut self,
        frame: &mut [u64],
        layer: LayerId,
        evidence: Slot,
        heap: &mut Heap,
    ) -> Done {
        self.not_speculating()?;
        let held = EvidenceId::from_slot(get(frame, evidence));
        let fault = || trap(TrapCode::GuardFault, SessionFault::Evidence);
        if u32::from(held.layer) != layer.0 {
            return Err(fault());
        }
        let next = self.world.layers.release(layer.0, self.current, held.serial).ok_or_else(fault)?;
        // Evidence that was given back is none.
        set(frame, evidence, EvidenceId { layer: held.layer, serial: 0 }.to_slot());
        if let Some(next) = next {
            self.world.call(next, layer.0);
        }
        let coro = self.coro_id();
        self.emit(Event::Released { coro, layer });
        let name = self.layer_name(layer);
        let call = GuardCall { coro, layer, name: &name };
        // It is given back whatever the handler does; one that panics makes the coroutine trap all the same.
        self.ask((Act::Release, TrapCode::GuardFault), heap, |handler| {
            handler.release(call);
            Ok(())
        })?;
        Ok(Step::Next)
    }

    fn layer_name(&self, layer: LayerId) -> Arc<str> {
        self.program.session_names.layers.get(layer.index()).cloned().unwrap_or_default()
    }
}

impl super::world::World {
    /// Calls a coroutine that waits for a guard layer: room is kept for it.
    pub(super) fn call(&mut self, index: u32, layer: u32) {
        if let Some(coro) = self.coro_mut(index) {
            coro.called = Some(layer);
        }
        self.wake(index);
    }
}

/// The arguments of an effect as values.
fn arguments(frame: &[u64], slots: &[Slot], params: &[ValueType], heap: &Heap) -> Vec<Value> {
    let bits: Vec<u64> = slots.iter().map(|&slot| get(frame, slot)).collect();
    let mut rest = &*bits;
    let mut values = Vec::with_capacity(params.len());
    for &ty in params {
        values.push(heap.load_value(ty, rest));
        rest = rest.get(ty.slots() as usize..).unwrap_or(&[]);
    }
    values
}
