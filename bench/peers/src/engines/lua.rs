//! Lua 5.4, built from the sources that mlua brings.

use super::{Engine, Inexpressible, load_job, timed_run, version};
use crate::workloads::loading::{self, FUNCTIONS, INSTRS, Op, VARIABLES};
use crate::workloads::{Looping, Workload};
use mlua::{Function, Lua, Value};
use std::fmt::Write;

macro_rules! sources {
    ($($name:literal),*) => {
        [$(($name, include_str!(concat!("../../../workloads/", $name, ".lua")))),*]
    };
}

/// The workloads' programs. Each is a chunk that takes the host function and returns the entry function.
const SOURCES: [(&str, &str); 10] = sources!(
    "fib",
    "loop_sum",
    "collatz",
    "mandelbrot",
    "mix",
    "host_call",
    "call_in",
    "sieve",
    "matmul",
    "nbody"
);

pub(super) fn engine() -> Engine {
    let source = straight();
    let lua = Lua::new();
    let size = (source.len(), INSTRS);
    let parse = move || lua.load(&*source).into_function().unwrap_or_else(|error| panic!("{error}"));
    Engine {
        name: "lua-5.4".into(),
        version: format!("lua-src {}, mlua {}", version("lua-src"), version("mlua")),
        prepare: Box::new(|workload| {
            let found = SOURCES.iter().find(|(name, _)| *name == workload.name);
            let (_, source) = found.ok_or_else(|| Inexpressible("no Lua program was written".into()))?;
            let mut guest = Guest::new(source, workload);
            Ok(timed_run(move |n| guest.run(n)))
        }),
        load: vec![load_job("parse source", size, parse)],
        instantiate: None,
    }
}

/// The load program as a chunk.
fn straight() -> String {
    let mut source = String::new();
    for f in 0..FUNCTIONS {
        writeln!(source, "function f{f}(a, b)\nlocal {}", VARIABLES.join(", ")).expect("memory is enough");
        for Op { name, dst, left, right } in loading::straight_ops() {
            let sign = match name {
                "add" => "+",
                "xor" => "~",
                "mul" => "*",
                "sub" => "-",
                other => unreachable!("{other} is no operation of the program"),
            };
            writeln!(source, "{dst} = {left} {sign} {right}").expect("memory is enough");
        }
        source += "return v0\nend\n";
    }
    source
}

/// A state with a workload's program.
struct Guest {
    entry: Function,
    looping: Looping,
    /// Functions live no longer than their state.
    _lua: Lua,
}

impl Guest {
    fn new(source: &str, workload: &Workload) -> Self {
        let lua = Lua::new();
        let entry = || {
            let ping = lua.create_function(|_, x: i64| Ok(x.wrapping_add(1)))?;
            lua.load(source).call::<Function>(ping)
        };
        let entry = entry().unwrap_or_else(|error| panic!("{}: {error}", workload.name));
        Self { entry, looping: workload.looping, _lua: lua }
    }

    /// Does the work of `n` and gives the result's bits.
    fn run(&mut self, n: u64) -> u64 {
        let n = n as i64;
        match self.looping {
            Looping::Guest => match self.entry.call(n).unwrap_or_else(|error| panic!("{error}")) {
                Value::Integer(bits) => bits as u64,
                Value::Number(float) => float.to_bits(),
                other => panic!("Lua returned {other:?}"),
            },
            Looping::Host => {
                let call = |x| self.entry.call(x).unwrap_or_else(|error| panic!("{error}"));
                (0..n).fold(n, |x, _| call(x)) as u64
            }
        }
    }
}
