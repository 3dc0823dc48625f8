//! Random programs as text: code that follows its types most of the time, so that it comes far, and does not now and then.

use super::Bytes;
use std::fmt::Write as _;

const ROLES: [&str; 3] = ["A", "B", "C"];
const LABELS: [&str; 3] = ["x", "y", "z"];

/// What messages carry, with a register that holds one; nothing for unit.
const PAYLOADS: [(&str, &str); 12] = [
    ("", "r0"),
    ("", "r0"),
    ("(u64)", "n"),
    ("(i64)", "i"),
    ("(f64)", "f"),
    ("(str)", "s"),
    ("(bytes)", "b"),
    ("(bool)", "p"),
    ("(decimal)", "d"),
    ("(tuple(epid, str))", "t"),
    ("(coro)", "k"),
    ("(chan(S0, A))", ""),
];

/// What every program declares beside its types.
const FIXED: &str = "
.layer auth 1
.layer disk 2
.effect ask(u64, str) -> (u64)
.effect tell(bytes)
.effect peek() -> (u64) speculative
";

/// Registers that every function has as parameters; endpoints come before them.
const PARAMS: &str =
    "n: u64, i: i64, f: f64, s: str, b: bytes, p: bool, d: decimal, id: epid, k: coro, g: agg, fn: func";
const ARGS: &str = "n, i, f, s, b, p, d, id, k, t, fn";

/// A message that a role sends or receives.
#[derive(Clone, Copy)]
struct Step {
    sends: bool,
    partner: usize,
    labels: usize,
    payload: usize,
}

struct Shape {
    roles: Vec<Vec<Step>>,
    loops: bool,
}

impl Shape {
    /// Of a sequence of messages, each role has what it is part of; sometimes one has something else.
    fn draw(bytes: &mut Bytes<'_>, first: bool) -> Self {
        let count = if bytes.one_in(3) { 3 } else { 2 };
        let mut roles = vec![Vec::new(); count];
        for _ in 0..1 + bytes.below(5) {
            let from = bytes.below(count);
            let to = (from + 1 + bytes.below(count - 1)) % count;
            let labels = 1 + usize::from(bytes.one_in(3));
            // What carries endpoints of the first shape is another shape's.
            let payload = bytes.below(if first { PAYLOADS.len() - 1 } else { PAYLOADS.len() });
            roles[from].push(Step { sends: true, partner: to, labels, payload });
            let labels = if bytes.one_in(20) { 1 + bytes.below(2) } else { labels };
            let payload = if bytes.one_in(20) { bytes.below(PAYLOADS.len() - 1) } else { payload };
            roles[to].push(Step { sends: false, partner: from, labels, payload });
        }
        Self { roles, loops: bytes.one_in(3) }
    }

    fn text(&self, role: usize) -> String {
        let steps = &self.roles[role];
        let loops = self.loops && !steps.is_empty();
        let mut text = String::from(if loops { "mu x. " } else { "" });
        // All labels of a choice lead to the same rest, which the assembler shares.
        let mut rest = String::from(if loops { "x" } else { "end" });
        for step in steps.iter().rev() {
            let mark = if step.sends { '!' } else { '?' };
            let payload = PAYLOADS[step.payload].0;
            let branch = |label: &&str| format!("{label}{payload}. {rest}");
            let branches: Vec<String> = LABELS[..step.labels].iter().map(branch).collect();
            rest = format!("{mark}{}{{{}}}", ROLES[step.partner], branches.join(", "));
        }
        text.push_str(&rest);
        text
    }
}

struct Function {
    chans: Vec<(usize, usize)>,
    handle: bool,
    evidence: bool,
}

/// A program.
pub(crate) fn draw(bytes: &mut Bytes<'_>) -> String {
    let mut out = String::from(FIXED);
    let shapes: Vec<Shape> = (0..1 + bytes.below(2)).map(|n| Shape::draw(bytes, n == 0)).collect();
    for (n, shape) in shapes.iter().enumerate() {
        let mut list = Vec::new();
        for (role, name) in ROLES.iter().enumerate().take(shape.roles.len()) {
            let _ = writeln!(out, ".local L{n}{name} = {}", shape.text(role));
            list.push(format!("{name}: L{n}{name}"));
        }
        let _ = writeln!(out, ".shape S{n} {{ {} }}", list.join(", "));
    }
    // Labels that programs may name.
    out.push_str(".local F = !G{x. end, y. end, z. end}\n.local G = ?F{x. end, y. end, z. end}\n");
    out.push_str(".shape Last { F: F, G: G }\n");
    let mut functions = Vec::new();
    for (shape, roles) in shapes.iter().map(|shape| shape.roles.len()).enumerate() {
        // One for each role, and some that have none or several.
        functions.extend((0..roles).map(|role| Function {
            chans: vec![(shape, role)],
            handle: bytes.one_in(5),
            evidence: bytes.one_in(10),
        }));
    }
    for _ in 0..1 + bytes.below(3) {
        let chans = (0..bytes.below(3)).map(|_| {
            let shape = bytes.below(shapes.len());
            (shape, bytes.below(shapes[shape].roles.len()))
        });
        let chans = chans.collect();
        functions.push(Function { chans, handle: bytes.one_in(4), evidence: bytes.one_in(10) });
    }
    for at in 0..functions.len() {
        function(&mut out, bytes, at, &functions, &shapes);
    }
    out
}

fn signature(function: &Function) -> String {
    let mut params: Vec<String> = Vec::new();
    for (n, (shape, role)) in function.chans.iter().enumerate() {
        let ty = if function.handle && n == 0 { "handle" } else { "chan" };
        params.push(format!("c{n}: {ty}(S{shape}, {})", ROLES[*role]));
    }
    if function.evidence {
        params.push("e0: evidence(auth)".into());
    }
    params.push(PARAMS.into());
    params.join(", ")
}

/// A register with an endpoint, and how far its conversation is.
#[derive(Clone)]
struct Chan {
    name: String,
    shape: usize,
    role: usize,
    at: usize,
}

/// Writes one function.
struct Writer<'w, 'b> {
    out: &'w mut String,
    bytes: &'w mut Bytes<'b>,
    functions: &'w [Function],
    shapes: &'w [Shape],
    chans: Vec<Chan>,
    /// Endpoints as they were at each `fork` that is open.
    forks: Vec<Vec<Chan>>,
    evidence: Vec<(String, &'static str)>,
    fresh: usize,
    blocks: usize,
}

fn function(out: &mut String, bytes: &mut Bytes<'_>, at: usize, functions: &[Function], shapes: &[Shape]) {
    let function = &functions[at];
    let _ = writeln!(out, ".func f{at}({}) {{\n .reg t, q, one", signature(function));
    let _ = writeln!(out, " tuple.new t, (id, s)\n const.u64 one, 1\n const.bool q, true");
    let chans = function.chans.iter().enumerate();
    let chans = chans.map(|(n, &(shape, role))| Chan { name: format!("c{n}"), shape, role, at: 0 });
    let evidence = if function.evidence { vec![("e0".to_string(), "auth")] } else { vec![] };
    let mut writer = Writer {
        out,
        bytes,
        functions,
        shapes,
        chans: chans.collect(),
        forks: Vec::new(),
        evidence,
        fresh: 0,
        blocks: 0,
    };
    writer.line("jmp @b0");
    writer.begin_block();
    for _ in 0..writer.bytes.below(24) {
        // Only what is left to say, or anything.
        if writer.bytes.below(8) < 5 { writer.go_on() } else { writer.noise() }
    }
    writer.end();
}

impl Writer<'_, '_> {
    fn line(&mut self, text: &str) {
        let _ = writeln!(self.out, " {text}");
    }

    fn begin_block(&mut self) {
        let _ = writeln!(self.out, "@b{}:", self.blocks);
        self.blocks += 1;
    }

    /// A register that nothing has used.
    fn fresh(&mut self) -> String {
        self.fresh += 1;
        format!("r{}", 60 + self.fresh)
    }

    fn any_chan(&mut self) -> Option<String> {
        (!self.chans.is_empty()).then(|| self.bytes.pick(&self.chans).name.clone())
    }

    /// The next message of a conversation, or the end of a part.
    fn go_on(&mut self) {
        if self.chans.is_empty() {
            return self.noise();
        }
        let at = self.bytes.below(self.chans.len());
        let chan = self.chans[at].clone();
        let shape = &self.shapes[chan.shape];
        let Some(&step) = shape.roles[chan.role].get(chan.at) else { return self.noise() };
        let last = chan.at + 1 == shape.roles[chan.role].len();
        self.chans[at].at = if last && shape.loops { 0 } else { chan.at + 1 };
        let name = chan.name;
        if step.sends {
            let Some(value) = self.payload(step, at) else { return };
            let label = LABELS[self.bytes.below(step.labels)];
            if step.labels == 1 && !self.bytes.one_in(4) {
                self.line(&format!("send {name}, {value}"));
            } else {
                let value = if value == "r0" { "-" } else { &value };
                self.line(&format!("offer {name}, {label}, {value}"));
            }
            return;
        }
        let mut dst = || if PAYLOADS[step.payload].0.is_empty() { "r0".to_string() } else { self.fresh() };
        if step.labels == 1 {
            let dst = dst();
            self.line(&format!("receive {name} -> {dst}"));
            if PAYLOADS[step.payload].1.is_empty() {
                self.chans.push(Chan { name: dst, shape: 0, role: 0, at: 0 });
            }
        } else {
            let (v, w) = (dst(), dst());
            let next = self.blocks;
            self.line(&format!("choose {name}, [x, y], ({v}, {w}), (@b{next}, @b{next})"));
            self.begin_block();
        }
    }

    /// A register with what a message carries.
    fn payload(&mut self, step: Step, sender: usize) -> Option<String> {
        let (_, register) = PAYLOADS[step.payload];
        if !register.is_empty() {
            return Some(register.into());
        }
        let fits = |(n, chan): &(usize, &Chan)| *n != sender && (chan.shape, chan.role, chan.at) == (0, 0, 0);
        let found = self.chans.iter().enumerate().find(fits).map(|(n, _)| n)?;
        Some(self.chans.remove(found).name)
    }

    /// Arguments for the endpoints that a function takes, which are gone then, but for one that is only lent.
    fn arguments(&mut self, callee: usize) -> Option<String> {
        let mut args = Vec::new();
        let Function { chans, handle, evidence } = &self.functions[callee];
        for (n, &(shape, role)) in chans.iter().enumerate() {
            let fits = |chan: &Chan| (chan.shape, chan.role, chan.at) == (shape, role, 0);
            match self.chans.iter().position(fits) {
                Some(at) if *handle && n == 0 => args.push(self.chans[at].name.clone()),
                Some(at) => args.push(self.chans.remove(at).name),
                None if self.bytes.one_in(3) => args.push(self.any_chan()?),
                None => return None,
            }
        }
        if *evidence {
            args.push(self.evidence.pop()?.0);
        }
        args.push(ARGS.into());
        Some(args.join(", "))
    }

    fn spawn(&mut self) {
        let callee = self.bytes.below(self.functions.len());
        let lent = self.functions[callee].handle;
        let Some(args) = self.arguments(callee) else { return };
        self.line(&format!("spawn &f{callee} ({args}) -> k"));
        if lent && let Some(&(shape, role)) = self.functions[callee].chans.first() {
            if self.bytes.one_in(2) {
                self.line("yield");
            }
            let fits = |chan: &Chan| (chan.shape, chan.role) == (shape, role);
            if let Some(at) = self.chans.iter().position(fits) {
                let chan = self.chans.remove(at).name;
                let bundle = ["-", "b"][self.bytes.below(2)];
                self.line(&format!("transfer {chan}, k, {bundle}"));
            }
        }
    }

    fn open(&mut self) {
        let shape = self.bytes.below(self.shapes.len());
        let roles = 0..self.shapes[shape].roles.len();
        let dsts: Vec<String> = roles.map(|_| self.fresh()).collect();
        self.line(&format!("open S{shape} -> ({})", dsts.join(", ")));
        let chans = dsts.into_iter().enumerate();
        self.chans.extend(chans.map(|(role, name)| Chan { name, shape, role, at: 0 }));
        for _ in 0..self.bytes.below(4) {
            self.spawn();
        }
    }

    /// Anything, whether it fits or not.
    fn noise(&mut self) {
        let any = self.any_chan();
        let with = |text: &str| any.as_ref().map(|chan| text.replace('?', chan));
        let text = match self.bytes.below(34) {
            0 => {
                let (_, value) = *self.bytes.pick(&PAYLOADS[..11]);
                with(&format!("send ?, {value}"))
            }
            1 => {
                let dst = self.fresh();
                with(&format!("receive ? -> {dst}"))
            }
            2 => with("offer ?, z, -"),
            3 if self.bytes.one_in(3) => with("close ?"),
            4 | 5 => Some("invoke ask (n, s) -> n".into()),
            6 => Some("invoke tell (b) -> -".into()),
            7 | 8 => Some("invoke peek () -> n".into()),
            9..=11 => {
                let (layer, dst) = (["auth", "disk"][self.bytes.below(2)], self.fresh());
                self.evidence.push((dst.clone(), layer));
                Some(format!("acquire {layer} -> {dst}"))
            }
            12..=14 => self.evidence.pop().map(|(evidence, layer)| format!("release {layer}, {evidence}")),
            15 | 16 => {
                self.forks.push(self.chans.clone());
                Some("fork n".into())
            }
            17 | 18 => (self.forks.pop().is_some() || self.bytes.one_in(8)).then(|| "join".into()),
            19 | 20 => match self.forks.pop() {
                Some(chans) => {
                    self.chans = chans;
                    Some("abort".into())
                }
                None => self.bytes.one_in(8).then(|| "abort".into()),
            },
            21 => with("transfer ?, k, -"),
            22 => Some("tag t -> p".into()),
            23 => Some("check t, s -> p".into()),
            24..=26 => {
                self.spawn();
                None
            }
            27 | 28 => {
                self.open();
                None
            }
            29 => {
                let callee = self.bytes.below(self.functions.len());
                self.arguments(callee).map(|args| format!("call &f{callee} ({args}) -> ()"))
            }
            30 => {
                let dst = self.fresh();
                let text = with(&format!("mov {dst}, ?"));
                let moved = any.as_ref().and_then(|any| self.chans.iter().position(|chan| chan.name == *any));
                if let Some(at) = moved.filter(|_| !self.bytes.one_in(6)) {
                    self.chans[at].name = dst;
                }
                text
            }
            31 => Some("str.concat s, s, s".into()),
            32 => Some("u64.sub n, n, one".into()),
            _ => Some("yield".into()),
        };
        if let Some(text) = text {
            self.line(&text);
        }
    }

    /// Lets go of everything, most of the time, and ends or begins again.
    fn end(&mut self) {
        while self.forks.pop().is_some() {
            let how = self.bytes.below(2);
            self.line(["join", "abort"][how]);
        }
        while let Some((evidence, layer)) = self.evidence.pop() {
            if !self.bytes.one_in(6) {
                self.line(&format!("release {layer}, {evidence}"));
            }
        }
        for chan in std::mem::take(&mut self.chans) {
            let shape = &self.shapes[chan.shape];
            let done = !shape.loops && chan.at >= shape.roles[chan.role].len();
            if !done && !self.bytes.one_in(6) {
                self.line(&format!("close {}", chan.name));
            }
        }
        match self.bytes.below(8) {
            0 => self.line("jmp @b0"),
            1 => {
                let back = self.bytes.below(self.blocks);
                let next = self.blocks;
                self.line(&format!("br p, @b{back}, @b{next}"));
                self.begin_block();
                self.line("halt");
            }
            2 | 3 => self.line("ret ()"),
            _ => self.line("halt"),
        }
        let _ = writeln!(self.out, "}}");
    }
}
