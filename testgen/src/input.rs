//! Arguments. Aggregates are described, because they live in the heap of a run.

use crate::INPUTS;
use crate::choices::Choices;
use crate::data::Taste;
use crate::hosts::HOST_OBJECT;
use crate::plan::World;
use crate::ty::Ty;
use opforge_vm::heap::{Heap, ValueError};
use opforge_vm::ids::{ElemId, FuncId, StructId};
use opforge_vm::sem::Decimal;
use opforge_vm::{AggRef, CoroId, EndpointId, EvidenceId, Value, ValueType};

/// An argument.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Input {
    /// A value without aggregates.
    Value(Value),
    /// An aggregate handle that resolves to nothing.
    BadHandle,
    /// A tuple.
    Tuple(Vec<Input>),
    /// A struct of the program.
    Struct(StructId, Vec<Input>),
    /// An array of the program.
    Array(ElemId, Vec<Input>),
    /// A closure with its environment.
    Closure(FuncId, Box<Input>),
}

impl Input {
    /// The value, with its aggregates in the heap of the run it is for.
    ///
    /// # Errors
    /// As the heap's: the memory limit, or types of another program.
    pub fn value(&self, heap: &mut Heap) -> Result<Value, ValueError> {
        let each = |heap: &mut Heap, inputs: &[Self]| {
            inputs.iter().map(|input| input.value(heap)).collect::<Result<Vec<Value>, ValueError>>()
        };
        Ok(match self {
            Self::Value(value) => value.clone(),
            Self::BadHandle => Value::Agg(AggRef::INVALID),
            Self::Tuple(inputs) => {
                let values = each(heap, inputs)?;
                Value::Agg(heap.new_tuple(&values)?)
            }
            Self::Struct(id, inputs) => {
                let values = each(heap, inputs)?;
                Value::Agg(heap.new_struct(*id, &values)?)
            }
            Self::Array(id, inputs) => {
                let values = each(heap, inputs)?;
                Value::Agg(heap.new_array(*id, &values)?)
            }
            Self::Closure(func, env) => match env.value(heap)? {
                Value::Agg(env) => Value::Closure { func: *func, env },
                _ => Value::Closure { func: *func, env: AggRef::INVALID },
            },
        })
    }
}

/// Argument lists for the entry function, from tame to odd.
pub(crate) fn inputs(choices: &mut Choices<'_, '_>, world: &World) -> Vec<Vec<Input>> {
    let plan = &world.funcs[0];
    let list = |round: usize, choices: &mut Choices<'_, '_>| {
        let params = plan.params.iter().enumerate();
        let argument = |(at, ty): (usize, &Ty)| {
            if plan.counter == Some(at) && (round == 0 || !choices.chance(10)) {
                let most = if choices.chance(5) { 130 } else { 4 };
                return Input::Value(Value::I64(choices.below(most) as i64));
            }
            Argument { choices: &mut *choices, world, odd: round, depth: 0 }.of(ty)
        };
        params.map(argument).collect()
    };
    (0..INPUTS).map(|round| list(round, choices)).collect()
}

struct Argument<'c, 'w, 'u, 'a> {
    choices: &'c mut Choices<'u, 'a>,
    world: &'w World,
    odd: usize,
    depth: usize,
}

impl Argument<'_, '_, '_, '_> {
    fn each<'t>(&mut self, types: impl Iterator<Item = &'t ValueType>) -> Vec<Input> {
        types.map(|&ty| self.class(ty)).collect()
    }

    fn of(&mut self, ty: &Ty) -> Input {
        if ty.has_shape() && self.odd > 0 && self.choices.chance(20) {
            return self.class(ValueType::Agg);
        }
        match ty {
            Ty::Value(class) => self.class(*class),
            Ty::Open => self.class(ValueType::Unit),
            Ty::Tuple(elems) => Input::Tuple(elems.iter().map(|ty| self.of(ty)).collect()),
            Ty::Struct(id) => Input::Struct(*id, self.each(self.world.fields(*id).iter())),
            Ty::Array(id) => {
                let len = self.choices.below(4);
                Input::Array(*id, self.each(vec![self.world.elem(*id); len].iter()))
            }
        }
    }

    fn func(&mut self) -> FuncId {
        if self.odd > 0 && self.choices.chance(30) {
            return FuncId(*self.choices.pick(&[9999, u32::MAX, 0x8000_0000]).unwrap_or(&9999));
        }
        let funcs = &self.world.funcs;
        let later = funcs.len().saturating_sub(1);
        funcs[if later == 0 { 0 } else { 1 + self.choices.below(later) }].id
    }

    fn aggregate(&mut self) -> Input {
        if self.odd > 0 && self.choices.chance(35) {
            return Input::BadHandle;
        }
        if self.depth > 2 {
            return Input::Tuple(Vec::new());
        }
        self.depth += 1;
        let input = match self.choices.below(3) {
            0 => {
                let len = self.choices.below(4);
                let types: Vec<ValueType> = (0..len).map(|_| self.choices.class()).collect();
                Input::Tuple(self.each(types.iter()))
            }
            1 => {
                let at = self.choices.below(self.world.structs.len());
                let (id, fields) = &self.world.structs[at];
                Input::Struct(*id, self.each(fields.iter()))
            }
            _ => {
                let at = self.choices.below(self.world.elems.len());
                let (id, elem) = self.world.elems[at];
                let len = self.choices.below(4);
                Input::Array(id, self.each(vec![elem; len].iter()))
            }
        };
        self.depth -= 1;
        input
    }

    fn endpoint(&mut self) -> EndpointId {
        EndpointId { session: self.choices.u64(Taste::Wild) as u32, generation: 0, role: 0 }
    }

    fn class(&mut self, class: ValueType) -> Input {
        let wild = match self.odd {
            0 => false,
            1 => self.choices.chance(50),
            _ => true,
        };
        let taste = if wild { Taste::Wild } else { Taste::Tame(1) };
        Input::Value(match class {
            ValueType::Unit => Value::Unit,
            ValueType::Bool => Value::Bool(self.choices.chance(50)),
            ValueType::I64 => Value::I64(self.choices.i64(taste)),
            ValueType::U64 => Value::U64(self.choices.u64(taste)),
            ValueType::F64 => Value::F64(self.choices.f64(taste)),
            ValueType::Decimal => {
                let (mantissa, scale) = self.choices.decimal(taste);
                Value::Decimal(Decimal { mantissa, scale })
            }
            ValueType::Bytes => Value::from(self.choices.bytes(taste)),
            ValueType::Str => Value::from(self.choices.text(taste)),
            ValueType::Obj(_) => Value::Obj { host_type: HOST_OBJECT, handle: self.choices.u64(taste) },
            ValueType::Func => Value::Func(self.func()),
            ValueType::Agg => return self.aggregate(),
            ValueType::Closure => {
                let env = self.aggregate();
                return Input::Closure(self.func(), Box::new(env));
            }
            // Generated programs open no sessions, so no name of one means anything.
            ValueType::Chan => Value::Endpoint(self.endpoint()),
            ValueType::Epid => Value::Epid(self.endpoint()),
            ValueType::Evidence => {
                Value::Evidence(EvidenceId { layer: 0, serial: self.choices.u64(taste) >> 16 })
            }
            ValueType::Coro => Value::Coro(CoroId { index: self.choices.u64(taste) as u32, generation: 0 }),
        })
    }
}
