//! Fuel in code: where it is taken and given back.

use super::Translator;
use crate::error::JitError;
use crate::fuel::Charge;
use crate::meter;
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, Value, condcodes::IntCC, types};
use opforge_vm::ids::InstrIx;

/// Fuel that code takes.
#[derive(Clone, Copy)]
pub(super) enum Cost {
    /// As much as is known when it is compiled.
    Fixed(u64),
    /// As much as a 64-bit value says when it runs.
    BySize(Value),
}

impl Translator<'_> {
    /// Charges the fuel of a segment at its start.
    pub(super) fn charge(&mut self, index: usize) -> Result<(), JitError> {
        let cost = match self.charges.at_start(index) {
            Charge::Take(cost) => cost,
            Charge::GiveBack(spare) => {
                self.give_back(spare);
                return Ok(());
            }
        };
        let live = self.analysis.live_in.get(index).ok_or(self.internal())?.clone();
        // What is taken is given back where this exit is taken.
        let exit = self.exit(self.segment.start, &live, cost)?;
        self.pay(Cost::Fixed(cost), exit);
        Ok(())
    }

    pub(super) fn give_back(&mut self, fuel: u64) {
        if fuel == 0 {
            return;
        }
        let left = self.builder.use_var(self.meter);
        let fuel = self.immediate(types::I64, meter::scaled(fuel));
        let left = self.builder.ins().iadd(left, fuel);
        self.builder.def_var(self.meter, left);
    }

    /// The fuel that is paid, and not used, when the instruction at `at` has not run.
    pub(super) fn unused(&self, at: InstrIx) -> u64 {
        self.function.fuel(at, self.segment.end) + self.charges.reserved(self.index)
    }

    /// Takes fuel; gets more, or leaves, if there is less. The exit gives back what was taken.
    ///
    /// The difference is tested rather than the operands, so that the meter from before need not be kept. The same test
    /// finds where there is no meter at all: that is far below what any cost leads to.
    pub(super) fn pay(&mut self, cost: Cost, exit: Block) {
        let (short_of, paid) = (self.builder.create_block(), self.builder.create_block());
        self.builder.append_block_param(paid, types::I64);
        self.builder.set_cold_block(short_of);
        let scaled = match cost {
            Cost::Fixed(fuel) => self.immediate(types::I64, meter::scaled(fuel)),
            Cost::BySize(fuel) => {
                let bits = self.immediate(types::I64, meter::ROOM_BITS.into());
                self.builder.ins().ishl(fuel, bits)
            }
        };
        let before = self.builder.use_var(self.meter);
        let left = self.builder.ins().isub(before, scaled);
        let short = self.is_negative(left);
        self.builder.ins().brif(short, short_of, &[], paid, &[BlockArg::Value(left)]);
        self.builder.seal_block(short_of);
        self.builder.switch_to_block(short_of);
        if let Some(target) = self.unmetered.take() {
            let lowest = self.immediate(types::I64, meter::LOWEST as u64);
            let unmetered = self.builder.ins().icmp(IntCC::SignedLessThan, left, lowest);
            let short = self.branch_away(unmetered, target);
            self.builder.set_cold_block(short);
        }
        self.builder.def_var(self.meter, left);
        let what = match cost {
            // A number that no other code uses: one that cold blocks had in common would be kept in a register from
            // one to the next, through the hot code between them.
            Cost::Fixed(fuel) => self.cost_number(exit, fuel),
            Cost::BySize(fuel) => fuel,
        };
        let refilled = self.refill(left, what);
        let none = self.is_negative(refilled);
        // A cold block of its own: what moves registers on the way back must not stand in the hot path.
        let back = self.branch_away(none, exit);
        self.builder.set_cold_block(back);
        self.builder.ins().jump(paid, &[BlockArg::Value(refilled)]);
        self.builder.seal_block(paid);
        self.builder.switch_to_block(paid);
        let left = self.builder.block_params(paid).first().copied().unwrap_or(left);
        self.builder.def_var(self.meter, left);
    }
}
