//! What a program declares about sessions: that it makes sense, before any code is looked at.
//!
//! Each file checks one kind of entry. The order is that of what builds on what: names, states and payloads, then the
//! shapes, which need the states, then everything that names a state of a role.

mod effects;
mod linear;
mod names;
mod payloads;
mod reach;
mod shapes;
mod states;

pub(super) use linear::check_classes;
pub(super) use reach::Reach;

use crate::program::{Program, SessionTables};
use crate::verify::budget::{Budget, Exhausted};
use crate::verify::report::Errors;

/// Checks everything that the program declares about sessions; whether it found nothing.
pub(super) fn check(program: &Program, budget: &mut Budget, errors: &mut Errors) -> Result<bool, Exhausted> {
    let before = errors.len();
    let tables = program.sessions();
    if tables.is_empty() {
        linear::check_missing(program, errors);
        return Ok(errors.len() == before);
    }
    budget.work(size_of_tables(tables))?;
    names::check(program, budget, errors)?;
    states::check(program, errors);
    payloads::check(program, budget, errors)?;
    shapes::check(program, errors);
    effects::check(program, errors);
    if errors.len() > before {
        return Ok(false);
    }
    let mark = budget.mark();
    let reach = Reach::find(tables, budget)?;
    shapes::check_states(program, &reach, budget, errors)?;
    payloads::check_endpoints(program, &reach, errors);
    linear::check(program, &reach, errors);
    linear::check_missing(program, errors);
    budget.release_to(mark);
    Ok(errors.len() == before)
}

/// About how much looking at each entry once costs.
fn size_of_tables(tables: &SessionTables) -> usize {
    let named = tables.roles.len() + tables.labels.len() + tables.locals.len();
    let states = tables.states.len() + tables.branches.len() + tables.payloads.len();
    let shapes = tables.shapes.len() + tables.shape_roles.len() + tables.edges.len();
    let rest = tables.effects.len() + tables.layers.len() + tables.linear.len();
    (named + states + shapes + rest).saturating_mul(16)
}
