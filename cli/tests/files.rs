//! Files in and out: sizes, odd files, odd names, closed pipes, whole or nothing.

mod common;

use common::{command, folder, opforge, opforge_with, root};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn input_is_read_up_to_the_cap() {
    let dir = folder();
    let sparse = dir.path().join("sparse");
    File::create(&sparse).and_then(|file| file.set_len(100 << 30)).expect("a sparse file");
    opforge(&["run", text(&sparse)]).exits(2).complains("error[I0002]: ");
    opforge(&["run", "--max-input", "10", "examples/fib.ofa"]).exits(2).complains("error[I0002]: ");
    opforge_with(&["run", "-", "--max-input", "1KiB"], &[b' '; 1025])
        .exits(2)
        .complains("error[I0002]: <stdin>");
    let exact = fs::read(root().join("examples/fib.ofa")).expect("a program");
    let cap = exact.len().to_string();
    assert_eq!(
        opforge_with(&["run", "--max-input", &cap, "-", "--", "9"], &exact).exits(0).stdout,
        "i64 34\n"
    );
}

#[cfg(unix)]
#[test]
fn devices_and_pipes_end() {
    opforge(&["run", "/dev/zero", "--max-input", "1MiB"]).exits(2).complains("error[I0002]: /dev/zero");
    // An empty text program is one without functions.
    opforge(&["run", "/dev/null"]).exits(2).complains("error[I0007]");
    let dir = folder();
    let fifo = dir.path().join("fifo");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status().expect("mkfifo");
    assert!(made.success());
    std::thread::scope(|scope| {
        scope.spawn(|| fs::write(&fifo, fs::read(root().join("examples/fib.ofa")).expect("a program")));
        assert_eq!(opforge(&["run", text(&fifo), "--", "9"]).exits(0).stdout, "i64 34\n");
    });
}

#[test]
fn what_is_no_program_is_refused() {
    opforge(&["run", "examples"]).exits(2).complains("error[I0003]: examples is a folder");
    opforge(&["run", "examples/none.ofa"]).exits(2).complains("error[I0001]: examples/none.ofa: ");
    opforge_with(&["verify", "-"], b"\xff\xfe").exits(2).complains("error[I0004]: <stdin>");
    opforge_with(&["verify", "-"], b"EXTAPE").exits(2).complains("error[D0");
    opforge_with(&["verify", "-"], b"EXTAPE\0\0\x09\0\0\0").exits(2).complains("error[D0103]");
    opforge_with(&["verify", "-"], b"\0\0\0\0").exits(2).complains("error[A0001]");
}

#[cfg(unix)]
#[test]
fn names_need_not_be_text() {
    use std::os::unix::ffi::OsStrExt;
    let dir = folder();
    let name = dir.path().join(std::ffi::OsStr::from_bytes(b"a\xff\n\x1b[31m.ofa"));
    for command in ["run", "verify", "disasm", "asm"] {
        let ran = opforge(&[std::ffi::OsStr::new(command), name.as_os_str()]).exits(2);
        ran.complains("a\\xff\\n\\u{1b}[31m.ofa: ");
        assert!(!ran.stderr.contains('\u{1b}'));
    }
    fs::copy(root().join("examples/fib.ofa"), &name).expect("a copy");
    opforge(&[std::ffi::OsStr::new("asm"), name.as_os_str()]).exits(0);
    assert!(name.with_extension("tape").exists());
}

const FOREVER: &str = r#"
    .host print = "env.print" (str) -> ()
    .func main() -> () {
        const.pool r1, "line"
        jmp @loop
    @loop:
        host_call print r1 -> ()
        jmp @loop
    }"#;

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let dir = folder();
    let program = dir.path().join("forever.ofa");
    fs::write(&program, FOREVER).expect("a program");
    let mut child = command()
        .args(["run", text(&program), "--max-host-calls", "100000000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary");
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("a line");
    assert_eq!(line, "line\n");
    drop(stdout);
    let mut stderr = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut stderr).expect("UTF-8");
    assert_eq!(stderr, "");
    assert_eq!(child.wait().expect("an end").code(), Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    for args in [&["explain"][..], &["run", "examples/fib.ofa", "--", "1"], &["disasm", "examples/fib.ofa"]] {
        let full = File::options().write(true).open("/dev/full").expect("/dev/full");
        let output = command().args(args).stdout(full).output().expect("the binary");
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).starts_with("error[I0005]: standard output: "));
    }
    opforge(&["asm", "examples/fib.ofa", "-o", "/dev/full"]).exits(2).complains("error[I0005]");
    opforge(&["asm", "examples/fib.ofa", "-o", "/dev/null"]).exits(0);
}

#[test]
fn the_output_is_whole_or_not_there() {
    let dir = folder();
    let (source, tape) = (dir.path().join("a.ofa"), dir.path().join("a.tape"));
    fs::write(&source, ".func f() -> () {\n ret ()\n}\n").expect("a program");
    opforge(&["asm", text(&source)]).exits(0);
    let good = fs::read(&tape).expect("the container");
    for bad in [".func f() -> () {\n bogus\n}\n", ".func f() -> (i64) {\n ret r1\n}\n"] {
        fs::write(&source, bad).expect("a program");
        opforge(&["asm", text(&source)]).exits(2);
        assert_eq!(fs::read(&tape).expect("the container"), good);
    }
    opforge(&["asm", "--no-verify", text(&source)]).exits(0);
    assert_ne!(fs::read(&tape).expect("the container"), good);
    opforge(&["asm", "--no-verify", text(&source), "-o", text(&dir.path().join("none/a.tape"))])
        .exits(2)
        .complains("I0005");
    opforge(&["asm", "--no-verify", text(&source), "-o", text(dir.path())]).exits(2).complains("I0003");
    let left: Vec<_> =
        fs::read_dir(dir.path()).expect("the folder").flatten().map(|e| e.file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[cfg(unix)]
#[test]
fn the_output_is_not_the_input() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let dir = folder();
    let path = |name: &str| dir.path().join(name);
    fs::copy(root().join("examples/fib.ofa"), path("a.tape")).expect("a copy");
    symlink(path("a.tape"), path("soft")).expect("a link");
    fs::hard_link(path("a.tape"), path("hard")).expect("a link");
    let before = fs::read(path("a.tape")).expect("the program");
    for out in ["a.tape", "soft", "hard", "./a.tape"] {
        let ran = opforge(&["asm", text(&path("a.tape")), "-o", text(&path(out))]).exits(2);
        ran.complains("error[I0006]");
    }
    opforge(&["asm", text(&path("a.tape"))]).exits(2).complains("error[I0006]");
    opforge(&["disasm", text(&path("a.tape")), "-o", text(&path("hard"))]).exits(2).complains("error[I0006]");
    assert_eq!(fs::read(path("a.tape")).expect("the program"), before);

    // A link to another file stays a link, and a file keeps its mode.
    fs::write(path("b.tape"), "").expect("a file");
    fs::set_permissions(path("b.tape"), fs::Permissions::from_mode(0o640)).expect("a mode");
    symlink(path("b.tape"), path("link")).expect("a link");
    opforge(&["asm", "examples/fib.ofa", "-o", text(&path("link"))]).exits(0);
    assert!(path("link").is_symlink());
    assert!(fs::read(path("b.tape")).expect("the container").starts_with(b"EXTAPE"));
    assert_eq!(fs::metadata(path("b.tape")).expect("a file").permissions().mode() & 0o777, 0o640);
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_a_run_at_once() {
    use std::os::unix::process::ExitStatusExt;
    let dir = folder();
    let program = dir.path().join("forever.ofa");
    fs::write(&program, ".func f() -> () {\n jmp @a\n@a:\n jmp @a\n}\n").expect("a program");
    let mut child = command()
        .args(["run", text(&program), "--fuel", "18446744073709551615"])
        .spawn()
        .expect("the binary");
    std::thread::sleep(Duration::from_millis(100));
    let start = Instant::now();
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().expect("kill").success());
    let status = child.wait().expect("an end");
    // Shells show a death by this signal as 130.
    assert_eq!(status.signal(), Some(2));
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn nothing_around_is_needed() {
    let output = command()
        .args(["run", "-", "--", "9"])
        .env_clear()
        .env("LANG", "C")
        .current_dir(root().canonicalize().expect("the workspace").join("examples"))
        .stdin(File::open(root().join("examples/fib.ofa")).expect("a program"))
        .output()
        .expect("the binary");
    assert_eq!(output.stdout, b"i64 34\n");
    assert_eq!(output.status.code(), Some(0));
}
