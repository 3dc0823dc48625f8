//! Writes tapes.

use super::{EffectTape, MAGIC, VERSION};
use crate::endpoint::{CoroId, EndpointId, SessionId};
use crate::session::datum::{Datum, Node};
use crate::session::hash::Hasher;
use crate::session::record::{Decision, Entry, Origin};
use alloc::vec::Vec;

impl EffectTape {
    /// The tape as bytes. Reading them gives an equal tape, as long as no value in it is deeper than
    /// [`Datum::MAX_DEPTH`]: [`Datum::from_value`] makes none that is.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer(Vec::new());
        out.0.extend_from_slice(MAGIC);
        out.0.push(VERSION);
        out.fixed(self.program);
        out.fixed(self.config);
        out.0.push(self.complete.into());
        out.number(self.entries.len() as u64);
        self.entries.iter().for_each(|entry| out.entry(entry));
        let mut check = Hasher::new();
        check.bytes(&out.0);
        out.fixed(check.finish());
        out.0
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn fixed(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn number(&mut self, value: impl Into<u64>) {
        let mut value = value.into();
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn signed(&mut self, value: i64) {
        self.number((value << 1 ^ value >> 63) as u64);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn coro(&mut self, id: CoroId) {
        self.number(id.index);
        self.number(id.generation);
    }

    fn session(&mut self, id: SessionId) {
        self.number(id.index);
        self.number(id.generation);
    }

    fn endpoint(&mut self, id: EndpointId) {
        self.session(id.session_id());
        self.number(id.role);
    }

    fn entry(&mut self, entry: &Entry) {
        match entry.origin {
            Origin::Code { coro, func, instr } => {
                self.0.push(0);
                self.coro(coro);
                self.number(func.0);
                self.number(instr.0);
            }
            Origin::Host { tick } => {
                self.0.push(1);
                self.number(tick);
            }
        }
        self.0.push(entry.act as u8);
        self.decision(&entry.decision);
    }

    fn decision(&mut self, decision: &Decision) {
        match decision {
            Decision::Done => self.0.push(0),
            Decision::Value(value) => {
                self.0.push(1);
                self.datum(value);
            }
            Decision::Dropped => self.0.push(2),
            Decision::Blocked => self.0.push(3),
            Decision::Failed(text) => {
                self.0.push(4);
                self.bytes(text.as_bytes());
            }
            Decision::Panicked(text) => {
                self.0.push(5);
                self.bytes(text.as_bytes());
            }
            Decision::Injected { session, from, to, label, value } => {
                self.0.push(6);
                self.session(*session);
                self.number(*from);
                self.number(*to);
                self.number(label.0);
                self.datum(value);
            }
            Decision::Opened { session, shape } => {
                self.0.push(7);
                self.session(*session);
                self.number(shape.0);
            }
            Decision::Spawned { child, func, args } => {
                self.0.push(8);
                self.coro(*child);
                self.number(func.0);
                self.number(args.len() as u64);
                args.iter().for_each(|arg| self.datum(arg));
            }
            Decision::Session(id) => {
                self.0.push(9);
                self.session(*id);
            }
            Decision::Coroutine(id) => {
                self.0.push(10);
                self.coro(*id);
            }
            Decision::Layer(id) => {
                self.0.push(11);
                self.number(id.0);
            }
        }
    }

    fn datum(&mut self, datum: &Datum) {
        let mut stack = Vec::from([core::slice::from_ref(datum).iter()]);
        while let Some(mut rest) = stack.pop() {
            let Some(datum) = rest.next() else { continue };
            stack.push(rest);
            match datum.parts() {
                Some((node, parts)) => {
                    self.node(node, parts.len());
                    stack.push(parts.iter());
                }
                None => self.leaf(datum),
            }
        }
    }

    fn node(&mut self, node: Node, parts: usize) {
        match node {
            Node::Closure(func) => {
                self.0.push(11);
                return self.number(func.0);
            }
            Node::Tuple => self.0.push(16),
            Node::Struct(id) => {
                self.0.push(17);
                self.number(id.0);
            }
            Node::Array(id) => {
                self.0.push(18);
                self.number(id.0);
            }
        }
        self.number(parts as u64);
    }

    fn leaf(&mut self, datum: &Datum) {
        match datum {
            Datum::Unit => self.0.push(0),
            Datum::Bool(v) => self.0.push(1 + u8::from(*v)),
            Datum::I64(v) => {
                self.0.push(3);
                self.signed(*v);
            }
            Datum::U64(v) => {
                self.0.push(4);
                self.number(*v);
            }
            Datum::F64(bits) => {
                self.0.push(5);
                self.fixed(*bits);
            }
            Datum::Decimal(v) => {
                self.0.push(6);
                self.signed(v.mantissa);
                self.0.push(v.scale);
            }
            Datum::Bytes(bytes) => {
                self.0.push(7);
                self.bytes(bytes);
            }
            Datum::Str(text) => {
                self.0.push(8);
                self.bytes(text.as_bytes());
            }
            Datum::Obj { host_type, handle } => {
                self.0.push(9);
                self.number(*host_type);
                self.number(*handle);
            }
            Datum::Func(func) => {
                self.0.push(10);
                self.number(func.0);
            }
            Datum::Endpoint(id) => {
                self.0.push(12);
                self.endpoint(*id);
            }
            Datum::Epid(id) => {
                self.0.push(13);
                self.endpoint(*id);
            }
            Datum::Evidence(id) => {
                self.0.push(14);
                self.number(id.layer);
                self.number(id.serial);
            }
            Datum::Coro(id) => {
                self.0.push(15);
                self.coro(*id);
            }
            // Those with parts are nodes.
            Datum::NoAggregate
            | Datum::Closure(..)
            | Datum::Tuple(_)
            | Datum::Struct(..)
            | Datum::Array(..) => self.0.push(19),
        }
    }
}
