//! Runs a case on the session machine.

use super::case::{Drive, Run, Setup, Status};
use super::events::{Home, Notation};
use super::faults;
use super::program::{Built, Entry, Param};
use super::script::{Scripted, plain};
use super::values::Literal;
use crate::fields::Result;
use opforge::ids::InstrIx;
use opforge::session::{Event, Names, RunStatus, SessionMachine, Stamped};
use opforge::verify::VerifiedProgram;
use opforge::{Capabilities, CoroId, EndpointId, Engine, FuncId, Limits, Linker, Module, Value};
use opforge_jit::{JitConfig, JitEngine};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// How the machine runs code that no session instruction interrupts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Backend {
    /// In the interpreter.
    Interp,
    /// As native code, where it can.
    Native,
}

/// How the host lets the machine run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// As many ticks at once as the case says.
    Whole,
    /// One tick at a time. The handler then knows the role of every coroutine before that asks for something.
    Ticks,
}

/// What came of a run, in the notation of the case files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) status: Vec<Status>,
    pub(super) events: Vec<(u64, Json)>,
    /// Registers that do not hold unit, by coroutine.
    pub(super) registers: BTreeMap<usize, BTreeMap<u32, Json>>,
}

/// What can be seen of a run beyond that; it is the same on every engine.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seen {
    pub(super) outcome: Outcome,
    /// Everything that the machine said.
    events: Vec<Stamped>,
    /// Where coroutines stand.
    positions: Vec<Option<(FuncId, InstrIx)>>,
    ticks: u64,
    fuel: u64,
    /// Bytes of the heap that are charged.
    memory: u64,
}

impl Seen {
    /// Everything that the machine said.
    pub(super) fn events(&self) -> &[Stamped] {
        &self.events
    }

    /// What another run has otherwise, that was made in this way.
    pub(super) fn difference(&self, other: &Self, way: (Backend, Pace)) -> Option<String> {
        let pairs: [(&str, String, String); 6] = [
            ("outcomes", format!("{:?}", self.outcome), format!("{:?}", other.outcome)),
            ("events", format!("{:?}", self.events), format!("{:?}", other.events)),
            ("positions", format!("{:?}", self.positions), format!("{:?}", other.positions)),
            ("numbers of ticks", self.ticks.to_string(), other.ticks.to_string()),
            ("amounts of fuel left", self.fuel.to_string(), other.fuel.to_string()),
            ("bytes charged", self.memory.to_string(), other.memory.to_string()),
        ];
        let (what, one, two) = pairs.into_iter().find(|(_, one, two)| one != two)?;
        Some(format!("the {what} differ: {one}; {way:?}: {two}"))
    }
}

type Machine = SessionMachine<(), Scripted>;

/// A run that goes on.
#[derive(Debug)]
struct Running<'r> {
    run: &'r Run,
    built: &'r Built,
    machine: Machine,
    pace: Pace,
    /// Coroutines in the order in which they began.
    coros: Vec<(CoroId, Home)>,
    /// Events that were looked at for new coroutines.
    looked: usize,
}

/// Runs a case once.
pub(super) fn run(
    run: &Run,
    built: &Built,
    program: &VerifiedProgram,
    (backend, pace): (Backend, Pace),
) -> Result<Seen> {
    let module = match backend {
        Backend::Interp => Module::new(&Engine::default(), program).map_err(|error| error.to_string())?,
        Backend::Native => {
            let jit = JitEngine::new(JitConfig::new()).map_err(|error| error.to_string())?;
            let compiled = jit.compile(program).map_err(|error| error.to_string())?;
            compiled.module().clone()
        }
    };
    let instance = Linker::new().instantiate(&module, (), &Capabilities::none());
    let instance = instance.map_err(|error| error.to_string())?;
    let handler = Scripted::new(run.script.clone());
    let config = run.config.machine.clone();
    let machine = SessionMachine::new(instance, handler, config, Limits::new().fuel(1 << 40));
    let machine = machine.map_err(|error| error.to_string())?;
    let mut running = Running { run, built, machine, pace, coros: Vec::new(), looked: 0 };
    running.start()?;
    let status = run.drive.iter().filter_map(|step| running.step(step)).collect();
    Ok(running.seen(status))
}

impl Running<'_> {
    fn start(&mut self) -> Result<()> {
        let said = |error: opforge::session::SessionError| error.to_string();
        for &layer in &self.built.inactive {
            self.machine.set_layer_active(layer, false).map_err(said)?;
        }
        let mut sessions = Vec::with_capacity(self.run.instances);
        for _ in 0..self.run.instances {
            sessions.push(self.machine.open(self.built.shape).map_err(said)?);
        }
        for setup in &self.run.setup {
            if let Setup::Token(coro) = setup {
                let endpoint = self.endpoint_of(&sessions, *coro).ok_or("there is no such coroutine")?;
                self.machine.set_tokens(endpoint, 1).map_err(said)?;
            }
        }
        let built = self.built;
        for (coro, entry) in built.entries.iter().enumerate() {
            let endpoint = self.endpoint_of(&sessions, coro).ok_or("there is no such endpoint")?;
            let args = self.arguments(entry, endpoint, &sessions)?;
            self.machine.spawn(entry.func, &args).map_err(said)?;
            self.learn();
        }
        for setup in &self.run.setup {
            if let Setup::Pause(role) = setup {
                self.pause(role, true);
            }
        }
        Ok(())
    }

    /// The endpoint that a coroutine has at the start.
    fn endpoint_of(&self, sessions: &[Vec<EndpointId>], coro: usize) -> Option<EndpointId> {
        let roles = self.run.roles.len().max(1);
        sessions.get(coro / roles)?.get(coro % roles).copied()
    }

    fn arguments(
        &mut self,
        entry: &Entry,
        endpoint: EndpointId,
        sessions: &[Vec<EndpointId>],
    ) -> Result<Vec<Value>> {
        let mut args = Vec::with_capacity(entry.params.len());
        for param in &entry.params {
            args.push(match param {
                Param::Endpoint => Value::Endpoint(endpoint),
                Param::Value(Literal::Fact { session, role, text }) => {
                    let place = self.run.roles.iter().position(|known| known.name == *role);
                    let id = place.and_then(|place| sessions.get(*session as usize)?.get(place).copied());
                    let id =
                        id.ok_or_else(|| format!("session {session} has no role {role} at the start"))?;
                    let fact = [Value::Epid(id), Value::Str(text.clone())];
                    Value::Agg(self.machine.heap_mut().new_tuple(&fact).map_err(|error| error.to_string())?)
                }
                Param::Value(value) => plain(value),
                Param::Coroutine(index) => Value::Coro(CoroId { index: *index, generation: 0 }),
            });
        }
        Ok(args)
    }

    /// Finds coroutines that have begun since.
    fn learn(&mut self) {
        let roles = self.run.roles.len().max(1);
        for stamped in self.machine.events().get(self.looked..).unwrap_or(&[]) {
            self.looked += 1;
            let Event::Spawned { parent, child, .. } = stamped.event else { continue };
            let begun = self.coros.len();
            let home = match parent.and_then(|parent| self.coros.iter().find(|(id, _)| *id == parent)) {
                // In session and role of the one that began it.
                Some((_, home)) => home.clone(),
                None => {
                    let role = self.run.roles.get(begun % roles).map(|role| role.name.clone());
                    Home { session: begun / roles, role: role.unwrap_or_default() }
                }
            };
            self.coros.push((child, home));
        }
        for (id, home) in self.coros.iter().skip(self.machine.handler().roles.len()) {
            let (id, role) = (*id, home.role.clone());
            self.machine.handler_mut().roles.insert(id, role);
        }
    }

    fn pause(&mut self, role: &str, paused: bool) {
        for (id, _) in self.coros.iter().filter(|(_, home)| home.role == role) {
            // One that has ended is neither.
            let _ = if paused { self.machine.pause(*id) } else { self.machine.resume(*id) };
        }
    }

    /// What the host does; how that ended, if it was a run.
    fn step(&mut self, step: &Drive) -> Option<Status> {
        match step {
            Drive::Run(ticks) => Some(self.go(*ticks)),
            Drive::Pause(role) => {
                self.pause(role, true);
                None
            }
            Drive::Resume(role) => {
                self.pause(role, false);
                None
            }
        }
    }

    fn go(&mut self, ticks: u64) -> Status {
        let (runs, each) = match self.pace {
            Pace::Whole => (1, ticks),
            Pace::Ticks => (ticks, 1),
        };
        for _ in 0..runs {
            let status = self.machine.run(each);
            self.learn();
            if !matches!(status, RunStatus::MaxTicks) {
                return self.status(status);
            }
        }
        Status::MaxSteps
    }

    fn status(&self, status: RunStatus) -> Status {
        match status {
            RunStatus::AllDone => Status::AllDone,
            RunStatus::Stuck(_) => Status::Stuck,
            RunStatus::MaxTicks => Status::MaxSteps,
            RunStatus::Trapped(trap) => {
                let coro = self.coros.iter().position(|(id, _)| *id == trap.coro);
                Status::Fault(faults::name(trap.trap.code).to_owned(), coro.unwrap_or(usize::MAX))
            }
            other => Status::Other(format!("{other:?}")),
        }
    }

    fn seen(&self, status: Vec<Status>) -> Seen {
        let events = self.machine.events().to_vec();
        let names = self.machine.program().map_or_else(Names::none, |program| Names::of(program, &events));
        let notation = Notation::new(names, &events, &self.coros);
        let mut registers = BTreeMap::new();
        for (at, (coro, _)) in self.coros.iter().enumerate() {
            registers.insert(at, self.registers(*coro, &notation));
        }
        let outcome = Outcome { status, events: notation.all(&events), registers };
        Seen {
            outcome,
            positions: self.coros.iter().map(|(coro, _)| self.machine.position(*coro)).collect(),
            ticks: self.machine.ticks(),
            fuel: self.machine.fuel(),
            memory: self.machine.instance().heap().charged(),
            events,
        }
    }

    /// The registers of the case, at the place where a coroutine stands.
    fn registers(&self, coro: CoroId, notation: &Notation<'_>) -> BTreeMap<u32, Json> {
        let at = self.machine.position(coro).and_then(|(func, at)| self.built.registers(func, at));
        let mut found = BTreeMap::new();
        for &(reg, at) in at.unwrap_or(&[]) {
            let value = at.and_then(|at| self.machine.register(coro, at));
            found.insert(reg, value.map_or_else(|| json!("?"), |value| self.show(&value, notation)));
        }
        found
    }

    fn show(&self, value: &Value, notation: &Notation<'_>) -> Json {
        match value {
            Value::Unit => Json::Null,
            Value::Bool(v) => json!(v),
            Value::U64(v) => json!(v),
            Value::Str(text) => json!(text),
            Value::Endpoint(id) | Value::Epid(id) => notation.endpoint(*id),
            Value::Evidence(id) => json!({ "evidence": [notation.layer(id.layer.into()), id.serial] }),
            Value::Agg(agg) => {
                let heap = self.machine.instance().heap();
                let parts = heap.aggregate(*agg).map(|agg| {
                    // Facts have two parts, which are no aggregates.
                    (0..agg.len().min(2)).filter_map(move |at| agg.get(at)).map(|part| match part {
                        Value::Agg(_) => json!("?"),
                        part => self.show(&part, notation),
                    })
                });
                json!({ "prod": parts.map(|parts| parts.collect::<Vec<_>>()) })
            }
            other => json!(format!("{other:?}")),
        }
    }
}
