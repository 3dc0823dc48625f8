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
mod float;
mod int;
mod intrinsic;
mod text;

use crate::analysis::{Analysis, instrs, step_back};
use crate::compile::Tables;
use crate::context::Context;
use crate::error::JitError;
use crate::fuel::{Charge, Charges};
use crate::meter;
use crate::slots::{SlotSet, SlotTypes};
use cranelift_codegen::ir::{
    Block, BlockArg, FuncRef, Function, InstBuilder, InstructionData, SigRef, Signature, Type, Value,
    condcodes::{CondCode, IntCC},
    types,
};
use cranelift_codegen::isa::TargetIsa;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Switch, Variable};
use exit::PendingExit;
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
    let heads = analysis.heads();
    let starts = heads.iter().filter_map(|&head| function.segments.get(head)).map(|segment| segment.start);
    tables.begin(func, &analysis.constants, starts.collect());
    let mut builder = FunctionBuilder::new(ir, builder_context);
    let variables = (0..types.len()).map(|slot| types.get(slot as u32).map(|ty| builder.declare_var(ty)));
    let variables = variables.collect();
    let meter = builder.declare_var(types::I64);
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
    translator.run(&heads)?;
    translator.builder.finalize(isa.frontend_config());
    Ok(())
}

/// Fuel that code takes.
#[derive(Clone, Copy)]
enum Cost {
    /// As much as is known when it is compiled.
    Fixed(u64),
    /// As much as a 64-bit value says when it runs.
    BySize(Value),
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

    fn run(&mut self, heads: &[usize]) -> Result<(), JitError> {
        for index in 0..self.function.segments.len() {
            let reachable = self.analysis.reachable.get(index).copied().unwrap_or(false);
            let block = reachable.then(|| self.builder.create_block());
            self.blocks.push(block);
        }
        let first = self.blocks.first().copied().flatten().ok_or(self.internal())?;
        if let Some(count) = self.unsealed.first_mut() {
            *count += 1;
        }
        self.builder.ins().jump(first, &[]);
        self.edge_to(0);
        let entries = (!heads.is_empty()).then(|| self.builder.create_block());
        self.unmetered = entries;
        for (index, &segment) in self.function.segments.iter().enumerate() {
            let Some(block) = self.blocks.get(index).copied().flatten() else { continue };
            self.builder.switch_to_block(block);
            self.segment(index, segment)?;
        }
        if let Some(block) = entries {
            self.enter_at_heads(block, heads)?;
        }
        self.finish_exits();
        Ok(())
    }

    /// Fills the block where the function goes if it is entered at the head of a loop: with the live slots of the
    /// interpreter's frame, and the meter, it goes there.
    fn enter_at_heads(&mut self, block: Block, heads: &[usize]) -> Result<(), JitError> {
        self.builder.set_cold_block(block);
        self.builder.seal_block(block);
        self.builder.switch_to_block(block);
        let (flags, context) = (self.trusted(), self.context());
        let meter = self.builder.ins().load(types::I64, flags, context, Context::REFILLED);
        let frame = self.builder.ins().load(types::I64, flags, context, Context::FRAME);
        let which = self.builder.ins().load(types::I64, flags, context, Context::HEAD);
        self.builder.def_var(self.meter, meter);
        let mut switch = Switch::new();
        let mut blocks = Vec::with_capacity(heads.len());
        for number in 1..=heads.len() {
            let block = self.builder.create_block();
            self.builder.set_cold_block(block);
            switch.set_entry(number as u128, block);
            blocks.push(block);
        }
        // Numbers are those of `heads`; the last one stands for what cannot be.
        let otherwise = blocks.last().copied().ok_or(self.internal())?;
        switch.emit(&mut self.builder, which, otherwise);
        for (&head, block) in heads.iter().zip(blocks) {
            self.builder.seal_block(block);
            self.builder.switch_to_block(block);
            let live = self.analysis.live_in.get(head).ok_or(self.internal())?;
            for slot in live.iter() {
                let Some(ty) = self.types.get(slot) else { continue };
                let value = self.builder.ins().load(ty, flags, frame, slot as i32 * 8);
                self.write(slot, value);
            }
            let target = self.blocks.get(head).copied().flatten().ok_or(self.internal())?;
            self.builder.ins().jump(target, &[]);
            self.edge_to(head);
        }
        Ok(())
    }

    /// Notes that an edge to a segment is there; after the last one its block is complete from above.
    fn edge_to(&mut self, segment: usize) {
        let Some(count) = self.unsealed.get_mut(segment) else { return };
        *count = count.saturating_sub(1);
        if *count == 0
            && let Some(block) = self.blocks.get(segment).copied().flatten()
        {
            self.builder.seal_block(block);
        }
    }

    fn segment(&mut self, index: usize, segment: Segment) -> Result<(), JitError> {
        (self.index, self.segment) = (index, segment);
        self.ended = false;
        self.note_live(index);
        self.note_source(segment.start);
        self.charge(index)?;
        for at in instrs(segment) {
            let instr = self.function.instrs.get(at.index()).ok_or(self.internal())?;
            self.note_source(at);
            self.instr(at, instr)?;
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

    /// Charges the fuel of a segment at its start.
    fn charge(&mut self, index: usize) -> Result<(), JitError> {
        let cost = match self.charges.at_start(index) {
            Charge::Take(cost) => cost,
            Charge::GiveBack(spare) => {
                self.give_back(spare);
                return Ok(());
            }
        };
        let live = self.analysis.live_in.get(index).ok_or(self.internal())?.clone();
        // What is taken is given back where this exit is taken.
        let exit = self.exit(self.segment.start, &live, cost)?;
        self.pay(Cost::Fixed(cost), exit);
        Ok(())
    }

    fn give_back(&mut self, fuel: u64) {
        if fuel == 0 {
            return;
        }
        let left = self.builder.use_var(self.meter);
        let fuel = self.immediate(types::I64, meter::scaled(fuel));
        let left = self.builder.ins().iadd(left, fuel);
        self.builder.def_var(self.meter, left);
    }

    /// The fuel that is paid, and not used, when the instruction at `at` has not run.
    fn unused(&self, at: InstrIx) -> u64 {
        self.function.fuel(at, self.segment.end) + self.charges.reserved(self.index)
    }

    /// Takes fuel; gets more, or leaves, if there is less. The exit gives back what was taken.
    ///
    /// The difference is tested rather than the operands, so that the meter from before need not be kept. The same test
    /// finds where there is no meter at all: that is far below what any cost leads to.
    fn pay(&mut self, cost: Cost, exit: Block) {
        let (short_of, paid) = (self.builder.create_block(), self.builder.create_block());
        self.builder.append_block_param(paid, types::I64);
        self.builder.set_cold_block(short_of);
        let scaled = match cost {
            Cost::Fixed(fuel) => self.immediate(types::I64, meter::scaled(fuel)),
            Cost::BySize(fuel) => {
                let bits = self.immediate(types::I64, meter::ROOM_BITS.into());
                self.builder.ins().ishl(fuel, bits)
            }
        };
        let before = self.builder.use_var(self.meter);
        let left = self.builder.ins().isub(before, scaled);
        let short = self.is_negative(left);
        self.builder.ins().brif(short, short_of, &[], paid, &[BlockArg::Value(left)]);
        self.builder.seal_block(short_of);
        self.builder.switch_to_block(short_of);
        if let Some(target) = self.unmetered.take() {
            let lowest = self.immediate(types::I64, meter::LOWEST as u64);
            let unmetered = self.builder.ins().icmp(IntCC::SignedLessThan, left, lowest);
            let short = self.branch_away(unmetered, target);
            self.builder.set_cold_block(short);
        }
        self.builder.def_var(self.meter, left);
        let what = match cost {
            // A number that no other code uses: one that cold blocks had in common would be kept in a register from
            // one to the next, through the hot code between them.
            Cost::Fixed(fuel) => self.cost_number(exit, fuel),
            Cost::BySize(fuel) => fuel,
        };
        let refilled = self.refill(left, what);
        let none = self.is_negative(refilled);
        // A cold block of its own: what moves registers on the way back must not stand in the hot path.
        let back = self.branch_away(none, exit);
        self.builder.set_cold_block(back);
        self.builder.ins().jump(paid, &[BlockArg::Value(refilled)]);
        self.builder.seal_block(paid);
        self.builder.switch_to_block(paid);
        let left = self.builder.block_params(paid).first().copied().unwrap_or(left);
        self.builder.def_var(self.meter, left);
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

    fn go_to(&mut self, segment: usize) -> Result<(), JitError> {
        let block = self.blocks.get(segment).copied().flatten().ok_or(self.internal())?;
        self.give_back(self.charges.on_edge(self.index, segment));
        if self.analysis.repeats_head(self.index, segment) {
            // The test of the loop stands once more at its end, where it leads straight to the next turn.
            self.edge_to(segment);
            let head = self.function.segments.get(segment).copied().ok_or(self.internal())?;
            return self.segment(segment, head);
        }
        self.builder.ins().jump(block, &[]);
        self.edge_to(segment);
        self.ended = true;
        Ok(())
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
            ExecInstr::Trap { .. } => {
                let exit = self.exit_before(at)?;
                self.builder.ins().jump(exit, &[]);
                self.ended = true;
            }
            ExecInstr::Jump { target } => {
                let target = Analysis::segment_at(self.function, target).ok_or(self.internal())?;
                self.go_to(target)?;
            }
            ExecInstr::Branch { cond, then, other } => self.branch(cond, then, other)?,
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

    fn branch(&mut self, cond: Slot, then: InstrIx, other: InstrIx) -> Result<(), JitError> {
        let cond = self.read(cond);
        let [then, other] = [then, other].map(|at| {
            let segment = Analysis::segment_at(self.function, at)?;
            Some((segment, self.blocks.get(segment).copied().flatten()?))
        });
        let targets = then.zip(other).ok_or(self.internal())?;
        let targets = [targets.0, targets.1];
        let backs = targets.map(|(segment, _)| self.charges.on_edge(self.index, segment));
        let mut edges = targets.map(|(_, block)| block);
        for (edge, back) in edges.iter_mut().zip(backs) {
            if back > 0 {
                *edge = self.builder.create_block();
            }
        }
        // The code generator lets the second target follow: it should be the one that stays in the loop.
        let leaves = targets.map(|(segment, _)| self.analysis.leaves_loop(self.index, segment));
        if leaves == [false, true] {
            let not = self.inverse(cond);
            self.builder.ins().brif(not, edges[1], &[], edges[0], &[]);
        } else {
            self.builder.ins().brif(cond, edges[0], &[], edges[1], &[]);
        }
        for (((segment, block), edge), back) in targets.into_iter().zip(edges).zip(backs) {
            if edge != block {
                self.builder.switch_to_block(edge);
                self.builder.seal_block(edge);
                self.give_back(back);
                self.builder.ins().jump(block, &[]);
            }
            self.edge_to(segment);
        }
        self.ended = true;
        Ok(())
    }
}

impl Translator<'_> {
    /// The opposite of a truth value, as a comparison where it is the result of one.
    fn inverse(&mut self, cond: Value) -> Value {
        let dfg = &self.builder.func.dfg;
        match dfg.value_def(cond).inst().map(|inst| dfg.insts[inst]) {
            Some(InstructionData::IntCompare { cond, args, .. }) => {
                self.builder.ins().icmp(cond.complement(), args[0], args[1])
            }
            Some(InstructionData::FloatCompare { cond, args, .. }) => {
                self.builder.ins().fcmp(cond.complement(), args[0], args[1])
            }
            _ => {
                let zero = self.immediate(types::I8, 0);
                self.builder.ins().icmp(IntCC::Equal, cond, zero)
            }
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
        | ExecInstr::Return { .. } => false,
        ExecInstr::Direct { op, .. } | ExecInstr::DirectImm { op, .. } => direct::may_leave(*op),
        ExecInstr::Intrinsic { id, .. } => intrinsic::may_leave(*id),
        _ => true,
    }
}
