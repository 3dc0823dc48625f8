//! Semantic functions as functions that compiled code calls, made from the tables.

use crate::context::{Context, ContextPtr, context};
use opforge_tables::{Opcode, with_direct_ops};
use opforge_vm::TrapCode;
use opforge_vm::ids::IntrinsicId;
use opforge_vm::intrinsics::{IntrinsicCtx, MAX_ARG_SLOTS, MAX_RET_SLOTS, execute_intrinsic};
use opforge_vm::sem;
use opforge_vm::sem::Decimal;
use opforge_vm::sem::text::{Bytes, Str};

/// A value in slots.
trait Slots: Sized {
    const WIDTH: usize;

    fn load(slots: &[u64]) -> Self;

    fn store(self) -> [u64; 2];
}

fn at(slots: &[u64], index: usize) -> u64 {
    slots.get(index).copied().unwrap_or(0)
}

macro_rules! one_slot {
    ($($ty:ty: |$bits:ident| $load:expr, |$value:ident| $store:expr;)*) => {$(
        impl Slots for $ty {
            const WIDTH: usize = 1;

            fn load(slots: &[u64]) -> Self {
                let $bits = at(slots, 0);
                $load
            }

            fn store(self) -> [u64; 2] {
                let $value = self;
                [$store, 0]
            }
        }
    )*};
}

one_slot! {
    i64: |bits| bits as i64, |value| value as u64;
    u64: |bits| bits, |value| value;
    u32: |bits| bits as u32, |value| value.into();
    f64: |bits| f64::from_bits(bits), |value| value.to_bits();
    bool: |bits| bits & 0xff != 0, |value| u64::from(value);
    Bytes: |bits| Bytes::from_slot(bits), |value| value.slot();
    Str: |bits| Str::from_slot(bits), |value| value.slot();
}

impl Slots for Decimal {
    const WIDTH: usize = 2;

    fn load(slots: &[u64]) -> Self {
        Self { mantissa: at(slots, 0) as i64, scale: at(slots, 1) as u8 }
    }

    fn store(self) -> [u64; 2] {
        [self.mantissa as u64, self.scale.into()]
    }
}

/// What a semantic function returns.
trait Outcome {
    fn slots(self) -> Result<[u64; 2], TrapCode>;
}

impl<T: Slots> Outcome for Result<T, TrapCode> {
    fn slots(self) -> Result<[u64; 2], TrapCode> {
        self.map(Slots::store)
    }
}

macro_rules! plain {
    ($($ty:ty)*) => {$(
        impl Outcome for $ty {
            fn slots(self) -> Result<[u64; 2], TrapCode> {
                Ok(self.store())
            }
        }
    )*};
}

plain!(i64 u64 f64 bool Bytes Str Decimal);

type Cx<'a> = Context<'a, 'a, 'a>;

fn rest<A: Slots>(slots: &[u64]) -> &[u64] {
    slots.get(A::WIDTH..).unwrap_or(&[])
}

fn unary<A: Slots, R: Outcome>(_: &mut Cx<'_>, slots: &[u64], f: impl FnOnce(A) -> R) -> R {
    f(A::load(slots))
}

fn binary<A: Slots, B: Slots, R: Outcome>(_: &mut Cx<'_>, slots: &[u64], f: impl FnOnce(A, B) -> R) -> R {
    f(A::load(slots), B::load(rest::<A>(slots)))
}

fn ternary<A: Slots, B: Slots, C: Slots, R: Outcome>(
    _: &mut Cx<'_>,
    slots: &[u64],
    f: impl FnOnce(A, B, C) -> R,
) -> R {
    let (second, third) = (rest::<A>(slots), rest::<B>(rest::<A>(slots)));
    f(A::load(slots), B::load(second), C::load(third))
}

use sem_heap::{heap_binary, heap_ternary, heap_unary};

/// The same with the heap.
mod sem_heap {
    use super::{Cx, Outcome, Slots, rest};
    use opforge_vm::heap::Heap;

    pub(super) fn heap_unary<A: Slots, R: Outcome>(
        cx: &mut Cx<'_>,
        slots: &[u64],
        f: impl FnOnce(&mut Heap, A) -> R,
    ) -> R {
        f(cx.heap(), A::load(slots))
    }

    pub(super) fn heap_binary<A: Slots, B: Slots, R: Outcome>(
        cx: &mut Cx<'_>,
        slots: &[u64],
        f: impl FnOnce(&mut Heap, A, B) -> R,
    ) -> R {
        f(cx.heap(), A::load(slots), B::load(rest::<A>(slots)))
    }

    pub(super) fn heap_ternary<A: Slots, B: Slots, C: Slots, R: Outcome>(
        cx: &mut Cx<'_>,
        slots: &[u64],
        f: impl FnOnce(&mut Heap, A, B, C) -> R,
    ) -> R {
        let (second, third) = (rest::<A>(slots), rest::<B>(rest::<A>(slots)));
        f(cx.heap(), A::load(slots), B::load(second), C::load(third))
    }
}

/// An immediate stands in the slot behind the operand.
macro_rules! call_form {
    (unary_imm, $cx:ident, $slots:ident, $f:path) => {
        binary($cx, $slots, $f)
    };
    (heap_unary_imm, $cx:ident, $slots:ident, $f:path) => {
        heap_binary($cx, $slots, $f)
    };
    ($form:ident, $cx:ident, $slots:ident, $f:path) => {
        $form($cx, $slots, $f)
    };
}

/// A semantic function for code: up to four operand slots; the result is in the context's first slots. Returns 0,
/// or not 0 for a trap, which has changed nothing.
pub(crate) type Shim = unsafe extern "C" fn(ContextPtr, u64, u64, u64, u64) -> u64;

/// As [`Shim`], with three operands, then the instruction's three ids, two of them in one number.
pub(crate) type MemoryShim = unsafe extern "C" fn(ContextPtr, u64, u64, u64, u64, u64) -> u64;

macro_rules! define_shims {
    (
        {}
        direct { $(($op:ident $form:ident $family:ident $sem:ident))* }
        imm { $($imm:tt)* } branch { $($branch:tt)* } branch_f { $($branch_f:tt)* }
        load { $($load:tt)* } store { $($store:tt)* }
        memory { $(($mop:ident $mfamily:ident $msem:ident))* }
    ) => {
        /// The function for code that computes a direct opcode; `None` for opcodes that are lowered otherwise.
        pub(crate) fn shim(op: Opcode) -> Option<Shim> {
            match op {
                $(Opcode::$op => {
                    unsafe extern "C" fn shim(cx: ContextPtr, a: u64, b: u64, c: u64, d: u64) -> u64 {
                        // SAFETY: called by compiled code.
                        let cx = unsafe { context(cx) };
                        let slots: &[u64] = &[a, b, c, d];
                        let outcome = call_form!($form, cx, slots, sem::$family::$sem);
                        match outcome.slots() {
                            Ok(values) => {
                                cx.put(values);
                                0
                            }
                            Err(code) => code.code().max(1).into(),
                        }
                    }
                    Some(shim)
                })*
                _ => None,
            }
        }

        /// The function for code that computes an opcode over ranges of linear memories.
        pub(crate) fn memory_shim(op: Opcode) -> Option<MemoryShim> {
            match op {
                $(Opcode::$mop => {
                    unsafe extern "C" fn shim(
                        cx: ContextPtr, a: u64, b: u64, c: u64, ids: u64, id: u64,
                    ) -> u64 {
                        // SAFETY: called by compiled code.
                        let cx = unsafe { context(cx) };
                        let ids = [ids as u32, (ids >> 32) as u32, id as u32];
                        match sem::$mfamily::$msem(cx.heap(), ids, [a, b, c]) {
                            Ok(value) => {
                                // There need be no slots at all where the opcode writes nothing.
                                cx.spill(1).iter_mut().for_each(|slot| *slot = value);
                                0
                            }
                            Err(code) => code.code().max(1).into(),
                        }
                    }
                    Some(shim)
                })*
                _ => None,
            }
        }
    };
}

with_direct_ops!(define_shims {});

/// Calls an embedder's function for code: arguments are in the context's first slots, results go behind them. `lens` has the
/// number of arguments in its lower half and that of results in its upper half. Returns 0, or not 0 for a trap: the run
/// must then be left at the instruction.
///
/// # Safety
/// As for [`context`].
pub(crate) unsafe extern "C" fn extension(cx: ContextPtr, func: u64, imm: u64, lens: u64) -> u64 {
    // SAFETY: called by compiled code.
    let cx = unsafe { context(cx) };
    let (nargs, nrets) = (lens as u32 as usize, (lens >> 32) as usize);
    let (nargs, nrets) = (nargs.min(MAX_ARG_SLOTS), nrets.min(MAX_RET_SLOTS));
    let (mut args, mut rets) = ([0; MAX_ARG_SLOTS], [0; MAX_RET_SLOTS]);
    let (args, rets) = (&mut args[..nargs], &mut rets[..nrets]);
    args.iter_mut().zip(cx.spill(nargs)).for_each(|(arg, slot)| *arg = *slot);
    if !cx.run().extension(func as u32, imm as u32, args, rets) {
        return 1;
    }
    cx.spill(nargs + nrets).iter_mut().skip(nargs).zip(rets).for_each(|(slot, ret)| *slot = *ret);
    0
}

/// Executes an intrinsic for code: arguments are in the context's first slots, results go behind them. Returns 0, or
/// not 0 for a trap, which has changed nothing.
///
/// # Safety
/// As for [`context`].
pub(crate) unsafe extern "C" fn intrinsic(cx: ContextPtr, id: u64, args: u64, rets: u64) -> u64 {
    // SAFETY: called by compiled code.
    let cx = unsafe { context(cx) };
    let (nargs, nrets) = ((args as usize).min(MAX_ARG_SLOTS), (rets as usize).min(MAX_RET_SLOTS));
    let (mut args, mut rets) = ([0; MAX_ARG_SLOTS], [0; MAX_RET_SLOTS]);
    let (args, rets) = (&mut args[..nargs], &mut rets[..nrets]);
    args.iter_mut().zip(cx.spill(nargs)).for_each(|(arg, slot)| *arg = *slot);
    match execute_intrinsic(IntrinsicId(id as u32), args, rets, &mut IntrinsicCtx::new(cx.heap())) {
        Ok(()) => {
            cx.spill(nargs + nrets).iter_mut().skip(nargs).zip(rets).for_each(|(slot, ret)| *slot = *ret);
            0
        }
        Err(code) => code.code().max(1).into(),
    }
}
