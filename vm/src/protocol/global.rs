//! Global types: a conversation as somebody sees it who sees all parties.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use super::error::{ProtocolError, ProtocolErrorKind, ProtocolErrors};
use super::lexer::{Tok, Token};
use super::parse::{Action, Parser};
use super::tree::{Branch, Cell, Tree, TypeRef};
use super::{LocalType, MAX_ROLES, MergeMode, Name, check, project};

/// A message of a global type: who sends it to whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GlobalAction {
    /// The role that sends, and chooses the label.
    pub from: Name,
    /// The role that receives.
    pub to: Name,
}

impl fmt::Display for GlobalAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}", self.from, self.to)
    }
}

impl Action for GlobalAction {
    const BEGINS: &'static str = "a global type (`end`, `mu`, a role with `->` or a variable)";

    fn read(parser: &mut Parser<'_>, first: Token) -> Result<Option<Self>, ProtocolError> {
        if !matches!(first.tok, Tok::Word | Tok::Quoted) || parser.peek()? != Tok::Arrow {
            return Ok(None);
        }
        let from = parser.name_of(first, "a role")?;
        parser.expect(Tok::Arrow, "`->`")?;
        Ok(Some(Self { from, to: parser.name("the role that receives")? }))
    }
}

/// A conversation of any number of roles. Its parties' types are its projections ([`GlobalType::project`]), which fit
/// together because they come from one type.
///
/// `==` compares what was written, without places in text. Types are not checked when they are made; see
/// [`GlobalType::check`].
#[derive(Clone, PartialEq, Eq)]
pub struct GlobalType(pub(super) Tree<GlobalAction>);

impl GlobalType {
    /// Nothing more is said.
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

    /// A message from one role to another, with one of these labels, chosen by the sender.
    #[must_use]
    pub fn message(from: &str, to: &str, branches: impl IntoIterator<Item = Branch<Self>>) -> Self {
        let branches = branches.into_iter().map(|branch| branch.map(|next| next.0));
        Self(Tree::act(GlobalAction { from: from.into(), to: to.into() }, branches))
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
    pub fn root(&self) -> TypeRef<'_, GlobalAction> {
        self.0.root_ref()
    }

    /// The roles that say or hear something, sorted.
    #[must_use]
    pub fn roles(&self) -> Vec<Name> {
        let mut roles: BTreeSet<&Name> = BTreeSet::new();
        for cell in &self.0.cells {
            if let Cell::Act { act, .. } = cell {
                roles.extend([&act.from, &act.to]);
            }
        }
        roles.into_iter().cloned().collect()
    }

    /// Whether it means something: every variable is bound, every message has branches, which differ in their labels,
    /// no loop comes back without a message in between, and nobody talks to themself.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, in the order of the text.
    pub fn check(&self) -> Result<(), ProtocolErrors> {
        ProtocolErrors::of(check::tree(&self.0, |act| (act.from == act.to).then_some(&act.from)))
    }

    /// What `role` does in this conversation; `end` for one that has no part in it.
    ///
    /// Where a choice is made between others, the role acts on what it hears later; [`MergeMode`] says how much the
    /// branches may differ for it. Takes time proportional to `n log n` of the type's size.
    ///
    /// # Errors
    ///
    /// What is wrong with the type ([`GlobalType::check`]), or why the role cannot take part (`P0301` to `P0304`):
    /// which two branches of which choice, and what the role would do in each.
    pub fn project(&self, role: &str, mode: MergeMode) -> Result<LocalType, ProtocolErrors> {
        self.check()?;
        Ok(project::project(&self.0, &Name::new(role), mode).map(LocalType)?)
    }

    /// All roles with their types, sorted by role.
    ///
    /// # Errors
    ///
    /// What is wrong with the type, or else why roles cannot take part: one error for each of those roles.
    /// [`ProtocolErrorKind::TooLarge`] if there are more than [`MAX_ROLES`] roles.
    pub fn project_all(&self, mode: MergeMode) -> Result<Vec<(Name, LocalType)>, ProtocolErrors> {
        self.check()?;
        let (mut types, mut errors) = (Vec::new(), Vec::new());
        let roles = self.roles();
        if roles.len() > MAX_ROLES {
            let message = format!("a conversation of more than {MAX_ROLES} roles");
            return Err(ProtocolError::new(ProtocolErrorKind::TooLarge, message).into());
        }
        for role in roles {
            match project::project(&self.0, &role, mode) {
                Ok(tree) => types.push((role, LocalType(tree))),
                Err(error) => errors.push(error),
            }
        }
        ProtocolErrors::of(errors).map(|()| types)
    }
}

impl FromStr for GlobalType {
    type Err = ProtocolError;

    /// # Errors
    ///
    /// The first thing that is wrong with the text: one of the kinds with codes `P00..`, `P01..` and `P0401`.
    fn from_str(text: &str) -> Result<Self, ProtocolError> {
        Parser::new(text).whole().map(Self)
    }
}

/// As the text that [`FromStr`] reads, on one line.
impl fmt::Display for GlobalType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// As the text.
impl fmt::Debug for GlobalType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
