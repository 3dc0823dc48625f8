//! `opforge asm`.

use crate::args::AsmArgs;
use crate::codes;
use crate::exit::Exit;
use crate::failure::{Failure, Problem};
use crate::input;
use crate::output::{Out, write_file};
use opforge::container::encode;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

/// Writes a program as a container.
pub(crate) fn asm(args: &AsmArgs, cap: u64, out: &mut Out) -> Result<Exit, Failure> {
    let name = input::name(&args.input);
    let mut program = input::load(&args.input, cap)?;
    if !args.no_verify {
        program = input::verify(program, &name)?.program().clone();
    }
    let bytes = encode(&program)
        .map_err(|error| Failure::from(Problem::new(error.code(), &error.to_string(), "")).in_file(&name))?;
    let output = args.output.clone().unwrap_or_else(|| match input::is_std(&args.input) {
        true => PathBuf::from("-"),
        false => args.input.with_extension("tape"),
    });
    if !input::is_std(&output) {
        write_file(&output, &args.input, &bytes)?;
    } else if io::stdout().is_terminal() {
        return Err(Failure::own(codes::TERMINAL, "standard output is a terminal"));
    } else {
        out.bytes(&bytes);
    }
    Ok(Exit::Done)
}
