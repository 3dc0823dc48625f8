//! One function: its stages in order.

use super::budget::{Budget, Exhausted, VerifyConfig};
use super::cx::FuncCx;
use super::error::VerifyErrorKind;
use super::flow::Flow;
use super::report::{Errors, FuncErrors};
use super::session::{Codes, Delegations, Messages, Noted, Sessions};
use super::shapes::ParamShapes;
use super::typing::{Lattice, Typed};
use super::verified::VerifiedFunc;
use super::{flow, ids, init, operands, ranges, session, spans, typing};
use crate::codec::{Code, CodeError, Digests, Marks, Registers};
use crate::ids::FuncId;
use crate::program::Program;
use crate::types::{TypeId, TypeTable};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

/// Verifies the functions of one program, one after another.
#[derive(Debug)]
pub(super) struct FuncVerifier<'a> {
    digests: &'a Digests<'a>,
    program: &'a Program,
    config: &'a VerifyConfig,
    shapes: &'a ParamShapes,
    sessions: &'a Sessions,
    lattice: Lattice,
    codes: CodeCache<'a>,
    delegations: Delegations,
    scratch: Scratch,
}

/// What is kept from function to function, so that small functions allocate little more than what is known about them
/// in the end.
#[derive(Debug, Default)]
struct Scratch {
    /// Instructions, operands, list entries and registers of the function.
    size: usize,
    registers: Vec<Registers>,
    flow: Flow,
    init: init::Scratch,
    typing: typing::Scratch,
}

/// The largest function whose scratch is kept. That of others is freed after them, as the budget supposes.
const MAX_KEPT: usize = 1 << 10;

/// Decoded code blobs: functions may share one, and then share its code.
#[derive(Debug)]
pub(super) struct CodeCache<'a> {
    digests: &'a Digests<'a>,
    program: &'a Program,
    codes: Vec<Option<Result<Arc<Code>, CodeError>>>,
}

impl<'a> CodeCache<'a> {
    pub(super) fn new(digests: &'a Digests<'a>, program: &'a Program) -> Self {
        Self { digests, program, codes: vec![None; program.code_blobs().len()] }
    }

    /// Decodes a code blob, or takes what decoding it gave before; `None` for one that is not there or empty.
    fn get(
        &mut self,
        blob: u32,
        budget: &mut Budget,
    ) -> Result<Option<&Result<Arc<Code>, CodeError>>, Exhausted> {
        let bytes = self.program.code_blobs().get(blob as usize).unwrap_or(&[]);
        let Some(slot) = self.codes.get_mut(blob as usize).filter(|_| !bytes.is_empty()) else {
            return Ok(None);
        };
        if slot.is_none() {
            budget.work(bytes.len().saturating_mul(4))?;
            let mark = budget.mark();
            budget.memory(bytes.len().saturating_mul(16))?;
            let code = Code::decode_with(self.digests, self.program.version(), bytes);
            budget.release_to(mark);
            budget.memory(code.as_ref().map_or(0, Code::heap_bytes))?;
            *slot = Some(code.map(Arc::new));
        }
        Ok(slot.as_ref())
    }
}

impl Codes for CodeCache<'_> {
    fn code(&mut self, blob: u32, budget: &mut Budget) -> Result<Option<Arc<Code>>, Exhausted> {
        Ok(self.get(blob, budget)?.and_then(|code| code.as_ref().ok()).map(Arc::clone))
    }
}

impl<'a> FuncVerifier<'a> {
    pub(super) fn new(
        digests: &'a Digests<'a>,
        program: &'a Program,
        config: &'a VerifyConfig,
        shapes: &'a ParamShapes,
        sessions: &'a Sessions,
        codes: CodeCache<'a>,
        types: TypeTable,
    ) -> Self {
        Self {
            digests,
            program,
            config,
            shapes,
            sessions,
            lattice: Lattice::new(types),
            codes,
            delegations: Delegations::default(),
            scratch: Scratch::default(),
        }
    }

    pub(super) fn into_types(self) -> TypeTable {
        self.lattice.into_types()
    }

    /// Verifies one function; `None` if there were errors, which are then in `errors`.
    pub(super) fn verify(
        &mut self,
        id: FuncId,
        budget: &mut Budget,
        errors: &mut Errors,
    ) -> Result<Option<VerifiedFunc>, Exhausted> {
        let mut found = FuncErrors::new(self.config);
        let mut code = None;
        let mut noted = Noted::default();
        let mut scratch = core::mem::take(&mut self.scratch);
        let verified = self.stages(id, &mut code, &mut scratch, &mut noted, budget, &mut found);
        if scratch.size <= MAX_KEPT {
            self.scratch = scratch;
        }
        let passed = found.is_empty();
        found.finish(errors, self.digests.isa(), self.program, id, code.as_deref());
        let verified = verified?;
        self.delegations.add(id, noted, budget)?;
        Ok(verified.filter(|_| passed))
    }

    /// Checks what can be said only once all functions have been looked at.
    pub(super) fn check_calls(&mut self, budget: &mut Budget, errors: &mut Errors) -> Result<(), Exhausted> {
        let delegations = core::mem::take(&mut self.delegations);
        delegations.check(self.program, &mut self.codes, self.digests.isa(), self.config, budget, errors)
    }

    fn stages(
        &mut self,
        id: FuncId,
        code_out: &mut Option<Arc<Code>>,
        scratch: &mut Scratch,
        noted: &mut Noted,
        budget: &mut Budget,
        errors: &mut FuncErrors,
    ) -> Result<Option<VerifiedFunc>, Exhausted> {
        let Some(def) = self.program.functions().get(id.index()) else { return Ok(None) };
        ranges::check_reg_count(def, self.config, errors);
        let Some(parts) = ranges::check_parts(self.program, id, def, errors) else { return Ok(None) };
        budget.work(parts.spans.len().saturating_add(64))?;
        spans::check_spans(parts.spans, parts.code.len(), errors);
        let Some(code) = self.decode(def.code, parts.code, budget, errors)? else { return Ok(None) };
        let code = code_out.insert(code);
        ranges::check_param_regs(def, &parts.sig, errors);
        let sig = parts.sig;
        let mut cx = FuncCx::new(self.digests, self.program, id, sig, code);

        budget.work(code.size().saturating_mul(8))?;
        // Transient: registers, bits and indices of blocks, a few words an instruction.
        let mark = budget.mark();
        // A list may be one of targets, each of which has a few words too.
        let words = code.instrs().len().saturating_add(code.list_entries());
        budget.memory(words.saturating_mul(48))?;
        let Scratch { size, registers, flow, init, typing } = scratch;
        *size = code.size();
        let highest = check_ops(&cx, registers, errors);
        cx.registers = registers;
        if !flow::check_flow(&cx, flow, errors) {
            return Ok(None);
        }
        cx.used_regs = highest.max(sig.params.len() as u32) + 1;
        *size = size.saturating_add(cx.used_regs as usize);
        budget.work(cx.used_regs as usize)?;
        init::check_init(&cx, flow, init, budget, errors)?;
        // Types build on everything but initialisation.
        if !errors.is_empty_but_uninitialized() {
            return Ok(None);
        }
        let messages = session::check_func(&cx, flow, self.sessions, self.config, noted, budget, errors)?;
        let Some(mut messages) = messages else { return Ok(None) };
        let typed_cx = FuncCx { messages: &messages, payload_types: &self.sessions.payload_types, ..cx };
        let (shapes, lattice) = (self.shapes, &mut self.lattice);
        let typed = typing::check_types(&typed_cx, flow, shapes, typing, lattice, budget, errors)?;
        budget.release_to(mark);
        typed.misfits.iter().for_each(|&(ix, n)| messages.forget(ix, n));
        self.assemble(&cx, flow, typed, messages, Arc::clone(code), budget).map(Some)
    }

    /// Decodes a code blob, or takes what decoding it gave before.
    fn decode(
        &mut self,
        blob: u32,
        bytes: &[u8],
        budget: &mut Budget,
        errors: &mut FuncErrors,
    ) -> Result<Option<Arc<Code>>, Exhausted> {
        if bytes.is_empty() {
            errors.add(VerifyErrorKind::EmptyBody {});
            return Ok(None);
        }
        match self.codes.get(blob, budget)? {
            Some(Ok(code)) => return Ok(Some(Arc::clone(code))),
            Some(&Err(CodeError { pc, operand, kind })) => {
                errors.add_at(pc, VerifyErrorKind::BytecodeDecode { cause: kind, operand });
            }
            None => {}
        }
        Ok(None)
    }

    fn assemble(
        &mut self,
        cx: &FuncCx<'_>,
        flow: &Flow,
        typed: Typed,
        messages: Messages,
        code: Arc<Code>,
        budget: &mut Budget,
    ) -> Result<VerifiedFunc, Exhausted> {
        let sig_len = cx.sig.params.len() + cx.sig.results.len();
        budget.memory(size_of::<VerifiedFunc>())?;
        budget.memory_for::<TypeId>(typed.reg_types.len() + sig_len)?;
        budget.memory_for::<u64>(typed.agg_types.len() + flow.starts.len() + messages.ends.len())?;
        budget.memory_for::<u16>(messages.payloads.len())?;
        let mut results = Vec::with_capacity(cx.sig.results.len());
        for &ty in cx.sig.results {
            results.push(self.lattice.value(ty)?);
        }
        Ok(VerifiedFunc {
            id: cx.id,
            code,
            reg_count: cx.reg_count,
            reg_types: typed.reg_types,
            params: typed.params,
            results: results.into(),
            blocks: flow.starts.as_slice().into(),
            reachable: flow.reachable().collect(),
            agg_types: typed.agg_types.into(),
            message_ends: messages.ends.into(),
            message_payloads: messages.payloads.into(),
            may_suspend: self.sessions.summary.may_suspend(self.program, cx.id),
        })
    }
}

/// The checks of single instructions that need neither blocks nor types. Finds the registers of simple instructions, and
/// gives the highest register of all.
fn check_ops(cx: &FuncCx<'_>, registers: &mut Vec<Registers>, errors: &mut FuncErrors) -> u32 {
    registers.clear();
    registers.reserve(cx.code.instrs().len());
    let mut highest = 0;
    for (ix, instr) in cx.all_instrs() {
        if instr.marks.has(Marks::SIMPLE) {
            let found = cx.digests.get(instr.didx).registers(cx.code.operands(instr));
            registers.push(found);
            let reg = found.highest();
            if instr.marks.has(Marks::FREE) && reg < cx.reg_count {
                highest = highest.max(reg);
                continue;
            }
        } else {
            registers.push(Registers::UNKNOWN);
        }
        let Some(op) = cx.op(ix, instr) else { continue };
        ids::check_ids(cx, &op, errors);
        operands::check_rules(cx, &op, errors);
        operands::check_hook(&op, errors);
        operands::check_choice(&op, errors);
        highest = highest.max(operands::check_regs(cx, &op, errors));
    }
    highest
}
