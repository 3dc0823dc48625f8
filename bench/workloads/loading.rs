//! Programs for compile time: a thousand functions of fifty instructions, as opforge and as WebAssembly text.

use std::fmt::Write;

/// Functions of a [`Load`].
pub(crate) const FUNCTIONS: usize = 1000;

/// Instructions of [`straight`].
pub(crate) const INSTRS: usize = 50 * FUNCTIONS;

/// One program.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) name: &'static str,
    pub(crate) ofa: String,
    pub(crate) wat: String,
}

/// The programs.
pub(crate) fn all() -> [Load; 2] {
    [straight(), loops()]
}

/// An operation `dst = left op right`; all values are of 64 bits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Op {
    pub(crate) name: &'static str,
    pub(crate) dst: &'static str,
    pub(crate) left: &'static str,
    pub(crate) right: &'static str,
}

/// The variables of [`straight_ops`] besides the parameters `a` and `b`.
pub(crate) const VARIABLES: [&str; 4] = ["v0", "v1", "v2", "v3"];

/// 49 operations on values that are all needed; the result is in `v0`.
pub(crate) fn straight_ops() -> impl Iterator<Item = Op> {
    (0..49).map(|i| Op {
        name: ["add", "xor", "mul", "sub"][i % 4],
        dst: VARIABLES[i % 4],
        left: if i < 4 { "a" } else { VARIABLES[(i + 1) % 4] },
        right: if i == 0 { "b" } else { VARIABLES[(i - 1) % 4] },
    })
}

/// The operations, and a return.
pub(crate) fn straight() -> Load {
    let (mut ofa, mut wat) = (String::new(), String::from("(module\n"));
    for f in 0..FUNCTIONS {
        writeln!(ofa, ".func f{f}(a: i64, b: i64) -> (r: i64) {{\n    .reg v0, v1, v2, v3").unwrap();
        writeln!(wat, "(func (export \"f{f}\") (param $a i64) (param $b i64) (result i64)").unwrap();
        wat += "(local $v0 i64) (local $v1 i64) (local $v2 i64) (local $v3 i64)\n";
        for Op { name, dst, left, right } in straight_ops() {
            writeln!(ofa, "    i64.{name} {dst}, {left}, {right}").unwrap();
            writeln!(wat, "(local.set ${dst} (i64.{name} (local.get ${left}) (local.get ${right})))")
                .unwrap();
        }
        ofa += "    ret v0\n}\n";
        wat += "(local.get $v0))\n";
    }
    wat += ")";
    Load { name: "1000 functions x 50, straight", ofa, wat }
}

/// Four blocks of ten operations, each with a way out, and a loop around them; fifty-one instructions.
fn loops() -> Load {
    let (mut ofa, mut wat) = (String::new(), String::from("(module\n"));
    for f in 0..FUNCTIONS {
        writeln!(ofa, ".func f{f}(a: i64, b: i64) -> (r: i64) {{\n    .reg c, t\n    mov c, a\n    jmp @b0")
            .unwrap();
        writeln!(wat, "(func (export \"f{f}\") (param $a i64) (param $b i64) (result i64)").unwrap();
        wat += "(local $c i64) (local.set $c (local.get $a)) (block $end (loop $b0\n";
        for block in 0..4 {
            writeln!(ofa, "@b{block}:").unwrap();
            for k in 0..5 {
                let right = ["a", "b"][k % 2];
                writeln!(ofa, "    i64.add c, c, b\n    i64.xor a, c, {right}").unwrap();
                wat += "(local.set $c (i64.add (local.get $c) (local.get $b)))\n";
                writeln!(wat, "(local.set $a (i64.xor (local.get $c) (local.get ${right})))").unwrap();
            }
            writeln!(ofa, "    i64.lt t, a, c\n    br t, @b{}, @end", (block + 1) % 4).unwrap();
            wat += if block < 3 {
                "(br_if $end (i64.ge_s (local.get $a) (local.get $c)))\n"
            } else {
                "(br_if $b0 (i64.lt_s (local.get $a) (local.get $c)))))\n"
            };
        }
        ofa += "@end:\n    ret a\n}\n";
        wat += "(local.get $a))\n";
    }
    wat += ")";
    Load { name: "1000 functions x 51, five blocks and a loop", ofa, wat }
}
