//! The examples in the opcode spec hold.

mod support;

use opforge_conformance::engine::EngineKind;
use opforge_conformance::examples::run_examples;
use opforge_conformance::report::Report;

#[test]
fn every_example_of_the_spec() {
    let mut report = Report::new();
    run_examples(EngineKind::ALL, &mut report).unwrap();
    support::assert_passed(&report);
    // Examples may be added; those that were run once must not be lost.
    assert!(report.counted("examples run") >= 165, "{report}");
}
