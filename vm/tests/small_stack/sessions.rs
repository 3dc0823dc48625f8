//! Session instructions: two parties that talk, and coroutines that do what sessions are begun, changed and ended with.

use crate::on_small_stack;
use opforge_vm::asm::assemble;
use opforge_vm::ids::{FuncId, ShapeId};
use opforge_vm::session::{NoEffects, Observe, Policy, RunStatus, SessionConfig, SessionMachine};
use opforge_vm::verify::{VerifyConfig, verify};
use opforge_vm::{Capabilities, Engine, Limits, Linker, Module, Value};

/// Messages that each conversation sends at least.
const MESSAGES: u64 = 1_000_000;
/// Stack of a thread. That of a machine is above that of a run, and it has 64 KiB all the same.
const STACK: usize = 64 * 1024;

/// Send and receive, and offer and choose, both ways: eight instructions, jumps included, for four messages.
const TALK: &str = "
.local A = mu x. !B{ping(u64). ?B{pong(u64). !B{more(u64). ?B{again(u64). x}, stop. end}}}
.local B = mu x. ?A{ping(u64). !A{pong(u64). ?A{more(u64). !A{again(u64). x}, stop. end}}}
.shape Game { A: A, B: B }
.func a(c: chan(Game, A)) -> () {
    .reg n
    const.u64 n, 7
    jmp @loop
@loop:
    send c, n
    receive c -> n
    offer c, more, n
    receive c -> n
    jmp @loop
}
.func b(c: chan(Game, B)) -> () {
    .reg n
    jmp @loop
@loop:
    receive c -> n
    send c, n
    choose c, [more, stop], (n, r0), (@more, @stop)
@more:
    send c, n
    jmp @loop
@stop:
    halt
}";

/// What needs no other party, each as long as fuel lasts.
const ALONE: &str = "
.local A = mu x. !B{ping(u64). x}
.local B = mu x. ?A{ping(u64). x}
.shape Game { A: A, B: B }
.func yields() -> () {
    jmp @loop
@loop:
    yield
    jmp @loop
}
.func spawns() -> () {
    jmp @loop
@loop:
    spawn &child () -> -
    yield
    jmp @loop
}
.func opens() -> () {
    .reg a, b
    jmp @loop
@loop:
    open Game -> (a, b)
    close a
    jmp @loop
}
.func speculates() -> () {
    .reg ghost, a, b
    const.u64 ghost, 1
    open Game -> (a, b)
    jmp @loop
@loop:
    fork ghost
    abort
    fork ghost
    join
    jmp @loop
}
.func child() -> () {
    halt
}";

/// Policies that let a coroutine run on, and that change after each instruction.
const POLICIES: [Policy; 2] = [Policy::RoundRobin { quantum: 1 << 20 }, Policy::REFERENCE];

fn module(source: &str) -> Module {
    let program = assemble(source).unwrap_or_else(|errors| panic!("{}", errors.render(source, "test")));
    let verified = verify(program, &VerifyConfig::default()).unwrap_or_else(|report| panic!("{report}"));
    Module::new(&Engine::default(), &verified).unwrap()
}

fn machine(module: &Module, policy: Policy, fuel: u64) -> SessionMachine<(), NoEffects> {
    let instance = Linker::new().instantiate(module, (), &Capabilities::none()).unwrap();
    let config = SessionConfig::new().policy(policy).observe(Observe::Off);
    let limits = Limits::new().fuel(fuel).memory(1 << 30);
    SessionMachine::new(instance, NoEffects, config, limits).unwrap()
}

fn assert_runs_out(machine: &mut SessionMachine<(), NoEffects>) {
    let status = machine.run(u64::MAX);
    assert!(matches!(status, RunStatus::OutOfFuel), "{status:?}");
}

#[test]
fn a_million_messages_take_no_stack() {
    let module = module(TALK);
    on_small_stack(STACK, move || {
        for policy in POLICIES {
            // Ten instructions a turn, the jumps of both parties included, send four messages.
            let mut machine = machine(&module, policy, MESSAGES / 4 * 10 + 1);
            let ends = machine.open(ShapeId(0)).unwrap();
            for (func, end) in (0..).zip(ends) {
                machine.spawn(FuncId(func), &[Value::Endpoint(end)]).unwrap();
            }
            assert_runs_out(&mut machine);
        }
    });
}

#[test]
fn sessions_come_and_go_on_a_small_stack() {
    let module = module(ALONE);
    on_small_stack(STACK, move || {
        for policy in POLICIES {
            for func in 0..4 {
                let mut machine = machine(&module, policy.clone(), 500_000);
                machine.spawn(FuncId(func), &[]).unwrap();
                assert_runs_out(&mut machine);
            }
        }
    });
}
