//! What the builder is told about edges, effects and linear types.

use crate::ids::{LayerId, ShapeId};
use crate::program::{EdgeDef, EdgePolicy};
use crate::protocol::LocalType;

/// An edge of a shape that is not as edges are by default: blocking, with room for
/// [`EdgeDef::DEFAULT_CAPACITY`] messages.
///
/// ```
/// use opforge_vm::{builder::Edge, program::EdgePolicy};
///
/// let edge = Edge::new("Client", "Server").capacity(4);
/// let lossy = Edge::new("Sensor", "Display").policy(EdgePolicy::Latest);
/// let growing = Edge::new("Log", "Disk").grow_to(1 << 12);
/// # let _ = (edge, lossy, growing);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge<'a> {
    pub(super) from: &'a str,
    pub(super) to: &'a str,
    pub(super) policy: EdgePolicy,
    pub(super) capacity: Option<u32>,
    pub(super) max: Option<u32>,
}

impl<'a> Edge<'a> {
    /// The edge on which the role `from` sends to the role `to`.
    #[must_use]
    pub const fn new(from: &'a str, to: &'a str) -> Self {
        Self { from, to, policy: EdgePolicy::Block, capacity: None, max: None }
    }

    /// Messages that it holds. By default 1 with [`EdgePolicy::Latest`], else [`EdgeDef::DEFAULT_CAPACITY`].
    #[must_use]
    pub const fn capacity(mut self, messages: u32) -> Self {
        self.capacity = Some(messages);
        self
    }

    /// What happens to a message for which it has no room.
    #[must_use]
    pub const fn policy(mut self, policy: EdgePolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Lets it grow to this many messages: [`EdgePolicy::Resize`].
    #[must_use]
    pub const fn grow_to(mut self, messages: u32) -> Self {
        self.policy = EdgePolicy::Resize;
        self.max = Some(messages);
        self
    }
}

/// The capacity of an edge that says nothing about it.
pub(crate) const fn default_capacity(policy: EdgePolicy) -> u32 {
    if matches!(policy, EdgePolicy::Latest) { 1 } else { EdgeDef::DEFAULT_CAPACITY }
}

/// What an effect asks for. By default it needs no capability and is refused in speculations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EffectOptions<'a> {
    pub(super) capability: &'a str,
    pub(super) speculative: bool,
}

impl<'a> EffectOptions<'a> {
    /// No capability, not in speculations.
    #[must_use]
    pub const fn new() -> Self {
        Self { capability: "", speculative: false }
    }

    /// The capability that the embedder must have granted.
    #[must_use]
    pub const fn capability(mut self, name: &'a str) -> Self {
        self.capability = name;
        self
    }

    /// It may be invoked in a speculation, because it is harmless if that is aborted.
    #[must_use]
    pub const fn speculative(mut self) -> Self {
        self.speculative = true;
        self
    }
}

/// The exact type of a parameter or result whose class is `chan` or `evidence`.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use opforge_vm::{ValueType, builder::{Linear, ProgramBuilder}, program::Place};
///
/// let mut program = ProgramBuilder::new();
/// program.local("Client", &"!Server{get(u64). ?Server{val(str). end}}".parse()?)?;
/// program.local("Server", &"?Client{get(u64). !Client{val(str). end}}".parse()?)?;
/// let shop = program.shape("Shop", &[("Client", "Client"), ("Server", "Server")], &[])?;
/// let buy = program.declare("buy", &[ValueType::Chan], &[ValueType::Chan])?;
/// program.linear(buy, Place::Param(0), Linear::chan(shop, "Client"))?;
/// let rest = "?Server{val(str). end}".parse()?;
/// program.linear(buy, Place::Result(0), Linear::chan(shop, "Client").doing(&rest))?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Linear<'a>(pub(super) Kind<'a>);

#[derive(Clone, Copy, Debug)]
pub(super) enum Kind<'a> {
    Chan(Endpoint<'a>),
    Handle(Endpoint<'a>),
    Evidence(LayerId),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Endpoint<'a> {
    pub(super) shape: ShapeId,
    pub(super) role: &'a str,
    pub(super) left: Left<'a>,
}

/// What is left to be done with an endpoint.
#[derive(Clone, Copy, Debug)]
pub(super) enum Left<'a> {
    All,
    Named(&'a str),
    Type(&'a LocalType),
}

impl<'a> Linear<'a> {
    /// An endpoint of a session of this shape and role, with which nothing has been done yet.
    #[must_use]
    pub const fn chan(shape: ShapeId, role: &'a str) -> Self {
        Self(Kind::Chan(Endpoint { shape, role, left: Left::All }))
    }

    /// As [`Linear::chan`], of an endpoint that is still to be transferred to the function. Parameters only.
    #[must_use]
    pub const fn handle(shape: ShapeId, role: &'a str) -> Self {
        Self(Kind::Handle(Endpoint { shape, role, left: Left::All }))
    }

    /// Proof of holding a guard layer.
    #[must_use]
    pub const fn evidence(layer: LayerId) -> Self {
        Self(Kind::Evidence(layer))
    }

    /// Of the endpoint, this local type of the program is left to be done. Changes nothing about evidence.
    #[must_use]
    pub const fn at(self, local: &'a str) -> Self {
        self.with(Left::Named(local))
    }

    /// As [`Linear::at`], for a local type without a name. It should be what is left of the role's type after some of
    /// its messages.
    #[must_use]
    pub const fn doing(self, ty: &'a LocalType) -> Self {
        self.with(Left::Type(ty))
    }

    const fn with(self, left: Left<'a>) -> Self {
        Self(match self.0 {
            Kind::Chan(endpoint) => Kind::Chan(Endpoint { left, ..endpoint }),
            Kind::Handle(endpoint) => Kind::Handle(Endpoint { left, ..endpoint }),
            Kind::Evidence(layer) => Kind::Evidence(layer),
        })
    }
}
