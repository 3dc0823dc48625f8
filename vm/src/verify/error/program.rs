//! What can be wrong with a program apart from sessions.

/// Hands the kinds of this file on to those of sessions.
macro_rules! program_kinds {
    () => {
        session_kinds! {
    /// A host signature names a symbol that does not exist, or has no types.
    "V0101" HostSigMalformed {
        /// The host signature.
        host_sig: HostSigId,
    } "{host_sig} names a symbol or types that do not exist", "write the symbol and its types first";

    /// The declared hash of a host signature is not the hash of its types.
    "V0102" HostSigHashMismatch {
        /// The host signature.
        host_sig: HostSigId,
        /// The hash in the container.
        declared: u64,
        /// The hash of the types.
        computed: u64,
    } "{host_sig} declares hash {declared:#018x}, its types hash to {computed:#018x}",
      "recompute the hash from the parameter and result types";

    /// A call signature has no types.
    "V0103" CallSigMalformed {
        /// The call signature.
        call_sig: CallSigId,
    } "{call_sig} has no result types list", "write both type lists of every call signature";

    /// Pages of a linear memory that make no sense.
    "V0104" MemoryPages {
        /// The memory.
        memory: MemId,
        /// Its least pages.
        min: u32,
        /// Its most pages.
        max: u32,
    } "{memory} has {min} pages at first and {max} at most", "declare no more pages at first than at most, and at most 65536";

    /// More linear memories than a program may have.
    "V0105" TooManyMemories {
        /// How many there are.
        count: u32,
        /// How many there may be.
        max: u32,
    } "{count} memories are more than the limit of {max}", "put what belongs together into one memory";

    /// A linear memory with a name that does not exist, or that the host cannot find it by.
    "V0106" MemoryName {
        /// The memory.
        memory: MemId,
    } "{memory} has a name that does not exist, or is exported with a name that another exported memory has",
      "give each exported memory a name of its own, or none";

    /// A parameter name that is not there, or is the empty text.
    "V0201" FunctionInputNameEmpty {
        /// The parameter, counted from 0.
        param: u32,
    } "the name of parameter {param} is empty", "name the parameter, or use symbol 0 for no name";

    /// Two parameters of a function have one name.
    "V0202" FunctionInputNameDuplicate {
        /// The later of the two parameters.
        param: u32,
        /// The name.
        name: SymbolId,
    } "parameter {param} has the name ({name}) of another parameter", "rename one of the parameters";

    /// A name for a parameter that does not exist.
    "V0203" FunctionInputNameArgOutOfBounds {
        /// The parameter, counted from 0.
        param: u32,
    } "there is no parameter {param} to name", "write one name for each parameter, or none at all";

    /// A result name that is not there, or is the empty text.
    "V0204" FunctionOutputNameEmpty {
        /// The result, counted from 0.
        result: u32,
    } "the name of result {result} is empty", "name the result, or use symbol 0 for no name";

    /// Two results of a function have one name.
    "V0205" FunctionOutputNameDuplicate {
        /// The later of the two results.
        result: u32,
        /// The name.
        name: SymbolId,
    } "result {result} has the name ({name}) of another result", "rename one of the results";

    /// A name for a result that does not exist.
    "V0206" FunctionOutputNameRetOutOfBounds {
        /// The result, counted from 0.
        result: u32,
    } "there is no result {result} to name", "write one name for each result, or none at all";

    /// A shape for a function that does not exist.
    "V0301" FunctionArgAggShapeFuncOutOfBounds {
        /// The function.
        func: FuncId,
    } "a parameter shape names {func}, which does not exist", "drop the shape entry";

    /// A shape for a parameter that does not exist.
    "V0302" FunctionArgAggShapeArgOutOfBounds {
        /// The parameter, counted from 0.
        param: u32,
    } "a shape is declared for parameter {param}, which does not exist", "drop the shape entry";

    /// Two shapes for one parameter.
    "V0303" FunctionArgAggShapeDuplicate {
        /// The parameter, counted from 0.
        param: u32,
    } "two shapes are declared for parameter {param}", "keep one of the entries";

    /// A shape for a parameter that is no aggregate.
    "V0304" FunctionArgAggShapeOnNonAggArg {
        /// The parameter, counted from 0.
        param: u32,
        /// Its type.
        actual: ValueType,
    } "a shape is declared for parameter {param}, which is {actual}",
      "declare the parameter as agg, or drop the shape entry";

    /// A shape names a struct type that does not exist.
    "V0305" FunctionArgAggShapeStructTypeOutOfBounds {
        /// The parameter, counted from 0.
        param: u32,
        /// The struct type.
        type_id: StructId,
    } "the shape of parameter {param} names {type_id}, which does not exist", "declare the struct type";

    /// A shape names an array element type that does not exist.
    "V0306" FunctionArgAggShapeArrayElemTypeOutOfBounds {
        /// The parameter, counted from 0.
        param: u32,
        /// The element type.
        elem: ElemId,
    } "the shape of parameter {param} names {elem}, which does not exist", "declare the element type";

    /// More registers than allowed.
    "V0401" RegCountTooLarge {
        /// The declared number.
        reg_count: u32,
        /// The limit.
        max: u32,
    } "{reg_count} registers are more than the limit of {max}",
      "reuse registers, or raise VerifyConfig::max_registers";

    /// The function's code does not exist.
    "V0402" FunctionBytecodeOutOfBounds {
        /// The code blob it names.
        blob: u32,
    } "code blob {blob} does not exist", "name a blob that exists";

    /// The function's span table does not exist.
    "V0403" FunctionSpansOutOfBounds {
        /// The span table it names.
        table: u32,
    } "span table {table} does not exist", "name a span table that exists";

    /// The function has no signature.
    "V0404" FunctionArgTypesOutOfBounds {} "the function has no signature",
      "write one signature for each function";

    /// The function table and the signature disagree.
    "V0405" FunctionSigCountMismatch {
        /// Parameters and results in the function table.
        declared: (u32, u32),
        /// Parameters and results in the signature.
        actual: (u32, u32),
    } "(parameters, results) are {declared:?} in the function table and {actual:?} in the signature",
      "make the counts equal";

    /// A span table that does not move on, or leaves the code.
    "V0406" BadSpanDeltas {
        /// The entry to blame, counted from 0.
        entry: u32,
    } "span table entry {entry} does not move on, or lies behind the end of the code",
      "write spans in ascending order, inside the code, at most one for each pc";

    /// The code does not decode.
    "V0407" BytecodeDecode {
        /// Why.
        cause: CodeErrorKind,
        /// The operand, counted from 0; `None` for the opcode itself.
        operand: Option<u8>,
    } "the code does not decode: {cause}", "check the compiler that wrote the code";

    /// A function without code.
    "V0408" EmptyBody {} "the function has no code", "end every function in ret or trap";

    /// A constant that does not exist.
    "V0501" ConstOutOfBounds {
        /// The constant.
        const_id: ConstId,
    } "{const_id} does not exist", "add the constant to the pool";

    /// A host signature that does not exist.
    "V0502" HostSigOutOfBounds {
        /// The host signature.
        host_sig: HostSigId,
    } "{host_sig} does not exist", "declare the host signature";

    /// A call signature that does not exist.
    "V0503" CallSigOutOfBounds {
        /// The call signature.
        call_sig: CallSigId,
    } "{call_sig} does not exist", "declare the call signature";

    /// A struct type that does not exist.
    "V0504" StructTypeOutOfBounds {
        /// The struct type.
        type_id: StructId,
    } "{type_id} does not exist", "declare the struct type";

    /// An array element type that does not exist.
    "V0505" ArrayElemTypeOutOfBounds {
        /// The element type.
        elem: ElemId,
    } "{elem} does not exist", "declare the element type";

    /// A function that does not exist.
    "V0506" FuncIdOutOfBounds {
        /// The function.
        callee: FuncId,
    } "{callee} does not exist", "define the function";

    /// A linear memory that does not exist.
    "V0507" MemoryOutOfBounds {
        /// The memory.
        memory: MemId,
    } "{memory} does not exist", "declare the memory";

    /// A message label that does not exist.
    "V0508" LabelOutOfBounds {
        /// The label, by number.
        label: u32,
    } "label {label} does not exist", "declare the label";

    /// A shape that does not exist.
    "V0509" ShapeOutOfBounds {
        /// The shape.
        shape: ShapeId,
    } "{shape} does not exist", "declare the shape";

    /// An effect that does not exist.
    "V0510" EffectOutOfBounds {
        /// The effect.
        effect: EffectId,
    } "{effect} does not exist", "declare the effect";

    /// An intrinsic that does not exist.
    "V0511" UnknownIntrinsic {
        /// The intrinsic.
        intrinsic: IntrinsicId,
    } "{intrinsic} does not exist", "use an intrinsic of docs/INTRINSICS.md, or the tables that have it";

    /// A guard layer that does not exist.
    "V0512" LayerOutOfBounds {
        /// The layer.
        layer: LayerId,
    } "{layer} does not exist", "declare the layer";

    /// Fewer registers than the effect token and the parameters need.
    "V0601" ArgCountExceedsRegs {
        /// Registers needed.
        needed: u64,
        /// The declared number.
        reg_count: u32,
    } "{reg_count} registers are declared, the effect token and the parameters need {needed}",
      "declare one register more than there are parameters, or more";

    /// A branch to something that is no instruction.
    "V0602" InvalidJumpTarget {
        /// The target.
        target: u32,
        /// What is wrong with it.
        reason: InvalidJumpTargetReason,
    } "branch target {target} is {reason}", "branch to the first byte of an instruction of the function";

    /// A block that runs into the next one, or off the end.
    "V0603" MissingTerminator {} "control runs on behind this instruction",
      "end the block in a branch, a return, a tail call or a trap";

    /// An effect token is read from another register than r0.
    "V0701" EffectInNotR0 {
        /// The register.
        reg: Reg,
    } "the effect token is read from {reg}", "pass the effect token in r0";

    /// An effect token is written to another register than r0.
    "V0702" EffectOutNotR0 {
        /// The register.
        reg: Reg,
    } "the effect token is written to {reg}", "put the effect token into r0";

    /// A call with another number of arguments or results than the signature.
    "V0703" CallArityMismatch {
        /// The number in the signature.
        expected: u32,
        /// The number in the instruction.
        actual: u32,
    } "the call lists {actual} registers where the signature has {expected}",
      "list one register for each parameter and each result";

    /// A return of another number of results than the function has.
    "V0704" ReturnArityMismatch {
        /// The number in the function's signature.
        expected: u32,
        /// The number in the instruction.
        actual: u32,
    } "{actual} results are returned, the function has {expected}", "return one register for each result";

    /// A host call with another number of arguments or results than the host signature.
    "V0705" HostCallArityMismatch {
        /// The number in the signature.
        expected: u32,
        /// The number in the instruction.
        actual: u32,
    } "the host call lists {actual} registers where the signature has {expected}",
      "list one register for each parameter and each result";

    /// An immediate past its bound.
    "V0706" ImmOutOfRange {
        /// The operand, counted from 0.
        operand: u8,
        /// Its value.
        value: u64,
        /// The first value that is too large.
        bound: u64,
    } "operand {operand} is {value}, it must be below {bound}", "use a value in range";

    /// A register that the function does not have.
    "V0707" RegOutOfBounds {
        /// The register.
        reg: Reg,
        /// The number of registers.
        reg_count: u32,
    } "{reg} is past the {reg_count} registers of the function", "declare more registers";

    /// A register that is not written on every path to this read.
    "V0708" UninitializedRead {
        /// The register.
        reg: Reg,
    } "{reg} may be read before it is written", "write the register on every path to here";

    /// A tail call of a function with another number of results.
    "V0709" TailCallArityMismatch {
        /// The number of results of the function.
        expected: u32,
        /// The number of results of the callee.
        actual: u32,
    } "the callee has {actual} results, the function that it returns for has {expected}",
      "call a function with the same results, or use a call and ret";

    /// A tail call of a function with results of other types.
    "V0710" TailCallTypeMismatch {
        /// The first result that differs, counted from 0.
        result: u32,
        /// Its type in the function.
        expected: ValueType,
        /// Its type in the callee.
        actual: ValueType,
    } "result {result} of the callee is {actual}, the function that it returns for has {expected}",
      "call a function with the same results, or use a call and ret";

    /// Fewer registers than the slots of an intrinsic's layout.
    "V0711" IntrinsicTooFewSlots {
        /// The intrinsic.
        intrinsic: IntrinsicId,
        /// Arguments or results.
        side: SlotSide,
        /// The slots in its row.
        expected: u32,
        /// The registers in the instruction.
        actual: u32,
    } "too few {side} registers for the slots of {intrinsic}: {actual} instead of {expected}",
      "list one register for each slot of the layout";

    /// More registers than the slots of an intrinsic's layout.
    "V0712" IntrinsicTooManySlots {
        /// The intrinsic.
        intrinsic: IntrinsicId,
        /// Arguments or results.
        side: SlotSide,
        /// The slots in its row.
        expected: u32,
        /// The registers in the instruction.
        actual: u32,
    } "too many {side} registers for the slots of {intrinsic}: {actual} instead of {expected}",
      "list one register for each slot of the layout";

    /// A constant that a memory cannot be filled from.
    "V0713" ConstantNotData {
        /// The constant.
        const_id: ConstId,
        /// Its type.
        actual: ValueType,
    } "{const_id} is {actual}, not bytes or text", "name a constant of bytes or text";

    /// A choice whose lists differ in length.
    "V0714" ChoiceLengths {
        /// The number of labels.
        labels: u32,
        /// The number of registers.
        dsts: u32,
        /// The number of targets.
        targets: u32,
    } "{labels} labels, {dsts} registers and {targets} targets are given", "give one register and one target for each label";

    /// A session opened with another number of registers than the shape has roles.
    "V0715" OpenArityMismatch {
        /// The number of roles.
        expected: u32,
        /// The number of registers.
        actual: u32,
    } "{actual} registers are listed for the {expected} roles of the shape", "list one register for each role";

    /// An effect with another number of arguments or results.
    "V0716" EffectArityMismatch {
        /// The number that the effect has.
        expected: u32,
        /// The number in the instruction.
        actual: u32,
    } "{actual} registers are given where the effect has {expected}",
      "list one register for each parameter, and one for the result if there is one";

    /// A struct made from another number of values than it has fields.
    "V0801" StructArityMismatch {
        /// The number of fields.
        expected: u32,
        /// The number of values.
        actual: u32,
    } "{actual} values are given, the struct type has {expected} fields", "give one value for each field";

    /// A register of another type than the instruction needs.
    "V0802" TypeMismatch {
        /// The register.
        reg: Reg,
        /// The type needed.
        expected: ValueType,
        /// The type it has.
        actual: ValueType,
    } "{reg} is {actual}, {expected} is needed here", "convert the value, or use another register";

    /// A register whose type or shape is not known where it must be.
    "V0803" UnknownTypeAtUse {
        /// The register.
        reg: Reg,
    } "the type or shape of {reg} is not known here",
      "make the aggregate in this function with one shape, or declare the shape of the parameter";

    /// A write that gives a register a second type.
    "V0804" UnstableRegTypeAt {
        /// The register.
        reg: Reg,
        /// The type it has elsewhere.
        expected: ValueType,
        /// The type of this write.
        actual: ValueType,
    } "{reg} is {expected} elsewhere and {actual} here", "use another register: each has one type";

    /// A projection of an aggregate of another kind.
    "V0805" AggKindMismatch {
        /// The register.
        reg: Reg,
        /// The kind the instruction reads.
        expected: AggKind,
        /// The kind it is.
        actual: AggKind,
    } "{reg} holds a {actual}, the instruction reads a {expected}", "use the instruction of that kind";

    /// A tuple index past the end.
    "V0806" TupleIndexOutOfBounds {
        /// The number of elements.
        arity: u32,
        /// The index.
        index: u32,
    } "element {index} of a tuple of {arity}", "use an index below the number of elements";

    /// A field index past the end.
    "V0807" StructFieldIndexOutOfBounds {
        /// The struct type.
        type_id: StructId,
        /// The number of fields.
        fields: u32,
        /// The index.
        index: u32,
    } "field {index} of {type_id}, which has {fields}", "use an index below the number of fields";

    /// A register without one type over the function.
    "V0808" UnstableRegType {
        /// The register.
        reg: Reg,
    } "{reg} has no single type", "use another register: each has one type";

    /// A register of another class than the slot of an intrinsic.
    "V0811" IntrinsicSlotClass {
        /// The intrinsic.
        intrinsic: IntrinsicId,
        /// Arguments or results.
        side: SlotSide,
        /// The register.
        reg: Reg,
        /// The class of the slot.
        expected: ValueType,
        /// The class of the register.
        actual: ValueType,
    } "{reg} is {actual}, the {side} slot of {intrinsic} is {expected}",
      "use a register of the slot's class; docs/INTRINSICS.md has the layouts";

    /// A message with a value of another type than its label carries.
    "V0812" MessageType {
        /// The register.
        reg: Reg,
        /// The type that the label carries.
        expected: ValueType,
        /// The type of the register.
        actual: ValueType,
    } "{reg} is {actual}, the message carries {expected}", "convert the value, or use another register";

    /// A message with a tuple of other types than its label carries.
    "V0813" MessageShape {
        /// The register.
        reg: Reg,
    } "{reg} is not known to be a tuple of the types that the message carries",
      "make the tuple in this function, of exactly these types";

    /// Something that is no fact.
    "V0814" NotAFact {
        /// The register.
        reg: Reg,
    } "{reg} is not known to be a tuple (epid, str)", "make the fact in this function: a tuple of an endpoint's name and text";

    /// Verification cost too much.
    "V0901" VerifyBudget {
        /// What ran out.
        resource: Resource,
    } "verification ran out of {resource}",
      "split large functions, or raise the limit in VerifyConfig";

    /// The tables ask for a check that this verifier does not have.
    "V0902" UnsupportedCheck {
        /// The opcode.
        didx: u16,
        /// The number of the check.
        hook: u8,
    } "opcode {didx:#06x} needs check {hook}, which this verifier does not have",
      "use the tables this version was built with";

    /// The program uses rows of an embedder, and was made with others than the tables have, or does not say with which.
    "V1001" OtherRows {
        /// The fingerprint of rows that the program carries; 0 if it carries none.
        stated: u64,
        /// That of the rows in the tables.
        tables: u64,
    } "the program was made with other rows of an embedder ({stated:016x}) than the tables have ({tables:016x})",
      "use the overlay that it was made with, or make it again";
        }
    };
}
