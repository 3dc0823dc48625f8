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

/// Each party says whether what it has computed in native code is still there behind session instructions.
const KEPT: &str = "
.local Teller = !Judge{kept. end, lost. end}
.local Judge = ?Teller{kept. end, lost. end}
.local Asker = !Answerer{number(u64). end, nothing. ?Answerer{kept. end, lost. end}}
.local Answerer = ?Asker{number(u64). end, nothing. !Asker{kept. end, lost. end}}
.shape Tell { Teller: Teller, Judge: Judge }
.shape Ask { Asker: Asker, Answerer: Answerer }

.func behind_yield(c: chan(Tell, Teller), n: u64) {
    .reg six, same
    u64.add n, n, n
    yield
    TELL
}

.func behind_abort(c: chan(Tell, Teller), n: u64) {
    .reg six, same
    u64.add n, n, n
    fork n
    u64.sub n, n, n
    yield
    abort
    TELL
}

.func judge(c: chan(Tell, Judge)) {
    choose c, [kept, lost], (r0, r0), (@end, @end)
@end:
    halt
}

.func asker(c: chan(Ask, Asker)) {
    offer c, nothing, -
    choose c, [kept, lost], (r0, r0), (@end, @end)
@end:
    halt
}

.func in_other_arm(c: chan(Ask, Answerer), n: u64) {
    .reg six, same
    u64.add n, n, n
    choose c, [number, nothing], (n, r0), (@number, @nothing)
@number:
    halt
@nothing:
    TELL
}
";

/// Tells whether `n` is six.
const TELL: &str = "const.u64 six, 6
    u64.eq same, n, six
    br same, @kept, @lost
@kept:
    offer c, kept, -
    halt
@lost:
    offer c, lost, -
    halt";

/// What stands in a register where native code ends stays there, as long as the interpreter may come to need it.
#[test]
fn registers_outlive_native_code() {
    let source = KEPT.replace("TELL", TELL);
    let program = assemble(&source).unwrap_or_else(|errors| panic!("{}", errors.render(&source, "program")));
    let program = verify(program, &VerifyConfig::new()).unwrap_or_else(|report| panic!("{report}"));
    let interp = Module::new(&Engine::default(), &program).unwrap();
    let native = JitEngine::new(JitConfig::new()).unwrap().compile(&program).unwrap();
    for (shape, parties, teller) in [
        (0, ["behind_yield", "judge"], 0),
        (0, ["behind_abort", "judge"], 0),
        (1, ["asker", "in_other_arm"], 1),
    ] {
        let heard = [&interp, native.module()].map(|module| {
            let instance = Linker::new().instantiate(module, (), &Capabilities::none()).unwrap();
            let limits = Limits::new().fuel(1000);
            let mut machine = SessionMachine::new(instance, NoEffects, SessionConfig::new(), limits).unwrap();
            let ends = machine.open(opforge_vm::ids::ShapeId(shape)).unwrap();
            for (at, (name, end)) in parties.iter().zip(ends).enumerate() {
                let func = module.program().func_by_name(name).unwrap();
                let args = [Value::Endpoint(end), Value::U64(3)];
                machine.spawn(func, &args[..if at == teller { 2 } else { 1 }]).unwrap();
            }
            let status = machine.run(u64::MAX);
            assert!(matches!(status, RunStatus::AllDone), "{parties:?}: {status:?}");
            let names = machine.names();
            machine.events().iter().map(|event| event.display(&names).to_string()).collect::<Vec<_>>()
        });
        assert_eq!(heard[0], heard[1], "{parties:?}");
        assert!(heard[0].iter().any(|event| event.contains("kept")), "{parties:?}: {:?}", heard[0]);
    }
}
