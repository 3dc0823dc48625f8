//! Types as trees in one array: the shape that local and global types share.
//!
//! Nodes name each other by index, so copying and dropping a type is copying and dropping arrays, however deep the
//! type. A node has one parent, and children stand before their parents.

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use super::error::Place;
use super::{Name, Payload};

/// One alternative of an action: a label, what it carries, and what comes after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch<T> {
    /// The label.
    pub label: Name,
    /// What the message carries beside its label.
    pub payload: Payload,
    /// What comes after it.
    pub next: T,
}

impl<T> Branch<T> {
    /// A branch.
    pub fn new(label: &str, payload: impl Into<Payload>, next: T) -> Self {
        Self { label: label.into(), payload: payload.into(), next }
    }

    /// The same branch with something else after it, made from what comes after it now.
    pub(super) fn map<U>(self, next: impl FnOnce(T) -> U) -> Branch<U> {
        Branch { label: self.label, payload: self.payload, next: next(self.next) }
    }
}

/// A node of a tree; `A` says who acts.
#[derive(Clone, Debug)]
pub(super) enum Cell<A> {
    End,
    Var(Name),
    Mu {
        var: Name,
        body: usize,
    },
    /// The branches are `edges[first..first + count]`.
    Act {
        act: A,
        first: usize,
        count: usize,
    },
}

#[derive(Clone, Debug)]
pub(super) struct Edge {
    pub(super) label: Name,
    pub(super) payload: Payload,
    pub(super) next: usize,
    pub(super) place: Option<Place>,
}

#[derive(Clone)]
pub(super) struct Tree<A> {
    /// Never empty once a tree is finished.
    pub(super) cells: Vec<Cell<A>>,
    /// Where each node stands in the text.
    pub(super) places: Vec<Option<Place>>,
    pub(super) edges: Vec<Edge>,
    pub(super) root: usize,
}

impl<A> Tree<A> {
    pub(super) const fn new() -> Self {
        Self { cells: Vec::new(), places: Vec::new(), edges: Vec::new(), root: 0 }
    }

    pub(super) fn leaf(cell: Cell<A>) -> Self {
        Self { cells: vec![cell], places: vec![None], edges: Vec::new(), root: 0 }
    }

    /// Adds a node, which becomes the root.
    pub(super) fn push(&mut self, cell: Cell<A>, place: Option<Place>) -> usize {
        self.root = self.cells.len();
        self.cells.push(cell);
        self.places.push(place);
        self.root
    }

    /// Adds an action whose branches are given.
    pub(super) fn push_act(&mut self, act: A, edges: Vec<Edge>, place: Option<Place>) -> usize {
        let (first, count) = (self.edges.len(), edges.len());
        self.edges.extend(edges);
        self.push(Cell::Act { act, first, count }, place)
    }

    /// A tree with a binder above this one.
    pub(super) fn bind(mut self, var: &str) -> Self {
        let body = self.root;
        self.push(Cell::Mu { var: var.into(), body }, None);
        self
    }

    /// A tree with an action above others. The largest of them is kept in place and the others are moved behind it,
    /// so that building a type from its leaves takes time proportional to `n log n`, on whichever side it is deep.
    pub(super) fn act(act: A, branches: impl IntoIterator<Item = Branch<Self>>) -> Self {
        let mut branches: Vec<Branch<Self>> = branches.into_iter().collect();
        let largest = (0..branches.len()).max_by_key(|&i| branches.get(i).map_or(0, |b| b.next.cells.len()));
        let mut tree = Self::new();
        if let Some(branch) = largest.and_then(|i| branches.get_mut(i)) {
            core::mem::swap(&mut tree, &mut branch.next);
        }
        let mut edges = Vec::with_capacity(branches.len());
        for (i, branch) in branches.into_iter().enumerate() {
            let next = if Some(i) == largest { tree.root } else { usize::MAX };
            edges.push((
                Edge { label: branch.label, payload: branch.payload, next, place: None },
                branch.next,
            ));
        }
        let edges = edges.into_iter().map(|(mut edge, other)| {
            if edge.next == usize::MAX {
                edge.next = tree.append(other);
            }
            edge
        });
        let edges: Vec<Edge> = edges.collect();
        tree.push_act(act, edges, None);
        tree
    }

    /// Moves another tree behind this one; gives the place of its root.
    fn append(&mut self, other: Self) -> usize {
        let (cells, edges) = (self.cells.len(), self.edges.len());
        self.cells.extend(other.cells.into_iter().map(|cell| match cell {
            Cell::Mu { var, body } => Cell::Mu { var, body: body + cells },
            Cell::Act { act, first, count } => Cell::Act { act, first: first + edges, count },
            leaf => leaf,
        }));
        self.places.extend(other.places);
        self.edges.extend(other.edges.into_iter().map(|edge| Edge { next: edge.next + cells, ..edge }));
        other.root + cells
    }

    pub(super) fn cell(&self, id: usize) -> &Cell<A> {
        self.cells.get(id).unwrap_or(&Cell::End)
    }

    pub(super) fn place(&self, id: usize) -> Option<Place> {
        self.places.get(id).copied().flatten()
    }

    /// The branches of an action; nothing for other nodes.
    pub(super) fn edges(&self, id: usize) -> &[Edge] {
        match *self.cell(id) {
            Cell::Act { first, count, .. } => self.edges.get(first..first + count).unwrap_or(&[]),
            Cell::End | Cell::Var(_) | Cell::Mu { .. } => &[],
        }
    }

    /// For each variable the binder that it belongs to; `None` for other nodes and for free variables.
    pub(super) fn binders(&self) -> Vec<Option<usize>> {
        let mut binders = vec![None; self.cells.len()];
        let mut scopes: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let mut steps = vec![Step::Enter(self.root)];
        while let Some(step) = steps.pop() {
            let id = match step {
                Step::Enter(id) => id,
                Step::Leave(id) => {
                    if let Cell::Mu { var, .. } = self.cell(id) {
                        scopes.get_mut(var.as_str()).map(Vec::pop);
                    }
                    continue;
                }
            };
            match self.cell(id) {
                Cell::End => {}
                Cell::Var(var) => {
                    let binder = scopes.get(var.as_str()).and_then(|binders| binders.last().copied());
                    if let Some(slot) = binders.get_mut(id) {
                        *slot = binder;
                    }
                }
                Cell::Mu { var, body } => {
                    scopes.entry(var).or_default().push(id);
                    steps.push(Step::Leave(id));
                    steps.push(Step::Enter(*body));
                }
                Cell::Act { .. } => steps.extend(self.edges(id).iter().rev().map(|e| Step::Enter(e.next))),
            }
        }
        binders
    }

    pub(super) fn root_ref(&self) -> TypeRef<'_, A> {
        TypeRef { tree: self, id: self.root }
    }
}

/// What a walk that follows scopes does next.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Enter(usize),
    Leave(usize),
}

/// The same labels, roles, payloads and variables in the same order; places in text do not count.
impl<A: PartialEq> PartialEq for Tree<A> {
    fn eq(&self, other: &Self) -> bool {
        let mut pairs = vec![(self.root, other.root)];
        while let Some((a, b)) = pairs.pop() {
            let same = match (self.cell(a), other.cell(b)) {
                (Cell::End, Cell::End) => true,
                (Cell::Var(a), Cell::Var(b)) => a == b,
                (Cell::Mu { var: a, body: left }, Cell::Mu { var: b, body: right }) => {
                    pairs.push((*left, *right));
                    a == b
                }
                (Cell::Act { act: left, .. }, Cell::Act { act: right, .. }) => {
                    let (x, y) = (self.edges(a), other.edges(b));
                    pairs.extend(x.iter().zip(y).map(|(x, y)| (x.next, y.next)));
                    let same = |(x, y): (&Edge, &Edge)| x.label == y.label && x.payload == y.payload;
                    left == right && x.len() == y.len() && x.iter().zip(y).all(same)
                }
                _ => false,
            };
            if !same {
                return false;
            }
        }
        true
    }
}

impl<A: Eq> Eq for Tree<A> {}

/// A part of a type, for walking through it. Walks over types that nobody has checked should keep a stack of their
/// own instead of recursing.
pub struct TypeRef<'a, A> {
    tree: &'a Tree<A>,
    id: usize,
}

impl<A> Clone for TypeRef<'_, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A> Copy for TypeRef<'_, A> {}

impl<A> fmt::Debug for TypeRef<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypeRef").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What a part of a type is.
#[derive(Clone, Debug)]
pub enum Node<'a, A> {
    /// Nothing more is done.
    End,
    /// Back to the binder of this variable.
    Var(&'a Name),
    /// Binds a variable to this place, with what comes after it.
    Mu(&'a Name, TypeRef<'a, A>),
    /// One of these branches is done.
    Act(&'a A, Branches<'a, A>),
}

impl<'a, A> TypeRef<'a, A> {
    /// What stands here.
    #[must_use]
    pub fn node(self) -> Node<'a, A> {
        match self.tree.cell(self.id) {
            Cell::End => Node::End,
            Cell::Var(var) => Node::Var(var),
            Cell::Mu { var, body } => Node::Mu(var, Self { tree: self.tree, id: *body }),
            Cell::Act { act, .. } => {
                Node::Act(act, Branches { tree: self.tree, edges: self.tree.edges(self.id).iter() })
            }
        }
    }

    /// Where it stands in the text that the type was read from, if it was.
    #[must_use]
    pub fn place(self) -> Option<Place> {
        self.tree.place(self.id)
    }
}

/// The branches of an action, in the order of declaration.
pub struct Branches<'a, A> {
    tree: &'a Tree<A>,
    edges: core::slice::Iter<'a, Edge>,
}

impl<A> Clone for Branches<'_, A> {
    fn clone(&self) -> Self {
        Self { tree: self.tree, edges: self.edges.clone() }
    }
}

impl<A> fmt::Debug for Branches<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.edges.clone().map(|edge| &edge.label)).finish()
    }
}

impl<'a, A> Iterator for Branches<'a, A> {
    type Item = (&'a Name, &'a Payload, TypeRef<'a, A>);

    fn next(&mut self) -> Option<Self::Item> {
        let edge = self.edges.next()?;
        Some((&edge.label, &edge.payload, TypeRef { tree: self.tree, id: edge.next }))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.edges.size_hint()
    }
}

impl<A> ExactSizeIterator for Branches<'_, A> {}
