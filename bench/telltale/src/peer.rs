//! Telltale's protocol machine, driven by hand-written bytecode as [`programs`](crate::programs) drives ours.

use crate::rounds::Sample;
use std::sync::atomic::{AtomicU64, Ordering};
use telltale_machine::instr::{ImmValue, Instr};
use telltale_machine::model::effects::{
    EffectFailure, EffectHandler, EffectOutcome, EffectRequest, EffectRequestBody, EffectResponse,
    EffectResult, SendDecision,
};
use telltale_machine::runtime::loader::CodeImage;
use telltale_machine::{
    CoroStatus, EffectTraceCaptureMode, MonitorMode, ObsEvent, ObservabilityRetentionMode,
    PayloadValidationMode, ProtocolMachine, ProtocolMachineConfig, RunStatus, Value,
};
use telltale_types::{GlobalType, Label, LocalTypeR};

/// What every message carries.
const PAYLOAD: Value = Value::Nat(7);
/// Room for whatever a workload makes, so that no limit is met.
const ROOM: usize = 1 << 20;

/// A configuration of the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Config {
    /// What `ProtocolMachineConfig::default()` gives.
    Default,
    /// Without retention of what happened, session monitor, payload validation and effect trace.
    Off,
    /// The same with no more registers than the programs need: all are copied in every step.
    Lean,
    /// The same with retention: since 22.0.0, to forget what happened takes longer than to keep it where there are messages.
    Keeping,
}

impl Config {
    pub(crate) const ALL: [Self; 4] = [Self::Default, Self::Off, Self::Lean, Self::Keeping];
    /// One of these is the fastest, whatever is run.
    pub(crate) const FAST: [Self; 2] = [Self::Lean, Self::Keeping];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Off => "everything off",
            Self::Lean => "everything off, 2 registers",
            Self::Keeping => "everything off but retention, 2 registers",
        }
    }

    fn machine(self) -> ProtocolMachine {
        let mut config = ProtocolMachineConfig {
            max_sessions: ROOM,
            max_coroutines: ROOM,
            ..ProtocolMachineConfig::default()
        };
        if self != Self::Default {
            config.effect_trace_capture_mode = EffectTraceCaptureMode::Disabled;
            config.monitor_mode = MonitorMode::Off;
            config.payload_validation_mode = PayloadValidationMode::Off;
        }
        if matches!(self, Self::Off | Self::Lean) {
            config.observability_retention.mode = ObservabilityRetentionMode::Disabled;
        }
        if matches!(self, Self::Lean | Self::Keeping) {
            config.num_registers = 2;
        }
        ProtocolMachine::new(config)
    }
}

/// Delivers every message and counts. Its own work is a few nanoseconds of a message's microseconds.
#[derive(Debug, Default)]
struct Host {
    sent: AtomicU64,
    received: AtomicU64,
}

impl EffectHandler for Host {
    fn handle_effect(&self, request: EffectRequest) -> EffectOutcome {
        match request.body {
            EffectRequestBody::SendDecision { payload: Some(payload), .. } => {
                self.sent.fetch_add(1, Ordering::Relaxed);
                EffectOutcome::success(EffectResponse::SendDecision {
                    decision: SendDecision::Deliver(payload),
                })
            }
            EffectRequestBody::Receive { state, payload: PAYLOAD, .. } => {
                self.received.fetch_add(1, Ordering::Relaxed);
                EffectOutcome::success(EffectResponse::Receive { state })
            }
            EffectRequestBody::TopologyEvents { .. } => {
                EffectOutcome::success(EffectResponse::TopologyEvents { events: Vec::new() })
            }
            EffectRequestBody::OutputConditionHint { .. } => {
                EffectOutcome::success(EffectResponse::OutputConditionHint { hint: None })
            }
            other => {
                EffectOutcome::failure(EffectFailure::contract_violation(format!("not expected: {other:?}")))
            }
        }
    }

    // What `handle_effect` calls unless it is overridden.

    fn handle_send(&self, _: &str, _: &str, _: &str, _: &[Value]) -> EffectResult<Value> {
        EffectResult::success(PAYLOAD)
    }

    fn handle_recv(&self, _: &str, _: &str, _: &str, _: &mut Vec<Value>, _: &Value) -> EffectResult<()> {
        EffectResult::success(())
    }

    fn handle_choose(&self, _: &str, _: &str, _: &[String], _: &[Value]) -> EffectResult<String> {
        EffectResult::failure(EffectFailure::contract_violation("nobody chooses"))
    }

    fn step(&self, _: &str, _: &mut Vec<Value>) -> EffectResult<()> {
        EffectResult::success(())
    }
}

/// A program for each role, with the types that the roles have.
fn image(global_type: GlobalType, roles: Vec<(String, Vec<Instr>, LocalTypeR)>) -> CodeImage {
    CodeImage {
        local_types: roles.iter().map(|(role, _, ty)| (role.clone(), ty.clone())).collect(),
        programs: roles.into_iter().map(|(role, code, _)| (role, code)).collect(),
        global_type,
    }
}

/// `programs::PING_PONG`, instruction by instruction.
fn ping_pong() -> CodeImage {
    let (ping, pong) = (|| Label::new("ping"), || Label::new("pong"));
    let again = || LocalTypeR::var("x");
    let send = Instr::Send { chan: 0, val: 1 };
    let receive = Instr::Receive { chan: 0, dst: 1 };
    let a = LocalTypeR::mu("x", LocalTypeR::send("B", ping(), LocalTypeR::recv("B", pong(), again())));
    let b = LocalTypeR::mu("x", LocalTypeR::recv("A", ping(), LocalTypeR::send("A", pong(), again())));
    let set = Instr::Set { dst: 1, val: ImmValue::Nat(7) };
    let (to_1, to_2) = (Instr::Jump { target: 1 }, Instr::Jump { target: 2 });
    let global = GlobalType::send("A", "B", ping(), GlobalType::send("B", "A", pong(), GlobalType::var("x")));
    image(
        GlobalType::mu("x", global),
        vec![
            ("A".into(), vec![set, to_2.clone(), send.clone(), receive.clone(), to_2], a),
            ("B".into(), vec![to_1.clone(), receive, send, to_1], b),
        ],
    )
}

fn loaded(config: Config, image: &CodeImage) -> ProtocolMachine {
    let mut machine = config.machine();
    machine.load_choreography(image).unwrap_or_else(|error| panic!("{error}"));
    machine
}

/// Does so many steps, an instruction each.
fn run(machine: &mut ProtocolMachine, host: &Host, steps: usize) {
    let status = machine.run(host, steps).unwrap_or_else(|error| panic!("{error}"));
    assert!(matches!(status, RunStatus::MaxRoundsExceeded), "{status:?}");
}

/// So many steps of a ping-pong; counts the messages received.
pub(crate) fn messages(config: Config, steps: usize) -> Sample {
    let (host, mut machine) = (Host::default(), loaded(config, &ping_pong()));
    let sample = Sample::of(|| run(&mut machine, &host, steps), || host.received.load(Ordering::Relaxed));
    assert_eq!(machine.scheduler_step_count(), steps, "a step is an instruction");
    sample
}

/// What happened in so many steps of a ping-pong: tick, whether it was received, sender, receiver, label.
pub(crate) fn events(steps: usize) -> Vec<(u64, bool, String, String, String)> {
    let (host, mut machine) = (Host::default(), loaded(Config::Default, &ping_pong()));
    run(&mut machine, &host, steps);
    let events: Vec<_> = machine
        .trace()
        .iter()
        .filter_map(|event| match event.clone() {
            ObsEvent::Sent { tick, from, to, label, .. } => Some((tick, false, from, to, label)),
            ObsEvent::Received { tick, from, to, label, .. } => Some((tick, true, from, to, label)),
            _ => None,
        })
        .collect();
    let received = events.iter().filter(|event| event.1).count() as u64;
    assert_eq!(received, host.received.into_inner(), "events and the host's count agree");
    assert_eq!(events.len() as u64 - received, host.sent.into_inner(), "events and the host's count agree");
    events
}

/// So many steps of this many coroutines that yield in a loop; counts the yields.
pub(crate) fn yields(config: Config, coroutines: usize, steps: usize) -> Sample {
    let code = vec![Instr::Yield, Instr::Jump { target: 0 }];
    let roles = (0..coroutines).map(|index| (format!("R{index}"), code.clone(), LocalTypeR::End)).collect();
    let mut machine = loaded(config, &image(GlobalType::End, roles));
    // Round robin: everybody yields, then everybody jumps.
    assert_eq!(steps % (2 * coroutines), 0, "whole rounds only");
    Sample::of(|| run(&mut machine, &Host::default(), steps), || steps as u64 / 2)
}

/// So many children, one after the other, that halt at once.
pub(crate) fn children(config: Config, count: usize) -> Sample {
    let code = vec![Instr::Spawn { target: 2, args: vec![0] }, Instr::Jump { target: 0 }, Instr::Halt];
    let image = image(GlobalType::End, vec![("R".into(), code, LocalTypeR::End)]);
    let mut machine = loaded(config, &image);
    let done = |machine: &ProtocolMachine| {
        machine.coroutines().iter().filter(|coroutine| coroutine.status == CoroStatus::Done).count() as u64
    };
    let mut sample = Sample::of(|| run(&mut machine, &Host::default(), 3 * count), || 0);
    sample.count = done(&machine);
    assert!(sample.count.abs_diff(count as u64) <= 1, "{} children of {count}", sample.count);
    sample
}

/// So many sessions of a ping-pong, each with a coroutine for each role.
pub(crate) fn sessions(config: Config, count: usize) -> Sample {
    let (image, mut machine) = (ping_pong(), config.machine());
    let sample = Sample::of(
        || {
            for _ in 0..count {
                machine.load_choreography(&image).unwrap_or_else(|error| panic!("{error}"));
            }
        },
        || count as u64,
    );
    assert_eq!((machine.session_count(), machine.coroutine_count()), (count, 2 * count));
    sample
}

/// So many sessions that the program itself opens and closes.
pub(crate) fn opens(config: Config, count: usize) -> Sample {
    let types = ping_pong().local_types;
    let edges = [("A", "B"), ("B", "A")]
        .map(|(from, to)| ((from.to_string(), to.to_string()), "default".to_string()));
    let open = Instr::Open {
        roles: vec!["A".into(), "B".into()],
        local_types: types.into_iter().collect(),
        handlers: edges.to_vec(),
        dsts: vec![("A".into(), 0), ("B".into(), 1)],
    };
    let code = vec![open, Instr::Close { session: 0 }, Instr::Jump { target: 0 }];
    let image = image(GlobalType::End, vec![("A".into(), code, LocalTypeR::End)]);
    let mut machine = loaded(config, &image);
    let before = machine.next_session_id();
    let mut sample = Sample::of(|| run(&mut machine, &Host::default(), 3 * count), || 0);
    sample.count = (machine.next_session_id() - before) as u64;
    assert_eq!(sample.count, count as u64);
    sample
}
