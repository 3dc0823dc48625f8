//! Decimals across scales: order, and rescaling in every rounding mode.

use super::dec;
use crate::sem::decimal::{Decimal, dec_eq, dec_lt, dec_rescale};
use opforge_schema::Rounding::{self, Ceil, Floor, HalfEven, HalfUp, Trunc};
use opforge_schema::TrapCode::{self, DecimalOverflow};

fn rescaled(a: Decimal, scale: u8, mode: Rounding) -> Result<Decimal, TrapCode> {
    dec_rescale(a, u32::from(scale) | u32::from(mode.code()) << 8)
}

#[test]
fn order_goes_by_the_number() {
    // Ascending; decimals of one line are equal.
    let classes: &[&[Decimal]] = &[
        &[dec(i64::MIN, 0)],
        &[dec(i64::MIN, 18)],
        &[dec(-151, 2)],
        &[dec(-15, 1), dec(-150, 2), dec(-1_500_000_000_000_000_000, 18)],
        &[dec(i64::MIN, 19)],
        &[dec(i64::MIN, 255)],
        &[dec(-1, 255)],
        &[dec(0, 0), dec(0, 18), dec(0, 19), dec(0, 255)],
        &[dec(1, 255)],
        &[dec(i64::MAX, 255)],
        &[dec(i64::MAX, 19)],
        &[dec(1, 0), dec(10, 1), dec(1_000_000_000_000_000_000, 18)],
        &[dec(i64::MAX, 18)],
        &[dec(10, 0)],
        &[dec(i64::MAX, 0)],
    ];
    for (i, line) in classes.iter().enumerate() {
        for (j, other) in classes.iter().enumerate() {
            for (&a, &b) in line.iter().flat_map(|a| other.iter().map(move |b| (a, b))) {
                assert_eq!(dec_eq(a, b), i == j, "{a:?} {b:?}");
                assert_eq!(dec_lt(a, b), i < j, "{a:?} {b:?}");
            }
        }
    }
}

#[test]
fn rescaling_rounds_as_it_is_told() {
    for (tenths, results) in [
        // trunc, floor, ceil, half_even, half_up
        (-26, [-2, -3, -2, -3, -3]),
        (-25, [-2, -3, -2, -2, -3]),
        (-24, [-2, -3, -2, -2, -2]),
        (-20, [-2, -2, -2, -2, -2]),
        (-15, [-1, -2, -1, -2, -2]),
        (-5, [0, -1, 0, 0, -1]),
        (0, [0, 0, 0, 0, 0]),
        (5, [0, 0, 1, 0, 1]),
        (15, [1, 1, 2, 2, 2]),
        (24, [2, 2, 3, 2, 2]),
        (25, [2, 2, 3, 2, 3]),
        (26, [2, 2, 3, 3, 3]),
    ] {
        for (&mode, expected) in Rounding::ALL.iter().zip(results) {
            assert_eq!(rescaled(dec(tenths, 1), 0, mode), Ok(dec(expected, 0)), "{tenths} {mode:?}");
        }
    }
}

#[test]
fn rescaling_far() {
    // Below one unit by up to 255 places: only the direction counts, until halves come within reach.
    for (mantissa, places, results) in [
        (1, 19, [0, 0, 1, 0, 0]),
        (5_000_000_000_000_000_000, 19, [0, 0, 1, 0, 1]),
        (5_000_000_000_000_000_001, 19, [0, 0, 1, 1, 1]),
        (i64::MAX, 19, [0, 0, 1, 1, 1]),
        (i64::MIN, 19, [0, -1, 0, -1, -1]),
        (i64::MAX, 20, [0, 0, 1, 0, 0]),
        (i64::MIN, 255, [0, -1, 0, 0, 0]),
        (0, 255, [0, 0, 0, 0, 0]),
    ] {
        for (&mode, expected) in Rounding::ALL.iter().zip(results) {
            assert_eq!(
                rescaled(dec(mantissa, places), 0, mode),
                Ok(dec(expected, 0)),
                "{mantissa} {places} {mode:?}"
            );
        }
    }
    for mode in [Trunc, Floor, Ceil, HalfEven, HalfUp] {
        assert_eq!(rescaled(dec(-9, 0), 18, mode), Ok(dec(-9_000_000_000_000_000_000, 18)));
        assert_eq!(rescaled(dec(10, 0), 18, mode), Err(DecimalOverflow));
        assert_eq!(rescaled(dec(1, 0), 255, mode), Err(DecimalOverflow));
        assert_eq!(rescaled(dec(i64::MIN, 7), 8, mode), Err(DecimalOverflow));
        assert_eq!(rescaled(dec(0, 0), 255, mode), Ok(dec(0, 255)));
        assert_eq!(rescaled(dec(i64::MIN, 7), 7, mode), Ok(dec(i64::MIN, 7)));
    }
}
