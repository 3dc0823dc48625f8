//! Where endpoints and evidence may stand in types, and what exactly those of parameters and results are.

use super::{Reach, payloads};
use crate::ids::{CallSigId, FuncId, HostSigId};
use crate::program::{AggShape, LinearDef, LinearType, Place, Program};
use crate::value_type::ValueType;
use crate::verify::error::{LinearFault, TypePlace, VerifyErrorKind};
use crate::verify::report::Errors;
use crate::verify::session::text::Texts;
use alloc::format;

/// Every entry is of a parameter or result of its class and names what exists, and they are in order.
pub(super) fn check(program: &Program, reach: &Reach, errors: &mut Errors) {
    let mut before = None;
    for (entry, def) in (0u32..).zip(&program.sessions().linear) {
        let key = (def.func, def.place);
        let order = before.is_some_and(|before| before >= key).then_some(LinearFault::Order);
        before = Some(key);
        if let Some(fault) = order.or_else(|| fault(program, reach, def)) {
            let note = format!("it is {} of {}", def.place, Texts::new(program).func(def.func));
            let kind = VerifyErrorKind::LinearMalformed { entry, fault };
            errors.add_noted(program, Some(def.func), kind, Some(note));
        }
    }
}

fn fault(program: &Program, reach: &Reach, def: &LinearDef) -> Option<LinearFault> {
    let tables = program.sessions();
    let Some(sig) = program.func_sig(def.func) else { return Some(LinearFault::Function) };
    let class = match def.place {
        Place::Param(n) => sig.params.get(n as usize),
        Place::Result(n) => sig.results.get(n as usize),
    };
    let Some(&class) = class else { return Some(LinearFault::Place) };
    let (chan, expected) = match def.ty {
        LinearType::Chan(chan) => (Some(chan), ValueType::Chan),
        LinearType::Handle(_) if matches!(def.place, Place::Result(_)) => {
            return Some(LinearFault::HandleResult);
        }
        LinearType::Handle(chan) => (Some(chan), ValueType::Chan),
        LinearType::Evidence(layer) if layer.index() >= tables.layers.len() => {
            return Some(LinearFault::Missing);
        }
        LinearType::Evidence(_) => (None, ValueType::Evidence),
    };
    if class != expected {
        return Some(LinearFault::Class);
    }
    let chan = chan?;
    if !payloads::exists(tables, chan) {
        return Some(LinearFault::Missing);
    }
    (!reach.contains(tables, chan)).then_some(LinearFault::Unreachable)
}

/// Every linear parameter and result has its entry.
pub(super) fn check_missing(program: &Program, errors: &mut Errors) {
    for index in 0..program.functions().len() as u32 {
        let func = FuncId(index);
        let Some(sig) = program.func_sig(func) else { continue };
        let params = (0u32..).zip(sig.params).map(|(n, ty)| (Place::Param(n), ty));
        let results = (0u32..).zip(sig.results).map(|(n, ty)| (Place::Result(n), ty));
        let linear = params.chain(results).filter(|(_, ty)| ty.is_linear());
        for (place, _) in linear {
            if program.sessions().linear_at(func, place).is_none() {
                errors.add(program, Some(func), VerifyErrorKind::LinearMissing { place });
            }
        }
    }
}

/// Nothing that is stored, that the host sees or that is called for indirectly has a linear type.
pub(in crate::verify::session) fn check_classes(program: &Program, errors: &mut Errors) {
    let mut check = |place, index, types: &[ValueType]| {
        if let Some(&class) = types.iter().find(|ty| ty.is_linear()) {
            errors.add(program, None, VerifyErrorKind::LinearClass { place, index, class });
        }
    };
    for index in 0..program.call_sig_count() as u32 {
        let sig = program.call_sig(CallSigId(index));
        sig.iter().for_each(|sig| check(TypePlace::CallSig, index, sig.params));
        sig.iter().for_each(|sig| check(TypePlace::CallSig, index, sig.results));
    }
    for index in 0..program.host_sig_count() as u32 {
        let sig = program.host_sig(HostSigId(index)).map(|host| host.sig);
        sig.iter().for_each(|sig| check(TypePlace::HostSig, index, sig.params));
        sig.iter().for_each(|sig| check(TypePlace::HostSig, index, sig.results));
    }
    (0u32..)
        .zip(program.structs().iter())
        .for_each(|(index, fields)| check(TypePlace::Struct, index, fields));
    (0u32..).zip(program.elem_types()).for_each(|(index, ty)| check(TypePlace::Array, index, &[*ty]));
    for (index, shape) in (0u32..).zip(program.param_shapes()) {
        if let AggShape::Tuple(elems) = &shape.shape {
            let linear = elems.iter().flatten().find(|ty| ty.is_linear());
            linear.into_iter().for_each(|&ty| check(TypePlace::ParamShape, index, &[ty]));
        }
    }
}
