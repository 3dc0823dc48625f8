//! Linear memories between native code and others that change them: hosts that write between two loads, and growth that
//! moves the bytes. Results, and the bytes in the end, are the interpreter's.

// Shared with tests that use more of it.
#[allow(dead_code)]
mod host_support;

use host_support::{Both, End, STEP, modules, observe};
use opforge_vm::host::HeapCaller;
use opforge_vm::ids::{FuncId, MemId};
use opforge_vm::{
    CallError, Capabilities, Capability, HostError, Instance, Limits, Linker, TrapCode, Value, ValueType,
};

const MAIN: FuncId = FuncId(0);

/// The same load before and behind a host call, in a loop; and a store that the host reads.
const EXCHANGE: &str = "
.memory hidden 1 1
.memory m 1 1 export
.host step = \"env.step\" (i64) -> (i64)

.func main(n: i64) -> (i64) {
    .reg at, i, one, factor, before, behind, hidden, answer, total, more
    const.u64 at, 64
    const.i64 i, 0
    const.i64 one, 1
    const.i64 factor, 31
    const.i64 total, 0
    jmp @loop
@loop:
    i64.lt more, i, n
    br more, @turn, @end
@turn:
    i64.load64 before, m[at + 0]
    i64.store64 m[at + 8], total
    i64.store64 hidden[at + 0], total
    host_call step i -> answer
    i64.load64 behind, m[at + 0]
    i64.load64 hidden, hidden[at + 0]
    i64.mul total, total, factor
    i64.add total, total, before
    i64.mul total, total, factor
    i64.add total, total, behind
    i64.mul total, total, factor
    i64.add total, total, hidden
    i64.xor total, total, answer
    i64.add i, i, one
    jmp @loop
@end:
    ret total
}
";

/// Where the program and the host exchange words: what the host writes, and what it reads.
const HOST: usize = 64;
const PROGRAM: usize = 72;

fn word(bytes: &[u8], at: usize) -> i64 {
    i64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

/// The host's answer, and what it writes, to what the program stored.
fn answer(n: i64, stored: i64) -> i64 {
    stored.wrapping_mul(n + 3) ^ 0x55
}

fn exchanging() -> Linker<MemId> {
    let mut linker = Linker::new();
    let step = |caller: &mut HeapCaller<'_, MemId>, args: &[Value], rets: &mut [Value]| {
        let &[Value::I64(n)] = args else { return Err(HostError::failed("a number is wanted")) };
        let memory = *caller.data();
        let bytes = caller.heap_mut().memory_mut(memory).ok_or(HostError::failed("no memory"))?;
        let value = answer(n, word(bytes, PROGRAM));
        bytes[HOST..HOST + 8].copy_from_slice(&value.to_le_bytes());
        rets.fill(Value::I64(value + 1));
        Ok(())
    };
    linker.func_heap(STEP, Capability::none(), &[ValueType::I64], &[ValueType::I64], step).unwrap();
    linker
}

/// What [`EXCHANGE`] gives, and the word that the host wrote last.
fn expected(n: i64) -> (i64, i64) {
    let (mut total, mut host) = (0_i64, 0_i64);
    for i in 0..n {
        let (before, stored) = (host, total);
        host = answer(i, stored);
        for part in [before, host, stored] {
            total = total.wrapping_mul(31).wrapping_add(part);
        }
        total ^= host.wrapping_add(1);
    }
    (total, host)
}

fn assert_same_bytes(both: &mut Both<MemId>) {
    let [interp, jit] = both
        .instances()
        .map(|instance| instance.heap().all_memories().map(<[u8]>::to_vec).collect::<Vec<_>>());
    assert!(interp == jit, "the bytes differ");
}

#[test]
fn what_the_host_writes_between_two_loads_is_seen() {
    let mut both = Both::new(EXCHANGE, &exchanging(), &Capabilities::none(), || MemId(1));
    for n in [0, 1, 2, 3, 100] {
        both.instances().into_iter().for_each(Instance::clear_memories);
        let (end, _) = both.call(MAIN, &[Value::I64(n)], Limits::new());
        let (total, host) = expected(n);
        assert_eq!(end, End::Values(vec![Value::I64(total)]), "{n}");
        assert_same_bytes(&mut both);
        for instance in both.instances() {
            assert_eq!(word(instance.memory(MemId(1)).unwrap(), HOST), host, "{n}");
        }
    }
}

/// The same, cut short by fuel anywhere: bytes of earlier runs are still there in the next.
#[test]
fn exchanges_that_are_cut_short_leave_the_same_bytes() {
    let mut both = Both::new(EXCHANGE, &exchanging(), &Capabilities::none(), || MemId(1));
    for fuel in 0..120 {
        both.call(MAIN, &[Value::I64(5)], Limits::new().fuel(fuel));
        assert_same_bytes(&mut both);
    }
}

/// A host that has no such memory fails the call, behind stores that stay.
#[test]
fn hosts_do_not_reach_memories_that_are_not_exported() {
    for memory in [MemId(0), MemId(2)] {
        let mut both = Both::new(EXCHANGE, &exchanging(), &Capabilities::none(), || memory);
        let (End::Trapped(trap), _) = both.call(MAIN, &[Value::I64(1)], Limits::new()) else { panic!() };
        assert_eq!(trap.code, TrapCode::HostCallFailed);
        assert_same_bytes(&mut both);
    }
}

/// Memories grow page by page between loads, which moves them; the first word and the last one are summed up.
const GROWTH: &str = "
.memory m 1 40 export
.memory other 0 40

.func main(turns: u64) -> (u64, u64) {
    .reg first, last, page, i, one, other_last, x, y, z, size, total, more
    const.u64 first, 0
    const.u64 last, 65528
    const.u64 other_last, 0
    const.u64 page, 65536
    const.u64 i, 0
    const.u64 one, 1
    const.u64 total, 7
    jmp @loop
@loop:
    u64.lt more, i, turns
    br more, @turn, @end
@turn:
    u64.store64 m[first + 0], total
    u64.store64 m[last + 0], i
    u64.load64 x, m[first + 0]
    mem.grow size, m, one
    u64.load64 y, m[first + 0]
    u64.load64 z, m[last + 0]
    u64.add total, total, x
    u64.rotl total, total, one
    u64.add total, total, y
    u64.xor total, total, z
    mem.grow size, other, one
    u64.store64 other[other_last + 65528], total
    u64.load64 z, m[last + 65536]
    u64.add total, total, z
    u64.load64 z, other[other_last + 65528]
    u64.add total, total, z
    u64.add last, last, page
    u64.add other_last, other_last, page
    u64.add i, i, one
    jmp @loop
@end:
    mem.size size, m
    ret (total, size)
}
";

fn grown(turns: u64) -> u64 {
    let mut total = 7_u64;
    for i in 0..turns {
        let word = total;
        total = (total.wrapping_add(word).rotate_left(1).wrapping_add(word)) ^ i;
        total = total.wrapping_add(total);
    }
    total
}

#[test]
fn memories_that_grow_between_loads_are_found_where_they_are() {
    let mut both = Both::new(GROWTH, &Linker::new(), &Capabilities::none(), || MemId(0));
    for turns in [0, 1, 2, 3, 10, 39] {
        both.instances().into_iter().for_each(Instance::clear_memories);
        let (end, _) = both.call(MAIN, &[Value::U64(turns)], Limits::new());
        assert_eq!(end, End::Values(vec![Value::U64(grown(turns)), Value::U64(turns + 1)]), "{turns}");
        assert_same_bytes(&mut both);
    }
    // The page that there is no room for: growing says so, and the load behind the end traps.
    both.instances().into_iter().for_each(Instance::clear_memories);
    let (End::Trapped(trap), _) = both.call(MAIN, &[Value::U64(40)], Limits::new()) else { panic!() };
    assert_eq!(trap.code, TrapCode::MemOutOfBounds);
    assert_same_bytes(&mut both);
    // The run's limit stops growth at the same page on both.
    for pages in 1..12 {
        both.instances().into_iter().for_each(Instance::clear_memories);
        let limits = Limits::new().memory(pages << 16);
        let (End::Trapped(trap), _) = both.call(MAIN, &[Value::U64(39)], limits) else { panic!() };
        assert_eq!(trap.code, TrapCode::MemoryLimitExceeded);
        assert_same_bytes(&mut both);
    }
}

/// Loads behind a host call that puts another heap in place of the run's.
const SWAPPED: &str = "
.memory m 1 1 export
.host step = \"env.step\" (i64) -> (i64)

.func main(n: i64) -> (i64) {
    .reg at, x
    const.u64 at, 4096
    i64.store64 m[at + 0], n
    host_call step n -> n
    i64.load64 x, m[at + 0]
    i64.add x, x, n
    ret x
}
";

/// A linker whose only function gives its argument back, and first the run's heap to the other instance, which it ends.
fn swapping() -> Linker<Option<Instance<()>>> {
    let mut linker = Linker::new();
    let step = |caller: &mut HeapCaller<'_, Option<Instance<()>>>, args: &[Value], rets: &mut [Value]| {
        if let Some(mut other) = caller.data_mut().take() {
            std::mem::swap(caller.heap_mut(), other.execution(Limits::new()).heap_mut());
        }
        rets.clone_from_slice(args);
        Ok(())
    };
    linker.func_heap(STEP, Capability::none(), &[ValueType::I64], &[ValueType::I64], step).unwrap();
    linker
}

/// A host can swap the heaps of two instances. Native code must not go on with addresses of the one that has gone.
#[test]
fn a_heap_that_the_host_swaps_away_is_not_touched() {
    let [bare, _] = modules(".func main() -> () {\n    ret ()\n}\n");
    let linker = swapping();
    let mut ends = Vec::new();
    for module in modules(SWAPPED) {
        let other = Linker::new().instantiate(&bare, (), &Capabilities::none()).unwrap();
        let mut instance = linker.instantiate(&module, Some(other), &Capabilities::none()).unwrap();
        let (swapped, ..) = observe(&mut instance, MAIN, &[Value::I64(5)], Limits::new());
        let End::Trapped(trap) = &swapped else { panic!("{swapped:?}") };
        assert_eq!(trap.code, TrapCode::HostCallFailed);
        // The next run has a heap of its own again, as a bound function has.
        let (next, ..) = observe(&mut instance, MAIN, &[Value::I64(5)], Limits::new());
        assert_eq!(next, End::Values(vec![Value::I64(10)]));
        assert_eq!(instance.memory(MemId(0)).map(|bytes| word(bytes, 4096)), Some(5));
        ends.push((swapped, next));
    }
    assert_eq!(ends[0], ends[1]);
}

/// Between two slices of a run, too; and a bound function that is called again.
#[test]
fn heaps_may_be_swapped_between_slices_and_calls() {
    let [bare, _] = modules(".func main() -> () {\n    ret ()\n}\n");
    let linker = swapping();
    for module in modules(SWAPPED) {
        let other = || Linker::new().instantiate(&bare, (), &Capabilities::none()).unwrap();
        let mut instance = linker.instantiate(&module, None, &Capabilities::none()).unwrap();
        let mut run = instance.execution(Limits::new());
        run.start(MAIN, &[Value::I64(5)]).unwrap();
        std::mem::swap(run.heap_mut(), other().execution(Limits::new()).heap_mut());
        let end = End::of(run.resume());
        let End::Trapped(trap) = &end else { panic!("{end:?}") };
        assert_eq!(trap.code, TrapCode::MemOutOfBounds);
        // The heap stays away until the next run.
        let main = instance.typed_func::<(i64,), i64>(MAIN).unwrap();
        *instance.data_mut() = Some(other());
        let mut bound = main.bind(&mut instance, &Limits::new()).unwrap();
        assert!(
            matches!(bound.call((5,)), Err(CallError::Trap(trap)) if trap.code == TrapCode::HostCallFailed)
        );
        assert_eq!(bound.call((6,)), Ok(12));
        instance.make_memories(&Limits::new()).unwrap();
        assert_eq!(instance.exported_memory("m"), Some(MemId(0)));
    }
}
