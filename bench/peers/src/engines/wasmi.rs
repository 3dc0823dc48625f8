//! wasmi, with the dispatcher of this build.

use super::{load_job, timed_run, version};
use crate::sampling::timed;
use crate::workloads::{self, ENTRY, HOST_MODULE, HOST_NAME, Looping, Workload, loading};
use std::hint::black_box;
use std::rc::Rc;
use wasmi::{CompilationMode, Config, Engine, Linker, Module, Store, TypedFunc};

/// Whether guests use fuel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fuel {
    Off,
    On,
}

/// Without fuel and with it.
pub(super) fn engines() -> [super::Engine; 2] {
    let wasm = binary(&loading::straight().wat).into();
    [Fuel::Off, Fuel::On].map(|fuel| engine(fuel, &wasm))
}

/// An engine as wasmi has it by default, except that it translates all functions at once rather than each when it is first
/// called.
fn engine(fuel: Fuel, wasm: &Rc<[u8]>) -> super::Engine {
    let dispatch = if cfg!(feature = "portable") { "wasmi-loop" } else { "wasmi" };
    let engine = Engine::new(
        Config::default().consume_fuel(fuel == Fuel::On).compilation_mode(CompilationMode::Eager),
    );
    let size = (wasm.len(), loading::INSTRS);
    let validate = {
        let (engine, wasm) = (engine.clone(), wasm.clone());
        move || Module::validate(&engine, &wasm).unwrap_or_else(|error| panic!("{error}"))
    };
    let translate = {
        let (engine, wasm) = (engine.clone(), wasm.clone());
        move || translated(&engine, &wasm)
    };
    let module = translated(&engine, &binary(&workloads::shared().remove(0).wat));
    let linker = Linker::<()>::new(&engine);
    let instantiate = move |count| {
        timed(|| {
            for _ in 0..count {
                let mut store = store(&module, fuel);
                let instance = linker.instantiate_and_start(&mut store, &module).expect("nothing to link");
                black_box((store, instance));
            }
        })
    };
    super::Engine {
        name: format!("{dispatch}{}", if fuel == Fuel::On { "+fuel" } else { "" }),
        version: version("wasmi"),
        prepare: Box::new(move |workload| {
            let mut guest = Guest::new(&translated(&engine, &binary(&workload.wat)), fuel, workload);
            Ok(timed_run(move |n| guest.run(n)))
        }),
        load: vec![load_job("validate", size, validate), load_job("validate + translate", size, translate)],
        instantiate: Some(Box::new(instantiate)),
    }
}

fn binary(wat: &str) -> Vec<u8> {
    wat::parse_str(wat).unwrap_or_else(|error| panic!("{error}"))
}

fn translated(engine: &Engine, wasm: &[u8]) -> Module {
    Module::new(engine, wasm).unwrap_or_else(|error| panic!("{error}"))
}

fn fill(store: &mut Store<()>, fuel: Fuel) {
    if fuel == Fuel::On {
        store.set_fuel(u64::MAX).expect("the engine uses fuel");
    }
}

fn store(module: &Module, fuel: Fuel) -> Store<()> {
    let mut store = Store::new(module.engine(), ());
    fill(&mut store, fuel);
    store
}

/// An instance, ready to run.
struct Guest {
    store: Store<()>,
    entry: TypedFunc<i64, i64>,
    fuel: Fuel,
    looping: Looping,
}

impl Guest {
    fn new(module: &Module, fuel: Fuel, workload: &Workload) -> Self {
        let mut linker = Linker::new(module.engine());
        linker.func_wrap(HOST_MODULE, HOST_NAME, |x: i64| x.wrapping_add(1)).expect("the linker is empty");
        let mut store = store(module, fuel);
        let instance = linker.instantiate_and_start(&mut store, module);
        let entry = instance.and_then(|instance| instance.get_typed_func(&store, ENTRY));
        let entry = entry.unwrap_or_else(|error| panic!("{}: {error}", workload.name));
        Self { store, entry, fuel, looping: workload.looping }
    }

    fn call(&mut self, n: u64) -> u64 {
        let result = self.entry.call(&mut self.store, n as i64);
        result.unwrap_or_else(|error| panic!("{error}")) as u64
    }

    /// Does the work of `n` and gives the result's bits.
    fn run(&mut self, n: u64) -> u64 {
        fill(&mut self.store, self.fuel);
        match self.looping {
            Looping::Guest => self.call(n),
            Looping::Host => (0..n).fold(n, |x, _| self.call(x)),
        }
    }
}
