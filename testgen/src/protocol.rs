//! Random conversations: global types of which every role has a projection.
//!
//! Most random types have none, so types are made until one has. What helps them: whoever chooses mostly tells the
//! others, by a message of its own to each, by a chain, or once for several branches that go on alike; or the branches
//! are the receiver's business alone and all go on alike.

use crate::choices::Choices;
use crate::seed_bytes;
use arbitrary::Unstructured;
use opforge_vm::ValueType;
use opforge_vm::protocol::{Branch, GlobalType, LocalType, MergeMode, Name, Payload};

const ROLES: [&str; 5] = ["Ann", "Bob", "Cid", "Dan", "Eve"];
const LABELS: [&str; 9] = ["ask", "bid", "cut", "do", "else", "fit", "get", "hit", "if"];

/// Messages of a type; more are too large to be run often.
const MOST_MESSAGES: usize = 120;

/// Random types that are looked at for one with projections.
const MOST_TRIES: u64 = 400;

/// A conversation with the types of its roles.
#[derive(Clone, Debug)]
pub struct Protocol {
    /// The conversation.
    pub global: GlobalType,
    /// Its roles, sorted, with what they do; [`GlobalType::project_all`] with [`MergeMode::Full`].
    pub locals: Vec<(Name, LocalType)>,
    /// Types before this one that had no projection to some role.
    pub refused: usize,
}

/// The conversation of a seed: two to five roles and at least two messages.
///
/// # Panics
/// If none of many types has projections; no seed is known for which that is so.
#[must_use]
pub fn protocol(seed: u64) -> Protocol {
    let mut refused = 0;
    for turn in 0..MOST_TRIES {
        let bytes = seed_bytes(seed.wrapping_mul(MOST_TRIES).wrapping_add(turn) ^ 0x70_726f_746f);
        let (global, messages) = Maker::new(&mut Unstructured::new(&bytes)).conversation();
        if !(2..=MOST_MESSAGES).contains(&messages) || global.check().is_err() {
            continue;
        }
        match global.project_all(MergeMode::Full) {
            Ok(locals) => return Protocol { global, locals, refused },
            Err(_) => refused += 1,
        }
    }
    panic!(
        "seed {seed}: {refused} of {MOST_TRIES} types have no projection, the others are too small or too large"
    )
}

/// The variables of the loops around, and how many of them may stand here.
#[derive(Clone, Debug, Default)]
struct Scope {
    vars: Vec<String>,
    guarded: usize,
}

impl Scope {
    /// Behind a message.
    fn guard(&self) -> Self {
        Self { vars: self.vars.clone(), guarded: self.vars.len() }
    }

    /// A loop with a fresh variable or, now and then, one that hides another.
    fn bind(&self, choices: &mut Choices<'_, '_>) -> (String, Self) {
        let fresh = format!("x{}", self.vars.len());
        let var = self.vars.first().filter(|_| choices.chance(25)).cloned().unwrap_or(fresh);
        let mut inner = self.clone();
        // A variable that is hidden cannot be used here any more.
        if let Some(hidden) = inner.vars.iter().position(|known| *known == var) {
            inner.vars.remove(hidden);
            inner.guarded -= usize::from(hidden < inner.guarded);
        }
        inner.vars.push(var.clone());
        (var, inner)
    }
}

/// How those hear of a choice who are not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tell {
    /// The sender tells each.
    All,
    /// Each tells the next.
    Chain,
    /// Nobody does.
    None,
}

struct Maker<'u, 'a> {
    choices: Choices<'u, 'a>,
    roles: usize,
    /// What each label carries.
    carried: Vec<Payload>,
    messages: usize,
}

impl<'u, 'a> Maker<'u, 'a> {
    fn new(bytes: &'u mut Unstructured<'a>) -> Self {
        let mut choices = Choices::new(bytes);
        let roles = 2 + choices.below(ROLES.len() - 1);
        let carried = LABELS.map(|_| payload(&mut choices, 0)).to_vec();
        Self { choices, roles, carried, messages: 0 }
    }

    /// A type, and the number of messages in it.
    fn conversation(mut self) -> (GlobalType, usize) {
        let depth = 2 + self.choices.below(7);
        let ty = self.part(depth, &Scope::default());
        (ty, self.messages)
    }

    /// A type that is at most so deep.
    fn part(&mut self, depth: usize, scope: &Scope) -> GlobalType {
        if depth == 0 || self.messages > MOST_MESSAGES || (!scope.vars.is_empty() && self.choices.chance(8)) {
            let usable = scope.vars.get(..scope.guarded).unwrap_or(&[]);
            let end = self.choices.chance(40);
            return match self.choices.pick(usable) {
                Some(var) if !end => GlobalType::var(var),
                _ => GlobalType::end(),
            };
        }
        if self.choices.chance(30) {
            let (var, inner) = scope.bind(&mut self.choices);
            return GlobalType::mu(&var, self.part(depth - 1, &inner));
        }
        if self.choices.chance(35) { self.choice(depth, scope) } else { self.message(depth, scope) }
    }

    fn message(&mut self, depth: usize, scope: &Scope) -> GlobalType {
        let (from, to) = self.pair();
        let label = self.choices.below(LABELS.len());
        let next = self.part(depth - 1, &scope.guard());
        self.say(from, to, label, next)
    }

    /// Two different roles.
    fn pair(&mut self) -> (usize, usize) {
        let from = self.choices.below(self.roles);
        (from, (from + 1 + self.choices.below(self.roles - 1)) % self.roles)
    }

    fn branch(&mut self, label: usize, next: GlobalType) -> Branch<GlobalType> {
        self.messages += 1;
        Branch::new(LABELS[label], self.carried[label].clone(), next)
    }

    fn say(&mut self, from: usize, to: usize, label: usize, next: GlobalType) -> GlobalType {
        let branch = self.branch(label, next);
        GlobalType::message(ROLES[from], ROLES[to], [branch])
    }

    /// A message with several labels. Branches are in groups: those of one group go on alike, and the others hear which
    /// group it is.
    fn choice(&mut self, depth: usize, scope: &Scope) -> GlobalType {
        let (from, to) = self.pair();
        let inner = scope.guard();
        let mut labels: Vec<usize> = (0..LABELS.len()).collect();
        let count = 2 + self.choices.below(3);
        let labels: Vec<usize> =
            (0..count).map(|_| labels.swap_remove(self.choices.below(labels.len()))).collect();
        let groups = 1 + self.choices.below(count);
        let tell = match self.choices.below(8) {
            0 => Tell::None,
            1 | 2 => Tell::Chain,
            _ => Tell::All,
        };
        let nexts: Vec<GlobalType> = (0..groups)
            .map(|group| {
                let next = self.part(depth - 1, &inner);
                if groups == 1 { next } else { self.tell(tell, (from, to), labels[group], next) }
            })
            .collect();
        let branches: Vec<_> = labels
            .iter()
            .enumerate()
            .map(|(at, &label)| {
                let next = nexts[at % groups].clone();
                let next = if self.choices.chance(30) { self.aside(from, to, next) } else { next };
                self.branch(label, next)
            })
            .collect();
        GlobalType::message(ROLES[from], ROLES[to], branches)
    }

    /// Tells those the group of a branch who are neither sender nor receiver.
    fn tell(&mut self, tell: Tell, asked: (usize, usize), label: usize, mut next: GlobalType) -> GlobalType {
        let others: Vec<usize> =
            (0..self.roles).rev().filter(|&role| role != asked.0 && role != asked.1).collect();
        for (at, &other) in others.iter().enumerate() {
            let by = match tell {
                Tell::All => asked.0,
                Tell::Chain => others.get(at + 1).copied().unwrap_or(asked.1),
                Tell::None => continue,
            };
            next = self.say(by, other, label, next);
        }
        next
    }

    /// A message back, or another one, that only the two of a choice see.
    fn aside(&mut self, from: usize, to: usize, next: GlobalType) -> GlobalType {
        let label = self.choices.below(LABELS.len());
        if self.choices.chance(60) {
            self.say(to, from, label, next)
        } else {
            self.say(from, to, label, next)
        }
    }
}

/// What a label carries.
fn payload(choices: &mut Choices<'_, '_>, depth: usize) -> Payload {
    const CLASSES: [ValueType; 14] = [
        ValueType::Unit,
        ValueType::U64,
        ValueType::Bool,
        ValueType::I64,
        ValueType::F64,
        ValueType::Decimal,
        ValueType::Bytes,
        ValueType::Str,
        ValueType::Obj(7),
        ValueType::Func,
        ValueType::Agg,
        ValueType::Closure,
        ValueType::Coro,
        ValueType::Epid,
    ];
    if depth < 3 && choices.chance(20) {
        let parts: Vec<Payload> = (0..choices.below(4)).map(|_| payload(choices, depth + 1)).collect();
        return Payload::tuple(parts).unwrap_or(Payload::UNIT);
    }
    // Half of all carry nothing or a number.
    let most = if choices.chance(50) { 2 } else { CLASSES.len() };
    Payload::Value(CLASSES[choices.below(most)])
}
