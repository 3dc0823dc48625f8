use opforge_jit::{JitConfig, JitEngine};
use opforge_vm::asm::assemble;
use opforge_vm::ids::*;
use opforge_vm::session::*;
use opforge_vm::verify::*;
use opforge_vm::{Capabilities, CoroId, Engine, Linker, Limits, Module, Value};

#[test]
fn scratch() {
    for middle in ["", "yield\n", "str.concat s, s, s\n", "tag t -> p\n", "str.concat s, s, s\nyield\n", "str.concat s, s, s\nyield\nyield\n"] {
    let source = format!("
.local A = end
.local B = end
.shape S {{ A: A, B: B }}
.func f0(n: u64, s: str, b: bytes, id: epid) {{
    .reg t, p, u
    tuple.new u, (n, n, n)
    tuple.new t, (id, s)
{middle}
    tag t -> p
    halt
}}");
    let verified = verify(assemble(&source).unwrap(), &VerifyConfig::default()).unwrap();
    let compiled = JitEngine::new(JitConfig::new()).unwrap().compile(&verified).unwrap();
    for module in [Module::new(&Engine::default(), &verified).unwrap(), compiled.module().clone()] {
        let instance = Linker::new().instantiate(&module, (), &Capabilities::none()).unwrap();
        let mut m = SessionMachine::new(instance, NoEffects, SessionConfig::new().keep_registers(true), Limits::new()).unwrap();
        let ends = m.open(ShapeId(0)).unwrap();
        m.spawn(FuncId(0), &[Value::U64(1), Value::from("A"), Value::Bytes(vec![1; 20]), Value::Epid(ends[1])]).unwrap();
        let _ = m.run(100);
        println!("{middle:?} {:?} {:?}", m.register(CoroId { index: 0, generation: 0 }, Reg(5)), m.register(CoroId { index: 0, generation: 0 }, Reg(2)));
    }
    }
}
