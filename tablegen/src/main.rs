//! The command line of tablegen. Exit codes: 0 done, 1 findings or differences, 2 usage.

#![forbid(unsafe_code)]

use opforge_tablegen::diag::plural;
use opforge_tablegen::overlay::Build;
use opforge_tablegen::{artefacts, check, codes, diff, dump, load, tree};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const HELP: &str = "\
tablegen - compiles the opcode spec into committed tables

usage: tablegen [--root DIR] COMMAND

commands:
  gen             lint spec/*.json; write the literals, compile them, write tables/
  check           say whether all generated files are what the spec makes them;
                  generates everything twice, in memory and in a temporary folder
  dump FILE|DIR   print a table, or every table of a folder, as text
  diff OLD NEW    print what changed between two folders of tables; exit 1 if a
                  breaking change comes without a higher isa_version
  codes           list the finding codes

  gen --overlay SPEC --out DIR [--crate PATH]
                  lint SPEC, an embedder's rows, with those of the VM; write the
                  merged tables, their text and the Rust file that embeds them;
                  PATH is how that names the VM, opforge if not said
  check --overlay SPEC --out DIR [--crate PATH]
                  say whether DIR is what SPEC makes it

options:
  --root DIR      the workspace; default is the one tablegen was built in
  -h, --help      this text

A finding is printed as file:line:column: error[Ennn]: message. If there is one,
nothing is written. Exit codes: 0 done, 1 findings or differences, 2 usage.
";

fn main() -> ExitCode {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    if args.is_empty() {
        return usage("a command is missing");
    }
    if args.iter().any(|a| a == "-h" || a == "--help") {
        say(HELP);
        return ExitCode::SUCCESS;
    }
    let mut root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    if args.first().is_some_and(|a| a == "--root") {
        if args.len() < 2 {
            return usage("--root needs a folder");
        }
        root = PathBuf::from(args.remove(1));
        args.remove(0);
    }
    let root = match root.canonicalize() {
        Ok(root) => root,
        Err(e) => return usage(&format!("{}: {e}", root.display())),
    };
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["gen"] => generate(&root),
        ["gen", options @ ..] => match overlay(options) {
            Some((build, dir)) => generate_overlay(&build, &dir),
            None => return usage(OVERLAY_USAGE),
        },
        ["check"] => check::check(&root).map(|()| say("tablegen check: everything is up to date\n")),
        ["check", options @ ..] => match overlay(options) {
            Some((build, dir)) => {
                build.check(&dir).map(|()| say("tablegen check: everything is up to date\n"))
            }
            None => return usage(OVERLAY_USAGE),
        },
        ["dump", path] => print_dump(Path::new(path)),
        ["diff", old, new] => print_diff(Path::new(old), Path::new(new)),
        ["codes"] => {
            codes::CODES.iter().for_each(|(code, meaning)| say(&format!("{code}  {meaning}\n")));
            Ok(())
        }
        [word @ ("dump" | "diff" | "codes"), ..] => {
            return usage(&format!("wrong number of arguments for {word}"));
        }
        [word, ..] => return usage(&format!("unknown command or option {word}")),
        [] => return usage("a command is missing"),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprint!("{text}");
            ExitCode::FAILURE
        }
    }
}

/// Prints to standard output; a reader that went away, such as `head`, is no error.
fn say(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

fn usage(problem: &str) -> ExitCode {
    eprintln!(
        "tablegen: {problem}\nusage: tablegen [--root DIR] gen | check | dump FILE|DIR | diff OLD NEW | codes"
    );
    ExitCode::from(2)
}

fn generate(root: &Path) -> Result<(), String> {
    let spec = load(root)?;
    let all = artefacts::make(root, &spec).map_err(|e| format!("tablegen: {e}\n"))?;
    let meaning = tree::meaning(root, &all);
    let changed = tree::put(root, &all).map_err(|e| format!("tablegen: {e}\n"))?;
    for path in &changed {
        say(&format!("wrote {path}\n"));
    }
    let sizes: Vec<String> =
        all.blobs.iter().map(|(name, bytes)| format!("{name} {}", bytes.len())).collect();
    let total: usize = all.blobs.iter().map(|(_, bytes)| bytes.len()).sum();
    let (ops, intrinsics) = (spec.ops.len(), spec.intrinsics.len());
    say(&format!("{ops} opcodes, {intrinsics} intrinsics; {}\n", sizes.join(", ")));
    say(&format!(
        "{total} of {} bytes; {} changed\n",
        spec.tables_max_bytes.v,
        plural(changed.len(), "file")
    ));
    say(&meaning.unwrap_or_default());
    Ok(())
}

const OVERLAY_USAGE: &str = "gen and check take nothing, or --overlay SPEC --out DIR [--crate PATH]";

/// The overlay that options are about; `None` if they are not such options, each once.
fn overlay(options: &[&str]) -> Option<(Build, PathBuf)> {
    let (mut spec, mut out, mut krate) = (None, None, None);
    for pair in options.chunks(2) {
        let &[name, value] = pair else { return None };
        let place = match name {
            "--overlay" => &mut spec,
            "--out" => &mut out,
            "--crate" => &mut krate,
            _ => return None,
        };
        if place.replace(value).is_some() {
            return None;
        }
    }
    let build = Build::new(spec?);
    Some((krate.map_or(build.clone(), |path| build.crate_path(path)), PathBuf::from(out?)))
}

fn generate_overlay(build: &Build, dir: &Path) -> Result<(), String> {
    let written = build.write(dir)?;
    for name in &written.changed {
        say(&format!("wrote {}\n", dir.join(name).display()));
    }
    let changed = plural(written.changed.len(), "file");
    say(&format!("{}: {} bytes of tables; {changed} changed\n", written.name, written.bytes));
    say(&written.meaning.unwrap_or_default());
    Ok(())
}

fn print_dump(path: &Path) -> Result<(), String> {
    let fail = |path: &Path, e: &dyn std::fmt::Display| format!("tablegen: {}: {e}\n", path.display());
    let mut files = vec![path.to_path_buf()];
    if path.is_dir() {
        let entries = std::fs::read_dir(path).map_err(|e| fail(path, &e))?;
        files = entries.flatten().map(|e| e.path()).collect();
        files.retain(|p| artefacts::is_blob(&p.to_string_lossy()));
        files.sort();
    }
    for file in files {
        let bytes = std::fs::read(&file).map_err(|e| fail(&file, &e))?;
        say(&dump::blob(&bytes).map_err(|e| fail(&file, &e))?);
    }
    Ok(())
}

fn print_diff(old: &Path, new: &Path) -> Result<(), String> {
    let read = |dir| diff::Tables::read_dir(dir).map_err(|e| format!("tablegen: {e}\n"));
    let report = diff::compare(&read(old)?, &read(new)?);
    say(&report.render());
    if report.unacknowledged() {
        Err("tablegen: breaking changes are not acknowledged\n".to_owned())
    } else {
        Ok(())
    }
}
