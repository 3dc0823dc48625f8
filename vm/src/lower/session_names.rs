//! The names in session tables, for handlers, reports and `check`.

use crate::ids::SymbolId;
use crate::program::Program;
use alloc::boxed::Box;
use alloc::sync::Arc;

/// Names by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionNames {
    /// Of roles.
    pub roles: Box<[Arc<str>]>,
    /// Of labels.
    pub labels: Box<[Arc<str>]>,
    /// Of shapes.
    pub shapes: Box<[Arc<str>]>,
    /// Of effects.
    pub effects: Box<[Arc<str>]>,
    /// Of the capabilities that effects need; empty for none.
    pub capabilities: Box<[Arc<str>]>,
    /// Of guard layers.
    pub layers: Box<[Arc<str>]>,
}

impl SessionNames {
    /// The names of a program.
    pub(super) fn of(program: &Program) -> Self {
        let tables = program.sessions();
        let name = |symbol: SymbolId| -> Arc<str> { program.symbol(symbol).unwrap_or("").into() };
        Self {
            roles: tables.roles.iter().map(|&role| name(role)).collect(),
            labels: tables.labels.iter().map(|&label| name(label)).collect(),
            shapes: tables.shapes.iter().map(|shape| name(shape.name)).collect(),
            effects: tables.effects.iter().map(|effect| name(effect.name)).collect(),
            capabilities: tables.effects.iter().map(|effect| name(effect.capability)).collect(),
            layers: tables.layers.iter().map(|layer| name(layer.name)).collect(),
        }
    }
}
