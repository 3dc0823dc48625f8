//! One row of the file: an operation, its operands as bits, and what it gives.

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its line in the file, counted from 1.
    pub line: usize,
    /// The WebAssembly instruction.
    pub op: String,
    /// Bits of the operands, one or two; those of 32-bit types sign-extended, as 32-bit integers stand in registers.
    pub operands: Vec<u64>,
    /// What it gives.
    pub kind: RowKind,
}

/// What a row gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowKind {
    /// These bits.
    Bits(u64),
    /// A NaN.
    Nan,
    /// A trap of one of these kinds.
    Trap(&'static [&'static str]),
}

impl Row {
    /// Reads a file. Lines that begin with `#` are comments; the first other line names the columns.
    ///
    /// # Errors
    /// The number of the first bad line, counted from 1, and what is wrong with it; or that there is no row.
    pub fn from_csv(text: &str) -> Result<Vec<Self>, String> {
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.starts_with('#'));
        match lines.next() {
            Some((_, "op,a,b,kind,result")) => {}
            _ => return Err("the first line is not `op,a,b,kind,result`".to_owned()),
        }
        let rows = lines.filter(|(_, line)| !line.is_empty());
        let rows = rows
            .map(|(at, line)| Self::parse(at + 1, line).map_err(|error| format!("line {}: {error}", at + 1)));
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        if rows.is_empty() { Err("the file has no rows".to_owned()) } else { Ok(rows) }
    }

    fn parse(line: usize, text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split(',').collect();
        let &[op, a, b, kind, result] = fields.as_slice() else {
            return Err(format!("{} fields instead of 5", fields.len()));
        };
        let mut operands = vec![bits(a)?];
        if !b.is_empty() {
            operands.push(bits(b)?);
        }
        let kind = match kind {
            "bits" => RowKind::Bits(bits(result)?),
            "nan:canonical" | "nan:arithmetic" if result.is_empty() => RowKind::Nan,
            "trap" => RowKind::Trap(traps(result)?),
            _ => return Err(format!("unknown kind {kind:?} with result {result:?}")),
        };
        Ok(Self { line, op: op.to_owned(), operands, kind })
    }

    /// The row in words.
    #[must_use]
    pub fn describe(&self) -> String {
        let operands: Vec<String> = self.operands.iter().map(|bits| format!("{bits:#x}")).collect();
        let gives = match self.kind {
            RowKind::Bits(bits) => format!("{bits:#x}"),
            RowKind::Nan => "a NaN".to_owned(),
            RowKind::Trap(kinds) => format!("trap {}", kinds.join(" or ")),
        };
        format!("{}({}) = {gives}", self.op, operands.join(", "))
    }
}

/// The number behind `0x` and 8 or 16 hex digits; 8 digits are sign-extended.
fn bits(field: &str) -> Result<u64, String> {
    let digits = field.strip_prefix("0x").filter(|digits| matches!(digits.len(), 8 | 16));
    let number = digits.and_then(|digits| {
        let number = u64::from_str_radix(digits, 16).ok()?;
        Some(if digits.len() == 8 { i64::from(number as u32 as i32) as u64 } else { number })
    });
    number.ok_or_else(|| format!("{field:?} is not 0x and 8 or 16 hex digits"))
}

/// Our names for a trap of WebAssembly. Its overflow is three of ours: of a quotient, of a conversion, and of the
/// infinities and the first float past the range, which are no integers at all here.
fn traps(text: &str) -> Result<&'static [&'static str], String> {
    Ok(match text {
        "integer divide by zero" => &["DivByZero"],
        "integer overflow" => &["IntDivOverflow", "IntCastOverflow", "FloatToIntInvalid"],
        "invalid conversion to integer" => &["FloatToIntInvalid"],
        _ => return Err(format!("unknown trap {text:?}")),
    })
}
