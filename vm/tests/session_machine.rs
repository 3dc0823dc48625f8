//! The session machine over assembled programs.

use opforge_vm::asm::assemble;
use opforge_vm::ids::{FuncId, ShapeId};
use opforge_vm::session::{NoEffects, Policy, RunStatus, SessionConfig, SessionMachine};
use opforge_vm::verify::{VerifyConfig, verify};
use opforge_vm::{Capabilities, Engine, Limits, Linker, Module, Value};

fn machine(source: &str, config: SessionConfig) -> SessionMachine<(), NoEffects> {
    let program = assemble(source).unwrap_or_else(|errors| panic!("{}", errors.render(source, "test")));
    let verified = verify(program, &VerifyConfig::default()).unwrap_or_else(|report| panic!("{report}"));
    let module = Module::new(&Engine::default(), &verified).unwrap();
    let instance = Linker::new().instantiate(&module, (), &Capabilities::none()).unwrap();
    SessionMachine::new(instance, NoEffects, config, Limits::default().fuel(u64::MAX / 4)).unwrap()
}

#[test]
fn ping_pong() {
    let source = std::fs::read_to_string("../examples/sessions/ping_pong.ofa").unwrap();
    let mut machine = machine(&source, SessionConfig::new().policy(Policy::REFERENCE));
    let ends = machine.open(ShapeId(0)).unwrap();
    machine.spawn(FuncId(0), &[Value::Endpoint(ends[0]), Value::U64(3)]).unwrap();
    machine.spawn(FuncId(1), &[Value::Endpoint(ends[1])]).unwrap();
    let status = machine.run(1000);
    let names = machine.names();
    for event in machine.events() {
        println!("{}", event.display(&names));
    }
    assert!(matches!(status, RunStatus::AllDone), "{status:?}");
}
