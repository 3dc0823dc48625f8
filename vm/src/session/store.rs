//! Sessions: who owns which endpoint, what is left to be done with it, and the messages on their way.

use super::plan::{Partner, Plan, RolePlan, ShapePlan};
use super::ring::{Message, Ring};
use crate::endpoint::EndpointId;
use crate::heap::Heap;
use crate::ids::ShapeId;
use crate::lower::Carries;
use crate::program::{EdgeDef, EdgePolicy};
use crate::protocol::{RoleId, StateId};
use alloc::boxed::Box;
use alloc::vec::Vec;
use opforge_schema::TrapCode;

/// Owned by nobody any more.
pub(super) const NOBODY: u32 = u32::MAX;

/// Owned by the host, which has not given it to a coroutine yet.
pub(super) const HOST: u32 = u32::MAX - 1;

/// In a message on its way.
pub(super) const MESSAGE: u32 = u32::MAX - 2;

/// Whether a session can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionStatus {
    /// It can.
    Active,
    /// Somebody has closed it.
    Closed,
    /// A party of it has failed.
    Faulted,
}

/// One end of a session.
#[derive(Clone, Copy, Debug)]
pub(super) struct RoleState {
    pub(super) state: StateId,
    /// The coroutine that owns it.
    pub(super) owner: u32,
    /// Whether coroutines may wait to become its owner.
    pub(super) awaited: bool,
    /// Progress tokens, which go where the endpoint goes.
    pub(super) tokens: u32,
    /// With whom it was last, so that the edges need not be looked up for each message.
    pub(super) partner: Partner,
}

impl RoleState {
    /// The partner of this name of the role, at a place in a shape; nobody if there is no edge between them.
    #[inline(always)]
    pub(super) fn turn_to(&mut self, plan: &Plan, (shape, place): (ShapeId, u16), name: RoleId) -> Partner {
        if self.partner.role != name {
            self.partner = plan.partner(shape, place, name).unwrap_or(Partner::NOBODY);
        }
        self.partner
    }
}

/// A directed edge.
#[derive(Clone, Debug)]
pub(super) struct Edge {
    pub(super) ring: Ring,
    /// Messages that fit.
    pub(super) capacity: u32,
    /// The most messages that it may come to hold.
    pub(super) bound: u32,
    pub(super) policy: EdgePolicy,
    /// The coroutine that waits for room.
    pub(super) wait_send: u32,
    /// The coroutine that waits for a message.
    pub(super) wait_recv: u32,
}

impl Edge {
    fn new(def: &EdgeDef) -> Self {
        let capacity = if def.policy == EdgePolicy::Latest { 1 } else { def.capacity.max(1) };
        let bound = if def.policy == EdgePolicy::Resize { def.max.max(capacity) } else { capacity };
        Self {
            ring: Ring::default(),
            capacity,
            bound,
            policy: def.policy,
            wait_send: NOBODY,
            wait_recv: NOBODY,
        }
    }

    /// Whether a message fits without anything being done about it.
    #[inline]
    pub(super) fn has_room(&self) -> bool {
        self.policy == EdgePolicy::Latest || self.ring.len() < self.capacity
    }

    /// Adds a message, if that fits and takes no more memory. `false`, with nothing done, if not.
    #[inline]
    pub(super) fn put_plainly(&mut self, message: Message) -> bool {
        self.policy != EdgePolicy::Latest && self.ring.len() < self.capacity && self.ring.put_paid(message)
    }

    /// Bytes that so many more messages take.
    pub(super) fn growth(&self, more: usize) -> u64 {
        self.ring.growth(more, self.bound)
    }
}

#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) generation: u16,
    pub(super) status: SessionStatus,
    pub(super) epoch: u32,
    pub(super) shape: ShapeId,
    /// Endpoints that somebody owns or that are on their way.
    pub(super) live: u16,
    pub(super) roles: Box<[RoleState]>,
    pub(super) edges: Box<[Edge]>,
}

impl Session {
    pub(super) fn bytes(&self) -> u64 {
        let rings: u64 = self.edges.iter().map(|edge| edge.ring.bytes()).sum();
        rings + Self::fixed_bytes(self.roles.len(), self.edges.len())
    }

    fn fixed_bytes(roles: usize, edges: usize) -> u64 {
        (size_of::<Self>() + roles * size_of::<RoleState>() + edges * size_of::<Edge>()) as u64
    }

    pub(super) fn is_active(&self) -> bool {
        self.status == SessionStatus::Active
    }
}

/// All sessions of a machine.
#[derive(Clone, Debug, Default)]
pub(super) struct Store {
    sessions: Vec<Session>,
    /// Places whose session is gone.
    free: Vec<u32>,
    /// Places that are not used again.
    retired: usize,
}

impl Store {
    /// Opens a session whose endpoints `owner` owns. Gives its number.
    pub(super) fn open(
        &mut self,
        plan: &Plan,
        shape: ShapeId,
        owner: u32,
        max: u32,
        heap: &mut Heap,
    ) -> Result<(u32, u16), TrapCode> {
        let Some(ShapePlan { roles, edges, .. }) = plan.shape(shape) else {
            return Err(TrapCode::SessionLimitExceeded);
        };
        let open = self.sessions.len() - self.free.len() - self.retired;
        if open >= max as usize || (self.free.is_empty() && self.sessions.len() >= u32::MAX as usize) {
            return Err(TrapCode::SessionLimitExceeded);
        }
        heap.charge(Session::fixed_bytes(roles.len(), edges.len()))?;
        let partner = Partner::NOBODY;
        let role =
            |role: &RolePlan| RoleState { state: role.entry, owner, awaited: false, tokens: 0, partner };
        let (roles, edges): (Box<[_]>, _) = (roles.iter().map(role).collect(), edges.iter().map(Edge::new));
        let (status, epoch, live) = (SessionStatus::Active, 0, roles.len() as u16);
        let mut session =
            Session { generation: 0, status, epoch, shape, live, roles, edges: edges.collect() };
        if let Some(index) = self.free.pop()
            && let Some(slot) = self.sessions.get_mut(index as usize)
        {
            session.generation = slot.generation + 1;
            let generation = session.generation;
            *slot = session;
            return Ok((index, generation));
        }
        let index = self.sessions.len() as u32;
        self.sessions.push(session);
        Ok((index, 0))
    }

    /// The session of an endpoint, unless it is gone or the endpoint is made up.
    #[inline]
    pub(super) fn of(&self, id: EndpointId) -> Option<&Session> {
        let session = self.sessions.get(id.session as usize)?;
        (session.generation == id.generation && usize::from(id.role) < session.roles.len()).then_some(session)
    }

    #[inline]
    pub(super) fn of_mut(&mut self, id: EndpointId) -> Option<&mut Session> {
        let session = self.sessions.get_mut(id.session as usize)?;
        (session.generation == id.generation && usize::from(id.role) < session.roles.len()).then_some(session)
    }

    /// The end that an endpoint names of a session that goes on, if it is this coroutine's, with the shape and the edges.
    #[inline(always)]
    pub(super) fn end(
        &mut self,
        id: EndpointId,
        owner: u32,
    ) -> Option<(&mut RoleState, ShapeId, &mut [Edge])> {
        let session = self.sessions.get_mut(id.session as usize)?;
        let role = session.roles.get_mut(usize::from(id.role))?;
        let usable = session.generation == id.generation
            && role.owner == owner
            && session.status == SessionStatus::Active;
        usable.then_some((role, session.shape, &mut *session.edges))
    }

    /// The end of a session that an endpoint names.
    #[inline]
    pub(super) fn role_mut(&mut self, id: EndpointId) -> Option<&mut RoleState> {
        self.of_mut(id)?.roles.get_mut(usize::from(id.role))
    }

    pub(super) fn get(&self, index: u32) -> Option<&Session> {
        self.sessions.get(index as usize)
    }

    pub(super) fn get_mut(&mut self, index: u32) -> Option<&mut Session> {
        self.sessions.get_mut(index as usize)
    }

    pub(super) fn len(&self) -> usize {
        self.sessions.len()
    }

    /// The endpoint has no owner any more. The last one takes its session along; what was on its way in that is given to
    /// `lost`. Says whether somebody may still wait for an end of it.
    pub(super) fn give_back(
        &mut self,
        id: EndpointId,
        heap: &mut Heap,
        mut lost: impl FnMut(&Message),
    ) -> bool {
        let Some(session) = self.of_mut(id) else { return false };
        if let Some(role) = session.roles.get_mut(usize::from(id.role)) {
            role.owner = NOBODY;
        }
        session.live = session.live.saturating_sub(1);
        if session.live > 0 {
            return false;
        }
        let awaited = session.roles.iter().any(|role| role.awaited);
        heap.uncharge(session.bytes());
        session.edges.iter_mut().for_each(|edge| edge.ring.drain().for_each(|message| lost(&message)));
        session.roles = Box::default();
        session.edges = Box::default();
        // A number whose generations are used up is not used again: no endpoint may name a stranger.
        if session.generation < u16::MAX {
            self.free.push(id.session);
        } else {
            self.retired += 1;
        }
        awaited
    }
}

/// The endpoint in a message, if it carries one.
#[inline]
pub(super) fn carried_endpoint(plan: &Plan, message: &Message) -> Option<EndpointId> {
    (plan.carries(message.payload) == Carries::Endpoint).then(|| EndpointId::from_slot(message.slots[0]))
}
