//! `opforge session project`.

use super::args::{Merge, ProjectArgs};
use super::source::Source;
use crate::codes;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Out;
use opforge::protocol::{GlobalType, MergeMode, Name};

/// Prints the local types of a global one.
pub(super) fn project(args: &ProjectArgs, cap: u64, out: &mut Out) -> Result<Exit, Failure> {
    let source = Source::read(&args.input, cap)?;
    let global: GlobalType = source.text().parse().map_err(|error| source.error(&error))?;
    let mode = match args.merge {
        Merge::Plain => MergeMode::Plain,
        Merge::Full => MergeMode::Full,
    };
    match &args.role {
        Some(role) => {
            let roles = global.roles();
            if !roles.iter().any(|known| known.as_str() == role) {
                let roles = super::listed(roles.iter().map(Name::to_string));
                let message = format!("the type has no role {role}; there are: {roles}");
                return Err(Failure::own(codes::NO_ROLE, &message));
            }
            let local = global.project(role, mode).map_err(|errors| source.errors(&errors))?;
            out.line(&local.to_string());
        }
        None => {
            for (role, local) in global.project_all(mode).map_err(|errors| source.errors(&errors))? {
                out.line(&format!("{role}: {local}"));
            }
        }
    }
    Ok(Exit::Done)
}
