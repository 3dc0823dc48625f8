//! Arguments of the command line, and the texts of `--help`.

use crate::session::args::SessionArgs;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  the program trapped, is stuck, or ran out of fuel; `tables diff` found a breaking change
  2  bad input: it cannot be read, decoded, assembled, verified or linked, an argument
     does not fit, or output cannot be written; there is no native code for it
  3  the command line is wrong
  4  a defect of opforge: the engines of `run --engine both` disagree

Programs are text (`.ofa`) or containers (`.tape`), told apart by their first bytes;
`-` is standard input. `opforge explain CODE` says more about any error code.";

/// Runs, checks and converts programs for the opforge VM.
#[derive(Debug, Parser)]
#[command(name = "opforge", version, arg_required_else_help = true)]
#[command(about = "Runs, checks and converts programs for the opforge VM", after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Most bytes that are read of each input file, such as 4096, 64KiB, 16MiB, 1GiB
    #[arg(long, global = true, value_name = "SIZE", default_value = "64MiB", value_parser = size)]
    pub(crate) max_input: u64,
}

impl Cli {
    /// Reads the command line, and checks what depends on values.
    pub(crate) fn read() -> Result<Self, clap::Error> {
        let cli = Self::try_parse()?;
        let wrong = match &cli.command {
            Command::Run(args) => args.wrong(),
            Command::Session(args) => args.wrong(),
            _ => None,
        };
        match wrong {
            Some(message) => Err(Self::command().error(ErrorKind::ArgumentConflict, message)),
            None => Ok(cli),
        }
    }

    /// Whether machines read the output.
    pub(crate) fn json(&self) -> bool {
        match &self.command {
            Command::Run(args) => args.json,
            Command::Verify(args) => args.json,
            Command::Asm(args) => args.json,
            Command::Session(args) => args.json(),
            Command::Disasm(_) | Command::Tables(_) | Command::Explain(_) => false,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(RunArgs),
    Asm(AsmArgs),
    Disasm(DisasmArgs),
    Verify(VerifyArgs),
    Tables(TablesArgs),
    Explain(ExplainArgs),
    Session(SessionArgs),
}

/// Verify a program and run one of its functions
#[derive(Debug, Args)]
#[command(after_help = RUN_HELP)]
pub(crate) struct RunArgs {
    /// The program; `-` is standard input
    pub(crate) file: PathBuf,

    /// The function to run, by name or by index (`&3` is always an index). Without it: the function `main`, else
    /// the first function
    #[arg(long, value_name = "NAME|INDEX")]
    pub(crate) entry: Option<String>,

    /// Fuel to start with; an instruction costs at least 1
    #[arg(long, value_name = "N", default_value_t = 1_000_000_000)]
    pub(crate) fuel: u64,

    /// Most function frames at once
    #[arg(long, value_name = "N", default_value_t = 256)]
    pub(crate) max_depth: u32,

    /// Most host calls
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub(crate) max_host_calls: u64,

    /// Most memory for text, bytes, aggregates and linear memories, such as 4096 or 16MiB
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = size)]
    pub(crate) max_memory: u64,

    /// What instructions cost: by-size charges more for moving many bytes, v1 charges 1 for each instruction
    #[arg(long, value_enum, default_value_t = Schedule::BySize)]
    pub(crate) fuel_schedule: Schedule,

    /// What runs the program: interp is the interpreter, jit is native code, both runs the two and compares
    /// everything that can be seen of them
    #[arg(long, value_enum, default_value_t = EngineChoice::Interp)]
    pub(crate) engine: EngineChoice,

    /// Add names and addresses of native code to /tmp/perf-<pid>.map, for `perf report`. Linux only
    #[arg(long)]
    pub(crate) perf_map: bool,

    /// Grant a capability, such as `log`; may be given several times
    #[arg(long, value_name = "CAP")]
    pub(crate) grant: Vec<String>,

    /// Write every instruction, call and host call to standard error. Only the interpreter can be watched so: not
    /// with --engine jit or both
    #[arg(long)]
    pub(crate) trace: bool,

    /// Most lines that `--trace` writes
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub(crate) trace_limit: u64,

    /// Write one JSON object to standard output
    #[arg(long)]
    pub(crate) json: bool,

    /// Arguments of the function, behind `--`
    #[arg(last = true, value_name = "ARGS")]
    pub(crate) args: Vec<OsString>,
}

impl RunArgs {
    /// What is wrong with options that fit one by one.
    fn wrong(&self) -> Option<&'static str> {
        if self.trace && self.engine != EngineChoice::Interp {
            return Some(
                "--trace shows the interpreter's steps: native code has none. Use it with --engine interp",
            );
        }
        if self.perf_map && self.engine == EngineChoice::Interp {
            return Some("--perf-map names native code: use it with --engine jit or --engine both");
        }
        None
    }
}

const RUN_HELP: &str = "\
Arguments are read by the function's parameter types:
  i64, u64   -5, 42, 0xff                 bool     true, false
  f64        1.5, -2e9, inf, nan          decimal  12.34 (scale 2)
  str        the text as it is            bytes    0x00ff
  unit       unit or ()                   func     &name or &3
Aggregates, closures and host objects cannot be given.

Results are printed one on a line, as in `i64 6765`. Traps go to standard error: code, reason, call stack,
instructions around the place, fuel left.

Host functions for programs:
  env.print  (str | i64 | u64 | f64 | bool) -> ()   writes a line to standard output
  env.log    (str) -> ()                            writes a line to standard error; needs `--grant log`
With --json, env.print writes to standard error.

Engines give the same results, traps, fuel, host calls and memory. With --engine both, the interpreter runs first and
its host calls take effect; then native code runs, its host calls are answered as the interpreter's were, and have no
effect. Both runs together use twice the memory. A difference is a defect of opforge: both sides are shown, and the
exit code is 4. A program too large for native code is refused with an error, J0002 or J0003.

JSON: {\"status\": \"finished\", \"engine\": \"interp\" | \"jit\" | \"both\", \"results\": [{\"type\": \"i64\", \"value\": \"6765\"}], \"fuel_used\": n, \"fuel_left\": n,
\"host_calls\": n}, or {\"status\": \"trapped\" | \"out_of_fuel\", \"trap\": {\"code\", \"name\", \"message\", \"frames\": [{\"function\",
\"name\", \"pc\", \"span\"}], \"frames_omitted\"}, \"fuel_used\", ...}, or {\"status\": \"error\", \"exit_code\": 2, \"errors\":
[{\"code\", \"message\", \"hint\", \"file\", ...}]}, or {\"status\": \"engines_differ\", \"engine\", \"exit_code\": 4, \"code\", \"message\",
\"differences\": [{\"what\", \"interp\", \"jit\"}]}. Numbers of programs are texts, so that no reader rounds them.

Examples:
  opforge run examples/fib.ofa -- 20
  opforge run examples/text.ofa --entry greet -- Ada
  opforge run examples/host.ofa --grant log -- 3
  opforge run examples/fib.ofa --fuel 1000 --json -- 20
  opforge run examples/collatz.ofa --engine both -- 27
  opforge asm examples/gcd.ofa -o - | opforge run - -- 1071 462";

/// A fuel schedule.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Schedule {
    BySize,
    V1,
}

/// What runs a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineChoice {
    Interp,
    Jit,
    Both,
}

impl EngineChoice {
    /// Its name on the command line and in JSON.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Interp => "interp",
            Self::Jit => "jit",
            Self::Both => "both",
        }
    }
}

/// Assemble a text program into a container
#[derive(Debug, Args)]
#[command(after_help = ASM_HELP)]
pub(crate) struct AsmArgs {
    /// The text program; `-` is standard input
    #[arg(value_name = "IN")]
    pub(crate) input: PathBuf,

    /// Where to write the container; `-` is standard output. Without it: IN with the extension `tape`, or standard
    /// output if IN is `-`
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: Option<PathBuf>,

    /// Write the container even if it does not verify
    #[arg(long)]
    pub(crate) no_verify: bool,

    /// Write errors as one JSON object to standard output
    #[arg(long)]
    pub(crate) json: bool,
}

const ASM_HELP: &str = "\
The file is written under another name and renamed, so it is there whole or not at all. A container as
input is written again in its canonical form.

Examples:
  opforge asm examples/fib.ofa                 writes examples/fib.tape
  opforge asm examples/fib.ofa -o /tmp/f.tape
  opforge asm - -o - < examples/fib.ofa | opforge disasm -";

/// Print a program as text that assembles again, or its machine code
#[derive(Debug, Args)]
#[command(after_help = DISASM_HELP)]
pub(crate) struct DisasmArgs {
    /// The program; `-` is standard input
    #[arg(value_name = "IN")]
    pub(crate) input: PathBuf,

    /// Text for reading: names instead of indices where they are unique, comments (the default)
    #[arg(long, conflicts_with = "exact")]
    pub(crate) pretty: bool,

    /// Text that assembles to the same container, byte for byte
    #[arg(long)]
    pub(crate) exact: bool,

    /// Show byte offset and bytes of every instruction, as comments
    #[arg(long)]
    pub(crate) bytes: bool,

    /// Show the byte offset of every instruction, as comments
    #[arg(long)]
    pub(crate) pcs: bool,

    /// Print the machine code of the program instead: offset, bytes and text of each native instruction
    #[arg(long, conflicts_with_all = ["exact", "pretty", "bytes", "pcs"])]
    pub(crate) native: bool,

    /// What instructions cost in native code; as for `opforge run`
    #[arg(long, value_enum, default_value_t = Schedule::BySize, requires = "native")]
    pub(crate) fuel_schedule: Schedule,

    /// Where to write the text instead of standard output
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: Option<PathBuf>,
}

const DISASM_HELP: &str = "\
Programs that do not verify are printed too, with code that does not decode as bytes. Source spans stand in the
text as `.span` lines.

With --native the program must verify. Functions come first, then what Rust enters them through. Offsets count from
the start of the program's code; targets of jumps and calls are such offsets. A line `; pc ...` stands where code of
another instruction begins; much of the code there charges fuel, or hands values to the interpreter.

Examples:
  opforge disasm examples/fib.ofa --native
  opforge disasm examples/fib.tape --bytes
  opforge disasm --exact a.tape | opforge asm - -o b.tape      b.tape equals a.tape";

/// Check programs and print every error
#[derive(Debug, Args)]
#[command(after_help = VERIFY_HELP)]
pub(crate) struct VerifyArgs {
    /// The programs; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,

    /// Also check that the roles of every session fit together; can take seconds
    #[arg(long)]
    pub(crate) deep: bool,

    /// Write one JSON object to standard output
    #[arg(long)]
    pub(crate) json: bool,
}

const VERIFY_HELP: &str = "\
All files are checked; the exit code is 2 if one of them is bad.

With --deep the roles of each session shape are compared with its global type, if it has one, or else run against each
other: a message that cannot be taken, a deadlock or a message that nobody takes is an error (V1301), as are roles that
are too many or too long to find out (V1302).

JSON: {\"status\": \"ok\" | \"error\", \"files\": [{\"file\", \"ok\", \"functions\", \"instructions\", \"code_bytes\"} or {\"file\",
\"ok\", \"errors\": [{\"code\", \"message\", \"hint\", \"function\", \"function_name\", \"pc\", \"span\", \"instruction\", \"note\"}],
\"truncated\"}]}

Examples:
  opforge verify examples/*.ofa
  opforge verify --deep protocol.ofa
  opforge verify --json plugin.tape";

/// Look at the opcode tables
#[derive(Debug, Args)]
#[command(after_help = TABLES_HELP)]
pub(crate) struct TablesArgs {
    #[command(subcommand)]
    pub(crate) command: TablesCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TablesCommand {
    /// Check tables: every row against the others, then every opcode through encoder, decoder and assembler
    Check {
        /// A folder with vm.*.bin files; without it the embedded tables
        dir: Option<PathBuf>,
    },
    /// Print tables, one opcode a line
    Dump {
        /// A folder with vm.*.bin files; without it the embedded tables
        dir: Option<PathBuf>,
    },
    /// Print what differs in meaning; exit 1 if bytecode or text that worked may break
    Diff {
        /// A folder with vm.*.bin files, or `embedded`
        old: PathBuf,
        /// A folder with vm.*.bin files, or `embedded`
        new: PathBuf,
    },
}

const TABLES_HELP: &str = "\
Examples:
  opforge tables check
  opforge tables dump | grep f64
  opforge tables diff old/tables/blobs embedded";

/// Say more about an error code, a trap or an instruction
#[derive(Debug, Args)]
#[command(after_help = EXPLAIN_HELP)]
pub(crate) struct ExplainArgs {
    /// A code (`V0603`), a trap (`T006`, `DivByZero`), an instruction (`i64.add`), an opcode byte (`0x20`); without
    /// it, everything that can be asked for
    #[arg(value_name = "CODE|MNEMONIC")]
    pub(crate) topic: Option<String>,
}

const EXPLAIN_HELP: &str = "\
Letters of codes: A assembler, D reading containers, W writing them, V verifier, H linking host functions,
E starting a run, T traps, J native code, L lowering, N the host's side of sessions, R records of sessions, P protocol
types, I files and arguments of this command line.

Examples:
  opforge explain V0603
  opforge explain DivByZero
  opforge explain sessions
  opforge explain f64.to_i64";

/// Reads a number of bytes: digits with an optional unit.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let shift = match unit {
        "" | "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return Err("write a number of bytes, such as 4096, 64KiB, 16MiB or 1GiB".to_owned()),
    };
    let number: u64 = digits.parse().map_err(|_| "write a number of bytes that fits 64 bits".to_owned())?;
    number.checked_mul(1 << shift).ok_or_else(|| "write a number of bytes that fits 64 bits".to_owned())
}
