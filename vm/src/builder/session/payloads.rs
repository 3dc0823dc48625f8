//! Payloads: the endpoints in them, and their numbers.

use super::scope::Scope;
use crate::builder::BuildError;
use crate::program::{ChanType, PayloadDef};
use crate::protocol::{Automaton, Payload, PayloadId};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// Every endpoint in a payload, with what it means.
pub(super) type Chans = BTreeMap<Payload, Result<ChanType, BuildError>>;

pub(super) fn chans(automaton: &Automaton, scope: &mut Scope<'_>) -> Chans {
    let mut chans = Chans::new();
    for payload in automaton.payloads() {
        payload.each_part(&mut |part| {
            if let Payload::Chan { of, state } = part
                && !chans.contains_key(part)
            {
                chans.insert(part.clone(), scope.payload_chan(of, state));
            }
        });
    }
    chans
}

/// Endpoints that are written differently from an earlier one, but mean the same, with that one.
pub(super) fn duplicates(chans: &Chans) -> BTreeMap<Payload, Payload> {
    let mut first: BTreeMap<ChanType, &Payload> = BTreeMap::new();
    let mut same = BTreeMap::new();
    for (payload, chan) in chans {
        let Ok(chan) = chan else { continue };
        match first.get(chan) {
            Some(&known) => _ = same.insert(payload.clone(), known.clone()),
            None => _ = first.insert(*chan, payload),
        }
    }
    same
}

/// Payloads as a table.
pub(super) struct Definitions {
    pub(super) payloads: Vec<PayloadDef>,
    /// For each payload of the automaton its number in the table.
    pub(super) ids: Vec<PayloadId>,
}

/// Numbers payloads in the order of the automaton, elements of a tuple before it. An endpoint that means nothing has
/// no definition.
pub(super) fn definitions(automaton: &Automaton, chans: &Chans) -> Result<Definitions, BuildError> {
    let mut known: BTreeMap<Payload, PayloadId> = BTreeMap::new();
    let (mut payloads, mut ids) = (Vec::new(), Vec::new());
    let mut full = false;
    for payload in automaton.payloads() {
        payload.each_part(&mut |part| {
            if known.contains_key(part) {
                return;
            }
            let id = |part: &Payload| known.get(part).copied().unwrap_or(PayloadId(0));
            let def = match part {
                Payload::Value(ty) => PayloadDef::Value(*ty),
                Payload::Tuple(tuple) => PayloadDef::Tuple(tuple.elements().iter().map(id).collect()),
                Payload::Chan { .. } => match chans.get(part) {
                    Some(Ok(chan)) => PayloadDef::Chan(*chan),
                    _ => return,
                },
            };
            match u16::try_from(payloads.len()) {
                Ok(next) => {
                    known.insert(part.clone(), PayloadId(next));
                    payloads.push(def);
                }
                Err(_) => full = true,
            }
        });
        ids.push(known.get(payload).copied().unwrap_or(PayloadId(0)));
    }
    if full { Err(BuildError::TooLarge { what: "payloads" }) } else { Ok(Definitions { payloads, ids }) }
}
