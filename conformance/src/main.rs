//! Runs case files on the engines of opforge. See `--help`.

use opforge_conformance::cli;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Result<Vec<String>, _> =
        std::env::args_os().skip(1).map(std::ffi::OsString::into_string).collect();
    let finish = match args {
        Ok(args) => cli::run(&args),
        Err(arg) => {
            eprintln!("error: an argument is not UTF-8: {}", arg.display());
            return ExitCode::from(3);
        }
    };
    print!("{}", finish.output);
    eprint!("{}", finish.errors);
    ExitCode::from(finish.code)
}
