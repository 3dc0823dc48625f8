//! Programs with random bodies in a fixed shell: mostly well typed, sometimes wrong in one place.
//!
//! Instructions are made from the rows of the opcode tables; operands are chosen as their type rules say.

use super::Random;
use opforge_schema::{Access, IntrinsicRow, Lower, OpRow, OperandKind, Rule, Term, TypeRule};
use opforge_vm::ISA;
use opforge_vm::codec::{OperandValue, encode};
use std::fmt::Write;

/// Classes of registers in the shell; each has two that anything may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Unit,
    Bool,
    I64,
    U64,
    F64,
    Decimal,
    Bytes,
    Str,
    Tuple,
    Struct,
    Numbers,
    Prices,
    Func,
    Closure,
}

use Class::{Bool, Bytes, Closure, Decimal, F64, Func, I64, Numbers, Prices, Str, Struct, Tuple, U64, Unit};

const ALL: [Class; 14] =
    [Unit, Bool, I64, U64, F64, Decimal, Bytes, Str, Tuple, Struct, Numbers, Prices, Func, Closure];

/// Constants of the pool, in order.
const POOL: [Class; 8] = [Unit, Bool, I64, U64, F64, Decimal, Bytes, Str];

/// First register of the classes; parameters stand below.
const FIRST: u32 = 8;
/// Registers written once, with small constants: r40 an i64, r41 a u64, r42 an f64.
const CONSTANTS: u32 = 40;

const SHELL: &str = "\
.version 0.128
.const #0 unit
.const #1 true
.const #2 i64 7
.const #3 u64 3
.const #4 f64 1.5
.const #5 decimal(5, 1)
.const #6 hex\"00ff41\"
.const #7 \"aé\"
.struct Item { a: i64, b: str, c: decimal }
.elem numbers = i64
.elem prices = decimal
.host host = \"env.any\" (i64, decimal) -> (decimal, i64)
.memory small 0 1
.memory 1 3 export
.sig pair (i64, decimal) -> (decimal, i64)
";

const HEADERS: [&str; 3] = [
    ".func main(i64, decimal) -> (decimal, i64) {\n mov r12, r1\n mov r18, r2\n",
    ".func body(agg, i64, decimal) -> (decimal, i64) {\n mov r13, r2\n mov r19, r3\n",
    ".func other(i64, decimal) -> (decimal, i64) {\n mov r13, r1\n mov r18, r2\n",
];

/// Gives every register of the shell its first value.
const PROLOGUE: &str = "\
 const.unit r8\n const.unit r9\n const.bool r10, true\n const.bool r11, false
 const.pool r12, #2\n const.i64 r13, -1\n const.u64 r14, 1\n const.u64 r15, 0\n const.f64 r16, 0.5
 const.f64 r17, nan\n const.decimal r18, 15, 1\n const.decimal r19, -3, 1
 const.pool r20, #6\n const.pool r21, #6\n const.pool r22, #7\n const.pool r23, #7
 tuple.new r24, (r12, r22)\n tuple.new r25, (r13, r23)
 struct.new r26, Item, (r12, r22, r18)\n struct.new r27, Item, (r13, r23, r19)
 array.new r28, numbers, (r12, r13)\n array.new r29, numbers, ()
 array.new r30, prices, (r18)\n array.new r31, prices, (r19, r18, r18)
 const.func r32, &other\n const.func r33, &main\n const.func r43, &body
 closure.new r34, r43, r24\n closure.new r35, r32, r26
 const.i64 r40, 3\n const.u64 r41, 2\n const.f64 r42, 2.5\n";

fn reg(random: &mut Random, class: Class, access: Access) -> u32 {
    let index = ALL.iter().position(|&other| other == class).unwrap_or(0) as u32;
    let constant = match class {
        I64 => Some(0),
        U64 => Some(1),
        F64 => Some(2),
        _ => None,
    };
    match constant {
        Some(at) if access == Access::Read && random.once_in(3) => CONSTANTS + at,
        _ => FIRST + 2 * index + random.below(2) as u32,
    }
}

/// The random choices that the operands of one instruction share.
struct Choices {
    any: Class,
    pool: usize,
    array: usize,
    func: usize,
    index: u32,
    intrinsic: &'static IntrinsicRow,
}

/// The classes of an intrinsic's slots.
fn slots(tags: &[u8]) -> Vec<Class> {
    let class = |&tag: &u8| POOL.get(usize::from(tag)).copied().expect("a class that constants have");
    tags.iter().map(class).collect()
}

impl Choices {
    fn elem(&self) -> Class {
        [I64, Decimal][self.array]
    }

    fn array(&self) -> Class {
        [Numbers, Prices][self.array]
    }

    /// The class of a register that a rule asks for.
    fn class(&self, row: &OpRow, rule: TypeRule) -> Class {
        match rule {
            TypeRule::Bool => Bool,
            TypeRule::I64 => I64,
            TypeRule::U64 => U64,
            TypeRule::F64 => F64,
            TypeRule::Decimal => Decimal,
            TypeRule::Bytes => Bytes,
            TypeRule::Str => Str,
            TypeRule::Agg | TypeRule::Tuple | TypeRule::TupleOf => Tuple,
            TypeRule::Struct | TypeRule::StructOf => Struct,
            TypeRule::Array | TypeRule::ArrayOf => self.array(),
            TypeRule::Func => Func,
            TypeRule::Closure => Closure,
            TypeRule::Callee => [Func, Closure][self.func % 2],
            TypeRule::Any | TypeRule::Same => self.any,
            TypeRule::ConstOf => POOL[self.pool],
            TypeRule::ElementOf => {
                let from = row.operands().iter().map(|operand| operand.ty());
                match from
                    .into_iter()
                    .find(|ty| matches!(ty, TypeRule::Tuple | TypeRule::Struct | TypeRule::Array))
                {
                    Some(TypeRule::Tuple) => [I64, Str][self.index as usize % 2],
                    Some(TypeRule::Struct) => [I64, Str, Decimal][self.index as usize % 3],
                    _ => self.elem(),
                }
            }
            _ => Unit,
        }
    }

    /// The classes of a list.
    fn list(&self, random: &mut Random, row: &OpRow, rule: TypeRule) -> Vec<Class> {
        match rule {
            TypeRule::FieldsOf => vec![I64, Str, Decimal],
            TypeRule::ElemsOf => vec![self.elem(); random.below(4)],
            TypeRule::ParamsOf if row.lower() == Lower::Intrinsic => slots(self.intrinsic.arg_slots()),
            TypeRule::ResultsOf if row.lower() == Lower::Intrinsic => slots(self.intrinsic.ret_slots()),
            TypeRule::ParamsOf
                if row.operands().iter().any(|o| o.kind() == OperandKind::FuncId) && self.func == 1 =>
            {
                vec![Tuple, I64, Decimal]
            }
            TypeRule::ParamsOf => vec![I64, Decimal],
            TypeRule::ResultsOf => vec![Decimal, I64],
            // The one shape that registers for tuples have.
            _ => vec![I64, Str],
        }
    }

    fn immediate(&self, random: &mut Random, row: &OpRow, kind: OperandKind) -> u64 {
        match kind {
            OperandKind::ImmBool => random.next() & 1,
            OperandKind::ImmU8 | OperandKind::Rounding => random.below(4) as u64,
            OperandKind::ImmU32 => match row.operands().iter().find_map(|operand| match operand.ty() {
                TypeRule::Tuple => Some(2),
                TypeRule::Struct => Some(3),
                _ => None,
            }) {
                Some(len) => u64::from(self.index) % len,
                None => u64::from(self.index),
            },
            // The last two of the pool are bytes and text.
            OperandKind::ConstId if row.rules().any(|rule| rule.rule() == Rule::ConstIsData) => {
                POOL.len() as u64 - 1 - (self.pool as u64 & 1)
            }
            OperandKind::ConstId => self.pool as u64,
            OperandKind::FuncId => self.func as u64,
            OperandKind::ElemTypeId => self.array as u64,
            OperandKind::MemId => random.below(2) as u64,
            OperandKind::IntrinsicId if random.once_in(16) => random.below(1 << 16) as u64,
            OperandKind::IntrinsicId => self.intrinsic.id.get().into(),
            OperandKind::HostSigId | OperandKind::CallSigId | OperandKind::TypeId => 0,
            _ if random.once_in(2) => random.next(),
            _ => random.below(4) as u64,
        }
    }
}

/// An instruction as bytes; now and then with a register that does not fit.
fn instruction(random: &mut Random, didx: u16, row: &OpRow, wrong: bool) -> Vec<u8> {
    let choices = Choices {
        any: *random.pick(&ALL),
        pool: random.below(POOL.len()),
        array: random.below(2),
        func: random.below(3),
        index: random.below(5) as u32,
        intrinsic: random.pick(ISA.intrinsics),
    };
    let mut scalars = Vec::new();
    for operand in row.operands() {
        scalars.push(match operand.kind() {
            OperandKind::Reg if operand.ty() == TypeRule::Effect => (0, Vec::new()),
            OperandKind::Reg if wrong && random.once_in(2) => (random.below(50) as u64, Vec::new()),
            OperandKind::Reg => {
                let class = choices.class(row, operand.ty());
                (u64::from(reg(random, class, operand.access())), Vec::new())
            }
            OperandKind::RegList => {
                let classes = choices.list(random, row, operand.ty());
                (0, classes.into_iter().map(|class| reg(random, class, operand.access())).collect())
            }
            kind => (choices.immediate(random, row, kind), Vec::new()),
        });
    }
    let values: Vec<_> = row
        .operands()
        .iter()
        .zip(&scalars)
        .map(|(operand, (scalar, list))| match operand.kind() {
            OperandKind::RegList => OperandValue::List(list),
            _ => OperandValue::Scalar(*scalar),
        })
        .collect();
    let mut bytes = Vec::new();
    encode(&ISA, didx, &values, &mut bytes).unwrap_or_else(|e| panic!("{}: {e}", ISA.name(didx)));
    bytes
}

/// A program as text: its bodies are random blocks, each with a way out to another.
pub(crate) fn program(random: &mut Random) -> String {
    // Session instructions need endpoints in a certain state; they have generators of their own.
    let single = |row: &OpRow| row.term() == Term::None && row.lower() != Lower::Session;
    let plain: Vec<_> = ISA.iter().filter(|(_, row)| single(row)).collect();
    let tails: Vec<_> = ISA.iter().filter(|(_, row)| row.term() == Term::TailCall).collect();
    let compares: Vec<_> = plain
        .iter()
        .copied()
        .filter(|(_, row)| row.operands().len() == 3 && row.operands()[0].ty() == TypeRule::Bool)
        .collect();
    let mut text = SHELL.to_owned();
    let mut wrong = random.once_in(4).then(|| random.below(40));
    for header in HEADERS {
        text.push_str(header.split_inclusive('\n').next().unwrap_or(header));
        text.push_str(PROLOGUE);
        header.split_inclusive('\n').skip(1).for_each(|line| text.push_str(line));
        text.push_str(" jmp @0\n");
        let blocks = 1 + random.below(5);
        for block in 0..blocks {
            let _ = writeln!(text, "@{block}:");
            for _ in 0..random.below(8) {
                let &(didx, row) = random.pick(&plain);
                let here = wrong == Some(0);
                wrong = wrong.and_then(|left| left.checked_sub(1));
                raw(&mut text, &instruction(random, didx, row, here));
            }
            let (a, b) = (random.below(blocks), random.below(blocks));
            let _ = match random.below(10) {
                0 => writeln!(text, " jmp @{a}"),
                8 => {
                    let index = reg(random, U64, Access::Read);
                    let entries: Vec<_> =
                        (0..random.below(5)).map(|_| format!("@{}", random.below(blocks))).collect();
                    writeln!(text, " br_table r{index}, ({}), @{b}", entries.join(", "))
                }
                9 => {
                    let &(didx, row) = random.pick(&tails);
                    raw(&mut text, &instruction(random, didx, row, false));
                    Ok(())
                }
                1 => writeln!(text, " br r{}, @{a}, @{b}", 10 + random.below(2)),
                2 => writeln!(text, " trap {a}"),
                3..=5 => {
                    // A comparison right before the branch on it.
                    let &(didx, row) = random.pick(&compares);
                    let bytes = instruction(random, didx, row, false);
                    raw(&mut text, &bytes);
                    writeln!(text, " br r{}, @{a}, @{b}", bytes[1])
                }
                _ => writeln!(text, " ret (r{}, r{})", 18 + random.below(2), 12 + random.below(2)),
            };
        }
        text.push_str("}\n");
    }
    text
}

fn raw(text: &mut String, bytes: &[u8]) {
    text.push_str(" .raw");
    bytes.iter().for_each(|byte| {
        let _ = write!(text, " {byte:02x}");
    });
    text.push('\n');
}
