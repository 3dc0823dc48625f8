//! Memory bombs: programs, and a host, that ask for as much memory as they can get. Each ends in MemoryLimitExceeded, on both
//! engines, and the process grows by little more than the limit. Each runs in a process of its own, whose memory is measured:
//! one that has run others keeps what they gave back, and would not grow.

#![cfg(target_os = "linux")]

#[allow(dead_code, reason = "each test binary uses its part")]
mod host_support;
mod process_support;

use host_support::{End, modules};
use opforge_vm::ids::FuncId;
use opforge_vm::{Caller, Capabilities, Capability, Instance, Limits, Linker, TrapCode, Value};
use process_support::{emulator, growth};

/// The limit of the runs.
const LIMIT: u64 = 16 << 20;
/// Most that the process may grow by while a bomb runs.
const GROWTH: u64 = 24 << 20;

/// Bombs by name: the body of a function without parameters that never returns. Another one is one more entry here; the
/// declarations that it needs go to [`DECLARATIONS`].
const BOMBS: &[(&str, &str)] = &[
    (
        "text doubling",
        "
    .reg s
    const.pool s, \"0123456789abcdef\"
    jmp @again
@again:
    str.concat s, s, s
    jmp @again",
    ),
    (
        "bytes doubling, no two of which can share their end",
        "
    .reg a, b
    const.pool a, hex\"0001020304050607\"
    jmp @again
@again:
    bytes.concat b, a, a
    bytes.concat a, b, a
    jmp @again",
    ),
    (
        "text that grows piece by piece",
        "
    .reg s, t
    const.pool s, \"\"
    const.pool t, \"twenty-four bytes are it\"
    jmp @again
@again:
    str.concat s, s, t
    jmp @again",
    ),
    (
        "copies made by an intrinsic",
        "
    .reg s, t
    const.pool s, \"0123456789abcdef\"
    jmp @again
@again:
    intrinsic text.to_upper_ascii s -> t
    str.concat s, s, t
    jmp @again",
    ),
    (
        "array growth",
        "
    .reg t, u
    array.new t, aggs, ()
    jmp @again
@again:
    array.new u, aggs, (t, t, t, t, t, t, t, t, t, t, t, t, t, t, t, t, t, t, t, t, t, t, t, t, t, t, t, t, t, t, t, t)
    jmp @again",
    ),
    (
        "deep aggregates",
        "
    .reg t
    tuple.new t, ()
    jmp @again
@again:
    tuple.new t, (t)
    jmp @again",
    ),
    (
        "aggregates and text, half of each",
        "
    .reg p, s, t, i
    const.decimal p, 1, 2
    const.pool s, \"0123456789abcdef\"
    const.pool t, \"twenty-four bytes are it\"
    jmp @again
@again:
    struct.new i, Item, (p, s)
    str.concat t, s, t
    jmp @again",
    ),
    (
        "memory.grow, page by page",
        "
    .reg one, old
    const.u64 one, 1
    jmp @again
@again:
    mem.grow old, heap, one
    u64.store8 heap[one + 0], old
    jmp @again",
    ),
    (
        "memory.grow, doubling",
        "
    .reg one, old, size
    const.u64 one, 1
    mem.grow old, heap, one
    jmp @again
@again:
    mem.size size, heap
    mem.grow old, heap, size
    jmp @again",
    ),
    (
        "memory.grow of all there may be",
        "
    .reg all, old
    const.u64 all, 65536
    jmp @again
@again:
    mem.grow old, heap, all
    jmp @again",
    ),
    (
        "two memories and copies of them, in turn",
        "
    .reg one, old, zero, len, b
    const.u64 one, 1
    const.u64 zero, 0
    const.u64 len, 65536
    jmp @again
@again:
    mem.grow old, heap, one
    mem.grow old, other, one
    bytes.from_mem b, heap, zero, len
    mem.put_bytes other, zero, b
    jmp @again",
    ),
    (
        "a host that returns a gigabyte",
        "
    .reg b
    jmp @again
@again:
    host_call huge () -> b
    jmp @again",
    ),
    (
        "a host that returns a megabyte, for ever",
        "
    .reg b
    jmp @again
@again:
    host_call large () -> b
    jmp @again",
    ),
];

/// What bombs may refer to.
const DECLARATIONS: &str = "
.struct Item { price: decimal, name: str }
.elem aggs = agg
.memory heap 0 65536
.memory other 0 65536
.host huge = \"env.huge\" () -> (bytes)
.host large = \"env.large\" () -> (bytes)
";

fn linker() -> Linker<()> {
    let mut linker = Linker::new();
    // Zeros that nobody looks at take no memory, so what is measured is what the machine does with them.
    linker.func("env.huge", Capability::none(), |_: &mut Caller<'_, ()>| vec![0u8; 1 << 30]).unwrap();
    linker.func("env.large", Capability::none(), |_: &mut Caller<'_, ()>| vec![1u8; 1 << 20]).unwrap();
    linker
}

/// Runs a function in an instance of its own: how it ended, and what is charged.
fn run(instance: &mut Instance<()>, func: u32) -> (End, u64) {
    let mut execution = instance.execution(Limits::new().fuel(u64::MAX).memory(LIMIT));
    execution.start(FuncId(func), &[]).unwrap();
    (End::of(execution.resume()), execution.heap().charged())
}

/// The engines by name, in the order of [`modules`].
const ENGINES: [&str; 2] = ["interpreter", "native code"];

/// One bomb on one engine, in this process.
fn explode(engine: usize, bomb: usize) {
    let (name, body) = BOMBS[bomb];
    let source = format!(
        "{DECLARATIONS}.func bomb() -> () {{{body}\n}}\n.func after() -> (u64) {{\n .reg n\n const.u64 n, 7\n ret n\n}}\n"
    );
    let module = &modules(&source)[engine];
    let mut instance = linker().instantiate(module, (), &Capabilities::none()).unwrap();
    // Twice: the second run finds what the first one has left.
    for again in 0..2 {
        let ((end, charged), grown) = growth(|| run(&mut instance, 0));
        println!("{name}, {}, run {again}: {charged} bytes charged, grown by {grown}", ENGINES[engine]);
        let End::Trapped(trap) = end else { panic!("{end:?}") };
        assert_eq!(trap.code, TrapCode::MemoryLimitExceeded);
        assert!(charged <= LIMIT);
        // What an emulator takes for itself is not the machine's.
        assert!(grown < GROWTH || emulator().is_some(), "grown by {grown} bytes");
        assert!(again == 1 || charged < LIMIT / 2 || grown > LIMIT / 4, "the measure sees nothing: {grown}");
    }
    // Linear memories keep their bytes from run to run until they are cleared.
    instance.clear_memories();
    let (end, charged) = run(&mut instance, 1);
    assert_eq!((end, charged), (End::Values(vec![Value::U64(7)]), 0));
}

/// Says to the process of one bomb which it is: engine and bomb, with a space between.
const WHICH: &str = "OPFORGE_MEMORY_BOMB";

/// The one test of this binary: alone it starts itself for each bomb; told which, it is that process.
#[test]
fn memory_bombs() {
    if let Ok(which) = std::env::var(WHICH) {
        let (engine, bomb) = which.split_once(' ').unwrap();
        return explode(engine.parse().unwrap(), bomb.parse().unwrap());
    }
    let cases = BOMBS.iter().enumerate().flat_map(|(bomb, (name, _))| {
        let engines = ENGINES.iter().enumerate();
        engines
            .map(move |(engine, engine_name)| (format!("{engine} {bomb}"), format!("{name}, {engine_name}")))
    });
    process_support::each_alone("memory_bombs", WHICH, cases, 2);
}
