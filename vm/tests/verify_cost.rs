//! What verification costs: memory within bounds, hostile programs included. Work is bounded by the verifier's own
//! budget, which is counted and not timed; times are printed (`--nocapture`) and compared in `benches/`.

mod verify_support;

use opforge_vm::Program;
use opforge_vm::ValueType::{self, Agg, Bool, I64};
use opforge_vm::ids::Reg;
use opforge_vm::verify::{VerifiedProgram, VerifyConfig, VerifyErrorKind, VerifyReport, verify};
use std::time::Instant;
use verify_support::{Asm, Build, Func, asm};

struct Cost {
    outcome: Result<VerifiedProgram, VerifyReport>,
    peak: usize,
}

impl Cost {
    /// The names of the errors.
    fn errors(&self) -> Vec<&'static str> {
        let report = self.outcome.as_ref().err();
        report.into_iter().flat_map(VerifyReport::errors).map(|error| error.kind().name()).collect()
    }

    fn assert_within(&self, what: &str, peak: usize) {
        assert!(self.peak <= peak, "{what}: {} bytes", self.peak);
    }
}

fn measure(what: &str, program: Program, config: &VerifyConfig) -> Cost {
    let (functions, bytes) =
        (program.functions().len(), program.code_blobs().iter().map(<[u8]>::len).sum::<usize>());
    let mut outcome = None;
    let start = Instant::now();
    let memory = allocation_counter::measure(|| outcome = Some(verify(program, config)));
    let (time, peak) = (start.elapsed(), memory.bytes_max as usize);
    let outcome = outcome.unwrap();
    let instrs = outcome.as_ref().map_or(0, |verified| {
        verified.functions().iter().map(|func| func.code().instrs().len()).sum::<usize>()
    });
    let each = time.as_nanos() as f64 / instrs.max(1) as f64;
    println!(
        "{what}: {functions} functions, {bytes} code bytes, {instrs} instructions, {time:?}, {each:.0} ns each, \
         peak {} KiB, {:.1} bytes a code byte",
        peak >> 10,
        peak as f64 / bytes.max(1) as f64
    );
    Cost { outcome, peak }
}

fn one(params: &[ValueType], results: &[ValueType], regs: u32, code: Asm) -> Program {
    let mut build = Build::default();
    build.func(params, results, regs, code);
    build.program()
}

/// Unoptimised builds only look at bounds, which smaller programs show as well.
const SCALE: u32 = if cfg!(debug_assertions) { 10 } else { 1 };

#[test]
fn straight_line_code_is_linear() {
    let mut code = Asm::default();
    (2..12).for_each(|reg| _ = code.op("const.i64", &[reg.into(), 1.into()]));
    for i in 0..500_000 / SCALE {
        asm!(code; "i64.add" 2 + i % 10, 2 + (i + 1) % 10, 2 + (i + 3) % 10;);
    }
    asm!(code; "ret" 0, [2];);
    let bytes = code.0.len();
    let cost = measure("straight line", one(&[], &[I64], 12, code), &VerifyConfig::new());
    assert!(cost.outcome.is_ok());
    cost.assert_within("straight line", 24 * bytes);
}

/// Copies of aggregates: every write needs inference.
#[test]
fn copies_are_linear() {
    let mut code = Asm::default();
    asm!(code; "const.i64" 2, 1; "tuple.new" 3, [2, 2]; "tuple.new" 4, [3, 2];);
    for _ in 0..100_000 / SCALE {
        asm!(code; "mov" 5, 4; "tuple.get" 6, 5, 0; "tuple.get" 2, 6, 1; "mov" 3, 6;);
    }
    asm!(code; "ret" 0, [2];);
    let bytes = code.0.len();
    let cost = measure("copies", one(&[], &[I64], 7, code), &VerifyConfig::new());
    assert!(cost.outcome.is_ok(), "{:?}", cost.errors());
    cost.assert_within("copies", 100 * bytes);
}

/// `blocks` blocks in a row, each of which writes a register of its own and reads the one before it.
fn chain(blocks: u32, regs: u32) -> Program {
    let mut code = Asm::default();
    asm!(code; "const.i64" 2, 1; "const.bool" 1, 1;);
    for i in 0..blocks {
        let (from, to) = (2 + i % (regs - 3), 2 + (i + 1) % (regs - 3));
        let start = code.pc();
        code.op("i64.add", &[to.into(), from.into(), 2.into()]);
        let len = code.pc() - start;
        asm!(code; "br" 1, start + len + 12, start + len + 12;);
    }
    asm!(code; "ret" 0, [2];);
    one(&[], &[I64], regs, code)
}

#[test]
fn many_blocks_and_registers_stay_within_ten_megabytes() {
    for n in [1000, 2000, 4000] {
        let cost = measure("chain", chain(n, n), &VerifyConfig::new());
        assert!(cost.outcome.is_ok(), "{:?}", cost.errors());
        cost.assert_within("chain", 10 << 20);
    }
}

/// A block for each register, in tangled loops, then a block that reads all of them. The block of register
/// `without` writes another one.
fn tangle(blocks: u32, fan: u32, without: Option<u32>) -> Program {
    let mut code = Asm::default();
    asm!(code; "const.bool" 1, 1; "jmp" 9;);
    let first = code.pc();
    // Every block has the same length: wide registers, wide targets.
    let mut starts = vec![first];
    let mut plan = Asm::default();
    for i in 0..blocks {
        let reg = 200 + i;
        asm!(plan; "const.i64" reg, 1; "br" 1, 0, 0;);
        starts.push(first + plan.pc());
    }
    for i in 0..blocks {
        let reg = if without == Some(200 + i) { 199 } else { 200 + i };
        let back = (i.wrapping_mul(2_654_435_761) >> 7) % (i / fan + 1);
        asm!(code; "const.i64" reg, 1; "br" 1, starts[(i + 1) as usize], starts[back as usize];);
    }
    for i in 0..blocks {
        asm!(code; "i64.add" 2, 200 + i, 200 + i;);
    }
    asm!(code; "ret" 0, [2];);
    one(&[], &[I64], 200 + blocks, code)
}

#[test]
fn tangled_loops_are_verified_or_refused_in_bounds() {
    for (blocks, fan) in [(1000, 1), (4000, 1), (4000, 3), (16_000, 2)] {
        let cost = measure("tangle", tangle(blocks, fan, None), &VerifyConfig::new());
        assert!(cost.outcome.is_ok(), "{:?}", cost.errors());
        cost.assert_within("tangle", 64 << 20);
    }
}

/// Registers are followed in groups; each group must find its own.
#[test]
fn one_register_of_many_that_is_not_written_is_found() {
    for without in [200, 1224, 16_183] {
        let program = tangle(15_984, 2, Some(without));
        let report = verify(program, &VerifyConfig::new()).map(|_| ()).unwrap_err();
        let kinds: Vec<_> = report.errors().iter().map(|error| *error.kind()).collect();
        assert_eq!(kinds, [VerifyErrorKind::UninitializedRead { reg: Reg(without) }]);
    }
}

/// 60,000 registers and 1,600 blocks in 19 KB.
#[test]
fn the_small_program_with_many_registers_is_cheap() {
    let mut code = Asm::default();
    asm!(code; "const.bool" 1, 1; "const.i64" 59_999, 1;);
    for _ in 0..1600 {
        let next = code.pc() + 12;
        asm!(code; "br" 1, next, next;);
    }
    asm!(code; "ret" 0, [59_999];);
    let cost = measure("19 KB", one(&[], &[I64], 60_000, code), &VerifyConfig::new());
    assert!(cost.outcome.is_ok());
    cost.assert_within("19 KB", 16 << 20);

    // The same, where every block reads and writes what others do.
    let mut code = Asm::default();
    asm!(code; "const.bool" 1, 1; "jmp" 9;);
    let first = code.pc();
    for i in 0..1000 {
        let at = code.pc();
        asm!(code; "mov" 59_999 - i, 30_000 + i; "br" 1, first, at + 19;);
    }
    let end = code.pc();
    asm!(code; "ret" 0, [59_999];);
    assert_eq!(end, first + 19 * 1000);
    assert_eq!(first, 9);
    let cost = measure("19 KB, all uninitialised", one(&[], &[I64], 60_000, code), &VerifyConfig::new());
    assert!(cost.errors().contains(&"UninitializedRead"), "{:?}", cost.errors());
    cost.assert_within("19 KB, all uninitialised", 16 << 20);
}

/// A tuple of many registers whose types become known, and lose their shape, one after another.
#[test]
fn a_tuple_is_not_built_again_for_every_element() {
    let n = 5000u32;
    let mut code = Asm::default();
    let (base, last) = (10, 10 + n);
    // Two shapes reach the last register; copies run backwards through the others, a block each.
    asm!(code; "const.bool" 1, 1; "const.i64" 2, 1; "tuple.new" 3, [2]; "tuple.new" 4, [2, 2];);
    let elems: Vec<u32> = (base..last).collect();
    for reg in base..last {
        asm!(code; "mov" reg, reg + 1;);
        let end = code.pc() + 12;
        asm!(code; "br" 1, end, end;);
    }
    asm!(code; "tuple.new" 5, &elems[..];);
    let end = code.pc() + 12;
    asm!(code; "br" 1, end, end; "mov" last, 3; "mov" last, 4; "ret" 0, [2];);
    let cost = measure("tuple of copies", one(&[], &[I64], last + 1, code), &VerifyConfig::new());
    // The reads come before the writes, so this is refused, but only after types were found.
    assert!(cost.errors().contains(&"UninitializedRead"), "{:?}", cost.errors());
    cost.assert_within("tuple of copies", 16 << 20);
}

/// Two large tuple types that one register holds in turn: joining them again and again costs nothing.
#[test]
fn joining_large_tuples_is_cheap() {
    let n = 20_000;
    let mut code = Asm::default();
    asm!(code; "const.i64" 2, 1; "tuple.new" 3, [2]; "tuple.new" 4, [2, 2];);
    asm!(code; "tuple.new" 5, &vec![3; n][..]; "tuple.new" 6, &vec![4; n][..];);
    for _ in 0..n {
        asm!(code; "mov" 7, 5; "mov" 7, 6; "mov" 8, 7;);
    }
    asm!(code; "ret" 0, [2];);
    let bytes = code.0.len();
    let cost = measure("large tuples", one(&[], &[I64], 9, code), &VerifyConfig::new());
    assert!(cost.outcome.is_ok());
    cost.assert_within("large tuples", 100 * bytes);
}

/// Many functions that share a blob which mentions the highest register: small on disk, large in memory.
#[test]
fn shared_code_cannot_go_past_the_budget() {
    let mut code = Asm::default();
    asm!(code; "mov" 65_535, 1; "ret" 0, [1];);
    let mut build = Build::default();
    build.blobs.push(code.0);
    let func = Func { params: vec![I64], results: vec![I64], regs: 65_536, blob: 0 };
    build.functions = vec![func; 2000];
    let config = VerifyConfig::new().max_memory(64 << 20);
    let cost = measure("shared blob", build.program(), &config);
    assert_eq!(cost.errors(), ["VerifyBudget"]);
    cost.assert_within("shared blob", 80 << 20);
    let config = VerifyConfig::new().max_work(100_000);
    assert_eq!(measure("little work", build.program(), &config).errors(), ["VerifyBudget"]);
}

#[test]
fn a_shape_section_is_charged() {
    let mut build = Build::default();
    let mut code = Asm::default();
    asm!(code; "ret" 0, [];);
    build.func(&[Agg], &[], 2, code);
    build.tuple_shape(0, 0, &vec![Some(Bool); 1 << 20]);
    let cost = measure("large shape", build.program(), &VerifyConfig::new());
    assert!(cost.outcome.is_ok());
    let config = VerifyConfig::new().max_memory(1 << 20);
    let cost = measure("large shape", build.program(), &config);
    assert_eq!(cost.errors(), ["VerifyBudget"]);
    cost.assert_within("large shape", 2 << 20);
}
