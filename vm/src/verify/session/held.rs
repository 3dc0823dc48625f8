//! What is known at one place of the code about linear registers and open speculations.

use crate::ids::{InstrIx, LayerId};
use crate::program::{ChanType, SessionTables};
use crate::protocol::StateKind;
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec::Vec;

/// Where an endpoint comes from. Only endpoints of one `open` are known to be of one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The session that this instruction opened last.
    Open(InstrIx),
    /// Some session that no other register is known to have an endpoint of.
    Other,
}

/// What a register holds, if that is linear or was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// An endpoint. One that a function takes as a handle is used like its own: its first use waits for it.
    Chan(ChanType, Origin),
    /// Proof of holding a layer.
    Evidence(LayerId),
    /// Nothing any more, on some path at least.
    Moved,
    /// There was an error about it; nothing more is said.
    Broken,
}

/// What registers hold. Those that are not here never held anything linear on any path to here.
pub(super) type Regs = BTreeMap<u32, Held>;

/// An open speculation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fork {
    /// The fork; `None` if paths from several meet.
    pub(super) at: Option<InstrIx>,
    /// What registers held there.
    pub(super) regs: Regs,
}

/// What to do where two paths do not fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnConflict {
    /// Say nothing more about it.
    GiveUp,
    /// Go on with what the first path says. Whoever checks nothing wants to know what messages carry on some path.
    KeepFirst,
}

/// What is known at one place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    pub(super) regs: Regs,
    /// The open speculations, innermost last. Shared, because most places do not change them.
    pub(super) forks: Vec<Rc<Fork>>,
    /// There was an error about speculations; nothing more is said about them.
    pub(super) lost: bool,
}

/// Two paths that do not fit together.
#[derive(Clone, Copy, Debug)]
pub(super) enum Conflict {
    /// What a register holds, on the one and on the other.
    Reg(u32, Option<Held>, Option<Held>),
    /// How many speculations are open.
    Depth(usize, usize),
}

impl Held {
    /// Whether something is left to be done with it.
    pub(super) fn is_live(self, tables: &SessionTables) -> bool {
        match self {
            Self::Chan(chan, _) => tables.kind(chan.state) != StateKind::End,
            Self::Evidence(_) => true,
            Self::Moved | Self::Broken => false,
        }
    }
}

/// What a register holds where two paths meet; `None` if that cannot be said.
fn join_held(tables: &SessionTables, a: Option<Held>, b: Option<Held>) -> Option<Held> {
    let live = |held: Option<Held>| held.is_some_and(|held| held.is_live(tables));
    match (a, b) {
        (Some(a), Some(b)) if a == b => Some(a),
        (Some(Held::Broken), _) | (_, Some(Held::Broken)) => Some(Held::Broken),
        (Some(Held::Chan(a, _)), Some(Held::Chan(b, _))) if a == b => Some(Held::Chan(a, Origin::Other)),
        // Where nothing is left to be done on either path, nothing is lost.
        _ if !live(a) && !live(b) => Some(Held::Moved),
        _ => None,
    }
}

/// Joins what registers hold; whether that changed `mine`.
fn join_regs(
    tables: &SessionTables,
    on_conflict: OnConflict,
    mine: &mut Regs,
    theirs: &Regs,
    conflict: &mut impl FnMut(Conflict),
) -> bool {
    let mut changes = Vec::new();
    let mut join = |reg, a: Option<Held>, b: Option<Held>| {
        let keep = on_conflict == OnConflict::KeepFirst;
        let joined = match join_held(tables, a, b) {
            Some(_) if keep && b == Some(Held::Broken) => return,
            Some(joined) => joined,
            None => {
                conflict(Conflict::Reg(reg, a, b));
                if keep {
                    return;
                }
                Held::Broken
            }
        };
        if a != Some(joined) {
            changes.push((reg, joined));
        }
    };
    theirs.iter().for_each(|(&reg, &b)| join(reg, mine.get(&reg).copied(), Some(b)));
    let only_mine = mine.iter().filter(|(reg, _)| !theirs.contains_key(reg));
    only_mine.for_each(|(&reg, &a)| join(reg, Some(a), None));
    let changed = !changes.is_empty();
    mine.extend(changes);
    changed
}

impl State {
    /// About how many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        self.regs
            .len()
            .saturating_mul(48)
            .saturating_add(self.forks.len().saturating_mul(16))
            .saturating_add(96)
    }

    /// About how much work copying or comparing it is.
    pub(super) fn work(&self) -> usize {
        let forks: usize = self.forks.iter().map(|fork| fork.regs.len() + 1).sum();
        (self.regs.len() + forks).saturating_mul(8).saturating_add(16)
    }

    /// Takes in another path; whether that changed anything.
    pub(super) fn join(
        &mut self,
        tables: &SessionTables,
        on_conflict: OnConflict,
        other: &Self,
        mut conflict: impl FnMut(Conflict),
    ) -> bool {
        let mut changed = join_regs(tables, on_conflict, &mut self.regs, &other.regs, &mut conflict);
        let keep = on_conflict == OnConflict::KeepFirst;
        if self.lost || other.lost {
            let lost = self.lost || !keep;
            changed |= lost != self.lost;
            self.lost = lost;
            return changed;
        }
        if self.forks.len() != other.forks.len() {
            conflict(Conflict::Depth(self.forks.len(), other.forks.len()));
            self.lost = !keep;
            return changed | self.lost;
        }
        for (mine, theirs) in self.forks.iter_mut().zip(&other.forks) {
            if Rc::ptr_eq(mine, theirs) || mine == theirs {
                continue;
            }
            let fork = Rc::make_mut(mine);
            if fork.at.is_some() && fork.at != theirs.at {
                fork.at = None;
                changed = true;
            }
            changed |= join_regs(tables, on_conflict, &mut fork.regs, &theirs.regs, &mut conflict);
        }
        changed
    }
}
