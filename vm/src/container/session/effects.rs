//! Section 135, effects: a count, then symbol ids of name and capability, the latter 0 for none; a flag that is 1 for
//! an effect that may be invoked in a speculation; parameter types; and a flag, with the result type behind it if 1.

use crate::container::encode_error::{EncodeErrorKind, EntryError};
use crate::container::reader::{Reader, Result};
use crate::container::sink::{ListSink, Measure, Sink};
use crate::container::value_types;
use crate::container::writer::Writer;
use crate::ids::SymbolId;
use crate::program::{EffectDef, Program};
use crate::value_type::ValueType;

/// The least bytes of an entry: two symbol ids, a flag, a count, a flag.
const MIN_BYTES: usize = 5;

pub(in crate::container) fn read(r: &mut Reader<'_>, program: &mut Program) -> Result<()> {
    let (mut effects, mut types) = (Measure::default(), Measure::default());
    walk(&mut r.clone(), &mut effects, &mut types)?;
    let sessions = &mut program.sessions;
    r.reserve(sessions.effects.try_reserve_exact(effects.items))?;
    types.reserve(r, &mut sessions.effect_types)?;
    walk(r, &mut sessions.effects, &mut sessions.effect_types)
}

fn walk(
    r: &mut Reader<'_>,
    effects: &mut impl Sink<EffectDef>,
    types: &mut impl ListSink<ValueType>,
) -> Result<()> {
    for _ in 0..r.count(MIN_BYTES)? {
        let (name, capability) = (SymbolId(r.uleb32()?), SymbolId(r.uleb32()?));
        effects.push(EffectDef { name, capability, speculative: r.flag()? });
        value_types::read_list(r, types)?;
        if r.flag()? {
            types.push(value_types::read(r)?);
        }
        value_types::end(r, types)?;
    }
    Ok(())
}

pub(in crate::container) fn is_present(program: &Program) -> bool {
    !program.sessions.effects.is_empty() || !program.sessions.effect_types.is_empty()
}

pub(in crate::container) fn write(program: &Program, w: &mut Writer) -> core::result::Result<(), EntryError> {
    let (effects, types) = (&program.sessions.effects, &program.sessions.effect_types);
    let (entries, lists) = (effects.len(), types.len());
    if entries.checked_mul(2) != Some(lists) {
        return Err(EncodeErrorKind::SignatureCount { entries, lists }.at(lists / 2));
    }
    w.count(entries);
    let mut types = types.iter();
    for (i, effect) in effects.iter().enumerate() {
        w.uleb32(effect.name.0);
        w.uleb32(effect.capability.0);
        w.u8(u8::from(effect.speculative));
        w.value_types(types.next().unwrap_or(&[])).map_err(|kind| kind.at(i))?;
        match types.next().unwrap_or(&[]) {
            [] => w.u8(0),
            [result] => {
                w.u8(1);
                w.value_type(*result).map_err(|kind| kind.at(i))?;
            }
            _ => return Err(EncodeErrorKind::ListLayout.at(i)),
        }
    }
    Ok(())
}
