//! Damage to bytes and to text.

use super::Random;

/// Values that numbers, flags and tags break on.
const BYTES: [u8; 14] = [0, 1, 2, 3, 7, 8, 9, 11, 12, 0x40, 0x7f, 0x80, 0x81, 0xff];

/// Changes a container a little: most changes keep its lengths, so that much of it is still read.
pub(crate) fn bytes(random: &mut Random, bytes: &mut Vec<u8>, other: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    let at = random.below(bytes.len());
    match random.below(12) {
        0 | 1 => bytes[at] ^= 1 << random.below(8),
        2 | 3 => bytes[at] = *random.pick(&BYTES),
        4 | 5 => bytes[at] = bytes[at].wrapping_add(1),
        6 | 7 => bytes[at] = bytes[at].wrapping_sub(1),
        8 => {
            let with = random.below(bytes.len());
            bytes.swap(at, with);
        }
        9 => {
            // An instruction of another place, or a part of one.
            let len = random.below(6).min(bytes.len() - at);
            let from = random.below(bytes.len() - len + 1);
            bytes.copy_within(from..from + len, at);
        }
        10 => {
            let from = random.below(other.len());
            let piece = other[from..(from + random.below(40)).min(other.len())].to_vec();
            let end = (at + random.below(40)).min(bytes.len());
            bytes.splice(at..end, piece);
        }
        _ => bytes.truncate(at),
    }
}

const TOKENS: [&str; 40] = [
    "\n",
    "(",
    ")",
    ",",
    ":",
    "@",
    "#0",
    "$1",
    "&0",
    "&main",
    "->",
    "\"x\"",
    "{",
    "}",
    ".reg ",
    ".span 3",
    ".raw 00",
    ".raw 51 00 00",
    "r0",
    "r1",
    "r2",
    "r3",
    "r65535",
    "0",
    "1",
    "-1",
    "18446744073709551615",
    "-9223372036854775808",
    "nan:0x7ff0000000000001",
    "hex\"00\"",
    "i64",
    "u64",
    "f64",
    "decimal",
    "agg",
    "tuple(i64)",
    "array #0",
    "nop",
    "jmp @=0",
    "trap 1",
];

/// Where the words of a text are.
fn words(text: &str) -> Vec<(usize, usize)> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        let part = c.is_alphanumeric() || matches!(c, '_' | '.' | '@' | '&' | '#');
        match (part, start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                words.push((from, at));
                start = None;
            }
            _ => {}
        }
    }
    words
}

fn lines(text: &str) -> Vec<(usize, usize)> {
    let mut at = 0;
    text.split_inclusive('\n')
        .map(|line| {
            at += line.len();
            (at - line.len(), at)
        })
        .collect()
}

/// Changes a text a little: single bytes rarely, words and lines mostly.
pub(crate) fn text(random: &mut Random, text: &mut String, other: &str) {
    let (all_words, all_lines) = (words(text), lines(text));
    if all_words.is_empty() || all_lines.is_empty() {
        return;
    }
    let &(start, end) = random.pick(&all_words);
    let &(line, line_end) = random.pick(&all_lines);
    match random.below(10) {
        0 => {
            let at = (0..=random.below(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
            text.insert(at, char::from(random.below(128) as u8));
        }
        1 => text.replace_range(start..end, TOKENS[random.below(TOKENS.len())]),
        2..=4 => {
            // The same word of another line: an operand for an operand, a mnemonic for a mnemonic.
            let &(from, from_end) = random.pick(&all_lines);
            let (here, there) = (words(&text[line..line_end]), words(&text[from..from_end]));
            let nth = random.below(here.len());
            if let (Some(&(start, end)), Some(&(from_start, to))) = (here.get(nth), there.get(nth)) {
                let word = text[from + from_start..from + to].to_owned();
                text.replace_range(line + start..line + end, &word);
            }
        }
        5 => text.replace_range(line..line_end, ""),
        6 => {
            let copy = text[line..line_end].to_owned();
            let &(at, _) = random.pick(&all_lines);
            text.insert_str(at, &copy);
        }
        7 => {
            let from = lines(other);
            if from.is_empty() {
                return;
            }
            let &(from, to) = random.pick(&from);
            text.insert_str(line, &other[from..to]);
        }
        8 => text.insert_str(start, &format!("{} ", random.pick(&TOKENS))),
        _ => text.replace_range(start..end, ""),
    }
}
