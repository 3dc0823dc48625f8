//! Programs of extreme shapes, which are decoded and verified but not run.

use execution_tape::asm::{Asm, AsmError, FunctionSig, Label, ProgramBuilder};
use execution_tape::program::ValueType;

/// One shape.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    /// How many instructions the bytes hold.
    pub(crate) instrs: usize,
    /// Whether execution_tape, whose cost and memory grow with blocks times registers, takes seconds and
    /// more than a gigabyte.
    pub(crate) quadratic_in_peer: bool,
}

/// The shapes, in the order of the table.
pub(crate) fn all() -> Vec<Shape> {
    let built = [
        straight_line(10_000),
        many_functions(),
        blocks("chain", 1000, 0, chain),
        blocks("chain", 4000, 0, chain),
        blocks("reversed chain", 4000, 3999, reversed_chain),
        blocks("nested loops", 4000, 0, nested_loops),
        blocks("all to one exit", 4000, 0, all_meet),
    ];
    built.into_iter().map(|shape| shape.unwrap_or_else(|error| panic!("{error}"))).collect()
}

/// 1000 functions of 50 instructions: what loading is measured on.
pub(crate) fn many_functions() -> Result<Shape, AsmError> {
    let mut builder = ProgramBuilder::new();
    for _ in 0..1000 {
        let mut a = Asm::new();
        three_address_code(&mut a, 49);
        push(&mut builder, a)?;
    }
    Ok(shape("1000 functions x 50".into(), builder, 50_000))
}

fn straight_line(instrs: usize) -> Result<Shape, AsmError> {
    let mut builder = ProgramBuilder::new();
    let mut a = Asm::new();
    three_address_code(&mut a, instrs - 1);
    push(&mut builder, a)?;
    Ok(shape(format!("straight line, {instrs} instructions"), builder, instrs))
}

fn shape(name: String, builder: ProgramBuilder, instrs: usize) -> Shape {
    Shape { name, bytes: builder.build().encode(), instrs, quadratic_in_peer: false }
}

fn push(builder: &mut ProgramBuilder, mut a: Asm) -> Result<(), AsmError> {
    a.ret(0, &[1]);
    let sig = FunctionSig { arg_types: vec![ValueType::I64; 2], ret_types: vec![ValueType::I64] };
    builder.push_function_checked(a, sig)?;
    Ok(())
}

/// Instructions over 16 registers of which r1 and r2 are arguments.
fn three_address_code(a: &mut Asm, instrs: usize) {
    for i in 0..instrs as u32 {
        let (dst, left, right) = (3 + i % 13, 1 + i % 2, 3 + i.saturating_sub(1) % 13);
        let right = if i == 0 { 2 } else { right };
        match i % 4 {
            0 => a.i64_add(dst, left, right),
            1 => a.i64_xor(dst, left, right),
            2 => a.i64_mul(dst, left, right),
            _ => a.i64_sub(dst, left, right),
        };
    }
}

/// Ends block `k`; `labels` are the blocks' and the exit's. Returns how many instructions it added.
type Block = fn(&mut Asm, k: usize, labels: &[Label]) -> usize;

/// One function of `n` blocks that write one register each, over `n` registers; block `enter` is the first to run.
fn blocks(kind: &str, n: usize, enter: usize, block: Block) -> Result<Shape, AsmError> {
    let mut builder = ProgramBuilder::new();
    let mut a = Asm::new();
    let labels: Vec<Label> = (0..=n).map(|_| a.label()).collect();
    // A condition that is written before everything else.
    a.i64_lt(3, 1, 2);
    a.jmp(labels[enter]);
    let mut instrs = 3;
    for k in 0..n {
        a.place(labels[k])?;
        a.const_i64(4 + k as u32, k as i64);
        instrs += 1 + block(&mut a, k, &labels);
    }
    a.place(labels[n])?;
    push(&mut builder, a)?;
    let mut shape = shape(format!("{n} blocks x {n} registers, {kind}"), builder, instrs);
    shape.quadratic_in_peer = n > 2000;
    Ok(shape)
}

/// Each block goes to the next.
fn chain(a: &mut Asm, k: usize, labels: &[Label]) -> usize {
    a.jmp(labels[k + 1]);
    1
}

/// Control runs from the last block to the first: text order is the worst order for dataflow.
fn reversed_chain(a: &mut Asm, k: usize, labels: &[Label]) -> usize {
    let next = if k == 0 { labels.len() - 1 } else { k - 1 };
    a.jmp(labels[next]);
    1
}

/// Each block goes to the next or to one in the first half, so that nearly every block heads a loop.
fn nested_loops(a: &mut Asm, k: usize, labels: &[Label]) -> usize {
    let back = if k < 2 { k + 1 } else { (labels.len() - 1).saturating_sub(k).min(k) };
    a.br(3, labels[k + 1], labels[back]);
    1
}

/// Each block goes to the next or to the exit.
fn all_meet(a: &mut Asm, k: usize, labels: &[Label]) -> usize {
    a.br(3, labels[k + 1], labels[labels.len() - 1]);
    1
}
