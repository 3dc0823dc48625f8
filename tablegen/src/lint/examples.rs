//! Examples: their bytes must decode with the row, encode back to the same bytes, and say what their text
//! says; their values must fit the operands.

use crate::codec::{self, Operand as Decoded};
use crate::diag::{Diags, plural};
use crate::emit::bytes::op_row;
use crate::model::{Example, Op, Spec};
use crate::source::At;
use opforge_schema::{Access, OperandKind, Rounding, TypeRule};

pub(super) fn lint(d: &mut Diags, spec: &Spec) {
    for op in spec.ops.iter().filter(|op| !op.damaged) {
        // Rows that could not be written have been reported.
        let writable = op.operands.len() <= 8 && op.rules.len() <= 4;
        for example in op.examples.iter().filter(|_| writable) {
            if let Err((at, problem)) = instruction(op, example) {
                d.error("E041", at, format!("example of \"{}\": {problem}", op.name.v));
            }
            values(d, op, example);
        }
    }
}

type Problem = (crate::source::Span, String);

fn instruction(op: &Op, example: &Example) -> Result<(), Problem> {
    let (bytes, at) = (&example.bytes.v, example.bytes.at);
    let head = codec::head(op.didx());
    if !bytes.starts_with(&head) {
        let head: Vec<String> = head.iter().map(|b| format!("{b:02x}")).collect();
        return Err((at, format!("the bytes do not begin with 0x{}", head.join(" "))));
    }
    let row = op_row(op);
    let operands =
        codec::decode(op.didx(), &row, bytes).map_err(|e| (at, format!("the bytes do not decode: {e}")))?;
    if codec::encode(op.didx(), &row, &operands) != *bytes {
        return Err((at, "the bytes are not the shortest form of the instruction".to_owned()));
    }
    text(op, &example.text.v, &operands).map_err(|problem| (example.text.at, problem))
}

/// Walks the template along the text and compares each operand with what the bytes hold.
fn text(op: &Op, text: &str, operands: &[Decoded]) -> Result<(), String> {
    let (word, mut rest) = text.split_once(' ').unwrap_or((text, ""));
    if word != op.mnemonic.v && !op.aliases.iter().any(|a| a.v == word) {
        return Err(format!("the text does not begin with {}", op.mnemonic.v));
    }
    let template = op.template().map_err(|_| "no template".to_owned())?;
    let mut codes = template.iter().copied().peekable();
    while let Some(code) = codes.next() {
        if code < 0x80 {
            rest = rest.strip_prefix(char::from(code)).ok_or_else(|| expected(&template[..], rest))?;
            continue;
        }
        let n = usize::from(code & 0x7f);
        let list = op.operands.get(n).is_some_and(|o| o.kind.encoding().is_list());
        let end = match (list, codes.peek()) {
            (true, _) => rest.find([')', ']']).map_or(rest.len(), |at| at + 1),
            (false, Some(&stop)) => rest.find(char::from(stop)).unwrap_or(rest.len()),
            (false, None) => rest.len(),
        };
        let (token, after) = rest.split_at(end);
        rest = after;
        if let (Some(o), Some(value)) = (op.operands.get(n), operands.get(n))
            && !says(o.kind, token, value)
        {
            return Err(format!("the text has \"{token}\" for \"{}\", the bytes have {value}", o.name.v));
        }
    }
    if rest.is_empty() { Ok(()) } else { Err(format!("the text goes on after the last operand: \"{rest}\"")) }
}

fn expected(template: &[u8], rest: &str) -> String {
    let operands = template.iter().filter(|b| **b >= 0x80).count();
    format!("the text does not have {operands} operands as the template says, near \"{rest}\"")
}

fn says(kind: OperandKind, token: &str, value: &Decoded) -> bool {
    use OperandKind as K;
    match (kind, value) {
        (K::Reg, Decoded::Bits(v)) => token == format!("r{v}"),
        (K::RegOpt, Decoded::Bits(v)) => {
            token == v.checked_sub(1).map_or("-".to_owned(), |register| format!("r{register}"))
        }
        (K::RegList, Decoded::List(list)) => {
            let inner = token.trim_matches(|c| matches!(c, '(' | ')' | '[' | ']'));
            let wanted: Vec<String> = list.iter().map(|v| format!("r{v}")).collect();
            inner.split(',').map(str::trim).filter(|t| !t.is_empty()).eq(wanted.iter())
        }
        (K::ImmBool, Decoded::Bits(v)) => token == if *v == 1 { "true" } else { "false" },
        (K::ImmF64, Decoded::Bits(v)) => token.parse::<f64>().is_ok_and(|f| f.to_bits() == *v),
        (K::ImmU8 | K::ImmU32 | K::ImmU64, Decoded::Bits(v)) => token == v.to_string(),
        (K::Rounding, Decoded::Bits(v)) => {
            Rounding::from_name(token).is_some_and(|mode| u64::from(mode.code()) == *v)
        }
        (K::ImmI64, Decoded::Signed(v)) => token == v.to_string(),
        // Ids and targets are written by name; which index a name gets is up to the program around them.
        _ => !token.is_empty(),
    }
}

fn values(d: &mut Diags, op: &Op, example: &Example) {
    if let Some(trap) = example.trap.as_ref().filter(|t| !op.traps.iter().any(|o| o.v == t.v)) {
        d.error("E032", trap.at, format!("\"{}\" does not list trap {}", op.name.v, trap.v.name()));
    }
    side(d, op, Access::Read, &example.inputs, example);
    if example.trap.is_none() {
        side(d, op, Access::Write, &example.outputs, example);
    }
}

fn side(d: &mut Diags, op: &Op, access: Access, given: &[At<String>], example: &Example) {
    let registers = op.operands.iter().filter(|o| o.access == access && o.ty != TypeRule::Effect);
    if op.operands.iter().any(|o| o.access == access && o.kind != OperandKind::Reg) {
        return;
    }
    let wanted: Vec<_> = registers.collect();
    if wanted.len() != given.len() {
        let word = if access == Access::Read { "reads" } else { "writes" };
        let message = format!(
            "example of \"{}\" has {}, but it {word} {}",
            op.name.v,
            plural(given.len(), "value"),
            wanted.len()
        );
        d.error("E041", example.text.at, message);
    }
    for (o, value) in wanted.iter().zip(given) {
        let class = if value.v == "dec" { "decimal" } else { &value.v };
        let fixed = TypeRule::from_name(class).is_some_and(|t| t == o.ty);
        if !fixed && !matches!(o.ty, TypeRule::Any | TypeRule::Same) {
            let message = format!("\"{}\" of \"{}\" is {}, not {class}", o.name.v, op.name.v, o.ty.name());
            d.error("E041", value.at, message);
        }
    }
}
