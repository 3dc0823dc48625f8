//! Calls the oracle of the same name with libFuzzer's inputs.
#![no_main]
#![allow(dead_code, reason = "the oracles and their support are shared")]

#[path = "../../vm/tests/mutation_support/mod.rs"]
mod mutation_support;
#[path = "../oracle.rs"]
mod oracle;
#[path = "../../vm/tests/random_support/mod.rs"]
mod random_support;
#[path = "../../vm/tests/session_random_support/mod.rs"]
mod session_random_support;

libfuzzer_sys::fuzz_target!(|input: &[u8]| oracle::sessions(input));
