//! What functions may do, with all that they call: suspend, end the coroutine, do something that cannot be undone.

use crate::codec::{Code, Digests};
use crate::ids::{EffectId, FuncId};
use crate::program::{Program, Signature};
use crate::verify::budget::{Budget, Exhausted};
use crate::verify::cx::{FuncCx, Op};
use crate::verify::error::NotUndone;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::BitOrAssign;
use opforge_schema::{OpRow, OperandKind, Term, Typestate, op_flags};

/// What a function may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct May(u8);

impl May {
    const SUSPEND: Self = Self(1);
    const HALT: Self = Self(2);
    const FIX: Self = Self(4);

    const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl BitOrAssign for May {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// What each function of a program may do. Functions that share code share what they may do.
#[derive(Debug, Default)]
pub(in crate::verify) struct Summary {
    by_blob: Vec<May>,
}

/// Where decoded code comes from: by blob, nothing for code that does not decode.
pub(in crate::verify) trait Codes {
    fn code(&mut self, blob: u32, budget: &mut Budget) -> Result<Option<Arc<Code>>, Exhausted>;
}

impl Summary {
    /// Looks at all code once, then carries what callees may do to their callers.
    pub(in crate::verify) fn of(
        program: &Program,
        codes: &mut impl Codes,
        digests: &Digests<'_>,
        budget: &mut Budget,
    ) -> Result<Self, Exhausted> {
        let blobs = program.code_blobs().len();
        budget.memory_for::<May>(blobs)?;
        let mark = budget.mark();
        let mut graph =
            Graph { may: vec![May::default(); blobs + 1], calls: Vec::new(), indirect: blobs as u32 };
        for (index, def) in (0u32..).zip(program.functions()) {
            // Whatever an indirect call may reach: any function, because the host may pass references to any, but
            // for those that no signature fits.
            let sig = program.func_sig(FuncId(index));
            if sig.is_some_and(|sig| !sig.params.iter().chain(sig.results).any(|ty| ty.is_linear())) {
                graph.call(graph.indirect, def.code, budget)?;
            }
        }
        for blob in 0..blobs as u32 {
            let Some(code) = codes.code(blob, budget)? else { continue };
            budget.work(code.instrs().len().saturating_mul(4))?;
            let sig = Signature { params: &[], results: &[] };
            let cx = FuncCx::new(digests, program, FuncId(u32::MAX), sig, &code);
            for op in cx.active_ops() {
                graph.add(program, blob, &op, budget)?;
            }
        }
        graph.solve(budget)?;
        budget.release_to(mark);
        graph.may.truncate(blobs);
        Ok(Self { by_blob: graph.may })
    }

    fn may(&self, program: &Program, func: FuncId, what: May) -> bool {
        let blob = program.functions().get(func.index()).map(|def| def.code as usize);
        blob.and_then(|blob| self.by_blob.get(blob)).is_some_and(|may| may.has(what))
    }

    /// Whether a function, or one that it calls, may suspend the run.
    pub(in crate::verify) fn may_suspend(&self, program: &Program, func: FuncId) -> bool {
        self.may(program, func, May::SUSPEND)
    }

    /// Whether a function, or one that it calls, may end the coroutine.
    pub(super) fn may_halt(&self, program: &Program, func: FuncId) -> bool {
        self.may(program, func, May::HALT)
    }

    /// Whether a function, or one that it calls, may do something that cannot be undone.
    pub(super) fn may_fix(&self, program: &Program, func: FuncId) -> bool {
        self.may(program, func, May::FIX)
    }
}

/// Who calls whom, by code blob; one more stands for all indirect calls.
#[derive(Debug)]
struct Graph {
    may: Vec<May>,
    /// Callee and caller.
    calls: Vec<(u32, u32)>,
    indirect: u32,
}

impl Graph {
    fn call(&mut self, caller: u32, callee: u32, budget: &mut Budget) -> Result<(), Exhausted> {
        if self.calls.last() != Some(&(callee, caller)) {
            budget.memory_for::<(u32, u32)>(2)?;
            self.calls.push((callee, caller));
        }
        Ok(())
    }

    fn add(
        &mut self,
        program: &Program,
        blob: u32,
        op: &Op<'_>,
        budget: &mut Budget,
    ) -> Result<(), Exhausted> {
        let mut may = May::default();
        if op.row.has(op_flags::SUSPENDS) {
            may |= May::SUSPEND;
        }
        if op.row.term() == Term::Halt {
            may |= May::HALT;
        }
        if not_undone(program, op).is_some() {
            may |= May::FIX;
        }
        if let Some(slot) = self.may.get_mut(blob as usize) {
            *slot |= may;
        }
        if let Some(callee) = callee(op) {
            let callee = program.functions().get(callee.index()).map(|def| def.code);
            callee.map_or(Ok(()), |callee| self.call(blob, callee, budget))?;
        } else if is_indirect(op) {
            self.call(blob, self.indirect, budget)?;
        }
        Ok(())
    }

    fn solve(&mut self, budget: &mut Budget) -> Result<(), Exhausted> {
        budget.work(self.calls.len().saturating_mul(32))?;
        budget.memory_for::<u32>(self.may.len())?;
        self.calls.sort_unstable();
        let mut queue: Vec<u32> =
            (0u32..).zip(&self.may).filter(|(_, may)| may.0 != 0).map(|(n, _)| n).collect();
        while let Some(callee) = queue.pop() {
            let may = self.may.get(callee as usize).copied().unwrap_or_default();
            let first = self.calls.partition_point(|&(to, _)| to < callee);
            let callers = self.calls.get(first..).unwrap_or(&[]).iter().take_while(|&&(to, _)| to == callee);
            for &(_, caller) in callers {
                budget.work(2)?;
                let Some(slot) = self.may.get_mut(caller as usize) else { continue };
                let before = *slot;
                *slot |= may;
                if *slot != before {
                    budget.memory_for::<u32>(2)?;
                    queue.push(caller);
                }
            }
        }
        Ok(())
    }
}

/// The function that an instruction calls by name, in its own coroutine.
pub(super) fn callee(op: &Op<'_>) -> Option<FuncId> {
    if !matches!(op.row.typestate(), Typestate::Call | Typestate::TailCall) {
        return None;
    }
    let (_, value) = op.operands().find(|(row, _)| row.kind() == OperandKind::FuncId)?;
    value.scalar32().map(FuncId)
}

/// Whether an instruction calls a function that is known only at run time.
fn is_indirect(op: &Op<'_>) -> bool {
    op.row.has(op_flags::CALL_LIKE) && op.operands().any(|(row, _)| row.kind() == OperandKind::CallSigId)
}

/// Why an instruction cannot be undone by itself; callees are another matter, and so is the end of a function.
pub(super) fn not_undone(program: &Program, op: &Op<'_>) -> Option<NotUndone> {
    let row: &OpRow = op.row;
    match row.typestate() {
        Typestate::Open
        | Typestate::Close
        | Typestate::Acquire
        | Typestate::Release
        | Typestate::Transfer
        | Typestate::Spawn
        | Typestate::Halt => return Some(NotUndone::Session),
        Typestate::Effect => {
            let effect = op.id(0).map(EffectId).and_then(|id| program.sessions().effects.get(id.index()));
            return effect.is_none_or(|effect| !effect.speculative).then_some(NotUndone::Effect);
        }
        _ => {}
    }
    if row.has(op_flags::HOST) {
        Some(NotUndone::Host)
    } else if row.has(op_flags::MEM_WRITE) {
        Some(NotUndone::Memory)
    } else {
        is_indirect(op).then_some(NotUndone::Indirect)
    }
}
