//! Arguments of `opforge session`, and the texts of its `--help`.

use crate::args::size;
use clap::{Args, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

/// Run sessions of a program; look at protocols and session types
#[derive(Debug, Args)]
#[command(after_help = SESSION_HELP)]
pub(crate) struct SessionArgs {
    #[command(subcommand)]
    pub(crate) command: SessionCommand,
}

impl SessionArgs {
    /// Whether machines read the output.
    pub(crate) fn json(&self) -> bool {
        match &self.command {
            SessionCommand::Run(args) => args.json,
            SessionCommand::Check(args) => args.json,
            SessionCommand::Project(_) | SessionCommand::Graph(_) | SessionCommand::Compile(_) => false,
        }
    }

    /// What is wrong with options that fit one by one.
    pub(crate) fn wrong(&self) -> Option<&'static str> {
        match &self.command {
            SessionCommand::Run(args) => args.wrong(),
            SessionCommand::Project(_)
            | SessionCommand::Check(_)
            | SessionCommand::Graph(_)
            | SessionCommand::Compile(_) => None,
        }
    }
}

const SESSION_HELP: &str = "\
`opforge explain sessions` says what sessions are; docs/SESSIONS.md says all of it.

Examples:
  opforge session run examples/sessions/ping_pong.ofa -- Pinger.rounds=3
  opforge session check examples/sessions/two_buyer.ofa
  opforge session project 'A -> B{get. B -> A{val(str). end}}'";

#[derive(Debug, Subcommand)]
pub(crate) enum SessionCommand {
    Run(Box<RunArgs>),
    Project(ProjectArgs),
    Check(CheckArgs),
    Graph(GraphArgs),
    Compile(CompileArgs),
}

/// Open a session and run a function for each of its roles
#[derive(Debug, Args)]
#[command(after_help = RUN_HELP)]
pub(crate) struct RunArgs {
    /// The program; `-` is standard input
    pub(crate) file: PathBuf,

    /// The shape of the session. Without it: the only shape of the program
    #[arg(long, value_name = "NAME|INDEX")]
    pub(crate) shape: Option<String>,

    /// The function of a role, by name or index. Without it: the only function whose first parameter is the role's
    /// endpoint as it is when the session begins
    #[arg(long, value_name = "ROLE=FUNC")]
    pub(crate) entry: Vec<String>,

    /// Who runs next: cooperative runs until somebody waits; round-robin, priority, progress and random run a quantum
    /// each; reference is round robin with one instruction each
    #[arg(long, value_enum, default_value_t = PolicyName::RoundRobin)]
    pub(crate) policy: PolicyName,

    /// Fuel of a slice, 10000 by default
    #[arg(long, value_name = "N")]
    pub(crate) quantum: Option<u64>,

    /// Where random numbers begin, 0 by default; with --policy random
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,

    /// The priority of a role, 0 by default, the greatest first; with --policy priority. May be given several times
    #[arg(long, value_name = "ROLE=N", allow_hyphen_values = true)]
    pub(crate) priority: Vec<String>,

    /// Also print what only says how the run was scheduled: coroutines that begin and wake
    #[arg(long)]
    pub(crate) trace: bool,

    /// Write JSON lines: an object for each event, and one that says how the run ended
    #[arg(long)]
    pub(crate) json: bool,

    /// Most slices
    #[arg(long, value_name = "N", default_value_t = 10_000_000)]
    pub(crate) ticks: u64,

    /// Fuel of the whole run
    #[arg(long, value_name = "N", default_value_t = 1_000_000_000)]
    pub(crate) fuel: u64,

    /// Most memory of the whole run: values, frames, messages
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = size)]
    pub(crate) memory: u64,

    /// What becomes of effects that the program asks for
    #[arg(long, value_enum, default_value_t = Effects::Print)]
    pub(crate) effects: Effects,

    /// Grant a capability, such as `log`; may be given several times
    #[arg(long, value_name = "CAP")]
    pub(crate) grant: Vec<String>,

    /// Write what effects and guards gave to a file, to do the same run again
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,

    /// Do the run of a file again. Its program and options must be those of the record
    #[arg(long, value_name = "FILE", conflicts_with_all = ["record", "entry"])]
    pub(crate) replay: Option<PathBuf>,

    /// Draw the run as a sequence diagram: `.svg` is a picture, `.mmd` Mermaid text
    #[arg(long, value_name = "FILE.svg|FILE.mmd")]
    pub(crate) diagram: Option<PathBuf>,

    /// Arguments of the functions, behind `--`, as ROLE.PARAM=VALUE
    #[arg(last = true, value_name = "ROLE.PARAM=VALUE")]
    pub(crate) args: Vec<OsString>,
}

impl RunArgs {
    fn wrong(&self) -> Option<&'static str> {
        use PolicyName::{Cooperative, Priority, Random, Reference};
        if self.quantum.is_some() && matches!(self.policy, Cooperative | Reference) {
            return Some("--quantum is for policies that have one: cooperative has none, reference has 1");
        }
        if self.seed.is_some() && self.policy != Random {
            return Some("--seed is for --policy random");
        }
        if !self.priority.is_empty() && self.policy != Priority {
            return Some("--priority is for --policy priority");
        }
        if self.replay.is_some() && !self.args.is_empty() {
            return Some("--replay takes the arguments from the record: give none behind --");
        }
        if let Some(path) = &self.diagram
            && Picture::of(path).is_none()
        {
            return Some("--diagram writes .svg and .mmd files: give a name that ends so");
        }
        None
    }
}

/// A format of diagrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Picture {
    Svg,
    Mermaid,
}

impl Picture {
    /// The format that a file's name asks for.
    pub(crate) fn of(path: &std::path::Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "svg" => Some(Self::Svg),
            "mmd" | "mermaid" => Some(Self::Mermaid),
            _ => None,
        }
    }
}

/// A policy of the scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PolicyName {
    Cooperative,
    RoundRobin,
    Priority,
    Progress,
    Random,
    Reference,
}

/// What becomes of effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Effects {
    /// They are printed and give a default
    Print,
    /// They fail, and who asks for one traps
    Deny,
}

const RUN_HELP: &str = "\
The session's endpoints go to the functions of its roles, in the order of the roles: coroutine 0 runs the first role.
A role's function takes the endpoint as its first parameter, `chan(SHAPE, ROLE)`. Its other parameters come from
behind `--`, by role and name: `Pinger.rounds=10`, or by place, counted from 1: `Pinger.2=10`. Values are written as
for `opforge run`.

Every event is a line, as in `7: #0 Client -> Server get`: the slice in which it happened, the session, who, what.
At the end stands a line that says how the run ended. Traps, and who waits for what in a run that is stuck, go to
standard error. A trap ends one coroutine; the others go on, and trap where they need it.

Effects (`.effect`) are not done, with two exceptions: `print` writes its arguments to standard output, and `log` to
standard error. Of any other, name and arguments are printed. An effect that has a result gives 0, false, an empty text
or empty bytes; one with a result of another type fails. An effect with `capability \"CAP\"` needs `--grant CAP`. What
effects print stands before the events of the slice (with --policy reference that is one instruction); with --json it
goes to standard error. Host functions are those of `opforge run`, and --effects deny does not concern them.

--record writes the answers of effects and guards, and what was opened and begun. --replay does that again: effects
are answered from the file and nothing is printed for them. It needs the same program, policy, fuel and memory.

JSON lines: events as docs/SESSIONS.md says; then {\"status\": \"all_done\" | \"stuck\" | \"trapped\" | \"out_of_fuel\" |
\"max_ticks\", \"ticks\", \"events\", \"events_dropped\", \"fuel_used\", \"fuel_left\", \"traps\": [{\"coro\", \"func\", \"code\",
\"name\", \"message\", \"frames\"}], \"stuck\": null | {\"message\", \"blocked\": [{\"coro\", \"func\", \"pc\", \"span\", \"waits\"}],
\"cycles\": [[coro]]}}, or {\"status\": \"error\", ...} as for `opforge run`.

Exit codes: 0 all coroutines are done, 1 one trapped, or the run is stuck, out of fuel or out of ticks, 2 bad input,
3 the command line is wrong.

Examples:
  opforge session run examples/sessions/ping_pong.ofa -- Pinger.rounds=3
  opforge session run examples/sessions/calculator.ofa --policy reference --trace
  opforge session run examples/sessions/two_buyer.ofa --diagram two_buyer.svg -- Buyer1.title=Emma
  opforge session run examples/sessions/guarded.ofa --record /tmp/run.tape --json
  opforge session run examples/sessions/guarded.ofa --replay /tmp/run.tape --json";

/// Print what each role of a global type does
#[derive(Debug, Args)]
#[command(after_help = PROJECT_HELP)]
pub(crate) struct ProjectArgs {
    /// The global type, or a file with it; `-` is standard input
    #[arg(value_name = "TYPE|FILE")]
    pub(crate) input: OsString,

    /// Only this role, without its name
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: Option<String>,

    /// How much the branches of a choice may differ for a role that does not see it: plain, not at all; full, the role
    /// may hear of it later, by label
    #[arg(long, value_enum, default_value_t = Merge::Full)]
    pub(crate) merge: Merge,
}

/// How branches are merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Merge {
    Plain,
    Full,
}

const PROJECT_HELP: &str = "\
Global types: `A -> B{get(u64). G, quit. G}` is a message from A to B, `mu x. G` a loop back to x, `end` the end.
Local types: `!B{..}` sends to B, `?A{..}` receives from A. A line is `ROLE: TYPE`, as in `.local ROLE = TYPE`.
Blanks, line breaks and comments (`;`) may stand anywhere between.

Examples:
  opforge session project 'mu x. A -> B{get(u64). B -> A{val(str). x}, quit. end}'
  opforge session project protocol.txt --role A
  opforge session project - --merge plain < protocol.txt";

/// Check that the roles of each shape fit together
#[derive(Debug, Args)]
#[command(after_help = CHECK_HELP)]
pub(crate) struct CheckArgs {
    /// The program; `-` is standard input
    pub(crate) file: PathBuf,

    /// Only this shape
    #[arg(long, value_name = "NAME|INDEX")]
    pub(crate) shape: Option<String>,

    /// Messages that an edge holds while roles are run against each other
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) queue: u32,

    /// Most states of a session that are looked at
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    pub(crate) states: u32,

    /// Write one JSON object to standard output
    #[arg(long)]
    pub(crate) json: bool,
}

const CHECK_HELP: &str = "\
The program is verified; then, for each shape, that nobody waits for ever and nobody gets a message it cannot take. A
shape with a global type is so if its roles are the projections of that. The roles of any other are run against each
other, with short queues, until all states have been seen; a mistake is told with what happens before it. The exit code
is 2 if something is wrong, and also if that is not known, because there are too many states.

JSON: {\"status\": \"ok\" | \"error\", \"file\", \"shapes\": [{\"shape\", \"roles\", \"coherent\": true | false | null, \"by\":
\"projection\" | \"exploration\" | null, \"states\", \"kind\", \"message\", \"trace\": [{\"from\", \"to\", \"label\", \"action\"}],
\"lossy\": [{\"from\", \"to\", \"policy\"}]}]}

Examples:
  opforge session check examples/sessions/ring.ofa
  opforge session check --json examples/sessions/two_buyer.ofa";

/// Draw the states of each role of a shape
#[derive(Debug, Args)]
#[command(after_help = GRAPH_HELP)]
pub(crate) struct GraphArgs {
    /// The program; `-` is standard input
    pub(crate) file: PathBuf,

    /// Only this shape. Without it: all shapes
    #[arg(long, value_name = "NAME|INDEX")]
    pub(crate) shape: Option<String>,

    /// Write a graph for Graphviz (the default)
    #[arg(long)]
    pub(crate) dot: bool,

    /// Write a state diagram for Mermaid
    #[arg(long, conflicts_with = "dot")]
    pub(crate) mermaid: bool,
}

const GRAPH_HELP: &str = "\
`!Seller title(str)` on an arrow sends title to Seller; `?` receives. The program is verified first; whether roles fit
together is a matter of `opforge session check`.

Examples:
  opforge session graph examples/sessions/two_buyer.ofa | dot -Tsvg > roles.svg
  opforge session graph examples/sessions/two_buyer.ofa --mermaid";

/// Print the abstract code of a local type
#[derive(Debug, Args)]
#[command(after_help = COMPILE_HELP)]
pub(crate) struct CompileArgs {
    /// The local type, or a file with it; `-` is standard input
    #[arg(value_name = "TYPE|FILE")]
    pub(crate) input: OsString,
}

const COMPILE_HELP: &str = "\
The code does what the type says and nothing else; where it may send one of several labels it sends the first.
Register r0 is the endpoint, r1 the value. `invoke` lets the host do its part of the step.

Examples:
  opforge session compile 'mu x. !Server{get(u64). ?Server{val(str). x}, quit. end}'
  opforge session compile client.txt";
