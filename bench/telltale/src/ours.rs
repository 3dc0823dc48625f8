//! Our session machine, with the programs of the bench `sessions`. They loop for ever and are stopped by their fuel, so fuel
//! says how much they do, and [`Programs::checked`] that it says so rightly.

use crate::programs::{self, Program, machine};
use crate::rounds::Sample;
use opforge_vm::Value;
use opforge_vm::asm::assemble;
use opforge_vm::ids::{FuncId, ShapeId};
use opforge_vm::session::{
    Event, Names, NoEffects, Observe, Policy, RunStatus, SessionConfig, SessionMachine,
};

type Machine = SessionMachine<(), NoEffects>;

/// No events, and coroutines that run until they wait.
pub(crate) fn quiet() -> SessionConfig {
    SessionConfig::new().policy(Policy::RoundRobin { quantum: 1 << 20 }).observe(Observe::Off)
}

/// No events, and the peer's schedule: one instruction, then the next coroutine.
pub(crate) fn reference() -> SessionConfig {
    quiet().policy(Policy::REFERENCE)
}

/// One coroutine's loop, as the peer's side has it too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loop {
    func: u32,
    /// Fuel of a repetition.
    fuel: u64,
}

pub(crate) const YIELD: Loop = Loop { func: 0, fuel: 2 };
/// A child that halts at once. Yields to it, which the peer does after each instruction.
pub(crate) const SPAWN: Loop = Loop { func: 1, fuel: 4 };
pub(crate) const OPEN: Loop = Loop { func: 3, fuel: 3 };

/// The programs, translated once.
pub(crate) struct Programs {
    ping_pong: Program,
    lone: Program,
}

impl Programs {
    pub(crate) fn new() -> Self {
        Self { ping_pong: Program::new(programs::PING_PONG), lone: Program::new(programs::LONE) }
    }

    /// Panics unless fuel for `count` does `count`, by the events.
    pub(crate) fn checked(&self, config: &SessionConfig, count: u64) {
        let config = config.clone().observe(Observe::Events).events(usize::MAX);
        let seen = |mut machine: Machine, of: fn(&Event) -> bool| {
            finish(&mut machine);
            machine.events().iter().filter(|stamped| of(&stamped.event)).count() as u64
        };
        let received =
            seen(self.ping_pong(config.clone(), count), |event| matches!(event, Event::Received { .. }));
        let sent = seen(self.ping_pong(config.clone(), count), |event| matches!(event, Event::Sent { .. }));
        assert_eq!((sent, received), (count, count), "messages");
        let children =
            seen(self.lone(SPAWN, config.clone(), 1, count), |event| matches!(event, Event::Halted { .. }));
        assert_eq!(children, count, "children");
        let closed = seen(self.lone(OPEN, config, 1, count), |event| matches!(event, Event::Closed { .. }));
        assert_eq!(closed, count, "sessions");
    }

    /// What happened in so many steps of a ping-pong: tick, whether it was received, sender, receiver, label.
    pub(crate) fn events(&self, steps: usize) -> Vec<(u64, bool, String, String, String)> {
        let steps = steps as u64;
        let mut machine = self.ping_pong(reference().observe(Observe::Events).events(usize::MAX), steps);
        assert!(matches!(machine.run(steps), RunStatus::MaxTicks), "{steps} slices");
        let program = assemble(programs::PING_PONG).expect("it assembled before");
        let names = Names::of(&program, machine.events());
        let mut events = Vec::new();
        for stamped in machine.events() {
            let (received, session, from, to, label) = match stamped.event {
                Event::Sent { session, from, to, label } => (false, session, from, to, label),
                Event::Received { session, from, to, label } => (true, session, from, to, label),
                _ => continue,
            };
            let role = |role| names.role(session, role).expect("a name").to_string();
            let label = names.label(label).expect("a name").to_string();
            events.push((stamped.tick, received, role(from), role(to), label));
        }
        events
    }

    /// So many messages of a ping-pong.
    pub(crate) fn messages(&self, config: &SessionConfig, count: u64) -> Sample {
        let mut machine = self.ping_pong(config.clone(), count);
        Sample::of(|| finish(&mut machine), || count)
    }

    /// So many repetitions of a loop, by this many coroutines together.
    pub(crate) fn repeats(&self, what: Loop, coroutines: u32, count: u64) -> Sample {
        let mut machine = self.lone(what, quiet(), coroutines, count);
        Sample::of(|| finish(&mut machine), || count)
    }

    /// So many sessions of a ping-pong, each with a coroutine for each role.
    pub(crate) fn sessions(&self, count: u32) -> Sample {
        let mut machine = machine(&self.ping_pong, quiet().sessions(count).coroutines(2 * count), 0);
        let sample = Sample::of(|| (0..count).for_each(|_| load(&mut machine)), || count.into());
        assert_eq!(machine.coroutines(), 2 * count);
        sample
    }

    fn ping_pong(&self, config: SessionConfig, messages: u64) -> Machine {
        // Send, receive and jump of both parties: two messages for six instructions. Three more lead to the loops.
        let mut machine = machine(&self.ping_pong, config, messages * 3 + 3);
        load(&mut machine);
        machine
    }

    fn lone(&self, what: Loop, config: SessionConfig, coroutines: u32, count: u64) -> Machine {
        // Each has a jump before its loop.
        let mut machine = machine(&self.lone, config, count * what.fuel + u64::from(coroutines));
        for _ in 0..coroutines {
            machine.spawn(FuncId(what.func), &[]).expect("a coroutine");
        }
        machine
    }
}

/// A session with a coroutine for each role.
fn load(machine: &mut Machine) {
    let ends = machine.open(ShapeId(0)).expect("a shape");
    for (func, end) in (0..).zip(ends) {
        machine.spawn(FuncId(func), &[Value::Endpoint(end)]).expect("a party");
    }
}

/// Runs until the fuel is used up.
fn finish(machine: &mut Machine) {
    let status = machine.run(u64::MAX);
    assert!(matches!(status, RunStatus::OutOfFuel), "{status:?}");
    assert_eq!(machine.fuel(), 0);
}
