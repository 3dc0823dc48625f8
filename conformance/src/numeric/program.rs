//! Programs of one instruction.

use super::twin::Twin;
use crate::value::CaseValue;
use opforge::builder::{BuildError, FuncBuilder, Operand, ProgramBuilder};
use opforge::ids::Reg;
use opforge::{ISA, Opcode, Program, ValueType};

/// How the operands get to the instruction, and the result out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// Operands are arguments.
    Args,
    /// Operands are constants in the code.
    Consts,
    /// The right operand is a constant, the left one an argument: the form with an immediate.
    RightConst,
    /// Operands are arguments; the result is branched on and not used otherwise.
    Branch,
    /// As `Branch`, with a constant right operand.
    RightConstBranch,
}

impl Shape {
    /// Every shape.
    pub const ALL: [Self; 5] =
        [Self::Args, Self::Consts, Self::RightConst, Self::Branch, Self::RightConstBranch];

    /// Whether the instruction can stand in a program of this shape.
    #[must_use]
    pub fn fits(self, twin: &Twin) -> bool {
        match self {
            Self::Args | Self::Consts => true,
            Self::RightConst => twin.params.len() == 2,
            Self::Branch => twin.result == "bool",
            Self::RightConstBranch => Self::RightConst.fits(twin) && Self::Branch.fits(twin),
        }
    }

    /// How many operands are arguments, from the left; the others are constants.
    fn n_args(self, operands: usize) -> usize {
        match self {
            Self::Args | Self::Branch => operands,
            Self::Consts => 0,
            Self::RightConst | Self::RightConstBranch => operands.min(1),
        }
    }

    /// Whether operands are built into the program.
    #[must_use]
    pub fn has_constants(self) -> bool {
        !matches!(self, Self::Args | Self::Branch)
    }

    /// The operands that are arguments.
    #[must_use]
    pub fn args(self, operands: &[CaseValue]) -> &[CaseValue] {
        operands.get(..self.n_args(operands.len())).unwrap_or(operands)
    }
}

fn numeric_type(name: &str) -> Result<ValueType, String> {
    Ok(match name {
        "bool" => ValueType::Bool,
        "i64" => ValueType::I64,
        "u64" => ValueType::U64,
        "f64" => ValueType::F64,
        _ => return Err(format!("{name:?} is no numeric type")),
    })
}

/// Builds a program whose only function applies the instruction to the operands.
///
/// # Errors
/// If the instruction is not numeric, or its operands cannot be written.
pub fn build(twin: &Twin, shape: Shape, operands: &[CaseValue]) -> Result<Program, String> {
    let n_args = shape.n_args(operands.len());
    let params = twin.params.iter().take(n_args).map(|ty| numeric_type(ty));
    let params = params.collect::<Result<Vec<_>, _>>()?;
    let result = numeric_type(&twin.result)?;
    build_function(twin, shape, (&params, result), operands).map_err(|error| error.to_string())
}

fn build_function(
    twin: &Twin,
    shape: Shape,
    (params, result): (&[ValueType], ValueType),
    operands: &[CaseValue],
) -> Result<Program, BuildError> {
    let mut program = ProgramBuilder::new();
    let func = program.declare("", params, &[result])?;
    let mut body = program.begin(func)?;
    let mut regs = Vec::new();
    for (index, value) in operands.iter().enumerate() {
        if index < params.len() {
            regs.push(body.param(index as u32));
        } else {
            let reg = body.reg();
            emit_constant(&mut body, reg, value)?;
            regs.push(reg);
        }
    }
    let result = body.reg();
    let mut reads = regs.into_iter();
    let rows = ISA.op(twin.didx).map_or(&[][..], |row| row.operands());
    let registers = rows.iter().map(|row| match row.access().name() {
        "write" => Operand::Reg(result),
        _ => Operand::Reg(reads.next().unwrap_or(result)),
    });
    let registers: Vec<Operand<'_>> = registers.collect();
    body.emit_didx(twin.didx, &registers)?;
    if matches!(shape, Shape::Branch | Shape::RightConstBranch) {
        emit_branch(&mut body, result)?;
    } else {
        body.emit(Opcode::Ret, &[Operand::Regs(&[result])])?;
    }
    program.define(body)?;
    program.finish()
}

fn emit_constant(body: &mut FuncBuilder<'_>, reg: Reg, value: &CaseValue) -> Result<(), BuildError> {
    let (opcode, operand) = match value {
        CaseValue::Bool(v) => (Opcode::ConstBool, Operand::Bool(*v)),
        CaseValue::I64(v) => (Opcode::ConstI64, Operand::I64(*v)),
        CaseValue::U64(v) => (Opcode::ConstU64, Operand::U64(*v)),
        CaseValue::F64(bits) => (Opcode::ConstF64, Operand::F64(f64::from_bits(*bits))),
        _ => (Opcode::ConstUnit, Operand::Bool(false)),
    };
    body.emit(opcode, &[Operand::Reg(reg), operand])
}

/// Returns true where the condition is branched on and holds, else false.
fn emit_branch(body: &mut FuncBuilder<'_>, condition: Reg) -> Result<(), BuildError> {
    let (yes, no) = (body.label(), body.label());
    body.emit(Opcode::Br, &[Operand::Reg(condition), Operand::Label(yes), Operand::Label(no)])?;
    for (label, answer) in [(yes, true), (no, false)] {
        body.place(label)?;
        let reg = body.reg();
        body.emit(Opcode::ConstBool, &[Operand::Reg(reg), Operand::Bool(answer)])?;
        body.emit(Opcode::Ret, &[Operand::Regs(&[reg])])?;
    }
    Ok(())
}
