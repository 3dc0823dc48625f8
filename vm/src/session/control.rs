//! What the host may do between ticks: pause, wake, inject, grant.

use super::coro::{Outgoing, Status, Wait};
use super::datum::Datum;
use super::error::SessionError;
use super::fits::fits;
use super::handler::EffectHandler;
use super::machine::SessionMachine;
use super::record::{Act, Decision};
use super::ring::Message;
use super::store::{Edge, NOBODY};
use crate::endpoint::{CoroId, EndpointId, SessionId};
use crate::heap::ValueError;
use crate::ids::LayerId;
use crate::protocol::{LabelId, StateKind};
use crate::value::{Value, canonical_f64_bits};
use crate::value_type::ValueType;
use opforge_schema::TrapCode;

impl<T, H: EffectHandler> SessionMachine<T, H> {
    /// Keeps a coroutine from running until it is resumed. It keeps its place in the queue.
    ///
    /// # Errors
    /// [`SessionError::NoCoroutine`] if it does not run.
    pub fn pause(&mut self, coro: CoroId) -> Result<(), SessionError> {
        self.set_paused(coro, true)
    }

    /// Lets a paused coroutine run again.
    ///
    /// # Errors
    /// [`SessionError::NoCoroutine`] if it does not run.
    pub fn resume(&mut self, coro: CoroId) -> Result<(), SessionError> {
        self.set_paused(coro, false)
    }

    fn set_paused(&mut self, coro: CoroId, paused: bool) -> Result<(), SessionError> {
        self.world.alive(coro).ok_or(SessionError::NoCoroutine(coro))?;
        let Some(found) = self.world.coro_mut(coro.index) else { return Ok(()) };
        let before = core::mem::replace(&mut found.paused, paused);
        match (before, paused) {
            (false, true) => self.world.paused += 1,
            (true, false) => self.world.paused -= 1,
            _ => {}
        }
        let act = if paused { Act::Pause } else { Act::Resume };
        self.recorded(act, || Decision::Coroutine(coro));
        Ok(())
    }

    /// Wakes a coroutine that waits for an effect, so that it asks again.
    ///
    /// # Errors
    /// [`SessionError::NoCoroutine`] if it does not run, [`SessionError::NotWaiting`] if it waits for nothing that the host
    /// does.
    pub fn wake(&mut self, coro: CoroId) -> Result<(), SessionError> {
        let found = self.world.alive(coro).ok_or(SessionError::NoCoroutine(coro))?;
        match found.status {
            Status::Waits(Wait::Effect { .. } | Wait::Grant { .. }) => {
                self.world.wake(coro.index);
                self.recorded(Act::Wake, || Decision::Coroutine(coro));
                Ok(())
            }
            _ => Err(SessionError::NotWaiting(coro)),
        }
    }

    /// Wakes all coroutines for which the handler did not grant a layer yet, so that they ask again.
    ///
    /// # Errors
    /// [`SessionError::NoLayer`] if the program has no such layer.
    pub fn wake_layer(&mut self, layer: LayerId) -> Result<(), SessionError> {
        self.world.layers.get(layer.0).ok_or(SessionError::NoLayer(layer))?;
        for index in 0..self.world.coros.len() as u32 {
            let waits = self.world.coro(index).map(|coro| coro.status);
            if waits == Some(Status::Waits(Wait::Grant { layer: layer.0 })) {
                self.world.wake(index);
            }
        }
        self.recorded(Act::WakeLayer, || Decision::Layer(layer));
        Ok(())
    }

    /// Switches a guard layer on or off. Who holds it keeps it; asking for one that is off traps.
    ///
    /// # Errors
    /// [`SessionError::NoLayer`] if the program has no such layer.
    pub fn set_layer_active(&mut self, layer: LayerId, active: bool) -> Result<(), SessionError> {
        let state = self.world.layers.get_mut(layer.0).ok_or(SessionError::NoLayer(layer))?;
        state.active = active;
        if !active {
            // Those that wait find out by asking again.
            for index in core::mem::take(&mut state.waiting) {
                self.world.wake(index);
            }
        }
        self.recorded(if active { Act::LayerOn } else { Act::LayerOff }, || Decision::Layer(layer));
        Ok(())
    }

    /// Sets the progress tokens of an endpoint, by which some policies go. They go where the endpoint goes.
    ///
    /// # Errors
    /// [`SessionError::NoEndpoint`] if its session is gone.
    pub fn set_tokens(&mut self, id: EndpointId, tokens: u32) -> Result<(), SessionError> {
        self.world.store.role_mut(id).ok_or(SessionError::NoEndpoint(id))?.tokens = tokens;
        self.recorded(Act::Tokens, || {
            let parts = [Datum::Endpoint(id), Datum::U64(tokens.into())];
            Decision::Value(Datum::Tuple(parts.into()))
        });
        Ok(())
    }

    /// Puts a message on the edge to an endpoint as if `from` had sent it; the state of `from` stays. The message must be
    /// one that the endpoint's role could receive in its present state, and the edge must have room.
    ///
    /// # Errors
    /// [`SessionError`] if it is not, or has not.
    pub fn inject(&mut self, to: EndpointId, label: LabelId, value: &Value) -> Result<(), SessionError> {
        let session = self.world.store.of(to).filter(|session| session.is_active());
        let session = session.ok_or(SessionError::NoEndpoint(to))?;
        let state = self.world.state_of(to).ok_or(SessionError::NoEndpoint(to))?;
        let StateKind::Recv(partner) = self.plan.tables.kind(state) else {
            return Err(SessionError::NotReceiving(to));
        };
        let branch = *self.plan.tables.branch(state, label).ok_or(SessionError::NoLabel(to, label))?;
        let partner =
            self.plan.partner(session.shape, to.role, partner).ok_or(SessionError::NoEndpoint(to))?;
        let (from, edge) = (partner.place, partner.from);
        if !session.edges.get(usize::from(edge)).is_some_and(Edge::has_room) {
            return Err(SessionError::NoRoom(TrapCode::BufferFull));
        }
        let class = self.plan.tables.payload_class(branch.payload).unwrap_or(ValueType::Unit);
        if class.is_linear() {
            return Err(SessionError::HostEvidence);
        }
        let heap = self.instance.session_heap();
        let mut slots =
            heap.store_value(value, class).map_err(|error| SessionError::Argument { index: 0, error })?;
        if !fits(&self.plan, heap, branch.payload, slots[0]) {
            return Err(SessionError::Argument { index: 0, error: ValueError::Shape });
        }
        if class == ValueType::F64 {
            slots[0] = canonical_f64_bits(slots[0]);
        }
        let message = Message { label, payload: branch.payload, slots };
        self.put(Outgoing { session: to.session, edge, message })?;
        let session = to.session_id();
        self.recorded_values(Act::Inject, core::slice::from_ref(value), |values| Decision::Injected {
            session,
            from,
            to: to.role,
            label,
            value: values.into_vec().pop().unwrap_or(Datum::Unit),
        });
        Ok(())
    }

    fn put(&mut self, out: Outgoing) -> Result<(), SessionError> {
        let heap = self.instance.session_heap();
        let delivered = self.world.deliver(&self.plan, out, heap);
        delivered.map_err(SessionError::NoRoom)
    }

    /// Ends a session: its parties trap with `ChannelClosed` where they wait or act next.
    ///
    /// # Errors
    /// [`SessionError::NoEndpoint`] if it is gone.
    pub fn cancel(&mut self, session: SessionId) -> Result<(), SessionError> {
        let id = session.endpoint(0);
        self.world.store.of(id).ok_or(SessionError::NoEndpoint(id))?;
        let heap = self.instance.session_heap();
        self.world.end_session(session, super::store::SessionStatus::Closed, &self.plan, heap);
        self.recorded(Act::Close, || Decision::Session(session));
        Ok(())
    }

    /// The host gives an endpoint up that it owns.
    ///
    /// # Errors
    /// [`SessionError::NotTheHosts`] if a coroutine owns it or its session is gone.
    pub fn drop_endpoint(&mut self, id: EndpointId) -> Result<(), SessionError> {
        let role = self.world.store.role_mut(id).ok_or(SessionError::NoEndpoint(id))?;
        if role.owner != super::store::HOST {
            return Err(SessionError::NotTheHosts(id));
        }
        role.owner = NOBODY;
        let heap = self.instance.session_heap();
        self.world.drop_endpoint(id, true, &self.plan, heap);
        self.recorded(Act::DropEndpoint, || Decision::Value(Datum::Endpoint(id)));
        Ok(())
    }
}
