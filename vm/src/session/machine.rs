//! The machine: opens sessions, begins coroutines, and runs them by turns.

use super::config::SessionConfig;
use super::datum::Datum;
use super::error::SessionError;
use super::event::{Event, Stamped};
use super::handler::EffectHandler;
use super::lifecycle::Stacks;
use super::plan::Plan;
use super::record::{Act, Decision};
use super::slice::Slice;
use super::status::RunStatus;
use super::store::SessionStatus;
use super::turns::{End, Progress};
use super::world::World;
use crate::endpoint::{CoroId, EndpointId, SessionId};
use crate::guard::LastPanic;
use crate::heap::Heap;
use crate::ids::{FuncId, Reg, ShapeId};
use crate::interp::coroutine::Frames;
use crate::interp::{Instance, InterruptHandle, Module};
use crate::limits::Limits;
use crate::program::LinearType;
use crate::protocol::StateKind;
use crate::value::Value;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::Cell;

/// Runs coroutines that talk over sessions: any number of both, on one heap, with one account of fuel and memory.
///
/// A machine owns an instance with the host's data of type `T`, and a handler that does effects. Given the same program,
/// configuration, handler decisions and calls of its own methods, it does the same in the same order everywhere.
#[derive(Debug)]
pub struct SessionMachine<T, H> {
    pub(super) instance: Instance<T>,
    pub(super) module: Module,
    pub(super) handler: H,
    pub(super) config: SessionConfig,
    pub(super) limits: Limits,
    pub(super) plan: Arc<Plan>,
    pub(super) world: World,
    stacks: Stacks,
    panic: LastPanic,
    pub(super) sees_messages: bool,
    interrupt: Option<InterruptHandle>,
}

impl<T, H: EffectHandler> SessionMachine<T, H> {
    /// A machine without sessions and coroutines. `limits` bound the machine as a whole: its fuel, its memory with all
    /// frames and messages, its host calls; the call depth and the stack are each coroutine's.
    ///
    /// # Errors
    /// [`SessionError::NoRoom`] if the program's linear memories alone take more than the memory limit.
    pub fn new(
        mut instance: Instance<T>,
        handler: H,
        config: SessionConfig,
        limits: Limits,
    ) -> Result<Self, SessionError> {
        let module = instance.module().clone();
        let plan = Arc::new(Plan::new(module.program(), &config));
        instance.begin_machine(&limits).map_err(SessionError::NoRoom)?;
        let world = World::new(&plan, &config, limits.fuel);
        let sees_messages = handler.sees_messages();
        Ok(Self {
            instance,
            module,
            handler,
            config,
            limits,
            plan,
            world,
            stacks: Stacks::default(),
            panic: LastPanic::default(),
            sees_messages,
            interrupt: None,
        })
    }

    /// Opens a session of a shape. Its endpoints belong to the host until they are given to coroutines; they stand in the
    /// order of the shape's roles.
    ///
    /// # Errors
    /// [`SessionError`] if there is no such shape, or no room.
    pub fn open(&mut self, shape: ShapeId) -> Result<Vec<EndpointId>, SessionError> {
        let roles = self.plan.shape(shape).ok_or(SessionError::NoShape(shape))?.roles.len();
        let (max, heap) = (self.config.max_sessions, self.instance.session_heap());
        let opened = self.world.store.open(&self.plan, shape, super::store::HOST, max, heap);
        let (index, generation) = opened.map_err(SessionError::NoRoom)?;
        let session = SessionId { index, generation };
        self.world.emit(Event::Opened { session, shape });
        self.recorded(Act::Open, || Decision::Opened { session, shape });
        Ok((0..roles as u16).map(|role| session.endpoint(role)).collect())
    }

    /// Begins a coroutine with a function. Endpoints among the arguments become its own; those that parameters take as
    /// handles do not.
    ///
    /// # Errors
    /// [`SessionError`] if the function or an argument does not fit, or there is no room. Nothing is begun then.
    pub fn spawn(&mut self, func: FuncId, args: &[Value]) -> Result<CoroId, SessionError> {
        let program = self.module.program();
        let function = program.function(func).ok_or(SessionError::NoFunction(func))?;
        if args.len() != function.params.len() {
            let (expected, actual) = (function.params.len(), args.len());
            return Err(SessionError::ArgumentCount { expected, actual });
        }
        let heap = self.instance.session_heap();
        let mut slots = Vec::new();
        for (index, (value, &ty)) in args.iter().zip(&function.params).enumerate() {
            let stored = heap.store_value(value, ty);
            let stored = stored.map_err(|error| SessionError::Argument { index, error })?;
            slots.extend(stored.into_iter().take(ty.slots() as usize));
        }
        let plan = Arc::clone(&self.plan);
        let params = plan.linear(func);
        for (index, param) in params.iter().enumerate() {
            let bits = slots.get(param.slot as usize).copied().unwrap_or(0);
            self.check_host_argument(param.ty, bits)?;
            if params.get(..index).unwrap_or(&[]).iter().any(|other| param.is_same(other, &slots)) {
                return Err(SessionError::NotTheHosts(EndpointId::from_slot(bits)));
            }
        }
        let (max, heap) = (self.config.max_coroutines, self.instance.session_heap());
        let added =
            self.world.add_coroutine(max, function, func, slots.iter().copied(), &mut self.stacks, heap);
        let index = added.map_err(SessionError::NoRoom)?;
        for param in params {
            let bits = slots.get(param.slot as usize).copied().unwrap_or(0);
            self.world.give(index, param.ty, bits, None);
        }
        self.world.enqueue(index, &self.config.policy);
        let child = self.world.coro_id(index);
        self.world.emit(Event::Spawned { parent: None, child, func });
        self.recorded_values(Act::Spawn, args, |args| Decision::Spawned { child, func, args });
        Ok(child)
    }

    /// An endpoint that the host hands in is the host's, and as the function declares it.
    fn check_host_argument(&self, ty: LinearType, bits: u64) -> Result<(), SessionError> {
        let (wanted, owned) = match ty {
            LinearType::Chan(wanted) => (wanted, true),
            LinearType::Handle(wanted) => (wanted, false),
            LinearType::Evidence(_) => return Err(SessionError::HostEvidence),
        };
        let id = EndpointId::from_slot(bits);
        let session = self.world.store.of(id).ok_or(SessionError::NoEndpoint(id))?;
        let role = session.roles.get(usize::from(id.role)).ok_or(SessionError::NoEndpoint(id))?;
        if owned && role.owner != super::store::HOST {
            return Err(SessionError::NotTheHosts(id));
        }
        if session.shape != wanted.shape || id.role != wanted.role || (owned && role.state != wanted.state) {
            return Err(SessionError::OtherEndpoint(id));
        }
        Ok(())
    }

    /// Runs until nothing runs any more, something needs the host, or `ticks` slices are over.
    pub fn run(&mut self, ticks: u64) -> RunStatus {
        let mut left = ticks;
        loop {
            // What the host did in a recorded run, it did between slices.
            let replays = self.do_again();
            let end = self.turns(if replays { left.min(1) } else { left });
            left = left.saturating_sub(1);
            let goes_on = match end {
                End::MaxTicks => replays && left > 0,
                End::Stuck | End::AllDone | End::OutOfFuel => replays && self.do_again_at_once(),
                _ => false,
            };
            if !goes_on {
                return self.status(end);
            }
        }
    }

    /// Runs so many slices at most.
    fn turns(&mut self, ticks: u64) -> End {
        let mut account = self.world.account;
        let mut slice = Slice {
            world: &mut self.world,
            plan: &self.plan,
            config: &self.config,
            program: self.module.program(),
            handler: &mut self.handler,
            panic: &mut self.panic,
            stacks: &mut self.stacks,
            sees_messages: self.sees_messages,
            current: u32::MAX,
            at: (FuncId(0), crate::ids::InstrIx(0)),
            wait: None,
            trap: None,
            awaited: Cell::new(None),
            progress: Progress::new(ticks),
            nowhere: Frames::default(),
        };
        let interrupt = self.interrupt.as_ref().map(InterruptHandle::flag);
        let ran = self.instance.run_turns(&mut slice, &mut account, &self.limits, interrupt);
        let end = slice.progress.end.take();
        (self.world.account.host_calls, self.world.account.owed) = (account.host_calls, account.owed);
        match end {
            Some(end) if ran => end,
            // Too many runs are inside of each other on this thread.
            _ => End::Interrupted,
        }
    }

    fn status(&self, end: End) -> RunStatus {
        match end {
            End::AllDone => RunStatus::AllDone,
            End::Stuck => RunStatus::Stuck(Box::new(self.stuck_report())),
            End::MaxTicks => RunStatus::MaxTicks,
            End::OutOfFuel => RunStatus::OutOfFuel,
            End::Interrupted => RunStatus::Interrupted,
            End::Trapped(trap) => RunStatus::Trapped(trap),
        }
    }

    /// The events so far, as many as are kept.
    #[must_use]
    pub fn events(&self) -> &[Stamped] {
        self.world.log.events()
    }

    /// Events that were not kept.
    #[must_use]
    pub fn events_dropped(&self) -> u64 {
        self.world.log.dropped()
    }

    /// Slices so far, those included in which nobody could run.
    #[must_use]
    pub fn ticks(&self) -> u64 {
        self.world.tick
    }

    /// Fuel left.
    #[must_use]
    pub fn fuel(&self) -> u64 {
        self.world.account.fuel
    }

    /// Adds fuel. What hosts charged past what was left is paid first.
    pub fn add_fuel(&mut self, fuel: u64) {
        let account = &mut self.world.account;
        let paid = fuel.min(account.owed);
        account.owed -= paid;
        account.fuel = account.fuel.saturating_add(fuel - paid);
        self.recorded(Act::AddFuel, || Decision::Value(Datum::U64(fuel)));
    }

    /// Takes fuel away, at most all that is left. Gives how much it was.
    pub fn take_fuel(&mut self, fuel: u64) -> u64 {
        let taken = fuel.min(self.world.account.fuel);
        self.world.account.fuel -= taken;
        self.recorded(Act::TakeFuel, || Decision::Value(Datum::U64(fuel)));
        taken
    }

    /// Lets another thread stop [`SessionMachine::run`].
    pub fn set_interrupt(&mut self, handle: InterruptHandle) {
        self.interrupt = Some(handle);
    }

    /// The handler.
    pub fn handler(&self) -> &H {
        &self.handler
    }

    /// The handler.
    pub fn handler_mut(&mut self) -> &mut H {
        &mut self.handler
    }

    /// The instance, with the host's data and the heap.
    #[must_use]
    pub fn instance(&self) -> &Instance<T> {
        &self.instance
    }

    /// Bytes of the memory limit that sessions, coroutines and messages take; values and linear memories take the rest of
    /// what is charged. With all coroutines at their end and all sessions gone it is 0.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.instance.heap().held()
    }

    /// The heap, to make aggregates that are handed in as arguments.
    pub fn heap_mut(&mut self) -> &mut Heap {
        self.instance.session_heap()
    }

    /// Gives the handler and the host's data back.
    #[must_use]
    pub fn into_parts(self) -> (H, T) {
        (self.handler, self.instance.into_data())
    }

    /// The status and epoch of a session; `None` if it is gone.
    #[must_use]
    pub fn session(&self, id: SessionId) -> Option<(SessionStatus, u32)> {
        let session = self.world.store.of(id.endpoint(0))?;
        Some((session.status, session.epoch))
    }

    /// Coroutines that neither halted nor trapped.
    #[must_use]
    pub fn coroutines(&self) -> u32 {
        self.world.alive
    }

    /// What is left to be done with an endpoint: the number of its state; `None` if its session is gone.
    #[must_use]
    pub fn state(&self, id: EndpointId) -> Option<crate::protocol::StateId> {
        self.world.state_of(id)
    }

    /// Whether nothing is left to be done with an endpoint.
    #[must_use]
    pub fn is_done(&self, id: EndpointId) -> bool {
        self.state(id).is_none_or(|state| self.plan.tables.kind(state) == StateKind::End)
    }

    /// The value in a register of the innermost frame of a coroutine. Of one that has ended it is known only with
    /// [`SessionConfig::keep_registers`].
    ///
    /// For people and tests: what no instruction reads from the register need not be there. That is so of constants which
    /// became immediates everywhere, and of values that native code keeps elsewhere.
    #[must_use]
    pub fn register(&self, coro: CoroId, reg: Reg) -> Option<Value> {
        let coro = self.world.coro(coro.index).filter(|found| found.generation == coro.generation)?;
        coro.frames.register(&self.module, self.instance.heap(), reg)
    }

    /// Where a coroutine stands: the innermost function and the next instruction.
    #[must_use]
    pub fn position(&self, coro: CoroId) -> Option<(FuncId, crate::ids::InstrIx)> {
        let coro = self.world.coro(coro.index).filter(|found| found.generation == coro.generation)?;
        Some(coro.frames.at(&self.module))
    }

    /// The payload of the last panic of a handler that was not taken yet.
    #[cfg(feature = "std")]
    pub fn take_panic(&mut self) -> Option<Box<dyn core::any::Any + Send>> {
        self.panic.take()
    }
}
