//! What the machine says about a run, in the notation of the case files.

use super::faults;
use super::values::endpoint;
use opforge::ids::LayerId;
use opforge::session::{Event, Names, Stamped};
use opforge::{CoroId, EndpointId, SessionId};
use serde_json::{Value as Json, json};

/// Where a coroutine belongs: the number of a session, and a role in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Home {
    pub(super) session: usize,
    pub(super) role: String,
}

/// The numbers and names that case files have for what events hold.
#[derive(Debug)]
pub(super) struct Notation<'n> {
    names: Names<'n>,
    /// In the order in which they were opened.
    sessions: Vec<SessionId>,
    /// In the order in which they began.
    coros: &'n [(CoroId, Home)],
}

impl<'n> Notation<'n> {
    pub(super) fn new(names: Names<'n>, events: &[Stamped], coros: &'n [(CoroId, Home)]) -> Self {
        let opened = events.iter().filter_map(|stamped| match stamped.event {
            Event::Opened { session, .. } => Some(session),
            _ => None,
        });
        Self { names, sessions: opened.collect(), coros }
    }

    /// All events with their ticks, without those that only say how the run was scheduled.
    pub(super) fn all(&self, events: &[Stamped]) -> Vec<(u64, Json)> {
        let mut all = Vec::with_capacity(events.len());
        for stamped in events {
            all.extend(self.event(&stamped.event).into_iter().map(|event| (stamped.tick, event)));
        }
        all
    }

    fn session(&self, id: SessionId) -> usize {
        self.sessions.iter().position(|known| *known == id).unwrap_or(usize::MAX)
    }

    fn role(&self, session: SessionId, role: u16) -> String {
        self.names.role(session, role).unwrap_or_default().to_owned()
    }

    /// The number of a coroutine, its session and its role.
    pub(super) fn coro(&self, id: CoroId) -> (usize, usize, &str) {
        let at = self.coros.iter().position(|(known, _)| *known == id);
        let home = at.and_then(|at| self.coros.get(at));
        home.map_or((usize::MAX, usize::MAX, ""), |(_, home)| {
            (at.unwrap_or(usize::MAX), home.session, home.role.as_str())
        })
    }

    /// The name of a guard layer.
    pub(super) fn layer(&self, number: u32) -> Option<&str> {
        self.names.layer(LayerId(number))
    }

    /// An endpoint in a register.
    pub(super) fn endpoint(&self, id: EndpointId) -> Json {
        endpoint(self.session(id.session_id()), &self.role(id.session_id(), id.role))
    }

    /// One event, as those that case files have for it.
    fn event(&self, event: &Event) -> Vec<Json> {
        let name = event.kind().name();
        vec![match event {
            Event::Opened { session, shape } => {
                let roles = (0..).map_while(|place| self.names.shape_role(*shape, place));
                json!([name, self.session(*session), roles.collect::<Vec<_>>()])
            }
            Event::Sent { session, from, to, label }
            | Event::Received { session, from, to, label }
            | Event::Offered { session, from, to, label }
            | Event::Chose { session, from, to, label } => {
                let (from, to) = (self.role(*session, *from), self.role(*session, *to));
                json!([name, self.session(*session), from, to, self.names.label(*label)])
            }
            Event::Closed { session } => json!([name, self.session(*session)]),
            Event::Terminal { session, how } => json!([name, self.session(*session), how.name()]),
            Event::Epoch { session, epoch } => json!([name, self.session(*session), epoch]),
            Event::Halted { coro } => json!([name, self.coro(*coro).0]),
            Event::Invoked { coro, .. } => {
                let (number, _, role) = self.coro(*coro);
                json!([name, number, role])
            }
            Event::Acquired { coro, layer } | Event::Released { coro, layer } => {
                let (_, session, role) = self.coro(*coro);
                json!([name, session, role, self.names.layer(*layer)])
            }
            Event::Transferred { endpoint, from, to, .. } => {
                let (from, _, role) = self.coro(*from);
                json!([name, self.session(endpoint.session_id()), role, from, self.coro(*to).0])
            }
            Event::Forked { coro, ghost } => json!([name, self.coro(*coro).1, ghost]),
            Event::Joined { coro } | Event::Aborted { coro } => json!([name, self.coro(*coro).1]),
            Event::Tagged { coro, endpoint, fact } => {
                json!([name, self.session(endpoint.session_id()), self.coro(*coro).2, **fact])
            }
            Event::Checked { coro, endpoint, target, permitted } => {
                let session = self.session(endpoint.session_id());
                json!([name, session, self.coro(*coro).2, **target, permitted])
            }
            // One event here, two there.
            Event::Failed { coro, trap } => {
                let (number, session, _) = self.coro(*coro);
                let fault = faults::name(*trap);
                return vec![
                    json!(["failure_branch", session, number, fault]),
                    json!(["faulted", number, fault]),
                ];
            }
            Event::Spawned { .. } | Event::Woken { .. } => return Vec::new(),
            // An event that case files cannot expect is a difference.
            other => json!([name, format!("{other:?}")]),
        }]
    }
}
