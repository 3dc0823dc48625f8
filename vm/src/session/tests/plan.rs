//! What is looked up while a machine runs.

use crate::Engine;
use crate::asm::assemble;
use crate::ids::ShapeId;
use crate::interp::Module;
use crate::protocol::{RoleId, StateKind};
use crate::session::SessionConfig;
use crate::session::plan::{Does, Plan};
use crate::verify::{VerifyConfig, verify};
use std::fmt::Write;
use std::string::String;
use std::vec::Vec;

fn plan(source: &str) -> Plan {
    let program = assemble(source).unwrap_or_else(|errors| panic!("{}", errors.render(source, "test")));
    let verified = verify(program, &VerifyConfig::default()).unwrap_or_else(|report| panic!("{report}"));
    let module = Module::new(&Engine::default(), &verified).unwrap();
    Plan::new(module.program(), &SessionConfig::new())
}

/// Every role of every shape is asked for every other one: the answers are what the tables of edges say.
#[track_caller]
fn partners_are_those_of_the_edges(plan: &Plan) {
    for (index, shape) in (0..).zip(&plan.shapes) {
        let roles = plan.tables.roles_of(ShapeId(index));
        let edge = |from: u16, to: u16| {
            shape.edges.iter().position(|edge| (edge.from, edge.to) == (from, to)).map(|at| at as u16)
        };
        for (place, other) in
            (0..roles.len() as u16).flat_map(|a| (0..roles.len() as u16).map(move |b| (a, b)))
        {
            let found = shape.partner(place, roles[usize::from(other)].role);
            let found = found.map(|partner| {
                assert_eq!(partner.place, other);
                [partner.to, partner.from].map(|edge| Some(edge).filter(|&edge| edge != u16::MAX))
            });
            let expected = [edge(place, other), edge(other, place)];
            assert_eq!(found.unwrap_or_default(), expected, "shape {index}, {place} and {other}");
        }
        assert_eq!(shape.partner(roles.len() as u16, RoleId(0)), None);
    }
}

#[test]
fn partners_and_states_are_those_of_the_tables() {
    let plan = plan(
        ".local A = mu x. !C{a(u64). ?B{b. x, c(str). end}, d. end}
.local B = !A{b. end, c(str). end}
.local C = ?A{a(u64). end, d. end}
.local D = !C{one. ?C{two. end}}
.local E = ?D{one. !D{two. end}}
.shape Far { D: D, C: E }
.func main() {\nhalt\n}\n",
    );
    partners_are_those_of_the_edges(&plan);
    for (index, state) in (0..).zip(&plan.tables.states) {
        let id = crate::protocol::StateId(index);
        let found = plan.state(id);
        let does = match state.kind {
            StateKind::End => Does::End,
            StateKind::Send(_) => Does::Send,
            StateKind::Recv(_) => Does::Receive,
        };
        let branches = plan.tables.branches_of(id);
        assert_eq!((found.does, found.single), (does, branches.len() == 1));
        if let Some(first) = branches.first() {
            assert_eq!((found.branch, Some(found.partner)), (*first, state.kind.partner()));
        }
    }
    assert_eq!(plan.state(crate::protocol::StateId(u32::MAX)).does, Does::End);
}

/// A table of all names for each shape, or of all pairs of roles, would let a small program take gigabytes.
#[test]
fn a_plan_grows_with_roles_and_edges_and_not_with_their_products() {
    const SHAPES: usize = 300;
    const RING: usize = 200;
    let mut source = String::new();
    for n in 0..SHAPES {
        writeln!(source, ".local A{n} = !B{n}{{x. end}}\n.local B{n} = ?A{n}{{x. end}}").unwrap();
        writeln!(source, ".shape S{n} {{ A{n}: A{n}, B{n}: B{n} }}").unwrap();
    }
    let next = |n: usize| (n + 1) % RING;
    for n in 0..RING {
        let before = (n + RING - 1) % RING;
        let to = next(n);
        match n {
            0 => writeln!(source, ".local R0 = !R1{{x. ?R{before}{{x. end}}}}").unwrap(),
            _ => writeln!(source, ".local R{n} = ?R{before}{{x. !R{to}{{x. end}}}}").unwrap(),
        }
    }
    let roles: Vec<String> = (0..RING).map(|n| std::format!("R{n}: R{n}")).collect();
    writeln!(source, ".shape Ring {{ {} }}\n.func main() {{\nhalt\n}}", roles.join(", ")).unwrap();
    let plan = plan(&source);
    assert_eq!(plan.tables.roles.len(), 2 * SHAPES + RING);
    partners_are_those_of_the_edges(&plan);
    for shape in &plan.shapes {
        assert!(shape.partners.len() <= 2 * shape.edges.len());
    }
}
