//! The configuration of a case, as the machine takes it.

use crate::fields::{Result, as_list, as_object, as_text, field, number, only, text};
use opforge::program::EdgePolicy;
use opforge::session::{
    EdgeOverride, FlowPolicy, FlowRule, Observe, OnTrap, Policy, Priority, SessionConfig,
};
use serde_json::Value as Json;
use std::sync::Arc;

/// How the machine behaves in a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The machine's own configuration.
    pub machine: SessionConfig,
    /// Registers of a coroutine.
    pub registers: u32,
    /// Guard layers, and whether they are switched on; `None` if every layer is there.
    pub layers: Option<Vec<(String, bool)>>,
}

impl Config {
    /// Registers of a coroutine, where a case says nothing.
    const REGISTERS: u32 = 16;

    /// Speculations inside of each other, where there may be any.
    const SPECULATIONS: u32 = 16;

    pub(super) fn from_json(json: &Json) -> Result<Self> {
        let known = [
            "num_registers",
            "buffer",
            "guard_layers",
            "speculation",
            "flow_policy",
            "sched",
            "max_coroutines",
        ];
        only(json, &known).map_err(|error| format!("config: {error}"))?;
        let get = |name: &str| json.get(name);
        let speculation = match get("speculation") {
            None | Some(Json::Bool(false)) => 0,
            Some(Json::Bool(true)) => Self::SPECULATIONS,
            Some(other) => return Err(format!("speculation is not {other}")),
        };
        let mut machine = SessionConfig::new()
            .policy(get("sched").map_or(Ok(Policy::REFERENCE), policy)?)
            .on_trap(OnTrap::Isolate)
            .edges(get("buffer").map(edges).transpose()?)
            .flow(get("flow_policy").map_or(Ok(FlowPolicy::AllowAll), flow)?)
            .speculation(speculation)
            .transfer_needs_handle(false)
            .keep_registers(true)
            // The coroutines that are begun are needed to name them; the other events of this level are left out.
            .observe(Observe::Trace);
        if get("max_coroutines").is_some() {
            machine = machine.coroutines(number(json, "max_coroutines")?);
        }
        let registers =
            if get("num_registers").is_some() { number(json, "num_registers")? } else { Self::REGISTERS };
        Ok(Self { machine, registers, layers: get("guard_layers").map(layers).transpose()? })
    }
}

/// Every policy with the quantum of the reference schedule.
fn policy(json: &Json) -> Result<Policy> {
    let quantum = 1;
    match json.as_str() {
        Some("cooperative" | "round_robin") => return Ok(Policy::REFERENCE),
        Some("progress_aware" | "priority_token") => return Ok(Policy::ProgressAware { quantum }),
        Some(other) => return Err(format!("there is no schedule {other:?}")),
        None => only(json, &["priority"])?,
    }
    let ranks = as_object(field(json, "priority")?)?.iter().map(|(coro, rank)| {
        let ids = coro.parse().ok().zip(rank.as_i64().and_then(|rank| i32::try_from(rank).ok()));
        ids.ok_or_else(|| format!("{coro}: {rank} is no priority"))
    });
    Ok(Policy::Priority { by: Priority::Fixed(ranks.collect::<Result<_>>()?), quantum })
}

fn edges(json: &Json) -> Result<EdgeOverride> {
    only(json, &["mode", "capacity", "policy"])?;
    let capacity = number::<u32>(json, "capacity")?.max(1);
    let (policy, max) = match (text(json, "mode")?.as_str(), field(json, "policy")?) {
        ("latest_value", _) => return Ok(EdgeOverride { policy: EdgePolicy::Latest, capacity: 1, max: 1 }),
        ("fifo", policy) if policy == "block" => (EdgePolicy::Block, capacity),
        ("fifo", policy) if policy == "drop" => (EdgePolicy::Drop, capacity),
        ("fifo", policy) if policy == "error" => (EdgePolicy::Error, capacity),
        ("fifo", policy) if policy.get("resize").is_some() => {
            only(policy, &["resize"])?;
            (EdgePolicy::Resize, number::<u32>(policy, "resize")?.max(capacity))
        }
        (mode, policy) => return Err(format!("there is no buffer {mode} {policy}")),
    };
    Ok(EdgeOverride { policy, capacity, max })
}

fn flow(json: &Json) -> Result<FlowPolicy> {
    match json.as_str() {
        Some("allow_all") => return Ok(FlowPolicy::AllowAll),
        Some("deny_all") => return Ok(FlowPolicy::DenyAll),
        Some(other) => return Err(format!("there is no flow policy {other:?}")),
        None => {}
    }
    let roles = |roles: &Json| {
        as_list(roles)?.iter().map(|role| Ok(as_text(role)?.to_owned())).collect::<Result<Vec<_>>>()
    };
    if let Some(allowed) = json.get("allow_roles") {
        only(json, &["allow_roles"])?;
        return Ok(FlowPolicy::AllowRoles(roles(allowed)?));
    }
    if let Some(denied) = json.get("deny_roles") {
        only(json, &["deny_roles"])?;
        return Ok(FlowPolicy::DenyRoles(roles(denied)?));
    }
    only(json, &["fact_contains"])?;
    Ok(FlowPolicy::When(Arc::new(FlowRule::FactContains(text(json, "fact_contains")?))))
}

fn layers(json: &Json) -> Result<Vec<(String, bool)>> {
    let layer = |layer: &Json| {
        only(layer, &["id", "active"])?;
        let active = field(layer, "active")?;
        let active = active.as_bool().ok_or_else(|| format!("a layer is not active or not: {active}"))?;
        Ok((text(layer, "id")?, active))
    };
    as_list(json)?.iter().map(layer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn machine(json: Json) -> SessionConfig {
        Config::from_json(&json).unwrap().machine
    }

    #[test]
    fn everything_is_the_reference_schedule_by_default() {
        let machine = machine(json!({}));
        assert_eq!((&machine.policy, machine.max_speculation), (&Policy::REFERENCE, 0));
        assert_eq!((machine.edge, machine.on_trap), (None, OnTrap::Isolate));
        assert!(machine.keep_registers && !machine.transfer_needs_handle);
    }

    #[test]
    fn buffers() {
        let edge = |mode: &str, policy: Json| {
            let json = json!({ "buffer": { "mode": mode, "capacity": 2, "policy": policy } });
            Config::from_json(&json).map(|config| config.machine.edge.unwrap())
        };
        let of = |policy, capacity, max| EdgeOverride { policy, capacity, max };
        assert_eq!(edge("fifo", json!("block")), Ok(of(EdgePolicy::Block, 2, 2)));
        assert_eq!(edge("fifo", json!("drop")), Ok(of(EdgePolicy::Drop, 2, 2)));
        assert_eq!(edge("fifo", json!("error")), Ok(of(EdgePolicy::Error, 2, 2)));
        assert_eq!(edge("fifo", json!({ "resize": 8 })), Ok(of(EdgePolicy::Resize, 2, 8)));
        assert_eq!(edge("latest_value", json!("block")), Ok(of(EdgePolicy::Latest, 1, 1)));
        assert!(edge("lifo", json!("block")).is_err());
        assert!(edge("fifo", json!("lose")).is_err());
    }

    #[test]
    fn schedules() {
        let fixed = Policy::Priority { by: Priority::Fixed([(1, 3), (2, 5)].into()), quantum: 1 };
        for (sched, expected) in [
            (json!("cooperative"), Policy::REFERENCE),
            (json!("round_robin"), Policy::REFERENCE),
            (json!("progress_aware"), Policy::ProgressAware { quantum: 1 }),
            (json!({ "priority": { "2": 5, "1": 3 } }), fixed),
        ] {
            assert_eq!(machine(json!({ "sched": sched })).policy, expected);
        }
        for bad in [json!("random"), json!({ "priority": { "x": 1 } }), json!({ "priority": { "1": "x" } })] {
            assert!(Config::from_json(&json!({ "sched": bad })).is_err());
        }
    }

    #[test]
    fn the_rest() {
        let flow = |policy: Json| machine(json!({ "flow_policy": policy })).flow;
        assert_eq!(flow(json!("deny_all")), FlowPolicy::DenyAll);
        assert_eq!(flow(json!({ "deny_roles": ["A"] })), FlowPolicy::DenyRoles(vec!["A".to_owned()]));
        assert_eq!(flow(json!({ "allow_roles": ["A"] })), FlowPolicy::AllowRoles(vec!["A".to_owned()]));
        assert!(matches!(flow(json!({ "fact_contains": "x" })), FlowPolicy::When(_)));
        assert_eq!(machine(json!({ "speculation": true, "max_coroutines": 3 })).max_coroutines, 3);
        let layers = json!({ "guard_layers": [{ "id": "a", "active": false }] });
        assert_eq!(Config::from_json(&layers).unwrap().layers, Some(vec![("a".to_owned(), false)]));
        // What is not read could change what is checked.
        assert!(Config::from_json(&json!({ "budget": 3 })).is_err());
    }
}
