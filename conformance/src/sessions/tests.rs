//! What becomes of the code of a case.

use super::case::{Body, Case, Run};
use super::program::Built;
use opforge::ids::{FuncId, InstrIx};
use opforge::verify::{VerifyConfig, verify};
use serde_json::{Value as Json, json};

fn run(local: Json, programs: Json, more: Json) -> Run {
    let mut case =
        json!({ "name": "x", "kind": "run", "protocol": { "local": local }, "programs": programs });
    case["verifier"] = json!("accept");
    case["expect"] = json!({ "status": [], "events": [], "ticks": [] });
    for (name, value) in more.as_object().unwrap() {
        case[name.as_str()] = value.clone();
    }
    let file = json!({ "schema": "opforge.session-cases/1", "cases": [case] });
    match Case::from_file(&file.to_string()).unwrap().remove(0).body {
        Body::Run(run) => *run,
        other => panic!("{other:?}"),
    }
}

/// The instructions of function `func`, as the disassembler shows them without what stands around them.
fn code(built: &Built, func: u32) -> Vec<String> {
    let verified =
        verify(built.program.clone(), &VerifyConfig::new()).unwrap_or_else(|report| panic!("{report}"));
    let code = verified.function(FuncId(func)).unwrap().code();
    let names = code.instrs().iter().map(|instr| opforge::ISA.name(instr.didx).to_owned());
    names.collect()
}

#[test]
fn one_instruction_each_in_one_piece() {
    let send = json!({ "send": "B", "branches": [["m", "nat", "end"]] });
    let recv = json!({ "recv": "A", "branches": [["m", "nat", "end"]] });
    let built = Built::new(&run(
        json!({ "A": send, "B": recv }),
        json!({
            "A": [{ "op": "set", "dst": 1, "val": 7 }, { "op": "send", "chan": 0, "val": 1 }, { "op": "halt" }],
            "B": "compile",
        }),
        json!({}),
    ))
    .unwrap();
    assert_eq!(code(&built, 0), ["const.u64", "send", "halt"]);
    assert_eq!(code(&built, 1), ["receive", "invoke", "halt"]);
    // Before `send` the register is there, at the start it holds unit.
    let at =
        |ix| built.registers(FuncId(0), InstrIx(ix)).unwrap().iter().map(|&(reg, _)| reg).collect::<Vec<_>>();
    assert_eq!((at(0), at(1)), (vec![0], vec![0, 1]));
}

/// A loop that is come to with unit in a register, then with a number: written twice, without an instruction more on
/// either way.
#[test]
fn code_is_written_once_for_each_class() {
    let built = Built::new(&run(
        json!({ "A": "end" }),
        json!({ "A": [{ "op": "yield" }, { "op": "set", "dst": 1, "val": 7 }, { "op": "jump", "target": 0 }] }),
        json!({}),
    ))
    .unwrap();
    let once = ["yield", "const.u64", "jmp"];
    assert_eq!(code(&built, 0), [once, once].concat());
}

/// What runs on into a target is written for itself: blocks of the VM end in a jump.
#[test]
fn nothing_runs_on_into_a_target() {
    let built = Built::new(&run(
        json!({ "A": "end" }),
        json!({ "A": [{ "op": "yield" }, { "op": "yield" }, { "op": "jump", "target": 1 }] }),
        json!({}),
    ))
    .unwrap();
    assert_eq!(code(&built, 0), ["yield", "yield", "jmp", "yield", "jmp"]);
}

#[test]
fn what_is_spawned_is_a_function_for_each_kind_of_arguments() {
    let built = Built::new(&run(
        json!({ "A": "end" }),
        json!({ "A": [
            { "op": "set", "dst": 1, "val": 7 }, { "op": "spawn", "target": 5, "args": [1] },
            { "op": "set", "dst": 1, "val": "x" }, { "op": "spawn", "target": 5, "args": [1] },
            { "op": "halt" },
            { "op": "move", "dst": 3, "src": 0 }, { "op": "halt" },
        ] }),
        json!({}),
    ))
    .unwrap();
    assert_eq!(built.program.functions().len(), 3);
    assert_eq!(built.program.func_sig(FuncId(1)).unwrap().params, [opforge::ValueType::U64]);
    assert_eq!(built.program.func_sig(FuncId(2)).unwrap().params, [opforge::ValueType::Str]);
}

#[test]
fn what_cannot_be_written_says_so() {
    let a =
        |code: Json| Built::new(&run(json!({ "A": "end" }), json!({ "A": code }), json!({}))).unwrap_err();
    for (code, why) in [
        (json!([{ "op": "yield" }]), "A: control comes to pc 1, where there is no code"),
        (json!([{ "op": "jump", "target": 9 }]), "control comes to pc 9, where there is no code"),
        (json!([{ "op": "set", "dst": 16, "val": 1 }, { "op": "halt" }]), "there is no register 16"),
        (json!([{ "op": "close", "session": 1 }, { "op": "halt" }]), "does not take for an endpoint"),
        (
            json!([{ "op": "transfer", "endpoint": 0, "target": 1, "bundle": 2 }, { "op": "halt" }]),
            "register 1 holds Unit, which names no coroutine of the VM",
        ),
    ] {
        let error = a(code);
        assert!(error.contains(why), "{error}");
    }
}
