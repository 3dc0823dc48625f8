//! Function bodies: instructions, labels with fixups, spans and inferred register counts.

use super::operand::{Fit, Misfit};
use super::{BuildError, Operand};
use crate::codec::{self, OperandValue};
use crate::ids::{FuncId, Reg, SpanId};
use crate::program::{ContainerVersion, SpanEntry};
use alloc::string::String;
use alloc::vec::Vec;
use opforge_schema::{Isa, MAX_OPERANDS, OpRow, OperandKind, TypeRule};
use opforge_tables::{Intrinsic, Opcode};

/// A place in a function's code, to branch to before or after it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(u32);

/// An operand on its way to the codec.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RawOperand<'a> {
    Scalar(u64),
    List(&'a [u32]),
    Label(Label),
    Targets(&'a [RawTarget]),
    Opt(Option<u32>),
}

/// A branch target on its way to the codec.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RawTarget {
    Pc(u32),
    Label(Label),
}

/// A finished body.
#[derive(Debug, Default)]
pub(crate) struct Body {
    pub(crate) code: Vec<u8>,
    pub(crate) spans: Vec<SpanEntry>,
    /// Named places, in the order of their names' placing.
    pub(crate) labels: Vec<(u32, String)>,
    pub(crate) reg_count: u32,
    /// The first container version that knows all its opcodes.
    pub(crate) version: ContainerVersion,
}

/// An instruction that names labels: it is encoded again, in place, when their offsets are known. The codec
/// writes branch targets with a fixed width, so its length stays.
#[derive(Debug)]
struct Fixup {
    start: u32,
    len: u32,
    didx: u16,
    operands: Vec<FixupOperand>,
}

#[derive(Debug)]
enum FixupOperand {
    Scalar(u64),
    List(Vec<u32>),
    Label(Label),
    Targets(Vec<RawTarget>),
    Opt(Option<u32>),
}

/// Builds the body of one function; made by [`ProgramBuilder::begin`](super::ProgramBuilder::begin).
#[derive(Debug)]
pub struct FuncBuilder<'isa> {
    isa: Isa<'isa>,
    id: FuncId,
    params: u32,
    body: Body,
    last_span_pc: u32,
    placed: Vec<Option<u32>>,
    fixups: Vec<Fixup>,
    scratch: Vec<u8>,
}

impl<'isa> FuncBuilder<'isa> {
    pub(crate) fn new(isa: Isa<'isa>, id: FuncId, params: u32) -> Self {
        let body = Body { reg_count: params.saturating_add(1), ..Body::default() };
        Self {
            isa,
            id,
            params,
            body,
            last_span_pc: 0,
            placed: Vec::new(),
            fixups: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// The function that the body is for.
    #[must_use]
    pub fn id(&self) -> FuncId {
        self.id
    }

    /// The register of parameter `index`, counted from 0.
    #[must_use]
    pub fn param(&self, index: u32) -> Reg {
        debug_assert!(index < self.params, "the function has {} parameters", self.params);
        Reg(index.saturating_add(1))
    }

    /// A register that nothing has used so far.
    pub fn reg(&mut self) -> Reg {
        let reg = Reg(self.body.reg_count);
        self.body.reg_count = self.body.reg_count.saturating_add(1);
        reg
    }

    /// The byte offset of the next instruction.
    #[must_use]
    pub fn pc(&self) -> u32 {
        // Every append checks that the length stays within 32 bits.
        self.body.code.len() as u32
    }

    /// A new label, to be placed once.
    pub fn label(&mut self) -> Label {
        let label = Label(self.placed.len() as u32);
        self.placed.push(None);
        label
    }

    /// Places a label before the next instruction.
    ///
    /// # Errors
    /// [`BuildError::LabelPlacedTwice`], or [`BuildError::UnknownLabel`] for a label of another function.
    pub fn place(&mut self, label: Label) -> Result<(), BuildError> {
        let pc = self.pc();
        let slot = self.placed.get_mut(label.0 as usize).ok_or(BuildError::UnknownLabel)?;
        if let Some(pc) = *slot {
            return Err(BuildError::LabelPlacedTwice { pc });
        }
        *slot = Some(pc);
        Ok(())
    }

    /// Gives the place before the next instruction a name, for people. An empty text is no name.
    pub fn name_here(&mut self, name: &str) {
        if name.is_empty() {
            return;
        }
        self.body.labels.push((self.pc(), String::from(name)));
    }

    /// Where a label was placed.
    pub(crate) fn place_of(&self, label: Label) -> Option<u32> {
        self.placed.get(label.0 as usize).copied().flatten()
    }

    /// From the next instruction on, code belongs to this span. A second call at the same place overwrites.
    pub fn span(&mut self, span: SpanId) {
        let pc = self.pc();
        match self.body.spans.last_mut() {
            Some(last) if self.last_span_pc == pc => last.span = span,
            _ => {
                self.body.spans.push(SpanEntry { pc_delta: u64::from(pc - self.last_span_pc), span });
                self.last_span_pc = pc;
            }
        }
    }

    /// Whether the last span starts before the next instruction.
    pub(crate) fn has_span_here(&self) -> bool {
        !self.body.spans.is_empty() && self.last_span_pc == self.pc()
    }

    /// Replaces the span table.
    pub(crate) fn set_spans(&mut self, spans: Vec<SpanEntry>) {
        self.body.spans = spans;
    }

    /// Appends an instruction. Effect tokens are implied: `operands` are the others, in encoding order.
    ///
    /// # Errors
    /// What is wrong with the operands; see [`BuildError`].
    pub fn emit(&mut self, opcode: Opcode, operands: &[Operand<'_>]) -> Result<(), BuildError> {
        self.emit_didx(opcode.didx(), operands)
    }

    /// Appends an execution of an intrinsic: one register for each slot of its layouts.
    ///
    /// # Errors
    /// As [`FuncBuilder::emit`].
    pub fn intrinsic(&mut self, intrinsic: Intrinsic, args: &[Reg], rets: &[Reg]) -> Result<(), BuildError> {
        self.emit(Opcode::Intrinsic, &[intrinsic.into(), args.into(), rets.into()])
    }

    /// Appends an instruction by its position in the op table; for opcodes of an embedder's instruction set.
    ///
    /// # Errors
    /// As [`FuncBuilder::emit`]; [`BuildError::UnknownOpcode`] if there is no such opcode.
    pub fn emit_didx(&mut self, didx: u16, operands: &[Operand<'_>]) -> Result<(), BuildError> {
        let row = self.isa.op(didx).ok_or(BuildError::UnknownOpcode { didx })?;
        let mnemonic = || String::from(self.isa.name(didx));
        let expected = row.operands().iter().filter(|op| op.ty() != TypeRule::Effect).count();
        if expected != operands.len() {
            return Err(BuildError::OperandCount { mnemonic: mnemonic(), expected, got: operands.len() });
        }
        // An instruction has at most one list each way, but the tables may allow more: each gets its own.
        let mut lists: [Vec<u32>; MAX_OPERANDS] = Default::default();
        let mut targets: [Vec<RawTarget>; MAX_OPERANDS] = Default::default();
        let mut given = operands.iter().enumerate();
        let mut fits: [Fit<'_>; MAX_OPERANDS] = [const { Fit::Scalar(0) }; MAX_OPERANDS];
        for (op, fit) in row.operands().iter().zip(&mut fits) {
            if op.ty() == TypeRule::Effect {
                continue;
            }
            let Some((index, operand)) = given.next() else { break };
            *fit = operand.fit(op.kind()).map_err(|misfit| match misfit {
                Misfit::Kind => BuildError::OperandKind {
                    mnemonic: mnemonic(),
                    index,
                    expected: op.kind(),
                    got: operand.what(),
                },
                Misfit::Range => BuildError::OperandRange { mnemonic: mnemonic(), index, kind: op.kind() },
            })?;
        }
        for ((fit, list), targets) in fits.iter().zip(&mut lists).zip(&mut targets) {
            match fit {
                Fit::Regs(regs) => list.extend(regs.iter().map(|reg| reg.0)),
                Fit::Labels(labels) => targets.extend(labels.iter().copied().map(RawTarget::Label)),
                Fit::Messages(labels) => list.extend(labels.iter().map(|label| u32::from(label.0))),
                Fit::Scalar(_) | Fit::Label(_) | Fit::Opt(_) => {}
            }
        }
        let mut raw = [RawOperand::Scalar(0); MAX_OPERANDS];
        for (((raw, fit), list), targets) in raw.iter_mut().zip(&fits).zip(&lists).zip(&targets) {
            *raw = match fit {
                Fit::Scalar(v) => RawOperand::Scalar(*v),
                Fit::Regs(_) | Fit::Messages(_) => RawOperand::List(list),
                Fit::Opt(reg) => RawOperand::Opt(*reg),
                Fit::Label(label) => RawOperand::Label(*label),
                Fit::Labels(_) => RawOperand::Targets(targets),
            };
        }
        self.emit_raw(didx, row, raw.get(..row.operands().len()).unwrap_or(&[]))
    }

    /// Appends an instruction with one operand for each of the row's, effect tokens included.
    pub(crate) fn emit_raw(
        &mut self,
        didx: u16,
        row: &OpRow,
        operands: &[RawOperand<'_>],
    ) -> Result<(), BuildError> {
        let mut values = [OperandValue::Scalar(0); MAX_OPERANDS];
        let mut regs = self.body.reg_count;
        let mut labels = false;
        // What stands for targets until they are known: they are written with a fixed width.
        let longest = operands.iter().map(RawOperand::target_count).max().unwrap_or(0);
        let unknown = alloc::vec![0; longest];
        for ((value, operand), op) in values.iter_mut().zip(operands).zip(row.operands()) {
            match *operand {
                RawOperand::Scalar(v) => {
                    *value = OperandValue::Scalar(v);
                    if op.kind() == OperandKind::Reg {
                        regs = regs.max(count_of(v)?);
                    }
                }
                RawOperand::List(list) => {
                    *value = OperandValue::List(list);
                    if op.kind() == OperandKind::RegList {
                        for &reg in list {
                            regs = regs.max(count_of(u64::from(reg))?);
                        }
                    }
                }
                RawOperand::Opt(reg) => {
                    *value = OperandValue::Opt(reg);
                    if let Some(reg) = reg {
                        regs = regs.max(count_of(u64::from(reg))?);
                    }
                }
                RawOperand::Label(label) => {
                    self.placed.get(label.0 as usize).ok_or(BuildError::UnknownLabel)?;
                    labels = true;
                }
                RawOperand::Targets(targets) => {
                    for target in targets {
                        if let RawTarget::Label(label) = target {
                            self.placed.get(label.0 as usize).ok_or(BuildError::UnknownLabel)?;
                        }
                    }
                    *value = OperandValue::List(unknown.get(..targets.len()).unwrap_or(&[]));
                    labels = true;
                }
            }
        }
        let values = values.get(..operands.len()).unwrap_or(&[]);
        self.scratch.clear();
        codec::encode(&self.isa, didx, values, &mut self.scratch)
            .map_err(|_| BuildError::Encode { mnemonic: String::from(self.isa.name(didx)) })?;
        let start = self.pc();
        self.append_scratch()?;
        self.body.reg_count = regs;
        self.body.version = self.body.version.max(ContainerVersion::of_opcode(row));
        if labels {
            let operands = operands.iter().map(FixupOperand::new).collect();
            let len = self.pc() - start;
            self.fixups.push(Fixup { start, len, didx, operands });
        }
        Ok(())
    }

    /// Appends bytes as they are.
    pub(crate) fn emit_bytes(&mut self, bytes: &[u8]) -> Result<(), BuildError> {
        self.scratch.clear();
        self.scratch.extend_from_slice(bytes);
        self.append_scratch()
    }

    fn append_scratch(&mut self) -> Result<(), BuildError> {
        let len = self.body.code.len().saturating_add(self.scratch.len());
        if u32::try_from(len).is_err() {
            return Err(BuildError::TooLarge { what: "code of one function" });
        }
        self.body.code.extend_from_slice(&self.scratch);
        Ok(())
    }

    /// Resolves all labels.
    pub(crate) fn finish(mut self) -> Result<Body, BuildError> {
        for fixup in &self.fixups {
            let place_of = |label: &Label| {
                let pc = self.placed.get(label.0 as usize).copied().flatten();
                pc.ok_or(BuildError::UnplacedLabel { pc: fixup.start })
            };
            let mut lists: [Vec<u32>; MAX_OPERANDS] = Default::default();
            for (list, operand) in lists.iter_mut().zip(&fixup.operands) {
                let FixupOperand::Targets(targets) = operand else { continue };
                list.reserve_exact(targets.len());
                for target in targets {
                    list.push(match target {
                        RawTarget::Pc(pc) => *pc,
                        RawTarget::Label(label) => place_of(label)?,
                    });
                }
            }
            let mut values = [OperandValue::Scalar(0); MAX_OPERANDS];
            for ((value, operand), targets) in values.iter_mut().zip(&fixup.operands).zip(&lists) {
                *value = match operand {
                    FixupOperand::Scalar(v) => OperandValue::Scalar(*v),
                    FixupOperand::List(list) => OperandValue::List(list),
                    FixupOperand::Label(label) => OperandValue::Scalar(u64::from(place_of(label)?)),
                    FixupOperand::Targets(_) => OperandValue::List(targets),
                    FixupOperand::Opt(reg) => OperandValue::Opt(*reg),
                };
            }
            let values = values.get(..fixup.operands.len()).unwrap_or(&[]);
            let error = || BuildError::Encode { mnemonic: String::from(self.isa.name(fixup.didx)) };
            self.scratch.clear();
            codec::encode(&self.isa, fixup.didx, values, &mut self.scratch).map_err(|_| error())?;
            let start = fixup.start as usize;
            let place = self.body.code.get_mut(start..start.saturating_add(fixup.len as usize));
            match place {
                Some(place) if place.len() == self.scratch.len() => place.copy_from_slice(&self.scratch),
                _ => return Err(error()),
            }
        }
        Ok(self.body)
    }
}

impl FixupOperand {
    fn new(operand: &RawOperand<'_>) -> Self {
        match *operand {
            RawOperand::Scalar(v) => Self::Scalar(v),
            RawOperand::List(list) => Self::List(list.into()),
            RawOperand::Label(label) => Self::Label(label),
            RawOperand::Targets(targets) => Self::Targets(targets.into()),
            RawOperand::Opt(reg) => Self::Opt(reg),
        }
    }
}

impl RawOperand<'_> {
    /// Entries of a list of targets; 0 for everything else.
    fn target_count(&self) -> usize {
        if let Self::Targets(targets) = self { targets.len() } else { 0 }
    }
}

/// The number of registers a function needs that uses register `reg`.
fn count_of(reg: u64) -> Result<u32, BuildError> {
    u32::try_from(reg)
        .ok()
        .and_then(|reg| reg.checked_add(1))
        .ok_or(BuildError::TooLarge { what: "registers" })
}
