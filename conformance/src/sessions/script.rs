//! What the host decides in a case, call by call, and the handler that does.

use super::values::{Class, Literal};
use crate::fields::{Result, as_list, as_number, as_object};
use opforge::session::{EffectCall, EffectHandler, GuardCall, MessageInfo, Outcome, SendDecision};
use opforge::{CoroId, Value};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// What the host is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// To do an effect.
    Step,
    /// Whether a message goes its way.
    Send,
    /// Whether a message is received.
    Receive,
    /// For a guard layer.
    Acquire,
}

impl Call {
    const NAMED: [(&'static str, Self); 4] =
        [("step", Self::Step), ("send", Self::Send), ("recv", Self::Receive), ("acquire", Self::Acquire)];
}

/// What it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// What it says where nothing is scripted: done, granted, delivered.
    Proceed,
    /// A register holds another value from now on.
    Set(u32, Literal),
    /// A register holds one more.
    Increment(u32),
    /// Another value is delivered.
    Deliver(Literal),
    /// The message is lost.
    Drop,
    /// It fails.
    Fail,
    /// It cannot be done now.
    Block,
}

impl Decision {
    fn from_json(json: &Json) -> Result<Self> {
        if json.is_null() {
            return Ok(Self::Proceed);
        }
        let mut fields = as_object(json)?.iter();
        let (Some((name, value)), None) = (fields.next(), fields.next()) else {
            return Err(format!("decision {json} is more than one"));
        };
        Ok(match name.as_str() {
            "grant" => Self::Proceed,
            "set" => {
                let mut set = as_object(value)?.iter();
                let (Some((reg, value)), None) = (set.next(), set.next()) else {
                    return Err(format!("effects have one result, not {value}"));
                };
                let reg = reg.parse().map_err(|_| format!("{reg:?} is no register"))?;
                Self::Set(reg, Literal::from_json(value)?)
            }
            "inc" => Self::Increment(as_number(value).ok_or_else(|| format!("{value} is no register"))?),
            "deliver" => Self::Deliver(Literal::from_json(value)?),
            "drop" => Self::Drop,
            "fail" => Self::Fail,
            "block" => Self::Block,
            _ => return Err(format!("decision {json} is not one that the VM's handlers can make")),
        })
    }
}

/// All that is scripted: by call and role, the decisions in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script(BTreeMap<(Call, String), Vec<Decision>>);

impl Script {
    pub(super) fn from_json(json: &Json) -> Result<Self> {
        let mut script = BTreeMap::new();
        for (name, roles) in as_object(json)? {
            let call = Call::NAMED.iter().find(|(known, _)| known == name);
            let &(_, call) = call.ok_or_else(|| format!("there is no call {name:?}"))?;
            for (role, decisions) in as_object(roles)? {
                let decisions = as_list(decisions)?.iter().map(Decision::from_json);
                let decisions: Vec<Decision> = decisions.collect::<Result<_>>()?;
                if let Some(bad) = decisions.iter().find(|decision| !Self::fits(call, decision)) {
                    return Err(format!("handlers of the VM do not answer {name} with {bad:?}"));
                }
                script.insert((call, role.clone()), decisions);
            }
        }
        Ok(Self(script))
    }

    fn fits(call: Call, decision: &Decision) -> bool {
        use Decision as D;
        match decision {
            D::Proceed | D::Fail | D::Block => true,
            D::Set(..) | D::Increment(_) => call == Call::Step,
            D::Deliver(_) | D::Drop => call == Call::Send,
        }
    }

    /// The decisions about one call of one role.
    fn of(&self, call: Call, role: &str) -> &[Decision] {
        self.0.get(&(call, role.to_owned())).map_or(&[], Vec::as_slice)
    }

    fn scripts(&self, call: Call) -> bool {
        self.0.keys().any(|(scripted, _)| *scripted == call)
    }

    /// The register that effects of a role write, with what they leave in it.
    ///
    /// # Errors
    /// If it is more than one, or different classes.
    pub(super) fn written(&self, role: &str) -> Result<Option<(u32, Class)>> {
        let written = self.of(Call::Step, role).iter().filter_map(|decision| match decision {
            Decision::Set(reg, value) => Some((*reg, value.class())),
            Decision::Increment(reg) => Some((*reg, Class::Nat)),
            _ => None,
        });
        let mut written: Vec<(u32, Class)> = written.collect();
        written.sort_unstable();
        written.dedup();
        match *written {
            [] => Ok(None),
            [one] => Ok(Some(one)),
            _ => Err(format!("effects of {role} write {written:?}, and an effect has one result")),
        }
    }
}

/// The handler of a run.
#[derive(Debug)]
pub(super) struct Scripted {
    script: Script,
    /// Calls so far.
    calls: BTreeMap<(Call, String), usize>,
    /// The role that each coroutine runs.
    pub(super) roles: BTreeMap<CoroId, String>,
}

impl Scripted {
    pub(super) fn new(script: Script) -> Self {
        Self { script, calls: BTreeMap::new(), roles: BTreeMap::new() }
    }

    fn next(&mut self, call: Call, role: &str) -> Decision {
        let count = self.calls.entry((call, role.to_owned())).or_default();
        let decision = self.script.of(call, role).get(*count).cloned();
        *count += 1;
        decision.unwrap_or(Decision::Proceed)
    }

    fn role_of(&self, coro: CoroId) -> String {
        self.roles.get(&coro).cloned().unwrap_or_default()
    }
}

/// A value without an aggregate.
pub(super) fn plain(value: &Literal) -> Value {
    match value {
        Literal::Unit => Value::Unit,
        Literal::Bool(v) => Value::Bool(*v),
        Literal::Nat(v) => Value::U64(*v),
        Literal::Text(text) => Value::Str(text.clone()),
        // Handlers have no heap. As a result of another type than is declared it is refused.
        Literal::Fact { text, .. } => Value::Str(text.clone()),
    }
}

impl EffectHandler for Scripted {
    fn invoke(&mut self, call: EffectCall<'_>) -> Outcome<Value> {
        let role = self.role_of(call.coro);
        let now = call.args.first().cloned();
        match (self.next(Call::Step, &role), now) {
            (Decision::Set(_, value), _) => Outcome::Done(plain(&value)),
            (Decision::Increment(_), Some(Value::U64(count))) => {
                Outcome::Done(Value::U64(count.wrapping_add(1)))
            }
            (Decision::Increment(_), _) => Outcome::Done(Value::U64(1)),
            // As it is.
            (Decision::Proceed, now) => Outcome::Done(now.unwrap_or(Value::Unit)),
            // The cases know no effect that waits.
            _ => Outcome::Failed("scripted".to_owned()),
        }
    }

    fn acquire(&mut self, call: GuardCall<'_>) -> Outcome<()> {
        let role = self.role_of(call.coro);
        match self.next(Call::Acquire, &role) {
            Decision::Fail => Outcome::Failed("scripted".to_owned()),
            Decision::Block => Outcome::Blocked,
            _ => Outcome::Done(()),
        }
    }

    fn sees_messages(&self) -> bool {
        self.script.scripts(Call::Send) || self.script.scripts(Call::Receive)
    }

    fn on_send(&mut self, message: MessageInfo<'_>) -> SendDecision {
        match self.next(Call::Send, message.from) {
            Decision::Deliver(value) => SendDecision::Replace(plain(&value)),
            Decision::Drop => SendDecision::Drop,
            Decision::Fail | Decision::Block => SendDecision::Fail("scripted".to_owned()),
            _ => SendDecision::Deliver,
        }
    }

    fn on_recv(&mut self, message: MessageInfo<'_>) -> std::result::Result<(), String> {
        match self.next(Call::Receive, message.to) {
            Decision::Fail | Decision::Block => Err("scripted".to_owned()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_nth_call_takes_the_nth_decision() {
        let json =
            json!({ "step": { "A": [null, { "set": { "1": 7 } }] }, "acquire": { "A": [{ "grant": 5 }] } });
        let script = Script::from_json(&json).unwrap();
        assert_eq!(script.written("A"), Ok(Some((1, Class::Nat))));
        assert_eq!(script.written("B"), Ok(None));
        let mut handler = Scripted::new(script);
        let mut step = || handler.next(Call::Step, "A");
        assert_eq!(step(), Decision::Proceed);
        assert_eq!(step(), Decision::Set(1, Literal::Nat(7)));
        assert_eq!(step(), Decision::Proceed);
        assert!(!handler.sees_messages());
    }

    #[test]
    fn what_the_handler_cannot_do_is_refused() {
        for bad in [
            json!({ "step": { "A": [{ "deliver": 1 }] } }),
            json!({ "recv": { "A": [{ "set": { "1": 7 } }] } }),
            json!({ "step": { "A": [{ "set": { "1": 7, "2": 7 } }] } }),
            json!({ "topology": {} }),
        ] {
            assert!(Script::from_json(&bad).is_err(), "{bad}");
        }
        let two = json!({ "step": { "A": [{ "set": { "1": 7 } }, { "inc": 2 }] } });
        assert!(Script::from_json(&two).unwrap().written("A").is_err());
    }
}
