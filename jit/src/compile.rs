//! From a lowered program to machine code in memory.

use crate::context::{Callee, HELPERS};
use crate::engine::JitConfig;
use crate::error::JitError;
use crate::guard::guarded;
use crate::memory::CodeMemory;
use crate::notes::{NativePart, Notes};
use crate::program::{Compiled, Constants, Entry, Site};
use crate::signatures;
use crate::slots::flatten;
use crate::translate::translate;
use cranelift_codegen::Context;
use cranelift_codegen::FinalizedRelocTarget;
use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{ExternalName, FuncRef, Type, UserFuncName};
use cranelift_codegen::isa::TargetIsa;
use cranelift_frontend::FunctionBuilderContext;
use opforge_vm::ValueType;
use opforge_vm::ids::{FuncId, InstrIx};
use opforge_vm::lower::{ExecFunction, ExecProgram, Slot};
use std::collections::HashMap;
use std::ops::Range;

/// Most instructions of a function. Cranelift takes time and memory that grow faster than a function does.
const MAX_INSTRS: u64 = 1 << 16;
/// Most slots of a frame.
const MAX_SLOTS: u64 = 1 << 14;
/// Most slots of parameters, and of results.
const MAX_VALUES: u64 = 1000;
/// Most bits of liveness facts.
const MAX_FACTS: u64 = 1 << 28;
/// Most values that a function hands over at all places where it may leave; each is a store.
const MAX_LIVE: u64 = 1 << 17;
/// Calls reach this far on every machine.
const MAX_CODE: u32 = 64 << 20;

/// Parameter and result types.
type SignatureTypes = (Box<[ValueType]>, Box<[ValueType]>);

/// What translation of all functions collects.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    sites: Vec<Site>,
    slots: Vec<Slot>,
    /// Where those of the function being translated begin.
    first_slot: u64,
    constants: Vec<Constants>,
    spill_len: usize,
    classes: HashMap<SignatureTypes, u64>,
    /// By function: the heads of its loops, where it can be entered too.
    heads: Vec<Box<[InstrIx]>>,
    /// Of the function being translated.
    callees: HashMap<FuncId, FuncRef>,
}

impl Tables {
    /// Notes a place where code may leave.
    pub(crate) fn add_site(&mut self, func: FuncId, at: InstrIx, live: &[Slot]) -> Result<usize, JitError> {
        let start = self.slots.len() as u64;
        let end = start + live.len() as u64;
        check(func, "values to hand over", end - self.first_slot, MAX_LIVE)?;
        check(func, "values to hand over, with those of all functions before", end, u32::MAX.into())?;
        self.slots.extend_from_slice(live);
        self.sites.push(Site { func, instr: at, live: start as u32..end as u32, cost: 0 });
        self.need_spill(live.len());
        Ok(self.sites.len() - 1)
    }

    /// Notes the fixed cost that a place leaves for if there is too little fuel.
    pub(crate) fn set_cost(&mut self, site: usize, fuel: u64) {
        if let Some(site) = self.sites.get_mut(site) {
            site.cost = fuel;
        }
    }

    /// Notes that slots are exchanged with Rust.
    pub(crate) fn need_spill(&mut self, slots: usize) {
        self.spill_len = self.spill_len.max(slots);
    }

    /// Begins a function.
    pub(crate) fn begin(&mut self, func: FuncId, constants: &[Option<u64>], heads: Box<[InstrIx]>) {
        self.callees.clear();
        self.heads.push(heads);
        self.first_slot = self.slots.len() as u64;
        debug_assert_eq!(self.constants.len(), func.index());
        let known = constants.iter().enumerate();
        self.constants.push(known.filter_map(|(slot, value)| Some((slot as Slot, (*value)?))).collect());
    }

    /// The number of a signature's class; equal signatures have the same.
    pub(crate) fn class(&mut self, params: &[ValueType], results: &[ValueType]) -> u64 {
        let next = self.classes.len() as u64;
        *self.classes.entry((params.into(), results.into())).or_insert(next)
    }

    pub(crate) fn callee(&self, func: FuncId) -> Option<FuncRef> {
        self.callees.get(&func).copied()
    }

    pub(crate) fn set_callee(&mut self, func: FuncId, reference: FuncRef) {
        self.callees.insert(func, reference);
    }
}

fn check(func: FuncId, what: &'static str, actual: u64, limit: u64) -> Result<(), JitError> {
    if actual > limit { Err(JitError::TooLarge { func, what, actual, limit }) } else { Ok(()) }
}

fn check_size(func: FuncId, function: &ExecFunction) -> Result<(), JitError> {
    check(func, "instructions", function.instrs.len() as u64, MAX_INSTRS)?;
    check(func, "targets of branch tables", function.targets.len() as u64, MAX_INSTRS)?;
    check(func, "slots", function.frame_slots.into(), MAX_SLOTS)?;
    check(func, "slots of parameters", function.param_slots.into(), MAX_VALUES)?;
    check(func, "slots of results", function.result_slots.into(), MAX_VALUES)?;
    let facts = function.segments.len() as u64 * u64::from(function.frame_slots);
    check(func, "facts about live slots", facts, MAX_FACTS)
}

/// Machine code of all functions, one behind the other, with calls still open.
struct Assembly<'c> {
    config: &'c JitConfig,
    isa: &'c dyn TargetIsa,
    code: Vec<u8>,
    /// Where a call goes to which function.
    calls: Vec<(Reloc, usize, i64, FuncId)>,
    /// Bytes of stack that the largest frame takes.
    largest_frame: u32,
    /// Where what belongs to what is noted, if anybody asks.
    notes: Option<&'c mut Notes>,
}

impl Assembly<'_> {
    /// Compiles what is in the context. Returns where its code is.
    fn add(&mut self, part: NativePart, context: &mut Context) -> Result<Range<usize>, JitError> {
        let func = part.func();
        let codegen = |reason: String| JitError::Codegen { func, reason };
        context
            .compile(self.isa, &mut ControlPlane::default())
            .map_err(|error| codegen(format!("{:?}", error.inner)))?;
        let compiled = context.compiled_code().ok_or(JitError::Internal { func })?;
        let align = self.isa.function_alignment().preferred.max(compiled.buffer.alignment) as usize;
        let start = self.code.len().next_multiple_of(align.max(1));
        self.code.resize(start, 0);
        self.code.extend_from_slice(compiled.buffer.data());
        let limit = self.config.max_code.min(MAX_CODE);
        if self.code.len() as u64 > limit.into() {
            return Err(JitError::TooMuchCode { actual: self.code.len() as u64, limit: limit.into() });
        }
        let first_call = self.calls.len();
        let names = context.func.params.user_named_funcs();
        for reloc in compiled.buffer.relocs() {
            let FinalizedRelocTarget::ExternalName(ExternalName::User(name)) = &reloc.target else {
                // The code generator asks for a library function. There are none: nothing is looked up.
                return Err(codegen(format!("needs {:?}", reloc.target)));
            };
            let callee = FuncId(names.get(*name).map_or(u32::MAX, |name| name.index));
            self.calls.push((reloc.kind, start + reloc.offset as usize, reloc.addend, callee));
        }
        if let Some(notes) = &mut self.notes {
            let calls = self.calls.iter().skip(first_call).map(|&(_, at, _, callee)| (at, callee));
            notes.add(part, start..self.code.len(), compiled, calls);
        }
        let layout = compiled.buffer.frame_layout();
        self.largest_frame = self.largest_frame.max(layout.map_or(0, |layout| layout.frame_to_fp_offset));
        Ok(start..self.code.len())
    }

    /// Fills in calls.
    fn link(&mut self, ranges: &[Range<usize>]) -> Result<(), JitError> {
        for &(kind, at, addend, callee) in &self.calls {
            let unknown = JitError::Codegen { func: callee, reason: format!("open call of kind {kind:?}") };
            let target = ranges.get(callee.index()).map(|range| range.start as i64);
            let distance = target.map(|target| target + addend - at as i64);
            let field = self.code.get_mut(at..at + 4).and_then(|bytes| <&mut [u8; 4]>::try_from(bytes).ok());
            let (Some(distance), Some(field)) = (distance, field) else { return Err(unknown) };
            match kind {
                Reloc::X86CallPCRel4 => *field = (distance as i32).to_le_bytes(),
                Reloc::Arm64Call => {
                    let word = u32::from_le_bytes(*field) & 0xfc00_0000;
                    *field = (word | ((distance >> 2) as u32 & 0x03ff_ffff)).to_le_bytes();
                }
                _ => return Err(unknown),
            }
        }
        Ok(())
    }
}

/// Bytes of stack beyond a frame's own: return address, frame pointer, and arguments that have no register.
const FRAME_LINKAGE: u32 = 32;

/// Compiles a lowered program.
pub(crate) fn compile(
    config: &JitConfig,
    isa: &dyn TargetIsa,
    program: &ExecProgram,
    notes: Option<&mut Notes>,
) -> Result<Compiled, JitError> {
    let mut assembly = Assembly { config, isa, code: Vec::new(), calls: Vec::new(), largest_frame: 0, notes };
    let mut tables = Tables::default();
    let mut builder_context = FunctionBuilderContext::new();
    let mut context = Context::new();
    let mut ranges = Vec::with_capacity(program.functions.len());
    let mut widest = 0;
    for (i, function) in program.functions.iter().enumerate() {
        let func = FuncId(i as u32);
        check_size(func, function)?;
        context.clear();
        context.func.name = UserFuncName::user(0, func.0);
        context.func.signature = signatures::native(&function.params, &function.results);
        ranges.push(guarded(func, || {
            translate((program, &mut tables), isa, func, &mut context.func, &mut builder_context)?;
            assembly.add(NativePart::Function(func), &mut context)
        })?);
        tables.need_spill(function.result_slots as usize);
        widest = widest.max(function.param_slots.max(function.result_slots));
    }
    // A tail call makes room for its arguments in place of the caller's own, also where no callee has as many.
    for sig in program.call_sigs.iter().filter(|_| program.has_tail_calls) {
        widest = widest.max(flatten(&sig.params).len() as u32 + 1);
    }
    let largest_frame = assembly.largest_frame;
    context.clear();
    // It stands behind the functions, as translation names it.
    ranges.push(guarded(NativePart::Refill.func(), || {
        signatures::refill_code(isa, &mut context.func, &mut builder_context);
        assembly.add(NativePart::Refill, &mut context)
    })?);
    let mut trampolines: HashMap<(Vec<Type>, Vec<Type>), usize> = HashMap::new();
    let mut entered_by = Vec::with_capacity(ranges.len());
    for (i, function) in program.functions.iter().enumerate() {
        let types = (flatten(&function.params), flatten(&function.results));
        let known = trampolines.get(&types).copied();
        let start = match known {
            Some(start) => start,
            None => {
                context.clear();
                let part = NativePart::Enter(FuncId(i as u32));
                let start = guarded(part.func(), || {
                    signatures::trampoline(
                        isa,
                        (&types.0, &types.1),
                        &mut context.func,
                        &mut builder_context,
                    );
                    Ok(assembly.add(part, &mut context)?.start)
                })?;
                trampolines.insert(types, start);
                start
            }
        };
        entered_by.push(start);
    }
    assembly.link(&ranges)?;
    // Arguments and results that have no register are on the stack.
    let frame = u64::from(largest_frame + FRAME_LINKAGE) + u64::from(widest) * 16;
    // Trampoline and refill are active once each.
    let once = 2 * u64::from(assembly.largest_frame - largest_frame + FRAME_LINKAGE);
    let stack = u64::from(config.native_stack).saturating_sub(once);
    let max_frames = u16::try_from(stack / frame).unwrap_or(u16::MAX);
    let memory = CodeMemory::new(&assembly.code)
        .map_err(|error| JitError::CodeMemory { reason: error.to_string() })?;
    Ok(finish(program, tables, (memory, assembly.code.len(), max_frames), ranges, &entered_by))
}

fn finish(
    program: &ExecProgram,
    tables: Tables,
    (memory, size, max_frames): (CodeMemory, usize, u16),
    ranges: Vec<Range<usize>>,
    entered_by: &[usize],
) -> Compiled {
    let classes = tables.classes;
    let mut heads = tables.heads.into_iter();
    let mut entries = Vec::with_capacity(ranges.len());
    let mut callees = Vec::with_capacity(ranges.len());
    for ((function, range), &trampoline) in program.functions.iter().zip(&ranges).zip(entered_by) {
        let code = memory.address(range.start);
        entries.push(Entry {
            code,
            trampoline: memory.address(trampoline),
            heads: heads.next().unwrap_or_default(),
        });
        let class = classes.get(&(function.params.clone(), function.results.clone()));
        // A class that no call asks for; numbers of others are below.
        callees.push(Callee { class: class.copied().unwrap_or(u64::MAX), code });
    }
    let callees: Box<[Callee]> = callees.into();
    Compiled {
        helpers: &HELPERS,
        callees_at: callees.as_ptr() as usize,
        memory,
        size,
        max_frames,
        entries: entries.into(),
        callees,
        ranges: ranges.into(),
        sites: tables.sites.into(),
        slots: tables.slots.into(),
        constants: tables.constants.into(),
        spill_len: tables.spill_len,
    }
}
