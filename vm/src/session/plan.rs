//! What the program's shapes mean at run time: edges by their ends, roles by their names.

use super::config::SessionConfig;
use crate::ids::{FuncId, ShapeId};
use crate::lower::{Carries, ExecProgram};
use crate::program::{EdgeDef, LinearType, Place, SessionTables};
use crate::protocol::{LabelId, PayloadId, RoleId, StateBranch, StateId, StateKind};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// No edge, no role: no program has so many.
const NONE: u16 = u16::MAX;

/// Another role of a session, as one of its roles sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Partner {
    pub(super) role: RoleId,
    /// Its place in the shape.
    pub(super) place: u16,
    /// The edge to it; the number of no edge if there is none.
    pub(super) to: u16,
    /// The edge from it; the number of no edge if there is none.
    pub(super) from: u16,
}

impl Partner {
    /// Stands for no role.
    pub(super) const NOBODY: Self = Self { role: RoleId(NONE), place: NONE, to: NONE, from: NONE };
}

/// A shape, ready to be opened. Its size goes by the numbers of its roles and edges: a program may have many of them.
#[derive(Clone, Debug)]
pub(super) struct ShapePlan {
    /// By place of the role: its first state, and where its partners end.
    pub(super) roles: Box<[RolePlan]>,
    /// The partners of all roles, for each role sorted by theirs.
    pub(super) partners: Box<[Partner]>,
    pub(super) edges: Box<[EdgeDef]>,
}

/// A role of a shape.
#[derive(Clone, Copy, Debug)]
pub(super) struct RolePlan {
    pub(super) entry: StateId,
    first_partner: u32,
    partners: u32,
}

impl ShapePlan {
    fn new(tables: &SessionTables, shape: ShapeId, config: &SessionConfig) -> Self {
        let names = tables.roles_of(shape);
        let over = |edge: &EdgeDef| config.edge.map_or(*edge, |over| over.apply(edge));
        let edges: Box<[EdgeDef]> = tables.edges_of(shape).iter().map(over).collect();
        // By place: each end of each edge. Both directions to one partner come to stand next to each other.
        let mut ends: Vec<(u16, Partner)> = Vec::with_capacity(edges.len() * 2);
        for (index, edge) in (0..NONE).zip(&edges) {
            for (at, place, to, from) in
                [(edge.from, edge.to, index, NONE), (edge.to, edge.from, NONE, index)]
            {
                let role = names.get(usize::from(place)).map_or(RoleId(NONE), |name| name.role);
                ends.push((at, Partner { role, place, to, from }));
            }
        }
        ends.sort_unstable_by_key(|(at, partner)| (*at, partner.role, partner.place, partner.to));
        ends.dedup_by(|(at, next), (before, partner)| {
            let same = at == before && next.place == partner.place;
            if same {
                (partner.to, partner.from) = (partner.to.min(next.to), partner.from.min(next.from));
            }
            same
        });
        let mut first_partner = 0;
        let roles = (0..).zip(names).map(|(place, name)| {
            let partners =
                ends.iter().skip(first_partner as usize).take_while(|(at, _)| *at == place).count() as u32;
            let plan = RolePlan { entry: name.entry, first_partner, partners };
            first_partner += partners;
            plan
        });
        Self { roles: roles.collect(), partners: ends.iter().map(|(_, partner)| *partner).collect(), edges }
    }

    /// A role's partner of this name, if there is an edge between them.
    pub(super) fn partner(&self, place: u16, role: RoleId) -> Option<Partner> {
        let of = self.roles.get(usize::from(place))?;
        let partners = self.partners.get(of.first_partner as usize..)?.get(..of.partners as usize)?;
        let at = partners.binary_search_by_key(&role, |partner| partner.role).ok()?;
        partners.get(at).copied()
    }
}

/// What is done in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Does {
    End,
    Send,
    Receive,
}

/// A state, with its branch at hand where it has one only.
#[derive(Clone, Copy, Debug)]
pub(super) struct StatePlan {
    pub(super) does: Does,
    /// With whom.
    pub(super) partner: RoleId,
    /// Whether it has one branch.
    pub(super) single: bool,
    /// The first branch.
    pub(super) branch: StateBranch,
}

impl StatePlan {
    const END: Self = Self {
        does: Does::End,
        partner: RoleId(NONE),
        single: false,
        branch: StateBranch { label: LabelId(0), payload: PayloadId(0), next: StateId(0) },
    };

    fn new(tables: &SessionTables, id: StateId) -> Self {
        let (branches, kind) = (tables.branches_of(id), tables.kind(id));
        let does = match kind {
            StateKind::End => Does::End,
            StateKind::Send(_) => Does::Send,
            StateKind::Recv(_) => Does::Receive,
        };
        let (Some(partner), Some(&branch)) = (kind.partner(), branches.first()) else { return Self::END };
        Self { does, partner, single: branches.len() == 1, branch }
    }
}

/// A parameter of a function that takes something linear.
#[derive(Clone, Copy, Debug)]
pub(super) struct LinearParam {
    /// Its slot among the parameter slots.
    pub(super) slot: u32,
    pub(super) ty: LinearType,
}

impl LinearParam {
    /// Whether the argument for it is also that for another one: nobody owns anything twice.
    pub(super) fn is_same(&self, other: &Self, slots: &[u64]) -> bool {
        let of_guard = |ty| matches!(ty, LinearType::Evidence(_));
        of_guard(self.ty) == of_guard(other.ty)
            && slots.get(self.slot as usize) == slots.get(other.slot as usize)
    }
}

/// Everything about the program that the machine looks up while it runs.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) tables: SessionTables,
    /// [`SessionConfig::keep_registers`].
    pub(super) keeps_registers: bool,
    pub(super) shapes: Box<[ShapePlan]>,
    /// By state.
    states: Box<[StatePlan]>,
    /// By function.
    linear: Box<[Box<[LinearParam]>]>,
}

impl Plan {
    pub(super) fn new(program: &ExecProgram, config: &SessionConfig) -> Self {
        let tables =
            program.source.as_ref().map(|source| source.program().sessions().clone()).unwrap_or_default();
        let shapes = (0..tables.shapes.len() as u32).map(|i| ShapePlan::new(&tables, ShapeId(i), config));
        let states = (0..tables.states.len() as u32).map(|i| StatePlan::new(&tables, StateId(i)));
        let linear = (0..program.functions.len() as u32).map(|i| linear_params(&tables, program, FuncId(i)));
        let (shapes, states, linear) = (shapes.collect(), states.collect(), linear.collect());
        Self { tables, keeps_registers: config.keep_registers, shapes, states, linear }
    }

    #[inline]
    pub(super) fn shape(&self, id: ShapeId) -> Option<&ShapePlan> {
        self.shapes.get(id.index())
    }

    /// What is done in a state; nothing in one that does not exist.
    #[inline]
    pub(super) fn state(&self, id: StateId) -> &StatePlan {
        self.states.get(id.0 as usize).unwrap_or(&StatePlan::END)
    }

    /// The branch with a label of a state, which is the first one mostly.
    #[inline(always)]
    pub(super) fn branch<'p>(
        &'p self,
        id: StateId,
        state: &'p StatePlan,
        label: LabelId,
    ) -> Option<&'p StateBranch> {
        if state.branch.label == label && state.does != Does::End {
            return Some(&state.branch);
        }
        self.tables.branch(id, label)
    }

    /// A role's partner in its session, if there is an edge between them.
    #[cold]
    #[inline(never)]
    pub(super) fn partner(&self, shape: ShapeId, place: u16, role: RoleId) -> Option<Partner> {
        self.shape(shape)?.partner(place, role)
    }

    pub(super) fn carries(&self, payload: PayloadId) -> Carries {
        self.tables.payload(payload).map_or(Carries::Plain, Carries::of)
    }

    /// The linear parameters of a function.
    pub(super) fn linear(&self, func: FuncId) -> &[LinearParam] {
        self.linear.get(func.index()).map_or(&[], |params| params)
    }
}

fn linear_params(tables: &SessionTables, program: &ExecProgram, func: FuncId) -> Box<[LinearParam]> {
    let mut slot = 0;
    let mut found = Vec::new();
    for (index, ty) in (0..).zip(program.function(func).map_or(&[][..], |function| &function.params)) {
        if let Some(ty) = tables.linear_at(func, Place::Param(index)) {
            found.push(LinearParam { slot, ty });
        }
        slot += ty.slots();
    }
    found.into()
}
