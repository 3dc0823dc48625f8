//! Numeric conformance: rows of the WebAssembly core test suite on instructions that mean the same.
//!
//! Which instruction means the same as which WebAssembly instruction is a fact of the opcode spec. A row is run in
//! every [`Shape`] of program that fits, because an engine may have other code for constants and for conditions that
//! are branched on. Results are compared by bits. Twins that differ on purpose are listed, and run where they do not
//! differ; rows without a twin are counted by operation, with the reason, so that a mapping that is lost shows.

mod program;
mod row;
mod twin;

pub use program::{Shape, build};
pub use row::{Row, RowKind};
pub use twin::{Twin, Twins, why_unmapped};

use crate::engine::{End, EngineKind, Loaded, Pace, RunLimits, RunRequest, Tracing};
use crate::report::Report;
use crate::value::{CANONICAL_NAN, CaseValue};
use opforge::verify::{VerifyConfig, verify};
use opforge::{FuelSchedule, Program};
use std::collections::BTreeMap;

/// Runs rows on engines and adds them to a report: one case for each row and twin.
///
/// # Errors
/// If the docs of the opcodes cannot be read.
pub fn run_rows(rows: &[Row], engines: &[EngineKind], report: &mut Report) -> Result<(), String> {
    let twins = Twins::from_tables()?;
    for (twin, why) in &twins.deviating {
        report.note(format!("run where it does not differ on purpose: {twin}: {why}"));
    }
    for twin in twins.same.iter().chain(twins.deviating.iter().map(|(twin, _)| twin)) {
        report.count(&count_of(twin), 0);
    }
    let mut programs = Programs { engines, loaded: BTreeMap::new() };
    for row in rows {
        let deviating = twins.deviating.iter().map(|(twin, _)| twin).filter(|twin| twin.same_for(row));
        let mut found = twins.same.iter().chain(deviating).filter(|twin| twin.wasm == row.op).peekable();
        if found.peek().is_none() {
            let deviates = twins.deviating.iter().any(|(twin, _)| twin.wasm == row.op);
            let why = if deviates { "its twin differs on purpose" } else { why_unmapped(&row.op) };
            report.count(&format!("not run, as {why}: {}, rows", row.op), 1);
            report.count("rows not run", 1);
            continue;
        }
        report.count("rows run", 1);
        for twin in found {
            let name = format!("line {}: {} by {twin}", row.line, row.describe());
            report.count(&count_of(twin), 1);
            report.case(&name, check_row(row, twin, &mut programs));
        }
    }
    Ok(())
}

/// What the rows that a twin ran are counted under.
#[must_use]
pub fn count_of(twin: &Twin) -> String {
    format!("run by {twin}, rows")
}

/// Programs that serve many rows, by opcode and shape; one for each engine.
struct Programs<'e> {
    engines: &'e [EngineKind],
    loaded: BTreeMap<(u16, Shape), Vec<Box<dyn Loaded>>>,
}

impl Programs<'_> {
    fn load(&self, program: Program) -> Result<Vec<Box<dyn Loaded>>, String> {
        let verified = verify(program, &VerifyConfig::new()).map_err(|report| report.to_string())?;
        self.engines.iter().map(|engine| engine.load(&verified, FuelSchedule::V1)).collect()
    }

    /// Runs a row in one shape on every engine.
    fn run(&mut self, row: &Row, twin: &Twin, shape: Shape) -> Result<Vec<End>, String> {
        let operands = twin.operands(row)?;
        let args: Vec<CaseValue> = shape.args(&operands).to_vec();
        let request = RunRequest {
            entry: 0,
            args: &args,
            limits: RunLimits::default(),
            pace: Pace::Whole,
            tracing: Tracing::Off,
        };
        let run = |engines: &mut Vec<Box<dyn Loaded>>| {
            engines.iter_mut().map(|engine| engine.run(&request).end).collect()
        };
        if shape.has_constants() {
            return Ok(run(&mut self.load(build(twin, shape, &operands)?)?));
        }
        let key = (twin.didx, shape);
        if !self.loaded.contains_key(&key) {
            let loaded = self.load(build(twin, shape, &operands)?)?;
            self.loaded.insert(key, loaded);
        }
        self.loaded.get_mut(&key).map(run).ok_or_else(|| "the program is gone".to_owned())
    }
}

fn check_row(row: &Row, twin: &Twin, programs: &mut Programs<'_>) -> Vec<String> {
    let mut differences = Vec::new();
    for shape in Shape::ALL.into_iter().filter(|shape| shape.fits(twin)) {
        let ends = match programs.run(row, twin, shape) {
            Ok(ends) => ends,
            Err(error) => {
                differences.push(format!("{shape:?}: {error}"));
                continue;
            }
        };
        for (engine, end) in programs.engines.iter().zip(&ends) {
            if !agrees(row, twin, end) {
                differences.push(format!("{engine}, {shape:?}: {end}"));
            }
        }
    }
    differences
}

/// Whether the end of a run is what a row allows. A NaN that leaves the VM is the canonical one, which every kind of
/// NaN in the rows allows.
fn agrees(row: &Row, twin: &Twin, end: &End) -> bool {
    match (row.kind, end) {
        (RowKind::Bits(bits), End::Finished(values)) => {
            let is_nan = twin.result == "f64" && f64::from_bits(bits).is_nan();
            let expected = if is_nan { CANONICAL_NAN } else { bits };
            twin.value(&twin.result, expected).is_ok_and(|value| *values == [value])
        }
        (RowKind::Nan, End::Finished(values)) => *values == [CaseValue::F64(CANONICAL_NAN)],
        (RowKind::Trap(kinds), End::Trap(trap)) => kinds.contains(&trap.kind.as_str()),
        _ => false,
    }
}
