//! Types: one for each register over the whole function.
//!
//! Most writes have a type that the row fixes. The others copy one: of a register, of an element of an
//! aggregate, or of several registers into a tuple. [`infer`] finds the types of registers and of those
//! writes; [`check`] then looks at every instruction once and accepts only what it can follow itself, so an
//! error of inference can refuse a program, never let one through.

mod check;
mod infer;
mod lattice;
mod locals;

pub(super) use lattice::Lattice;

use check::Checked;
use infer::Graph;

use super::budget::{Budget, Exhausted};
use super::cx::FuncCx;
use super::flow::Flow;
use super::report::FuncErrors;
use super::shapes::ParamShapes;
use crate::ids::InstrIx;
use crate::types::TypeId;
use crate::value_type::ValueType;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// What typing gives.
#[derive(Debug)]
pub(super) struct Typed {
    /// The type of each used register; unit where there is none.
    pub(super) reg_types: Box<[TypeId]>,
    /// The parameter types, with declared shapes.
    pub(super) params: Box<[TypeId]>,
    /// The aggregate type each instruction works on, for those that work on one.
    pub(super) agg_types: Vec<(InstrIx, TypeId)>,
    /// Messages whose value does not fit, where that is no error: the instruction, and which of its values.
    pub(super) misfits: Vec<(InstrIx, usize)>,
}

/// What is kept from function to function.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    graph: Graph,
    check: check::Scratch,
}

/// Finds and checks the types of a function.
pub(super) fn check_types(
    cx: &FuncCx<'_>,
    flow: &Flow,
    shapes: &ParamShapes,
    scratch: &mut Scratch,
    lattice: &mut Lattice,
    budget: &mut Budget,
    errors: &mut FuncErrors,
) -> Result<Typed, Exhausted> {
    // Types, marks and block-local types of registers, in both passes.
    budget.memory(cx.used_regs as usize * 56)?;
    budget.work(cx.used_regs as usize * 8)?;
    let Scratch { graph, check } = scratch;
    graph.params.clear();
    for (param, &ty) in (0u32..).zip(cx.sig.params) {
        let shape = if ty == ValueType::Agg { shapes.get(cx.id, param) } else { None };
        graph.params.push(match shape {
            Some(shape) => shape,
            None => lattice.value(ty)?,
        });
    }
    graph.infer(cx, flow, lattice, budget)?;
    let Checked { agg_types, misfits } = check::check(cx, flow, graph, check, lattice, budget, errors)?;
    let unset = |&ty| if ty == lattice::UNSET { TypeId::UNIT } else { ty };
    let reg_types = graph.reg_types.iter().map(unset).collect();
    Ok(Typed { reg_types, params: graph.params.as_slice().into(), agg_types, misfits })
}
