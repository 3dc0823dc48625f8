//! Verified programs: proof, by construction, that every check has passed.

use super::session::messages;
use crate::codec::Code;
use crate::ids::{FuncId, InstrIx, Reg};
use crate::program::Program;
use crate::protocol::PayloadId;
use crate::types::{TypeId, TypeTable};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A program that has passed [`verify`](super::verify()). Only the verifier makes one, and nothing changes it.
/// Clones share the data.
#[derive(Clone, Debug)]
pub struct VerifiedProgram {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    program: Program,
    types: TypeTable,
    functions: Vec<VerifiedFunc>,
    tables: u64,
}

impl VerifiedProgram {
    pub(super) fn new(program: Program, types: TypeTable, functions: Vec<VerifiedFunc>, tables: u64) -> Self {
        Self { inner: Arc::new(Inner { program, types, functions, tables }) }
    }

    /// The fingerprint of the tables that the program was verified with. Only an engine with those tables runs it.
    #[must_use]
    pub fn tables(&self) -> u64 {
        self.inner.tables
    }

    /// The program.
    #[must_use]
    pub fn program(&self) -> &Program {
        &self.inner.program
    }

    /// Every type that registers, parameters and results of the program have.
    #[must_use]
    pub fn types(&self) -> &TypeTable {
        &self.inner.types
    }

    /// What is known about a function.
    #[must_use]
    pub fn function(&self, id: FuncId) -> Option<&VerifiedFunc> {
        self.inner.functions.get(id.index())
    }

    /// All functions, by id.
    #[must_use]
    pub fn functions(&self) -> &[VerifiedFunc] {
        &self.inner.functions
    }
}

/// A verified function: its decoded code and what the verifier found out about it.
#[derive(Clone, Debug)]
pub struct VerifiedFunc {
    pub(super) id: FuncId,
    pub(super) code: Arc<Code>,
    pub(super) reg_count: u32,
    pub(super) reg_types: Box<[TypeId]>,
    pub(super) params: Box<[TypeId]>,
    pub(super) results: Box<[TypeId]>,
    pub(super) blocks: Box<[InstrIx]>,
    pub(super) reachable: Box<[bool]>,
    pub(super) agg_types: Box<[(InstrIx, TypeId)]>,
    pub(super) message_ends: Box<[(InstrIx, u32)]>,
    pub(super) message_payloads: Box<[PayloadId]>,
    pub(super) may_suspend: bool,
}

impl VerifiedFunc {
    /// The function's id.
    #[must_use]
    pub fn id(&self) -> FuncId {
        self.id
    }

    /// The decoded code. Functions of one code blob share it.
    #[must_use]
    pub fn code(&self) -> &Code {
        &self.code
    }

    /// The declared number of registers, the effect token included.
    #[must_use]
    pub fn reg_count(&self) -> u32 {
        self.reg_count
    }

    /// The type of each register over the whole function, up to the highest one that is the effect token, a
    /// parameter or mentioned by code; declared registers past that are never used. A register that is
    /// mentioned but never written has type unit.
    #[must_use]
    pub fn reg_types(&self) -> &[TypeId] {
        &self.reg_types
    }

    /// The type of a register; unit for registers that are never written.
    #[must_use]
    pub fn reg_type(&self, reg: Reg) -> TypeId {
        self.reg_types.get(reg.index()).copied().unwrap_or(TypeId::UNIT)
    }

    /// The parameter types, with declared shapes. Callers are not checked against the shapes.
    #[must_use]
    pub fn params(&self) -> &[TypeId] {
        &self.params
    }

    /// The result types, without shapes.
    #[must_use]
    pub fn results(&self) -> &[TypeId] {
        &self.results
    }

    /// The first instruction of each basic block, in code order; the first entry is instruction 0.
    #[must_use]
    pub fn blocks(&self) -> &[InstrIx] {
        &self.blocks
    }

    /// Whether some path from the start of the function leads to the instruction. Unreachable code is well
    /// typed, but may read registers that are never written.
    #[must_use]
    pub fn is_reachable(&self, ix: InstrIx) -> bool {
        let block = self.blocks.partition_point(|&start| start <= ix).checked_sub(1);
        block.and_then(|block| self.reachable.get(block)).copied().unwrap_or(false)
    }

    /// The aggregate type an instruction works on: of the aggregate it reads an element or the length of, as
    /// known at that place, or of the aggregate it makes. It can be more precise than the register's type,
    /// and is [`TypeId::AGG`] where a length is read of an aggregate of unknown shape. `None` for other
    /// instructions.
    #[must_use]
    pub fn agg_type_at(&self, ix: InstrIx) -> Option<TypeId> {
        let at = self.agg_types.binary_search_by_key(&ix, |&(at, _)| at).ok()?;
        self.agg_types.get(at).map(|&(_, ty)| ty)
    }

    /// What the messages of an instruction carry: for one that sends or receives one message its payload, whether or
    /// not a register is named for it; for `choose` one payload a label, in the order of its lists. The register of
    /// each message holds exactly that. [`VerifiedFunc::NO_PAYLOAD`] stands where the message fits no state or its value
    /// no payload, which only unchecked programs have: the instruction must trap. Empty for other instructions, and for
    /// those that cannot be reached.
    #[must_use]
    pub fn messages_at(&self, ix: InstrIx) -> &[PayloadId] {
        messages::at(&self.message_ends, &self.message_payloads, ix)
    }

    /// Stands for no payload in [`VerifiedFunc::messages_at`]: no program has so many.
    pub const NO_PAYLOAD: PayloadId = messages::NO_PAYLOAD;

    /// Whether a call of the function may suspend the coroutine: it has such an instruction, or a function that it
    /// calls has, directly or not. Indirect calls count as calls of every function without linear parameters and
    /// results, because the host may pass references to any. Coroutines that it spawns do not count.
    #[must_use]
    pub fn may_suspend(&self) -> bool {
        self.may_suspend
    }

    /// All instructions that [`VerifiedFunc::agg_type_at`] knows, in code order, with their types.
    #[must_use]
    pub fn agg_types(&self) -> &[(InstrIx, TypeId)] {
        &self.agg_types
    }
}
