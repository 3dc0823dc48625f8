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
        /// A list: the parameter types of the function or signature that operand `arg` names.
        ParamsOf = 16 "params",
        /// A list: the result types of the function or signature that operand `arg` names.
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
    }
}

code_enum! {
    /// How an instruction ends a basic block.
    Term, "terminator" {
        /// Control goes to the next instruction.
        None = 0 "none",
        /// Control goes to one of the `pc` operands.
        Branch = 1 "branch",
        /// The function returns.
        Return = 2 "return",
        /// The run ends with a trap.
        Trap = 3 "trap",
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
    }
}

code_enum! {
    /// How an instruction is lowered to `ExecInstr`.
    Lower, "lowering" {
        /// Nothing is executed: the instruction only costs fuel.
        Nop = 0 "nop",
        /// One semantic function over slots and immediates; see [`Form`].
        Direct = 1 "direct",
        /// Copies one register, by its slot width.
        Move = 2 "move",
        /// Picks one of two registers, by their slot width.
        Select = 3 "select",
        /// Writes an immediate, by its slot width.
        Const = 4 "const",
        /// Writes a pool constant: resolved to an immediate or to interned data.
        PoolConst = 5 "pool_const",
        /// Ends the run with the immediate code.
        Trap = 6 "trap",
        /// Unconditional jump to a resolved instruction index.
        Jump = 7 "jump",
        /// Two-way branch to resolved instruction indices.
        Branch = 8 "branch",
        /// Direct call with a resolved function.
        Call = 9 "call",
        /// Call through a function reference or closure.
        CallIndirect = 10 "call_indirect",
        /// Call of a linked host function.
        HostCall = 11 "host_call",
        /// Return to the caller.
        Return = 12 "return",
        /// Pairs a function reference with an environment.
        ClosureNew = 13 "closure_new",
        /// Allocates an aggregate from a register list.
        AggNew = 14 "agg_new",
        /// Reads an aggregate element at an immediate index.
        AggGetImm = 15 "agg_get_imm",
        /// Reads an aggregate element at an index held in a register.
        AggGet = 16 "agg_get",
        /// Counts the elements of an aggregate of a given kind.
        AggLen = 17 "agg_len",
    }
}

code_enum! {
    /// The operand form of a [`Lower::Direct`] instruction; derived from its operands by tablegen.
    /// `Heap` forms pass the run's heap to the semantic function as first argument.
    Form, "form" {
        /// Not a direct instruction.
        None = 0 "none",
        /// `dst = f(a)`.
        Unary = 1 "unary",
        /// `dst = f(a, b)`.
        Binary = 2 "binary",
        /// `dst = f(a, b, c)`.
        Ternary = 3 "ternary",
        /// `dst = f(a, imm)`.
        UnaryImm = 4 "unary_imm",
        /// `dst = f(heap, a)`.
        HeapUnary = 5 "heap_unary",
        /// `dst = f(heap, a, b)`.
        HeapBinary = 6 "heap_binary",
        /// `dst = f(heap, a, b, c)`.
        HeapTernary = 7 "heap_ternary",
        /// `dst = f(heap, a, imm)`.
        HeapUnaryImm = 8 "heap_unary_imm",
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
    }
}

code_enum! {
    /// What the JIT does with an instruction.
    JitClass, "JIT class" {
        /// A hand-written arm.
        Arm = 0 "arm",
        /// A call of the shared semantic function.
        Call = 1 "call",
        /// One Cranelift instruction with two operands.
        Binary = 2 "binary",
        /// One Cranelift instruction with one operand.
        Unary = 3 "unary",
        /// `icmp` or `fcmp` with a condition code.
        Compare = 4 "compare",
        /// A conversion between register classes.
        Convert = 5 "convert",
        /// `select`.
        Select = 6 "select",
    }
}

code_enum! {
    /// The Cranelift opcode or condition code behind a [`JitClass`].
    Clif, "CLIF opcode" {
        /// None.
        None = 0 "none",
        /// `iadd`
        Iadd = 1 "iadd",
        /// `isub`
        Isub = 2 "isub",
        /// `imul`
        Imul = 3 "imul",
        /// `band`
        Band = 4 "band",
        /// `bor`
        Bor = 5 "bor",
        /// `bxor`
        Bxor = 6 "bxor",
        /// `ishl`
        Ishl = 7 "ishl",
        /// `sshr`
        Sshr = 8 "sshr",
        /// `ushr`
        Ushr = 9 "ushr",
        /// `fadd`
        Fadd = 10 "fadd",
        /// `fsub`
        Fsub = 11 "fsub",
        /// `fmul`
        Fmul = 12 "fmul",
        /// `fdiv`
        Fdiv = 13 "fdiv",
        /// `fneg`
        Fneg = 14 "fneg",
        /// `fabs`
        Fabs = 15 "fabs",
        /// `bxor_not` against one: boolean inverse
        BoolNot = 16 "bool_not",
        /// integer condition `eq`
        IcmpEq = 17 "icmp_eq",
        /// integer condition `slt`
        IcmpSlt = 18 "icmp_slt",
        /// integer condition `sle`
        IcmpSle = 19 "icmp_sle",
        /// integer condition `sgt`
        IcmpSgt = 20 "icmp_sgt",
        /// integer condition `sge`
        IcmpSge = 21 "icmp_sge",
        /// integer condition `ult`
        IcmpUlt = 22 "icmp_ult",
        /// integer condition `ule`
        IcmpUle = 23 "icmp_ule",
        /// integer condition `ugt`
        IcmpUgt = 24 "icmp_ugt",
        /// integer condition `uge`
        IcmpUge = 25 "icmp_uge",
        /// float condition `eq`
        FcmpEq = 26 "fcmp_eq",
        /// float condition `lt`
        FcmpLt = 27 "fcmp_lt",
        /// float condition `le`
        FcmpLe = 28 "fcmp_le",
        /// float condition `gt`
        FcmpGt = 29 "fcmp_gt",
        /// float condition `ge`
        FcmpGe = 30 "fcmp_ge",
        /// `fcvt_from_sint`
        FcvtFromSint = 31 "fcvt_from_sint",
        /// `fcvt_from_uint`
        FcvtFromUint = 32 "fcvt_from_uint",
        /// `bitcast` from i64 to f64
        BitcastToF64 = 33 "bitcast_to_f64",
        /// `select`
        Select = 34 "select",
    }
}

code_enum! {
    /// Why a run trapped. The numbers are stable and shown to users.
    TrapCode, "trap" {
        /// No trap.
        None = 0 "None",
        /// Fuel ran out before the instruction.
        FuelExceeded = 1 "FuelExceeded",
        /// A call went deeper than the limit.
        CallDepthExceeded = 2 "CallDepthExceeded",
        /// More host calls than the limit.
        HostCallLimitExceeded = 3 "HostCallLimitExceeded",
        /// An allocation would go over the run's memory limit.
        MemoryLimitExceeded = 4 "MemoryLimitExceeded",
        /// The program's own `trap` instruction.
        TrapCode = 5 "TrapCode",
        /// Division or remainder by zero.
        DivByZero = 6 "DivByZero",
        /// The quotient does not fit.
        IntDivOverflow = 7 "IntDivOverflow",
        /// The number does not fit the target integer.
        IntCastOverflow = 8 "IntCastOverflow",
        /// NaN, an infinity, or exactly one past the range converted to an integer.
        FloatToIntInvalid = 9 "FloatToIntInvalid",
        /// Decimals of different or unsuitable scale.
        DecimalScaleMismatch = 10 "DecimalScaleMismatch",
        /// A decimal result does not fit.
        DecimalOverflow = 11 "DecimalOverflow",
        /// An index or range outside bytes or text.
        IndexOutOfBounds = 12 "IndexOutOfBounds",
        /// A text slice inside a character.
        StrNotCharBoundary = 13 "StrNotCharBoundary",
        /// Bytes that are not UTF-8.
        InvalidUtf8 = 14 "InvalidUtf8",
        /// An aggregate of the wrong kind or size, or a handle that does not resolve.
        AggError = 15 "AggError",
        /// An indirect callee with another number of parameters or results.
        ArityMismatch = 16 "ArityMismatch",
        /// A value of another type than the signature or shape says.
        TypeMismatch = 17 "TypeMismatch",
        /// The host function failed.
        HostCallFailed = 18 "HostCallFailed",
        /// A function value that names no function.
        InvalidFunction = 19 "InvalidFunction",
        /// The host function panicked.
        HostPanicked = 25 "HostPanicked",
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
            | Self::Uleb32List => 1,
            Self::U64Le => 8,
        }
    }
}

impl OperandKind {
    /// The encoding in which operands of this kind are written.
    #[must_use]
    pub const fn encoding(self) -> Encoding {
        match self {
            Self::None => Encoding::None,
            Self::RegList => Encoding::Uleb32List,
            Self::Pc => Encoding::Uleb32Wide,
            Self::ImmBool => Encoding::Bool8,
            Self::ImmU8 => Encoding::U8,
            Self::ImmI64 => Encoding::Sleb64,
            Self::ImmU64 => Encoding::Uleb64,
            Self::ImmF64 => Encoding::U64Le,
            Self::Reg
            | Self::ImmU32
            | Self::ConstId
            | Self::FuncId
            | Self::HostSigId
            | Self::CallSigId
            | Self::TypeId
            | Self::ElemTypeId => Encoding::Uleb32,
        }
    }

    /// Whether operands of this kind name registers.
    #[must_use]
    pub const fn is_register(self) -> bool {
        matches!(self, Self::Reg | Self::RegList)
    }

    /// Whether operands of this kind hold an immediate value.
    #[must_use]
    pub const fn is_immediate(self) -> bool {
        matches!(
            self,
            Self::ImmBool | Self::ImmU8 | Self::ImmU32 | Self::ImmI64 | Self::ImmU64 | Self::ImmF64
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
        )
    }

    /// Whether the rule may refer to an operand of this kind. False for rules that refer to none.
    #[must_use]
    pub const fn may_refer_to(self, kind: OperandKind) -> bool {
        use OperandKind as K;
        match self {
            Self::Same | Self::ElementOf => matches!(kind, K::Reg),
            Self::ConstOf => matches!(kind, K::ConstId),
            Self::ParamsOf | Self::ResultsOf => matches!(kind, K::FuncId | K::HostSigId | K::CallSigId),
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
