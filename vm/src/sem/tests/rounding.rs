//! Square roots and rounding of floats, against the standard library on edges and on many bit patterns.

use crate::sem::float::f64_copysign;
use crate::sem::rounding::*;
use std::vec::Vec;

/// Edges, and numbers of every exponent, with mantissas of all kinds.
fn floats() -> Vec<f64> {
    let mut bits: Vec<u64> = [
        0.0,
        f64::from_bits(1),
        f64::MIN_POSITIVE,
        0.5,
        f64::from_bits(0x3fdf_ffff_ffff_ffff),
        f64::from_bits(0x3fe0_0000_0000_0001),
        1.0,
        1.5,
        2.5,
        3.5,
        4_503_599_627_370_495.5,
        4_503_599_627_370_496.0,
        4_503_599_627_370_497.5,
        9_007_199_254_740_991.0,
        f64::MAX,
        f64::INFINITY,
        f64::NAN,
    ]
    .map(f64::to_bits)
    .into();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for exponent in 0..0x7ff_u64 {
        for mantissa in [0, 1, (1 << 52) - 1, 1 << 51, 3 << 50] {
            bits.push(exponent << 52 | mantissa);
        }
        for _ in 0..8 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            bits.push(exponent << 52 | state >> 12);
        }
    }
    bits.iter().flat_map(|&bits| [f64::from_bits(bits), f64::from_bits(bits | 1 << 63)]).collect()
}

#[test]
fn agree_with_the_standard_library() {
    type Pair = (&'static str, fn(f64) -> f64, fn(f64) -> f64);
    let pairs: [Pair; 6] = [
        ("sqrt", f64_sqrt, f64::sqrt),
        ("sqrt by bits", sqrt_by_bits, f64::sqrt),
        ("floor", f64_floor, f64::floor),
        ("ceil", f64_ceil, f64::ceil),
        ("trunc", f64_trunc, f64::trunc),
        ("nearest", f64_nearest, f64::round_ties_even),
    ];
    for a in floats() {
        for (name, own, std) in pairs {
            let (got, expected) = (own(a), std(a));
            let same = got.to_bits() == expected.to_bits() || got.is_nan() && expected.is_nan();
            assert!(same, "{name} of {a:e} ({:#x}) is {expected:e}, not {got:e}", a.to_bits());
        }
    }
}

#[test]
fn copysign_takes_no_sign_from_a_nan() {
    for a in floats().into_iter().step_by(97) {
        assert_eq!(f64_copysign(a, -0.0).to_bits(), a.to_bits() | 1 << 63);
        assert_eq!(f64_copysign(a, f64::INFINITY).to_bits(), a.to_bits() & !(1 << 63));
        for nan in [f64::NAN, -f64::NAN] {
            assert_eq!(f64_copysign(a, nan).to_bits(), a.to_bits() & !(1 << 63));
        }
    }
}
