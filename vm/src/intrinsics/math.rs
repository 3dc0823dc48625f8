//! Elementary functions, under the names of the table.

pub(super) use opforge_math::{
    acos, asin, atan, atan2, cbrt, cos, exp, fmod, hypot, ln, log2, log10, pow, sin, tan,
};
