//! The host functions that programs may import.

use opforge_vm::sem::Decimal;
use opforge_vm::{AggRef, Caller, Capabilities, Capability, HostError, Linker, Value, ValueType};

/// What host functions leave behind.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Host {
    pub(crate) log: Vec<String>,
    /// Whether fuel was charged: then the run takes more fuel than it has instructions.
    pub(crate) charged: bool,
}

type Call<'c> = Caller<'c, Host>;

/// Everything but `secret` is granted.
pub(crate) fn granted() -> Capabilities {
    Capabilities::none().grant("log")
}

/// All host functions.
pub(crate) fn linker() -> Linker<Host> {
    let mut linker = Linker::new();
    typed(&mut linker);
    dynamic(&mut linker);
    linker
}

fn typed(linker: &mut Linker<Host>) {
    let free = Capability::none;
    let log = |caller: &mut Call<'_>, text: String| caller.data_mut().log.push(text);
    linker
        .func("env.log", Capability::named("log"), log)
        .and_then(|l| l.func("env.secret", Capability::named("secret"), |_: &mut Call<'_>| 42i64))
        .and_then(|l| l.func("env.add", free(), |_: &mut Call<'_>, a: i64, b: i64| a.wrapping_add(b)))
        .and_then(|l| l.func("env.not", free(), |_: &mut Call<'_>, a: bool| !a))
        .and_then(|l| {
            l.func("env.fail", free(), |_: &mut Call<'_>| -> Result<i64, HostError> {
                Err(HostError::failed("as asked"))
            })
        })
        .and_then(|l| {
            l.func("env.charge", free(), |caller: &mut Call<'_>, fuel: u64| {
                caller.data_mut().charged = true;
                caller.charge(fuel);
            })
        })
        .and_then(|l| l.func("env.turn", free(), |_: &mut Call<'_>, a: i64, b: Decimal, c: String| (c, b, a)))
        .and_then(|l| l.func("env.bits", free(), |_: &mut Call<'_>, a: f64| a.to_bits()))
        .and_then(|l| l.func("env.float", free(), |_: &mut Call<'_>, bits: u64| f64::from_bits(bits)))
        .and_then(|l| l.func("env.zeros", free(), |_: &mut Call<'_>, len: u64| vec![0u8; len as usize]))
        .and_then(|l| {
            l.func("env.six", free(), |_: &mut Call<'_>, a: i64, b: u64, c: f64, d: bool, e: i64, g: i64| {
                format!("{a} {b} {c:?} {d} {e} {g}")
            })
        })
        .map(|_| ())
        .unwrap();
}

fn dynamic(linker: &mut Linker<Host>) {
    use ValueType::{Agg, I64, Obj, U64, Unit};
    let free = Capability::none;
    linker
        .func_dyn("env.wrong", free(), &[], &[I64], |_, _, results| {
            results[0] = Value::Str("not a number".into());
            Ok(())
        })
        .and_then(|l| {
            // As a panic, but without its message on the terminal.
            l.func_dyn("env.boom", free(), &[], &[I64], |_, _, _| std::panic::resume_unwind(Box::new("boom")))
        })
        .and_then(|l| l.func_dyn("env.nothing", free(), &[Unit], &[Unit], |_, _, _| Ok(())))
        .and_then(|l| {
            l.func_heap("env.pair", free(), &[I64], &[Agg], |caller, args, results| {
                let pair = [args[0].clone(), Value::Str("pair".into())];
                let pair = caller.heap_mut().new_tuple(&pair);
                results[0] = pair.map_err(|e| HostError::failed(e.to_string()))?.into();
                Ok(())
            })
        })
        .and_then(|l| {
            l.func_dyn("env.invalid", free(), &[], &[Agg], |_, _, results| {
                results[0] = AggRef::INVALID.into();
                Ok(())
            })
        })
        .and_then(|l| {
            l.func_dyn("env.count", free(), &[Agg], &[U64], |caller, args, results| {
                let Value::Agg(agg) = args[0] else { return Err(HostError::failed("no aggregate")) };
                let len = caller.heap().aggregate(agg).map_or(u64::MAX, |node| node.len() as u64);
                results[0] = len.into();
                Ok(())
            })
        })
        .and_then(|l| {
            l.func_dyn("env.open", free(), &[U64], &[Obj(7)], |_, args, results| {
                let Value::U64(handle) = args[0] else { return Err(HostError::failed("no handle")) };
                results[0] = Value::Obj { host_type: 7, handle };
                Ok(())
            })
        })
        .and_then(|l| {
            l.func_dyn("env.handle", free(), &[Obj(7)], &[U64], |_, args, results| {
                let Value::Obj { host_type: 7, handle } = args[0] else {
                    return Err(HostError::failed("no object of type 7"));
                };
                results[0] = handle.into();
                Ok(())
            })
        })
        .and_then(|l| {
            l.func_dyn("env.func", free(), &[U64], &[ValueType::Func], |_, args, results| {
                let Value::U64(id) = args[0] else { return Err(HostError::failed("no number")) };
                results[0] = Value::Func(opforge_vm::ids::FuncId(id as u32));
                Ok(())
            })
        })
        .map(|_| ())
        .unwrap();
}
