//! Writing instructions: the inverse of decoding, from the same rows.

use super::code::OperandValue;
use super::error::{EncodeError, EncodeErrorKind};
use super::{PAGE_PREFIX, leb};
use alloc::vec::Vec;
use opforge_schema::{Encoding, Isa, OperandRow, Rounding};

/// Appends one instruction to `out`: opcode `didx` of `isa` with these operands in encoding order.
///
/// # Errors
/// [`EncodeError`] if there is no such opcode or an operand does not fit; `out` is then as it was.
pub fn encode(
    isa: &Isa<'_>,
    didx: u16,
    operands: &[OperandValue<'_>],
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let unknown = EncodeError { operand: None, kind: EncodeErrorKind::UnknownOpcode { didx } };
    let row = isa.op(didx).ok_or(unknown)?;
    let expected = row.operands().len();
    if operands.len() != expected {
        let kind = EncodeErrorKind::OperandCount { expected: expected as u8, given: operands.len() };
        return Err(EncodeError { operand: None, kind });
    }
    let start = out.len();
    match didx.to_be_bytes() {
        [0, PAGE_PREFIX] => return Err(unknown),
        [0, byte] => out.push(byte),
        [page, byte] => out.extend_from_slice(&[PAGE_PREFIX, page, byte]),
    }
    for (i, (row, &value)) in row.operands().iter().zip(operands).enumerate() {
        if let Err(kind) = encode_operand(row, value, out) {
            out.truncate(start);
            return Err(EncodeError { operand: Some(i as u8), kind });
        }
    }
    Ok(())
}

fn encode_operand(
    row: &OperandRow,
    value: OperandValue<'_>,
    out: &mut Vec<u8>,
) -> Result<(), EncodeErrorKind> {
    let enc = row.enc();
    let value = match (enc, value) {
        (Encoding::Uleb32List, OperandValue::List(list)) => return encode_list(list, out, leb::write_uleb),
        (Encoding::Uleb32WideList, OperandValue::List(list)) => {
            return encode_list(list, out, |out, entry| leb::write_uleb32_wide(out, entry as u32));
        }
        (Encoding::Uleb32Opt, OperandValue::Opt(reg)) => {
            // One more than the greatest register would be no register any more.
            let word = reg.map_or(Some(0), |reg| reg.checked_add(1));
            let too_large = EncodeErrorKind::ValueTooLarge { value: u64::from(u32::MAX) };
            leb::write_uleb(out, u64::from(word.ok_or(too_large)?));
            return Ok(());
        }
        (Encoding::Uleb32List | Encoding::Uleb32WideList | Encoding::Uleb32Opt, OperandValue::Scalar(_))
        | (_, OperandValue::List(_) | OperandValue::Opt(_)) => {
            return Err(EncodeErrorKind::WrongForm);
        }
        (_, OperandValue::Scalar(value)) => value,
    };
    let too_large = EncodeErrorKind::ValueTooLarge { value };
    match enc {
        Encoding::None if value == 0 => {}
        Encoding::Uleb32 if value <= u64::from(u32::MAX) => leb::write_uleb(out, value),
        Encoding::Uleb32Wide => leb::write_uleb32_wide(out, u32::try_from(value).map_err(|_| too_large)?),
        Encoding::Uleb64 => leb::write_uleb(out, value),
        Encoding::Sleb64 => leb::write_sleb(out, value),
        Encoding::U8 => out.push(u8::try_from(value).map_err(|_| too_large)?),
        Encoding::Bool8 if value <= 1 => out.push(value as u8),
        Encoding::Rounding8 => {
            let mode = u8::try_from(value).ok().and_then(Rounding::from_code);
            out.push(mode.ok_or(too_large)?.code());
        }
        Encoding::U64Le => out.extend_from_slice(&value.to_le_bytes()),
        Encoding::None
        | Encoding::Uleb32
        | Encoding::Bool8
        | Encoding::Uleb32List
        | Encoding::Uleb32WideList
        | Encoding::Uleb32Opt => return Err(too_large),
    }
    Ok(())
}

fn encode_list(
    list: &[u32],
    out: &mut Vec<u8>,
    write: impl Fn(&mut Vec<u8>, u64),
) -> Result<(), EncodeErrorKind> {
    let count = u32::try_from(list.len()).map_err(|_| EncodeErrorKind::ListTooLong)?;
    leb::write_uleb(out, u64::from(count));
    for &entry in list {
        write(out, u64::from(entry));
    }
    Ok(())
}
