//! Effects and guard layers.

use crate::ids::{EffectId, LayerId};
use crate::program::{EffectDef, Program};
use crate::verify::error::{EffectFault, TypePlace, VerifyErrorKind};
use crate::verify::report::Errors;
use crate::verify::session::text::Texts;
use alloc::format;

/// Every effect has types, none of them linear, and at most one result; every layer can be held.
pub(super) fn check(program: &Program, errors: &mut Errors) {
    let tables = program.sessions();
    for (index, def) in (0u32..).zip(&tables.effects) {
        let effect = EffectId(index);
        if let Some(fault) = fault(program, effect, def) {
            let note = format!("it is {}", Texts::new(program).effect(effect));
            errors.add_noted(program, None, VerifyErrorKind::EffectMalformed { effect, fault }, Some(note));
        }
        let sig = tables.effect_sig(effect);
        let mut types = sig.into_iter().flat_map(|sig| sig.params.iter().chain(sig.results)).copied();
        if let Some(class) = types.find(|ty| ty.is_linear()) {
            let place = TypePlace::Effect;
            errors.add(program, None, VerifyErrorKind::LinearClass { place, index, class });
        }
    }
    for (index, def) in (0u32..).zip(&tables.layers) {
        if def.capacity == 0 {
            let layer = LayerId(index);
            let note = format!("it is {}", Texts::new(program).layer(layer));
            errors.add_noted(program, None, VerifyErrorKind::LayerCapacity { layer }, Some(note));
        }
    }
}

fn fault(program: &Program, id: EffectId, def: &EffectDef) -> Option<EffectFault> {
    let Some(sig) = program.sessions().effect_sig(id) else { return Some(EffectFault::Types) };
    if sig.results.len() > 1 {
        return Some(EffectFault::Results);
    }
    program.symbol(def.capability).is_none().then_some(EffectFault::Capability)
}
