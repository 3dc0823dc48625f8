//! What the test of random protocols is made of.

pub(crate) mod build;
pub(crate) mod check;
pub(crate) mod compare;
pub(crate) mod figures;
pub(crate) mod run;
