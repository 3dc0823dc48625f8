//! Literals and words of the text format, and showing untrusted text: which characters are hidden or dangerous
//! on a terminal, and how wide the others are.
//!
//! What is written here, the assembler reads back.

use core::fmt;

/// Whether a character is a control character, changes text direction, or has no width of its own: shown raw
/// it could hide or rearrange what stands around it.
pub(crate) const fn is_hidden(c: char) -> bool {
    matches!(c,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}'
        | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}' | '\u{e000}'..='\u{f8ff}'
        | '\u{f0000}'..='\u{10ffff}')
}

/// The terminal cells of a character that is shown: 2 for East Asian wide ones and emoji, 0 for combining
/// marks, else 1. A short list of ranges; a mistake only shifts a caret.
pub(crate) const fn width(c: char) -> usize {
    match c {
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{20d0}'..='\u{20f0}' => 0,
        '\u{1100}'..='\u{115e}'
        | '\u{2e80}'..='\u{303e}'
        | '\u{3041}'..='\u{33ff}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{a000}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1f64f}'
        | '\u{1f680}'..='\u{1f6ff}'
        | '\u{1f900}'..='\u{1f9ff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

/// Whether a word can start with this byte.
pub(crate) const fn is_word_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

/// Whether this byte can stand in a word.
pub(crate) const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.'
}

/// Whether a text is one word, so that it needs no quotes as a name.
pub(crate) fn is_plain_word(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(is_word_start) && bytes.all(is_word)
}

/// A name: as a word where it is one, else in quotes.
pub(crate) struct NameText<'a>(pub(crate) &'a str);

impl fmt::Display for NameText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_plain_word(self.0) { f.write_str(self.0) } else { write!(f, "{}", Quoted(self.0)) }
    }
}

/// A text in quotes as the assembler reads it, with hidden characters escaped.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        let mut plain = 0;
        for (at, c) in self.0.char_indices() {
            if !is_hidden(c) && !matches!(c, '"' | '\\') {
                continue;
            }
            f.write_str(self.0.get(plain..at).unwrap_or(""))?;
            plain = at + c.len_utf8();
            match c {
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                _ => write!(f, "\\u{{{:x}}}", u32::from(c))?,
            }
        }
        write!(f, "{}\"", self.0.get(plain..).unwrap_or(""))
    }
}

/// The character of the escape that `text` starts with, and its length.
pub(crate) fn unescape(text: &str) -> Option<(char, usize)> {
    let simple = match text.as_bytes().get(1)? {
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'0' => '\0',
        b'\\' => '\\',
        b'"' => '"',
        b'x' => {
            let value = u8::from_str_radix(text.get(2..4)?, 16).ok().filter(u8::is_ascii)?;
            return Some((char::from(value), 4));
        }
        b'u' => {
            let hex = text.get(2..)?.strip_prefix('{')?;
            // At most six digits, so the search for the brace is bounded.
            let end = hex.bytes().take(7).position(|b| b == b'}')?;
            let value = u32::from_str_radix(hex.get(..end)?, 16).ok()?;
            return Some((char::from_u32(value)?, end + 4));
        }
        _ => return None,
    };
    Some((simple, 2))
}

/// Bytes as a `hex"..."` literal.
pub(crate) struct HexText<'a>(pub(crate) &'a [u8]);

impl fmt::Display for HexText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("hex\"")?;
        for byte in self.0 {
            write!(f, "{byte:02x}")?;
        }
        f.write_str("\"")
    }
}

/// A float by its bits, as the shortest text that reads back to them.
pub(crate) struct Float(pub(crate) u64);

impl fmt::Display for Float {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = f64::from_bits(self.0);
        if value.is_nan() {
            // Every NaN is shown with its bits: a reader should see which one it is.
            write!(f, "nan:{:#018x}", self.0)
        } else {
            // `inf`, `-inf`, or digits that always hold a point or an exponent.
            write!(f, "{value:?}")
        }
    }
}
