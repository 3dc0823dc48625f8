//! Lowering: verified functions become [`ExecFunction`]s.
//!
//! Lowering trusts the verifier and checks nothing a second time, but it never panics: what the verifier
//! excludes ends in [`LowerError::Internal`]. How an opcode is lowered is a column of its table row; nothing
//! here knows opcodes by name.

mod error;
mod exec;
mod operands;
mod segments;
mod session;
mod session_names;
mod site;
mod visit;

pub use error::LowerError;
#[doc(hidden)]
pub use exec::Ways;
pub use exec::{
    ExecFunction, ExecInstr, ExecProgram, ExecSig, Import, Segment, SizeFuel, Slot, SlotList, TargetList,
};
#[doc(hidden)]
pub use segments::{intrinsic_size_fuel, size_fuel};
pub use session_names::SessionNames;
pub use site::{Arm, Carried, Carries, SessionInstr, Site};

use crate::codec::{Code, Digests, Instr, Marks};
use crate::engine::{Engine, FuelSchedule};
use crate::heap::{AggRead, MemoryType};
use crate::ids::{CallSigId, FuncId, HostSigId, InstrIx, IntrinsicId, MemId};
use crate::program::{Const, Program, Signature};
use crate::types::TypeId;
use crate::value_type::ValueType;
use crate::verify::{RegSet, VerifiedFunc, VerifiedProgram};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use operands::Operands;
use opforge_schema::{FIRST_FOREIGN_ID, Isa, Lower, OperandKind, is_foreign};
use opforge_tables::Opcode;

/// Lowers a verified program with the engine's fuel schedule.
///
/// # Errors
/// [`LowerError::OtherTables`] for a program that was verified with other tables; [`LowerError::TooLarge`] if tables
/// outgrow 32-bit indices.
pub fn lower(verified: &VerifiedProgram, engine: &Engine) -> Result<ExecProgram, LowerError> {
    if verified.tables() != engine.tables() {
        return Err(LowerError::OtherTables { verified: verified.tables(), engine: engine.tables() });
    }
    let program = verified.program();
    let schedule = engine.config().schedule;
    let digests = Digests::of(engine.isa());
    let mut written = RegSet::default();
    let mut functions = Vec::with_capacity(program.functions().len());
    for index in 0..program.functions().len() {
        let func = FuncId(index as u32);
        let source = verified.function(func).ok_or(LowerError::Internal { func, at: InstrIx(0) })?;
        functions.push(FunctionLowering::new(verified, source, engine, &digests, &mut written)?.run()?);
    }
    let mut names: Vec<(FuncId, Box<str>)> = program
        .names()
        .functions
        .iter()
        .filter_map(|&(func, symbol)| Some((func, program.symbol(symbol)?.into())))
        .collect();
    names.sort_by_key(|&(func, _)| func);
    names.dedup_by_key(|&mut (func, _)| func);
    let call_sigs = (0..program.call_sig_count())
        .map(|i| program.call_sig(CallSigId(i as u32)).map_or_else(empty_sig, exec_sig))
        .collect();
    let has_tail_calls = functions.iter().any(has_tail_call);
    Ok(ExecProgram {
        functions: functions.into(),
        imports: imports(verified),
        call_sigs,
        types: Arc::new(verified.types().clone()),
        const_data: program.const_data().into(),
        names: names.into(),
        schedule,
        memories: memories(program),
        source: (!program.sessions().is_empty()).then(|| verified.clone()),
        session_names: SessionNames::of(program),
        has_tail_calls,
        extensions: engine.extensions().cloned(),
    })
}

/// Whether a function calls in place of itself, which ends a segment.
fn has_tail_call(function: &ExecFunction) -> bool {
    let ends = function.segments.iter().filter_map(|segment| segment.end.index().checked_sub(1));
    let mut last = ends.filter_map(|last| function.instrs.get(last));
    last.any(|instr| matches!(instr, ExecInstr::TailCall { .. } | ExecInstr::TailCallIndirect { .. }))
}

fn memories(program: &Program) -> Box<[MemoryType]> {
    let types = program.memories().iter().map(|def| MemoryType {
        min: def.min,
        max: def.max,
        exported: def.exported,
        name: program.symbol(def.name).unwrap_or("").into(),
    });
    types.collect()
}

fn exec_sig(sig: Signature<'_>) -> ExecSig {
    ExecSig { params: sig.params.into(), results: sig.results.into() }
}

fn empty_sig() -> ExecSig {
    ExecSig { params: Box::default(), results: Box::default() }
}

fn imports(verified: &VerifiedProgram) -> Box<[Import]> {
    let program = verified.program();
    (0..program.host_sig_count())
        .filter_map(|i| program.host_sig(HostSigId(i as u32)))
        .map(|sig| Import {
            symbol: program.symbol(sig.symbol).unwrap_or("").into(),
            hash: sig.hash,
            params: sig.sig.params.into(),
            results: sig.sig.results.into(),
        })
        .collect()
}

/// The immediate of an instruction, 0 if it has none. Of two, a byte each, the first is the low byte.
fn immediate(operands: &Operands<'_>) -> Option<u32> {
    let low = operands.other(0).unwrap_or(0);
    let high = operands.other(1).unwrap_or(0) << 8;
    u32::try_from(low | high).ok()
}

/// The state of lowering one function.
struct FunctionLowering<'v> {
    engine: &'v Engine,
    isa: &'v Isa<'v>,
    digests: &'v Digests<'v>,
    verified: &'v VerifiedProgram,
    source: &'v VerifiedFunc,
    code: &'v Code,
    func: FuncId,
    schedule: FuelSchedule,
    reg_slots: Vec<Slot>,
    frame_slots: u32,
    param_slots: u32,
    discard: Option<Slot>,
    written: &'v mut RegSet,
    slot_lists: Vec<Slot>,
    targets: Vec<InstrIx>,
    agg_reads: Vec<AggRead>,
    sites: Vec<SessionInstr>,
}

impl<'v> FunctionLowering<'v> {
    fn new(
        verified: &'v VerifiedProgram,
        source: &'v VerifiedFunc,
        engine: &'v Engine,
        digests: &'v Digests<'v>,
        written: &'v mut RegSet,
    ) -> Result<Self, LowerError> {
        written.begin(source.reg_types().len() as u32);
        let mut lowering = Self {
            engine,
            isa: digests.isa(),
            digests,
            verified,
            source,
            code: source.code(),
            func: source.id(),
            schedule: engine.config().schedule,
            reg_slots: Vec::with_capacity(source.reg_types().len()),
            frame_slots: 0,
            param_slots: 0,
            discard: None,
            written,
            slot_lists: Vec::new(),
            targets: Vec::new(),
            agg_reads: Vec::new(),
            sites: Vec::new(),
        };
        lowering.assign_slots()?;
        Ok(lowering)
    }

    /// Registers take slots in register order, so parameters (registers 1 and up) come first.
    fn assign_slots(&mut self) -> Result<(), LowerError> {
        let params = self.signature().params.len();
        let types = self.verified.types();
        for (reg, &ty) in self.source.reg_types().iter().enumerate() {
            self.reg_slots.push(self.frame_slots);
            self.frame_slots = self.frame_slots.checked_add(types.slots(ty)).ok_or(LowerError::TooLarge)?;
            if reg == params {
                self.param_slots = self.frame_slots;
            }
        }
        Ok(())
    }

    fn signature(&self) -> Signature<'v> {
        self.verified.program().func_sig(self.func).unwrap_or(Signature { params: &[], results: &[] })
    }

    fn run(mut self) -> Result<ExecFunction, LowerError> {
        let code = self.code.instrs();
        let mut instrs = Vec::with_capacity(code.len());
        for (at, instr) in (0u32..).map(InstrIx).zip(code) {
            let lowered = self.direct_registers(instr).or_else(|| self.instr(at, instr));
            instrs.push(lowered.ok_or(LowerError::Internal { func: self.func, at })?);
        }
        let pcs: Box<[u32]> = code.iter().map(|instr| instr.pc).collect();
        let fuel_before = segments::fuel_before(self.digests, self.code, self.schedule);
        let segments = segments::cut(self.isa, self.code, self.source.blocks(), self.schedule);
        let signature = self.signature();
        let slots = |types: &[ValueType]| types.iter().map(|ty| ty.slots()).sum();
        Ok(ExecFunction {
            spans: segments::spans(self.verified.program(), self.func, &pcs),
            instrs: instrs.into(),
            ops: code.iter().map(|instr| instr.didx).collect(),
            pcs,
            fuel_before,
            segments,
            slot_lists: self.slot_lists.into(),
            targets: self.targets.into(),
            agg_reads: self.agg_reads.into(),
            sites: self.sites.into(),
            reg_slots: self.reg_slots.into(),
            reg_types: self.source.reg_types().into(),
            param_slots: self.param_slots,
            result_slots: slots(signature.results),
            frame_slots: self.frame_slots,
            params: signature.params.into(),
            results: signature.results.into(),
        })
    }

    fn reg_type(&self, reg: u64) -> Option<TypeId> {
        self.source.reg_types().get(usize::try_from(reg).ok()?).copied()
    }

    fn slot(&self, reg: u64) -> Option<Slot> {
        self.reg_slots.get(usize::try_from(reg).ok()?).copied()
    }

    fn width(&self, reg: u64) -> Option<u32> {
        Some(self.verified.types().slots(self.reg_type(reg)?))
    }

    /// The slots of a register list, one entry a slot.
    fn list(&mut self, word: u64) -> Option<SlotList> {
        let start = u32::try_from(self.slot_lists.len()).ok()?;
        for &reg in self.code.list(word) {
            let first = self.slot(reg.into())?;
            for slot in 0..self.width(reg.into())? {
                self.slot_lists.push(first + slot);
            }
        }
        Some(SlotList { start, len: u32::try_from(self.slot_lists.len()).ok()? - start })
    }

    /// The slots of a list of result registers, one entry a slot of the results' types. A register that is named
    /// twice takes the last result, and only that one has its type; what comes before goes to a slot that nobody
    /// reads.
    fn results(&mut self, word: u64, types: &[ValueType]) -> Option<SlotList> {
        let start = u32::try_from(self.slot_lists.len()).ok()?;
        let regs = self.code.list(word);
        let mut counts = vec![false; regs.len()];
        for (i, _) in self.written.last_entries(regs) {
            *counts.get_mut(i)? = true;
        }
        for ((&reg, ty), counts) in regs.iter().zip(types).zip(counts) {
            for n in 0..ty.slots() {
                let slot = if counts { self.slot(reg.into())? + n } else { self.discard_slot()? };
                self.slot_lists.push(slot);
            }
        }
        Some(SlotList { start, len: u32::try_from(self.slot_lists.len()).ok()? - start })
    }

    /// The slot for results that nobody reads; the frame has it only if it is needed.
    fn discard_slot(&mut self) -> Option<Slot> {
        if let Some(slot) = self.discard {
            return Some(slot);
        }
        let slot = self.frame_slots;
        self.frame_slots = slot.checked_add(1)?;
        self.discard = Some(slot);
        Some(slot)
    }

    /// An instruction that only computes one register from others, which is what most are. `None` for others.
    fn direct_registers(&self, instr: &Instr) -> Option<ExecInstr> {
        if !instr.marks.has(Marks::DIRECT) {
            return None;
        }
        let registers = self.digests.get(instr.didx).registers(self.code.operands(instr));
        let (dst, _) = registers.write()?;
        let mut args = [0; 3];
        for (arg, (reg, _)) in args.iter_mut().zip(registers.reads()) {
            *arg = self.slot(reg.into())?;
        }
        Some(ExecInstr::Direct { op: Opcode::from_didx(instr.didx)?, dst: self.slot(dst.into())?, args })
    }

    /// Lowers one instruction as its row says. `None` is an internal error.
    fn instr(&mut self, at: InstrIx, instr: &Instr) -> Option<ExecInstr> {
        let row = self.isa.op(instr.didx)?;
        let operands = Operands::new(row, self.code.operands(instr));
        Some(match row.lower() {
            Lower::Nop => ExecInstr::Nop,
            Lower::Direct if is_foreign(instr.didx) => self.extension(instr.didx, &operands)?,
            Lower::Direct => self.direct(instr.didx, &operands)?,
            Lower::Move => {
                let (dst, src) = (operands.written(0)?, operands.read(0)?);
                match self.width(src)? {
                    0 => ExecInstr::Nop,
                    width => ExecInstr::Move { width, dst: self.slot(dst)?, src: self.slot(src)? },
                }
            }
            Lower::Select => self.select(&operands)?,
            Lower::Const => self.constant(&operands)?,
            Lower::PoolConst => self.pool_constant(&operands)?,
            Lower::Trap => ExecInstr::Trap { code: u32::try_from(operands.other(0)?).ok()? },
            Lower::Jump => ExecInstr::Jump { target: self.target(operands.other(0)?)? },
            Lower::Branch => ExecInstr::Branch {
                cond: self.slot(operands.read(0)?)?,
                then: self.target(operands.other(0)?)?,
                other: self.target(operands.other(1)?)?,
            },
            Lower::BranchTable => ExecInstr::BranchTable {
                index: self.slot(operands.read(0)?)?,
                targets: self.targets(operands.other(0)?, operands.other(1)?)?,
            },
            Lower::TailCall => ExecInstr::TailCall {
                func: FuncId(u32::try_from(operands.other(0)?).ok()?),
                args: self.list(operands.read_list()?)?,
            },
            Lower::TailCallIndirect => {
                let callee = operands.read(0)?;
                ExecInstr::TailCallIndirect {
                    sig: CallSigId(u32::try_from(operands.other(0)?).ok()?),
                    callee: self.slot(callee)?,
                    closure: self.reg_type(callee)? == TypeId::CLOSURE,
                    args: self.list(operands.read_list()?)?,
                }
            }
            Lower::Call => {
                let func = FuncId(u32::try_from(operands.other(0)?).ok()?);
                let results = self.verified.program().func_sig(func)?.results;
                ExecInstr::Call {
                    func,
                    args: self.list(operands.read_list()?)?,
                    rets: self.results(operands.written_list()?, results)?,
                }
            }
            Lower::CallIndirect => self.call_indirect(&operands)?,
            Lower::Session => self.session(at, instr, row)?,
            Lower::HostCall => {
                let host = HostSigId(u32::try_from(operands.other(0)?).ok()?);
                let results = self.verified.program().host_sig(host)?.sig.results;
                ExecInstr::HostCall {
                    host,
                    args: self.list(operands.read_list()?)?,
                    rets: self.results(operands.written_list()?, results)?,
                }
            }
            Lower::Intrinsic => self.intrinsic(&operands)?,
            Lower::Load => ExecInstr::Load {
                op: Opcode::from_didx(instr.didx)?,
                dst: self.slot(operands.written(0)?)?,
                mem: MemId(u32::try_from(operands.other(0)?).ok()?),
                addr: self.slot(operands.read(0)?)?,
                offset: u32::try_from(operands.other(1)?).ok()?,
            },
            Lower::Store => ExecInstr::Store {
                op: Opcode::from_didx(instr.didx)?,
                mem: MemId(u32::try_from(operands.other(0)?).ok()?),
                addr: self.slot(operands.read(0)?)?,
                offset: u32::try_from(operands.other(1)?).ok()?,
                value: self.slot(operands.read(1)?)?,
            },
            Lower::Memory => self.memory(instr.didx, &operands)?,
            Lower::Return => ExecInstr::Return { values: self.list(operands.read_list()?)? },
            Lower::ClosureNew => ExecInstr::ClosureNew {
                dst: self.slot(operands.written(0)?)?,
                func: self.slot(operands.read(0)?)?,
                env: self.slot(operands.read(1)?)?,
            },
            Lower::AggNew => self.agg_new(at, &operands)?,
            Lower::AggGetImm => ExecInstr::AggGetImm {
                dst: self.slot(operands.written(0)?)?,
                agg: self.slot(operands.read(0)?)?,
                index: u32::try_from(operands.other(0)?).ok()?,
                read: self.agg_read(at, operands.written(0)?)?,
            },
            Lower::AggGet => ExecInstr::AggGet {
                dst: self.slot(operands.written(0)?)?,
                agg: self.slot(operands.read(0)?)?,
                index: self.slot(operands.read(1)?)?,
                read: self.agg_read(at, operands.written(0)?)?,
            },
            Lower::AggLen => ExecInstr::AggLen {
                dst: self.slot(operands.written(0)?)?,
                agg: self.slot(operands.read(0)?)?,
                kind: operands.agg_kind()?,
            },
        })
    }

    /// One of the VM's, or a function of the embedder.
    fn intrinsic(&mut self, operands: &Operands<'_>) -> Option<ExecInstr> {
        let id = IntrinsicId(u32::try_from(operands.other(0)?).ok()?);
        let row = self.isa.intrinsic(id.0)?;
        let classes = row.ret_slots().iter();
        let results: Vec<ValueType> = classes.filter_map(|&tag| ValueType::from_tag(tag, 0)).collect();
        let args = self.list(operands.read_list()?)?;
        let rets = self.results(operands.written_list()?, &results)?;
        if row.id.get() < FIRST_FOREIGN_ID {
            return Some(ExecInstr::Intrinsic { id, args, rets });
        }
        let func = self.engine.extensions()?.intrinsic(id.0)?;
        let size = intrinsic_size_fuel(row, self.schedule);
        Some(ExecInstr::Extension { func, imm: 0, size, args, rets })
    }

    /// An embedder's opcode: its registers and its immediate go to its function.
    fn extension(&mut self, didx: u16, operands: &Operands<'_>) -> Option<ExecInstr> {
        let func = self.engine.extensions()?.opcode(didx)?;
        let start = u32::try_from(self.slot_lists.len()).ok()?;
        let mut len = 0;
        while let Some(reg) = operands.read(len as usize) {
            self.slot_lists.push(self.slot(reg)?);
            len += 1;
        }
        self.slot_lists.push(self.slot(operands.written(0)?)?);
        let (args, rets) = (SlotList { start, len }, SlotList { start: start + len, len: 1 });
        Some(ExecInstr::Extension { func, imm: immediate(operands)?, size: None, args, rets })
    }

    fn direct(&self, didx: u16, operands: &Operands<'_>) -> Option<ExecInstr> {
        let op = Opcode::from_didx(didx)?;
        let dst = self.slot(operands.written(0)?)?;
        if operands.other(0).is_some() {
            let a = self.slot(operands.read(0)?)?;
            return Some(ExecInstr::DirectImm { op, dst, a, imm: immediate(operands)? });
        }
        Some(ExecInstr::Direct { op, dst, args: self.read_slots(operands)? })
    }

    /// An instruction over ranges of memories. A constant among its ids is given by where its data is.
    fn memory(&self, didx: u16, operands: &Operands<'_>) -> Option<ExecInstr> {
        let op = Opcode::from_didx(didx)?;
        let dst = operands.written(0).map_or(Some(0), |reg| self.slot(reg))?;
        let mut ids = Vec::with_capacity(3);
        for (kind, id) in operands.others() {
            let id = u32::try_from(id).ok()?;
            if kind == OperandKind::ConstId {
                let (Const::Bytes(start, len) | Const::Str(start, len)) =
                    *self.verified.program().constants().get(id as usize)?
                else {
                    return None;
                };
                ids.extend([start, len]);
            } else {
                ids.push(id);
            }
        }
        ids.resize(3, 0);
        let args = self.read_slots(operands)?;
        Some(ExecInstr::Memory { op, dst, ids: ids.try_into().ok()?, args })
    }

    /// The slots of up to three registers read.
    fn read_slots(&self, operands: &Operands<'_>) -> Option<[Slot; 3]> {
        let mut args = [0; 3];
        for (i, arg) in args.iter_mut().enumerate() {
            let Some(reg) = operands.read(i) else { break };
            *arg = self.slot(reg)?;
        }
        Some(args)
    }

    fn select(&self, operands: &Operands<'_>) -> Option<ExecInstr> {
        let dst = operands.written(0)?;
        Some(match self.width(dst)? {
            0 => ExecInstr::Nop,
            width => ExecInstr::Select {
                width,
                dst: self.slot(dst)?,
                cond: self.slot(operands.read(0)?)?,
                a: self.slot(operands.read(1)?)?,
                b: self.slot(operands.read(2)?)?,
            },
        })
    }

    /// An immediate constant: as many immediates as the class has slots.
    fn constant(&self, operands: &Operands<'_>) -> Option<ExecInstr> {
        let reg = operands.written(0)?;
        let dst = self.slot(reg)?;
        Some(match self.width(reg)? {
            0 => ExecInstr::Nop,
            1 => ExecInstr::Const { dst, value: operands.other(0)? },
            _ => ExecInstr::ConstDecimal {
                dst,
                mantissa: operands.other(0)? as i64,
                scale: u8::try_from(operands.other(1)?).ok()?,
            },
        })
    }

    fn pool_constant(&self, operands: &Operands<'_>) -> Option<ExecInstr> {
        let dst = self.slot(operands.written(0)?)?;
        let index = usize::try_from(operands.other(0)?).ok()?;
        let value = match *self.verified.program().constants().get(index)? {
            Const::Unit => return Some(ExecInstr::Nop),
            Const::Decimal { mantissa, scale } => {
                return Some(ExecInstr::ConstDecimal { dst, scale, mantissa });
            }
            Const::Bool(value) => u64::from(value),
            Const::I64(value) => value as u64,
            Const::U64(value) | Const::F64(value) => value,
            Const::Bytes(start, len) | Const::Str(start, len) => crate::heap::text_slot(start, len),
        };
        Some(ExecInstr::Const { dst, value })
    }

    fn target(&self, pc: u64) -> Option<InstrIx> {
        self.code.at_pc(u32::try_from(pc).ok()?)
    }

    /// The instructions of a list of targets, and of one more behind them.
    fn targets(&mut self, list: u64, last: u64) -> Option<TargetList> {
        let start = u32::try_from(self.targets.len()).ok()?;
        for &pc in self.code.list(list) {
            let target = self.target(pc.into())?;
            self.targets.push(target);
        }
        let last = self.target(last)?;
        self.targets.push(last);
        Some(TargetList { start, len: u32::try_from(self.targets.len()).ok()? - start })
    }

    fn call_indirect(&mut self, operands: &Operands<'_>) -> Option<ExecInstr> {
        let callee = operands.read(0)?;
        let sig = CallSigId(u32::try_from(operands.other(0)?).ok()?);
        let results = self.verified.program().call_sig(sig)?.results;
        Some(ExecInstr::CallIndirect {
            sig,
            callee: self.slot(callee)?,
            closure: self.reg_type(callee)? == TypeId::CLOSURE,
            args: self.list(operands.read_list()?)?,
            rets: self.results(operands.written_list()?, results)?,
        })
    }

    /// The node's type is the one the instruction itself makes, which need not be the register's: a register
    /// that holds several shapes over time has type `agg`.
    fn agg_new(&mut self, at: InstrIx, operands: &Operands<'_>) -> Option<ExecInstr> {
        let ty = self.source.agg_type_at(at)?;
        let word = operands.read_list()?;
        Some(ExecInstr::AggNew {
            dst: self.slot(operands.written(0)?)?,
            ty,
            len: u32::try_from(self.code.list(word).len()).ok()?,
            values: self.list(word)?,
        })
    }

    fn agg_read(&mut self, at: InstrIx, dst: u64) -> Option<u32> {
        let index = u32::try_from(self.agg_reads.len()).ok()?;
        let elem = self.reg_type(dst)?;
        let width = self.verified.types().slots(elem);
        self.agg_reads.push(AggRead { shape: self.source.agg_type_at(at)?, elem, width });
        Some(index)
    }
}
