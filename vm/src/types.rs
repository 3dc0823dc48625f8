//! Types with shape: what the verifier gives registers and what heap nodes are tagged with.
//!
//! A [`TypeTable`] interns every type once, so two types are equal exactly when their ids are. Types never
//! nest by value: a tuple holds ids of types that were interned before it, so there are no cycles and nothing
//! here recurses.

use crate::ids::{ElemId, StructId};
use crate::value_type::ValueType;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

/// An interned type. Equal ids of one table are equal types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct TypeId(pub u32);

impl TypeId {
    /// The unit type.
    pub const UNIT: Self = Self(0);
    /// The type of truth values.
    pub const BOOL: Self = Self(1);
    /// Signed 64-bit integers.
    pub const I64: Self = Self(2);
    /// Unsigned 64-bit integers.
    pub const U64: Self = Self(3);
    /// Binary64 floats.
    pub const F64: Self = Self(4);
    /// Decimals.
    pub const DECIMAL: Self = Self(5);
    /// Byte strings.
    pub const BYTES: Self = Self(6);
    /// Text.
    pub const STR: Self = Self(7);
    /// The element of a declared tuple shape whose type was left open: it cannot be read.
    pub const UNKNOWN: Self = Self(8);
    /// An aggregate of unknown shape.
    pub const AGG: Self = Self(9);
    /// Function references.
    pub const FUNC: Self = Self(10);
    /// Closures.
    pub const CLOSURE: Self = Self(11);
    /// Endpoints of sessions.
    pub const CHAN: Self = Self(12);
    /// Evidence of guard layers.
    pub const EVIDENCE: Self = Self(13);
    /// Coroutines.
    pub const CORO: Self = Self(14);
    /// Names of endpoints.
    pub const EPID: Self = Self(15);
    const FIXED: u32 = 16;

    /// The id as an index.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The kind of aggregate an instruction works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AggKind {
    /// A tuple.
    Tuple,
    /// A struct.
    Struct,
    /// An array.
    Array,
}

/// What a [`TypeId`] stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type<'a> {
    /// Any type without shape; aggregates of unknown shape are `Value(ValueType::Agg)`.
    Value(ValueType),
    /// The open element of a declared tuple shape.
    Unknown,
    /// A tuple of these element types.
    Tuple(&'a [TypeId]),
    /// A struct type of the program, with its field types.
    Struct(StructId, &'a [TypeId]),
    /// An array type of the program, with its element type.
    Array(ElemId, TypeId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    Value(ValueType),
    Unknown,
    /// Range into `elems`.
    Tuple(u32, u32),
    Struct(StructId, u32, u32),
    Array(ElemId, TypeId),
}

/// The table has no room for another type: more than 2^31 element entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeTableFull;

/// The kind of aggregate that a type is of, and how its elements lie.
#[derive(Clone, Copy, Debug)]
struct NodeShape {
    kind: Option<AggKind>,
    /// The slots of each element, or [`MIXED`].
    stride: u8,
}

/// Of types that have no elements, or elements of different widths.
const MIXED: u8 = u8::MAX;

/// All types of one program, interned.
#[derive(Clone, Debug)]
pub struct TypeTable {
    entries: Vec<Entry>,
    /// By type: what reads of elements ask for, without a look at the entry.
    nodes: Vec<NodeShape>,
    /// Element types of tuples and structs, one range each.
    elems: Vec<TypeId>,
    /// First slot of the element at the same position, counted from the node's first slot.
    offsets: Vec<u32>,
    tuples: BTreeMap<Box<[TypeId]>, TypeId>,
    objs: BTreeMap<u64, TypeId>,
    structs: Vec<TypeId>,
    arrays: Vec<TypeId>,
}

impl TypeTable {
    const MAX_ELEMS: usize = 1 << 31;

    /// The table of a program with these struct types (field types in order) and array element types.
    ///
    /// # Errors
    /// [`TypeTableFull`] if the program has more than 2^31 fields.
    pub fn new<'p>(
        structs: impl Iterator<Item = &'p [ValueType]>,
        arrays: impl Iterator<Item = ValueType>,
    ) -> Result<Self, TypeTableFull> {
        let entries = (0..TypeId::FIXED as u8)
            .map(|tag| match ValueType::from_tag(tag, 0) {
                Some(ValueType::Obj(_)) | None => Entry::Unknown,
                Some(value) => Entry::Value(value),
            })
            .collect();
        let mut table = Self {
            entries,
            nodes: vec![NodeShape { kind: None, stride: MIXED }; TypeId::FIXED as usize],
            elems: Vec::new(),
            offsets: Vec::new(),
            tuples: BTreeMap::new(),
            objs: BTreeMap::new(),
            structs: Vec::new(),
            arrays: Vec::new(),
        };
        let mut fields = Vec::new();
        for (i, types) in structs.enumerate() {
            fields.clear();
            for &ty in types {
                fields.push(table.value(ty)?);
            }
            let (start, len) = table.push_elems(&fields)?;
            let id = table.push(Entry::Struct(StructId(i as u32), start, len))?;
            table.structs.push(id);
        }
        for (i, ty) in arrays.enumerate() {
            let elem = table.value(ty)?;
            let id = table.push(Entry::Array(ElemId(i as u32), elem))?;
            table.arrays.push(id);
        }
        Ok(table)
    }

    /// The id of a type without shape.
    ///
    /// # Errors
    /// [`TypeTableFull`] if a new host object type finds no room.
    pub fn value(&mut self, ty: ValueType) -> Result<TypeId, TypeTableFull> {
        let ValueType::Obj(host) = ty else { return Ok(TypeId(u32::from(ty.tag()))) };
        if let Some(&id) = self.objs.get(&host) {
            return Ok(id);
        }
        let id = self.push(Entry::Value(ty))?;
        self.objs.insert(host, id);
        Ok(id)
    }

    /// The id of a type without shape, if the table has it already. Only host object types can be missing.
    #[must_use]
    pub fn find_value(&self, ty: ValueType) -> Option<TypeId> {
        match ty {
            ValueType::Obj(host) => self.objs.get(&host).copied(),
            _ => Some(TypeId(u32::from(ty.tag()))),
        }
    }

    /// The id of the tuple type with these element types.
    ///
    /// # Errors
    /// [`TypeTableFull`] if a new tuple type finds no room.
    pub fn tuple(&mut self, elems: &[TypeId]) -> Result<TypeId, TypeTableFull> {
        if let Some(id) = self.find_tuple(elems) {
            return Ok(id);
        }
        let (start, len) = self.push_elems(elems)?;
        let id = self.push(Entry::Tuple(start, len))?;
        self.tuples.insert(elems.into(), id);
        Ok(id)
    }

    /// The id of the tuple type with these element types, if the table has it already.
    #[must_use]
    pub fn find_tuple(&self, elems: &[TypeId]) -> Option<TypeId> {
        self.tuples.get(elems).copied()
    }

    /// The id of a struct type of the program.
    #[must_use]
    pub fn struct_type(&self, id: StructId) -> Option<TypeId> {
        self.structs.get(id.index()).copied()
    }

    /// The id of an array type of the program.
    #[must_use]
    pub fn array_type(&self, id: ElemId) -> Option<TypeId> {
        self.arrays.get(id.index()).copied()
    }

    /// What an id stands for. An id of another table reads as [`Type::Unknown`].
    #[must_use]
    pub fn get(&self, id: TypeId) -> Type<'_> {
        match self.entries.get(id.index()) {
            None | Some(Entry::Unknown) => Type::Unknown,
            Some(&Entry::Value(ty)) => Type::Value(ty),
            Some(&Entry::Tuple(start, len)) => Type::Tuple(self.range(start, len)),
            Some(&Entry::Struct(id, start, len)) => Type::Struct(id, self.range(start, len)),
            Some(&Entry::Array(id, elem)) => Type::Array(id, elem),
        }
    }

    /// The type without its shape; `None` for [`TypeId::UNKNOWN`].
    #[must_use]
    pub fn class(&self, id: TypeId) -> Option<ValueType> {
        match self.entries.get(id.index())? {
            Entry::Value(ty) => Some(*ty),
            Entry::Unknown => None,
            Entry::Tuple(..) | Entry::Struct(..) | Entry::Array(..) => Some(ValueType::Agg),
        }
    }

    /// The number of 64-bit slots a value of the type takes: 0, 1 or 2.
    #[must_use]
    pub fn slots(&self, id: TypeId) -> u32 {
        self.class(id).map_or(1, ValueType::slots)
    }

    /// Type and first slot, inside a node, of element `index` of a tuple or struct type.
    #[must_use]
    pub fn element(&self, id: TypeId, index: u32) -> Option<(TypeId, u32)> {
        let (start, len) = self.elem_range(id)?;
        if index >= len {
            return None;
        }
        let at = (start + index) as usize;
        Some((*self.elems.get(at)?, *self.offsets.get(at)?))
    }

    /// The kind of aggregate that a type is of; `None` for types of other values, and for aggregates of unknown shape.
    #[inline]
    #[must_use]
    pub fn agg_kind(&self, id: TypeId) -> Option<AggKind> {
        self.nodes.get(id.index())?.kind
    }

    /// The number of slots of each element of a tuple, struct or array type, if all have as many: element `i` then begins
    /// at slot `i` times that. `None` for tuples and structs whose elements differ in width or that have none, and for
    /// types that are not of aggregates.
    #[inline]
    #[must_use]
    pub fn stride(&self, id: TypeId) -> Option<u32> {
        self.nodes.get(id.index()).filter(|node| node.stride != MIXED).map(|node| node.stride.into())
    }

    /// The number of slots that the elements of a tuple or struct type take together.
    #[must_use]
    pub fn node_slots(&self, id: TypeId) -> Option<u32> {
        let (start, len) = self.elem_range(id)?;
        if len == 0 {
            return Some(0);
        }
        let last = (start + len - 1) as usize;
        Some(self.offsets.get(last)? + self.slots(*self.elems.get(last)?))
    }

    /// The number of types.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Never true: the types without shape are always there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// A display of the type, such as `(i64, str)`; nested shapes beyond a few levels show as `agg`.
    #[must_use]
    pub fn display(&self, id: TypeId) -> DisplayType<'_> {
        DisplayType { table: self, id, depth: 0 }
    }

    fn elem_range(&self, id: TypeId) -> Option<(u32, u32)> {
        match *self.entries.get(id.index())? {
            Entry::Tuple(start, len) | Entry::Struct(_, start, len) => Some((start, len)),
            _ => None,
        }
    }

    fn range(&self, start: u32, len: u32) -> &[TypeId] {
        self.elems.get(start as usize..(start + len) as usize).unwrap_or(&[])
    }

    fn push_elems(&mut self, elems: &[TypeId]) -> Result<(u32, u32), TypeTableFull> {
        if self.elems.len() + elems.len() > Self::MAX_ELEMS {
            return Err(TypeTableFull);
        }
        let start = self.elems.len() as u32;
        let mut offset = 0u32;
        for &elem in elems {
            self.elems.push(elem);
            self.offsets.push(offset);
            offset = offset.checked_add(self.slots(elem)).ok_or(TypeTableFull)?;
        }
        Ok((start, elems.len() as u32))
    }

    fn node_shape(&self, entry: Entry) -> NodeShape {
        let (kind, elems) = match &entry {
            Entry::Value(_) | Entry::Unknown => (None, &[][..]),
            &Entry::Tuple(start, len) => (Some(AggKind::Tuple), self.range(start, len)),
            &Entry::Struct(_, start, len) => (Some(AggKind::Struct), self.range(start, len)),
            Entry::Array(_, elem) => (Some(AggKind::Array), core::slice::from_ref(elem)),
        };
        let mut widths = elems.iter().map(|&elem| self.slots(elem));
        let stride = match widths.next() {
            Some(first) if widths.all(|width| width == first) => first as u8,
            _ => MIXED,
        };
        NodeShape { kind, stride }
    }

    fn push(&mut self, entry: Entry) -> Result<TypeId, TypeTableFull> {
        if self.entries.len() >= Self::MAX_ELEMS {
            return Err(TypeTableFull);
        }
        let id = TypeId(self.entries.len() as u32);
        self.entries.push(entry);
        self.nodes.push(self.node_shape(entry));
        Ok(id)
    }
}

/// Shows a type; made by [`TypeTable::display`].
#[derive(Clone, Copy, Debug)]
pub struct DisplayType<'a> {
    table: &'a TypeTable,
    id: TypeId,
    depth: u32,
}

impl DisplayType<'_> {
    const MAX_DEPTH: u32 = 3;
    const MAX_ELEMS: usize = 8;
}

impl fmt::Display for DisplayType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nested = |id| DisplayType { table: self.table, id, depth: self.depth + 1 };
        match self.table.get(self.id) {
            Type::Value(ty) => write!(f, "{ty}"),
            Type::Unknown => f.write_str("unknown"),
            Type::Struct(id, _) => write!(f, "struct {}", id.0),
            Type::Array(id, elem) if self.depth < Self::MAX_DEPTH => {
                write!(f, "array {} of {}", id.0, nested(elem))
            }
            Type::Tuple(elems) if self.depth < Self::MAX_DEPTH => {
                f.write_str("(")?;
                for (i, &elem) in elems.iter().take(Self::MAX_ELEMS).enumerate() {
                    let separator = if i == 0 { "" } else { ", " };
                    write!(f, "{separator}{}", nested(elem))?;
                }
                f.write_str(if elems.len() > Self::MAX_ELEMS { ", ...)" } else { ")" })
            }
            Type::Array(..) | Type::Tuple(_) => f.write_str("agg"),
        }
    }
}
