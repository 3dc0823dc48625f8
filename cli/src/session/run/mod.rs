//! `opforge session run`: from a file to events, and to a line or a report that says how it ended.

mod effects;
mod printer;
mod report;
mod roles;

use super::args::{Effects, PolicyName, RunArgs};
use super::{asked_shape, listed, shape_name, shapes};
use crate::codes;
use crate::exit::Exit;
use crate::explain;
use crate::failure::{Failure, Problem};
use crate::input;
use crate::output::{self, Out};
use crate::run::hosts::{self, SharedOut};
use crate::text;
use effects::Handler;
use opforge::ids::ShapeId;
use opforge::session::{
    EffectTape, Observe, Policy, Priority, RunStatus, SessionConfig, SessionError, SessionMachine,
};
use opforge::verify::VerifiedProgram;
use opforge::{Capabilities, Engine, Limits, Module, Program, Value};
use printer::Printer;
use report::Ended;
use roles::Party;
use std::collections::BTreeMap;
use std::path::Path;

/// The longest record, in bytes.
const MAX_RECORD: usize = 64 << 20;

type Machine = SessionMachine<hosts::Console, Handler>;

/// Runs a session of a program.
pub(super) fn run(args: &RunArgs, cap: u64, out: &mut Out) -> Result<Exit, Failure> {
    let file = input::name(&args.file);
    let verified = input::verify(input::load(&args.file, cap)?, &file)?;
    let tape = args.replay.as_deref().map(|path| read_tape(path, cap)).transpose()?;
    Job { args, verified: &verified }.run(tape, out).map_err(|failure| failure.in_file(&file))
}

/// What is to be run.
struct Job<'j> {
    args: &'j RunArgs,
    verified: &'j VerifiedProgram,
}

impl Job<'_> {
    fn run(&self, tape: Option<EffectTape>, out: &mut Out) -> Result<Exit, Failure> {
        let args = self.args;
        let program = self.verified.program();
        let shape = self.shape(program)?;
        let config = SessionConfig::new().policy(self.policy(program, shape)?).observe(Observe::Trace);
        // A replay takes these from the record.
        let parties = match tape {
            Some(_) => Vec::new(),
            None => roles::parties(program, shape, &args.entry, &args.args)?,
        };
        let limits = Limits::new().fuel(args.fuel).memory(args.memory);
        let mut machine = self.machine(config, limits, out)?;
        let shared = machine.instance().data().share();
        let started = self.start(&mut machine, shape, &parties, tape);
        let ran = started.and_then(|()| self.drive(&mut machine, &shared));
        let tape = machine.take_tape();
        let (handler, console) = machine.into_parts();
        drop((handler, shared));
        console.give_back(out);
        let (ended, printer) = ran?;
        if let Some(path) = &args.record {
            write_tape(path, &args.file, tape.as_ref())?;
        }
        if let Some(path) = &args.diagram {
            output::write_file(path, &args.file, printer.picture(path).as_bytes())?;
        }
        if out.is_closed() {
            // Nobody reads: `Out::finish` tells what there is to tell.
            return Ok(Exit::Done);
        }
        Ok(ended.tell(out))
    }

    /// The shape that is asked for, or the only one.
    fn shape(&self, program: &Program) -> Result<ShapeId, Failure> {
        if let Some(shape) = asked_shape(program, self.args.shape.as_deref())? {
            return Ok(shape);
        }
        let mut all = shapes(program);
        match (all.next(), all.next()) {
            (Some(shape), None) => Ok(shape),
            (None, _) => Err(Failure::own(codes::NO_SHAPE, "the program declares no shape of sessions")),
            _ => {
                let names = listed(shapes(program).map(|shape| shape_name(program, shape)));
                Err(Failure::own(codes::NO_SHAPE, &format!("there are several shapes: {names}")))
            }
        }
    }

    fn policy(&self, program: &Program, shape: ShapeId) -> Result<Policy, Failure> {
        let args = self.args;
        let quantum = args.quantum.unwrap_or_else(|| Policy::default().quantum());
        Ok(match args.policy {
            PolicyName::Cooperative => Policy::Cooperative,
            PolicyName::RoundRobin => Policy::RoundRobin { quantum },
            PolicyName::Reference => Policy::REFERENCE,
            PolicyName::Progress => Policy::ProgressAware { quantum },
            PolicyName::Random => Policy::Random { seed: args.seed.unwrap_or(0), quantum },
            PolicyName::Priority => {
                let mut numbers = BTreeMap::new();
                for text in &args.priority {
                    let (place, number) = roles::of_role(program, shape, "--priority", text, '=')?;
                    let number = number.parse::<i32>().map_err(|_| {
                        let message = format!("--priority {text}: {} is no i32", text::quoted(number));
                        Failure::own(codes::BAD_ARG, &message)
                    })?;
                    // Coroutines are begun in the order of roles.
                    numbers.insert(u32::from(place), number);
                }
                Policy::Priority { by: Priority::Fixed(numbers), quantum }
            }
        })
    }

    fn machine(&self, config: SessionConfig, limits: Limits, out: &mut Out) -> Result<Machine, Failure> {
        let module = Module::new(&Engine::default(), self.verified);
        let module = module.map_err(|error| Failure::from(Problem::parse(&error.to_string())))?;
        let target = if self.args.json { hosts::Target::Stderr } else { hosts::Target::Stdout };
        let console = hosts::Console::live(out, target);
        let granted = self.args.grant.iter().fold(Capabilities::none(), |granted, name| granted.grant(name));
        let instance = hosts::linker().instantiate(&module, console, &granted);
        let instance = instance.map_err(|error| crate::run::unlinked(&error))?;
        let denied = self.args.effects == Effects::Deny;
        let shared = instance.data().share();
        let handler = Handler::new(self.verified.program(), denied, target, shared);
        SessionMachine::new(instance, handler, config, limits).map_err(|error| refused(&error))
    }

    /// Opens the session and begins its coroutines, or prepares to do again what a record says.
    fn start(
        &self,
        machine: &mut Machine,
        shape: ShapeId,
        parties: &[Party],
        tape: Option<EffectTape>,
    ) -> Result<(), Failure> {
        if let Some(tape) = tape {
            return machine.replay(tape).map_err(|error| refused(&error));
        }
        if self.args.record.is_some() {
            machine.record(MAX_RECORD);
        }
        let ends = machine.open(shape).map_err(|error| refused(&error))?;
        for (party, &end) in parties.iter().zip(&ends) {
            let mut values = vec![Value::Endpoint(end)];
            values.extend(party.values.iter().cloned());
            machine.spawn(party.func, &values).map_err(|error| refused(&error))?;
        }
        Ok(())
    }

    /// Runs to the end, telling what happens. A trap ends one coroutine, so it is noted and the others go on.
    fn drive(&self, machine: &mut Machine, out: &SharedOut) -> Result<(Ended<'_>, Printer<'_>), Failure> {
        let args = self.args;
        let mut printer = Printer::new(self.verified.program(), args);
        let mut ended = Ended::new(self.verified, args);
        printer.print(machine, &mut out.borrow_mut());
        let status = loop {
            let left = args.ticks.saturating_sub(machine.ticks());
            // One slice at a time, so that its events stand behind what its effects print.
            let status = if left == 0 { RunStatus::MaxTicks } else { machine.run(1) };
            let mut out = out.borrow_mut();
            printer.print(machine, &mut out);
            match status {
                // Nobody reads any more.
                _ if out.is_closed() => break RunStatus::AllDone,
                RunStatus::MaxTicks if left > 0 => {}
                RunStatus::Trapped(trap) => ended.trapped(&printer, &trap, &mut out),
                status => break status,
            }
        };
        if args.replay.is_some()
            && !ended.has_trapped()
            && let Err(divergence) = machine.finish_replay()
        {
            return Err(Failure::own(codes::REPLAY_DIFFERS, &divergence.to_string()));
        }
        ended.end(machine, &printer, status);
        Ok((ended, printer))
    }
}

/// What the machine does not take.
fn refused(error: &SessionError) -> Failure {
    let text = error.to_string();
    let message = text.split_once("]: ").map_or(text.as_str(), |(_, message)| message);
    let hint = match error {
        SessionError::OtherMachine => "",
        _ => explain::hint(error.code()),
    };
    Problem::new(error.code(), message, hint).into()
}

/// Reads a record.
fn read_tape(path: &Path, cap: u64) -> Result<EffectTape, Failure> {
    let name = input::name(path);
    EffectTape::from_bytes(&input::read(path, cap)?).map_err(|error| {
        let message = format!("{}, at byte {}", error.kind, error.offset);
        let problem = Problem::new(error.kind.code(), &message, explain::hint(error.kind.code()));
        Failure::from(problem.with("offset", error.offset)).in_file(&name)
    })
}

fn write_tape(path: &Path, program: &Path, tape: Option<&EffectTape>) -> Result<(), Failure> {
    let Some(tape) = tape else { return Ok(()) };
    output::write_file(path, program, &tape.to_bytes())?;
    if !tape.complete {
        output::to_stderr(
            "warning: the record is too long to be kept whole; a replay will end where it was cut\n",
        );
    }
    Ok(())
}
