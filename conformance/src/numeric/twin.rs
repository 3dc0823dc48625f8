//! Instructions that mean the same as a WebAssembly instruction, from the opcode tables and their docs.

use super::row::Row;
use crate::value::CaseValue;
use opforge::ISA;
use opforge_tables::docs::OpDoc;
use std::fmt;

/// An instruction with a WebAssembly twin. Types are named as in the spec: `i64`, `f64`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Twin {
    /// Its place in the op table.
    pub didx: u16,
    /// The WebAssembly instruction.
    pub wasm: String,
    /// Types of the registers it reads.
    pub params: Vec<String>,
    /// Type of the register it writes.
    pub result: String,
}

/// Operations on 32-bit integers that need no instruction of their own: those on 64 bits keep sign-extended numbers
/// such, and keep their order, also the unsigned one.
const NARROW: &[(&str, &str)] = &[
    ("i32.and", "i64.and"),
    ("i32.or", "i64.or"),
    ("i32.xor", "i64.xor"),
    ("i32.eq", "i64.eq"),
    ("i32.ne", "i64.ne"),
    ("i32.lt_s", "i64.lt"),
    ("i32.le_s", "i64.le"),
    ("i32.gt_s", "i64.gt"),
    ("i32.ge_s", "i64.ge"),
    ("i32.lt_u", "u64.lt"),
    ("i32.le_u", "u64.le"),
    ("i32.gt_u", "u64.gt"),
    ("i32.ge_u", "u64.ge"),
    ("i32.extend8_s", "i64.extend8_s"),
    ("i32.extend16_s", "i64.extend16_s"),
    ("i32.wrap_i64", "i64.extend32_s"),
    ("i64.extend_i32_s", "i64.extend32_s"),
    ("f64.convert_i32_s", "i64.to_f64"),
];

/// Lowerings of what works on linear memory.
const MEMORY: [&str; 3] = ["load", "store", "memory"];

/// All instructions with a twin.
#[derive(Clone, Debug)]
pub struct Twins {
    /// Those that mean exactly the same, also as what serves for 32-bit integers.
    pub same: Vec<Twin>,
    /// Those that differ on purpose, and in what.
    pub deviating: Vec<(Twin, String)>,
}

impl Twins {
    /// The twins that the opcode spec names. Constants have no operands to vary and are left out; so is what reads or writes
    /// linear memory, which no row of numbers is about.
    ///
    /// # Errors
    /// If the docs of the tables cannot be read, or name an opcode that the tables do not have.
    pub fn from_tables() -> Result<Self, String> {
        let docs = opforge_tables::docs().map_err(|error| error.to_string())?;
        let (mut same, mut deviating) = (Vec::new(), Vec::new());
        let numeric = |didx| ISA.op(didx).is_some_and(|row| !MEMORY.contains(&row.lower().name()));
        for doc in docs.ops.iter().filter(|doc| !doc.wasm.is_empty() && numeric(doc.didx)) {
            let twin = Twin::of(doc)?;
            match (twin.params.is_empty(), doc.deviates.is_empty()) {
                (true, _) => {}
                (false, true) => same.push(twin),
                (false, false) => deviating.push((twin, doc.deviates.clone())),
            }
        }
        for &(wasm, mnemonic) in NARROW {
            let didx = ISA.find(mnemonic).ok_or_else(|| format!("there is no instruction {mnemonic}"))?;
            same.push(Twin::new(didx, wasm)?);
        }
        Ok(Self { same, deviating })
    }
}

impl Twins {
    /// Whether an instruction means the same as a WebAssembly operation, for some operands at least.
    #[must_use]
    pub fn map(&self, op: &str) -> bool {
        self.same.iter().chain(self.deviating.iter().map(|(twin, _)| twin)).any(|twin| twin.wasm == op)
    }
}

impl Twin {
    fn of(doc: &OpDoc) -> Result<Self, String> {
        Self::new(doc.didx, &doc.wasm)
    }

    fn new(didx: u16, wasm: &str) -> Result<Self, String> {
        let row = ISA.op(didx).ok_or_else(|| format!("the tables have no opcode {didx:#x}"))?;
        let types = |access: &str| {
            let operands = row.operands().iter().filter(|operand| operand.access().name() == access);
            operands.map(|operand| operand.ty().name().to_owned()).collect::<Vec<_>>()
        };
        let result = types("write").pop().unwrap_or_default();
        Ok(Self { didx, wasm: wasm.to_owned(), params: types("read"), result })
    }

    /// For one that deviates: whether it means the same for these operands all the same. Of what is not known here,
    /// nothing is said to be the same.
    #[must_use]
    pub fn same_for(&self, row: &Row) -> bool {
        let &[a, b] = row.operands.as_slice() else {
            let &[a] = row.operands.as_slice() else { return false };
            let a = f64::from_bits(a);
            return match ISA.name(self.didx) {
                "f64.to_u64" => !(a > -1.0 && a < 0.0),
                "f64.to_bits" => !a.is_nan(),
                _ => false,
            };
        };
        match ISA.name(self.didx) {
            "i64.rem" => (a, b) != (1 << 63, u64::MAX),
            "f64.copysign" => !f64::from_bits(b).is_nan(),
            _ => false,
        }
    }

    /// The operands of a row as values.
    ///
    /// # Errors
    /// If their number is not that of the registers the instruction reads, or a type is not numeric.
    pub fn operands(&self, row: &Row) -> Result<Vec<CaseValue>, String> {
        if row.operands.len() != self.params.len() {
            return Err(format!("{} operands, {self} reads {}", row.operands.len(), self.params.len()));
        }
        self.params.iter().zip(&row.operands).map(|(ty, &bits)| self.value(ty, bits)).collect()
    }

    /// A value of a type from its bits.
    ///
    /// # Errors
    /// If the type is not numeric, or a truth value is neither 0 nor 1.
    pub fn value(&self, ty: &str, bits: u64) -> Result<CaseValue, String> {
        Ok(match (ty, bits) {
            ("i64", _) => CaseValue::I64(bits.cast_signed()),
            ("u64", _) => CaseValue::U64(bits),
            ("f64", _) => CaseValue::F64(bits),
            ("bool", 0 | 1) => CaseValue::Bool(bits == 1),
            _ => return Err(format!("{bits:#x} is no {ty} of {self}")),
        })
    }
}

impl fmt::Display for Twin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for {}", ISA.name(self.didx), self.wasm)
    }
}
