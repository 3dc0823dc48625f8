//! What must not compile: a verified program that the verifier did not make, and host functions that keep what they are
//! lent, reach the instance that calls them, or cannot go to another thread.
//!
//! `TRYBUILD=overwrite cargo test -p opforge-vm --test compile_fail` writes the expected messages anew.

#[test]
fn what_must_not_compile_does_not() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
