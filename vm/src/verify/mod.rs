//! The verifier: the only way from a [`Program`] to a [`VerifiedProgram`].
//!
//! What operands mean, which registers they read and write, what types those have and how blocks end comes
//! from the table rows; nothing here knows an opcode by name. Each check is a small function in the file of
//! its subject, in the order in which they run: signatures, names, shapes, then for each function its table
//! row and spans, ids, control flow, operands, initialisation, sessions, types; and then what the session check
//! says about calls once it has seen all functions.
//!
//! Most instructions only read and write single registers whose classes their rows name. Their registers are laid out
//! once for each function, and the checks take those of most instructions at a glance; whatever is not right at first
//! sight, and every other instruction, is looked at as its row says.
//!
//! Every register has one type over the whole function. Aggregates carry their shape in the type: inside a
//! block the shape of the last definition counts, at block entries the join of all definitions.
//!
//! Work and memory are linear in the code, apart from the bit sets of initialisation, and both are charged
//! against the budgets of [`VerifyConfig`] before they are spent. All errors are collected, up to a limit; a
//! function's later stages are skipped where earlier ones left nothing to build on.

mod budget;
mod cx;
mod error;
mod flow;
mod func;
mod ids;
mod init;
mod memories;
mod names;
mod operands;
mod ranges;
pub(crate) mod reg_set;
mod report;
mod session;
mod shapes;
mod sigs;
mod spans;
mod typing;
mod verified;

pub use budget::{Resource, VerifyConfig};
pub use error::{
    AggKind, EdgeFault, EffectFault, FrameEnd, InvalidJumpTargetReason, LinearFault, NotUndone, PayloadFault,
    SessionTable, ShapeFault, SlotSide, StateFault, TypePlace, VerifyErrorKind,
};
pub use report::{VerifyError, VerifyReport};
pub use session::{
    CoherenceLimits, Coherent, Incoherence, IncoherenceKind, TraceAction, TraceStep, coherence,
};
pub use verified::{VerifiedFunc, VerifiedProgram};

use crate::binding;
use crate::codec::Digests;
use crate::ids::FuncId;
use crate::program::Program;
use crate::types::TypeTable;
use budget::{Budget, Exhausted};
use func::{CodeCache, FuncVerifier};
use opforge_schema::Isa;
pub(crate) use reg_set::RegSet;
use report::Errors;
use session::{Sessions, Summary};
use shapes::ParamShapes;

/// Checks a program against the instruction set of this VM.
///
/// # Errors
/// A [`VerifyReport`] with every error found, in the order of the checks; never empty.
pub fn verify(program: Program, config: &VerifyConfig) -> Result<VerifiedProgram, VerifyReport> {
    verify_with(&crate::ISA, program, config)
}

/// As [`verify`], and the roles of every shape must fit together, within the default limits of [`CoherenceLimits`] if
/// `config` has none. This can take much longer, so loaders leave it to who makes programs.
///
/// # Errors
/// As [`verify`].
pub fn verify_deep(program: Program, config: &VerifyConfig) -> Result<VerifiedProgram, VerifyReport> {
    let limits = config.coherence.clone().unwrap_or_default();
    verify(program, &config.clone().coherence(limits))
}

/// As [`verify`], with any tables. A program is what the tables make of it, so an engine runs it only if it has the
/// same ones; see [`VerifiedProgram::tables`].
///
/// # Errors
/// As [`verify`].
pub fn verify_with(
    isa: &Isa<'_>,
    program: Program,
    config: &VerifyConfig,
) -> Result<VerifiedProgram, VerifyReport> {
    let mut errors = Errors::new(config);
    let mut budget = Budget::new(config);
    let verified = run(isa, &program, config, &mut budget, &mut errors);
    if let Err(exhausted) = &verified {
        errors.exhausted(&program, exhausted);
    }
    match verified {
        Ok((types, functions)) if errors.is_empty() => {
            Ok(VerifiedProgram::new(program, types, functions, fingerprint(isa)))
        }
        _ => Err(errors.into_report()),
    }
}

/// The fingerprint of tables; that of the VM's own is known.
fn fingerprint(isa: &Isa<'_>) -> u64 {
    let own = &crate::ISA;
    let same = core::ptr::eq(isa.ops, own.ops)
        && core::ptr::eq(isa.names, own.names)
        && core::ptr::eq(isa.text, own.text)
        && core::ptr::eq(isa.lookup, own.lookup)
        && core::ptr::eq(isa.classes, own.classes)
        && core::ptr::eq(isa.types, own.types)
        && core::ptr::eq(isa.intrinsics, own.intrinsics);
    if same { opforge_tables::FINGERPRINT } else { isa.fingerprint() }
}

/// A program that uses rows of an embedder was made with those rows. Only programs whose code is known to the last
/// function can be compared.
fn check_binding(isa: &Isa<'_>, program: &Program, functions: &[VerifiedFunc], errors: &mut Errors) {
    if !binding::has_foreign(isa) || functions.len() != program.functions().len() {
        return;
    }
    let mut used = binding::Used::default();
    functions.iter().for_each(|function| used.add(isa, function.code()));
    let (stated, wanted) = (binding::stated(program), used.fingerprint(isa));
    if let Some(tables) = wanted.filter(|_| stated != wanted) {
        errors.add(program, None, VerifyErrorKind::OtherRows { stated: stated.unwrap_or(0), tables });
    }
}

/// What verification gives: the type table and one entry for each function that passed.
type Verified = (TypeTable, alloc::vec::Vec<VerifiedFunc>);

fn run(
    isa: &Isa<'_>,
    program: &Program,
    config: &VerifyConfig,
    budget: &mut Budget,
    errors: &mut Errors,
) -> Result<Verified, Exhausted> {
    sigs::check_host_sigs(program, errors);
    sigs::check_call_sigs(program, errors);
    memories::check(program, errors);
    names::check_value_names(program, errors);
    let mut types = TypeTable::new(program.structs().iter(), program.elem_types().iter().copied())?;
    let mut sessions = Sessions::check(program, &mut types, config, budget, errors)?;
    let shapes = ParamShapes::check(program, &mut types, budget, errors)?;
    // A slot for the decoded code of each blob.
    budget.memory(program.code_blobs().len().saturating_mul(32))?;
    let digests = Digests::of(isa);
    let mut codes = CodeCache::new(&digests, program);
    sessions.summary = Summary::of(program, &mut codes, &digests, budget)?;
    let mut verifier = FuncVerifier::new(&digests, program, config, &shapes, &sessions, codes, types);
    let mut functions = alloc::vec::Vec::new();
    for index in 0..program.functions().len() {
        if errors.is_full() {
            break;
        }
        let id = FuncId(index as u32);
        functions.extend(verifier.verify(id, budget, errors).map_err(|exhausted| exhausted.in_func(id))?);
    }
    verifier.check_calls(budget, errors)?;
    check_binding(isa, program, &functions, errors);
    Ok((verifier.into_types(), functions))
}
