//! Local types as their definition has them, by recursion and substitution: what the arrays are compared with.

use super::super::*;
use std::boxed::Box;
use std::collections::BTreeSet;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Ref {
    End,
    Var(String),
    Mu(String, Box<Ref>),
    Act(String, Vec<(String, Ref)>),
}

impl Ref {
    pub(super) fn of(ty: TypeRef<'_, LocalAction>) -> Self {
        match ty.node() {
            Node::End => Self::End,
            Node::Var(var) => Self::Var(var.to_string()),
            Node::Mu(var, body) => Self::Mu(var.to_string(), Box::new(Self::of(body))),
            Node::Act(act, branches) => {
                let branch = |(label, payload, next): (&Name, &Payload, _)| {
                    (format!("{label}({payload})"), Self::of(next))
                };
                Self::Act(act.to_string(), branches.map(branch).collect())
            }
        }
    }

    /// Puts a closed type in for a variable.
    fn put(&self, var: &str, ty: &Self) -> Self {
        match self {
            Self::Var(own) if own == var => ty.clone(),
            Self::Mu(own, body) if own != var => Self::Mu(own.clone(), Box::new(body.put(var, ty))),
            Self::Act(act, branches) => {
                let branch = |(label, next): &(String, Self)| (label.clone(), next.put(var, ty));
                Self::Act(act.clone(), branches.iter().map(branch).collect())
            }
            other => other.clone(),
        }
    }

    /// What a closed type does first.
    pub(super) fn unfolded(&self) -> Self {
        let mut ty = self.clone();
        while let Self::Mu(var, body) = &ty {
            ty = body.put(var, &ty);
        }
        ty
    }

    /// All ways of a closed type up to a number of actions. A way says how it ends, if it does.
    pub(super) fn traces(&self, depth: usize) -> BTreeSet<String> {
        match self.unfolded() {
            Self::Act(act, branches) if depth > 0 => {
                let mut all = BTreeSet::new();
                for (label, next) in branches {
                    all.extend(next.traces(depth - 1).into_iter().map(|way| format!("{act}.{label} {way}")));
                }
                all
            }
            Self::Act(act, _) => [format!("{act}..")].into(),
            _ => ["end".to_string()].into(),
        }
    }
}

/// The same of tables.
pub(super) fn table_traces(automaton: &Automaton, state: StateId, depth: usize) -> BTreeSet<String> {
    let (sign, role) = match automaton.kind(state) {
        StateKind::End => return ["end".to_string()].into(),
        StateKind::Send(role) => ('!', role),
        StateKind::Recv(role) => ('?', role),
    };
    let act = format!("{sign}{}", automaton.roles()[usize::from(role.0)]);
    if depth == 0 {
        return [format!("{act}..")].into();
    }
    let mut all = BTreeSet::new();
    for branch in automaton.branches_of(state) {
        let label = &automaton.labels()[usize::from(branch.label.0)];
        let payload = &automaton.payloads()[usize::from(branch.payload.0)];
        let ways = table_traces(automaton, branch.next, depth - 1);
        all.extend(ways.into_iter().map(|way| format!("{act}.{label}({payload}) {way}")));
    }
    all
}
