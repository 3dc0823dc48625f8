//! The workloads in Rust: `../shared/workloads/workload.rs` says what they compute, bit for bit.

mod memory;

pub(super) use memory::{matmul, matmul_terms, nbody, sieve, sieve_accesses};
use std::hint::black_box;

const LOOP_FACTOR: i64 = 25_214_903_917;
const LOOP_LESS: i64 = 19_088_743;
const MODULUS: u64 = 1_000_000_007;
/// A number of many divisors.
const GCD_WITH: u64 = 963_761_198_400;
const MANDELBROT_SIDE: u64 = 32;
const MANDELBROT_LIMIT: u64 = 100;
const MIX_SEED: u64 = 0x9E37_79B9_7F4A_7C15;
const FNV_BASIS: u64 = 0xCBF2_9CE4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01B3;

pub(super) fn fib(n: u64) -> u64 {
    #[inline(never)]
    fn fib(n: i64) -> i64 {
        if n < 2 { n } else { fib(n - 1).wrapping_add(fib(n - 2)) }
    }
    fib(n as i64) as u64
}

pub(super) fn fib_calls(n: u64) -> u64 {
    2 * fib(n + 1) - 1
}

pub(super) fn loop_sum(n: u64) -> u64 {
    let mut acc = 0i64;
    for i in 0..n as i64 {
        acc = acc.wrapping_add(i) ^ i.wrapping_mul(LOOP_FACTOR);
        if i & 7 == 0 {
            acc = acc.wrapping_sub(LOOP_LESS);
        }
    }
    acc as u64
}

pub(super) fn collatz(n: u64) -> u64 {
    let mut total = 0;
    for i in 1..=n {
        let (mut x, mut steps) = (i, 0);
        while x != 1 {
            x = if x.is_multiple_of(2) { x / 2 } else { 3 * x + 1 };
            steps += 1;
        }
        total = (total * 31 + steps) % MODULUS;
    }
    total
}

pub(super) fn collatz_steps(n: u64) -> u64 {
    let steps = |mut x: u64| {
        let mut steps = 0;
        while x != 1 {
            x = if x.is_multiple_of(2) { x / 2 } else { 3 * x + 1 };
            steps += 1;
        }
        steps
    };
    (1..=n).map(steps).sum()
}

pub(super) fn mandelbrot(n: u64) -> u64 {
    let mut total = 0;
    for image in 0..n {
        let offset = image as f64 * 0.000_976_562_5;
        for y in 0..MANDELBROT_SIDE {
            let ci = y as f64 * 0.078_125 - 1.25;
            for x in 0..MANDELBROT_SIDE {
                let cr = x as f64 * 0.093_75 - 2.0 + offset;
                let (mut zr, mut zi, mut it) = (0.0f64, 0.0f64, 0);
                while it < MANDELBROT_LIMIT {
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
    }
    total
}

pub(super) fn mix(n: u64) -> u64 {
    let (mut s, mut hash) = (black_box(MIX_SEED), FNV_BASIS);
    for _ in 0..n {
        s ^= s << 13;
        s ^= s >> 7;
        s ^= s << 17;
        hash = (hash ^ s).wrapping_mul(FNV_PRIME).rotate_left(23);
    }
    hash
}

#[inline(never)]
fn ping(x: i64) -> i64 {
    x.wrapping_add(1)
}

pub(super) fn host_call(n: u64) -> u64 {
    let f: fn(i64) -> i64 = black_box(ping);
    (0..n).fold(n as i64, |x, _| f(x)) as u64
}

pub(super) fn call_in(n: u64) -> u64 {
    let call = |x, _| {
        let f: fn(i64) -> i64 = black_box(ping);
        f(x)
    };
    (0..n).fold(n as i64, call) as u64
}

fn gcd_of(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

pub(super) fn gcd(n: u64) -> u64 {
    (1..=n).fold(0, |total, i| total + gcd_of(GCD_WITH, i))
}

pub(super) fn gcd_divisions(n: u64) -> u64 {
    let divisions = |i| {
        let (mut a, mut b, mut count) = (GCD_WITH, i, 0);
        while b != 0 {
            (a, b, count) = (b, a % b, count + 1);
        }
        count
    };
    (1..=n).map(divisions).sum()
}
