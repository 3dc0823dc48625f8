//! Functions by row.

use super::ExtensionError;
use crate::guard::{Panic, guard};
use crate::heap::Heap;
use crate::intrinsics::{Function, IMMEDIATE, IntrinsicCtx, Shape};
use crate::value::canonical_f64_bits;
use crate::value_type::ValueType;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use opforge_schema::zerocopy::IntoBytes;
use opforge_schema::{
    Access, FIRST_FOREIGN_ID, Isa, OpRow, OperandKind, TableRow, TrapCode, TypeRule, is_foreign,
};
use opforge_tables::ISA;

/// A registered function over slots.
type SlotFn = dyn Fn(&mut IntrinsicCtx<'_>, &[u64], &mut [u64]) -> Result<(), TrapCode> + Send + Sync;

/// What happens to rows without a function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Missing {
    /// No engine is made.
    #[default]
    Refuse,
    /// Executing one traps with `InvalidIntrinsic`: for tools that run programs without their embedder.
    TrapWhenExecuted,
}

/// Functions for the opcodes and intrinsics that an embedder's tables add to the VM's.
///
/// Functions must be pure: the same results for the same arguments, and nothing else. Both engines call them, each
/// once for an instruction that is executed. `f64` arguments and results have canonical NaNs.
///
/// ```
/// use opforge_vm::{Engine, EngineConfig, Extensions, TrapCode};
/// # use opforge_vm::ExtensionError;
/// # fn with(isa: &opforge_vm::Isa<'static>) -> Result<Engine, ExtensionError> {
/// let mut extensions = Extensions::new(isa)?;
/// extensions.opcode("game.mix", |a: i64, b: i64| a ^ b.rotate_left(17))?;
/// extensions.intrinsic("game.div", |a: i64, b: i64| -> Result<i64, TrapCode> {
///     a.checked_div(b).ok_or(TrapCode::DivByZero)
/// })?;
/// Engine::with_extensions(EngineConfig::new(), extensions)
/// # }
/// ```
pub struct Extensions {
    isa: Isa<'static>,
    missing: Missing,
    /// Opcodes by didx, then intrinsics by id.
    entries: Vec<Entry>,
    opcodes: usize,
}

/// A row, and its function.
struct Entry {
    /// Didx or id.
    key: u16,
    name: Arc<str>,
    /// Bit `n`: it may trap with code `n`.
    traps: u64,
    args: Box<[u8]>,
    rets: Box<[u8]>,
    func: Option<Box<SlotFn>>,
}

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.entries.iter().map(|e| (&e.name, e.func.is_some()));
        f.debug_map().entries(names).finish()
    }
}

impl Extensions {
    /// No functions yet for these tables.
    ///
    /// # Errors
    /// [`ExtensionError::Tables`] if a row is wrong, [`ExtensionError::OtherVm`] if the VM's rows in the tables are not
    /// those of this version.
    pub fn new(isa: &Isa<'static>) -> Result<Self, ExtensionError> {
        isa.check()?;
        same_vm(isa)?;
        let ops = isa.iter().filter(|(didx, _)| is_foreign(*didx));
        let mut entries: Vec<Entry> = ops.map(|(didx, row)| Entry::of_opcode(isa, didx, row)).collect();
        let opcodes = entries.len();
        let own = |id: u16| id < FIRST_FOREIGN_ID;
        entries.extend(isa.intrinsics.iter().filter(|row| !own(row.id.get())).map(|row| Entry {
            key: row.id.get(),
            name: row.name.as_str().into(),
            traps: row.traps.get(),
            args: row.arg_slots().into(),
            rets: row.ret_slots().into(),
            func: None,
        }));
        Ok(Self { isa: *isa, missing: Missing::default(), entries, opcodes })
    }

    /// Says what happens to rows without a function.
    pub fn missing(&mut self, missing: Missing) -> &mut Self {
        self.missing = missing;
        self
    }

    /// Registers the function of an opcode, by its mnemonic: up to three of `i64`, `u64`, `f64` and `bool`, and for an
    /// immediate a `u32` behind them, to one of these or a `Result` of it with [`TrapCode`].
    ///
    /// # Errors
    /// If there is no such opcode, it is the VM's, the types are not those of its row, or it has a function.
    pub fn opcode<A, F>(&mut self, mnemonic: &str, func: F) -> Result<&mut Self, ExtensionError>
    where
        F: Function<A> + Send + Sync + 'static,
    {
        let didx = self.isa.find(mnemonic);
        let unknown = ExtensionError::Unknown { name: mnemonic.into(), what: "opcode" };
        let didx = didx.ok_or(unknown)?;
        let at = self.opcode_index(didx);
        self.register(at, mnemonic, func)
    }

    /// Registers the function of an intrinsic, by its name. Its parameters are the slots of the row's arguments in order,
    /// or types that are laid out like those ([`Layout`](super::Layout)); it returns the results likewise, as a tuple
    /// if there are several, or a `Result` of that with [`TrapCode`]. One that works on text or bytes takes
    /// `&mut IntrinsicCtx<'_>` first.
    ///
    /// # Errors
    /// If there is no such intrinsic, it is the VM's, the types are not those of its row, or it has a function.
    pub fn intrinsic<A, F>(&mut self, name: &str, func: F) -> Result<&mut Self, ExtensionError>
    where
        F: Function<A> + Send + Sync + 'static,
    {
        let row = self.isa.find_intrinsic(name);
        let unknown = ExtensionError::Unknown { name: name.into(), what: "intrinsic" };
        let at = self.intrinsic_index(row.ok_or(unknown)?.id.get().into());
        self.register(at, name, func)
    }

    fn register<A, F>(&mut self, at: Option<u32>, name: &str, func: F) -> Result<&mut Self, ExtensionError>
    where
        F: Function<A> + Send + Sync + 'static,
    {
        let entry = at.and_then(|at| self.entries.get_mut(at as usize));
        let Some(entry) = entry else { return Err(ExtensionError::VmOwned { name: name.into() }) };
        let same = |parts: &[&[u8]], slots: &[u8]| parts.iter().copied().flatten().eq(slots);
        if !same(F::SHAPE.args, &entry.args) || !same(F::SHAPE.rets, &entry.rets) {
            let Shape { args, rets } = F::SHAPE;
            let expected = types(&self.isa, &entry.args, &entry.rets);
            let actual = types(&self.isa, &args.concat(), &rets.concat());
            return Err(ExtensionError::Types { name: entry.name.clone(), expected, actual });
        }
        if entry.func.is_some() {
            return Err(ExtensionError::Twice { name: entry.name.clone() });
        }
        entry.func = Some(Box::new(move |ctx, args, rets| func.invoke(ctx, args, rets)));
        Ok(self)
    }

    /// Checks that each row has a function, or need not.
    pub(crate) fn finish(self) -> Result<Registered, ExtensionError> {
        let without = self.entries.iter().filter(|e| e.func.is_none()).map(|e| e.name.clone());
        let names: Box<[Arc<str>]> = without.collect();
        if !names.is_empty() && self.missing == Missing::Refuse {
            return Err(ExtensionError::Missing { names });
        }
        Ok(Registered { tables: self.isa.fingerprint(), extensions: self })
    }

    fn opcode_index(&self, didx: u16) -> Option<u32> {
        let opcodes = self.entries.get(..self.opcodes)?;
        opcodes.binary_search_by_key(&didx, |e| e.key).ok().map(|at| at as u32)
    }

    fn intrinsic_index(&self, id: u32) -> Option<u32> {
        let intrinsics = self.entries.get(self.opcodes..)?;
        let at = intrinsics.binary_search_by_key(&id, |e| e.key.into()).ok()?;
        Some((at + self.opcodes) as u32)
    }
}

impl Entry {
    fn of_opcode(isa: &Isa<'_>, didx: u16, row: &OpRow) -> Self {
        let tag = |ty: TypeRule| {
            isa.classes.iter().find(|class| class.rule == ty.code()).map_or(0, |class| class.tag)
        };
        let classes = |access: Access| {
            let operands = row.operands().iter().filter(move |o| o.access() == access);
            operands.filter(|o| o.kind() == OperandKind::Reg).map(|o| tag(o.ty()))
        };
        let immediate = row.operands().iter().any(|o| o.kind().is_immediate()).then_some(IMMEDIATE);
        Self {
            key: didx,
            name: isa.name(didx).into(),
            traps: row.traps.get(),
            args: classes(Access::Read).chain(immediate).collect(),
            rets: classes(Access::Write).collect(),
            func: None,
        }
    }
}

/// Whether the VM's rows in tables are its own.
fn same_vm(isa: &Isa<'_>) -> Result<(), ExtensionError> {
    fn begins<R: TableRow>(with: &[R], rows: &[R]) -> Result<(), ExtensionError> {
        let same = rows.get(..with.len()).is_some_and(|rows| rows.as_bytes() == with.as_bytes());
        if same { Ok(()) } else { Err(ExtensionError::OtherVm { table: R::NAME }) }
    }
    begins(ISA.ops, isa.ops)?;
    begins(ISA.names, isa.names)?;
    begins(ISA.text, isa.text)?;
    begins(ISA.types, isa.types)?;
    begins(ISA.intrinsics, isa.intrinsics)?;
    begins(ISA.classes, isa.classes)?;
    // What stands behind the VM's intrinsics must be embedders', and no class can be added.
    let more = isa.intrinsics.get(ISA.intrinsics.len()).is_some_and(|row| row.id.get() < FIRST_FOREIGN_ID);
    if more {
        return Err(ExtensionError::OtherVm { table: opforge_schema::IntrinsicRow::NAME });
    }
    if isa.classes.len() != ISA.classes.len() {
        return Err(ExtensionError::OtherVm { table: opforge_schema::ClassRow::NAME });
    }
    Ok(())
}

/// Types of a function as text, such as `(f64, f64) -> (f64)`.
fn types(isa: &Isa<'_>, args: &[u8], rets: &[u8]) -> String {
    let mut out = String::new();
    for (i, side) in [args, rets].into_iter().enumerate() {
        out += if i == 0 { "(" } else { " -> (" };
        for (n, &tag) in side.iter().enumerate() {
            out += if n == 0 { "" } else { ", " };
            out += match tag {
                IMMEDIATE => "u32 immediate",
                tag => isa.classes.get(usize::from(tag)).map_or("?", |class| class.as_str()),
            };
        }
        out += ")";
    }
    out
}

/// Why a function did not give results.
#[derive(Debug)]
pub(crate) enum Fault {
    /// A trap of its row.
    Trap(TrapCode),
    /// A trap that its row does not list.
    Unlisted(TrapCode),
    /// There is none.
    NotRegistered,
    /// It panicked.
    Panicked(Panic),
}

/// Makes NaNs canonical and booleans 0 or 1, whatever an embedder's own [`Layout`](crate::intrinsics::Layout) does.
fn in_domain(slots: &mut [u64], classes: &[u8]) {
    for (slot, &class) in slots.iter_mut().zip(classes) {
        if class == ValueType::F64.tag() {
            *slot = canonical_f64_bits(*slot);
        } else if class == ValueType::Bool.tag() {
            *slot = u64::from(*slot != 0);
        }
    }
}

/// The functions of an engine, complete.
#[derive(Debug)]
pub(crate) struct Registered {
    extensions: Extensions,
    tables: u64,
}

impl Registered {
    /// The tables.
    pub(crate) fn isa(&self) -> &Isa<'static> {
        &self.extensions.isa
    }

    /// Their fingerprint.
    pub(crate) fn tables(&self) -> u64 {
        self.tables
    }

    /// The number of an opcode's function.
    pub(crate) fn opcode(&self, didx: u16) -> Option<u32> {
        self.extensions.opcode_index(didx)
    }

    /// The number of an intrinsic's function.
    pub(crate) fn intrinsic(&self, id: u32) -> Option<u32> {
        self.extensions.intrinsic_index(id)
    }

    /// The name of an opcode or intrinsic.
    pub(crate) fn name(&self, index: u32) -> Arc<str> {
        self.extensions.entries.get(index as usize).map_or_else(|| "".into(), |entry| entry.name.clone())
    }

    /// Calls a function with arguments in slots, which it may change, and slots for its results.
    #[inline]
    pub(crate) fn call(
        &self,
        index: u32,
        heap: &mut Heap,
        args: &mut [u64],
        rets: &mut [u64],
    ) -> Result<(), Fault> {
        let entry = self.extensions.entries.get(index as usize).ok_or(Fault::NotRegistered)?;
        let func = entry.func.as_deref().ok_or(Fault::NotRegistered)?;
        in_domain(args, &entry.args);
        match guard(|| func(&mut IntrinsicCtx::new(heap), args, rets)) {
            Ok(Ok(())) => {
                in_domain(rets, &entry.rets);
                Ok(())
            }
            Ok(Err(trap)) if entry.traps >> trap.code() & 1 == 1 => Err(Fault::Trap(trap)),
            Ok(Err(trap)) => Err(Fault::Unlisted(trap)),
            Err(panic) => Err(Fault::Panicked(panic)),
        }
    }
}
