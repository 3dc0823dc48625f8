//! What the messages of a function carry.

use crate::ids::InstrIx;
use crate::protocol::PayloadId;
use alloc::vec::Vec;

/// For each instruction that sends or receives, in code order: the payload of its value, or one for each label.
#[derive(Debug, Default)]
pub(in crate::verify) struct Messages {
    /// The instruction, and where its payloads end.
    pub(in crate::verify) ends: Vec<(InstrIx, u32)>,
    pub(in crate::verify) payloads: Vec<PayloadId>,
    /// Whether values that do not fit are no errors.
    pub(in crate::verify) unchecked: bool,
}

/// The payload of a message of which none is known: the instruction cannot be reached, or does not fit the state.
pub(in crate::verify) const NO_PAYLOAD: PayloadId = PayloadId(u16::MAX);

impl Messages {
    pub(in crate::verify) const NONE: Self =
        Self { ends: Vec::new(), payloads: Vec::new(), unchecked: false };

    /// The payloads of an instruction; empty for one that has no message or cannot be reached.
    pub(in crate::verify) fn at(&self, ix: InstrIx) -> &[PayloadId] {
        at(&self.ends, &self.payloads, ix)
    }

    /// Adds an instruction, behind those that are there.
    pub(super) fn push(&mut self, ix: InstrIx, payloads: impl Iterator<Item = PayloadId>) {
        self.payloads.extend(payloads);
        self.ends.push((ix, self.payloads.len() as u32));
    }

    /// Forgets the payload of entry `n` of an instruction.
    pub(in crate::verify) fn forget(&mut self, ix: InstrIx, n: usize) {
        let Ok(at) = self.ends.binary_search_by_key(&ix, |&(at, _)| at) else { return };
        let start = start_of(&self.ends, at);
        if let Some(payload) = self.payloads.get_mut(start + n) {
            *payload = NO_PAYLOAD;
        }
    }

    /// Brings instructions into code order; they were added in that of blocks.
    pub(super) fn sort(&mut self) {
        if self.ends.is_sorted() {
            return;
        }
        let mut by_ix: Vec<(InstrIx, usize)> = self.ends.iter().map(|&(ix, _)| ix).zip(0..).collect();
        by_ix.sort_unstable();
        let mut sorted = Self::default();
        for (ix, at) in by_ix {
            let end = self.ends.get(at).map_or(0, |&(_, end)| end as usize);
            let payloads = self.payloads.get(start_of(&self.ends, at)..end).unwrap_or(&[]);
            sorted.push(ix, payloads.iter().copied());
        }
        *self = sorted;
    }
}

fn start_of(ends: &[(InstrIx, u32)], at: usize) -> usize {
    at.checked_sub(1).and_then(|before| ends.get(before)).map_or(0, |&(_, end)| end as usize)
}

/// The payloads of an instruction, given as [`Messages`] keeps them.
pub(in crate::verify) fn at<'m>(
    ends: &[(InstrIx, u32)],
    payloads: &'m [PayloadId],
    ix: InstrIx,
) -> &'m [PayloadId] {
    let Ok(at) = ends.binary_search_by_key(&ix, |&(at, _)| at) else { return &[] };
    let end = ends.get(at).map_or(0, |&(_, end)| end as usize);
    payloads.get(start_of(ends, at)..end).unwrap_or(&[])
}
