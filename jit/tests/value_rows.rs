//! The rows I01 to I05 and I12 to I14 of the reliability list, which are about values, each by its name: on both engines,
//! with operands as arguments and as constants, so that what is folded is checked too.

#[allow(dead_code, reason = "each test binary uses its part")]
mod host_support;
mod rows_support;

use host_support::{End, modules, observe};
use opforge_vm::TrapCode::{
    AggError, DivByZero, FloatToIntInvalid, IndexOutOfBounds, IntCastOverflow, IntDivOverflow, IntOverflow,
    InvalidUtf8, StrNotCharBoundary,
};
use opforge_vm::Value::{Bool, F64, I64, U64};
use opforge_vm::ids::FuncId;
use opforge_vm::trap::AggErrorKind;
use opforge_vm::{CANONICAL_NAN_BITS, Caller, Capabilities, Capability, Limits, Linker, TrapDetail, Value};
use rows_support::{Want, check, instances, of_one, of_two, seen};

const MIN: i64 = i64::MIN;
const MIN32: i64 = i32::MIN as i64;

/// I01: the edges of division and of negation. As in execution_tape, MIN % -1 traps where the row says 0; the 32-bit form,
/// whose twin is WebAssembly's, gives 0. There is no integer abs; that of floats clears the sign.
#[test]
fn i01_division_and_negation_at_their_edges() {
    let by_zero = |a| [(a, 0, Err(DivByZero))];
    for op in ["i64.div", "i64.rem", "i32.div_s", "i32.div_u", "i32.rem_s", "i32.rem_u"] {
        let zero = [by_zero(0), by_zero(1), by_zero(MIN), by_zero(-1)].concat();
        check(&format!("{op} r, p0, p1"), "i64", &of_two(I64, &zero));
    }
    for op in ["u64.div", "u64.rem"] {
        let zero = [0, 1, u64::MAX].map(|a| (a, 0, Err(DivByZero)));
        check(&format!("{op} r, p0, p1"), "u64", &of_two(U64, &zero));
    }
    let (div, rem) = ("i64.div r, p0, p1", "i64.rem r, p0, p1");
    check(
        div,
        "i64",
        &of_two(
            I64,
            &[
                (MIN, -1, Err(IntDivOverflow)),
                (MIN + 1, -1, Ok(I64(i64::MAX))),
                (MIN, 1, Ok(I64(MIN))),
                (MIN, MIN, Ok(I64(1))),
                (-7, 2, Ok(I64(-3))),
                (7, -2, Ok(I64(-3))),
            ],
        ),
    );
    check(
        rem,
        "i64",
        &of_two(
            I64,
            &[
                (MIN, -1, Err(IntDivOverflow)),
                (MIN + 1, -1, Ok(I64(0))),
                (MIN, 1, Ok(I64(0))),
                (MIN, MIN, Ok(I64(0))),
                (-7, 2, Ok(I64(-1))),
                (7, -2, Ok(I64(1))),
            ],
        ),
    );
    // The low 32 bits count, and the result is sign-extended.
    check(
        "i32.div_s r, p0, p1",
        "i64",
        &of_two(
            I64,
            &[
                (MIN32, -1, Err(IntDivOverflow)),
                (1 << 31, 0xffff_ffff, Err(IntDivOverflow)),
                (MIN32, 1 << 32, Err(DivByZero)),
                (MIN, -1, Ok(I64(0))),
            ],
        ),
    );
    check("i32.rem_s r, p0, p1", "i64", &of_two(I64, &[(MIN32, -1, Ok(I64(0))), (-7, 2, Ok(I64(-1)))]));
    check("u64.div r, p0, p1", "u64", &of_two(U64, &[(1 << 63, u64::MAX, Ok(U64(0)))]));
    check(
        "i64.neg r, p0",
        "i64",
        &of_one(I64, &[(MIN, Ok(I64(MIN))), (i64::MAX, Ok(I64(-i64::MAX))), (0, Ok(I64(0)))]),
    );
    check(
        "i64.sub_chk r, p0, p1",
        "i64",
        &of_two(I64, &[(0, MIN, Err(IntOverflow)), (-1, MIN, Ok(I64(i64::MAX)))]),
    );
    check(
        "f64.abs r, p0",
        "f64",
        &of_one(F64, &[(-0.0, Ok(F64(0.0))), (f64::NEG_INFINITY, Ok(F64(f64::INFINITY)))]),
    );
}

/// I02: counts of shifts and rotations are taken modulo the width, whatever their size and sign.
#[test]
fn i02_shift_counts_are_masked() {
    const A: i64 = 0x8123_4567_89ab_cdef_u64 as i64;
    const COUNTS: [i64; 12] = [0, 1, 31, 32, 33, 63, 64, 65, -1, -64, i64::MAX, MIN];
    // By a definition that shifts one place at a time.
    let places = |count: i64, width: i64, a: i64, step: fn(i64) -> i64| {
        (0..count.rem_euclid(width)).fold(a, |a, _| step(a))
    };
    let low = |a: i64| i64::from(a as i32);
    type Row = (&'static str, i64, fn(i64) -> i64);
    let rows: [Row; 9] = [
        ("i64.shl", 64, |a| a.wrapping_add(a)),
        ("i64.shr", 64, |a| a.div_euclid(2)),
        ("i64.rotl", 64, |a| a.wrapping_add(a) | i64::from(a < 0)),
        ("i64.rotr", 64, |a| (a as u64 / 2) as i64 | if a & 1 == 1 { MIN } else { 0 }),
        ("i32.shl", 32, |a| i64::from((a as i32).wrapping_add(a as i32))),
        ("i32.shr_s", 32, |a| i64::from((a as i32).div_euclid(2))),
        ("i32.shr_u", 32, |a| i64::from((a as u32 / 2) as i32)),
        ("i32.rotl", 32, |a| i64::from((a as i32).wrapping_add(a as i32) | i32::from((a as i32) < 0))),
        ("i32.rotr", 32, |a| i64::from((a as u32 / 2) as i32 | if a & 1 == 1 { i32::MIN } else { 0 })),
    ];
    for (op, width, step) in rows {
        let start = if width == 32 { low(A) } else { A };
        let cases = COUNTS.map(|count| (A, count, Ok(I64(places(count, width, start, step)))));
        check(&format!("{op} r, p0, p1"), "i64", &of_two(I64, &cases));
    }
    type Unsigned = (&'static str, fn(u64) -> u64);
    let rows: [Unsigned; 4] = [
        ("u64.shl", |a| a.wrapping_add(a)),
        ("u64.shr", |a| a / 2),
        ("u64.rotl", |a| a.wrapping_add(a) | a >> 63),
        ("u64.rotr", |a| (a / 2) | (a << 63)),
    ];
    for (op, step) in rows {
        let cases = COUNTS.map(|count| {
            let want = (0..count.rem_euclid(64)).fold(A as u64, |a, _| step(a));
            (A as u64, count as u64, Ok(U64(want)))
        });
        check(&format!("{op} r, p0, p1"), "u64", &of_two(U64, &cases));
    }
}

/// I03: floats to integers, exactly at the ends of the range. As in execution_tape's documentation, exactly 2^63 and 2^64 are
/// FloatToIntInvalid with the NaNs and infinities, what lies further out is IntCastOverflow, and for u64 values in (-1, 0)
/// overflow too.
#[test]
fn i03_floats_to_integers_at_the_ends_of_the_range() {
    const P63: f64 = 9_223_372_036_854_775_808.0;
    const P64: f64 = 18_446_744_073_709_551_616.0;
    const TINY: f64 = f64::from_bits(1);
    let below_63 = (1i64 << 62) + ((1 << 62) - 1024);
    let below_64 = u64::MAX - 2047;
    // Operand, then i64, u64, and both saturating.
    type Row = (f64, Want, Want, i64, u64);
    let (invalid, overflow) = (Err(FloatToIntInvalid), Err(IntCastOverflow));
    let rows: [Row; 22] = [
        (f64::NAN, invalid.clone(), invalid.clone(), 0, 0),
        (-f64::NAN, invalid.clone(), invalid.clone(), 0, 0),
        (f64::from_bits(0x7ff0_0000_0000_0001), invalid.clone(), invalid.clone(), 0, 0),
        (f64::INFINITY, invalid.clone(), invalid.clone(), i64::MAX, u64::MAX),
        (f64::NEG_INFINITY, invalid.clone(), invalid.clone(), MIN, 0),
        (P63, invalid.clone(), Ok(U64(1 << 63)), i64::MAX, 1 << 63),
        (P63.next_down(), Ok(I64(below_63)), Ok(U64(below_63 as u64)), below_63, below_63 as u64),
        (P63.next_up(), overflow.clone(), Ok(U64((1 << 63) + 2048)), i64::MAX, (1 << 63) + 2048),
        (-P63, Ok(I64(MIN)), overflow.clone(), MIN, 0),
        ((-P63).next_down(), overflow.clone(), overflow.clone(), MIN, 0),
        ((-P63).next_up(), Ok(I64(MIN + 1024)), overflow.clone(), MIN + 1024, 0),
        (P64, overflow.clone(), invalid.clone(), i64::MAX, u64::MAX),
        (P64.next_down(), overflow.clone(), Ok(U64(below_64)), i64::MAX, below_64),
        (P64.next_up(), overflow.clone(), overflow.clone(), i64::MAX, u64::MAX),
        (f64::MAX, overflow.clone(), overflow.clone(), i64::MAX, u64::MAX),
        (-0.0, Ok(I64(0)), Ok(U64(0)), 0, 0),
        (0.9, Ok(I64(0)), Ok(U64(0)), 0, 0),
        (-0.9, Ok(I64(0)), overflow.clone(), 0, 0),
        (-1.0, Ok(I64(-1)), overflow.clone(), -1, 0),
        (-1.5, Ok(I64(-1)), overflow.clone(), -1, 0),
        (TINY, Ok(I64(0)), Ok(U64(0)), 0, 0),
        (-TINY, Ok(I64(0)), overflow.clone(), 0, 0),
    ];
    let cases =
        |want: fn(&Row) -> Want| rows.iter().map(|row| (vec![F64(row.0)], want(row))).collect::<Vec<_>>();
    check("f64.to_i64 r, p0", "i64", &cases(|row| row.1.clone()));
    check("f64.to_u64 r, p0", "u64", &cases(|row| row.2.clone()));
    check("f64.to_i64_sat r, p0", "i64", &cases(|row| Ok(I64(row.3))));
    check("f64.to_u64_sat r, p0", "u64", &cases(|row| Ok(U64(row.4))));
}

const NANS: [u64; 6] = [
    0x7ff8_0000_0000_0000,
    0xfff8_0000_0000_0000,
    0x7ff0_0000_0000_0001,
    0xfff4_0000_dead_beef,
    0x7fff_ffff_ffff_ffff,
    u64::MAX,
];

const CANONICAL: Value = F64(f64::from_bits(CANONICAL_NAN_BITS));

/// I04: a NaN that leaves the floats is 0x7ff8000000000000, whatever its payload was and whichever operand it came from: as
/// a result, as bits, and in the host's hands. Moves and casts do not keep bits here, unlike the row says: isa.md, section 1,
/// makes every NaN one NaN where it can be seen, so that no order of operands shows.
#[test]
fn i04_every_nan_that_can_be_seen_is_the_same() {
    let nan = || Ok(U64(CANONICAL_NAN_BITS));
    let two = |a: u64, b: u64| (vec![F64(f64::from_bits(a)), F64(f64::from_bits(b))], nan());
    for op in ["add", "sub", "mul", "div", "min", "max", "min_num", "max_num", "rem", "copysign"] {
        let mut cases: Vec<_> = NANS.iter().flat_map(|&a| NANS.map(|b| two(a, b))).collect();
        if !matches!(op, "min_num" | "max_num" | "copysign") {
            let one = 1f64.to_bits();
            cases.extend(NANS.iter().flat_map(|&a| [two(a, one), two(one, a)]));
        }
        let floats: Vec<_> = cases.iter().map(|(args, _)| (args.clone(), Ok(CANONICAL))).collect();
        check(&format!("f64.{op} r, p0, p1"), "f64", &floats);
        check(&format!(".reg x\n f64.{op} x, p0, p1\n f64.to_bits r, x"), "u64", &cases);
    }
    let one: Vec<_> = NANS.iter().map(|&a| (vec![F64(f64::from_bits(a))], nan())).collect();
    for op in ["sqrt", "neg", "abs", "floor", "ceil", "trunc", "nearest"] {
        check(&format!(".reg x\n f64.{op} x, p0\n f64.to_bits r, x"), "u64", &one);
    }
    check("f64.to_bits r, p0", "u64", &one);
    check(".reg x\n mov x, p0\n f64.to_bits r, x", "u64", &one);
    check(".reg c, x\n const.bool c, true\n select x, c, p0, p0\n f64.to_bits r, x", "u64", &one);
    check(".reg t, x\n tuple.new t, (p0)\n tuple.get x, t, 0\n f64.to_bits r, x", "u64", &one);
    let bits: Vec<_> = NANS.iter().map(|&a| (vec![U64(a)], nan())).collect();
    check(".reg x\n f64.from_bits x, p0\n f64.to_bits r, x", "u64", &bits);
    check("f64.from_bits r, p0", "f64", &NANS.map(|a| (vec![U64(a)], Ok(CANONICAL))));
    // What makes a NaN from numbers makes that one, too.
    let inf = f64::INFINITY;
    for (op, a, b) in
        [("div", 0.0, 0.0), ("sub", inf, inf), ("mul", 0.0, inf), ("rem", 1.0, 0.0), ("rem", inf, 1.0)]
    {
        check(
            &format!(".reg x\n f64.{op} x, p0, p1\n f64.to_bits r, x"),
            "u64",
            &[(vec![F64(a), F64(b)], nan())],
        );
    }
    check(".reg x\n f64.sqrt x, p0\n f64.to_bits r, x", "u64", &[(vec![F64(-1.0)], nan())]);
}

/// I04: and in the host's hands, as an argument and as an element of an aggregate.
#[test]
fn i04_the_host_sees_one_nan() {
    let source = "
.host see = \"env.see\" (f64, agg) -> (f64)
.func main(bits: u64) -> (f64) {
    .reg x, t
    f64.from_bits x, bits
    tuple.new t, (x)
    host_call see (x, t) -> x
    ret x
}
";
    let mut linker: Linker<Vec<u64>> = Linker::new();
    let types = [opforge_vm::ValueType::F64, opforge_vm::ValueType::Agg];
    let see = |caller: &mut Caller<'_, Vec<u64>>, args: &[Value], out: &mut [Value]| {
        let (F64(x), Value::Agg(agg)) = (&args[0], &args[1]) else { panic!("{args:?}") };
        let F64(element) = caller.heap().aggregate(*agg).unwrap().get(0).unwrap() else { panic!("no float") };
        caller.data_mut().extend([x.to_bits(), element.to_bits()]);
        out[0] = F64(f64::from_bits(0xfff4_0000_dead_beef));
        Ok(())
    };
    linker.func_dyn("env.see", Capability::none(), &types, &[opforge_vm::ValueType::F64], see).unwrap();
    for module in modules(source) {
        let mut instance = linker.instantiate(&module, Vec::new(), &Capabilities::none()).unwrap();
        for bits in NANS {
            let out = instance.call(FuncId(0), &[U64(bits)], Limits::new()).unwrap();
            assert_eq!(seen(&out[0]), U64(CANONICAL_NAN_BITS));
        }
        assert_eq!(instance.data().len(), 2 * NANS.len());
        assert!(instance.data().iter().all(|&bits| bits == CANONICAL_NAN_BITS), "{:x?}", instance.data());
    }
}

/// I05: zeros in min and max, NaNs in comparisons.
#[test]
fn i05_zeros_and_nans_in_comparisons() {
    let nan = f64::NAN;
    let zeros = |small: f64| {
        [
            (0.0, -0.0, Ok(F64(small))),
            (-0.0, 0.0, Ok(F64(small))),
            (-0.0, -0.0, Ok(F64(-0.0))),
            (0.0, 0.0, Ok(F64(0.0))),
        ]
    };
    for (op, zero) in [("min", -0.0), ("max", 0.0), ("min_num", -0.0), ("max_num", 0.0)] {
        check(&format!("f64.{op} r, p0, p1"), "f64", &of_two(F64, &zeros(zero)));
    }
    for op in ["min_num", "max_num"] {
        let one = [(nan, 2.0, Ok(F64(2.0))), (2.0, nan, Ok(F64(2.0))), (nan, -0.0, Ok(F64(-0.0)))];
        check(&format!("f64.{op} r, p0, p1"), "f64", &of_two(F64, &one));
    }
    for (op, with_nan, of_zeros) in [
        ("eq", false, true),
        ("ne", true, false),
        ("lt", false, false),
        ("gt", false, false),
        ("le", false, true),
        ("ge", false, true),
    ] {
        let pairs = [(nan, nan), (nan, 1.0), (1.0, nan), (nan, f64::INFINITY), (f64::NEG_INFINITY, nan)];
        let mut cases: Vec<_> = pairs.iter().map(|&(a, b)| (a, b, Ok(Bool(with_nan)))).collect();
        cases.extend([(0.0, -0.0, Ok(Bool(of_zeros))), (-0.0, 0.0, Ok(Bool(of_zeros)))]);
        check(&format!("f64.{op} r, p0, p1"), "bool", &of_two(F64, &cases));
        // And where the answer is branched on, not stored.
        let branch = format!(
            ".reg c\n f64.{op} c, p0, p1\n br c, @yes, @no\n@yes:\n const.bool r, true\n ret r\n@no:\n const.bool r, false"
        );
        check(&branch, "bool", &of_two(F64, &cases));
    }
}

/// I05: floats are printed as the shortest text that reads back, and read to the nearest float: by intrinsics, and by the
/// assembler, whose literals `check` uses. Neither knows a locale.
#[test]
fn i05_floats_as_text() {
    let texts = [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (0.1, "0.1"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1e21, "1e21"),
        (5e-324, "5e-324"),
        (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
        (f64::MAX, "1.7976931348623157e308"),
        (9_007_199_254_740_993.0, "9007199254740992.0"),
        (f64::INFINITY, "inf"),
        (f64::NEG_INFINITY, "-inf"),
        (f64::NAN, "NaN"),
    ];
    let print = texts.map(|(x, text)| (vec![F64(x)], Ok(Value::Str(text.into()))));
    check("intrinsic text.from_f64 p0 -> r", "str", &print);
    let read = texts.map(|(x, text)| (vec![Value::Str(text.into())], Ok(F64(x))));
    check(".reg c\n intrinsic text.parse_f64 p0 -> (c, r)", "f64", &read);
    for (text, number) in [
        ("1,5", false),
        ("1.5", true),
        ("1.5 ", false),
        ("0x1p4", false),
        ("1e400", true),
        ("\u{661}", false),
    ] {
        check(
            ".reg x\n intrinsic text.parse_f64 p0 -> (r, x)",
            "bool",
            &[(vec![Value::Str(text.into())], Ok(Bool(number)))],
        );
    }
    let back = ".reg t, c\n intrinsic text.from_f64 p0 -> t\n intrinsic text.parse_f64 t -> (c, r)";
    // Numbers of every exponent.
    let many: Vec<_> =
        (0..2047u64).step_by(23).map(|e| e << 52 | 0x000f_edcb_a987_6543 ^ (e << 13)).collect();
    check(
        back,
        "f64",
        &many
            .iter()
            .map(|&bits| (vec![F64(f64::from_bits(bits))], Ok(F64(f64::from_bits(bits)))))
            .collect::<Vec<_>>(),
    );
}

/// Ends of slices, as both kinds take them: start and end in a value of five bytes, and whether the range is one.
const RANGES: [(u64, u64, bool); 14] = [
    (0, 5, true),
    (0, 0, true),
    (5, 5, true),
    (2, 3, true),
    (0, 6, false),
    (6, 6, false),
    (6, 5, false),
    (3, 2, false),
    (1, 0, false),
    (0, 1 << 32, false),
    (1 << 32, (1 << 32) + 1, false),
    (u64::MAX, 0, false),
    (u64::MAX, u64::MAX, false),
    (1, u64::MAX, false),
];

/// I12: slices whose ends are in the wrong order, at the end, past it, or wrap; and which cut a character. The range is
/// checked before the characters.
#[test]
fn i12_slices_stay_inside_and_cut_no_character() {
    let (bytes, text) = ([1u8, 2, 3, 4, 5], "abcde");
    let cut = |start: u64, end: u64| (start as usize)..(end as usize);
    let of = |value: Value, want: &dyn Fn(u64, u64) -> Value| -> Vec<(Vec<Value>, Want)> {
        let case = |&(start, end, fits): &(u64, u64, bool)| {
            let want = if fits { Ok(want(start, end)) } else { Err(IndexOutOfBounds) };
            (vec![value.clone(), U64(start), U64(end)], want)
        };
        RANGES.iter().map(case).collect()
    };
    let slice = |start, end| Value::Bytes(bytes[cut(start, end)].into());
    check("bytes.slice r, p0, p1, p2", "bytes", &of(Value::Bytes(bytes.as_slice().into()), &slice));
    let slice = |start, end| Value::Str(text[cut(start, end)].into());
    check("str.slice r, p0, p1, p2", "str", &of(Value::Str(text.into()), &slice));
    // One byte, two, three, four: 1 + 2 + 3 + 4.
    let text = "a\u{e9}\u{20ac}\u{1f600}";
    let mut cases = Vec::new();
    for start in 0..=11u64 {
        for end in 0..=11u64 {
            let want = match (end <= 10 && start <= end, text.get(cut(start, end.max(start)))) {
                (false, _) => Err(IndexOutOfBounds),
                (true, Some(part)) => Ok(Value::Str(part.into())),
                (true, None) => Err(StrNotCharBoundary),
            };
            cases.push((vec![Value::Str(text.into()), U64(start), U64(end)], want));
        }
    }
    check("str.slice r, p0, p1, p2", "str", &cases);
}

/// I13: bytes that are no UTF-8. The trap's detail says how many bytes are text before the first that is not.
#[test]
fn i13_bytes_that_are_not_text() {
    let bad: [&[u8]; 14] = [
        b"\xff",
        b"\x80",
        b"a\xc3",
        b"\xc0\x80",
        b"\xc1\xbf",
        b"\xe0\x80\x80",
        b"\xe0\x9f\xbf",
        b"\xed\xa0\x80",
        b"\xed\xbf\xbf",
        b"\xe2\x82",
        b"\xf0\x80\x80\x80",
        b"\xf0\x9f\x98",
        b"\xf4\x90\x80\x80",
        b"\xf8\x88\x80\x80\x80",
    ];
    let mut cases: Vec<_> =
        bad.iter().map(|&bytes| (vec![Value::Bytes(bytes.into())], Err(InvalidUtf8))).collect();
    for good in [
        "",
        "a",
        "\u{e9}",
        "\u{7ff}",
        "\u{800}",
        "\u{d7ff}",
        "\u{e000}",
        "\u{ffff}",
        "\u{10000}",
        "\u{10ffff}",
        "\0",
    ] {
        cases.push((vec![Value::Bytes(good.as_bytes().into())], Ok(Value::Str(good.into()))));
    }
    check("bytes.to_str r, p0", "str", &cases);
    let whole = ".func main(b: bytes) -> (str) {\n .reg s\n bytes.to_str s, b\n ret s\n}\n";
    for mut instance in instances(whole) {
        for bytes in bad {
            let (end, ..) = observe(&mut instance, FuncId(0), &[Value::Bytes(bytes.into())], Limits::new());
            let End::Trapped(trap) = end else { panic!("{end:?}") };
            let valid = std::str::from_utf8(bytes).unwrap_err().valid_up_to() as u64;
            assert_eq!(trap.detail, TrapDetail::Utf8 { valid });
        }
    }
    // A slice of bytes that ends inside of a character.
    check(
        ".reg a, b, s\n const.u64 a, 0\n const.u64 b, 2\n bytes.slice s, p0, a, b\n bytes.to_str r, s",
        "str",
        &[(vec![Value::Bytes("\u{20ac}".as_bytes().into())], Err(InvalidUtf8))],
    );
}

/// I14: indices past the end, also those whose low 32 bits are inside.
#[test]
fn i14_indices_are_not_cut_to_32_bits() {
    let outside = [3, u64::MAX, 1 << 32, (1 << 32) + 1, 1 << 63, 1 << 31, u64::from(u32::MAX)];
    let bytes = Value::Bytes([10, 20, 30].into());
    let mut cases: Vec<_> =
        outside.iter().map(|&i| (vec![bytes.clone(), U64(i)], Err(IndexOutOfBounds))).collect();
    cases.extend((0..3).map(|i| (vec![bytes.clone(), U64(i)], Ok(U64(10 * i + 10)))));
    check("bytes.get r, p0, p1", "u64", &cases);
    let array =
        ".reg a, b, t\n const.u64 a, 10\n const.u64 b, 20\n array.new t, u64, (a, b, b)\n array.get r, t, p0";
    let mut cases: Vec<_> = outside.iter().map(|&i| (vec![U64(i)], Err(AggError))).collect();
    cases.push((vec![U64(0)], Ok(U64(10))));
    check(array, "u64", &cases);
    let table = "br_table p0, (@zero, @one), @other\n@zero:\n const.u64 r, 0\n ret r\n@one:\n const.u64 r, 1\n ret r\n@other:\n const.u64 r, 9";
    let mut cases: Vec<_> = outside.iter().map(|&i| (vec![U64(i)], Ok(U64(9)))).collect();
    cases.extend([0, 1].map(|i| (vec![U64(i)], Ok(U64(i)))));
    check(table, "u64", &cases);
    for immediate in [3, 1 << 31, u32::MAX] {
        check(
            &format!("bytes.get_imm r, p0, {immediate}"),
            "u64",
            &[(vec![bytes.clone()], Err(IndexOutOfBounds))],
        );
        check(
            &format!(
                ".reg a, t\n const.u64 a, 10\n array.new t, u64, (a, p0, a)\n array.get_imm r, t, {immediate}"
            ),
            "u64",
            &[(vec![U64(1)], Err(AggError))],
        );
    }
}

/// I14: which of the errors of aggregates it is.
#[test]
fn i14_an_index_past_an_array_says_so() {
    let source =
        ".func main(i: u64) -> (u64) {\n .reg t, r\n array.new t, u64, (i)\n array.get r, t, i\n ret r\n}";
    for mut instance in instances(source) {
        for index in [1, 1 << 32, u64::MAX] {
            let (End::Trapped(trap), ..) = observe(&mut instance, FuncId(0), &[U64(index)], Limits::new())
            else {
                panic!("no trap at {index}")
            };
            assert_eq!((trap.code, &trap.detail), (AggError, &TrapDetail::Agg(AggErrorKind::OutOfBounds)));
        }
    }
}
