//! Edges of bit operations, 32-bit forms and checked arithmetic.

use opforge_schema::TrapCode::{DivByZero, IntDivOverflow, IntOverflow};

use crate::sem::bits::*;
use crate::sem::checked::*;
use crate::sem::int32::*;

#[test]
fn counts_of_rotations_are_taken_modulo_the_width() {
    let a = 0x8123_4567_89ab_cdef_u64;
    for (count, effective) in [(0, 0), (63, 63), (64, 0), (65, 1), (u64::MAX, 63), (1 << 32, 0)] {
        assert_eq!(u64_rotl(a, count), a.rotate_left(effective), "rotl {count}");
        assert_eq!(u64_rotr(a, count), a.rotate_right(effective), "rotr {count}");
        assert_eq!(i64_rotl(a as i64, count as i64) as u64, a.rotate_left(effective));
        assert_eq!(i64_rotr(a as i64, count as i64) as u64, a.rotate_right(effective));
    }
    let low = a as u32;
    for (count, effective) in [(0, 0), (31, 31), (32, 0), (33, 1), (-1, 31), (1 << 32, 0)] {
        assert_eq!(i32_rotl(a as i64, count), i64::from(low.rotate_left(effective) as i32), "{count}");
        assert_eq!(i32_rotr(a as i64, count), i64::from(low.rotate_right(effective) as i32), "{count}");
        assert_eq!(i32_shl(a as i64, count), i64::from((low << effective) as i32), "{count}");
        assert_eq!(i32_shr_u(a as i64, count), i64::from((low >> effective) as i32), "{count}");
        assert_eq!(i32_shr_s(a as i64, count), i64::from(low as i32 >> effective), "{count}");
    }
}

#[test]
fn counts_of_bits_of_nothing_and_everything() {
    assert_eq!((i64_clz(0), i64_ctz(0), i64_popcnt(0)), (64, 64, 0));
    assert_eq!((u64_clz(0), u64_ctz(0), u64_popcnt(0)), (64, 64, 0));
    assert_eq!((i64_clz(-1), i64_ctz(-1), i64_popcnt(-1)), (0, 0, 64));
    assert_eq!((u64_clz(1), u64_ctz(1 << 63), u64_popcnt(u64::MAX)), (63, 63, 64));
    assert_eq!((i32_clz(1 << 32), i32_ctz(1 << 32), i32_popcnt(1 << 32)), (32, 32, 0));
    assert_eq!((i32_clz(-1), i32_ctz(i64::from(i32::MIN)), i32_popcnt(-1)), (0, 31, 32));
}

#[test]
fn negation_complement_and_extension() {
    assert_eq!((i64_neg(i64::MIN), i64_neg(1), i64_neg(0)), (i64::MIN, -1, 0));
    assert_eq!((i64_not(0), i64_not(i64::MIN), u64_not(0)), (-1, i64::MAX, u64::MAX));
    assert_eq!((i64_extend8_s(0x180), i64_extend8_s(0x17f)), (-128, 127));
    assert_eq!((i64_extend16_s(0x1_8000), i64_extend16_s(0x1_7fff)), (-32_768, 32_767));
    assert_eq!((i64_extend32_s(0x1_8000_0000), i64_extend32_s(1 << 32)), (i64::from(i32::MIN), 0));
}

#[test]
fn high_halves_of_products() {
    let edges = [i64::MIN, i64::MIN + 1, -1, 0, 1, 3, i64::MAX];
    for a in edges {
        for b in edges {
            let (low, high) = (a.wrapping_mul(b) as u64, i64_mul_hi(a, b));
            assert_eq!(i128::from(high) << 64 | i128::from(low), i128::from(a) * i128::from(b), "{a} {b}");
            let (a, b) = (a as u64, b as u64);
            let (low, high) = (a.wrapping_mul(b), u64_mul_hi(a, b));
            assert_eq!(u128::from(high) << 64 | u128::from(low), u128::from(a) * u128::from(b), "{a} {b}");
        }
    }
}

#[test]
fn checked_arithmetic_is_exact_or_traps() {
    let edges = [i64::MIN, i64::MIN + 1, -2, -1, 0, 1, 2, 1 << 32, i64::MAX - 1, i64::MAX];
    for a in edges {
        for b in edges {
            let wide =
                |f: fn(i128, i128) -> i128| i64::try_from(f(a.into(), b.into())).map_err(|_| IntOverflow);
            assert_eq!(i64_add_chk(a, b), wide(|a, b| a + b), "{a} {b}");
            assert_eq!(i64_sub_chk(a, b), wide(|a, b| a - b), "{a} {b}");
            assert_eq!(i64_mul_chk(a, b), wide(|a, b| a * b), "{a} {b}");
            let (a, b) = (a as u64, b as u64);
            // Products of unsigned numbers fit in 128 bits without a sign.
            let sum = u64::try_from(u128::from(a) + u128::from(b)).map_err(|_| IntOverflow);
            let product = u64::try_from(u128::from(a) * u128::from(b)).map_err(|_| IntOverflow);
            assert_eq!((u64_add_chk(a, b), u64_mul_chk(a, b)), (sum, product), "{a} {b}");
            assert_eq!(u64_sub_chk(a, b), if a < b { Err(IntOverflow) } else { Ok(a - b) }, "{a} {b}");
        }
    }
}

#[test]
fn division_of_32_bits() {
    let (lowest, dirty) = (i64::from(i32::MIN), 1 << 32);
    assert_eq!(i32_div_s(lowest, -1), Err(IntDivOverflow));
    assert_eq!(i32_rem_s(lowest, -1), Ok(0));
    assert_eq!(i32_div_s(lowest + 1, -1), Ok(i64::from(i32::MAX)));
    assert_eq!((i32_div_s(-7, 2), i32_rem_s(-7, 2)), (Ok(-3), Ok(-1)));
    assert_eq!((i32_div_u(-1, 1), i32_rem_u(-1, 10)), (Ok(-1), Ok(5)));
    // The divisor is 0 in its low half.
    for f in [i32_div_s, i32_div_u, i32_rem_s, i32_rem_u] {
        assert_eq!((f(1, 0), f(1, dirty)), (Err(DivByZero), Err(DivByZero)));
    }
    // The whole register would be -1; its low half is.
    assert_eq!(i32_div_s(lowest & 0xffff_ffff, 0xffff_ffff), Err(IntDivOverflow));
}
