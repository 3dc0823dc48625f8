//! What each trap means to the person whose program trapped.

use opforge::TrapCode;

/// Why it happens, and what to do.
pub(super) const fn text(trap: TrapCode) -> (&'static str, &'static str) {
    match trap {
        TrapCode::None => ("no trap", ""),
        TrapCode::FuelExceeded => (
            "the fuel left does not cover the next instruction",
            "give more with --fuel (Limits::fuel), or resume the run after Execution::add_fuel; look for a loop \
             that does not end",
        ),
        TrapCode::CallDepthExceeded => (
            "a call would need more frames, or more stack slots, than the limits allow",
            "raise --max-depth (Limits::call_depth, Limits::stack_slots), or recurse less deeply",
        ),
        TrapCode::HostCallLimitExceeded => (
            "the run has made as many host calls as it may",
            "raise --max-host-calls (Limits::host_calls), or do more in one call",
        ),
        TrapCode::MemoryLimitExceeded => (
            "text, bytes or an aggregate would take the run over its memory limit; nothing is freed before the \
             run ends",
            "raise --max-memory (Limits::memory), or build less",
        ),
        TrapCode::TrapCode => (
            "the program ended itself with a `trap` instruction and a code of its own",
            "look up the code where the program comes from",
        ),
        TrapCode::DivByZero => {
            ("an integer was divided by zero", "test the divisor before the division or remainder")
        }
        TrapCode::IntDivOverflow => (
            "the smallest i64 was divided by -1; the quotient, 2^63, does not fit",
            "test for that divisor, or divide in another type",
        ),
        TrapCode::IntCastOverflow => {
            ("a number does not fit the integer type it is converted to", "test its range first")
        }
        TrapCode::FloatToIntInvalid => (
            "NaN, an infinity or a number out of range was converted to an integer",
            "test the number with f64 comparisons first; NaN is unequal to itself",
        ),
        TrapCode::DecimalScaleMismatch => (
            "decimals of different scale were added or subtracted, or a scale does not suit the conversion",
            "bring both to one scale first",
        ),
        TrapCode::DecimalOverflow => (
            "the mantissa of a decimal does not fit 64 bits, or its scale is above 255",
            "use a smaller scale, or smaller numbers",
        ),
        TrapCode::IndexOutOfBounds => {
            ("an index or a range lies outside the text or bytes", "compare it with the length first")
        }
        TrapCode::StrNotCharBoundary => (
            "a text was cut inside a character; positions count UTF-8 bytes",
            "cut at positions where characters begin",
        ),
        TrapCode::InvalidUtf8 => {
            ("bytes were converted to text but are not UTF-8", "check where they come from")
        }
        TrapCode::AggError => (
            "an aggregate is not there, is of another kind, or has no such element",
            "compare the index with its length; declare the shape of parameters so that it is checked before",
        ),
        TrapCode::ArityMismatch => (
            "a function that was called by value takes or gives another number of values than the call says",
            "use the signature of the function that is called",
        ),
        TrapCode::TypeMismatch => (
            "a value is of another type than the signature or declared shape says",
            "check function values, declared shapes, and results of host functions",
        ),
        TrapCode::HostCallFailed => (
            "a host function refused or failed; the report says which and why",
            "look at the message of the host function",
        ),
        TrapCode::HostPanicked => (
            "a host function, or the function of an embedder's opcode or intrinsic, panicked; the report says which, and what \
             it said",
            "this is a bug of the function: return an error where a program can make it fail",
        ),
        TrapCode::InvalidFunction => (
            "a function value names a function that the program does not have",
            "check function values that come from the host",
        ),
        TrapCode::IntOverflow => (
            "checked arithmetic (add_chk, sub_chk, mul_chk) has an exact result that does not fit its 64 bits",
            "test the operands first, or use the form without _chk, which wraps",
        ),
        TrapCode::MemOutOfBounds => (
            "an instruction reaches past the end of a linear memory, or of the constant that it copies from; nothing was \
             changed",
            "compare addresses with mem.size first, or let the memory grow; the report says which bytes",
        ),
        TrapCode::ChannelClosed => (
            "a coroutine used an endpoint that it does not own, or whose session has been closed or has faulted",
            "let one coroutine close the session, when the others are done with it; the report says which session",
        ),
        TrapCode::TypeViolation => (
            "an endpoint was used otherwise than its state says, or a message carried something else",
            "verify the program with all its checks; check what the host injects and delivers",
        ),
        TrapCode::UnknownLabel => (
            "a message has a label that the state of its endpoint does not have",
            "check that the local types of the shape fit each other (verify --deep), and what the host injects",
        ),
        TrapCode::BufferFull => (
            "the buffer of an edge is full, and the shape says that this is an error",
            "give the edge more capacity, or let it block",
        ),
        TrapCode::EffectFailed => (
            "the embedder's handler refused an effect or a message; the report says which",
            "look at the handler",
        ),
        TrapCode::GuardFault => (
            "a guard layer is not active or was refused, or evidence is of another layer or was given back",
            "check the layer's configuration; give evidence back once",
        ),
        TrapCode::TransferFault => (
            "an endpoint was given to a coroutine that has ended or does not take it in its state, by one that does not own \
             it, or the handler refused; or it came in a message to one that has a handle of it; or a fact is about an \
             endpoint of no session",
            "check that the receiver still runs and has a parameter for the endpoint as it is, and give it in one way only",
        ),
        TrapCode::SpeculationFault => (
            "a speculation began where it is off or too deep, or ended where there is none or after one of its sessions",
            "raise the limit of the session machine; keep sessions open until speculations on them have ended",
        ),
        TrapCode::CloseFault => (
            "a coroutine closed a session of which it does not own the endpoint",
            "let the owner of an endpoint close the session",
        ),
        TrapCode::SessionLimitExceeded => (
            "more sessions are open than the session machine allows",
            "close sessions that are done, or raise the limit",
        ),
        TrapCode::CoroutineLimitExceeded => (
            "more coroutines are there than the session machine allows",
            "let coroutines end, or raise the limit",
        ),
        TrapCode::NoSession => (
            "a session instruction was executed by a plain call, without a session machine around it",
            "run the function as a coroutine of a session machine",
        ),
        TrapCode::ReplayDivergence => (
            "a replayed run asked its handler for something else than the recorded one did",
            "replay the same program with the same start; the report says what was expected and what was asked",
        ),
        TrapCode::InvalidIntrinsic => (
            "an intrinsic or an embedder's opcode has a row in the tables but no function in this engine, or one that \
             trapped as its row does not say",
            "run the program on an engine in which it is registered; list the trap in its row",
        ),
    }
}
