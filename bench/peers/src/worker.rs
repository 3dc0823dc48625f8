//! Answers the worker protocol with the engines of this build.

use crate::engines::{Engine, Run};
use crate::protocol::{About, AboutLoad, Question, Refusal, RunAnswer};
use crate::workloads;
use serde::Serialize;
use serde_json::Value;
use std::io::{self, BufRead, Write};

/// Answers questions line by line until there are no more.
pub(crate) fn answer_all(
    engines: Vec<Engine>,
    questions: impl BufRead,
    mut answers: impl Write,
) -> io::Result<()> {
    let mut worker = Worker { engines, runs: Vec::new() };
    for line in questions.lines() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let question = serde_json::from_str(&line).map_err(|error| error.to_string());
        let answer = question.and_then(|question| worker.answer(question));
        let answer = answer.unwrap_or_else(|error| json(&Refusal { error }));
        writeln!(answers, "{answer}")?;
        answers.flush()?;
    }
    Ok(())
}

struct Worker {
    engines: Vec<Engine>,
    /// What was prepared, by id.
    runs: Vec<Run>,
}

impl Worker {
    fn answer(&mut self, question: Question) -> Result<Value, String> {
        match question {
            Question::List {} => Ok(json(&self.engines.iter().map(about).collect::<Vec<_>>())),
            Question::Prepare { engine, workload } => {
                let engine = self.engine(engine)?;
                let workload = workloads::shared().into_iter().find(|known| known.name == workload);
                let workload = workload.ok_or("there is no such workload")?;
                let Ok(run) = (engine.prepare)(&workload) else { return Ok(Value::Null) };
                self.runs.push(run);
                Ok(json(&(self.runs.len() - 1)))
            }
            Question::Run { id, n } => {
                let ran = self.runs.get_mut(id).ok_or("nothing was prepared under this id")?(n);
                Ok(json(&RunAnswer { sum: format!("{:016x}", ran.sum), ns: ran.ns as u64 }))
            }
            Question::Load { engine, job } => {
                let job = self.engine(engine)?.load.get_mut(job).ok_or("the engine has no such job")?;
                Ok(json(&((job.time)() as u64)))
            }
            Question::Instantiate { engine, count } => {
                let instantiate = self.engine(engine)?.instantiate.as_mut();
                Ok(json(&(instantiate.ok_or("the engine makes no instances")?(count) as u64)))
            }
        }
    }

    fn engine(&mut self, at: usize) -> Result<&mut Engine, String> {
        self.engines.get_mut(at).ok_or_else(|| format!("there is no engine {at}"))
    }
}

fn about(engine: &Engine) -> About {
    let load = engine.load.iter().map(|job| AboutLoad {
        stage: job.stage.clone(),
        bytes: job.bytes,
        instrs: job.instrs,
    });
    About {
        name: engine.name.clone(),
        version: engine.version.clone(),
        instantiate: engine.instantiate.is_some(),
        load: load.collect(),
    }
}

fn json(answer: &impl Serialize) -> Value {
    serde_json::to_value(answer).expect("answers are plain data")
}
