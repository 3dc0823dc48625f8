//! opforge's interpreter, with the dispatcher of this build, and its native code.

use super::{Engine, load_job, timed_run, version};
use crate::sampling::timed;
use crate::workloads::guest::{Guest, verified};
use crate::workloads::{self, loading};
use opforge_vm::container::{DecodeConfig, decode, encode};
use opforge_vm::verify::{VerifiedProgram, VerifyConfig, verify};
use opforge_vm::{Capabilities, Linker, Module, Program};
use std::hint::black_box;
use std::rc::Rc;

/// The interpreter. The stages of loading before its own are listed here only: they are the same for all.
pub(super) fn interpreter() -> Engine {
    let name = if cfg!(feature = "portable") { "opforge-interp-loop" } else { "opforge-interp" };
    let module = |program: &VerifiedProgram| {
        Module::new(&opforge_vm::Engine::default(), program).unwrap_or_else(|error| panic!("{error}"))
    };
    let mut engine = engine(name, "decode + verify + lower + words", module);
    let bytes = load_container();
    let size = (bytes.len(), loading::INSTRS);
    let decode = {
        let bytes = bytes.clone();
        move || decoded(&bytes)
    };
    let verify = move || checked(&bytes);
    engine.load.splice(0..0, [load_job("decode", size, decode), load_job("decode + verify", size, verify)]);
    engine
}

/// Native code. It always meters fuel.
#[cfg(feature = "all-engines")]
pub(super) fn jit() -> Engine {
    use opforge_jit::{JitConfig, JitEngine};
    let jit = JitEngine::new(JitConfig::new()).unwrap_or_else(|error| panic!("{error}"));
    engine("opforge-jit", "decode + verify + lower + compile", move |program| {
        jit.compile(program).unwrap_or_else(|error| panic!("{error}")).module().clone()
    })
}

thread_local! {
    /// Assembled once.
    static LOAD_CONTAINER: Rc<[u8]> = container(&verified(&loading::straight().ofa)).into();
}

/// The container of what is loaded.
pub(super) fn load_container() -> Rc<[u8]> {
    LOAD_CONTAINER.with(Rc::clone)
}

pub(super) fn container(program: &VerifiedProgram) -> Vec<u8> {
    encode(program.program()).unwrap_or_else(|error| panic!("{error}"))
}

fn decoded(bytes: &[u8]) -> Program {
    decode(bytes, &DecodeConfig::new()).unwrap_or_else(|error| panic!("{error}"))
}

fn checked(bytes: &[u8]) -> VerifiedProgram {
    verify(decoded(bytes), &VerifyConfig::new()).unwrap_or_else(|report| panic!("{report}"))
}

/// An engine whose modules `make` makes, which is the last part of what `whole` names.
fn engine(name: &str, whole: &str, make: impl Fn(&VerifiedProgram) -> Module + 'static) -> Engine {
    let make = Rc::new(make);
    let bytes = load_container();
    let size = (bytes.len(), loading::INSTRS);
    let whole = load_job(whole, size, {
        let make = make.clone();
        move || make(&checked(&bytes))
    });
    let module = make(&verified(&workloads::shared().remove(0).ofa));
    let linker = Linker::<()>::new();
    let instantiate = move |count| {
        timed(|| {
            for _ in 0..count {
                black_box(linker.instantiate(&module, (), &Capabilities::none())).expect("nothing to link");
            }
        })
    };
    Engine {
        name: name.into(),
        version: version("opforge-vm"),
        prepare: Box::new(move |workload| {
            let mut guest = Guest::new(&make(&verified(&workload.ofa)), workload);
            Ok(timed_run(move |n| guest.run(n)))
        }),
        load: vec![whole],
        instantiate: Some(Box::new(instantiate)),
    }
}
