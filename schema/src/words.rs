//! What rows say, in words for people: the page of opcodes and the tools say the same because both ask here. Names of
//! operands stand in backquotes. Never decides anything: only codes and rows, in more words. Behind feature `docs`.

use crate::{
    Access, Encoding, OpRow, OperandKind, OperandRow, Rule, RuleRow, Term, TypeRule, Typestate, op_flags,
};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// What a row says of an opcode. Operands are called by the names given to [`OpFacts::new`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpFacts {
    /// How it is written, mnemonic first: `i64.add dst, a, b`.
    pub text: String,
    /// Its bytes: the opcode in hex, then each operand with its encoding.
    pub bytes: String,
    /// Each operand with its kind, and the class of the registers it names.
    pub operands: Vec<String>,
    /// The rules across operands that the verifier checks.
    pub verified: Vec<String>,
    /// How it ends its block; empty if it does not.
    pub ends_block: &'static str,
    /// What it does to registers that are used exactly once; empty if it takes none.
    pub typestate: &'static str,
    /// Its effects beyond its result; `none` if it has none.
    pub effects: Vec<&'static str>,
    /// What it costs by the default schedule.
    pub fuel: String,
}

impl OpFacts {
    /// The facts of row `didx`, whose text template and operand names are these. An operand without a name is called
    /// by its position.
    #[must_use]
    pub fn new(didx: u16, row: &OpRow, mnemonic: &str, template: &[u8], names: &[&str]) -> Self {
        let names = Names(names);
        let mut text = String::from(mnemonic);
        text.push_str(if template.is_empty() { "" } else { " " });
        for &byte in template {
            match byte {
                0..0x80 => text.push(char::from(byte)),
                _ => text.push_str(&names.plain(byte & 0x7f)),
            }
        }
        let mut bytes = match didx.to_be_bytes() {
            [0, byte] => format!("{byte:02x}"),
            [page, byte] => format!("fc {page:02x} {byte:02x}"),
        };
        let rows = || (0..).zip(row.operands());
        for (at, operand) in rows() {
            bytes += &format!(" {}:{}", names.plain(at), operand.enc().name());
        }
        Self {
            text,
            bytes,
            operands: rows().map(|(at, operand)| names.operand(at, operand)).collect(),
            verified: row.rules().map(|rule| names.rule(rule)).collect(),
            ends_block: term(row.term()),
            typestate: typestate(row.typestate()),
            effects: effects(row.flags.get()),
            fuel: names.fuel(row),
        }
    }
}

/// Names of operands by position.
struct Names<'n>(&'n [&'n str]);

impl Names<'_> {
    fn plain(&self, at: u8) -> String {
        self.0.get(usize::from(at)).map_or_else(|| format!("operand {at}"), ToString::to_string)
    }

    fn quoted(&self, at: u8) -> String {
        format!("`{}`", self.plain(at))
    }

    fn operand(&self, at: u8, operand: &OperandRow) -> String {
        let kind = operand.kind().name();
        let access = match operand.access() {
            Access::None => return format!("{} ({kind})", self.quoted(at)),
            Access::Read => "reads",
            Access::Write => "writes",
        };
        format!("{} ({kind}), {access} {}", self.quoted(at), self.class(operand))
    }

    /// The class of an operand's registers.
    fn class(&self, operand: &OperandRow) -> String {
        let arg = || self.quoted(operand.arg);
        let ty = operand.ty();
        match ty {
            TypeRule::None => "nothing".to_string(),
            TypeRule::Effect => "the effect token, always r0".to_string(),
            TypeRule::Unit
            | TypeRule::Bool
            | TypeRule::I64
            | TypeRule::U64
            | TypeRule::F64
            | TypeRule::Decimal
            | TypeRule::Bytes
            | TypeRule::Str
            | TypeRule::Func
            | TypeRule::Closure
            | TypeRule::Chan
            | TypeRule::Evidence
            | TypeRule::Coro => ty.name().to_string(),
            TypeRule::Agg => "agg of any shape".to_string(),
            TypeRule::Any => "any class".to_string(),
            TypeRule::Same => format!("the type of {}", arg()),
            TypeRule::ConstOf => format!("the type of constant {}", arg()),
            TypeRule::ParamsOf => format!("the parameter types of {}", arg()),
            TypeRule::ResultsOf => format!("the result types of {}", arg()),
            TypeRule::OwnResults => "the result types of the function it stands in".to_string(),
            TypeRule::Callee => "func or closure".to_string(),
            TypeRule::TupleOf => format!("agg, a tuple of the types in {}", arg()),
            TypeRule::StructOf => format!("agg, a struct of type {}", arg()),
            TypeRule::ArrayOf => format!("agg, an array of element type {}", arg()),
            TypeRule::FieldsOf => format!("the field types of {}", arg()),
            TypeRule::ElemsOf => format!("any number of element type {}", arg()),
            TypeRule::Tuple => "agg, a tuple".to_string(),
            TypeRule::Struct => "agg, a struct".to_string(),
            TypeRule::Array => "agg, an array".to_string(),
            TypeRule::Fact => "agg, a tuple of an epid and a str".to_string(),
            TypeRule::Message => format!("the payload type of the message on {}", arg()),
            TypeRule::ChansOf => format!("one chan for each role of {}", arg()),
            TypeRule::ElementOf => format!("the type of the element of {} at the index", arg()),
        }
    }

    /// A rule across operands.
    fn rule(&self, used: &RuleRow) -> String {
        let a = self.quoted(used.a);
        match used.rule() {
            Rule::None => String::new(),
            Rule::RegIsR0 => format!("{a} is r0"),
            Rule::ListLenEq => format!("{a} has one register for each type"),
            Rule::ImmLt => format!("{a} is below {}", used.b),
            Rule::SameType => format!("{a} and {} have one type", self.quoted(used.b)),
            Rule::IndexInShape => format!("{a} is within the known shape of {}", self.quoted(used.b)),
            Rule::ResultsAreOwn => format!("the results of {a} are those of the function it stands in"),
            Rule::ConstIsData => format!("{a} is bytes or text"),
        }
    }

    fn fuel(&self, row: &OpRow) -> String {
        if row.fuel_shift == 0 {
            return row.fuel.to_string();
        }
        let counted = (0..8).filter(|at| row.fuel_operands >> at & 1 == 1);
        let of: Vec<String> = counted.clone().map(|at| self.quoted(at)).collect();
        let bytes = 1u64.checked_shl(row.fuel_shift.into()).unwrap_or(0);
        let is_length = |at: u8| row.operands().get(usize::from(at)).is_some_and(|o| o.ty() == TypeRule::U64);
        let (unit, most) = match counted.clone().any(is_length) {
            true => ("of ", ", which counts up to the size of the memory"),
            false => ("bytes of ", ""),
        };
        format!("{}, and 1 more for every {bytes} {unit}{}{most}", row.fuel, of.join(" and "))
    }
}

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
        Encoding::Uleb32Opt => "0 for nothing, else one more than the number, as `uleb32`",
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
        OperandKind::MemId => "an index into the table of linear memories",
        OperandKind::LabelId => "an index into the table of message labels",
        OperandKind::LabelList => "a list of indices into the table of message labels",
        OperandKind::ShapeId => "an index into the table of session shapes",
        OperandKind::EffectId => "an index into the table of effects",
        OperandKind::LayerId => "an index into the table of guard layers",
        OperandKind::RegOpt => "a register, or `-` for none",
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
        Term::Halt => "ends the coroutine",
    }
}

/// What an opcode does to the states of linear registers, which are used exactly once; empty if it takes none.
#[must_use]
pub const fn typestate(rule: Typestate) -> &'static str {
    match rule {
        Typestate::None => "",
        Typestate::Move => "what is linear moves, and the register it was read from is empty",
        Typestate::Call => "linear arguments move to the callee, linear results from it",
        Typestate::TailCall => "linear arguments move to the callee, and nothing linear is left",
        Typestate::Return => "linear results move to the caller, and nothing linear is left",
        Typestate::Send => "the endpoint sends in its state, which has one message; it is then in the next",
        Typestate::Receive => {
            "the endpoint receives in its state, which has one message; it is then in the next"
        }
        Typestate::Offer => {
            "the endpoint sends in its state, which has the label; it is then in that label's next"
        }
        Typestate::Choose => {
            "the endpoint receives in its state, whose labels are those listed; at each target it is in that label's next"
        }
        Typestate::Open => "each endpoint is in the first state of its role",
        Typestate::Close => "takes the endpoint, and all others of its session in the function",
        Typestate::Effect => "in a speculation, only effects that may be undone",
        Typestate::Acquire => "makes evidence of the layer; not in a speculation",
        Typestate::Release => "takes evidence of the layer; not in a speculation",
        Typestate::Fork => "begins a speculation: all registers are remembered",
        Typestate::Join => "ends the innermost speculation; there must be one",
        Typestate::Abort => {
            "ends the innermost speculation: all registers are again as before it; there must be one"
        }
        Typestate::Transfer => "takes the endpoint; not in a speculation",
        Typestate::Spawn => "linear arguments move to the coroutine; not in a speculation",
        Typestate::Halt => "all endpoints are at their end, no evidence is left, and there is no speculation",
        Typestate::Yield | Typestate::Tag | Typestate::Check => "none changes",
    }
}

/// The effects that [`op_flags`] name, beyond a result; `none` if there are none.
#[must_use]
pub fn effects(flags: u16) -> Vec<&'static str> {
    const WORDS: [(u16, &str); 7] = [
        (op_flags::PURE, "none (pure)"),
        (op_flags::ALLOC, "allocates"),
        (op_flags::MEM_READ, "reads the heap"),
        (op_flags::MEM_WRITE, "writes memory"),
        (op_flags::CALL_LIKE, "calls"),
        (op_flags::HOST, "enters the host"),
        (op_flags::SUSPENDS, "may suspend"),
    ];
    let mut found: Vec<&str> =
        WORDS.iter().filter(|(flag, _)| flags & flag == *flag).map(|&(_, word)| word).collect();
    if found.is_empty() {
        found.push("none");
    }
    found
}
