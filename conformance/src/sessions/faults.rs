//! Traps by the names that case files have for them.

use opforge::TrapCode;

/// Traps that case files name otherwise than the VM.
const FAULTS: &[(TrapCode, &str)] = &[
    (TrapCode::ChannelClosed, "channel_closed"),
    (TrapCode::TypeViolation, "type_violation"),
    (TrapCode::UnknownLabel, "unknown_label"),
    (TrapCode::BufferFull, "buffer_full"),
    (TrapCode::EffectFailed, "invoke"),
    (TrapCode::GuardFault, "acquire"),
    (TrapCode::TransferFault, "transfer"),
    (TrapCode::SpeculationFault, "speculation"),
    // The limit has no fault of its own there.
    (TrapCode::CoroutineLimitExceeded, "speculation"),
    (TrapCode::CloseFault, "close"),
];

/// The name of a trap; its own one where case files have none.
pub(super) fn name(code: TrapCode) -> &'static str {
    FAULTS.iter().find(|(known, _)| *known == code).map_or(code.name(), |(_, name)| name)
}
