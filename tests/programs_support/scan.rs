//! A cursor over one line of a directive.

/// The rest of a line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scan<'s> {
    pub(crate) rest: &'s str,
}

impl<'s> Scan<'s> {
    pub(crate) fn new(line: &'s str) -> Self {
        Self { rest: line.trim_end() }
    }

    pub(crate) fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    pub(crate) fn is_empty(&mut self) -> bool {
        self.skip_blanks();
        self.rest.is_empty()
    }

    /// Takes fixed text, blanks before it left out.
    pub(crate) fn eat(&mut self, text: &str) -> bool {
        self.skip_blanks();
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    pub(crate) fn expect(&mut self, text: &str) -> Result<(), String> {
        if self.eat(text) { Ok(()) } else { Err(format!("expected `{text}` at `{}`", self.rest)) }
    }

    /// Takes a whole word if it is this one.
    pub(crate) fn eat_word(&mut self, word: &str) -> bool {
        let mut ahead = *self;
        if ahead.word() == word {
            *self = ahead;
            return true;
        }
        false
    }

    /// The next run of characters that stand in words and numbers; may be empty.
    pub(crate) fn word(&mut self) -> &'s str {
        self.skip_blanks();
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '+' | ':');
        let end = self.rest.find(|c: char| !is_part(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    /// The next word as a number, decimal or `0x`.
    pub(crate) fn number<T: TryFrom<i128>>(&mut self) -> Result<T, String> {
        let word = self.word();
        let plain = word.replace('_', "");
        let (sign, digits) = match plain.strip_prefix('-') {
            Some(digits) => (-1, digits),
            None => (1, plain.as_str()),
        };
        let value = match digits.strip_prefix("0x") {
            Some(hex) => i128::from_str_radix(hex, 16),
            None => digits.parse(),
        };
        let value = value.ok().and_then(|value| T::try_from(sign * value).ok());
        value.ok_or_else(|| format!("`{word}` is no number of the type"))
    }

    /// A text in quotes, with the escapes of the assembler that tests need.
    pub(crate) fn quoted(&mut self) -> Result<String, String> {
        self.expect("\"")?;
        let mut text = String::new();
        let mut chars = self.rest.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return Ok(text);
                }
                '\\' => match chars.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 't')) => text.push('\t'),
                    Some((_, '0')) => text.push('\0'),
                    Some((_, c @ ('\\' | '"'))) => text.push(c),
                    other => return Err(format!("unknown escape {other:?}")),
                },
                c => text.push(c),
            }
        }
        Err("text without end".into())
    }
}
