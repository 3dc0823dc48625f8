//! Bombs of the session runtime: programs that open, begin, send, speculate, note and tell as much as they can get. Each ends
//! in a limit, on both engines, and the process grows by little more than the limit. Each runs in a process of its own.

#![cfg(target_os = "linux")]

mod process_support;
#[path = "../../vm/tests/session_support/mod.rs"]
mod session_support;

use opforge_jit::{JitConfig, JitEngine};
use opforge_vm::program::EdgePolicy;
use opforge_vm::session::{EdgeOverride, NoEffects, Policy, RunStatus, SessionConfig};
use opforge_vm::{Engine, Limits, Module, TrapCode, Value};
use process_support::{emulator, growth};
use session_support::{Drive, chan, machine_of, verified};

/// The limit of the runs.
const LIMIT: u64 = 16 << 20;
/// Most that the process may grow by while a bomb runs: places of sessions and coroutines that are gone are kept, as are
/// events, and lists are up to twice as long as they need to be.
const GROWTH: u64 = 40 << 20;

const DECLARATIONS: &str = "
.local A = mu x. !B{item(u64). x, stop. end}
.local B = mu x. ?A{item(u64). x, stop. end}
.shape AB { A: A, B: B }
.layer never 1
.func halts() {\nhalt\n}
";

/// Bombs by name: the trap that they end in, and their functions. `main` begins, with an end of each role of a session, its
/// name, a text of 10,000 bytes and the number 1. Another one is one more entry here.
const BOMBS: &[(&str, TrapCode, &str)] = &[
    (
        "a million sessions",
        TrapCode::MemoryLimitExceeded,
        ".func main(a: chan(AB, A), b: chan(AB, B), id: epid, s: str, n: u64) {
    .reg c, d
    jmp @again
@again:
    open AB -> (c, d)
    offer c, item, n
    jmp @again
}",
    ),
    (
        "a million coroutines",
        TrapCode::MemoryLimitExceeded,
        ".func main(a: chan(AB, A), b: chan(AB, B), id: epid, s: str, n: u64) {
    jmp @again
@again:
    spawn &waits () -> -
    jmp @again
}
.func waits() {\n.reg e\nacquire never -> e\nacquire never -> e\nhalt\n}",
    ),
    (
        "coroutines that begin coroutines",
        TrapCode::MemoryLimitExceeded,
        ".func main(a: chan(AB, A), b: chan(AB, B), id: epid, s: str, n: u64) {\nspawn &two () -> -\nret ()\n}
.func two() {\nspawn &two () -> -\nspawn &two () -> -\nyield\nret ()\n}",
    ),
    (
        "messages that nobody receives",
        TrapCode::MemoryLimitExceeded,
        ".func main(a: chan(AB, A), b: chan(AB, B), id: epid, s: str, n: u64) {
    jmp @again
@again:
    offer a, item, n
    jmp @again
}",
    ),
    (
        "messages that are held back",
        TrapCode::MemoryLimitExceeded,
        ".func main(a: chan(AB, A), b: chan(AB, B), id: epid, s: str, n: u64) {
    fork n
    jmp @again
@again:
    offer a, item, n
    jmp @again
}",
    ),
    (
        "messages that may have to go back",
        TrapCode::MemoryLimitExceeded,
        ".func main(a: chan(AB, A), b: chan(AB, B), id: epid, s: str, n: u64) {
    spawn &sends (a, n) -> -
    fork n
    jmp @again
@again:
    choose b, [item, stop], (n, r0), (@again, @again)
}
.func sends(a: chan(AB, A), n: u64) {\njmp @again\n@again:\noffer a, item, n\njmp @again\n}",
    ),
    (
        "speculations in speculations",
        TrapCode::MemoryLimitExceeded,
        ".func main(a: chan(AB, A), b: chan(AB, B), id: epid, s: str, n: u64) {
    jmp @again
@again:
    fork n
    jmp @again
}",
    ),
    (
        "speculations that end in a speculation",
        TrapCode::MemoryLimitExceeded,
        ".func main(a: chan(AB, A), b: chan(AB, B), id: epid, s: str, n: u64) {
    fork n
    jmp @again
@again:
    fork n
    abort
    jmp @again
}",
    ),
    (
        "questions in a speculation",
        TrapCode::MemoryLimitExceeded,
        ".func main(a: chan(AB, A), b: chan(AB, B), id: epid, s: str, n: u64) {
    .reg t, k, u
    const.pool u, \"short\"
    tuple.new t, (id, u)
    fork n
    jmp @again
@again:
    check t, u -> k
    jmp @again
}",
    ),
    (
        "facts",
        TrapCode::MemoryLimitExceeded,
        ".func main(a: chan(AB, A), b: chan(AB, B), id: epid, s: str, n: u64) {
    .reg t, k
    tuple.new t, (id, s)
    jmp @again
@again:
    tag t -> k
    jmp @again
}",
    ),
    (
        "facts that others collect",
        TrapCode::MemoryLimitExceeded,
        ".func main(a: chan(AB, A), b: chan(AB, B), id: epid, s: str, n: u64) {
    .reg k
    spawn &collects () -> k
    jmp @again
@again:
    spawn &gives (k, s) -> -
    yield
    jmp @again
}
.func collects() {\njmp @again\n@again:\nyield\njmp @again\n}
.func gives(k: coro, s: str) {
    .reg c, d, id, t, ok
    open Mine -> (c, d)
    receive d -> id
    tuple.new t, (id, s)
    tag t -> ok
    tag t -> ok
    tag t -> ok
    transfer c, k, -
    halt
}
.local Own = !Other{x. end}
.local Other = ?Own{x(epid). end}
.shape Mine { Own: Own, Other: Other }",
    ),
    (
        "texts in events",
        TrapCode::FuelExceeded,
        ".func main(a: chan(AB, A), b: chan(AB, B), id: epid, s: str, n: u64) {
    .reg t, k
    tuple.new t, (id, s)
    jmp @again
@again:
    check t, s -> k
    jmp @again
}",
    ),
    (
        "facts that are forgotten again",
        TrapCode::FuelExceeded,
        ".func main(a: chan(AB, A), b: chan(AB, B), id: epid, s: str, n: u64) {
    .reg t, k
    tuple.new t, (id, s)
    jmp @again
@again:
    fork n
    tag t -> k
    abort
    jmp @again
}",
    ),
    (
        "sessions and coroutines that come and go",
        TrapCode::FuelExceeded,
        ".func main(a: chan(AB, A), b: chan(AB, B), id: epid, s: str, n: u64) {
    .reg c, d
    jmp @again
@again:
    open AB -> (c, d)
    offer c, item, n
    close d
    spawn &halts () -> -
    yield
    jmp @again
}",
    ),
    (
        "stacks of many coroutines",
        TrapCode::MemoryLimitExceeded,
        ".func main(a: chan(AB, A), b: chan(AB, B), id: epid, s: str, n: u64) {
    .reg m
    const.u64 m, 200
    jmp @again
@again:
    spawn &deep (m, n) -> -
    jmp @again
}
.func deep(m: u64, n: u64) {
    .reg e, more
    u64.gt more, m, n
    br more, @deeper, @end
@deeper:
    u64.sub m, m, n
    call &deep (m, n) -> ()
    ret ()
@end:
    acquire never -> e
    acquire never -> e
    release never, e
    ret ()
}",
    ),
];

const ENGINES: [&str; 2] = ["interpreter", "native code"];

fn modules(source: &str) -> [Module; 2] {
    // Nobody has looked at them: the machine alone has to hold.
    let verified = verified(source, true);
    let compiled = JitEngine::new(JitConfig::new()).unwrap().compile(&verified).unwrap();
    [Module::new(&Engine::default(), &verified).unwrap(), compiled.module().clone()]
}

/// One bomb on one engine, in this process.
fn explode(engine: usize, bomb: usize) {
    let (name, ends, functions) = BOMBS[bomb];
    let module = &modules(&format!("{DECLARATIONS}{functions}"))[engine];
    let config = SessionConfig::new()
        .policy(Policy::RoundRobin { quantum: 100 })
        .coroutines(1_000_000)
        .sessions(1_000_000)
        .speculation(u32::MAX)
        .facts(u32::MAX)
        .transfer_needs_handle(false)
        .edges(Some(EdgeOverride { policy: EdgePolicy::Block, capacity: u32::MAX, max: u32::MAX }))
        .events(10_000);
    let limits = Limits::new().fuel(3_000_000).memory(LIMIT).call_depth(1000);
    let ((status, charged), grown) = growth(|| {
        let mut machine = machine_of(module, NoEffects, config, limits);
        let [a, b] = machine.begin("AB")[..] else { panic!("two ends") };
        let args = [chan(a), chan(b), Value::Epid(a), Value::Str("0123456789".repeat(1000)), Value::U64(1)];
        machine.start("main", &args);
        let status = match machine.run(u64::MAX) {
            RunStatus::Trapped(trap) => trap.trap.code,
            RunStatus::OutOfFuel => TrapCode::FuelExceeded,
            status => panic!("{status:?}"),
        };
        let charged = machine.charged();
        assert!(charged <= LIMIT && machine.events().len() <= 10_000);
        (status, charged)
    });
    println!("{name}, {}: {charged} bytes charged, grown by {grown}", ENGINES[engine]);
    assert_eq!(status, ends);
    // What an emulator takes for itself is not the machine's.
    assert!(grown < GROWTH || emulator().is_some(), "grown by {grown} bytes");
}

/// Says to the process of one bomb which it is: engine and bomb, with a space between.
const WHICH: &str = "OPFORGE_SESSION_BOMB";

/// R02, R08, R09. The one test of this binary: alone it starts itself for each bomb; told which, it is that process.
#[test]
fn session_bombs() {
    if let Ok(which) = std::env::var(WHICH) {
        let (engine, bomb) = which.split_once(' ').unwrap();
        return explode(engine.parse().unwrap(), bomb.parse().unwrap());
    }
    let cases = BOMBS.iter().enumerate().flat_map(|(bomb, (name, ..))| {
        let engines = ENGINES.iter().enumerate();
        engines
            .map(move |(engine, engine_name)| (format!("{engine} {bomb}"), format!("{name}, {engine_name}")))
    });
    process_support::each_alone("session_bombs", WHICH, cases, 1);
}
