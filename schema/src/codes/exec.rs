//! Codes about running: how instructions are lowered and compiled, and why runs trap.

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
        /// Executes an intrinsic, by the layouts of its row.
        Intrinsic = 18 "intrinsic",
        /// Goes to one of many resolved instruction indices, picked by a register.
        BranchTable = 19 "branch_table",
        /// Direct call with a resolved function, in place of the caller.
        TailCall = 20 "tail_call",
        /// Call through a function reference or closure, in place of the caller.
        TailCallIndirect = 21 "tail_call_indirect",
        /// Reads a number from a linear memory: one semantic function of its bytes.
        Load = 22 "load",
        /// Writes a number to a linear memory: one semantic function that gives its bytes.
        Store = 23 "store",
        /// Works on whole ranges of linear memories: one semantic function of the run's heap.
        Memory = 24 "memory",
        /// Done by the session machine; outside of one it traps.
        Session = 25 "session",
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
        /// One Cranelift instruction that gives a result and whether it overflows, which is the only trap.
        Checked = 7 "checked",
        /// A bounds check, then a load.
        Load = 8 "load",
        /// A bounds check, then a store.
        Store = 9 "store",
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
        /// integer condition `ne`
        IcmpNe = 35 "icmp_ne",
        /// float condition `ne`, true with a NaN
        FcmpNe = 36 "fcmp_ne",
        /// `rotl`
        Rotl = 37 "rotl",
        /// `rotr`
        Rotr = 38 "rotr",
        /// `clz`
        Clz = 39 "clz",
        /// `ctz`
        Ctz = 40 "ctz",
        /// `popcnt`
        Popcnt = 41 "popcnt",
        /// `bnot`
        Bnot = 42 "bnot",
        /// `ineg`
        Ineg = 43 "ineg",
        /// `smulhi`
        Smulhi = 44 "smulhi",
        /// `umulhi`
        Umulhi = 45 "umulhi",
        /// `ireduce` to i8, then `sextend`
        Sextend8 = 46 "sextend8",
        /// `ireduce` to i16, then `sextend`
        Sextend16 = 47 "sextend16",
        /// `ireduce` to i32, then `sextend`
        Sextend32 = 48 "sextend32",
        /// `sqrt`
        Sqrt = 49 "sqrt",
        /// `floor`
        Floor = 50 "floor",
        /// `ceil`
        Ceil = 51 "ceil",
        /// `trunc`
        Trunc = 52 "trunc",
        /// `nearest`
        Nearest = 53 "nearest",
        /// `fcvt_to_sint_sat`
        FcvtToSintSat = 54 "fcvt_to_sint_sat",
        /// `fcvt_to_uint_sat`
        FcvtToUintSat = 55 "fcvt_to_uint_sat",
        /// `iadd` of the low 32 bits, then `sextend`
        Iadd32 = 56 "iadd32",
        /// `isub` of the low 32 bits, then `sextend`
        Isub32 = 57 "isub32",
        /// `imul` of the low 32 bits, then `sextend`
        Imul32 = 58 "imul32",
        /// `ishl` of the low 32 bits, then `sextend`
        Ishl32 = 59 "ishl32",
        /// `sshr` of the low 32 bits, then `sextend`
        Sshr32 = 60 "sshr32",
        /// `ushr` of the low 32 bits, then `sextend`
        Ushr32 = 61 "ushr32",
        /// `rotl` of the low 32 bits, then `sextend`
        Rotl32 = 62 "rotl32",
        /// `rotr` of the low 32 bits, then `sextend`
        Rotr32 = 63 "rotr32",
        /// `clz` of the low 32 bits, then `sextend`
        Clz32 = 64 "clz32",
        /// `ctz` of the low 32 bits, then `sextend`
        Ctz32 = 65 "ctz32",
        /// `popcnt` of the low 32 bits, then `sextend`
        Popcnt32 = 66 "popcnt32",
        /// `sadd_overflow`: leaves on overflow
        SaddOverflow = 67 "sadd_overflow",
        /// `ssub_overflow`: leaves on overflow
        SsubOverflow = 68 "ssub_overflow",
        /// `smul_overflow`: leaves on overflow
        SmulOverflow = 69 "smul_overflow",
        /// `uadd_overflow`: leaves on overflow
        UaddOverflow = 70 "uadd_overflow",
        /// `usub_overflow`: leaves on overflow
        UsubOverflow = 71 "usub_overflow",
        /// `umul_overflow`: leaves on overflow
        UmulOverflow = 72 "umul_overflow",
        /// `load` of an i64
        Load64 = 73 "load64",
        /// `sload8`
        Sload8 = 74 "sload8",
        /// `sload16`
        Sload16 = 75 "sload16",
        /// `sload32`
        Sload32 = 76 "sload32",
        /// `uload8`
        Uload8 = 77 "uload8",
        /// `uload16`
        Uload16 = 78 "uload16",
        /// `uload32`
        Uload32 = 79 "uload32",
        /// `load` of an f64
        LoadF64 = 80 "load_f64",
        /// `load` of an f32, then `fpromote`
        LoadF32 = 81 "load_f32",
        /// `store` of an i64
        Store64 = 82 "store64",
        /// `istore8`
        Istore8 = 83 "istore8",
        /// `istore16`
        Istore16 = 84 "istore16",
        /// `istore32`
        Istore32 = 85 "istore32",
        /// `store` of an f64, a NaN with its canonical bits
        StoreF64 = 86 "store_f64",
        /// `fdemote`, then `store` of an f32, a NaN with its canonical bits
        StoreF32 = 87 "store_f32",
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
        /// The exact result of checked arithmetic does not fit.
        IntOverflow = 20 "IntOverflow",
        /// An intrinsic that is not registered at run time.
        InvalidIntrinsic = 21 "InvalidIntrinsic",
        /// The host function panicked.
        HostPanicked = 22 "HostPanicked",
        /// A range of a linear memory, or of the constant it is filled from, that ends past its end.
        MemOutOfBounds = 23 "MemOutOfBounds",
        /// An endpoint that is not the coroutine's own, or whose session has ended.
        ChannelClosed = 24 "ChannelClosed",
        /// A message that the state of its endpoint does not have.
        TypeViolation = 25 "TypeViolation",
        /// A label that the state of its endpoint does not have.
        UnknownLabel = 26 "UnknownLabel",
        /// A message for which its buffer has no room.
        BufferFull = 27 "BufferFull",
        /// The handler of an effect or of a message failed.
        EffectFailed = 28 "EffectFailed",
        /// A guard that cannot be acquired, or evidence that is not of a guard that is held.
        GuardFault = 29 "GuardFault",
        /// An endpoint that cannot be handed over, or a fact about none.
        TransferFault = 30 "TransferFault",
        /// A speculation that cannot begin or cannot end as asked.
        SpeculationFault = 31 "SpeculationFault",
        /// A session that the coroutine has no right to close.
        CloseFault = 32 "CloseFault",
        /// More sessions than the limit.
        SessionLimitExceeded = 33 "SessionLimitExceeded",
        /// More coroutines than the limit.
        CoroutineLimitExceeded = 34 "CoroutineLimitExceeded",
        /// A session instruction outside of a session machine.
        NoSession = 35 "NoSession",
        /// A replayed run that asks for something else than the recorded one did.
        ReplayDivergence = 36 "ReplayDivergence",
    }
}

impl TrapCode {
    /// Whether it is a trap of session instructions alone.
    #[must_use]
    pub const fn is_session(self) -> bool {
        self.code() >= Self::ChannelClosed.code()
    }
}
