//! The spec as checked values: what the parser fills in, the lints look at and the emitters write from.
//! Operands are referred to by position; every value that a lint may complain about knows its place.

use crate::source::{At, Span};
use opforge_schema::{
    Access, Clif, Encoding, Family, Form, Hook, JitClass, Lower, OperandKind, Rule, Term, TrapCode, TypeRule,
    Typestate, op_flags,
};

/// The whole spec.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Name of the instruction set.
    pub isa: String,
    /// Raised with every breaking change.
    pub isa_version: u32,
    /// Page of the VM's opcodes.
    pub page: At<u8>,
    /// What an embedder adds, if anybody does: its opcodes, types and intrinsics are in the lists with the VM's.
    pub overlay: Option<Overlay>,
    /// Most bytes that all blobs together may take.
    pub tables_max_bytes: At<u32>,
    /// Where the list of reserved ranges begins.
    pub reserved_at: Span,
    /// Byte ranges that hold no opcode, each for a reason.
    pub reserved: Vec<Reserved>,
    /// Ids that were used once.
    pub retired: Vec<Retired>,
    /// Opcodes in byte order.
    pub ops: Vec<Op>,
    /// Register classes in tag order.
    pub classes: Vec<Class>,
    /// Logical types.
    pub types: Vec<LogicalType>,
    /// Intrinsics by id.
    pub intrinsics: Vec<Intrinsic>,
    /// Intrinsic ids that were used once.
    pub retired_intrinsics: Vec<Retired>,
    /// The session family and its events.
    pub session: Session,
    /// Path and digest of each spec file.
    pub files: Vec<(String, String)>,
}

/// The root of an overlay spec: rows that an embedder adds to an instruction set.
#[derive(Clone, Debug)]
pub struct Overlay {
    /// Its name, which the generated items are called after.
    pub name: At<String>,
    /// Raised with every breaking change of its own rows.
    pub version: u32,
    /// Page of its opcodes.
    pub page: At<u8>,
    /// Opcode ids of its own that were used once.
    pub retired: Vec<Retired>,
    /// Intrinsic ids of its own that were used once.
    pub retired_intrinsics: Vec<Retired>,
}

/// Who owns a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The VM.
    Vm,
    /// An embedder, by an overlay spec.
    Embedder,
}

/// A range of bytes without opcodes.
#[derive(Clone, Debug)]
pub struct Reserved {
    /// First byte.
    pub from: At<u8>,
    /// Last byte.
    pub to: At<u8>,
    /// Why there is no opcode.
    pub reason: String,
}

/// An opcode that was removed.
#[derive(Clone, Debug)]
pub struct Retired {
    /// Its id.
    pub id: At<u16>,
    /// Its name.
    pub name: At<String>,
}

/// An opcode.
#[derive(Clone, Debug)]
pub struct Op {
    /// Where its object begins.
    pub at: Span,
    /// Who owns it.
    pub owner: Owner,
    /// Page.
    pub page: u8,
    /// Opcode byte.
    pub byte: At<u8>,
    /// Stable id.
    pub id: At<u16>,
    /// Variant name.
    pub name: At<String>,
    /// Name in text.
    pub mnemonic: At<String>,
    /// More names in text.
    pub aliases: Vec<At<String>>,
    /// First container minor version.
    pub since: u8,
    /// Family.
    pub family: Family,
    /// What it does, in a sentence or two.
    pub doc: At<String>,
    /// Operands in encoding order.
    pub operands: Vec<Operand>,
    /// Text template of the spec, if not the default.
    pub text: Option<At<String>>,
    /// How it ends a block.
    pub term: At<Term>,
    /// Effects.
    pub effects: Vec<At<Effect>>,
    /// Traps in checking order.
    pub traps: Vec<At<TrapCode>>,
    /// Fuel.
    pub fuel: Fuel,
    /// Cross-operand rules.
    pub rules: Vec<RuleUse>,
    /// Hand-written verifier check.
    pub hook: Hook,
    /// What it does to the states of linear registers.
    pub typestate: At<Typestate>,
    /// Lowering.
    pub lower: At<Lower>,
    /// What it fuses with: [`fuse_flags`](opforge_schema::fuse_flags) bits.
    pub fuse: u8,
    /// Semantic function, as module and function.
    pub sem: Option<At<(String, String)>>,
    /// JIT class.
    pub jit: At<JitClass>,
    /// Cranelift opcode.
    pub clif: Clif,
    /// The WebAssembly twin, and where semantics deviate from it.
    pub wasm: Option<(String, Option<String>)>,
    /// Examples.
    pub examples: Vec<Example>,
    /// Something in it was wrong: only its names are of use to later checks.
    pub damaged: bool,
    /// Operand form; set by the lints.
    pub form: Form,
}

/// An operand.
#[derive(Clone, Debug)]
pub struct Operand {
    /// Name.
    pub name: At<String>,
    /// Kind.
    pub kind: OperandKind,
    /// Encoding.
    pub enc: Encoding,
    /// Access.
    pub access: Access,
    /// Type rule.
    pub ty: TypeRule,
    /// The operand that the type rule refers to.
    pub arg: Option<u8>,
    /// Where the type, or else the operand, stands.
    pub ty_at: Span,
}

/// What an instruction costs.
#[derive(Clone, Debug)]
pub struct Fuel {
    /// Units charged every time.
    pub base: u16,
    /// One more unit for every `1 << shift` bytes; 0 for none.
    pub shift: u8,
    /// Positions of the operands whose bytes count.
    pub of: Vec<u8>,
}

/// A cross-operand rule.
#[derive(Clone, Debug)]
pub struct RuleUse {
    /// Which rule.
    pub rule: At<Rule>,
    /// The operand it is about.
    pub a: u8,
    /// A second operand or a bound.
    pub b: u8,
}

/// An example: one instruction as text and bytes, and what it does.
#[derive(Clone, Debug)]
pub struct Example {
    /// One line of assembler.
    pub text: At<String>,
    /// Its bytes.
    pub bytes: At<Vec<u8>>,
    /// Input values and what comes out, as compact JSON.
    pub json: String,
    /// The trap it ends in, if it traps.
    pub trap: Option<At<TrapCode>>,
    /// Class names of the input values.
    pub inputs: Vec<At<String>>,
    /// Class names of the output values.
    pub outputs: Vec<At<String>>,
}

/// A function that the VM owns.
#[derive(Clone, Debug)]
pub struct Intrinsic {
    /// Where its object begins.
    pub at: Span,
    /// Who owns it.
    pub owner: Owner,
    /// Stable id.
    pub id: At<u16>,
    /// Name in text.
    pub name: At<String>,
    /// First container minor version.
    pub since: u8,
    /// What it computes.
    pub doc: At<String>,
    /// Arguments.
    pub args: Vec<Param>,
    /// Type names of the results.
    pub rets: Vec<At<String>>,
    /// Slots that the arguments are stated to take.
    pub arg_slots: At<u8>,
    /// Slots that the results are stated to take.
    pub ret_slots: At<u8>,
    /// Effects.
    pub effects: Vec<At<Effect>>,
    /// Traps in checking order.
    pub traps: Vec<At<TrapCode>>,
    /// Fuel charged every time.
    pub fuel: u16,
    /// One more unit for every `1 << shift` bytes of the arguments; 0 for none.
    pub fuel_shift: u8,
    /// The function, as module and function.
    pub sem: Option<At<(String, String)>>,
    /// Examples.
    pub examples: Vec<IntrinsicExample>,
    /// Something in it was wrong: only its id and name are of use to later checks.
    pub damaged: bool,
    /// Arguments and results, flattened; set by the lints.
    pub layout: Vec<Vec<Entry>>,
}

/// An argument of an intrinsic.
#[derive(Clone, Debug)]
pub struct Param {
    /// Name.
    pub name: At<String>,
    /// Type name.
    pub ty: At<String>,
}

/// An entry of a layout, resolved.
#[derive(Clone, Debug)]
pub struct Entry {
    /// As rows hold it: see [`layout`](opforge_schema::layout).
    pub code: u8,
    /// Class tags of its slots.
    pub slots: Vec<u8>,
    /// Whether a slot holds text or bytes, which have a size.
    pub sized: bool,
}

/// An example of an intrinsic.
#[derive(Clone, Debug)]
pub struct IntrinsicExample {
    /// Where it begins.
    pub at: Span,
    /// Values in and out, or the trap, as compact JSON.
    pub json: String,
    /// Class names of the argument slots.
    pub inputs: Vec<At<String>>,
    /// Class names of the result slots; `None` for a trap.
    pub outputs: Option<Vec<At<String>>>,
    /// The trap it ends in, if it traps.
    pub trap: Option<At<TrapCode>>,
}

impl Intrinsic {
    /// The name of its variant in `Intrinsic`: `Vec2LengthSquared` of `vec2.length_squared`.
    #[must_use]
    pub fn variant(&self) -> String {
        let mut out = String::new();
        for part in self.name.v.split(['.', '_']) {
            let mut chars = part.chars();
            out.extend(chars.next().map(|c| c.to_ascii_uppercase()));
            out.push_str(chars.as_str());
        }
        out
    }

    /// The flags of its row.
    #[must_use]
    pub fn flags(&self) -> u16 {
        self.effects.iter().fold(0, |bits, e| bits | e.v.flag().0)
    }
}

/// An effect of an instruction beyond its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// None but its result.
    Pure,
    /// Allocates.
    Alloc,
    /// Reads the heap.
    MemRead,
    /// Writes memory.
    MemWrite,
    /// Enters a function.
    Call,
    /// Enters the host.
    Host,
    /// May suspend.
    Suspends,
}

impl Effect {
    /// Each effect with its spec name.
    pub const ALL: &'static [(Self, &'static str)] = &[
        (Self::Pure, "pure"),
        (Self::Alloc, "alloc"),
        (Self::MemRead, "mem_read"),
        (Self::MemWrite, "mem_write"),
        (Self::Call, "call"),
        (Self::Host, "host"),
        (Self::Suspends, "suspends"),
    ];

    /// The flag of the op row, and its name in `op_flags`.
    #[must_use]
    pub fn flag(self) -> (u16, &'static str) {
        match self {
            Self::Pure => (op_flags::PURE, "PURE"),
            Self::Alloc => (op_flags::ALLOC, "ALLOC"),
            Self::MemRead => (op_flags::MEM_READ, "MEM_READ"),
            Self::MemWrite => (op_flags::MEM_WRITE, "MEM_WRITE"),
            Self::Call => (op_flags::CALL_LIKE, "CALL_LIKE"),
            Self::Host => (op_flags::HOST, "HOST"),
            Self::Suspends => (op_flags::SUSPENDS, "SUSPENDS"),
        }
    }
}

/// A register class.
#[derive(Clone, Debug)]
pub struct Class {
    /// Name.
    pub name: At<String>,
    /// Tag in containers.
    pub tag: u8,
    /// 64-bit slots.
    pub slots: u8,
    /// Whether slots refer to the heap.
    pub heap: bool,
    /// Whether a value is used exactly once.
    pub linear: bool,
    /// The type rule of the same name.
    pub rule: TypeRule,
}

/// What `session.json` says.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// Where the family table begins.
    pub family_at: Option<Span>,
    /// The instructions of the family, in order.
    pub family: Vec<FamilyName>,
    /// What a run of sessions reports, in order.
    pub events: Vec<Event>,
}

/// An instruction of the session family, by the name it has there.
#[derive(Clone, Debug)]
pub struct FamilyName {
    /// Its name.
    pub name: At<String>,
    /// What it is about.
    pub group: At<String>,
    /// Mnemonics of the opcodes that it is.
    pub opcodes: Vec<At<String>>,
}

/// Something that a run of sessions reports.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its name.
    pub name: At<String>,
    /// What it tells, in order, besides its tick.
    pub fields: Vec<At<String>>,
    /// When it happens.
    pub doc: At<String>,
}

/// A logical type.
#[derive(Clone, Debug)]
pub struct LogicalType {
    /// Name.
    pub name: At<String>,
    /// Class tags of its slots, nested types flattened.
    pub slots: Vec<u8>,
}

impl Op {
    /// Position in the op table.
    #[must_use]
    pub fn didx(&self) -> u16 {
        u16::from(self.page) << 8 | u16::from(self.byte.v)
    }

    /// Whether all of these fuse flags are set.
    #[must_use]
    pub fn fuses(&self, flags: u8) -> bool {
        self.fuse & flags == flags
    }

    /// Whether it has the effect.
    #[must_use]
    pub fn has(&self, effect: Effect) -> bool {
        self.effects.iter().any(|e| e.v == effect)
    }

    /// The text template as a row holds it: `0x80 | n` for operand `n`, other bytes for themselves.
    ///
    /// # Errors
    /// The name in braces that is not an operand, or the template itself if a brace is not closed.
    pub fn template(&self) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        let Some(text) = &self.text else {
            for (i, _) in self.operands.iter().enumerate().filter(|(_, o)| o.ty != TypeRule::Effect) {
                if !out.is_empty() {
                    out.extend_from_slice(b", ");
                }
                out.push(0x80 | i as u8);
            }
            return Ok(out);
        };
        let mut rest = text.v.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or_else(|| text.v.clone())?;
            let at = self.operands.iter().position(|o| o.name.v == name).ok_or_else(|| name.to_owned())?;
            out.extend_from_slice(before.as_bytes());
            out.push(0x80 | at as u8);
            rest = after;
        }
        out.extend_from_slice(rest.as_bytes());
        Ok(out)
    }
}
