//! Each instruction of the session family: what it does where it can be done, and that a fault leaves everything as it
//! was.

#[path = "../session_support/mod.rs"]
mod session_support;

mod communication;
mod control;
mod effects;
mod knowledge;
mod sessions;
mod speculation;

use opforge_tables::SESSION_FAMILY;

/// A test by its name.
type Test = (&'static str, fn());

macro_rules! tests {
    ($($module:ident::$name:ident),* $(,)?) => {
        &[$((stringify!($name), $module::$name as fn()),)*]
    };
}

/// By name of the family: tests of what it does, and tests of how it fails.
const COVERED: &[(&str, &[Test], &[Test])] = &[
];

/// Whoever adds a name to the family is told here to test it.
#[test]
fn every_name_of_the_family_is_tested_both_ways() {
    let covered: Vec<&str> = COVERED.iter().map(|(name, ..)| *name).collect();
    let family: Vec<&str> = SESSION_FAMILY.iter().map(|(name, _)| *name).collect();
    assert_eq!(covered, family, "one line a name, in the order of the family");
    for (name, positive, faults) in COVERED {
        assert!(!positive.is_empty(), "{name} has no test of what it does");
        assert!(!faults.is_empty(), "{name} has no test of a fault");
    }
    let mut names: Vec<&str> =
        COVERED.iter().flat_map(|(_, a, b)| a.iter().chain(*b)).map(|(name, _)| *name).collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert!(names.len() >= 2 * SESSION_FAMILY.len(), "{all} entries, of {} tests", names.len());
}
