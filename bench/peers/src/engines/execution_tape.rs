//! execution_tape, with opforge's containers as long as they hold nothing newer.

use super::opforge::{container, load_container};
use super::{Engine, Inexpressible, Run, load_job, timed_run, version};
use crate::tape::{self, PLENTY, Tape};
use crate::workloads::guest::verified;
use crate::workloads::{ENTRY, Looping, Workload, loading};
use execution_tape::program::Program;
use execution_tape::value::Value;
use execution_tape::verifier::{VerifyConfig, verify_program_owned};
use opforge_vm::Module;
use opforge_vm::verify::VerifiedProgram;

/// The name of the host function, as imports have it.
const PING: &str = "bench.ping";
/// `mix`, which this release has no rotation for.
const MIX: &str = include_str!("../../../workloads/mix_without_rotation.ofa");

pub(super) fn engine() -> Engine {
    let bytes = load_container();
    let size = (bytes.len(), loading::INSTRS);
    let decode = {
        let bytes = bytes.clone();
        move || tape::decode(&bytes)
    };
    Engine {
        name: "execution_tape".into(),
        version: version("execution_tape"),
        prepare: Box::new(prepare),
        load: vec![
            load_job("decode", size, decode),
            load_job("decode + verify + lower", size, move || tape::verify(tape::decode(&bytes))),
        ],
        instantiate: None,
    }
}

/// Whether the entry function takes an `i64`, rather than a `u64`.
fn takes_signed(program: &VerifiedProgram) -> bool {
    let module =
        Module::new(&opforge_vm::Engine::default(), program).unwrap_or_else(|error| panic!("{error}"));
    let entry = module.program().func_by_name(ENTRY).expect("every workload has the entry function");
    module.typed_func::<(i64,), i64>(entry).is_ok()
}

fn prepare(workload: &Workload) -> Result<Run, Inexpressible> {
    let text = if workload.name == "mix" { MIX } else { &workload.ofa };
    let program = verified(text);
    let signed = takes_signed(&program);
    let program = Program::decode(&container(&program))
        .map_err(|error| Inexpressible(format!("cannot decode the program: {error:?}")))?;
    let program = verify_program_owned(program, &VerifyConfig::default())
        .map_err(|error| Inexpressible(format!("cannot verify the program: {error:?}")))?;
    let mut tape = Tape::new(program, PING, PLENTY);
    let mut call = move |x: u64| {
        let arg = if signed { Value::I64(x as i64) } else { Value::U64(x) };
        tape.call(&[arg]).expect("plenty of fuel")
    };
    Ok(match workload.looping {
        Looping::Guest => timed_run(call),
        Looping::Host => timed_run(move |n| (0..n).fold(n, |x, _| call(x))),
    })
}
