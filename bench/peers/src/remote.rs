//! Engines of another process that answers the worker protocol.

use crate::engines::{Engine, Inexpressible, LoadJob, Ran};
use crate::protocol::{About, Question, RunAnswer};
use serde::de::DeserializeOwned;
use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::rc::Rc;

/// Starts a worker and asks it for its engines. It ends when the last of them is dropped.
pub(crate) fn engines(program: &Path) -> Vec<Engine> {
    let worker = Rc::new(RefCell::new(Worker::start(program)));
    let list: Vec<About> = worker.borrow_mut().ask(&Question::List {});
    list.into_iter().enumerate().map(|(at, about)| engine(&worker, at, about)).collect()
}

fn engine(worker: &Rc<RefCell<Worker>>, at: usize, about: About) -> Engine {
    let jobs = about.load.into_iter().enumerate().map(|(job, load)| {
        let worker = worker.clone();
        let time = move || worker.borrow_mut().ask::<u64>(&Question::Load { engine: at, job }) as f64;
        LoadJob { stage: load.stage, bytes: load.bytes, instrs: load.instrs, time: Box::new(time) }
    });
    let instantiate = about.instantiate.then(|| {
        let worker = worker.clone();
        let time =
            move |count| worker.borrow_mut().ask::<u64>(&Question::Instantiate { engine: at, count }) as f64;
        Box::new(time) as Box<dyn FnMut(u64) -> f64>
    });
    let load = jobs.collect();
    let worker = worker.clone();
    let prepare = move |workload: &crate::workloads::Workload| {
        let question = Question::Prepare { engine: at, workload: workload.name.into() };
        let id = worker.borrow_mut().ask::<Option<usize>>(&question);
        let id = id.ok_or_else(|| Inexpressible("its worker cannot prepare it".into()))?;
        let worker = worker.clone();
        let run = move |n| {
            let answer: RunAnswer = worker.borrow_mut().ask(&Question::Run { id, n });
            let sum = u64::from_str_radix(&answer.sum, 16).unwrap_or_else(|error| panic!("{error}"));
            Ran { sum, ns: answer.ns as f64 }
        };
        Ok(Box::new(run) as crate::engines::Run)
    };
    Engine { name: about.name, version: about.version, prepare: Box::new(prepare), load, instantiate }
}

/// A running worker.
struct Worker {
    child: Child,
    /// Closed before the child is waited for.
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Worker {
    fn start(program: &Path) -> Self {
        let child = Command::new(program).arg("worker").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let questions = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("stdout was asked for"));
        Self { child, questions, answers }
    }

    /// A worker that answers nonsense ends the bench: its figures would be nonsense too.
    fn ask<A: DeserializeOwned>(&mut self, question: &Question) -> A {
        let question = serde_json::to_string(question).expect("questions are plain data");
        let mut answer = String::new();
        let sent = self.questions.as_mut().map(|pipe| writeln!(pipe, "{question}"));
        sent.expect("it is open while the worker lives").unwrap_or_else(|error| panic!("worker: {error}"));
        self.answers.read_line(&mut answer).unwrap_or_else(|error| panic!("worker: {error}"));
        serde_json::from_str(&answer)
            .unwrap_or_else(|error| panic!("the worker answered {answer:?} to {question}: {error}"))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.questions.take());
        // Nothing is left to be done about a worker that does not end well.
        let _ = self.child.wait();
    }
}
