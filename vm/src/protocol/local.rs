//! Local types: a conversation as one of its parties sees it.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use super::error::{Place, ProtocolError, ProtocolErrorKind, ProtocolErrors};
use super::lexer::{Tok, Token};
use super::parse::{Action, Parser};
use super::tree::{Branch, Cell, Tree, TypeRef};
use super::{Automaton, Name, Payload, check, subst};

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// To the partner: this party chooses the label.
    Send,
    /// From the partner, who chooses the label.
    Recv,
}

impl Direction {
    /// The other direction.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Send => Self::Recv,
            Self::Recv => Self::Send,
        }
    }
}

/// What a party does next, and with whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalAction {
    /// Whether it sends or receives.
    pub direction: Direction,
    /// The role at the other end.
    pub partner: Name,
}

impl fmt::Display for LocalAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.direction {
            Direction::Send => '!',
            Direction::Recv => '?',
        };
        write!(f, "{sign}{}", self.partner)
    }
}

impl Action for LocalAction {
    const BEGINS: &'static str = "a local type (`end`, `mu`, `!`, `?` or a variable)";

    fn read(parser: &mut Parser<'_>, first: Token) -> Result<Option<Self>, ProtocolError> {
        let direction = match first.tok {
            Tok::Punct(b'!') => Direction::Send,
            Tok::Punct(b'?') => Direction::Recv,
            _ => return Ok(None),
        };
        Ok(Some(Self { direction, partner: parser.name("the partner's role")? }))
    }
}

/// What one party of a conversation does: it sends and receives labelled messages, chooses or follows, loops and
/// ends.
///
/// `==` compares what was written, with the order of branches and the names of variables but without places in text;
/// [`LocalType::equivalent`] compares what is meant. Types are not checked when they are made; see
/// [`LocalType::check`].
///
/// ```
/// use opforge_vm::{ValueType, protocol::{Branch, LocalType, Payload}};
///
/// let client = LocalType::mu("x", LocalType::send("Server", [
///     Branch::new("get", ValueType::U64, LocalType::recv("Server", [
///         Branch::new("val", ValueType::Str, LocalType::var("x")),
///     ])),
///     Branch::new("quit", Payload::UNIT, LocalType::end()),
/// ]));
/// assert_eq!(client.to_string(), "mu x. !Server{get(u64). ?Server{val(str). x}, quit. end}");
/// assert!(client.check().is_ok());
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct LocalType(pub(super) Tree<LocalAction>);

impl LocalType {
    /// Nothing more is done.
    #[must_use]
    pub fn end() -> Self {
        Self(Tree::leaf(Cell::End))
    }

    /// Back to the loop that binds this variable.
    #[must_use]
    pub fn var(var: &str) -> Self {
        Self(Tree::leaf(Cell::Var(var.into())))
    }

    /// A loop: `var` in `body` stands for the whole.
    #[must_use]
    pub fn mu(var: &str, body: Self) -> Self {
        Self(body.0.bind(var))
    }

    /// Sends one of these labels, chosen here, to `partner`.
    #[must_use]
    pub fn send(partner: &str, branches: impl IntoIterator<Item = Branch<Self>>) -> Self {
        Self::action(Direction::Send, partner, branches)
    }

    /// Receives one of these labels, chosen there, from `partner`.
    #[must_use]
    pub fn recv(partner: &str, branches: impl IntoIterator<Item = Branch<Self>>) -> Self {
        Self::action(Direction::Recv, partner, branches)
    }

    fn action(direction: Direction, partner: &str, branches: impl IntoIterator<Item = Branch<Self>>) -> Self {
        let branches = branches.into_iter().map(|branch| branch.map(|next| next.0));
        Self(Tree::act(LocalAction { direction, partner: partner.into() }, branches))
    }

    /// The type that `text` starts with, and the byte at which its text ends.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with the text, as for [`FromStr`].
    pub fn parse_prefix(text: &str) -> Result<(Self, usize), ProtocolError> {
        Parser::new(text).prefix().map(|(tree, end)| (Self(tree), end))
    }

    /// As [`Self::parse_prefix`], for the text from byte `at` on. Offsets in places are those of the whole text, lines
    /// and columns are counted from `at`.
    pub(crate) fn parse_at(text: &str, at: usize) -> Result<(Self, usize), ProtocolError> {
        Parser::at(text, at).prefix().map(|(tree, end)| (Self(tree), end))
    }

    /// The outermost part.
    #[must_use]
    pub fn root(&self) -> TypeRef<'_, LocalAction> {
        self.0.root_ref()
    }

    /// The roles that it talks to, sorted.
    #[must_use]
    pub fn partners(&self) -> Vec<Name> {
        let partners: BTreeSet<&Name> = self.actions().map(|act| &act.partner).collect();
        partners.into_iter().cloned().collect()
    }

    /// The labels that it sends or receives, sorted.
    pub(crate) fn labels(&self) -> Vec<Name> {
        let labels: BTreeSet<&Name> = self.0.edges.iter().map(|edge| &edge.label).collect();
        labels.into_iter().cloned().collect()
    }

    /// The payloads of all branches, with the places of their labels in the text.
    pub(crate) fn payloads(&self) -> impl Iterator<Item = (&Payload, Option<Place>)> {
        self.0.edges.iter().map(|edge| (&edge.payload, edge.place))
    }

    /// Puts other payloads into branches, where there is one.
    pub(crate) fn replace_payloads(&mut self, mut other: impl FnMut(&Payload) -> Option<Payload>) {
        for edge in &mut self.0.edges {
            if let Some(payload) = other(&edge.payload) {
                edge.payload = payload;
            }
        }
    }

    /// The number of actions, binders, variables and ends.
    pub(crate) fn size(&self) -> usize {
        self.0.cells.len()
    }

    fn actions(&self) -> impl Iterator<Item = &LocalAction> {
        self.0.cells.iter().filter_map(|cell| match cell {
            Cell::Act { act, .. } => Some(act),
            Cell::End | Cell::Var(_) | Cell::Mu { .. } => None,
        })
    }

    /// Whether it means something: every variable is bound, every action has branches, which differ in their labels,
    /// and no loop comes back without an action in between.
    ///
    /// A loop directly inside of another is fine as long as there is an action before either comes back.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, in the order of the text.
    pub fn check(&self) -> Result<(), ProtocolErrors> {
        ProtocolErrors::of(check::tree(&self.0, |_| None))
    }

    /// As [`LocalType::check`], and that `role`, whose type this is, does not talk to itself.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, in the order of the text.
    pub fn check_for(&self, role: &str) -> Result<(), ProtocolErrors> {
        ProtocolErrors::of(check::tree(&self.0, |act| (act.partner == role).then_some(&act.partner)))
    }

    /// The loop with its variable replaced by itself, once; other types as they are. Inner variables are renamed
    /// where they would capture a free one.
    ///
    /// # Errors
    ///
    /// [`ProtocolErrorKind::TooLarge`] if the result has more than [`MAX_NODES`](super::MAX_NODES) nodes.
    pub fn unfold(&self) -> Result<Self, ProtocolError> {
        subst::unfold(&self.0).map(Self)
    }

    /// What the only partner of `role`, whose type this is, does: every send a receive and the reverse.
    ///
    /// # Errors
    ///
    /// [`ProtocolErrorKind::NotBinary`] if it has more than one partner, [`ProtocolErrorKind::SelfMessage`] if that
    /// is `role`.
    pub fn dual(&self, role: &str) -> Result<Self, ProtocolError> {
        let partners = self.partners();
        if let [first, second, ..] = partners.as_slice() {
            let message = format!("{} talks to {first} and to {second}, so it has no dual", Name::new(role));
            return Err(ProtocolError::new(ProtocolErrorKind::NotBinary, message)
                .hint("project a global type to each role instead"));
        }
        if partners.iter().any(|partner| partner == role) {
            let message: String = format!("{} talks to itself", Name::new(role));
            return Err(ProtocolError::new(ProtocolErrorKind::SelfMessage, message));
        }
        let partner = Name::new(role);
        let mut dual = self.clone();
        for cell in &mut dual.0.cells {
            if let Cell::Act { act, .. } = cell {
                *act = LocalAction { direction: act.direction.opposite(), partner: partner.clone() };
            }
        }
        Ok(dual)
    }

    /// Whether both allow the same conversations: equal up to unfolding, names of variables and order of branches.
    ///
    /// # Errors
    ///
    /// As for [`Automaton::new`], if one of them is not well-formed or they are too large.
    pub fn equivalent(&self, other: &Self) -> Result<bool, ProtocolErrors> {
        let automaton = Automaton::new(&[self, other])?;
        Ok(automaton.entries().windows(2).all(|pair| pair.first() == pair.last()))
    }
}

impl FromStr for LocalType {
    type Err = ProtocolError;

    /// # Errors
    ///
    /// The first thing that is wrong with the text: one of the kinds with codes `P00..`, `P01..` and `P0401`.
    fn from_str(text: &str) -> Result<Self, ProtocolError> {
        Parser::new(text).whole().map(Self)
    }
}

/// As the text that [`FromStr`] reads, on one line.
impl fmt::Display for LocalType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// As the text.
impl fmt::Debug for LocalType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
