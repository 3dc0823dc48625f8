//! The numeric rows of the WebAssembly core test suite: all where they stand beside the workspace, else the sample.

mod support;

use opforge_conformance::engine::EngineKind;
use opforge_conformance::numeric::{
    Row, RowKind, Twins, Unmapped, count_of, not_run_as, run_rows, run_rows_with,
};
use opforge_conformance::report::Report;
use std::path::Path;
use support::{assert_passed, read, shared};

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../vm/tests/data/wasm_numeric_sample.csv");

fn run(rows: &[Row]) -> Report {
    let mut report = Report::new();
    run_rows(rows, EngineKind::ALL, &mut report).unwrap();
    report
}

fn sample() -> Vec<Row> {
    Row::from_csv(&read(Path::new(SAMPLE))).unwrap()
}

#[test]
fn committed_sample() {
    let report = run(&sample());
    assert_passed(&report);
    assert!(report.passed() > 100, "{report}");
}

#[test]
fn all_rows_where_present() {
    let Some(file) = shared("conformance/wasm_numeric.csv") else {
        return println!("the rows are not beside the workspace: only the committed sample was checked");
    };
    let rows = Row::from_csv(&read(&file)).unwrap();
    assert_eq!(rows.len(), 6210);
    let report = run(&rows);
    assert_passed(&report);
    assert_eq!(report.counted("rows run") + report.counted("rows not run"), 6210);
    // Opcodes may be added; rows that were run once must not be lost.
    assert!(report.counted("rows run") >= 2495, "{report}");
    for twin in Twins::from_tables().unwrap().same {
        assert!(report.counted(&count_of(&twin)) > 0, "no row for {twin}");
    }
    // Each operation of the list is in the rows, and printed with its reason.
    let text = report.to_string();
    for (op, reason) in Unmapped::committed().unwrap().iter() {
        let rows = rows.iter().filter(|row| row.op == op).count();
        assert!(rows > 0, "{op} is listed, and no row has it");
        assert!(text.contains(&format!("\n{}: {rows}\n", not_run_as(op, reason))), "{op}: {text}");
    }
}

/// An operation must be mapped or listed, and not both; rows that are not run are not among those that passed.
#[test]
fn the_list_of_unmapped_operations_is_exact() {
    let text = "op,a,b,kind,result\nf32.abs,0x80000000,,bits,0x00000000\ni64.eqz,0x0000000000000000,,bits,0x00000001\n";
    let rows = Row::from_csv(text).unwrap();
    let with = |list: &str| {
        let mut report = Report::new();
        let list = Unmapped::parse(list).unwrap();
        run_rows_with(&rows, &[EngineKind::Interp], &list, &mut report).unwrap();
        assert_eq!(report.counted("rows not run"), 2);
        report
    };
    let report = with("f32.abs: no floats\n# a comment\n\ni64.eqz: two: instructions\n");
    assert_eq!((report.passed(), report.failed()), (0, 0));
    assert_eq!(report.counted(&not_run_as("i64.eqz", "two: instructions")), 1);
    let report = with("f32.abs: no floats");
    assert_eq!((report.passed(), report.failed()), (0, 1));
    assert!(report.to_string().contains("FAIL line 3: i64.eqz(0x0) = 0x1"), "{report}");
    for mapped in ["i64.add", "i32.and", "f64.copysign"] {
        let report = with(&format!("f32.abs: no floats\ni64.eqz: two\n{mapped}: none"));
        assert_eq!((report.passed(), report.failed()), (0, 1));
        assert!(report.to_string().starts_with(&format!("FAIL {mapped}\n    it has a twin")), "{report}");
    }
    for (list, error) in
        [("i64.eqz", "line 1: not"), ("a: b\na: c", "line 2: a is"), ("\na:  ", "line 2: an operation")]
    {
        assert!(Unmapped::parse(list).unwrap_err().contains(error));
    }
}

/// Every row that is run is noticed when it is false.
#[test]
fn false_rows_are_noticed() {
    let twins = Twins::from_tables().unwrap();
    let mut rows = sample();
    rows.retain(|row| twins.same.iter().any(|twin| twin.wasm == row.op));
    for row in &mut rows {
        row.kind = match row.kind {
            RowKind::Bits(bits) if f64::from_bits(bits).is_nan() => RowKind::Bits(1),
            RowKind::Bits(bits) => RowKind::Bits(bits ^ 1),
            RowKind::Nan => RowKind::Bits(0),
            RowKind::Trap(_) => RowKind::Trap(&["CallDepthExceeded"]),
        };
    }
    let report = run(&rows);
    assert_eq!(report.passed(), 0, "{report}");
    assert!(report.failed() >= rows.len());
}

#[test]
fn rows_that_are_wrong_are_refused_with_their_line() {
    let head = "# note\nop,a,b,kind,result\n";
    for (row, error) in [
        ("", "no rows"),
        ("i64.add,0x1,,bits,0x1", "line 3: \"0x1\""),
        ("i64.add,0x0000000000000001,bits,0x0000000000000001", "line 3: 4 fields"),
        ("i64.add,0x0000000000000001,,bit,", "line 3: unknown kind"),
        ("i64.add,0x0000000000000001,,trap,overflow", "line 3: unknown trap"),
    ] {
        let found = Row::from_csv(&format!("{head}{row}")).unwrap_err();
        assert!(found.contains(error), "{found}");
    }
    assert!(Row::from_csv("i64.add,0x0000000000000001,,bits,0x0000000000000001").is_err());
}
