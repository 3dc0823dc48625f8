use super::*;

/// Worked out by hand from the description in the module, so that a change of either shows.
fn reference(words: &[u64]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for word in words {
        hash = (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        hash ^= hash >> 32;
    }
    hash
}

#[test]
fn the_words_are_those_of_the_description() {
    let one = |event| trace_hash(&trace([(3, event)]));
    assert_eq!(trace_hash(&[]), 0xcbf2_9ce4_8422_2325);
    assert_eq!(one(sent(5, 0, 1, QUIT)), reference(&[3, 1, 5, 0, 1, 2]));
    let later = SessionId { index: 5, generation: 2 };
    assert_eq!(one(Event::Closed { session: later }), reference(&[3, 5, 2 << 32 | 5]));
    let host = Event::Spawned { parent: None, child: coro(1), func: FuncId(2) };
    assert_eq!(one(host), reference(&[3, 19, u64::MAX, 1, 2]));
    let tagged = Event::Tagged { coro: coro(1), endpoint: later.endpoint(1), fact: "ninebytes".into() };
    let text = u64::from_le_bytes(*b"ninebyte");
    assert_eq!(one(tagged), reference(&[3, 16, 1, 2 << 32 | 5, 1, 9, text, u64::from(b's')]));
    assert_eq!(bundle_hash(None), 0);
    assert_eq!(bundle_hash(Some(&[])), reference(&[0]));
    assert_eq!(bundle_hash(Some(b"a\0")), reference(&[2, u64::from(b'a')]));
}

/// A change here changes what recorded hashes mean.
#[test]
fn the_hash_of_a_known_trace_stays() {
    assert_eq!(trace_hash(&one_of_each()), KNOWN);
}

const KNOWN: u64 = 0xa8a1_8933_7128_7b37;

#[test]
fn every_field_counts() {
    let all = one_of_each();
    let mut seen = std::collections::BTreeSet::from([trace_hash(&all)]);
    let mut changes = 0;
    for at in 0..all.len() {
        for changed in variants(&all[at]) {
            let mut trace = all.clone();
            trace[at] = changed;
            assert!(seen.insert(trace_hash(&trace)), "{:?}", trace[at]);
            changes += 1;
        }
    }
    assert!(changes > 60, "{changes}");
    let swapped = [all[1].clone(), all[0].clone()];
    assert_ne!(trace_hash(&swapped), trace_hash(&all[..2]));
}

/// The event with each of its fields changed in turn.
fn variants(stamped: &Stamped) -> Vec<Stamped> {
    let Stamped { tick, event } = stamped.clone();
    let mut out = Vec::from([Stamped { tick: tick + 100, event: event.clone() }]);
    let mut add = |event: Event| out.push(Stamped { tick, event });
    let session = SessionId { index: 7, generation: 2 };
    let (other, endpoint) = (coro(99), session.endpoint(CLIENT));
    macro_rules! fields {
        ($variant:ident { $($field:ident: $value:expr),* $(,)? }) => {{
            $({
                let (mut event, value) = (event.clone(), $value);
                if let Event::$variant { $field, .. } = &mut event {
                    *$field = value;
                }
                add(event);
            })*
        }};
    }
    match event.clone() {
        Event::Opened { .. } => fields!(Opened { session: session, shape: ShapeId(9) }),
        Event::Sent { .. } => fields!(Sent { session: session, from: 9, to: 9, label: VAL }),
        Event::Received { .. } => fields!(Received { session: session, from: 9, to: 9, label: VAL }),
        Event::Offered { .. } => fields!(Offered { session: session, from: 9, to: 9, label: VAL }),
        Event::Chose { .. } => fields!(Chose { session: session, from: 9, to: 9, label: VAL }),
        Event::Closed { .. } => fields!(Closed { session: session }),
        Event::Terminal { .. } => fields!(Terminal { session: session, how: Ending::Closed }),
        Event::Epoch { .. } => fields!(Epoch { session: session, epoch: 9 }),
        Event::Halted { .. } => fields!(Halted { coro: other }),
        Event::Invoked { .. } => fields!(Invoked { coro: other, effect: EffectId(9) }),
        Event::Acquired { .. } => fields!(Acquired { coro: other, layer: LayerId(9) }),
        Event::Released { .. } => fields!(Released { coro: other, layer: LayerId(9) }),
        Event::Transferred { .. } => {
            fields!(Transferred { endpoint: endpoint, from: other, to: other, bundle_hash: 9 });
        }
        Event::Forked { .. } => fields!(Forked { coro: other, ghost: 9 }),
        Event::Joined { .. } => fields!(Joined { coro: other }),
        Event::Aborted { .. } => fields!(Aborted { coro: other }),
        Event::Tagged { .. } => fields!(Tagged { coro: other, endpoint: endpoint, fact: "x".into() }),
        Event::Checked { .. } => {
            fields!(Checked { coro: other, endpoint: endpoint, target: "x".into(), permitted: true });
        }
        Event::Failed { .. } => fields!(Failed { coro: other, trap: TrapCode::InvalidUtf8 }),
        Event::Spawned { .. } => fields!(Spawned { parent: None, child: other, func: FuncId(9) }),
        Event::Woken { .. } => fields!(Woken { coro: other }),
    }
    out
}
