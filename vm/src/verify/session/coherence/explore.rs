//! All roles run against each other.
//!
//! A state of the whole is the state of each role and what is in each queue. From the first one, every send that finds
//! room and every receive of what came is taken, breadth first, so the way to the first mistake is a shortest one.
//! A full queue is no mistake: who is held up by one only waits for somebody who can go on.

use super::{CoherenceLimits, Incoherence, IncoherenceKind, TraceAction, TraceStep};
use crate::ids::ShapeId;
use crate::program::{Program, SessionTables};
use crate::protocol::{LabelId, PayloadId, RoleId, StateBranch, StateId, StateKind};
use crate::verify::session::text::Texts;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

/// Steps of a trace that a text tells, at its end.
const TOLD: usize = 12;

/// Roles that wait, or messages that are left, that a text tells.
const NAMED: usize = 8;

/// A message in a queue.
type Message = (LabelId, PayloadId);

/// What is in the queues: sender and receiver, and the messages, oldest first. Without empty queues.
type Queues = BTreeMap<(u16, u16), Vec<Message>>;

/// A state of the whole as numbers: the roles' states, then for each queue its ends, its length and its messages.
type Key = Rc<[u32]>;

/// How a state was come to first.
#[derive(Debug)]
struct Node {
    key: Key,
    /// The state before, and what happened; `None` for the first.
    before: Option<(u32, TraceStep)>,
}

#[derive(Debug)]
struct Explorer<'p> {
    program: &'p Program,
    tables: &'p SessionTables,
    shape: ShapeId,
    places: BTreeMap<RoleId, u16>,
    limits: CoherenceLimits,
    work: u64,
    nodes: Vec<Node>,
    seen: BTreeMap<Key, u32>,
    queue: VecDeque<u32>,
}

/// Runs the roles of a shape against each other. Gives how many states of the whole there are.
pub(super) fn explore(
    program: &Program,
    shape: ShapeId,
    limits: &CoherenceLimits,
) -> Result<u32, Incoherence> {
    let tables = program.sessions();
    let roles = tables.roles_of(shape);
    let mut explorer = Explorer {
        program,
        tables,
        shape,
        places: roles.iter().map(|role| role.role).zip(0u16..).collect(),
        limits: limits.clone(),
        work: limits.work,
        nodes: Vec::new(),
        seen: BTreeMap::new(),
        queue: VecDeque::new(),
    };
    let states: Vec<StateId> = roles.iter().map(|role| role.entry).collect();
    explorer.visit(&states, &Queues::new(), None)?;
    while let Some(index) = explorer.queue.pop_front() {
        explorer.leave(index)?;
        if explorer.nodes.len() > limits.states as usize {
            return Err(explorer.limit());
        }
    }
    Ok(explorer.nodes.len() as u32)
}

fn to_key(states: &[StateId], queues: &Queues) -> Key {
    let mut key: Vec<u32> = states.iter().map(|state| state.0).collect();
    for (&(from, to), messages) in queues {
        key.push(u32::from(from) << 16 | u32::from(to));
        key.push(messages.len() as u32);
        key.extend(messages.iter().map(|(label, payload)| u32::from(label.0) << 16 | u32::from(payload.0)));
    }
    key.into()
}

fn from_key(key: &[u32], roles: usize) -> (Vec<StateId>, Queues) {
    let mut words = key.iter().copied();
    let states = words.by_ref().take(roles).map(StateId).collect();
    let mut queues = Queues::new();
    while let (Some(ends), Some(len)) = (words.next(), words.next()) {
        let message = |word: u32| (LabelId((word >> 16) as u16), PayloadId(word as u16));
        let messages = words.by_ref().take(len as usize).map(message).collect();
        queues.insert(((ends >> 16) as u16, ends as u16), messages);
    }
    (states, queues)
}

impl Explorer<'_> {
    fn spend(&mut self, steps: usize) -> Result<(), Incoherence> {
        match self.work.checked_sub(steps as u64) {
            Some(left) => {
                self.work = left;
                Ok(())
            }
            None => Err(self.limit()),
        }
    }

    fn limit(&self) -> Incoherence {
        let text = format!(
            "{} states of {} were looked at without finding a mistake, and there are more",
            self.nodes.len(),
            Texts::new(self.program).shape(self.shape)
        );
        Incoherence::new(self.shape, IncoherenceKind::Limit, text)
    }

    /// Notes a state, if it is new.
    fn visit(
        &mut self,
        states: &[StateId],
        queues: &Queues,
        before: Option<(u32, TraceStep)>,
    ) -> Result<(), Incoherence> {
        let size: usize = queues.values().map(|messages| messages.len() + 2).sum();
        self.spend(states.len().saturating_add(size).saturating_mul(4).saturating_add(32))?;
        let key = to_key(states, queues);
        if self.seen.contains_key(&key) {
            return Ok(());
        }
        let index = self.nodes.len() as u32;
        self.seen.insert(Rc::clone(&key), index);
        self.nodes.push(Node { key, before });
        self.queue.push_back(index);
        Ok(())
    }

    /// Takes every step from a state.
    fn leave(&mut self, index: u32) -> Result<(), Incoherence> {
        let Some(key) = self.nodes.get(index as usize).map(|node| Rc::clone(&node.key)) else {
            return Ok(());
        };
        self.spend(key.len().saturating_mul(8))?;
        let (states, queues) = from_key(&key, self.tables.roles_of(self.shape).len());
        let mut moved = false;
        for (role, &state) in (0u16..).zip(&states) {
            let (partner, sends) = match self.tables.kind(state) {
                StateKind::End => continue,
                StateKind::Send(partner) => (partner, true),
                StateKind::Recv(partner) => (partner, false),
            };
            let Some(&partner) = self.places.get(&partner) else { return Err(self.no_partner(role)) };
            moved |= if sends {
                self.send(index, &states, &queues, (role, partner))?
            } else {
                self.receive(index, &states, &queues, (partner, role))?
            };
        }
        let done = states.iter().all(|&state| self.tables.kind(state) == StateKind::End);
        if moved || done && queues.is_empty() { Ok(()) } else { Err(self.stuck(index, &states, &queues)) }
    }

    /// Every message that the role may send now; whether it may send one, though there is no room.
    fn send(
        &mut self,
        index: u32,
        states: &[StateId],
        queues: &Queues,
        ends: (u16, u16),
    ) -> Result<bool, Incoherence> {
        let (from, to) = ends;
        let Some(&state) = states.get(usize::from(from)) else { return Ok(false) };
        let tables = self.tables;
        let full = queues.get(&ends).is_some_and(|queue| queue.len() >= self.limits.queue as usize);
        for branch in if full { &[] } else { tables.branches_of(state) } {
            let mut queues = queues.clone();
            queues.entry(ends).or_default().push((branch.label, branch.payload));
            let step = TraceStep { from, to, label: branch.label, action: TraceAction::Sent };
            self.go_on(index, states, from, branch, &queues, step)?;
        }
        Ok(!tables.branches_of(state).is_empty())
    }

    /// The message that waits for the role, if there is one; whether there is.
    fn receive(
        &mut self,
        index: u32,
        states: &[StateId],
        queues: &Queues,
        ends: (u16, u16),
    ) -> Result<bool, Incoherence> {
        let (from, to) = ends;
        let Some(&state) = states.get(usize::from(to)) else { return Ok(false) };
        let Some(&(label, payload)) = queues.get(&ends).and_then(|queue| queue.first()) else {
            return Ok(false);
        };
        let tables = self.tables;
        let branch = tables.branch(state, label).filter(|branch| branch.payload == payload);
        let Some(branch) = branch else { return Err(self.cannot_take(index, state, ends, (label, payload))) };
        let mut queues = queues.clone();
        if let Some(queue) = queues.get_mut(&ends) {
            queue.remove(0);
        }
        queues.retain(|_, queue| !queue.is_empty());
        let step = TraceStep { from, to, label, action: TraceAction::Received };
        self.go_on(index, states, to, branch, &queues, step)?;
        Ok(true)
    }

    fn go_on(
        &mut self,
        index: u32,
        states: &[StateId],
        role: u16,
        branch: &StateBranch,
        queues: &Queues,
        step: TraceStep,
    ) -> Result<(), Incoherence> {
        let mut states = states.to_vec();
        if let Some(state) = states.get_mut(usize::from(role)) {
            *state = branch.next;
        }
        self.visit(&states, queues, Some((index, step)))
    }

    /// What happens before a state, from the beginning on.
    fn trace(&self, mut index: u32) -> Vec<TraceStep> {
        let mut steps = Vec::new();
        while let Some(&(before, step)) = self.nodes.get(index as usize).and_then(|node| node.before.as_ref())
        {
            steps.push(step);
            index = before;
        }
        steps.reverse();
        steps
    }

    fn role(&self, place: u16) -> String {
        Texts::new(self.program).role(self.shape, place)
    }

    fn no_partner(&self, role: u16) -> Incoherence {
        let text = format!("{} talks to somebody who has no part in the session", self.role(role));
        Incoherence::new(self.shape, IncoherenceKind::Partner { role }, text)
    }

    fn cannot_take(&self, index: u32, state: StateId, ends: (u16, u16), message: Message) -> Incoherence {
        let texts = Texts::new(self.program);
        let ((from, role), (label, payload)) = (ends, message);
        let text = format!(
            "{} cannot take {} from {}: of it is left {}",
            self.role(role),
            texts.message(label, payload),
            self.role(from),
            texts.state(state)
        );
        self.mistake(index, IncoherenceKind::CannotTake { role, from, label }, text)
    }

    fn stuck(&self, index: u32, states: &[StateId], queues: &Queues) -> Incoherence {
        let mut waiting = Vec::new();
        let mut text = String::new();
        for (role, &state) in (0u16..).zip(states) {
            let StateKind::Recv(partner) = self.tables.kind(state) else { continue };
            let partner = self.places.get(&partner).map_or(String::new(), |&place| self.role(place));
            if waiting.len() < NAMED {
                let then = if waiting.is_empty() { "" } else { ", " };
                // Writing to a string does not fail.
                let _ = write!(text, "{then}{} waits for {partner}", self.role(role));
            }
            waiting.push(role);
        }
        let more = |text: &mut String, count: usize| {
            if count > NAMED {
                let _ = write!(text, " and {} more", count - NAMED);
            }
        };
        more(&mut text, waiting.len());
        let texts = Texts::new(self.program);
        for (n, (&(from, to), queue)) in queues.iter().enumerate().take(NAMED) {
            let then = if text.is_empty() { "" } else { if n == 0 { "; " } else { ", " } };
            let label = queue.first().map_or(String::new(), |&(label, _)| texts.label(label));
            let _ = write!(text, "{then}nobody takes {label} from {} to {}", self.role(from), self.role(to));
        }
        more(&mut text, queues.len());
        let kind =
            if waiting.is_empty() { IncoherenceKind::Orphans } else { IncoherenceKind::Deadlock { waiting } };
        self.mistake(index, kind, text)
    }

    fn mistake(&self, index: u32, kind: IncoherenceKind, mut text: String) -> Incoherence {
        let trace = self.trace(index);
        let texts = Texts::new(self.program);
        let hidden = trace.len().saturating_sub(TOLD);
        for (n, step) in trace.iter().enumerate().skip(hidden) {
            let (from, to, label) = (self.role(step.from), self.role(step.to), texts.label(step.label));
            let then = if n > hidden {
                String::from(", ")
            } else if hidden > 0 {
                format!("; after {hidden} steps and then: ")
            } else {
                String::from("; after: ")
            };
            let _ = match step.action {
                TraceAction::Sent => write!(text, "{then}{from} sends {label} to {to}"),
                TraceAction::Received => write!(text, "{then}{to} receives {label} from {from}"),
            };
        }
        Incoherence { trace, ..Incoherence::new(self.shape, kind, text) }
    }
}
