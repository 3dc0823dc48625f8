//! Stage B: writes the compiled literals as bytes, one file per table, into an existing folder. `tablegen`
//! runs it and compares; it decides nothing itself.

#![forbid(unsafe_code)]

#[rustfmt::skip]
mod literals;

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    let [dir] = args.as_slice() else {
        eprintln!("usage: opforge-tables-gen DIR");
        return ExitCode::from(2);
    };
    match write(&PathBuf::from(dir)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("opforge-tables-gen: {e}");
            ExitCode::FAILURE
        }
    }
}

fn write(dir: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
    for (name, bytes) in opforge_schema::literal::tables(&literals::ALL)? {
        std::fs::write(dir.join(name), bytes).map_err(|e| format!("{}: {e}", dir.join(name).display()))?;
    }
    Ok(())
}
