//! The tables in front of the functions, as directives in table order.

use super::funcs::{write_sig, write_spans};
use super::operand::write_const;
use super::sessions;
use super::view::View;
use crate::binding;
use crate::builder::ConstValue;
use crate::ids::{CallSigId, HostSigId, StructId};
use crate::program::{ContainerVersion, signature_hash};
use crate::text::{HexText, NameText, Quoted};
use alloc::collections::BTreeMap;
use alloc::string::String;
use core::fmt::{self, Write};

pub(super) fn write(view: &View<'_>, out: &mut String) {
    // Writing to a string does not fail.
    let _ = write_all(view, out);
}

fn write_all(view: &View<'_>, out: &mut String) -> fmt::Result {
    let program = view.program;
    if program.version() != ContainerVersion::default() {
        writeln!(out, ".version {}", program.version())?;
    }
    if view.is_exact() {
        for (index, text) in program.symbols().iter().enumerate().skip(1) {
            writeln!(out, ".symbol ${index} {}", Quoted(text))?;
        }
        for (index, text) in program.field_names().iter().enumerate() {
            writeln!(out, ".field #{index} {}", Quoted(text))?;
        }
    }
    if let Some(name) = program.names().program {
        writeln!(out, ".program {}", view.symbol(name))?;
    }
    for (index, constant) in program.constants().iter().enumerate() {
        write!(out, ".const #{index} ")?;
        write_const(out, &ConstValue::of(constant, program))?;
        out.push('\n');
    }
    write_structs(view, out)?;
    for (index, ty) in program.elem_types().iter().enumerate() {
        writeln!(out, ".elem #{index} {ty}")?;
    }
    for index in 0..program.host_sig_count() as u32 {
        let Some(host) = program.host_sig(HostSigId(index)) else { continue };
        write!(out, ".host #{index} {} ", view.symbol(host.symbol))?;
        write_sig(host.sig, out)?;
        if signature_hash(host.sig.params, host.sig.results) != host.hash {
            write!(out, " hash {:#x}", host.hash)?;
        }
        out.push('\n');
    }
    for index in 0..program.call_sig_count() as u32 {
        let Some(sig) = program.call_sig(CallSigId(index)) else { continue };
        write!(out, ".sig #{index} ")?;
        write_sig(sig, out)?;
        out.push('\n');
    }
    for (index, memory) in program.memories().iter().enumerate() {
        write!(out, ".memory #{index} ")?;
        if memory.name.0 != 0 {
            write!(out, "{} ", view.symbol(memory.name))?;
        }
        let export = if memory.exported { " export" } else { "" };
        writeln!(out, "{} {}{export}", memory.min, memory.max)?;
    }
    sessions::write(view, out)?;
    for (index, section) in program.unknown_sections().iter().enumerate() {
        if binding::is_implied(view.isa(), program, index) {
            continue;
        }
        writeln!(out, ".section {} {}", section.tag, HexText(&section.payload))?;
    }
    if !view.spans_inline {
        for (index, spans) in program.span_tables().iter().enumerate() {
            write!(out, ".spans #{index}")?;
            write_spans(spans, out)?;
            out.push('\n');
        }
    }
    Ok(())
}

fn write_structs(view: &View<'_>, out: &mut String) -> fmt::Result {
    let program = view.program;
    let mut first: BTreeMap<&str, u32> = BTreeMap::new();
    for (index, name) in (0u32..).zip(program.field_names().iter()) {
        first.entry(name).or_insert(index);
    }
    for (index, types) in program.structs().iter().enumerate() {
        write!(out, ".struct #{index} {{")?;
        let names = program.struct_field_names(StructId(index as u32)).unwrap_or(&[]);
        for (i, (ty, &name)) in types.iter().zip(names).enumerate() {
            out.push_str(if i == 0 { " " } else { ", " });
            match program.field_names().get(name as usize) {
                Some(text) if !view.is_exact() || first.get(text) == Some(&name) => {
                    write!(out, "{}: {ty}", NameText(text))?;
                }
                _ => write!(out, "#{name}: {ty}")?,
            }
        }
        out.push_str(" }\n");
    }
    Ok(())
}
