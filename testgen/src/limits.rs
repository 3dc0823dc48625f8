//! Limits to run inputs with.

use crate::choices::Choices;
use opforge_vm::Limits;

/// Limits that most programs keep within.
const AMPLE: (u64, u32, u64, u64) = (20_000, 24, 24, 1 << 20);

/// Limits for one input: ample ones, or some of them small.
pub(crate) fn limits(choices: &mut Choices<'_, '_>) -> Limits {
    let (fuel, depth, host_calls, memory) = AMPLE;
    let mut limits = Limits::new().fuel(fuel).call_depth(depth).host_calls(host_calls).memory(memory);
    if choices.chance(20) {
        // Some programs take a few bytes, some some thousand.
        let scale = *choices.pick(&[1, 4, 16]).unwrap_or(&1);
        limits = limits.memory(16 + scale * choices.below(150) as u64);
    }
    if choices.chance(10) {
        limits = limits.host_calls(choices.below(5) as u64);
    }
    if choices.chance(10) {
        limits = limits.call_depth(choices.below(7) as u32);
    } else if choices.chance(15) {
        // More frames than a trap report shows.
        limits = limits.call_depth(100);
    }
    if choices.chance(5) {
        limits = limits.stack_slots(choices.below(400) as u32);
    }
    limits
}
