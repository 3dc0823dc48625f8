//! The values of number and text tokens.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use crate::text::unescape;

/// Why a literal has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadLiteral {
    /// Not a number of the kind that is needed.
    Malformed,
    /// A number outside the range.
    Range,
    /// An unknown or incomplete escape, at this byte of the token.
    Escape(usize),
    /// Not pairs of hex digits.
    HexDigits,
}

/// Sign and magnitude of an integer token: decimal, `0x` or `0b`, with `_` between digits.
fn magnitude(text: &str) -> Result<(bool, u64), BadLiteral> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', rest @ ..] => (16, rest),
        [b'0', b'b' | b'B', rest @ ..] => (2, rest),
        rest => (10u32, rest),
    };
    let mut value = 0u64;
    let mut any = false;
    let mut overflow = false;
    for &byte in digits {
        if byte == b'_' && any {
            continue;
        }
        let digit = char::from(byte).to_digit(radix).ok_or(BadLiteral::Malformed)?;
        any = true;
        match value.checked_mul(u64::from(radix)).and_then(|v| v.checked_add(u64::from(digit))) {
            Some(next) => value = next,
            None => overflow = true,
        }
    }
    match (any, overflow) {
        (false, _) => Err(BadLiteral::Malformed),
        (_, true) => Err(BadLiteral::Range),
        _ => Ok((negative, value)),
    }
}

/// The value of an unsigned integer token, at most `max`.
pub(super) fn unsigned(text: &str, max: u64) -> Result<u64, BadLiteral> {
    match magnitude(text)? {
        (false, value) if value <= max => Ok(value),
        (true, 0) => Ok(0),
        _ => Err(BadLiteral::Range),
    }
}

/// The value of a signed integer token.
pub(super) fn signed(text: &str) -> Result<i64, BadLiteral> {
    let (negative, value) = magnitude(text)?;
    if negative {
        // The magnitude of the smallest value has no positive twin.
        0i64.checked_sub_unsigned(value).ok_or(BadLiteral::Range)
    } else {
        i64::try_from(value).map_err(|_| BadLiteral::Range)
    }
}

/// The bits of a float token: decimal, `inf`, `nan`, or `nan:0x` with the exact bits.
pub(super) fn float(text: &str) -> Result<u64, BadLiteral> {
    const CANONICAL_NAN: u64 = 0x7ff8_0000_0000_0000;
    if let Some(bits) = text.strip_prefix("nan:") {
        let bits = unsigned(bits, u64::MAX)?;
        return if f64::from_bits(bits).is_nan() { Ok(bits) } else { Err(BadLiteral::Range) };
    }
    match text {
        "inf" => return Ok(f64::INFINITY.to_bits()),
        "-inf" => return Ok(f64::NEG_INFINITY.to_bits()),
        "nan" => return Ok(CANONICAL_NAN),
        _ => {}
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(BadLiteral::Malformed);
    }
    let plain: Cow<'_, str> =
        if text.contains('_') { Cow::Owned(text.replace('_', "")) } else { Cow::Borrowed(text) };
    let value: f64 = plain.parse().map_err(|_| BadLiteral::Malformed)?;
    // A finite numeral that reads as infinity is a typing error; infinity has a name.
    if value.is_finite() { Ok(value.to_bits()) } else { Err(BadLiteral::Range) }
}

/// The text of a token with its quotes.
pub(super) fn text(token: &str) -> Result<Cow<'_, str>, BadLiteral> {
    let inner = token.get(1..token.len().saturating_sub(1)).unwrap_or("");
    if !inner.contains('\\') {
        return Ok(Cow::Borrowed(inner));
    }
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let place = token.len() - 1 - escape.len();
        let (c, used) = unescape(escape).ok_or(BadLiteral::Escape(place))?;
        out.push(c);
        rest = escape.get(used..).unwrap_or("");
    }
    out.push_str(rest);
    Ok(Cow::Owned(out))
}

/// The bytes of a `hex"..."` token; blanks between pairs are allowed.
pub(super) fn hex_text(token: &str) -> Result<Vec<u8>, BadLiteral> {
    let inner = token.get(4..token.len().saturating_sub(1)).unwrap_or("");
    let mut out = Vec::with_capacity(inner.len() / 2);
    let mut bytes = inner.bytes().filter(|&b| b != b' ');
    while let Some(high) = bytes.next() {
        let low = bytes.next().ok_or(BadLiteral::HexDigits)?;
        out.push(hex_pair(high, low).ok_or(BadLiteral::HexDigits)?);
    }
    Ok(out)
}

/// The byte with these two hex digits.
pub(super) fn hex_pair(high: u8, low: u8) -> Option<u8> {
    let digit = |b: u8| char::from(b).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}
