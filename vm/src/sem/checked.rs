//! 64-bit integers: arithmetic whose result is exact or a trap.

use opforge_schema::TrapCode;

macro_rules! checked {
    ($($name:ident $ty:ident $f:ident $what:literal;)*) => {$(
        #[doc = concat!("`", $what, "`, exact.")]
        ///
        /// # Errors
        /// [`TrapCode::IntOverflow`] when the result does not fit.
        #[inline(always)]
        pub fn $name(a: $ty, b: $ty) -> Result<$ty, TrapCode> {
            a.$f(b).ok_or(TrapCode::IntOverflow)
        }
    )*};
}

checked! {
    i64_add_chk i64 checked_add "a + b";
    i64_sub_chk i64 checked_sub "a - b";
    i64_mul_chk i64 checked_mul "a * b";
    u64_add_chk u64 checked_add "a + b";
    u64_sub_chk u64 checked_sub "a - b";
    u64_mul_chk u64 checked_mul "a * b";
}
