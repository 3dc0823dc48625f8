//! Damaged text: whatever it says, the assembler gives a program or errors, and a program can be shown again.

use opforge_vm::asm::assemble;
use opforge_vm::disasm::{DisasmOptions, disassemble};
use std::path::Path;

/// xorshift64*, with a fixed seed: every run sees the same texts.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

fn examples() -> Vec<String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut paths: Vec<_> = std::fs::read_dir(directory).unwrap().map(|e| e.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "ofa"));
    paths.sort();
    let mut texts: Vec<String> = paths.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    texts.push(include_str!("data/sessions.ofa").to_owned());
    texts
}

/// Assembles; shows errors, and shows and reassembles programs. Returns whether it was a program.
fn check(text: &str) -> bool {
    let program = match assemble(text) {
        Ok(program) => program,
        Err(errors) => {
            assert!(!errors.errors().is_empty());
            for error in errors.errors() {
                assert!(error.offset <= text.len() && text.is_char_boundary(error.offset));
            }
            let _ = errors.render(text, "text").to_string();
            return false;
        }
    };
    let exact = disassemble(&program, &DisasmOptions::exact());
    let again = assemble(&exact).unwrap_or_else(|e| panic!("{text}\n---\n{}", e.render(&exact, "exact")));
    assert!(again == program, "{text}\n---\n{exact}");
    true
}

const TOKENS: [&str; 90] = [
    "\n",
    "\n",
    "\n",
    "\n}",
    " {\n",
    "(",
    ")",
    ",",
    " ",
    ":",
    "@",
    "#",
    "$",
    "&",
    "=",
    "+",
    "->",
    "\"",
    "\\",
    ";",
    "//",
    ".func ",
    ".const ",
    ".struct ",
    ".elem ",
    ".host ",
    ".sig ",
    ".span ",
    ".spans ",
    ".code ",
    ".raw ",
    ".reg ",
    ".name ",
    ".label ",
    ".shape ",
    ".symbol ",
    ".field ",
    ".section ",
    ".program ",
    "r1",
    "r4294967295",
    "0",
    "1",
    "-1",
    "0x",
    "18446744073709551615",
    "1e",
    "nan:0x7ff8000000000000",
    "hex\"00\"",
    "\"text\"",
    "i64",
    "tuple",
    "struct",
    "array",
    "f64.add",
    "jmp",
    "call",
    "const.pool",
    "\u{202e}",
    "é",
    ".local ",
    ".local X = ",
    ".shape S ",
    ".role ",
    ".state ",
    ".payload ",
    ".effect e",
    ".layer l",
    ".linear &0 param 0 ",
    "mu x. ",
    "end",
    "!B",
    "?B",
    "!B{a. end}",
    "A -> B{x. end}",
    "{",
    "}",
    "{a(u64). ",
    ".x",
    "chan(",
    "chan(S, B)",
    "handle(S, B, ",
    "evidence(",
    "edge A -> B ",
    "global ",
    "raw ",
    "policy ",
    "capacity ",
    "offer ",
    "[",
];

#[test]
fn mutations_of_the_examples() {
    let texts = examples();
    let mut random = Random(0x5eed_0fa1);
    let mut programs = 0;
    for round in 0..6000 {
        let mut text = texts[round % texts.len()].clone();
        for _ in 0..=random.below(4) {
            let at = (0..=random.below(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap();
            match random.below(4) {
                0 => drop(text.pop()),
                1 => text.insert_str(at, TOKENS[random.below(TOKENS.len())]),
                2 if at < text.len() => drop(text.remove(at)),
                _ => {
                    let line_end = text[at..].find('\n').map_or(text.len(), |end| at + end + 1);
                    let line = text[at..line_end].to_owned();
                    if random.below(2) == 0 {
                        text.replace_range(at..line_end, "");
                    } else {
                        text.push_str(&line);
                    }
                }
            }
        }
        programs += usize::from(check(&text));
    }
    assert!(programs > 100, "{programs} of the mutated texts were programs");
}

#[test]
fn token_soup() {
    let mut random = Random(0x50_0b);
    for _ in 0..6000 {
        let mut text = String::new();
        if random.below(2) == 0 {
            text.push_str(".func f(a: i64) {\n");
        }
        for _ in 0..random.below(60) {
            text.push_str(TOKENS[random.below(TOKENS.len())]);
        }
        check(&text);
    }
}

#[test]
fn truncations_of_the_examples() {
    for text in examples() {
        for (end, _) in text.char_indices() {
            check(&text[..end]);
        }
    }
}
