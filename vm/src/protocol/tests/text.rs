//! Text to types and back.

use super::random::{Scope, random_global, random_local, rng};
use super::*;
use crate::ValueType;
use std::format;

#[test]
fn canonical_text_is_kept() {
    for text in [
        "end",
        "x",
        "mu x. !Server{get(u64). ?Server{val(str). x}, quit. end}",
        "!B{}",
        "?\"a b\"{\"x.y\"(tuple(u64, tuple(), obj(18446744073709551615))). \"mu\", \"end\". \"end\"}",
        "!B{c(chan(Shop, \"the rest\")). end, d(decimal). end, e(closure). end, f(coro). end, g(epid). end}",
        "mu x. mu y. ?A{l. x, m. y}",
    ] {
        assert_eq!(local(text).to_string(), text);
    }
    for text in [
        "end",
        "mu x. A -> B{l(i64). \"A B\" -> \"\\n\"{m. x}, n. end}",
        "A -> B{}",
        "\"mu\" -> \"end\"{a. x}",
    ] {
        assert_eq!(global(text).to_string(), text);
    }
}

#[test]
fn blanks_comments_and_long_forms_are_read() {
    let text = "mu x . ! Server { ; comment\n get ( u64 ) . // another\r\n\t?Server{val(str).x,},\nquit().end, no(unit).end }";
    let expected = "mu x. !Server{get(u64). ?Server{val(str). x}, quit. end, no. end}";
    assert_eq!(local(text).to_string(), expected);
    assert_eq!(global("A->B{l.end,}").to_string(), "A -> B{l. end}");
}

#[test]
fn builders_and_text_agree() {
    let built = LocalType::mu(
        "x",
        LocalType::recv(
            "A",
            [
                Branch::new(
                    "deep",
                    ValueType::Bool,
                    LocalType::send("A", [Branch::new("l", ValueType::I64, LocalType::var("x"))]),
                ),
                Branch::new("none", Payload::UNIT, LocalType::end()),
                Branch::new(
                    "two",
                    Payload::UNIT,
                    LocalType::send("C", [Branch::new("m", Payload::chan("S", "T"), LocalType::end())]),
                ),
            ],
        ),
    );
    let text = "mu x. ?A{deep(bool). !A{l(i64). x}, none. end, two. !C{m(chan(S, T)). end}}";
    assert_eq!(built.to_string(), text);
    assert_eq!(built, local(text));
    let built = GlobalType::mu(
        "x",
        GlobalType::message("A", "B", [Branch::new("l", Payload::UNIT, GlobalType::var("x"))]),
    );
    assert_eq!(built, global("mu x. A -> B{l. x}"));
}

#[test]
fn a_prefix_ends_where_its_type_ends() {
    let text = "!B{l. end} .shape";
    assert_eq!(LocalType::parse_prefix(text), Ok((local("!B{l. end}"), 10)));
    assert_eq!(LocalType::parse_prefix("x}"), Ok((LocalType::var("x"), 1)));
    assert_eq!(GlobalType::parse_prefix("A -> B{} x"), Ok((global("A -> B{}"), 8)));
    // A variable of a global type is known only when what comes after it has been seen.
    assert_eq!(GlobalType::parse_prefix("x  -"), Ok((GlobalType::var("x"), 1)));
}

#[test]
fn errors_say_code_place_and_what_to_do() {
    let cases = [
        (
            "",
            "1:1: error[P0101]: the text ends where a local type (`end`, `mu`, `!`, `?` or a variable) is expected",
        ),
        ("!B{l end}", "1:6: error[P0101]: `end` stands where a dot behind the label is expected"),
        (
            "!B{\n  é. end}",
            "2:3: error[P0001]: the character `é` starts nothing (names outside of A-Z, a-z, 0-9 and _ stand in quotes)",
        ),
        (
            "!B{\"é\". \"x\ny}",
            "1:9: error[P0002]: this quote is not closed (close it on the same line; write \\n for a line break)",
        ),
        ("!\"\\q\"{}", "1:2: error[P0003]: an escape in this name is none (use \\n \\t \\\" \\\\ \\u{..})"),
        (
            "!B{l(nat). end}",
            "1:6: error[P0102]: `nat` is no payload type (bool, i64, u64, f64, decimal, bytes, str, agg, func, closure, coro, epid, obj(..), tuple(..), chan(..))",
        ),
        (
            "!B{l(obj(18446744073709551616)). end}",
            "1:10: error[P0101]: `18446744073709551616` stands where the number of a host type is expected (it is in 0..2^64, in digits)",
        ),
        ("!B{l. end", "1:10: error[P0101]: the text ends where `,` or `}` behind a branch is expected"),
        ("mu x !B{}", "1:6: error[P0101]: `!` stands where a dot behind the variable is expected"),
        (
            "!3{}",
            "1:2: error[P0101]: `3` stands where the partner's role is expected (names are words, or texts in quotes)",
        ),
        ("end end", "1:5: error[P0101]: `end` stands where the end is expected"),
        ("!B{l(u64). end}}", "1:16: error[P0101]: `}` stands where the end is expected"),
    ];
    for (text, expected) in cases {
        assert_eq!(
            text.parse::<LocalType>().map_err(|error| error.to_string()),
            Err(expected.into()),
            "{text}"
        );
    }
    let error = "A -> {}".parse::<GlobalType>().map_err(|error| error.to_string());
    assert_eq!(error, Err("1:6: error[P0101]: `{` stands where the role that receives is expected (names are words, or texts in quotes)".into()));
}

#[test]
fn names_and_payloads_have_limits() {
    let long = "n".repeat(MAX_NAME);
    assert_eq!(local(&format!("!{long}{{}}")).partners()[0], *long);
    for text in [format!("!{long}n{{}}"), format!("!\"{}\"{{}}", "\\u{41}".repeat(MAX_NAME + 1))] {
        let error = text.parse::<LocalType>().expect_err("too long");
        assert_eq!(error.kind, ProtocolErrorKind::TooLarge);
    }
    let nested = |depth: usize| format!("!B{{l({}{}). end}}", "tuple(".repeat(depth), ")".repeat(depth));
    assert_eq!(local(&nested(MAX_PAYLOAD_PARTS)).to_string(), nested(MAX_PAYLOAD_PARTS));
    for depth in [MAX_PAYLOAD_PARTS + 1, 100_000] {
        let error = nested(depth).parse::<LocalType>().expect_err("too many parts");
        assert_eq!(error.kind, ProtocolErrorKind::TooLarge);
    }
    assert!(Payload::tuple(core::iter::repeat_n(Payload::UNIT, MAX_PAYLOAD_PARTS - 1)).is_ok());
    assert!(Payload::tuple(core::iter::repeat(Payload::UNIT)).is_err());
}

#[test]
fn printing_is_canonical_and_parses_back() {
    for seed in 0..2_000 {
        let ty = random_local(&mut rng(seed), 5, &Scope::default());
        let text = ty.to_string();
        assert_eq!(local(&text), ty, "seed {seed}");
        assert_eq!(local(&text).to_string(), text, "seed {seed}");
        let ty = random_global(&mut rng(seed), 3, 5, &Scope::default());
        assert_eq!(global(&ty.to_string()), ty, "seed {seed}");
    }
}

#[test]
fn damaged_text_is_an_error_or_a_type_but_no_panic() {
    use super::random::below;
    let text =
        "mu x. !Server{get(tuple(u64, str)). ?\"S\\u{41}\"{val(chan(a, b)). x}, quit(obj(7)). end} ; é";
    for seed in 0..4_000 {
        let mut rng = rng(seed);
        let mut chars: std::vec::Vec<char> = text.chars().collect();
        for _ in 0..=below(&mut rng, 3) {
            let at = below(&mut rng, chars.len().max(1));
            match below(&mut rng, 3) {
                _ if chars.is_empty() => {}
                0 => _ = chars.remove(at),
                1 => chars.truncate(at.max(1)),
                _ => chars[at] = ['{', '}', '"', '\\', '.', '(', ',', 'é', '-', '\n'][below(&mut rng, 10)],
            }
        }
        let damaged: String = chars.into_iter().collect();
        if let Ok(ty) = damaged.parse::<LocalType>() {
            assert_eq!(local(&ty.to_string()), ty);
        }
        _ = damaged.parse::<GlobalType>();
    }
}
