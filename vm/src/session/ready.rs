//! Who runs next: the queue of coroutines that can, in the order of the policy.

use super::config::Policy;
use alloc::collections::{BinaryHeap, VecDeque};
use alloc::vec::Vec;
use core::cmp::Reverse;

/// A coroutine with what its place in the queue goes by: the rank, then who came first.
type Ranked = (i64, Reverse<u64>, u32);

/// Coroutines that can run. The same additions in the same order give the same picks, always.
#[derive(Clone, Debug)]
pub(super) struct Ready {
    fifo: VecDeque<u32>,
    ranked: BinaryHeap<Ranked>,
    uses_ranks: bool,
    /// Additions so far.
    count: u64,
    /// State of the random picks.
    random: u64,
    picks_at_random: bool,
}

impl Ready {
    pub(super) fn new(policy: &Policy) -> Self {
        let seed = if let Policy::Random { seed, .. } = policy { Some(*seed) } else { None };
        Self {
            fifo: VecDeque::new(),
            ranked: BinaryHeap::new(),
            uses_ranks: matches!(policy, Policy::Priority { .. } | Policy::ProgressAware { .. }),
            count: 0,
            random: seed.unwrap_or(0),
            picks_at_random: seed.is_some(),
        }
    }

    /// Adds a coroutine behind those of its rank. Ranks count only where the policy goes by them.
    #[inline]
    pub(super) fn push(&mut self, coro: u32, rank: i64) {
        self.count += 1;
        if self.uses_ranks {
            self.ranked.push((rank, Reverse(self.count), coro));
        } else {
            self.fifo.push_back(coro);
        }
    }

    /// Takes the next coroutine out.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<u32> {
        if self.uses_ranks {
            return self.ranked.pop().map(|(_, _, coro)| coro);
        }
        if self.picks_at_random && self.fifo.len() > 1 {
            let at = self.draw(self.fifo.len());
            return self.fifo.remove(at);
        }
        self.fifo.pop_front()
    }

    /// Takes the next coroutine out that is not paused; those that are keep their places.
    pub(super) fn pop_unless(&mut self, is_paused: impl Fn(u32) -> bool) -> Option<u32> {
        if self.uses_ranks {
            let mut kept: Vec<Ranked> = Vec::new();
            let mut found = None;
            while let Some(ranked) = self.ranked.pop() {
                if is_paused(ranked.2) {
                    kept.push(ranked);
                } else {
                    found = Some(ranked.2);
                    break;
                }
            }
            self.ranked.extend(kept);
            return found;
        }
        let free = self.fifo.iter().filter(|&&coro| !is_paused(coro)).count();
        let nth = if free == 0 {
            return None;
        } else if self.picks_at_random {
            self.draw(free)
        } else {
            0
        };
        let (at, _) = self.fifo.iter().enumerate().filter(|&(_, &coro)| !is_paused(coro)).nth(nth)?;
        self.fifo.remove(at)
    }

    /// A number below `bound`, from the seed: SplitMix64 (Steele, Lea, Flood 2014).
    fn draw(&mut self, bound: usize) -> usize {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        ((u128::from(z) * bound as u128) >> 64) as usize
    }
}
