//! `opforge run`: from a file to results, or to a report of why there are none.

mod compare;
pub(crate) mod entry;
pub(crate) mod hosts;
mod log;
pub(crate) mod report;
mod trace;
pub(crate) mod value;

use crate::args::{EngineChoice, RunArgs};
use crate::exit::Exit;
use crate::failure::{Failure, Problem};
use crate::input;
use crate::native;
use crate::output::{self, Out};
use crate::text;
use compare::Side;
use hosts::{Console, Target};
use opforge::heap::Heap;
use opforge::jit::{JitConfig, JitEngine};
use opforge::verify::VerifiedProgram;
use opforge::{Capabilities, FuncId, Instance, Limits, Module, Outcome, Trap, Value};
use serde_json::{Value as Json, json};
use trace::Trace;

/// Runs a function of a program.
pub(crate) fn run(args: &RunArgs, cap: u64, out: &mut Out) -> Result<Exit, Failure> {
    let file = input::name(&args.file);
    let verified = input::verify(input::load(&args.file, cap)?, &file)?;
    execute(args, &verified, out).map_err(|failure| failure.in_file(&file))
}

fn execute(args: &RunArgs, verified: &VerifiedProgram, out: &mut Out) -> Result<Exit, Failure> {
    let program = verified.program();
    let func = entry::choose(program, args.entry.as_deref())?;
    let job = Job { args, verified, func, values: entry::arguments(program, func, &args.args)? };
    let ended = match args.engine {
        EngineChoice::Interp => job.alone(&job.interp()?, out)?,
        EngineChoice::Jit => job.alone(&job.jit()?, out)?,
        EngineChoice::Both => job.both(out)?,
    };
    if out.is_closed() && ended.exit != Exit::Defect {
        // Nobody reads: if the run trapped, that was our doing. `Out::finish` tells what there is to tell.
        return Ok(Exit::Done);
    }
    Ok(ended.tell(out))
}

/// What is to be run.
struct Job<'j> {
    args: &'j RunArgs,
    verified: &'j VerifiedProgram,
    func: FuncId,
    values: Vec<Value>,
}

impl Job<'_> {
    fn interp(&self) -> Result<Module, Failure> {
        let engine = native::engine(self.args.fuel_schedule);
        Module::new(&engine, self.verified).map_err(|error| Problem::parse(&error.to_string()).into())
    }

    fn jit(&self) -> Result<Module, Failure> {
        let engine = native::engine(self.args.fuel_schedule);
        let config = JitConfig::new().engine(engine).perf_map(self.args.perf_map);
        let program = JitEngine::new(config).and_then(|engine| engine.compile(self.verified));
        Ok(program.map_err(|error| native::failed(&error))?.module().clone())
    }

    fn target(&self) -> Target {
        if self.args.json { Target::Stderr } else { Target::Stdout }
    }

    fn link(&self, module: &Module, console: Console) -> Result<Instance<Console>, Failure> {
        let granted = self.args.grant.iter().fold(Capabilities::none(), |granted, name| granted.grant(name));
        hosts::linker().instantiate(module, console, &granted).map_err(|error| unlinked(&error))
    }

    /// Runs in an instance, which keeps the heap of the run.
    fn drive(&self, instance: &mut Instance<Console>) -> Result<Seen, Failure> {
        let args = self.args;
        let limits = Limits::new()
            .fuel(args.fuel)
            .call_depth(args.max_depth)
            .host_calls(args.max_host_calls)
            .memory(args.max_memory);
        let mut execution = instance.execution(limits);
        let started = execution.start(self.func, &self.values);
        started.map_err(|error| Failure::from(Problem::parse(&error.to_string())))?;
        let outcome = if args.trace {
            execution.resume_traced(&mut Trace::new(self.verified, args.trace_limit))
        } else {
            execution.resume()
        };
        Ok(Seen {
            outcome,
            fuel: execution.fuel(),
            host_calls: execution.host_calls(),
            memory: execution.heap().charged(),
        })
    }

    /// One run, whose host calls take effect.
    fn alone(&self, module: &Module, out: &mut Out) -> Result<Ended, Failure> {
        let mut instance = self.link(module, Console::live(out, self.target()))?;
        let seen = self.drive(&mut instance)?;
        let ended = Ended::new(self, instance.heap(), &seen);
        instance.into_data().give_back(out);
        Ok(ended)
    }

    /// A run in the interpreter, whose host calls take effect, and one of native code that is compared with it.
    fn both(&self, out: &mut Out) -> Result<Ended, Failure> {
        // Nothing takes effect before both can run.
        let (interp, jit) = (self.interp()?, self.jit()?);
        let mut first = self.link(&interp, Console::record(out, self.target()))?;
        let expected = self.drive(&mut first)?;
        let mut second = self.link(&jit, Console::replay(first.data().log(), self.target()))?;
        let actual = self.drive(&mut second)?;
        let differences = compare::compare(
            self.verified,
            &Side { seen: &expected, heap: first.heap(), log: first.data().log() },
            &Side { seen: &actual, heap: second.heap(), log: second.data().log() },
        );
        let ended = if differences.is_empty() {
            Ended::new(self, first.heap(), &expected)
        } else {
            compare::defect(self, &differences)
        };
        first.into_data().give_back(out);
        Ok(ended)
    }
}

/// What a program needs that is not there or not granted.
pub(crate) fn unlinked(error: &opforge::host::LinkError) -> Failure {
    use opforge::host::LinkProblem;
    let problems = error.problems.iter().map(|problem| {
        let text = problem.to_string();
        let message = text.split_once("]: ").map_or(text.as_str(), |(_, message)| message);
        let (symbol, hint) = match problem {
            LinkProblem::Denied { symbol, .. } | LinkProblem::EffectDenied { effect: symbol, .. } => {
                (symbol.to_string(), "grant it with --grant")
            }
            LinkProblem::Missing { symbol } | LinkProblem::Signature { symbol, .. } => {
                (symbol.to_string(), "opforge run --help lists the host functions")
            }
            _ => (String::new(), ""),
        };
        Problem::new(problem.code(), message, hint).with("symbol", symbol)
    });
    Failure { problems: problems.collect(), truncated: false }
}

/// What can be seen of a run, beside its heap and its host calls.
#[derive(Debug)]
struct Seen {
    outcome: Outcome,
    fuel: u64,
    host_calls: u64,
    /// Charged memory.
    memory: u64,
}

/// How a run ended, as it will be told.
struct Ended {
    exit: Exit,
    stdout: String,
    stderr: String,
}

impl Ended {
    fn new(job: &Job<'_>, heap: &Heap, seen: &Seen) -> Self {
        match &seen.outcome {
            Outcome::Finished(values) => Self::finished(job, heap, seen, values),
            Outcome::Trapped(trap) => Self::trapped("trapped", job, seen, trap),
            Outcome::OutOfFuel(trap) => Self::trapped("out_of_fuel", job, seen, trap),
            // Nothing sets an interrupt flag, and the run was started.
            other => {
                let stderr = format!("the run stopped: {other:?}\n");
                Self { exit: Exit::Trapped, stdout: String::new(), stderr }
            }
        }
    }

    fn finished(job: &Job<'_>, heap: &Heap, seen: &Seen, values: &[Value]) -> Self {
        let program = job.verified.program();
        let mut stdout = String::new();
        if job.args.json {
            let results: Vec<Json> = values.iter().map(|value| value::json(program, heap, value)).collect();
            let object = json!({"status": "finished", "results": results});
            stdout = text::json(&usage(job, seen, object));
            stdout.push('\n');
        } else {
            for value in values {
                stdout += &value::text(program, heap, value);
                stdout.push('\n');
            }
        }
        Self { exit: Exit::Done, stdout, stderr: String::new() }
    }

    fn trapped(status: &str, job: &Job<'_>, seen: &Seen, trap: &Trap) -> Self {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        if job.args.json {
            let object = json!({"status": status, "trap": report::json(trap)});
            stdout = text::json(&usage(job, seen, object));
            stdout.push('\n');
        } else {
            stderr = report::text(job.verified, trap);
        }
        Self { exit: Exit::Trapped, stdout, stderr }
    }

    fn tell(self, out: &mut Out) -> Exit {
        out.bytes(self.stdout.as_bytes());
        out.flush();
        output::to_stderr(&self.stderr);
        self.exit
    }
}

/// Adds what ran, and what it used.
fn usage(job: &Job<'_>, seen: &Seen, mut object: Json) -> Json {
    if let Some(object) = object.as_object_mut() {
        object.insert("engine".to_owned(), job.args.engine.name().into());
        object.insert("fuel_left".to_owned(), seen.fuel.into());
        object.insert("fuel_used".to_owned(), job.args.fuel.saturating_sub(seen.fuel).into());
        object.insert("host_calls".to_owned(), seen.host_calls.into());
    }
    object
}
