//! Codes of the parts of the VM that do not list their own: code, what it means, what to do. A test compares
//! them with the sources.

use crate::codes::Code;

/// The part of the system that a code comes from.
pub(super) fn part(code: &str) -> &'static str {
    match code.as_bytes().first() {
        Some(b'A') => "the assembler",
        Some(b'D') => "the container reader",
        Some(b'E') => "the start of a run",
        Some(b'H') => "host functions",
        Some(b'I') => "this command line",
        Some(b'J') => "native code",
        Some(b'L') => "lowering",
        Some(b'N') => "the host's side of sessions",
        Some(b'P') => "protocol types",
        Some(b'R') => "records of sessions",
        Some(b'T') => "a run",
        Some(b'V') => "the verifier",
        Some(b'W') => "the container writer",
        Some(b'X') => "an embedder's own opcodes and intrinsics",
        _ => "elsewhere",
    }
}

pub(super) const TOPICS: &[Code] = &[
    ("A0001", "a character that starts nothing", "remove it; opforge disasm shows the format"),
    ("A0002", "a text without closing quote", "close it on the same line; write \\n for a line break"),
    (
        "A0003",
        "a text with an escape that is none, or hex digits that are no pairs",
        "use \\n \\t \\\" \\\\ \\u{..}",
    ),
    ("A0004", "a number that is none", "write integers in digits or 0x, floats with a point or an exponent"),
    ("A0101", "something else is expected here", "the message names what"),
    ("A0102", "a directive that does not exist, or not here", "directives begin with a dot"),
    ("A0103", "an instruction that does not exist", "opforge explain lists all instructions"),
    ("A0104", "a function body without closing brace", "end the body with a line that starts with }"),
    ("A0105", "a function with neither body nor code", "write a body in braces"),
    ("A0201", "a label that is used but never placed", "place it as @name: in the same function"),
    ("A0202", "a name that means two things", "rename one of them"),
    ("A0203", "a name that means nothing", "declare it, or use an index"),
    ("A0204", "a name that more than one entry has", "use an index instead"),
    ("A0301", "a number that is too large or too small for its place", "use a number in range"),
    ("A0302", "an index that says another place than the entry has", "correct or drop the index"),
    ("A0303", "a span mark that cannot stand here", "put it in front of an instruction, one at a place"),
    ("A0401", "a table, the code of a function or the source is too large", "split the program"),
    (
        "A0501",
        "a local or global type that is not well-formed",
        "the message begins with the code of what is wrong",
    ),
    (
        "D0101",
        "the container is larger than allowed",
        "raise the limit if the source is trusted with the memory",
    ),
    ("D0102", "this is no EXTAPE container", "check what wrote the file"),
    ("D0103", "the container has another version", "write it for version 0.1 or 0.128"),
    (
        "D0104",
        "a section claims to be longer than the rest of the file",
        "the file was cut, or a length is wrong",
    ),
    ("D0105", "a known section stands there twice", "write each section once"),
    ("D0106", "a mandatory section is missing", "write sections 1 to 8, even when empty"),
    ("D0107", "an unknown section, and the configuration refuses these", "preserve or skip unknown sections"),
    ("D0108", "bytes behind the last entry of a section", "the count in front of the entries may be too low"),
    ("D0109", "there is no memory for what the container holds", "lower the limit, or give more memory"),
    ("D0201", "the data ends inside an entry", "the file was cut, or a length or count is wrong"),
    ("D0202", "a LEB128 number of more than 64 bits or 10 bytes", "write numbers in their shortest form"),
    (
        "D0203",
        "a number that must fit 32 or 16 bits does not",
        "ids, register counts and offsets have 32 bits; roles, labels, payloads and branches of a state 16",
    ),
    ("D0204", "a count of more entries than there is room for", "the file was cut, or a count is wrong"),
    ("D0205", "text that is not UTF-8", "use a bytes constant for other data"),
    ("D0301", "a tag without meaning", "the container may need a newer reader"),
    ("D0302", "a byte that must be 0 or 1 is neither", "write truth values as 0 or 1"),
    ("D0303", "an id that must not be 0 is 0", "0 means none and cannot be used here"),
    ("D0304", "symbol 0 is not the empty text", "begin the symbol table with an empty text"),
    ("D0401", "there is not one signature for each function", "write as many signatures as functions"),
    ("D0402", "an index past the end of its table", "the tables may come from different programs"),
    ("D0403", "a label behind the end of the code", "place labels at or before the end"),
    ("E0001", "the program has no such function", "opforge disasm shows the functions"),
    ("E0002", "the function takes another number of arguments", "give one for each parameter"),
    (
        "E0003",
        "an argument does not fit",
        "give a value of the parameter's type, of this run, within the memory limit",
    ),
    ("E0004", "the function's frame alone is larger than the stack limit", "raise Limits::stack_slots"),
    ("E0005", "the execution is running already", "resume it to its end first"),
    ("E0006", "the execution was not started", "call Execution::start first"),
    (
        "E0007",
        "the typed function is that of another module than the instance's",
        "get it from the module that the instance was made from",
    ),
    (
        "E0008",
        "the function has other parameter or result types than were asked for",
        "ask for the types of its signature; opforge disasm shows it",
    ),
    (
        "E0009",
        "the run would be inside of too many others: host functions run programs whose host functions run programs",
        "run it outside of the host function, or raise Limits::nested_runs and the thread's stack",
    ),
    (
        "E0010",
        "the program's linear memories alone are larger than the memory limit",
        "raise --max-memory (Limits::memory), or declare fewer pages",
    ),
    ("H0001", "no host function of this name is registered", "register it with Linker::func"),
    (
        "H0002",
        "the host function has another signature",
        "declare the import with the types of the host function",
    ),
    (
        "H0003",
        "the host function needs a capability that was not granted",
        "grant it, with --grant on the command line",
    ),
    (
        "H0004",
        "no host call is pending that could be completed",
        "complete or fail a call once, after Outcome::Pending",
    ),
    (
        "H0005",
        "a pending host call gives another number of results",
        "give one for each of PendingCall::results",
    ),
    (
        "H0006",
        "a result of a pending host call does not fit",
        "give a value of the result's type, of this run, within the memory limit, or let the call fail",
    ),
    (
        "H0007",
        "a host function left its call pending where the embedder cannot wait for it",
        "run the program as an Execution, which stops there and is resumed",
    ),
    (
        "H0008",
        "an effect of the program needs a capability that was not granted",
        "grant it to the instance, with --grant on the command line",
    ),
    (
        "J0001",
        "there is no native code for this machine",
        "run it in the interpreter, which gives the same results",
    ),
    (
        "J0002",
        "a function is larger than what is compiled to native code",
        "run it in the interpreter, which gives the same results, or split the function",
    ),
    (
        "J0003",
        "the program has more machine code than is kept at once",
        "raise JitConfig::max_code, which takes up to 64 MiB; run it in the interpreter; or split the program",
    ),
    (
        "J0004",
        "the system gives no memory for code, or does not let it be executed",
        "check memory limits and hardening such as MemoryDenyWriteExecute; the interpreter needs no such memory",
    ),
    (
        "J0005",
        "the code generator refused a function, or panicked over it",
        "this is an error of opforge; please report it, and run the program in the interpreter until then",
    ),
    ("J0006", "the program could not be lowered", "the message has the code of lowering, L0001 to L0003"),
    (
        "J0007",
        "lowered code breaks a guarantee that native code needs",
        "this is an error of opforge; please report it, and run the program in the interpreter until then",
    ),
    (
        "J0008",
        "the map for Linux perf cannot be written",
        "look at the file that the message names: it must be your own, a plain file, and writable by nobody else",
    ),
    ("L0001", "verified code does not lower", "this is an error of opforge; please report it"),
    ("L0002", "the lowered program is too large", "split the program"),
    (
        "L0003",
        "the program was verified with other tables than the engine has",
        "verify it with the tables of the engine",
    ),
    ("N0001", "the program has no such shape", "use one of the program's; opforge session check lists them"),
    ("N0002", "the program has no such function", "opforge disasm shows the functions"),
    ("N0003", "the program has no such guard layer", "opforge disasm shows the layers"),
    ("N0004", "the function of a coroutine takes another number of arguments", "give one for each parameter"),
    (
        "N0005",
        "an argument of a coroutine, or an injected value, does not fit",
        "the message says which and why",
    ),
    (
        "N0006",
        "a limit is reached: sessions, coroutines, memory, or messages of an edge",
        "raise the limit in SessionConfig or Limits",
    ),
    ("N0007", "the session of the endpoint is over", "handles of a session are of no use after it"),
    (
        "N0008",
        "the host does not have the endpoint",
        "an endpoint belongs to the coroutine that it was given to",
    ),
    (
        "N0009",
        "the endpoint is not the one that the function takes",
        "the shape, the role and what is left to be done must be those of the parameter",
    ),
    ("N0010", "a message is injected where none is received", "inject when SessionMachine::state receives"),
    ("N0011", "a message is injected that is not expected", "inject a label of the present state"),
    ("N0012", "the host gives evidence, or a message that carries an endpoint", "only programs do that"),
    ("N0013", "the coroutine has ended", "SessionMachine::coroutines counts those that have not"),
    (
        "N0014",
        "the coroutine waits for nothing that the host does",
        "wake those that wait for an effect or a grant",
    ),
    (
        "N0015",
        "a snapshot or a record is of another program or configuration",
        "use the same program, SessionConfig and Limits; for opforge session run --replay the same --policy, --quantum, --seed, --priority, --fuel and --memory",
    ),
    (
        "P0001",
        "a character that starts nothing in the text of a type",
        "write names of other characters in quotes",
    ),
    ("P0002", "a quoted name without closing quote", "close it on the same line; write \\n for a line break"),
    ("P0003", "a name with an escape that is none", "use \\n \\t \\\" \\\\ \\u{..}"),
    ("P0101", "something else is expected here", "the message names what"),
    ("P0102", "a payload type that does not exist", "the message lists those that do"),
    ("P0201", "a variable that no loop around binds", "write mu x. in front of what x repeats"),
    ("P0202", "a send or receive without branches", "write end if nothing more is done"),
    ("P0203", "two branches of an action with one label", "rename one of them"),
    ("P0204", "a loop that comes back without an action in between", "send or receive something in the loop"),
    ("P0205", "a role that talks to itself", "name another role as the partner"),
    ("P0206", "a type with more than one partner has no dual", "project a global type to each role instead"),
    (
        "P0301",
        "a role acts differently in two branches of a choice that it does not see",
        "let one of those that see it tell the role first, with different labels",
    ),
    (
        "P0302",
        "a role sends different labels in two branches of a choice that it does not see",
        "let one of those that see it tell the role first, with different labels",
    ),
    (
        "P0303",
        "a label carries different payloads in two branches that a role cannot tell apart",
        "use another label in one of them",
    ),
    (
        "P0304",
        "a role is in different loops in two branches of a choice that it does not see",
        "let one of those that see it tell the role first, with different labels",
    ),
    ("P0401", "a type, a name, a payload or a table of a protocol is too large", "split the protocol"),
    (
        "R0001",
        "the file is no record",
        "records are written by opforge session run --record or EffectTape::to_bytes",
    ),
    ("R0002", "the record is of another version of the VM", "record the run again"),
    ("R0003", "the record ends too early", "the file was cut"),
    (
        "R0004",
        "a number in the record is out of range",
        "the file was damaged, or was not written by opforge",
    ),
    (
        "R0005",
        "a count in the record is larger than what is left",
        "the file was damaged, or was not written by opforge",
    ),
    ("R0006", "a code in the record is none", "the file was damaged, or was not written by opforge"),
    ("R0007", "a text in the record is not UTF-8", "the file was damaged, or was not written by opforge"),
    ("R0008", "values in the record are nested too deeply", "the file was not written by opforge"),
    (
        "R0009",
        "bytes follow behind the end of the record",
        "the file was damaged, or was not written by opforge",
    ),
    ("R0010", "the record was changed after it was written", "use the file as it was written"),
    ("R0011", "there is no memory for the record", "give the process more memory"),
    ("W0101", "symbol 0 is not the empty text", "intern the empty text first"),
    (
        "W0102",
        "the data of a constant is not there, or its text is not UTF-8",
        "make constants with the builder",
    ),
    ("W0103", "lists of types and names differ in length", "give every type one name"),
    (
        "W0104",
        "there are not two type lists for each entry",
        "write parameters and results of every signature",
    ),
    ("W0105", "an id that must not be 0 is 0", "0 means none and cannot be used here"),
    ("W0106", "an index past the end of its table", "add the entry that it names"),
    ("W0107", "a label behind the end of the code", "place labels at or before the end"),
    ("W0108", "an unknown section with the tag of a known one", "use another tag"),
    (
        "W0109",
        "a section or class that containers of the program's version do not have",
        "write the program in version 0.128",
    ),
    (
        "W0110",
        "a list of an entry is too long, or not where the format puts it",
        "put lists one behind the other",
    ),
    ("W0111", "an edge that does not grow has a maximum of its own", "make it equal to the capacity"),
    ("X0001", "tables with rows of an embedder are not well formed", "make them with tablegen"),
    (
        "X0002",
        "tables hold other rows of the VM than this version has",
        "make them with the tablegen of the same version",
    ),
    ("X0003", "the tables have no opcode or intrinsic of this name", "add a row to the overlay spec"),
    (
        "X0004",
        "the opcode or intrinsic is the VM's own",
        "give yours a row of its own, with an id from 32768 on",
    ),
    ("X0005", "a function has other types than its row", "the message has both; change one of them"),
    ("X0006", "an opcode or intrinsic has a function already", "register each once"),
    (
        "X0007",
        "rows of an embedder have no function",
        "register one for each, or let them trap with Missing::TrapWhenExecuted",
    ),
];

/// What to do about a code.
pub(crate) fn hint(code: &str) -> &'static str {
    TOPICS.iter().find(|(known, ..)| *known == code).map_or("", |(_, _, hint)| hint)
}

#[cfg(test)]
mod tests {
    use super::TOPICS;
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    fn sources(dir: &Path, out: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).expect("a folder of sources").flatten() {
            let path = entry.path();
            if path.is_dir() {
                sources(&path, out);
            } else if path.extension().is_some_and(|ext| ext == "rs") && !path.ends_with("tests.rs") {
                out.push(path);
            }
        }
    }

    /// Every code in quotes or brackets in the sources of the VM and of native code, such as `"D0101"` and
    /// `error[E0001]`.
    fn codes_of_the_vm() -> BTreeSet<String> {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        let (mut files, mut found) = (Vec::new(), BTreeSet::new());
        sources(&root.join("vm/src"), &mut files);
        sources(&root.join("jit/src"), &mut files);
        for file in files {
            let text = std::fs::read_to_string(&file).expect("a source");
            for piece in text.split(['"', '[', ']']) {
                let is_code = matches!(piece.as_bytes(), [b'A' | b'D' | b'E' | b'H' | b'J' | b'L' | b'N' | b'P' | b'R' | b'W' | b'X', rest @ ..]
                    if rest.len() == 4 && rest.iter().all(u8::is_ascii_digit));
                if is_code {
                    found.insert(piece.to_owned());
                }
            }
        }
        found
    }

    #[test]
    fn every_code_of_the_vm_is_explained() {
        if !Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../vm/src")).exists() {
            return; // A published crate stands alone.
        }
        let explained: BTreeSet<String> = TOPICS.iter().map(|(code, ..)| (*code).to_owned()).collect();
        assert_eq!(explained, codes_of_the_vm());
        assert_eq!(explained.len(), TOPICS.len(), "a code stands here twice");
    }
}
