//! Machines over assembled programs, and short ways to drive them and to look into them.
#![allow(dead_code, reason = "each test binary uses its part")]

pub(crate) mod rich;
pub(crate) mod script;

use opforge_vm::asm::assemble;
use opforge_vm::ids::{FuncId, LayerId, ShapeId};
use opforge_vm::protocol::LabelId;
use opforge_vm::session::{
    CoroTrap, EffectHandler, Holder, NoEffects, Policy, RunStatus, SessionConfig, SessionMachine, StuckReport,
};
use opforge_vm::verify::{VerifiedProgram, VerifyConfig, verify};
use opforge_vm::{
    Capabilities, CoroId, EndpointId, Engine, Limits, Linker, Module, Program, SessionFault, TrapCode,
    TrapDetail, Value,
};

/// A source with what it is run with.
pub(crate) struct Setup<H = NoEffects> {
    source: String,
    handler: H,
    config: SessionConfig,
    limits: Limits,
    unchecked: bool,
}

/// A program with the reference schedule, fuel for everything, and no effects.
pub(crate) fn setup(source: &str) -> Setup {
    Setup {
        source: source.into(),
        handler: NoEffects,
        config: SessionConfig::new().policy(Policy::REFERENCE),
        limits: Limits::new().fuel(1 << 40),
        unchecked: false,
    }
}

impl<H: EffectHandler> Setup<H> {
    pub(crate) fn config(mut self, change: impl FnOnce(SessionConfig) -> SessionConfig) -> Self {
        self.config = change(self.config);
        self
    }

    pub(crate) fn limits(mut self, change: impl FnOnce(Limits) -> Limits) -> Self {
        self.limits = change(self.limits);
        self
    }

    /// Leaves out what the verifier finds about sessions: the machine has to.
    pub(crate) fn unchecked(mut self) -> Self {
        self.unchecked = true;
        self
    }

    pub(crate) fn handler<G>(self, handler: G) -> Setup<G> {
        let Self { source, config, limits, unchecked, .. } = self;
        Setup { source, handler, config, limits, unchecked }
    }

    pub(crate) fn machine(self) -> SessionMachine<(), H> {
        let module = module(&self.source, self.unchecked);
        machine_of(&module, self.handler, self.config, self.limits)
    }
}

#[track_caller]
pub(crate) fn program(source: &str) -> Program {
    assemble(source).unwrap_or_else(|errors| panic!("{}", errors.render(source, "test")))
}

#[track_caller]
pub(crate) fn verified(source: &str, unchecked: bool) -> VerifiedProgram {
    let config = VerifyConfig::default().unchecked_sessions(unchecked);
    verify(program(source), &config).unwrap_or_else(|report| panic!("{report}"))
}

#[track_caller]
pub(crate) fn module(source: &str, unchecked: bool) -> Module {
    Module::new(&Engine::default(), &verified(source, unchecked)).unwrap()
}

#[track_caller]
pub(crate) fn machine_of<H: EffectHandler>(
    module: &Module,
    handler: H,
    config: SessionConfig,
    limits: Limits,
) -> SessionMachine<(), H> {
    let instance = Linker::new().instantiate(module, (), &Capabilities::none()).unwrap();
    SessionMachine::new(instance, handler, config, limits).unwrap()
}

/// The codes of what the verifier says about a program that it refuses.
#[track_caller]
pub(crate) fn refused(source: &str) -> Vec<&'static str> {
    let report = verify(program(source), &VerifyConfig::default()).expect_err("a program that is refused");
    report.errors().iter().map(|error| error.kind().code()).collect()
}

/// What tests do with a machine.
pub(crate) trait Drive {
    /// A function by its name.
    fn func(&self, name: &str) -> FuncId;
    /// Begins a coroutine with a function of this name.
    fn start(&mut self, name: &str, args: &[Value]) -> CoroId;
    /// Opens a session of the shape of this name.
    fn begin(&mut self, shape: &str) -> Vec<EndpointId>;
    fn label(&self, name: &str) -> LabelId;
    fn layer(&self, name: &str) -> LayerId;
    /// Runs until all have ended.
    fn finish(&mut self);
    /// Runs until a coroutine traps. Running goes on with the others.
    fn trap(&mut self) -> CoroTrap;
    /// Runs until nothing can run.
    fn stuck(&mut self) -> StuckReport;
    /// The events as lines: the tick and what happened.
    fn lines(&self) -> Vec<String>;
    /// The same without ticks.
    fn told(&self) -> Vec<String>;
    /// Where a coroutine stands: function and number of the instruction.
    fn at(&self, coro: CoroId) -> (String, u32);
    /// The byte offset of an instruction.
    fn pc(&self, func: &str, instr: u32) -> u32;
    /// Messages on the edge from one role to another of an endpoint's session.
    fn queue(&self, of: EndpointId, from: u16, to: u16) -> u32;
    /// The number of the state of an endpoint; -1 for one that is gone.
    fn left(&self, id: EndpointId) -> i64;
    fn charged(&self) -> u64;
}

impl<H: EffectHandler> Drive for SessionMachine<(), H> {
    #[track_caller]
    fn func(&self, name: &str) -> FuncId {
        let found = self.instance().program().func_by_name(name);
        found.unwrap_or_else(|| panic!("no function {name}"))
    }

    #[track_caller]
    fn start(&mut self, name: &str, args: &[Value]) -> CoroId {
        let func = self.func(name);
        self.spawn(func, args).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    #[track_caller]
    fn begin(&mut self, shape: &str) -> Vec<EndpointId> {
        let program = self.program().unwrap();
        let at = program.sessions().shapes.iter().position(|def| program.symbol(def.name) == Some(shape));
        self.open(ShapeId(at.unwrap_or_else(|| panic!("no shape {shape}")) as u32)).unwrap()
    }

    #[track_caller]
    fn label(&self, name: &str) -> LabelId {
        let program = self.program().unwrap();
        let at = program.sessions().labels.iter().position(|&label| program.symbol(label) == Some(name));
        LabelId(at.unwrap_or_else(|| panic!("no label {name}")) as u16)
    }

    #[track_caller]
    fn layer(&self, name: &str) -> LayerId {
        let program = self.program().unwrap();
        let at = program.sessions().layers.iter().position(|def| program.symbol(def.name) == Some(name));
        LayerId(at.unwrap_or_else(|| panic!("no layer {name}")) as u32)
    }

    #[track_caller]
    fn finish(&mut self) {
        let status = self.run(1 << 24);
        assert!(matches!(status, RunStatus::AllDone), "{status:?}\n{}", self.lines().join("\n"));
    }

    #[track_caller]
    fn trap(&mut self) -> CoroTrap {
        match self.run(1 << 24) {
            RunStatus::Trapped(trap) => *trap,
            status => panic!("no trap: {status:?}\n{}", self.lines().join("\n")),
        }
    }

    #[track_caller]
    fn stuck(&mut self) -> StuckReport {
        match self.run(1 << 24) {
            RunStatus::Stuck(report) => *report,
            status => panic!("not stuck: {status:?}\n{}", self.lines().join("\n")),
        }
    }

    fn lines(&self) -> Vec<String> {
        let names = self.names();
        self.events().iter().map(|stamped| stamped.display(&names).to_string()).collect()
    }

    fn told(&self) -> Vec<String> {
        let names = self.names();
        self.events().iter().map(|stamped| stamped.event.display(&names).to_string()).collect()
    }

    #[track_caller]
    fn at(&self, coro: CoroId) -> (String, u32) {
        let (func, instr) = self.position(coro).unwrap();
        (self.instance().program().func_name(func).unwrap_or("").into(), instr.0)
    }

    #[track_caller]
    fn pc(&self, func: &str, instr: u32) -> u32 {
        let function = self.instance().program().function(self.func(func)).unwrap();
        function.pc(opforge_vm::ids::InstrIx(instr))
    }

    #[track_caller]
    fn queue(&self, of: EndpointId, from: u16, to: u16) -> u32 {
        self.queued(of.session_id(), from, to).unwrap_or_else(|| panic!("no edge {from} -> {to} of {of}"))
    }

    fn left(&self, id: EndpointId) -> i64 {
        self.state(id).map_or(-1, |state| i64::from(state.0))
    }

    fn charged(&self) -> u64 {
        self.instance().heap().charged()
    }
}

/// Asserts the code of a trap, what it is about, and the instruction: function, number.
#[track_caller]
pub(crate) fn assert_trap<H: EffectHandler>(
    machine: &SessionMachine<(), H>,
    found: &CoroTrap,
    (code, fault): (TrapCode, Option<SessionFault>),
    (func, instr): (&str, u32),
) {
    let detail = fault.map_or(TrapDetail::None, TrapDetail::Session);
    assert_eq!((found.trap.code, &found.trap.detail), (code, &detail), "{found}");
    let at = found.trap.at();
    let name = machine.instance().program().func_name(at.func);
    assert_eq!((name, at.pc), (Some(func), machine.pc(func, instr)), "{found}");
    assert_eq!(machine.at(found.coro), (func.to_string(), instr), "the coroutine stands where it trapped");
    assert_eq!(found.trap.fuel, machine.fuel(), "the report says what the machine has left");
}

/// The coroutine that holds an endpoint.
#[track_caller]
pub(crate) fn owner<H: EffectHandler>(machine: &SessionMachine<(), H>, id: EndpointId) -> CoroId {
    match machine.holder(id) {
        Holder::Coroutine(coro) => coro,
        other => panic!("{id} is held by {other:?}"),
    }
}

/// An endpoint as an argument.
pub(crate) fn chan(id: EndpointId) -> Value {
    Value::Endpoint(id)
}
