//! Random types with fixed seeds.

use super::super::*;
use crate::ValueType;
use std::format;
use std::string::String;
use std::vec::Vec;

const ROLES: [&str; 4] = ["A", "B", "C", "D"];
const LABELS: [&str; 5] = ["a", "b", "c", "more", "mu"];

/// A small generator, so that a failure repeats (xorshift64*).
pub(super) struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
}

/// A generator; consecutive seeds give different types.
pub(super) fn rng(seed: u64) -> Rng {
    let mut rng = Rng(seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    rng.next();
    rng
}

pub(super) fn below(rng: &mut Rng, bound: usize) -> usize {
    (rng.next() >> 33) as usize % bound
}

fn payload(rng: &mut Rng) -> Payload {
    match below(rng, 7) {
        0 => ValueType::U64.into(),
        1 => ValueType::Str.into(),
        2 => ValueType::Obj(rng.next()).into(),
        3 => Payload::tuple([payload(rng), ValueType::Bytes.into()]).unwrap_or(Payload::UNIT),
        4 => Payload::chan("S", "rest of it"),
        _ => Payload::UNIT,
    }
}

/// Up to `most` different labels, at least one.
fn labels(rng: &mut Rng, most: usize) -> Vec<&'static str> {
    let mut all = LABELS.to_vec();
    let count = 1 + below(rng, most);
    (0..count).map(|_| all.swap_remove(below(rng, all.len()))).collect()
}

/// The variables of the loops around, and how many of them may stand here.
#[derive(Clone, Default)]
pub(super) struct Scope {
    vars: Vec<String>,
    guarded: usize,
}

impl Scope {
    fn guard(&self) -> Self {
        Self { vars: self.vars.clone(), guarded: self.vars.len() }
    }

    /// A loop with a fresh variable or, now and then, one that hides another.
    fn bind(&self, rng: &mut Rng) -> (String, Self) {
        let fresh = format!("x{}", self.vars.len());
        let var = match self.vars.first() {
            Some(outer) if below(rng, 4) == 0 => outer.clone(),
            _ => fresh,
        };
        let mut inner = self.clone();
        // A variable that is hidden cannot be used here any more.
        let hidden = inner.vars.iter().position(|known| *known == var);
        if let Some(at) = hidden {
            inner.vars.remove(at);
            inner.guarded -= usize::from(at < inner.guarded);
        }
        inner.vars.push(var.clone());
        (var, inner)
    }

    fn var(&self, rng: &mut Rng) -> Option<&str> {
        let usable = self.vars.get(..self.guarded).unwrap_or(&[]);
        if usable.is_empty() { None } else { usable.get(below(rng, usable.len())).map(String::as_str) }
    }
}

/// A well-formed local type of a role that talks to one or two others, with few enough labels that parts of it are
/// equal.
pub(super) fn random_local(rng: &mut Rng, depth: usize, scope: &Scope) -> LocalType {
    let stop = depth == 0 || below(rng, 6) == 0;
    if stop {
        return match scope.var(rng) {
            Some(var) if below(rng, 3) > 0 => LocalType::var(var),
            _ => LocalType::end(),
        };
    }
    if below(rng, 4) == 0 {
        let (var, inner) = scope.bind(rng);
        return LocalType::mu(&var, random_local(rng, depth - 1, &inner));
    }
    let partner = ROLES[1 + below(rng, 2)];
    let inner = scope.guard();
    let branches: Vec<_> = labels(rng, 3)
        .into_iter()
        .map(|label| {
            let payload = if below(rng, 8) == 0 { payload(rng) } else { Payload::UNIT };
            Branch::new(label, payload, random_local(rng, depth - 1, &inner))
        })
        .collect();
    if below(rng, 2) == 0 { LocalType::send(partner, branches) } else { LocalType::recv(partner, branches) }
}

/// A well-formed global type, which can be projected or not. Labels have one payload each, so that it often can.
pub(super) fn random_global(rng: &mut Rng, roles: usize, depth: usize, scope: &Scope) -> GlobalType {
    if depth == 0 || below(rng, 8) == 0 {
        return match scope.var(rng) {
            Some(var) if below(rng, 3) > 0 => GlobalType::var(var),
            _ => GlobalType::end(),
        };
    }
    if below(rng, 5) == 0 {
        let (var, inner) = scope.bind(rng);
        return GlobalType::mu(&var, random_global(rng, roles, depth - 1, &inner));
    }
    let from = below(rng, roles);
    let to = (from + 1 + below(rng, roles - 1)) % roles;
    let inner = scope.guard();
    // A choice that the sender tells everybody, or one that only the receiver hears.
    let tell = below(rng, 3) > 0;
    let mut branches = Vec::new();
    for label in labels(rng, 3) {
        let mut next = random_global(rng, roles, depth - 1, &inner);
        if tell {
            for other in (0..roles).rev().filter(|&other| other != from && other != to) {
                let branch = Branch::new(label, Payload::UNIT, next);
                next = GlobalType::message(ROLES[from], ROLES[other], [branch]);
            }
        }
        branches.push(Branch::new(label, carried(label), next));
    }
    GlobalType::message(ROLES[from], ROLES[to], branches)
}

fn carried(label: &str) -> Payload {
    match label {
        "a" => ValueType::U64.into(),
        "b" => ValueType::Str.into(),
        _ => Payload::UNIT,
    }
}
