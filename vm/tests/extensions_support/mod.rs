//! The overlay of `examples/embedder/`, made by tablegen as the tests run, and functions for its rows.

use opforge_vm::extensions::{IntrinsicCtx, Str};
use opforge_vm::schema::Blobs;
use opforge_vm::{Extensions, Isa, TrapCode};
use std::sync::OnceLock;

/// The spec.
pub(crate) const SPEC: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/embedder/spec/game.json");

/// The tables of a spec. They live as long as the test program.
pub(crate) fn tables_of(spec: &str) -> Isa<'static> {
    let files = opforge_tablegen::overlay::Build::new(spec).files().unwrap_or_else(|e| panic!("{e}"));
    let table = |name: &str| -> &'static [u8] {
        let name = format!("vm.{name}.bin");
        let (_, bytes) = files.iter().find(|(n, _)| *n == name).expect("a table");
        Box::leak(bytes.clone().into_boxed_slice())
    };
    Isa::from_blobs(&Blobs {
        ops: table("ops"),
        names: table("names"),
        text: table("text"),
        lookup: table("lookup"),
        classes: table("classes"),
        types: table("types"),
        intrinsics: table("intrinsics"),
    })
    .unwrap_or_else(|e| panic!("{e}"))
}

/// The tables of the example.
pub(crate) fn isa() -> &'static Isa<'static> {
    static ISA: OnceLock<Isa<'static>> = OnceLock::new();
    ISA.get_or_init(|| tables_of(SPEC))
}

pub(crate) fn mix(a: i64, b: i64) -> i64 {
    (a ^ b.rotate_left(17)).wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as i64)
}

pub(crate) fn hit(life: i64, hit: i64, shield: u64) -> Result<i64, TrapCode> {
    let through = 100u64.checked_sub(shield).ok_or(TrapCode::IndexOutOfBounds)? as i64;
    let lost = hit.checked_mul(through).ok_or(TrapCode::IntOverflow)? / 100;
    life.checked_sub(lost).ok_or(TrapCode::IntOverflow)
}

pub(crate) fn snap(x: f64, steps: u32) -> f64 {
    let steps = f64::from(steps);
    (x * steps).round_ties_even() / steps
}

pub(crate) fn noise(x: f64, y: f64) -> f64 {
    let mixed = mix(x.to_bits() as i64, y.to_bits() as i64) as u64;
    (mixed >> 11) as f64 / (1u64 << 53) as f64
}

pub(crate) fn step(column: i64, row: i64, direction: u64) -> Result<(i64, i64), TrapCode> {
    Ok(match direction {
        0 => (column + 1, row),
        1 => (column, row + 1),
        2 => (column - 1, row),
        3 => (column, row - 1),
        _ => return Err(TrapCode::IndexOutOfBounds),
    })
}

pub(crate) fn shout(cx: &mut IntrinsicCtx<'_>, text: Str) -> Result<Str, TrapCode> {
    let loud = cx.text(text).to_uppercase() + "!";
    cx.make(&loud)
}

/// All functions.
pub(crate) fn extensions() -> Extensions {
    let mut all = Extensions::new(isa()).unwrap_or_else(|e| panic!("{e}"));
    let done = (|| {
        all.opcode("game.mix", mix)?;
        all.opcode("game.hit", hit)?;
        all.opcode("game.snap", snap)?;
        all.opcode("game.live", |x: f64| x > 0.0)?;
        all.intrinsic("game.noise", noise)?;
        all.intrinsic("game.step", step)?;
        all.intrinsic("game.shout", shout)?;
        Ok::<(), opforge_vm::ExtensionError>(())
    })();
    done.unwrap_or_else(|e| panic!("{e}"));
    all
}

/// Programs that use each of them, in straight code, in loops, and with traps in the middle of segments.
pub(crate) const SOURCE: &str = "
.func play(n: i64, x: f64, shield: u64) -> (i64, f64, bool, i64) {
    .reg i, one, acc, more, y, live, life
    const.i64 i, 0
    const.i64 one, 1
    const.i64 acc, 7
    const.i64 life, 1_000
    game.snap y, x, 8
    game.live live, y
    jmp @head
@head:
    i64.lt more, i, n
    br more, @body, @done
@body:
    game.mix acc, acc, i
    intrinsic game.noise (y, x) -> (y)
    i64.add i, i, one
    game.hit life, life, i, shield
    game.live live, y
    br live, @head, @done
@done:
    ret (acc, y, live, life)
}

.func walk(column: i64, row: i64, direction: u64) -> (i64, i64) {
    .reg zero
    const.i64 zero, 0
    i64.add column, column, zero
    intrinsic game.step (column, row, direction) -> (row, column)
    i64.add row, row, zero
    call &again (column, row, direction) -> (column, row)
    ret (column, row)
}

.func again(column: i64, row: i64, direction: u64) -> (i64, i64) {
    intrinsic game.step (column, row, direction) -> (column, row)
    ret (column, row)
}

.func say(text: str) -> (str, u64) {
    .reg len
    intrinsic game.shout (text) -> (text)
    intrinsic game.shout (text) -> (text)
    str.len len, text
    ret (text, len)
}

.func bits(x: f64) -> (u64, u64) {
    .reg a, b, p, q
    f64.neg x, x
    game.snap a, x, 255
    intrinsic game.noise (x, x) -> (b)
    f64.to_bits p, a
    f64.to_bits q, b
    ret (p, q)
}
";
