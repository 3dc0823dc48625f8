//! Intrinsics: a few in code of their own, the rest as calls of the shared functions through the context's slots.

use super::Translator;
use crate::error::JitError;
use crate::shims::intrinsic;
use cranelift_codegen::ir::{Block, InstBuilder, Value, types};
use opforge_schema::IntrinsicRow;
use opforge_tables::{ISA, Intrinsic};
use opforge_vm::ids::{InstrIx, IntrinsicId};
use opforge_vm::intrinsics::function;
use opforge_vm::lower::{SlotList, intrinsic_size_fuel};

/// Whether code may leave at an intrinsic: it may trap, pays fuel by size, or is not registered.
pub(super) fn may_leave(id: IntrinsicId) -> bool {
    let plain = |row: &IntrinsicRow| row.traps.get() == 0 && row.fuel_shift == 0;
    !ISA.intrinsic(id.0).is_some_and(plain) || function(id).is_none()
}

impl Translator<'_> {
    pub(super) fn intrinsic(
        &mut self,
        at: InstrIx,
        id: IntrinsicId,
        args: SlotList,
        rets: SlotList,
    ) -> Result<(), JitError> {
        let ret_slots = self.function.slots(rets).to_vec();
        let values: Vec<Value> = self.function.slots(args).iter().map(|&slot| self.read(slot)).collect();
        if let Some(results) = self.own_code(id, &values) {
            for (&slot, value) in ret_slots.iter().zip(results) {
                self.write(slot, value);
            }
            return Ok(());
        }
        let size = ISA.intrinsic(id.0).and_then(|row| intrinsic_size_fuel(row, self.program.schedule));
        let paid = match size {
            Some(size) => self.pay_by_size(at, size, &values)?,
            None => None,
        };
        // What traps has not run, so it has not paid either.
        let exit = if may_leave(id) { Some(self.exit_unpaid(at, paid)?) } else { None };
        if !values.is_empty() {
            self.spill(&values);
        }
        self.call_intrinsic(id, values.len(), ret_slots.len(), exit);
        self.unspill(values.len(), ret_slots);
        Ok(())
    }

    /// Calls the function: arguments in the first slots of the context, results in those behind them.
    fn call_intrinsic(&mut self, id: IntrinsicId, args: usize, rets: usize, exit: Option<Block>) {
        self.tables.need_spill(args + rets);
        let numbers = [u64::from(id.0), args as u64, rets as u64];
        let numbers = numbers.map(|number| self.immediate(types::I64, number));
        let address = self.immediate(types::I64, intrinsic as *const () as u64);
        let status = self.call_rust(address, &numbers, 1);
        if let Some(exit) = exit {
            self.branch_away(status, exit);
        }
    }

    /// Results of those whose operations are single instructions. Each is rounded by itself, as in the function; a NaN
    /// inside a register may have any bits.
    fn own_code(&mut self, id: IntrinsicId, args: &[Value]) -> Option<Vec<Value>> {
        Some(match (Intrinsic::from_id(id.0)?, args) {
            (Intrinsic::Vec2New, &[x, y]) => vec![x, y],
            (Intrinsic::Vec2X, &[x, _]) => vec![x],
            (Intrinsic::Vec2Y, &[_, y]) => vec![y],
            (Intrinsic::Vec2Add, &[ax, ay, bx, by]) => {
                vec![self.builder.ins().fadd(ax, bx), self.builder.ins().fadd(ay, by)]
            }
            (Intrinsic::Vec2Sub, &[ax, ay, bx, by]) => {
                vec![self.builder.ins().fsub(ax, bx), self.builder.ins().fsub(ay, by)]
            }
            (Intrinsic::Vec2Mul, &[ax, ay, bx, by]) => {
                vec![self.builder.ins().fmul(ax, bx), self.builder.ins().fmul(ay, by)]
            }
            (Intrinsic::Vec2Scale, &[x, y, k]) => {
                vec![self.builder.ins().fmul(x, k), self.builder.ins().fmul(y, k)]
            }
            (Intrinsic::Vec2Neg, &[x, y]) => vec![self.builder.ins().fneg(x), self.builder.ins().fneg(y)],
            (Intrinsic::Vec2Dot, &[ax, ay, bx, by]) => vec![self.dot([ax, ay], [bx, by])],
            (Intrinsic::Vec2LengthSquared, &[x, y]) => vec![self.dot([x, y], [x, y])],
            _ => return None,
        })
    }

    fn dot(&mut self, [ax, ay]: [Value; 2], [bx, by]: [Value; 2]) -> Value {
        let x = self.builder.ins().fmul(ax, bx);
        let y = self.builder.ins().fmul(ay, by);
        self.builder.ins().fadd(x, y)
    }
}

#[cfg(test)]
mod tests {
    use super::may_leave;
    use opforge_tables::Intrinsic;
    use opforge_vm::ids::IntrinsicId;

    /// Code leaves at what may trap, so that the interpreter runs and reports it; also at an id without a function.
    #[test]
    fn code_leaves_where_the_interpreter_has_to_see() {
        for id in [0, 0x8000, u32::MAX] {
            assert!(may_leave(IntrinsicId(id)));
        }
        for intrinsic in [Intrinsic::TextFind, Intrinsic::TextFromI64] {
            assert!(may_leave(IntrinsicId(intrinsic.id())));
        }
        for intrinsic in [Intrinsic::Vec2Dot, Intrinsic::MathSin] {
            assert!(!may_leave(IntrinsicId(intrinsic.id())));
        }
    }
}
