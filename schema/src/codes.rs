//! The closed sets of codes that table rows may hold.
//!
//! A row stores a code as one byte; the enum here gives it a meaning and a name. Codes are part of the table
//! format: they are appended, never renumbered. `0` is always the neutral code.

/// Declares an enum with explicit byte codes, its spec name, and the conversions both ways.
macro_rules! code_enum {
    ($(#[$meta:meta])* $name:ident, $what:literal {
        $($(#[$vmeta:meta])* $variant:ident = $code:literal $text:literal,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$vmeta])* $variant = $code,)* }

        impl $name {
            /// What one of these is called in messages, such as "operand kind".
            pub const WHAT: &'static str = $what;
            /// Every code, in code order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The value with this code, or `None` if no such code exists.
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }

            /// The byte that stands for this value in a table row.
            #[must_use]
            pub const fn code(self) -> u8 { self as u8 }

            /// The name used in the spec.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The Rust name of the variant, as generated literals spell it.
            #[must_use]
            pub const fn ident(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant),)* }
            }

            /// The value with this spec name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

mod exec;
mod typestate;

pub use exec::{Clif, Form, JitClass, Lower, TrapCode};
pub use typestate::{SessionOperand, Typestate};

code_enum! {
    /// What an operand is, and which index space it refers to.
    OperandKind, "operand kind" {
        /// No operand in this place.
        None = 0 "none",
        /// One register index.
        Reg = 1 "reg",
        /// A counted list of register indices.
        RegList = 2 "reg_list",
        /// A branch target: absolute byte offset in the function's code.
        Pc = 3 "pc",
        /// A boolean immediate.
        ImmBool = 4 "imm_bool",
        /// An unsigned 8-bit immediate.
        ImmU8 = 5 "imm_u8",
        /// An unsigned 32-bit immediate.
        ImmU32 = 6 "imm_u32",
        /// A signed 64-bit immediate.
        ImmI64 = 7 "imm_i64",
        /// An unsigned 64-bit immediate.
        ImmU64 = 8 "imm_u64",
        /// The bits of a binary64 immediate.
        ImmF64 = 9 "imm_f64",
        /// An index into the constant pool.
        ConstId = 10 "const_id",
        /// An index into the function table.
        FuncId = 11 "func_id",
        /// An index into the host signature table.
        HostSigId = 12 "host_sig_id",
        /// An index into the call signature table.
        CallSigId = 13 "call_sig_id",
        /// An index into the struct type table.
        TypeId = 14 "type_id",
        /// An index into the array element type table.
        ElemTypeId = 15 "elem_type_id",
        /// A [`Rounding`] mode.
        Rounding = 16 "rounding",
        /// A counted list of branch targets.
        PcList = 17 "pc_list",
        /// The id of an intrinsic, a row of the intrinsic table.
        IntrinsicId = 18 "intrinsic_id",
        /// A linear memory of the program.
        MemId = 19 "mem_id",
        /// A message label of the program's protocols.
        LabelId = 20 "label_id",
        /// A counted list of message labels.
        LabelList = 21 "label_list",
        /// A session shape of the program.
        ShapeId = 22 "shape_id",
        /// An effect of the program.
        EffectId = 23 "effect_id",
        /// A guard layer of the program.
        LayerId = 24 "layer_id",
        /// One register index, or none.
        RegOpt = 25 "reg_opt",
    }
}

code_enum! {
    /// How an operand is written in bytecode.
    Encoding, "encoding" {
        /// No bytes.
        None = 0 "none",
        /// Unsigned LEB128, at most 32 bits; written with the fewest bytes.
        Uleb32 = 1 "uleb32",
        /// Unsigned LEB128, at most 32 bits; always written with five bytes so that it can be patched in place.
        Uleb32Wide = 2 "uleb32_wide",
        /// Unsigned LEB128, at most 64 bits.
        Uleb64 = 3 "uleb64",
        /// Signed LEB128, at most 64 bits.
        Sleb64 = 4 "sleb64",
        /// One byte.
        U8 = 5 "u8",
        /// One byte that must be 0 or 1.
        Bool8 = 6 "bool8",
        /// Eight bytes, little-endian.
        U64Le = 7 "u64_le",
        /// A `uleb32` count, then that many `uleb32` values.
        Uleb32List = 8 "uleb32_list",
        /// One byte that must be the code of a [`Rounding`] mode.
        Rounding8 = 9 "rounding8",
        /// A `uleb32` count, then that many values as `uleb32_wide`.
        Uleb32WideList = 10 "uleb32_wide_list",
        /// A `uleb32` that is 0 for nothing, else one more than the value.
        Uleb32Opt = 11 "uleb32_opt",
    }
}

code_enum! {
    /// How a decimal that cannot be kept exactly is rounded. Codes and names are those of bytecode and of text.
    Rounding, "rounding mode" {
        /// Toward zero.
        Trunc = 0 "trunc",
        /// Toward minus infinity.
        Floor = 1 "floor",
        /// Toward plus infinity.
        Ceil = 2 "ceil",
        /// To the nearest; halves to the even neighbour.
        HalfEven = 3 "half_even",
        /// To the nearest; halves away from zero.
        HalfUp = 4 "half_up",
    }
}

code_enum! {
    /// Whether an instruction reads or writes the registers an operand names.
    Access, "access" {
        /// The operand names no register.
        None = 0 "none",
        /// The registers are read.
        Read = 1 "read",
        /// The registers are written.
        Write = 2 "write",
    }
}

code_enum! {
    /// The type an operand's registers must have (read) or are given (write). `arg` of the operand row
    /// names the operand a rule refers to, by position.
    TypeRule, "type rule" {
        /// Not a register operand.
        None = 0 "none",
        /// The effect token: always register 0, of class unit.
        Effect = 1 "effect",
        /// Class unit.
        Unit = 2 "unit",
        /// Class bool.
        Bool = 3 "bool",
        /// Class i64.
        I64 = 4 "i64",
        /// Class u64.
        U64 = 5 "u64",
        /// Class f64.
        F64 = 6 "f64",
        /// Class decimal.
        Decimal = 7 "decimal",
        /// Class bytes.
        Bytes = 8 "bytes",
        /// Class str.
        Str = 9 "str",
        /// An aggregate of any shape.
        Agg = 10 "agg",
        /// A function reference.
        Func = 11 "func",
        /// A closure.
        Closure = 12 "closure",
        /// Any type at all.
        Any = 13 "any",
        /// The type of operand `arg`.
        Same = 14 "same",
        /// Written: the type of pool constant `arg`.
        ConstOf = 15 "const",
        /// A list: the parameter types of the function, signature or effect, or the argument slots of the intrinsic,
        /// that operand `arg` names.
        ParamsOf = 16 "params",
        /// A list: the result types of the function, signature or effect, or the result slots of the intrinsic, that
        /// operand `arg` names. An effect has at most one result, which an optional register can take.
        ResultsOf = 17 "results",
        /// A list: the result types of the function the instruction stands in.
        OwnResults = 18 "own_results",
        /// A function reference or a closure.
        Callee = 19 "callee",
        /// Written: a tuple of the types in list `arg`.
        TupleOf = 20 "tuple_of",
        /// Written: the struct type that operand `arg` names.
        StructOf = 21 "struct_of",
        /// Written: an array of the element type that operand `arg` names.
        ArrayOf = 22 "array_of",
        /// A list: the field types of struct type `arg`, as many as there are fields.
        FieldsOf = 23 "fields_of",
        /// A list of any length: each of element type `arg`.
        ElemsOf = 24 "elems_of",
        /// Read: an aggregate whose shape, where known, is a tuple.
        Tuple = 25 "tuple",
        /// Read: an aggregate whose shape, where known, is a struct.
        Struct = 26 "struct",
        /// Read: an aggregate whose shape, where known, is an array.
        Array = 27 "array",
        /// Written: the type of the element of tuple, struct or array `arg` at the instruction's index
        /// operand. The shape of `arg` must be known.
        ElementOf = 28 "element_of",
        /// An endpoint of a session, in any state of its protocol.
        Chan = 29 "chan",
        /// Proof that a guard is held.
        Evidence = 30 "evidence",
        /// A reference to a coroutine.
        Coro = 31 "coro",
        /// Read: an aggregate whose shape is known to be a tuple of an `epid` and a `str`.
        Fact = 32 "fact",
        /// Read: the payload of the message that is sent on endpoint `arg`. Written: the payload of the message that
        /// is received there; in a list, one entry for each label.
        Message = 33 "message",
        /// Written: a list of one endpoint for each role of the session shape that operand `arg` names.
        ChansOf = 34 "chans",
    }
}

code_enum! {
    /// How an instruction ends a basic block.
    Term, "terminator" {
        /// Control goes to the next instruction.
        None = 0 "none",
        /// Control goes to one of the `pc` operands, or one of a `pc_list`.
        Branch = 1 "branch",
        /// The function returns.
        Return = 2 "return",
        /// The run ends with a trap.
        Trap = 3 "trap",
        /// The frame is replaced with that of a callee, which returns in its place.
        TailCall = 4 "tailcall",
        /// The coroutine ends.
        Halt = 5 "halt",
    }
}

code_enum! {
    /// The instruction family: names the file that holds its semantics in every stage.
    Family, "family" {
        /// No family.
        None = 0 "none",
        /// `nop`, `mov`, `trap`, `select`.
        Core = 1 "core",
        /// Constants.
        Const = 2 "const",
        /// 64-bit integers.
        Int = 3 "int",
        /// Binary64 floats.
        Float = 4 "float",
        /// Booleans.
        Bool = 5 "bool",
        /// Decimals.
        Decimal = 6 "decimal",
        /// Branches and jumps.
        Control = 7 "control",
        /// Calls, returns, closures and host calls.
        Call = 8 "call",
        /// Tuples, structs and arrays.
        Agg = 9 "agg",
        /// Byte strings and text.
        Text = 10 "text",
        /// Conversions between classes.
        Cast = 11 "cast",
        /// Functions that the VM owns.
        Intrinsic = 12 "intrinsic",
        /// Linear memories.
        Memory = 13 "memory",
        /// Sessions, coroutines, guards and speculation.
        Session = 14 "session",
    }
}

code_enum! {
    /// A check across operands, beyond what kinds and types say. `a` is the operand it is about, `b` another
    /// operand or a bound.
    Rule, "rule" {
        /// No rule.
        None = 0 "none",
        /// Register operand `a` must be register 0 (the effect token).
        RegIsR0 = 1 "reg_is_r0",
        /// List `a` must have as many entries as its type rule has types.
        ListLenEq = 2 "list_len_eq",
        /// Immediate `a` must be below `b`.
        ImmLt = 3 "imm_lt",
        /// Registers `a` and `b` must have one type.
        SameType = 4 "same_type",
        /// Immediate index `a` must be within the known shape of aggregate `b`.
        IndexInShape = 5 "index_in_shape",
        /// The function or signature that operand `a` names must have the result types of the function that the
        /// instruction stands in.
        ResultsAreOwn = 6 "results_are_own",
        /// Constant `a` must be bytes or text.
        ConstIsData = 7 "const_is_data",
    }
}

code_enum! {
    /// A hand-written verifier check that an instruction needs beyond its kinds, types and rules.
    Hook, "hook" {
        /// None.
        None = 0 "none",
    }
}

impl Encoding {
    /// The fewest bytes that are read as an operand in this encoding. A wide operand is written with five, but
    /// any form that holds its value is read.
    #[must_use]
    pub const fn min_len(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Uleb32
            | Self::Uleb32Wide
            | Self::Uleb64
            | Self::Sleb64
            | Self::U8
            | Self::Bool8
            | Self::Rounding8
            | Self::Uleb32List
            | Self::Uleb32WideList
            | Self::Uleb32Opt => 1,
            Self::U64Le => 8,
        }
    }

    /// Whether an operand in this encoding is a counted list.
    #[must_use]
    pub const fn is_list(self) -> bool {
        matches!(self, Self::Uleb32List | Self::Uleb32WideList)
    }
}

impl OperandKind {
    /// The encoding in which operands of this kind are written.
    #[must_use]
    pub const fn encoding(self) -> Encoding {
        match self {
            Self::None => Encoding::None,
            Self::RegList | Self::LabelList => Encoding::Uleb32List,
            Self::RegOpt => Encoding::Uleb32Opt,
            Self::Pc => Encoding::Uleb32Wide,
            Self::PcList => Encoding::Uleb32WideList,
            Self::ImmBool => Encoding::Bool8,
            Self::ImmU8 => Encoding::U8,
            Self::ImmI64 => Encoding::Sleb64,
            Self::ImmU64 => Encoding::Uleb64,
            Self::ImmF64 => Encoding::U64Le,
            Self::Rounding => Encoding::Rounding8,
            Self::Reg
            | Self::ImmU32
            | Self::ConstId
            | Self::FuncId
            | Self::HostSigId
            | Self::CallSigId
            | Self::TypeId
            | Self::ElemTypeId
            | Self::IntrinsicId
            | Self::MemId
            | Self::LabelId
            | Self::ShapeId
            | Self::EffectId
            | Self::LayerId => Encoding::Uleb32,
        }
    }

    /// Whether operands of this kind name registers.
    #[must_use]
    pub const fn is_register(self) -> bool {
        matches!(self, Self::Reg | Self::RegList | Self::RegOpt)
    }

    /// Whether operands of this kind name places that control may go to.
    #[must_use]
    pub const fn is_target(self) -> bool {
        matches!(self, Self::Pc | Self::PcList)
    }

    /// Whether operands of this kind hold an immediate value.
    #[must_use]
    pub const fn is_immediate(self) -> bool {
        matches!(
            self,
            Self::ImmBool
                | Self::ImmU8
                | Self::ImmU32
                | Self::ImmI64
                | Self::ImmU64
                | Self::ImmF64
                | Self::Rounding
        )
    }
}

impl TypeRule {
    /// Whether the rule refers to another operand.
    #[must_use]
    pub const fn takes_operand(self) -> bool {
        matches!(
            self,
            Self::Same
                | Self::ConstOf
                | Self::ParamsOf
                | Self::ResultsOf
                | Self::TupleOf
                | Self::StructOf
                | Self::ArrayOf
                | Self::FieldsOf
                | Self::ElemsOf
                | Self::ElementOf
                | Self::Message
                | Self::ChansOf
        )
    }

    /// Whether the rule may refer to an operand of this kind. False for rules that refer to none.
    #[must_use]
    pub const fn may_refer_to(self, kind: OperandKind) -> bool {
        use OperandKind as K;
        match self {
            Self::Same | Self::ElementOf | Self::Message => matches!(kind, K::Reg),
            Self::ChansOf => matches!(kind, K::ShapeId),
            Self::ConstOf => matches!(kind, K::ConstId),
            Self::ParamsOf | Self::ResultsOf => {
                matches!(kind, K::FuncId | K::HostSigId | K::CallSigId | K::IntrinsicId | K::EffectId)
            }
            Self::TupleOf => matches!(kind, K::RegList),
            Self::StructOf | Self::FieldsOf => matches!(kind, K::TypeId),
            Self::ArrayOf | Self::ElemsOf => matches!(kind, K::ElemTypeId),
            _ => false,
        }
    }
}

impl Rule {
    /// Whether `b` of the rule is an operand position; else it is a bound or unused.
    #[must_use]
    pub const fn takes_second_operand(self) -> bool {
        matches!(self, Self::SameType | Self::IndexInShape)
    }

    /// Whether `b` of the rule is a number.
    #[must_use]
    pub const fn takes_bound(self) -> bool {
        matches!(self, Self::ImmLt)
    }
}
