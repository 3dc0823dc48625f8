//! What a program has before its bodies: types, imports, functions and their signatures, and the rows to choose
//! instructions from.

use crate::choices::Choices;
use crate::hosts::{HOST_FUNCS, HOST_OBJECT};
use crate::ty::{AGG, Ty};
use crate::{Dialect, GenConfig};
use opforge_schema::{Lower, OpRow, OperandKind, Term, TypeRule};
use opforge_tables::ISA;
use opforge_vm::TrapCode;
use opforge_vm::ValueType;
use opforge_vm::builder::ProgramBuilder;
use opforge_vm::ids::{ElemId, FuncId, HostSigId, MemId, StructId};
use opforge_vm::program::{AggShape, ContainerVersion};

/// A function before it has a body.
#[derive(Debug)]
pub(crate) struct FuncPlan {
    pub(crate) id: FuncId,
    pub(crate) params: Vec<Ty>,
    pub(crate) results: Vec<ValueType>,
    /// The parameter that says how much deeper recursion may go.
    pub(crate) counter: Option<usize>,
    /// Whether the first parameter is the environment of a closure.
    pub(crate) takes_env: bool,
}

/// Everything that bodies refer to.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) structs: Vec<(StructId, Vec<ValueType>)>,
    pub(crate) elems: Vec<(ElemId, ValueType)>,
    /// Imports, in the order of [`HOST_FUNCS`].
    pub(crate) hosts: Vec<HostSigId>,
    pub(crate) funcs: Vec<FuncPlan>,
    /// Linear memories; most programs have none.
    pub(crate) memories: Vec<MemId>,
    /// Opcodes that end no block, as often as they are to be chosen.
    pub(crate) plain: Vec<u16>,
    /// Opcodes that make a truth value and cannot trap.
    pub(crate) tests: Vec<u16>,
}

/// Classes as often as they are to be chosen.
const CLASSES: &[ValueType] = {
    use ValueType::*;
    &[
        I64,
        I64,
        I64,
        I64,
        U64,
        U64,
        U64,
        F64,
        F64,
        F64,
        Bool,
        Bool,
        Decimal,
        Decimal,
        Bytes,
        Bytes,
        Str,
        Str,
        Agg,
        Agg,
        Func,
        Closure,
        Unit,
        Obj(HOST_OBJECT),
    ]
};

impl Choices<'_, '_> {
    /// A class.
    pub(crate) fn class(&mut self) -> ValueType {
        *self.pick(CLASSES).unwrap_or(&ValueType::I64)
    }

    fn classes(&mut self, most: usize) -> Vec<ValueType> {
        let len = self.below(most + 1);
        (0..len).map(|_| self.class()).collect()
    }
}

impl World {
    pub(crate) fn plan(
        choices: &mut Choices<'_, '_>,
        builder: &mut ProgramBuilder<'_>,
        config: &GenConfig,
    ) -> Self {
        let mut world = Self::default();
        for index in 0..1 + choices.below(3) {
            let mut fields = choices.classes(4);
            if index == 0 && fields.is_empty() {
                // There is always a struct whose fields can be read.
                fields.push(ValueType::I64);
            }
            let named: Vec<(String, ValueType)> =
                fields.iter().enumerate().map(|(i, &ty)| (format!("f{i}"), ty)).collect();
            let named: Vec<(&str, ValueType)> = named.iter().map(|(name, ty)| (&**name, *ty)).collect();
            let id = builder.struct_type(&named).expect("few struct types");
            world.structs.push((id, fields));
        }
        for _ in 0..1 + choices.below(3) {
            let ty = choices.class();
            let id = builder.elem_type(ty).expect("few element types");
            world.elems.push((id, ty));
        }
        for host in HOST_FUNCS {
            world.hosts.push(builder.host(host.symbol, host.params, host.results).expect("few imports"));
        }
        if config.dialect == Dialect::Full && choices.chance(30) {
            let first = builder.exported_memory("first", (1, *choices.pick(&[1, 2, 40]).unwrap_or(&1)));
            world.memories.extend(first);
            let empty = choices.chance(50).then(|| builder.memory((0, 2)));
            world.memories.extend(empty.and_then(Result::ok));
        }
        for index in 0..1 + choices.below(config.max_functions) {
            world.declare(choices, builder, index);
        }
        world.choose_rows(config);
        world
    }

    fn declare(&mut self, choices: &mut Choices<'_, '_>, builder: &mut ProgramBuilder<'_>, index: usize) {
        let takes_env = index > 0 && choices.chance(35);
        let mut params: Vec<Ty> = Vec::new();
        if takes_env {
            params.push(AGG);
        }
        params.extend(choices.classes(3).into_iter().map(Ty::Value));
        if index == 0 && choices.chance(20) {
            // What comes from outside may be no aggregate at all.
            params.push(AGG);
        }
        // Many, because a wrong value is only seen where it gets out.
        let mut results = choices.classes(7);
        if choices.chance(40)
            && let Some(earlier) = choices.pick(&self.funcs)
        {
            // So that there is something to call in place of a function.
            results.clone_from(&earlier.results);
        }
        let counter = choices.chance(50).then_some(params.len());
        params.extend(counter.map(|_| Ty::Value(ValueType::I64)));
        let name = if choices.chance(20) { String::new() } else { format!("func{index}") };
        let classes: Vec<ValueType> = params.iter().filter_map(Ty::class).collect();
        let id = builder.declare(&name, &classes, &results).expect("few functions");
        for (at, ty) in (0u32..).zip(&mut params) {
            if ty.is_agg() && choices.chance(75) {
                let shape = self.shape(choices);
                *ty = shape_type(&shape);
                builder.shape_param(id, at, shape);
            }
        }
        self.funcs.push(FuncPlan { id, params, results, counter, takes_env });
    }

    fn shape(&self, choices: &mut Choices<'_, '_>) -> AggShape {
        match choices.below(4) {
            0 | 1 => {
                let elems = choices.classes(4);
                AggShape::Tuple(elems.into_iter().map(|ty| (!choices.chance(8)).then_some(ty)).collect())
            }
            2 => AggShape::Struct(choices.pick(&self.structs).map_or(StructId(0), |s| s.0)),
            _ => AggShape::Array(choices.pick(&self.elems).map_or(ElemId(0), |e| e.0)),
        }
    }

    fn choose_rows(&mut self, config: &GenConfig) {
        for (didx, row) in (0u16..).zip(ISA.ops) {
            let known =
                config.dialect == Dialect::Full || ContainerVersion::of_opcode(row) == ContainerVersion::V0_1;
            // Session instructions need endpoints in a certain state; programs of sessions have a generator of their own.
            let session = row.lower() == Lower::Session;
            if !row.present() || row.term() != Term::None || session || !known {
                continue;
            }
            let weight = if self.serves(row) { weight(row, config) } else { 0 };
            self.plain.extend(std::iter::repeat_n(didx, weight));
            let is_test = matches!(row.operands(), [dst, ..] if dst.ty() == TypeRule::Bool);
            if is_test && !traps(row) && row.operands().len() > 2 {
                self.tests.push(didx);
            }
        }
    }

    /// Whether the program has what the opcode needs.
    fn serves(&self, row: &OpRow) -> bool {
        let needs_memory = row.operands().iter().any(|op| op.kind() == OperandKind::MemId);
        !needs_memory || !self.memories.is_empty()
    }

    /// The field types of a struct.
    pub(crate) fn fields(&self, id: StructId) -> &[ValueType] {
        self.structs.iter().find(|s| s.0 == id).map_or(&[], |s| &s.1)
    }

    /// The element type of an array.
    pub(crate) fn elem(&self, id: ElemId) -> ValueType {
        self.elems.iter().find(|e| e.0 == id).map_or(ValueType::Unit, |e| e.1)
    }
}

/// Whether an instruction can trap because of its operands' values.
pub(crate) fn traps(row: &OpRow) -> bool {
    TrapCode::ALL.iter().any(|&code| code != TrapCode::MemoryLimitExceeded && row.traps_with(code))
}

/// How often an opcode is chosen.
fn weight(row: &OpRow, config: &GenConfig) -> usize {
    let makes = row.operands().iter().any(|op| {
        matches!(op.ty(), TypeRule::TupleOf | TypeRule::StructOf | TypeRule::ArrayOf | TypeRule::ElementOf)
    });
    match row.lower() {
        // The peer reads containers of the first version only.
        _ if config.dialect == Dialect::Peer
            && ContainerVersion::of_opcode(row) != ContainerVersion::V0_1 =>
        {
            0
        }
        Lower::CallIndirect | Lower::HostCall => 10,
        // Few programs have a memory.
        Lower::Load | Lower::Store | Lower::Memory => 12,
        // One opcode for many functions.
        Lower::Intrinsic => 24,
        Lower::Call | Lower::PoolConst => 6,
        Lower::Const | Lower::Nop => 1,
        // The peer's shapes are fragile, so that what uses them would often keep a program from running there.
        _ if makes && config.dialect == Dialect::Full => 5,
        _ if traps(row) => 2,
        _ => 3,
    }
}

fn shape_type(shape: &AggShape) -> Ty {
    match shape {
        AggShape::Tuple(elems) => Ty::Tuple(elems.iter().map(|e| e.map_or(Ty::Open, Ty::Value)).collect()),
        AggShape::Struct(id) => Ty::Struct(*id),
        AggShape::Array(id) => Ty::Array(*id),
    }
}
