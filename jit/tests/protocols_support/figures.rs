//! What was exercised.

use super::build::Built;
use super::run::Ran;
use opforge_testgen::Protocol;
use opforge_vm::builder::{PartyParam, Picks};
use opforge_vm::protocol::{GlobalAction, MergeMode, Node, Payload, TypeRef};
use opforge_vm::session::Event;
use opforge_vm::verify::Coherent;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Counts over many conversations.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    protocols: u64,
    refused: usize,
    /// By number of roles.
    roles: BTreeMap<usize, u64>,
    /// With this feature.
    with: BTreeMap<&'static str, u64>,
    messages: u64,
    /// Payloads that parties have registers for, by class.
    payloads: BTreeMap<String, u64>,
    coherent: BTreeMap<&'static str, u64>,
    runs: u64,
    /// By kind of party and end.
    ends: BTreeMap<(&'static str, &'static str), u64>,
    sent: u64,
    pub(crate) draws: u64,
    pub(crate) repeats: u64,
    pub(crate) paces: u64,
    pub(crate) round_trips: u64,
    pub(crate) native: u64,
    /// Messages, by sender, receiver and label: those of types, and those that random parties sent in some run.
    sendable: u64,
    heard: u64,
}

impl Figures {
    /// Counts what there is in a conversation.
    pub(crate) fn protocol(&mut self, protocol: &Protocol) {
        self.protocols += 1;
        self.refused += protocol.refused;
        *self.roles.entry(protocol.locals.len()).or_default() += 1;
        let mut seen = Seen::default();
        seen.walk(protocol.global.root(), 0);
        self.messages += seen.messages;
        let merges = protocol.global.project_all(MergeMode::Plain).is_err();
        let third = protocol.locals.len() > 2 && seen.choices > 0;
        let features: [(&'static str, bool); 6] = [
            ("choices", seen.choices > 0),
            ("loops", seen.loops > 0),
            ("loops in loops", seen.nested),
            ("a variable of an outer loop", seen.outer),
            ("choices that others have to hear of", third),
            ("different branches merged", merges),
        ];
        for (name, has) in features {
            *self.with.entry(name).or_default() += u64::from(has);
        }
    }

    fn coherent(&mut self, how: Option<Coherent>) {
        let how = match how {
            Some(Coherent::Projected) => "projected",
            Some(_) => "explored",
            None => "too large to explore",
        };
        *self.coherent.entry(how).or_default() += 1;
    }

    /// Counts which messages of a conversation were sent.
    pub(crate) fn taken(&mut self, protocol: &Protocol, sent: &BTreeSet<Message>) {
        let mut seen = Seen::default();
        seen.walk(protocol.global.root(), 0);
        self.sendable += seen.sendable.len() as u64;
        self.heard += sent.len() as u64;
    }

    /// Counts the registers of a program.
    pub(crate) fn built(&mut self, built: &Built) {
        self.coherent(built.coherent);
        for param in built.parties.iter().flat_map(|party| &party.params) {
            if let PartyParam::Payload(payload) = param {
                *self.payloads.entry(class(payload)).or_default() += 1;
            }
        }
    }

    /// Counts a run of all policies.
    pub(crate) fn ran(&mut self, ran: &Ran, picks: Picks) {
        self.runs += 1;
        let kind = if picks == Picks::First { "first branches" } else { "random branches" };
        let end = if ran.ended { "ended" } else { "stopped for fuel" };
        *self.ends.entry((kind, end)).or_default() += 1;
        let sent = ran.events.iter().filter(|stamped| matches!(stamped.event, Event::Sent { .. }));
        self.sent += sent.count() as u64;
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        fn add<K: Ord + Clone>(to: &mut BTreeMap<K, u64>, from: &BTreeMap<K, u64>) {
            from.iter().for_each(|(key, count)| *to.entry(key.clone()).or_default() += count);
        }
        self.protocols += other.protocols;
        self.refused += other.refused;
        add(&mut self.roles, &other.roles);
        add(&mut self.with, &other.with);
        self.messages += other.messages;
        add(&mut self.payloads, &other.payloads);
        add(&mut self.coherent, &other.coherent);
        self.runs += other.runs;
        add(&mut self.ends, &other.ends);
        self.sent += other.sent;
        self.draws += other.draws;
        self.repeats += other.repeats;
        self.paces += other.paces;
        self.round_trips += other.round_trips;
        self.native += other.native;
        self.sendable += other.sendable;
        self.heard += other.heard;
    }

    /// What hardly occurred, so that the test says little about it.
    pub(crate) fn too_rare(&self) -> Vec<String> {
        let mut rare = Vec::new();
        let mut least = |what: String, count: u64, percent: u64| {
            if count * 100 < self.protocols * percent {
                rare.push(format!("{what}: {count} of {}", self.protocols));
            }
        };
        for roles in 2..=5 {
            least(format!("{roles} roles"), self.roles.get(&roles).copied().unwrap_or(0), 8);
        }
        for (feature, &count) in &self.with {
            least((*feature).to_owned(), count, 10);
        }
        for how in ["projected", "explored"] {
            least(how.to_owned(), self.coherent.get(how).copied().unwrap_or(0), 50);
        }
        for (kind, end) in [
            ("first branches", "ended"),
            ("first branches", "stopped for fuel"),
            ("random branches", "ended"),
            ("random branches", "stopped for fuel"),
        ] {
            // Each conversation has several runs of each kind.
            least(format!("{kind} {end}"), self.ends.get(&(kind, end)).copied().unwrap_or(0), 100);
        }
        if self.heard * 100 < self.sendable * 70 {
            rare.push(format!("messages sent: {} of {}", self.heard, self.sendable));
        }
        rare
    }
}

/// Sender, receiver and label.
pub(crate) type Message = (String, String, String);

/// A word for a payload.
fn class(payload: &Payload) -> String {
    match payload {
        Payload::Value(ty) => ty.to_string(),
        Payload::Tuple(_) => "tuple".to_owned(),
        other => other.to_string(),
    }
}

/// What there is in a type.
#[derive(Debug, Default)]
struct Seen {
    messages: u64,
    choices: u64,
    loops: u64,
    nested: bool,
    outer: bool,
    vars: Vec<String>,
    sendable: BTreeSet<Message>,
}

impl Seen {
    fn walk(&mut self, ty: TypeRef<'_, GlobalAction>, loops: usize) {
        match ty.node() {
            Node::End => {}
            // Behind the last one are those that loops further in have bound.
            Node::Var(var) => self.outer |= self.vars.last().is_some_and(|inner| *inner != **var),
            Node::Mu(var, body) => {
                self.loops += 1;
                self.nested |= loops > 0;
                self.vars.push(var.to_string());
                self.walk(body, loops + 1);
                self.vars.pop();
            }
            Node::Act(act, branches) => {
                self.messages += branches.len() as u64;
                self.choices += u64::from(branches.len() > 1);
                for (label, _, next) in branches {
                    let [from, to, label] = [&act.from, &act.to, label].map(|name| name.to_string());
                    self.sendable.insert((from, to, label));
                    self.walk(next, loops);
                }
            }
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} protocols with {} messages ({} random types had no projection), by roles {:?}",
            self.protocols, self.messages, self.refused, self.roles
        )?;
        writeln!(f, "with {:?}", self.with)?;
        writeln!(f, "coherent: {:?}; registers for payloads: {:?}", self.coherent, self.payloads)?;
        writeln!(
            f,
            "{} runs of all policies ({:?}) sent {} messages, {} of {} different ones; {} other draws, {} repeats, {} runs in pieces, {} round trips, {} native",
            self.runs,
            self.ends,
            self.sent,
            self.heard,
            self.sendable,
            self.draws,
            self.repeats,
            self.paces,
            self.round_trips,
            self.native
        )
    }
}
