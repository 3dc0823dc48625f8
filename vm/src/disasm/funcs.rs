//! Functions and code blobs as text.

use super::body::Listing;
use super::operand::SigText;
use super::sessions;
use super::view::View;
use crate::ids::{FuncId, SymbolId};
use crate::program::{AggShape, FunctionDef, ParamShape, Place, Signature, SpanEntry};
use crate::text::{NameText, is_plain_word};
use crate::value_type::ValueType;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};

/// Writes all code and functions, then the names that cannot stand at their functions.
pub(super) fn write(view: &View<'_>, out: &mut String) {
    // Writing to a string does not fail.
    let _ = write_all(view, out);
}

fn write_all(view: &View<'_>, out: &mut String) -> fmt::Result {
    if !view.code_inline {
        for (index, bytes) in view.program.code_blobs().iter().enumerate() {
            writeln!(out, "\n.code #{index} {{")?;
            Listing::new(view, bytes).write(view, &[], &[], out)?;
            out.push_str("}\n");
        }
    }
    let mut names = view.program.names().functions.as_slice();
    let mut labels = view.program.names().labels.as_slice();
    let mut shapes = view.program.param_shapes();
    for (func, def) in (0u32..).map(FuncId).zip(view.program.functions()) {
        let own = Own {
            name: take(&mut names, view.names_inline, |name| name.0 == func).first().map(|name| name.1),
            labels: take(&mut labels, view.labels_inline, |label| label.0 == func),
            shapes: take(&mut shapes, view.shapes_inline, |shape| shape.func == func),
        };
        write_func(view, func, def, &own, out)?;
    }
    if !names.is_empty() || !labels.is_empty() || !shapes.is_empty() {
        out.push('\n');
    }
    for &(func, symbol) in names {
        writeln!(out, ".name &{} {}", func.0, view.symbol(symbol))?;
    }
    for &(func, pc, symbol) in labels {
        writeln!(out, ".label &{} {pc} {}", func.0, view.symbol(symbol))?;
    }
    sessions::write_linear(view, out)?;
    for shape in shapes {
        write!(out, ".shape &{} {} ", shape.func.0, shape.param)?;
        write_shape(view, &shape.shape, out)?;
        out.push('\n');
    }
    Ok(())
}

/// What stands at one function.
struct Own<'p> {
    name: Option<SymbolId>,
    labels: &'p [(FuncId, u32, SymbolId)],
    shapes: &'p [ParamShape],
}

/// Takes the leading entries that belong to a function off a list, if its entries stand at functions at all.
fn take<'p, T>(list: &mut &'p [T], inline: bool, own: impl Fn(&T) -> bool) -> &'p [T] {
    let count = if inline { list.iter().position(|entry| !own(entry)).unwrap_or(list.len()) } else { 0 };
    let (taken, rest) = list.split_at(count);
    *list = rest;
    taken
}

fn write_func(
    view: &View<'_>,
    func: FuncId,
    def: &FunctionDef,
    own: &Own<'_>,
    out: &mut String,
) -> fmt::Result {
    write!(out, "\n.func &{} ", func.0)?;
    if let Some(name) = own.name.and_then(|symbol| view.symbol_text(symbol)) {
        write!(out, "{}", NameText(name))?;
    }
    let empty = Signature { params: &[], results: &[] };
    let sig = view.program.func_sig(func).unwrap_or(empty);
    let params = Params { types: sig.params, names: view.program.param_names(func), shapes: own.shapes };
    write_params(view, &params, (func, Place::Param), out)?;
    out.push_str(" -> ");
    let results = Params { types: sig.results, names: view.program.result_names(func), shapes: &[] };
    write_params(view, &results, (func, Place::Result), out)?;
    if (def.param_count as usize, def.result_count as usize) != (sig.params.len(), sig.results.len()) {
        write!(out, " arity {} {}", def.param_count, def.result_count)?;
    }
    if !view.code_inline {
        return writeln!(out, " regs {} code {} spans {}", def.reg_count, def.code, def.spans);
    }
    let listing = Listing::new(view, view.program.code(func).unwrap_or(&[]));
    let inferred = listing.reg_count.max((sig.params.len() as u32).saturating_add(1));
    if inferred != def.reg_count {
        write!(out, " regs {}", def.reg_count)?;
    }
    let mut spans: &[SpanEntry] = &[];
    if view.spans_inline {
        spans = view.program.spans(func).unwrap_or(&[]);
        out.push_str(" {\n");
        if !listing.spans_are_regular(spans) {
            out.push_str("    .spans");
            write_spans(spans, out)?;
            out.push('\n');
            spans = &[];
        }
    } else {
        writeln!(out, " spans {} {{", def.spans)?;
    }
    let labels: Vec<(u32, &str)> =
        own.labels.iter().filter_map(|&(_, pc, symbol)| Some((pc, view.symbol_text(symbol)?))).collect();
    listing.write(view, &labels, spans, out)?;
    out.push_str("}\n");
    Ok(())
}

/// Writes a span table as it is.
pub(super) fn write_spans(spans: &[SpanEntry], out: &mut String) -> fmt::Result {
    spans.iter().try_for_each(|entry| write!(out, " +{}:{}", entry.pc_delta, entry.span))
}

/// What is known of parameters or results.
struct Params<'p> {
    types: &'p [ValueType],
    names: &'p [SymbolId],
    shapes: &'p [ParamShape],
}

fn write_params(
    view: &View<'_>,
    &Params { types, names, shapes }: &Params<'_>,
    (func, place): (FuncId, fn(u32) -> Place),
    out: &mut String,
) -> fmt::Result {
    let mut words = BTreeSet::new();
    out.push('(');
    for (index, ty) in types.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        if let Some(&name) = names.get(index) {
            write_param_name(view, name, &mut words, out)?;
        }
        // Shapes stand here only if they are in order of their parameters.
        let shape = shapes.binary_search_by_key(&index, |shape| shape.param as usize);
        match shape.ok().and_then(|at| shapes.get(at)) {
            Some(shape) => write_shape(view, &shape.shape, out)?,
            None => match sessions::linear_at(view, func, place(index as u32)) {
                Some(at) => sessions::write_linear_at(view, at, out)?,
                None => write!(out, "{ty}")?,
            },
        }
    }
    out.push(')');
    Ok(())
}

/// Writes a parameter's name: as a word where it can be a register name, else in a form that is none.
fn write_param_name<'p>(
    view: &View<'p>,
    name: SymbolId,
    words: &mut BTreeSet<&'p str>,
    out: &mut String,
) -> fmt::Result {
    if name == SymbolId(0) {
        return write!(out, "_: ");
    }
    match view.symbol_text(name) {
        Some(text) if is_plain_word(text) && !is_reserved(text) && words.insert(text) => {
            write!(out, "{text}: ")
        }
        // Two parameters of one name, or a register's name: not for use in operands.
        _ => write!(out, "{}: ", view.symbol(name)),
    }
}

/// Whether a word means something else in the place of a parameter's name.
fn is_reserved(word: &str) -> bool {
    let digits = word.strip_prefix('r').unwrap_or("");
    word == "_" || !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

/// Writes a shape as the assembler reads it.
fn write_shape(view: &View<'_>, shape: &AggShape, out: &mut String) -> fmt::Result {
    match shape {
        AggShape::Tuple(elems) => {
            out.push_str("tuple(");
            for (i, elem) in elems.iter().enumerate() {
                let separator = if i == 0 { "" } else { ", " };
                match elem {
                    Some(ty) => write!(out, "{separator}{ty}")?,
                    None => write!(out, "{separator}?")?,
                }
            }
            out.push(')');
            Ok(())
        }
        AggShape::Struct(id) => write!(out, "struct #{}", id.0),
        AggShape::Array(id) => match view.elem_inline(*id) {
            Some(ty) => write!(out, "array {ty}"),
            None => write!(out, "array #{}", id.0),
        },
    }
}

/// Shows a signature.
pub(super) fn write_sig(sig: Signature<'_>, out: &mut String) -> fmt::Result {
    write!(out, "{}", SigText(sig))
}
