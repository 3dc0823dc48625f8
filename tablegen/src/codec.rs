//! The operand encodings, for checks at generation time: examples must encode what their text says, and
//! every row must decode what it encodes. The VM has its own codec; this one shares no code with it.

use crate::diag::plural;
use opforge_schema::{Encoding, OpRow, OperandRow, Rounding};

/// The value of one operand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// An unsigned or bit-pattern value.
    Bits(u64),
    /// A signed value.
    Signed(i64),
    /// A list of indices.
    List(Vec<u32>),
}

impl std::fmt::Display for Operand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bits(v) => write!(f, "{v}"),
            Self::Signed(v) => write!(f, "{v}"),
            Self::List(list) => write!(f, "{list:?}"),
        }
    }
}

/// The prefix of pages other than 0.
const PAGE_PREFIX: u8 = 0xFC;

/// The bytes of an opcode: one on page 0, else the prefix, the page and the byte.
#[must_use]
pub fn head(didx: u16) -> Vec<u8> {
    match didx.to_be_bytes() {
        [0, byte] => vec![byte],
        [page, byte] => vec![PAGE_PREFIX, page, byte],
    }
}

/// The bytes of an instruction; the operands must fit the row.
#[must_use]
pub fn encode(didx: u16, row: &OpRow, operands: &[Operand]) -> Vec<u8> {
    let mut out = head(didx);
    for (o, value) in row.operands().iter().zip(operands) {
        match (o.enc(), value) {
            (Encoding::Sleb64, Operand::Signed(v)) => sleb(&mut out, *v),
            (Encoding::U64Le, Operand::Bits(v)) => out.extend_from_slice(&v.to_le_bytes()),
            (Encoding::U8 | Encoding::Bool8 | Encoding::Rounding8, Operand::Bits(v)) => out.push(*v as u8),
            (Encoding::Uleb32Wide, Operand::Bits(v)) => wide(&mut out, *v),
            (Encoding::Uleb32WideList, Operand::List(list)) => {
                uleb(&mut out, list.len() as u64);
                list.iter().for_each(|v| wide(&mut out, u64::from(*v)));
            }
            (_, Operand::Bits(v)) => uleb(&mut out, *v),
            (_, Operand::List(list)) => {
                uleb(&mut out, list.len() as u64);
                list.iter().for_each(|v| uleb(&mut out, u64::from(*v)));
            }
            (_, Operand::Signed(_)) => {}
        }
    }
    out
}

/// The operands of the one instruction that `bytes` hold, opcode included.
///
/// # Errors
/// What does not fit the row.
pub fn decode(didx: u16, row: &OpRow, bytes: &[u8]) -> Result<Vec<Operand>, String> {
    let mut at = bytes.strip_prefix(&head(didx)[..]).ok_or("they are another opcode")?;
    let operands = row.operands().iter().map(|o| operand(o, &mut at)).collect::<Result<_, _>>()?;
    match at {
        [] => Ok(operands),
        rest => Err(format!("{} too many", plural(rest.len(), "byte"))),
    }
}

fn operand(o: &OperandRow, at: &mut &[u8]) -> Result<Operand, String> {
    let name = o.kind().name();
    let value = match o.enc() {
        Encoding::None => return Err(format!("{name} has no encoding")),
        // What is optional is read and written as it stands in the bytes: 0, or one more than the value.
        Encoding::Uleb32 | Encoding::Uleb32Opt => u64::from(read_u32(at)?),
        Encoding::Uleb32Wide => u64::from(read_wide(at)?),
        Encoding::Uleb64 => read_uleb(at, 64)?,
        Encoding::Sleb64 => return read_sleb(at).map(Operand::Signed),
        Encoding::U8 => u64::from(byte(at)?),
        Encoding::Bool8 => match byte(at)? {
            b @ 0..=1 => u64::from(b),
            b => return Err(format!("{b:#04x} is no boolean")),
        },
        Encoding::Rounding8 => {
            let b = byte(at)?;
            let mode = Rounding::from_code(b).ok_or_else(|| format!("{b:#04x} is no rounding mode"))?;
            u64::from(mode.code())
        }
        Encoding::U64Le => {
            let (head, rest) = at.split_first_chunk().ok_or("the bytes end inside a value")?;
            *at = rest;
            u64::from_le_bytes(*head)
        }
        Encoding::Uleb32List => {
            let count = read_u32(at)? as usize;
            if count > at.len() {
                return Err(format!("a list of {count} entries in {} bytes", at.len()));
            }
            return (0..count).map(|_| read_u32(at)).collect::<Result<_, _>>().map(Operand::List);
        }
        Encoding::Uleb32WideList => {
            let count = read_u32(at)? as usize;
            if count > at.len() / 5 {
                return Err(format!("a list of {count} branch targets in {} bytes", at.len()));
            }
            return (0..count).map(|_| read_wide(at)).collect::<Result<_, _>>().map(Operand::List);
        }
    };
    Ok(Operand::Bits(value))
}

fn byte(at: &mut &[u8]) -> Result<u8, String> {
    let (first, rest) = at.split_first().ok_or("the bytes end too early")?;
    *at = rest;
    Ok(*first)
}

fn read_u32(at: &mut &[u8]) -> Result<u32, String> {
    u32::try_from(read_uleb(at, 32)?).map_err(|_| "a number over 32 bits".to_owned())
}

/// A number in exactly five bytes.
fn read_wide(at: &mut &[u8]) -> Result<u32, String> {
    let taken = at.get(..5).ok_or("the bytes end inside a branch target")?;
    if taken[..4].iter().any(|b| b & 0x80 == 0) {
        return Err("a branch target takes five bytes".to_owned());
    }
    read_u32(at)
}

fn read_uleb(at: &mut &[u8], bits: u32) -> Result<u64, String> {
    let mut value = 0u64;
    for i in 0..bits.div_ceil(7) {
        let b = byte(at)?;
        let part = u64::from(b & 0x7f);
        if (part << (7 * i)) >> (7 * i) != part {
            return Err("a number over 64 bits".to_owned());
        }
        value |= part << (7 * i);
        if b & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err("a number that does not end".to_owned())
}

fn read_sleb(at: &mut &[u8]) -> Result<i64, String> {
    let mut value = 0i128;
    for i in 0..10 {
        let b = byte(at)?;
        value |= i128::from(b & 0x7f) << (7 * i);
        if b & 0x80 == 0 {
            if b & 0x40 != 0 {
                value -= 1i128 << (7 * (i + 1));
            }
            return i64::try_from(value).map_err(|_| "a number over 64 bits".to_owned());
        }
    }
    Err("a number that does not end".to_owned())
}

fn wide(out: &mut Vec<u8>, v: u64) {
    out.extend((0..5).map(|i| (v >> (7 * i)) as u8 & 0x7f | u8::from(i < 4) << 7));
}

fn uleb(out: &mut Vec<u8>, mut v: u64) {
    while v >= 0x80 {
        out.push(v as u8 | 0x80);
        v >>= 7;
    }
    out.push(v as u8);
}

fn sleb(out: &mut Vec<u8>, mut v: i64) {
    loop {
        let b = v as u8 & 0x7f;
        v >>= 7;
        if (v == 0 && b & 0x40 == 0) || (v == -1 && b & 0x40 != 0) {
            out.push(b);
            return;
        }
        out.push(b | 0x80);
    }
}
