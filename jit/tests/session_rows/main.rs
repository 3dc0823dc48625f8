//! The rows R01 to R15 of the reliability list, which are about the session runtime, each by its name, on both engines. That
//! memory of the process stays within the limit (R02, R08, R09) is in `session_bombs.rs`.

mod endpoints;
mod faults;
mod runs;
#[path = "../../../vm/tests/session_support/mod.rs"]
mod session_support;

use opforge_jit::{JitConfig, JitEngine};
use opforge_vm::asm::assemble;
use opforge_vm::ids::Reg;
use opforge_vm::program::EdgePolicy;
use opforge_vm::session::{
    BlockReason, EdgeOverride, EffectHandler, NoEffects, OnTrap, Outcome, Policy, RunStatus, SessionConfig,
    SessionError, SessionMachine, trace_hash,
};
use opforge_vm::verify::{CoherenceLimits, VerifyConfig, verify};
use opforge_vm::{CoroId, EndpointId, Engine, Limits, Module, SessionFault, TrapCode, TrapDetail, Value};
use session_support::rich::{Decides, RICH, begin, run_out};
use session_support::script::{PANIC, Script};
use session_support::{Drive, chan, machine_of, program, refused, verified};
use std::sync::Barrier;
use std::thread;

/// The module of a program, interpreted and compiled.
#[track_caller]
fn modules(source: &str, unchecked: bool) -> [Module; 2] {
    let verified = verified(source, unchecked);
    let compiled = JitEngine::new(JitConfig::new()).unwrap().compile(&verified).unwrap();
    [Module::new(&Engine::default(), &verified).unwrap(), compiled.module().clone()]
}

fn reference() -> SessionConfig {
    SessionConfig::new().policy(Policy::REFERENCE)
}

fn limits() -> Limits {
    Limits::new().fuel(1 << 40)
}

/// Does the same on both engines and compares: what comes of it, the events, ticks, fuel and charge.
#[track_caller]
fn both_with<H: EffectHandler, R: PartialEq + std::fmt::Debug>(
    modules: &[Module; 2],
    config: &SessionConfig,
    handler: impl Fn() -> H,
    work: impl Fn(&mut SessionMachine<(), H>) -> R,
) -> (R, Vec<String>) {
    let [interp, jit] = modules.each_ref().map(|module| {
        let mut machine = machine_of(module, handler(), config.clone(), limits());
        let result = work(&mut machine);
        (result, machine.lines(), machine.ticks(), machine.fuel(), machine.charged())
    });
    assert_eq!(interp, jit, "the engines differ");
    (interp.0, interp.1)
}

#[track_caller]
fn both<R: PartialEq + std::fmt::Debug>(
    modules: &[Module; 2],
    work: impl Fn(&mut SessionMachine<(), NoEffects>) -> R,
) -> (R, Vec<String>) {
    both_with(modules, &reference(), || NoEffects, work)
}

/// Runs until a coroutine traps: why, what about, in which coroutine and function, at which instruction.
#[track_caller]
fn trap<H: EffectHandler>(machine: &mut SessionMachine<(), H>) -> (TrapCode, TrapDetail, u32, (String, u32)) {
    let found = machine.trap();
    let at = machine.at(found.coro);
    assert_eq!(found.trap.at().pc, machine.pc(&at.0, at.1));
    (found.trap.code, found.trap.detail, found.coro.index, at)
}

fn session(fault: SessionFault) -> TrapDetail {
    TrapDetail::Session(fault)
}

const PINGS: &str = "
.local Ping = !Pong{ping(i64). ?Pong{pong(i64). end}}
.local Pong = ?Ping{ping(i64). !Ping{pong(i64). end}}
.shape Pings { Ping: Ping, Pong: Pong }
.func ping(c: chan(Pings, Ping), n: i64) {\n.reg m\nsend c, n\nreceive c -> m\nhalt\n}
.func pong(c: chan(Pings, Pong)) {\n.reg m\nreceive c -> m\nsend c, m\nhalt\n}
";
