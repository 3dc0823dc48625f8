//! `opforge disasm`.

use crate::args::DisasmArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input;
use crate::native;
use crate::output::{Out, write_file};
use opforge::Program;
use opforge::disasm::{DisasmOptions, Show, disassemble};

/// Prints a program as text.
pub(crate) fn disasm(args: &DisasmArgs, cap: u64, out: &mut Out) -> Result<Exit, Failure> {
    let program = input::load(&args.input, cap)?;
    if args.native {
        return native_code(args, program, out);
    }
    let mut options = if args.exact { DisasmOptions::exact() } else { DisasmOptions::pretty() };
    for (asked, what) in [(args.pcs || args.bytes, Show::Pcs), (args.bytes, Show::Bytes)] {
        if asked {
            options = options.show(what);
        }
    }
    let text = disassemble(&program, &options);
    match &args.output {
        Some(path) if !input::is_std(path) => write_file(path, &args.input, text.as_bytes())?,
        _ => out.bytes(text.as_bytes()),
    }
    Ok(Exit::Done)
}

fn native_code(args: &DisasmArgs, program: Program, out: &mut Out) -> Result<Exit, Failure> {
    let file = input::name(&args.input);
    let verified = input::verify(program, &file)?;
    let listing = native::disassemble(&verified, args.fuel_schedule).map_err(|f| f.in_file(&file))?;
    match &args.output {
        Some(path) if !input::is_std(path) => {
            let mut text = String::new();
            native::print(&verified, &listing, &mut |line| {
                text += line;
                text.push('\n');
            });
            write_file(path, &args.input, text.as_bytes())?;
        }
        _ => native::print(&verified, &listing, &mut |line| out.line(line)),
    }
    Ok(Exit::Done)
}
