//! `opforge session`: runs of sessions, and protocols and session types to look at.

mod check;
mod compile;
mod graph;
mod project;
mod run;
mod source;

pub(crate) mod args;

use crate::codes;
use crate::exit::Exit;
use crate::failure::{Failure, Problem};
use crate::output::Out;
use crate::text::clean;
use args::{SessionArgs, SessionCommand};
use opforge::Program;
use opforge::ids::{ShapeId, SymbolId};

/// Shapes and roles that a message names at most.
const MAX_NAMED: usize = 20;

/// Does what is asked for.
pub(crate) fn session(args: &SessionArgs, cap: u64, out: &mut Out) -> Result<Exit, Failure> {
    match &args.command {
        SessionCommand::Run(args) => run::run(args, cap, out),
        SessionCommand::Project(args) => project::project(args, cap, out),
        SessionCommand::Check(args) => check::check(args, cap, out),
        SessionCommand::Graph(args) => graph::graph(args, cap, out),
        SessionCommand::Compile(args) => compile::compile(args, cap, out),
    }
}

/// A symbol, or what it would be the name of and its number.
fn name(program: &Program, symbol: Option<SymbolId>, what: &str, number: usize) -> String {
    match symbol.and_then(|symbol| program.symbol(symbol)).filter(|text| !text.is_empty()) {
        Some(text) => clean(text),
        None => format!("{what} {number}"),
    }
}

fn shape_name(program: &Program, shape: ShapeId) -> String {
    name(program, program.sessions().shape(shape).map(|shape| shape.name), "shape", shape.index())
}

/// The name of a role of a shape, as it is written in the program.
fn role_name(program: &Program, shape: ShapeId, place: u16) -> String {
    let tables = program.sessions();
    let role = tables.roles_of(shape).get(usize::from(place)).map(|role| usize::from(role.role.0));
    let symbol = role.and_then(|role| tables.roles.get(role)).copied();
    name(program, symbol, "role", place.into())
}

fn role_names(program: &Program, shape: ShapeId) -> Vec<String> {
    let count = program.sessions().roles_of(shape).len() as u16;
    (0..count).map(|place| role_name(program, shape, place)).collect()
}

fn shapes(program: &Program) -> impl Iterator<Item = ShapeId> {
    (0..program.sessions().shapes.len() as u32).map(ShapeId)
}

/// A list of names for a message.
fn listed(names: impl Iterator<Item = String>) -> String {
    let mut list: Vec<String> = names.take(MAX_NAMED + 1).collect();
    if list.len() > MAX_NAMED {
        list.truncate(MAX_NAMED);
        list.push("...".to_owned());
    }
    list.join(", ")
}

/// The shape that is asked for by name or index, if one is.
fn asked_shape(program: &Program, asked: Option<&str>) -> Result<Option<ShapeId>, Failure> {
    let Some(asked) = asked else { return Ok(None) };
    let wrong = |message: String| Err(Problem::own(codes::NO_SHAPE, &message).into());
    let is_called = |&shape: &ShapeId| {
        let name = program.sessions().shape(shape).and_then(|shape| program.symbol(shape.name));
        name == Some(asked)
    };
    let mut found = shapes(program).filter(is_called);
    match (found.next(), found.next()) {
        (Some(shape), None) => return Ok(Some(shape)),
        (Some(_), Some(_)) => return wrong(format!("several shapes are named {asked}; use an index, as #0")),
        (None, _) => {}
    }
    match asked.strip_prefix('#').unwrap_or(asked).parse::<u32>() {
        Ok(index) if (index as usize) < program.sessions().shapes.len() => Ok(Some(ShapeId(index))),
        _ => {
            let there_are = match program.sessions().shapes.is_empty() {
                true => "the program declares none".to_owned(),
                false => {
                    format!("there are: {}", listed(shapes(program).map(|shape| shape_name(program, shape))))
                }
            };
            wrong(format!("there is no shape {asked}; {there_are}"))
        }
    }
}
