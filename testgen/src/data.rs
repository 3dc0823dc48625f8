//! Constants: tame ones that rarely trap, and those at the edges.

use crate::choices::Choices;

const I64_EDGES: &[i64] = &[
    0,
    1,
    -1,
    i64::MIN,
    i64::MAX,
    i64::MIN + 1,
    63,
    64,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    -0x8000_0000,
    -0x8000_0001,
    -0x7fff_ffff,
    127,
    128,
    -128,
    -129,
    0x7fff,
    0x8000,
    1 << 53,
    (1 << 53) + 1,
];

const F64_EDGES: &[f64] = &[
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    -0.9,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
    f64::MAX,
    f64::MIN,
    f64::MIN_POSITIVE,
    5e-324,
    9_223_372_036_854_775_808.0,
    -9_223_372_036_854_775_808.0,
    -9_223_372_036_854_777_856.0,
    9_223_372_036_854_774_784.0,
    18_446_744_073_709_551_616.0,
    18_446_744_073_709_549_568.0,
    4_503_599_627_370_496.5,
    1e300,
];

/// NaNs with payloads and signs, as bits.
const NAN_BITS: &[u64] =
    &[0x7ff8_0000_0000_0000, 0xfff8_0000_0000_0000, 0x7ff0_0000_0000_0001, 0xffff_ffff_ffff_ffff];

const TEXTS: &[&str] =
    &["abcd", "", "a", "äöü", "日本語", "🦀x", "a\u{301}", "\0\n\"\\", "hello, world", "ß"];

const BYTES: &[&[u8]] = &[
    b"abcd",
    b"",
    b"\x00",
    b"\xff\xfe",
    b"\xc3\xa4",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\xf0\x9f\xa6\x80z",
    b"hello",
];

/// How adventurous a constant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taste {
    /// Small and valid; the number is the least value, so that later operands can be larger.
    Tame(u8),
    /// Anything.
    Wild,
    /// What overflows a division: a least integer, then minus one.
    Overflow(u8),
}

impl Choices<'_, '_> {
    pub(crate) fn i64(&mut self, taste: Taste) -> i64 {
        match taste {
            Taste::Tame(least) => i64::from(least) + self.below(3) as i64,
            // Of 64 and of 32 bits.
            Taste::Overflow(0) => *self.pick(&[i64::MIN, i32::MIN.into()]).unwrap_or(&i64::MIN),
            Taste::Overflow(_) => -1,
            Taste::Wild => match self.below(8) {
                0..=2 => self.below(20) as i64 - 4,
                3..=6 => *self.pick(I64_EDGES).unwrap_or(&0),
                _ => self.bits() as i64,
            },
        }
    }

    pub(crate) fn u64(&mut self, taste: Taste) -> u64 {
        match taste {
            Taste::Tame(least) => u64::from(least) + self.below(2) as u64,
            Taste::Wild if self.chance(40) => self.below(12) as u64,
            _ => self.i64(taste) as u64,
        }
    }

    pub(crate) fn f64(&mut self, taste: Taste) -> f64 {
        match taste {
            Taste::Tame(least) => f64::from(least) + self.below(8) as f64 * 0.25,
            _ => match self.below(8) {
                0..=2 => self.below(64) as f64 * 0.75 - 16.0,
                3..=5 => *self.pick(F64_EDGES).unwrap_or(&0.0),
                6 => f64::from_bits(*self.pick(NAN_BITS).unwrap_or(&0)),
                _ => f64::from_bits(self.bits()),
            },
        }
    }

    /// Mantissa and scale.
    pub(crate) fn decimal(&mut self, taste: Taste) -> (i64, u8) {
        let mantissa = self.i64(taste);
        (mantissa, self.scale(taste))
    }

    /// The scale of a decimal.
    pub(crate) fn scale(&mut self, taste: Taste) -> u8 {
        match taste {
            Taste::Tame(_) => 0,
            _ if self.chance(70) => 0,
            _ => *self.pick(&[1, 2, 18, 19, 38, 127, 200, 255]).unwrap_or(&0),
        }
    }

    pub(crate) fn text(&mut self, taste: Taste) -> &'static str {
        match taste {
            Taste::Tame(_) => "abcd",
            _ => self.pick(TEXTS).unwrap_or(&""),
        }
    }

    pub(crate) fn bytes(&mut self, taste: Taste) -> &'static [u8] {
        match taste {
            Taste::Tame(_) => b"abcd",
            _ => self.pick(BYTES).unwrap_or(&BYTES[0]),
        }
    }

    /// A small index, mostly within whatever it is for.
    pub(crate) fn index(&mut self, taste: Taste) -> u32 {
        match taste {
            Taste::Tame(_) => 0,
            _ if self.chance(75) => self.below(5) as u32,
            _ => *self.pick(&[0x7fff_ffff, 0x8000_0000, u32::MAX, 127, 128]).unwrap_or(&0),
        }
    }
}
