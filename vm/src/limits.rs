//! Bounds of a run.

/// Everything that bounds one run. All bounds hold together; the defaults are finite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Fuel the run starts with. An instruction costs at least 1.
    pub fuel: u64,
    /// Most function frames at once, the entry frame included. The entry function runs even at 0.
    pub max_call_depth: u32,
    /// Most host calls.
    pub max_host_calls: u64,
    /// Most bytes of text, byte strings and aggregates that the run may allocate, and of linear memories.
    pub max_memory: u64,
    /// Most 64-bit slots that all frames may take together; running out is `CallDepthExceeded`.
    pub max_stack_slots: u32,
    /// Most runs that the run may be inside of: runs further out on its thread whose host functions led to it. A run past
    /// it is refused before anything runs; see [`Outcome::NestedTooDeep`](crate::Outcome::NestedTooDeep). Each takes
    /// native stack: up to 100 KiB, and what the host functions take. Needs the feature `std`.
    pub max_nested_runs: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            fuel: 1_000_000,
            max_call_depth: 256,
            max_host_calls: 1_000_000,
            max_memory: 64 << 20,
            max_stack_slots: 1 << 20,
            max_nested_runs: 8,
        }
    }
}

macro_rules! setters {
    ($($(#[$meta:meta])* $name:ident: $field:ident $ty:ty,)*) => {
        impl Limits {
            /// The default limits: a million units of fuel, 256 frames, a million host calls, 64 MiB, 2^20 slots, inside
            /// of 8 other runs.
            #[must_use]
            pub fn new() -> Self {
                Self::default()
            }

            $($(#[$meta])*
            #[must_use]
            pub fn $name(mut self, $field: $ty) -> Self {
                self.$field = $field;
                self
            })*
        }
    };
}

setters! {
    /// Sets the fuel.
    fuel: fuel u64,
    /// Sets the call depth.
    call_depth: max_call_depth u32,
    /// Sets the number of host calls.
    host_calls: max_host_calls u64,
    /// Sets the memory in bytes.
    memory: max_memory u64,
    /// Sets the stack slots.
    stack_slots: max_stack_slots u32,
    /// Sets how many other runs the run may be inside of.
    nested_runs: max_nested_runs u32,
}
