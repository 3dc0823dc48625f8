//! Linear memories as the host sees them: which it may reach, when they are made, how long their bytes keep, and what
//! they count for.

use opforge_vm::host::HeapCaller;
use opforge_vm::ids::{FuncId, MemId};
use opforge_vm::verify::{VerifyConfig, verify};
use opforge_vm::{
    CallError, Caller, Capabilities, Capability, Engine, EntryError, HostError, Instance, Limits, Linker,
    Module, TrapCode, Value, ValueType, asm,
};

const PAGE: u64 = 65_536;

/// Two memories of which the host sees one, and functions over them.
const TWO: &str = "
.memory hidden 1 2
.memory shared 2 3 export

.func get(at: u64) -> (u64) {
    .reg r
    u64.load64 r, shared[at + 0]
    ret r
}

.func set(at: u64, value: u64) -> () {
    u64.store64 shared[at + 0], value
    u64.store64 hidden[at + 0], value
    ret ()
}

.func hidden(at: u64) -> (u64) {
    .reg r
    u64.load64 r, hidden[at + 0]
    ret r
}

; Changes both memories, then traps.
.func fail(at: u64) -> () {
    .reg past
    const.u64 past, 131072
    u64.store64 shared[at + 0], at
    u64.store64 hidden[at + 0], at
    u64.store8 shared[past + 0], at
    ret ()
}

.func grow(pages: u64) -> (u64) {
    mem.grow pages, shared, pages
    ret pages
}

; Text besides the memories: the second eight bytes go behind the first.
.func join(text: str) -> (u64) {
    .reg length
    str.concat text, text, text
    str.len length, text
    ret length
}
";

const GET: FuncId = FuncId(0);
const SET: FuncId = FuncId(1);
const HIDDEN: FuncId = FuncId(2);
const FAIL: FuncId = FuncId(3);
const GROW: FuncId = FuncId(4);
const JOIN: FuncId = FuncId(5);

fn module(source: &str) -> Module {
    let program = asm::assemble(source).unwrap_or_else(|e| panic!("{}", e.render(source, "test")));
    let verified = verify(program, &VerifyConfig::default()).unwrap_or_else(|e| panic!("{e}"));
    Module::new(&Engine::default(), &verified).unwrap()
}

fn two() -> (Instance<()>, MemId) {
    let instance = Linker::new().instantiate(&module(TWO), (), &Capabilities::none()).unwrap();
    let shared = instance.exported_memory("shared").expect("it is exported");
    (instance, shared)
}

fn call(instance: &mut Instance<()>, func: FuncId, args: &[u64]) -> Result<Vec<Value>, CallError> {
    let args: Vec<Value> = args.iter().map(|&arg| Value::U64(arg)).collect();
    instance.call(func, &args, Limits::new())
}

fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

#[test]
fn the_host_reaches_exported_memories_alone() {
    let (mut instance, shared) = two();
    assert_eq!(shared, MemId(1));
    for name in ["hidden", "Shared", "shared ", ""] {
        assert_eq!(instance.exported_memory(name), None, "{name:?}");
    }
    instance.make_memories(&Limits::new()).unwrap();
    for memory in [MemId(0), MemId(2), MemId(u32::MAX)] {
        assert_eq!(instance.memory(memory), None);
        assert_eq!(instance.memory_mut(memory), None);
        assert_eq!(instance.heap().memory(memory), None);
    }
    assert_eq!(instance.heap().exported_memory("shared"), Some(shared));
    assert_eq!(instance.heap().memory(shared), instance.memory(shared));
}

/// The empty name is the name of no memory, also where an exported one has no name; it is reached by number.
#[test]
fn a_memory_without_a_name_is_not_found_by_name() {
    let source = "
.memory #0 1 1 export
.func main() -> () {
    ret ()
}";
    let instance = Linker::new().instantiate(&module(source), (), &Capabilities::none()).unwrap();
    assert_eq!(instance.exported_memory(""), None);
    assert_eq!(instance.heap().exported_memory(""), None);
    assert_eq!(
        instance.memory(MemId(0)),
        Some(&[][..]),
        "it is exported, and has no pages before the first run"
    );
}

/// Memories that are not exported may share a name with the one that is.
#[test]
fn of_equal_names_the_exported_one_is_found() {
    let source = "
.memory #0 \"m\" 1 1
.memory #1 \"m\" 2 2 export
.func main() -> () {
    ret ()
}
";
    let mut instance = Linker::new().instantiate(&module(source), (), &Capabilities::none()).unwrap();
    instance.make_memories(&Limits::new()).unwrap();
    let found = instance.exported_memory("m").unwrap();
    assert_eq!((found, instance.memory(found).unwrap().len() as u64), (MemId(1), 2 * PAGE));
}

#[test]
fn memories_are_made_once_and_keep_what_the_host_wrote() {
    let (mut instance, shared) = two();
    assert_eq!(instance.memory(shared), Some(&[][..]), "nothing is made before the first run");
    instance.make_memories(&Limits::new()).unwrap();
    let bytes = instance.memory_mut(shared).unwrap();
    assert_eq!(bytes.len() as u64, 2 * PAGE);
    assert!(bytes.iter().all(|&byte| byte == 0));
    bytes[8..16].copy_from_slice(&0x0102_0304_0506_0708_u64.to_le_bytes());
    instance.make_memories(&Limits::new()).unwrap();
    assert_eq!(call(&mut instance, GET, &[8]), Ok(vec![Value::U64(0x0102_0304_0506_0708)]));
}

#[test]
fn memories_larger_than_the_limit_are_not_made() {
    let (mut instance, shared) = two();
    for limit in [0, PAGE, 3 * PAGE - 1] {
        let error = instance.make_memories(&Limits::new().memory(limit)).unwrap_err();
        assert_eq!((&error, error.code()), (&EntryError::MemoryLimitExceeded, "E0010"));
        assert_eq!((instance.memory(shared), instance.heap().charged()), (Some(&[][..]), 0));
        let run = instance.call(GET, &[Value::U64(0)], Limits::new().memory(limit));
        assert_eq!(run, Err(CallError::Entry(EntryError::MemoryLimitExceeded)));
        assert_eq!((instance.memory(shared), instance.heap().charged()), (Some(&[][..]), 0));
    }
    instance.make_memories(&Limits::new().memory(3 * PAGE)).unwrap();
    assert_eq!(instance.memory(shared).map(<[u8]>::len), Some(2 * PAGE as usize));
    assert_eq!(instance.heap().charged(), 3 * PAGE);
}

#[test]
fn bytes_keep_from_run_to_run_and_behind_a_trap() {
    let (mut instance, shared) = two();
    call(&mut instance, SET, &[16, 7]).unwrap();
    assert_eq!(call(&mut instance, GET, &[16]), Ok(vec![Value::U64(7)]));
    let error = call(&mut instance, FAIL, &[24]).unwrap_err();
    let CallError::Trap(trap) = error else { panic!("{error}") };
    assert_eq!(trap.code, TrapCode::MemOutOfBounds);
    assert!(trap.to_string().contains("1 byte"), "{trap}");
    // What the run wrote before it trapped is there, and nothing else has changed.
    let bytes = instance.memory(shared).unwrap();
    assert_eq!((word(bytes, 16), word(bytes, 24)), (7, 24));
    assert_eq!(bytes.iter().filter(|&&byte| byte != 0).count(), 2);
    assert_eq!(call(&mut instance, HIDDEN, &[16]), Ok(vec![Value::U64(7)]));
    assert_eq!(call(&mut instance, HIDDEN, &[24]), Ok(vec![Value::U64(24)]));
}

#[test]
fn cleared_memories_begin_anew() {
    let (mut instance, shared) = two();
    call(&mut instance, SET, &[0, 7]).unwrap();
    assert_eq!(call(&mut instance, GROW, &[1]), Ok(vec![Value::U64(2)]));
    assert_eq!(instance.memory(shared).unwrap().len() as u64, 3 * PAGE);
    instance.clear_memories();
    assert_eq!((instance.memory(shared), instance.heap().charged()), (Some(&[][..]), 0));
    // As large as at first, and zero, also the memory that the host does not see.
    assert_eq!(call(&mut instance, GET, &[0]), Ok(vec![Value::U64(0)]));
    assert_eq!(call(&mut instance, HIDDEN, &[0]), Ok(vec![Value::U64(0)]));
    assert_eq!(instance.memory(shared).unwrap().len() as u64, 2 * PAGE);
}

/// Memories have grown, and a later run has a limit below that: it is refused before anything runs, and nothing is lost.
#[test]
fn a_limit_below_what_memories_take_refuses_the_run() {
    let (mut instance, shared) = two();
    call(&mut instance, SET, &[0, 7]).unwrap();
    call(&mut instance, GROW, &[1]).unwrap();
    let low = Limits::new().memory(4 * PAGE - 1);
    let refused = Err(EntryError::MemoryLimitExceeded);
    assert_eq!(instance.make_memories(&low), refused);
    let args = [Value::U64(0), Value::U64(9)];
    assert_eq!(instance.execution(low).start(SET, &args), refused);
    assert_eq!(instance.call(SET, &args, low), Err(CallError::Entry(EntryError::MemoryLimitExceeded)));
    let set = instance.typed_func::<(u64, u64), ()>(SET).unwrap();
    assert_eq!(set.call(&mut instance, (0, 9), &low), Err(CallError::Entry(EntryError::MemoryLimitExceeded)));
    let mut bound = set.bind(&mut instance, &low).unwrap();
    assert_eq!(bound.call((0, 9)), Err(CallError::Entry(EntryError::MemoryLimitExceeded)));
    assert_eq!(word(instance.memory(shared).unwrap(), 0), 7, "the refused runs have not run");
    assert_eq!(instance.memory(shared).unwrap().len() as u64, 3 * PAGE);
    assert_eq!(instance.call(GET, &[Value::U64(0)], Limits::new().memory(4 * PAGE)), Ok(vec![Value::U64(7)]));
}

#[test]
fn arguments_and_text_count_besides_the_memories() {
    let (mut instance, _) = two();
    let args = [Value::Str("12345678".into())];
    let mut run = instance.execution(Limits::new().memory(3 * PAGE + 16));
    run.start(JOIN, &args).unwrap();
    assert_eq!(run.heap().charged(), 3 * PAGE + 8);
    assert_eq!(run.resume(), opforge_vm::Outcome::Finished(vec![Value::U64(16)]));
    assert_eq!(run.heap().charged(), 3 * PAGE + 16);
    // The next run begins with the memories alone.
    assert_eq!(instance.execution(Limits::new()).heap().charged(), 3 * PAGE);
    let error = instance.call(JOIN, &args, Limits::new().memory(3 * PAGE + 15)).unwrap_err();
    let CallError::Trap(trap) = error else { panic!("{error}") };
    assert_eq!(trap.code, TrapCode::MemoryLimitExceeded);
    let error = instance.call(JOIN, &args, Limits::new().memory(3 * PAGE + 7)).unwrap_err();
    assert!(matches!(error, CallError::Entry(EntryError::Argument { index: 0, .. })), "{error}");
}

#[test]
fn pages_that_grow_are_charged_and_stay_charged() {
    let (mut instance, shared) = two();
    let limits = Limits::new().memory(4 * PAGE - 1);
    let error = instance.call(GROW, &[Value::U64(1)], limits).unwrap_err();
    let CallError::Trap(trap) = error else { panic!("{error}") };
    assert_eq!(trap.code, TrapCode::MemoryLimitExceeded);
    assert_eq!(
        (instance.memory(shared).unwrap().len() as u64, instance.heap().charged()),
        (2 * PAGE, 3 * PAGE)
    );
    assert_eq!(call(&mut instance, GROW, &[1]), Ok(vec![Value::U64(2)]));
    assert_eq!(instance.heap().charged(), 4 * PAGE);
    // Past its own maximum nothing happens.
    assert_eq!(call(&mut instance, GROW, &[1]), Ok(vec![Value::U64(u64::MAX)]));
    assert_eq!(instance.heap().charged(), 4 * PAGE);
}

/// The host reads what the program wrote, then writes what the program reads.
const EXCHANGE: &str = "
.memory m 1 1 export
.host sum = \"env.sum\" (u64, u64) -> (u64)
.host put = \"env.put\" (u64, bytes) -> ()

.func main(a: u64) -> (u64, u64) {
    .reg at, len, sum, data, back
    const.u64 at, 100
    const.u64 len, 3
    u64.store8 m[at + 0], a
    u64.store8 m[at + 1], a
    u64.store8 m[at + 2], a
    host_call sum (at, len) -> (sum)
    const.pool data, hex\"0a0b0c0d0e0f1011\"
    host_call put (at, data) -> ()
    u64.load64 back, m[at + 0]
    ret (sum, back)
}
";

fn exchange() -> Instance<MemId> {
    let mut linker: Linker<MemId> = Linker::new();
    linker
        .func(
            "env.sum",
            Capability::none(),
            |caller: &mut Caller<'_, MemId>, at: u64, len: u64| -> Result<u64, HostError> {
                let memory = caller.heap().memory(*caller.data()).ok_or(HostError::failed("no memory"))?;
                let bytes = memory.get(at as usize..(at + len) as usize);
                let bytes = bytes.ok_or(HostError::failed("out of bounds"))?;
                Ok(bytes.iter().map(|&byte| u64::from(byte)).sum())
            },
        )
        .unwrap()
        .func_heap(
            "env.put",
            Capability::none(),
            &[ValueType::U64, ValueType::Bytes],
            &[],
            |caller: &mut HeapCaller<'_, MemId>, args: &[Value], _: &mut [Value]| {
                let [Value::U64(at), Value::Bytes(data)] = args else {
                    return Err(HostError::failed("types"));
                };
                let (id, at) = (*caller.data(), *at as usize);
                let memory = caller.heap_mut().memory_mut(id).ok_or(HostError::failed("no memory"))?;
                let to = memory.get_mut(at..at + data.len()).ok_or(HostError::failed("out of bounds"))?;
                to.copy_from_slice(data);
                Ok(())
            },
        )
        .unwrap();
    let mut instance = linker.instantiate(&module(EXCHANGE), MemId(9), &Capabilities::none()).unwrap();
    *instance.data_mut() = instance.exported_memory("m").unwrap();
    instance
}

#[test]
fn host_functions_read_and_write_exported_memories() {
    let mut instance = exchange();
    let memory = *instance.data();
    let expected = vec![Value::U64(15), Value::U64(0x1110_0f0e_0d0c_0b0a)];
    assert_eq!(instance.call(FuncId(0), &[Value::U64(5)], Limits::new()), Ok(expected));
    assert_eq!(instance.memory(memory).unwrap()[99..109], [0, 10, 11, 12, 13, 14, 15, 16, 17, 0]);
    // A host that looks for a memory which is not there fails as it says; the run is a trap, not a panic.
    *instance.data_mut() = MemId(1);
    let error = instance.call(FuncId(0), &[Value::U64(5)], Limits::new()).unwrap_err();
    let CallError::Trap(trap) = error else { panic!("{error}") };
    assert_eq!(trap.code, TrapCode::HostCallFailed);
}

/// Growing moves the bytes; what code does behind it must reach those that the host sees, by loads and stores of both
/// memories.
#[test]
fn code_reaches_the_bytes_where_they_are_after_growth() {
    const GROWS: &str = "
.memory first 1 512 export
.memory second 1 512 export
.func run(addr: u64, pages: u64) -> (x: u64, y: u64) {
    .reg x, y, old
    u64.store64 first[addr + 0], addr
    u64.store64 second[addr + 0], addr
    mem.grow old, first, pages
    mem.grow old, second, pages
    u64.store64 first[addr + 8], pages
    u64.store64 second[addr + 8], pages
    u64.load64 x, first[addr + 0]
    u64.load64 y, second[addr + 0]
    ret (x, y)
}";
    let module = module(GROWS);
    let mut instance = Linker::new().instantiate(&module, (), &Capabilities::none()).unwrap();
    let func = module.program().func_by_name("run").unwrap();
    for pages in [1, 510] {
        let limits = Limits::new().memory(1 << 30);
        let results = instance.call(func, &[Value::U64(64), Value::U64(pages)], limits).unwrap();
        assert_eq!(results, [Value::U64(64), Value::U64(64)], "{pages} pages more");
        for name in ["first", "second"] {
            let memory = instance.exported_memory(name).unwrap();
            let bytes = instance.memory(memory).unwrap();
            assert_eq!((word(bytes, 64), word(bytes, 72)), (64, pages), "{name}, {pages} pages more");
        }
    }
}
