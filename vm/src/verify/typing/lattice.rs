//! The order of types: how two types of one register become one.
//!
//! From narrow to wide: a tuple type, the same tuple type with the shapes of its elements forgotten (its
//! *flat* type), an aggregate of unknown shape. Struct and array types have no flat type of their own, types
//! of other classes have nothing above them. So a type widens at most three times, and every join takes
//! constant time once the flat types are known.

use crate::types::{Type, TypeId, TypeTable};
use crate::value_type::ValueType;
use crate::verify::budget::{Budget, Exhausted};
use alloc::vec::Vec;

/// No type yet.
pub(super) const UNSET: TypeId = TypeId(u32::MAX);

/// The type table while a program is being verified.
#[derive(Debug)]
pub(in crate::verify) struct Lattice {
    types: TypeTable,
    /// The flat type of each type, where it was asked for.
    flats: Vec<TypeId>,
}

impl Lattice {
    pub(in crate::verify) fn new(types: TypeTable) -> Self {
        Self { types, flats: Vec::new() }
    }

    pub(in crate::verify) fn into_types(self) -> TypeTable {
        self.types
    }

    /// The type without shape.
    pub(in crate::verify) fn value(&mut self, ty: ValueType) -> Result<TypeId, Exhausted> {
        Ok(self.types.value(ty)?)
    }

    pub(super) fn types(&self) -> &TypeTable {
        &self.types
    }

    /// The class of a type; `None` for no type and for open elements.
    pub(super) fn class(&self, ty: TypeId) -> Option<ValueType> {
        self.types.class(ty)
    }

    /// The type of tuples of these elements.
    pub(super) fn tuple(&mut self, elems: &[TypeId], budget: &mut Budget) -> Result<TypeId, Exhausted> {
        if let Some(id) = self.types.find_tuple(elems) {
            return Ok(id);
        }
        // Elements, offsets, a key and a map node, with room to grow.
        budget.memory(elems.len().saturating_mul(24).saturating_add(96))?;
        Ok(self.types.tuple(elems)?)
    }

    /// The type with the shapes of its elements forgotten; the type itself if it is no tuple.
    pub(super) fn flat(&mut self, ty: TypeId, budget: &mut Budget) -> Result<TypeId, Exhausted> {
        let Type::Tuple(elems) = self.types.get(ty) else { return Ok(ty) };
        if let Some(&flat) = self.flats.get(ty.index()).filter(|&&flat| flat != UNSET) {
            return Ok(flat);
        }
        budget.work(elems.len().saturating_mul(4))?;
        let forget = |&elem: &TypeId| match self.types.class(elem) {
            Some(ValueType::Agg) => TypeId::AGG,
            _ => elem,
        };
        let elems: Vec<TypeId> = elems.iter().map(forget).collect();
        let flat = self.tuple(&elems, budget)?;
        if self.flats.len() < self.types.len() {
            budget.memory_for::<TypeId>(self.types.len() - self.flats.len())?;
            self.flats.resize(self.types.len(), UNSET);
        }
        for id in [ty, flat] {
            if let Some(slot) = self.flats.get_mut(id.index()) {
                *slot = flat;
            }
        }
        Ok(flat)
    }

    /// The narrowest type that covers both; `None` if they are of different classes or one is no type.
    pub(super) fn join(
        &mut self,
        a: TypeId,
        b: TypeId,
        budget: &mut Budget,
    ) -> Result<Option<TypeId>, Exhausted> {
        if a == b {
            return Ok((a != UNSET).then_some(a));
        }
        if self.class(a) != Some(ValueType::Agg) || self.class(b) != Some(ValueType::Agg) {
            return Ok(None);
        }
        let flat = self.flat(a, budget)?;
        Ok(Some(if flat == self.flat(b, budget)? { flat } else { TypeId::AGG }))
    }

    /// Whether every value of `narrow` is one of `wide`.
    pub(super) fn covers(
        &mut self,
        wide: TypeId,
        narrow: TypeId,
        budget: &mut Budget,
    ) -> Result<bool, Exhausted> {
        Ok(self.join(wide, narrow, budget)? == Some(wide))
    }

    /// The type of an element: at `index` of a tuple or struct, any of an array. `None` if that is not known.
    pub(super) fn element(&self, agg: TypeId, index: Option<u32>) -> Option<TypeId> {
        let elem = match self.types.get(agg) {
            Type::Tuple(elems) | Type::Struct(_, elems) => elems.get(index? as usize).copied(),
            Type::Array(_, elem) => Some(elem),
            Type::Value(_) | Type::Unknown => None,
        };
        elem.filter(|&elem| elem != TypeId::UNKNOWN)
    }
}
