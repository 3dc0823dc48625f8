//! How a run ended, for people and for machines.

use super::Machine;
use super::printer::Printer;
use crate::exit::Exit;
use crate::output::{self, Out};
use crate::run::report;
use crate::session::args::RunArgs;
use crate::text;
use opforge::CoroId;
use opforge::session::{BlockReason, Blocked, CoroTrap, RunStatus, StuckReport};
use opforge::verify::VerifiedProgram;
use serde_json::{Value as Json, json};

/// Traps that are reported; more are counted.
const MAX_TRAPS: usize = 20;

/// Coroutines that wait, and circles of them, that JSON lists.
const MAX_BLOCKED: usize = 1_000;

/// How a run ended, while it is being found out.
pub(super) struct Ended<'v> {
    verified: &'v VerifiedProgram,
    args: &'v RunArgs,
    traps: Vec<Json>,
    trapped: u64,
    /// What is still to be told.
    stdout: String,
    stderr: String,
    exit: Exit,
}

impl<'v> Ended<'v> {
    pub(super) fn new(verified: &'v VerifiedProgram, args: &'v RunArgs) -> Self {
        let (stdout, stderr) = (String::new(), String::new());
        Self { verified, args, traps: Vec::new(), trapped: 0, stdout, stderr, exit: Exit::Trapped }
    }

    pub(super) const fn has_trapped(&self) -> bool {
        self.trapped > 0
    }

    /// A coroutine has trapped: reports it behind the events before it.
    pub(super) fn trapped(&mut self, printer: &Printer<'_>, trap: &CoroTrap, out: &mut Out) {
        self.trapped += 1;
        if self.trapped > MAX_TRAPS as u64 {
            return;
        }
        let func = printer.names().coro_func(trap.coro);
        if self.args.json {
            let mut object = report::json(&trap.trap);
            object["coro"] = coro(trap.coro);
            object["func"] = func.into();
            self.traps.push(object);
            return;
        }
        out.flush();
        let func = func.map_or(String::new(), |func| format!(" ({})", text::clean(func)));
        let report = report::text(self.verified, &trap.trap);
        output::to_stderr(&format!("{}{func} trapped:\n{report}", trap.coro));
    }

    /// Nothing more happens.
    pub(super) fn end(&mut self, machine: &Machine, printer: &Printer<'_>, status: RunStatus) {
        let (name, said, why) = match status {
            RunStatus::AllDone if self.trapped == 0 => ("all_done", "all done", String::new()),
            RunStatus::AllDone | RunStatus::Trapped(_) => ("trapped", "trapped", String::new()),
            RunStatus::Stuck(report) => return self.stuck(machine, printer, &report),
            RunStatus::OutOfFuel => {
                ("out_of_fuel", "out of fuel", format!("--fuel {} is used up", self.args.fuel))
            }
            _ => ("max_ticks", "out of ticks", format!("--ticks {} are over", self.args.ticks)),
        };
        if !why.is_empty() {
            self.stderr = format!("{said}: {why}; the coroutines are not done\n");
        }
        if name == "all_done" {
            self.exit = Exit::Done;
        }
        self.summary(machine, printer, (name, said), &Json::Null);
    }

    fn stuck(&mut self, machine: &Machine, printer: &Printer<'_>, report: &StuckReport) {
        self.stderr = format!("{}\n", text::clean_lines(&report.to_string()));
        let blocked: Vec<Json> =
            report.blocked.iter().take(MAX_BLOCKED).map(|blocked| waits(blocked, printer)).collect();
        let cycles: Vec<Json> = report
            .cycles
            .iter()
            .take(MAX_BLOCKED)
            .map(|cycle| cycle.iter().take(MAX_BLOCKED).map(|&id| coro(id)).collect())
            .collect();
        let stuck = json!({"message": report.to_string(), "blocked": blocked, "cycles": cycles});
        self.summary(machine, printer, ("stuck", "stuck"), &stuck);
    }

    /// The last line.
    fn summary(&mut self, machine: &Machine, printer: &Printer<'_>, names: (&str, &str), stuck: &Json) {
        let (events, lost) = printer.counts();
        let (ticks, left) = (machine.ticks(), machine.fuel());
        let used = self.args.fuel.saturating_sub(left);
        if self.args.json {
            let object = json!({
                "status": names.0, "ticks": ticks, "events": events, "events_dropped": lost,
                "fuel_used": used, "fuel_left": left, "traps": self.traps, "trapped": self.trapped, "stuck": stuck,
            });
            self.stdout = format!("{}\n", text::json(&object));
            return;
        }
        self.stdout = format!("{}: ticks {ticks}, events {events}, fuel {used}", names.1);
        if self.trapped > 0 {
            self.stdout += &format!(", coroutines trapped {}", self.trapped);
        }
        if lost > 0 {
            self.stdout += &format!(", events that were not kept {lost}");
        }
        self.stdout.push('\n');
        if self.trapped > MAX_TRAPS as u64 {
            let more = self.trapped - MAX_TRAPS as u64;
            self.stderr += &format!("{more} more traps are not shown\n");
        }
    }

    /// Writes the last line and the report.
    pub(super) fn tell(self, out: &mut Out) -> Exit {
        out.bytes(self.stdout.as_bytes());
        if !self.args.json {
            out.flush();
            output::to_stderr(&self.stderr);
        }
        self.exit
    }
}

fn coro(id: CoroId) -> Json {
    id.index.into()
}

fn waits(blocked: &Blocked, printer: &Printer<'_>) -> Json {
    let waits = match &blocked.why {
        BlockReason::Send { .. } => "send",
        BlockReason::Recv { .. } => "receive",
        BlockReason::Acquire { .. } => "acquire",
        BlockReason::Effect { .. } => "effect",
        BlockReason::Ownership { .. } => "ownership",
        BlockReason::Join { .. } => "join",
        BlockReason::Paused => "paused",
        _ => "other",
    };
    json!({
        "coro": coro(blocked.coro),
        "func": printer.names().func(blocked.func),
        "pc": blocked.pc,
        "span": blocked.span.map(|span| span.get()),
        "waits": waits,
    })
}
