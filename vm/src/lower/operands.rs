//! Picks operands of one instruction by what their rows say they do.

use crate::heap::AggKind;
use opforge_schema::{Access, OpRow, OperandKind, OperandRow, TypeRule};

/// The operands of one instruction beside their rows. Effect tokens take no slot and are passed over.
pub(super) struct Operands<'a> {
    row: &'static OpRow,
    words: &'a [u64],
}

impl<'a> Operands<'a> {
    pub(super) fn new(row: &'static OpRow, words: &'a [u64]) -> Self {
        Self { row, words }
    }

    /// The `n`-th operand that is a single register with this access.
    fn register(&self, access: Access, n: usize) -> Option<u64> {
        self.matching(n, |row| {
            row.kind() == OperandKind::Reg && row.access() == access && row.ty() != TypeRule::Effect
        })
    }

    /// The `n`-th single register written.
    pub(super) fn written(&self, n: usize) -> Option<u64> {
        self.register(Access::Write, n)
    }

    /// The `n`-th single register read.
    pub(super) fn read(&self, n: usize) -> Option<u64> {
        self.register(Access::Read, n)
    }

    /// The register list read.
    pub(super) fn read_list(&self) -> Option<u64> {
        self.matching(0, |row| row.kind() == OperandKind::RegList && row.access() == Access::Read)
    }

    /// The register list written.
    pub(super) fn written_list(&self) -> Option<u64> {
        self.matching(0, |row| row.kind() == OperandKind::RegList && row.access() == Access::Write)
    }

    /// The `n`-th operand that names no register: an immediate, an id or a branch target.
    pub(super) fn other(&self, n: usize) -> Option<u64> {
        self.matching(n, |row| row.access() == Access::None)
    }

    /// All operands that name no register, with their kinds.
    pub(super) fn others(&self) -> impl Iterator<Item = (OperandKind, u64)> {
        let operands = self.row.operands().iter().zip(self.words);
        operands.filter(|(row, _)| row.access() == Access::None).map(|(row, &word)| (row.kind(), word))
    }

    /// The kind of aggregate that the operands are declared to work on.
    pub(super) fn agg_kind(&self) -> Option<AggKind> {
        self.row.operands().iter().find_map(|row| match row.ty() {
            TypeRule::Tuple => Some(AggKind::Tuple),
            TypeRule::Struct => Some(AggKind::Struct),
            TypeRule::Array => Some(AggKind::Array),
            _ => None,
        })
    }

    fn matching(&self, n: usize, pred: impl Fn(&OperandRow) -> bool) -> Option<u64> {
        let mut found = self.row.operands().iter().zip(self.words).filter(|(row, _)| pred(row));
        found.nth(n).map(|(_, &word)| word)
    }
}
