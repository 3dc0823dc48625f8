use super::*;
use crate::ids::InstrIx;
use crate::session::replay::Expected;

const fn code(index: u32, instr: u32) -> Origin {
    Origin::Code { coro: coro(index), func: FuncId(1), instr: InstrIx(instr) }
}

fn entry(origin: Origin, act: Act, decision: Decision) -> Entry {
    Entry { origin, act, decision }
}

fn entries() -> Vec<Entry> {
    Vec::from([
        entry(Origin::Host { tick: 0 }, Act::Spawn, {
            Decision::Spawned { child: coro(0), func: FuncId(1), args: [Datum::U64(1)].into() }
        }),
        entry(code(0, 3), Act::Invoke, Decision::Blocked),
        entry(Origin::Host { tick: 5 }, Act::Wake, Decision::Coroutine(coro(0))),
        entry(code(0, 3), Act::Invoke, Decision::Value(Datum::Str("done".into()))),
    ])
}

fn log(max_bytes: usize) -> EffectLog {
    let mut log = EffectLog::new(max_bytes);
    entries().into_iter().for_each(|entry| log.push(entry));
    log
}

#[test]
fn a_replay_gives_what_was_recorded() {
    let log = log(1 << 20);
    assert_eq!((log.entries().len(), log.lost()), (4, 0));
    let mut replay = Replay::new(log.into_tape(1, 2));
    assert_eq!((replay.tape().program, replay.tape().config), (1, 2));
    assert_eq!(replay.host(0).map(|entry| entry.act), Some(Act::Spawn));
    assert_eq!(replay.host(4), None);
    assert_eq!(replay.next(code(0, 3), Act::Invoke), Ok(&Decision::Blocked));
    assert_eq!(replay.host(4), None, "not before its tick");
    assert!(replay.finish().is_err());
    assert_eq!(replay.host(5).map(|entry| entry.act), Some(Act::Wake));
    assert_eq!(replay.next(code(0, 3), Act::Invoke), Ok(&Decision::Value(Datum::Str("done".into()))));
    assert_eq!(replay.host(u64::MAX), None);
    assert_eq!(replay.finish(), Ok(()));
}

#[test]
fn a_difference_says_both_sides() {
    let mut replay = Replay::new(log(1 << 20).into_tape(0, 0));
    let early = replay.next(code(0, 3), Act::Invoke).unwrap_err();
    assert_eq!(
        early.to_string(),
        "the replay differs from the record at decision 0: recorded was spawn by the host at tick 0; the replay came \
         to invoke by coroutine 0 at instruction 3 of func 1"
    );
    replay.host(0).unwrap();
    // Another coroutine, another place, another act: each is told.
    for (origin, act) in [
        (code(1, 3), Act::Invoke),
        (code(0, 4), Act::Invoke),
        (code(0, 3), Act::Acquire),
        (Origin::Code { coro: coro(0), func: FuncId(0), instr: InstrIx(3) }, Act::Invoke),
    ] {
        let error = replay.next(origin, act).unwrap_err();
        assert_eq!(error.expected, Expected::Act(code(0, 3), Act::Invoke));
        assert_eq!((error.seq, error.found), (1, Some((origin, act))));
    }
    assert!(replay.next(code(0, 3), Act::Invoke).is_ok());
    replay.host(5).unwrap();
    let rest = replay.finish().unwrap_err();
    assert_eq!(
        rest.to_string(),
        "the replay differs from the record at decision 3: recorded was invoke by coroutine 0 at instruction 3 of \
         func 1; the replay has ended"
    );
    assert!(replay.next(code(0, 3), Act::Invoke).is_ok());
    let over = replay.next(code(0, 9), Act::Release).unwrap_err();
    assert_eq!(over.expected, Expected::End);
    assert!(over.to_string().contains("the recorded run had ended; the replay came to release"), "{over}");
}

#[test]
fn a_record_that_was_cut_says_so() {
    let whole = log(1 << 20);
    let one = size_of::<Entry>();
    let cut = log(3 * one);
    // The first has an argument beside it, so the third does not fit; the fourth is lost with it.
    assert_eq!((cut.entries(), cut.lost(), cut.room()), (&whole.entries()[..2], 2, 0));
    let mut replay = Replay::new(cut.into_tape(0, 0));
    replay.host(0).unwrap();
    replay.next(code(0, 3), Act::Invoke).unwrap();
    assert_eq!(replay.finish().unwrap_err().expected, Expected::Cut);
    let error = replay.next(code(0, 3), Act::Invoke).unwrap_err();
    assert!(error.to_string().contains("the record was cut here"), "{error}");
    // What is handed to the making of a value keeps it within the bounds.
    let log = EffectLog::new(3 * one);
    assert_eq!(log.room(), 2 * one);
    assert_eq!(EffectLog::new(0).room(), 0);
}

#[test]
fn acts_have_their_codes() {
    for (code, &act) in Act::ALL.iter().enumerate() {
        assert_eq!(act as usize, code);
        assert_eq!(Act::from_code(code as u8), Some(act));
    }
    assert_eq!(Act::from_code(Act::ALL.len() as u8), None);
}
