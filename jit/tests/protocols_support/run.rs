//! One run of a program, in some way.

use super::build::Built;
use opforge_vm::builder::PartyParam;
use opforge_vm::heap::{Heap, ValueError};
use opforge_vm::ids::FuncId;
use opforge_vm::protocol::Payload;
use opforge_vm::sem::Decimal;
use opforge_vm::session::{
    EffectCall, EffectHandler, MessageInfo, Outcome, Policy, Priority, RunStatus, SendDecision,
    SessionConfig, SessionMachine, Stamped, edge_traces,
};
use opforge_vm::{Capabilities, CoroId, EndpointId, Limits, Linker, Module, Value, ValueType};
use std::collections::BTreeMap;

/// Random choices that a party makes before it heads for the end.
const ROUNDS: u64 = 12;

/// In how many pieces a run is made. None of this can be seen in what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// At once.
    Whole,
    /// So many ticks at a time.
    Ticks(u64),
    /// With so much fuel at a time.
    Fuel(u64),
    /// After so many ticks a snapshot is made; then the run goes on to its end, and goes on from there again.
    Snapshot(u64),
    /// Recorded, and then replayed by a machine that knows only the tape.
    Replayed,
}

/// What a run is made with.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) config: SessionConfig,
    pub(crate) pace: Pace,
    pub(crate) fuel: u64,
    /// Of the values and choices.
    pub(crate) seed: u64,
    pub(crate) sessions: u32,
    /// Whether the handler sees messages.
    pub(crate) sees: bool,
}

/// What went over an edge of a session, by sender and receiver: labels with values, as they were sent, and as they
/// were received.
pub(crate) type Said = BTreeMap<(u32, String, String), [Vec<String>; 2]>;

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Ran {
    /// Whether all parties came to their end. Else the fuel was used up.
    pub(crate) ended: bool,
    pub(crate) events: Vec<Stamped>,
    pub(crate) fuel_left: u64,
    /// Empty if the handler saw no messages.
    pub(crate) said: Said,
}

/// A handler that lets everything pass and listens.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listener {
    sees: bool,
    said: Said,
}

impl Listener {
    fn note(&mut self, message: MessageInfo<'_>, received: usize) {
        let value = match message.value {
            // A place in a heap, which is another one in each run.
            Value::Agg(_) | Value::Closure { .. } => String::from("aggregate"),
            value => format!("{value:?}"),
        };
        let edge = (message.session, message.from.to_owned(), message.to.to_owned());
        self.said.entry(edge).or_default()[received].push(format!("{} {value}", message.label));
    }
}

impl EffectHandler for Listener {
    fn invoke(&mut self, _: EffectCall<'_>) -> Outcome<Value> {
        Outcome::Done(Value::Unit)
    }

    fn sees_messages(&self) -> bool {
        self.sees
    }

    fn on_send(&mut self, message: MessageInfo<'_>) -> SendDecision {
        self.note(message, 0);
        SendDecision::Deliver
    }

    fn on_recv(&mut self, message: MessageInfo<'_>) -> Result<(), String> {
        self.note(message, 1);
        Ok(())
    }
}

type Machine = SessionMachine<(), Listener>;

/// Runs a program. An error says what must not be: a trap, a stuck run, messages that nobody received.
pub(crate) fn run(built: &Built, module: &Module, plan: &Plan) -> Result<Ran, String> {
    let first = if let Pace::Fuel(slice) = plan.pace { slice.min(plan.fuel) } else { plan.fuel };
    let mut machine = machine(module, plan, first)?;
    if plan.pace == Pace::Replayed {
        machine.record(1 << 24);
    }
    let ends = start(&mut machine, built, plan)?;
    let status = match plan.pace {
        Pace::Whole | Pace::Replayed => machine.run(u64::MAX),
        Pace::Ticks(ticks) => loop {
            match machine.run(ticks) {
                RunStatus::MaxTicks => {}
                status => break status,
            }
        },
        Pace::Fuel(slice) => in_slices(&mut machine, plan.fuel, slice, first),
        Pace::Snapshot(ticks) => {
            let early = machine.run(ticks);
            let (snapshot, heard) = (machine.snapshot(), machine.handler().clone());
            let status = machine.run(u64::MAX);
            let events = machine.events().to_vec();
            machine.restore(&snapshot).map_err(|error| error.to_string())?;
            *machine.handler_mut() = heard;
            let again = machine.run(u64::MAX);
            if format!("{again:?}") != format!("{status:?}") || machine.events() != events {
                return Err(format!("after {early:?} and a snapshot: {status:?}, then {again:?}"));
            }
            again
        }
    };
    if plan.pace == Pace::Replayed {
        return replay(machine, module, plan, status);
    }
    ran(machine, &ends, status)
}

/// Runs with `first` fuel, and then so much at a time, `fuel` in all. What is not needed is left over.
fn in_slices(machine: &mut Machine, fuel: u64, slice: u64, first: u64) -> RunStatus {
    let mut given = first;
    loop {
        let status = machine.run(u64::MAX);
        let out = matches!(status, RunStatus::OutOfFuel);
        if !out || given == fuel {
            machine.add_fuel(fuel - given);
            return status;
        }
        let more = slice.min(fuel - given);
        machine.add_fuel(more);
        given += more;
    }
}

fn machine(module: &Module, plan: &Plan, fuel: u64) -> Result<Machine, String> {
    let instance = Linker::new().instantiate(module, (), &Capabilities::none());
    let handler = Listener { sees: plan.sees, said: Said::new() };
    let limits = Limits::new().fuel(fuel);
    let instance = instance.map_err(|error| error.to_string())?;
    SessionMachine::new(instance, handler, plan.config.clone(), limits).map_err(|error| error.to_string())
}

/// Opens the sessions and begins a coroutine for each role. Gives the endpoints.
fn start(machine: &mut Machine, built: &Built, plan: &Plan) -> Result<Vec<EndpointId>, String> {
    let mut all = Vec::new();
    for _ in 0..plan.sessions {
        let ends = machine.open(built.shape).map_err(|error| error.to_string())?;
        for (end, party) in ends.iter().zip(&built.parties) {
            let mut random = Random::new(plan.seed.wrapping_add(all.len() as u64));
            machine.set_tokens(*end, random.below(3) as u32).map_err(|error| error.to_string())?;
            let mut args = Vec::new();
            for param in &party.params {
                args.push(match param {
                    PartyParam::Endpoint => Value::Endpoint(*end),
                    PartyParam::Seed => Value::U64(random.next()),
                    PartyParam::Rounds => Value::U64(ROUNDS),
                    PartyParam::Payload(payload) => {
                        let value = random.value(payload, machine.heap_mut());
                        value.map_err(|error| error.to_string())?
                    }
                    param => return Err(format!("a parameter for {param:?}")),
                });
            }
            machine.spawn(party.func, &args).map_err(|error| error.to_string())?;
            all.push(*end);
        }
    }
    Ok(all)
}

fn replay(mut recorded: Machine, module: &Module, plan: &Plan, status: RunStatus) -> Result<Ran, String> {
    let tape = recorded.take_tape().ok_or("nothing was recorded")?;
    let mut machine = machine(module, plan, plan.fuel)?;
    machine.replay(tape).map_err(|error| error.to_string())?;
    let again = machine.run(u64::MAX);
    if machine.events() != recorded.events() {
        return Err(format!("{status:?}, replayed: {again:?}, with other events"));
    }
    machine.finish_replay().map_err(|divergence| divergence.to_string())?;
    ran(machine, &[], again)
}

/// What came of a run; an error if that must not be.
fn ran(machine: Machine, ends: &[EndpointId], status: RunStatus) -> Result<Ran, String> {
    let ended = match status {
        RunStatus::AllDone => true,
        RunStatus::OutOfFuel => false,
        RunStatus::Trapped(trap) => return Err(format!("trapped: {trap}")),
        RunStatus::Stuck(report) => return Err(format!("stuck: {report}")),
        other => return Err(format!("{other:?}")),
    };
    if ended {
        if let Some(end) = ends.iter().find(|end| !machine.is_done(**end)) {
            return Err(format!("all coroutines have halted, but {end:?} is not at its end"));
        }
        for (edge, trace) in edge_traces(machine.events()) {
            if trace.sent != trace.received {
                return Err(format!("messages are left on {edge:?}: {trace:?}"));
            }
        }
    }
    let (events, fuel_left) = (machine.events().to_vec(), machine.fuel());
    if machine.events_dropped() > 0 {
        return Err("events were dropped".to_owned());
    }
    Ok(Ran { ended, events, fuel_left, said: machine.into_parts().0.said })
}

/// Every policy, some of them with buffers that are small or grow.
pub(crate) fn policies(seed: u64, coroutines: u32) -> Vec<(String, SessionConfig)> {
    use opforge_vm::program::EdgePolicy;
    use opforge_vm::session::EdgeOverride;
    let mut random = Random::new(seed ^ 0xc0de);
    let numbers: BTreeMap<u32, i32> =
        (0..coroutines).map(|coro| (coro, random.below(5) as i32 - 2)).collect();
    let mut policies = vec![Policy::Cooperative];
    policies.extend([1, 2, 7, 1000].map(|quantum| Policy::RoundRobin { quantum }));
    policies.push(Policy::Priority { by: Priority::Fixed(numbers.clone()), quantum: 3 });
    policies.push(Policy::Priority { by: Priority::Aging(numbers), quantum: 3 });
    policies.push(Policy::Priority { by: Priority::Tokens, quantum: 5 });
    policies.push(Policy::ProgressAware { quantum: 5 });
    policies.extend([1, 4, 64].map(|quantum| Policy::Random { seed: random.next(), quantum }));
    let config = |policy: &Policy| SessionConfig::new().policy(policy.clone());
    let mut all: Vec<(String, SessionConfig)> =
        policies.iter().map(|policy| (format!("{policy:?}"), config(policy))).collect();
    let buffers = [
        ("1 place", EdgePolicy::Block, 1, 1),
        ("2 places", EdgePolicy::Block, 2, 2),
        ("1 place that grows", EdgePolicy::Resize, 1, 1 << 20),
    ];
    for (name, policy, capacity, max) in buffers {
        let edge = Some(EdgeOverride { policy, capacity, max });
        for by in [&policies[0], &policies[1], policies.last().unwrap_or(&policies[0])] {
            all.push((format!("{by:?}, buffers with {name}"), config(by).edges(edge)));
        }
    }
    all
}

/// A small generator, so that a failure repeats (xorshift64*).
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        let mut random = Self(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 33) % limit
    }

    fn value(&mut self, payload: &Payload, heap: &mut Heap) -> Result<Value, ValueError> {
        let class = match payload {
            Payload::Value(class) => *class,
            Payload::Tuple(tuple) => {
                let parts = tuple.elements().iter().map(|part| self.value(part, heap));
                let parts = parts.collect::<Result<Vec<_>, _>>()?;
                return heap.new_tuple(&parts).map(Value::Agg);
            }
            other => unreachable!("no random conversation has {other}"),
        };
        let bits = self.next();
        let coro = CoroId { index: self.below(9) as u32, generation: 0 };
        let end = EndpointId { session: self.below(3) as u32, generation: 0, role: self.below(4) as u16 };
        Ok(match class {
            ValueType::Unit => Value::Unit,
            ValueType::Bool => Value::Bool(bits & 1 == 0),
            ValueType::I64 => Value::I64(bits as i64),
            ValueType::U64 => Value::U64(bits),
            ValueType::F64 => Value::F64(if bits.is_multiple_of(5) { f64::NAN } else { bits as f64 / 3.0 }),
            ValueType::Decimal => Value::Decimal(Decimal { mantissa: bits as i64, scale: (bits & 7) as u8 }),
            ValueType::Bytes => Value::Bytes(bits.to_le_bytes()[..(bits & 7) as usize].to_vec()),
            ValueType::Str => Value::Str(format!("{:x}", bits >> (bits & 31))),
            ValueType::Obj(host_type) => Value::Obj { host_type, handle: bits },
            ValueType::Func => Value::Func(FuncId(bits as u32)),
            ValueType::Agg => Value::Agg(heap.new_tuple(&[Value::U64(bits)])?),
            ValueType::Closure => {
                Value::Closure { func: FuncId(0), env: heap.new_tuple(&[Value::U64(bits)])? }
            }
            ValueType::Coro => Value::Coro(coro),
            ValueType::Epid => Value::Epid(end),
            other => unreachable!("no random conversation has {other}"),
        })
    }
}
