//! `ExecInstr`: the lowered form that both engines start from.
//!
//! Types are gone into slot numbers and widths, branch targets are instruction indices, callees and constants are
//! resolved. There is exactly one `ExecInstr` for each source instruction, so an instruction index means the
//! same in the verified code, here, in fuel tables and in trap reports.

use super::session_names::SessionNames;
use super::site::SessionInstr;
use crate::extensions::Registered;
use crate::heap::{AggKind, AggRead, MemoryType};
use crate::ids::{CallSigId, ElemId, FuncId, HostSigId, InstrIx, IntrinsicId, MemId, SpanId, StructId};
use crate::types::{TypeId, TypeTable};
use crate::value_type::ValueType;
use crate::verify::VerifiedProgram;
use alloc::boxed::Box;
use alloc::sync::Arc;
use opforge_tables::Opcode;

/// A 64-bit slot of a frame, counted from the frame's first parameter slot.
pub type Slot = u32;

/// A run of slots in [`ExecFunction::slot_lists`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlotList {
    /// Index of the first entry.
    pub start: u32,
    /// Number of entries.
    pub len: u32,
}

/// A run of instructions in [`ExecFunction::targets`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TargetList {
    /// Index of the first entry.
    pub start: u32,
    /// Number of entries.
    pub len: u32,
}

/// One lowered instruction. Slots are frame-relative; multi-slot values take consecutive slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecInstr {
    /// Costs fuel and does nothing.
    Nop,
    /// `dst = sem(args)`, up to three register operands.
    Direct {
        /// The opcode, which names the semantic function.
        op: Opcode,
        /// Where the result goes.
        dst: Slot,
        /// Operand slots; unused ones are 0.
        args: [Slot; 3],
    },
    /// `dst = sem(a, imm)`.
    DirectImm {
        /// The opcode, which names the semantic function.
        op: Opcode,
        /// Where the result goes.
        dst: Slot,
        /// Operand slot.
        a: Slot,
        /// The immediate.
        imm: u32,
    },
    /// Copies `width` slots.
    Move {
        /// 1 or 2.
        width: u32,
        /// First slot written.
        dst: Slot,
        /// First slot read.
        src: Slot,
    },
    /// Copies `width` slots from `a` if the slot `cond` holds true, else from `b`.
    Select {
        /// 1 or 2.
        width: u32,
        /// First slot written.
        dst: Slot,
        /// The condition.
        cond: Slot,
        /// First slot read when true.
        a: Slot,
        /// First slot read when false.
        b: Slot,
    },
    /// Writes one slot.
    Const {
        /// The slot.
        dst: Slot,
        /// Its bits.
        value: u64,
    },
    /// Writes a decimal: two slots.
    ConstDecimal {
        /// The first slot.
        dst: Slot,
        /// Decimal places.
        scale: u8,
        /// Mantissa.
        mantissa: i64,
    },
    /// Traps with the program's code.
    Trap {
        /// The code.
        code: u32,
    },
    /// Goes to an instruction of the same function.
    Jump {
        /// The instruction.
        target: InstrIx,
    },
    /// Goes to one of two instructions of the same function.
    Branch {
        /// The condition slot.
        cond: Slot,
        /// Where to go when true.
        then: InstrIx,
        /// Where to go when false.
        other: InstrIx,
    },
    /// A session instruction: the session machine does it, or nobody.
    Session {
        /// Entry of [`ExecFunction::sites`].
        site: u32,
        /// Where the arms of a `choose` lead, one each; empty for others.
        targets: TargetList,
        /// Whether the coroutine ends with it.
        halts: bool,
    },
    /// Goes to one of many instructions of the same function.
    BranchTable {
        /// The slot that picks the entry.
        index: Slot,
        /// The entries; the last one is for every index past those before it.
        targets: TargetList,
    },
    /// Calls a function.
    Call {
        /// The callee.
        func: FuncId,
        /// Argument slots, one entry a slot.
        args: SlotList,
        /// Result slots, one entry a slot.
        rets: SlotList,
    },
    /// Calls through a function reference or closure.
    CallIndirect {
        /// The signature the callee must have.
        sig: CallSigId,
        /// Slot of the function reference; a closure's environment is in the next one.
        callee: Slot,
        /// Whether the callee is a closure.
        closure: bool,
        /// Argument slots, one entry a slot.
        args: SlotList,
        /// Result slots, one entry a slot.
        rets: SlotList,
    },
    /// Calls a function that returns in place of this one, whose frame it takes over.
    TailCall {
        /// The callee.
        func: FuncId,
        /// Argument slots, one entry a slot.
        args: SlotList,
    },
    /// Calls through a function reference or closure, in place of this function.
    TailCallIndirect {
        /// The signature the callee must have.
        sig: CallSigId,
        /// Slot of the function reference; a closure's environment is in the next one.
        callee: Slot,
        /// Whether the callee is a closure.
        closure: bool,
        /// Argument slots, one entry a slot.
        args: SlotList,
    },
    /// Calls a linked host function.
    HostCall {
        /// The import.
        host: HostSigId,
        /// Argument slots, one entry a slot.
        args: SlotList,
        /// Result slots, one entry a slot.
        rets: SlotList,
    },
    /// Executes an intrinsic. All arguments are read before a result is written.
    Intrinsic {
        /// Its id.
        id: IntrinsicId,
        /// Argument slots, one entry a slot of its layout.
        args: SlotList,
        /// Result slots, one entry a slot of its layout.
        rets: SlotList,
    },
    /// Reads a number from a linear memory: `dst` = `sem` of the bytes at `addr` + `offset`.
    Load {
        /// The opcode, which names the semantic function.
        op: Opcode,
        /// Where the result goes.
        dst: Slot,
        /// The memory.
        mem: MemId,
        /// Slot of the address.
        addr: Slot,
        /// Added to the address, without wrapping.
        offset: u32,
    },
    /// Writes a number to a linear memory: the bytes at `addr` + `offset` = `sem` of `value`.
    Store {
        /// The opcode, which names the semantic function.
        op: Opcode,
        /// The memory.
        mem: MemId,
        /// Slot of the address.
        addr: Slot,
        /// Added to the address, without wrapping.
        offset: u32,
        /// Slot of the value.
        value: Slot,
    },
    /// Works on ranges of linear memories: `dst` = `sem` of ids and slots, where the row writes a register.
    Memory {
        /// The opcode, which names the semantic function.
        op: Opcode,
        /// Where the result goes.
        dst: Slot,
        /// Memories; for a constant, start and length of its data.
        ids: [u32; 3],
        /// Operand slots; unused ones are 0.
        args: [Slot; 3],
    },
    /// Executes the function behind an embedder's opcode or intrinsic. All arguments are read before a result is written.
    Extension {
        /// The function's number among those of the engine.
        func: u32,
        /// The immediate, which goes behind the arguments; 0 where there is none.
        imm: u32,
        /// How fuel goes by size, for argument slots.
        size: Option<SizeFuel>,
        /// Argument slots, one entry a slot of its layout.
        args: SlotList,
        /// Result slots, one entry a slot of its layout.
        rets: SlotList,
    },
    /// Returns from the function.
    Return {
        /// Result slots, one entry a slot.
        values: SlotList,
    },
    /// Pairs a function reference with an environment: two slots.
    ClosureNew {
        /// First slot written.
        dst: Slot,
        /// The function reference.
        func: Slot,
        /// The environment.
        env: Slot,
    },
    /// Allocates an aggregate node.
    AggNew {
        /// Where the handle goes.
        dst: Slot,
        /// The node's type.
        ty: TypeId,
        /// Number of elements.
        len: u32,
        /// Element slots, one entry a slot.
        values: SlotList,
    },
    /// Reads the element at an immediate index.
    AggGetImm {
        /// First slot written.
        dst: Slot,
        /// The handle.
        agg: Slot,
        /// The index.
        index: u32,
        /// Entry of [`ExecFunction::agg_reads`].
        read: u32,
    },
    /// Reads the element at an index held in a slot.
    AggGet {
        /// First slot written.
        dst: Slot,
        /// The handle.
        agg: Slot,
        /// The index's slot.
        index: Slot,
        /// Entry of [`ExecFunction::agg_reads`].
        read: u32,
    },
    /// Counts the elements.
    AggLen {
        /// Where the count goes.
        dst: Slot,
        /// The handle.
        agg: Slot,
        /// The kind it must have.
        kind: AggKind,
    },
}

const _: () = assert!(size_of::<ExecInstr>() <= 32);

/// Fuel charged by size when an instruction runs: one unit for every `1 << shift` bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizeFuel {
    /// Bytes per unit, as a power of two.
    pub shift: u8,
    /// Bit `n`: the bytes of the value in `args[n]` count.
    pub args: u8,
    /// Bit `n`: `args[n]` is itself the number of bytes. At most as many count as the instruction's first memory has.
    pub counts: u8,
}

/// A straight run of instructions whose fuel is charged at once when it is entered.
///
/// A segment starts at every block and behind every instruction that enters another function or the host or
/// charges fuel by size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// First instruction.
    pub start: InstrIx,
    /// One past the last instruction.
    pub end: InstrIx,
}

/// One lowered function.
#[derive(Debug)]
pub struct ExecFunction {
    /// One entry for each source instruction.
    pub instrs: Box<[ExecInstr]>,
    /// The source opcode of each instruction.
    pub ops: Box<[u16]>,
    /// Byte offset of each instruction in the function's code.
    pub pcs: Box<[u32]>,
    /// Where spans change: from this instruction on, this span. Sorted.
    pub spans: Box<[(InstrIx, SpanId)]>,
    /// Fuel of all instructions before this one, by instruction; one longer than `instrs`.
    pub fuel_before: Box<[u64]>,
    /// Segments in order; together they cover every reachable instruction.
    pub segments: Box<[Segment]>,
    /// Slot numbers that [`SlotList`]s refer to.
    pub slot_lists: Box<[Slot]>,
    /// Instructions that [`TargetList`]s refer to: each starts a segment.
    pub targets: Box<[InstrIx]>,
    /// What aggregate reads know.
    pub agg_reads: Box<[AggRead]>,
    /// Session instructions.
    pub sites: Box<[SessionInstr]>,
    /// First slot of each register. Registers without slots have the next one's.
    pub reg_slots: Box<[Slot]>,
    /// Type of each register.
    pub reg_types: Box<[TypeId]>,
    /// Slots of the parameters; they are the first slots of the frame.
    pub param_slots: u32,
    /// Slots of the results.
    pub result_slots: u32,
    /// Slots of a frame.
    pub frame_slots: u32,
    /// Parameter types.
    pub params: Box<[ValueType]>,
    /// Result types.
    pub results: Box<[ValueType]>,
}

impl ExecFunction {
    /// The span an instruction belongs to.
    #[must_use]
    pub fn span(&self, at: InstrIx) -> Option<SpanId> {
        let after = self.spans.partition_point(|&(start, _)| start <= at);
        after.checked_sub(1).and_then(|i| self.spans.get(i)).map(|&(_, span)| span)
    }

    /// The byte offset of an instruction.
    #[must_use]
    pub fn pc(&self, at: InstrIx) -> u32 {
        self.pcs.get(at.index()).copied().unwrap_or(0)
    }

    /// The fuel of instructions `from..to`.
    #[must_use]
    pub fn fuel(&self, from: InstrIx, to: InstrIx) -> u64 {
        let before = |ix: InstrIx| self.fuel_before.get(ix.index()).copied().unwrap_or(0);
        before(to).saturating_sub(before(from))
    }

    /// The segment that an instruction stands in.
    #[must_use]
    pub fn segment_of(&self, at: InstrIx) -> Option<Segment> {
        let after = self.segments.partition_point(|s| s.start <= at);
        after.checked_sub(1).and_then(|i| self.segments.get(i)).copied().filter(|s| at < s.end)
    }

    /// The instructions of a list.
    #[must_use]
    pub fn targets(&self, list: TargetList) -> &[InstrIx] {
        let start = list.start as usize;
        self.targets.get(start..start + list.len as usize).unwrap_or(&[])
    }

    /// The slots of a list.
    #[must_use]
    pub fn slots(&self, list: SlotList) -> &[Slot] {
        let start = list.start as usize;
        self.slot_lists.get(start..start + list.len as usize).unwrap_or(&[])
    }
}

/// An import, as the linker needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The host function's name.
    pub symbol: Arc<str>,
    /// Hash of the parameter and result types.
    pub hash: u64,
    /// Parameter types.
    pub params: Box<[ValueType]>,
    /// Result types.
    pub results: Box<[ValueType]>,
}

/// A signature for indirect calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecSig {
    /// Parameter types, a closure's environment not included.
    pub params: Box<[ValueType]>,
    /// Result types.
    pub results: Box<[ValueType]>,
}

impl ExecInstr {
    /// Whether control never goes on behind the instruction, and where in the function it goes instead.
    #[doc(hidden)]
    #[must_use]
    pub fn ways<'f>(&'f self, function: &'f ExecFunction) -> Ways<'f> {
        match self {
            Self::Jump { target } => Ways::To(core::slice::from_ref(target)),
            Self::Branch { then, other, .. } => Ways::Either(*then, *other),
            Self::BranchTable { targets, .. } => Ways::To(function.targets(*targets)),
            Self::Session { targets, halts, .. } if *halts || targets.len > 0 => {
                Ways::To(function.targets(*targets))
            }
            Self::Return { .. }
            | Self::Trap { .. }
            | Self::TailCall { .. }
            | Self::TailCallIndirect { .. } => Ways::To(&[]),
            _ => Ways::On,
        }
    }
}

/// Where control goes from an instruction.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub enum Ways<'f> {
    /// To the instruction behind it.
    On,
    /// To one of two.
    Either(InstrIx, InstrIx),
    /// To one of these, in the order of the instruction, some perhaps more than once.
    To(&'f [InstrIx]),
}

/// A lowered program. Immutable; shared by all instances and engines.
#[derive(Debug)]
pub struct ExecProgram {
    /// Functions by id.
    pub functions: Box<[ExecFunction]>,
    /// Imports by host signature id.
    pub imports: Box<[Import]>,
    /// Signatures of indirect calls by id.
    pub call_sigs: Box<[ExecSig]>,
    /// Every type of the program.
    pub types: Arc<TypeTable>,
    /// Bytes and text of the constant pool; constants refer into it.
    pub const_data: Arc<[u8]>,
    /// Function names, for reports.
    pub names: Box<[(FuncId, Box<str>)]>,
    /// The fuel schedule that is built into the costs.
    pub schedule: crate::engine::FuelSchedule,
    /// The linear memories.
    pub memories: Box<[MemoryType]>,
    /// Whether a frame may be replaced with one of another function, which may be larger.
    pub has_tail_calls: bool,
    /// The program itself, if it declares anything about sessions: a session machine needs its tables and names.
    pub(crate) source: Option<VerifiedProgram>,
    /// The names in it.
    pub session_names: SessionNames,
    /// The functions behind embedders' opcodes and intrinsics.
    pub(crate) extensions: Option<Arc<Registered>>,
}

impl ExecProgram {
    /// A function.
    #[must_use]
    pub fn function(&self, id: FuncId) -> Option<&ExecFunction> {
        self.functions.get(id.index())
    }

    /// A function's name, if the program has one for it.
    #[must_use]
    pub fn func_name(&self, id: FuncId) -> Option<&str> {
        let at = self.names.binary_search_by_key(&id, |&(func, _)| func).ok()?;
        self.names.get(at).map(|(_, name)| &**name)
    }

    /// The function with this name; the first one if several have it.
    #[must_use]
    pub fn func_by_name(&self, name: &str) -> Option<FuncId> {
        self.names.iter().find(|(_, n)| &**n == name).map(|&(func, _)| func)
    }

    /// The type of a struct that a host makes.
    #[must_use]
    pub fn struct_type(&self, id: StructId) -> Option<TypeId> {
        self.types.struct_type(id)
    }

    /// The type of an array that a host makes.
    #[must_use]
    pub fn array_type(&self, id: ElemId) -> Option<TypeId> {
        self.types.array_type(id)
    }
}
