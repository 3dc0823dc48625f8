//! What codes of rows mean, in words, for pages that people read. Never decides anything: only the names of
//! `schema/src/codes.rs` in more words.

use crate::model::{Effect, Fuel, Op, Operand, RuleUse};
use opforge_schema::{Encoding, OperandKind, Rule, Term, TypeRule};

/// How an operand in this encoding is written.
#[must_use]
pub const fn encoding(enc: Encoding) -> &'static str {
    match enc {
        Encoding::None => "no bytes",
        Encoding::Uleb32 => "unsigned LEB128 below 2^32, written with the fewest bytes",
        Encoding::Uleb32Wide => {
            "unsigned LEB128 below 2^32, written with five bytes so that it can be patched in place"
        }
        Encoding::Uleb64 => "unsigned LEB128 below 2^64, written with the fewest bytes",
        Encoding::Sleb64 => "signed LEB128 of 64 bits, written with the fewest bytes",
        Encoding::U8 => "one byte",
        Encoding::Bool8 => "one byte that must be 0 or 1",
        Encoding::U64Le => "eight bytes, little-endian",
        Encoding::Uleb32List => "a `uleb32` count, then that many `uleb32`",
        Encoding::Rounding8 => "one byte, the code of a rounding mode",
        Encoding::Uleb32WideList => "a `uleb32` count, then that many `uleb32_wide`",
    }
}

/// What an operand of this kind is.
#[must_use]
pub const fn kind(kind: OperandKind) -> &'static str {
    match kind {
        OperandKind::None => "nothing",
        OperandKind::Reg => "a register",
        OperandKind::RegList => "a list of registers",
        OperandKind::Pc => "a branch target: the byte offset of an instruction in the function's code",
        OperandKind::ImmBool => "a truth value",
        OperandKind::ImmU8 => "an unsigned 8-bit number",
        OperandKind::ImmU32 => "an unsigned 32-bit number",
        OperandKind::ImmI64 => "a signed 64-bit number",
        OperandKind::ImmU64 => "an unsigned 64-bit number",
        OperandKind::ImmF64 => "the bits of a binary64 number",
        OperandKind::ConstId => "an index into the constant pool",
        OperandKind::FuncId => "an index into the function table",
        OperandKind::HostSigId => "an index into the table of host signatures",
        OperandKind::CallSigId => "an index into the table of call signatures",
        OperandKind::TypeId => "an index into the table of struct types",
        OperandKind::ElemTypeId => "an index into the table of array element types",
        OperandKind::Rounding => "a rounding mode: trunc 0, floor 1, ceil 2, half_even 3, half_up 4",
        OperandKind::PcList => "a list of branch targets",
        OperandKind::IntrinsicId => "the id of an intrinsic (see INTRINSICS.md)",
    }
}

/// The class of an operand's registers.
#[must_use]
pub fn class(op: &Op, o: &Operand) -> String {
    let arg = || name(op, o.arg.unwrap_or(0));
    match o.ty {
        TypeRule::None => "nothing".to_owned(),
        TypeRule::Effect => "the effect token, always r0".to_owned(),
        TypeRule::Unit
        | TypeRule::Bool
        | TypeRule::I64
        | TypeRule::U64
        | TypeRule::F64
        | TypeRule::Decimal
        | TypeRule::Bytes
        | TypeRule::Str
        | TypeRule::Func
        | TypeRule::Closure => o.ty.name().to_owned(),
        TypeRule::Agg => "agg of any shape".to_owned(),
        TypeRule::Any => "any class".to_owned(),
        TypeRule::Same => format!("the type of {}", arg()),
        TypeRule::ConstOf => format!("the type of constant {}", arg()),
        TypeRule::ParamsOf => format!("the parameter types of {}", arg()),
        TypeRule::ResultsOf => format!("the result types of {}", arg()),
        TypeRule::OwnResults => "the result types of the function it stands in".to_owned(),
        TypeRule::Callee => "func or closure".to_owned(),
        TypeRule::TupleOf => format!("agg, a tuple of the types in {}", arg()),
        TypeRule::StructOf => format!("agg, a struct of type {}", arg()),
        TypeRule::ArrayOf => format!("agg, an array of element type {}", arg()),
        TypeRule::FieldsOf => format!("the field types of {}", arg()),
        TypeRule::ElemsOf => format!("any number of element type {}", arg()),
        TypeRule::Tuple => "agg, a tuple".to_owned(),
        TypeRule::Struct => "agg, a struct".to_owned(),
        TypeRule::Array => "agg, an array".to_owned(),
        TypeRule::ElementOf => format!("the type of the element of {} at the index", arg()),
    }
}

/// A rule across operands.
#[must_use]
pub fn rule(op: &Op, used: &RuleUse) -> String {
    let (a, b) = (name(op, used.a), name(op, used.b));
    match used.rule.v {
        Rule::None => String::new(),
        Rule::RegIsR0 => format!("{a} is r0"),
        Rule::ListLenEq => format!("{a} has one register for each type"),
        Rule::ImmLt => format!("{a} is below {}", used.b),
        Rule::SameType => format!("{a} and {b} have one type"),
        Rule::IndexInShape => format!("{a} is within the known shape of {b}"),
        Rule::ResultsAreOwn => format!("the results of {a} are those of the function it stands in"),
    }
}

/// How an opcode ends its block; empty if it does not.
#[must_use]
pub const fn term(term: Term) -> &'static str {
    match term {
        Term::None => "",
        Term::Branch => "goes to one of its targets, never on",
        Term::Return => "returns",
        Term::Trap => "traps",
        Term::TailCall => "returns what its callee returns",
    }
}

/// An effect beyond the result.
#[must_use]
pub const fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Pure => "none (pure)",
        Effect::Alloc => "allocates",
        Effect::MemRead => "reads the heap",
        Effect::MemWrite => "writes memory",
        Effect::Call => "calls",
        Effect::Host => "enters the host",
        Effect::Suspends => "may suspend",
    }
}

/// The cost by the default schedule.
#[must_use]
pub fn fuel(op: &Op, fuel: &Fuel) -> String {
    if fuel.shift == 0 {
        return fuel.base.to_string();
    }
    let of: Vec<String> = fuel.of.iter().map(|&i| name(op, i)).collect();
    format!("{}, and 1 more for every {} bytes of {}", fuel.base, 1u64 << fuel.shift, of.join(" and "))
}

/// An operand's name.
fn name(op: &Op, position: u8) -> String {
    op.operands
        .get(usize::from(position))
        .map_or_else(|| format!("operand {position}"), |o| format!("`{}`", o.name.v))
}
