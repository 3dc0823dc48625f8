//! Names of parameters and results.

use super::error::VerifyErrorKind;
use super::report::Errors;
use crate::ids::{FuncId, SymbolId};
use crate::program::Program;
use alloc::vec::Vec;

/// Names of parameters and results are there, not empty, and unique within their list.
pub(super) fn check_value_names(program: &Program, errors: &mut Errors) {
    let mut seen = Vec::new();
    for index in 0..program.functions().len() {
        let func = FuncId(index as u32);
        let sig = program.func_sig(func);
        let (params, results) = sig.map_or((0, 0), |sig| (sig.params.len(), sig.results.len()));
        let names = program.param_names(func);
        if let Some(kind) = check_names(program, names, params, &mut seen).map(|problem| match problem {
            Problem::Extra(param) => VerifyErrorKind::FunctionInputNameArgOutOfBounds { param },
            Problem::Empty(param) => VerifyErrorKind::FunctionInputNameEmpty { param },
            Problem::Duplicate(param, name) => VerifyErrorKind::FunctionInputNameDuplicate { param, name },
        }) {
            errors.add(program, Some(func), kind);
        }
        let names = program.result_names(func);
        if let Some(kind) = check_names(program, names, results, &mut seen).map(|problem| match problem {
            Problem::Extra(result) => VerifyErrorKind::FunctionOutputNameRetOutOfBounds { result },
            Problem::Empty(result) => VerifyErrorKind::FunctionOutputNameEmpty { result },
            Problem::Duplicate(result, name) => VerifyErrorKind::FunctionOutputNameDuplicate { result, name },
        }) {
            errors.add(program, Some(func), kind);
        }
    }
}

enum Problem {
    Extra(u32),
    Empty(u32),
    Duplicate(u32, SymbolId),
}

/// The first problem of a list of names for `count` values; `seen` is only there to be reused.
fn check_names(
    program: &Program,
    names: &[SymbolId],
    count: usize,
    seen: &mut Vec<(SymbolId, u32)>,
) -> Option<Problem> {
    let named = || names.iter().zip(0u32..).filter(|&(&name, _)| name != SymbolId(0));
    for (&name, at) in named() {
        if program.symbol(name).is_none_or(str::is_empty) {
            return Some(Problem::Empty(at));
        }
    }
    seen.clear();
    seen.extend(named().map(|(&name, at)| (name, at)));
    seen.sort_unstable();
    for pair in seen.windows(2) {
        if let &[(a, _), (b, at)] = pair
            && a == b
        {
            return Some(Problem::Duplicate(at, b));
        }
    }
    (names.len() > count).then_some(Problem::Extra(count as u32))
}
