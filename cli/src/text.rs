//! Untrusted text on terminals: what must be escaped, and how paths are shown.

use std::fmt::Write as _;
use std::path::Path;

/// Whether a character could move the cursor, or hide or rearrange the text around it.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

fn push_escaped(out: &mut String, c: char) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if is_hidden(c) => {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        }
        c => out.push(c),
    }
}

/// A text on one line, with hidden characters escaped.
pub(crate) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    text.chars().for_each(|c| push_escaped(&mut out, c));
    out
}

/// A text whose line breaks and tabs stay; other hidden characters are escaped.
pub(crate) fn clean_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\n' | '\t') { out.push(c) } else { push_escaped(&mut out, c) }
    }
    out
}

/// A text in quotes, as the assembler reads it.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
            out.push(c);
        } else {
            push_escaped(&mut out, c);
        }
    }
    out.push('"');
    out
}

/// JSON on one line, with hidden characters escaped. They stand in texts only, so the escapes mean the same.
pub(crate) fn json(value: &serde_json::Value) -> String {
    let mut out = String::new();
    for c in value.to_string().chars() {
        if is_hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// A path on one line: hidden characters escaped, bytes that are no text as `\xNN`.
pub(crate) fn path(path: &Path) -> String {
    let mut out = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        chunk.valid().chars().for_each(|c| push_escaped(&mut out, c));
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

/// Bytes as `0x...`.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(2 + bytes.len() * 2);
    out.push_str("0x");
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hidden_gets_through() {
        let hostile = "a\u{1b}[2J\n\u{202e}b\u{7f}\u{9b}\"";
        assert_eq!(clean(hostile), "a\\u{1b}[2J\\n\\u{202e}b\\u{7f}\\u{9b}\"");
        assert_eq!(clean_lines("a\n\tb\r"), "a\n\tb\\r");
        assert_eq!(quoted("a\"b\\\u{7}"), "\"a\\\"b\\\\\\u{7}\"");
        assert_eq!(hex(&[0, 255]), "0x00ff");
    }

    #[test]
    fn json_means_the_same() {
        let value = serde_json::json!({"\u{9b}a": "\n\u{202e}\u{e0041}é\"\\"});
        let text = json(&value);
        assert_eq!(text, r#"{"\u009ba":"\n\u202e\udb40\udc41é\"\\"}"#);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).ok(), Some(value));
    }

    #[cfg(unix)]
    #[test]
    fn paths_need_not_be_text() {
        use std::os::unix::ffi::OsStrExt;
        let name = std::ffi::OsStr::from_bytes(b"x\xff\n\x1b.ofa");
        assert_eq!(path(Path::new(name)), "x\\xff\\n\\u{1b}.ofa");
    }
}
