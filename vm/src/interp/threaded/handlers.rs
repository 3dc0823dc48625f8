//! The handlers of direct instructions, made from the tables, those that leave a word to the loop, and the table of all.

use super::code::Pc;
use super::form::{self, Acc, Far, Forms, Kinds, Layout, OtherNext, Set, Slot, TakenNext};
use super::special::{
    br_if, br_mask_zero, branch_table, call, call1, constant, fuel, host_call, host_call1, intrinsic, jump,
    move1, return1, select1, session, tail_call,
};
use super::{Left, Spare, handler};
use crate::interp::machine::{Exit, Machine};
use crate::interp::regs::Regs;
use crate::interp::word::WordOp;
use crate::sem;
use opforge_tables::with_direct_ops;

macro_rules! define_leave {
    ($abi:literal) => {
        /// Leaves the word at hand to the loop.
        #[cold]
        #[inline(never)]
        #[allow(improper_ctypes_definitions)]
        pub(super) unsafe extern $abi fn leave(
            pc: Pc,
            regs: Regs,
            m: &mut Machine<'_>,
            _: Spare,
            fuel: u64,
            _: u64,
            _: f64,
        ) {
            m.left = Left { ip: pc.ip(m), regs, fuel };
        }

        /// The same with `cost` given back.
        #[cold]
        #[inline(never)]
        #[allow(improper_ctypes_definitions)]
        pub(super) unsafe extern $abi fn leave_owing(
            pc: Pc,
            regs: Regs,
            m: &mut Machine<'_>,
            _: Spare,
            fuel: u64,
            cost: u64,
            _: f64,
        ) {
            m.left = Left { ip: pc.ip(m), regs, fuel: fuel.wrapping_add(cost) };
        }

        /// Ends the run with this value, at the return of its entry function; or leaves a return to the loop, where fuel
        /// does not reach what it returns to. Gives back what was paid for.
        #[inline(never)]
        #[allow(improper_ctypes_definitions)]
        pub(super) unsafe extern $abi fn leave_return(
            pc: Pc,
            regs: Regs,
            m: &mut Machine<'_>,
            _: Spare,
            fuel: u64,
            value: u64,
            _: f64,
        ) {
            // SAFETY: it is called at a return: the linkage is there, and names a word whose code is an `Op`.
            let (cost, to) = unsafe {
                let to = regs.link_bits().0 as u32;
                (u64::from(Pc::at(m, to).op().wide), to)
            };
            m.left = Left { ip: pc.ip(m), regs, fuel: fuel.wrapping_add(cost) };
            if to == 0 {
                m.finish_one(value);
                m.left_with = Some(Exit::Finished);
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
define_leave!("sysv64-unwind");
#[cfg(not(target_arch = "x86_64"))]
define_leave!("C-unwind");

/// The handlers of a direct instruction's form.
macro_rules! direct {
    (unary, $f:path) => {
        handler!(plain | s, m | form::unary::<Slot, _, _>(s, m, $f));
        handler!(left | s, m | form::unary::<Acc, _, _>(s, m, $f));
    };
    (unary_imm, $f:path) => {
        handler!(plain | s, m | form::unary_imm::<Slot, _, _>(s, m, $f));
        handler!(left | s, m | form::unary_imm::<Acc, _, _>(s, m, $f));
    };
    (binary, $f:path) => {
        handler!(plain | s, m | form::binary::<Slot, Slot, _, _, _>(s, m, $f));
        handler!(left | s, m | form::binary::<Acc, Slot, _, _, _>(s, m, $f));
        handler!(right | s, m | form::binary::<Slot, Acc, _, _, _>(s, m, $f));
    };
    (ternary, $f:path) => {
        handler!(plain | s, m | form::ternary(s, m, $f));
    };
    // Heap forms call large functions that return by memory, which would cost the jump.
    ($heap:ident, $f:path) => {};
}

/// What `make` knows of a direct instruction's form.
macro_rules! direct_forms {
    (unary, $op:ident, $f:path) => {
        Forms::new(Layout::Slots, Set::with_left($op::plain, $op::left), Kinds::unary(&$f))
    };
    (unary_imm, $op:ident, $f:path) => {
        Forms::new(Layout::Imm, Set::with_left($op::plain, $op::left), Kinds::unary_imm(&$f))
    };
    (binary, $op:ident, $f:path) => {
        Forms::new(Layout::Slots, Set::with_both($op::plain, $op::left, $op::right), Kinds::binary(&$f))
    };
    (ternary, $op:ident, $f:path) => {
        Forms::new(Layout::FourSlots, Set::plain($op::plain), Kinds::ternary(&$f))
    };
    ($heap:ident, $op:ident, $f:path) => {
        Forms::left_to_loop()
    };
}

/// The handlers of a branch, a module for each of [`form::Ways`].
macro_rules! branch_handlers {
    ($kind:ident, $f:expr) => {
        pub(in crate::interp::threaded) mod far {
            use super::*;
            branch_handlers!($kind, Far, $f);
        }
        pub(in crate::interp::threaded) mod taken_next {
            use super::*;
            branch_handlers!($kind, TakenNext, $f);
        }
        pub(in crate::interp::threaded) mod other_next {
            use super::*;
            branch_handlers!($kind, OtherNext, $f);
        }
    };
    (slots, $ways:ident, $f:expr) => {
        handler!(plain | s, m | form::test::<$ways, Slot, Slot, _, _>(s, m, $f));
        handler!(left | s, m | form::test::<$ways, Acc, Slot, _, _>(s, m, $f));
        handler!(right | s, m | form::test::<$ways, Slot, Acc, _, _>(s, m, $f));
        handler!(step | s, m | form::step_test::<$ways, _, _>(s, m, $f));
    };
    (floats, $ways:ident, $f:expr) => {
        handler!(plain | s, m | form::test::<$ways, Slot, Slot, _, _>(s, m, $f));
        handler!(left | s, m | form::test::<$ways, Acc, Slot, _, _>(s, m, $f));
        handler!(right | s, m | form::test::<$ways, Slot, Acc, _, _>(s, m, $f));
        // A float has no step.
        pub(in crate::interp::threaded) use crate::interp::threaded::handlers::leave as step;
    };
    (imm, $ways:ident, $f:expr) => {
        handler!(plain | s, m | form::test_imm::<$ways, Slot, _, _>(s, m, $f));
        handler!(left | s, m | form::test_imm::<$ways, Acc, _, _>(s, m, $f));
        pub(in crate::interp::threaded) use plain as right;
        handler!(step | s, m | form::step_test_imm::<$ways, _, _>(s, m, $f));
    };
}

pub(super) use branch_handlers;

/// The sets of a branch's handlers.
macro_rules! branch_sets {
    ($op:ident) => {
        [
            Set::with_both($op::far::plain, $op::far::left, $op::far::right).and($op::far::step),
            Set::with_both($op::taken_next::plain, $op::taken_next::left, $op::taken_next::right)
                .and($op::taken_next::step),
            Set::with_both($op::other_next::plain, $op::other_next::left, $op::other_next::right)
                .and($op::other_next::step),
        ]
    };
}

macro_rules! define_handlers {
    (
        { $($special:ident $forms:expr;)* }
        direct { $(($op:ident $form:ident $family:ident $sem:ident))* }
        imm { $(($iop:ident $imm:ident $ifamily:ident $isem:ident))* }
        branch { $(($bop:ident $br:ident $bri:ident $bfamily:ident $bsem:ident))* }
        branch_f { $(($fop:ident $fbr:ident $ffamily:ident $fsem:ident))* }
        load { $(($lop:ident $lfamily:ident $lsem:ident))* }
        store { $(($sop:ident $sfamily:ident $ssem:ident))* }
        memory { $($memory:tt)* }
    ) => {
        /// A module for each operation, under its name, with a handler for each mode of its operands.
        #[allow(non_snake_case, unused_imports)]
        mod direct {
            use super::*;

            $(pub(super) mod $op {
                use super::*;
                direct!($form, sem::$family::$sem);
            })*
            $(pub(super) mod $imm {
                use super::*;
                handler!(plain |s, m| form::binary_imm::<Slot, _, _, _>(s, m, sem::$ifamily::$isem));
                handler!(left |s, m| form::binary_imm::<Acc, _, _, _>(s, m, sem::$ifamily::$isem));
            })*
            $(
                pub(super) mod $br {
                    use super::*;
                    branch_handlers!(slots, sem::$bfamily::$bsem);
                }

                pub(super) mod $bri {
                    use super::*;
                    branch_handlers!(imm, sem::$bfamily::$bsem);
                }
            )*
            $(pub(super) mod $fbr {
                use super::*;
                branch_handlers!(floats, sem::$ffamily::$fsem);
            })*
            $(pub(super) mod $lop {
                use super::*;
                handler!(plain |s, m| form::load::<Slot, _, _>(s, m, sem::$lfamily::$lsem));
                handler!(left |s, m| form::load::<Acc, _, _>(s, m, sem::$lfamily::$lsem));
                handler!(far |s, m| form::load_far(s, m, sem::$lfamily::$lsem));
            })*
            $(pub(super) mod $sop {
                use super::*;
                handler!(plain |s, m| form::store::<Slot, Slot, _, _>(s, m, sem::$sfamily::$ssem));
                handler!(left |s, m| form::store::<Acc, Slot, _, _>(s, m, sem::$sfamily::$ssem));
                handler!(right |s, m| form::store::<Slot, Acc, _, _>(s, m, sem::$sfamily::$ssem));
                handler!(far |s, m| form::store_far(s, m, sem::$sfamily::$ssem));
            })*
        }

        /// By operation.
        pub(super) static FORMS: [Forms; WordOp::COUNT] = {
            use direct::*;
            let mut table = [Forms::left_to_loop(); WordOp::COUNT];
            $(table[WordOp::$special as usize] = $forms;)*
            $(table[WordOp::$op as usize] = direct_forms!($form, $op, sem::$family::$sem);)*
            $(
                table[WordOp::$imm as usize] = Forms::new(
                    Layout::Imm,
                    Set::with_left($imm::plain, $imm::left),
                    Kinds::binary(&sem::$ifamily::$isem),
                );
            )*
            $(
                let kinds = Kinds::test(&sem::$bfamily::$bsem);
                table[WordOp::$br as usize] = Forms::branch(Layout::Branch, branch_sets!($br), kinds);
                table[WordOp::$bri as usize] = Forms::branch(Layout::BranchImm, branch_sets!($bri), kinds);
            )*
            $(
                let kinds = Kinds::test(&sem::$ffamily::$fsem);
                table[WordOp::$fbr as usize] = Forms::branch(Layout::Branch, branch_sets!($fbr), kinds);
            )*
            $(
                table[WordOp::$lop as usize] = Forms::new(
                    Layout::Load,
                    Set::with_left($lop::plain, $lop::left).and($lop::far),
                    Kinds::load(&sem::$lfamily::$lsem),
                );
            )*
            $(
                table[WordOp::$sop as usize] = Forms::new(
                    Layout::Store,
                    Set::with_both($sop::plain, $sop::left, $sop::right).and($sop::far),
                    Kinds::store(&sem::$sfamily::$ssem),
                );
            )*
            table
        };
    };
}

with_direct_ops!(define_handlers {
    Fuel Forms::new(Layout::Fuel, Set::plain(fuel), Kinds::NONE);
    Jump Forms::new(Layout::Jump, Set::with_left(jump::far, jump::next), Kinds::NONE);
    BrIf Forms::branch(Layout::BranchImm, branch_sets!(br_if), Kinds::LEFT);
    BrMaskZero Forms::branch(Layout::BranchImm, branch_sets!(br_mask_zero), Kinds::LEFT);
    BranchTable Forms::of_word(branch_table);
    Const Forms::new(
        Layout::Const,
        Set::with_both(constant::plain, constant::small, constant::upper),
        Kinds::RESULT,
    );
    Move1 Forms::new(Layout::Slots, Set::with_left(move1::plain, move1::left), Kinds::MOVE);
    Select1 Forms::new(Layout::FourSlots, Set::plain(select1), Kinds::RESULT);
    Call Forms::of_word(call);
    Call1 Forms::new(Layout::Call1, Set::with_left(call1::plain, call1::left), Kinds::LEFT);
    TailCall Forms::of_word(tail_call);
    Return1 Forms::new(Layout::Return1, Set::with_left(return1::plain, return1::left), Kinds::LEFT);
    HostCall Forms::of_word(host_call);
    HostCall1 Forms::new(Layout::Host, Set::plain(host_call1), Kinds::NONE);
    Session Forms::of_word(session);
    Intrinsic Forms::of_word(intrinsic);
});
