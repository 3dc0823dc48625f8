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

use super::budget::{Budget, Exhausted};
use super::cx::FuncCx;
use super::flow::Flow;
use super::report::FuncErrors;
use super::shapes::ParamShapes;
use crate::ids::InstrIx;
use crate::types::TypeId;
use crate::value_type::ValueType;
use alloc::vec::Vec;

/// What typing gives.
#[derive(Debug)]
pub(super) struct Typed {
    /// The type of each used register; unit where there is none.
    pub(super) reg_types: Vec<TypeId>,
    /// The parameter types, with declared shapes.
    pub(super) params: Vec<TypeId>,
    /// The aggregate type each instruction works on, for those that work on one.
    pub(super) agg_types: Vec<(InstrIx, TypeId)>,
    /// Messages whose value does not fit, where that is no error: the instruction, and which of its values.
    pub(super) misfits: Vec<(InstrIx, usize)>,
}

/// Finds and checks the types of a function.
pub(super) fn check_types(
    cx: &FuncCx<'_>,
    flow: &Flow,
    shapes: &ParamShapes,
    lattice: &mut Lattice,
    budget: &mut Budget,
    errors: &mut FuncErrors,
) -> Result<Typed, Exhausted> {
    // Types, marks and block-local types of registers, in both passes.
    budget.memory(cx.used_regs as usize * 56)?;
    budget.work(cx.used_regs as usize * 8)?;
    let mut params = Vec::with_capacity(cx.sig.params.len());
    for (param, &ty) in (0u32..).zip(cx.sig.params) {
        let shape = if ty == ValueType::Agg { shapes.get(cx.id, param) } else { None };
        params.push(match shape {
            Some(shape) => shape,
            None => lattice.value(ty)?,
        });
    }
    let inferred = infer::infer(cx, flow, &params, lattice, budget)?;
    let Checked { agg_types, misfits } = check::check(cx, flow, &params, &inferred, lattice, budget, errors)?;
    let unset = |ty| if ty == lattice::UNSET { TypeId::UNIT } else { ty };
    let reg_types = inferred.reg_types.into_iter().map(unset).collect();
    Ok(Typed { reg_types, params, agg_types, misfits })
}
