//! 64-bit integers: rotations, counts of bits, sign extension, the high half of a product.
//!
//! Rules are those of the `WebAssembly` core specification (section "Integer Operations") where it has the
//! operation. Counts of rotations are taken modulo 64.

/// `0 - a` modulo 2^64; `i64::MIN` stays. Rule: RISC-V `neg`.
#[inline(always)]
#[must_use]
pub fn i64_neg(a: i64) -> i64 {
    a.wrapping_neg()
}

macro_rules! both {
    ($($ty:ident $not:ident $rotl:ident $rotr:ident $clz:ident $ctz:ident $popcnt:ident;)*) => {$(
        /// `a` with every bit flipped. Rule: RISC-V `not`.
        #[inline(always)]
        #[must_use]
        pub fn $not(a: $ty) -> $ty {
            !a
        }

        /// `a` rotated left by `b mod 64` bits. Twin: `i64.rotl`.
        #[inline(always)]
        #[must_use]
        pub fn $rotl(a: $ty, b: $ty) -> $ty {
            a.rotate_left(b as u32 % 64)
        }

        /// `a` rotated right by `b mod 64` bits. Twin: `i64.rotr`.
        #[inline(always)]
        #[must_use]
        pub fn $rotr(a: $ty, b: $ty) -> $ty {
            a.rotate_right(b as u32 % 64)
        }

        /// The number of zero bits above the highest one; 64 for 0. Twin: `i64.clz`.
        #[inline(always)]
        #[must_use]
        pub fn $clz(a: $ty) -> $ty {
            a.leading_zeros() as $ty
        }

        /// The number of zero bits below the lowest one; 64 for 0. Twin: `i64.ctz`.
        #[inline(always)]
        #[must_use]
        pub fn $ctz(a: $ty) -> $ty {
            a.trailing_zeros() as $ty
        }

        /// The number of one bits. Twin: `i64.popcnt`.
        #[inline(always)]
        #[must_use]
        pub fn $popcnt(a: $ty) -> $ty {
            a.count_ones() as $ty
        }
    )*};
}

both! {
    i64 i64_not i64_rotl i64_rotr i64_clz i64_ctz i64_popcnt;
    u64 u64_not u64_rotl u64_rotr u64_clz u64_ctz u64_popcnt;
}

/// The low 8 bits, sign-extended. Twin: `i64.extend8_s`.
#[inline(always)]
#[must_use]
pub fn i64_extend8_s(a: i64) -> i64 {
    (a as i8).into()
}

/// The low 16 bits, sign-extended. Twin: `i64.extend16_s`.
#[inline(always)]
#[must_use]
pub fn i64_extend16_s(a: i64) -> i64 {
    (a as i16).into()
}

/// The low 32 bits, sign-extended. Twin: `i64.extend32_s`.
#[inline(always)]
#[must_use]
pub fn i64_extend32_s(a: i64) -> i64 {
    (a as i32).into()
}

/// The high 64 bits of the 128-bit product, signed. Rule: RISC-V `mulh`.
#[inline(always)]
#[must_use]
pub fn i64_mul_hi(a: i64, b: i64) -> i64 {
    ((i128::from(a) * i128::from(b)) >> 64) as i64
}

/// The high 64 bits of the 128-bit product, unsigned. Rule: RISC-V `mulhu`.
#[inline(always)]
#[must_use]
pub fn u64_mul_hi(a: u64, b: u64) -> u64 {
    ((u128::from(a) * u128::from(b)) >> 64) as u64
}
