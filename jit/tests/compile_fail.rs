//! What must not compile: native code of anything that the verifier has not seen. And what must: sharing it.
//!
//! `TRYBUILD=overwrite cargo test -p opforge-jit --test compile_fail` writes the expected messages anew.

use opforge_jit::{JitConfig, JitEngine, JitError, JittedProgram};

#[test]
fn only_verified_programs_are_compiled() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}

/// Checked by the compiler: these go between threads.
const _: () = {
    const fn shared<T: Send + Sync>() {}
    const fn owned<T: Clone + Send + Sync + 'static>() {}
    shared::<JitEngine>();
    owned::<JittedProgram>();
    owned::<JitConfig>();
    owned::<JitError>();
};
