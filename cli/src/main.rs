//! The command line of opforge.
//!
//! Owns arguments, files and what people and machines read. Relies on the `opforge` crate for everything a program
//! goes through, and on the tables for `tables` and `explain`. Never trusts a file: reads are capped, text is
//! escaped, and nothing is written half.
//!
//! Exit codes are [`exit::Exit`]; they are part of the interface, as are the error codes and the JSON shapes.

#![forbid(unsafe_code)]

mod args;
mod asm;
mod codes;
mod disasm;
mod exit;
mod explain;
mod failure;
mod input;
mod native;
mod output;
mod run;
mod session;
mod tables;
mod text;
mod verify;

use args::{Cli, Command};
use clap::error::ErrorKind;
use exit::Exit;
use failure::Failure;
use output::Out;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(error) => {
            // A closed pipe is no reason to complain about help that nobody reads.
            let _ = error.print();
            return match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Done,
                _ => Exit::Usage,
            }
            .into();
        }
    };
    let json = cli.json();
    let mut out = Out::stdout();
    let result = dispatch(cli, &mut out);
    let exit = match result {
        Ok(exit) => exit,
        Err(failure) => failure::report(&failure, json, &mut out),
    };
    match out.finish() {
        Ok(()) => exit,
        Err(failure) => failure::report(&failure, json, &mut Out::stdout()),
    }
    .into()
}

fn dispatch(cli: Cli, out: &mut Out) -> Result<Exit, Failure> {
    let cap = cli.max_input;
    match cli.command {
        Command::Run(args) => run::run(&args, cap, out),
        Command::Asm(args) => asm::asm(&args, cap, out),
        Command::Disasm(args) => disasm::disasm(&args, cap, out),
        Command::Verify(args) => verify::verify(&args, cap, out),
        Command::Tables(args) => tables::tables(&args, out),
        Command::Explain(args) => explain::explain(&args, out),
        Command::Session(args) => session::session(&args, cap, out),
    }
}
