//! Makes codes from words.

use super::code::{Callee, Code, Edge};
use super::form::{Forms, Layout, NEXT_SEGMENT, NEXT_TO_JUMP, Set};
use super::handlers::{FORMS, leave};
use crate::interp::code::{FuncEntry, InterpCode};
use crate::interp::operand::Kind;
use crate::interp::word::{Word, WordOp};
use crate::lower::ExecProgram;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Which slot's value is in an accumulator, and in which: that of a float's kind, that of other kinds, or
/// ([`Kind::Any`]) both.
#[derive(Clone, Copy)]
struct Held {
    slot: u32,
    kind: Kind,
}

impl Held {
    fn is(held: Option<Self>, slot: u32, kind: Kind) -> bool {
        kind != Kind::Other
            && held.is_some_and(|held| held.slot == slot && (held.kind == kind || held.kind == Kind::Any))
    }
}

/// The codes of a program's words.
pub(in crate::interp) fn make(code: &InterpCode, program: &ExecProgram) -> Box<[Code]> {
    let mut maker = Maker { code, codes: Vec::with_capacity(code.words.len()) };
    // Where entry functions return to: more fuel than the loop ever has at a time (`FUEL_QUANTUM`) leaves that to the
    // loop. Were it there all the same, the code behind would leave, too.
    maker.codes.push(Code::op(leave, 0, 0, u32::MAX));
    maker.codes.push(LEFT);
    for (entry, function) in code.funcs.iter().zip(&program.functions) {
        let first = (function.param_slots > 0).then_some(Held { slot: 0, kind: Kind::Any });
        maker.function(*entry, first);
    }
    maker.codes.into()
}

/// Leaves a word to the loop.
const LEFT: Code = Code::op(leave, 0, 0, 0);

struct Maker<'c> {
    code: &'c InterpCode,
    codes: Vec<Code>,
}

impl Maker<'_> {
    /// Makes the codes of a function; `first` is what is held where it begins.
    fn function(&mut self, entry: FuncEntry, first: Option<Held>) {
        let words = self.code.words.get(entry.word as usize..entry.end as usize).unwrap_or(&[]);
        let mut held = None;
        let mut index = entry.word;
        let mut rest = words;
        while let Some((&word, behind)) = rest.split_first() {
            let ext = behind.first().copied().filter(|ext| ext.op == WordOp::Ext);
            if word.op == WordOp::Fuel {
                let before = if index == entry.word { first } else { self.returned(index) };
                held = before.filter(|held| word.x == 0 && held.slot <= u16::MAX.into());
                let slot = held.map_or(0, |held| held.slot as u16);
                self.codes.push(Code::op(FORMS[word.op as usize].set.plain, slot, 0, word.a));
            } else {
                let forms = &FORMS[word.op as usize];
                let made = encode(word, ext, forms, held);
                held = made.as_ref().and_then(|_| result(word, forms));
                let (code, second) = made.unwrap_or((LEFT, LEFT));
                self.codes.push(code);
                self.codes.extend(ext.map(|_| second));
            }
            let words = 1 + usize::from(ext.is_some());
            index += words as u32;
            rest = rest.get(words..).unwrap_or(&[]);
        }
    }

    /// What is held behind the word before this one, a `Fuel` word that no branch goes to: what the call there returns.
    fn returned(&self, index: u32) -> Option<Held> {
        let before = index.checked_sub(1)?;
        let word = self.code.words.get(before as usize)?;
        let call = if word.op == WordOp::Ext { before.checked_sub(1)? } else { before };
        let slot = self.code.returned_slot(call)?;
        Some(Held { slot, kind: Kind::Any })
    }
}

/// The slot that a word leaves in an accumulator.
fn result(word: Word, forms: &Forms) -> Option<Held> {
    (forms.kinds.result != Kind::Other).then_some(Held { slot: word.a, kind: forms.kinds.result })
}

/// The code of a word, and that of its `Ext` word. `None` if it must be left to the loop.
fn encode(word: Word, ext: Option<Word>, forms: &Forms, held: Option<Held>) -> Option<(Code, Code)> {
    let slot = |slot: u32| u16::try_from(slot).ok();
    let (kinds, set) = (forms.kinds, &forms.set);
    // The handler for operands in these slots.
    let handler = |set: &Set, left: u32, right: Option<u32>| match right {
        _ if Held::is(held, left, kinds.left) => set.left,
        Some(right) if Held::is(held, right, kinds.right) => set.right,
        _ => set.plain,
    };
    let code = match forms.layout {
        Layout::Left | Layout::Fuel => return None,
        Layout::Word => Code::op(set.plain, 0, 0, 0),
        Layout::Slots | Layout::FourSlots if word.x != 0 => return None,
        Layout::Slots => {
            let (a, b, c) = (slot(word.a)?, slot(word.b)?, slot(word.c)?);
            Code::op(handler(set, word.b, Some(word.c)), a, b, c.into())
        }
        Layout::FourSlots => {
            let (a, b, c) = (slot(word.a)?, slot(word.b)?, slot(word.c)?);
            let second = Code::op(leave, a, slot(ext?.b)?, 0);
            return Some((Code::op(set.plain, a, b, c.into()), second));
        }
        Layout::Imm => Code::op(handler(set, word.b, None), slot(word.a)?, slot(word.b)?, word.c),
        Layout::Branch | Layout::BranchImm => {
            let ext = ext?;
            let (right, imm) = match forms.layout {
                Layout::Branch => (Some(word.b), 0),
                _ => (None, word.b),
            };
            let set = match (ext.x, word.x) {
                (1.., _) if ext.b == NEXT_SEGMENT => &forms.other_next,
                (_, 1..) if word.c == NEXT_SEGMENT => &forms.taken_next,
                _ => set,
            };
            // A step's result is not stored before the test.
            let handler = match ext.a {
                0 => handler(set, word.a, right),
                _ if right == Some(word.a) => return None,
                _ => set.other,
            };
            let edge = Edge { other: ext.b, imm, step: ext.a, cost: word.x, other_cost: ext.x };
            let code = Code::op(handler, slot(word.a)?, slot(right.unwrap_or(0))?, word.c);
            return Some((code, Code::edge(edge)));
        }
        Layout::Load | Layout::Store => {
            let (a, b) = (slot(word.a)?, slot(word.b)?);
            if word.x == 0 {
                let handler = match forms.layout {
                    Layout::Load => handler(set, word.b, None),
                    _ => handler(set, word.a, Some(word.b)),
                };
                Code::op(handler, a, b, word.c)
            } else {
                let offset = u32::from(slot(word.c)?);
                Code::op(set.other, a, b, u32::from(word.x) << 16 | offset)
            }
        }
        Layout::Const => {
            // 32 bits of the number with sign, or its upper half.
            let value = u64::from(word.b) | u64::from(word.c) << 32;
            let a = slot(word.a)?;
            match i32::try_from(value as i64) {
                Ok(value) => Code::op(set.left, a, 0, value as u32),
                Err(_) if word.b == 0 => Code::op(set.right, a, 0, word.c),
                Err(_) => Code::op(set.plain, a, 0, 0),
            }
        }
        Layout::Jump if word.x != 0 && word.c == NEXT_TO_JUMP => Code::op(set.left, word.x, 0, 0),
        Layout::Jump => Code::op(set.plain, word.x, 0, word.c),
        Layout::Call1 => {
            let (ext, up, arg) = (ext?, slot(word.b)?, slot(word.c)?);
            let link = u64::from(ext.b) | u64::from(ext.c) << 32;
            let reach = u32::from(up) + u32::from(word.x);
            let callee = Callee { link, reach, cost: ext.x, pad: 0 };
            let code = Code::op(handler(set, word.c, None), up, arg, ext.a);
            return Some((code, Code::callee(callee)));
        }
        Layout::Return1 => Code::op(handler(set, word.a, None), slot(word.a)?, 0, 0),
    };
    Some((code, LEFT))
}
