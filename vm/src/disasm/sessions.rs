//! What a program declares about sessions, as directives.

use super::operand::SigText;
use super::recover::{Recovered, edge_words};
use super::view::View;
use crate::builder::{ChanAt, ChanRef, EdgeDecl, LinearDecl, LinearRef, RoleRef, ShapeDecl, StateRef};
use crate::ids::{EffectId, FuncId, LayerId, ShapeId, SymbolId};
use crate::program::{ChanType, EdgeDef, LinearType, PayloadDef, Place, ShapeDef};
use crate::protocol::{StateId, StateKind};
use crate::text::{NameText, Quoted};
use alloc::string::String;
use core::fmt::{self, Write};

/// Writes all declarations that stand in front of the functions.
pub(super) fn write(view: &View<'_>, out: &mut String) -> fmt::Result {
    let sessions = view.program.sessions();
    let recovered = view.sessions.recovered.as_ref();
    if recovered.is_none_or(|recovered| recovered.names) {
        for (index, role) in sessions.roles.iter().enumerate() {
            writeln!(out, ".role #{index} {}", Named { view, unique: None, symbol: *role })?;
        }
        for (index, label) in sessions.labels.iter().enumerate() {
            writeln!(out, ".label #{index} {}", Named { view, unique: None, symbol: *label })?;
        }
    }
    for (id, layer) in (0u32..).zip(&sessions.layers) {
        let name = Named { view, unique: view.layer_name(LayerId(id)), symbol: layer.name };
        writeln!(out, ".layer #{id} {name} {}", layer.capacity)?;
    }
    for (id, effect) in (0u32..).zip(&sessions.effects) {
        let Some(sig) = sessions.effect_sig(EffectId(id)) else { continue };
        let name = Named { view, unique: view.effect_name(EffectId(id)), symbol: effect.name };
        write!(out, ".effect #{id} {name} {}", SigText(sig))?;
        if effect.capability.0 != 0 {
            write!(out, " capability {}", Named { view, unique: None, symbol: effect.capability })?;
        }
        out.push_str(if effect.speculative { " speculative\n" } else { "\n" });
    }
    match recovered {
        Some(recovered) => write_recovered(view, recovered, out),
        None => write_tables(view, out),
    }
}

/// The name of an entry: a word where the assembler finds the entry by it, else a text or symbol that names it.
struct Named<'a, 'p> {
    view: &'a View<'p>,
    unique: Option<&'p str>,
    symbol: SymbolId,
}

impl fmt::Display for Named<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.unique {
            Some(name) => write!(f, "{}", NameText(name)),
            // Names are never empty in text.
            None if self.view.symbol_text(self.symbol) == Some("") => f.write_str("$0"),
            None => write!(f, "{}", self.view.symbol(self.symbol)),
        }
    }
}

fn write_recovered(view: &View<'_>, recovered: &Recovered, out: &mut String) -> fmt::Result {
    for local in &recovered.locals {
        write!(out, ".local {} = ", NameText(&local.name))?;
        write_state(&local.entry, out)?;
        out.push('\n');
    }
    for (id, (shape, projected)) in recovered.shapes.iter().enumerate() {
        write!(out, ".shape #{id} {}", NameText(&shape.name))?;
        if *projected {
            let global = view.program.symbol(shape.global).unwrap_or("");
            write!(out, " = {global}")?;
        } else {
            write_roles(view, shape, out)?;
        }
        for edge in &shape.edges {
            write_edge(edge, out)?;
        }
        out.push('\n');
    }
    Ok(())
}

fn write_roles(view: &View<'_>, shape: &ShapeDecl, out: &mut String) -> fmt::Result {
    out.push_str(" {");
    for (i, (role, state)) in shape.roles.iter().enumerate() {
        let name =
            view.program.sessions().roles.get(usize::from(role.0)).and_then(|&name| view.symbol_text(name));
        write!(out, "{} {}: ", if i == 0 { "" } else { "," }, NameText(name.unwrap_or("")))?;
        write_state(state, out)?;
    }
    out.push_str(" }");
    if shape.global.0 != 0 {
        write!(out, " global {}", view.symbol(shape.global))?;
    }
    Ok(())
}

fn write_edge(edge: &EdgeDecl, out: &mut String) -> fmt::Result {
    out.push_str("\n    edge ");
    write_role(&edge.from, out)?;
    out.push_str(" -> ");
    write_role(&edge.to, out)?;
    out.push_str(&edge_words(edge.policy, edge.capacity, edge.max));
    Ok(())
}

fn write_role(role: &RoleRef, out: &mut String) -> fmt::Result {
    match role {
        RoleRef::Name(name) => write!(out, "{}", NameText(name)),
        RoleRef::Place(place) => write!(out, "{place}"),
    }
}

fn write_state(state: &StateRef, out: &mut String) -> fmt::Result {
    match state {
        // The words of types are no names without quotes.
        StateRef::Local(name) if matches!(name.as_str(), "end" | "mu") => write!(out, "{}", Quoted(name)),
        StateRef::Local(name) => write!(out, "{}", NameText(name)),
        StateRef::Type(ty) => write!(out, "{ty}"),
        StateRef::Index(state) => write!(out, "#{}", state.0),
    }
}

/// Writes the tables entry by entry.
fn write_tables(view: &View<'_>, out: &mut String) -> fmt::Result {
    let sessions = view.program.sessions();
    for (index, payload) in sessions.payloads.iter().enumerate() {
        write!(out, ".payload #{index} ")?;
        match payload {
            PayloadDef::Value(ty) => write!(out, "{ty}")?,
            PayloadDef::Tuple(elements) => {
                out.push_str("tuple(");
                for (i, element) in elements.iter().enumerate() {
                    write!(out, "{}#{}", if i == 0 { "" } else { ", " }, element.0)?;
                }
                out.push(')');
            }
            PayloadDef::Chan(chan) => write_chan_ids(*chan, out)?,
        }
        out.push('\n');
    }
    for id in (0..sessions.states.len() as u32).map(StateId) {
        write!(out, ".state #{} ", id.0)?;
        match sessions.kind(id) {
            StateKind::End => {
                out.push_str("end\n");
                continue;
            }
            StateKind::Send(role) => write!(out, "send #{} {{", role.0)?,
            StateKind::Recv(role) => write!(out, "recv #{} {{", role.0)?,
        }
        for (i, branch) in sessions.branches_of(id).iter().enumerate() {
            let (label, payload, next) = (branch.label.0, branch.payload.0, branch.next.0);
            write!(out, "{} #{label}(#{payload}) -> #{next}", if i == 0 { "" } else { "," })?;
        }
        out.push_str(" }\n");
    }
    for (index, local) in sessions.locals.iter().enumerate() {
        let name = Named { view, unique: None, symbol: local.name };
        writeln!(out, ".local #{index} {name} = #{}", local.entry.0)?;
    }
    for (id, shape) in (0u32..).map(ShapeId).zip(&sessions.shapes) {
        write_shape(view, id, shape, out)?;
    }
    Ok(())
}

fn write_shape(view: &View<'_>, id: ShapeId, shape: &ShapeDef, out: &mut String) -> fmt::Result {
    let sessions = view.program.sessions();
    let name = Named { view, unique: None, symbol: shape.name };
    write!(out, ".shape #{} {name} raw {{", id.0)?;
    for (i, role) in sessions.roles_of(id).iter().enumerate() {
        write!(out, "{} #{}: #{}", if i == 0 { "" } else { "," }, role.role.0, role.entry.0)?;
    }
    out.push_str(" }");
    if shape.global.0 != 0 {
        write!(out, " global {}", view.symbol(shape.global))?;
    }
    for EdgeDef { from, to, policy, capacity, max } in sessions.edges_of(id).iter().copied() {
        write!(out, "\n    edge {from} -> {to}{}", edge_words(policy, capacity, max))?;
    }
    out.push('\n');
    Ok(())
}

fn write_chan_ids(chan: ChanType, out: &mut String) -> fmt::Result {
    write!(out, "chan(#{}, {}, #{})", chan.shape.0, chan.role, chan.state.0)
}

/// Writes the types of parameters and results that cannot stand at their functions.
pub(super) fn write_linear(view: &View<'_>, out: &mut String) -> fmt::Result {
    if view.sessions.linear_inline {
        return Ok(());
    }
    for index in 0..view.program.sessions().linear.len() {
        let Some(def) = view.program.sessions().linear.get(index) else { break };
        let (word, place) = match def.place {
            Place::Param(place) => ("param", place),
            Place::Result(place) => ("result", place),
        };
        write!(out, ".linear &{} {word} {place} ", def.func.0)?;
        write_linear_at(view, index, out)?;
        out.push('\n');
    }
    Ok(())
}

/// Where the type of a parameter or result stands in the table of linear types, if it can be written at its function.
pub(super) fn linear_at(view: &View<'_>, func: FuncId, place: Place) -> Option<usize> {
    let linear = &view.program.sessions().linear;
    let found = linear.binary_search_by_key(&(func, place), |def| (def.func, def.place)).ok();
    found.filter(|_| view.sessions.linear_inline)
}

/// The type in one entry of the table of linear types.
pub(super) fn write_linear_at(view: &View<'_>, index: usize, out: &mut String) -> fmt::Result {
    let recovered = view.sessions.recovered.as_ref().and_then(|recovered| recovered.linear.get(index));
    match recovered {
        Some(LinearDecl { ty: LinearRef::Chan(chan), .. }) => write_chan(view, "chan", chan, out),
        Some(LinearDecl { ty: LinearRef::Handle(chan), .. }) => write_chan(view, "handle", chan, out),
        Some(LinearDecl { ty: LinearRef::Evidence(layer), .. }) => write_evidence(view, *layer, out),
        None => match view.program.sessions().linear.get(index).map(|def| def.ty) {
            Some(LinearType::Chan(chan)) => write_chan_ids(chan, out),
            Some(LinearType::Handle(chan)) => {
                write!(out, "handle(#{}, {}, #{})", chan.shape.0, chan.role, chan.state.0)
            }
            Some(LinearType::Evidence(layer)) => write_evidence(view, layer, out),
            None => Ok(()),
        },
    }
}

fn write_evidence(view: &View<'_>, layer: LayerId, out: &mut String) -> fmt::Result {
    match view.layer_name(layer) {
        Some(name) => write!(out, "evidence({})", NameText(name)),
        None => write!(out, "evidence(#{})", layer.0),
    }
}

fn write_chan(view: &View<'_>, word: &str, chan: &ChanRef, out: &mut String) -> fmt::Result {
    match view.session_shape_name(chan.shape) {
        Some(name) => write!(out, "{word}({}, ", NameText(name))?,
        None => write!(out, "{word}(#{}, ", chan.shape.0)?,
    }
    match &chan.at {
        ChanAt::Either(name) => write!(out, "{}", NameText(name))?,
        ChanAt::Role(role, state) => {
            write_role(role, out)?;
            if let Some(state) = state {
                out.push_str(", ");
                write_state(state, out)?;
            }
        }
    }
    out.push(')');
    Ok(())
}
