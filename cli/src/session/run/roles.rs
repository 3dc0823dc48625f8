//! Which function plays which role, with which arguments.

use crate::codes;
use crate::failure::{Failure, Problem};
use crate::run::entry::{choose, signature, value};
use crate::session::{listed, role_name, role_names, shape_name};
use crate::text;
use opforge::ids::ShapeId;
use opforge::program::{ChanType, LinearType, Place};
use opforge::{FuncId, Program, Value};
use std::collections::BTreeMap;
use std::ffi::OsString;

/// A role's function with what stands behind the endpoint.
#[derive(Debug)]
pub(super) struct Party {
    pub(super) func: FuncId,
    pub(super) values: Vec<Value>,
}

/// The role that `text` names in front of `separator`, and what stands behind that. Names of roles may hold separators.
pub(super) fn of_role<'t>(
    program: &Program,
    shape: ShapeId,
    what: &str,
    text: &'t str,
    separator: char,
) -> Result<(u16, &'t str), Failure> {
    let tables = program.sessions();
    let mut best: Option<(u16, &str, usize)> = None;
    for (place, role) in (0u16..).zip(tables.roles_of(shape)) {
        let symbol = tables.roles.get(usize::from(role.role.0)).copied();
        let name = symbol.and_then(|symbol| program.symbol(symbol)).unwrap_or("");
        let rest = text.strip_prefix(name).and_then(|rest| rest.strip_prefix(separator));
        if let Some(rest) = rest.filter(|_| best.is_none_or(|(_, _, length)| name.len() > length)) {
            best = Some((place, rest, name.len()));
        }
    }
    if let Some((place, rest, _)) = best {
        return Ok((place, rest));
    }
    let shown = text::quoted(text);
    let roles = listed(role_names(program, shape).into_iter());
    let shape = shape_name(program, shape);
    let message =
        format!("{what} {shown}: begins with no role of {shape} and `{separator}`; there are: {roles}");
    Err(Failure::own(codes::NO_ROLE, &message))
}

/// The parties of a session, in the order of the shape's roles.
pub(super) fn parties(
    program: &Program,
    shape: ShapeId,
    entries: &[String],
    args: &[OsString],
) -> Result<Vec<Party>, Failure> {
    let mut asked: BTreeMap<u16, &str> = BTreeMap::new();
    for text in entries {
        let (place, func) = of_role(program, shape, "--entry", text, '=')?;
        if asked.insert(place, func).is_some() {
            let message = format!("--entry: {} has two functions", role_name(program, shape, place));
            return Err(Failure::own(codes::NO_ENTRY, &message));
        }
    }
    let places = 0..program.sessions().roles_of(shape).len() as u16;
    let funcs: Vec<FuncId> = places
        .map(|place| function(program, shape, place, asked.get(&place).copied()))
        .collect::<Result<_, _>>()?;
    let mut given = arguments(program, shape, &funcs, args)?;
    let mut parties = Vec::with_capacity(funcs.len());
    for (place, func) in (0u16..).zip(funcs) {
        let values = values(program, shape, place, func, given.remove(&place).unwrap_or_default())?;
        parties.push(Party { func, values });
    }
    Ok(parties)
}

/// What the first parameter of a role's function has to be.
fn endpoint(program: &Program, shape: ShapeId, place: u16) -> Option<LinearType> {
    let state = program.sessions().roles_of(shape).get(usize::from(place))?.entry;
    Some(LinearType::Chan(ChanType { shape, role: place, state }))
}

/// The function of a role: the one asked for, or the only one there is.
fn function(program: &Program, shape: ShapeId, place: u16, asked: Option<&str>) -> Result<FuncId, Failure> {
    let (role, shape_name) = (role_name(program, shape, place), shape_name(program, shape));
    let wanted = format!("chan({shape_name}, {role})");
    let endpoint = endpoint(program, shape, place);
    let fits = |func: FuncId| program.sessions().linear_at(func, Place::Param(0)) == endpoint;
    if let Some(asked) = asked {
        let func = choose(program, Some(asked))?;
        if !fits(func) {
            let message =
                format!("{} does not take {wanted} as its first parameter", signature(program, func));
            return Err(Failure::own(codes::NO_ENTRY, &message));
        }
        return Ok(func);
    }
    let functions = (0..program.functions().len() as u32).map(FuncId);
    let candidates: Vec<FuncId> = functions.filter(|&func| fits(func)).collect();
    match candidates.as_slice() {
        [func] => Ok(*func),
        [] => {
            let message = format!("no function plays {role}: none takes {wanted} as its first parameter");
            Err(Failure::own(codes::NO_ENTRY, &message))
        }
        several => {
            let names = listed(several.iter().map(|&func| signature(program, func)));
            let message =
                format!("several functions could play {role}: {names}; name one with --entry {role}=...");
            Err(Problem::own(codes::NO_ENTRY, &message).into())
        }
    }
}

/// Arguments by role and parameter.
type Given = BTreeMap<u16, BTreeMap<usize, OsString>>;

/// Reads `ROLE.PARAM=VALUE`.
fn arguments(
    program: &Program,
    shape: ShapeId,
    funcs: &[FuncId],
    args: &[OsString],
) -> Result<Given, Failure> {
    let mut given = Given::new();
    for arg in args {
        let bad = |message: String| Failure::own(codes::BAD_ARG, &message);
        let shown = text::quoted(&arg.to_string_lossy());
        let text = arg.to_str().ok_or_else(|| bad(format!("argument {shown} is not UTF-8")))?;
        let (place, rest) = of_role(program, shape, "argument", text, '.')?;
        let Some((param, value)) = rest.split_once('=') else {
            return Err(bad(format!("argument {shown}: write ROLE.PARAM=VALUE")));
        };
        let func = funcs.get(usize::from(place)).copied().unwrap_or(FuncId(0));
        let index = param_index(program, func, param).ok_or_else(|| {
            bad(format!("argument {shown}: {} has no parameter {param}", signature(program, func)))
        })?;
        if index == 0 {
            return Err(bad(format!(
                "argument {shown}: the first parameter is the endpoint, which the session gives"
            )));
        }
        if given.entry(place).or_default().insert(index, value.into()).is_some() {
            return Err(bad(format!("argument {shown}: the parameter has a value already")));
        }
    }
    Ok(given)
}

/// A parameter by name, or by place counted from 1.
fn param_index(program: &Program, func: FuncId, param: &str) -> Option<usize> {
    let count = program.func_sig(func).map_or(0, |sig| sig.params.len());
    let names = program.param_names(func);
    let named = names.iter().position(|&name| program.symbol(name) == Some(param) && !param.is_empty());
    let by_place = || param.parse::<usize>().ok()?.checked_sub(1);
    named.or_else(by_place).filter(|&index| index < count)
}

/// The values behind the endpoint.
fn values(
    program: &Program,
    shape: ShapeId,
    place: u16,
    func: FuncId,
    given: BTreeMap<usize, OsString>,
) -> Result<Vec<Value>, Failure> {
    let params = program.func_sig(func).map_or(&[][..], |sig| sig.params);
    let names = program.param_names(func);
    let role = role_name(program, shape, place);
    let param_name = |index: usize| {
        let name = names.get(index).and_then(|&name| program.symbol(name)).filter(|name| !name.is_empty());
        name.map_or_else(|| (index + 1).to_string(), str::to_owned)
    };
    let mut values = Vec::new();
    let mut missing = Vec::new();
    for (index, &ty) in params.iter().enumerate().skip(1) {
        let Some(arg) = given.get(&index) else {
            missing.push(format!("{role}.{}={}", param_name(index), ty));
            continue;
        };
        let value = value(program, arg, ty).map_err(|reason| {
            let shown = text::quoted(&arg.to_string_lossy());
            let message = format!(
                "argument {role}.{} of {}: {shown} {reason}",
                param_name(index),
                signature(program, func)
            );
            Failure::own(codes::BAD_ARG, &message)
        })?;
        values.push(value);
    }
    if missing.is_empty() {
        return Ok(values);
    }
    let missing = listed(missing.into_iter());
    let message =
        format!("{} of role {role} needs arguments behind `--`: {missing}", signature(program, func));
    Err(Problem::own(codes::ARG_COUNT, &message).into())
}
