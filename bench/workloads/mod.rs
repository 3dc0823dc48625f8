//! The workloads of the engine benches: one guest program each as opforge text and as WebAssembly text, the same
//! computation in Rust, and how work is counted.
//!
//! All are of `../shared/workloads/workload.rs` except `gcd` and `nbody_rsqrt`. `sieve`, `matmul` and `nbody` keep their data
//! in a linear memory, in both guest programs at the same addresses. An instance keeps its memory from run to run,
//! so each run first writes what it reads.
//!
//! Bench targets include this folder by path; it is no crate of its own.

pub(crate) mod guest;
pub(crate) mod loading;
mod native;
mod nbody_rsqrt;

/// The host function that `host_call` calls: `(i64) -> (i64)`, its argument plus one.
pub(crate) const HOST_MODULE: &str = "bench";
/// Its name in [`HOST_MODULE`].
pub(crate) const HOST_NAME: &str = "ping";

/// The function to run, in both guest programs: 64 bits to 64 bits.
pub(crate) const ENTRY: &str = "run";

/// Further `n` that benches compare results for, on the instances that they time.
pub(crate) const ALSO_CHECKED: [u64; 5] = [0, 1, 2, 3, 17];

/// Who loops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Looping {
    /// The guest: one call of the entry with `n` does all work.
    Guest,
    /// The host: `n` calls of the entry, each with the last result, from `n` on.
    Host,
}

/// One workload.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) looping: Looping,
    /// opforge text.
    pub(crate) ofa: String,
    /// WebAssembly text.
    pub(crate) wat: String,
    /// The same in Rust: the result's bits for `n`.
    pub(crate) native: fn(u64) -> u64,
    /// Units of work done for `n`.
    pub(crate) units: fn(u64) -> u64,
    /// What benches run: some milliseconds of native code.
    pub(crate) n: u64,
    /// Whether it counts in the mean over workloads: the seven of `../shared/workloads` that need neither memory nor a
    /// square root. The required ratio is one of their mean.
    pub(crate) in_mean: bool,
}

macro_rules! workload {
    ($name:ident, $unit:literal, $looping:ident, $units:expr, $n:literal, $in_mean:literal) => {
        Workload {
            name: stringify!($name),
            unit: $unit,
            looping: Looping::$looping,
            ofa: include_str!(concat!(stringify!($name), ".ofa")).into(),
            wat: include_str!(concat!(stringify!($name), ".wat")).into(),
            native: native::$name,
            units: $units,
            n: $n,
            in_mean: $in_mean,
        }
    };
}

/// All workloads, in the order of the tables.
pub(crate) fn all() -> Vec<Workload> {
    vec![
        workload!(fib, "call", Guest, native::fib_calls, 24, true),
        workload!(loop_sum, "iteration", Guest, |n| n, 1_000_000, true),
        workload!(collatz, "step", Guest, native::collatz_steps, 10_000, true),
        workload!(mandelbrot, "inner iteration", Guest, native::mandelbrot, 32, true),
        workload!(mix, "iteration", Guest, |n| n, 1_000_000, true),
        workload!(host_call, "call", Guest, |n| n, 500_000, true),
        workload!(call_in, "call", Host, |n| n, 200_000, true),
        workload!(sieve, "byte access", Guest, native::sieve_accesses, 20, false),
        workload!(matmul, "multiply-add", Guest, native::matmul_terms, 10, false),
        workload!(nbody, "step", Guest, |n| n, 20_000, false),
        workload!(gcd, "division", Guest, native::gcd_divisions, 20_000, false),
        Workload {
            name: "nbody_rsqrt",
            unit: "step",
            looping: Looping::Guest,
            ofa: nbody_rsqrt::ofa(),
            wat: nbody_rsqrt::wat(),
            native: nbody_rsqrt::native,
            units: |n| n,
            n: 20_000,
            in_mean: false,
        },
    ]
}

/// Those that [`all`] has besides the ten of `../shared/workloads`.
const OWN: [&str; 2] = ["gcd", "nbody_rsqrt"];

/// The ten of `../shared/workloads`.
pub(crate) fn shared() -> Vec<Workload> {
    all().into_iter().filter(|workload| !OWN.contains(&workload.name)).collect()
}
