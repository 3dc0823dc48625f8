//! How a session machine behaves: who runs when, what is bounded, what is remembered.

use super::event::Observe;
use crate::program::{EdgeDef, EdgePolicy};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What the priority of a coroutine goes by; the greatest runs first, of equals the one that waits longest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Priority {
    /// Numbers by coroutine, 0 for those without. A coroutine of a high number starves the others as long as it can run.
    Fixed(BTreeMap<u32, i32>),
    /// The same, plus one for every slice that the coroutine has waited: nobody starves.
    Aging(BTreeMap<u32, i32>),
    /// The progress tokens of the endpoints that the coroutine owns.
    Tokens,
}

/// Who runs next, and for how long. All policies are deterministic.
///
/// `quantum` is in fuel. A slice also ends where the coroutine waits, yields or halts; it does at least one instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Policy {
    /// First come first served; a coroutine runs until it waits, yields or halts. One that does neither keeps the others
    /// from running, as long as the fuel lasts.
    Cooperative,
    /// First come first served, for a quantum each.
    RoundRobin {
        /// Fuel of a slice.
        quantum: u64,
    },
    /// By priority, for a quantum each.
    Priority {
        /// What it goes by.
        by: Priority,
        /// Fuel of a slice.
        quantum: u64,
    },
    /// Coroutines that own endpoints with progress tokens first, then first come first served.
    ProgressAware {
        /// Fuel of a slice.
        quantum: u64,
    },
    /// At random, for a quantum each: the same seed gives the same order.
    Random {
        /// Where the random numbers begin.
        seed: u64,
        /// Fuel of a slice.
        quantum: u64,
    },
}

impl Policy {
    /// The reference schedule: one instruction each, first come first served. Ticks of its events are comparable
    /// between machines.
    pub const REFERENCE: Self = Self::RoundRobin { quantum: 1 };

    /// Fuel of a slice.
    #[must_use]
    pub const fn quantum(&self) -> u64 {
        match self {
            Self::Cooperative => u64::MAX,
            Self::RoundRobin { quantum }
            | Self::Priority { quantum, .. }
            | Self::ProgressAware { quantum }
            | Self::Random { quantum, .. } => *quantum,
        }
    }
}

impl Default for Policy {
    /// Round robin with 10,000 units of fuel.
    fn default() -> Self {
        Self::RoundRobin { quantum: 10_000 }
    }
}

/// What becomes of others when a coroutine traps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnTrap {
    /// The sessions it is a party of become unusable: partners trap with `ChannelClosed` where they wait or act next.
    #[default]
    Cancel,
    /// Nothing: partners that need it wait for ever.
    Isolate,
}

/// Buffers of all edges, in place of what shapes declare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EdgeOverride {
    /// What happens when an edge is full.
    pub policy: EdgePolicy,
    /// Messages that an edge holds, at least 1.
    pub capacity: u32,
    /// With [`EdgePolicy::Resize`]: messages that it may come to hold.
    pub max: u32,
}

impl EdgeOverride {
    pub(super) fn apply(&self, edge: &EdgeDef) -> EdgeDef {
        EdgeDef { policy: self.policy, capacity: self.capacity, max: self.max, ..*edge }
    }
}

/// Who may learn what: decides `check`, together with what the coroutine knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlowPolicy {
    /// Every fact may flow to every role.
    #[default]
    AllowAll,
    /// No fact may flow.
    DenyAll,
    /// Facts may flow to these roles.
    AllowRoles(Vec<String>),
    /// Facts may flow to all roles but these.
    DenyRoles(Vec<String>),
    /// By predicate.
    When(Arc<FlowRule>),
}

/// A predicate over a fact and the role that it would flow to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlowRule {
    /// The role's name begins so.
    TargetPrefix(String),
    /// The text of the fact contains this.
    FactContains(String),
    /// The fact's endpoint is that of the role.
    EndpointIsTarget,
    /// All of these hold.
    All(Vec<FlowRule>),
    /// At least one of these holds.
    Any(Vec<FlowRule>),
}

impl FlowRule {
    /// How deeply rules may be nested; what is deeper permits nothing.
    pub const MAX_DEPTH: usize = 32;

    fn permits(&self, fact: &str, role: &str, target: &str, depth: usize) -> bool {
        if depth > Self::MAX_DEPTH {
            return false;
        }
        match self {
            Self::TargetPrefix(prefix) => target.starts_with(prefix.as_str()),
            Self::FactContains(part) => fact.contains(part.as_str()),
            Self::EndpointIsTarget => role == target,
            Self::All(rules) => rules.iter().all(|rule| rule.permits(fact, role, target, depth + 1)),
            Self::Any(rules) => rules.iter().any(|rule| rule.permits(fact, role, target, depth + 1)),
        }
    }
}

impl FlowPolicy {
    /// Whether a fact about the endpoint of `role` may flow to the role `target`.
    #[must_use]
    pub fn permits(&self, fact: &str, role: &str, target: &str) -> bool {
        match self {
            Self::AllowAll => true,
            Self::DenyAll => false,
            Self::AllowRoles(roles) => roles.iter().any(|allowed| allowed == target),
            Self::DenyRoles(roles) => roles.iter().all(|denied| denied != target),
            Self::When(rule) => rule.permits(fact, role, target, 0),
        }
    }
}

/// How a session machine behaves. The defaults are finite and fair.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionConfig {
    /// Who runs next. Default: round robin.
    pub policy: Policy,
    /// Most coroutines at once. Default: 65,536.
    pub max_coroutines: u32,
    /// Most sessions at once. Default: 65,536.
    pub max_sessions: u32,
    /// Most speculations inside of each other; 0 for none at all. Default: 16.
    pub max_speculation: u32,
    /// Most facts that a coroutine knows. Default: 4,096.
    pub max_facts: u32,
    /// What becomes of others when a coroutine traps. Default: their sessions are cancelled.
    pub on_trap: OnTrap,
    /// Buffers of all edges, in place of what shapes declare. Default: as declared.
    pub edge: Option<EdgeOverride>,
    /// Who may learn what. Default: everybody everything.
    pub flow: FlowPolicy,
    /// What is recorded as events. Default: events, without the scheduler's.
    pub observe: Observe,
    /// Most events kept: the newest; older ones are counted, not kept. Default: a million.
    pub max_events: usize,
    /// Whether a `transfer` needs a coroutine that waits for the endpoint, which is the only way to use it. Default: yes.
    pub transfer_needs_handle: bool,
    /// Whether the last registers of coroutines that have ended are kept, to be looked at. They then go on being charged
    /// against the memory limit. Default: no.
    pub keep_registers: bool,
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            max_coroutines: 1 << 16,
            max_sessions: 1 << 16,
            max_speculation: 16,
            max_facts: 4096,
            on_trap: OnTrap::default(),
            edge: None,
            flow: FlowPolicy::default(),
            observe: Observe::Events,
            max_events: 1_000_000,
            transfer_needs_handle: true,
            keep_registers: false,
        }
    }
}

macro_rules! setters {
    ($($(#[$meta:meta])* $name:ident: $field:ident $ty:ty,)*) => {
        impl SessionConfig {
            /// The defaults.
            #[must_use]
            pub fn new() -> Self {
                Self::default()
            }

            $($(#[$meta])*
            #[must_use]
            pub fn $name(mut self, $field: $ty) -> Self {
                self.$field = $field;
                self
            })*
        }
    };
}

setters! {
    /// Sets who runs next.
    policy: policy Policy,
    /// Sets the number of coroutines at once.
    coroutines: max_coroutines u32,
    /// Sets the number of sessions at once.
    sessions: max_sessions u32,
    /// Sets how many speculations may be inside of each other.
    speculation: max_speculation u32,
    /// Sets the number of facts a coroutine.
    facts: max_facts u32,
    /// Sets what becomes of others when a coroutine traps.
    on_trap: on_trap OnTrap,
    /// Sets the buffers of all edges.
    edges: edge Option<EdgeOverride>,
    /// Sets who may learn what.
    flow: flow FlowPolicy,
    /// Sets what is recorded as events.
    observe: observe Observe,
    /// Sets the number of events kept.
    events: max_events usize,
    /// Sets whether a transfer needs somebody who waits for it.
    transfer_needs_handle: transfer_needs_handle bool,
    /// Sets whether registers of ended coroutines are kept.
    keep_registers: keep_registers bool,
}
