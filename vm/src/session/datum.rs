//! Values as plain data: they belong to no heap, so they outlive a run and can be written down.
//!
//! Aggregates are trees here, so one that a value holds twice is there twice. Sizes are bounded by who asks, depth by
//! [`Datum::MAX_DEPTH`], and no walk recurses.

use crate::endpoint::{CoroId, EndpointId, EvidenceId};
use crate::heap::{AggregateKind, Heap, ValueError};
use crate::ids::{ElemId, FuncId, StructId};
use crate::sem::Decimal;
use crate::value::{AggRef, Value};
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::slice::Iter;

/// A value without a heap. Floats are compared by their bits.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Datum {
    /// The unit value.
    Unit,
    /// A truth value.
    Bool(bool),
    /// A signed integer.
    I64(i64),
    /// An unsigned integer.
    U64(u64),
    /// The bits of a float.
    F64(u64),
    /// A decimal.
    Decimal(Decimal),
    /// A byte string.
    Bytes(Box<[u8]>),
    /// Text.
    Str(Box<str>),
    /// A host object. In another process its handle means what that host makes of it.
    Obj {
        /// Its host type.
        host_type: u64,
        /// The host's own handle.
        handle: u64,
    },
    /// A function reference.
    Func(FuncId),
    /// A function reference with its environment.
    Closure(FuncId, Box<Datum>),
    /// An endpoint.
    Endpoint(EndpointId),
    /// The name of an endpoint.
    Epid(EndpointId),
    /// Proof of holding a guard layer.
    Evidence(EvidenceId),
    /// A coroutine.
    Coro(CoroId),
    /// A tuple.
    Tuple(Box<[Datum]>),
    /// A struct of the program.
    Struct(StructId, Box<[Datum]>),
    /// An array of the program.
    Array(ElemId, Box<[Datum]>),
    /// An aggregate handle that resolves to nothing.
    NoAggregate,
}

/// Why a value cannot be plain data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DatumError {
    /// Its aggregates are inside of each other more than [`Datum::MAX_DEPTH`] deep.
    TooDeep,
    /// It takes more memory than it may.
    TooLarge {
        /// Bytes that it may take.
        max: usize,
    },
}

impl fmt::Display for DatumError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooDeep => write!(f, "the value holds aggregates more than {} deep", Datum::MAX_DEPTH),
            Self::TooLarge { max } => write!(f, "the value takes more than {max} bytes"),
        }
    }
}

impl core::error::Error for DatumError {}

/// What has parts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Node {
    Closure(FuncId),
    Tuple,
    Struct(StructId),
    Array(ElemId),
}

impl Node {
    /// The datum of these parts. A closure has exactly one.
    pub(super) fn of(self, mut parts: Vec<Datum>) -> Datum {
        match self {
            Self::Closure(func) => Datum::Closure(func, Box::new(parts.pop().unwrap_or(Datum::NoAggregate))),
            Self::Tuple => Datum::Tuple(parts.into()),
            Self::Struct(id) => Datum::Struct(id, parts.into()),
            Self::Array(id) => Datum::Array(id, parts.into()),
        }
    }

    fn value(self, parts: &[Value], heap: &mut Heap) -> Result<Value, ValueError> {
        Ok(Value::Agg(match self {
            Self::Closure(func) => {
                let env = match parts.first() {
                    Some(Value::Agg(env)) => *env,
                    _ => AggRef::INVALID,
                };
                return Ok(Value::Closure { func, env });
            }
            Self::Tuple => heap.new_tuple(parts)?,
            Self::Struct(id) => heap.new_struct(id, parts)?,
            Self::Array(id) => heap.new_array(id, parts)?,
        }))
    }
}

/// A value with parts of which some have been read.
struct Open {
    node: Node,
    agg: AggRef,
    next: usize,
    parts: Vec<Datum>,
}

impl Open {
    /// What has parts; `None` where the value has none.
    fn new(value: &Value, heap: &Heap) -> Option<Self> {
        let (node, agg) = match *value {
            Value::Closure { func, env } => (Node::Closure(func), env),
            Value::Agg(agg) => {
                let node = match heap.aggregate(agg)?.kind() {
                    AggregateKind::Tuple => Node::Tuple,
                    AggregateKind::Struct(id) => Node::Struct(id),
                    AggregateKind::Array(id) => Node::Array(id),
                };
                (node, agg)
            }
            _ => return None,
        };
        Some(Self { node, agg, next: 0, parts: Vec::new() })
    }

    /// The next part.
    fn part(&mut self, heap: &Heap) -> Option<Value> {
        let index = self.next;
        self.next += 1;
        match self.node {
            Node::Closure(_) => (index == 0).then_some(Value::Agg(self.agg)),
            _ => heap.aggregate(self.agg)?.get(index),
        }
    }
}

impl Datum {
    /// How many aggregates and closures may be inside of each other.
    pub const MAX_DEPTH: usize = 64;

    /// A value of this heap, in at most `max_bytes` bytes of memory.
    ///
    /// # Errors
    /// [`DatumError`], where it is larger or deeper than it may be.
    pub fn from_value(value: &Value, heap: &Heap, max_bytes: usize) -> Result<Self, DatumError> {
        let mut stack: Vec<Open> = Vec::new();
        let mut value = Cow::Borrowed(value);
        let mut spent = 0usize;
        loop {
            spent = spent.saturating_add(size_of::<Self>()).saturating_add(text_bytes(&value));
            if spent > max_bytes {
                return Err(DatumError::TooLarge { max: max_bytes });
            }
            let mut done = None;
            match Open::new(&value, heap) {
                Some(_) if stack.len() >= Self::MAX_DEPTH => return Err(DatumError::TooDeep),
                Some(open) => stack.push(open),
                None => done = Some(Self::leaf(&value)),
            }
            // What is done is a part of what is open, which may be done with that.
            value = loop {
                let Some(mut top) = stack.pop() else { return Ok(done.unwrap_or(Self::Unit)) };
                top.parts.extend(done.take());
                match top.part(heap) {
                    Some(part) => {
                        stack.push(top);
                        break Cow::Owned(part);
                    }
                    None => done = Some(top.node.of(top.parts)),
                }
            };
        }
    }

    /// A value without parts; what does not resolve is an invalid handle.
    fn leaf(value: &Value) -> Self {
        match value {
            Value::Unit => Self::Unit,
            Value::Bool(v) => Self::Bool(*v),
            Value::I64(v) => Self::I64(*v),
            Value::U64(v) => Self::U64(*v),
            Value::F64(v) => Self::F64(v.to_bits()),
            Value::Decimal(v) => Self::Decimal(*v),
            Value::Bytes(v) => Self::Bytes(v.as_slice().into()),
            Value::Str(v) => Self::Str(v.as_str().into()),
            Value::Obj { host_type, handle } => Self::Obj { host_type: *host_type, handle: *handle },
            Value::Func(func) => Self::Func(*func),
            Value::Endpoint(id) => Self::Endpoint(*id),
            Value::Epid(id) => Self::Epid(*id),
            Value::Evidence(id) => Self::Evidence(*id),
            Value::Coro(id) => Self::Coro(*id),
            Value::Agg(_) | Value::Closure { .. } => Self::NoAggregate,
        }
    }

    /// The value in a heap.
    ///
    /// # Errors
    /// As [`Heap::new_tuple`], [`Heap::new_struct`] and [`Heap::new_array`].
    pub fn to_value(&self, heap: &mut Heap) -> Result<Value, ValueError> {
        let mut stack: Vec<(Node, Iter<'_, Self>, Vec<Value>)> = Vec::new();
        let mut datum = self;
        loop {
            let mut done = None;
            match datum.parts() {
                Some((node, parts)) => stack.push((node, parts.iter(), Vec::new())),
                None => done = Some(datum.leaf_value()),
            }
            datum = loop {
                let Some((node, mut rest, mut values)) = stack.pop() else {
                    return Ok(done.unwrap_or(Value::Unit));
                };
                values.extend(done.take());
                match rest.next() {
                    Some(part) => {
                        stack.push((node, rest, values));
                        break part;
                    }
                    None => done = Some(node.value(&values, heap)?),
                }
            };
        }
    }

    fn leaf_value(&self) -> Value {
        match self {
            Self::Unit => Value::Unit,
            Self::Bool(v) => Value::Bool(*v),
            Self::I64(v) => Value::I64(*v),
            Self::U64(v) => Value::U64(*v),
            Self::F64(bits) => Value::F64(f64::from_bits(*bits)),
            Self::Decimal(v) => Value::Decimal(*v),
            Self::Bytes(v) => Value::Bytes(v.to_vec()),
            Self::Str(v) => Value::from(&**v),
            Self::Obj { host_type, handle } => Value::Obj { host_type: *host_type, handle: *handle },
            Self::Func(func) => Value::Func(*func),
            Self::Endpoint(id) => Value::Endpoint(*id),
            Self::Epid(id) => Value::Epid(*id),
            Self::Evidence(id) => Value::Evidence(*id),
            Self::Coro(id) => Value::Coro(*id),
            // Those with parts are made from these.
            Self::NoAggregate | Self::Closure(..) | Self::Tuple(_) | Self::Struct(..) | Self::Array(..) => {
                Value::Agg(AggRef::INVALID)
            }
        }
    }

    /// The parts, of what has some.
    pub(super) fn parts(&self) -> Option<(Node, &[Self])> {
        Some(match self {
            Self::Closure(func, env) => (Node::Closure(*func), core::slice::from_ref(&**env)),
            Self::Tuple(parts) => (Node::Tuple, parts),
            Self::Struct(id, parts) => (Node::Struct(*id), parts),
            Self::Array(id, parts) => (Node::Array(*id), parts),
            _ => return None,
        })
    }

    /// Bytes of memory that it takes.
    #[must_use]
    pub fn size(&self) -> usize {
        let mut stack = Vec::from([core::slice::from_ref(self).iter()]);
        let mut size = 0;
        while let Some(mut rest) = stack.pop() {
            let Some(datum) = rest.next() else { continue };
            stack.push(rest);
            size += size_of::<Self>()
                + match datum {
                    Self::Bytes(bytes) => bytes.len(),
                    Self::Str(text) => text.len(),
                    _ => 0,
                };
            stack.extend(datum.parts().map(|(_, parts)| parts.iter()));
        }
        size
    }
}

fn text_bytes(value: &Value) -> usize {
    match value {
        Value::Bytes(bytes) => bytes.len(),
        Value::Str(text) => text.len(),
        _ => 0,
    }
}
