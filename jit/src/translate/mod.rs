//! From lowered functions to Cranelift's IR: one block a segment, one variable a slot.
//!
//! Every compiled function takes the meter (see [`crate::meter`]) and its parameters' slots, and returns the meter
//! and its results' slots, or, in place of the meter, that the run was left. The context is in the pinned register.
//! Code never traps: where an instruction might, a check leaves the function before it, and the interpreter does
//! the instruction again.

mod agg;
mod call;
mod cast;
mod decimal;
mod direct;
mod exit;
mod extension;
mod float;
mod flow;
mod int;
mod intrinsic;
mod mem;
mod pay;
mod text;

use crate::analysis::{Analysis, instrs, step_back};
use crate::compile::Tables;
use crate::error::JitError;
use crate::fuel::Charges;
use crate::slots::{SlotSet, SlotTypes};
use cranelift_codegen::ir::{
    Block, FuncRef, Function, InstBuilder, SigRef, Signature, Type, Value, condcodes::IntCC, types,
};
use cranelift_codegen::isa::TargetIsa;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Variable};
use exit::PendingExit;
use mem::{Access, Memories};
use opforge_vm::ids::{FuncId, InstrIx};
use opforge_vm::lower::{ExecFunction, ExecInstr, ExecProgram, Segment, Slot};
use std::collections::{HashMap, VecDeque};

/// Translates one function into `ir`, which has its signature.
pub(crate) fn translate(
    (program, tables): (&ExecProgram, &mut Tables),
    isa: &dyn TargetIsa,
    func: FuncId,
    ir: &mut Function,
    builder_context: &mut FunctionBuilderContext,
) -> Result<(), JitError> {
    let function = program.function(func).ok_or(JitError::Internal { func })?;
    let types = SlotTypes::of(function, &program.types);
    let analysis = Analysis::of(function, &types);
    let starts =
        analysis.heads.iter().filter_map(|&head| function.segments.get(head)).map(|segment| segment.start);
    tables.begin(func, &analysis.constants, starts.collect());
    let mut builder = FunctionBuilder::new(ir, builder_context);
    let variables = (0..types.len()).map(|slot| types.get(slot as u32).map(|ty| builder.declare_var(ty)));
    let variables = variables.collect();
    let meter = builder.declare_var(types::I64);
    let memories = Memories::of(program, function, &mut builder);
    let entry = builder.create_block();
    builder.append_block_params_for_function_params(entry);
    builder.switch_to_block(entry);
    builder.seal_block(entry);
    let params = builder.block_params(entry).to_vec();
    let &[meter_param, ..] = &params[..] else { return Err(JitError::Internal { func }) };
    builder.def_var(meter, meter_param);
    let mut translator = Translator {
        builder,
        isa,
        program,
        function,
        func,
        tables,
        types: &types,
        analysis: &analysis,
        charges: Charges::of(function, &analysis),
        variables,
        meter,
        memories,
        blocks: Vec::new(),
        unsealed: analysis.edges(),
        exits: Vec::new(),
        signatures: HashMap::new(),
        refill: None,
        index: 0,
        segment: Segment { start: InstrIx(0), end: InstrIx(0) },
        unmetered: None,
        live: VecDeque::new(),
        ended: false,
    };
    for (slot, &value) in params.iter().skip(1).enumerate() {
        translator.write(slot as Slot, value);
    }
    translator.find_memories()?;
    translator.run()?;
    translator.builder.finalize(isa.frontend_config());
    Ok(())
}

/// The live slots around an instruction that may leave.
#[derive(Clone)]
struct LiveAt {
    at: InstrIx,
    /// Needed by the instruction and what follows.
    before: SlotSet,
    /// Needed by what follows, results of the instruction not counted.
    across: SlotSet,
}

struct Translator<'t> {
    builder: FunctionBuilder<'t>,
    isa: &'t dyn TargetIsa,
    program: &'t ExecProgram,
    function: &'t ExecFunction,
    func: FuncId,
    tables: &'t mut Tables,
    types: &'t SlotTypes,
    analysis: &'t Analysis,
    charges: Charges,
    /// By slot.
    variables: Vec<Option<Variable>>,
    meter: Variable,
    memories: Memories,
    /// By segment; `None` where control cannot get.
    blocks: Vec<Option<Block>>,
    /// By segment: edges to it that are not there yet.
    unsealed: Vec<u32>,
    exits: Vec<PendingExit>,
    signatures: HashMap<Signature, SigRef>,
    refill: Option<FuncRef>,
    /// The segment at hand, by number.
    index: usize,
    segment: Segment,
    /// Where to go if there is no meter at all: the run was left in the call before, or the function is entered at
    /// the head of a loop. The next charge looks.
    unmetered: Option<Block>,
    /// Of the segment's instructions that may leave, in order.
    live: VecDeque<LiveAt>,
    /// Whether the current block has its end.
    ended: bool,
}

impl Translator<'_> {
    fn internal(&self) -> JitError {
        JitError::Internal { func: self.func }
    }

    fn segment(&mut self, index: usize, segment: Segment) -> Result<(), JitError> {
        (self.index, self.segment) = (index, segment);
        self.ended = false;
        self.note_live(index);
        self.note_source(segment.start);
        self.memories.begin(self.function, segment);
        self.charge(index)?;
        self.find_grown()?;
        for at in instrs(segment) {
            let instr = self.function.instrs.get(at.index()).ok_or(self.internal())?;
            self.note_source(at);
            self.instr(at, instr)?;
            self.follow_memories(instr)?;
        }
        if !self.ended {
            self.go_to(index + 1)?;
        }
        Ok(())
    }

    /// Says which instruction the code that follows comes from, for `notes`.
    fn note_source(&mut self, at: InstrIx) {
        self.builder.set_srcloc(cranelift_codegen::ir::SourceLoc::new(at.0));
    }

    /// Finds the live slots at the segment's instructions that may leave.
    fn note_live(&mut self, index: usize) {
        self.live.clear();
        let mut live = self.analysis.live_out(index, self.types);
        for at in instrs(self.segment).rev() {
            let Some(instr) = self.function.instrs.get(at.index()) else { continue };
            if !may_leave(instr) {
                step_back(self.function, self.types, &self.analysis.constants, at, &mut live);
                continue;
            }
            let mut across = live.clone();
            instr.for_each_write(self.function, |slot| {
                self.types.value_at(slot).for_each(|s| across.remove(s));
            });
            step_back(self.function, self.types, &self.analysis.constants, at, &mut live);
            self.live.push_front(LiveAt { at, before: live.clone(), across });
        }
    }

    /// The live slots at an instruction of the segment that may leave.
    fn live_at(&mut self, at: InstrIx) -> Result<LiveAt, JitError> {
        while self.live.front().is_some_and(|live| live.at < at) {
            self.live.pop_front();
        }
        self.live.front().filter(|live| live.at == at).cloned().ok_or(self.internal())
    }

    fn is_negative(&mut self, value: Value) -> Value {
        let zero = self.builder.ins().iconst(types::I64, 0);
        self.builder.ins().icmp(IntCC::SignedLessThan, value, zero)
    }

    /// Goes on in a new block, which it returns, unless `cond` holds, which leads to `target`.
    fn branch_away(&mut self, cond: Value, target: Block) -> Block {
        let next = self.builder.create_block();
        self.builder.ins().brif(cond, target, &[], next, &[]);
        self.builder.seal_block(next);
        self.builder.switch_to_block(next);
        next
    }

    /// The value of a slot.
    fn read(&mut self, slot: Slot) -> Value {
        let ty = self.types.get(slot).unwrap_or(types::I64);
        if let Some(value) = self.constant(slot) {
            return self.immediate(ty, value);
        }
        match self.variables.get(slot as usize).copied().flatten() {
            Some(variable) => self.builder.use_var(variable),
            None => self.immediate(ty, 0),
        }
    }

    fn immediate(&mut self, ty: Type, value: u64) -> Value {
        if ty == types::F64 {
            let bits = cranelift_codegen::ir::immediates::Ieee64::with_bits(value);
            return self.builder.ins().f64const(bits);
        }
        self.builder.ins().iconst(ty, value as i64)
    }

    /// The value that a slot always holds.
    fn constant(&self, slot: Slot) -> Option<u64> {
        self.analysis.constants.get(slot as usize).copied().flatten()
    }

    /// Sets a slot; one of no register is not kept.
    fn write(&mut self, slot: Slot, value: Value) {
        if let Some(variable) = self.variables.get(slot as usize).copied().flatten() {
            self.builder.def_var(variable, value);
        }
    }

    fn instr(&mut self, at: InstrIx, instr: &ExecInstr) -> Result<(), JitError> {
        match *instr {
            ExecInstr::Nop => {}
            ExecInstr::Const { dst, .. } | ExecInstr::ConstDecimal { dst, .. }
                if self.constant(dst).is_some() => {}
            ExecInstr::Const { dst, value } => {
                let ty = self.types.get(dst).unwrap_or(types::I64);
                let value = self.immediate(ty, value);
                self.write(dst, value);
            }
            ExecInstr::ConstDecimal { dst, scale, mantissa } => {
                let mantissa = self.immediate(types::I64, mantissa as u64);
                let scale = self.immediate(types::I64, scale.into());
                self.write(dst, mantissa);
                self.write(dst + 1, scale);
            }
            ExecInstr::Move { width, dst, src } => {
                let values: Vec<Value> = (0..width).map(|i| self.read(src + i)).collect();
                self.write_all(dst, &values);
            }
            ExecInstr::Select { width, dst, cond, a, b } => {
                let cond = self.read(cond);
                let mut values = Vec::new();
                for i in 0..width {
                    let (a, b) = (self.read(a + i), self.read(b + i));
                    values.push(self.builder.ins().select(cond, a, b));
                }
                self.write_all(dst, &values);
            }
            ExecInstr::ClosureNew { dst, func, env } => {
                let values = [self.read(func), self.read(env)];
                self.write_all(dst, &values);
            }
            // The interpreter does session instructions, and suspends at them; code is entered again behind them.
            ExecInstr::Trap { .. } | ExecInstr::Session { .. } => {
                let exit = self.exit_before(at)?;
                self.builder.ins().jump(exit, &[]);
                self.ended = true;
            }
            ExecInstr::Jump { target } => {
                let target = Analysis::segment_at(self.function, target).ok_or(self.internal())?;
                self.go_to(target)?;
            }
            ExecInstr::Branch { cond, then, other } => self.branch(cond, then, other)?,
            ExecInstr::BranchTable { index, targets } => self.branch_table(index, targets)?,
            ExecInstr::TailCall { func, args } => self.tail_call(func, args)?,
            ExecInstr::TailCallIndirect { sig, callee, closure, args } => {
                self.tail_call_indirect(at, sig, (callee, closure), args)?;
            }
            ExecInstr::Return { values } => {
                let mut results = vec![self.builder.use_var(self.meter)];
                for &slot in self.function.slots(values) {
                    results.push(self.read(slot));
                }
                self.builder.ins().return_(&results);
                self.ended = true;
            }
            ExecInstr::Direct { op, dst, args } => self.direct(at, op, dst, args)?,
            ExecInstr::DirectImm { op, dst, a, imm } => self.direct_imm(at, op, dst, a, imm)?,
            ExecInstr::Call { func, args, rets } => self.call(at, func, args, rets)?,
            ExecInstr::CallIndirect { sig, callee, closure, args, rets } => {
                self.call_indirect(at, sig, (callee, closure), args, rets)?;
            }
            ExecInstr::HostCall { host, args, rets } => self.host_call(at, host, args, rets)?,
            ExecInstr::Intrinsic { id, args, rets } => self.intrinsic(at, id, args, rets)?,
            ExecInstr::Load { op, dst, mem, addr, offset } => {
                self.load(at, op, dst, Access { mem, addr, offset })?;
            }
            ExecInstr::Store { op, mem, addr, offset, value } => {
                self.store(at, op, Access { mem, addr, offset }, value)?;
            }
            ExecInstr::Memory { op, dst, ids, args } => self.memory(at, op, dst, ids, args)?,
            ExecInstr::Extension { func, imm, size, args, rets } => {
                self.extension(at, (func, imm), size, args, rets)?;
            }
            ExecInstr::AggNew { dst, ty, len, values } => self.agg_new(at, dst, (ty, len), values)?,
            ExecInstr::AggGetImm { dst, agg, index, read } => {
                let index = self.immediate(types::I64, index.into());
                self.agg_get(at, dst, agg, index, read)?;
            }
            ExecInstr::AggGet { dst, agg, index, read } => {
                let index = self.read(index);
                self.agg_get(at, dst, agg, index, read)?;
            }
            ExecInstr::AggLen { dst, agg, kind } => self.agg_len(at, dst, agg, kind)?,
        }
        Ok(())
    }

    fn write_all(&mut self, dst: Slot, values: &[Value]) {
        for (i, &value) in values.iter().enumerate() {
            self.write(dst + i as u32, value);
        }
    }
}
/// Whether code may leave at this instruction.
pub(crate) fn may_leave(instr: &ExecInstr) -> bool {
    match instr {
        ExecInstr::Nop
        | ExecInstr::Const { .. }
        | ExecInstr::ConstDecimal { .. }
        | ExecInstr::Move { .. }
        | ExecInstr::Select { .. }
        | ExecInstr::ClosureNew { .. }
        | ExecInstr::Jump { .. }
        | ExecInstr::Branch { .. }
        | ExecInstr::BranchTable { .. }
        | ExecInstr::TailCall { .. }
        | ExecInstr::Return { .. } => false,
        ExecInstr::Direct { op, .. } | ExecInstr::DirectImm { op, .. } => direct::may_leave(*op),
        ExecInstr::Intrinsic { id, .. } => intrinsic::may_leave(*id),
        _ => true,
    }
}
