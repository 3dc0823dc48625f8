//! Linear memories: loads and stores behind a bounds check, and calls of the semantic functions over ranges.
//!
//! Address and length of the first memories that a function accesses are variables of it: set where it starts and, if the
//! memory can grow, again behind whatever might make it grow, so that loops without calls keep them in registers. A check
//! may fail for more than its own instruction needs, as long as the segment traps for it later: the interpreter goes on,
//! instruction by instruction.

use super::Translator;
use crate::analysis::instrs;
use crate::context::Context;
use crate::error::JitError;
use crate::shims::memory_shim;
use cranelift_codegen::ir::{
    AliasRegion, AliasRegionData, BlockArg, Endianness, InstBuilder, MemFlagsData as MemFlags, Type, Value,
    condcodes::IntCC, types,
};
use cranelift_frontend::{FunctionBuilder, Variable};
use opforge_schema::Clif;
use opforge_tables::{ISA, Opcode};
use opforge_vm::CANONICAL_NAN_BITS;
use opforge_vm::heap::LinearMemory;
use opforge_vm::ids::{InstrIx, MemId};
use opforge_vm::lower::{ExecFunction, ExecInstr, ExecProgram, Segment, Slot, size_fuel};
use opforge_vm::program::PAGE_BYTES;
use opforge_vm::sem::mem::CANONICAL_NAN_32;
use std::borrow::Cow;
use std::collections::HashMap;

/// Where a load or store goes.
#[derive(Clone, Copy)]
pub(super) struct Access {
    pub(super) mem: MemId,
    pub(super) addr: Slot,
    pub(super) offset: u32,
}

impl Access {
    /// What an instruction accesses, and the first byte behind that, counted from its address.
    fn of(instr: &ExecInstr) -> Option<(Self, u64)> {
        let (op, access) = match *instr {
            ExecInstr::Load { op, mem, addr, offset, .. }
            | ExecInstr::Store { op, mem, addr, offset, .. } => (op, Self { mem, addr, offset }),
            _ => return None,
        };
        Some((access, u64::from(access.offset) + width(op.row().clif())?))
    }
}

/// A memory's address and length in a function.
#[derive(Clone, Copy)]
struct Place {
    mem: MemId,
    base: Variable,
    /// `None` if it is known: the memory has as many pages as it may have.
    len: Option<Variable>,
}

/// Most memories of a function that have variables: registers are few, and each variable is set behind each call.
const MOST_PLACES: usize = 4;

/// What translation knows of linear memories.
pub(super) struct Memories {
    places: Vec<Place>,
    /// Whether variables are to be set, once it is known that the run has not been left.
    stale: bool,
    /// By load or store of the segment: the end of the longest access from the same address, up to where its slot or the
    /// segment ends.
    reach: HashMap<InstrIx, u64>,
    /// What is known in the segment: of this memory, so many bytes from the address in this slot on are there.
    known: HashMap<Slot, (MemId, u64)>,
}

impl Memories {
    /// Declares the variables of a function.
    pub(super) fn of(
        program: &ExecProgram,
        function: &ExecFunction,
        builder: &mut FunctionBuilder<'_>,
    ) -> Self {
        let mut places: Vec<Place> = Vec::new();
        for (Access { mem, .. }, _) in function.instrs.iter().filter_map(Access::of) {
            if places.len() == MOST_PLACES {
                break;
            }
            if let Some(memory) = program.memories.get(mem.index())
                && places.iter().all(|place| place.mem != mem)
            {
                let len = (memory.min < memory.max).then(|| builder.declare_var(types::I64));
                places.push(Place { mem, base: builder.declare_var(types::I64), len });
            }
        }
        Self { places, stale: false, reach: HashMap::new(), known: HashMap::new() }
    }

    /// Looks for accesses from the same addresses.
    pub(super) fn begin(&mut self, function: &ExecFunction, segment: Segment) {
        self.reach.clear();
        self.known.clear();
        if self.places.is_empty() {
            return;
        }
        let mut ends: HashMap<Slot, (MemId, u64)> = HashMap::new();
        for at in instrs(segment).rev() {
            let Some(instr) = function.instrs.get(at.index()) else { continue };
            instr.for_each_write(function, |slot| {
                ends.remove(&slot);
            });
            let Some((access, end)) = Access::of(instr) else { continue };
            let furthest = ends.entry(access.addr).or_insert((access.mem, end));
            *furthest = (access.mem, if furthest.0 == access.mem { end.max(furthest.1) } else { end });
            self.reach.insert(at, furthest.1);
        }
    }
}

/// Whether a memory may have become larger behind an instruction.
const fn may_grow(instr: &ExecInstr) -> bool {
    matches!(
        instr,
        ExecInstr::Call { .. }
            | ExecInstr::CallIndirect { .. }
            | ExecInstr::HostCall { .. }
            | ExecInstr::Extension { .. }
            | ExecInstr::Memory { .. }
    )
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
        let (place, offset) = self.place(at, clif, access)?;
        let flags = self.linear();
        let ins = self.builder.ins();
        let value = match clif {
            Clif::Sload8 => ins.sload8(types::I64, flags, place, offset),
            Clif::Sload16 => ins.sload16(types::I64, flags, place, offset),
            Clif::Sload32 => ins.sload32(flags, place, offset),
            Clif::Uload8 => ins.uload8(types::I64, flags, place, offset),
            Clif::Uload16 => ins.uload16(types::I64, flags, place, offset),
            Clif::Uload32 => ins.uload32(flags, place, offset),
            Clif::Load64 => ins.load(types::I64, flags, place, offset),
            Clif::LoadF64 => ins.load(types::F64, flags, place, offset),
            Clif::LoadF32 => {
                let narrow = ins.load(types::F32, flags, place, offset);
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
        let (place, offset) = self.place(at, clif, access)?;
        let flags = self.linear();
        let value = self.read(value);
        match clif {
            Clif::Istore8 => self.builder.ins().istore8(flags, value, place, offset),
            Clif::Istore16 => self.builder.ins().istore16(flags, value, place, offset),
            Clif::Istore32 => self.builder.ins().istore32(flags, value, place, offset),
            Clif::Store64 => self.builder.ins().store(flags, value, place, offset),
            Clif::StoreF64 => {
                let value = self.visible_bits(value, types::I64);
                self.builder.ins().store(flags, value, place, offset)
            }
            Clif::StoreF32 => {
                let narrow = self.builder.ins().fdemote(types::F32, value);
                let value = self.visible_bits(narrow, types::I32);
                self.builder.ins().store(flags, value, place, offset)
            }
            _ => return Err(self.internal()),
        };
        Ok(())
    }

    /// The bits of a float that leaves the VM: of a NaN, its only pattern. The test is one of integers: a test of floats takes
    /// the machine longer, and the bits are at hand. What stores numbers does not wait for it.
    fn visible_bits(&mut self, value: Value, ty: Type) -> Value {
        let (infinity, nan) = if ty == types::I64 {
            (f64::INFINITY.to_bits(), CANONICAL_NAN_BITS)
        } else {
            (f32::INFINITY.to_bits().into(), CANONICAL_NAN_32.into())
        };
        let bits = self.builder.ins().bitcast(ty, MemFlags::new(), value);
        // Without the sign, NaNs are what is above infinity.
        let magnitude = self.builder.ins().iadd(bits, bits);
        let largest = self.immediate(ty, infinity << 1);
        let is_nan = self.builder.ins().icmp(IntCC::UnsignedGreaterThan, magnitude, largest);
        let canonical = self.immediate(ty, nan);
        let (other, visible) = (self.builder.create_block(), self.builder.create_block());
        self.builder.set_cold_block(other);
        self.builder.append_block_param(visible, ty);
        self.builder.ins().brif(is_nan, other, &[], visible, &[BlockArg::Value(bits)]);
        self.builder.seal_block(other);
        self.builder.switch_to_block(other);
        self.builder.ins().jump(visible, &[BlockArg::Value(canonical)]);
        self.builder.seal_block(visible);
        self.builder.switch_to_block(visible);
        self.builder.block_params(visible).first().copied().unwrap_or(bits)
    }

    /// The address that the offset counts from, behind a check that leaves if not all bytes are in the memory; and the
    /// offset.
    fn place(&mut self, at: InstrIx, clif: Clif, access: Access) -> Result<(Value, i32), JitError> {
        let width = width(clif).ok_or(self.internal())?;
        let memory = self.program.memories.get(access.mem.index()).ok_or(self.internal())?;
        let least = u64::from(memory.min) * PAGE_BYTES;
        let end = u64::from(access.offset) + width;
        // Where a longer access follows, one check does for both. It must not cost more than that of the shorter one.
        let reach =
            self.memories.reach.get(&at).copied().filter(|&reach| reach <= least).unwrap_or(end).max(end);
        let addr = self.read(access.addr);
        let (len, base) = self.bounds(access.mem)?;
        let constant = self.constant(access.addr);
        let always = constant.and_then(|addr| addr.checked_add(end)).is_some_and(|end| end <= least);
        let known = self.memories.known.get(&access.addr);
        let known = known.is_some_and(|&(mem, known)| mem == access.mem && known >= end);
        if !always && !known {
            let exit = self.exit_before(at)?;
            // The number of addresses with room for the access.
            let before = self.immediate(types::I64, reach - 1);
            let room = match len {
                Some(len) if reach - 1 > least => {
                    // Else there is always room for an access at address 0: a memory never becomes smaller.
                    let most = self.builder.ins().umax(len, before);
                    self.builder.ins().isub(most, before)
                }
                Some(len) => self.builder.ins().isub(len, before),
                None => self.immediate(types::I64, least.saturating_sub(reach - 1)),
            };
            let outside = self.builder.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, addr, room);
            self.branch_away(outside, exit);
            self.memories.known.insert(access.addr, (access.mem, reach));
        }
        let place = self.builder.ins().iadd(base, addr);
        Ok(match i32::try_from(access.offset) {
            Ok(offset) => (place, offset),
            Err(_) => {
                let offset = self.immediate(types::I64, access.offset.into());
                (self.builder.ins().iadd(place, offset), 0)
            }
        })
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

    /// Sets the variables where the function starts.
    pub(super) fn find_memories(&mut self) -> Result<(), JitError> {
        self.set_places(|_| true)
    }

    fn set_places(&mut self, chosen: impl Fn(&Place) -> bool) -> Result<(), JitError> {
        let places: Vec<Place> = self.memories.places.iter().copied().filter(chosen).collect();
        for Place { mem, base, len } in places {
            let value = self.memory_field(mem, LinearMemory::BASE)?;
            self.builder.def_var(base, value);
            if let Some(len) = len {
                let value = self.memory_field(mem, LinearMemory::LEN)?;
                self.builder.def_var(len, value);
            }
        }
        Ok(())
    }

    /// Notes what an instruction has done to addresses, and may have done to memories that can grow.
    pub(super) fn follow_memories(&mut self, instr: &ExecInstr) -> Result<(), JitError> {
        let known = &mut self.memories.known;
        if !known.is_empty() {
            instr.for_each_write(self.function, |slot| {
                known.remove(&slot);
            });
        }
        self.memories.stale |= may_grow(instr);
        // Where the next charge is to find out that the run was left, memories may be gone until then.
        if self.ended || self.unmetered.is_some() { Ok(()) } else { self.find_grown() }
    }

    /// Sets the variables of memories that may have grown. The run must not have been left.
    pub(super) fn find_grown(&mut self) -> Result<(), JitError> {
        if !std::mem::take(&mut self.memories.stale) {
            return Ok(());
        }
        // A memory of a fixed size stays where it is.
        self.set_places(|place| place.len.is_some())
    }

    /// Length and address of a memory; no length if it is always the least.
    fn bounds(&mut self, mem: MemId) -> Result<(Option<Value>, Value), JitError> {
        if let Some(&place) = self.memories.places.iter().find(|place| place.mem == mem) {
            let len = place.len.map(|len| self.builder.use_var(len));
            return Ok((len, self.builder.use_var(place.base)));
        }
        let len = self.memory_field(mem, LinearMemory::LEN)?;
        Ok((Some(len), self.memory_field(mem, LinearMemory::BASE)?))
    }

    /// A field of a memory, which may change wherever something is called.
    fn memory_field(&mut self, mem: MemId, field: usize) -> Result<Value, JitError> {
        let offset = i32::try_from(mem.index() * size_of::<LinearMemory>() + field).ok();
        let offset = offset.ok_or(self.internal())?;
        let context = self.context();
        let list = self.trusted().with_readonly().with_can_move();
        let list = self.builder.ins().load(types::I64, list, context, Context::MEMORIES);
        let region = self.region(Region::List);
        let flags = self.trusted().with_alias_region(Some(region));
        Ok(self.builder.ins().load(types::I64, flags, list, offset))
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
                let most = self.memory_field(MemId(id0), LinearMemory::LEN)?;
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
