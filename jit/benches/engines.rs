//! Interpreter against native code against Rust on the workloads of `bench/workloads`, and what compiling costs in time
//! and in bytes.
//!
//! `just bench-jit`, or `cargo bench -p opforge-jit --bench engines --` and `--samples N` (rounds for each workload,
//! default 9), `--only TEXT` (workloads whose name contains it), `--part run|compile` (default both).
//!
//! Before a workload is timed, both engines must give Rust's result, and use the same fuel.

#[path = "../../benches/support/clock.rs"]
mod clock;
#[path = "../../benches/support/sampling.rs"]
mod sampling;
#[path = "../../bench/workloads/mod.rs"]
#[allow(dead_code, reason = "the bench beside wasmtime reads the rest")]
mod workloads;

use opforge_jit::{JitConfig, JitEngine};
use opforge_vm::verify::{VerifiedProgram, VerifyConfig, verify};
use opforge_vm::{Engine, Module, asm};
use sampling::{Guard, Samples, interleaved, median, timed};
use std::hint::black_box;
use workloads::guest::{Guest, verified};
use workloads::{Looping, Workload, loading};

const NATIVE: usize = 0;
const INTERPRETER: usize = 1;
const JIT: usize = 2;

struct Options {
    samples: usize,
    only: String,
    part: Option<String>,
}

impl Options {
    fn parse() -> Self {
        let mut options = Self { samples: 9, only: String::new(), part: None };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut value = || args.next().unwrap_or_else(|| usage(&format!("{arg} needs a value")));
            match &*arg {
                // Cargo passes this to every bench target.
                "--bench" => {}
                "--samples" => {
                    let text = value();
                    let count = text.parse().ok().filter(|&count| count > 0);
                    options.samples =
                        count.unwrap_or_else(|| usage(&format!("{text} is no number of samples")));
                }
                "--only" => options.only = value(),
                "--part" => options.part = Some(value()),
                // Cargo passes the bench's name filter to every target.
                filter if !filter.starts_with('-') => options.only = filter.into(),
                _ => usage(&format!("unknown argument {arg}")),
            }
        }
        options
    }

    fn has_part(&self, part: &str) -> bool {
        self.part.as_ref().is_none_or(|chosen| chosen == part)
    }
}

fn usage(problem: &str) -> ! {
    eprintln!("{problem}; see the top of jit/benches/engines.rs");
    std::process::exit(3);
}

fn measure(jit: &JitEngine, guard: &mut Guard, workload: &Workload, samples: usize) -> (Samples, u64) {
    let (name, n, native) = (workload.name, workload.n, workload.native);
    let program = verified(&workload.ofa);
    let module = Module::new(&Engine::default(), &program).unwrap_or_else(|error| panic!("{name}: {error}"));
    let compiled = jit.compile(&program).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut interpreter = Guest::new(&module, workload);
    let mut jitted = Guest::new(compiled.module(), workload);
    for n in workloads::ALSO_CHECKED {
        let expected = native(n);
        assert_eq!([interpreter.run(n), jitted.run(n)], [expected; 2], "{name}: results for {n}");
        assert_eq!(jitted.fuel(n), interpreter.fuel(n), "{name}: fuel for {n}");
    }
    let fuel = interpreter.fuel(n);
    assert_eq!(jitted.fuel(n), fuel, "{name}: fuel");
    let expected = native(n);
    // The first run of each in `interleaved` is not timed, so a wrong result never reaches a table.
    let check = |result: u64| assert_eq!(black_box(result), expected, "{name}: result");
    let mut works: [Box<dyn FnMut() + '_>; 3] = [
        Box::new(|| check(black_box(native)(black_box(n)))),
        Box::new(|| check(interpreter.run(black_box(n)))),
        Box::new(|| check(jitted.run(black_box(n)))),
    ];
    let taken = interleaved(guard, samples, &mut works);
    let calls = if workload.looping == Looping::Host { n } else { 1 };
    (taken, fuel * calls)
}

fn run(jit: &JitEngine, workloads: &[Workload], samples: usize) {
    println!("ns per unit, medians of {samples} rounds; ratios are medians of the rounds' ratios.\n");
    println!(
        "| workload | unit | instructions | Rust | interpreter | JIT | interpreter / JIT | JIT / Rust | quiet rounds |"
    );
    println!("|---|---|---:|---:|---:|---:|---:|---:|---:|");
    let mut guard = Guard::new();
    let mut gain = Vec::new();
    for workload in workloads {
        let (taken, fuel) = measure(jit, &mut guard, workload, samples);
        let units = (workload.units)(workload.n) as f64;
        let ratio = taken.ratio(INTERPRETER, JIT);
        println!(
            "| {} | {} | {:.1} | {:.2} | {:.2} | {:.2} | {ratio:.2} | {:.2} | {}/{samples} |",
            workload.name,
            workload.unit,
            fuel as f64 / units,
            taken.ns(NATIVE) / units,
            taken.ns(INTERPRETER) / units,
            taken.ns(JIT) / units,
            taken.ratio(JIT, NATIVE),
            taken.quiet,
        );
        gain.push(ratio.ln());
    }
    if gain.len() > 1 {
        let mean = (gain.iter().sum::<f64>() / gain.len() as f64).exp();
        println!("\nGeometric mean of interpreter / JIT: {mean:.2}");
    }
}

/// Programs of the repository, `run` and otherwise: those that assemble and verify.
fn corpus() -> Vec<VerifiedProgram> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let mut folders = vec![format!("{root}/examples").into()];
    let groups = std::fs::read_dir(format!("{root}/tests/programs"));
    folders.extend(groups.into_iter().flatten().flatten().map(|group| group.path()));
    let files = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    let sources = files
        .map(|file| file.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "ofa"))
        .filter_map(|path| std::fs::read_to_string(path).ok());
    sources
        .filter_map(|source| {
            let program = asm::assemble(&source).ok()?;
            verify(program, &VerifyConfig::new()).ok()
        })
        .collect()
}

fn compile(jit: &JitEngine, samples: usize) {
    println!(
        "\nCompiling verified programs on one thread, median of {samples}; per instruction of the program.\n"
    );
    println!("| programs | instructions | lower, ns | lower and compile, ns | bytes of code |");
    println!("|---|---:|---:|---:|---:|");
    for load in loading::all() {
        compile_row(jit, samples, load.name, &[verified(&load.ofa)]);
    }
    let all: Vec<Workload> = workloads::all();
    let each: Vec<VerifiedProgram> = all.iter().map(|workload| verified(&workload.ofa)).collect();
    compile_row(jit, samples, "the workloads", &each);
    compile_row(jit, samples, "examples and test programs", &corpus());
}

fn compile_row(jit: &JitEngine, samples: usize, name: &str, programs: &[VerifiedProgram]) {
    let engine = Engine::default();
    let instrs = programs.iter().flat_map(VerifiedProgram::functions).map(|f| f.code().instrs().len());
    let instrs = instrs.sum::<usize>();
    let lower = || programs.iter().for_each(|program| drop(black_box(Module::new(&engine, program))));
    // Programs whose code Cranelift could not make would be cheap.
    let code = |program| jit.compile(program).unwrap_or_else(|error| panic!("{name}: {error}")).code_size();
    let bytes: usize = programs.iter().map(code).sum();
    let compile = || programs.iter().for_each(|program| drop(black_box(jit.compile(program))));
    let per_instr = |work: &dyn Fn()| median((0..samples).map(|_| timed(work)).collect()) / instrs as f64;
    println!(
        "| {name} | {instrs} | {:.0} | {:.0} | {:.1} |",
        per_instr(&lower),
        per_instr(&compile),
        bytes as f64 / instrs as f64
    );
}

fn main() {
    let options = Options::parse();
    let jit = JitEngine::new(JitConfig::new()).unwrap_or_else(|error| panic!("{error}"));
    if options.has_part("run") {
        let mut workloads = workloads::all();
        workloads.retain(|workload| workload.name.contains(&options.only));
        run(&jit, &workloads, options.samples);
    }
    if options.has_part("compile") {
        compile(&jit, options.samples);
    }
}
