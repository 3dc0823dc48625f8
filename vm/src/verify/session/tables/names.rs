//! Names, which people and hosts find things by, and the lengths of tables.

use crate::ids::SymbolId;
use crate::program::Program;
use crate::verify::budget::{Budget, Exhausted};
use crate::verify::error::{SessionTable, VerifyErrorKind};
use crate::verify::report::Errors;
use alloc::vec::Vec;

/// Most entries of tables whose index is kept in 16 bits; the last number means none.
const MAX_SHORT: usize = u16::MAX as usize;

/// Every name exists, is not empty, and is that of one entry of its table. Tables are no longer than what counts them.
pub(super) fn check(program: &Program, budget: &mut Budget, errors: &mut Errors) -> Result<(), Exhausted> {
    let tables = program.sessions();
    let short = [
        (SessionTable::Role, tables.roles.len()),
        (SessionTable::Label, tables.labels.len()),
        (SessionTable::Payload, tables.payloads.len()),
        (SessionTable::Layer, tables.layers.len()),
    ];
    for (table, count) in short.into_iter().filter(|&(_, count)| count > MAX_SHORT) {
        let (count, max) = (u32::try_from(count).unwrap_or(u32::MAX), MAX_SHORT as u32);
        errors.add(program, None, VerifyErrorKind::SessionTableTooLong { table, count, max });
    }
    let locals: Vec<_> = tables.locals.iter().map(|local| local.name).collect();
    let shapes: Vec<_> = tables.shapes.iter().map(|shape| shape.name).collect();
    let effects: Vec<_> = tables.effects.iter().map(|effect| effect.name).collect();
    let layers: Vec<_> = tables.layers.iter().map(|layer| layer.name).collect();
    check_table(program, SessionTable::Role, &tables.roles, budget, errors)?;
    check_table(program, SessionTable::Label, &tables.labels, budget, errors)?;
    check_table(program, SessionTable::Local, &locals, budget, errors)?;
    check_table(program, SessionTable::Shape, &shapes, budget, errors)?;
    check_table(program, SessionTable::Effect, &effects, budget, errors)?;
    check_table(program, SessionTable::Layer, &layers, budget, errors)
}

fn check_table(
    program: &Program,
    table: SessionTable,
    names: &[SymbolId],
    budget: &mut Budget,
    errors: &mut Errors,
) -> Result<(), Exhausted> {
    let mark = budget.mark();
    budget.memory_for::<(&str, u32)>(names.len())?;
    // Two symbols may have one text.
    let mut seen: Vec<(&str, u32)> = Vec::with_capacity(names.len());
    let mut bad = Vec::new();
    for (index, &name) in (0u32..).zip(names) {
        match program.symbol(name).filter(|text| !text.is_empty()) {
            Some(text) => seen.push((text, index)),
            None => bad.push(index),
        }
    }
    budget.work(names.len().saturating_mul(32))?;
    seen.sort_unstable();
    let doubled = seen.windows(2).filter_map(|pair| match pair {
        [(a, _), (b, index)] if a == b => Some(*index),
        _ => None,
    });
    bad.extend(doubled);
    bad.sort_unstable();
    for index in bad {
        if errors.is_full() {
            break;
        }
        errors.add(program, None, VerifyErrorKind::SessionName { table, index });
    }
    budget.release_to(mark);
    Ok(())
}
