//! What both bench targets share: programs as container bytes, the two engines behind one interface, and the
//! clock.

pub(crate) mod clock;
pub(crate) mod engines;
pub(crate) mod programs;
pub(crate) mod shapes;
pub(crate) mod tape;
