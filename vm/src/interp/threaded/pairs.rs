//! Pairs: two words done by one handler, the second on the first one's result.
//!
//! Which operations pair say the tables (`lead` and `follow` of a row); moves pair, and so do jumps behind an operation. Both results are stored, and rounded by
//! themselves, as if the words had been done one by one. The handler stands in the code of the first; that of the second
//! stays what it is, for runs that begin there.

use super::form::{self, Acc, Slot};
use super::{Handler, State, edge, handler, leave_at, special};
use crate::interp::machine::Machine;
use crate::interp::word::WordOp;
use crate::sem;
use opforge_tables::with_pairs;

/// The handlers of a pair by how the first word takes its left operand.
#[derive(Clone, Copy)]
pub(super) struct Pair {
    /// From its slot.
    slot: Handler,
    /// From an accumulator.
    acc: Handler,
}

impl Pair {
    pub(super) const fn handler(self, from_accumulator: bool) -> Handler {
        if from_accumulator { self.acc } else { self.slot }
    }
}

/// Where the second word takes the first one's result. Of operations whose operands may be exchanged, the maker of words
/// has put it to the left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// Handlers of a first word with two slots, or with a slot and an immediate, and what follows.
macro_rules! leads {
    (slots $follow:path, $f:path, $g:path) => {
        handler!(slots |s, m| $follow(form::lead::<Slot, _, _, _>(s, $f), m, $g));
        handler!(acc_slots |s, m| $follow(form::lead::<Acc, _, _, _>(s, $f), m, $g));
        pub(in crate::interp::threaded) const SLOTS: Pair = Pair { slot: slots, acc: acc_slots };
    };
    (imm $follow:path, $f:path, $g:path) => {
        leads!(slots $follow, $f, $g);
        handler!(imm |s, m| $follow(form::lead_imm::<Slot, _, _, _>(s, $f), m, $g));
        handler!(acc_imm |s, m| $follow(form::lead_imm::<Acc, _, _, _>(s, $f), m, $g));
        pub(in crate::interp::threaded) const IMM: Pair = Pair { slot: imm, acc: acc_imm };
    };
    (load $follow:path, $f:path, $g:path) => {
        handler!(slots |s, m| match form::lead_load::<Slot, _, _>(s, m, $f) {
            Some(s) => $follow(s, m, $g),
            None => leave_at(s, m),
        });
        handler!(acc_slots |s, m| match form::lead_load::<Acc, _, _>(s, m, $f) {
            Some(s) => $follow(s, m, $g),
            None => leave_at(s, m),
        });
        pub(in crate::interp::threaded) const SLOTS: Pair = Pair { slot: slots, acc: acc_slots };
    };
}

/// Handlers of a first word and a jump.
macro_rules! leads_to_jump {
    ($f:path) => {
        handler!(slots | s, m | then_jump(form::lead::<Slot, _, _, _>(s, $f), m));
        handler!(acc_slots | s, m | then_jump(form::lead::<Acc, _, _, _>(s, $f), m));
        pub(in crate::interp::threaded) const SLOTS: Pair = Pair { slot: slots, acc: acc_slots };
        handler!(imm | s, m | then_jump(form::lead_imm::<Slot, _, _, _>(s, $f), m));
        handler!(acc_imm | s, m | then_jump(form::lead_imm::<Acc, _, _, _>(s, $f), m));
        pub(in crate::interp::threaded) const IMM: Pair = Pair { slot: imm, acc: acc_imm };
    };
}

/// Handlers by where the second word takes the first one's result.
macro_rules! sides {
    (commutes $lead:ident, $f:path, $g:path) => {
        pub(in crate::interp::threaded) mod left {
            use super::*;
            leads!($lead form::binary::<Acc, Slot, _, _, _>, $f, $g);
        }
        // Not used: see `Side`.
        pub(in crate::interp::threaded) use left as right;
    };
    (ordered $lead:ident, $f:path, $g:path) => {
        pub(in crate::interp::threaded) mod left {
            use super::*;
            leads!($lead form::binary::<Acc, Slot, _, _, _>, $f, $g);
        }
        pub(in crate::interp::threaded) mod right {
            use super::*;
            leads!($lead form::binary::<Slot, Acc, _, _, _>, $f, $g);
        }
    };
}

/// Whether the second word may have the first one's result on this side.
macro_rules! sided {
    (commutes $side:ident, $pair:ident, $form:ident) => {
        match $side {
            Side::Left => Some($pair::left::$form),
            Side::Right => None,
        }
    };
    (ordered $side:ident, $pair:ident, $form:ident) => {
        Some(match $side {
            Side::Left => $pair::left::$form,
            Side::Right => $pair::right::$form,
        })
    };
}

/// To the right stands an immediate, whatever slot has its number.
fn left_only(side: Side, pair: Pair) -> Option<Pair> {
    (side == Side::Left).then_some(pair)
}

/// The jump at hand.
#[inline(always)]
unsafe fn then_jump(s: State, m: &mut Machine<'_>) {
    // SAFETY: handed on by the caller, a handler at a word behind which a jump stands.
    unsafe { edge(s, m, s.pc.op().a, s.pc.op().wide) }
}

macro_rules! define_pairs {
    (
        {}
        imm { $(($pair:ident $order:ident $a:ident $ai:ident $af:ident $asem:ident $b:ident $bi:ident $bf:ident $bsem:ident))* }
        plain { $(($pplain:ident $porder:ident $pa:ident $paf:ident $pasem:ident $pb:ident $pbf:ident $pbsem:ident))* }
        load { $(($lpair:ident $lorder:ident $la:ident $laf:ident $lasem:ident $lb:ident $lbf:ident $lbsem:ident))* }
        jump { $(($jpair:ident $ja:ident $jai:ident $jaf:ident $jasem:ident))* }
    ) => {
        /// A module for each pair.
        #[allow(non_snake_case, unused_imports)]
        mod pair {
            use super::*;

            $(pub(super) mod $pair {
                use super::*;
                sides!($order imm, sem::$af::$asem, sem::$bf::$bsem);
                pub(in crate::interp::threaded) mod imm {
                    use super::*;
                    leads!(imm form::binary_imm::<Acc, _, _, _>, sem::$af::$asem, sem::$bf::$bsem);
                }
            })*
            $(pub(super) mod $pplain {
                use super::*;
                sides!($porder slots, sem::$paf::$pasem, sem::$pbf::$pbsem);
            })*
            $(pub(super) mod $lpair {
                use super::*;
                sides!($lorder load, sem::$laf::$lasem, sem::$lbf::$lbsem);
            })*
            $(pub(super) mod $jpair {
                use super::*;
                leads_to_jump!(sem::$jaf::$jasem);
            })*
        }

        /// The handlers of two words of which the second one's operand on this side is the first one's result.
        pub(super) fn find(first: WordOp, second: WordOp, side: Side) -> Option<Pair> {
            use pair::*;
            match (first, second) {
                $(
                    (WordOp::$a, WordOp::$b) => sided!($order side, $pair, SLOTS),
                    (WordOp::$ai, WordOp::$b) => sided!($order side, $pair, IMM),
                    (WordOp::$a, WordOp::$bi) => left_only(side, $pair::imm::SLOTS),
                    (WordOp::$ai, WordOp::$bi) => left_only(side, $pair::imm::IMM),
                )*
                $((WordOp::$pa, WordOp::$pb) => sided!($porder side, $pplain, SLOTS),)*
                $((WordOp::$la, WordOp::$lb) => sided!($lorder side, $lpair, SLOTS),)*
                _ => None,
            }
        }

        /// The handlers of a word and one behind it that takes nothing from it.
        pub(super) fn find_any(first: WordOp, second: WordOp) -> Option<Pair> {
            use pair::*;
            match (first, second) {
                (WordOp::Move1, WordOp::Move1) => {
                    Some(Pair { slot: special::move1::two, acc: special::move1::two_left })
                }
                $(
                    (WordOp::$ja, WordOp::Jump) => Some($jpair::SLOTS),
                    (WordOp::$jai, WordOp::Jump) => Some($jpair::IMM),
                )*
                _ => None,
            }
        }
    };
}

with_pairs!(define_pairs {});
