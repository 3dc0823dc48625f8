//! A host function that waits without blocking a thread: the run stops at the call, the embedder awaits whatever it is
//! about, and the run goes on with the answer. Any executor will do; the one here fits on a page.
//!
//! ```text
//! price of tea asked, 999998 fuel left
//! price of milk asked, 999995 fuel left
//! finished with [I64(7)], 999992 fuel left, polled 5 times
//! no price of gold: trap[T018 HostCallFailed]: the host call failed: shop.price: the host function failed: not for sale
//! ```

use opforge::verify::{VerifyConfig, verify};
use opforge::{
    Caller, Capabilities, Capability, Engine, Execution, FuncId, HostError, Instance, Limits, Linker, Module,
    Outcome, Value, asm::assemble,
};
use std::error::Error;
use std::future::Future;
use std::io::{self, Write};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

const PROGRAM: &str = "
.host price = \"shop.price\" (str) -> (i64)
.func main(first: str, second: str) -> (i64) {
    .reg a, b
    call &ask first -> a
    call &ask second -> b
    i64.add a, a, b
    ret a
}
.func ask(name: str) -> (i64) {
    .reg n
    host_call price name -> n
    ret n
}
";

fn main() -> Result<(), Box<dyn Error>> {
    demo(&mut io::stdout())
}

pub(crate) fn demo(out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let verified = verify(assemble(PROGRAM)?, &VerifyConfig::new())?;
    let module = Module::new(&Engine::default(), &verified)?;

    // The function itself answers nothing: its call is left pending. What it returns says its type, (str) -> (i64).
    let mut linker = Linker::new();
    linker.func("shop.price", Capability::none(), |_: &mut Caller<'_, ()>, _: &str| Poll::<i64>::Pending)?;
    let mut instance = linker.instantiate(&module, (), &Capabilities::none())?;

    block_on(buy(&mut instance, ["tea", "milk"], out))?;
    block_on(buy(&mut instance, ["gold", "tea"], out))
}

/// Runs the program, awaiting each call that it leaves pending.
async fn buy(
    instance: &mut Instance<()>,
    names: [&str; 2],
    out: &mut dyn Write,
) -> Result<(), Box<dyn Error>> {
    let mut run: Execution<'_, ()> = instance.execution(Limits::new());
    run.start(FuncId(0), &names.map(|name| Value::Str(name.into())))?;
    let mut polled = 0;
    loop {
        match run.resume() {
            Outcome::Pending(call) => match price(&call.args, &mut polled).await {
                Ok((name, price)) => {
                    writeln!(out, "price of {name} asked, {} fuel left", run.fuel())?;
                    run.complete(&[Value::I64(price)])?;
                }
                Err(error) => run.fail(error)?,
            },
            Outcome::Finished(results) => {
                writeln!(out, "finished with {results:?}, {} fuel left, polled {polled} times", run.fuel())?;
                return Ok(());
            }
            Outcome::Trapped(trap) => {
                let text = trap.to_string();
                writeln!(out, "no price of {}: {}", names[0], text.lines().next().unwrap_or_default())?;
                return Ok(());
            }
            other => return Err(format!("unexpected: {other:?}").into()),
        }
    }
}

/// Stands for what takes time: a request to another machine, say.
async fn price<'a>(args: &'a [Value], polled: &mut u32) -> Result<(&'a str, i64), HostError> {
    let [Value::Str(name)] = args else { return Err(HostError::SignatureMismatch) };
    let (price, rounds) = match name.as_str() {
        "tea" => (4, 2),
        "milk" => (3, 1),
        _ => return Err(HostError::failed("not for sale")),
    };
    Later { rounds, polled }.await;
    Ok((name, price))
}

/// Is ready when it was polled often enough.
struct Later<'p> {
    rounds: u32,
    polled: &'p mut u32,
}

impl Future for Later<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        *self.polled += 1;
        if self.rounds == 0 {
            return Poll::Ready(());
        }
        self.rounds -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Polls a future on this thread until it is ready.
fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
