//! Linear memories as declared.

use super::error::VerifyErrorKind;
use super::report::Errors;
use crate::ids::MemId;
use crate::program::{MAX_MEMORIES, MAX_PAGES, Program};

/// There are not too many, their pages make sense, their names exist, and a host finds each by its name.
pub(super) fn check(program: &Program, errors: &mut Errors) {
    let memories = program.memories();
    if memories.len() > MAX_MEMORIES {
        let (count, max) = (memories.len() as u32, MAX_MEMORIES as u32);
        errors.add(program, None, VerifyErrorKind::TooManyMemories { count, max });
        return;
    }
    for (index, def) in memories.iter().enumerate() {
        let memory = MemId(index as u32);
        if def.min > def.max || def.max > MAX_PAGES {
            let (min, max) = (def.min, def.max);
            errors.add(program, None, VerifyErrorKind::MemoryPages { memory, min, max });
        }
        let name = program.symbol(def.name);
        let taken = memories.iter().take(index).any(|other| {
            def.exported && other.exported && def.name.0 != 0 && program.symbol(other.name) == name
        });
        if name.is_none() || taken {
            errors.add(program, None, VerifyErrorKind::MemoryName { memory });
        }
    }
}
