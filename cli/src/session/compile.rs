//! `opforge session compile`.

use super::args::CompileArgs;
use super::source::Source;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Out;
use opforge::protocol::{LocalType, compile as code_of};

/// Prints the code of a local type.
pub(super) fn compile(args: &CompileArgs, cap: u64, out: &mut Out) -> Result<Exit, Failure> {
    let source = Source::read(&args.input, cap)?;
    let local: LocalType = source.text().parse().map_err(|error| source.error(&error))?;
    local.check().map_err(|errors| source.errors(&errors))?;
    out.line(&code_of(&local).to_string());
    Ok(Exit::Done)
}
