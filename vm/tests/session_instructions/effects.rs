//! `invoke`, `acquire`, `release`.

use super::session_support::script::{PANIC, Script};
use super::session_support::{Drive, assert_trap, refused, setup};
use opforge_vm::ids::{EffectId, Reg};
use opforge_vm::session::{BlockReason, Outcome, SessionMachine};
use opforge_vm::{CoroId, EvidenceId, SessionFault, TrapCode, TrapDetail, Value};

const EFFECTS: &str = "
.effect ask(u64, str) -> (u64)
.effect tell(str)
.effect text() -> (str)
.effect amount() -> (decimal)
.func ask(n: u64, s: str) {
    .reg r
    const.u64 r, 99
    invoke ask (n, s) -> r
    halt
}
.func tell(s: str) {
    invoke tell (s) -> -
    halt
}
.func text() {
    .reg s
    invoke text () -> s
    halt
}
.func amount() {
    .reg d
    invoke amount () -> d
    halt
}
";

const GUARDS: &str = "
.layer auth 1
.layer disk 2
.func use_it() {
    .reg e
    acquire auth -> e
    yield
    release auth, e
    halt
}
.func use_disk() {
    .reg e
    acquire disk -> e
    yield
    yield
    release disk, e
    halt
}
.func fail_inside(zero: i64) {
    .reg e, q
    acquire auth -> e
    i64.div q, zero, zero
    release auth, e
    halt
}
";

fn coro(index: u32) -> CoroId {
    CoroId { index, generation: 0 }
}

fn with(source: &str, script: Script) -> SessionMachine<(), Script> {
    setup(source).handler(script).config(|config| config.keep_registers(true)).machine()
}

#[test]
pub(crate) fn invoke_asks_the_host() {
    let script = Script {
        invoke: [
            Outcome::Done(Value::U64(42)),
            Outcome::Done(Value::Unit),
            Outcome::Done(Value::from("reply")),
        ]
        .into(),
        ..Script::default()
    };
    let mut machine = with(EFFECTS, script);
    let ask = machine.start("ask", &[Value::U64(6), Value::from("x")]);
    machine.finish();
    machine.start("tell", &[Value::from("hello")]);
    machine.finish();
    let text = machine.start("text", &[]);
    let fuel = machine.fuel();
    machine.finish();
    assert_eq!(fuel - machine.fuel(), 2);
    assert_eq!(
        machine.handler().asked,
        ["coroutine 0: ask[U64(6), Str(\"x\")]", "coroutine 1: tell[Str(\"hello\")]", "coroutine 2: text[]",]
    );
    assert_eq!(machine.register(ask, Reg(3)), Some(Value::U64(42)));
    assert_eq!(machine.register(text, Reg(1)), Some(Value::from("reply")));
    assert_eq!(machine.told()[0], "coroutine 0 (ask) invoked ask");
    // A result of two slots.
    let amount = Value::Decimal(opforge_vm::sem::Decimal { mantissa: 7, scale: 2 });
    machine.handler_mut().invoke.push_back(Outcome::Done(amount.clone()));
    let coro = machine.start("amount", &[]);
    machine.finish();
    assert_eq!(machine.register(coro, Reg(1)), Some(amount));
}

/// Blocked is no failure: the coroutine asks again when the host wakes it, as if for the first time.
#[test]
pub(crate) fn invoke_waits_for_the_host() {
    let script = Script {
        invoke: [Outcome::Blocked, Outcome::Blocked, Outcome::Done(Value::U64(7))].into(),
        ..Script::default()
    };
    let mut machine = with(EFFECTS, script);
    let ask = machine.start("ask", &[Value::U64(6), Value::from("x")]);
    let fuel = machine.fuel();
    let report = machine.stuck();
    assert_eq!(report.blocked[0].why, BlockReason::Effect { effect: EffectId(0) });
    assert_eq!(machine.at(ask), ("ask".into(), 1));
    assert_eq!(fuel - machine.fuel(), 1);
    assert!(machine.told().is_empty());
    machine.wake(ask).unwrap();
    machine.stuck();
    assert_eq!(machine.handler().asked.len(), 2);
    machine.wake(ask).unwrap();
    machine.finish();
    assert_eq!(machine.register(ask, Reg(3)), Some(Value::U64(7)));
    assert_eq!(machine.told(), ["coroutine 0 (ask) invoked ask", "coroutine 0 (ask) halted"]);
}

/// Whatever goes wrong, the register keeps what it held and nothing is told but the failure.
#[test]
pub(crate) fn invoke_that_fails_writes_nothing() {
    let cases = [
        (
            Outcome::Failed("no disk".into()),
            TrapCode::EffectFailed,
            Some(SessionFault::Refused("no disk".into())),
        ),
        (Outcome::Done(Value::I64(1)), TrapCode::TypeMismatch, Some(SessionFault::HandlerType)),
        (Outcome::Done(Value::Unit), TrapCode::TypeMismatch, Some(SessionFault::HandlerType)),
        (Outcome::Failed(PANIC.into()), TrapCode::EffectFailed, None),
    ];
    // Panics are caught with the feature `std`.
    for (outcome, code, fault) in cases.into_iter().take(if cfg!(feature = "std") { 4 } else { 3 }) {
        let mut machine = with(EFFECTS, Script { invoke: [outcome].into(), ..Script::default() });
        let ask = machine.start("ask", &[Value::U64(6), Value::from("x")]);
        let found = machine.trap();
        let fault = fault.or_else(|| match &found.trap.detail {
            TrapDetail::Session(fault @ SessionFault::Panicked(Some(text))) if text.contains("broke") => {
                Some(fault.clone())
            }
            _ => None,
        });
        assert!(fault.is_some(), "{found}");
        let _panicked = matches!(fault, Some(SessionFault::Panicked(_)));
        assert_trap(&machine, &found, (code, fault), ("ask", 1));
        assert_eq!(machine.register(ask, Reg(3)), Some(Value::U64(99)));
        assert_eq!(
            machine.told(),
            [format!("coroutine 0 (ask) failed: T{:03} {}", code.code(), code.name())]
        );
        #[cfg(feature = "std")]
        assert_eq!(machine.take_panic().is_some(), _panicked);
        // The machine can be used as before.
        machine.handler_mut().invoke.push_back(Outcome::Done(Value::U64(1)));
        machine.start("ask", &[Value::U64(6), Value::from("x")]);
        machine.finish();
    }
}

/// A result that does not fit the memory limit is that, and not of another type.
#[test]
pub(crate) fn invoke_results_count_as_memory() {
    let script = Script { invoke: [Outcome::Done(Value::Str("x".repeat(4096)))].into(), ..Script::default() };
    let mut machine = setup(EFFECTS).handler(script).limits(|limits| limits.memory(4096)).machine();
    machine.start("text", &[]);
    let found = machine.trap();
    assert_trap(&machine, &found, (TrapCode::MemoryLimitExceeded, None), ("text", 0));
    assert_eq!(machine.charged(), 0);
}

#[test]
pub(crate) fn acquire_and_release_are_mutual_exclusion() {
    let mut machine = with(GUARDS, Script::default());
    for _ in 0..3 {
        machine.start("use_it", &[]);
    }
    let _ = machine.run(1);
    let evidence = EvidenceId { layer: 0, serial: 1 };
    assert_eq!(machine.register(coro(0), Reg(1)), Some(Value::Evidence(evidence)));
    let _ = machine.run(2);
    let report = machine.stuck_report();
    let auth = machine.layer("auth");
    let why: Vec<_> = report.blocked.iter().map(|blocked| (blocked.coro, blocked.why.clone())).collect();
    let held = BlockReason::Acquire { layer: auth, holders: vec![coro(0)] };
    assert_eq!(why, [(coro(1), held.clone()), (coro(2), held)]);
    machine.finish();
    // First come, first served.
    assert_eq!(
        machine.told(),
        [
            "coroutine 0 (use_it) acquired auth",
            "coroutine 0 (use_it) released auth",
            "coroutine 0 (use_it) halted",
            "coroutine 1 (use_it) acquired auth",
            "coroutine 1 (use_it) released auth",
            "coroutine 1 (use_it) halted",
            "coroutine 2 (use_it) acquired auth",
            "coroutine 2 (use_it) released auth",
            "coroutine 2 (use_it) halted",
        ]
    );
    assert_eq!(machine.handler().asked.len(), 6, "each asks when there is room, and not before");
    assert!(machine.charged() > 0, "registers are kept");
}

/// A layer with two places holds two, and the third waits.
#[test]
pub(crate) fn acquire_counts_places() {
    let mut machine = setup(GUARDS).machine();
    for _ in 0..5 {
        machine.start("use_disk", &[]);
    }
    machine.finish();
    let (mut held, mut most) = (0, 0);
    for line in machine.told() {
        held += i32::from(line.ends_with("acquired disk")) - i32::from(line.ends_with("released disk"));
        most = most.max(held);
        assert!((0..=2).contains(&held), "{line}");
    }
    assert_eq!((held, most), (0, 2));
    assert_eq!(machine.charged(), 0);
}

/// The host may grant later: the coroutine waits until it is woken.
#[test]
pub(crate) fn acquire_waits_for_the_host() {
    let script = Script { acquire: [Outcome::Blocked, Outcome::Blocked].into(), ..Script::default() };
    let mut machine = with(GUARDS, script);
    let first = machine.start("use_it", &[]);
    let report = machine.stuck();
    let auth = machine.layer("auth");
    assert_eq!(report.blocked[0].why, BlockReason::Acquire { layer: auth, holders: vec![] });
    machine.wake_layer(machine.layer("disk")).unwrap();
    machine.stuck();
    assert_eq!(machine.handler().asked.len(), 1);
    machine.wake_layer(auth).unwrap();
    machine.stuck();
    machine.wake(first).unwrap();
    machine.finish();
    assert_eq!(machine.handler().asked.len(), 4);
}

#[test]
pub(crate) fn acquire_faults_leave_the_layer_alone() {
    // The host refuses, or breaks.
    for text in ["not you", PANIC].into_iter().take(if cfg!(feature = "std") { 2 } else { 1 }) {
        let script = Script { acquire: [Outcome::Failed(text.into())].into(), ..Script::default() };
        let mut machine = with(GUARDS, script);
        machine.start("use_it", &[]);
        machine.start("use_it", &[]);
        let found = machine.trap();
        let TrapDetail::Session(fault) = found.trap.detail.clone() else { panic!("{found}") };
        assert_eq!(text == PANIC, matches!(fault, SessionFault::Panicked(_)), "{fault}");
        assert_eq!(text != PANIC, fault == SessionFault::Refused(text.into()), "{fault}");
        assert_trap(&machine, &found, (TrapCode::GuardFault, Some(fault)), ("use_it", 0));
        machine.finish();
        assert_eq!(machine.told().iter().filter(|line| line.ends_with("acquired auth")).count(), 1);
    }
    // The layer is off: who asks traps, who waits too, who holds it goes on.
    let mut machine = setup(GUARDS).machine();
    machine.start("use_it", &[]);
    machine.start("use_it", &[]);
    let _ = machine.run(2);
    machine.set_layer_active(machine.layer("auth"), false).unwrap();
    let found = machine.trap();
    assert_trap(&machine, &found, (TrapCode::GuardFault, Some(SessionFault::LayerInactive)), ("use_it", 0));
    assert_eq!(found.coro, coro(1));
    machine.finish();
    machine.start("use_it", &[]);
    let found = machine.trap();
    assert_trap(&machine, &found, (TrapCode::GuardFault, Some(SessionFault::LayerInactive)), ("use_it", 0));
    machine.set_layer_active(machine.layer("auth"), true).unwrap();
    machine.start("use_it", &[]);
    machine.finish();
}

/// Whoever traps or halts with a layer in hand gives it to the next.
#[test]
pub(crate) fn acquired_layers_are_given_back_by_a_trap() {
    let mut machine = setup(GUARDS).machine();
    machine.start("fail_inside", &[Value::I64(0)]);
    machine.start("use_it", &[]);
    let found = machine.trap();
    assert_trap(&machine, &found, (TrapCode::DivByZero, None), ("fail_inside", 1));
    machine.finish();
    assert_eq!(
        machine.told(),
        [
            "coroutine 0 (fail_inside) acquired auth",
            "coroutine 0 (fail_inside) failed: T006 DivByZero",
            "coroutine 1 (use_it) acquired auth",
            "coroutine 1 (use_it) released auth",
            "coroutine 1 (use_it) halted",
        ]
    );
}

/// Evidence is good once, for its layer, and for who holds it.
#[test]
pub(crate) fn release_needs_the_evidence() {
    let source = |lines: &str| {
        format!(
            "{GUARDS}\n.func wrong() {{\n.reg e, f\n{lines}\nhalt\n}}
.func thief(e: evidence(auth)) {{\nrelease auth, e\nhalt\n}}"
        )
    };
    let cases = [
        // Twice.
        ("acquire auth -> e\nrelease auth, e\nrelease auth, e", 2, 0),
        // Of another layer.
        ("acquire auth -> e\nacquire disk -> f\nrelease auth, f", 2, 2),
        // A copy of what was given back.
        ("acquire auth -> e\nmov f, e\nrelease auth, e\nrelease auth, f", 3, 0),
        // Given away.
        ("acquire auth -> e\nmov f, e\nspawn &thief (e) -> -\nrelease auth, f", 3, 0),
    ];
    for (lines, instr, held) in cases {
        assert!(!refused(&source(lines)).is_empty(), "{lines}");
        let mut machine = setup(&source(lines)).unchecked().machine();
        machine.start("wrong", &[]);
        machine.start("use_it", &[]);
        let found = machine.trap();
        assert_trap(&machine, &found, (TrapCode::GuardFault, Some(SessionFault::Evidence)), ("wrong", instr));
        let told = machine.told();
        let count = |end: &str| told.iter().filter(|line| line.ends_with(end)).count();
        let holds =
            count("acquired auth") + count("acquired disk") - count("released auth") - count("released disk");
        // What another coroutine has got hold of in the meantime counts too.
        assert!(holds >= held, "{lines}: {told:#?}");
        machine.finish();
        assert_eq!(machine.charged(), 0, "{lines}");
    }
}

#[test]
pub(crate) fn release_moves_evidence_to_whom_it_is_given() {
    let source = format!(
        "{GUARDS}
.func taker(e: evidence(auth)) {{\nyield\nrelease auth, e\nhalt\n}}
.func giver() {{\n.reg e\nacquire auth -> e\nspawn &taker (e) -> -\nhalt\n}}"
    );
    let mut machine = setup(&source).machine();
    machine.start("giver", &[]);
    machine.start("use_it", &[]);
    machine.finish();
    let told = machine.told();
    let at = |text: &str| told.iter().position(|line| line == text).unwrap_or_else(|| panic!("{told:#?}"));
    assert!(at("coroutine 0 (giver) halted") < at("coroutine 2 (taker) released auth"));
    assert!(at("coroutine 2 (taker) released auth") < at("coroutine 1 (use_it) acquired auth"));
}

/// A handler that breaks while a layer is given back makes the coroutine trap, but the layer is free.
#[cfg(feature = "std")]
#[test]
pub(crate) fn release_happens_even_if_the_handler_breaks() {
    let script = Script { release: [()].into(), ..Script::default() };
    let mut machine = with(GUARDS, script);
    machine.start("use_it", &[]);
    machine.start("use_it", &[]);
    let found = machine.trap();
    assert_eq!(found.trap.code, TrapCode::GuardFault);
    assert!(matches!(&found.trap.detail, TrapDetail::Session(SessionFault::Panicked(Some(_)))), "{found}");
    machine.finish();
    let told = machine.told();
    assert_eq!(told.iter().filter(|line| line.ends_with("released auth")).count(), 2);
}
