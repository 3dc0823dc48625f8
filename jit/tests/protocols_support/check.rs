//! Everything that is asked of one conversation.

use super::build::{Built, Types, build, verified};
use super::compare::{agree, same};
use super::figures::{Figures, Message};
use super::run::{Pace, Plan, Ran, policies, run};
use opforge_jit::{JitConfig, JitEngine};
use opforge_testgen::{Protocol, protocol};
use opforge_vm::asm::assemble;
use opforge_vm::builder::Picks;
use opforge_vm::container::{DecodeConfig, decode, encode};
use opforge_vm::disasm::{DisasmOptions, disassemble};
use opforge_vm::protocol::LabelId;
use opforge_vm::session::{Event, Policy, SessionConfig, trace_hash};
use opforge_vm::verify::VerifiedProgram;
use opforge_vm::{Engine, Module};
use std::collections::BTreeSet;

/// How much is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    /// Everything once.
    Quick,
    /// Also native code, and a hundred repeats.
    Full,
}

impl Effort {
    const fn repeats(self) -> usize {
        match self {
            Self::Quick => 2,
            Self::Full => 100,
        }
    }
}

/// Sets of values and choices beside the first.
const DRAWS: u64 = 24;

/// Fuel of a run: enough for all that end, and for some turns of every loop.
const FUEL: u64 = 4_000;

/// Makes, verifies and runs the conversation of a seed, with both kinds of parties.
pub(crate) fn check(seed: u64, effort: Effort, figures: &mut Figures) -> Result<(), String> {
    let protocol = protocol(seed);
    figures.protocol(&protocol);
    for (types, picks) in [(Types::Named, Picks::First), (Types::Projected, Picks::Random)] {
        let subject = Subject { seed, effort, sessions: 1 + (seed % 2) as u32 };
        subject.check(&protocol, types, picks, figures).map_err(|what| {
            let locals = protocol.locals.iter().map(|(role, ty)| format!("\n{role}: {ty}"));
            format!("{picks:?}: {what}\n{}{}", protocol.global, locals.collect::<String>())
        })?;
    }
    Ok(())
}

/// One conversation with one kind of parties.
#[derive(Clone, Copy, Debug)]
struct Subject {
    seed: u64,
    effort: Effort,
    sessions: u32,
}

impl Subject {
    fn check(
        self,
        protocol: &Protocol,
        types: Types,
        picks: Picks,
        figures: &mut Figures,
    ) -> Result<(), String> {
        let built = build(protocol, types, picks)?;
        figures.built(&built);
        let module = module(&built.verified)?;
        let policies = policies(self.seed, self.sessions * built.parties.len() as u32);
        let shown = |name: &str, what: String| {
            format!("{name}: {what}\n{}", disassemble(&built.program, &DisasmOptions::pretty()))
        };
        let mut longest: Option<Ran> = None;
        let mut sent = BTreeSet::new();
        for (name, config) in &policies {
            let ran = run(&built, &module, &self.plan(config)).map_err(|what| shown(name, what))?;
            figures.ran(&ran, picks);
            sent.extend(messages(&built, protocol, &ran));
            if let Some(longest) = &longest {
                agree(longest, &ran).map_err(|what| shown(name, what))?;
            }
            if longest.as_ref().is_none_or(|longest| longest.events.len() < ran.events.len()) {
                longest = Some(ran);
            }
        }
        if picks == Picks::Random {
            self.draws(&built, &module, &policies, figures, |ran| {
                sent.extend(messages(&built, protocol, ran))
            })?;
            figures.taken(protocol, &sent);
        }
        self.repeats(&built, &module, &policies, figures)?;
        self.paces(&built, &module, &policies, figures)?;
        self.round_trips(&built, figures)?;
        if self.effort == Effort::Full {
            self.native(&built, &module, &policies, figures)?;
        }
        Ok(())
    }

    /// Other choices and values, so that every branch is taken at some time.
    fn draws(
        self,
        built: &Built,
        module: &Module,
        policies: &[(String, SessionConfig)],
        figures: &mut Figures,
        mut seen: impl FnMut(&Ran),
    ) -> Result<(), String> {
        for turn in 1..=DRAWS {
            let seed = self.seed.wrapping_add(turn << 32);
            let plan = Plan { seed, ..self.plan(&policies[1].1) };
            let ran = run(built, module, &plan)?;
            let (name, config) = self.one_of(policies, turn);
            let other = run(built, module, &Plan { config: config.clone(), ..plan });
            let compared = other.and_then(|other| agree(&ran, &other));
            compared.map_err(|what| format!("draw {turn}, {name}: {what}"))?;
            figures.draws += 1;
            seen(&ran);
        }
        Ok(())
    }

    fn plan(self, config: &SessionConfig) -> Plan {
        let (seed, sessions) = (self.seed, self.sessions);
        Plan { config: config.clone(), pace: Pace::Whole, fuel: FUEL, seed, sessions, sees: true }
    }

    /// One that another seed chooses otherwise.
    fn one_of<T>(self, items: &[T], turn: u64) -> &T {
        let at = self.seed.wrapping_mul(7).wrapping_add(turn) % items.len() as u64;
        &items[at as usize]
    }

    /// The same hash each time, whether anybody listens or not.
    fn repeats(
        self,
        built: &Built,
        module: &Module,
        policies: &[(String, SessionConfig)],
        figures: &mut Figures,
    ) -> Result<(), String> {
        let (name, config) = self.one_of(policies, 0);
        let mut plan = self.plan(config);
        let hash = trace_hash(&run(built, module, &plan)?.events);
        plan.sees = false;
        for repeat in 0..self.effort.repeats() {
            let again = trace_hash(&run(built, module, &plan)?.events);
            figures.repeats += 1;
            if again != hash {
                return Err(format!("{name}: repeat {repeat} has the hash {again:#x}, not {hash:#x}"));
            }
        }
        Ok(())
    }

    /// In pieces, tick by tick the same.
    fn paces(
        self,
        built: &Built,
        module: &Module,
        policies: &[(String, SessionConfig)],
        figures: &mut Figures,
    ) -> Result<(), String> {
        let paces = [
            Pace::Ticks(1),
            Pace::Ticks(5),
            Pace::Fuel(1),
            Pace::Fuel(17),
            Pace::Snapshot(self.seed % 40),
            Pace::Replayed,
        ];
        for (turn, pace) in (1u64..).zip(paces) {
            let (name, config) = self.one_of(policies, turn);
            // No tape knows of tokens.
            let config = match &config.policy {
                Policy::Priority { .. } | Policy::ProgressAware { .. } if pace == Pace::Replayed => {
                    &policies[1].1
                }
                _ => config,
            };
            let plan = self.plan(config);
            let whole = run(built, module, &plan)?;
            let pieces = run(built, module, &Plan { pace, ..plan });
            let compared = pieces.and_then(|pieces| same(&whole, &pieces));
            compared.map_err(|what| format!("{name}, {pace:?}: {what}"))?;
            figures.paces += 1;
        }
        Ok(())
    }

    /// The program's bytes and text are the same program.
    fn round_trips(self, built: &Built, figures: &mut Figures) -> Result<(), String> {
        let plan = self.plan(&SessionConfig::new().policy(Policy::REFERENCE));
        let expected = run(built, &module(&built.verified)?, &plan)?;
        let bytes = encode(&built.program).map_err(|error| error.to_string())?;
        let decoded = decode(&bytes, &DecodeConfig::new()).map_err(|error| error.to_string())?;
        let text = disassemble(&built.program, &DisasmOptions::exact());
        let assembled = assemble(&text).map_err(|errors| errors.render(&text, "text").to_string())?;
        for (what, program) in [("container", &decoded), ("text", &assembled)] {
            if *program != built.program {
                return Err(format!("the {what} gives another program back"));
            }
        }
        let pretty = disassemble(&built.program, &DisasmOptions::pretty());
        let pretty = assemble(&pretty).map_err(|errors| errors.render(&pretty, "pretty text").to_string())?;
        for (what, program) in [("container", decoded), ("pretty text", pretty)] {
            let verified = verified(program).map_err(|report| format!("from the {what}: {report}"))?;
            let ran = run(built, &module(&verified)?, &plan)?;
            same(&expected, &ran).map_err(|difference| format!("from the {what}: {difference}"))?;
            figures.round_trips += 1;
        }
        Ok(())
    }

    /// Native code does the same, tick by tick.
    fn native(
        self,
        built: &Built,
        module: &Module,
        policies: &[(String, SessionConfig)],
        figures: &mut Figures,
    ) -> Result<(), String> {
        let jit = JitEngine::new(JitConfig::new()).map_err(|error| error.to_string())?;
        let compiled = jit.compile(&built.verified).map_err(|error| error.to_string())?;
        for turn in 0..4 {
            let (name, config) = self.one_of(policies, turn * 5);
            let plan = self.plan(config);
            let ran = run(built, compiled.module(), &plan)?;
            same(&run(built, module, &plan)?, &ran).map_err(|what| format!("native, {name}: {what}"))?;
            figures.native += 1;
        }
        Ok(())
    }
}

/// The messages that were sent.
fn messages(built: &Built, protocol: &Protocol, ran: &Ran) -> BTreeSet<Message> {
    let role = |place: u16| protocol.locals.get(usize::from(place)).map(|(role, _)| role.to_string());
    let label = |label: LabelId| {
        let symbol = built.program.sessions().labels.get(usize::from(label.0))?;
        built.program.symbol(*symbol).map(str::to_owned)
    };
    let sent = ran.events.iter().filter_map(|stamped| match stamped.event {
        Event::Sent { from, to, label: id, .. } => Some((role(from)?, role(to)?, label(id)?)),
        _ => None,
    });
    sent.collect()
}

fn module(program: &VerifiedProgram) -> Result<Module, String> {
    Module::new(&Engine::default(), program).map_err(|error| error.to_string())
}
