//! A program as parsed: tables of symbols, constants, types, functions, signatures and names.
//!
//! Nothing here is trusted. Ids inside may point anywhere, code may be garbage; the container reader only
//! guarantees that counts and lengths fit the bytes it was given and that text is UTF-8. The verifier checks
//! the rest. Programs are made by the container reader, the assembler or the builder.

mod lists;
mod readback;
mod session;
mod sig_hash;
#[cfg(test)]
mod tests;
mod version;

pub use lists::{Lists, Texts};
pub(crate) use readback::NamedStates;
pub use session::{
    ChanType, EdgeDef, EdgePolicy, EffectDef, LayerDef, LinearDef, LinearType, LocalDef, MAX_SHAPE_ROLES,
    PayloadDef, Place, SessionTables, ShapeDef, ShapeRole,
};
pub use sig_hash::signature_hash;
pub use version::ContainerVersion;

use crate::ids::{CallSigId, ConstId, ElemId, FuncId, HostSigId, SpanId, StructId, SymbolId};
use crate::value_type::ValueType;
use alloc::vec::Vec;
use core::ops::Range;

/// A pool constant. Bytes and text are ranges into [`Program::const_data`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Const {
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
    Decimal {
        /// Signed mantissa.
        mantissa: i64,
        /// Number of decimal places.
        scale: u8,
    },
    /// A byte string: start and length in the data.
    Bytes(u32, u32),
    /// UTF-8 text: start and length in the data.
    Str(u32, u32),
}

impl Const {
    /// The type of the constant.
    #[must_use]
    pub const fn value_type(&self) -> ValueType {
        match self {
            Self::Unit => ValueType::Unit,
            Self::Bool(_) => ValueType::Bool,
            Self::I64(_) => ValueType::I64,
            Self::U64(_) => ValueType::U64,
            Self::F64(_) => ValueType::F64,
            Self::Decimal { .. } => ValueType::Decimal,
            Self::Bytes(..) => ValueType::Bytes,
            Self::Str(..) => ValueType::Str,
        }
    }
}

/// Parameter and result types of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature<'p> {
    /// Parameter types in order.
    pub params: &'p [ValueType],
    /// Result types in order.
    pub results: &'p [ValueType],
}

/// A function's row of the function table, as declared; the verifier checks it against everything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FunctionDef {
    /// Declared number of parameters.
    pub param_count: u32,
    /// Declared number of results.
    pub result_count: u32,
    /// Number of registers, the effect token in register 0 included.
    pub reg_count: u32,
    /// Index of the code blob. Two functions may share one.
    pub code: u32,
    /// Index of the span table. Two functions may share one.
    pub spans: u32,
}

/// One entry of a span table: from `pc_delta` bytes behind the entry before it, instructions belong to `span`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanEntry {
    /// Bytes since the entry before, or since the start of the code. Containers may hold any 64-bit number.
    pub pc_delta: u64,
    /// The span that starts here.
    pub span: SpanId,
}

/// A host import: what it is called and what it takes and gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostSig<'p> {
    /// The name's symbol.
    pub symbol: SymbolId,
    /// The declared signature hash; the verifier compares it with the computed one.
    pub hash: u64,
    /// Parameter and result types.
    pub sig: Signature<'p>,
}

/// The declared shape of an aggregate parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AggShape {
    /// A tuple; `None` leaves the type of an element open.
    Tuple(Vec<Option<ValueType>>),
    /// A struct type.
    Struct(StructId),
    /// An array of this element type.
    Array(ElemId),
}

/// One entry of the aggregate shape section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParamShape {
    /// The function.
    pub func: FuncId,
    /// The parameter, counted from 0.
    pub param: u32,
    /// Its shape.
    pub shape: AggShape,
}

/// One field of a struct type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Index into the field name table.
    pub name: u32,
    /// The field's type.
    pub ty: ValueType,
}

/// Names for people: the program's, functions' and code labels'.
///
/// Function names and labels are kept sorted, see [`Names::sort`]; lookups rely on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The program's name.
    pub program: Option<SymbolId>,
    /// Function names.
    pub functions: Vec<(FuncId, SymbolId)>,
    /// Names of code positions: function, byte offset, name.
    pub labels: Vec<(FuncId, u32, SymbolId)>,
}

impl Names {
    /// Sorts function names by function and symbol, labels by function, position and symbol: the order that
    /// containers are written in and that [`Program::func_name`] looks names up in.
    pub fn sort(&mut self) {
        self.functions.sort_unstable();
        self.labels.sort_unstable();
    }

    /// Whether [`Names::sort`] would change nothing.
    #[must_use]
    pub fn is_sorted(&self) -> bool {
        self.functions.is_sorted() && self.labels.is_sorted()
    }
}

/// A linear memory, as declared; the verifier checks the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryDef {
    /// Pages of [`PAGE_BYTES`] that it has at first.
    pub min: u32,
    /// Pages that it may grow to.
    pub max: u32,
    /// Whether the host may look at it and change it.
    pub exported: bool,
    /// Its name; symbol 0 for none.
    pub name: SymbolId,
}

/// The bytes of a page of linear memory.
pub const PAGE_BYTES: u64 = 1 << 16;

/// Most pages of a linear memory: 4 GiB.
pub const MAX_PAGES: u32 = 1 << 16;

/// Most linear memories of a program.
pub const MAX_MEMORIES: usize = 64;

/// A section that the reader does not know, kept to be written back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownSection {
    /// Its tag.
    pub tag: u8,
    /// Its payload.
    pub payload: Vec<u8>,
}

/// A parsed, untrusted program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    pub(crate) version: ContainerVersion,
    pub(crate) symbols: Texts,
    pub(crate) consts: Vec<Const>,
    pub(crate) const_data: Vec<u8>,
    pub(crate) field_names: Texts,
    pub(crate) structs: Lists<ValueType>,
    /// Field name indices, parallel to `structs`.
    pub(crate) struct_field_names: Lists<u32>,
    pub(crate) elems: Vec<ValueType>,
    pub(crate) functions: Vec<FunctionDef>,
    pub(crate) code: Lists<u8>,
    pub(crate) spans: Lists<SpanEntry>,
    /// Two lists a function: parameters, results.
    pub(crate) func_sigs: Lists<ValueType>,
    /// Two lists a function: parameter names, result names; an empty list where names are not declared,
    /// symbol 0 where one name is missing.
    pub(crate) func_sig_names: Lists<SymbolId>,
    pub(crate) host_sigs: Vec<(SymbolId, u64)>,
    /// Two lists a host signature: parameters, results.
    pub(crate) host_sig_types: Lists<ValueType>,
    /// Two lists a call signature: parameters, results.
    pub(crate) call_sigs: Lists<ValueType>,
    pub(crate) names: Names,
    pub(crate) param_shapes: Vec<ParamShape>,
    pub(crate) memories: Vec<MemoryDef>,
    pub(crate) sessions: SessionTables,
    pub(crate) unknown: Vec<UnknownSection>,
}

fn signature(types: &Lists<ValueType>, index: usize) -> Option<Signature<'_>> {
    let first = index.checked_mul(2)?;
    Some(Signature { params: types.get(first)?, results: types.get(first + 1)? })
}

impl Program {
    /// The version of the container it was read from, or the first one that knows its opcodes.
    #[must_use]
    pub fn version(&self) -> ContainerVersion {
        self.version
    }

    /// The text of a symbol.
    #[must_use]
    pub fn symbol(&self, id: SymbolId) -> Option<&str> {
        self.symbols.get(id.index())
    }

    /// All symbols; symbol 0 is the empty text.
    #[must_use]
    pub fn symbols(&self) -> &Texts {
        &self.symbols
    }

    /// A pool constant.
    #[must_use]
    pub fn constant(&self, id: ConstId) -> Option<&Const> {
        self.consts.get(id.index())
    }

    /// The constant pool.
    #[must_use]
    pub fn constants(&self) -> &[Const] {
        &self.consts
    }

    /// The bytes and text of all constants, one after another.
    #[must_use]
    pub fn const_data(&self) -> &[u8] {
        &self.const_data
    }

    /// The field types of a struct type.
    #[must_use]
    pub fn struct_fields(&self, id: StructId) -> Option<&[ValueType]> {
        self.structs.get(id.index())
    }

    /// The field types of all struct types.
    #[must_use]
    pub fn structs(&self) -> &Lists<ValueType> {
        &self.structs
    }

    /// The field names of a struct type: indices into [`Program::field_names`].
    #[must_use]
    pub fn struct_field_names(&self, id: StructId) -> Option<&[u32]> {
        self.struct_field_names.get(id.index())
    }

    /// The field name table.
    #[must_use]
    pub fn field_names(&self) -> &Texts {
        &self.field_names
    }

    /// The element types of arrays.
    #[must_use]
    pub fn elem_types(&self) -> &[ValueType] {
        &self.elems
    }

    /// The function table.
    #[must_use]
    pub fn functions(&self) -> &[FunctionDef] {
        &self.functions
    }

    /// A function's parameter and result types.
    #[must_use]
    pub fn func_sig(&self, id: FuncId) -> Option<Signature<'_>> {
        signature(&self.func_sigs, id.index())
    }

    /// A function's parameter names; empty where none are declared, symbol 0 where one is missing.
    #[must_use]
    pub fn param_names(&self, id: FuncId) -> &[SymbolId] {
        self.func_sig_names.get(id.index().saturating_mul(2)).unwrap_or(&[])
    }

    /// A function's result names; empty where none are declared, symbol 0 where one is missing.
    #[must_use]
    pub fn result_names(&self, id: FuncId) -> &[SymbolId] {
        self.func_sig_names.get(id.index().saturating_mul(2).saturating_add(1)).unwrap_or(&[])
    }

    /// The code blobs.
    #[must_use]
    pub fn code_blobs(&self) -> &Lists<u8> {
        &self.code
    }

    /// A function's code, or `None` if it names a blob that does not exist.
    #[must_use]
    pub fn code(&self, id: FuncId) -> Option<&[u8]> {
        self.code.get(self.functions.get(id.index())?.code as usize)
    }

    /// The span tables.
    #[must_use]
    pub fn span_tables(&self) -> &Lists<SpanEntry> {
        &self.spans
    }

    /// A function's span table, or `None` if it names a table that does not exist.
    #[must_use]
    pub fn spans(&self, id: FuncId) -> Option<&[SpanEntry]> {
        self.spans.get(self.functions.get(id.index())?.spans as usize)
    }

    /// The number of host signatures.
    #[must_use]
    pub fn host_sig_count(&self) -> usize {
        self.host_sigs.len()
    }

    /// A host signature.
    #[must_use]
    pub fn host_sig(&self, id: HostSigId) -> Option<HostSig<'_>> {
        let &(symbol, hash) = self.host_sigs.get(id.index())?;
        Some(HostSig { symbol, hash, sig: signature(&self.host_sig_types, id.index())? })
    }

    /// The number of call signatures.
    #[must_use]
    pub fn call_sig_count(&self) -> usize {
        self.call_sigs.len() / 2
    }

    /// A call signature.
    #[must_use]
    pub fn call_sig(&self, id: CallSigId) -> Option<Signature<'_>> {
        signature(&self.call_sigs, id.index())
    }

    /// Names for people.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// A function's name, if it has one that resolves; the first in the order of [`Names::sort`], if several.
    #[must_use]
    pub fn func_name(&self, id: FuncId) -> Option<&str> {
        let names = &self.names.functions;
        let first = names.partition_point(|&(func, _)| func < id);
        let &(_, symbol) = names.get(first).filter(|&&(func, _)| func == id)?;
        self.symbol(symbol)
    }

    /// Declared shapes of aggregate parameters.
    #[must_use]
    pub fn param_shapes(&self) -> &[ParamShape] {
        &self.param_shapes
    }

    /// The linear memories, by [`MemId`](crate::ids::MemId).
    #[must_use]
    pub fn memories(&self) -> &[MemoryDef] {
        &self.memories
    }

    /// What the program declares about sessions.
    #[must_use]
    pub fn sessions(&self) -> &SessionTables {
        &self.sessions
    }

    /// Sections that the reader did not know, in their order.
    #[must_use]
    pub fn unknown_sections(&self) -> &[UnknownSection] {
        &self.unknown
    }

    /// The data behind a bytes or text constant: an empty slice for a range that does not resolve.
    #[must_use]
    pub fn const_slice(&self, start: u32, len: u32) -> &[u8] {
        let range: Range<usize> = start as usize..(start as usize).saturating_add(len as usize);
        self.const_data.get(range).unwrap_or(&[])
    }
}
