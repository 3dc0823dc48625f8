//! `opforge session graph`: the states of each role, for Graphviz and for Mermaid.

use super::args::GraphArgs;
use super::{asked_shape, name, role_name, shape_name, shapes};
use crate::codes;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input;
use crate::output::Out;
use opforge::ids::ShapeId;
use opforge::program::PayloadDef;
use opforge::protocol::{LabelId, PayloadId, RoleId, StateId, StateKind};
use opforge::{Program, ValueType};
use std::collections::{BTreeSet, VecDeque};
use std::fmt::Write as _;

/// Prints the states of the roles of shapes.
pub(super) fn graph(args: &GraphArgs, cap: u64, out: &mut Out) -> Result<Exit, Failure> {
    let file = input::name(&args.file);
    let verified = input::verify(input::load(&args.file, cap)?, &file)?;
    let program = verified.program();
    let asked = asked_shape(program, args.shape.as_deref()).map_err(|failure| failure.in_file(&file))?;
    if program.sessions().shapes.is_empty() {
        return Err(Failure::own(codes::NO_SHAPE, &format!("{file} declares no shape")).in_file(&file));
    }
    let writer: &dyn Writer = if args.mermaid { &Mermaid } else { &Dot };
    out.bytes(writer.begin().as_bytes());
    for shape in shapes(program).filter(|&shape| asked.is_none_or(|asked| asked == shape)) {
        for place in 0..program.sessions().roles_of(shape).len() as u16 {
            let role = Role::new(program, shape, place);
            out.bytes(writer.role(&role).as_bytes());
        }
    }
    out.bytes(writer.end().as_bytes());
    Ok(Exit::Done)
}

/// The states that a role comes through, and how.
struct Role {
    shape: ShapeId,
    place: u16,
    /// `Shop: Client`.
    title: String,
    /// In the order in which they are met; the first is where the role begins.
    states: Vec<Node>,
    /// Those after which nothing is done.
    ends: BTreeSet<StateId>,
}

struct Node {
    id: StateId,
    /// What leads on: its text and the state after it.
    arrows: Vec<(String, StateId)>,
}

impl Role {
    fn new(program: &Program, shape: ShapeId, place: u16) -> Self {
        let tables = program.sessions();
        let entry = tables.roles_of(shape).get(usize::from(place)).map_or(StateId(0), |role| role.entry);
        let mut seen = BTreeSet::from([entry]);
        let (mut states, mut queue) = (Vec::new(), VecDeque::from([entry]));
        let mut ends = BTreeSet::new();
        while let Some(id) = queue.pop_front() {
            let (sign, partner) = match tables.kind(id) {
                StateKind::End => {
                    ends.insert(id);
                    ("", None)
                }
                StateKind::Send(partner) => ("!", Some(partner)),
                StateKind::Recv(partner) => ("?", Some(partner)),
            };
            let partner = partner.map_or(String::new(), |partner| partner_name(program, partner));
            let mut arrows = Vec::new();
            for branch in tables.branches_of(id) {
                let message = message(program, branch.label, branch.payload);
                arrows.push((format!("{sign}{partner} {message}"), branch.next));
                if seen.insert(branch.next) {
                    queue.push_back(branch.next);
                }
            }
            states.push(Node { id, arrows });
        }
        let title = format!("{}: {}", shape_name(program, shape), role_name(program, shape, place));
        Self { shape, place, title, states, ends }
    }

    /// What nodes of this role are called: no two roles share one.
    fn node(&self, state: StateId) -> String {
        format!("s{}_r{}_{}", self.shape.0, self.place, state.0)
    }
}

fn partner_name(program: &Program, role: RoleId) -> String {
    let index = usize::from(role.0);
    name(program, program.sessions().roles.get(index).copied(), "role", index)
}

fn message(program: &Program, label: LabelId, payload: PayloadId) -> String {
    let index = usize::from(label.0);
    let label = name(program, program.sessions().labels.get(index).copied(), "label", index);
    match payload_text(program, payload, 4) {
        Some(payload) => format!("{label}({payload})"),
        None => label,
    }
}

/// What a message carries; `None` for nothing.
fn payload_text(program: &Program, payload: PayloadId, depth: u32) -> Option<String> {
    Some(match program.sessions().payload(payload)? {
        PayloadDef::Value(ValueType::Unit) => return None,
        PayloadDef::Value(ty) => ty.to_string(),
        PayloadDef::Tuple(_) if depth == 0 => "tuple(...)".to_owned(),
        PayloadDef::Tuple(parts) => {
            let part = |&part| payload_text(program, part, depth - 1).unwrap_or_else(|| "unit".to_owned());
            format!("tuple({})", super::listed(parts.iter().map(part)))
        }
        PayloadDef::Chan(chan) => {
            format!(
                "chan({}, {})",
                shape_name(program, chan.shape),
                role_name(program, chan.shape, chan.role)
            )
        }
    })
}

trait Writer {
    fn begin(&self) -> &'static str;
    fn role(&self, role: &Role) -> String;
    fn end(&self) -> &'static str;
}

struct Dot;

fn dot_quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

impl Writer for Dot {
    fn begin(&self) -> &'static str {
        "digraph roles {\n  rankdir = LR;\n  node [shape = circle, label = \"\", width = 0.25];\n"
    }

    fn role(&self, role: &Role) -> String {
        let mut out = format!("  subgraph cluster_s{}_r{} {{\n", role.shape.0, role.place);
        let _ = writeln!(out, "    label = {};", dot_quoted(&role.title));
        for (at, state) in role.states.iter().enumerate() {
            let node = role.node(state.id);
            let look = match (at, role.ends.contains(&state.id)) {
                (_, true) => " [shape = doublecircle, width = 0.18]",
                (0, false) => " [style = filled, fillcolor = gray]",
                _ => "",
            };
            let _ = writeln!(out, "    {node}{look};");
            for (text, next) in &state.arrows {
                let _ = writeln!(out, "    {node} -> {} [label = {}];", role.node(*next), dot_quoted(text));
            }
        }
        out + "  }\n"
    }

    fn end(&self) -> &'static str {
        "}\n"
    }
}

struct Mermaid;

/// What could mean something to Mermaid is written as the number of the character.
fn mermaid_text(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || matches!(c, ' ' | '.' | ',' | '(' | ')' | '_' | '!' | '?') {
            out.push(c);
        } else {
            let _ = write!(out, "#{};", u32::from(c));
        }
    }
    out
}

impl Writer for Mermaid {
    fn begin(&self) -> &'static str {
        "stateDiagram-v2\n    direction LR\n"
    }

    fn role(&self, role: &Role) -> String {
        let group = format!("s{}_r{}", role.shape.0, role.place);
        let mut out = format!("    state \"{}\" as {group} {{\n", mermaid_text(&role.title));
        let is_end = |id: StateId| role.ends.contains(&id);
        let node = |id: StateId| if is_end(id) { "[*]".to_owned() } else { role.node(id) };
        for (at, state) in role.states.iter().enumerate() {
            let name = node(state.id);
            if at == 0 {
                let _ = writeln!(out, "        [*] --> {name}");
            }
            if !is_end(state.id) {
                let _ = writeln!(out, "        state \" \" as {name}");
            }
            for (text, next) in &state.arrows {
                let _ = writeln!(out, "        {name} --> {} : {}", node(*next), mermaid_text(text));
            }
        }
        out + "    }\n"
    }

    fn end(&self) -> &'static str {
        ""
    }
}
