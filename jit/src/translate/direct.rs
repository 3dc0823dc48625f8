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

/// Whether it rounds a float to an integer that is a float.
const fn rounds(clif: Clif) -> bool {
    matches!(clif, Clif::Floor | Clif::Ceil | Clif::Trunc | Clif::Nearest)
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
            JitClass::Unary if rounds(clif) && !self.has_rounding() => {
                return self.call_shim(at, op, dst, args, None);
            }
            JitClass::Unary | JitClass::Convert => {
                let a = self.read(a);
                self.unary(clif, a)
            }
            JitClass::Checked => {
                let (a, b) = (self.read(a), self.read(b));
                self.checked(at, clif, a, b)?
            }
            // Those of other lowerings do not come here.
            JitClass::Load | JitClass::Store => None,
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
            Clif::Rotl => ins.rotl(a, b),
            Clif::Rotr => ins.rotr(a, b),
            Clif::Smulhi => ins.smulhi(a, b),
            Clif::Umulhi => ins.umulhi(a, b),
            _ => return self.narrow_binary(clif, a, b),
        })
    }

    /// On the low 32 bits; the result is sign-extended.
    fn narrow_binary(&mut self, clif: Clif, a: Value, b: Value) -> Option<Value> {
        let [a, b] = [a, b].map(|value| self.narrow(value));
        let ins = self.builder.ins();
        let result = match clif {
            Clif::Iadd32 => ins.iadd(a, b),
            Clif::Isub32 => ins.isub(a, b),
            Clif::Imul32 => ins.imul(a, b),
            Clif::Ishl32 => ins.ishl(a, b),
            Clif::Sshr32 => ins.sshr(a, b),
            Clif::Ushr32 => ins.ushr(a, b),
            Clif::Rotl32 => ins.rotl(a, b),
            Clif::Rotr32 => ins.rotr(a, b),
            _ => return None,
        };
        Some(self.sign_extend(result))
    }

    /// The low 32 bits.
    pub(super) fn narrow(&mut self, value: Value) -> Value {
        self.builder.ins().ireduce(types::I32, value)
    }

    pub(super) fn sign_extend(&mut self, value: Value) -> Value {
        self.builder.ins().sextend(types::I64, value)
    }

    /// Leaves on overflow.
    fn checked(&mut self, at: InstrIx, clif: Clif, a: Value, b: Value) -> Result<Option<Value>, JitError> {
        let ins = self.builder.ins();
        let (result, overflow) = match clif {
            Clif::SaddOverflow => ins.sadd_overflow(a, b),
            Clif::SsubOverflow => ins.ssub_overflow(a, b),
            Clif::SmulOverflow => ins.smul_overflow(a, b),
            Clif::UaddOverflow => ins.uadd_overflow(a, b),
            Clif::UsubOverflow => ins.usub_overflow(a, b),
            Clif::UmulOverflow => ins.umul_overflow(a, b),
            _ => return Ok(None),
        };
        let exit = self.exit_before(at)?;
        self.branch_away(overflow, exit);
        Ok(Some(result))
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
            Clif::Ineg => self.builder.ins().ineg(a),
            Clif::Bnot => self.builder.ins().bnot(a),
            Clif::Clz => self.builder.ins().clz(a),
            Clif::Ctz => self.builder.ins().ctz(a),
            Clif::Popcnt => self.builder.ins().popcnt(a),
            Clif::Sqrt => self.builder.ins().sqrt(a),
            Clif::Floor => self.builder.ins().floor(a),
            Clif::Ceil => self.builder.ins().ceil(a),
            Clif::Trunc => self.builder.ins().trunc(a),
            Clif::Nearest => self.builder.ins().nearest(a),
            Clif::FcvtToSintSat => self.builder.ins().fcvt_to_sint_sat(types::I64, a),
            Clif::FcvtToUintSat => self.builder.ins().fcvt_to_uint_sat(types::I64, a),
            _ => return self.narrow_unary(clif, a),
        })
    }

    /// On the low bits; the result is sign-extended.
    fn narrow_unary(&mut self, clif: Clif, a: Value) -> Option<Value> {
        let ty = match clif {
            Clif::Sextend8 => types::I8,
            Clif::Sextend16 => types::I16,
            Clif::Sextend32 | Clif::Clz32 | Clif::Ctz32 | Clif::Popcnt32 => types::I32,
            _ => return None,
        };
        let low = self.builder.ins().ireduce(ty, a);
        let result = match clif {
            Clif::Clz32 => self.builder.ins().clz(low),
            Clif::Ctz32 => self.builder.ins().ctz(low),
            Clif::Popcnt32 => self.builder.ins().popcnt(low),
            _ => low,
        };
        Some(self.sign_extend(result))
    }

    /// Whether the machine rounds floats to integers. Where it does not, Cranelift would call a routine of its own
    /// choice; the semantic function is called instead.
    fn has_rounding(&self) -> bool {
        // Only x86-64 has machines without, and this flag.
        self.isa.isa_flags().iter().all(|flag| flag.name != "has_sse41" || flag.as_bool() == Some(true))
    }

    fn compare(&mut self, clif: Clif, a: Value, b: Value) -> Option<Value> {
        let int = match clif {
            Clif::IcmpEq => IntCC::Equal,
            Clif::IcmpNe => IntCC::NotEqual,
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
                    Clif::FcmpNe => FloatCC::NotEqual,
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

    /// Pays for the bytes of operands, each of which is one slot with its length in the lower half, or the length itself.
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
                let len = if size.counts >> i & 1 == 1 { slot } else { self.low_half(slot) };
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
