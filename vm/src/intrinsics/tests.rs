//! What only the inside can show: slots beside those of a layout, ids without a function at run time, text.

use super::{IntrinsicCtx, execute_intrinsic};
use crate::heap::Heap;
use crate::ids::{FuncId, IntrinsicId};
use crate::lower::{ExecInstr, lower};
use crate::types::TypeTable;
use crate::verify::{VerifyConfig, verify};
use crate::{
    CallError, Capabilities, Engine, ISA, Intrinsic, Limits, Linker, Module, TrapCode, TrapDetail, Value,
};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

fn heap(limit: u64) -> Heap {
    let types = TypeTable::new(core::iter::empty(), core::iter::empty()).unwrap_or_else(|_| unreachable!());
    Heap::new(Arc::from(&b""[..]), Arc::new(types), limit)
}

#[test]
fn only_the_slots_of_the_layout_are_written() {
    for row in ISA.intrinsics {
        let mut heap = heap(1000);
        let text = heap.alloc_bytes(b"12").expect("room");
        let args: Vec<u64> = row.arg_slots().iter().map(|&tag| if tag == 7 { text } else { 0x3ff }).collect();
        let guard = 0xdead_beef_dead_beef;
        let mut rets = [guard; 16];
        let end = 4 + row.ret_slots().len();
        let done = execute_intrinsic(
            IntrinsicId(row.id.get().into()),
            &args,
            &mut rets[4..end],
            &mut IntrinsicCtx::new(&mut heap),
        );
        let name = row.name.as_str();
        assert_eq!(done, Ok(()), "{name}");
        assert!(
            rets[..4].iter().chain(&rets[end..]).all(|&slot| slot == guard),
            "{name} writes beside its slots"
        );
        assert!(rets[4..end].iter().all(|&slot| slot != guard), "{name} leaves a result out");
    }
}

#[test]
fn wrong_numbers_of_slots_do_no_harm() {
    for row in ISA.intrinsics {
        for (args, rets) in [(0, 0), (1, 0), (0, 1), (16, 8), (20, 20)] {
            let (args, mut rets) = ([7; 20][..args].to_vec(), [0; 20][..rets].to_vec());
            let mut heap = heap(1000);
            let id = IntrinsicId(row.id.get().into());
            let _ = execute_intrinsic(id, &args, &mut rets, &mut IntrinsicCtx::new(&mut heap));
        }
    }
}

#[test]
fn an_id_without_a_function_fails_as_an_intrinsic() {
    for id in [0, 20, 0x7fff, 0x8000, u32::MAX] {
        let done = execute_intrinsic(IntrinsicId(id), &[], &mut [], &mut IntrinsicCtx::new(&mut heap(0)));
        assert_eq!(done, Err(TrapCode::InvalidIntrinsic));
    }
}

/// No program gets there with the VM's own tables, each row of which has a function; so lowered code is changed.
#[test]
fn an_id_without_a_function_traps_with_invalid_intrinsic_at_run_time() {
    let source = ".host h = \"h\" (f64) -> (f64)\n.func main(a: f64) -> (f64) {\n intrinsic math.sin a -> a\n ret a\n}";
    let program = crate::asm::assemble(source).expect("it assembles");
    let verified = verify(program, &VerifyConfig::default()).expect("it verifies");
    for id in [0, 0x8000, u32::MAX] {
        let mut program = lower(&verified, &Engine::default()).expect("it lowers");
        let instr = &mut program.functions[0].instrs[0];
        let ExecInstr::Intrinsic { id: place, .. } = instr else { panic!("no intrinsic: {instr:?}") };
        *place = IntrinsicId(id);
        let module = Module::of_program(program).expect("words");
        let mut linker = Linker::<()>::new();
        let never = |_: &mut crate::Caller<'_, ()>, _: f64| -> f64 { panic!("the host was called") };
        linker.func("h", crate::Capability::none(), never).expect("a function");
        let mut instance = linker.instantiate(&module, (), &Capabilities::none()).expect("it links");
        let Err(CallError::Trap(trap)) = instance.call(FuncId(0), &[Value::F64(1.0)], Limits::new()) else {
            panic!("no trap");
        };
        assert_eq!(
            (trap.code, &trap.detail),
            (TrapCode::InvalidIntrinsic, &TrapDetail::Intrinsic(IntrinsicId(id)))
        );
        let text = alloc::format!("{trap}");
        let wanted = alloc::format!(
            "trap[T021 InvalidIntrinsic]: the intrinsic or opcode cannot be executed: intrinsic {id} is not registered"
        );
        assert!(text.starts_with(&wanted), "{text}");
    }
}

/// Runs an intrinsic over texts; gives its slots and the heap.
fn over(intrinsic: Intrinsic, texts: &[&str], rets: usize) -> (Vec<u64>, Heap) {
    let mut heap = heap(1 << 20);
    let args: Vec<u64> = texts.iter().map(|text| heap.alloc_bytes(text.as_bytes()).expect("room")).collect();
    let mut out = alloc::vec![0; rets];
    let done =
        execute_intrinsic(IntrinsicId(intrinsic.id()), &args, &mut out, &mut IntrinsicCtx::new(&mut heap));
    assert_eq!(done, Ok(()));
    (out, heap)
}

fn text(intrinsic: Intrinsic, of: &str) -> String {
    let (out, heap) = over(intrinsic, &[of], 1);
    heap.text(out[0]).into()
}

#[test]
fn find_and_split_are_those_of_rust() {
    let texts = ["", "a", "aa", "abab", "b", "na\u{ef}ve", "\u{ef}", "\u{1f600}x\u{1f600}", "xyz=1=2"];
    for all in texts {
        for part in ["", "a", "ab", "b", "ba", "=", "\u{ef}", "\u{1f600}", "zz"] {
            let (found, _) = over(Intrinsic::TextFind, &[all, part], 2);
            let wanted = all.find(part);
            assert_eq!(found, [u64::from(wanted.is_some()), wanted.unwrap_or(0) as u64], "{all:?} {part:?}");
            let (split, heap) = over(Intrinsic::TextSplitOnce, &[all, part], 3);
            let (before, behind) = all.split_once(part).unwrap_or((all, ""));
            assert_eq!((split[0], heap.text(split[1]), heap.text(split[2])), (found[0], before, behind));
            assert_eq!(
                over(Intrinsic::TextStartsWith, &[all, part], 1).0,
                [u64::from(all.starts_with(part))]
            );
            assert_eq!(over(Intrinsic::TextEndsWith, &[all, part], 1).0, [u64::from(all.ends_with(part))]);
        }
    }
}

#[test]
fn white_space_and_case_are_those_of_ascii() {
    for (of, wanted) in [
        ("", ""),
        (" \t\r\n\x0c", ""),
        (" a b ", "a b"),
        ("\u{a0}a\u{2003}", "\u{a0}a\u{2003}"),
        ("\x0ba", "\x0ba"),
    ] {
        assert_eq!(text(Intrinsic::TextTrim, of), wanted);
    }
    let mixed = "aZ\u{e4}\u{c4}\u{130}\u{df}@[`{";
    assert_eq!(text(Intrinsic::TextToUpperAscii, mixed), "AZ\u{e4}\u{c4}\u{130}\u{df}@[`{");
    assert_eq!(text(Intrinsic::TextToLowerAscii, mixed), "az\u{e4}\u{c4}\u{130}\u{df}@[`{");
}

#[test]
fn numbers_are_written_shortest_and_read_to_the_nearest() {
    let write = |x: f64| {
        let mut heap = heap(100);
        let mut out = [0];
        let id = IntrinsicId(Intrinsic::TextFromF64.id());
        execute_intrinsic(id, &[x.to_bits()], &mut out, &mut IntrinsicCtx::new(&mut heap)).expect("room");
        String::from(heap.text(out[0]))
    };
    for (x, wanted) in [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (0.1, "0.1"),
        (1e16, "1e16"),
        (123456789012345680.0, "1.2345678901234568e17"),
        (1e15, "1000000000000000.0"),
        (0.0001, "0.0001"),
        (0.00001, "1e-5"),
        (5e-324, "5e-324"),
        (-f64::MAX, "-1.7976931348623157e308"),
        (f64::INFINITY, "inf"),
        (f64::NEG_INFINITY, "-inf"),
        (f64::NAN, "NaN"),
    ] {
        assert_eq!(write(x), wanted);
        let (read, _) = over(Intrinsic::TextParseF64, &[wanted], 2);
        let back = f64::from_bits(read[1]);
        assert_eq!(read[0], 1);
        assert!(back.to_bits() == x.to_bits() || back.is_nan() && x.is_nan(), "{wanted}");
    }
    // Halfway between two numbers, to even; a digit far behind decides.
    let half = "9007199254740993";
    let above = "9007199254740993.00000000000000000000000000000000000000001";
    for (of, wanted) in
        [(half, 9007199254740992.0f64), (above, 9007199254740994.0), ("2.4703282292062327e-324", 0.0)]
    {
        assert_eq!(over(Intrinsic::TextParseF64, &[of], 2).0, [1, wanted.to_bits()], "{of}");
    }
    for (of, wanted) in
        [("infinity", f64::INFINITY), ("-INF", f64::NEG_INFINITY), ("1.", 1.0), (".5", 0.5), ("+1E2", 100.0)]
    {
        assert_eq!(over(Intrinsic::TextParseF64, &[of], 2).0, [1, wanted.to_bits()], "{of}");
    }
    for of in ["", ".", "e5", "1e", "1 ", " 1", "0x10", "1_0", "--1", "1e5.0", "\u{661}"] {
        assert_eq!(over(Intrinsic::TextParseF64, &[of], 2).0, [0, 0], "{of:?}");
        assert_eq!(over(Intrinsic::TextParseI64, &[of], 2).0, [0, 0], "{of:?}");
    }
    for (of, wanted) in [("+0", 0), ("-0", 0), ("007", 7), ("-9223372036854775808", i64::MIN)] {
        assert_eq!(over(Intrinsic::TextParseI64, &[of], 2).0, [1, wanted as u64], "{of}");
    }
}
