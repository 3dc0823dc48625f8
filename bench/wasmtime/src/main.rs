//! opforge's two engines beside wasmtime, with and without fuel, and native Rust: time of the workloads in
//! `bench/workloads`, time and size of compiled code, as markdown tables.
//!
//! `just bench-wasmtime`, or `cargo run --release --manifest-path bench/wasmtime/Cargo.toml --` and
//! `--samples N` (rounds for each workload, default 9), `--only TEXT` (workloads whose name contains it),
//! `--part run|compile` (default both), `--code DIR` (writes every guest function's machine code to files for
//! `objdump -D -b binary -m i386:x86-64` and measures nothing).
//!
//! Before a workload is timed, every engine must give the result that Rust gives.

#[path = "../../../benches/support/clock.rs"]
mod clock;
mod peer;
#[path = "../../../benches/support/sampling.rs"]
mod sampling;
#[path = "../../workloads/mod.rs"]
#[allow(dead_code, reason = "the bench of the JIT reads the rest")]
mod workloads;

use opforge_jit::{JitConfig, JitEngine, JittedProgram};
use opforge_vm::container::{DecodeConfig, decode, encode};
use opforge_vm::ids::FuncId;
use opforge_vm::verify::{VerifyConfig, verify};
use opforge_vm::{Engine, Module};
use peer::{Fuel, Peer};
use sampling::{Guard, Samples, interleaved, median, timed};
use std::hint::black_box;
use std::path::PathBuf;
use workloads::guest::{Guest, verified};
use workloads::loading::{self, Load};
use workloads::{Looping, Workload};

const ENGINES: [&str; 5] =
    ["native Rust", "wasmtime", "wasmtime + fuel", "opforge interpreter", "opforge JIT"];
const WASMTIME_FUEL: usize = 2;
const INTERPRETER: usize = 3;
const JIT: usize = 4;

fn main() {
    let options = Options::parse();
    let mut workloads = workloads::all();
    workloads.retain(|workload| workload.name.contains(&options.only));
    if let Some(folder) = &options.code {
        workloads.iter().for_each(|workload| write_code(folder, workload));
        return;
    }
    let mut guard = Guard::new();
    if options.has_part("run") {
        run(&mut guard, &workloads, options.samples);
    }
    if options.has_part("compile") {
        compile(options.samples);
    }
}

struct Options {
    samples: usize,
    only: String,
    part: Option<String>,
    code: Option<PathBuf>,
}

impl Options {
    fn parse() -> Self {
        let mut options = Self { samples: 9, only: String::new(), part: None, code: None };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut value = || args.next().unwrap_or_else(|| usage(&format!("{arg} needs a value")));
            match &*arg {
                "--samples" => {
                    let text = value();
                    let count = text.parse().ok().filter(|&count| count > 0);
                    options.samples =
                        count.unwrap_or_else(|| usage(&format!("{text} is no number of samples")));
                }
                "--only" => options.only = value(),
                "--part" => options.part = Some(value()),
                "--code" => options.code = Some(value().into()),
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
    eprintln!("{problem}; see the top of bench/wasmtime/src/main.rs");
    std::process::exit(3);
}

fn jit() -> JitEngine {
    JitEngine::new(JitConfig::new()).unwrap_or_else(|error| panic!("{error}"))
}

fn jit_compile(workload: &Workload) -> JittedProgram {
    jit().compile(&verified(&workload.ofa)).unwrap_or_else(|error| panic!("{}: {error}", workload.name))
}

/// A workload on every engine, in the order of [`ENGINES`].
fn measure(guard: &mut Guard, workload: &Workload, samples: usize) -> Samples {
    let module = Module::new(&Engine::default(), &verified(&workload.ofa));
    let module = module.unwrap_or_else(|error| panic!("{}: {error}", workload.name));
    let wasm = peer::binary(&workload.wat);
    let peer = |fuel| Peer::new(&peer::compile(&peer::engine(fuel), &wasm), fuel, workload);
    let mut plain = peer(Fuel::Off);
    let mut fuelled = peer(Fuel::On);
    let mut interpreter = Guest::new(&module, workload);
    let mut jitted = Guest::new(jit_compile(workload).module(), workload);
    let native = workload.native;
    for n in workloads::ALSO_CHECKED {
        let results = [plain.run(n), fuelled.run(n), interpreter.run(n), jitted.run(n)];
        assert_eq!(results, [native(n); 4], "{}: results for {n}", workload.name);
    }
    // The first run of each in `interleaved` is not timed, so a wrong result never reaches a table.
    let expected = native(workload.n);
    let check = |engine: usize, result: u64| {
        assert_eq!(black_box(result), expected, "{}: result of {}", workload.name, ENGINES[engine]);
    };
    let n = workload.n;
    let mut works: [Box<dyn FnMut() + '_>; 5] = [
        Box::new(|| check(0, black_box(native)(black_box(n)))),
        Box::new(|| check(1, plain.run(black_box(n)))),
        Box::new(|| check(WASMTIME_FUEL, fuelled.run(black_box(n)))),
        Box::new(|| check(INTERPRETER, interpreter.run(black_box(n)))),
        Box::new(|| check(JIT, jitted.run(black_box(n)))),
    ];
    interleaved(guard, samples, &mut works)
}

fn run(guard: &mut Guard, workloads: &[Workload], samples: usize) {
    println!("ns per unit, medians of {samples} rounds; ratios are medians of the rounds' ratios.\n");
    println!(
        "| workload | unit | {} | JIT / wasmtime + fuel | interpreter / JIT | quiet rounds |",
        ENGINES.join(" | ")
    );
    println!("|---|---|{}", "---:|".repeat(ENGINES.len() + 3));
    let mut means: Vec<Vec<f64>> = vec![Vec::new(); ENGINES.len() + 2];
    for workload in workloads {
        let taken = measure(guard, workload, samples);
        let units = (workload.units)(workload.n) as f64;
        let mut row: Vec<f64> = (0..ENGINES.len()).map(|engine| taken.ns(engine) / units).collect();
        row.push(taken.ratio(JIT, WASMTIME_FUEL));
        row.push(taken.ratio(INTERPRETER, JIT));
        println!("| {} | {} |{} {}/{samples} |", workload.name, workload.unit, cells(&row), taken.quiet);
        if workload.in_mean {
            means.iter_mut().zip(&row).for_each(|(mean, value)| mean.push(value.ln()));
        }
    }
    let counted = means.first().map_or(0, Vec::len);
    if counted > 1 {
        let mean = |logs: &Vec<f64>| (logs.iter().sum::<f64>() / logs.len() as f64).exp();
        let row: Vec<f64> = means.iter().map(mean).collect();
        println!("| **geometric mean** | of {counted} workloads |{} |", cells(&row));
    }
}

fn cells(row: &[f64]) -> String {
    row.iter().map(|value| format!(" {value:.2} |")).collect()
}

/// Median nanoseconds and bytes of code.
fn cost<O>(samples: usize, mut work: impl FnMut() -> O, size: impl Fn(&O) -> usize) -> (f64, usize) {
    let bytes = size(&work());
    let once = |_| {
        let mut output = None;
        let ns = timed(|| output = Some(black_box(work())));
        drop(output);
        ns
    };
    (median((0..samples).map(once).collect()), bytes)
}

fn compile(samples: usize) {
    println!(
        "\nFrom bytes to machine code, one thread, median of {samples}; per instruction of the opforge program.\n"
    );
    println!("| program | engine | ms | ns per instruction | bytes of code per instruction |");
    println!("|---|---|---:|---:|---:|");
    for Load { name, ofa, wat } in loading::all() {
        let program = verified(&ofa);
        let instrs: usize = program.functions().iter().map(|f| f.code().instrs().len()).sum();
        let bytes = encode(program.program()).unwrap_or_else(|error| panic!("{error}"));
        let print = |engine: &str, (ns, size): (f64, usize)| {
            let per = instrs as f64;
            let bytes = if size == 0 { "-".into() } else { format!("{:.1}", size as f64 / per) };
            println!("| {name} | {engine} | {:.1} | {:.0} | {bytes} |", ns / 1e6, ns / per);
        };
        let wasm = peer::binary(&wat);
        for (engine, fuel) in [(ENGINES[1], Fuel::Off), (ENGINES[WASMTIME_FUEL], Fuel::On)] {
            let compiler = peer::engine(fuel);
            print(engine, cost(samples, || peer::compile(&compiler, &wasm), peer::code_size));
        }
        let load = || {
            let program = decode(&bytes, &DecodeConfig::new()).unwrap_or_else(|error| panic!("{error}"));
            verify(program, &VerifyConfig::new()).unwrap_or_else(|report| panic!("{report}"))
        };
        let lower =
            |program| Module::new(&Engine::default(), &program).unwrap_or_else(|error| panic!("{error}"));
        print("opforge interpreter (decode, verify, lower)", cost(samples, || lower(load()), |_| 0));
        let jit = jit();
        let compile = || jit.compile(&load()).unwrap_or_else(|error| panic!("{error}"));
        print(
            "opforge JIT (decode, verify, lower, compile)",
            cost(samples, compile, JittedProgram::code_size),
        );
    }
}

fn write_code(folder: &std::path::Path, workload: &Workload) {
    let write = |engine: &str, function: usize, code: &[u8]| {
        let path = folder.join(format!("{}.{engine}.{function}.bin", workload.name));
        std::fs::write(&path, code).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    };
    let wasm = peer::binary(&workload.wat);
    for (engine, fuel) in [("wasmtime", Fuel::Off), ("wasmtime_fuel", Fuel::On)] {
        let module = peer::compile(&peer::engine(fuel), &wasm);
        peer::machine_code(&module).for_each(|(function, code)| write(engine, function, code));
    }
    let program = jit_compile(workload);
    for function in 0..program.module().program().functions.len() {
        write("opforge", function, program.machine_code(FuncId(function as u32)));
    }
    if workload.looping == Looping::Host {
        println!("{}: the way in from Rust is not part of a function's code", workload.name);
    }
}
