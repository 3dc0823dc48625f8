//! A case as a program of the VM: one instruction for each of its own, so that ticks agree.

use super::case::Run;
use super::code::{Code, Declared};
use super::flow::Held;
use super::instr::Instr;
use super::plan::{self, Extra, Function, Plan};
use super::values::{Class, Literal};
use crate::fields::Result;
use opforge::builder::{BuildError, EffectOptions, Linear, ProgramBuilder};
use opforge::ids::{EffectId, FuncId, InstrIx, LayerId, Reg, ShapeId};
use opforge::program::{AggShape, Place};
use opforge::{Program, ValueType};
use std::collections::BTreeMap;

/// A program with what is needed to run it as the case says.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) program: Program,
    /// The kind of session of the coroutines at the start.
    pub(super) shape: ShapeId,
    /// The coroutines at the start, in order.
    pub(super) entries: Vec<Entry>,
    /// Guard layers that are switched off.
    pub(super) inactive: Vec<LayerId>,
    /// By function, by instruction.
    places: Vec<Vec<Registers>>,
}

/// Where the registers of a case are that do not hold unit; `None` for one that holds no one thing there.
type Registers = Vec<(u32, Option<Reg>)>;

/// A coroutine at the start.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) func: FuncId,
    pub(super) params: Vec<Param>,
}

/// What a parameter is given.
#[derive(Clone, Debug)]
pub(super) enum Param {
    /// The endpoint of the coroutine.
    Endpoint,
    /// A value.
    Value(Literal),
    /// The coroutine with this number.
    Coroutine(u32),
}

impl Built {
    /// Where the registers of a case are when an instruction is next.
    pub(super) fn registers(&self, func: FuncId, at: InstrIx) -> Option<&[(u32, Option<Reg>)]> {
        let function = self.places.get(func.0 as usize)?;
        function.get(at.0 as usize).map(Vec::as_slice)
    }

    pub(super) fn new(run: &Run) -> Result<Self> {
        let plan = Plan::new(run)?;
        let said = |error: BuildError| error.to_string();
        let mut builder = ProgramBuilder::new();
        let shapes = declare_shapes(&plan, &mut builder).map_err(said)?;
        let (layers, inactive) = declare_layers(run, &mut builder).map_err(said)?;
        let effects = declare_effects(&plan, &mut builder)?;
        let mut funcs = Vec::with_capacity(plan.functions.len());
        for function in &plan.functions {
            funcs.push(declare_function(function, &plan, (&shapes, &layers), &mut builder)?);
        }
        let declared = Declared { shapes, layers, effects, funcs };
        let mut places = Vec::with_capacity(plan.functions.len());
        for (at, function) in plan.functions.iter().enumerate() {
            let code = Code::of(&plan, function, &declared, at, &mut builder);
            let (body, registers) = code.map_err(|error| format!("{}: {error}", function.name))?;
            builder.define(body).map_err(said)?;
            places.push(registers);
        }
        let entries = entries(run, &plan, &declared)?;
        let shape = declared.shapes.first().copied().ok_or("there is no session")?;
        let program = builder.finish().map_err(said)?;
        Ok(Self { program, shape, entries, inactive, places })
    }
}

fn declare_shapes(
    plan: &Plan<'_>,
    builder: &mut ProgramBuilder<'_>,
) -> std::result::Result<Vec<ShapeId>, BuildError> {
    let mut ids = Vec::new();
    for shape in &plan.shapes.all {
        let names: Vec<(&str, String)> =
            shape.roles.iter().map(|(role, _)| (role.as_str(), format!("{}.{role}", shape.name))).collect();
        for ((_, ty), (_, name)) in shape.roles.iter().zip(&names) {
            builder.local(name, ty)?;
        }
        let roles: Vec<(&str, &str)> = names.iter().map(|(role, name)| (*role, name.as_str())).collect();
        ids.push(builder.shape(&shape.name, &roles, &[])?);
    }
    Ok(ids)
}

type Layers = BTreeMap<String, LayerId>;

/// The layers of the configuration, and those that code names beside them. Those are there if the configuration says
/// nothing about layers.
fn declare_layers(
    run: &Run,
    builder: &mut ProgramBuilder<'_>,
) -> std::result::Result<(Layers, Vec<LayerId>), BuildError> {
    let (mut layers, mut inactive) = (Layers::new(), Vec::new());
    let configured = run.config.layers.as_deref().unwrap_or_default();
    let named = run.roles.iter().flat_map(|role| &role.code).filter_map(|instr| match instr {
        Instr::Acquire { layer, .. } | Instr::Release { layer, .. } => {
            Some((layer, run.config.layers.is_none()))
        }
        _ => None,
    });
    for (name, active) in configured.iter().map(|(name, active)| (name, *active)).chain(named) {
        if !layers.contains_key(name) {
            let id = builder.layer(name, 1)?;
            layers.insert(name.clone(), id);
            inactive.extend((!active).then_some(id));
        }
    }
    Ok((layers, inactive))
}

/// An effect, by what it does and the class of its argument and of its result.
pub(super) type EffectKey = (String, Option<Class>, Option<Class>);

/// The effect of an `invoke`. One whose decisions write a register has that as its result, and what the register holds
/// as its argument, so that it can be left as it is.
pub(super) fn effect_of(action: &str, written: Option<Class>, now: Option<Class>) -> EffectKey {
    (action.to_owned(), written.filter(|_| written == now), written)
}

fn declare_effects(
    plan: &Plan<'_>,
    builder: &mut ProgramBuilder<'_>,
) -> Result<BTreeMap<EffectKey, EffectId>> {
    let mut effects = BTreeMap::new();
    for function in &plan.functions {
        let scene = plan.scene(function.role)?;
        for (pc, regs) in function.flow.steps() {
            let Some(Instr::Invoke { action }) = scene.code.get(pc) else { continue };
            let now = scene.effect.map(|(reg, _)| regs.get(reg)).transpose()?.and_then(Held::class);
            let key = effect_of(action, scene.effect.map(|(_, class)| class), now);
            if effects.contains_key(&key) {
                continue;
            }
            let name = match (key.1, key.2) {
                (_, None) => action.clone(),
                (None, Some(result)) => format!("{action}: {result}"),
                (Some(_), Some(result)) => format!("{action}: {result}, or as it was"),
            };
            let params: Vec<ValueType> = key.1.iter().map(|class| class.value_type()).collect();
            let result = key.2.map(Class::value_type);
            let id = builder.effect(&name, &params, result, EffectOptions::new().speculative());
            effects.insert(key, id.map_err(|error| error.to_string())?);
        }
    }
    Ok(effects)
}

fn declare_function(
    function: &Function,
    plan: &Plan<'_>,
    (shapes, layers): (&[ShapeId], &Layers),
    builder: &mut ProgramBuilder<'_>,
) -> Result<FuncId> {
    let said = |error: BuildError| error.to_string();
    let mut params = Vec::new();
    for (reg, held) in &function.params {
        let class = held.class().ok_or_else(|| format!("argument {reg} is not one thing"))?;
        params.push(class.value_type());
    }
    params.extend(plan.extras.get(function.role).into_iter().flatten().map(|extra| match extra {
        Extra::Zero(class) => class.value_type(),
        Extra::Coroutine(_) => ValueType::Coro,
    }));
    let func = builder.declare(&function.name, &params, &[]).map_err(said)?;
    for (at, (_, held)) in (0u32..).zip(&function.params) {
        match held {
            Held::Fact => {
                let parts = vec![Some(ValueType::Epid), Some(ValueType::Str)];
                builder.shape_param(func, at, AggShape::Tuple(parts));
            }
            Held::Evidence(layer) => {
                let layer = *layers.get(layer).ok_or_else(|| format!("there is no layer {layer}"))?;
                builder.linear(func, Place::Param(at), Linear::evidence(layer)).map_err(said)?;
            }
            Held::Chan(end) => {
                let end = end.ok_or("an argument is an endpoint in no one state")?;
                let shape = shapes.get(end.shape).zip(plan.shapes.all.get(end.shape));
                let (shape, roles) = shape.ok_or("there is no such session")?;
                let (role, _) = roles.roles.get(end.role).ok_or("there is no such role")?;
                let left = plan.shapes.left(end)?;
                let ty = Linear::chan(*shape, role).doing(&left);
                builder.linear(func, Place::Param(at), ty).map_err(said)?;
            }
            _ => {}
        }
    }
    Ok(func)
}

/// What the coroutines at the start are given.
fn entries(run: &Run, plan: &Plan<'_>, declared: &Declared) -> Result<Vec<Entry>> {
    let count = run.instances * run.roles.len();
    let mut entries = Vec::with_capacity(count);
    for (coro, (function, func)) in plan.functions.iter().zip(&declared.funcs).take(count).enumerate() {
        let mut params = vec![Param::Endpoint];
        params.extend(plan::registers(run, coro).map(|(_, value)| Param::Value(value.clone())));
        for extra in plan.extras.get(function.role).into_iter().flatten() {
            params.push(match *extra {
                Extra::Zero(class) => Param::Value(Literal::zero(class)?),
                Extra::Coroutine(number) => Param::Coroutine(number),
            });
        }
        entries.push(Entry { func: *func, params });
    }
    Ok(entries)
}
