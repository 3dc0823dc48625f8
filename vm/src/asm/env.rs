//! What names mean: tables by name, functions by name, suggestions for names that mean nothing.

use super::error::{AsmErrorKind, Diag};
use super::lexer::Tok;
use super::lexer::Token;
use super::parser::{Parse, Parser, build_error, clip};
use super::types::{SymbolRef, class_of};
use crate::builder::{DeclAt, ProgramBuilder};
use crate::ids::{
    CallSigId, ConstId, EffectId, ElemId, FuncId, HostSigId, LayerId, MemId, ShapeId, StructId, SymbolId,
};
use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;
use opforge_schema::Isa;

/// A name as a map key.
pub(super) type Name<'s> = Cow<'s, str>;

/// One name and its entries: one, or more than one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<T> {
    pub(super) id: T,
    pub(super) ambiguous: bool,
}

/// Names of one table.
pub(super) type Names<'s, T> = BTreeMap<Name<'s>, Entry<T>>;

/// The program being built and everything that has a name in the source.
#[derive(Debug)]
pub(super) struct Env<'s, 'isa> {
    pub(super) builder: ProgramBuilder<'isa>,
    pub(super) consts: Names<'s, ConstId>,
    pub(super) structs: Names<'s, StructId>,
    /// Field names of every struct type, for `Point.x`.
    pub(super) fields: Vec<Vec<Name<'s>>>,
    pub(super) elems: Names<'s, ElemId>,
    pub(super) hosts: Names<'s, HostSigId>,
    pub(super) host_symbols: Names<'s, HostSigId>,
    pub(super) sigs: Names<'s, CallSigId>,
    pub(super) funcs: Names<'s, FuncId>,
    pub(super) memories: Names<'s, MemId>,
    /// Local types have no index that anything refers to by name: only whether a name is taken counts.
    pub(super) locals: Names<'s, ()>,
    pub(super) shapes: Names<'s, ShapeId>,
    pub(super) effects: Names<'s, EffectId>,
    pub(super) layers: Names<'s, LayerId>,
    /// Where the declarations stand that are looked up at the end, and their parts.
    pub(super) places: BTreeMap<DeclAt, Token>,
}

/// Adds a name; a second one makes it ambiguous. Returns whether it was new.
pub(super) fn add<'s, T: Copy>(names: &mut Names<'s, T>, name: Name<'s>, id: T) -> bool {
    match names.get_mut(&name) {
        Some(entry) => {
            entry.ambiguous = true;
            false
        }
        None => {
            names.insert(name, Entry { id, ambiguous: false });
            true
        }
    }
}

/// What the name at the cursor means in a table; takes it.
pub(super) fn resolve<'s, T: Copy>(parser: &mut Parser<'s>, names: &Names<'s, T>, what: &str) -> Parse<T> {
    let place = parser.token();
    let name = parser.name(what)?;
    match names.get(&name) {
        Some(Entry { id, ambiguous: false }) => Ok(*id),
        Some(_) => {
            let message = format!("`{}` names more than one {what}", clip(&name));
            let diag = parser.error_at(place, AsmErrorKind::AmbiguousName, message);
            Err(diag.hint("use the index instead"))
        }
        None => {
            let message = format!("there is no {what} `{}`", clip(&name));
            let diag = parser.error_at(place, AsmErrorKind::UndefinedName, message);
            Err(suggest(diag, &name, names.keys().map(|key| &**key)))
        }
    }
}

impl<'s, 'isa> Env<'s, 'isa> {
    pub(super) fn new(isa: Isa<'isa>) -> Self {
        Self {
            builder: ProgramBuilder::with_isa(isa),
            consts: Names::new(),
            structs: Names::new(),
            fields: Vec::new(),
            elems: Names::new(),
            hosts: Names::new(),
            host_symbols: Names::new(),
            sigs: Names::new(),
            funcs: Names::new(),
            memories: Names::new(),
            locals: Names::new(),
            shapes: Names::new(),
            effects: Names::new(),
            layers: Names::new(),
            places: BTreeMap::new(),
        }
    }

    /// A struct type: `#index` or a name.
    pub(super) fn struct_ref(&self, parser: &mut Parser<'s>) -> Parse<StructId> {
        match parser.index(b'#', "a struct type index")? {
            Some(index) => Ok(StructId(index)),
            None => resolve(parser, &self.structs, "struct type"),
        }
    }

    /// An array element type: `#index`, a name, or a type, which is interned.
    pub(super) fn elem_ref(&mut self, parser: &mut Parser<'s>) -> Parse<ElemId> {
        if let Some(index) = parser.index(b'#', "an element type index")? {
            return Ok(ElemId(index));
        }
        let place = parser.token();
        if parser.is(Tok::Word) && class_of(parser.here()).is_some() {
            let ty = parser.value_type()?;
            return self.builder.elem_type(ty).map_err(build_error(parser, place));
        }
        resolve(parser, &self.elems, "element type")
    }

    /// A function: `&index` or `&name`.
    pub(super) fn func_ref(&self, parser: &mut Parser<'s>) -> Parse<FuncId> {
        parser.expect_punct(b'&')?;
        if parser.is(Tok::Number) {
            return parser.u32("a function index").map(FuncId);
        }
        resolve(parser, &self.funcs, "function")
    }

    /// The symbol of a reference.
    pub(super) fn symbol(&mut self, parser: &Parser<'s>, symbol: &SymbolRef<'s>) -> Parse<SymbolId> {
        match symbol {
            SymbolRef::Index(index) => Ok(SymbolId(*index)),
            SymbolRef::Text(text) => self.builder.symbol(text).map_err(build_error(parser, parser.token())),
        }
    }
}

/// Adds a hint with the nearest of the known names.
pub(super) fn suggest<'n>(diag: Diag, name: &str, known: impl Iterator<Item = &'n str>) -> Diag {
    const MAX_DISTANCE: usize = 2;
    // Names that are compared, so that one error stays cheap however many names there are.
    const MAX_KNOWN: usize = 500;
    if name.len() > 32 {
        return diag;
    }
    let best = known
        .take(MAX_KNOWN)
        .filter(|other| other.len().abs_diff(name.len()) <= MAX_DISTANCE)
        .map(|other| (distance(name.as_bytes(), other.as_bytes()), other))
        .filter(|&(d, other)| d <= MAX_DISTANCE && d < other.len())
        .min();
    match best {
        Some((_, other)) => diag.hint(format!("did you mean `{other}`?")),
        None => diag,
    }
}

/// Edits between two short texts: insertions, deletions, replacements.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(b) {
            let cost = if x == y { diagonal } else { 1 + diagonal.min(*cell).min(left) };
            diagonal = *cell;
            *cell = cost;
            left = cost;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}
