//! Why nothing goes on: who waits for what, and for whom.

use super::names::Names;
use crate::endpoint::{CoroId, EndpointId, SessionId};
use crate::ids::{EffectId, FuncId, LayerId, SpanId};
use crate::program::EdgePolicy;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// What a coroutine waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BlockReason {
    /// For room on an edge.
    Send {
        /// The session.
        session: SessionId,
        /// The place of the sender, which it is.
        from: u16,
        /// The place of the receiver.
        to: u16,
    },
    /// For a message.
    Recv {
        /// The session.
        session: SessionId,
        /// The place of the sender.
        from: u16,
        /// The place of the receiver, which it is.
        to: u16,
    },
    /// For a guard layer.
    Acquire {
        /// The layer.
        layer: LayerId,
        /// Who holds it. Nobody: the host does not grant it.
        holders: Vec<CoroId>,
    },
    /// For the host to do an effect.
    Effect {
        /// The effect.
        effect: EffectId,
    },
    /// For an endpoint to be transferred to it.
    Ownership {
        /// The endpoint.
        endpoint: EndpointId,
    },
    /// For room for what it sent while it speculated.
    Join {
        /// The session in which there is none.
        session: SessionId,
    },
    /// For the host to let it run.
    Paused,
}

/// A coroutine that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// The coroutine.
    pub coro: CoroId,
    /// The function that it is in.
    pub func: FuncId,
    /// Byte offset of the instruction that it is at.
    pub pc: u32,
    /// The span of that instruction.
    pub span: Option<SpanId>,
    /// What it waits for.
    pub why: BlockReason,
}

/// Who has an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Holder {
    /// This coroutine.
    Coroutine(CoroId),
    /// This coroutine had it, and has ended.
    Ended(CoroId),
    /// It is in a message that nobody has received.
    Message,
    /// The host.
    Host,
    /// Nobody any more.
    Nobody,
}

/// An edge on which messages may have been lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LossyEdge {
    /// The session.
    pub session: SessionId,
    /// The place of the sender.
    pub from: u16,
    /// The place of the receiver.
    pub to: u16,
    /// What happens on it when it is full.
    pub policy: EdgePolicy,
}

/// Why a run is stuck.
///
/// Displaying it gives a line for each coroutine that waits, then one for each circle in which they wait for each other,
/// then one for each lossy edge that somebody waits for a message of. Texts hold names and are made once, so that
/// the report can be shown when the machine is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StuckReport {
    /// The coroutines that wait, by number.
    pub blocked: Vec<Blocked>,
    /// Coroutines that wait for each other, each for the next and the last for the first. The one of the least number
    /// stands first.
    pub cycles: Vec<Vec<CoroId>>,
    /// Lossy edges that somebody waits for a message of.
    pub lossy: Vec<LossyEdge>,
    lines: Vec<Box<str>>,
}

impl StuckReport {
    /// Lines of each sort that the text has at most.
    pub const MAX_LINES: usize = 50;

    /// Makes a report. `holder` says who has an endpoint; `policy` gives the policy of a session's edge between two
    /// places.
    #[must_use]
    pub fn new(
        mut blocked: Vec<Blocked>,
        names: &Names<'_>,
        holder: impl Fn(EndpointId) -> Holder,
        policy: impl Fn(SessionId, u16, u16) -> EdgePolicy,
    ) -> Self {
        blocked.sort_unstable_by_key(|blocked| blocked.coro);
        let mut report = Self { cycles: Vec::new(), lossy: Vec::new(), lines: Vec::new(), blocked };
        report.cycles = cycles(&report.blocked, &holder);
        report.lossy = lossy(&report.blocked, policy);
        let writer = Writer { names, blocked: &report.blocked, holder };
        let mut lines = Vec::new();
        section(&mut lines, &report.blocked, "coroutines", |blocked| writer.line(blocked));
        section(&mut lines, &report.cycles, "circles", |cycle| writer.cycle(cycle));
        section(&mut lines, &report.lossy, "lossy edges", |edge| writer.lossy(edge));
        report.lines = lines;
        report
    }
}

impl fmt::Display for StuckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stuck: ")?;
        match self.blocked.len() {
            0 => write!(f, "no coroutine can run, and none waits")?,
            1 => write!(f, "a coroutine waits")?,
            count => write!(f, "{count} coroutines wait")?,
        }
        if self.blocked.iter().all(|blocked| blocked.why == BlockReason::Paused) && !self.blocked.is_empty() {
            write!(f, " for the host to resume")?;
        }
        self.lines.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

/// The lines of a section: not more than allowed, and how many there would be.
fn section<T>(lines: &mut Vec<Box<str>>, of: &[T], what: &str, line: impl Fn(&T) -> String) {
    let shown = of.iter().take(StuckReport::MAX_LINES);
    lines.extend(shown.map(|item| line(item).into_boxed_str()));
    if of.len() > StuckReport::MAX_LINES {
        lines.push(format!("... {} more {what}", of.len() - StuckReport::MAX_LINES).into());
    }
}

/// The endpoint whose owner could help.
fn needed(why: &BlockReason) -> Option<EndpointId> {
    match *why {
        BlockReason::Send { session, to: role, .. } | BlockReason::Recv { session, from: role, .. } => {
            Some(session.endpoint(role))
        }
        BlockReason::Ownership { endpoint } => Some(endpoint),
        _ => None,
    }
}

/// Circles of coroutines that wait for each other. Where any of several could help, the first that waits itself counts:
/// each coroutine waits for one, so that a coroutine is in one circle at most, and following them takes linear time.
fn cycles(blocked: &[Blocked], holder: impl Fn(EndpointId) -> Holder) -> Vec<Vec<CoroId>> {
    let at = |coro: CoroId| blocked.binary_search_by_key(&coro, |blocked| blocked.coro).ok();
    let next: Vec<Option<usize>> = blocked
        .iter()
        .map(|one| match (&one.why, needed(&one.why).map(&holder)) {
            (BlockReason::Acquire { holders, .. }, _) => holders.iter().find_map(|&coro| at(coro)),
            (_, Some(Holder::Coroutine(coro))) => at(coro),
            _ => None,
        })
        .collect();
    let mut cycles = Vec::new();
    // The walk that came by first, from 1 on.
    let mut seen = alloc::vec![0usize; blocked.len()];
    for start in 0..blocked.len() {
        let mut current = Some(start);
        while let Some(place) = current.filter(|&place| seen.get(place) == Some(&0)) {
            if let Some(mark) = seen.get_mut(place) {
                *mark = start + 1;
            }
            current = next.get(place).copied().flatten();
        }
        // A walk that comes back to itself has found a circle.
        let Some(entry) = current.filter(|&place| seen.get(place) == Some(&(start + 1))) else { continue };
        let mut cycle = Vec::new();
        let mut place = entry;
        loop {
            cycle.extend(blocked.get(place).map(|blocked| blocked.coro));
            match next.get(place).copied().flatten() {
                Some(next) if next != entry => place = next,
                _ => break,
            }
        }
        let least = cycle.iter().enumerate().min_by_key(|&(_, coro)| coro).map_or(0, |(place, _)| place);
        cycle.rotate_left(least);
        cycles.push(cycle);
    }
    cycles.sort_unstable();
    cycles
}

fn lossy(blocked: &[Blocked], policy: impl Fn(SessionId, u16, u16) -> EdgePolicy) -> Vec<LossyEdge> {
    let mut edges = BTreeMap::new();
    for one in blocked {
        if let BlockReason::Recv { session, from, to } = one.why {
            let policy = policy(session, from, to);
            if policy.is_lossy() {
                edges.insert((session, from, to), policy);
            }
        }
    }
    edges.into_iter().map(|((session, from, to), policy)| LossyEdge { session, from, to, policy }).collect()
}

struct Writer<'a, H> {
    names: &'a Names<'a>,
    blocked: &'a [Blocked],
    holder: H,
}

impl<H: Fn(EndpointId) -> Holder> Writer<'_, H> {
    fn line(&self, blocked: &Blocked) -> String {
        let func = self.names.show_func(blocked.func);
        let span = blocked.span.map(|span| format!(", span {span}")).unwrap_or_default();
        let why = self.why(&blocked.why);
        let line = format!("{} ({func}, pc {}{span}) {why}", blocked.coro, blocked.pc);
        match self.helper(&blocked.why) {
            Some(helper) => format!("{line}; {helper}"),
            None => line,
        }
    }

    /// What somebody does who waits, to be put behind who it is.
    fn why(&self, why: &BlockReason) -> String {
        let role = |session, role| self.names.show_role(session, role);
        match why {
            BlockReason::Send { session, from, to } => format!(
                "waits for room on the edge {} -> {} of {session}",
                role(*session, *from),
                role(*session, *to),
            ),
            BlockReason::Recv { session, from, to } => format!(
                "waits as {} for a message of {} in {session}",
                role(*session, *to),
                role(*session, *from),
            ),
            BlockReason::Acquire { layer, holders } => {
                let layer = self.names.show_layer(*layer);
                match holders.as_slice() {
                    [] => format!("waits for layer {layer}, which nobody holds: the host does not grant it"),
                    [one] => format!("waits for layer {layer}, which {} holds", self.names.show_coro(*one)),
                    [one, rest @ ..] => {
                        let one = self.names.show_coro(*one);
                        format!("waits for layer {layer}, which {one} and {} more hold", rest.len())
                    }
                }
            }
            BlockReason::Effect { effect } => {
                format!("waits for the host to do effect {}", self.names.show_effect(*effect))
            }
            BlockReason::Ownership { endpoint } => {
                format!("waits to be given {} of {}", self.names.show_end(*endpoint), endpoint.session_id())
            }
            BlockReason::Join { session } => {
                format!("waits for room in {session} to join its speculation")
            }
            BlockReason::Paused => "is paused by the host".to_string(),
        }
    }

    /// Who could help, and what keeps them.
    fn helper(&self, why: &BlockReason) -> Option<String> {
        let endpoint = needed(why)?;
        let role = self.names.show_end(endpoint);
        Some(match (self.holder)(endpoint) {
            Holder::Coroutine(coro) => {
                let at = self.blocked.binary_search_by_key(&coro, |blocked| blocked.coro).ok();
                let what = match at.and_then(|at| self.blocked.get(at)) {
                    Some(other) => self.why(&other.why),
                    None => "does not wait".to_string(),
                };
                format!("{role} is {}, which {what}", self.names.show_coro(coro))
            }
            Holder::Ended(coro) => format!("{role} was {}, which has ended", self.names.show_coro(coro)),
            Holder::Message => format!("{role} is in a message that nobody has received"),
            Holder::Host => format!("the host has {role}"),
            Holder::Nobody => format!("nobody has {role} any more"),
        })
    }

    fn cycle(&self, cycle: &[CoroId]) -> String {
        let mut text = String::from("deadlock: ");
        for (place, coro) in cycle.iter().take(StuckReport::MAX_LINES).enumerate() {
            text +=
                &format!("{}{}", if place == 0 { "" } else { " waits for " }, self.names.show_coro(*coro));
        }
        if cycle.len() > StuckReport::MAX_LINES {
            text += &format!(", and so on over {} more", cycle.len() - StuckReport::MAX_LINES);
        }
        match cycle {
            [] => text,
            [_] => text + " waits for itself",
            [first, ..] => text + &format!(" waits for {}", self.names.show_coro(*first)),
        }
    }

    fn lossy(&self, edge: &LossyEdge) -> String {
        let [from, to] = [edge.from, edge.to].map(|role| self.names.show_role(edge.session, role));
        let (session, policy) = (edge.session, edge.policy.name());
        format!("edge {from} -> {to} of {session} is lossy ({policy}): a message may have been lost")
    }
}
