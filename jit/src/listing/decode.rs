//! Bytes to text, by the disassembler for the host's architecture. Bytes come from the code generator; those that do
//! not decode are shown as bytes.

use std::fmt::Write as _;

/// What stands at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decoded {
    /// Its bytes.
    pub(super) len: usize,
    pub(super) text: String,
    /// Where in the code it reads a constant.
    pub(super) reads: Option<usize>,
}

/// Whether the constants of a part of so many bytes all stand behind its code. Elsewhere than on x86-64, loads of
/// constants reach a megabyte, and larger parts have some in the middle.
pub(super) fn constants_last(size: usize) -> bool {
    cfg!(target_arch = "x86_64") || size <= 1 << 20
}

/// The instruction that begins with these bytes and stands at `offset`.
pub(super) fn instruction(bytes: &[u8], offset: usize) -> Decoded {
    host(bytes, offset).unwrap_or_else(|| pieces(bytes, 1))
}

/// A constant, or a part of one: up to eight bytes.
pub(super) fn data(bytes: &[u8]) -> Decoded {
    match bytes.first_chunk::<8>() {
        Some(quad) => {
            Decoded { len: 8, text: format!(".quad 0x{:x}", u64::from_le_bytes(*quad)), reads: None }
        }
        None => pieces(bytes, bytes.len()),
    }
}

/// Zeros that align what follows.
pub(super) fn padding(bytes: &[u8]) -> Decoded {
    Decoded { len: bytes.len(), text: format!(".zero {}", bytes.len()), reads: None }
}

fn pieces(bytes: &[u8], count: usize) -> Decoded {
    let mut text = String::from(".byte");
    for (i, byte) in bytes.iter().take(count).enumerate() {
        let _ = write!(text, "{} 0x{byte:02x}", if i == 0 { "" } else { "," });
    }
    Decoded { len: count, text, reads: None }
}

#[cfg(target_arch = "x86_64")]
fn host(bytes: &[u8], offset: usize) -> Option<Decoded> {
    use yaxpeax_arch::{Decoder, LengthedInstruction, U8Reader};
    use yaxpeax_x86::amd64::InstDecoder;
    let instr = InstDecoder::default().decode(&mut U8Reader::new(bytes)).ok()?;
    let len = usize::try_from(instr.len().to_const()).ok().filter(|&len| len <= bytes.len())?;
    let end = offset + len;
    let text = instr.to_string();
    let (text, _) = resolve(&text, "$", end);
    let reads = resolve(&text, "rip ", end).1;
    Some(Decoded { len, text, reads })
}

#[cfg(target_arch = "aarch64")]
fn host(bytes: &[u8], offset: usize) -> Option<Decoded> {
    use yaxpeax_arch::{Decoder, U8Reader};
    use yaxpeax_arm::armv8::a64::InstDecoder;
    let word = bytes.get(..4)?;
    let Ok(instr) = InstDecoder::default().decode(&mut U8Reader::new(word)) else {
        let text = format!(".word 0x{:08x}", u32::from_le_bytes(word.try_into().ok()?));
        return Some(Decoded { len: 4, text, reads: None });
    };
    let (text, target) = resolve(&instr.to_string(), "$", offset);
    Some(Decoded { len: 4, reads: target.filter(|_| text.starts_with("ldr")), text })
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn host(_: &[u8], _: usize) -> Option<Decoded> {
    None
}

/// Replaces a distance such as `$+0x10` by the offset it means, counted from `origin`. `mark` stands in front of the
/// sign. Returns the text and the offset.
fn resolve(text: &str, mark: &str, origin: usize) -> (String, Option<usize>) {
    let found = text.split_once(mark).and_then(|(before, rest)| {
        let (sign, rest) = (rest.chars().next()?, rest.get(1..)?.trim_start());
        let digits = rest.strip_prefix("0x")?;
        let end = digits.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(digits.len());
        let (digits, after) = digits.split_at(end);
        let distance = usize::from_str_radix(digits, 16).ok()?;
        let target = match sign {
            '+' => origin.checked_add(distance)?,
            '-' => origin.checked_sub(distance)?,
            _ => return None,
        };
        Some((format!("{before}0x{target:x}{after}"), target))
    });
    found.map_or_else(|| (text.to_owned(), None), |(text, target)| (text, Some(target)))
}
