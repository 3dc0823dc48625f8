//! The conformance corpus: what decodes, what does not, and what comes back byte for byte.

mod container_support;

use container_support::{Case, Verdict, corpus, sample};
use opforge_vm::container::{DecodeConfig, TrailingBytes, decode, encode};

/// Cases in which a constant of the pool, not an instruction, has a truth value other than 0 and 1. The peer
/// takes it as true; here it does not decode, on purpose.
const REFUSED_ON_PURPOSE: [&str; 3] =
    ["hand/container/bool_constant_seven", "mutated/0378-pool", "mutated/0486-flip"];

fn verdict_differs(case: &Case) -> Option<String> {
    if REFUSED_ON_PURPOSE.contains(&case.name.as_str()) {
        let code = decode(&case.bytes, &DecodeConfig::new()).err().map(|error| error.code());
        return (!case.bool_byte || code != Some("D0302")).then(|| format!("{}: {code:?}", case.name));
    }
    let outcome = decode(&case.bytes, &DecodeConfig::new());
    match (case.verdict, &outcome) {
        (Verdict::Valid | Verdict::VerifyError, Err(error)) => {
            Some(format!("{}: must decode, but: {error}", case.name))
        }
        (Verdict::DecodeError, Ok(_)) => Some(format!("{}: must not decode", case.name)),
        _ => None,
    }
}

#[test]
fn verdicts_are_those_of_the_corpus() {
    let (cases, complete) = corpus();
    assert_eq!(cases.len(), if complete { 3480 } else { sample().len() });
    let differing: Vec<_> = cases.iter().filter_map(verdict_differs).collect();
    assert!(differing.is_empty(), "{} differ:\n{}", differing.len(), differing.join("\n"));
}

#[test]
fn canonical_containers_come_back_byte_for_byte() {
    let (cases, complete) = corpus();
    let canonical: Vec<_> = cases.iter().filter(|case| case.canonical).collect();
    assert!(canonical.len() >= if complete { 2000 } else { 5 }, "{} cases", canonical.len());
    let mut differing = Vec::new();
    for case in canonical {
        let program = decode(&case.bytes, &DecodeConfig::new()).unwrap();
        if encode(&program).unwrap() != case.bytes {
            differing.push(&case.name);
        }
    }
    assert!(differing.is_empty(), "{} differ: {differing:?}", differing.len());
}

#[test]
fn whatever_decodes_comes_back_as_an_equal_program_in_canonical_form() {
    let strict = DecodeConfig::new().trailing_bytes(TrailingBytes::Refuse);
    for case in corpus().0 {
        let Ok(program) = decode(&case.bytes, &DecodeConfig::new()) else { continue };
        let bytes = encode(&program).unwrap_or_else(|error| panic!("{}: {error}", case.name));
        let again = decode(&bytes, &strict).unwrap_or_else(|error| panic!("{}: {error}", case.name));
        assert!(again == program, "{}: another program", case.name);
        assert!(encode(&again).unwrap() == bytes, "{}: not canonical", case.name);
    }
}

#[test]
fn no_prefix_of_a_sample_decodes_unless_it_lacks_only_optional_sections() {
    for case in sample() {
        let Ok(whole) = decode(&case.bytes, &DecodeConfig::new()) else { continue };
        for end in 0..case.bytes.len() {
            match decode(&case.bytes[..end], &DecodeConfig::new()) {
                Ok(program) => assert!(
                    program.functions() == whole.functions() && program != whole,
                    "{}: {end} bytes decode",
                    case.name
                ),
                Err(error) => assert!(error.offset() <= end, "{}: {error}", case.name),
            }
        }
    }
}

#[test]
fn errors_of_the_sample_have_their_codes() {
    let cases = sample();
    let refused = cases.iter().filter(|case| case.code.is_some()).count();
    assert!(refused >= 15, "{refused} refused cases");
    for case in cases {
        let code = decode(&case.bytes, &DecodeConfig::new()).err().map(|error| error.code());
        assert_eq!(code, case.code.as_deref(), "{}", case.name);
    }
}
