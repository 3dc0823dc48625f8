//! Function declarations: signatures, names and shapes, before and apart from the bodies.

use super::{Body, BuildError, ProgramBuilder, push_list};
use crate::ids::{FuncId, SymbolId};
use crate::program::{AggShape, ParamShape};
use crate::value_type::ValueType;
use alloc::vec::Vec;

/// A declared function on its way to a table row.
#[derive(Debug, Default)]
pub(crate) struct FuncDecl {
    pub(crate) name: Option<SymbolId>,
    pub(crate) param_names: Vec<SymbolId>,
    pub(crate) result_names: Vec<SymbolId>,
    /// Declared counts where they differ from the signature.
    pub(crate) arity: Option<(u32, u32)>,
    /// Register count where it is not to be inferred.
    pub(crate) reg_count: Option<u32>,
    /// Code blob given by index instead of by a body.
    pub(crate) code: Option<u32>,
    /// Span table given by index.
    pub(crate) spans: Option<u32>,
    pub(crate) body: Option<Body>,
}

impl ProgramBuilder<'_> {
    /// Declares a function, so that others can call it before it is defined. An empty name leaves it without.
    ///
    /// # Errors
    /// [`BuildError::TooLarge`] if the program has no room for another function.
    pub fn declare(
        &mut self,
        name: &str,
        params: &[ValueType],
        results: &[ValueType],
    ) -> Result<FuncId, BuildError> {
        let name = if name.is_empty() { None } else { Some(self.symbol(name)?) };
        self.declare_raw(FuncDecl { name, ..FuncDecl::default() }, params, results)
    }

    pub(crate) fn declare_raw(
        &mut self,
        decl: FuncDecl,
        params: &[ValueType],
        results: &[ValueType],
    ) -> Result<FuncId, BuildError> {
        let id = u32::try_from(self.decls.len()).map_err(|_| BuildError::TooLarge { what: "functions" })?;
        self.need_classes(params);
        self.need_classes(results);
        push_list(&mut self.program.func_sigs, params, "function signatures")?;
        push_list(&mut self.program.func_sigs, results, "function signatures")?;
        self.decls.push(decl);
        Ok(FuncId(id))
    }

    /// Names the parameters of a declared function, for people; an empty text leaves one without a name.
    ///
    /// # Errors
    /// [`BuildError::NameCount`] unless there is one for each parameter.
    pub fn name_params(&mut self, func: FuncId, names: &[&str]) -> Result<(), BuildError> {
        let expected = self.program.func_sig(func).map_or(0, |sig| sig.params.len());
        let symbols = self.name_list(func, names, expected)?;
        if let Some(decl) = self.decls.get_mut(func.index()) {
            decl.param_names = symbols;
        }
        Ok(())
    }

    /// Names the results of a declared function, for people; an empty text leaves one without a name.
    ///
    /// # Errors
    /// [`BuildError::NameCount`] unless there is one for each result.
    pub fn name_results(&mut self, func: FuncId, names: &[&str]) -> Result<(), BuildError> {
        let expected = self.program.func_sig(func).map_or(0, |sig| sig.results.len());
        let symbols = self.name_list(func, names, expected)?;
        if let Some(decl) = self.decls.get_mut(func.index()) {
            decl.result_names = symbols;
        }
        Ok(())
    }

    fn name_list(
        &mut self,
        func: FuncId,
        names: &[&str],
        expected: usize,
    ) -> Result<Vec<SymbolId>, BuildError> {
        if func.index() >= self.decls.len() {
            return Err(BuildError::UnknownFunction { func });
        }
        if names.len() != expected {
            return Err(BuildError::NameCount { func, expected, got: names.len() });
        }
        names.iter().map(|name| self.symbol(name)).collect()
    }

    /// Declares the shape of an aggregate parameter, counted from 0. The verifier checks that it is one.
    pub fn shape_param(&mut self, func: FuncId, param: u32, shape: AggShape) {
        if let AggShape::Tuple(elems) = &shape {
            elems.iter().flatten().for_each(|ty| self.need_classes(&[*ty]));
        }
        self.program.param_shapes.push(ParamShape { func, param, shape });
    }
}
