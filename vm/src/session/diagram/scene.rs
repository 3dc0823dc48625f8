//! What is to be drawn: participants from left to right, rows from top to bottom.

use super::{Detail, Diagram};
use crate::endpoint::{CoroId, SessionId};
use crate::program::EdgePolicy;
use crate::protocol::LabelId;
use crate::session::compare::Edge;
use crate::session::event::{Ending, Event, Observe, Stamped};
use crate::session::names::{Hash, Names};
use crate::text::width;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Cells of a text that are shown.
const MAX_CELLS: usize = 48;

/// Whose line it is. Roles stand left of coroutines, those of a session beside each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lane {
    Role(SessionId, u16),
    Coro(CoroId),
}

/// Where a message ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// At this row.
    Row(usize),
    /// Below what is shown.
    Later,
    /// Nowhere in the trace.
    Never,
}

#[derive(Clone, Debug)]
pub(super) enum Item {
    /// A message is sent.
    Send { from: Lane, to: Lane, text: String, arrival: Arrival, offered: bool, chosen: bool },
    /// A message is received; the row where it was sent, unless that is not in the trace.
    Receive { to: Lane, text: String, sent: Option<usize> },
    /// Something else goes from one to the other.
    Link { from: Lane, to: Lane, text: String },
    /// Something happens to one.
    Note { lane: Lane, text: String, bad: bool },
    /// Something happens to a session, or to the run.
    Band { session: Option<SessionId>, text: String, bad: bool },
}

#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) tick: u64,
    pub(super) item: Item,
    /// All of it, as a line for people.
    pub(super) title: String,
}

#[derive(Clone, Debug)]
pub(super) struct Scene {
    /// Participants from left to right, with their names.
    pub(super) lanes: Vec<(Lane, String)>,
    pub(super) rows: Vec<Row>,
    /// Events that are left out at the end.
    pub(super) more: usize,
}

impl Scene {
    pub(super) fn new(diagram: &Diagram, trace: &[Stamped], names: &Names<'_>) -> Self {
        let mut builder = Builder { diagram, names, rows: Vec::new(), more: 0, pending: BTreeMap::new() };
        trace.iter().for_each(|stamped| builder.event(stamped));
        let mut lanes = BTreeSet::new();
        for row in &builder.rows {
            match row.item {
                Item::Send { from, to, .. } | Item::Link { from, to, .. } => lanes.extend([from, to]),
                Item::Receive { to: lane, .. } | Item::Note { lane, .. } => lanes.extend([lane]),
                Item::Band { .. } => {}
            }
        }
        let lanes = lanes.into_iter().map(|lane| (lane, lane_name(lane, names))).collect();
        Self { lanes, rows: builder.rows, more: builder.more }
    }

    /// The place of a lane, counted from the left.
    pub(super) fn place(&self, lane: Lane) -> usize {
        self.lanes.binary_search_by_key(&lane, |(lane, _)| *lane).unwrap_or(0)
    }

    /// The outer places of a session's lanes; of all, for the run and for a session without lanes.
    pub(super) fn span(&self, session: Option<SessionId>) -> (usize, usize) {
        let of = |lane: &Lane| matches!(lane, Lane::Role(of, _) if Some(*of) == session);
        let first = self.lanes.iter().position(|(lane, _)| of(lane));
        let last = self.lanes.iter().rposition(|(lane, _)| of(lane));
        first.zip(last).unwrap_or((0, self.lanes.len().saturating_sub(1)))
    }

    /// What is said below, where something is left out.
    pub(super) fn rest(&self) -> Option<String> {
        (self.more > 0).then(|| format!("... {} more", self.more))
    }
}

struct Builder<'a> {
    diagram: &'a Diagram,
    names: &'a Names<'a>,
    rows: Vec<Row>,
    more: usize,
    /// Messages that were sent and not received yet: their row, if it is shown, and label.
    pending: BTreeMap<Edge, VecDeque<(Option<usize>, LabelId)>>,
}

impl Builder<'_> {
    fn event(&mut self, stamped: &Stamped) {
        match stamped.event {
            Event::Sent { session, from, to, label } => self.sent(stamped, Edge { session, from, to }, label),
            Event::Received { session, from, to, label } => {
                self.received(stamped, Edge { session, from, to }, label);
            }
            // These two say more about the row before.
            Event::Offered { .. } => {
                if let Some(Row { item: Item::Send { offered, .. }, .. }) = self.last() {
                    *offered = true;
                }
            }
            Event::Chose { .. } => self.chose(),
            Event::Opened { .. } | Event::Closed { .. } | Event::Terminal { .. } | Event::Epoch { .. } => {
                self.life(stamped);
            }
            _ => self.coroutine(stamped),
        }
    }

    /// The row of the event before, unless that one is left out.
    fn last(&mut self) -> Option<&mut Row> {
        if self.more == 0 { self.rows.last_mut() } else { None }
    }

    /// Adds a row, if there is room. Gives its place.
    fn push(&mut self, stamped: &Stamped, item: Item) -> Option<usize> {
        if self.rows.len() >= self.diagram.max_rows {
            self.more += 1;
            return None;
        }
        let title = stamped.display(self.names).to_string();
        self.rows.push(Row { tick: stamped.tick, item, title });
        Some(self.rows.len() - 1)
    }

    fn sent(&mut self, stamped: &Stamped, edge: Edge, label: LabelId) {
        let [from, to] = [edge.from, edge.to].map(|role| Lane::Role(edge.session, role));
        let text = self.label(label);
        let arrival = Arrival::Never;
        let row = self.push(stamped, Item::Send { from, to, text, arrival, offered: false, chosen: false });
        let latest = self.policy(edge) == Some(EdgePolicy::Latest);
        let pending = self.pending.entry(edge).or_default();
        if latest {
            pending.clear();
        }
        pending.push_back((row, label));
    }

    fn received(&mut self, stamped: &Stamped, edge: Edge, label: LabelId) {
        let sent = self.pending.get_mut(&edge).and_then(|pending| {
            let at = pending.iter().position(|&(_, sent)| sent == label)?;
            pending.drain(..=at).next_back()
        });
        let text = clip(&format!("{} of {}", self.names.show_label(label), {
            self.names.show_role(edge.session, edge.from)
        }));
        let to = Lane::Role(edge.session, edge.to);
        let sent = sent.and_then(|(row, _)| row);
        let row = self.push(stamped, Item::Receive { to, text, sent });
        if let Some(Row { item: Item::Send { arrival, .. }, .. }) =
            sent.and_then(|sent| self.rows.get_mut(sent))
        {
            *arrival = row.map_or(Arrival::Later, Arrival::Row);
        }
    }

    fn chose(&mut self) {
        let Some(Row { item: Item::Receive { sent: Some(sent), .. }, .. }) = self.last() else { return };
        let sent = *sent;
        if let Some(Row { item: Item::Send { chosen, .. }, .. }) = self.rows.get_mut(sent) {
            *chosen = true;
        }
    }

    fn life(&mut self, stamped: &Stamped) {
        let (session, names) = (stamped.event.session(), self.names);
        if !matches!(stamped.event, Event::Opened { .. })
            && let Some(session) = session
        {
            // What is on the way now never arrives.
            self.pending.retain(|edge, _| edge.session != session);
        }
        let new = match stamped.event {
            Event::Terminal { how, .. } => format!("ended: {}", how.name()),
            Event::Epoch { epoch, .. } => format!("epoch {epoch}"),
            ref other => other.display(names).to_string(),
        };
        let is_bad = matches!(stamped.event, Event::Terminal { how: Ending::Faulted | Ending::Aborted, .. });
        // What comes at once stands in one row.
        if let Some(Row { tick, item: Item::Band { session: of, text, bad }, .. }) = self.last()
            && *tick == stamped.tick
            && *of == session
        {
            // That it was closed has been said.
            if !matches!(stamped.event, Event::Terminal { how: Ending::Closed, .. }) {
                *text = clip(&format!("{text}, {new}"));
            }
            *bad |= is_bad;
            return;
        }
        let text = match (&stamped.event, session) {
            (Event::Terminal { .. } | Event::Epoch { .. }, Some(session)) => {
                format!("{} {new}", Hash(session))
            }
            _ => new,
        };
        self.push(stamped, Item::Band { session, text: clip(&text), bad: is_bad });
    }

    fn coroutine(&mut self, stamped: &Stamped) {
        let event = &stamped.event;
        let bad = matches!(event, Event::Failed { .. });
        if self.diagram.detail == Detail::Messages && !bad {
            return;
        }
        // That somebody was woken can be seen from what it does then.
        if event.kind().level() == Observe::Trace && !matches!(event, Event::Spawned { .. }) {
            return;
        }
        let text = clip(&event.action(self.names).to_string());
        let item = match *event {
            Event::Transferred { from, to, endpoint, .. } if from != to => {
                let role = self.names.show_end(endpoint);
                let text = clip(&format!("gives {} {role}", Hash(endpoint.session_id())));
                Item::Link { from: Lane::Coro(from), to: Lane::Coro(to), text }
            }
            Event::Spawned { parent: Some(parent), child, func } => {
                let text = clip(&format!("spawns {}", self.names.show_func(func)));
                Item::Link { from: Lane::Coro(parent), to: Lane::Coro(child), text }
            }
            Event::Spawned { parent: None, child, .. } => {
                Item::Note { lane: Lane::Coro(child), text: "spawned by the host".to_string(), bad }
            }
            _ => match event.coroutine() {
                Some(coro) => Item::Note { lane: Lane::Coro(coro), text, bad },
                None => return,
            },
        };
        self.push(stamped, item);
    }

    fn label(&self, label: LabelId) -> String {
        clip(&self.names.show_label(label).to_string())
    }

    /// What happens on an edge that is full, where the names know the shape.
    fn policy(&self, edge: Edge) -> Option<EdgePolicy> {
        let edges = self.names.tables()?.edges_of(self.names.shape_of(edge.session)?);
        edges.iter().find(|def| (def.from, def.to) == (edge.from, edge.to)).map(|def| def.policy)
    }
}

fn lane_name(lane: Lane, names: &Names<'_>) -> String {
    clip(&match lane {
        Lane::Role(session, role) => format!("{} {}", names.show_role(session, role), Hash(session)),
        Lane::Coro(coro) => names.show_coro(coro).to_string(),
    })
}

/// The start of a text that may be long.
fn clip(text: &str) -> String {
    let mut cells = 0;
    for (at, c) in text.char_indices() {
        cells += width(c);
        if cells > MAX_CELLS {
            return format!("{}...", text.get(..at).unwrap_or(""));
        }
    }
    text.to_string()
}
