//! Random functions that call each other, speculate, and are handed endpoints in messages. What the verifier says of them is
//! what following every call says, and what it accepts never does in a speculation what cannot be undone.

mod random_support;

use opforge_vm::asm::assemble;
use opforge_vm::ids::{FuncId, ShapeId};
use opforge_vm::session::{
    EffectCall, EffectHandler, Outcome, Policy, RunStatus, SessionConfig, SessionMachine,
};
use opforge_vm::verify::{NotUndone, VerifiedProgram, VerifyConfig, VerifyErrorKind, VerifyReport, verify};
use opforge_vm::{Capabilities, Engine, Limits, Linker, Module, SessionFault, TrapCode, TrapDetail, Value};
use random_support::Random;

/// `Hand` hands over endpoints of which nothing is left to be done, `Talk` says numbers; both for ever.
const FIXED: &str = "
.local Give = mu x. !W{job. x}
.local Take = ?B{job. end}
.local Gone = end
.shape Job { B: Give, W: Take }
.shape Hand = mu x. X -> Y{hand(chan(Job, Gone)). x}
.shape Talk = mu x. X -> Y{say(u64). x}
.func hands(x: chan(Hand, X)) {
    jmp @again
@again:
    open Job -> (r2, r3)
    send r2, r0
    receive r3 -> r0
    send x, r3
    close r2
    jmp @again
}
.func says(x: chan(Talk, X), n: u64) {
    jmp @again
@again:
    send x, n
    jmp @again
}
.func main(y: chan(Hand, Y), t: chan(Talk, Y), n: u64) {
    call &f0 (y, t, n) -> (y, t)
    close y
    close t
    halt
}
";

#[derive(Clone, Copy)]
enum Line {
    Hand,
    Say,
    Call(usize),
    Fork,
    Join,
    Abort,
}

/// A function of lines, which ends in a tail call or not.
struct Func {
    lines: Vec<Line>,
    tail: Option<usize>,
}

impl Func {
    fn draw(rng: &mut Random, count: usize) -> Self {
        let (mut lines, mut depth) = (Vec::new(), 0);
        for _ in 0..rng.below(7) {
            lines.push(match rng.below(12) {
                0 | 1 => Line::Hand,
                2 | 3 => Line::Say,
                4 | 5 => Line::Call(rng.below(count)),
                6..=8 => {
                    depth += 1;
                    Line::Fork
                }
                _ if depth == 0 => Line::Say,
                n => {
                    depth -= 1;
                    if n == 10 { Line::Join } else { Line::Abort }
                }
            });
        }
        lines.extend(vec![Line::Join; depth]);
        Self { lines, tail: (rng.below(6) == 0).then(|| rng.below(count)) }
    }

    fn text(&self, at: usize) -> String {
        let params = "y: chan(Hand, Y), t: chan(Talk, Y)";
        let mut text = format!(".func f{at}({params}, n: u64) -> ({params}) {{\n");
        for line in &self.lines {
            let line = match line {
                Line::Hand => "receive y -> r5",
                Line::Say => "receive t -> r6",
                Line::Call(callee) => &format!("call &f{callee} (y, t, n) -> (y, t)"),
                Line::Fork => "fork n",
                Line::Join => "join",
                Line::Abort => "abort",
            };
            text += &format!("    {line}\n");
        }
        let end = self.tail.map_or("ret (y, t)".into(), |callee| format!("ret_call &f{callee} (y, t, n)"));
        text + &format!("    {end}\n}}\n")
    }

    /// Whether it may come to be handed an endpoint, if that is known of what it calls.
    fn hands(&self, hands: &[bool]) -> bool {
        let line = |line: &Line| match line {
            Line::Hand => true,
            Line::Call(callee) => hands[*callee],
            _ => false,
        };
        self.lines.iter().any(line) || self.tail.is_some_and(|callee| hands[callee])
    }

    /// What stands in a speculation and must not: messages, or calls.
    fn wrong(&self, at: usize, hands: &[bool], calls: bool) -> Vec<String> {
        let (mut depth, mut wrong) = (0usize, Vec::new());
        for line in &self.lines {
            match line {
                Line::Fork => depth += 1,
                Line::Join | Line::Abort => depth -= 1,
                Line::Hand if depth > 0 && !calls => wrong.push(format!("f{at} receive")),
                Line::Call(callee) if depth > 0 && calls && hands[*callee] => {
                    wrong.push(format!("f{at} call"));
                }
                _ => {}
            }
        }
        wrong
    }
}

/// Each error as function and mnemonic.
fn told(report: &VerifyReport) -> Vec<String> {
    let tell = |error: &opforge_vm::verify::VerifyError| {
        let why = NotUndone::Delegation;
        assert_eq!(*error.kind(), VerifyErrorKind::RefusedInSpeculation { why }, "{report}");
        let op = error.instr().and_then(|text| text.split(' ').next());
        format!("{} {}", error.func_name().unwrap_or(""), op.unwrap_or(""))
    };
    report.errors().iter().map(tell).collect()
}

struct Nobody;

impl EffectHandler for Nobody {
    fn invoke(&mut self, _: EffectCall<'_>) -> Outcome<Value> {
        Outcome::Failed("there are no effects".into())
    }
}

/// Runs a program. How it ends: none if it goes on and on.
fn run(verified: &VerifiedProgram) -> Option<(TrapCode, TrapDetail)> {
    let module = Module::new(&Engine::default(), verified).unwrap();
    let instance = Linker::new().instantiate(&module, (), &Capabilities::none()).unwrap();
    let config = SessionConfig::new().policy(Policy::Cooperative).speculation(1000);
    let limits = Limits::new().fuel(3000).call_depth(40);
    let mut machine = SessionMachine::new(instance, Nobody, config, limits).unwrap();
    let (hand, talk) = (machine.open(ShapeId(1)).unwrap(), machine.open(ShapeId(2)).unwrap());
    let (number, end) = (Value::U64(1), Value::Endpoint);
    machine.spawn(FuncId(0), &[end(hand[0])]).unwrap();
    machine.spawn(FuncId(1), &[end(talk[0]), number.clone()]).unwrap();
    let main = machine.spawn(FuncId(2), &[end(hand[1]), end(talk[1]), number]).unwrap();
    loop {
        match machine.run(u64::MAX) {
            RunStatus::Trapped(trap) if trap.coro == main => return Some((trap.trap.code, trap.trap.detail)),
            // Those that send find out that nobody is there any more.
            RunStatus::Trapped(_) => {}
            RunStatus::Stuck(report) => panic!("{report}"),
            _ => return None,
        }
    }
}

#[test]
fn random_callers_are_refused_exactly_and_run_well() {
    let mut rng = Random(0x1234_5678_9abc_def1);
    let (mut accepted, mut wrong_calls, mut trapped) = (0, 0, 0);
    for _ in 0..if cfg!(debug_assertions) { 1000 } else { 10_000 } {
        let count = 1 + rng.below(6);
        let funcs: Vec<Func> = (0..count).map(|_| Func::draw(&mut rng, count)).collect();
        let mut hands = vec![false; count];
        for _ in 0..count {
            hands = funcs.iter().map(|func| func.hands(&hands)).collect();
        }
        // Messages are told with their functions, calls when all functions are known.
        let wrong = |calls| -> Vec<String> {
            funcs.iter().enumerate().flat_map(|(at, func)| func.wrong(at, &hands, calls)).collect()
        };
        let calls = wrong(true);
        wrong_calls += usize::from(!calls.is_empty());
        let expected = [wrong(false), calls].concat();
        let texts: Vec<String> = funcs.iter().enumerate().map(|(at, func)| func.text(at)).collect();
        let source = format!("{FIXED}{}", texts.concat());
        let program = assemble(&source).unwrap_or_else(|errors| panic!("{errors}\n{source}"));
        match verify(program.clone(), &VerifyConfig::new().max_errors(1000)) {
            Ok(verified) => {
                assert_eq!(expected, [""; 0], "{source}");
                let end = run(&verified);
                let depth = matches!(end, None | Some((TrapCode::CallDepthExceeded, _)));
                assert!(depth, "{end:?}\n{source}");
                accepted += 1;
            }
            Err(report) => {
                assert_eq!(told(&report), expected, "{source}\n{report}");
                let unchecked = verify(program, &VerifyConfig::new().unchecked_sessions(true)).unwrap();
                let fault = TrapDetail::Session(SessionFault::InSpeculation);
                trapped += usize::from(run(&unchecked) == Some((TrapCode::SpeculationFault, fault)));
            }
        }
    }
    println!("{accepted} accepted, {wrong_calls} with wrong calls, {trapped} trap if they are not refused");
    assert!(accepted > 300 && wrong_calls > 100 && trapped > 100, "{accepted} {wrong_calls} {trapped}");
}
