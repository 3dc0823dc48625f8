//! What the tests of generated programs share.

pub(crate) mod check;
pub(crate) mod exercised;
pub(crate) mod health;
pub(crate) mod peer;
pub(crate) mod run;
