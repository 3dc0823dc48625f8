//! Whether two runs are the same.

use super::run::Ran;
use opforge_vm::session::compare::Stream;
use opforge_vm::session::{Event, Mode, Observe, Stamped, compare, edge_traces};
use std::collections::BTreeMap;
use std::fmt::Debug;

/// The same tick by tick: both are of one policy.
pub(crate) fn same(left: &Ran, right: &Ran) -> Result<(), String> {
    compare(&left.events, &right.events, Mode::Full).map_err(|difference| difference.to_string())?;
    equal("the ends", &left.ended, &right.ended)?;
    equal("the amounts of fuel left", &left.fuel_left, &right.fuel_left)
}

/// The same for every party and on every edge: they are of different policies. Of runs that were stopped, the shorter one
/// must be the beginning of the longer one, for each party and edge on its own.
pub(crate) fn agree(left: &Ran, right: &Ran) -> Result<(), String> {
    equal("the ends", &left.ended, &right.ended)?;
    if left.ended {
        let modulo = compare(&left.events, &right.events, Mode::ModuloCommutativity);
        modulo.map_err(|difference| difference.to_string())?;
        equal("the edges", &edge_traces(&left.events), &edge_traces(&right.events))?;
        equal("the amounts of fuel left", &left.fuel_left, &right.fuel_left)?;
        return equal("the values on edges", &left.said, &right.said);
    }
    begin_alike("what happened to", &streams(&left.events), &streams(&right.events))?;
    let edges = |events: &[Stamped]| -> BTreeMap<_, _> {
        let traces = edge_traces(events).into_iter();
        traces
            .flat_map(|(edge, trace)| [((edge, "sent"), trace.sent), ((edge, "received"), trace.received)])
            .collect()
    };
    begin_alike("the edge", &edges(&left.events), &edges(&right.events))?;
    for way in [0, 1] {
        let values = |ran: &Ran| -> BTreeMap<_, _> {
            ran.said.iter().map(|(edge, said)| (edge.clone(), said[way].clone())).collect()
        };
        begin_alike("the values on", &values(left), &values(right))?;
    }
    Ok(())
}

fn equal<T: PartialEq + Debug>(what: &str, left: &T, right: &T) -> Result<(), String> {
    if left == right { Ok(()) } else { Err(format!("{what} differ:\n  {left:?}\n  {right:?}")) }
}

/// Events by what they happen to, those of the scheduler left out.
fn streams(events: &[Stamped]) -> BTreeMap<Stream, Vec<Event>> {
    let mut streams: BTreeMap<Stream, Vec<Event>> = BTreeMap::new();
    for stamped in events.iter().filter(|stamped| stamped.event.kind().level() != Observe::Trace) {
        streams.entry(Stream::of(&stamped.event)).or_default().push(stamped.event.clone());
    }
    streams
}

/// Of each pair of lists, one is the beginning of the other.
fn begin_alike<K: Ord + Debug, T: PartialEq + Debug>(
    what: &str,
    left: &BTreeMap<K, Vec<T>>,
    right: &BTreeMap<K, Vec<T>>,
) -> Result<(), String> {
    for (key, left) in left {
        let right = right.get(key).map_or(&[][..], |right| right.as_slice());
        if let Some(at) = left.iter().zip(right).position(|(left, right)| left != right) {
            return Err(format!("{what} {key:?} differs at {at}: {:?}, {:?}", left[at], right[at]));
        }
    }
    Ok(())
}
