//! Rust, as the compiler of this build makes it.

use super::{Engine, timed_run};
use crate::conditions;

pub(super) fn engine() -> Engine {
    Engine {
        name: "native".into(),
        version: conditions::rustc(),
        prepare: Box::new(|workload| Ok(timed_run(workload.native))),
        load: Vec::new(),
        instantiate: None,
    }
}
