//! Instructions from rows: operands that satisfy the row's kinds, types and rules.

use crate::GenConfig;
use crate::choices::Choices;
use crate::data::Taste;
use crate::hosts::HOST_FUNCS;
use crate::plan::{World, traps};
use crate::state::Body;
use crate::ty::Ty;
use opforge_schema::{
    Access, IntrinsicRow, Lower, OpRow, OperandKind, OperandRow, Rounding, Rule, Term, TypeRule,
};
use opforge_tables::ISA;
use opforge_vm::builder::{Operand, ProgramBuilder};
use opforge_vm::ids::{CallSigId, ConstId, ElemId, IntrinsicId, Reg, SpanId, StructId};
use opforge_vm::{Opcode, TrapCode, ValueType, emit};

/// Writes the body of a function.
pub(crate) fn define(
    choices: &mut Choices<'_, '_>,
    builder: &mut ProgramBuilder<'static>,
    world: &World,
    config: &GenConfig,
    own: usize,
) {
    let mut body = Body::new(choices, builder, world, config, own);
    body.whole();
    let func = body.func;
    builder.define(func).expect("every label was placed");
}

/// An operand that was chosen.
#[derive(Clone, Debug, Default)]
enum Chosen {
    #[default]
    Not,
    Reg(Reg),
    Regs(Vec<Reg>),
    Bool(bool),
    I64(i64),
    U64(u64),
    F64(f64),
    Rounding(Rounding),
    Const(ConstId, ValueType),
    Func(usize),
    Host(usize),
    Sig(CallSigId, Vec<ValueType>, Vec<ValueType>),
    Struct(StructId),
    Elem(ElemId),
    Intrinsic(&'static IntrinsicRow),
}

/// An instruction whose operands are being chosen.
struct Draft {
    row: &'static OpRow,
    taste: Taste,
    chosen: Vec<Chosen>,
}

impl Draft {
    fn operands(&self) -> impl Iterator<Item = (usize, &'static OperandRow)> + use<> {
        self.row.operands().iter().enumerate()
    }

    fn at(&self, arg: u8) -> &Chosen {
        self.chosen.get(usize::from(arg)).unwrap_or(&Chosen::Not)
    }

    fn reg(&self, arg: u8) -> Option<Reg> {
        if let Chosen::Reg(reg) = self.at(arg) { Some(*reg) } else { None }
    }

    /// How adventurous the next value is; where it is tame, larger than the one before.
    fn next_taste(&mut self) -> Taste {
        let taste = self.taste;
        if let Taste::Tame(place) | Taste::Overflow(place) = &mut self.taste {
            *place += 1;
        }
        taste
    }
}

impl Body<'_, '_, '_> {
    /// Appends an instruction of this opcode. False if its operands cannot be had here; then nothing but what
    /// was made for them is appended.
    pub(crate) fn row(&mut self, didx: u16) -> bool {
        let Some(row) = ISA.op(didx) else { return false };
        let mark = self.pins.len();
        let done = self.try_row(didx, row).is_some();
        self.pins.truncate(mark);
        done
    }

    fn try_row(&mut self, didx: u16, row: &'static OpRow) -> Option<()> {
        let taste = if row.traps_with(TrapCode::IntDivOverflow) && self.choices.chance(8) {
            Taste::Overflow(0)
        } else if traps(row) && self.choices.chance(60) {
            Taste::Tame(0)
        } else {
            Taste::Wild
        };
        let mut draft = Draft { row, taste, chosen: vec![Chosen::Not; row.operands().len()] };
        self.choose_callee(&mut draft)?;
        for (at, op) in draft.operands() {
            if matches!(draft.chosen[at], Chosen::Not) {
                draft.chosen[at] = self.choose_id(&draft, op)?;
            }
        }
        for (at, op) in draft.operands() {
            if op.access() == Access::Read
                && op.ty() != TypeRule::Effect
                && matches!(draft.chosen[at], Chosen::Not)
            {
                let chosen = self.choose_read(&mut draft, op)?;
                match &chosen {
                    Chosen::Reg(reg) => self.pins.push(*reg),
                    Chosen::Regs(regs) => self.pins.extend(regs),
                    _ => {}
                }
                draft.chosen[at] = chosen;
            }
        }
        for (at, op) in draft.operands() {
            if op.kind().is_immediate() {
                draft.chosen[at] = self.choose_immediate(&mut draft, at, op)?;
            }
        }
        self.guard_nan(didx, &mut draft);
        let writes = self.choose_writes(&mut draft)?;
        self.append(didx, &draft);
        self.note_writes(&draft, writes);
        Some(())
    }

    /// A callee in a register, and a signature that probably is its own; or what a closure is made of.
    fn choose_callee(&mut self, draft: &mut Draft) -> Option<()> {
        if draft.row.lower() == Lower::ClosureNew {
            let func = self.choose_func(true);
            let func = self.make_func(func);
            let env = self.read_env(func);
            for (at, op) in draft.operands() {
                match op.ty() {
                    TypeRule::Func => draft.chosen[at] = Chosen::Reg(func),
                    TypeRule::Agg => draft.chosen[at] = Chosen::Reg(env),
                    _ => {}
                }
            }
            self.pins.extend([func, env]);
            return Some(());
        }
        let Some((at, _)) = draft.operands().find(|(_, op)| op.ty() == TypeRule::Callee) else {
            return Some(());
        };
        let class = if self.choices.chance(50) { ValueType::Closure } else { ValueType::Func };
        // What comes from outside may be no function at all.
        let foreign = self.readable(|reg| reg.hint.is_none() && reg.here == Ty::Value(ValueType::Func));
        let (class, callee) = match self.choices.pick(&foreign).copied() {
            Some(reg) if self.choices.chance(25) => (ValueType::Func, reg),
            _ => (class, self.read(&Ty::Value(class), Taste::Wild)),
        };
        self.pins.push(callee);
        let hint = self.regs[callee.index()].hint;
        // Recursion through a register has no counter, and would mostly use up the run.
        if hint.is_some_and(|hint| hint <= self.own) && !self.choices.chance(10) {
            return None;
        }
        draft.chosen[at] = Chosen::Reg(callee);
        let plan = hint.filter(|_| !self.choices.chance(6)).map(|hint| &self.world.funcs[hint]);
        let (params, results) = match plan {
            Some(plan) => {
                let skip = usize::from(class == ValueType::Closure);
                let params = plan.params.iter().skip(skip).filter_map(Ty::class).collect();
                (params, plan.results.clone())
            }
            None => (vec![self.choices.class()], vec![self.choices.class()]),
        };
        let own = &self.world.funcs[self.own].results;
        let results = if draft.row.term() == Term::TailCall && results != *own {
            // The verifier wants these; such a call traps.
            if !self.choices.chance(30) {
                return None;
            }
            own.clone()
        } else {
            results
        };
        let sig = self.builder.call_sig(&params, &results).expect("few signatures");
        for (at, op) in draft.operands() {
            if op.kind() == OperandKind::CallSigId {
                draft.chosen[at] = Chosen::Sig(sig, params.clone(), results.clone());
            }
        }
        Some(())
    }

    /// Ids of tables; nothing for other operands.
    fn choose_id(&mut self, draft: &Draft, op: &OperandRow) -> Option<Chosen> {
        Some(match op.kind() {
            OperandKind::ConstId => {
                let class = self.choices.class();
                let id = self.pool_const(class, Taste::Wild);
                let pool = matches!(
                    class,
                    ValueType::Agg | ValueType::Func | ValueType::Closure | ValueType::Obj(_)
                );
                Chosen::Const(id, if pool { ValueType::Unit } else { class })
            }
            OperandKind::FuncId if draft.row.lower() == Lower::Call => Chosen::Func(self.choose_direct()?),
            OperandKind::FuncId if draft.row.term() == Term::TailCall => Chosen::Func(self.choose_tail()?),
            OperandKind::FuncId => Chosen::Func(self.choices.below(self.world.funcs.len())),
            OperandKind::HostSigId => Chosen::Host(self.choices.below(HOST_FUNCS.len())),
            OperandKind::CallSigId => {
                let sig = self.builder.call_sig(&[], &[]).expect("few signatures");
                Chosen::Sig(sig, Vec::new(), Vec::new())
            }
            OperandKind::TypeId => Chosen::Struct(self.choices.pick(&self.world.structs)?.0),
            OperandKind::ElemTypeId => Chosen::Elem(self.choices.pick(&self.world.elems)?.0),
            OperandKind::IntrinsicId => Chosen::Intrinsic(self.choices.pick(ISA.intrinsics)?),
            // Targets belong to control flow.
            OperandKind::Pc | OperandKind::PcList => return None,
            _ => Chosen::Not,
        })
    }

    /// The callee of a direct call: one after this function, but for guarded and a few unbounded calls.
    fn choose_direct(&mut self) -> Option<usize> {
        if let Some((func, _)) = self.guarded {
            return Some(func);
        }
        let funcs = self.world.funcs.len();
        if self.choices.chance(2) {
            return Some(self.choices.below(funcs));
        }
        let later = funcs - self.own - 1;
        (later > 0).then(|| self.own + 1 + self.choices.below(later))
    }

    /// The callee of a direct tail call: as [`Self::choose_direct`], but of those with this function's results.
    fn choose_tail(&mut self) -> Option<usize> {
        if let Some((func, _)) = self.guarded {
            return Some(func);
        }
        let world = self.world;
        let first = if self.choices.chance(3) { 0 } else { self.own + 1 };
        let fits = |&func: &usize| world.funcs[func].results == world.funcs[self.own].results;
        let fitting: Vec<usize> = (first..world.funcs.len()).filter(fits).collect();
        self.choices.pick(&fitting).copied()
    }

    fn choose_read(&mut self, draft: &mut Draft, op: &OperandRow) -> Option<Chosen> {
        if op.kind() == OperandKind::RegList {
            return self.choose_list(draft, op).map(Chosen::Regs);
        }
        let taste = draft.next_taste();
        let reg = match op.ty() {
            TypeRule::Any => self.read_any(),
            TypeRule::Same => {
                let ty = self.type_of(draft.reg(op.arg)?).clone();
                self.read(&ty, taste)
            }
            TypeRule::Tuple | TypeRule::Struct | TypeRule::Array => {
                let elements = draft.operands().any(|(_, op)| op.ty() == TypeRule::ElementOf);
                self.read_agg(op.ty(), elements)
            }
            rule => self.read(&Ty::Value(class_of(rule)?), taste),
        };
        Some(Chosen::Reg(reg))
    }

    fn choose_list(&mut self, draft: &Draft, op: &OperandRow) -> Option<Vec<Reg>> {
        let plain = |types: &[ValueType]| types.iter().map(|&ty| Ty::Value(ty)).collect::<Vec<_>>();
        let types: Vec<Ty> = match (op.ty(), draft.at(op.arg)) {
            (TypeRule::ParamsOf, &Chosen::Func(func)) => return Some(self.args_of(func)),
            (TypeRule::ParamsOf, Chosen::Host(host)) => plain(HOST_FUNCS[*host].params),
            (TypeRule::ParamsOf, Chosen::Sig(_, params, _)) => plain(params),
            (TypeRule::ParamsOf, Chosen::Intrinsic(row)) => plain(&classes(row.arg_slots())),
            (TypeRule::OwnResults, _) => plain(&self.world.funcs[self.own].results),
            (TypeRule::FieldsOf, Chosen::Struct(id)) => plain(self.world.fields(*id)),
            (TypeRule::ElemsOf, Chosen::Elem(id)) => {
                vec![Ty::Value(self.world.elem(*id)); self.choices.below(5)]
            }
            (TypeRule::Any, _) => {
                let len = self.choices.below(5);
                return Some((0..len).map(|_| self.read_pinned()).collect());
            }
            _ => return None,
        };
        Some(self.read_each(&types))
    }

    /// Any register, which nothing made later for this instruction overwrites.
    fn read_pinned(&mut self) -> Reg {
        let reg = self.read_any();
        self.pins.push(reg);
        reg
    }

    /// Arguments for a direct call; its counter is small.
    fn args_of(&mut self, func: usize) -> Vec<Reg> {
        let world = self.world;
        let plan = &world.funcs[func];
        let mut args = self.read_each(&plan.params);
        if let Some(counter) = plan.counter {
            args[counter] = match self.guarded {
                Some((_, left)) => left,
                None => {
                    let mark = self.pins.len();
                    self.pins.extend(&args);
                    let left = self.make(&Ty::Value(ValueType::I64), Taste::Tame(0));
                    self.pins.truncate(mark);
                    left
                }
            };
        }
        args
    }

    fn choose_immediate(&mut self, draft: &mut Draft, at: usize, op: &OperandRow) -> Option<Chosen> {
        let rules = || draft.row.rules().filter(|rule| usize::from(rule.a) == at);
        if let Some(rule) = rules().find(|rule| rule.rule() == Rule::IndexInShape) {
            let shape = self.type_of(draft.reg(rule.b)?).clone();
            let elements = self.elements(&shape);
            return self.choices.pick(&elements).map(|elem| Chosen::U64(elem.0.into()));
        }
        let bound = rules().find(|rule| rule.rule() == Rule::ImmLt).map_or(u64::MAX, |rule| rule.b.into());
        let taste = if let Taste::Tame(_) = draft.taste { Taste::Tame(0) } else { Taste::Wild };
        let below = |value: u64| Chosen::U64(if value < bound { value } else { value % bound.max(1) });
        Some(match op.kind() {
            OperandKind::ImmBool => Chosen::Bool(self.choices.chance(50)),
            OperandKind::ImmU8 => below(self.choices.scale(taste).into()),
            OperandKind::ImmU32 => below(self.choices.index(taste).into()),
            OperandKind::Rounding => Chosen::Rounding(*self.choices.pick(Rounding::ALL)?),
            OperandKind::ImmI64 => Chosen::I64(self.choices.i64(taste)),
            OperandKind::ImmU64 => below(self.choices.u64(taste)),
            OperandKind::ImmF64 => Chosen::F64(self.choices.f64(taste)),
            _ => return None,
        })
    }

    /// The bits of a NaN are the CPU's in the peer, so it is not to look at them.
    fn guard_nan(&mut self, didx: u16, draft: &mut Draft) {
        if !self.is_peer() || didx != Opcode::F64ToBits.didx() {
            return;
        }
        let Some(x) = draft.reg(1) else { return };
        let (bool, f64) = (Ty::Value(ValueType::Bool), Ty::Value(ValueType::F64));
        let one = self.make(&f64, Taste::Tame(1));
        self.pins.push(one);
        let number = self.target(&bool);
        emit!(self.func, F64Eq, number, x, x).expect("a comparison");
        self.written(number, bool, false, None);
        let safe = self.target(&f64);
        emit!(self.func, Select, safe, number, x, one).expect("a choice");
        self.written(safe, f64, false, None);
        draft.chosen[1] = Chosen::Reg(safe);
    }

    /// Registers for what is written, with the types they get.
    fn choose_writes(&mut self, draft: &mut Draft) -> Option<Vec<(Reg, Ty)>> {
        let mut writes = Vec::new();
        // What is written may be what is read.
        let pins = std::mem::take(&mut self.pins);
        for (at, op) in draft.operands() {
            if op.access() != Access::Write || op.ty() == TypeRule::Effect {
                continue;
            }
            if op.kind() == OperandKind::RegList {
                let types: Vec<ValueType> = match draft.at(op.arg) {
                    Chosen::Func(func) => self.world.funcs[*func].results.clone(),
                    Chosen::Host(host) => HOST_FUNCS[*host].results.to_vec(),
                    Chosen::Sig(_, _, results) => results.clone(),
                    Chosen::Intrinsic(row) => classes(row.ret_slots()),
                    _ => return None,
                };
                let types: Vec<Ty> = types.iter().map(|&ty| Ty::Value(ty)).collect();
                let regs: Vec<Reg> = types.iter().map(|ty| self.target(ty)).collect();
                writes.extend(regs.iter().copied().zip(types));
                draft.chosen[at] = Chosen::Regs(regs);
            } else {
                let ty = self.written_type(draft, op)?;
                let reg = self.target(&ty);
                writes.push((reg, ty));
                draft.chosen[at] = Chosen::Reg(reg);
            }
        }
        self.pins = pins;
        Some(writes)
    }

    fn written_type(&mut self, draft: &Draft, op: &OperandRow) -> Option<Ty> {
        Some(match (op.ty(), draft.at(op.arg)) {
            (TypeRule::Same, Chosen::Reg(source)) => {
                let alike = |&(_, other): &(usize, &'static OperandRow)| {
                    other.access() == Access::Read && other.ty() == TypeRule::Same && other.arg == op.arg
                };
                let others = draft.operands().filter(alike).filter_map(|(at, _)| draft.reg(at as u8));
                others.fold(self.type_of(*source).clone(), |ty, reg| ty.join(self.type_of(reg)))
            }
            (TypeRule::ConstOf, Chosen::Const(_, ty)) => Ty::Value(*ty),
            (TypeRule::TupleOf, Chosen::Regs(regs)) => {
                Ty::Tuple(regs.iter().map(|&reg| self.type_of(reg).clone()).collect())
            }
            (TypeRule::StructOf, Chosen::Struct(id)) => Ty::Struct(*id),
            (TypeRule::ArrayOf, Chosen::Elem(id)) => Ty::Array(*id),
            (TypeRule::ElementOf, Chosen::Reg(agg)) => {
                let shape = self.type_of(*agg).clone();
                let elements = self.elements(&shape);
                let index =
                    draft.chosen.iter().find_map(|c| if let Chosen::U64(i) = c { Some(*i) } else { None });
                let wanted = if let Ty::Array(_) = shape { 0 } else { index? };
                elements.into_iter().find(|elem| u64::from(elem.0) == wanted)?.1
            }
            (rule, _) => Ty::Value(class_of(rule)?),
        })
    }

    fn append(&mut self, didx: u16, draft: &Draft) {
        if self.choices.chance(8)
            && let Some(span) = SpanId::new(1 + self.choices.below(400) as u64)
        {
            self.func.span(span);
        }
        let world = self.world;
        let operands = draft.operands().filter(|(_, op)| op.ty() != TypeRule::Effect);
        let operands: Vec<Operand<'_>> = operands
            .map(|(at, _)| match &draft.chosen[at] {
                Chosen::Not => unreachable!("operand {at} of {} was not chosen", ISA.name(didx)),
                Chosen::Reg(reg) => Operand::Reg(*reg),
                Chosen::Regs(regs) => Operand::Regs(regs),
                Chosen::Bool(v) => Operand::Bool(*v),
                Chosen::I64(v) => Operand::I64(*v),
                Chosen::U64(v) => Operand::U64(*v),
                Chosen::F64(v) => Operand::F64(*v),
                Chosen::Rounding(v) => Operand::Rounding(*v),
                Chosen::Const(id, _) => Operand::Const(*id),
                Chosen::Func(func) => Operand::Func(world.funcs[*func].id),
                Chosen::Host(host) => Operand::HostSig(world.hosts[*host]),
                Chosen::Sig(id, ..) => Operand::CallSig(*id),
                Chosen::Struct(id) => Operand::Struct(*id),
                Chosen::Elem(id) => Operand::Elem(*id),
                Chosen::Intrinsic(row) => Operand::Intrinsic(IntrinsicId(row.id.get().into())),
            })
            .collect();
        self.func.emit_didx(didx, &operands).expect("operands as the row wants them");
    }

    fn note_writes(&mut self, draft: &Draft, writes: Vec<(Reg, Ty)>) {
        let read =
            draft.operands().find(|(_, op)| op.access() == Access::Read).map(|(at, _)| &draft.chosen[at]);
        let source =
            if let Some(Chosen::Reg(reg)) = read { Some(self.regs[reg.index()].clone()) } else { None };
        let (peer_knows, hint) = match draft.row.lower() {
            Lower::AggNew => (true, None),
            Lower::Move => source.map_or((false, None), |source| (source.peer_knows, source.hint)),
            Lower::ClosureNew => (false, source.and_then(|source| source.hint)),
            _ => (
                false,
                draft.chosen.iter().find_map(|c| if let Chosen::Func(f) = c { Some(*f) } else { None }),
            ),
        };
        for (reg, ty) in writes {
            self.written(reg, ty, peer_knows, hint);
        }
    }
}

/// The classes of an intrinsic's slots.
fn classes(tags: &[u8]) -> Vec<ValueType> {
    tags.iter().filter_map(|&tag| ValueType::from_tag(tag, 0)).collect()
}

/// The class that a rule names by itself.
fn class_of(rule: TypeRule) -> Option<ValueType> {
    Some(match rule {
        TypeRule::Unit => ValueType::Unit,
        TypeRule::Bool => ValueType::Bool,
        TypeRule::I64 => ValueType::I64,
        TypeRule::U64 => ValueType::U64,
        TypeRule::F64 => ValueType::F64,
        TypeRule::Decimal => ValueType::Decimal,
        TypeRule::Bytes => ValueType::Bytes,
        TypeRule::Str => ValueType::Str,
        TypeRule::Agg => ValueType::Agg,
        TypeRule::Func => ValueType::Func,
        TypeRule::Closure => ValueType::Closure,
        _ => return None,
    })
}
