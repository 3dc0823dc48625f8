//! What the workloads compute, and that all engines agree on it, asked as another harness would ask.

use crate::engines;
use crate::worker::answer_all;
use crate::workloads::{self, Workload};
use serde_json::{Value, json};

#[cfg(shared_workloads)]
#[path = "../../../../shared/workloads/workload.rs"]
#[allow(
    clippy::all,
    dead_code,
    reason = "it is not this repository's, and says more than what is asked here"
)]
mod definition;

/// Workloads with some `n` and the results that their definition gives, for where that is not there.
const KNOWN: [(&str, u64, u64); 10] = [
    ("fib", 20, 0x0000000000001A6D),
    ("loop_sum", 1000, 0xFFFFF38973AE60FD),
    ("collatz", 100, 0x000000000D5812AF),
    ("mandelbrot", 2, 0x000000000000CAAF),
    ("nbody", 100, 0xBFC5A37493E5EDAA),
    ("sieve", 2, 0x000000000000CC70),
    ("matmul", 2, 0x410FF88F98000000),
    ("mix", 1000, 0xDAAF63874FEED4D7),
    ("host_call", 1000, 0x00000000000007D0),
    ("call_in", 1000, 0x00000000000007D0),
];

fn named(name: &str) -> Workload {
    workloads::shared().into_iter().find(|workload| workload.name == name).expect(name)
}

#[test]
fn rust_computes_what_is_known() {
    for (name, n, sum) in KNOWN {
        assert_eq!((named(name).native)(n), sum, "{name} of {n}");
    }
}

#[cfg(shared_workloads)]
#[test]
fn rust_computes_what_is_defined() {
    assert_eq!(workloads::shared().len(), definition::ALL.len());
    for defined in definition::ALL {
        let ours = named(defined.name());
        assert_eq!(ours.unit, defined.unit(), "unit of {}", ours.name);
        for n in workloads::ALSO_CHECKED.into_iter().chain([20]) {
            assert_eq!((ours.native)(n), definition::reference(defined, n), "{} of {n}", ours.name);
            assert_eq!((ours.units)(n) as f64, defined.units(n), "units of {} of {n}", ours.name);
        }
    }
}

/// The answers to questions, one each.
fn answers(questions: &[Value]) -> Vec<Value> {
    let lines: Vec<String> = questions.iter().map(Value::to_string).collect();
    let mut answers = Vec::new();
    answer_all(engines::all(), lines.join("\n").as_bytes(), &mut answers).expect("memory does not fail");
    let answers = String::from_utf8(answers).expect("JSON");
    answers.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn every_engine_gives_the_result_or_says_that_it_cannot() {
    const N: u64 = 2;
    let (mut questions, mut expected) = (Vec::new(), Vec::new());
    for (at, engine) in engines::all().iter().enumerate() {
        for workload in workloads::shared() {
            let what = format!("{} on {}", workload.name, engine.name);
            questions.push(json!({"cmd": "prepare", "engine": at, "workload": workload.name}));
            if engine.name == "execution_tape" && ["sieve", "matmul", "nbody"].contains(&workload.name) {
                expected.push((what, Value::Null));
                continue;
            }
            let id = questions.iter().filter(|question| question["cmd"] == "run").count();
            questions.push(json!({"cmd": "run", "id": id, "n": N}));
            expected.push((what.clone(), json!(id)));
            expected.push((what, json!(format!("{:016x}", (workload.native)(N)))));
        }
    }
    let answers = answers(&questions);
    assert_eq!(answers.len(), expected.len());
    for (answer, (what, expected)) in answers.iter().zip(&expected) {
        let said = answer.get("sum").unwrap_or(answer);
        assert_eq!(said, expected, "{what}: {answer}");
    }
}

#[test]
fn every_job_that_is_listed_is_done() {
    let list = &answers(&[json!({"cmd": "list"})])[0];
    let mut questions = Vec::new();
    for (at, engine) in list.as_array().expect("an array").iter().enumerate() {
        let jobs = engine["load"].as_array().expect("an array").len();
        questions.extend((0..jobs).map(|job| json!({"cmd": "load", "engine": at, "job": job})));
        if engine["instantiate"] == true {
            questions.push(json!({"cmd": "instantiate", "engine": at, "count": 2}));
        }
    }
    assert!(answers(&questions).iter().all(Value::is_u64));
}

#[test]
fn nonsense_is_refused_and_the_worker_lives_on() {
    let answers = answers(&[
        json!("nonsense"),
        json!({"cmd": "run", "id": 0, "n": 1}),
        json!({"cmd": "prepare", "engine": 1000, "workload": "fib"}),
        json!({"cmd": "prepare", "engine": 0, "workload": "nothing"}),
        json!({"cmd": "load", "engine": 0, "job": 1000}),
        json!({"cmd": "list"}),
    ]);
    let (list, refused) = answers.split_last().expect("answers");
    assert!(refused.iter().all(|answer| answer["error"].is_string()), "{refused:?}");
    assert!(list.is_array());
}
