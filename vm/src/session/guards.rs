//! Guard layers: who holds them and who waits for them, in the order of asking.

use crate::program::LayerDef;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

#[derive(Clone, Debug)]
pub(super) struct Layer {
    pub(super) capacity: u32,
    pub(super) active: bool,
    /// Holders: coroutine and serial number of its evidence.
    pub(super) held: Vec<(u32, u64)>,
    /// Coroutines that wait, first come first served.
    pub(super) waiting: VecDeque<u32>,
    /// Waiting coroutines that were woken and have not tried again; room is kept for them.
    pub(super) called: u32,
}

#[derive(Clone, Debug)]
pub(super) struct Layers {
    layers: Box<[Layer]>,
    serial: u64,
}

impl Layers {
    pub(super) fn new(defs: &[LayerDef]) -> Self {
        let layer = |def: &LayerDef| Layer {
            capacity: def.capacity.max(1),
            active: true,
            held: Vec::new(),
            waiting: VecDeque::new(),
            called: 0,
        };
        Self { layers: defs.iter().map(layer).collect(), serial: 0 }
    }

    pub(super) fn get(&self, layer: u32) -> Option<&Layer> {
        self.layers.get(layer as usize)
    }

    pub(super) fn get_mut(&mut self, layer: u32) -> Option<&mut Layer> {
        self.layers.get_mut(layer as usize)
    }

    /// Gives the layer to a coroutine. Gives the serial number of its evidence.
    pub(super) fn grant(&mut self, layer: u32, coro: u32) -> Option<u64> {
        let held = self.layers.get_mut(layer as usize)?;
        self.serial += 1;
        held.held.push((coro, self.serial));
        Some(self.serial)
    }

    /// Takes the layer from whoever holds it with this evidence; the coroutine that waits longest is to try next.
    /// `None` if nobody does.
    pub(super) fn release(&mut self, layer: u32, holder: u32, serial: u64) -> Option<Option<u32>> {
        let held = self.layers.get_mut(layer as usize)?;
        let at = held.held.iter().position(|&(coro, number)| (coro, number) == (holder, serial))?;
        held.held.remove(at);
        Some(held.call_next())
    }

    /// Takes everything from a coroutine that is gone. Gives those that are to try next, with
    /// the layer. `called` says that room of some
    /// layer was kept for it.
    pub(super) fn forget(&mut self, coro: u32, called: Option<u32>) -> Vec<(u32, u32)> {
        let mut woken = Vec::new();
        for (index, layer) in (0..).zip(&mut self.layers) {
            if called == Some(index) {
                layer.called = layer.called.saturating_sub(1);
                woken.extend(layer.call_next().map(|next| (next, index)));
            }
            layer.waiting.retain(|&waiting| waiting != coro);
            while let Some(at) = layer.held.iter().position(|&(holder, _)| holder == coro) {
                layer.held.remove(at);
                woken.extend(layer.call_next().map(|next| (next, index)));
            }
        }
        woken
    }

    /// The evidence is another coroutine's now.
    pub(super) fn hand_over(&mut self, layer: u32, serial: u64, from: u32, to: u32) -> bool {
        let Some(layer) = self.layers.get_mut(layer as usize) else { return false };
        match layer.held.iter_mut().find(|held| **held == (from, serial)) {
            Some(held) => {
                held.0 = to;
                true
            }
            None => false,
        }
    }
}

impl Layer {
    /// Whether a coroutine that asks now may have it. Those that were called come first.
    pub(super) fn has_room(&self, was_called: bool) -> bool {
        let kept = if was_called { self.called.saturating_sub(1) } else { self.called };
        (self.held.len() as u64) + u64::from(kept) < u64::from(self.capacity)
    }

    /// Calls the coroutine that waits longest, if there is room.
    pub(super) fn call_next(&mut self) -> Option<u32> {
        if !self.has_room(false) {
            return None;
        }
        let next = self.waiting.pop_front()?;
        self.called += 1;
        Some(next)
    }
}
