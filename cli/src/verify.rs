//! `opforge verify`.

use crate::args::VerifyArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input;
use crate::output::{Out, to_stderr};
use crate::text;
use opforge::verify::VerifiedProgram;
use serde_json::{Value as Json, json};

/// Checks every file and tells every error.
pub(crate) fn verify(args: &VerifyArgs, cap: u64, out: &mut Out) -> Result<Exit, Failure> {
    let mut files: Vec<Json> = Vec::new();
    let mut bad = false;
    for path in &args.files {
        let name = input::name(path);
        let checked = input::load(path, cap).and_then(|program| match args.deep {
            true => input::verify_deep(program, &name),
            false => input::verify(program, &name),
        });
        match checked {
            Ok(verified) => {
                let size = Size::of(&verified);
                if args.json {
                    files.push(json!({
                        "file": name, "ok": true, "functions": size.functions,
                        "instructions": size.instructions, "code_bytes": size.bytes,
                    }));
                } else {
                    let Size { functions, instructions, bytes } = size;
                    out.line(&format!(
                        "{name}: ok, functions: {functions}, instructions: {instructions}, bytes of code: {bytes}"
                    ));
                }
            }
            Err(failure) => {
                bad = true;
                if args.json {
                    files.push(json!({
                        "file": name, "ok": false, "errors": failure.json(), "truncated": failure.truncated,
                    }));
                } else {
                    let count = failure.problems.len();
                    to_stderr(&failure.text());
                    to_stderr(&format!("{name}: bad, errors: {count}\n"));
                }
            }
        }
    }
    if args.json {
        let status = if bad { "error" } else { "ok" };
        out.line(&text::json(&json!({"status": status, "files": files})));
    }
    Ok(if bad { Exit::BadInput } else { Exit::Done })
}

struct Size {
    functions: usize,
    instructions: usize,
    bytes: u64,
}

impl Size {
    fn of(verified: &VerifiedProgram) -> Self {
        let functions = verified.functions();
        Self {
            functions: functions.len(),
            instructions: functions.iter().map(|func| func.code().instrs().len()).sum(),
            bytes: functions.iter().map(|func| u64::from(func.code().byte_len())).sum(),
        }
    }
}
