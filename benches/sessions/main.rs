//! Criterion benches of the session machine, in CPU time of the thread. Each program loops for ever and is stopped by its
//! fuel, so the time is divided by what that fuel pays for.

#[path = "../support/clock.rs"]
mod clock;
#[path = "../support/cpu_time.rs"]
mod cpu_time;
mod programs;

use clock::thread_cpu_time;
use cpu_time::CpuTime;
use criterion::Criterion;
use opforge_vm::Value;
use opforge_vm::ids::FuncId;
use opforge_vm::session::{NoEffects, Observe, Policy, RunStatus, SessionConfig, SessionMachine};
use programs::{Program, machine};
use std::time::Duration;

/// Runs a machine until its fuel is used up. Gives the CPU time.
fn time(machine: &mut SessionMachine<(), NoEffects>) -> Duration {
    let start = thread_cpu_time();
    let status = machine.run(u64::MAX);
    let time = thread_cpu_time() - start;
    assert!(matches!(status, RunStatus::OutOfFuel), "{status:?}");
    time
}

fn quiet(policy: Policy) -> SessionConfig {
    SessionConfig::new().policy(policy).observe(Observe::Off)
}

const COOPERATIVE: Policy = Policy::RoundRobin { quantum: 1 << 20 };

/// Benches the repetitions of a program: `start` gives a machine with fuel for so many.
fn bench(c: &mut Criterion<CpuTime>, name: &str, start: impl Fn(u64) -> SessionMachine<(), NoEffects>) {
    c.bench_function(name, |b| b.iter_custom(|times| time(&mut start(times.max(16)))));
}

fn messages(program: &Program, times: u64, config: SessionConfig) -> SessionMachine<(), NoEffects> {
    // Send, receive and jump of both parties: two messages for six instructions.
    let mut machine = machine(program, config, times * 3);
    talk(&mut machine);
    machine
}

fn talk(machine: &mut SessionMachine<(), NoEffects>) {
    let ends = machine.open(opforge_vm::ids::ShapeId(0)).expect("a shape");
    for (func, end) in (0..).zip(ends) {
        machine.spawn(FuncId(func), &[Value::Endpoint(end)]).expect("a party");
    }
}

fn main() {
    let mut c = Criterion::default().with_measurement(CpuTime).configure_from_args();
    let ping_pong = Program::new(programs::PING_PONG);
    bench(&mut c, "message/events off", |times| messages(&ping_pong, times, quiet(COOPERATIVE)));
    bench(&mut c, "message/events on", |times| {
        let config = SessionConfig::new().policy(COOPERATIVE).events(1 << 16);
        messages(&ping_pong, times, config)
    });
    bench(&mut c, "message/reference schedule", |times| {
        messages(&ping_pong, times, quiet(Policy::REFERENCE))
    });
    let stream = Program::new(programs::STREAM);
    bench(&mut c, "message/one way", |times| {
        let mut machine = machine(&stream, quiet(COOPERATIVE), times * 4);
        talk(&mut machine);
        machine
    });
    let lone = Program::new(programs::LONE);
    let parties = |name: u32, count: u32, fuel: u64| {
        let mut machine = machine(&lone, quiet(COOPERATIVE), fuel);
        for _ in 0..count {
            machine.spawn(FuncId(name), &[]).expect("a coroutine");
        }
        machine
    };
    bench(&mut c, "yield/1 coroutine", |times| parties(0, 1, times * 2));
    bench(&mut c, "yield/256 coroutines", |times| parties(0, 256, times * 2));
    bench(&mut c, "spawn and halt", |times| parties(1, 1, times * 4));
    bench(&mut c, "open and close", |times| parties(3, 1, times * 3));
    bench(&mut c, "fork and abort, 16 registers, 2 endpoints", |times| parties(4, 1, times * 3));
    for messages_so_far in [1_000, 1_000_000u64] {
        c.bench_function(&format!("growth/after {messages_so_far} messages"), |b| {
            b.iter_custom(|times| {
                const LEAST: u64 = 100_000;
                let mut machine = messages(&ping_pong, messages_so_far, quiet(COOPERATIVE));
                time(&mut machine);
                machine.add_fuel(times.max(LEAST) * 3);
                // Few repetitions would measure the cold start of the second run.
                time(&mut machine).mul_f64(times as f64 / times.max(LEAST) as f64)
            });
        });
    }
    for blocked in [0u32, 10_000] {
        bench(&mut c, &format!("growth/message beside {blocked} blocked coroutines"), |times| {
            let mut machine = machine(&ping_pong, quiet(COOPERATIVE), u64::MAX / 4);
            for _ in 0..blocked {
                let ends = machine.open(opforge_vm::ids::ShapeId(0)).expect("a shape");
                machine.spawn(FuncId(1), &[Value::Endpoint(ends[1])]).expect("a party");
            }
            assert!(matches!(machine.run(u64::MAX), RunStatus::Stuck(_) | RunStatus::AllDone));
            talk(&mut machine);
            let rest = machine.fuel() - times * 3;
            machine.take_fuel(rest);
            machine
        });
    }
    c.final_summary();
}
