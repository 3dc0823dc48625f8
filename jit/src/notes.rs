//! What is kept about machine code for people, where they ask for it: which bytes belong to what.
//!
//! Relies on what the code generator says of the code it made. Compiling without notes keeps nothing of this.

use cranelift_codegen::CompiledCode;
use opforge_vm::ids::FuncId;
use std::fmt;
use std::ops::Range;

/// What a stretch of machine code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NativePart {
    /// A function of the program.
    Function(FuncId),
    /// Code that asks for more fuel, called by functions.
    Refill,
    /// Code through which Rust enters this function and all others with the same classes of parameters and results.
    Enter(FuncId),
}

impl NativePart {
    /// The function that errors are told of.
    pub(crate) fn func(self) -> FuncId {
        match self {
            Self::Function(func) | Self::Enter(func) => func,
            Self::Refill => FuncId(u32::MAX),
        }
    }
}

impl fmt::Display for NativePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Function(func) => write!(f, "{func}"),
            Self::Refill => f.write_str("refill"),
            Self::Enter(func) => write!(f, "enter {func}"),
        }
    }
}

/// The notes on one part.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    pub(crate) part: NativePart,
    /// Its bytes, in the program's code.
    pub(crate) range: Range<usize>,
    /// Which bytes of the program's code come from which instruction of the function, in order.
    #[cfg(feature = "disasm")]
    pub(crate) sources: Vec<(Range<usize>, opforge_vm::ids::InstrIx)>,
    /// Where in the program's code a call names which function, in order; the one behind the last is `refill`.
    #[cfg(feature = "disasm")]
    pub(crate) calls: Vec<(usize, FuncId)>,
}

/// Notes on all parts, in the order of their code.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes {
    pub(crate) notes: Vec<Note>,
}

impl Notes {
    /// Notes a part whose code has just been made. `calls` are those of the part.
    #[cfg_attr(not(feature = "disasm"), allow(unused_variables))]
    pub(crate) fn add(
        &mut self,
        part: NativePart,
        range: Range<usize>,
        compiled: &CompiledCode,
        calls: impl Iterator<Item = (usize, FuncId)>,
    ) {
        self.notes.push(Note {
            part,
            #[cfg(feature = "disasm")]
            sources: sources(range.start, compiled),
            #[cfg(feature = "disasm")]
            calls: calls.collect(),
            range,
        });
    }
}

/// The code generator carries the numbers of instructions along as source locations.
#[cfg(feature = "disasm")]
fn sources(start: usize, compiled: &CompiledCode) -> Vec<(Range<usize>, opforge_vm::ids::InstrIx)> {
    let known = compiled.buffer.get_srclocs_sorted().iter().filter(|source| !source.loc.is_default());
    known
        .map(|source| {
            let range = start + source.start as usize..start + source.end as usize;
            (range, opforge_vm::ids::InstrIx(source.loc.bits()))
        })
        .collect()
}
