//! wasmtime behind the interface of [`Guest`](crate::workloads::guest::Guest).

use crate::workloads::{ENTRY, HOST_MODULE, HOST_NAME, Looping, Workload};
use wasmtime::{Config, Engine, Linker, Module, Store, TypedFunc};

/// An engine as wasmtime has it by default (optimised, no threads that help), with fuel or without.
pub(crate) fn engine(fuel: Fuel) -> Engine {
    let mut config = Config::new();
    config.consume_fuel(fuel == Fuel::On);
    Engine::new(&config).expect("cranelift supports this machine")
}

/// Whether guests use fuel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fuel {
    On,
    Off,
}

/// WebAssembly text as a binary module.
pub(crate) fn binary(wat: &str) -> Vec<u8> {
    wat::parse_str(wat).unwrap_or_else(|error| panic!("{error}"))
}

/// Validates and compiles.
pub(crate) fn compile(engine: &Engine, wasm: &[u8]) -> Module {
    Module::new(engine, wasm).unwrap_or_else(|error| panic!("{error:?}"))
}

/// Machine code of every function of a module, with its number.
pub(crate) fn machine_code(module: &Module) -> impl Iterator<Item = (usize, &[u8])> {
    module.functions().enumerate().map(|(i, f)| (i, &module.text()[f.offset..f.offset + f.len]))
}

/// Bytes of machine code of a module's functions, without what calls them from outside.
pub(crate) fn code_size(module: &Module) -> usize {
    module.functions().map(|function| function.len).sum()
}

/// An instance, ready to run.
pub(crate) struct Peer {
    store: Store<()>,
    entry: TypedFunc<i64, i64>,
    fuel: Fuel,
    looping: Looping,
}

impl Peer {
    pub(crate) fn new(module: &Module, fuel: Fuel, workload: &Workload) -> Self {
        let mut linker = Linker::new(module.engine());
        linker.func_wrap(HOST_MODULE, HOST_NAME, |x: i64| x.wrapping_add(1)).expect("the linker is empty");
        let mut store = Store::new(module.engine(), ());
        let peer = |store: &mut Store<()>| {
            let instance = linker.instantiate(&mut *store, module)?;
            instance.get_typed_func(store, ENTRY)
        };
        // Without fuel not even a start function could run.
        fill(&mut store, fuel);
        let entry = peer(&mut store).unwrap_or_else(|error| panic!("{}: {error:?}", workload.name));
        Self { store, entry, fuel, looping: workload.looping }
    }

    fn call(&mut self, n: u64) -> u64 {
        let result = self.entry.call(&mut self.store, n as i64);
        result.unwrap_or_else(|error| panic!("{error:?}")) as u64
    }

    /// Does the work of `n` and gives the result's bits.
    pub(crate) fn run(&mut self, n: u64) -> u64 {
        fill(&mut self.store, self.fuel);
        match self.looping {
            Looping::Guest => self.call(n),
            Looping::Host => (0..n).fold(n, |x, _| self.call(x)),
        }
    }
}

fn fill(store: &mut Store<()>, fuel: Fuel) {
    if fuel == Fuel::On {
        store.set_fuel(u64::MAX).expect("the engine uses fuel");
    }
}
