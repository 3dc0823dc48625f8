//! A handler that says what a test has written down for it, and notes what it was asked.

use opforge_vm::Value;
use opforge_vm::session::{
    EffectCall, EffectHandler, GuardCall, MessageInfo, Outcome, Receipt, SendDecision,
};
use std::collections::VecDeque;

/// Answers by kind, each used once and in order; where there is none left, everything passes. [`PANIC`] as the text of a
/// failure makes the method panic instead.
#[derive(Debug, Default)]
pub(crate) struct Script {
    pub(crate) invoke: VecDeque<Outcome<Value>>,
    pub(crate) acquire: VecDeque<Outcome<()>>,
    pub(crate) release: VecDeque<()>,
    pub(crate) send: VecDeque<SendDecision>,
    pub(crate) receive: VecDeque<Result<(), String>>,
    pub(crate) transfer: VecDeque<Result<(), String>>,
    pub(crate) sees_messages: bool,
    /// What was asked, in order.
    pub(crate) asked: Vec<String>,
}

pub(crate) const PANIC: &str = "(panics)";

fn panics(text: &str) {
    assert_ne!(text, PANIC, "the handler broke");
}

impl EffectHandler for Script {
    fn invoke(&mut self, call: EffectCall<'_>) -> Outcome<Value> {
        self.asked.push(format!("{}: {}{:?}", call.coro, call.name, call.args));
        let answer = self.invoke.pop_front().unwrap_or(Outcome::Done(Value::Unit));
        if let Outcome::Failed(text) = &answer {
            panics(text);
        }
        answer
    }

    fn acquire(&mut self, call: GuardCall<'_>) -> Outcome<()> {
        self.asked.push(format!("{}: acquire {}", call.coro, call.name));
        let answer = self.acquire.pop_front().unwrap_or(Outcome::Done(()));
        if let Outcome::Failed(text) = &answer {
            panics(text);
        }
        answer
    }

    fn release(&mut self, call: GuardCall<'_>) {
        self.asked.push(format!("{}: release {}", call.coro, call.name));
        if self.release.pop_front().is_some() {
            panics(PANIC);
        }
    }

    fn sees_messages(&self) -> bool {
        self.sees_messages
    }

    fn on_send(&mut self, message: MessageInfo<'_>) -> SendDecision {
        let MessageInfo { session, from, to, label, value, coro } = message;
        self.asked.push(format!("{coro}: #{session} {from} -> {to} {label}({value:?})"));
        let answer = self.send.pop_front().unwrap_or(SendDecision::Deliver);
        if let SendDecision::Fail(text) = &answer {
            panics(text);
        }
        answer
    }

    fn on_recv(&mut self, message: MessageInfo<'_>) -> Result<(), String> {
        let MessageInfo { session, from, to, label, value, coro } = message;
        self.asked.push(format!("{coro}: #{session} {to} <- {from} {label}({value:?})"));
        let answer = self.receive.pop_front().unwrap_or(Ok(()));
        if let Err(text) = &answer {
            panics(text);
        }
        answer
    }

    fn on_transfer(&mut self, receipt: Receipt<'_>) -> Result<(), String> {
        let Receipt { serial, session, role, from, to, facts, bundle } = receipt;
        self.asked.push(format!("{from}: {serial} #{session} {role} to {to}, {facts} facts, {bundle:?}"));
        let answer = self.transfer.pop_front().unwrap_or(Ok(()));
        if let Err(text) = &answer {
            panics(text);
        }
        answer
    }
}
