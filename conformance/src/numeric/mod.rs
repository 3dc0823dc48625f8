//! Numeric conformance: rows of the WebAssembly core test suite on instructions that mean the same.
//!
//! Which instruction means the same as which WebAssembly instruction is a fact of the opcode spec. A row is run in
//! every [`Shape`] of program that fits, because an engine may have other code for constants and for conditions that
//! are branched on. Results are compared by bits. Twins that differ on purpose are listed, and run where they do not
//! differ. Operations without a twin are listed, each with the reason, and their rows are counted as not run: a mapping
//! that is lost, or one that is new, is a failure and not a smaller number.

mod program;
mod row;
mod twin;
mod unmapped;

pub use program::{Shape, build};
pub use row::{Row, RowKind};
pub use twin::{Twin, Twins};
pub use unmapped::Unmapped;

use crate::engine::{End, EngineKind, Loaded, Pace, RunLimits, RunRequest, Tracing};
use crate::report::Report;
use crate::value::{CANONICAL_NAN, CaseValue};
use opforge::verify::{VerifyConfig, verify};
use opforge::{FuelSchedule, Program};
use std::collections::BTreeMap;

/// Runs rows on engines and adds them to a report: one case for each row and twin.
///
/// # Errors
/// If the docs of the opcodes or the list of operations without a twin cannot be read.
pub fn run_rows(rows: &[Row], engines: &[EngineKind], report: &mut Report) -> Result<(), String> {
    run_rows_with(rows, engines, &Unmapped::committed()?, report)
}

/// As [`run_rows`], with another list of operations without a twin.
///
/// # Errors
/// If the docs of the opcodes cannot be read.
pub fn run_rows_with(
    rows: &[Row],
    engines: &[EngineKind],
    unmapped: &Unmapped,
    report: &mut Report,
) -> Result<(), String> {
    let twins = Twins::from_tables()?;
    for (op, _) in unmapped.iter().filter(|(op, _)| twins.map(op)) {
        let difference = "it has a twin, and stands in conformance/unmapped.txt".to_owned();
        report.case(op, vec![difference]);
    }
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
            not_run(row, &twins, unmapped, report);
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

/// Counts a row that no twin runs, with the reason; having none is a difference.
fn not_run(row: &Row, twins: &Twins, unmapped: &Unmapped, report: &mut Report) {
    report.count("rows not run", 1);
    let why = match unmapped.reason(&row.op) {
        Some(why) => why,
        None if twins.map(&row.op) => "its twin differs on purpose for these operands",
        None => {
            let difference = "it has no twin, and no reason in conformance/unmapped.txt".to_owned();
            return report.case(&format!("line {}: {}", row.line, row.describe()), vec![difference]);
        }
    };
    report.count(&not_run_as(&row.op, why), 1);
}

/// What the rows of an operation that were not run are counted under.
#[must_use]
pub fn not_run_as(op: &str, why: &str) -> String {
    format!("not run: {op}: {why}, rows")
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
