//! Random machines: small programs over the session family that no verifier has judged, under random policies, limits,
//! decisions of handlers and acts of hosts. Whatever they do, nothing panics, nothing leaks, and the same again is the same.
//! Those that a verifier would let pass never come to what it is there to exclude.
#![allow(dead_code, reason = "each user has its part")]

pub(crate) mod host;
pub(crate) mod repair;
pub(crate) mod source;

use crate::random_support::Random;
use host::{Handler, Plan, Seen};
use opforge_vm::asm::assemble;
use opforge_vm::session::{RunStatus, SessionMachine};
use opforge_vm::verify::{VerifiedProgram, VerifyConfig, verify};
use opforge_vm::{Capabilities, Engine, Linker, Module};
use std::collections::BTreeMap;

/// The bytes that decide everything; zeros behind their end.
pub(crate) struct Bytes<'b> {
    rest: &'b [u8],
}

impl<'b> Bytes<'b> {
    pub(crate) fn new(rest: &'b [u8]) -> Self {
        Self { rest }
    }

    pub(crate) fn next(&mut self) -> u8 {
        let Some((&first, rest)) = self.rest.split_first() else { return 0 };
        self.rest = rest;
        first
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::from(self.next()) % bound.max(1)
    }

    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == n - 1
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    pub(crate) fn number(&mut self) -> u64 {
        let bits = self.below(64);
        (u64::from(self.next()) << 8 | u64::from(self.next())) << bits >> 8
    }
}

/// What inputs came to, to see that they reach what they are for.
#[derive(Debug, Default)]
pub(crate) struct Health {
    pub(crate) refused: usize,
    pub(crate) verified: usize,
    pub(crate) ran: usize,
    /// Runs at whose end everything was gone, and with it all that was charged for it.
    pub(crate) settled: usize,
    pub(crate) events: BTreeMap<&'static str, usize>,
    pub(crate) traps: BTreeMap<&'static str, usize>,
    pub(crate) ends: BTreeMap<&'static str, usize>,
    pub(crate) restores: usize,
}

/// One engine or several, whose runs must be alike.
pub(crate) type Engines<'e> = &'e dyn Fn(&VerifiedProgram) -> Vec<Module>;

pub(crate) fn interpreter(verified: &VerifiedProgram) -> Vec<Module> {
    vec![Module::new(&Engine::default(), verified).unwrap()]
}

/// Makes a program and a plan of the input, runs it in several ways, and compares; now and then also what is left of it
/// once it follows its types.
/// With `panics`, handlers panic now and then, which needs the feature `std`.
pub(crate) fn check(input: &[u8], engines: Engines<'_>, panics: bool, health: &mut Health) {
    let mut bytes = Bytes::new(input);
    let plan = Plan { panics, ..Plan::draw(&mut bytes) };
    let source = source::draw(&mut bytes);
    // Repairing takes longer than running.
    let repaired = input.len().is_multiple_of(4).then(|| repair::repair(&source)).flatten();
    if let Some((source, verified)) = repaired {
        health.verified += 1;
        runs(&verified, &source, true, &plan, bytes.rest, engines, health);
    }
    let program = assemble(&source).unwrap_or_else(|errors| panic!("{}", errors.render(&source, "random")));
    let verified = match verify(program, &VerifyConfig::default().unchecked_sessions(true)) {
        Ok(verified) => verified,
        Err(report) => {
            assert!(!report.errors().is_empty());
            health.refused += 1;
            return;
        }
    };
    health.ran += 1;
    let seen = runs(&verified, &source, false, &plan, bytes.rest, engines, health);
    seen.count(health);
}

/// Runs a program in several ways, and compares.
fn runs(
    verified: &VerifiedProgram,
    source: &str,
    follows: bool,
    plan: &Plan,
    acts: &[u8],
    engines: Engines<'_>,
    health: &mut Health,
) -> Seen {
    let mut first: Option<Seen> = None;
    for module in engines(verified) {
        // Straight on, again, and with going away and back now and then.
        for detours in [false, false, true] {
            let seen = run(&module, plan, acts, detours, Seen::of(follows), health);
            match &first {
                None => first = Some(seen),
                Some(first) => assert_eq!(&seen, first, "detours: {detours}\n{plan:?}\n{source}"),
            }
        }
    }
    first.unwrap_or_default()
}

fn run(
    module: &Module,
    plan: &Plan,
    acts: &[u8],
    detours: bool,
    mut seen: Seen,
    health: &mut Health,
) -> Seen {
    let instance = Linker::new().instantiate(module, (), &Capabilities::none()).unwrap();
    let handler = Handler::new(plan);
    let mut machine = SessionMachine::new(instance, handler, plan.config.clone(), plan.limits).unwrap();
    let mut bytes = Bytes::new(acts);
    host::begin(&mut machine, &mut bytes);
    for act in 0..plan.acts {
        let status = machine.run(plan.ticks);
        seen.status(&status);
        assert!(machine.charged_in_limit(), "more charged than the limit");
        if detours && act % 2 == 0 {
            let snapshot = machine.snapshot();
            let handler = machine.handler().clone();
            let before = Seen::state(&machine);
            let _ = machine.run(1 + act as u64);
            machine.restore(&snapshot).unwrap();
            *machine.handler_mut() = handler;
            assert_eq!(Seen::state(&machine), before, "what was gone back to");
            health.restores += 1;
        }
        if matches!(status, RunStatus::AllDone) && bytes.rest.is_empty() {
            break;
        }
        host::act(&mut machine, &mut bytes, &mut seen);
    }
    seen.end(&machine);
    host::settle(&mut machine, &mut seen);
    seen
}

/// What a machine may never do.
trait InLimit {
    fn charged_in_limit(&self) -> bool;
}

impl InLimit for SessionMachine<(), Handler> {
    fn charged_in_limit(&self) -> bool {
        let heap = self.instance().heap();
        heap.charged() <= heap.limit() && self.held() <= heap.charged()
    }
}

/// Checks inputs of a seed, which is not 0: `OPFORGE_SESSION_RUNS` of them, or `count`. One that fails is written to a file
/// of this name in the folder for temporary files.
pub(crate) fn check_many(
    name: &str,
    seed: u64,
    count: usize,
    engines: Engines<'_>,
    panics: bool,
) -> (usize, Health) {
    let wanted = std::env::var("OPFORGE_SESSION_RUNS").ok().and_then(|text| text.parse().ok());
    let (mut random, mut health, count) = (Random(seed), Health::default(), wanted.unwrap_or(count));
    for n in 0..count {
        let len = 50 + random.below(700);
        let input: Vec<u8> = (0..len).map(|_| (random.next() >> 40) as u8).collect();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            check(&input, engines, panics, &mut health);
        }));
        if outcome.is_err() {
            let path = std::env::temp_dir().join(format!("{name}_{n}"));
            std::fs::write(&path, &input).unwrap();
            panic!("input {n} failed; it is in {}", path.display());
        }
    }
    (count, health)
}
