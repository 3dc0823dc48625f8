//! Events as they come, as lines or JSON lines.

use super::Machine;
use crate::output::Out;
use crate::session::args::{Picture, RunArgs};
use crate::text::clean;
use opforge::Program;
use opforge::session::{Diagram, Names, Observe, Stamped};
use std::path::Path;

/// Events that are kept for a diagram, which shows the first of them.
const MAX_KEPT: usize = 20_000;

/// Tells events.
pub(super) struct Printer<'p> {
    names: Names<'p>,
    trace: bool,
    json: bool,
    /// Events of the machine that were gone over.
    seen: u64,
    /// Events that were told.
    told: u64,
    /// Events that were gone before they could be told.
    lost: u64,
    /// The first events, for a diagram.
    kept: Option<Vec<Stamped>>,
}

impl<'p> Printer<'p> {
    pub(super) fn new(program: &'p Program, args: &RunArgs) -> Self {
        Self {
            names: Names::new(program),
            trace: args.trace,
            json: args.json,
            seen: 0,
            told: 0,
            lost: 0,
            kept: args.diagram.is_some().then(Vec::new),
        }
    }

    /// The names of the program and of what its events were about.
    pub(super) fn names(&self) -> &Names<'p> {
        &self.names
    }

    /// Events that were told, and those that could not be.
    pub(super) const fn counts(&self) -> (u64, u64) {
        (self.told, self.lost)
    }

    /// Tells what has happened since.
    pub(super) fn print(&mut self, machine: &Machine, out: &mut Out) {
        let (gone, events) = (machine.events_dropped(), machine.events());
        let new = usize::try_from(self.seen.saturating_sub(gone)).unwrap_or(usize::MAX);
        let new = events.get(new..).unwrap_or(&[]);
        self.lost += gone.saturating_sub(self.seen);
        self.seen = gone + events.len() as u64;
        self.names.learn(new);
        for stamped in new {
            // Which coroutine runs what is known from events that are shown only if asked for.
            if !self.trace && stamped.event.kind().level() == Observe::Trace {
                continue;
            }
            self.told += 1;
            match self.json {
                true => out.line(&stamped.json(&self.names).to_string()),
                false => out.line(&clean(&stamped.display(&self.names).to_string())),
            }
            if let Some(kept) = self.kept.as_mut().filter(|kept| kept.len() < MAX_KEPT) {
                kept.push(stamped.clone());
            }
        }
    }

    /// The run as a diagram, in the format that the file's name asks for.
    pub(super) fn picture(&self, path: &Path) -> String {
        let trace = self.kept.as_deref().unwrap_or(&[]);
        match Picture::of(path) {
            Some(Picture::Svg) => Diagram::new().svg(trace, &self.names),
            Some(Picture::Mermaid) | None => Diagram::new().mermaid(trace, &self.names),
        }
    }
}
