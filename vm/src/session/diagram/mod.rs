//! Traces as sequence diagrams: Mermaid text, for Markdown, and SVG, which needs nothing else.
//!
//! Each role of each session is a participant with a line of its own, and so is each coroutine that does something beside
//! talking. A message goes from the line of its sender to that of its receiver; in SVG it begins where it was sent and
//! ends where it was received. Messages are paired first in, first out, a message with one of the same label; where an
//! edge may lose messages, the trace does not say which, and the pairing is a guess. Length and width are bounded by
//! [`Diagram::max_rows`].

mod mermaid;
mod scene;
mod svg;

use super::event::Stamped;
use super::names::Names;
use alloc::string::String;
use scene::Scene;

/// What a diagram shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Detail {
    /// Messages, what becomes of sessions, and coroutines that fail.
    Messages,
    /// Also what coroutines do beside talking.
    #[default]
    All,
}

/// How to draw a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagram {
    /// What to show. Default: all.
    pub detail: Detail,
    /// Rows, from the first event on; how much is left out is said below. Default: 200.
    pub max_rows: usize,
}

impl Default for Diagram {
    fn default() -> Self {
        Self { detail: Detail::default(), max_rows: 200 }
    }
}

impl Diagram {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what to show.
    #[must_use]
    pub const fn detail(mut self, detail: Detail) -> Self {
        self.detail = detail;
        self
    }

    /// Sets the number of rows.
    #[must_use]
    pub const fn max_rows(mut self, max_rows: usize) -> Self {
        self.max_rows = max_rows;
        self
    }

    /// The trace as a Mermaid `sequenceDiagram`. A message stands where it was sent.
    #[must_use]
    pub fn mermaid(&self, trace: &[Stamped], names: &Names<'_>) -> String {
        mermaid::write(&Scene::new(self, trace, names))
    }

    /// The trace as a picture: an SVG document with colours for light and for dark.
    #[must_use]
    pub fn svg(&self, trace: &[Stamped], names: &Names<'_>) -> String {
        svg::write(&Scene::new(self, trace, names))
    }
}
