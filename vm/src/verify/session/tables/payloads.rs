//! What messages carry.

use super::Reach;
use crate::program::{ChanType, PayloadDef, Program, SessionTables};
use crate::protocol::PayloadId;
use crate::value_type::ValueType;
use crate::verify::budget::{Budget, Exhausted};
use crate::verify::error::{PayloadFault, VerifyErrorKind};
use crate::verify::report::Errors;
use crate::verify::session::text::Texts;
use alloc::vec::Vec;

/// A payload as something to sort by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key<'a> {
    Value(ValueType),
    Tuple(&'a [PayloadId]),
    Chan(ChanType),
}

impl<'a> Key<'a> {
    fn of(def: &'a PayloadDef) -> Self {
        match def {
            PayloadDef::Value(ty) => Self::Value(*ty),
            PayloadDef::Tuple(elems) => Self::Tuple(elems),
            PayloadDef::Chan(chan) => Self::Chan(*chan),
        }
    }
}

/// Every payload is a value that can be sent, a tuple of earlier ones, or an endpoint, and none stands twice: senders
/// and receivers compare payloads by number.
pub(super) fn check(program: &Program, budget: &mut Budget, errors: &mut Errors) -> Result<(), Exhausted> {
    let tables = program.sessions();
    let mut add = |payload, fault| {
        let note = Texts::new(program).payload_at(payload);
        errors.add_noted(program, None, VerifyErrorKind::PayloadMalformed { payload, fault }, Some(note));
    };
    let mark = budget.mark();
    budget.memory_for::<(Key<'_>, u32)>(tables.payloads.len())?;
    let mut seen = Vec::with_capacity(tables.payloads.len());
    for (payload, def) in (0u32..).zip(&tables.payloads) {
        if let PayloadDef::Tuple(elems) = def {
            // Comparing looks at the elements, too.
            budget.work(elems.len().saturating_mul(32))?;
        }
        seen.push((Key::of(def), payload));
        if let Some(fault) = fault(tables, payload, def) {
            add(payload, fault);
        }
    }
    seen.sort_unstable();
    for pair in seen.windows(2) {
        if let [(a, _), (b, payload)] = pair
            && a == b
        {
            add(*payload, PayloadFault::Duplicate);
        }
    }
    budget.release_to(mark);
    Ok(())
}

fn fault(tables: &SessionTables, payload: u32, def: &PayloadDef) -> Option<PayloadFault> {
    match def {
        PayloadDef::Value(ty) => ty.is_linear().then_some(PayloadFault::Class),
        PayloadDef::Tuple(elems) => {
            if elems.iter().any(|elem| u32::from(elem.0) >= payload) {
                return Some(PayloadFault::Forward);
            }
            let holds = |elem: &PayloadId| matches!(tables.payload(*elem), Some(PayloadDef::Chan(_)));
            elems.iter().any(holds).then_some(PayloadFault::Endpoint)
        }
        PayloadDef::Chan(chan) => (!exists(tables, *chan)).then_some(PayloadFault::Missing),
    }
}

/// Whether shape, role and state exist.
pub(super) fn exists(tables: &SessionTables, chan: ChanType) -> bool {
    usize::from(chan.role) < tables.roles_of(chan.shape).len() && tables.state(chan.state).is_some()
}

/// Endpoints that are sent are in a state that their role can come to.
pub(super) fn check_endpoints(program: &Program, reach: &Reach, errors: &mut Errors) {
    for (payload, def) in (0u32..).zip(&program.sessions().payloads) {
        if let PayloadDef::Chan(chan) = def
            && !reach.contains(program.sessions(), *chan)
        {
            let kind = VerifyErrorKind::PayloadMalformed { payload, fault: PayloadFault::Unreachable };
            errors.add_noted(program, None, kind, Some(Texts::new(program).payload_at(payload)));
        }
    }
}
