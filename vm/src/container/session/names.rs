//! Sections of little more than names. 129, roles, and 130, labels: a count, then symbol ids. 133, local types with a
//! name: a count, then symbol id and first state each. 136, guard layers: a count, then symbol id and capacity each.

use crate::container::encode_error::EntryError;
use crate::container::reader::{Reader, Result};
use crate::container::writer::Writer;
use crate::ids::SymbolId;
use crate::program::{LayerDef, LocalDef, Program};
use crate::protocol::StateId;
use alloc::vec::Vec;

type Written = core::result::Result<(), EntryError>;

/// The least bytes of a symbol id.
const MIN_NAME: usize = 1;
/// The least bytes of a name with a number.
const MIN_PAIR: usize = 2;

fn read_names(r: &mut Reader<'_>, names: &mut Vec<SymbolId>) -> Result<()> {
    let count = r.count(MIN_NAME)?;
    r.reserve(names.try_reserve_exact(count))?;
    for _ in 0..count {
        names.push(SymbolId(r.uleb32()?));
    }
    Ok(())
}

fn write_names(names: &[SymbolId], w: &mut Writer) {
    w.count(names.len());
    for name in names {
        w.uleb32(name.0);
    }
}

pub(in crate::container) fn read_roles(r: &mut Reader<'_>, program: &mut Program) -> Result<()> {
    read_names(r, &mut program.sessions.roles)
}

pub(in crate::container) fn has_roles(program: &Program) -> bool {
    !program.sessions.roles.is_empty()
}

pub(in crate::container) fn write_roles(program: &Program, w: &mut Writer) -> Written {
    write_names(&program.sessions.roles, w);
    Ok(())
}

pub(in crate::container) fn read_labels(r: &mut Reader<'_>, program: &mut Program) -> Result<()> {
    read_names(r, &mut program.sessions.labels)
}

pub(in crate::container) fn has_labels(program: &Program) -> bool {
    !program.sessions.labels.is_empty()
}

pub(in crate::container) fn write_labels(program: &Program, w: &mut Writer) -> Written {
    write_names(&program.sessions.labels, w);
    Ok(())
}

pub(in crate::container) fn read_locals(r: &mut Reader<'_>, program: &mut Program) -> Result<()> {
    let count = r.count(MIN_PAIR)?;
    let locals = &mut program.sessions.locals;
    r.reserve(locals.try_reserve_exact(count))?;
    for _ in 0..count {
        locals.push(LocalDef { name: SymbolId(r.uleb32()?), entry: StateId(r.uleb32()?) });
    }
    Ok(())
}

pub(in crate::container) fn has_locals(program: &Program) -> bool {
    !program.sessions.locals.is_empty()
}

pub(in crate::container) fn write_locals(program: &Program, w: &mut Writer) -> Written {
    w.count(program.sessions.locals.len());
    for local in &program.sessions.locals {
        w.uleb32(local.name.0);
        w.uleb32(local.entry.0);
    }
    Ok(())
}

pub(in crate::container) fn read_layers(r: &mut Reader<'_>, program: &mut Program) -> Result<()> {
    let count = r.count(MIN_PAIR)?;
    let layers = &mut program.sessions.layers;
    r.reserve(layers.try_reserve_exact(count))?;
    for _ in 0..count {
        layers.push(LayerDef { name: SymbolId(r.uleb32()?), capacity: r.uleb32()? });
    }
    Ok(())
}

pub(in crate::container) fn has_layers(program: &Program) -> bool {
    !program.sessions.layers.is_empty()
}

pub(in crate::container) fn write_layers(program: &Program, w: &mut Writer) -> Written {
    w.count(program.sessions.layers.len());
    for layer in &program.sessions.layers {
        w.uleb32(layer.name.0);
        w.uleb32(layer.capacity);
    }
    Ok(())
}
