//! Makes codes from words.

use super::code::{Callee, Code, Edge};
use super::form::{Forms, Layout, NEXT_SEGMENT, NEXT_TO_JUMP, Set};
use super::handlers::{FORMS, leave};
use super::pairs::{self, Side};
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

/// A word that may be the first of a pair.
#[derive(Clone, Copy)]
struct Lead {
    op: WordOp,
    /// Whether it takes its left operand from an accumulator.
    from_accumulator: bool,
    /// What it leaves there.
    result: Held,
}

impl Maker<'_> {
    /// Makes the codes of a function; `first` is what is held where it begins.
    fn function(&mut self, entry: FuncEntry, first: Option<Held>) {
        let words = self.code.words.get(entry.word as usize..entry.end as usize).unwrap_or(&[]);
        let (mut held, mut lead) = (None, None);
        let mut at = 0;
        while let Some(&word) = words.get(at) {
            let forms = &FORMS[word.op as usize];
            match forms.layout {
                Layout::Fuel => {
                    let before = if at == 0 { first } else { self.returned(entry.word + at as u32) };
                    held = before.filter(|held| word.x == 0 && held.slot <= u16::MAX.into());
                    lead = None;
                    let slot = held.map_or(0, |held| held.slot as u16);
                    self.codes.push(Code::op(forms.set.plain, slot, 0, word.a));
                    at += 1;
                }
                Layout::Slots | Layout::Imm => {
                    (held, lead) = self.simple(word, forms, held, lead);
                    at += 1;
                }
                _ => {
                    let ext = words.get(at + 1).copied().filter(|ext| ext.op == WordOp::Ext);
                    at += 1 + usize::from(ext.is_some());
                    let made = encode(word, ext, forms, held);
                    held = made.as_ref().and_then(|_| result(word, forms));
                    let followed = made.is_some() && lead.is_some_and(|lead| self.pair(lead, word));
                    let made = made.unwrap_or(Made::LEFT);
                    lead = match (held, ext) {
                        (Some(result), None) if !followed => {
                            Some(Lead { op: word.op, from_accumulator: made.from_accumulator, result })
                        }
                        _ => None,
                    };
                    self.codes.push(made.code);
                    self.codes.extend(ext.map(|_| made.second));
                }
            }
        }
    }

    /// Makes the code of a word with two or three slots, as most are.
    #[inline]
    fn simple(
        &mut self,
        word: Word,
        forms: &Forms,
        held: Option<Held>,
        lead: Option<Lead>,
    ) -> (Option<Held>, Option<Lead>) {
        let imm = forms.layout == Layout::Imm;
        // Fuel by size is for the loop to pay.
        if (word.a | word.b | if imm { 0 } else { word.c }) > u16::MAX.into() || word.x != 0 {
            self.codes.push(LEFT);
            return (None, None);
        }
        let from_accumulator = Held::is(held, word.b, forms.kinds.left);
        let handler = if from_accumulator {
            forms.set.left
        } else if !imm && Held::is(held, word.c, forms.kinds.right) {
            forms.set.right
        } else {
            forms.set.plain
        };
        let followed = lead.is_some_and(|lead| self.pair(lead, word));
        self.codes.push(Code::op(handler, word.a as u16, word.b as u16, word.c));
        let held = result(word, forms);
        let lead = held.filter(|_| !followed);
        (held, lead.map(|result| Lead { op: word.op, from_accumulator, result }))
    }

    /// Has the last code do this word, too, if the two are a pair.
    fn pair(&mut self, lead: Lead, word: Word) -> bool {
        let found = if matches!(word.op, WordOp::Jump | WordOp::Move1) {
            pairs::find_any(lead.op, word.op)
        } else if word.b == lead.result.slot {
            pairs::find(lead.op, word.op, Side::Left)
        } else if word.c == lead.result.slot {
            pairs::find(lead.op, word.op, Side::Right)
        } else {
            None
        };
        let (Some(pair), Some(code)) = (found, self.codes.last_mut()) else { return false };
        code.set_handler(pair.handler(lead.from_accumulator));
        true
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

/// What is made of a word.
struct Made {
    code: Code,
    /// Of its `Ext` word, if it has one.
    second: Code,
    /// Whether the left operand comes from an accumulator.
    from_accumulator: bool,
}

impl Made {
    /// Of a word that is left to the loop.
    const LEFT: Self = Self { code: LEFT, second: LEFT, from_accumulator: false };
}

/// A slot as codes have it.
fn slot(slot: u32) -> Option<u16> {
    u16::try_from(slot).ok()
}

/// The code of a word, and that of its `Ext` word. `None` if it must be left to the loop.
fn encode(word: Word, ext: Option<Word>, forms: &Forms, held: Option<Held>) -> Option<Made> {
    let (kinds, set) = (forms.kinds, &forms.set);
    let left = match forms.layout {
        Layout::Branch | Layout::BranchImm | Layout::Return1 | Layout::Store => word.a,
        Layout::Call1 => word.c,
        _ => word.b,
    };
    let from_accumulator = Held::is(held, left, kinds.left);
    // The handler for operands in these slots.
    let handler = |set: &Set, right: Option<u32>| match right {
        _ if from_accumulator => set.left,
        Some(right) if Held::is(held, right, kinds.right) => set.right,
        _ => set.plain,
    };
    let mut second = LEFT;
    let code = match forms.layout {
        // The last three are made elsewhere.
        Layout::Left | Layout::Fuel | Layout::Slots | Layout::Imm => return None,
        Layout::Word => Code::op(set.plain, 0, 0, 0),
        Layout::Host => Code::op(set.plain, slot(word.a)?, slot(word.b)?, word.c),
        // Fuel by size is for the loop to pay.
        Layout::FourSlots if word.x != 0 => return None,
        Layout::FourSlots => {
            let (a, b, c) = (slot(word.a)?, slot(word.b)?, slot(word.c)?);
            second = Code::op(leave, a, slot(ext?.b)?, 0);
            Code::op(set.plain, a, b, c.into())
        }
        Layout::Branch => {
            let (set, ext) = (ways(forms, word, ext?), ext?);
            // A step's result is not stored before the test.
            let handler = match ext.a {
                0 => handler(set, Some(word.b)),
                _ if word.b == word.a => return None,
                _ => set.other,
            };
            second = edge(word, ext, 0);
            Code::op(handler, slot(word.a)?, slot(word.b)?, word.c)
        }
        Layout::BranchImm => {
            let (set, ext) = (ways(forms, word, ext?), ext?);
            let handler = if ext.a == 0 { handler(set, None) } else { set.other };
            second = edge(word, ext, word.b);
            Code::op(handler, slot(word.a)?, 0, word.c)
        }
        Layout::Load if word.x == 0 => Code::op(handler(set, None), slot(word.a)?, slot(word.b)?, word.c),
        Layout::Store if word.x == 0 => {
            Code::op(handler(set, Some(word.b)), slot(word.a)?, slot(word.b)?, word.c)
        }
        Layout::Load | Layout::Store => {
            let offset = u32::from(slot(word.c)?);
            Code::op(set.other, slot(word.a)?, slot(word.b)?, u32::from(word.x) << 16 | offset)
        }
        Layout::Const => {
            // 32 bits of the number with sign, or its upper half.
            let value = u64::from(word.b) | u64::from(word.c) << 32;
            match i32::try_from(value as i64) {
                Ok(value) => Code::op(set.left, slot(word.a)?, 0, value as u32),
                Err(_) if word.b == 0 => Code::op(set.right, slot(word.a)?, 0, word.c),
                Err(_) => Code::op(set.plain, slot(word.a)?, 0, 0),
            }
        }
        Layout::Jump => {
            let next = word.x != 0 && word.c == NEXT_TO_JUMP;
            Code::op(if next { set.left } else { set.plain }, word.x, 0, word.c)
        }
        Layout::Call1 => {
            let (ext, up) = (ext?, slot(word.b)?);
            let link = u64::from(ext.b) | u64::from(ext.c) << 32;
            let reach = u32::from(up) + u32::from(word.x);
            second = Code::callee(Callee { link, reach, cost: ext.x, pad: 0 });
            Code::op(handler(set, None), up, slot(word.c)?, ext.a)
        }
        Layout::Return1 => Code::op(handler(set, None), slot(word.a)?, 0, 0),
    };
    Some(Made { code, second, from_accumulator })
}

/// The handlers of a branch by which of its ways leads to the segment behind it.
fn ways(forms: &Forms, word: Word, ext: Word) -> &Set {
    if ext.x != 0 && ext.b == NEXT_SEGMENT {
        &forms.other_next
    } else if word.x != 0 && word.c == NEXT_SEGMENT {
        &forms.taken_next
    } else {
        &forms.set
    }
}

/// What stands behind a branch.
fn edge(word: Word, ext: Word, imm: u32) -> Code {
    Code::edge(Edge { other: ext.b, imm, step: ext.a, cost: word.x, other_cost: ext.x })
}
