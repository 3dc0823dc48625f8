//! Five bodies that attract each other, all in registers, with the reciprocal square root by Newton's method from an
//! estimate on its bits: nothing but arithmetic. 490 instructions a step, nearly all of f64, with 35 values alive
//! throughout. The guest programs are written out here, pair by pair, from one list of operations.

use std::fmt::Write;

const BODIES: usize = 5;
const DT: f64 = 0.01;
const ESTIMATE: u64 = 0x5FE6_EB50_C7B5_37A9;
const ROUNDS: usize = 4;
const FIELDS: [&str; 7] = ["x", "y", "z", "vx", "vy", "vz", "m"];

/// Sun, Jupiter, Saturn, Uranus, Neptune: place, speed a day, mass in suns; rounded.
const PLANETS: [[f64; 7]; BODIES] = [
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0],
    [4.841_431, -1.160_32, -0.103_622, 0.001_660_077, 0.007_699_011, -0.000_069_046, 0.000_954_792],
    [8.343_367, 4.124_799, -0.403_523, -0.002_767_425, 0.004_998_528, 0.000_023_042, 0.000_285_886],
    [12.894_37, -15.111_151, -0.223_308, 0.002_964_601, 0.002_378_472, -0.000_029_659, 0.000_043_662],
    [15.379_697, -25.919_315, 0.179_259, 0.002_680_678, 0.001_628_242, -0.000_095_159, 0.000_051_514],
];

/// Bodies at the start: speed a year, mass times the constant of gravitation.
fn start() -> [[f64; 7]; BODIES] {
    PLANETS.map(|[x, y, z, vx, vy, vz, m]| {
        [x, y, z, vx * 365.24, vy * 365.24, vz * 365.24, m * 39.478_417_604_357_43]
    })
}

fn reciprocal_root(square: f64) -> f64 {
    let half = 0.5 * square;
    let mut y = f64::from_bits(ESTIMATE.wrapping_sub(square.to_bits() >> 1));
    for _ in 0..ROUNDS {
        y *= 1.5 - half * (y * y);
    }
    y
}

/// The bits of a sum of places and speeds after `n` steps.
pub(super) fn native(n: u64) -> u64 {
    let mut bodies = std::hint::black_box(start());
    for _ in 0..n {
        for i in 0..BODIES {
            for j in i + 1..BODIES {
                let [a, b] = [bodies[i], bodies[j]];
                let d: [f64; 3] = std::array::from_fn(|k| a[k] - b[k]);
                let y = reciprocal_root(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
                let mag = DT * (y * y * y);
                let (mi, mj) = (a[6] * mag, b[6] * mag);
                for k in 0..3 {
                    bodies[i][3 + k] -= d[k] * mj;
                    bodies[j][3 + k] += d[k] * mi;
                }
            }
        }
        for body in &mut bodies {
            for k in 0..3 {
                body[k] += DT * body[3 + k];
            }
        }
    }
    let mut sum = 0.0f64;
    for body in &bodies {
        body[..6].iter().for_each(|value| sum += value);
    }
    sum.to_bits()
}

/// `dst = op(a, b)`; `b` is empty where the operation takes one value.
type Op = (&'static str, String, String, String);

fn op(name: &'static str, dst: &str, a: &str, b: &str) -> Op {
    (name, dst.into(), a.into(), b.into())
}

fn field(k: usize, body: usize) -> String {
    format!("{}{body}", FIELDS[k])
}

/// What one pair does to each other's speed.
fn pair(ops: &mut Vec<Op>, i: usize, j: usize) {
    for (k, d) in ["dx", "dy", "dz"].into_iter().enumerate() {
        ops.push(op("f64.sub", d, &field(k, i), &field(k, j)));
    }
    ops.push(op("f64.mul", "square", "dx", "dx"));
    for d in ["dy", "dz"] {
        ops.push(op("f64.mul", "t", d, d));
        ops.push(op("f64.add", "square", "square", "t"));
    }
    ops.push(op("f64.mul", "half", "k_half", "square"));
    ops.push(op("to_bits", "bits", "square", ""));
    ops.push(op("shr", "bits", "bits", "k_one"));
    ops.push(op("sub", "bits", "k_estimate", "bits"));
    ops.push(op("from_bits", "root", "bits", ""));
    for _ in 0..ROUNDS {
        ops.push(op("f64.mul", "t", "root", "root"));
        ops.push(op("f64.mul", "t", "half", "t"));
        ops.push(op("f64.sub", "t", "k_three_halves", "t"));
        ops.push(op("f64.mul", "root", "root", "t"));
    }
    ops.push(op("f64.mul", "t", "root", "root"));
    ops.push(op("f64.mul", "t", "t", "root"));
    ops.push(op("f64.mul", "mag", "k_dt", "t"));
    ops.push(op("f64.mul", "mi", &field(6, i), "mag"));
    ops.push(op("f64.mul", "mj", &field(6, j), "mag"));
    for (k, d) in ["dx", "dy", "dz"].into_iter().enumerate() {
        let (vi, vj) = (field(3 + k, i), field(3 + k, j));
        ops.push(op("f64.mul", "t", d, "mj"));
        ops.push(op("f64.sub", &vi, &vi, "t"));
        ops.push(op("f64.mul", "t", d, "mi"));
        ops.push(op("f64.add", &vj, &vj, "t"));
    }
}

fn step() -> Vec<Op> {
    let mut ops = Vec::new();
    for i in 0..BODIES {
        (i + 1..BODIES).for_each(|j| pair(&mut ops, i, j));
    }
    for body in 0..BODIES {
        for k in 0..3 {
            ops.push(op("f64.mul", "t", "k_dt", &field(3 + k, body)));
            ops.push(op("f64.add", &field(k, body), &field(k, body), "t"));
        }
    }
    ops
}

fn finish() -> Vec<Op> {
    let places = (0..BODIES).flat_map(|body| (0..6).map(move |k| field(k, body)));
    places.map(|place| op("f64.add", "sum", "sum", &place)).collect()
}

/// Names and values of what is set before the loop.
fn floats() -> Vec<(String, f64)> {
    let mut floats: Vec<_> = [("k_half", 0.5), ("k_three_halves", 1.5), ("k_dt", DT), ("sum", 0.0)]
        .map(|(name, value)| (name.to_string(), value))
        .into();
    for (body, values) in start().iter().enumerate() {
        floats.extend(values.iter().enumerate().map(|(k, &value)| (field(k, body), value)));
    }
    floats
}

const INTS: [(&str, u64); 4] = [("k_zero", 0), ("k_one", 1), ("k_estimate", ESTIMATE), ("i", 0)];
const TEMPORARIES: [&str; 9] = ["dx", "dy", "dz", "square", "half", "t", "root", "mag", "mi"];

/// opforge text.
pub(super) fn ofa() -> String {
    let mut text = String::from(".func run(n: u64) -> (sum: u64) {\n    .reg c, bits, mj\n");
    let line = |text: &mut String, (name, dst, a, b): &Op| {
        let name = match *name {
            "to_bits" => "f64.to_bits",
            "from_bits" => "f64.from_bits",
            "shr" => "u64.shr",
            "sub" => "u64.sub",
            name => name,
        };
        let comma = if b.is_empty() { "" } else { ", " };
        writeln!(text, "    {name} {dst}, {a}{comma}{b}").unwrap();
    };
    for name in TEMPORARIES {
        writeln!(text, "    .reg {name}").unwrap();
    }
    for (name, value) in INTS {
        writeln!(text, "    .reg {name}\n    const.u64 {name}, {value}").unwrap();
    }
    for (name, value) in floats() {
        writeln!(text, "    .reg {name}\n    const.f64 {name}, {value:?}").unwrap();
    }
    text += "    jmp @head\n@head:\n    u64.lt c, i, n\n    br c, @body, @end\n@body:\n";
    step().iter().for_each(|op| line(&mut text, op));
    text += "    u64.add i, i, k_one\n    jmp @head\n@end:\n";
    finish().iter().for_each(|op| line(&mut text, op));
    text += "    f64.to_bits bits, sum\n    ret bits\n}\n";
    text
}

/// WebAssembly text.
pub(super) fn wat() -> String {
    let mut text = String::from("(module (func (export \"run\") (param $n i64) (result i64)\n");
    let line = |text: &mut String, (name, dst, a, b): &Op| {
        let get = |name: &str| match (floats().iter().find(|(known, _)| known == name), name) {
            (Some((_, value)), name) if name.starts_with("k_") => format!("(f64.const {value:?})"),
            (_, "k_one") => "(i64.const 1)".into(),
            (_, "k_estimate") => format!("(i64.const {ESTIMATE})"),
            _ => format!("(local.get ${name})"),
        };
        let name = match *name {
            "to_bits" => "i64.reinterpret_f64",
            "from_bits" => "f64.reinterpret_i64",
            "shr" => "i64.shr_u",
            "sub" => "i64.sub",
            name => name,
        };
        let second = if b.is_empty() { String::new() } else { get(b) };
        writeln!(text, "  (local.set ${dst} ({name} {}{second}))", get(a)).unwrap();
    };
    text += "(local $bits i64) (local $i i64) (local $mj f64)\n";
    for name in TEMPORARIES {
        writeln!(text, "(local ${name} f64)").unwrap();
    }
    let variables: Vec<_> = floats().into_iter().filter(|(name, _)| !name.starts_with("k_")).collect();
    for (name, _) in &variables {
        writeln!(text, "(local ${name} f64)").unwrap();
    }
    for (name, value) in &variables {
        writeln!(text, "(local.set ${name} (f64.const {value:?}))").unwrap();
    }
    text += "(block $end (loop $head\n  (br_if $end (i64.ge_u (local.get $i) (local.get $n)))\n";
    step().iter().for_each(|op| line(&mut text, op));
    text += "  (local.set $i (i64.add (local.get $i) (i64.const 1)))\n  (br $head)))\n";
    finish().iter().for_each(|op| line(&mut text, op));
    text += "(i64.reinterpret_f64 (local.get $sum))))\n";
    text
}
