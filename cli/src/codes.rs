//! Error codes of the command line itself. Codes with other letters come from the VM.

/// A code with its meaning and what to do.
pub(crate) type Code = (&'static str, &'static str, &'static str);

pub(crate) const UNREADABLE: &str = "I0001";
pub(crate) const TOO_LARGE: &str = "I0002";
pub(crate) const DIRECTORY: &str = "I0003";
pub(crate) const NOT_TEXT: &str = "I0004";
pub(crate) const UNWRITABLE: &str = "I0005";
pub(crate) const SAME_FILE: &str = "I0006";
pub(crate) const NO_ENTRY: &str = "I0007";
pub(crate) const ARG_COUNT: &str = "I0008";
pub(crate) const BAD_ARG: &str = "I0009";
pub(crate) const TERMINAL: &str = "I0010";
pub(crate) const BAD_TABLES: &str = "I0011";
pub(crate) const UNKNOWN_TOPIC: &str = "I0012";
pub(crate) const ENGINES_DIFFER: &str = "I0013";
pub(crate) const NO_SHAPE: &str = "I0014";
pub(crate) const NO_ROLE: &str = "I0015";
pub(crate) const REPLAY_DIFFERS: &str = "I0016";

/// All codes of the command line.
pub(crate) const OWN: &[Code] = &[
    (UNREADABLE, "a file cannot be read", "check the path and its permissions"),
    (TOO_LARGE, "a file is larger than --max-input", "raise --max-input if the file is what it should be"),
    (DIRECTORY, "a folder stands where a file is needed", "name a file"),
    (
        NOT_TEXT,
        "the input is neither a container nor UTF-8 text",
        "containers begin with the bytes EXTAPE and two zeros; save text programs as UTF-8",
    ),
    (UNWRITABLE, "output cannot be written", "check the path, its permissions and the space that is left"),
    (SAME_FILE, "the output is the input", "write to another file"),
    (NO_ENTRY, "the function to run was not found", "name one with --entry; opforge disasm shows them"),
    (
        ARG_COUNT,
        "the function takes another number of arguments",
        "give one argument behind -- for each parameter",
    ),
    (
        BAD_ARG,
        "an argument is no value of the parameter's type",
        "opforge run --help shows how values are written",
    ),
    (TERMINAL, "a container is not written to a terminal", "name a file with -o, or use a pipe"),
    (
        BAD_TABLES,
        "a folder holds no tables, or tables that are wrong",
        "name a folder with the vm.*.bin files that tablegen wrote",
    ),
    (
        UNKNOWN_TOPIC,
        "there is nothing to explain under this name",
        "opforge explain without arguments lists what there is",
    ),
    (
        ENGINES_DIFFER,
        "the engines disagree: a defect of opforge, not of the program",
        "please report it with the program, its arguments and options; until then use --engine interp",
    ),
    (
        NO_SHAPE,
        "the shape of the session was not found, or there are several",
        "name one with --shape; opforge session check lists them",
    ),
    (NO_ROLE, "a role is named that is not there", "the message lists the roles there are"),
    (
        REPLAY_DIFFERS,
        "a replay does something else than its record",
        "record again, with this program and these options",
    ),
];

/// The hint of one of the command line's own codes.
pub(crate) fn hint(code: &str) -> &'static str {
    OWN.iter().find(|(own, ..)| *own == code).map_or("", |(_, _, hint)| hint)
}
