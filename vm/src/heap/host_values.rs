//! Values between hosts and slots, checked both ways.

use super::{BAD_HANDLE, Heap};
use crate::endpoint::{CoroId, EndpointId, EvidenceId};
use crate::ids::{ElemId, FuncId, StructId};
use crate::sem::Decimal;
use crate::types::{Type, TypeId};
use crate::value::{AggRef, Value, canonical_f64_bits};
use crate::value_type::ValueType;
use alloc::vec::Vec;
use core::fmt;
use opforge_schema::TrapCode;

/// Why a value that a host handed in was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValueError {
    /// It has another type than is wanted here.
    Type {
        /// The type wanted.
        expected: ValueType,
        /// The type it has.
        actual: ValueType,
    },
    /// There are more or fewer values than are wanted here.
    Count {
        /// How many are wanted.
        expected: usize,
        /// How many there are.
        actual: usize,
    },
    /// An aggregate handle of another run.
    ForeignHandle,
    /// The program has no such struct or array type.
    UnknownType,
    /// The aggregate is no tuple of the elements that a message is declared to carry.
    Shape,
    /// The run's memory limit would be exceeded.
    MemoryLimitExceeded,
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type { expected, actual } => write!(f, "expected a value of type {expected}, got {actual}"),
            Self::Count { expected, actual } => write!(f, "expected {expected} values, got {actual}"),
            Self::ForeignHandle => f.write_str("the aggregate belongs to another run"),
            Self::UnknownType => f.write_str("the program has no such struct or array type"),
            Self::Shape => f.write_str("the aggregate is no tuple of the elements that the message carries"),
            Self::MemoryLimitExceeded => f.write_str("the run's memory limit would be exceeded"),
        }
    }
}

impl core::error::Error for ValueError {}

impl From<TrapCode> for ValueError {
    fn from(_: TrapCode) -> Self {
        Self::MemoryLimitExceeded
    }
}

/// The kind of an aggregate, with its type in the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AggregateKind {
    /// A tuple.
    Tuple,
    /// A struct of this type.
    Struct(StructId),
    /// An array of this element type.
    Array(ElemId),
}

/// A view of an aggregate in a heap.
#[derive(Clone, Copy, Debug)]
pub struct Aggregate<'h> {
    heap: &'h Heap,
    handle: u64,
    ty: TypeId,
    len: u32,
}

impl Aggregate<'_> {
    /// What it is.
    #[must_use]
    pub fn kind(&self) -> AggregateKind {
        match self.heap.types().get(self.ty) {
            Type::Struct(id, _) => AggregateKind::Struct(id),
            Type::Array(id, _) => AggregateKind::Array(id),
            _ => AggregateKind::Tuple,
        }
    }

    /// The number of elements or fields.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Element or field `index`.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Value> {
        let index = u32::try_from(index).ok().filter(|&i| i < self.len)?;
        let types = self.heap.types();
        let (elem, offset) = match types.get(self.ty) {
            Type::Array(_, elem) => (elem, index * types.slots(elem)),
            _ => types.element(self.ty, index)?,
        };
        let mut slots = [0; 2];
        for (i, slot) in slots.iter_mut().enumerate().take(types.slots(elem) as usize) {
            *slot = self.heap.node_slot(self.handle, offset + i as u32)?;
        }
        Some(self.heap.load_value(types.class(elem)?, &slots))
    }
}

impl Heap {
    /// The aggregate behind a handle, or `None` if it does not resolve in this heap.
    #[must_use]
    pub fn aggregate(&self, agg: AggRef) -> Option<Aggregate<'_>> {
        if agg.heap != self.id {
            return None;
        }
        let (ty, len) = self.node_header(agg.handle)?;
        Some(Aggregate { heap: self, handle: agg.handle, ty, len })
    }

    /// Makes a tuple.
    ///
    /// # Errors
    /// [`ValueError::ForeignHandle`] or [`ValueError::MemoryLimitExceeded`].
    pub fn new_tuple(&mut self, values: &[Value]) -> Result<AggRef, ValueError> {
        let slots = self.flatten(values, |_| None)?;
        let (mut types, mut at) = (Vec::with_capacity(values.len()), 0);
        for value in values {
            let ty = value.value_type();
            let slot = slots.get(at).copied().unwrap_or(0);
            types.push(self.shape_of(ty, slot)?);
            at += ty.slots() as usize;
        }
        let ty = match self.types().find_tuple(&types) {
            Some(id) => id,
            None => self.new_type(types.len(), |all| all.tuple(&types))?,
        };
        self.finish_node(ty, values.len(), &slots)
    }

    /// Makes a struct of one of the program's types.
    ///
    /// # Errors
    /// As [`Heap::new_tuple`]; also if the type does not exist or the values do not match its fields.
    pub fn new_struct(&mut self, id: StructId, values: &[Value]) -> Result<AggRef, ValueError> {
        let ty = self.types().struct_type(id).ok_or(ValueError::UnknownType)?;
        let Type::Struct(_, fields) = self.types().get(ty) else { return Err(ValueError::UnknownType) };
        if fields.len() != values.len() {
            return Err(ValueError::Count { expected: fields.len(), actual: values.len() });
        }
        let wanted: Vec<ValueType> = fields.iter().filter_map(|&field| self.types().class(field)).collect();
        let slots = self.flatten(values, |i| wanted.get(i).copied())?;
        self.finish_node(ty, values.len(), &slots)
    }

    /// Makes an array of one of the program's element types.
    ///
    /// # Errors
    /// As [`Heap::new_tuple`]; also if the type does not exist or a value is of another one.
    pub fn new_array(&mut self, id: ElemId, values: &[Value]) -> Result<AggRef, ValueError> {
        let ty = self.types().array_type(id).ok_or(ValueError::UnknownType)?;
        let Type::Array(_, elem) = self.types().get(ty) else { return Err(ValueError::UnknownType) };
        let class = self.types().class(elem).ok_or(ValueError::UnknownType)?;
        let slots = self.flatten(values, |_| Some(class))?;
        self.finish_node(ty, values.len(), &slots)
    }

    /// The slots of values that must have the types that `wanted` gives by position, where it gives one.
    fn flatten(
        &mut self,
        values: &[Value],
        wanted: impl Fn(usize) -> Option<ValueType>,
    ) -> Result<Vec<u64>, ValueError> {
        let type_of = |i: usize, value: &Value| wanted(i).unwrap_or(value.value_type());
        // The node alone must fit, header and elements, before anything is made for it: one that does not leaves none of
        // its elements behind.
        let widths = values.iter().enumerate().map(|(i, value)| u64::from(type_of(i, value).slots()));
        let width = widths.sum::<u64>();
        self.check_limit((1 + width) * 8)?;
        // Two slots a value at most, and the values are in memory, where they take more.
        let mut slots = Vec::with_capacity(width as usize);
        for (i, value) in values.iter().enumerate() {
            let ty = type_of(i, value);
            let stored = self.store_value(value, ty)?;
            slots.extend_from_slice(stored.get(..ty.slots() as usize).unwrap_or(&[]));
        }
        Ok(slots)
    }

    fn finish_node(&mut self, ty: TypeId, len: usize, slots: &[u64]) -> Result<AggRef, ValueError> {
        let len = u32::try_from(len).map_err(|_| ValueError::MemoryLimitExceeded)?;
        let handle = self.new_node(ty, len, slots.iter().copied()).ok_or(ValueError::MemoryLimitExceeded)?;
        Ok(AggRef { heap: self.id, handle })
    }

    /// The value in `slots`, which hold a value of type `ty`.
    pub(crate) fn load_value(&self, ty: ValueType, slots: &[u64]) -> Value {
        let slot = |i: usize| slots.get(i).copied().unwrap_or(0);
        match ty {
            ValueType::Unit => Value::Unit,
            ValueType::Bool => Value::Bool(slot(0) != 0),
            ValueType::I64 => Value::I64(slot(0) as i64),
            ValueType::U64 => Value::U64(slot(0)),
            ValueType::F64 => Value::F64(f64::from_bits(canonical_f64_bits(slot(0)))),
            ValueType::Decimal => Value::Decimal(Decimal { mantissa: slot(0) as i64, scale: slot(1) as u8 }),
            ValueType::Bytes => Value::Bytes(self.bytes(slot(0)).into()),
            ValueType::Str => Value::Str(self.text(slot(0)).into()),
            ValueType::Obj(host_type) => Value::Obj { host_type, handle: slot(0) },
            ValueType::Agg => Value::Agg(self.agg_ref(slot(0))),
            ValueType::Func => Value::Func(FuncId(slot(0) as u32)),
            ValueType::Closure => Value::Closure { func: FuncId(slot(0) as u32), env: self.agg_ref(slot(1)) },
            ValueType::Chan => Value::Endpoint(EndpointId::from_slot(slot(0))),
            ValueType::Evidence => Value::Evidence(EvidenceId::from_slot(slot(0))),
            ValueType::Coro => Value::Coro(CoroId::from_slot(slot(0))),
            ValueType::Epid => Value::Epid(EndpointId::from_slot(slot(0))),
        }
    }

    fn agg_ref(&self, handle: u64) -> AggRef {
        if handle == BAD_HANDLE { AggRef::INVALID } else { AggRef { heap: self.id, handle } }
    }

    /// The slots of a value that must have type `ty`; as many count as the type has slots.
    pub(crate) fn store_value(&mut self, value: &Value, ty: ValueType) -> Result<[u64; 2], ValueError> {
        let actual = value.value_type();
        if actual != ty {
            return Err(ValueError::Type { expected: ty, actual });
        }
        Ok(match value {
            Value::Unit => [0, 0],
            Value::Bool(v) => [u64::from(*v), 0],
            Value::I64(v) => [*v as u64, 0],
            Value::U64(v) => [*v, 0],
            Value::F64(v) => [v.to_bits(), 0],
            Value::Decimal(v) => [v.mantissa as u64, v.scale.into()],
            Value::Bytes(v) => [self.alloc_bytes(v)?, 0],
            Value::Str(v) => [self.alloc_bytes(v.as_bytes())?, 0],
            Value::Obj { handle, .. } => [*handle, 0],
            Value::Agg(agg) => [self.own_handle(*agg)?, 0],
            Value::Func(func) => [func.0.into(), 0],
            Value::Closure { func, env } => [func.0.into(), self.own_handle(*env)?],
            Value::Endpoint(id) | Value::Epid(id) => [id.to_slot(), 0],
            Value::Evidence(id) => [id.to_slot(), 0],
            Value::Coro(id) => [id.to_slot(), 0],
        })
    }

    fn own_handle(&self, agg: AggRef) -> Result<u64, ValueError> {
        match agg {
            AggRef::INVALID => Ok(BAD_HANDLE),
            _ if agg.heap == self.id => Ok(agg.handle),
            _ => Err(ValueError::ForeignHandle),
        }
    }
}
