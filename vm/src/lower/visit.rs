//! Which slots an instruction reads and writes. A multi-slot value is reported by its first slot, except in
//! lists, which name every slot.

use super::{ExecFunction, ExecInstr, Slot};
use crate::codec::reads_of;

impl ExecInstr {
    /// Calls `f` with each slot read.
    #[doc(hidden)]
    #[inline]
    pub fn for_each_read(&self, function: &ExecFunction, mut f: impl FnMut(Slot)) {
        match *self {
            Self::Nop
            | Self::Const { .. }
            | Self::ConstDecimal { .. }
            | Self::Trap { .. }
            | Self::Jump { .. } => {}
            Self::Direct { op, args, .. } | Self::Memory { op, args, .. } => {
                args.iter().take(reads_of(op)).copied().for_each(f);
            }
            Self::Load { addr, .. } => f(addr),
            Self::Store { addr, value, .. } => {
                f(addr);
                f(value);
            }
            Self::DirectImm { a, .. } => f(a),
            Self::Move { src, .. } => f(src),
            Self::Select { cond, a, b, .. } => {
                f(cond);
                f(a);
                f(b);
            }
            Self::Branch { cond, .. } => f(cond),
            Self::BranchTable { index, .. } => f(index),
            Self::Session { site, .. } => {
                if let Some(instr) = function.sites.get(site as usize) {
                    instr.site.for_each_read(function.frame_slots, f);
                }
            }
            Self::Call { args, .. }
            | Self::TailCall { args, .. }
            | Self::HostCall { args, .. }
            | Self::Intrinsic { args, .. }
            | Self::Extension { args, .. } => {
                function.slots(args).iter().copied().for_each(f);
            }
            Self::CallIndirect { callee, closure, args, .. }
            | Self::TailCallIndirect { callee, closure, args, .. } => {
                f(callee);
                if closure {
                    f(callee + 1);
                }
                function.slots(args).iter().copied().for_each(f);
            }
            Self::Return { values } | Self::AggNew { values, .. } => {
                function.slots(values).iter().copied().for_each(f);
            }
            Self::ClosureNew { func, env, .. } => {
                f(func);
                f(env);
            }
            Self::AggGetImm { agg, .. } | Self::AggLen { agg, .. } => f(agg),
            Self::AggGet { agg, index, .. } => {
                f(agg);
                f(index);
            }
        }
    }

    /// Calls `f` with each slot written.
    #[doc(hidden)]
    #[inline]
    pub fn for_each_write(&self, function: &ExecFunction, mut f: impl FnMut(Slot)) {
        match *self {
            Self::Nop
            | Self::Trap { .. }
            | Self::Jump { .. }
            | Self::Branch { .. }
            | Self::BranchTable { .. }
            | Self::TailCall { .. }
            | Self::TailCallIndirect { .. }
            | Self::Store { .. }
            | Self::Return { .. } => {}
            Self::Session { site, .. } => {
                if let Some(instr) = function.sites.get(site as usize) {
                    instr.site.for_each_write(function.frame_slots, f);
                }
            }
            Self::Memory { op, dst, .. } => {
                if op.row().writes != 0 {
                    f(dst);
                }
            }
            Self::Direct { dst, .. }
            | Self::DirectImm { dst, .. }
            | Self::Load { dst, .. }
            | Self::Move { dst, .. }
            | Self::Select { dst, .. }
            | Self::Const { dst, .. }
            | Self::ConstDecimal { dst, .. }
            | Self::ClosureNew { dst, .. }
            | Self::AggNew { dst, .. }
            | Self::AggLen { dst, .. } => f(dst),
            // A register without slots has the slot of the next one, which is not written.
            Self::AggGetImm { dst, read, .. } | Self::AggGet { dst, read, .. } => {
                if function.agg_reads.get(read as usize).is_none_or(|read| read.width > 0) {
                    f(dst);
                }
            }
            Self::Call { rets, .. }
            | Self::CallIndirect { rets, .. }
            | Self::HostCall { rets, .. }
            | Self::Intrinsic { rets, .. }
            | Self::Extension { rets, .. } => {
                function.slots(rets).iter().copied().for_each(f);
            }
        }
    }
}
