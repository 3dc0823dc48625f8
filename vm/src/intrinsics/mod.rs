//! Intrinsics: pure functions that the VM owns.
//!
//! Owns what each one computes. Which there are, with layouts, cost and traps, is said by the rows of the intrinsic
//! table; a row without a function, or with one of other types, does not compile. Relies on the verifier for the
//! number and classes of slots. A function sees its arguments and, for text, the run's heap: there is no way from here
//! to an embedder's functions, what they are linked with or what they are allowed, and no way from those to here.
//!
//! Results are the same bits everywhere: elementary functions are those of `opforge-math`, no operation is fused with
//! another, and NaNs are canonical as they come in and go out.

mod color;
mod layout;
mod math;
mod pixel;
#[cfg(test)]
mod tests;
mod text;
mod vec2;

use crate::heap::Heap;
use crate::ids::IntrinsicId;
use crate::sem::text::{Bytes, Str};
use core::fmt;
pub(crate) use layout::IMMEDIATE;
pub use layout::{Function, Layout, Outcome, Shape, WithCtx};
use opforge_schema::{IntrinsicRow, TrapCode};
use opforge_tables::{ISA, Intrinsic, with_intrinsics};

pub use opforge_schema::{MAX_ARG_SLOTS, MAX_RET_SLOTS};

/// What an intrinsic may use besides its arguments: the heap of the run, for text.
pub struct IntrinsicCtx<'h> {
    heap: &'h mut Heap,
}

impl fmt::Debug for IntrinsicCtx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntrinsicCtx").finish_non_exhaustive()
    }
}

impl<'h> IntrinsicCtx<'h> {
    /// A context over the heap of a run.
    #[must_use]
    pub fn new(heap: &'h mut Heap) -> Self {
        Self { heap }
    }

    /// The text of a value.
    #[must_use]
    pub fn text(&self, text: Str) -> &str {
        self.heap.text(text.slot())
    }

    /// The bytes of a value.
    #[must_use]
    pub fn bytes(&self, bytes: Bytes) -> &[u8] {
        self.heap.bytes(bytes.slot())
    }

    /// Makes bytes, which are charged to the run's memory.
    ///
    /// # Errors
    /// [`TrapCode::MemoryLimitExceeded`] if there is no room for them.
    pub fn make_bytes(&mut self, bytes: &[u8]) -> Result<Bytes, TrapCode> {
        self.heap.alloc_bytes(bytes).map(Bytes::from_slot)
    }

    /// Makes a text, which is charged to the run's memory.
    ///
    /// # Errors
    /// [`TrapCode::MemoryLimitExceeded`] if there is no room for it.
    pub fn make(&mut self, text: &str) -> Result<Str, TrapCode> {
        self.heap.alloc_bytes(text.as_bytes()).map(Str::from_slot)
    }

    /// Makes a text that is another one with each byte mapped; ASCII must stay ASCII and other bytes themselves.
    fn map(&mut self, text: Str, map: impl Fn(u8) -> u8) -> Result<Str, TrapCode> {
        self.heap.map_bytes(text.slot(), map).map(Str::from_slot)
    }
}

/// An intrinsic over slots: as many arguments and results as its row has. When it is called, result slots hold
/// anything; it writes all of them, or fails and has changed nothing that can be seen.
pub type IntrinsicFn = fn(&mut IntrinsicCtx<'_>, &[u64], &mut [u64]) -> Result<(), TrapCode>;

/// Executes an intrinsic: arguments and results are slots in the order of its layouts.
///
/// # Errors
/// [`TrapCode::InvalidIntrinsic`] if none has this id; else a trap of its row.
#[inline]
pub fn execute_intrinsic(
    id: IntrinsicId,
    args: &[u64],
    rets: &mut [u64],
    ctx: &mut IntrinsicCtx<'_>,
) -> Result<(), TrapCode> {
    match function(id) {
        Some(function) => function(ctx, args, rets),
        None => Err(TrapCode::InvalidIntrinsic),
    }
}

macro_rules! register {
    ({} $(($name:ident $at:literal $family:ident $function:ident))*) => {
        /// The function behind an id, if it is registered.
        #[must_use]
        pub fn function(id: IntrinsicId) -> Option<IntrinsicFn> {
            Some(match Intrinsic::from_id(id.0)? {
                $(Intrinsic::$name => |ctx, args, rets| $family::$function.invoke(ctx, args, rets),)*
                _ => return None,
            })
        }

        $(const _: () = assert!(
            fits(&ISA.intrinsics[$at], &shape(&$family::$function)),
            concat!("the types of ", stringify!($family), "::", stringify!($function), " are not the layouts of its row")
        );)*
    };
}

with_intrinsics!(register {});

/// The layouts of a function's types.
const fn shape<F: Function<A>, A>(_: &F) -> Shape {
    F::SHAPE
}

/// Whether a row's slots are those of a function.
const fn fits(row: &IntrinsicRow, shape: &Shape) -> bool {
    side_fits(&row.arg_classes, row.arg_slots as usize, shape.args)
        && side_fits(&row.ret_classes, row.ret_slots as usize, shape.rets)
}

const fn side_fits(slots: &[u8], len: usize, parts: &[&[u8]]) -> bool {
    let (mut slot, mut part) = (0, 0);
    while part < parts.len() {
        let mut i = 0;
        while i < parts[part].len() {
            if slot >= len || slots[slot] != parts[part][i] {
                return false;
            }
            (i, slot) = (i + 1, slot + 1);
        }
        part += 1;
    }
    slot == len
}
