//! The tables around the functions: symbols, constants, types and signatures.
//!
//! Public methods intern; the `push_` methods behind them append, which the assembler needs to build tables
//! entry by entry.

use super::{BuildError, ConstValue, ProgramBuilder, push_list};
use crate::ids::{CallSigId, ConstId, ElemId, HostSigId, MemId, StructId, SymbolId};
use crate::program::{Const, ContainerVersion, MemoryDef, UnknownSection, signature_hash};
use crate::value_type::ValueType;
use alloc::string::String;
use alloc::vec::Vec;

pub(super) fn index_of(len: usize, what: &'static str) -> Result<u32, BuildError> {
    u32::try_from(len).map_err(|_| BuildError::TooLarge { what })
}

impl ProgramBuilder<'_> {
    /// Names the program; an empty text takes its name away.
    ///
    /// # Errors
    /// [`BuildError::TooLarge`] if the symbol table is full.
    pub fn name(&mut self, name: &str) -> Result<(), BuildError> {
        let symbol = self.symbol(name)?;
        self.program.names.program = Some(symbol).filter(|symbol| symbol.0 != 0);
        Ok(())
    }

    /// The symbol of a text; symbol 0 is the empty text.
    ///
    /// # Errors
    /// [`BuildError::TooLarge`] if the symbol table is full.
    pub fn symbol(&mut self, text: &str) -> Result<SymbolId, BuildError> {
        if text.is_empty() {
            return Ok(SymbolId(0));
        }
        match self.names.symbols.get(text) {
            Some(&id) => Ok(id),
            None => self.push_symbol(text),
        }
    }

    pub(crate) fn push_symbol(&mut self, text: &str) -> Result<SymbolId, BuildError> {
        let id = self.program.symbols.push(text).ok_or(BuildError::TooLarge { what: "symbols" })?;
        self.names.symbols.entry(String::from(text)).or_insert(SymbolId(id));
        Ok(SymbolId(id))
    }

    /// The pool constant of this value.
    ///
    /// # Errors
    /// [`BuildError::TooLarge`] if the pool is full.
    pub fn constant(&mut self, value: ConstValue<'_>) -> Result<ConstId, BuildError> {
        match self.names.consts.get(&value.key()) {
            Some(&id) => Ok(id),
            None => self.push_const(value),
        }
    }

    pub(crate) fn push_const(&mut self, value: ConstValue<'_>) -> Result<ConstId, BuildError> {
        let id = ConstId(index_of(self.program.consts.len(), "constants")?);
        let constant = match value {
            ConstValue::Unit => Const::Unit,
            ConstValue::Bool(v) => Const::Bool(v),
            ConstValue::I64(v) => Const::I64(v),
            ConstValue::U64(v) => Const::U64(v),
            ConstValue::F64(bits) => Const::F64(bits),
            ConstValue::Decimal(mantissa, scale) => Const::Decimal { mantissa, scale },
            ConstValue::Bytes(data) => {
                let (start, len) = self.push_data(data)?;
                Const::Bytes(start, len)
            }
            ConstValue::Str(text) => {
                let (start, len) = self.push_data(text.as_bytes())?;
                Const::Str(start, len)
            }
        };
        self.program.consts.push(constant);
        self.names.consts.entry(value.key()).or_insert(id);
        Ok(id)
    }

    fn push_data(&mut self, data: &[u8]) -> Result<(u32, u32), BuildError> {
        let start = index_of(self.program.const_data.len(), "constant data")?;
        let len = index_of(data.len(), "constant data")?;
        start.checked_add(len).ok_or(BuildError::TooLarge { what: "constant data" })?;
        self.program.const_data.extend_from_slice(data);
        Ok((start, len))
    }

    /// A new struct type. Two with the same fields are two types.
    ///
    /// # Errors
    /// [`BuildError::TooLarge`] if the type tables are full.
    pub fn struct_type(&mut self, fields: &[(&str, ValueType)]) -> Result<StructId, BuildError> {
        let mut rows = Vec::with_capacity(fields.len());
        for &(name, ty) in fields {
            rows.push((self.field_name(name)?, ty));
        }
        self.push_struct(&rows)
    }

    pub(crate) fn push_struct(&mut self, fields: &[(u32, ValueType)]) -> Result<StructId, BuildError> {
        let names: Vec<u32> = fields.iter().map(|field| field.0).collect();
        let types: Vec<ValueType> = fields.iter().map(|field| field.1).collect();
        self.need_classes(&types);
        push_list(&mut self.program.struct_field_names, &names, "struct types")?;
        push_list(&mut self.program.structs, &types, "struct types").map(StructId)
    }

    /// The index of a field name in the field name table.
    pub(crate) fn field_name(&mut self, name: &str) -> Result<u32, BuildError> {
        match self.names.field_names.get(name) {
            Some(&index) => Ok(index),
            None => self.push_field_name(name),
        }
    }

    pub(crate) fn push_field_name(&mut self, name: &str) -> Result<u32, BuildError> {
        let index =
            self.program.field_names.push(name).ok_or(BuildError::TooLarge { what: "field names" })?;
        self.names.field_names.entry(String::from(name)).or_insert(index);
        Ok(index)
    }

    /// The array element type of this value type.
    ///
    /// # Errors
    /// [`BuildError::TooLarge`] if the table is full.
    pub fn elem_type(&mut self, ty: ValueType) -> Result<ElemId, BuildError> {
        match self.names.elems.get(&ty) {
            Some(&id) => Ok(id),
            None => self.push_elem(ty),
        }
    }

    pub(crate) fn push_elem(&mut self, ty: ValueType) -> Result<ElemId, BuildError> {
        let id = ElemId(index_of(self.program.elems.len(), "element types")?);
        self.need_classes(&[ty]);
        self.program.elems.push(ty);
        self.names.elems.entry(ty).or_insert(id);
        Ok(id)
    }

    /// The host import of this name and signature; its hash is computed.
    ///
    /// # Errors
    /// [`BuildError::TooLarge`] if the table is full.
    pub fn host(
        &mut self,
        symbol: &str,
        params: &[ValueType],
        results: &[ValueType],
    ) -> Result<HostSigId, BuildError> {
        let symbol = self.symbol(symbol)?;
        match self.names.hosts.get(&(symbol, (params.into(), results.into()))) {
            Some(&id) => Ok(id),
            None => self.push_host(symbol, signature_hash(params, results), params, results),
        }
    }

    pub(crate) fn push_host(
        &mut self,
        symbol: SymbolId,
        hash: u64,
        params: &[ValueType],
        results: &[ValueType],
    ) -> Result<HostSigId, BuildError> {
        let id = HostSigId(index_of(self.program.host_sigs.len(), "host signatures")?);
        self.need_classes(params);
        self.need_classes(results);
        push_list(&mut self.program.host_sig_types, params, "host signatures")?;
        push_list(&mut self.program.host_sig_types, results, "host signatures")?;
        self.program.host_sigs.push((symbol, hash));
        self.names.hosts.entry((symbol, (params.into(), results.into()))).or_insert(id);
        Ok(id)
    }

    /// The call signature with these types.
    ///
    /// # Errors
    /// [`BuildError::TooLarge`] if the table is full.
    pub fn call_sig(&mut self, params: &[ValueType], results: &[ValueType]) -> Result<CallSigId, BuildError> {
        match self.names.call_sigs.get(&(params.into(), results.into())) {
            Some(&id) => Ok(id),
            None => self.push_call_sig(params, results),
        }
    }

    pub(crate) fn push_call_sig(
        &mut self,
        params: &[ValueType],
        results: &[ValueType],
    ) -> Result<CallSigId, BuildError> {
        let id = CallSigId(index_of(self.program.call_sigs.len() / 2, "call signatures")?);
        self.need_classes(params);
        self.need_classes(results);
        push_list(&mut self.program.call_sigs, params, "call signatures")?;
        push_list(&mut self.program.call_sigs, results, "call signatures")?;
        self.names.call_sigs.entry((params.into(), results.into())).or_insert(id);
        Ok(id)
    }

    /// A new linear memory of `pages.0` pages that may grow to `pages.1`, without a name and seen by the program alone.
    ///
    /// # Errors
    /// [`BuildError::TooLarge`] if the table is full.
    pub fn memory(&mut self, pages: (u32, u32)) -> Result<MemId, BuildError> {
        let (min, max) = pages;
        self.push_memory(MemoryDef { min, max, exported: false, name: SymbolId(0) })
    }

    /// A new linear memory that the host finds by its name.
    ///
    /// # Errors
    /// As for [`ProgramBuilder::memory`].
    pub fn exported_memory(&mut self, name: &str, pages: (u32, u32)) -> Result<MemId, BuildError> {
        let name = self.symbol(name)?;
        let (min, max) = pages;
        self.push_memory(MemoryDef { min, max, exported: true, name })
    }

    pub(crate) fn push_memory(&mut self, memory: MemoryDef) -> Result<MemId, BuildError> {
        let id = MemId(index_of(self.program.memories.len(), "memories")?);
        self.program.memories.push(memory);
        self.need_version(ContainerVersion::V0_128);
        Ok(id)
    }

    pub(crate) fn push_section(&mut self, tag: u8, payload: Vec<u8>) {
        self.program.unknown.push(UnknownSection { tag, payload });
    }
}
