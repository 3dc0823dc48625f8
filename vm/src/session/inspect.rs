//! What a machine says about itself when nothing goes on.

use super::coro::{Coroutine, Status, Wait};
use super::handler::EffectHandler;
use super::machine::SessionMachine;
use super::names::Names;
use super::store::{Edge, HOST, MESSAGE, NOBODY};
use super::stuck::{BlockReason, Blocked, Holder, StuckReport};
use crate::endpoint::{EndpointId, SessionId};
use crate::ids::LayerId;
use crate::program::{EdgePolicy, Program};

impl<T, H: EffectHandler> SessionMachine<T, H> {
    /// The program, if it declares anything about sessions.
    #[must_use]
    pub fn program(&self) -> Option<&Program> {
        self.module.program().source.as_ref().map(|source| source.program())
    }

    /// The names of the program, of its open sessions and of its coroutines, to show events with.
    #[must_use]
    pub fn names(&self) -> Names<'_> {
        let mut names = self.program().map_or_else(Names::none, Names::new);
        names.learn(self.events());
        for index in 0..self.world.store.len() as u32 {
            if let Some(session) = self.world.store.get(index) {
                names.session(SessionId { index, generation: session.generation }, session.shape);
            }
        }
        for (index, coro) in (0..).zip(&self.world.coros) {
            names.coroutine(coro.id(index), coro.frames.entry());
        }
        names
    }

    /// Who waits for what: of the coroutines that neither halted nor trapped, those that cannot run now.
    #[must_use]
    pub fn stuck_report(&self) -> StuckReport {
        let alive = (0..).zip(&self.world.coros).filter(|(_, coro)| coro.is_alive());
        let blocked = alive.filter_map(|(index, coro)| self.blocked(index, coro)).collect();
        let holder = |id: EndpointId| self.holder(id);
        let policy = |session: SessionId, from, to| self.policy(session, from, to);
        StuckReport::new(blocked, &self.names(), holder, policy)
    }

    fn blocked(&self, index: u32, coro: &Coroutine) -> Option<Blocked> {
        let why = match coro.status {
            Status::Waits(wait) => self.reason(coro, wait)?,
            _ if coro.paused => BlockReason::Paused,
            _ => return None,
        };
        let (func, instr) = coro.frames.at(&self.module);
        let function = self.module.program().function(func);
        Some(Blocked {
            coro: coro.id(index),
            func,
            pc: function.map_or(0, |function| function.pc(instr)),
            span: function.and_then(|function| function.span(instr)),
            why,
        })
    }

    fn reason(&self, coro: &Coroutine, wait: Wait) -> Option<BlockReason> {
        Some(match wait {
            Wait::Send { session, edge } | Wait::Recv { session, edge } => {
                let of = self.world.store.get(session)?;
                let def = self.plan.shape(of.shape)?.edges.get(usize::from(edge))?;
                let session = SessionId { index: session, generation: of.generation };
                let (from, to) = (def.from, def.to);
                match wait {
                    Wait::Recv { .. } => BlockReason::Recv { session, from, to },
                    _ if coro.checkpoints.is_empty() => BlockReason::Send { session, from, to },
                    _ => BlockReason::Join { session },
                }
            }
            Wait::Acquire { layer } => {
                let held = self.world.layers.get(layer).map_or(&[][..], |layer| &layer.held);
                let holders = held.iter().map(|&(holder, _)| self.world.coro_id(holder)).collect();
                BlockReason::Acquire { layer: LayerId(layer), holders }
            }
            Wait::Grant { layer } => BlockReason::Acquire { layer: LayerId(layer), holders: [].into() },
            Wait::Effect { effect } => BlockReason::Effect { effect },
            Wait::Ownership => BlockReason::Ownership { endpoint: coro.awaits? },
        })
    }

    /// Messages on the edge from one role of a session to another, by the places of the roles in the shape; `None` if the
    /// session is gone or has no such edge. A session that has ended has none.
    #[must_use]
    pub fn queued(&self, session: SessionId, from: u16, to: u16) -> Option<u32> {
        self.edge(session, from, to).map(|edge| edge.ring.len())
    }

    /// Who has an endpoint.
    #[must_use]
    pub fn holder(&self, id: EndpointId) -> Holder {
        let session = self.world.store.of(id);
        let Some(role) = session.and_then(|session| session.roles.get(usize::from(id.role))) else {
            return Holder::Nobody;
        };
        match role.owner {
            NOBODY => Holder::Nobody,
            MESSAGE => Holder::Message,
            HOST => Holder::Host,
            owner => {
                let coro = self.world.coro_id(owner);
                if self.world.alive(coro).is_some() { Holder::Coroutine(coro) } else { Holder::Ended(coro) }
            }
        }
    }

    fn policy(&self, session: SessionId, from: u16, to: u16) -> EdgePolicy {
        self.edge(session, from, to).map_or(EdgePolicy::Block, |edge| edge.policy)
    }

    fn edge(&self, session: SessionId, from: u16, to: u16) -> Option<&Edge> {
        let of = self.world.store.of(session.endpoint(0))?;
        let edges = &self.plan.shape(of.shape)?.edges;
        let at = edges.iter().position(|edge| (edge.from, edge.to) == (from, to))?;
        of.edges.get(at)
    }
}
