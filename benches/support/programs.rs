//! The programs that are run: each is built once with execution_tape's builder and encoded; both engines get
//! the same bytes.

use execution_tape::asm::{Asm, AsmError, FunctionSig, ProgramBuilder};
use execution_tape::host::HostSig;
use execution_tape::program::ValueType;
use execution_tape::value::FuncId;

/// An argument of an entry function.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Arg {
    I64(i64),
    U64(u64),
}

/// One program with an entry call. The entry function is function 0 and returns one number.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) bytes: Vec<u8>,
    pub(crate) args: Vec<Arg>,
    /// The result's 64 bits, computed by Rust.
    pub(crate) expected: u64,
    /// How many times faster than execution_tape 0.0.1 the interpreter must be.
    #[allow(dead_code, reason = "only the bench `ratios` reads it")]
    pub(crate) required: f64,
}

/// The name of the one host function that programs import: `fn(i64) -> i64`, one more than its argument.
pub(crate) const HOST_SYMBOL: &str = "bench.increment";

const LOOPS: i64 = 100_000;
const COLLATZ: u64 = 500;
const COLLATZ_MOD: u64 = 1_000_000_007;
const MANDEL_SIDE: u32 = 32;
const MANDEL_MAX: u64 = 100;

type Built = Result<Vec<u8>, AsmError>;

/// All programs that the interpreters are compared on.
pub(crate) fn all() -> Vec<Workload> {
    let build = |name, bytes: Built, args: &[Arg], expected, required| {
        let bytes = bytes.unwrap_or_else(|error| panic!("{name}: {error}"));
        Workload { name, bytes, args: args.to_vec(), expected, required }
    };
    let n = Arg::I64(LOOPS);
    vec![
        build("i64_loop", i64_loop(), &[n, Arg::I64(25_214_903_917)], i64_loop_native(), 8.0),
        build("branch_loop", branch_loop(), &[n], branch_loop_native(), 8.0),
        build("call_loop", call_loop(1), &[n], 3 * LOOPS as u64, 5.0),
        build("call_loop_2_args", call_loop(2), &[n], (LOOPS * (LOOPS - 1) / 2) as u64, 5.0),
        build("host_call_loop", host_call_loop(), &[n], LOOPS as u64, 5.0),
        build("fib_20", fib(), &[Arg::I64(20)], 6_765, 8.0),
        build("fib_22", fib(), &[Arg::I64(22)], 17_711, 8.0),
        build("collatz", collatz(), &[Arg::U64(COLLATZ)], collatz_native(), 8.0),
        build("mandelbrot", mandelbrot(), &[Arg::U64(1)], mandelbrot_native(), 8.0),
    ]
}

fn sig(args: &[ValueType], rets: &[ValueType]) -> FunctionSig {
    FunctionSig { arg_types: args.to_vec(), ret_types: rets.to_vec() }
}

fn single(asm: Asm, args: &[ValueType], ret: ValueType) -> Built {
    let mut builder = ProgramBuilder::new();
    builder.push_function_checked(asm, sig(args, &[ret]))?;
    Ok(builder.build().encode())
}

/// `for i in 0..r1 { body }; return acc`, with acc in r10, i in r11, one in r12; the body may use r13 and up.
fn counted_loop(
    setup: impl FnOnce(&mut Asm),
    body: impl FnOnce(&mut Asm) -> Result<(), AsmError>,
) -> Result<Asm, AsmError> {
    let mut a = Asm::new();
    let (head, inside, done) = (a.label(), a.label(), a.label());
    a.const_i64(10, 0).const_i64(11, 0).const_i64(12, 1);
    setup(&mut a);
    a.jmp(head);
    a.place(head)?;
    a.i64_lt(9, 11, 1).br(9, inside, done);
    a.place(inside)?;
    body(&mut a)?;
    a.i64_add(11, 11, 12).jmp(head);
    a.place(done)?;
    a.ret(0, &[10]);
    Ok(a)
}

/// 7 instructions an iteration.
fn i64_loop() -> Built {
    let asm = counted_loop(
        |a| {
            a.const_i64(13, 3);
        },
        |a| {
            a.i64_add(10, 10, 11).i64_xor(10, 10, 2).i64_sub(10, 10, 13);
            Ok(())
        },
    )?;
    single(asm, &[ValueType::I64, ValueType::I64], ValueType::I64)
}

fn i64_loop_native() -> u64 {
    (0..LOOPS).fold(0i64, |acc, i| (acc.wrapping_add(i) ^ 25_214_903_917).wrapping_sub(3)) as u64
}

/// 9 instructions an iteration, three of them branches; one branch has a pattern of eight iterations.
fn branch_loop() -> Built {
    let asm = counted_loop(
        |a| {
            a.const_i64(13, 5).const_i64(14, 0).const_i64(15, 3);
        },
        |a| {
            let (then, other, next) = (a.label(), a.label(), a.label());
            a.i64_and(16, 11, 13).i64_eq(17, 16, 14).br(17, then, other);
            a.place(then)?;
            a.i64_add(10, 10, 15).jmp(next);
            a.place(other)?;
            a.i64_sub(10, 10, 11).jmp(next);
            a.place(next)?;
            Ok(())
        },
    )?;
    single(asm, &[ValueType::I64], ValueType::I64)
}

fn branch_loop_native() -> u64 {
    (0..LOOPS).fold(0i64, |acc, i| if i & 5 == 0 { acc + 3 } else { acc - i }) as u64
}

/// `acc = f(acc)` with `f(x) = x + 3`, or `acc = f(acc, i)` with `f(x, y) = x + y`.
fn call_loop(args: usize) -> Built {
    let mut callee = Asm::new();
    let list: &[u32] = if args == 1 {
        callee.const_i64(2, 3).i64_add(3, 1, 2).ret(0, &[3]);
        &[10]
    } else {
        callee.i64_add(3, 1, 2).ret(0, &[3]);
        &[10, 11]
    };
    let caller = counted_loop(
        |_| (),
        |a| {
            a.call(0, FuncId(1), 0, list, &[10]);
            Ok(())
        },
    )?;
    let mut builder = ProgramBuilder::new();
    builder.push_function_checked(caller, sig(&[ValueType::I64], &[ValueType::I64]))?;
    builder.push_function_checked(callee, sig(&vec![ValueType::I64; args], &[ValueType::I64]))?;
    Ok(builder.build().encode())
}

/// `acc = increment(acc)`.
fn host_call_loop() -> Built {
    let mut builder = ProgramBuilder::new();
    let host = HostSig { args: vec![ValueType::I64], rets: vec![ValueType::I64] };
    let host = builder.host_sig_for(HOST_SYMBOL, host);
    let asm = counted_loop(
        |_| (),
        |a| {
            a.host_call(0, host, 0, &[10], &[10]);
            Ok(())
        },
    )?;
    builder.push_function_checked(asm, sig(&[ValueType::I64], &[ValueType::I64]))?;
    Ok(builder.build().encode())
}

fn fib() -> Built {
    let mut a = Asm::new();
    let (leaf, inner) = (a.label(), a.label());
    a.const_i64(2, 2).i64_lt(3, 1, 2).br(3, leaf, inner);
    a.place(leaf)?;
    a.ret(0, &[1]);
    a.place(inner)?;
    a.const_i64(4, 1).i64_sub(5, 1, 4).call(0, FuncId(0), 0, &[5], &[6]);
    a.i64_sub(7, 1, 2).call(0, FuncId(0), 0, &[7], &[8]);
    a.i64_add(9, 6, 8).ret(0, &[9]);
    single(a, &[ValueType::I64], ValueType::I64)
}

/// A hash of the step counts of 1 to n.
fn collatz() -> Built {
    let mut a = Asm::new();
    let (n, total, i, x, steps, cond, t) = (1, 2, 3, 4, 5, 6, 7);
    let (zero, one, two, three, base, modulus) = (8, 9, 10, 11, 12, 13);
    let (outer, begin, step, work, even, odd, next, end, done) =
        (a.label(), a.label(), a.label(), a.label(), a.label(), a.label(), a.label(), a.label(), a.label());
    a.const_u64(zero, 0).const_u64(one, 1).const_u64(two, 2).const_u64(three, 3);
    a.const_u64(base, 31).const_u64(modulus, COLLATZ_MOD).const_u64(total, 0).const_u64(i, 1);
    a.jmp(outer);
    a.place(outer)?;
    a.u64_le(cond, i, n).br(cond, begin, done);
    a.place(begin)?;
    a.mov(x, i).const_u64(steps, 0).jmp(step);
    a.place(step)?;
    a.u64_eq(cond, x, one).br(cond, end, work);
    a.place(work)?;
    a.u64_rem(t, x, two).u64_eq(cond, t, zero).br(cond, even, odd);
    a.place(even)?;
    a.u64_div(x, x, two).jmp(next);
    a.place(odd)?;
    a.u64_mul(x, x, three).u64_add(x, x, one).jmp(next);
    a.place(next)?;
    a.u64_add(steps, steps, one).jmp(step);
    a.place(end)?;
    a.u64_mul(total, total, base).u64_add(total, total, steps).u64_rem(total, total, modulus);
    a.u64_add(i, i, one).jmp(outer);
    a.place(done)?;
    a.ret(0, &[total]);
    single(a, &[ValueType::U64], ValueType::U64)
}

fn collatz_native() -> u64 {
    let mut total = 0;
    for i in 1..=COLLATZ {
        let (mut x, mut steps) = (i, 0);
        while x != 1 {
            x = if x % 2 == 0 { x / 2 } else { 3 * x + 1 };
            steps += 1;
        }
        total = (total * 31 + steps) % COLLATZ_MOD;
    }
    total
}

/// The iterations of `n` images of 32 by 32 points, each a little to the right of the one before.
fn mandelbrot() -> Built {
    let mut a = Asm::new();
    let (n, total, k, y, x, it, cond, one_u, side, max) = (1, 2, 3, 4, 5, 6, 7, 9, 10, 11);
    let (off, ci, cr, zr, zi, zr2, zi2, sum, four, two) = (12, 13, 14, 15, 16, 17, 18, 19, 20, 21);
    let (step_off, step_y, step_x, low_y, low_x) = (22, 23, 24, 25, 26);
    let labels: Vec<_> = (0..11).map(|_| a.label()).collect();
    let [images, image, rows, row, points, point, inner, test, work, escaped, done] = labels[..] else {
        unreachable!("eleven labels")
    };
    let (next_image, next_row) = (a.label(), a.label());
    a.const_u64(total, 0).const_u64(k, 0).const_u64(one_u, 1).const_u64(side, MANDEL_SIDE.into());
    a.const_u64(max, MANDEL_MAX).const_f64(four, 4.0).const_f64(two, 2.0).const_f64(step_off, STEP_OFF);
    a.const_f64(step_y, STEP_Y).const_f64(step_x, STEP_X).const_f64(low_y, LOW_Y).const_f64(low_x, LOW_X);
    a.jmp(images);
    a.place(images)?;
    a.u64_lt(cond, k, n).br(cond, image, done);
    a.place(image)?;
    a.u64_to_f64(off, k).f64_mul(off, off, step_off).const_u64(y, 0).jmp(rows);
    a.place(rows)?;
    a.u64_lt(cond, y, side).br(cond, row, next_image);
    a.place(row)?;
    a.u64_to_f64(ci, y).f64_mul(ci, ci, step_y).f64_add(ci, ci, low_y).const_u64(x, 0).jmp(points);
    a.place(points)?;
    a.u64_lt(cond, x, side).br(cond, point, next_row);
    a.place(point)?;
    a.u64_to_f64(cr, x).f64_mul(cr, cr, step_x).f64_add(cr, cr, low_x).f64_add(cr, cr, off);
    a.const_f64(zr, 0.0).const_f64(zi, 0.0).const_u64(it, 0).jmp(inner);
    a.place(inner)?;
    a.u64_lt(cond, it, max).br(cond, test, escaped);
    a.place(test)?;
    a.f64_mul(zr2, zr, zr).f64_mul(zi2, zi, zi).f64_add(sum, zr2, zi2).f64_gt(cond, sum, four);
    a.br(cond, escaped, work);
    a.place(work)?;
    a.f64_mul(sum, two, zr).f64_mul(sum, sum, zi).f64_add(zi, sum, ci);
    a.f64_sub(sum, zr2, zi2).f64_add(zr, sum, cr).u64_add(it, it, one_u).jmp(inner);
    a.place(escaped)?;
    a.u64_add(total, total, it).u64_add(x, x, one_u).jmp(points);
    a.place(next_row)?;
    a.u64_add(y, y, one_u).jmp(rows);
    a.place(next_image)?;
    a.u64_add(k, k, one_u).jmp(images);
    a.place(done)?;
    a.ret(0, &[total]);
    single(a, &[ValueType::U64], ValueType::U64)
}

const STEP_OFF: f64 = 0.000_976_562_5;
const STEP_Y: f64 = 0.078_125;
const STEP_X: f64 = 0.093_75;
const LOW_Y: f64 = -1.25;
const LOW_X: f64 = -2.0;

fn mandelbrot_native() -> u64 {
    let mut total = 0;
    for y in 0..MANDEL_SIDE {
        let ci = f64::from(y) * STEP_Y + LOW_Y;
        for x in 0..MANDEL_SIDE {
            let cr = f64::from(x) * STEP_X + LOW_X;
            let (mut zr, mut zi, mut it) = (0.0f64, 0.0f64, 0);
            while it < MANDEL_MAX {
                let (zr2, zi2) = (zr * zr, zi * zi);
                if zr2 + zi2 > 4.0 {
                    break;
                }
                zi = 2.0 * zr * zi + ci;
                zr = zr2 - zi2 + cr;
                it += 1;
            }
            total += it;
        }
    }
    total
}
