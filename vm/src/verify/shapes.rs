//! Declared shapes of aggregate parameters.

use super::budget::{Budget, Exhausted};
use super::error::VerifyErrorKind;
use super::report::Errors;
use crate::ids::FuncId;
use crate::program::{AggShape, ParamShape, Program};
use crate::types::{TypeId, TypeTable};
use crate::value_type::ValueType;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// The declared shape of each parameter that has one.
#[derive(Debug, Default)]
pub(super) struct ParamShapes {
    shapes: BTreeMap<(FuncId, u32), TypeId>,
}

impl ParamShapes {
    /// Checks every entry: function and parameter exist, the parameter is an aggregate and has no other
    /// shape, types exist.
    pub(super) fn check(
        program: &Program,
        types: &mut TypeTable,
        budget: &mut Budget,
        errors: &mut Errors,
    ) -> Result<Self, Exhausted> {
        let mut shapes = Self::default();
        for entry in program.param_shapes() {
            // A tuple is kept as elements, offsets and a key; map nodes are about as large as an entry.
            let elems = if let AggShape::Tuple(elems) = &entry.shape { elems.len() } else { 0 };
            budget.memory(elems.saturating_mul(24).saturating_add(64))?;
            match shapes.check_entry(program, types, entry)? {
                Ok(ty) => _ = shapes.shapes.insert((entry.func, entry.param), ty),
                Err(kind) => errors.add(program, Some(entry.func), kind),
            }
        }
        Ok(shapes)
    }

    /// The declared shape of a parameter.
    pub(super) fn get(&self, func: FuncId, param: u32) -> Option<TypeId> {
        self.shapes.get(&(func, param)).copied()
    }

    fn check_entry(
        &self,
        program: &Program,
        types: &mut TypeTable,
        entry: &ParamShape,
    ) -> Result<Result<TypeId, VerifyErrorKind>, Exhausted> {
        let param = entry.param;
        if program.functions().get(entry.func.index()).is_none() {
            return Ok(Err(VerifyErrorKind::FunctionArgAggShapeFuncOutOfBounds { func: entry.func }));
        }
        let declared = program.func_sig(entry.func).and_then(|sig| sig.params.get(param as usize));
        let Some(&actual) = declared else {
            return Ok(Err(VerifyErrorKind::FunctionArgAggShapeArgOutOfBounds { param }));
        };
        if self.shapes.contains_key(&(entry.func, param)) {
            return Ok(Err(VerifyErrorKind::FunctionArgAggShapeDuplicate { param }));
        }
        if actual != ValueType::Agg {
            return Ok(Err(VerifyErrorKind::FunctionArgAggShapeOnNonAggArg { param, actual }));
        }
        Ok(match &entry.shape {
            AggShape::Tuple(elems) => Ok(intern_tuple(types, elems)?),
            &AggShape::Struct(type_id) => types
                .struct_type(type_id)
                .ok_or(VerifyErrorKind::FunctionArgAggShapeStructTypeOutOfBounds { param, type_id }),
            &AggShape::Array(elem) => types
                .array_type(elem)
                .ok_or(VerifyErrorKind::FunctionArgAggShapeArrayElemTypeOutOfBounds { param, elem }),
        })
    }
}

fn intern_tuple(types: &mut TypeTable, elems: &[Option<ValueType>]) -> Result<TypeId, Exhausted> {
    let mut ids = Vec::with_capacity(elems.len());
    for elem in elems {
        ids.push(match elem {
            Some(ty) => types.value(*ty)?,
            None => TypeId::UNKNOWN,
        });
    }
    Ok(types.tuple(&ids)?)
}
