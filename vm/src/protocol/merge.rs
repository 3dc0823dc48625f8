//! Merging what a role does in branches that it cannot tell apart.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::error::ProtocolErrorKind;
use super::tree::{Edge, Tree};
use super::{Direction, LocalAction, Name, Payload, tree};

/// How much the branches of a choice may differ for a role that does not see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum MergeMode {
    /// Not at all: the role does the same in all of them. The order of branches does not count.
    Plain,
    /// The role may receive different labels from one partner, which then tell it the branch: they are united, and
    /// what comes after a label that several branches have is merged. What it sends has the same labels in all
    /// branches. Loops merge with loops of the same variable, variables with themselves, and `end` with `end`.
    #[default]
    Full,
}

/// A local type while it is being made, as nodes that are still changed.
#[derive(Debug)]
pub(super) enum Part {
    End,
    Var(Name),
    Mu(Name, usize),
    Act(LocalAction, Vec<PartBranch>),
}

#[derive(Debug)]
pub(super) struct PartBranch {
    pub(super) label: Name,
    pub(super) payload: Payload,
    pub(super) next: usize,
}

/// Why two branches of a choice do not merge. Branches are numbered as in the choice.
#[derive(Debug)]
pub(super) struct Conflict {
    pub(super) kind: ProtocolErrorKind,
    pub(super) branches: [usize; 2],
    /// What the role would do in each of the two.
    pub(super) does: [String; 2],
}

/// A part and the branch of the choice that it comes from.
type Source = (usize, usize);

#[derive(Debug, Default)]
pub(super) struct Parts(Vec<Part>);

/// What branches say for one label.
struct Group {
    payload: Payload,
    sources: Vec<Source>,
}

impl Parts {
    pub(super) fn push(&mut self, part: Part) -> usize {
        self.0.push(part);
        self.0.len() - 1
    }

    pub(super) fn get(&self, id: usize) -> &Part {
        self.0.get(id).unwrap_or(&Part::End)
    }

    /// Merges parts, one for each branch of a choice, into the first of them, whose id it gives. The others are used
    /// up, so all merges of a projection together take time proportional to its size, but for a logarithm.
    pub(super) fn merge(&mut self, parts: &[usize], mode: MergeMode) -> Result<usize, Conflict> {
        let mut todo: Vec<Vec<Source>> = vec![parts.iter().copied().zip(0..).collect()];
        while let Some(sources) = todo.pop() {
            let [(target, origin), others @ ..] = sources.as_slice() else { continue };
            for (other, branch) in others {
                self.same_action(*target, *other).map_err(|kind| Conflict {
                    kind,
                    branches: [*origin, *branch],
                    does: [self.describe(*target), self.describe(*other)],
                })?;
            }
            match self.get(*target) {
                Part::End | Part::Var(_) => {}
                Part::Mu(..) => {
                    let body = |&(id, branch): &Source| match self.get(id) {
                        Part::Mu(_, body) => Some((*body, branch)),
                        _ => None,
                    };
                    todo.push(sources.iter().filter_map(body).collect());
                }
                Part::Act(act, _) => {
                    let unite = act.direction == Direction::Recv && mode == MergeMode::Full;
                    self.unite(&sources, unite, &mut todo)?;
                }
            }
        }
        Ok(parts.first().copied().unwrap_or(0))
    }

    /// Whether two parts do the same, as far as can be seen without what comes next.
    fn same_action(&self, a: usize, b: usize) -> Result<(), ProtocolErrorKind> {
        match (self.get(a), self.get(b)) {
            (Part::End, Part::End) => Ok(()),
            (Part::Var(a), Part::Var(b)) | (Part::Mu(a, _), Part::Mu(b, _)) if a == b => Ok(()),
            (Part::Act(a, _), Part::Act(b, _)) if a == b => Ok(()),
            (Part::Var(_) | Part::Mu(..), _) | (_, Part::Var(_) | Part::Mu(..)) => {
                Err(ProtocolErrorKind::DifferentLoops)
            }
            _ => Err(ProtocolErrorKind::DifferentActions),
        }
    }

    /// Gives the first of some parts with the same action the branches of all.
    fn unite(
        &mut self,
        sources: &[Source],
        unite: bool,
        todo: &mut Vec<Vec<Source>>,
    ) -> Result<(), Conflict> {
        let Some(&(target, origin)) = sources.first() else { return Ok(()) };
        let mut groups: Vec<(Name, Group)> = Vec::new();
        let mut known: BTreeMap<Name, usize> = BTreeMap::new();
        for &(id, branch) in sources {
            let Part::Act(_, branches) = self.get(id) else { continue };
            for PartBranch { label, payload, next } in branches {
                let group = known.get(label).and_then(|&i| groups.get_mut(i));
                let Some((_, group)) = group else {
                    known.insert(label.clone(), groups.len());
                    let group = Group { payload: payload.clone(), sources: vec![(*next, branch)] };
                    groups.push((label.clone(), group));
                    continue;
                };
                if group.payload != *payload {
                    let first = group.sources.first().map_or(origin, |&(_, branch)| branch);
                    let does = |payload| format!("{label}({payload}) in {}", self.describe(id));
                    return Err(Conflict {
                        kind: ProtocolErrorKind::DifferentPayloads,
                        branches: [first, branch],
                        does: [does(&group.payload), does(payload)],
                    });
                }
                group.sources.push((*next, branch));
            }
        }
        if let (false, Some((_, group))) =
            (unite, groups.iter().find(|(_, group)| group.sources.len() < sources.len()))
        {
            return Err(self.labels_differ(sources, group));
        }
        let merged = groups.into_iter().filter_map(|(label, Group { payload, sources })| {
            let &(next, _) = sources.first()?;
            if sources.len() > 1 {
                todo.push(sources);
            }
            Some(PartBranch { label, payload, next })
        });
        let merged = merged.collect();
        if let Some(Part::Act(_, branches)) = self.0.get_mut(target) {
            *branches = merged;
        }
        Ok(())
    }

    /// A conflict of a branch that has a label with one that does not.
    fn labels_differ(&self, sources: &[Source], group: &Group) -> Conflict {
        let has = |branch: usize| group.sources.iter().any(|&(_, with)| with == branch);
        let with = sources.iter().find(|&&(_, branch)| has(branch)).copied().unwrap_or_default();
        let without = sources.iter().find(|&&(_, branch)| !has(branch)).copied().unwrap_or_default();
        let (first, second) = if with.1 <= without.1 { (with, without) } else { (without, with) };
        Conflict {
            kind: ProtocolErrorKind::DifferentLabels,
            branches: [first.1, second.1],
            does: [self.describe(first.0), self.describe(second.0)],
        }
    }

    /// What a part does first, in short.
    fn describe(&self, id: usize) -> String {
        const SHOWN: usize = 4;
        match self.get(id) {
            Part::End => "end".into(),
            Part::Var(var) => format!("back to {var}"),
            Part::Mu(var, _) => format!("mu {var}. .."),
            Part::Act(act, branches) => {
                let labels: Vec<String> =
                    branches.iter().take(SHOWN).map(|branch| format!("{}", branch.label)).collect();
                let more = if branches.len() > SHOWN { ", .." } else { "" };
                format!("{act}{{{}{more}}}", labels.join(", "))
            }
        }
    }

    /// The type that a part is.
    pub(super) fn into_tree(self, root: usize) -> Tree<LocalAction> {
        let mut out = Tree::new();
        let mut done: Vec<usize> = Vec::new();
        let mut steps = vec![tree::Step::Enter(root)];
        while let Some(step) = steps.pop() {
            match step {
                tree::Step::Enter(id) => match self.get(id) {
                    Part::End => done.push(out.push(tree::Cell::End, None)),
                    Part::Var(var) => done.push(out.push(tree::Cell::Var(var.clone()), None)),
                    Part::Mu(_, body) => steps.extend([tree::Step::Leave(id), tree::Step::Enter(*body)]),
                    Part::Act(_, branches) => {
                        steps.push(tree::Step::Leave(id));
                        steps.extend(branches.iter().rev().map(|branch| tree::Step::Enter(branch.next)));
                    }
                },
                tree::Step::Leave(id) => match self.get(id) {
                    Part::Mu(var, _) => {
                        let body = done.pop().unwrap_or(0);
                        done.push(out.push(tree::Cell::Mu { var: var.clone(), body }, None));
                    }
                    Part::Act(act, branches) => {
                        let nexts = done.split_off(done.len().saturating_sub(branches.len()));
                        let edges = branches.iter().zip(nexts).map(|(branch, next)| {
                            let (label, payload) = (branch.label.clone(), branch.payload.clone());
                            Edge { label, payload, next, place: None }
                        });
                        done.push(out.push_act(act.clone(), edges.collect(), None));
                    }
                    Part::End | Part::Var(_) => {}
                },
            }
        }
        out
    }
}
