//! The session family: its names, its opcodes, and what their rows promise those who follow them.

use opforge_schema::{Family, Lower, OperandKind, Term, TrapCode, Typestate, op_flags};
use opforge_tables::{ISA, Opcode, SESSION_EVENTS, SESSION_FAMILY};

/// The instructions of the machine that the family was first described for, by what they are about.
const NAMES: &str = "send receive offer choose / open close / invoke acquire release / fork join abort / \
                     transfer tag check / set move jump spawn yield halt";

#[test]
fn the_family_has_the_21_instructions_in_their_order() {
    let names: Vec<&str> = NAMES.split_whitespace().filter(|word| *word != "/").collect();
    assert_eq!(SESSION_FAMILY.map(|(name, _)| name).to_vec(), names);
    assert_eq!(SESSION_FAMILY.len(), 21);
}

#[test]
fn each_instruction_is_an_opcode_that_its_name_finds() {
    let mut own: Vec<Opcode> = Vec::new();
    for (name, opcodes) in SESSION_FAMILY {
        match opcodes {
            [] => panic!("{name} is no opcode"),
            // One opcode has the name, or has it as an alias.
            [op] => assert_eq!(ISA.find(name), Some(op.didx()), "{name}"),
            several => {
                assert_eq!((name, ISA.find(name)), ("set", None));
                assert!(several.iter().all(|op| op.row().family() == Family::Const));
            }
        }
        own.extend(opcodes.iter().copied().filter(|op| op.row().lower() == Lower::Session));
    }
    let set = |op: &&Opcode| op.row().family() == Family::Const;
    let (_, opcodes) = SESSION_FAMILY.iter().find(|(name, _)| *name == "set").expect("it is there");
    assert!(Opcode::ALL.iter().filter(set).eq(opcodes.iter()), "a constant is left out");
    own.sort_unstable();
    assert!(Opcode::ALL.iter().filter(|op| op.row().family() == Family::Session).eq(&own));
}

#[test]
fn rows_suspend_end_blocks_and_trap_as_the_instruction_list_says() {
    let suspending = ["send", "receive", "offer", "choose", "invoke", "acquire", "join", "yield", "halt"];
    for op in Opcode::ALL.iter().filter(|op| op.row().lower() == Lower::Session) {
        let (row, name) = (op.row(), op.mnemonic());
        assert_eq!(row.has(op_flags::SUSPENDS), suspending.contains(&name), "{name}");
        assert!(row.has(op_flags::CALL_LIKE) && row.traps_with(TrapCode::NoSession), "{name}");
        let term = match name {
            "choose" => Term::Branch,
            "halt" => Term::Halt,
            _ => Term::None,
        };
        assert_eq!((row.term(), row.fuel.get(), row.since), (term, 1, 128), "{name}");
        assert!(row.typestate().is_session(), "{name}");
        assert_eq!(row.operands().len(), row.typestate().session_operands().len());
        let alone = Opcode::ALL.iter().filter(|other| other.row().typestate() == row.typestate()).count();
        assert_eq!(alone, 1, "{name}: two opcodes of one typestate rule");
    }
    assert!(Opcode::Open.row().traps_with(TrapCode::SessionLimitExceeded), "a trap with a code above 31");
    assert!(!Opcode::Open.row().traps_with(TrapCode::from_code(1).expect("a trap")));
}

#[test]
fn other_rows_that_take_linear_registers_say_so() {
    let plain = |op: &&Opcode| {
        let rule = op.row().typestate();
        rule != Typestate::None && !rule.is_session()
    };
    let found: Vec<(&str, Typestate)> =
        Opcode::ALL.iter().filter(plain).map(|op| (op.mnemonic(), op.row().typestate())).collect();
    let wanted = [
        ("mov", Typestate::Move),
        ("ret_call", Typestate::TailCall),
        ("call", Typestate::Call),
        ("ret", Typestate::Return),
    ];
    assert_eq!(found, wanted);
    let session_traps =
        |op: &&Opcode| TrapCode::ALL.iter().any(|t| t.is_session() && op.row().traps_with(*t));
    assert!(Opcode::ALL.iter().filter(session_traps).all(|op| op.row().lower() == Lower::Session));
}

#[test]
fn linear_classes_are_endpoints_and_evidence() {
    let linear: Vec<&str> = ISA.classes.iter().filter(|c| c.linear()).map(|c| c.as_str()).collect();
    assert_eq!(linear, ["chan", "evidence"]);
    for name in ["chan", "evidence", "coro", "epid"] {
        let class = ISA.classes.iter().find(|class| class.as_str() == name).expect("a class");
        assert_eq!((class.slots, class.heap()), (1, false), "{name}");
    }
}

#[test]
fn optional_registers_stand_in_session_rows_alone() {
    for op in Opcode::ALL {
        let optional = op.row().operands().iter().any(|o| o.kind() == OperandKind::RegOpt);
        assert!(!optional || op.row().lower() == Lower::Session, "{op}");
    }
}

#[test]
fn events_have_names_of_their_own() {
    let mut names: Vec<&str> = SESSION_EVENTS.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), SESSION_EVENTS.len());
    for wanted in ["opened", "sent", "received", "halted", "failed"] {
        assert!(names.contains(&wanted), "{wanted}");
    }
}
