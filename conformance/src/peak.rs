//! Peak memory of one piece of work.

/// Does a piece of work and says how many bytes it had at once at most, on top of what was there before. Counting is
/// per thread, so that tests which run beside each other do not count each other's memory.
pub fn measure<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let mut result = None;
    let memory = allocation_counter::measure(|| result = Some(work()));
    // The closure ran: `measure` calls it once.
    let Some(result) = result else { unreachable!("the work was not done") };
    (result, usize::try_from(memory.bytes_max).unwrap_or(usize::MAX))
}
