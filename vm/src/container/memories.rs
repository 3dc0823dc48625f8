//! Section 128, linear memories: a count, then least pages, most pages, a flag that is 1 for an exported memory, and a
//! symbol id, 0 for a memory without a name. Left out when there are none. Whether the pages make sense and the symbol
//! exists is for the verifier to check.

use super::encode_error::EntryError;
use super::reader::{Reader, Result};
use super::writer::Writer;
use crate::ids::SymbolId;
use crate::program::{MemoryDef, Program};

/// The least bytes of an entry: two numbers, a flag, a symbol id.
const MIN_BYTES: usize = 4;

pub(super) fn read(r: &mut Reader<'_>, program: &mut Program) -> Result<()> {
    let count = r.count(MIN_BYTES)?;
    r.reserve(program.memories.try_reserve_exact(count))?;
    for _ in 0..count {
        let (min, max) = (r.uleb32()?, r.uleb32()?);
        let exported = r.flag()?;
        program.memories.push(MemoryDef { min, max, exported, name: SymbolId(r.uleb32()?) });
    }
    Ok(())
}

pub(super) fn is_present(program: &Program) -> bool {
    !program.memories.is_empty()
}

pub(super) fn write(program: &Program, w: &mut Writer) -> core::result::Result<(), EntryError> {
    w.count(program.memories.len());
    for memory in &program.memories {
        w.uleb32(memory.min);
        w.uleb32(memory.max);
        w.u8(u8::from(memory.exported));
        w.uleb32(memory.name.0);
    }
    Ok(())
}
