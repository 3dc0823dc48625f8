//! `opforge session check`.

use super::args::CheckArgs;
use super::{asked_shape, name, role_name, role_names, shape_name, shapes};
use crate::codes;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input;
use crate::output::Out;
use crate::text;
use opforge::Program;
use opforge::ids::ShapeId;
use opforge::verify::{CoherenceLimits, Coherent, Incoherence, IncoherenceKind, TraceAction, coherence};
use serde_json::{Value as Json, json};

/// Verifies a program and says of every shape whether its roles fit together.
pub(super) fn check(args: &CheckArgs, cap: u64, out: &mut Out) -> Result<Exit, Failure> {
    let file = input::name(&args.file);
    let verified = input::verify(input::load(&args.file, cap)?, &file)?;
    let program = verified.program();
    let asked = asked_shape(program, args.shape.as_deref()).map_err(|failure| failure.in_file(&file))?;
    if program.sessions().shapes.is_empty() {
        return Err(Failure::own(codes::NO_SHAPE, &format!("{file} declares no shape")).in_file(&file));
    }
    let limits = CoherenceLimits::new().queue(args.queue).states(args.states);
    let limits = limits.work(u64::from(args.states).saturating_mul(2_000).max(1 << 25));
    let (mut good, mut found) = (true, Vec::new());
    for shape in shapes(program).filter(|&shape| asked.is_none_or(|asked| asked == shape)) {
        let verdict = coherence(program, shape, &limits);
        good &= verdict.is_ok();
        if args.json {
            found.push(object(program, shape, &verdict));
        } else {
            lines(program, shape, &verdict, out);
        }
    }
    if args.json {
        let status = if good { "ok" } else { "error" };
        out.line(&text::json(&json!({"status": status, "file": file, "shapes": found})));
    }
    Ok(if good { Exit::Done } else { Exit::BadInput })
}

fn lines(program: &Program, shape: ShapeId, verdict: &Result<Coherent, Incoherence>, out: &mut Out) {
    let name = shape_name(program, shape);
    match verdict {
        Ok(Coherent::Projected) => {
            out.line(&format!("{name}: coherent, its roles are the projections of its global type"));
        }
        Ok(Coherent::Explored { states }) => {
            out.line(&format!("{name}: coherent, all {states} states of a session were looked at"));
        }
        Ok(_) => out.line(&format!("{name}: coherent")),
        Err(wrong) if wrong.is_limit() => {
            out.line(&format!("{name}: not known: {}", text::clean(&wrong.to_string())))
        }
        Err(wrong) => {
            out.line(&format!("{name}: not coherent: {}", text::clean(&wrong.to_string())));
        }
    }
    for edge in program.sessions().edges_of(shape).iter().filter(|edge| edge.policy.is_lossy()) {
        let (from, to) = (role_name(program, shape, edge.from), role_name(program, shape, edge.to));
        let policy = edge.policy.name();
        out.line(&format!(
            "  edge {from} -> {to} is lossy ({policy}): a message that is lost may leave {to} waiting"
        ));
    }
}

const fn kind(kind: &IncoherenceKind) -> &'static str {
    match kind {
        IncoherenceKind::NoShape => "no_shape",
        IncoherenceKind::Global => "global",
        IncoherenceKind::Projection => "projection",
        IncoherenceKind::Differs { .. } => "differs",
        IncoherenceKind::Partner { .. } => "partner",
        IncoherenceKind::CannotTake { .. } => "cannot_take",
        IncoherenceKind::Deadlock { .. } => "deadlock",
        IncoherenceKind::Orphans => "orphans",
        IncoherenceKind::Limit => "limit",
        _ => "other",
    }
}

fn object(program: &Program, shape: ShapeId, verdict: &Result<Coherent, Incoherence>) -> Json {
    let role = |place| role_name(program, shape, place);
    let edges = program.sessions().edges_of(shape).iter().filter(|edge| edge.policy.is_lossy());
    let lossy: Vec<Json> = edges
        .map(|edge| json!({"from": role(edge.from), "to": role(edge.to), "policy": edge.policy.name()}))
        .collect();
    let mut object = json!({
        "shape": shape_name(program, shape), "roles": role_names(program, shape), "coherent": true,
        "by": null, "states": null, "kind": null, "message": null, "trace": [], "lossy": lossy,
    });
    match verdict {
        Ok(Coherent::Explored { states }) => {
            object["by"] = "exploration".into();
            object["states"] = (*states).into();
        }
        Ok(Coherent::Projected) => object["by"] = "projection".into(),
        Ok(_) => {}
        Err(wrong) => {
            let steps = wrong.trace().iter().map(|step| {
                let label = program.sessions().labels.get(usize::from(step.label.0)).copied();
                json!({
                    "from": role(step.from),
                    "to": role(step.to),
                    "label": name(program, label, "label", step.label.0.into()),
                    "action": if step.action == TraceAction::Sent { "sent" } else { "received" },
                })
            });
            object["coherent"] = if wrong.is_limit() { Json::Null } else { false.into() };
            object["kind"] = kind(wrong.kind()).into();
            object["message"] = wrong.to_string().into();
            object["trace"] = steps.collect();
        }
    }
    object
}
