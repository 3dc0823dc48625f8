use super::*;

#[test]
fn the_newest_events_are_kept_and_the_others_counted() {
    let mut log = EventLog::new(Observe::Events, 100);
    let mut all = Vec::new();
    for tick in 0..1000u32 {
        log.push(tick.into(), halted(tick));
        all.push(Stamped { tick: tick.into(), event: halted(tick) });
        let kept = all.len().min(100);
        assert_eq!(log.events(), &all[all.len() - kept..]);
        assert_eq!(log.dropped(), (all.len() - kept) as u64);
    }
    assert_eq!(log.hash(), trace_hash(&all));
}

#[test]
fn only_wanted_levels_are_kept() {
    for (level, count) in [(Observe::Off, 0), (Observe::Events, 19), (Observe::Trace, 21)] {
        let mut log = EventLog::new(level, 100);
        one_of_each().into_iter().for_each(|stamped| log.push(stamped.tick, stamped.event));
        assert_eq!(log.events().len(), count, "{level:?}");
        assert_eq!(log.dropped(), 0);
        assert_eq!(log.level(), level);
    }
    assert!(Observe::Off < Observe::Events && Observe::Events < Observe::Trace);
}

#[test]
fn a_log_without_room_still_counts_and_hashes() {
    let mut log = EventLog::new(Observe::Trace, 0);
    let all = one_of_each();
    for stamped in all.iter().cycle().take(1000).cloned() {
        log.push(stamped.tick, stamped.event);
        assert!(log.events().is_empty());
    }
    assert_eq!(log.dropped(), 1000);
    let whole: Vec<Stamped> = all.iter().cycle().take(1000).cloned().collect();
    assert_eq!(log.hash(), trace_hash(&whole));
    // A capacity that no memory has is as good as none.
    let mut log = EventLog::new(Observe::Events, usize::MAX);
    log.push(0, halted(0));
    assert_eq!(log.events().len(), 1);
}

#[test]
fn taken_events_are_still_in_the_hash() {
    let all = one_of_each();
    let mut log = EventLog::new(Observe::Trace, 8);
    let mut taken = Vec::new();
    for (at, stamped) in all.iter().cloned().enumerate() {
        log.push(stamped.tick, stamped.event);
        if at % 5 == 4 {
            taken.extend(log.take());
            assert!(log.events().is_empty());
        }
    }
    taken.extend(log.take());
    assert_eq!(taken, all);
    assert_eq!((log.dropped(), log.hash()), (0, trace_hash(&all)));
    // More than it keeps: the rest counts as dropped.
    all.iter().cloned().for_each(|stamped| log.push(stamped.tick, stamped.event));
    assert_eq!(log.take(), all[13..]);
    assert_eq!(log.dropped(), 13);
    let twice: Vec<Stamped> = all.iter().chain(&all).cloned().collect();
    assert_eq!(log.hash(), trace_hash(&twice));
}
