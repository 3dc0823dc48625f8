//! The functions behind the rows of `spec/game.json`. They are pure: the same results for the same arguments.

use opforge::extensions::{IntrinsicCtx, Str};
use opforge::{ExtensionError, Extensions, Isa, TrapCode};

/// All of them, each checked against its row.
pub(crate) fn all(isa: &Isa<'static>) -> Result<Extensions, ExtensionError> {
    let mut all = Extensions::new(isa)?;
    all.opcode("game.mix", mix)?;
    all.opcode("game.hit", hit)?;
    all.opcode("game.snap", snap)?;
    all.opcode("game.live", |life: f64| life > 0.0)?;
    all.intrinsic("game.noise", noise)?;
    all.intrinsic("game.step", step)?;
    all.intrinsic("game.shout", shout)?;
    Ok(all)
}

pub(crate) fn mix(a: i64, b: i64) -> i64 {
    (a ^ b.rotate_left(17)).wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as i64)
}

/// A trap must be one that the row lists.
fn hit(life: i64, hit: i64, shield: u64) -> Result<i64, TrapCode> {
    let through = 100u64.checked_sub(shield).ok_or(TrapCode::IndexOutOfBounds)? as i64;
    let lost = hit.checked_mul(through).ok_or(TrapCode::IntOverflow)? / 100;
    life.checked_sub(lost).ok_or(TrapCode::IntOverflow)
}

/// The immediate comes as a `u32` behind the registers.
pub(crate) fn snap(x: f64, steps: u32) -> f64 {
    let steps = f64::from(steps);
    (x * steps).round_ties_even() / steps
}

/// The row takes one `vec2`, which is two slots.
pub(crate) fn noise(x: f64, y: f64) -> f64 {
    let mixed = mix(x.to_bits() as i64, y.to_bits() as i64) as u64;
    (mixed >> 11) as f64 / (1u64 << 53) as f64
}

/// Several results are a tuple.
fn step(column: i64, row: i64, direction: u64) -> Result<(i64, i64), TrapCode> {
    Ok(match direction {
        0 => (column.saturating_add(1), row),
        1 => (column, row.saturating_add(1)),
        2 => (column.saturating_sub(1), row),
        3 => (column, row.saturating_sub(1)),
        _ => return Err(TrapCode::IndexOutOfBounds),
    })
}

/// What reads or makes text takes the context first.
fn shout(cx: &mut IntrinsicCtx<'_>, text: Str) -> Result<Str, TrapCode> {
    let loud = cx.text(text).to_uppercase() + "!";
    cx.make(&loud)
}
