use super::*;
use crate::session::compare::{Edge, EdgeTrace, Stream};

const INVOKED: Event = Event::Invoked { coro: coro(0), effect: EffectId(0) };
const WOKEN: Event = Event::Woken { coro: coro(0) };
const MODES: [Mode; 4] = [Mode::Full, Mode::Replay, Mode::ModuloEffects, Mode::ModuloCommutativity];

/// For which modes the traces are the same, both ways round.
fn same(left: &[Stamped], right: &[Stamped]) -> Vec<Mode> {
    let modes: Vec<Mode> = MODES.into_iter().filter(|&mode| compare(left, right, mode).is_ok()).collect();
    let back: Vec<Mode> = MODES.into_iter().filter(|&mode| compare(right, left, mode).is_ok()).collect();
    assert_eq!(modes, back);
    modes
}

fn base() -> Vec<Stamped> {
    trace([
        (0, opened(0, 0)),
        (0, opened(1, 0)),
        (1, sent(0, CLIENT, SERVER, GET)),
        (2, INVOKED),
        (3, sent(1, CLIENT, SERVER, QUIT)),
        (4, received(0, CLIENT, SERVER, GET)),
        (5, received(1, CLIENT, SERVER, QUIT)),
        (6, halted(0)),
        (7, halted(1)),
    ])
}

#[test]
fn each_mode_leaves_out_what_it_says() {
    let base = base();
    assert_eq!(same(&base, &base), MODES);
    let mut later = base.clone();
    later[8].tick += 1;
    assert_eq!(same(&base, &later), [Mode::ModuloEffects, Mode::ModuloCommutativity]);
    let mut without = base.clone();
    without.remove(3);
    assert_eq!(same(&base, &without), [Mode::ModuloEffects]);
    let mut woken = base.clone();
    woken.insert(3, Stamped { tick: 2, event: WOKEN });
    assert_eq!(same(&base, &woken), [Mode::Replay, Mode::ModuloEffects, Mode::ModuloCommutativity]);
    let mut other_order = base.clone();
    other_order.swap(5, 6);
    assert_eq!(same(&base, &other_order), [Mode::ModuloCommutativity]);
    let mut interleaved = base.clone();
    interleaved.swap(7, 8);
    interleaved.swap(2, 4);
    assert_eq!(same(&base, &interleaved), [Mode::ModuloCommutativity]);
}

#[test]
fn the_order_of_one_party_does_not_commute() {
    let one = trace([(1, sent(0, CLIENT, SERVER, GET)), (2, sent(0, CLIENT, SERVER, QUIT))]);
    let other = trace([(1, sent(0, CLIENT, SERVER, QUIT)), (2, sent(0, CLIENT, SERVER, GET))]);
    assert_eq!(same(&one, &other), []);
    // The two roles of a session commute, one role's sending and receiving does not.
    let one = trace([(1, sent(0, CLIENT, SERVER, GET)), (2, sent(0, SERVER, CLIENT, VAL))]);
    let other = trace([(1, sent(0, SERVER, CLIENT, VAL)), (2, sent(0, CLIENT, SERVER, GET))]);
    assert_eq!(same(&one, &other), [Mode::ModuloCommutativity]);
    let one = trace([(1, sent(0, CLIENT, SERVER, GET)), (2, received(0, SERVER, CLIENT, VAL))]);
    let other = trace([(1, received(0, SERVER, CLIENT, VAL)), (2, sent(0, CLIENT, SERVER, GET))]);
    assert_eq!(same(&one, &other), []);
}

#[test]
fn the_first_difference_is_told_with_both_events() {
    let base = base();
    let mut other = base.clone();
    other[5] = Stamped { tick: 4, event: received(0, CLIENT, SERVER, QUIT) };
    other.truncate(7);
    let full = compare(&base, &other, Mode::Full).unwrap_err();
    assert_eq!((full.index, full.stream), (5, Stream::All));
    assert_eq!((full.left.as_ref(), full.right.as_ref()), (Some(&base[5]), Some(&other[5])));
    let program = program();
    let names = Names::of(&program, &base);
    let split = compare(&base, &other, Mode::ModuloCommutativity).unwrap_err();
    assert_eq!(split.stream, Stream::Role(session(0), SERVER));
    assert_eq!(
        split.display(&names).to_string(),
        "the traces differ (modulo commutativity) at event 0 of what Server of #0 did\n  first  4: #0 Server <- \
         Client get\n  second 4: #0 Server <- Client quit"
    );
    let short = compare(&base, &base[..7], Mode::Full).unwrap_err();
    assert_eq!(
        short.to_string(),
        "the traces differ (full) at event 7 of the run\n  first  6: coroutine 0 halted\n  second (ends here)"
    );
    let long = compare(&base[..7], &base, Mode::Full).unwrap_err();
    assert_eq!((long.index, long.left, long.right.as_ref()), (7, None, Some(&base[7])));
    let long = compare(&base[..8], &base, Mode::ModuloCommutativity).unwrap_err();
    assert_eq!((long.index, long.stream), (0, Stream::Coroutine(coro(1))));
    // What is left out does not count.
    let effects = compare(&base, &base[..7], Mode::ModuloEffects).unwrap_err();
    assert_eq!(effects.index, 6);
}

#[test]
fn leftovers_count_from_the_beginning_of_their_stream() {
    let mut right = base();
    right.push(Stamped { tick: 8, event: sent(0, CLIENT, SERVER, QUIT) });
    let error = compare(&base(), &right, Mode::ModuloCommutativity).unwrap_err();
    assert_eq!((error.stream, error.index), (Stream::Role(session(0), CLIENT), 1));
    assert_eq!(error.right, right.last().cloned());
}

/// Shuffles whatever may be shuffled: the next event of any stream.
#[test]
fn random_interleavings_are_the_same_modulo_commutativity() {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |limit: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 33) as usize % limit
    };
    for _ in 0..200 {
        let mut left = Vec::new();
        for tick in 0..40 {
            let (index, role, label) = (next(2) as u32, next(2) as u16, LabelId(next(3) as u16));
            let event = match next(5) {
                0 => sent(index, role, 1 - role, label),
                1 => received(index, role, 1 - role, label),
                2 => Event::Acquired { coro: coro(index), layer: LayerId(u32::from(label.0)) },
                3 => Event::Epoch { session: session(index), epoch: tick as u32 },
                _ => halted(index),
            };
            left.push(Stamped { tick, event });
        }
        let mut rest = left.clone();
        let mut right = Vec::new();
        while !rest.is_empty() {
            let at = next(rest.len());
            let stream = Stream::of(&rest[at].event);
            let first = rest.iter().position(|stamped| Stream::of(&stamped.event) == stream).unwrap();
            right.push(rest.remove(first));
        }
        compare(&left, &right, Mode::ModuloCommutativity).unwrap();
        let edges = |trace: &[Stamped]| edge_traces(trace);
        assert_eq!(edges(&left), edges(&right));
        // One event more or less, or another one, is seen.
        let at = next(right.len());
        let gone = right.remove(at);
        compare(&left, &right, Mode::ModuloCommutativity).unwrap_err();
        compare(&right, &left, Mode::ModuloCommutativity).unwrap_err();
        right.insert(at, Stamped { tick: gone.tick, event: Event::Joined { coro: coro(0) } });
        compare(&left, &right, Mode::ModuloCommutativity).unwrap_err();
    }
}

#[test]
fn edges_have_what_went_over_them() {
    let edges = edge_traces(&base());
    let edge = |index| Edge { session: session(index), from: CLIENT, to: SERVER };
    let expected = |label| EdgeTrace { sent: Vec::from([label]), received: Vec::from([label]) };
    assert_eq!(edges.into_iter().collect::<Vec<_>>(), [(edge(0), expected(GET)), (edge(1), expected(QUIT))]);
}
