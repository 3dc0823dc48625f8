use super::*;
use crate::{JitConfig, JitEngine};
use opforge_vm::verify::{VerifyConfig, verify};
use opforge_vm::{Capabilities, Limits, Linker, Value, asm};
use std::cell::Cell;

thread_local! {
    static TRIP: Cell<Option<FuncId>> = const { Cell::new(None) };
}

/// Panics in the middle of compiling the function that a test has named.
pub(super) fn trip(func: FuncId) {
    assert!(TRIP.get() != Some(func), "tripped at {func}");
}

#[test]
fn a_panic_in_one_function_is_an_error_and_the_engine_goes_on() {
    let source =
        ".func one(n: i64) -> (i64) {\n ret n\n}\n.func two(n: i64) -> (i64) {\n i64.add n, n, n\n ret n\n}";
    let verified = verify(asm::assemble(source).unwrap(), &VerifyConfig::new()).unwrap();
    let engine = JitEngine::new(JitConfig::new()).unwrap();
    TRIP.set(Some(FuncId(1)));
    let error = engine.compile(&verified).unwrap_err();
    TRIP.set(None);
    let reason = "the code generator panicked: tripped at func 1".replace("func 1", &FuncId(1).to_string());
    assert_eq!(error, JitError::Codegen { func: FuncId(1), reason });
    assert_eq!(error.code(), "J0005");

    let program = engine.compile(&verified).unwrap();
    let mut instance = Linker::new().instantiate(program.module(), (), &Capabilities::none()).unwrap();
    let twice = instance.call(FuncId(1), &[Value::I64(21)], Limits::new());
    assert_eq!(twice, Ok(vec![Value::I64(42)]));
}

#[test]
fn messages_of_panics_are_kept() {
    let reason = |work: fn() -> Result<(), JitError>| match guarded(FuncId(7), work) {
        Err(JitError::Codegen { func: FuncId(7), reason }) => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(reason(|| panic!("plain")), "the code generator panicked: plain");
    assert_eq!(reason(|| panic!("number {}", 5)), "the code generator panicked: number 5");
    assert_eq!(reason(|| std::panic::panic_any(5)), "the code generator panicked: no message");
}
