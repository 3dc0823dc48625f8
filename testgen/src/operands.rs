//! Values to read: registers that hold one already, or instructions that make one.

use crate::data::Taste;
use crate::hosts::{HOST_FUNCS, HostFn};
use crate::state::{Body, RegState};
use crate::ty::{AGG, Ty};
use opforge_schema::TypeRule;
use opforge_vm::ValueType;
use opforge_vm::builder::{ConstValue, Operand};
use opforge_vm::ids::{ConstId, Reg};
use opforge_vm::{Opcode, emit};

impl Body<'_, '_, '_> {
    /// A register that holds a value of this type, where possible of its shape too.
    pub(crate) fn read(&mut self, ty: &Ty, taste: Taste) -> Reg {
        let class = ty.class().unwrap_or(ValueType::Unit);
        let plain = !matches!(class, ValueType::Agg | ValueType::Closure | ValueType::Obj(_));
        let wanted = match taste {
            Taste::Wild => 0,
            Taste::Tame(_) => 65,
            Taste::Overflow(_) => 100,
        };
        if plain && self.choices.chance(wanted) {
            return self.make(ty, taste);
        }
        let shaped = ty.has_shape() && self.choices.chance(90);
        let regs = self.readable(|reg| reg.here.class() == Some(class) && (!shaped || reg.here == *ty));
        match self.pick_late(&regs) {
            Some(reg) if !self.choices.chance(12) => reg,
            Some(reg) if self.dead => reg,
            _ => self.make(ty, taste),
        }
    }

    /// A register that holds anything.
    pub(crate) fn read_any(&mut self) -> Reg {
        let regs = self.readable(|_| true);
        match self.pick_late(&regs) {
            Some(reg) if reg != Reg(0) || self.choices.chance(10) => reg,
            _ => {
                let ty = Ty::Value(self.choices.class());
                self.read(&ty, Taste::Wild)
            }
        }
    }

    /// One of these, more often one of the last.
    fn pick_late(&mut self, regs: &[Reg]) -> Option<Reg> {
        let late = regs.len().saturating_sub(5);
        let from = if self.choices.chance(50) { &regs[late..] } else { regs };
        self.choices.pick(from).copied()
    }

    /// A register that holds an aggregate of the kind a rule asks for. Where elements are read, its shape is
    /// known and has some.
    pub(crate) fn read_agg(&mut self, rule: TypeRule, elements: bool) -> Reg {
        let peer = self.is_peer();
        // The peer may hold a shape to be known that a later write made unknown.
        let unknown = !elements && !peer && self.choices.chance(20);
        let fits = |reg: &RegState, body: &Self| {
            let kind = match rule {
                TypeRule::Tuple => matches!(reg.here, Ty::Tuple(_)),
                TypeRule::Struct => matches!(reg.here, Ty::Struct(_)),
                _ => matches!(reg.here, Ty::Array(_)),
            };
            kind && (!elements || (reg.peer_knows || !peer) && !body.elements(&reg.here).is_empty())
                || unknown && reg.here == AGG
        };
        if unknown && self.choices.chance(30) {
            return self.make_unknown();
        }
        let regs = self.readable(|reg| fits(reg, self));
        match self.pick_late(&regs) {
            Some(reg) if !self.choices.chance(20) => reg,
            _ => self.make_agg(rule),
        }
    }

    /// An aggregate of which only its host knows what it is.
    fn make_unknown(&mut self) -> Reg {
        let at = HOST_FUNCS.iter().position(|host| host.does == HostFn::Same).unwrap_or(0);
        let agg = self.read(&AGG, Taste::Wild);
        let dst = self.target(&AGG);
        emit!(self.func, HostCall, self.world.hosts[at], &[agg], &[dst]).expect("a host call");
        self.written(dst, AGG, false, None);
        dst
    }

    /// Makes an aggregate of this kind, with an element that can be read where there is such a type.
    fn make_agg(&mut self, rule: TypeRule) -> Reg {
        let ty = match rule {
            TypeRule::Struct => {
                let full: Vec<_> =
                    self.world.structs.iter().filter(|s| !s.1.is_empty()).map(|s| s.0).collect();
                self.choices.pick(&full).map(|&id| Ty::Struct(id))
            }
            TypeRule::Array => self.choices.pick(&self.world.elems).map(|e| Ty::Array(e.0)),
            _ => {
                let len = 1 + self.choices.below(3);
                Some(Ty::Tuple((0..len).map(|_| Ty::Value(self.choices.class())).collect()))
            }
        };
        self.make(&ty.unwrap_or(AGG), Taste::Wild)
    }

    /// Instructions that make a value of this type.
    pub(crate) fn make(&mut self, ty: &Ty, taste: Taste) -> Reg {
        match ty {
            Ty::Value(class) => self.make_class(*class, taste),
            Ty::Open => self.make_class(ValueType::Unit, taste),
            Ty::Tuple(elems) => {
                let values = self.read_each(elems);
                self.new_tuple(&values)
            }
            Ty::Struct(id) => {
                let fields: Vec<Ty> = self.world.fields(*id).iter().map(|&ty| Ty::Value(ty)).collect();
                let values = self.read_each(&fields);
                let dst = self.target(ty);
                emit!(self.func, StructNew, dst, *id, &*values).expect("a struct");
                self.written(dst, ty.clone(), true, None);
                dst
            }
            Ty::Array(id) => {
                let elem = Ty::Value(self.world.elem(*id));
                let len = 2 + self.choices.below(3);
                let values = self.read_each(&vec![elem; len]);
                let dst = self.target(ty);
                emit!(self.func, ArrayNew, dst, *id, &*values).expect("an array");
                self.written(dst, ty.clone(), true, None);
                dst
            }
        }
    }

    /// A register for each type, none of them overwritten by what the others need.
    pub(crate) fn read_each(&mut self, types: &[Ty]) -> Vec<Reg> {
        let mark = self.pins.len();
        let mut regs = Vec::new();
        for ty in types {
            let reg = self.read(ty, Taste::Wild);
            self.pins.push(reg);
            regs.push(reg);
        }
        self.pins.truncate(mark);
        regs
    }

    fn new_tuple(&mut self, values: &[Reg]) -> Reg {
        let ty = Ty::Tuple(values.iter().map(|&reg| self.type_of(reg).clone()).collect());
        let dst = self.target(&ty);
        emit!(self.func, TupleNew, dst, values).expect("a tuple");
        self.written(dst, ty, true, None);
        dst
    }

    fn make_class(&mut self, class: ValueType, taste: Taste) -> Reg {
        match class {
            ValueType::Agg => {
                let len = self.choices.below(4);
                let elems: Vec<Ty> = (0..len).map(|_| Ty::Value(self.choices.class())).collect();
                // What is made for an aggregate holds no further one, so that this ends.
                let elems: Vec<Ty> =
                    elems.into_iter().map(|ty| if is_deep(&ty) { unit() } else { ty }).collect();
                self.make(&Ty::Tuple(elems.into()), taste)
            }
            ValueType::Func => {
                let func = self.choose_func(false);
                self.make_func(func)
            }
            ValueType::Closure => {
                let func = self.choose_func(true);
                let func = self.make_func(func);
                self.make_closure(func)
            }
            ValueType::Obj(_) => self.make_object(),
            _ => self.make_const(class, taste),
        }
    }

    /// A function to refer to: mostly one after this, so that calls end.
    pub(crate) fn choose_func(&mut self, takes_env: bool) -> usize {
        let funcs = &self.world.funcs;
        let mut found: Vec<usize> =
            (self.own + 1..funcs.len()).filter(|&f| funcs[f].takes_env == takes_env).collect();
        if found.is_empty() || self.choices.chance(6) {
            found = (0..funcs.len()).collect();
        }
        self.choices.pick(&found).copied().unwrap_or(0)
    }

    pub(crate) fn make_func(&mut self, func: usize) -> Reg {
        let ty = Ty::Value(ValueType::Func);
        let dst = self.target(&ty);
        emit!(self.func, ConstFunc, dst, self.world.funcs[func].id).expect("a function");
        self.written(dst, ty, false, Some(func));
        dst
    }

    /// The environment that the function in a register probably wants.
    pub(crate) fn read_env(&mut self, func: Reg) -> Reg {
        self.pins.push(func);
        let wanted = self.regs[func.index()].hint.map(|func| &self.world.funcs[func]);
        let env = wanted.filter(|plan| plan.takes_env).and_then(|plan| plan.params.first());
        // An environment may hold a closure that wants such an environment again.
        self.envs += 1;
        let env = match env {
            Some(env) if self.envs < 3 => self.read(env, Taste::Wild),
            _ if self.envs < 3 => self.read(&AGG, Taste::Wild),
            _ => self.new_tuple(&[]),
        };
        self.envs -= 1;
        self.pins.pop();
        env
    }

    fn make_closure(&mut self, func: Reg) -> Reg {
        let env = self.read_env(func);
        let hint = self.regs[func.index()].hint;
        let ty = Ty::Value(ValueType::Closure);
        self.pins.push(func);
        let dst = self.target(&ty);
        self.pins.pop();
        emit!(self.func, ClosureNew, dst, func, env).expect("a closure");
        self.written(dst, ty, false, hint);
        dst
    }

    fn make_object(&mut self) -> Reg {
        let at = HOST_FUNCS.iter().position(|host| host.does == HostFn::Object).unwrap_or(0);
        let handle = self.make_const(ValueType::U64, Taste::Wild);
        let ty = Ty::Value(HOST_FUNCS[at].results[0]);
        let dst = self.target(&ty);
        emit!(self.func, HostCall, self.world.hosts[at], &[handle], &[dst]).expect("a host call");
        self.written(dst, ty, false, None);
        dst
    }

    fn make_const(&mut self, class: ValueType, taste: Taste) -> Reg {
        let ty = Ty::Value(class);
        let dst = self.target(&ty);
        let pool = matches!(class, ValueType::Bytes | ValueType::Str) || self.choices.chance(12);
        if pool {
            let id = self.pool_const(class, taste);
            emit!(self.func, ConstPool, dst, id).expect("a pool constant");
        } else {
            let (opcode, operands) = self.immediate(class, taste);
            let operands: Vec<Operand<'_>> = std::iter::once(dst.into()).chain(operands).collect();
            self.func.emit(opcode, &operands).expect("a constant");
        }
        self.written(dst, ty, false, None);
        dst
    }

    fn immediate(&mut self, class: ValueType, taste: Taste) -> (Opcode, Vec<Operand<'static>>) {
        match class {
            ValueType::Bool => (Opcode::ConstBool, vec![self.choices.chance(50).into()]),
            ValueType::I64 => (Opcode::ConstI64, vec![self.choices.i64(taste).into()]),
            ValueType::U64 => (Opcode::ConstU64, vec![self.choices.u64(taste).into()]),
            ValueType::F64 => (Opcode::ConstF64, vec![self.choices.f64(taste).into()]),
            ValueType::Decimal => {
                let (mantissa, scale) = self.choices.decimal(taste);
                (Opcode::ConstDecimal, vec![mantissa.into(), Operand::U64(scale.into())])
            }
            _ => (Opcode::ConstUnit, Vec::new()),
        }
    }

    /// A pool constant of this class; unit for classes that have none.
    pub(crate) fn pool_const(&mut self, class: ValueType, taste: Taste) -> ConstId {
        let value = match class {
            ValueType::Bool => ConstValue::Bool(self.choices.chance(50)),
            ValueType::I64 => ConstValue::I64(self.choices.i64(taste)),
            ValueType::U64 => ConstValue::U64(self.choices.u64(taste)),
            ValueType::F64 => ConstValue::F64(self.choices.f64(taste).to_bits()),
            ValueType::Decimal => {
                let (mantissa, scale) = self.choices.decimal(taste);
                ConstValue::Decimal(mantissa, scale)
            }
            ValueType::Bytes => ConstValue::Bytes(self.choices.bytes(taste)),
            ValueType::Str => ConstValue::Str(self.choices.text(taste)),
            _ => ConstValue::Unit,
        };
        self.builder.constant(value).expect("few constants")
    }
}

fn unit() -> Ty {
    Ty::Value(ValueType::Unit)
}

/// Whether making a value of this type may need an aggregate.
fn is_deep(ty: &Ty) -> bool {
    matches!(ty.class(), Some(ValueType::Agg | ValueType::Closure))
}
