//! One program in which everything happens: talk, choices, delegation, guards, effects, speculations that come true and
//! that do not, transfers, facts. And a handler that decides in all ways, always the same.

use super::{Drive, chan};
use opforge_vm::session::{
    EffectCall, EffectHandler, GuardCall, MessageInfo, Outcome, Receipt, RunStatus, SendDecision,
    SessionMachine,
};
use opforge_vm::{CoroId, Value};

pub(crate) const RICH: &str = "
.local Source = mu x. !Sink{item(f64). x, text(str). ?Sink{back(tuple(u64, str)). x}, stop. end}
.local Sink = mu x. ?Source{item(f64). x, text(str). !Source{back(tuple(u64, str)). x}, stop. end}
.shape Stream { Source: Source, Sink: Sink } edge Source -> Sink capacity 2 policy block
.local Asker = !Teller{ask(u64). !Teller{more(u64). ?Teller{told(u64). end}}}
.local Teller = ?Asker{ask(u64). ?Asker{more(u64). !Asker{told(u64). end}}}
.shape Talk { Asker: Asker, Teller: Teller }
.local Give = !Take{hand(chan(Talk, Asker)). end}
.local Take = ?Give{hand(chan(Talk, Asker)). end}
.shape Hands { Give: Give, Take: Take }
.layer auth 1
.layer disk 2
.effect number(u64) -> (u64)
.effect guess() -> (u64) speculative

.func source(c: chan(Stream, Source), n: u64) {
    .reg one, three, zero, more, rest, f, s, t, nan
    const.u64 one, 1
    const.u64 three, 3
    const.u64 zero, 0
    const.f64 f, 1.5
    const.f64 nan, nan:0xfff8000000000123
    const.pool s, \"a text\"
    jmp @loop
@loop:
    u64.gt more, n, zero
    br more, @step, @stop
@step:
    u64.sub n, n, one
    u64.rem rest, n, three
    u64.gt more, rest, zero
    br more, @item, @text
@item:
    f64.add f, f, nan
    offer c, item, f
    jmp @loop
@text:
    offer c, text, s
    receive c -> t
    tuple.get s, t, 1
    jmp @loop
@stop:
    offer c, stop, -
    halt
}
.func sink(c: chan(Stream, Sink)) {
    .reg f, s, t, count, one
    const.u64 count, 0
    const.u64 one, 1
    jmp @loop
@loop:
    choose c, [item, text, stop], (f, s, r0), (@item, @text, @stop)
@item:
    u64.add count, count, one
    jmp @loop
@text:
    invoke number (count) -> count
    str.concat s, s, s
    tuple.new t, (count, s)
    send c, t
    jmp @loop
@stop:
    halt
}
.func asker(c: chan(Talk, Asker), n: u64) {
    .reg m, r
    const.u64 m, 10
    fork n
    send c, n
    invoke guess () -> m
    yield
    abort
    fork n
    send c, n
    fork m
    send c, m
    join
    yield
    join
    receive c -> r
    halt
}
.func teller(c: chan(Talk, Teller), ghost: u64) {
    .reg a, b
    fork ghost
    receive c -> a
    yield
    abort
    receive c -> a
    receive c -> b
    u64.add a, a, b
    send c, a
    halt
}
.func hander(c: chan(Hands, Give), ghost: u64) {
    .reg a, b
    open Talk -> (a, b)
    spawn &teller (b, ghost) -> -
    send c, a
    halt
}
.func taker(c: chan(Hands, Take), n: u64) {
    .reg a
    receive c -> a
    ret_call &asker (a, n)
}
.func lender(id: epid, s: str, n: u64, bundle: bytes) {
    .reg a, b, k, t, ok
    open Talk -> (a, b)
    spawn &teller (b, n) -> -
    spawn &borrower (a, n) -> k
    tuple.new t, (id, s)
    tag t -> ok
    check t, s -> ok
    yield
    transfer a, k, bundle
    halt
}
.func borrower(h: handle(Talk, Asker), n: u64) {
    .reg e, r
    acquire auth -> e
    send h, n
    release auth, e
    send h, n
    receive h -> r
    halt
}
.func guarded(n: u64) {
    .reg e, d, one, zero, more
    const.u64 one, 1
    const.u64 zero, 0
    jmp @loop
@loop:
    acquire disk -> d
    acquire auth -> e
    yield
    release auth, e
    release disk, d
    u64.sub n, n, one
    u64.gt more, n, zero
    br more, @loop, @end
@end:
    halt
}
";

/// Opens sessions and begins coroutines. What comes then is up to the handler.
pub(crate) fn begin<H: EffectHandler>(machine: &mut SessionMachine<(), H>, n: u64) {
    let (stream, talk, hands) = (machine.begin("Stream"), machine.begin("Talk"), machine.begin("Hands"));
    machine.start("source", &[chan(stream[0]), Value::U64(n)]);
    machine.start("sink", &[chan(stream[1])]);
    machine.start("asker", &[chan(talk[0]), Value::U64(n)]);
    machine.start("teller", &[chan(talk[1]), Value::U64(1)]);
    machine.start("hander", &[chan(hands[0]), Value::U64(2)]);
    machine.start("taker", &[chan(hands[1]), Value::U64(n)]);
    let bundle = Value::Bytes(vec![1, 2, 3]);
    machine.start("lender", &[Value::Epid(talk[0]), Value::from("Teller"), Value::U64(n), bundle]);
    for _ in 0..3 {
        machine.start("guarded", &[Value::U64(n / 3 + 1)]);
    }
}

/// Decides by a number that counts decisions: now and then it blocks, changes or loses something, fails or panics.
#[derive(Clone, Debug)]
pub(crate) struct Decides {
    /// The number that decisions go by.
    pub(crate) state: u64,
    /// How bad it may get: 0 only blocks and changes, 1 fails too, 2 loses messages too, 3 panics too.
    pub(crate) badness: u64,
    pub(crate) sees_messages: bool,
    pub(crate) asked: u64,
}

impl Decides {
    pub(crate) fn new(seed: u64, badness: u64) -> Self {
        Self { state: seed, badness, sees_messages: true, asked: 0 }
    }

    fn draw(&mut self, bound: u64) -> u64 {
        self.asked += 1;
        self.state =
            self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) % bound
    }

    /// Whether something as bad as this happens now.
    fn fails(&mut self, badness: u64, one_in: u64) -> bool {
        self.draw(one_in) == 0 && self.badness >= badness
    }
}

impl EffectHandler for Decides {
    fn invoke(&mut self, call: EffectCall<'_>) -> Outcome<Value> {
        assert!(!self.fails(3, 40), "the handler broke at decision {}", self.asked);
        if self.fails(1, 40) {
            return Outcome::Failed("not today".into());
        }
        if self.draw(4) == 0 {
            return Outcome::Blocked;
        }
        let arg = call.args.first().map_or(0, |value| if let Value::U64(n) = value { *n } else { 0 });
        Outcome::Done(Value::U64(arg.wrapping_add(self.draw(100))))
    }

    fn acquire(&mut self, _: GuardCall<'_>) -> Outcome<()> {
        assert!(!self.fails(3, 80), "the handler broke at decision {}", self.asked);
        if self.fails(1, 80) {
            return Outcome::Failed("not you".into());
        }
        if self.draw(5) == 0 { Outcome::Blocked } else { Outcome::Done(()) }
    }

    fn release(&mut self, _: GuardCall<'_>) {
        assert!(!self.fails(3, 80), "the handler broke at decision {}", self.asked);
    }

    fn sees_messages(&self) -> bool {
        self.sees_messages
    }

    fn on_send(&mut self, message: MessageInfo<'_>) -> SendDecision {
        assert!(!self.fails(3, 100), "the handler broke at decision {}", self.asked);
        if self.fails(1, 100) {
            return SendDecision::Fail("no".into());
        }
        if self.fails(2, 50) {
            return SendDecision::Drop;
        }
        match (self.draw(4), message.value) {
            (0, Value::U64(n)) => SendDecision::Replace(Value::U64(n ^ 1)),
            (0, Value::Str(text)) => SendDecision::Replace(Value::Str(format!("{text}!"))),
            (0, Value::F64(_)) => SendDecision::Replace(Value::F64(f64::from_bits(0x7ff0_0000_0000_0001))),
            _ => SendDecision::Deliver,
        }
    }

    fn on_recv(&mut self, _: MessageInfo<'_>) -> Result<(), String> {
        assert!(!self.fails(3, 100), "the handler broke at decision {}", self.asked);
        if self.fails(1, 100) { Err("not me".into()) } else { Ok(()) }
    }

    fn on_transfer(&mut self, _: Receipt<'_>) -> Result<(), String> {
        assert!(!self.fails(3, 10), "the handler broke at decision {}", self.asked);
        if self.fails(1, 10) { Err("keep it".into()) } else { Ok(()) }
    }
}

/// Runs on, waking who waits for the host, until nothing goes on any more. Gives how each part of it ended.
pub(crate) fn run_out<H: EffectHandler>(machine: &mut SessionMachine<(), H>) -> Vec<String> {
    let mut ends = Vec::new();
    for _ in 0..10_000 {
        let status = machine.run(1 << 20);
        match &status {
            RunStatus::AllDone => {
                ends.push("done".into());
                return ends;
            }
            RunStatus::Trapped(trap) => ends.push(trap.to_string()),
            RunStatus::Stuck(report) => {
                ends.push(report.to_string());
                let waiting: Vec<CoroId> = report.blocked.iter().map(|blocked| blocked.coro).collect();
                let woken = waiting.into_iter().filter(|&coro| machine.wake(coro).is_ok()).count();
                if woken == 0 {
                    return ends;
                }
            }
            other => ends.push(format!("{other:?}")),
        }
        if matches!(status, RunStatus::OutOfFuel | RunStatus::MaxTicks | RunStatus::Interrupted) {
            return ends;
        }
    }
    panic!("it does not end");
}
