//! `opforge tables`: the opcode tables, embedded or from a folder, checked, printed and compared.

mod check;
mod diff;
pub(crate) mod facts;
mod set;

use crate::args::{TablesArgs, TablesCommand};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Out;
use set::Tables;
use std::path::Path;

/// Runs a subcommand.
pub(crate) fn tables(args: &TablesArgs, out: &mut Out) -> Result<Exit, Failure> {
    match &args.command {
        TablesCommand::Check { dir } => check::check(&open(dir.as_deref())?, out),
        TablesCommand::Dump { dir } => {
            dump(&open(dir.as_deref())?, out)?;
            Ok(Exit::Done)
        }
        TablesCommand::Diff { old, new } => {
            let diff = diff::Diff::new(&Tables::open(old)?, &Tables::open(new)?)?;
            diff.print(out);
            Ok(if diff.breaks() { Exit::Trapped } else { Exit::Done })
        }
    }
}

fn open(dir: Option<&Path>) -> Result<Tables, Failure> {
    dir.map_or_else(|| Ok(Tables::embedded()), Tables::open)
}

fn dump(tables: &Tables, out: &mut Out) -> Result<(), Failure> {
    let isa = tables.isa()?;
    out.line(&format!("{}, version {}", tables.name(), tables.version()));
    for (didx, row) in isa.iter() {
        let facts: Vec<String> = facts::of(&isa, didx, row)
            .iter()
            .filter(|fact| !fact.text.is_empty())
            .map(|fact| format!("{} {}", fact.name, fact.text))
            .collect();
        out.line(&format!("{} {:<20} {}", facts::place(didx), isa.name(didx), facts.join(" | ")));
    }
    for class in isa.classes {
        let heap = if class.heap() { ", in the heap" } else { "" };
        out.line(&format!("class {:<2} {:<12} slots {}{heap}", class.tag, class.as_str(), class.slots));
    }
    for ty in isa.types {
        out.line(&format!("type {:<12} classes {:?}", ty.as_str(), ty.slots()));
    }
    for row in isa.intrinsics {
        let facts: Vec<String> = facts::intrinsic(&isa, row)
            .iter()
            .filter(|fact| !fact.text.is_empty())
            .map(|fact| format!("{} {}", fact.name, fact.text))
            .collect();
        out.line(&format!("intrinsic {:<5} {:<24} {}", row.id.get(), row.name.as_str(), facts.join(" | ")));
    }
    Ok(())
}
