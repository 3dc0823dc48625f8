//! What the checks of one function look at: its declarations and its decoded code.

use super::session::Messages;
use crate::codec::{Code, Digests, Instr, Marks, OperandValue, Registers, class_of};
use crate::ids::{CallSigId, EffectId, FuncId, HostSigId, InstrIx, ShapeId, StructId};
use crate::program::{Program, Signature};
use crate::protocol::PayloadId;
use crate::types::TypeId;
use crate::value_type::ValueType;
use opforge_schema::{Access, Isa, OpRow, OperandKind, OperandRow, TypeRule};

/// One function under verification.
#[derive(Clone, Copy, Debug)]
pub(super) struct FuncCx<'a> {
    pub(super) isa: &'a Isa<'a>,
    pub(super) digests: &'a Digests<'a>,
    pub(super) program: &'a Program,
    pub(super) id: FuncId,
    pub(super) sig: Signature<'a>,
    pub(super) reg_count: u32,
    pub(super) code: &'a Code,
    /// What each instruction does with registers, if it is simple, once that is known.
    pub(super) registers: &'a [Registers],
    /// One more than the highest register that is r0, a parameter or mentioned by code, and below
    /// `reg_count`: the length of everything that is kept for each register.
    pub(super) used_regs: u32,
    /// What the messages of the function carry, once that is known.
    pub(super) messages: &'a Messages,
    /// The type of each payload.
    pub(super) payload_types: &'a [TypeId],
}

/// One instruction with its row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Op<'a> {
    pub(super) ix: InstrIx,
    pub(super) instr: &'a Instr,
    pub(super) row: &'a OpRow,
    /// The rows of its operands, as many as there are words.
    rows: &'a [OperandRow],
    words: &'a [u64],
    code: &'a Code,
}

/// The types a list of registers must have or is given.
#[derive(Clone, Copy, Debug)]
pub(super) enum ListTypes<'a> {
    /// One for each register, in order.
    Types(&'a [ValueType]),
    /// One for each register, in order, as class tags of the tables.
    Classes(&'a [u8]),
    /// Every register has this one.
    Each(ValueType),
    /// Each of so many registers has this one.
    Repeat(ValueType, usize),
    /// No rule: each register has a type of its own.
    Any,
}

/// No messages.
static NO_MESSAGES: Messages = Messages::NONE;

impl<'a> FuncCx<'a> {
    /// Code to be looked at before anything is known about its function.
    pub(super) fn new(
        digests: &'a Digests<'a>,
        program: &'a Program,
        id: FuncId,
        sig: Signature<'a>,
        code: &'a Code,
    ) -> Self {
        let reg_count = program.functions().get(id.index()).map_or(0, |def| def.reg_count);
        let (messages, payload_types) = (&NO_MESSAGES, &[][..]);
        Self {
            isa: digests.isa(),
            digests,
            program,
            id,
            sig,
            reg_count,
            code,
            registers: &[],
            used_regs: 0,
            messages,
            payload_types,
        }
    }

    /// The payload of message `n` of an instruction: `None` for one that cannot be reached, `Some(None)` where the
    /// message fits nothing.
    pub(super) fn payload(&self, ix: InstrIx, n: usize) -> Option<Option<(PayloadId, TypeId)>> {
        let &payload = self.messages.at(ix).get(n)?;
        Some(self.payload_types.get(usize::from(payload.0)).map(|&ty| (payload, ty)))
    }

    /// The instructions from `start` to before `end`.
    pub(super) fn instrs(
        &self,
        start: InstrIx,
        end: InstrIx,
    ) -> impl Iterator<Item = (InstrIx, &'a Instr)> + use<'a> {
        let instrs = self.code.instrs().get(start.index()..end.index()).unwrap_or(&[]);
        (start.0..).map(InstrIx).zip(instrs)
    }

    /// All instructions.
    pub(super) fn all_instrs(&self) -> impl Iterator<Item = (InstrIx, &'a Instr)> + use<'a> {
        self.instrs(InstrIx(0), InstrIx(self.code.instrs().len() as u32))
    }

    /// The instructions from `start` to before `end`, as what simple ones do with registers.
    pub(super) fn steps(
        &self,
        start: InstrIx,
        end: InstrIx,
    ) -> impl Iterator<Item = (InstrIx, &'a Registers)> + use<'a> {
        let registers = self.registers.get(start.index()..end.index()).unwrap_or(&[]);
        (start.0..).map(InstrIx).zip(registers)
    }

    /// The instruction at an index, with its row.
    #[inline(never)]
    pub(super) fn op_at(&self, ix: InstrIx) -> Option<Op<'a>> {
        self.op(ix, self.code.instr(ix)?)
    }

    /// An instruction with its row. Every one has a row, because it was decoded with them.
    pub(super) fn op(&self, ix: InstrIx, instr: &'a Instr) -> Option<Op<'a>> {
        let (row, words) = (self.isa.op(instr.didx)?, self.code.operands(instr));
        let rows = row.operands.get(..words.len())?;
        Some(Op { ix, instr, row, rows, words, code: self.code })
    }

    /// The instructions from `start` to before `end` with their rows.
    pub(super) fn ops(&self, start: InstrIx, end: InstrIx) -> impl Iterator<Item = Op<'a>> {
        self.instrs(start, end).filter_map(|(ix, instr)| self.op(ix, instr))
    }

    /// All instructions with their rows.
    pub(super) fn all_ops(&self) -> impl Iterator<Item = Op<'a>> {
        self.all_instrs().filter_map(|(ix, instr)| self.op(ix, instr))
    }

    /// The instructions that may concern sessions, speculation or suspending.
    pub(super) fn active_ops(&self) -> impl Iterator<Item = Op<'a>> {
        let active = self.all_instrs().filter(|(_, instr)| !instr.marks.has(Marks::PASSIVE));
        active.filter_map(|(ix, instr)| self.op(ix, instr))
    }

    /// The types of the list operand with this row. Empty where an id does not resolve: that is an error of
    /// its own.
    pub(super) fn list_types(&self, op: &Op<'a>, row: &OperandRow) -> ListTypes<'a> {
        let sig = || self.signature(op, row.arg);
        match row.ty() {
            TypeRule::ParamsOf | TypeRule::ResultsOf if op.kind(row.arg) == OperandKind::IntrinsicId => {
                match op.id(row.arg).and_then(|id| self.isa.intrinsic(id)) {
                    Some(intrinsic) if row.ty() == TypeRule::ParamsOf => {
                        ListTypes::Classes(intrinsic.arg_slots())
                    }
                    Some(intrinsic) => ListTypes::Classes(intrinsic.ret_slots()),
                    None => ListTypes::Classes(&[]),
                }
            }
            TypeRule::ParamsOf => ListTypes::Types(sig().map_or(&[], |sig| sig.params)),
            TypeRule::ResultsOf => ListTypes::Types(sig().map_or(&[], |sig| sig.results)),
            TypeRule::OwnResults => ListTypes::Types(self.sig.results),
            TypeRule::FieldsOf => {
                let fields = op.id(row.arg).and_then(|id| self.program.struct_fields(StructId(id)));
                ListTypes::Types(fields.unwrap_or(&[]))
            }
            TypeRule::ElemsOf => {
                let elem = op.id(row.arg).and_then(|id| self.program.elem_types().get(id as usize));
                elem.map_or(ListTypes::Any, |&ty| ListTypes::Each(ty))
            }
            TypeRule::ChansOf => {
                let shape = op.id(row.arg).map(ShapeId);
                let roles = shape.map_or(&[][..], |shape| self.program.sessions().roles_of(shape));
                ListTypes::Repeat(ValueType::Chan, roles.len())
            }
            rule => class_of(rule).map_or(ListTypes::Any, ListTypes::Each),
        }
    }

    /// The signature that operand `n` names.
    pub(super) fn signature(&self, op: &Op<'a>, n: u8) -> Option<Signature<'a>> {
        let (row, id) = (op.rows.get(usize::from(n))?, op.id(n)?);
        match row.kind() {
            OperandKind::FuncId => self.program.func_sig(FuncId(id)),
            OperandKind::HostSigId => Some(self.program.host_sig(HostSigId(id))?.sig),
            OperandKind::CallSigId => self.program.call_sig(CallSigId(id)),
            OperandKind::EffectId => self.program.sessions().effect_sig(EffectId(id)),
            _ => None,
        }
    }
}

impl ListTypes<'_> {
    /// How many there are, if that is known.
    pub(super) fn len(&self) -> Option<usize> {
        match self {
            Self::Types(types) => Some(types.len()),
            Self::Classes(tags) => Some(tags.len()),
            Self::Repeat(_, len) => Some(*len),
            Self::Each(_) | Self::Any => None,
        }
    }

    /// The type of entry `i`, if there is a rule for it.
    pub(super) fn get(&self, i: usize) -> Option<ValueType> {
        match self {
            Self::Types(types) => types.get(i).copied(),
            Self::Classes(tags) => tags.get(i).and_then(|&tag| ValueType::from_tag(tag, 0)),
            Self::Each(ty) => Some(*ty),
            Self::Repeat(ty, len) => (i < *len).then_some(*ty),
            Self::Any => None,
        }
    }
}

impl<'a> Op<'a> {
    /// Byte offset of the instruction.
    pub(super) fn pc(&self) -> u32 {
        self.instr.pc
    }

    /// The operands in encoding order.
    pub(super) fn operands(&self) -> impl Iterator<Item = (&'a OperandRow, OperandValue<'a>)> + use<'a> {
        let code = self.code;
        self.rows.iter().zip(self.words).map(move |(row, &word)| (row, code.value(row, word)))
    }

    /// The operands that read registers, or those that write them.
    pub(super) fn accessing(
        &self,
        access: Access,
    ) -> impl Iterator<Item = (&'a OperandRow, OperandValue<'a>)> + use<'a> {
        self.operands().filter(move |(row, _)| row.access == access.code())
    }

    /// The registers that the instruction reads, or those that it writes.
    pub(super) fn registers(&self, access: Access) -> impl Iterator<Item = u32> + use<'a> {
        self.accessing(access).flat_map(|(_, value)| value.entries())
    }

    /// Operand `n`.
    pub(super) fn operand(&self, n: u8) -> Option<(&'a OperandRow, OperandValue<'a>)> {
        let row = self.rows.get(usize::from(n))?;
        Some((row, self.code.value(row, *self.words.get(usize::from(n))?)))
    }

    /// What operand `n` is.
    pub(super) fn kind(&self, n: u8) -> OperandKind {
        self.rows.get(usize::from(n)).map_or(OperandKind::None, |row| row.kind())
    }

    /// The number in operand `n`, if it is one and fits 32 bits.
    pub(super) fn id(&self, n: u8) -> Option<u32> {
        self.operand(n)?.1.scalar32()
    }
}
