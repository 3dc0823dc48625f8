//! What the writer needs to know about a program before it writes: which things a name or a value stands for
//! without doubt, and which parts are regular enough for the short form.

use super::body::Listing;
use super::recover::{self, Recovered};
use super::{DisasmOptions, Mode};
use crate::builder::ConstValue;
use crate::ids::{
    CallSigId, ConstId, EffectId, ElemId, FuncId, HostSigId, LayerId, MemId, ShapeId, SymbolId,
};
use crate::program::{MAX_MEMORIES, Program, Signature};
use crate::text::Quoted;
use crate::value_type::ValueType;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::fmt;
use opforge_schema::Isa;

/// A program with its look-ups.
#[derive(Debug)]
pub(super) struct View<'p> {
    pub(super) program: &'p Program,
    pub(super) options: DisasmOptions<'p>,
    /// The first symbol with a text: the one that the assembler finds.
    symbols: BTreeMap<&'p str, u32>,
    /// By function: the name, where it stands for no other function.
    func_names: Vec<Option<&'p str>>,
    /// By entry: whether the assembler finds this one when the entry is written by value or name.
    consts: Vec<bool>,
    elems: Vec<bool>,
    call_sigs: Vec<bool>,
    hosts: Vec<bool>,
    /// Whether function names, labels and shapes can stand at their functions.
    pub(super) names_inline: bool,
    pub(super) labels_inline: bool,
    pub(super) shapes_inline: bool,
    /// What is known about sessions.
    pub(super) sessions: SessionsView<'p>,
    /// Whether every function has its own code, in order; and its own span table.
    pub(super) code_inline: bool,
    pub(super) spans_inline: bool,
}

/// How what a program declares about sessions is written.
#[derive(Debug, Default)]
pub(super) struct SessionsView<'p> {
    /// Declarations that give the tables back; without them, everything is written by index.
    pub(super) recovered: Option<Recovered>,
    /// Whether types of endpoints and evidence can stand at their functions.
    pub(super) linear_inline: bool,
    /// By entry: the name, where the assembler finds this one by it.
    labels: Vec<Option<&'p str>>,
    shapes: Vec<Option<&'p str>>,
    effects: Vec<Option<&'p str>>,
    layers: Vec<Option<&'p str>>,
}

/// Marks the first of equal keys.
fn firsts<K: Ord>(keys: impl Iterator<Item = K>) -> Vec<bool> {
    let mut seen = BTreeSet::new();
    keys.map(|key| seen.insert(key)).collect()
}

impl<'p> View<'p> {
    pub(super) fn new(program: &'p Program, options: &DisasmOptions<'p>) -> Self {
        let mut symbols = BTreeMap::new();
        for (id, text) in (0u32..).zip(program.symbols().iter()) {
            symbols.entry(text).or_insert(id);
        }
        let sig_types = |sig: Signature<'p>| (sig.params, sig.results);
        let call_sigs = (0..program.call_sig_count() as u32)
            .map(|id| program.call_sig(CallSigId(id)).map_or((&[][..], &[][..]), sig_types));
        let functions = program.functions();
        let own = |f: fn(&crate::program::FunctionDef) -> u32, tables: usize| {
            functions.len() == tables && (0u32..).zip(functions).all(|(i, def)| f(def) == i)
        };
        let code_inline = own(|def| def.code, program.code_blobs().len());
        let mut view = Self {
            program,
            options: *options,
            symbols,
            func_names: Vec::new(),
            consts: firsts(program.constants().iter().map(|c| ConstValue::of(c, program).key())),
            elems: firsts(program.elem_types().iter()),
            call_sigs: firsts(call_sigs),
            hosts: Vec::new(),
            names_inline: false,
            labels_inline: false,
            shapes_inline: false,
            sessions: SessionsView::default(),
            code_inline,
            spans_inline: code_inline && own(|def| def.spans, program.span_tables().len()),
        };
        view.hosts = view.unique_hosts();
        view.names_inline = view.names_are_regular();
        view.labels_inline = code_inline && view.labels_are_regular();
        view.shapes_inline = view.shapes_are_regular();
        view.func_names = view.unique_func_names();
        view.sessions = view.sessions_view();
        view
    }

    pub(super) fn isa(&self) -> &Isa<'p> {
        &self.options.isa
    }

    pub(super) fn is_exact(&self) -> bool {
        self.options.mode == Mode::Exact
    }

    /// The text of a symbol, if the assembler finds this very symbol by it. For reading, any symbol's text.
    pub(super) fn symbol_text(&self, id: SymbolId) -> Option<&'p str> {
        let text = self.program.symbol(id)?;
        let found = self.symbols.get(text) == Some(&id.0);
        (found || !self.is_exact()).then_some(text)
    }

    /// A display of a symbol: its text in quotes, or `$index`.
    pub(super) fn symbol(&self, id: SymbolId) -> SymbolText<'p> {
        SymbolText { text: self.symbol_text(id), id }
    }

    pub(super) fn func_name(&self, id: FuncId) -> Option<&'p str> {
        self.func_names.get(id.index()).copied().flatten()
    }

    /// The constant by value, if that is short and the assembler finds this very entry.
    pub(super) fn const_inline(&self, id: ConstId) -> Option<ConstValue<'p>> {
        const MAX_TEXT: usize = 48;
        const MAX_BYTES: usize = 16;
        let value = ConstValue::of(self.program.constant(id)?, self.program);
        let short = match value {
            ConstValue::Str(text) => text.len() <= MAX_TEXT,
            ConstValue::Bytes(bytes) => bytes.len() <= MAX_BYTES,
            _ => true,
        };
        (short && self.consts.get(id.index()) == Some(&true)).then_some(value)
    }

    pub(super) fn elem_inline(&self, id: ElemId) -> Option<ValueType> {
        let ty = *self.program.elem_types().get(id.index())?;
        (self.elems.get(id.index()) == Some(&true)).then_some(ty)
    }

    pub(super) fn call_sig_inline(&self, id: CallSigId) -> Option<Signature<'p>> {
        let sig = self.program.call_sig(id)?;
        (self.call_sigs.get(id.index()) == Some(&true)).then_some(sig)
    }

    /// The text of a host import, if no other import has it.
    pub(super) fn host_inline(&self, id: HostSigId) -> Option<&'p str> {
        let host = self.program.host_sig(id)?;
        if self.hosts.get(id.index()) == Some(&true) { self.symbol_text(host.symbol) } else { None }
    }

    /// The name of a memory, if no other memory has it.
    pub(super) fn memory_name(&self, id: MemId) -> Option<&'p str> {
        let memories = self.program.memories();
        let text = |symbol: SymbolId| self.program.symbol(symbol).filter(|text| !text.is_empty());
        let name = text(memories.get(id.index())?.name)?;
        let namesakes =
            memories.iter().take(MAX_MEMORIES + 1).filter(|memory| text(memory.name) == Some(name));
        if memories.len() > MAX_MEMORIES || namesakes.count() > 1 {
            return None;
        }
        self.symbol_text(memories.get(id.index())?.name)
    }

    fn unique_hosts(&self) -> Vec<bool> {
        let hosts = || {
            (0..self.program.host_sig_count() as u32)
                .map(|id| self.program.host_sig(HostSigId(id)).and_then(|h| self.program.symbol(h.symbol)))
        };
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        for text in hosts().flatten() {
            *counts.entry(text).or_insert(0) += 1;
        }
        hosts().map(|text| text.is_some_and(|text| counts.get(text) == Some(&1))).collect()
    }

    fn sessions_view(&self) -> SessionsView<'p> {
        let tables = self.program.sessions();
        if tables.is_empty() {
            return SessionsView { linear_inline: true, ..SessionsView::default() };
        }
        let text = |symbol: SymbolId| self.symbol_text(symbol).filter(|text| !text.is_empty());
        // The assembler finds the first label of a name, but no other thing of a name that several have.
        let labels: Vec<Option<&str>> = tables.labels.iter().map(|&label| text(label)).collect();
        let first = firsts(labels.iter().copied());
        let labels = labels.into_iter().zip(first).map(|(label, first)| label.filter(|_| first)).collect();
        let unique = |names: Vec<SymbolId>| {
            let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
            for name in names.iter().filter_map(|&name| self.program.symbol(name)) {
                *counts.entry(name).or_insert(0) += 1;
            }
            let only = |name: &&str| counts.get(name) == Some(&1);
            names.iter().map(|&name| text(name).filter(only)).collect::<Vec<_>>()
        };
        SessionsView {
            recovered: recover::recover(self),
            linear_inline: recover::linear_is_regular(self),
            labels,
            shapes: unique(tables.shapes.iter().map(|shape| shape.name).collect()),
            effects: unique(tables.effects.iter().map(|effect| effect.name).collect()),
            layers: unique(tables.layers.iter().map(|layer| layer.name).collect()),
        }
    }

    /// The name of a message label, if the assembler finds it by that.
    pub(super) fn message_label(&self, id: u32) -> Option<&'p str> {
        self.sessions.labels.get(id as usize).copied().flatten()
    }

    /// The name of a shape of sessions, if no other one has it.
    pub(super) fn session_shape_name(&self, id: ShapeId) -> Option<&'p str> {
        self.sessions.shapes.get(id.index()).copied().flatten()
    }

    /// The name of an effect, if no other one has it.
    pub(super) fn effect_name(&self, id: EffectId) -> Option<&'p str> {
        self.sessions.effects.get(id.index()).copied().flatten()
    }

    /// The name of a guard layer, if no other one has it.
    pub(super) fn layer_name(&self, id: LayerId) -> Option<&'p str> {
        self.sessions.layers.get(id.index()).copied().flatten()
    }

    /// The first symbol with the text of this one, which is the one that the assembler finds.
    pub(super) fn first_symbol(&self, id: SymbolId) -> SymbolId {
        let text = self.program.symbol(id);
        text.and_then(|text| self.symbols.get(text)).map_or(id, |first| SymbolId(*first))
    }

    /// Whether function names are in order, one a function, each with a text of its own.
    fn names_are_regular(&self) -> bool {
        let mut next = 0;
        let mut seen = BTreeSet::new();
        self.program.names().functions.iter().all(|&(func, symbol)| {
            let ordered = func.index() >= next && func.index() < self.program.functions().len();
            next = func.index().saturating_add(1);
            let text = self.symbol_text(symbol).filter(|text| !text.is_empty());
            ordered && text.is_some_and(|text| seen.insert(text))
        })
    }

    fn unique_func_names(&self) -> Vec<Option<&'p str>> {
        let mut names = alloc::vec![None; self.program.functions().len()];
        // A name that stands apart from its function is no name for the assembler.
        if self.names_inline {
            for &(func, symbol) in &self.program.names().functions {
                if let Some(slot) = names.get_mut(func.index()) {
                    *slot = self.symbol_text(symbol);
                }
            }
        }
        names
    }

    /// Whether labels are in order of their places, each at the start of a line, with a text of its own.
    fn labels_are_regular(&self) -> bool {
        let labels = &self.program.names().labels;
        let ordered = labels.is_sorted_by_key(|&(func, pc, _)| (func, pc));
        ordered && labels.chunk_by(|a, b| a.0 == b.0).all(|chunk| self.chunk_is_regular(chunk))
    }

    fn chunk_is_regular(&self, labels: &[(FuncId, u32, SymbolId)]) -> bool {
        let Some(&(func, ..)) = labels.first() else { return true };
        let Some(bytes) = self.program.code(func) else { return false };
        let listing = Listing::new(self, bytes);
        let mut seen = BTreeSet::new();
        labels.iter().all(|&(_, pc, symbol)| {
            let text = self.symbol_text(symbol).filter(|text| !text.is_empty());
            listing.is_boundary(pc) && text.is_some_and(|text| seen.insert(text))
        })
    }

    /// Whether shapes are in order, one a parameter, each at an aggregate.
    fn shapes_are_regular(&self) -> bool {
        let shapes = self.program.param_shapes();
        let ordered = shapes.is_sorted_by(|a, b| (a.func, a.param) < (b.func, b.param));
        ordered
            && shapes.iter().all(|shape| {
                let sig = self.program.func_sig(shape.func);
                let ty = sig.and_then(|sig| sig.params.get(shape.param as usize));
                ty == Some(&ValueType::Agg) && shape.func.index() < self.program.functions().len()
            })
    }
}

/// Shows a symbol.
#[derive(Clone, Copy, Debug)]
pub(super) struct SymbolText<'p> {
    text: Option<&'p str>,
    id: SymbolId,
}

impl fmt::Display for SymbolText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text {
            Some(text) => write!(f, "{}", Quoted(text)),
            None => write!(f, "${}", self.id.0),
        }
    }
}
