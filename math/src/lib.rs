//! Elementary functions of binary64 numbers: in software, with the same bits on every machine.
//!
//! The only place that names `libm`. Its version is pinned, because another one may round a result differently, and
//! `vm/tests/data/intrinsics.txt` holds bits that would show it. Features of `libm` that other crates of a program
//! turn on do not matter: they replace square root and fused multiply-add by instructions, and those are exact
//! either way.
//!
//! Which NaN a function gives is not specified; callers make it canonical. Errors are in units in the last place
//! (ulp): 0.5 is correctly rounded, below 1 is one of the two neighbours of the true value.
#![no_std]
#![forbid(unsafe_code)]

macro_rules! unary {
    ($($(#[$meta:meta])* $name:ident = $libm:ident;)*) => {$(
        $(#[$meta])*
        #[must_use]
        pub fn $name(x: f64) -> f64 {
            libm::$libm(x)
        }
    )*};
}

unary! {
    /// The sine of `x` radians, below 1 ulp.
    sin = sin;
    /// The cosine of `x` radians, below 1 ulp.
    cos = cos;
    /// The tangent of `x` radians, below 1 ulp.
    tan = tan;
    /// The arc sine, below 1 ulp; NaN outside -1 to 1.
    asin = asin;
    /// The arc cosine, below 1 ulp; NaN outside -1 to 1.
    acos = acos;
    /// The arc tangent, below 1 ulp.
    atan = atan;
    /// The exponential, below 1 ulp.
    exp = exp;
    /// The natural logarithm, below 1 ulp; NaN below 0.
    ln = log;
    /// The logarithm to base 2, below 1 ulp; NaN below 0.
    log2 = log2;
    /// The logarithm to base 10, below 1 ulp; NaN below 0.
    log10 = log10;
    /// The cube root, correctly rounded.
    cbrt = cbrt;
    /// The square root, correctly rounded; NaN below 0.
    sqrt = sqrt;
    /// The largest whole number that is not above `x`.
    floor = floor;
}

/// The angle of the point `(x, y)`, below 1 ulp, from -pi to pi.
#[must_use]
pub fn atan2(y: f64, x: f64) -> f64 {
    libm::atan2(y, x)
}

/// `x` to the power of `y`, below 1 ulp; special cases as in C.
#[must_use]
pub fn pow(x: f64, y: f64) -> f64 {
    libm::pow(x, y)
}

/// The square root of `x * x + y * y`, below 1 ulp, without overflow or underflow on the way.
#[must_use]
pub fn hypot(x: f64, y: f64) -> f64 {
    libm::hypot(x, y)
}

/// `x - y * trunc(x / y)`, exactly, with the sign of `x`. Takes time in proportion to the difference of the exponents,
/// at most about two thousand steps.
#[must_use]
pub fn fmod(x: f64, y: f64) -> f64 {
    libm::fmod(x, y)
}
