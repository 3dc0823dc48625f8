//! A session of two parties, run by hand: a customer and a shop that asks the host for prices. The host opens the session,
//! gives each end to a coroutine, and does the shop's effect. Prints
//!
//! ```text
//! asked for the price of tea
//! all done, after 3 slices
//! 0: #0 opened Shop (Customer, Shop)
//! 1: #0 Customer -> Shop ask
//! 2: #0 Shop <- Customer ask
//! 2: coroutine 1 (shop) invoked price_of
//! 2: #0 Shop -> Customer price
//! 2: coroutine 1 (shop) halted
//! 3: #0 Customer <- Shop price
//! 3: coroutine 0 (customer) halted
//! ```

use opforge::session::{EffectCall, EffectHandler, Outcome, RunStatus, SessionConfig, SessionMachine};
use opforge::verify::{VerifyConfig, verify_deep};
use opforge::{Capabilities, Engine, Limits, Linker, Module, Value, asm, ids::ShapeId};
use std::error::Error;
use std::io::{self, Write};

const SHOP: &str = r#"
.shape Shop = Customer -> Shop{ask(str). Shop -> Customer{price(u64). end}}
.effect price_of(str) -> (u64)

.func customer(c: chan(Shop, Customer), item: str) -> () {
    send c, item
    receive c -> r3
    halt
}

.func shop(c: chan(Shop, Shop)) -> () {
    .reg item, price
    receive c -> item
    invoke price_of item -> price
    send c, price
    halt
}
"#;

/// Does what the program asks for.
struct Host<'w>(&'w mut dyn Write);

impl EffectHandler for Host<'_> {
    fn invoke(&mut self, call: EffectCall<'_>) -> Outcome<Value> {
        match call.args {
            [Value::Str(item)] if call.name == "price_of" => {
                let written = writeln!(self.0, "asked for the price of {item}");
                // `Outcome::Blocked` would let the coroutine wait until `SessionMachine::wake`.
                written.map_or_else(|e| Outcome::Failed(e.to_string()), |()| Outcome::Done(Value::U64(3)))
            }
            _ => Outcome::Failed("there is no such effect".into()),
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    demo(&mut io::stdout())
}

pub(crate) fn demo(out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    // Deep: the roles of the shape fit together, so nobody waits for ever.
    let verified = verify_deep(asm::assemble(SHOP)?, &VerifyConfig::new())?;
    let module = Module::new(&Engine::default(), &verified)?;
    let func = |name| module.program().func_by_name(name).ok_or("a function of the program");
    let instance = Linker::new().instantiate(&module, (), &Capabilities::none())?;

    let limits = Limits::new().fuel(10_000).memory(1 << 20);
    let mut machine = SessionMachine::new(instance, Host(out), SessionConfig::new(), limits)?;
    let ends = machine.open(ShapeId(0))?;
    machine.spawn(func("customer")?, &[Value::Endpoint(ends[0]), Value::Str("tea".into())])?;
    machine.spawn(func("shop")?, &[Value::Endpoint(ends[1])])?;

    let said = match machine.run(1_000) {
        RunStatus::AllDone => format!("all done, after {} slices", machine.ticks()),
        RunStatus::Stuck(report) => report.to_string(),
        RunStatus::Trapped(trap) => trap.to_string(),
        other => format!("{other:?}"),
    };
    let names = machine.names();
    let lines: Vec<String> = machine.events().iter().map(|event| event.display(&names).to_string()).collect();
    let (Host(out), ()) = machine.into_parts();
    writeln!(out, "{said}\n{}", lines.join("\n"))?;
    Ok(())
}
