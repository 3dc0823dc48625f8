//! Tables from bytes at run time: for embedders that bring their own, for tools, and for tests.

use crate::check;
use crate::isa::Isa;
use crate::literal::blob;
use crate::rows::{
    ClassRow, Header, IntrinsicRow, LookupRow, NameRow, OpRow, TableRow, TextRow, TypeRow, didx_of, row_of,
};
use alloc::vec::Vec;
use zerocopy::FromBytes;

/// The bytes of one set of tables, file by file. They may start at any address.
#[derive(Clone, Copy, Debug)]
pub struct Blobs<'a> {
    /// `vm.ops.bin`
    pub ops: &'a [u8],
    /// `vm.names.bin`
    pub names: &'a [u8],
    /// `vm.text.bin`
    pub text: &'a [u8],
    /// `vm.lookup.bin`
    pub lookup: &'a [u8],
    /// `vm.classes.bin`
    pub classes: &'a [u8],
    /// `vm.types.bin`
    pub types: &'a [u8],
    /// `vm.intrinsics.bin`
    pub intrinsics: &'a [u8],
}

impl<'a> Blobs<'a> {
    /// The files of a set, in the order of the fields.
    pub const FILES: [&'static str; 7] = [
        "vm.ops.bin",
        "vm.names.bin",
        "vm.text.bin",
        "vm.lookup.bin",
        "vm.classes.bin",
        "vm.types.bin",
        Self::INTRINSICS,
    ];
    const INTRINSICS: &'static str = "vm.intrinsics.bin";

    /// The bytes of the files of a set, in the order of [`Blobs::FILES`].
    #[must_use]
    pub const fn from_files(files: [&'a [u8]; 7]) -> Self {
        let [ops, names, text, lookup, classes, types, intrinsics] = files;
        Self { ops, names, text, lookup, classes, types, intrinsics }
    }

    /// What stands for a file in a set from before there was such a file, which its `MANIFEST` does not name; `None`
    /// for the files that every set has.
    #[must_use]
    pub fn absent(file: &str, manifest: &str) -> Option<Vec<u8>> {
        (file == Self::INTRINSICS && !manifest.contains(file)).then(|| blob::<IntrinsicRow>(&[]))
    }
}

/// Why bytes are not a set of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IsaError {
    /// The table was written in another version of the format.
    Format {
        /// Which table.
        table: &'static str,
        /// The version in its header.
        found: u16,
        /// The version that this crate reads.
        expected: u16,
    },
    /// The table as a whole is wrong: header, length, number of rows.
    Table {
        /// Which table.
        table: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// One row is wrong.
    Row {
        /// Which table.
        table: &'static str,
        /// Position of the row.
        row: u32,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl core::fmt::Display for IsaError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match *self {
            Self::Format { table, found, expected } => {
                write!(f, "table {table}: format {found}, but this version reads format {expected}")
            }
            Self::Table { table, problem } => write!(f, "table {table}: {problem}"),
            Self::Row { table, row, problem } => write!(f, "table {table}, row {row:#06x}: {problem}"),
        }
    }
}

impl core::error::Error for IsaError {}

/// The rows of one blob, header checked, rows not.
fn rows<R: TableRow>(bytes: &[u8]) -> Result<&[R], IsaError> {
    let fault = |problem| IsaError::Table { table: R::NAME, problem };
    let Some((head, body)) = bytes.split_first_chunk::<16>() else {
        return Err(fault("shorter than a header"));
    };
    let header = Header::read_from_bytes(head).map_err(|_| fault("shorter than a header"))?;
    if header.magic == Header::MAGIC && header.format.get() != Header::FORMAT {
        let found = header.format.get();
        return Err(IsaError::Format { table: R::NAME, found, expected: Header::FORMAT });
    }
    if let Some(problem) = check::header::<R>(&header, bytes.len()) {
        return Err(fault(problem));
    }
    <[R]>::ref_from_bytes(body).map_err(|_| fault("the rows do not fill the file"))
}

fn each<R: TableRow>(
    rows: &[R],
    mut check: impl FnMut(usize, &R) -> Option<&'static str>,
) -> Result<(), IsaError> {
    for (i, row) in rows.iter().enumerate() {
        if let Some(problem) = check(i, row) {
            return Err(IsaError::Row { table: R::NAME, row: i as u32, problem });
        }
    }
    Ok(())
}

impl<'a> Isa<'a> {
    /// The rows of one table, header checked, rows not: for tools that look at a table by itself.
    ///
    /// # Errors
    /// If the header does not fit the bytes or the row type.
    pub fn rows<R: TableRow>(bytes: &[u8]) -> Result<&[R], IsaError> {
        rows(bytes)
    }

    /// Reads and checks a set of tables.
    ///
    /// # Errors
    /// If a header, a length, a code, an index or a reserved byte is wrong. Tables for which this returns
    /// `Ok` make every function of this crate, and every reader of the rows, safe to call.
    pub fn from_blobs(blobs: &Blobs<'a>) -> Result<Self, IsaError> {
        let isa = Self {
            ops: rows(blobs.ops)?,
            names: rows(blobs.names)?,
            text: rows(blobs.text)?,
            lookup: rows(blobs.lookup)?,
            classes: rows(blobs.classes)?,
            types: rows(blobs.types)?,
            intrinsics: rows(blobs.intrinsics)?,
        };
        isa.check()?;
        Ok(isa)
    }

    /// Checks every row of every table against the others.
    ///
    /// # Errors
    /// The first row that is wrong, and why.
    pub fn check(&self) -> Result<(), IsaError> {
        let table = |table, problem| IsaError::Table { table, problem };
        if let Some(problem) = check::pages(self.ops.len()) {
            return Err(table(OpRow::NAME, problem));
        }
        if self.names.len() != self.ops.len() {
            return Err(table(NameRow::NAME, "another number of rows than the op table"));
        }
        if self.text.len() != self.ops.len() {
            return Err(table(TextRow::NAME, "another number of rows than the op table"));
        }
        each(self.ops, |i, row| check::op(row, usize::from(didx_of(i))))?;
        each(self.names, |i, row| check::name(row, self.ops.get(i).is_some_and(OpRow::present)))?;
        each(self.text, |i, row| match self.ops.get(i) {
            Some(op) => check::text(row, op),
            None => Some("no such opcode"),
        })?;
        each(self.lookup, |i, row: &LookupRow| {
            let before = i.checked_sub(1).and_then(|at| self.lookup.get(at));
            check::lookup(row, before, self.ops)
        })?;
        self.check_identity()?;
        each(self.classes, |i, row: &ClassRow| check::class(row, i))?;
        each(self.types, |_, row: &TypeRow| check::logical_type(row, self.classes.len()))?;
        each(self.intrinsics, |i, row: &IntrinsicRow| {
            let before = i.checked_sub(1).and_then(|at| self.intrinsics.get(at));
            check::intrinsic(row, before, self.types, self.classes)
        })?;
        self.check_intrinsic_names()
    }

    /// Checks that intrinsics have names of their own.
    fn check_intrinsic_names(&self) -> Result<(), IsaError> {
        let mut names: Vec<(&str, u32)> =
            self.intrinsics.iter().zip(0..).map(|(row, i)| (row.name.as_str(), i)).collect();
        names.sort_unstable();
        for pair in names.windows(2) {
            if let [(a, _), (b, row)] = pair
                && a == b
            {
                let problem = "the name of another intrinsic";
                return Err(IsaError::Row { table: IntrinsicRow::NAME, row: *row, problem });
            }
        }
        Ok(())
    }

    /// Checks that ids differ and that each mnemonic is found.
    fn check_identity(&self) -> Result<(), IsaError> {
        let mut ids: Vec<(u16, u16)> = self.iter().map(|(didx, row)| (row.id.get(), didx)).collect();
        ids.sort_unstable();
        for pair in ids.windows(2) {
            if let [(a, _), (b, didx)] = pair
                && a == b
            {
                let problem = "the id of another opcode";
                return Err(IsaError::Row { table: OpRow::NAME, row: row_of(*didx) as u32, problem });
            }
        }
        match self.iter().find(|(didx, _)| self.find(self.name(*didx)) != Some(*didx)) {
            Some((didx, _)) => {
                let problem = "a mnemonic that the look-up does not find";
                Err(IsaError::Row { table: NameRow::NAME, row: row_of(didx) as u32, problem })
            }
            None => Ok(()),
        }
    }
}
