//! Instructions from rows, with operands that do not trap, and the blocks of loops.

use opforge_tables::ISA;
use opforge_vm::builder::{FuncBuilder, Label, Operand};
use opforge_vm::ids::{CallSigId, ConstId, ElemId, FuncId, HostSigId, MemId, Reg, StructId};
use opforge_vm::schema::{Access, OperandKind, OperandRow, Rounding, TypeRule};
use opforge_vm::{Opcode, ValueType, emit};
use std::collections::{BTreeMap, BTreeSet};

/// Classes whose values the host gives, two of each, in the order of the parameters behind the loop's bound.
pub(crate) const GIVEN: [ValueType; 7] = [
    ValueType::Bool,
    ValueType::I64,
    ValueType::U64,
    ValueType::F64,
    ValueType::Decimal,
    ValueType::Bytes,
    ValueType::Str,
];

/// What all functions of the program may name.
#[derive(Clone, Debug)]
pub(crate) struct World {
    /// `() -> ()`, a host function.
    pub(crate) probe: HostSigId,
    /// `(i64) -> (i64)` and `(i64, u64) -> (u64, i64)`, host functions.
    pub(crate) hosts: [HostSigId; 2],
    /// `() -> ()`, `(i64) -> (i64)`, `(i64, f64) -> (f64, i64)`.
    pub(crate) helpers: [FuncId; 3],
    /// Functions of the second signature: tail calls in all ways, and one that calls itself.
    pub(crate) callers: Vec<FuncId>,
    /// `(agg, i64) -> (i64)`, for closures.
    pub(crate) closed: FuncId,
    pub(crate) sigs: [CallSigId; 3],
    pub(crate) data: ConstId,
    pub(crate) fields: StructId,
    pub(crate) elem: ElemId,
    pub(crate) memories: [MemId; 2],
}

/// Where an instruction's operands come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// From the slots of parameters.
    Slots,
    /// The same, exchanged where they are of one class.
    Swapped,
    /// Both from one slot.
    Twice,
    /// The first one is the last result.
    LastLeft,
    /// The second one is the last result.
    LastRight,
    /// The last one is a constant.
    Constant,
    /// The same, and the first one is the last result.
    LastAndConstant,
}

pub(crate) const MODES: [Mode; 7] = [
    Mode::Slots,
    Mode::Swapped,
    Mode::Twice,
    Mode::LastLeft,
    Mode::LastRight,
    Mode::Constant,
    Mode::LastAndConstant,
];

/// Where the ways of a branch lead.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ways {
    ThenNext,
    OtherNext,
    BothFar,
}

pub(crate) const WAYS: [Ways; 3] = [Ways::ThenNext, Ways::OtherNext, Ways::BothFar];

/// A function that is being written, and the opcodes that it visits.
pub(crate) struct Body<'w> {
    pub(crate) func: FuncBuilder<'static>,
    pub(crate) world: &'w World,
    pub(crate) visited: BTreeSet<u16>,
    /// The memory of loads, stores and the like.
    pub(crate) memory: usize,
    constants: BTreeMap<ValueType, Reg>,
    scratch: BTreeMap<(TypeRule, u8), Reg>,
    /// A function, a closure, a tuple, a struct and an array.
    made: Option<[Reg; 5]>,
}

impl<'w> Body<'w> {
    pub(crate) fn new(func: FuncBuilder<'static>, world: &'w World) -> Self {
        let (constants, scratch) = (BTreeMap::new(), BTreeMap::new());
        Self { func, world, visited: BTreeSet::new(), memory: 0, constants, scratch, made: None }
    }

    /// Begins with constants, which are written once so that they become immediates, and with one of each thing
    /// that is not a number.
    pub(crate) fn begin(&mut self) {
        let (i, u, f) = (self.func.reg(), self.func.reg(), self.func.reg());
        self.emit(Opcode::ConstI64, &[i.into(), Operand::I64(2)]);
        self.emit(Opcode::ConstU64, &[u.into(), Operand::U64(2)]);
        self.emit(Opcode::ConstF64, &[f.into(), Operand::F64(2.0)]);
        self.constants = [(ValueType::I64, i), (ValueType::U64, u), (ValueType::F64, f)].into();
        let made = [(); 5].map(|()| self.func.reg());
        let [function, closure, tuple, fields, array] = made;
        let (int, float) = (self.given(ValueType::I64, 0), self.given(ValueType::F64, 0));
        emit!(self.func, ConstFunc, function, self.world.closed).unwrap();
        emit!(self.func, TupleNew, tuple, &[int, float]).unwrap();
        emit!(self.func, ClosureNew, closure, function, tuple).unwrap();
        emit!(self.func, StructNew, fields, self.world.fields, &[int, float]).unwrap();
        emit!(self.func, ArrayNew, array, self.world.elem, &[int; 8]).unwrap();
        self.made = Some(made);
    }

    pub(crate) fn emit(&mut self, opcode: Opcode, operands: &[Operand<'_>]) {
        self.emit_didx(opcode.didx(), operands);
    }

    fn emit_didx(&mut self, didx: u16, operands: &[Operand<'_>]) {
        self.visited.insert(didx);
        self.func.emit_didx(didx, operands).unwrap_or_else(|e| panic!("{}: {e}", ISA.name(didx)));
    }

    /// The first or the second parameter of a class. Of numbers, the first is the greater.
    pub(crate) fn given(&self, class: ValueType, which: u32) -> Reg {
        let at = GIVEN.iter().position(|&given| given == class).unwrap_or_else(|| panic!("{class:?}"));
        self.func.param(1 + 2 * at as u32 + which)
    }

    /// A register for values of a rule that nothing else uses, or a second one.
    pub(crate) fn scratch(&mut self, rule: TypeRule, which: u8) -> Reg {
        *self.scratch.entry((rule, which)).or_insert_with(|| self.func.reg())
    }

    pub(crate) fn constant(&self, class: ValueType) -> Option<Reg> {
        self.constants.get(&class).copied()
    }

    /// A copy of a register, which then is the last result.
    pub(crate) fn last(&mut self, rule: TypeRule, source: Reg) -> Reg {
        let copy = self.scratch(rule, 1);
        self.emit(Opcode::Mov, &[copy.into(), source.into()]);
        copy
    }

    /// What the registers of an instruction's read operands hold, lists left out.
    pub(crate) fn reads(didx: u16) -> Vec<TypeRule> {
        let row = ISA.op(didx).expect("an opcode");
        let reads = |op: &&OperandRow| op.kind() == OperandKind::Reg && op.access() == Access::Read;
        row.operands()
            .iter()
            .filter(reads)
            .map(|op| match op.ty() {
                TypeRule::Same => row.operands()[usize::from(op.arg)].ty(),
                rule => rule,
            })
            .map(|rule| if rule == TypeRule::Any { TypeRule::I64 } else { rule })
            .filter(|&rule| rule != TypeRule::Effect)
            .collect()
    }

    /// A closure of one argument.
    pub(crate) fn closure(&self) -> Reg {
        self.made.expect("it was begun")[1]
    }

    /// Registers for what an instruction reads. `None` where there are none in this mode.
    fn sources(&mut self, didx: u16, mode: Mode) -> Option<Vec<Reg>> {
        let rules = Self::reads(didx);
        let text = rules.iter().any(|rule| matches!(rule, TypeRule::Bytes | TypeRule::Str));
        let mut seen: BTreeMap<TypeRule, u32> = BTreeMap::new();
        let mut regs = Vec::new();
        for &rule in &rules {
            let nth = seen.entry(rule).or_insert(0);
            let which = match mode {
                Mode::Twice => 0,
                // The end of a piece of text is behind its start.
                _ => (*nth + u32::from(text && rule == TypeRule::U64 || mode == Mode::Swapped)) % 2,
            };
            *nth += 1;
            regs.push(self.source(rule, which)?);
        }
        let same = rules.len() == 2 && rules[0] == rules[1];
        match mode {
            Mode::Slots => {}
            Mode::Swapped | Mode::Twice if !same || may_trap(didx) => return None,
            Mode::Swapped | Mode::Twice => {}
            Mode::LastLeft => regs[0] = self.last(*rules.first()?, *regs.first()?),
            Mode::LastRight => *regs.get_mut(1)? = self.last(*rules.get(1)?, *regs.get(1)?),
            Mode::Constant | Mode::LastAndConstant => {
                let constant = self.constant(class_of(*rules.get(1)?)?)?;
                if mode == Mode::LastAndConstant {
                    regs[0] = self.last(rules[0], regs[0]);
                }
                // Of the text family this is the start of a piece.
                *regs.get_mut(1)? = constant;
            }
        }
        Some(regs)
    }

    fn source(&self, rule: TypeRule, which: u32) -> Option<Reg> {
        let [function, closure, tuple, fields, array] = self.made?;
        Some(match rule {
            TypeRule::Func => function,
            TypeRule::Closure => closure,
            TypeRule::Tuple | TypeRule::Agg => tuple,
            TypeRule::Struct => fields,
            TypeRule::Array => array,
            rule => self.given(class_of(rule)?, which),
        })
    }

    /// An instruction with operands from where the mode says; the register that it writes, if any. `None` where it is
    /// not of those that a row alone suffices for.
    pub(crate) fn row(&mut self, didx: u16, mode: Mode) -> Option<Option<Reg>> {
        if !suffices(didx) {
            return None;
        }
        let sources = self.sources(didx, mode)?;
        Some(self.with(didx, &sources, 0))
    }

    /// An instruction that reads these registers.
    pub(crate) fn with(&mut self, didx: u16, sources: &[Reg], dst: u8) -> Option<Reg> {
        let row = ISA.op(didx).expect("an opcode");
        let (int, float) = (self.given(ValueType::I64, 0), self.given(ValueType::F64, 0));
        let (pair, eight) = ([int, float], [int; 8]);
        let mut sources = sources.iter().copied();
        let mut written = None;
        let mut operands = Vec::new();
        for op in row.operands() {
            operands.push(match (op.kind(), op.access()) {
                _ if op.ty() == TypeRule::Effect => continue,
                (OperandKind::Reg, Access::Read) => sources.next().expect("a register to read").into(),
                (OperandKind::Reg, _) => {
                    let rule = match op.ty() {
                        TypeRule::Same | TypeRule::Any | TypeRule::ElementOf => TypeRule::I64,
                        TypeRule::ConstOf => TypeRule::Bytes,
                        rule => rule,
                    };
                    *written.insert(self.scratch(rule, dst))
                }
                .into(),
                (OperandKind::RegList, _) if op.ty() == TypeRule::ElemsOf => Operand::Regs(&eight),
                (OperandKind::RegList, _) => Operand::Regs(&pair),
                (OperandKind::ImmBool, _) => Operand::Bool(true),
                (OperandKind::ImmF64, _) => Operand::F64(0.1),
                (OperandKind::ImmI64, _) => Operand::I64(0x0123_4567_89AB_CDEF),
                (OperandKind::ImmU64, _) => Operand::U64(1 << 40),
                (OperandKind::ImmU8 | OperandKind::ImmU32, _) => Operand::U64(0),
                (OperandKind::Rounding, _) => Operand::Rounding(Rounding::ALL[0]),
                (OperandKind::ConstId, _) => Operand::Const(self.world.data),
                (OperandKind::FuncId, _) => Operand::Func(self.world.helpers[1]),
                (OperandKind::TypeId, _) => Operand::Struct(self.world.fields),
                (OperandKind::ElemTypeId, _) => Operand::Elem(self.world.elem),
                (OperandKind::MemId, _) => Operand::Mem(self.world.memories[self.memory]),
                (kind, _) => panic!("{}: {kind:?} is not plain", ISA.name(didx)),
            });
        }
        self.emit_didx(didx, &operands);
        written
    }

    /// A branch on what `test` makes, and code at both of its ways.
    pub(crate) fn branch(&mut self, ways: Ways, test: impl FnOnce(&mut Self) -> Reg) {
        let [then, other, end, start] = [(); 4].map(|()| self.func.label());
        if let Ways::BothFar = ways {
            self.emit(Opcode::Jmp, &[start.into()]);
            for label in [then, other] {
                self.func.place(label).unwrap();
                self.emit(Opcode::Jmp, &[end.into()]);
            }
            self.func.place(start).unwrap();
        }
        let truth = test(self);
        self.emit(Opcode::Br, &[truth.into(), then.into(), other.into()]);
        let labels: &[Label] = match ways {
            Ways::ThenNext => &[then, other],
            Ways::OtherNext => &[other, then],
            Ways::BothFar => &[],
        };
        for &label in labels {
            self.func.place(label).unwrap();
            self.emit(Opcode::Jmp, &[end.into()]);
        }
        self.func.place(end).unwrap();
    }

    /// Code that is done as often as the first parameter says, with a look at the native stack each time.
    pub(crate) fn repeat(&mut self, code: impl FnOnce(&mut Self)) {
        let (count, truth) = (self.func.reg(), self.func.reg());
        let [head, end] = [(); 2].map(|()| self.func.label());
        self.emit(Opcode::ConstI64, &[count.into(), Operand::I64(0)]);
        self.emit(Opcode::Jmp, &[head.into()]);
        self.func.place(head).unwrap();
        code(self);
        self.emit(
            Opcode::HostCall,
            &[Operand::HostSig(self.world.probe), Operand::Regs(&[]), Operand::Regs(&[])],
        );
        let (step, bound) = (self.constants[&ValueType::I64], self.func.param(0));
        self.emit(Opcode::I64Add, &[count.into(), count.into(), step.into()]);
        self.emit(Opcode::I64Lt, &[truth.into(), count.into(), bound.into()]);
        self.emit(Opcode::Br, &[truth.into(), head.into(), end.into()]);
        self.func.place(end).unwrap();
    }
}

pub(crate) fn may_trap(didx: u16) -> bool {
    ISA.op(didx).is_some_and(|row| row.traps.get() != 0)
}

/// Whether a row says all that is needed to have an instruction: no targets, no callee, no list that another operand
/// describes, nothing of sessions.
pub(crate) fn suffices(didx: u16) -> bool {
    let Some(row) = ISA.op(didx) else { return false };
    row.term().name() == "none"
        && row.family().name() != "session"
        && row.operands().iter().all(|op| {
            use OperandKind as K;
            let kind = !matches!(
                op.kind(),
                K::Pc | K::PcList | K::HostSigId | K::CallSigId | K::IntrinsicId | K::RegOpt
            );
            kind && !matches!(op.ty(), TypeRule::Callee | TypeRule::ParamsOf | TypeRule::ResultsOf)
        })
}

/// The class that a rule names by itself, of those that the host gives.
pub(crate) fn class_of(rule: TypeRule) -> Option<ValueType> {
    GIVEN.iter().find(|class| class.to_string() == rule.name()).copied()
}
