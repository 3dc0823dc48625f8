//! Checks a set of tables: every row against the others, then every opcode through encoder, decoder and the
//! printer of instructions.

use super::facts;
use super::set::Tables;
use crate::codes;
use crate::exit::Exit;
use crate::failure::{Failure, Problem};
use crate::output::Out;
use opforge::codec::{Code, OperandValue, encode};
use opforge::disasm::Line;
use opforge_schema::{Encoding, Isa, OpRow, Rounding};

/// Checks and prints what was checked.
pub(super) fn check(tables: &Tables, out: &mut Out) -> Result<Exit, Failure> {
    let isa = tables.isa()?;
    let mut problems = Vec::new();
    let mut instructions = 0u32;
    for (didx, row) in isa.iter() {
        for list in [&[][..], &[0], &[u32::MAX; 3]] {
            for extreme in [Extreme::Least, Extreme::Most] {
                instructions += 1;
                if let Err(problem) = there_and_back(&isa, didx, row, list, extreme) {
                    let message = format!("{} {}: {problem}", facts::place(didx), isa.name(didx));
                    problems.push(Problem::own(codes::BAD_TABLES, &message));
                }
            }
        }
        if isa.find(isa.name(didx)) != Some(didx) {
            let message = format!("{}: the name {} finds another opcode", facts::place(didx), isa.name(didx));
            problems.push(Problem::own(codes::BAD_TABLES, &message));
        }
    }
    if !problems.is_empty() {
        return Err(Failure { problems, truncated: false });
    }
    out.line(&format!(
        "{}, version {}: ok, opcodes: {}, names: {}, classes: {}, types: {}; instructions encoded and decoded: \
         {instructions}",
        tables.name(),
        tables.version(),
        isa.iter().count(),
        isa.lookup.len(),
        isa.classes.len(),
        isa.types.len(),
    ));
    Ok(Exit::Done)
}

/// Which end of the range of a number.
#[derive(Clone, Copy, Debug)]
enum Extreme {
    Least,
    Most,
}

impl Extreme {
    fn of(self, encoding: Encoding) -> u64 {
        match (self, encoding) {
            (_, Encoding::None) | (Self::Least, _) => 0,
            (Self::Most, Encoding::Bool8) => 1,
            (Self::Most, Encoding::Rounding8) => Rounding::HalfUp.code().into(),
            (Self::Most, Encoding::U8) => u8::MAX.into(),
            (
                Self::Most,
                Encoding::Uleb32 | Encoding::Uleb32Wide | Encoding::Uleb32List | Encoding::Uleb32WideList,
            ) => u32::MAX.into(),
            (Self::Most, Encoding::Uleb32Opt) => u64::from(u32::MAX) - 1,
            (Self::Most, Encoding::Sleb64) => i64::MIN as u64,
            (Self::Most, Encoding::Uleb64 | Encoding::U64Le) => u64::MAX,
        }
    }
}

fn there_and_back(
    isa: &Isa<'_>,
    didx: u16,
    row: &OpRow,
    list: &[u32],
    extreme: Extreme,
) -> Result<(), String> {
    let operands: Vec<OperandValue<'_>> = row
        .operands()
        .iter()
        .map(|operand| match operand.enc() {
            encoding if encoding.is_list() => OperandValue::List(list),
            Encoding::Uleb32Opt => {
                OperandValue::Opt(u32::try_from(extreme.of(Encoding::Uleb32Opt)).ok().filter(|&reg| reg != 0))
            }
            encoding => OperandValue::Scalar(extreme.of(encoding)),
        })
        .collect();
    let mut bytes = Vec::new();
    encode(isa, didx, &operands, &mut bytes).map_err(|error| format!("does not encode: {error}"))?;
    if bytes.len() < usize::from(row.min_len) {
        return Err(format!("takes {} bytes, its row says {} at least", bytes.len(), row.min_len));
    }
    let code = Code::decode(isa, &bytes).map_err(|error| format!("does not decode: {error}"))?;
    let [instr] = code.instrs() else {
        return Err(format!("decodes as {} instructions", code.instrs().len()));
    };
    let decoded: Vec<OperandValue<'_>> = code.values(isa, instr).map(|(_, value)| value).collect();
    if instr.didx != didx || decoded != operands {
        return Err("decodes as another instruction".to_owned());
    }
    if !Line::new(isa, &code, instr).to_string().starts_with(isa.name(didx)) {
        return Err("prints under another name".to_owned());
    }
    Ok(())
}
