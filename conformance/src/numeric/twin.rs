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

/// All instructions with a twin.
#[derive(Clone, Debug)]
pub struct Twins {
    /// Those that mean exactly the same.
    pub same: Vec<Twin>,
    /// Those that differ on purpose, and in what.
    pub deviating: Vec<(Twin, String)>,
}

impl Twins {
    /// The twins that the opcode spec names. Constants have no operands to vary and are left out.
    ///
    /// # Errors
    /// If the docs of the tables cannot be read, or name an opcode that the tables do not have.
    pub fn from_tables() -> Result<Self, String> {
        let docs = opforge_tables::docs().map_err(|error| error.to_string())?;
        let (mut same, mut deviating) = (Vec::new(), Vec::new());
        for doc in docs.ops.iter().filter(|doc| !doc.wasm.is_empty()) {
            let twin = Twin::of(doc)?;
            match (twin.params.is_empty(), doc.deviates.is_empty()) {
                (true, _) => {}
                (false, true) => same.push(twin),
                (false, false) => deviating.push((twin, doc.deviates.clone())),
            }
        }
        Ok(Self { same, deviating })
    }
}

impl Twin {
    fn of(doc: &OpDoc) -> Result<Self, String> {
        let row = ISA.op(doc.didx).ok_or_else(|| format!("the tables have no opcode {:#x}", doc.didx))?;
        let types = |access: &str| {
            let operands = row.operands().iter().filter(|operand| operand.access().name() == access);
            operands.map(|operand| operand.ty().name().to_owned()).collect::<Vec<_>>()
        };
        let result = types("write").pop().unwrap_or_default();
        Ok(Self { didx: doc.didx, wasm: doc.wasm.clone(), params: types("read"), result })
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
