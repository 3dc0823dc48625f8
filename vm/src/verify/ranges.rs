//! A function's row of the function table: that everything it names is there and agrees.

use super::budget::VerifyConfig;
use super::error::VerifyErrorKind;
use super::report::FuncErrors;
use crate::ids::FuncId;
use crate::program::{FunctionDef, Program, Signature, SpanEntry};

/// What a function's row refers to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts<'a> {
    pub(super) code: &'a [u8],
    pub(super) spans: &'a [SpanEntry],
    pub(super) sig: Signature<'a>,
}

/// The register count is within the limit.
pub(super) fn check_reg_count(def: &FunctionDef, config: &VerifyConfig, errors: &mut FuncErrors) {
    let (reg_count, max) = (def.reg_count, config.max_registers);
    if reg_count > max {
        errors.add(VerifyErrorKind::RegCountTooLarge { reg_count, max });
    }
}

/// Code, spans and signature are there, and the counts agree. `None` if something is missing.
pub(super) fn check_parts<'a>(
    program: &'a Program,
    id: FuncId,
    def: &FunctionDef,
    errors: &mut FuncErrors,
) -> Option<Parts<'a>> {
    let (code, spans, sig) = (program.code(id), program.spans(id), program.func_sig(id));
    if code.is_none() {
        errors.add(VerifyErrorKind::FunctionBytecodeOutOfBounds { blob: def.code });
    }
    if spans.is_none() {
        errors.add(VerifyErrorKind::FunctionSpansOutOfBounds { table: def.spans });
    }
    let Some(sig) = sig else {
        errors.add(VerifyErrorKind::FunctionArgTypesOutOfBounds {});
        return None;
    };
    let declared = (def.param_count, def.result_count);
    // Lists hold at most 2^32 - 1 items in all.
    let actual = (sig.params.len() as u32, sig.results.len() as u32);
    if declared != actual {
        errors.add(VerifyErrorKind::FunctionSigCountMismatch { declared, actual });
    }
    Some(Parts { code: code?, spans: spans?, sig })
}

/// There is a register for the effect token and one for each parameter.
pub(super) fn check_param_regs(def: &FunctionDef, sig: &Signature<'_>, errors: &mut FuncErrors) {
    let (needed, reg_count) = (sig.params.len() as u64 + 1, def.reg_count);
    if u64::from(reg_count) < needed {
        errors.add(VerifyErrorKind::ArgCountExceedsRegs { needed, reg_count });
    }
}
