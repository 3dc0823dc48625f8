//! Linear memories: loads and stores behind a bounds check, and calls of the semantic functions over ranges.

use super::Translator;
use crate::context::Context;
use crate::error::JitError;
use crate::shims::memory_shim;
use cranelift_codegen::ir::{
    AliasRegion, AliasRegionData, Endianness, InstBuilder, MemFlagsData as MemFlags, Type, Value,
    condcodes::{FloatCC, IntCC},
    types,
};
use opforge_schema::Clif;
use opforge_tables::{ISA, Opcode};
use opforge_vm::CANONICAL_NAN_BITS;
use opforge_vm::heap::LinearMemory;
use opforge_vm::ids::{InstrIx, MemId};
use opforge_vm::lower::{Slot, size_fuel};
use opforge_vm::program::PAGE_BYTES;
use opforge_vm::sem::mem::CANONICAL_NAN_32;
use std::borrow::Cow;

/// Where a load or store goes.
#[derive(Clone, Copy)]
pub(super) struct Access {
    pub(super) mem: MemId,
    pub(super) addr: Slot,
    pub(super) offset: u32,
}

/// The bytes that a load or store moves.
const fn width(clif: Clif) -> Option<u64> {
    Some(match clif {
        Clif::Sload8 | Clif::Uload8 | Clif::Istore8 => 1,
        Clif::Sload16 | Clif::Uload16 | Clif::Istore16 => 2,
        Clif::Sload32 | Clif::Uload32 | Clif::Istore32 | Clif::LoadF32 | Clif::StoreF32 => 4,
        Clif::Load64 | Clif::Store64 | Clif::LoadF64 | Clif::StoreF64 => 8,
        _ => return None,
    })
}

impl Translator<'_> {
    pub(super) fn load(
        &mut self,
        at: InstrIx,
        op: Opcode,
        dst: Slot,
        access: Access,
    ) -> Result<(), JitError> {
        let clif = op.row().clif();
        let place = self.place(at, clif, access)?;
        let flags = self.linear();
        let ins = self.builder.ins();
        let value = match clif {
            Clif::Sload8 => ins.sload8(types::I64, flags, place, 0),
            Clif::Sload16 => ins.sload16(types::I64, flags, place, 0),
            Clif::Sload32 => ins.sload32(flags, place, 0),
            Clif::Uload8 => ins.uload8(types::I64, flags, place, 0),
            Clif::Uload16 => ins.uload16(types::I64, flags, place, 0),
            Clif::Uload32 => ins.uload32(flags, place, 0),
            Clif::Load64 => ins.load(types::I64, flags, place, 0),
            Clif::LoadF64 => ins.load(types::F64, flags, place, 0),
            Clif::LoadF32 => {
                let narrow = ins.load(types::F32, flags, place, 0);
                self.builder.ins().fpromote(types::F64, narrow)
            }
            _ => return Err(self.internal()),
        };
        self.write(dst, value);
        Ok(())
    }

    pub(super) fn store(
        &mut self,
        at: InstrIx,
        op: Opcode,
        access: Access,
        value: Slot,
    ) -> Result<(), JitError> {
        let clif = op.row().clif();
        let place = self.place(at, clif, access)?;
        let flags = self.linear();
        let value = self.read(value);
        match clif {
            Clif::Istore8 => self.builder.ins().istore8(flags, value, place, 0),
            Clif::Istore16 => self.builder.ins().istore16(flags, value, place, 0),
            Clif::Istore32 => self.builder.ins().istore32(flags, value, place, 0),
            Clif::Store64 => self.builder.ins().store(flags, value, place, 0),
            Clif::StoreF64 => {
                let bits = self.visible_bits(value, types::I64, CANONICAL_NAN_BITS);
                self.builder.ins().store(flags, bits, place, 0)
            }
            Clif::StoreF32 => {
                let narrow = self.builder.ins().fdemote(types::F32, value);
                let bits = self.visible_bits(narrow, types::I32, CANONICAL_NAN_32.into());
                self.builder.ins().store(flags, bits, place, 0)
            }
            _ => return Err(self.internal()),
        };
        Ok(())
    }

    /// The bits of a float that leaves the VM: of a NaN, its only pattern.
    fn visible_bits(&mut self, value: Value, ty: Type, nan: u64) -> Value {
        let bits = self.builder.ins().bitcast(ty, MemFlags::new(), value);
        let canonical = self.immediate(ty, nan);
        let is_nan = self.builder.ins().fcmp(FloatCC::Unordered, value, value);
        self.builder.ins().select(is_nan, canonical, bits)
    }

    /// The address of the first byte, behind a check that leaves if not all bytes are in the memory.
    fn place(&mut self, at: InstrIx, clif: Clif, access: Access) -> Result<Value, JitError> {
        let width = width(clif).ok_or(self.internal())?;
        let exit = self.exit_before(at)?;
        let memory = self.program.memories.get(access.mem.index()).ok_or(self.internal())?;
        let least = u64::from(memory.min) * PAGE_BYTES;
        let end = u64::from(access.offset) + width;
        let (len, base) = self.bounds(access.mem)?;
        let addr = self.read(access.addr);
        let behind = self.immediate(types::I64, end);
        if end > least {
            // Else there is always room for an access at address 0: a memory never becomes smaller.
            let short = self.builder.ins().icmp(IntCC::UnsignedLessThan, len, behind);
            self.branch_away(short, exit);
        }
        let last = self.builder.ins().isub(len, behind);
        let outside = self.builder.ins().icmp(IntCC::UnsignedGreaterThan, addr, last);
        self.branch_away(outside, exit);
        let place = self.builder.ins().iadd(base, addr);
        let offset = self.immediate(types::I64, access.offset.into());
        Ok(if access.offset == 0 { place } else { self.builder.ins().iadd(place, offset) })
    }

    fn region(&mut self, region: Region) -> AliasRegion {
        let data = AliasRegionData { user_id: region as u32, description: Cow::Borrowed(region.name()) };
        self.builder.func.dfg.alias_regions.insert(data)
    }

    /// Bytes of a linear memory: at any address, least significant first. They are there, as was checked.
    fn linear(&mut self) -> MemFlags {
        let region = self.region(Region::Bytes);
        MemFlags::new().with_notrap().with_endianness(Endianness::Little).with_alias_region(Some(region))
    }

    /// Length and address of a memory. Both may change wherever something is called.
    fn bounds(&mut self, mem: MemId) -> Result<(Value, Value), JitError> {
        let start = mem.index() * size_of::<LinearMemory>();
        let field = |offset: usize| i32::try_from(start + offset).ok();
        let fields = field(LinearMemory::LEN).zip(field(LinearMemory::BASE));
        let (len, base) = fields.ok_or(self.internal())?;
        let context = self.context();
        let list = self.trusted().with_readonly().with_can_move();
        let list = self.builder.ins().load(types::I64, list, context, Context::MEMORIES);
        let region = self.region(Region::List);
        let flags = self.trusted().with_alias_region(Some(region));
        let len = self.builder.ins().load(types::I64, flags, list, len);
        let base = self.builder.ins().load(types::I64, flags, list, base);
        Ok((len, base))
    }

    /// Calls the semantic function. A trap leaves before the instruction.
    pub(super) fn memory(
        &mut self,
        at: InstrIx,
        op: Opcode,
        dst: Slot,
        [id0, id1, id2]: [u32; 3],
        args: [Slot; 3],
    ) -> Result<(), JitError> {
        let row = ISA.op(op.didx()).ok_or(self.internal())?;
        let address = memory_shim(op).ok_or(self.internal())? as *const () as usize;
        let reads = row.reads.count_ones() as usize;
        let mut values: Vec<Value> = args.iter().take(reads).map(|&slot| self.read(slot)).collect();
        // What traps has not run, so it has not paid either.
        let paid = match size_fuel(row, self.program.schedule) {
            Some(size) => {
                let mut sizes = values.clone();
                let (most, _) = self.bounds(MemId(id0))?;
                for (_, len) in sizes.iter_mut().enumerate().filter(|(i, _)| size.counts >> i & 1 == 1) {
                    *len = self.builder.ins().umin(*len, most);
                }
                self.pay_by_size(at, size, &sizes)?
            }
            None => None,
        };
        let exit = if row.traps.get() != 0 { Some(self.exit_unpaid(at, paid)?) } else { None };
        let zero = self.immediate(types::I64, 0);
        values.resize(3, zero);
        for ids in [u64::from(id0) | u64::from(id1) << 32, id2.into()] {
            let ids = self.immediate(types::I64, ids);
            values.push(ids);
        }
        let address = self.immediate(types::I64, address as u64);
        let status = self.call_rust(address, &values, 1);
        if let Some(exit) = exit {
            self.branch_away(status, exit);
        }
        if row.writes != 0 {
            self.tables.need_spill(1);
            self.unspill(0, self.types.value_at(dst));
        }
        Ok(())
    }
}

/// Parts of the process's memory that no two kinds of instructions reach.
#[derive(Clone, Copy)]
enum Region {
    /// Addresses and lengths of linear memories.
    List = 1,
    /// Their bytes.
    Bytes = 2,
}

impl Region {
    const fn name(self) -> &'static str {
        match self {
            Self::List => "linear memories",
            Self::Bytes => "linear bytes",
        }
    }
}
