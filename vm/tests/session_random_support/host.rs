//! The host of a random machine: its configuration, its decisions, and what it does by itself.

use super::{Bytes, Health};
use opforge_vm::ids::{FuncId, LayerId, ShapeId};
use opforge_vm::program::{EdgePolicy, LinearType, Place};
use opforge_vm::protocol::LabelId;
use opforge_vm::sem::Decimal;
use opforge_vm::session::{
    EdgeOverride, EffectCall, EffectHandler, Event, FlowPolicy, GuardCall, Holder, MessageInfo, Observe,
    OnTrap, Outcome, Policy, Priority, Receipt, RunStatus, SendDecision, SessionConfig, SessionMachine,
    trace_hash,
};
use opforge_vm::{
    AggRef, CoroId, EndpointId, Limits, SessionFault, SessionId, TrapCode, TrapDetail, Value, ValueType,
};
use std::collections::BTreeMap;

/// How a machine is made and driven.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) config: SessionConfig,
    pub(crate) limits: Limits,
    pub(crate) handler: u64,
    pub(crate) sees_messages: bool,
    pub(crate) panics: bool,
    /// Times that the host does something, and slices in between.
    pub(crate) acts: usize,
    pub(crate) ticks: u64,
}

impl Plan {
    pub(crate) fn draw(bytes: &mut Bytes<'_>) -> Self {
        let quantum = *bytes.pick(&[1, 1, 2, 3, 10, 1000, 0, u64::MAX]);
        let ranks = BTreeMap::from([(0, i32::from(bytes.next()) - 100), (2, 7)]);
        let policy = match bytes.below(8) {
            0 | 1 => Policy::RoundRobin { quantum },
            2 => Policy::Cooperative,
            3 => Policy::Priority { by: Priority::Fixed(ranks), quantum },
            4 => Policy::Priority { by: Priority::Aging(ranks), quantum },
            5 => Policy::Priority { by: Priority::Tokens, quantum },
            6 => Policy::ProgressAware { quantum },
            _ => Policy::Random { seed: bytes.number(), quantum },
        };
        let edges = bytes.one_in(2).then(|| EdgeOverride {
            policy: *bytes.pick(&EdgePolicy::ALL),
            capacity: *bytes.pick(&[1, 2, 3, 100, u32::MAX]),
            max: *bytes.pick(&[1, 4, 5, u32::MAX]),
        });
        let flow = [FlowPolicy::AllowAll, FlowPolicy::DenyAll, FlowPolicy::AllowRoles(vec!["A".into()])];
        let config = SessionConfig::new()
            .policy(policy)
            .coroutines(*bytes.pick(&[8, 2, 3, 20]))
            .sessions(*bytes.pick(&[8, 1, 3, 20]))
            .speculation(*bytes.pick(&[3, 0, 1, 16]))
            .facts(*bytes.pick(&[4, 0, 1, 100]))
            .on_trap(*bytes.pick(&[OnTrap::Cancel, OnTrap::Cancel, OnTrap::Isolate]))
            .edges(edges)
            .flow(bytes.pick(&flow).clone())
            .observe(*bytes.pick(&[
                Observe::Trace,
                Observe::Trace,
                Observe::Trace,
                Observe::Events,
                Observe::Off,
            ]))
            .events(*bytes.pick(&[1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20, 5, 0]))
            .transfer_needs_handle(!bytes.one_in(3));
        let memory = *bytes.pick(&[1 << 20, 4 << 10, 6 << 10, 8 << 10, 16 << 10, 64 << 10]);
        let fuel = *bytes.pick(&[4000, 100, 300, 1000]);
        let limits = Limits::new().fuel(fuel).memory(memory).call_depth(6);
        let handler = bytes.number() << 8 | u64::from(bytes.next());
        let (acts, ticks) = (4 + bytes.below(40), *bytes.pick(&[3, 1, 10, 100]));
        Self { config, limits, handler, sees_messages: bytes.one_in(2), panics: false, acts, ticks }
    }
}

/// Decides by a number that counts on.
#[derive(Clone, Debug)]
pub(crate) struct Handler {
    state: u64,
    sees_messages: bool,
    panics: bool,
    /// Says no to everything, so that a run comes to its end.
    pub(crate) refuses: bool,
}

impl Handler {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self { state: plan.handler, sees_messages: plan.sees_messages, panics: plan.panics, refuses: false }
    }

    fn draw(&mut self) -> u64 {
        self.state =
            self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.state >> 40
    }

    fn may_panic(&mut self) {
        assert!(!self.draw().is_multiple_of(60) || !self.panics, "a handler breaks");
    }
}

/// A value of any class that a handler may come up with.
fn any_value(n: u64) -> Value {
    match n % 9 {
        0 => Value::Unit,
        1 => Value::Bool(n.is_multiple_of(2)),
        2 => Value::I64(n as i64),
        3 => Value::F64(f64::NAN),
        4 => Value::Str("z".repeat((n % 3000) as usize)),
        5 => Value::Bytes(vec![7; (n % 300) as usize]),
        6 => Value::Agg(AggRef::INVALID),
        7 => Value::Decimal(Decimal { mantissa: n as i64, scale: n as u8 }),
        _ => Value::U64(n),
    }
}

impl EffectHandler for Handler {
    fn invoke(&mut self, call: EffectCall<'_>) -> Outcome<Value> {
        if self.refuses {
            return Outcome::Failed("the end".into());
        }
        self.may_panic();
        match self.draw() % 10 {
            0 => Outcome::Failed("no".into()),
            1 => Outcome::Blocked,
            2 => Outcome::Done(any_value(self.draw())),
            _ if call.name == "tell" => Outcome::Done(Value::Unit),
            _ => Outcome::Done(Value::U64(self.draw())),
        }
    }

    fn acquire(&mut self, _: GuardCall<'_>) -> Outcome<()> {
        if self.refuses {
            return Outcome::Failed("the end".into());
        }
        self.may_panic();
        match self.draw() % 12 {
            0 => Outcome::Failed("no".into()),
            1 => Outcome::Blocked,
            _ => Outcome::Done(()),
        }
    }

    fn release(&mut self, _: GuardCall<'_>) {
        self.may_panic();
    }

    fn sees_messages(&self) -> bool {
        self.sees_messages
    }

    fn on_send(&mut self, message: MessageInfo<'_>) -> SendDecision {
        self.may_panic();
        match self.draw() % 16 {
            0 => SendDecision::Fail("no".into()),
            1 => SendDecision::Drop,
            2 => SendDecision::Replace(any_value(self.draw())),
            3 => SendDecision::Replace(message.value.clone()),
            _ => SendDecision::Deliver,
        }
    }

    fn on_recv(&mut self, _: MessageInfo<'_>) -> Result<(), String> {
        self.may_panic();
        if self.draw().is_multiple_of(16) { Err("no".into()) } else { Ok(()) }
    }

    fn on_transfer(&mut self, _: Receipt<'_>) -> Result<(), String> {
        self.may_panic();
        if self.draw().is_multiple_of(6) { Err("no".into()) } else { Ok(()) }
    }
}

type Machine = SessionMachine<(), Handler>;

/// Whether code that was verified never comes to this, whatever its partners, the handler and the host do.
fn is_excluded(detail: &TrapDetail) -> bool {
    use SessionFault::{InSpeculation, NoSpeculation, NotReceiving, NotSending, SeveralLabels};
    let TrapDetail::Session(fault) = detail else { return false };
    matches!(fault, NotSending(_) | NotReceiving(_) | SeveralLabels(_) | NoSpeculation | InSpeculation)
}

/// What can be seen of a run.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Seen {
    /// Whether the program follows its types.
    verified: bool,
    statuses: Vec<String>,
    trapped: Vec<TrapCode>,
    kinds: BTreeMap<&'static str, usize>,
    state: (u64, u64, u64, u64, u32, u64),
    settled: bool,
    lines: Vec<String>,
}

impl Seen {
    /// Of a run that is to come.
    pub(crate) fn of(verified: bool) -> Self {
        Self { verified, ..Self::default() }
    }

    pub(crate) fn status(&mut self, status: &RunStatus) {
        if let RunStatus::Trapped(trap) = status {
            self.trapped.push(trap.trap.code);
            assert!(trap.trap.code != TrapCode::InvalidFunction, "{trap}");
            assert!(!self.verified || !is_excluded(&trap.trap.detail), "{trap}");
            // What it says is for people.
            assert!(!trap.to_string().is_empty());
        }
        let text = match status {
            RunStatus::Trapped(trap) => trap.to_string(),
            RunStatus::Stuck(report) => report.to_string(),
            other => format!("{other:?}"),
        };
        self.statuses.push(text);
    }

    pub(crate) fn state(machine: &Machine) -> (u64, u64, u64, u64, u32, u64) {
        (
            trace_hash(machine.events()) ^ machine.events_dropped(),
            machine.ticks(),
            machine.fuel(),
            machine.instance().heap().charged(),
            machine.coroutines(),
            machine.held(),
        )
    }

    pub(crate) fn end(&mut self, machine: &Machine) {
        self.state = Self::state(machine);
        for stamped in machine.events() {
            *self.kinds.entry(stamped.event.kind().name()).or_default() += 1;
        }
        // Ticks never go back, and names can be shown.
        let names = machine.names();
        let mut last = 0;
        for stamped in machine.events() {
            assert!(stamped.tick >= last, "events are in order");
            last = stamped.tick;
            self.lines.push(stamped.display(&names).to_string());
        }
    }

    pub(crate) fn count(self, health: &mut Health) {
        for code in self.trapped {
            *health.traps.entry(code.name()).or_default() += 1;
        }
        for (kind, count) in self.kinds {
            *health.events.entry(kind).or_default() += count;
        }
        for status in self.statuses {
            let end = match status.get(..5) {
                Some("stuck") => "stuck",
                Some("AllDo") => "all done",
                Some("MaxTi") => "ticks",
                Some("OutOf") => "out of fuel",
                _ => "trapped",
            };
            *health.ends.entry(end).or_default() += 1;
        }
        health.settled += usize::from(self.settled);
    }
}

/// Ends of sessions that there may be.
fn endpoints() -> impl Iterator<Item = EndpointId> {
    (0..24u32).flat_map(|session| {
        (0..6u16).flat_map(move |generation| (0..3).map(move |role| EndpointId { session, generation, role }))
    })
}

fn value_of(machine: &mut Machine, ty: ValueType, bytes: &mut Bytes<'_>) -> Value {
    match ty {
        ValueType::Unit => Value::Unit,
        ValueType::Bool => Value::Bool(bytes.one_in(2)),
        ValueType::I64 => Value::I64(bytes.number() as i64),
        ValueType::U64 => Value::U64(bytes.below(9) as u64),
        ValueType::F64 => Value::F64(f64::from_bits(bytes.number())),
        ValueType::Decimal => Value::Decimal(Decimal { mantissa: 5, scale: bytes.next() }),
        ValueType::Bytes => Value::Bytes(vec![1; bytes.below(200)]),
        ValueType::Str => {
            Value::from(*bytes.pick(&["A", "B", "a longer text, for what is charged by its length"]))
        }
        ValueType::Obj(host_type) => Value::Obj { host_type, handle: 1 },
        ValueType::Agg => match bytes.below(3) {
            0 => Value::Agg(AggRef::INVALID),
            1 => {
                let id = EndpointId { session: 0, generation: 0, role: 0 };
                let parts = [Value::Epid(id), Value::from("A")];
                Value::Agg(machine.heap_mut().new_tuple(&parts).unwrap_or(AggRef::INVALID))
            }
            _ => Value::Agg(machine.heap_mut().new_tuple(&[Value::I64(1)]).unwrap_or(AggRef::INVALID)),
        },
        ValueType::Func => Value::Func(FuncId(bytes.below(4) as u32)),
        ValueType::Closure => Value::Closure { func: FuncId(0), env: AggRef::INVALID },
        ValueType::Chan => Value::Endpoint(EndpointId { session: 0, generation: 0, role: 0 }),
        ValueType::Epid => Value::Epid(EndpointId {
            session: bytes.below(3) as u32,
            generation: 0,
            role: bytes.below(3) as u16,
        }),
        ValueType::Coro => Value::Coro(CoroId { index: bytes.below(5) as u32, generation: 0 }),
        ValueType::Evidence => Value::Evidence(opforge_vm::EvidenceId { layer: 0, serial: 1 }),
    }
}

fn spawn(machine: &mut Machine, bytes: &mut Bytes<'_>) {
    let count = machine.instance().program().functions.len();
    let func = bytes.below(count) as u32;
    spawn_one(machine, func, bytes);
}

fn spawn_one(machine: &mut Machine, func: u32, bytes: &mut Bytes<'_>) {
    let func = FuncId(func);
    let types = machine.instance().program().function(func).map_or(Vec::new(), |f| f.params.to_vec());
    let linear = machine.program().map_or(Vec::new(), |program| program.sessions().linear_of(func).to_vec());
    let mut args = Vec::new();
    for (n, &ty) in (0..).zip(&types) {
        // An endpoint that the host has and that fits the parameter, if there is one.
        let wanted = linear.iter().find(|def| def.place == Place::Param(n)).map(|def| def.ty);
        let value = match wanted {
            Some(LinearType::Chan(chan) | LinearType::Handle(chan)) => {
                let taken = |id| args.contains(&Value::Endpoint(id));
                let fits = |&id: &EndpointId| {
                    id.role == chan.role
                        && machine.state(id) == Some(chan.state)
                        && machine.holder(id) == Holder::Host
                        && !taken(id)
                };
                endpoints().find(fits).map_or(
                    Value::Endpoint(EndpointId { session: 99, generation: 0, role: 0 }),
                    Value::Endpoint,
                )
            }
            _ => value_of(machine, ty, bytes),
        };
        args.push(value);
    }
    let _ = machine.spawn(func, &args);
}

/// Opens sessions and begins coroutines.
pub(crate) fn begin(machine: &mut Machine, bytes: &mut Bytes<'_>) {
    for _ in 0..1 + bytes.below(3) {
        let _ = machine.open(ShapeId(bytes.below(2) as u32));
    }
    // The first functions are those of the roles.
    for func in 0..2 + bytes.below(4) as u32 {
        spawn_one(machine, func, bytes);
    }
    for _ in 0..bytes.below(3) {
        spawn(machine, bytes);
    }
}

/// Something that the host does between slices.
pub(crate) fn act(machine: &mut Machine, bytes: &mut Bytes<'_>, seen: &mut Seen) {
    let coro = CoroId { index: bytes.below(6) as u32, generation: bytes.below(2) as u32 };
    let id = EndpointId {
        session: bytes.below(4) as u32,
        generation: bytes.below(2) as u16,
        role: bytes.below(3) as u16,
    };
    let layer = LayerId(bytes.below(3) as u32);
    let done = match bytes.below(20) {
        0 => machine.pause(coro),
        1 | 2 => machine.resume(coro),
        3 | 4 => machine.wake(coro),
        5 => machine.wake_layer(layer),
        6 => machine.set_layer_active(layer, !bytes.one_in(3)),
        7 => machine.set_tokens(id, u32::from(bytes.next())),
        8 | 9 => {
            let classes = [
                ValueType::Unit,
                ValueType::U64,
                ValueType::I64,
                ValueType::F64,
                ValueType::Str,
                ValueType::Agg,
            ];
            let class = *bytes.pick(&classes);
            let value = value_of(machine, class, bytes);
            machine.inject(id, LabelId(bytes.below(4) as u16), &value)
        }
        10 if bytes.one_in(3) => machine.cancel(id.session_id()),
        11 => machine.drop_endpoint(id),
        12 => machine.open(ShapeId(bytes.below(2) as u32)).map(|_| ()),
        13 => {
            spawn(machine, bytes);
            Ok(())
        }
        14 => {
            machine.add_fuel(bytes.number() % 1000);
            Ok(())
        }
        15 => {
            machine.take_fuel(bytes.number() % 100);
            Ok(())
        }
        _ => Ok(()),
    };
    if let Err(error) = done {
        seen.statuses.push(error.to_string());
    }
}

/// Ends everything, and looks whether all that was held for it is given back.
pub(crate) fn settle(machine: &mut Machine, seen: &mut Seen) {
    machine.handler_mut().refuses = true;
    machine.add_fuel(20_000);
    let _ = machine.set_layer_active(LayerId(0), false);
    let _ = machine.set_layer_active(LayerId(1), false);
    for _ in 0..400 {
        for id in endpoints().filter(|id| id.role == 0) {
            let _ = machine.cancel(SessionId { index: id.session, generation: id.generation });
        }
        for blocked in machine.stuck_report().blocked {
            let _ = machine.resume(blocked.coro);
            let _ = machine.wake(blocked.coro);
        }
        for index in 0..32 {
            let _ = machine.resume(CoroId { index, generation: 0 });
        }
        if matches!(machine.run(1 << 10), RunStatus::AllDone) || machine.fuel() == 0 {
            break;
        }
    }
    for id in endpoints() {
        let _ = machine.drop_endpoint(id);
    }
    // Programs may go on for ever, and open any number of sessions.
    let many = machine.events().iter().any(|stamped| match stamped.event {
        Event::Opened { session, .. } => session.generation >= 6 || session.index >= 24,
        _ => false,
    });
    if machine.coroutines() == 0 && !many && machine.events_dropped() == 0 && !machine.events().is_empty() {
        assert_eq!(machine.held(), 0, "something is still charged for");
        seen.settled = true;
    }
}
