//! Span tables: that they move on and stay inside the code.

use super::error::VerifyErrorKind;
use super::report::FuncErrors;
use crate::ids::SpanId;
use crate::program::SpanEntry;

/// Every entry after the first lies behind the one before it, and all lie within the code or at its end.
pub(super) fn check_spans(spans: &[SpanEntry], code_len: usize, errors: &mut FuncErrors) {
    let mut pc = 0u64;
    for (i, entry) in spans.iter().enumerate() {
        pc = pc.saturating_add(entry.pc_delta);
        if (i > 0 && entry.pc_delta == 0) || pc > code_len as u64 {
            return errors.add(VerifyErrorKind::BadSpanDeltas { entry: i as u32 });
        }
    }
}

/// The span that the instruction at `pc` belongs to.
pub(super) fn span_at(spans: &[SpanEntry], pc: u32) -> Option<SpanId> {
    let mut at = 0u64;
    let mut span = None;
    for entry in spans {
        at = at.saturating_add(entry.pc_delta);
        if at > u64::from(pc) {
            break;
        }
        span = Some(entry.span);
    }
    span
}
