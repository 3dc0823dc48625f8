//! What `spec/session.json` says of the events of a run is what the machine reports.

use opforge_tables::SESSION_EVENTS;
use opforge_vm::session::EventKind;
use std::collections::BTreeSet;

#[test]
fn the_events_of_the_spec_are_those_of_the_machine() {
    let spec: BTreeSet<&str> = SESSION_EVENTS.iter().map(|(name, _)| *name).collect();
    let machine: BTreeSet<&str> = EventKind::ALL.iter().map(|kind| kind.name()).collect();
    assert_eq!(spec, machine);
}

/// The fields are those of the JSON form, whose table stands in the documentation of its module.
#[test]
fn the_fields_of_events_are_those_of_their_json() {
    let source = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/session/json.rs"));
    let source = source.expect("the module");
    for (name, fields) in SESSION_EVENTS {
        let row =
            source.lines().find(|line| line.starts_with("//! |") && line.contains(&format!("`{name}`")));
        let cells: Vec<&str> = row.unwrap_or_else(|| panic!("{name} has no row")).split('|').collect();
        let told: Vec<&str> =
            cells[2].split('`').skip(1).step_by(2).filter(|word| !word.contains('"')).collect();
        assert_eq!(told, *fields, "{name}");
    }
}
