//! Text templates: whether what the disassembler prints can be read back.

use crate::diag::Diags;
use crate::model::{Op, Spec};
use opforge_schema::{MAX_NAME, MAX_OPERANDS, TypeRule};

pub(super) fn lint(d: &mut Diags, spec: &Spec) {
    for op in spec.ops.iter().filter(|op| !op.damaged && op.operands.len() <= MAX_OPERANDS) {
        let at = op.text.as_ref().map_or(op.at, |t| t.at);
        match op.template() {
            Ok(code) => {
                if let Some(problem) = problem(op, &code) {
                    d.error("E040", at, format!("the text of \"{}\" {problem}", op.name.v));
                }
            }
            Err(name) => d.error("E040", at, format!("text names \"{name}\", which is not an operand")),
        }
    }
}

fn problem(op: &Op, code: &[u8]) -> Option<String> {
    if code.len() > MAX_NAME {
        return Some(format!("takes {} bytes; a row holds {MAX_NAME}", code.len()));
    }
    if let Some(pair) = code.windows(2).find(|w| w.iter().all(|b| *b >= 0x80)) {
        let name = |b: u8| op.operands.get(usize::from(b & 0x7f)).map_or("", |o| o.name.v.as_str());
        return Some(format!("has nothing between \"{}\" and \"{}\"", name(pair[0]), name(pair[1])));
    }
    if code.iter().any(|&b| b < 0x80 && !(b' '..=b'~').contains(&b) || b == b'}') {
        return Some("holds a brace or a character that is not printable ASCII".to_owned());
    }
    if code.first() == Some(&b' ') || code.last() == Some(&b' ') {
        return Some("begins or ends with a space".to_owned());
    }
    for (i, o) in op.operands.iter().enumerate() {
        let count = code.iter().filter(|&&b| b == 0x80 | i as u8).count();
        let effect = o.ty == TypeRule::Effect;
        match count {
            0 if !effect => return Some(format!("leaves out \"{}\"", o.name.v)),
            1 if !effect => {}
            0 => {}
            _ if effect => return Some(format!("prints the effect token \"{}\"", o.name.v)),
            _ => return Some(format!("prints \"{}\" twice", o.name.v)),
        }
    }
    None
}
