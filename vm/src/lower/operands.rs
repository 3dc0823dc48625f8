//! Picks operands of one instruction by what their rows say they do.

use crate::heap::AggKind;
use opforge_schema::{Access, OpRow, OperandKind, OperandRow, TypeRule};

/// The operands of one instruction beside their rows. Effect tokens take no slot and are passed over.
pub(super) struct Operands<'a> {
    row: &'a OpRow,
    words: &'a [u64],
}

impl<'a> Operands<'a> {
    pub(super) fn new(row: &'a OpRow, words: &'a [u64]) -> Self {
        Self { row, words }
    }

    /// The `n`-th single register written.
    pub(super) fn written(&self, n: usize) -> Option<u64> {
        self.matching(self.row.writes, n, is_single)
    }

    /// The `n`-th single register read.
    pub(super) fn read(&self, n: usize) -> Option<u64> {
        self.matching(self.row.reads, n, is_single)
    }

    /// The register list read.
    pub(super) fn read_list(&self) -> Option<u64> {
        self.matching(self.row.reads, 0, is_list)
    }

    /// The register list written.
    pub(super) fn written_list(&self) -> Option<u64> {
        self.matching(self.row.writes, 0, is_list)
    }

    /// The `n`-th operand that names no register: an immediate, an id or a branch target.
    pub(super) fn other(&self, n: usize) -> Option<u64> {
        self.matching(!(self.row.reads | self.row.writes), n, |_| true)
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

    /// The `n`-th operand that is in the set of places and is as wanted.
    fn matching(&self, mut places: u8, mut n: usize, wanted: impl Fn(&OperandRow) -> bool) -> Option<u64> {
        while places != 0 {
            let at = places.trailing_zeros() as usize;
            places &= places - 1;
            if !wanted(self.row.operands().get(at)?) {
                continue;
            }
            if n == 0 {
                return self.words.get(at).copied();
            }
            n -= 1;
        }
        None
    }
}

fn is_single(row: &OperandRow) -> bool {
    row.kind == OperandKind::Reg.code() && row.ty != TypeRule::Effect.code()
}

fn is_list(row: &OperandRow) -> bool {
    row.kind == OperandKind::RegList.code()
}
