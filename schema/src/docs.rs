//! The docs blob: what tools and documentation show about opcodes, and no engine needs. Variable in length,
//! so it is written with bincode 2 (standard configuration) and read with a limit. Behind feature `docs`.

use alloc::string::String;
use alloc::vec::Vec;
use bincode::config::{Configuration, Limit, LittleEndian, Varint};
use bincode::{Decode, Encode};

/// Most bytes that are read or written.
pub const MAX_DOCS_BYTES: usize = 1 << 20;

const CONFIG: Configuration<LittleEndian, Varint, Limit<MAX_DOCS_BYTES>> =
    bincode::config::standard().with_limit::<MAX_DOCS_BYTES>();

/// The docs of an instruction set.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Docs {
    /// Version of the instruction set.
    pub isa_version: u32,
    /// Opcodes in didx order.
    pub ops: Vec<OpDoc>,
    /// Intrinsics in id order.
    pub intrinsics: Vec<IntrinsicDoc>,
}

/// The docs of one intrinsic.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct IntrinsicDoc {
    /// Its id.
    pub id: u16,
    /// Name in text.
    pub name: String,
    /// What it computes.
    pub doc: String,
    /// Argument names, in order.
    pub args: Vec<String>,
    /// Trap codes in the order in which they are checked.
    pub traps: Vec<u8>,
    /// The function, as `module::function`.
    pub sem: String,
    /// Examples: instructions with registers from 1 on.
    pub examples: Vec<ExampleDoc>,
}

/// The docs of one opcode.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct OpDoc {
    /// Position in the op table.
    pub didx: u16,
    /// Variant name in `Opcode`.
    pub name: String,
    /// What it does.
    pub doc: String,
    /// Operand names in encoding order.
    pub operands: Vec<String>,
    /// Trap codes in the order in which they are checked.
    pub traps: Vec<u8>,
    /// Semantic function as `module::function`; empty if it has none.
    pub sem: String,
    /// The WebAssembly instruction with the same semantics; empty if there is none.
    pub wasm: String,
    /// Where it deviates from that instruction; empty if nowhere.
    pub deviates: String,
    /// Examples.
    pub examples: Vec<ExampleDoc>,
}

/// One example.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ExampleDoc {
    /// One line of assembler.
    pub text: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Values in and out, or the trap, as JSON: `{"in":[..],"out":[..]}` or `{"in":[..],"trap":".."}`. Empty if the
    /// example says nothing about values; its text may then name what [`EXAMPLE_PROGRAM`] declares.
    pub json: String,
}

/// What stands in [`EXAMPLE_PROGRAM`] for the line of an example.
pub const EXAMPLE_LINE: &str = "; the example";

/// The program in which an example without values stands, with the example in place of [`EXAMPLE_LINE`]. It declares
/// one thing of each table that operands may name. It assembles; whether it verifies depends on the example.
pub const EXAMPLE_PROGRAM: &str = "\
.const greeting = \"hello\"
.struct Point { x: f64, y: f64 }
.elem ints = i64
.host ask = \"env.ask\" (i64, i64) -> (i64, i64)
.sig pair (i64, i64) -> (i64, i64)
.memory heap 1 16
.func callee(a: i64, b: i64) -> (i64, i64) {
    ret (a, b)
}
.func example() -> (i64, i64) {
@back:
    ; the example
@next:
    jmp @back
}
";

/// Why docs could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocsError(String);

impl core::fmt::Display for DocsError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "docs blob: {}", self.0)
    }
}

impl core::error::Error for DocsError {}

impl Docs {
    /// Reads the blob. Never takes more memory than a small multiple of its length.
    ///
    /// # Errors
    /// If the bytes are cut short, too long, or not docs.
    pub fn read(bytes: &[u8]) -> Result<Self, DocsError> {
        let (docs, used) = bincode::decode_from_slice(bytes, CONFIG)
            .map_err(|e| DocsError(alloc::format!("cannot be read: {e}")))?;
        match bytes.len() - used {
            0 => Ok(docs),
            more => Err(DocsError(alloc::format!("{more} bytes too many"))),
        }
    }

    /// Writes the blob.
    ///
    /// # Errors
    /// If it is over [`MAX_DOCS_BYTES`].
    pub fn write(&self) -> Result<Vec<u8>, DocsError> {
        bincode::encode_to_vec(self, CONFIG).map_err(|e| DocsError(alloc::format!("cannot be written: {e}")))
    }

    /// The docs of the intrinsic with this name.
    #[must_use]
    pub fn intrinsic(&self, name: &str) -> Option<&IntrinsicDoc> {
        self.intrinsics.iter().find(|intrinsic| intrinsic.name == name)
    }

    /// The docs of opcode `didx`.
    #[must_use]
    pub fn op(&self, didx: u16) -> Option<&OpDoc> {
        let at = self.ops.binary_search_by_key(&didx, |op| op.didx).ok()?;
        self.ops.get(at)
    }
}
