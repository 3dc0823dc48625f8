//! Builds programs in memory: tables with interning, functions with labels, everything about instructions
//! from the opcode tables.
//!
//! Owns the way from typed calls to a [`Program`]. Relies on the operand codec for bytes and on the tables for
//! operand counts and kinds. Never verifies: a built program is as untrusted as a parsed one, only well formed.
//! There is one [`FuncBuilder::emit`] for all opcodes and no method per opcode.
//!
//! ```
//! use opforge_vm::{Opcode, ValueType, builder::ProgramBuilder, ids::Reg};
//!
//! # fn main() -> Result<(), opforge_vm::builder::BuildError> {
//! let mut program = ProgramBuilder::new();
//! let double = program.declare("double", &[ValueType::I64], &[ValueType::I64])?;
//! let mut f = program.begin(double)?;
//! let (n, sum) = (f.param(0), f.reg());
//! f.emit(Opcode::I64Add, &[sum.into(), n.into(), n.into()])?;
//! f.emit(Opcode::Ret, &[[sum].as_slice().into()])?;
//! program.define(f)?;
//! let program = program.finish()?;
//! assert_eq!(program.functions()[0].reg_count, 3);
//! assert_eq!(sum, Reg(2));
//! # Ok(())
//! # }
//! ```
//!
//! Sessions are declared first, then used like everything else. Labels, shapes, effects and layers have their ids at
//! once. States are numbered by [`ProgramBuilder::finish`], from one minimal automaton for all local types; until then
//! they are named by local types.
//!
//! ```
//! use opforge_vm::{ValueType, builder::{Linear, ProgramBuilder}, emit, program::Place};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut program = ProgramBuilder::new();
//! let shop = program.projected_shape("Shop", &"Client -> Server{get(u64). end}".parse()?, &[])?;
//! let get = program.message_label("get")?;
//! let client = program.declare("client", &[ValueType::Chan, ValueType::U64], &[])?;
//! program.linear(client, Place::Param(0), Linear::chan(shop, "Client"))?;
//! let mut f = program.begin(client)?;
//! emit!(f, Offer, f.param(0), get, Some(f.param(1)))?;
//! emit!(f, Halt)?;
//! program.define(f)?;
//! let program = program.finish()?;
//! let entry = program.sessions().roles_of(shop)[0].entry;
//! assert_eq!(program.local_type(entry)?.to_string(), "!Server{get(u64). end}");
//! # Ok(())
//! # }
//! ```

mod decl;
mod error;
mod func;
mod intern;
mod operand;
mod session;
mod tables;
#[cfg(test)]
mod tests;

pub use error::BuildError;
pub use func::{FuncBuilder, Label};
pub use intern::ConstValue;
pub use operand::Operand;
pub use session::{Edge, EffectOptions, Linear, Party, PartyParam, Picks};

pub(crate) use decl::FuncDecl;
pub(crate) use func::{Body, RawOperand, RawTarget};
pub(crate) use session::{
    ChanAt, ChanRef, DeclAt, EdgeDecl, LinearDecl, LinearRef, LocalDecl, RoleRef, ShapeDecl, StateRef,
    Unresolved, default_capacity,
};

use crate::binding;
use crate::ids::{FuncId, SymbolId};
use crate::program::{ContainerVersion, FunctionDef, Lists, Program, SpanEntry};
use crate::value_type::ValueType;
use alloc::string::ToString;
use alloc::vec::Vec;
use intern::Interner;
use opforge_schema::Isa;
use session::SessionDecls;

/// Collects the tables and functions of one program.
#[derive(Debug)]
pub struct ProgramBuilder<'isa> {
    pub(crate) isa: Isa<'isa>,
    pub(crate) program: Program,
    pub(crate) decls: Vec<FuncDecl>,
    pub(crate) session_decls: SessionDecls,
    names: Interner,
}

impl ProgramBuilder<'static> {
    /// An empty program for the VM's own instruction set.
    #[must_use]
    pub fn new() -> Self {
        ProgramBuilder::with_isa(opforge_tables::ISA)
    }
}

impl Default for ProgramBuilder<'static> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'isa> ProgramBuilder<'isa> {
    /// An empty program for an instruction set of the embedder.
    #[must_use]
    pub fn with_isa(isa: Isa<'isa>) -> Self {
        let mut builder = Self {
            isa,
            program: Program::default(),
            decls: Vec::new(),
            session_decls: SessionDecls::default(),
            names: Interner::default(),
        };
        // The empty table has room for one text, and symbol 0 is the empty one by definition of the format.
        builder.program.symbols.push("");
        builder
    }

    /// Starts the body of a declared function. Give it back with [`ProgramBuilder::define`].
    ///
    /// # Errors
    /// [`BuildError::UnknownFunction`] or [`BuildError::DefinedTwice`].
    pub fn begin(&self, id: FuncId) -> Result<FuncBuilder<'isa>, BuildError> {
        let decl = self.decls.get(id.index()).ok_or(BuildError::UnknownFunction { func: id })?;
        if decl.body.is_some() {
            return Err(BuildError::DefinedTwice { func: id });
        }
        let params = self.program.func_sig(id).map_or(0, |sig| sig.params.len());
        Ok(FuncBuilder::new(self.isa, id, params as u32))
    }

    /// Ends the body of a function: resolves its labels and puts it into the program.
    ///
    /// # Errors
    /// [`BuildError::UnplacedLabel`], [`BuildError::DefinedTwice`], [`BuildError::TooLarge`].
    pub fn define(&mut self, body: FuncBuilder<'isa>) -> Result<(), BuildError> {
        let id = body.id();
        let body = body.finish()?;
        let decl = self.decls.get_mut(id.index()).ok_or(BuildError::UnknownFunction { func: id })?;
        if decl.body.is_some() {
            return Err(BuildError::DefinedTwice { func: id });
        }
        decl.body = Some(body);
        Ok(())
    }

    /// The finished program. Code and span tables stand in the order of the functions.
    ///
    /// # Errors
    /// [`BuildError::Undefined`] if a declared function has no body, [`BuildError::TooLarge`] if a table has
    /// outgrown 32-bit indices, and what is wrong with declarations about sessions: names that mean nothing
    /// ([`BuildError::UnknownName`], [`BuildError::NoRole`], [`BuildError::NoEdge`]) or not one thing
    /// ([`BuildError::AmbiguousName`], [`BuildError::RoleOfState`]).
    pub fn finish(mut self) -> Result<Program, BuildError> {
        for (index, decl) in core::mem::take(&mut self.decls).into_iter().enumerate() {
            self.finish_function(FuncId(index as u32), decl)?;
        }
        if let Some(first) = self.resolve_sessions().into_iter().next() {
            return Err(first.error);
        }
        // Look-ups by function rely on the order.
        self.program.names.sort();
        binding::bind(&self.isa, &mut self.program);
        Ok(self.program)
    }

    fn finish_function(&mut self, func: FuncId, decl: FuncDecl) -> Result<(), BuildError> {
        if let Some(name) = decl.name {
            self.program.names.functions.push((func, name));
        }
        push_list(&mut self.program.func_sig_names, &decl.param_names, "names")?;
        push_list(&mut self.program.func_sig_names, &decl.result_names, "names")?;
        let sig = self.program.func_sig(func);
        let (params, results) = sig.map_or((0, 0), |s| (s.params.len() as u32, s.results.len() as u32));
        let (param_count, result_count) = decl.arity.unwrap_or((params, results));
        let mut inferred = params.saturating_add(1);
        let (mut code, mut spans) = (decl.code, decl.spans);
        if let Some(body) = decl.body {
            inferred = inferred.max(body.reg_count);
            self.need_version(body.version);
            if code.is_none() {
                code = Some(push_list(&mut self.program.code, &body.code, "code blobs")?);
            }
            if spans.is_none() {
                spans = Some(self.push_spans(&body.spans)?);
            }
            for (pc, name) in &body.labels {
                let symbol = self.symbol(name)?;
                self.program.names.labels.push((func, *pc, symbol));
            }
        }
        let name = decl.name.and_then(|id| self.program.symbol(id)).unwrap_or("");
        let code = code.ok_or_else(|| BuildError::Undefined { func, name: name.to_string() })?;
        let spans = match spans {
            Some(spans) => spans,
            None => self.push_spans(&[])?,
        };
        let reg_count = decl.reg_count.unwrap_or(inferred);
        self.program.functions.push(FunctionDef { param_count, result_count, reg_count, code, spans });
        Ok(())
    }

    /// Makes the program one of at least this container version.
    pub(crate) fn need_version(&mut self, version: ContainerVersion) {
        self.program.version = self.program.version.max(version);
    }

    /// Makes the program one of a container version that has these classes.
    pub(crate) fn need_classes(&mut self, classes: &[ValueType]) {
        let versions = classes.iter().map(|class| ContainerVersion::of_class(*class));
        self.need_version(versions.max().unwrap_or_default());
    }

    pub(crate) fn push_spans(&mut self, spans: &[SpanEntry]) -> Result<u32, BuildError> {
        push_list(&mut self.program.spans, spans, "span tables")
    }

    pub(crate) fn push_blob(&mut self, code: &[u8]) -> Result<u32, BuildError> {
        push_list(&mut self.program.code, code, "code blobs")
    }

    pub(crate) fn push_function_name(&mut self, func: FuncId, name: SymbolId) {
        self.program.names.functions.push((func, name));
    }

    pub(crate) fn push_label(&mut self, func: FuncId, pc: u32, name: SymbolId) {
        self.program.names.labels.push((func, pc, name));
    }
}

/// Appends an instruction with operands of any type that an [`Operand`] can be made from.
///
/// ```
/// # use opforge_vm::{ValueType, builder::ProgramBuilder};
/// # fn main() -> Result<(), opforge_vm::builder::BuildError> {
/// # let mut program = ProgramBuilder::new();
/// # let id = program.declare("f", &[ValueType::I64], &[ValueType::I64])?;
/// # let mut f = program.begin(id)?;
/// # let (n, sum) = (f.param(0), f.reg());
/// opforge_vm::emit!(f, I64Add, sum, n, n)?;
/// opforge_vm::emit!(f, Ret, &[sum])?;
/// # Ok(())
/// # }
/// ```
#[macro_export]
macro_rules! emit {
    ($func:expr, $opcode:ident $(, $operand:expr)* $(,)?) => {
        $func.emit($crate::Opcode::$opcode, &[$($crate::builder::Operand::from($operand)),*])
    };
}

/// Appends a list, or says which table is full.
pub(crate) fn push_list<T: Clone>(
    lists: &mut Lists<T>,
    items: &[T],
    what: &'static str,
) -> Result<u32, BuildError> {
    lists.push(items).ok_or(BuildError::TooLarge { what })
}
