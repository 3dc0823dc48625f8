//! `set`, `move`, `jump`, `spawn`, `yield`, `halt`.

use super::session_support::{Drive, assert_trap, chan, owner, refused, setup};
use opforge_vm::asm::assemble;
use opforge_vm::ids::Reg;
use opforge_vm::session::{OnTrap, Policy, RunStatus, SessionStatus};
use opforge_vm::{CoroId, Limits, SessionFault, TrapCode, Value};

const PINGS: &str = "
.local Ping = !Pong{ping(i64). end}
.local Pong = ?Ping{ping(i64). end}
.shape Pings { Ping: Ping, Pong: Pong }
.func ping(c: chan(Pings, Ping), n: i64) {\nsend c, n\nhalt\n}
.func pong(c: chan(Pings, Pong)) {\n.reg n\nreceive c -> n\nhalt\n}
";

fn coro(index: u32) -> CoroId {
    CoroId { index, generation: 0 }
}

#[test]
pub(crate) fn set_writes_constants() {
    let source = "
.func main() {
    .reg a, b, c, d, e, f, g
    const.bool a, true
    const.i64 b, -5
    const.u64 c, 18446744073709551615
    const.f64 d, 1.5
    const.decimal e, 123, 2
    const.pool f, \"text\"
    const.func g, &main
    halt
}";
    let mut machine = setup(source).config(|config| config.keep_registers(true)).machine();
    let main = machine.start("main", &[]);
    let fuel = machine.fuel();
    machine.finish();
    let values = [
        Value::Bool(true),
        Value::I64(-5),
        Value::U64(u64::MAX),
        Value::F64(1.5),
        Value::Decimal(opforge_vm::sem::Decimal { mantissa: 123, scale: 2 }),
        Value::from("text"),
        Value::Func(machine.func("main")),
    ];
    for (reg, value) in (1..).zip(values) {
        assert_eq!(machine.register(main, Reg(reg)), Some(value));
    }
    assert_eq!((fuel - machine.fuel(), machine.ticks()), (8, 8), "one instruction a tick");
}

/// No constant makes what only the machine makes.
#[test]
pub(crate) fn set_makes_nothing_linear() {
    // A register has one type: a constant in that of an endpoint is none.
    let codes = refused(&format!("{PINGS}\n.func f(c: chan(Pings, Ping)) {{\nconst.u64 c, 0\nhalt\n}}"));
    assert!(codes.contains(&"V0804") || codes.contains(&"V1212"), "{codes:?}");
    let codes = refused(".layer auth 1\n.func f() {\nconst.u64 r1, 1\nrelease auth, r1\nhalt\n}");
    assert!(!codes.is_empty());
    assert!(assemble(".func f() {\nconst.chan r1, 0\nhalt\n}").is_err());
    assert!(assemble(".func f() {\nconst.evidence r1, 0\nhalt\n}").is_err());
}

#[test]
pub(crate) fn move_moves_endpoints_and_copies_values() {
    let source = format!(
        "{PINGS}
.func mover(c: chan(Pings, Ping), n: i64) {{
    .reg d, m
    mov d, c
    move m, n
    send d, m
    halt
}}"
    );
    let mut machine = setup(&source).config(|config| config.keep_registers(true)).machine();
    let ends = machine.begin("Pings");
    let mover = machine.start("mover", &[chan(ends[0]), Value::I64(9)]);
    let pong = machine.start("pong", &[chan(ends[1])]);
    machine.finish();
    assert_eq!(machine.register(mover, Reg(2)), Some(Value::I64(9)));
    assert_eq!(machine.register(mover, Reg(4)), Some(Value::I64(9)));
    assert_eq!(machine.register(pong, Reg(2)), Some(Value::I64(9)));
}

/// What was moved is there no more: for the verifier, and where nobody asked it, for the machine.
#[test]
pub(crate) fn move_makes_no_second_endpoint() {
    let source = format!(
        "{PINGS}\n.func f(c: chan(Pings, Ping), n: i64) {{\n.reg d\nmov d, c\nsend d, n\nsend c, n\nhalt\n}}"
    );
    assert_eq!(refused(&source), ["V1202"]);
    assert_eq!(refused(&source.replace("mov d, c", "mov d, n")).first(), Some(&"V1201"));
    let mut machine = setup(&source).unchecked().machine();
    let ends = machine.begin("Pings");
    machine.start("f", &[chan(ends[0]), Value::I64(1)]);
    let found = machine.trap();
    let fault = (TrapCode::TypeViolation, Some(SessionFault::NotSending(ends[0])));
    assert_trap(&machine, &found, fault, ("f", 2));
    assert_eq!(machine.queue(ends[0], 0, 1), 1, "sent once");
}

#[test]
pub(crate) fn jump_goes_on_elsewhere() {
    let source = "
.func main(n: u64) {
    .reg one, zero, more
    const.u64 one, 1
    const.u64 zero, 0
    jump @check
@step:
    u64.sub n, n, one
    jmp @check
@check:
    u64.gt more, n, zero
    br more, @step, @end
@end:
    halt
}";
    let mut machine = setup(source).config(|config| config.keep_registers(true)).machine();
    let main = machine.start("main", &[Value::U64(3)]);
    let fuel = machine.fuel();
    machine.finish();
    assert_eq!(machine.register(main, Reg(1)), Some(Value::U64(0)));
    assert_eq!(fuel - machine.fuel(), 3 + 3 * 4 + 2 + 1);
}

/// A jump goes to instructions of its function, and a loop without end does not end in anything but its fuel.
#[test]
pub(crate) fn jump_leads_nowhere_else() {
    use opforge_vm::container::{DecodeConfig, decode, encode};
    use opforge_vm::verify::{VerifyConfig, verify};
    // The last byte of the jump's place, changed to each other value.
    let program = super::session_support::program(".func f() {\njmp @a\n@a:\nconst.i64 r1, 5\nhalt\n}");
    let good = encode(&program).unwrap();
    let mut refused = 0;
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bytes = good.clone();
            bytes[at] ^= 1 << bit;
            let Ok(program) = decode(&bytes, &DecodeConfig::default()) else { continue };
            if let Err(report) = verify(program, &VerifyConfig::default()) {
                refused +=
                    usize::from(report.errors().iter().any(|e| e.kind().to_string().contains("branch")));
            }
        }
    }
    assert!(refused > 0, "no changed place was refused");
    let mut machine =
        setup(".func f() {\njmp @a\n@a:\njmp @a\n}").limits(|limits| limits.fuel(1000)).machine();
    let f = machine.start("f", &[]);
    assert!(matches!(machine.run(u64::MAX), RunStatus::OutOfFuel));
    assert_eq!((machine.fuel(), machine.at(f)), (0, ("f".into(), 1)));
}

#[test]
pub(crate) fn spawn_begins_behind_all_that_are_ready() {
    let source = format!(
        "{PINGS}
.func main(c: chan(Pings, Ping), d: chan(Pings, Pong), n: i64) {{
    .reg k
    spawn &ping (c, n) -> k
    spawn &pong (d) -> -
    yield
    halt
}}"
    );
    let trace = |config: opforge_vm::session::SessionConfig| {
        config.observe(opforge_vm::session::Observe::Trace).keep_registers(true)
    };
    let mut machine = setup(&source).config(trace).machine();
    let ends = machine.begin("Pings");
    let main = machine.start("main", &[chan(ends[0]), chan(ends[1]), Value::I64(4)]);
    let _ = machine.run(1);
    assert_eq!(owner(&machine, ends[0]), coro(1));
    machine.finish();
    assert_eq!(machine.register(main, Reg(4)), Some(Value::Coro(coro(1))));
    assert_eq!(
        machine.lines(),
        [
            "0: #0 opened Pings (Ping, Pong)",
            "0: the host spawned coroutine 0, main",
            "1: coroutine 0 (main) spawned coroutine 1, ping",
            "2: #0 Ping -> Pong ping",
            "3: coroutine 0 (main) spawned coroutine 2, pong",
            "4: coroutine 1 (ping) halted",
            "5: #0 Pong <- Ping ping",
            "7: coroutine 2 (pong) halted",
            "8: coroutine 0 (main) halted",
        ]
    );
}

/// One coroutine too many does not begin, and what it was to get stays with its parent.
#[test]
pub(crate) fn spawn_stops_at_the_limit() {
    let source = format!(
        "{PINGS}
.func main(c: chan(Pings, Ping), n: i64) {{\n.reg k\nspawn &ping (c, n) -> k\nhalt\n}}
.func bomb() {{\nspawn &bomb () -> -\nspawn &bomb () -> -\nyield\nyield\nhalt\n}}"
    );
    let mut machine = setup(&source).config(|config| config.coroutines(2).on_trap(OnTrap::Isolate)).machine();
    let ends = machine.begin("Pings");
    machine.start("bomb", &[]);
    let main = machine.start("main", &[chan(ends[0]), Value::I64(1)]);
    let charged = machine.charged();
    let found = machine.trap();
    assert_trap(&machine, &found, (TrapCode::CoroutineLimitExceeded, None), ("bomb", 0));
    assert!(machine.charged() < charged);
    machine.start("bomb", &[]);
    let found = machine.trap();
    assert_trap(&machine, &found, (TrapCode::CoroutineLimitExceeded, None), ("main", 0));
    assert_eq!(machine.holder(ends[0]), opforge_vm::session::Holder::Ended(main));
    // Memory is a limit too.
    let mut machine = setup(&source)
        .limits(|limits: Limits| limits.memory(64 << 10))
        .config(|config| config.policy(Policy::RoundRobin { quantum: 3 }))
        .machine();
    machine.start("bomb", &[]);
    let found = machine.trap();
    assert_eq!(
        (found.trap.code, found.trap.at().pc),
        (TrapCode::MemoryLimitExceeded, machine.pc("bomb", found.trap.at().pc.min(1)))
    );
    assert!(machine.charged() <= 64 << 10);
}

#[test]
pub(crate) fn spawn_refuses_arguments_that_do_not_fit() {
    let with = |lines: &str| format!("{PINGS}\n.func f(c: chan(Pings, Ping), n: i64) {{\n{lines}\nhalt\n}}");
    for lines in [
        "spawn &ping (c) -> -",
        "spawn &ping (n, n) -> -",
        "spawn &pong (c) -> -",
        "spawn &ping (c, n) -> -\nsend c, n",
    ] {
        assert!(!refused(&with(lines)).is_empty(), "{lines}");
    }
    assert!(assemble(&with("spawn &nobody () -> -")).is_err());
    // One endpoint for two parameters: the first has it.
    let source = format!(
        "{PINGS}
.func two(a: chan(Pings, Ping), b: chan(Pings, Ping), n: i64) {{\nsend a, n\nsend b, n\nhalt\n}}
.func f(c: chan(Pings, Ping), n: i64) {{\nspawn &two (c, c, n) -> -\nhalt\n}}"
    );
    assert!(!refused(&source).is_empty());
    let mut machine = setup(&source).unchecked().machine();
    let ends = machine.begin("Pings");
    machine.start("f", &[chan(ends[0]), Value::I64(1)]);
    let found = machine.trap();
    assert_eq!((found.trap.code, machine.at(found.coro)), (TrapCode::TransferFault, ("f".into(), 0)));
    machine.drop_endpoint(ends[1]).unwrap();
    assert_eq!(machine.charged(), 0);
    // The same of a host.
    let mut machine = setup(&source).unchecked().machine();
    let ends = machine.begin("Pings");
    let two = machine.func("two");
    let charged = machine.charged();
    let refused = machine.spawn(two, &[chan(ends[0]), chan(ends[0]), Value::I64(1)]);
    assert!(
        matches!(refused, Err(opforge_vm::session::SessionError::NotTheHosts(id)) if id == ends[0]),
        "{refused:?}"
    );
    assert_eq!((machine.charged(), machine.coroutines()), (charged, 0));
}

#[test]
pub(crate) fn yield_lets_the_others_run_first() {
    let source = "
.layer log 100
.func main(n: u64) {
    .reg e
    acquire log -> e
    yield
    release log, e
    halt
}";
    // Without it each would run to its end.
    let mut machine = setup(source).config(|config| config.policy(Policy::Cooperative)).machine();
    for n in 0..3 {
        machine.start("main", &[Value::U64(n)]);
    }
    let fuel = machine.fuel();
    machine.finish();
    let lines = machine.lines();
    let ticks: Vec<&str> = lines.iter().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(ticks, ["1", "2", "3", "4", "4", "5", "5", "6", "6"]);
    assert_eq!(fuel - machine.fuel(), 12);
}

#[test]
pub(crate) fn yield_and_halt_need_a_machine() {
    use opforge_vm::{Capabilities, Linker, Outcome};
    let module = super::session_support::module(".func y() {\nyield\nhalt\n}\n.func h() {\nhalt\n}", false);
    let mut instance = Linker::new().instantiate(&module, (), &Capabilities::none()).unwrap();
    for name in ["y", "h"] {
        let func = instance.program().func_by_name(name).unwrap();
        let mut execution = instance.execution(Limits::new());
        execution.start(func, &[]).unwrap();
        let Outcome::Trapped(trap) = execution.resume() else { panic!("no trap") };
        assert_eq!((trap.code, trap.at().pc), (TrapCode::NoSession, 0));
        assert_eq!(execution.fuel(), Limits::new().fuel - 1);
    }
}

#[test]
pub(crate) fn halt_ends_the_coroutine_and_nothing_else() {
    let source = format!(
        "{PINGS}\n.func outer() {{\ncall &inner () -> ()\nret ()\n}}\n.func inner() {{\nhalt\n}}\n.func back() {{\nret ()\n}}"
    );
    let mut machine = setup(&source).machine();
    let ends = machine.begin("Pings");
    machine.start("ping", &[chan(ends[0]), Value::I64(1)]);
    machine.finish();
    // An endpoint with nothing left to do is given back; the session goes on.
    assert_eq!(machine.session(ends[0].session_id()), Some((SessionStatus::Active, 0)));
    assert_eq!(machine.queue(ends[0], 0, 1), 1);
    machine.start("pong", &[chan(ends[1])]);
    machine.finish();
    assert_eq!((machine.session(ends[0].session_id()), machine.charged()), (None, 0));
    // From inside of a call, and by returning from the function that it began with.
    for name in ["outer", "back"] {
        let coro = machine.start(name, &[]);
        machine.finish();
        assert!(machine.told().last().unwrap().starts_with("coroutine 0 (use"), "{coro}");
        assert!(machine.told().last().unwrap().ends_with("halted"));
    }
    assert_eq!(machine.charged(), 0);
}

/// Who halts in the middle of a conversation leaves it: its partners hear of it.
#[test]
pub(crate) fn halt_in_the_middle_fails_the_session() {
    let source = format!("{PINGS}\n.func leaver(c: chan(Pings, Ping)) {{\nhalt\n}}");
    assert_eq!(refused(&source), ["V1213"]);
    let mut machine = setup(&source).unchecked().machine();
    let ends = machine.begin("Pings");
    machine.start("pong", &[chan(ends[1])]);
    machine.start("leaver", &[chan(ends[0])]);
    let found = machine.trap();
    let fault = (TrapCode::ChannelClosed, Some(SessionFault::PeerFailed(ends[1])));
    assert_trap(&machine, &found, fault, ("pong", 0));
    assert!(machine.told().iter().any(|line| line == "#0 ended: faulted"));
    assert_eq!(machine.charged(), 0);
}

/// A speculation cannot be left by returning either.
#[test]
pub(crate) fn halt_ends_no_speculation() {
    for end in ["halt", "ret ()"] {
        let source = format!(
            "{PINGS}\n.func f(c: chan(Pings, Ping), n: i64, g: u64) {{\nfork g\nsend c, n\n{end}\n}}"
        );
        assert!(!refused(&source).is_empty());
        let mut machine = setup(&source).unchecked().machine();
        let ends = machine.begin("Pings");
        machine.start("f", &[chan(ends[0]), Value::I64(1), Value::U64(1)]);
        machine.start("pong", &[chan(ends[1])]);
        let first = machine.run(100);
        if end == "halt" {
            let RunStatus::Trapped(found) = first else { panic!("{first:?}") };
            let fault = (TrapCode::SpeculationFault, Some(SessionFault::InSpeculation));
            assert_trap(&machine, &found, fault, ("f", 2));
            machine.trap();
        }
        machine.finish();
        // What was held back never was, so the partner hears that nothing comes.
        let told = machine.told();
        assert!(!told.iter().any(|line| line.contains("->")), "{told:#?}");
        assert!(told.iter().any(|line| line.contains("(pong) failed")), "{told:#?}");
        assert_eq!(machine.charged(), 0);
    }
}
