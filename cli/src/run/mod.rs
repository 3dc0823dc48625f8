//! `opforge run`: from a file to results, or to a report of why there are none.

mod entry;
mod hosts;
mod report;
mod trace;
mod value;

use crate::args::{RunArgs, Schedule};
use crate::exit::Exit;
use crate::failure::{Failure, Problem};
use crate::input;
use crate::output::{self, Out};
use crate::text;
use hosts::{Console, Target};
use opforge::verify::VerifiedProgram;
use opforge::{
    Capabilities, Engine, EngineConfig, Execution, FuelSchedule, Limits, Module, Outcome, Trap, Value,
};
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
    let values = entry::arguments(program, func, &args.args)?;

    let schedule = match args.fuel_schedule {
        Schedule::BySize => FuelSchedule::BySize,
        Schedule::V1 => FuelSchedule::V1,
    };
    let engine = Engine::new(EngineConfig::new().schedule(schedule));
    let module =
        Module::new(&engine, verified).map_err(|error| Failure::from(Problem::parse(&error.to_string())))?;
    let granted = args.grant.iter().fold(Capabilities::none(), |granted, name| granted.grant(name));
    let target = if args.json { Target::Stderr } else { Target::Stdout };
    let mut instance = hosts::linker()
        .instantiate(&module, Console::new(out, target), &granted)
        .map_err(|error| unlinked(&error))?;

    let limits = Limits::new()
        .fuel(args.fuel)
        .call_depth(args.max_depth)
        .host_calls(args.max_host_calls)
        .memory(args.max_memory);
    let mut execution = instance.execution(limits);
    execution.start(func, &values).map_err(|error| Failure::from(Problem::parse(&error.to_string())))?;
    let outcome = if args.trace {
        execution.resume_traced(&mut Trace::new(verified, args.trace_limit))
    } else {
        execution.resume()
    };
    let ended = Ended::new(verified, &execution, outcome, args);
    instance.into_data().give_back(out);
    if out.is_closed() {
        // Nobody reads: if the run trapped, that was our doing. `Out::finish` tells what there is to tell.
        return Ok(Exit::Done);
    }
    Ok(ended.tell(out))
}

fn unlinked(error: &opforge::host::LinkError) -> Failure {
    use opforge::host::LinkProblem;
    let problems = error.problems.iter().map(|problem| {
        let text = problem.to_string();
        let message = text.split_once("]: ").map_or(text.as_str(), |(_, message)| message);
        let (symbol, hint) = match problem {
            LinkProblem::Denied { symbol, .. } => (symbol.to_string(), "grant it with --grant"),
            LinkProblem::Missing { symbol } | LinkProblem::Signature { symbol, .. } => {
                (symbol.to_string(), "opforge run --help lists the host functions")
            }
            _ => (String::new(), ""),
        };
        Problem::new(problem.code(), message, hint).with("symbol", symbol)
    });
    Failure { problems: problems.collect(), truncated: false }
}

/// How a run ended, as it will be told.
struct Ended {
    exit: Exit,
    stdout: String,
    stderr: String,
}

impl Ended {
    fn new<T>(verified: &VerifiedProgram, run: &Execution<'_, T>, outcome: Outcome, args: &RunArgs) -> Self {
        match outcome {
            Outcome::Finished(values) => Self::finished(verified, run, &values, args),
            Outcome::Trapped(trap) => Self::trapped("trapped", verified, run, &trap, args),
            Outcome::OutOfFuel(trap) => Self::trapped("out_of_fuel", verified, run, &trap, args),
            // Nothing sets an interrupt flag, and the run was started.
            other => {
                let stderr = format!("the run stopped: {other:?}\n");
                Self { exit: Exit::Trapped, stdout: String::new(), stderr }
            }
        }
    }

    fn finished<T>(
        verified: &VerifiedProgram,
        run: &Execution<'_, T>,
        values: &[Value],
        args: &RunArgs,
    ) -> Self {
        let program = verified.program();
        let mut stdout = String::new();
        if args.json {
            let results: Vec<Json> =
                values.iter().map(|value| value::json(program, run.heap(), value)).collect();
            let object = json!({"status": "finished", "results": results});
            stdout = text::json(&usage(run, args, object));
            stdout.push('\n');
        } else {
            for value in values {
                stdout += &value::text(program, run.heap(), value);
                stdout.push('\n');
            }
        }
        Self { exit: Exit::Done, stdout, stderr: String::new() }
    }

    fn trapped<T>(
        status: &str,
        verified: &VerifiedProgram,
        run: &Execution<'_, T>,
        trap: &Trap,
        args: &RunArgs,
    ) -> Self {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        if args.json {
            let object = json!({"status": status, "trap": report::json(trap)});
            stdout = text::json(&usage(run, args, object));
            stdout.push('\n');
        } else {
            stderr = report::text(verified, trap);
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

/// Adds what the run used.
fn usage<T>(run: &Execution<'_, T>, args: &RunArgs, mut object: Json) -> Json {
    if let Some(object) = object.as_object_mut() {
        object.insert("fuel_left".to_owned(), run.fuel().into());
        object.insert("fuel_used".to_owned(), args.fuel.saturating_sub(run.fuel()).into());
        object.insert("host_calls".to_owned(), run.host_calls().into());
    }
    object
}
