//! Direct instructions: generic cases from the JIT class column of the tables, small arms by family, and calls of the
//! shared semantic functions.

use super::Translator;
use super::pay::Cost;
use crate::error::JitError;
use crate::shims::shim;
use cranelift_codegen::ir::{
    InstBuilder, MemFlagsData as MemFlags, Value,
    condcodes::{FloatCC, IntCC},
    types,
};
use opforge_schema::{Clif, JitClass};
use opforge_tables::{ISA, Opcode};
use opforge_vm::ids::InstrIx;
use opforge_vm::lower::{SizeFuel, Slot, size_fuel};

/// Whether code may leave at a direct instruction: it may trap, or pays fuel by size.
pub(super) fn may_leave(op: Opcode) -> bool {
    ISA.op(op.didx()).is_none_or(|row| row.fuel_shift != 0 || row.traps.get() != 0)
}

impl Translator<'_> {
    pub(super) fn direct(
        &mut self,
        at: InstrIx,
        op: Opcode,
        dst: Slot,
        args: [Slot; 3],
    ) -> Result<(), JitError> {
        let row = ISA.op(op.didx()).ok_or(self.internal())?;
        let (class, clif) = (row.jit(), row.clif());
        let [a, b, _] = args;
        let value = match class {
            JitClass::Binary => {
                let (a, b) = (self.read(a), self.read(b));
                self.binary(clif, a, b)
            }
            JitClass::Compare => {
                let (a, b) = (self.read(a), self.read(b));
                self.compare(clif, a, b)
            }
            JitClass::Unary | JitClass::Convert => {
                let a = self.read(a);
                self.unary(clif, a)
            }
            JitClass::Arm | JitClass::Call | JitClass::Select => {
                let arm = self.int(at, op, args)?;
                let arm = arm.or(self.cast(at, op, args)?);
                let arm = arm.or(self.float(op, args)?);
                match arm.or(self.text(op, args)?) {
                    Some(value) => Some(value),
                    None if self.decimal(at, op, dst, args)? => return Ok(()),
                    None => return self.call_shim(at, op, dst, args, None),
                }
            }
        };
        let value = value.ok_or(self.internal())?;
        self.write(dst, value);
        Ok(())
    }

    pub(super) fn direct_imm(
        &mut self,
        at: InstrIx,
        op: Opcode,
        dst: Slot,
        a: Slot,
        imm: u32,
    ) -> Result<(), JitError> {
        self.call_shim(at, op, dst, [a, 0, 0], Some(imm))
    }

    fn binary(&mut self, clif: Clif, a: Value, b: Value) -> Option<Value> {
        let ins = self.builder.ins();
        Some(match clif {
            Clif::Iadd => ins.iadd(a, b),
            Clif::Isub => ins.isub(a, b),
            Clif::Imul => ins.imul(a, b),
            Clif::Band => ins.band(a, b),
            Clif::Bor => ins.bor(a, b),
            Clif::Bxor => ins.bxor(a, b),
            Clif::Ishl => ins.ishl(a, b),
            Clif::Sshr => ins.sshr(a, b),
            Clif::Ushr => ins.ushr(a, b),
            Clif::Fadd => ins.fadd(a, b),
            Clif::Fsub => ins.fsub(a, b),
            Clif::Fmul => ins.fmul(a, b),
            Clif::Fdiv => ins.fdiv(a, b),
            _ => return None,
        })
    }

    fn unary(&mut self, clif: Clif, a: Value) -> Option<Value> {
        Some(match clif {
            Clif::Fneg => self.builder.ins().fneg(a),
            Clif::Fabs => self.builder.ins().fabs(a),
            Clif::BoolNot => {
                let one = self.builder.ins().iconst(types::I8, 1);
                self.builder.ins().bxor(a, one)
            }
            Clif::FcvtFromSint => self.builder.ins().fcvt_from_sint(types::F64, a),
            Clif::FcvtFromUint => self.builder.ins().fcvt_from_uint(types::F64, a),
            Clif::BitcastToF64 => self.builder.ins().bitcast(types::F64, MemFlags::new(), a),
            _ => return None,
        })
    }

    fn compare(&mut self, clif: Clif, a: Value, b: Value) -> Option<Value> {
        let int = match clif {
            Clif::IcmpEq => IntCC::Equal,
            Clif::IcmpSlt => IntCC::SignedLessThan,
            Clif::IcmpSle => IntCC::SignedLessThanOrEqual,
            Clif::IcmpSgt => IntCC::SignedGreaterThan,
            Clif::IcmpSge => IntCC::SignedGreaterThanOrEqual,
            Clif::IcmpUlt => IntCC::UnsignedLessThan,
            Clif::IcmpUle => IntCC::UnsignedLessThanOrEqual,
            Clif::IcmpUgt => IntCC::UnsignedGreaterThan,
            Clif::IcmpUge => IntCC::UnsignedGreaterThanOrEqual,
            other => {
                let float = match other {
                    Clif::FcmpEq => FloatCC::Equal,
                    Clif::FcmpLt => FloatCC::LessThan,
                    Clif::FcmpLe => FloatCC::LessThanOrEqual,
                    Clif::FcmpGt => FloatCC::GreaterThan,
                    Clif::FcmpGe => FloatCC::GreaterThanOrEqual,
                    _ => return None,
                };
                return Some(self.builder.ins().fcmp(float, a, b));
            }
        };
        Some(self.builder.ins().icmp(int, a, b))
    }

    /// Calls the semantic function. A trap leaves before the instruction.
    fn call_shim(
        &mut self,
        at: InstrIx,
        op: Opcode,
        dst: Slot,
        args: [Slot; 3],
        imm: Option<u32>,
    ) -> Result<(), JitError> {
        let row = ISA.op(op.didx()).ok_or(self.internal())?;
        let address = shim(op).ok_or(self.internal())? as *const () as usize;
        let size = size_fuel(row, self.program.schedule);
        let mut slots = Vec::with_capacity(4);
        for &arg in args.iter().take(row.reads.count_ones() as usize) {
            for slot in self.types.value_at(arg) {
                let value = self.read(slot);
                slots.push(self.bits(value));
            }
        }
        // What traps has not run, so it has not paid either.
        let paid = match size {
            Some(size) => self.pay_by_size(at, size, &slots)?,
            None => None,
        };
        let exit = if row.traps.get() != 0 { Some(self.exit_unpaid(at, paid)?) } else { None };
        if let Some(imm) = imm {
            slots.push(self.immediate(types::I64, imm.into()));
        }
        let zero = self.immediate(types::I64, 0);
        slots.resize(4, zero);
        let address = self.immediate(types::I64, address as u64);
        let status = self.call_rust(address, &slots, 1);
        if let Some(exit) = exit {
            self.branch_away(status, exit);
        }
        self.tables.need_spill(2);
        self.unspill(0, self.types.value_at(dst));
        Ok(())
    }

    /// Pays for the bytes of operands, each of which is one slot with its length in the lower half.
    /// Returns the fuel.
    pub(super) fn pay_by_size(
        &mut self,
        at: InstrIx,
        size: SizeFuel,
        slots: &[Value],
    ) -> Result<Option<Value>, JitError> {
        let mut cost: Option<Value> = None;
        for (i, &slot) in slots.iter().enumerate() {
            if size.args >> i & 1 == 1 {
                let len = self.low_half(slot);
                cost = Some(match cost {
                    Some(sum) => self.builder.ins().iadd(sum, len),
                    None => len,
                });
            }
        }
        let Some(bytes) = cost else { return Ok(None) };
        let shift = self.immediate(types::I64, size.shift.into());
        let cost = self.builder.ins().ushr(bytes, shift);
        let exit = self.exit_unpaid(at, Some(cost))?;
        self.pay(Cost::BySize(cost), exit);
        Ok(Some(cost))
    }

    /// The lower 32 bits: the length of a text or bytes value.
    pub(super) fn low_half(&mut self, slot: Value) -> Value {
        let low = self.builder.ins().ireduce(types::I32, slot);
        self.builder.ins().uextend(types::I64, low)
    }
}
