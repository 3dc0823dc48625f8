//! Coroutines with native code: session instructions stay the interpreter's, and everything else may be native. What the
//! machine says, when it says it and what it costs are the same.

use opforge_jit::{JitConfig, JitEngine};
use opforge_vm::asm::assemble;
use opforge_vm::session::{NoEffects, Policy, RunStatus, SessionConfig, SessionMachine, Stamped};
use opforge_vm::verify::{VerifiedProgram, VerifyConfig, verify};
use opforge_vm::{Capabilities, Engine, Limits, Linker, Module, Value};

/// A client sends numbers until it has none left. The server adds up all below each one, in a function and in a loop of
/// its own behind a `receive`, and answers.
const PROGRAM: &str = "
.local Client = mu x. !Server{sum(u64). ?Server{is(u64). x}, quit. end}
.local Server = mu x. ?Client{sum(u64). !Client{is(u64). x}, quit. end}
.shape Adder { Client: Client, Server: Server }

.func client(s: chan(Adder, Client), n: u64) {
    const.u64 r3, 0
    const.u64 r4, 1
    jmp @again
@again:
    u64.eq r5, n, r3
    br r5, @done, @more
@more:
    offer s, sum, n
    receive s -> r6
    yield
    u64.sub n, n, r4
    jmp @again
@done:
    offer s, quit, -
    halt
}

.func server(c: chan(Adder, Server)) {
@again:
    choose c, [sum, quit], (r2, r0), (@sum, @quit)
@sum:
    call &below (r2) -> (r3)
    const.u64 r4, 0
    const.u64 r5, 1
    jmp @test
@loop:
    u64.add r3, r3, r2
    u64.sub r2, r2, r5
    jmp @test
@test:
    u64.eq r6, r2, r4
    br r6, @answer, @loop
@answer:
    send c, r3
    jmp @again
@quit:
    halt
}

.func below(n: u64) -> (sum: u64) {
    const.u64 r2, 0
    const.u64 r3, 0
    const.u64 r4, 1
    jmp @test
@loop:
    u64.add r3, r3, n
    u64.sub n, n, r4
    jmp @test
@test:
    u64.eq r5, n, r2
    br r5, @done, @loop
@done:
    ret r3
}
";

/// Events, ticks, fuel and memory at the end.
type Seen = (Vec<Stamped>, u64, u64, u64);

fn run(module: &Module, quantum: u64, ticks: u64) -> Seen {
    let instance = Linker::new().instantiate(module, (), &Capabilities::none()).unwrap();
    let config = SessionConfig::new().policy(Policy::RoundRobin { quantum });
    let mut machine = SessionMachine::new(instance, NoEffects, config, Limits::new().fuel(1 << 40)).unwrap();
    let func = |name| module.program().func_by_name(name).unwrap();
    let shape = opforge_vm::ids::ShapeId(0);
    for _ in 0..3 {
        let ends = machine.open(shape).unwrap();
        machine.spawn(func("client"), &[Value::Endpoint(ends[0]), Value::U64(30)]).unwrap();
        machine.spawn(func("server"), &[Value::Endpoint(ends[1])]).unwrap();
    }
    loop {
        match machine.run(ticks) {
            RunStatus::MaxTicks => {}
            RunStatus::AllDone => break,
            other => panic!("{other:?}"),
        }
    }
    (machine.events().to_vec(), machine.ticks(), machine.fuel(), machine.instance().heap().charged())
}

fn program() -> VerifiedProgram {
    let program = assemble(PROGRAM).unwrap_or_else(|errors| panic!("{}", errors.render(PROGRAM, "program")));
    verify(program, &VerifyConfig::new()).unwrap_or_else(|report| panic!("{report}"))
}

#[test]
fn native_code_changes_nothing() {
    let program = program();
    let interp = Module::new(&Engine::default(), &program).unwrap();
    let native = JitEngine::new(JitConfig::new()).unwrap().compile(&program).unwrap();
    // Slices end anywhere: in native code, in a callee, at a session instruction.
    for quantum in (1..40).chain([64, 100, 257, 1000, u64::MAX]) {
        let expected = run(&interp, quantum, u64::MAX);
        assert_eq!(run(native.module(), quantum, u64::MAX), expected, "quantum {quantum}");
        assert_eq!(run(native.module(), quantum, 7), expected, "quantum {quantum}, a few ticks at a time");
    }
}
