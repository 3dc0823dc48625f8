//! What must not compile: a verified program that the verifier did not make.
//!
//! `TRYBUILD=overwrite cargo test -p opforge-vm --test compile_fail` writes the expected messages anew.

#[test]
fn a_verified_program_is_made_by_the_verifier_only() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
