//! Programs that loop for ever.

use opforge_vm::asm::assemble;
use opforge_vm::session::{NoEffects, SessionConfig, SessionMachine};
use opforge_vm::verify::{VerifyConfig, verify};
use opforge_vm::{Capabilities, Engine, Limits, Linker, Module};

pub(crate) const PING_PONG: &str = "
.local A = mu x. !B{ping(u64). ?B{pong(u64). x}}
.local B = mu x. ?A{ping(u64). !A{pong(u64). x}}
.shape Game { A: A, B: B }
.func a(c: chan(Game, A)) -> () {
    .reg n
    const.u64 n, 7
    jmp @loop
@loop:
    send c, n
    receive c -> n
    jmp @loop
}
.func b(c: chan(Game, B)) -> () {
    .reg n
    jmp @loop
@loop:
    receive c -> n
    send c, n
    jmp @loop
}";

pub(crate) const STREAM: &str = "
.local A = mu x. !B{item(u64). x}
.local B = mu x. ?A{item(u64). x}
.shape Stream { A: A, B: B }
.func a(c: chan(Stream, A)) -> () {
    .reg n
    const.u64 n, 7
    jmp @loop
@loop:
    send c, n
    jmp @loop
}
.func b(c: chan(Stream, B)) -> () {
    .reg n
    jmp @loop
@loop:
    receive c -> n
    jmp @loop
}";

pub(crate) const LONE: &str = "
.local A = mu x. !B{ping(u64). x}
.local B = mu x. ?A{ping(u64). x}
.shape Game { A: A, B: B }
.func yields() -> () {
    jmp @loop
@loop:
    yield
    jmp @loop
}
.func spawns() -> () {
    jmp @loop
@loop:
    spawn &child () -> -
    yield
    jmp @loop
}
.func child() -> () {
    halt
}
.func opens() -> () {
    .reg a, b
    jmp @loop
@loop:
    open Game -> (a, b)
    close a
    jmp @loop
}
.func speculates() -> () {
    .reg g, a, b, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15
    const.u64 g, 1
    const.u64 p15, 1
    open Game -> (a, b)
    jmp @loop
@loop:
    fork g
    abort
    jmp @loop
}";

/// A program, ready to be instantiated.
pub(crate) struct Program(Module);

impl Program {
    pub(crate) fn new(source: &str) -> Self {
        let program = assemble(source).unwrap_or_else(|errors| panic!("{}", errors.render(source, "bench")));
        let verified = verify(program, &VerifyConfig::default()).unwrap_or_else(|report| panic!("{report}"));
        Self(Module::new(&Engine::default(), &verified).expect("it lowers"))
    }
}

/// A machine with this much fuel.
pub(crate) fn machine(program: &Program, config: SessionConfig, fuel: u64) -> SessionMachine<(), NoEffects> {
    let instance = Linker::new().instantiate(&program.0, (), &Capabilities::none()).expect("no imports");
    let limits = Limits::default().fuel(fuel).memory(1 << 30);
    SessionMachine::new(instance, NoEffects, config, limits).expect("no memories")
}
