//! Decoded code: flat arrays of instructions, operand words and list entries.

use super::PAGE_PREFIX;
use super::digest::{Digest, Digests, Marks, digest};
use super::error::{CodeError, CodeErrorKind};
use super::leb::Reader;
use crate::ids::InstrIx;
use crate::program::ContainerVersion;
use alloc::vec::Vec;
use opforge_schema::{Encoding, Isa, OperandRow, Rounding};

/// One decoded instruction; its operands are in the [`Code`] it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instr {
    /// The opcode: `page << 8 | byte`, its position in the op table.
    pub didx: u16,
    n_operands: u8,
    /// What passes over code ask about its opcode first.
    pub(crate) marks: Marks,
    /// Byte offset in the function's code.
    pub pc: u32,
    first: u32,
}

/// The value of one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperandValue<'a> {
    /// A number: register, id, target or immediate. Signed immediates are their two's complement, floats
    /// their bits, booleans 0 or 1.
    Scalar(u64),
    /// A counted list of registers, ids or targets.
    List(&'a [u32]),
    /// A register that may be left out.
    Opt(Option<u32>),
}

impl<'a> OperandValue<'a> {
    /// The number; `None` for a list, and for what is left out.
    #[must_use]
    pub const fn scalar(self) -> Option<u64> {
        match self {
            Self::Scalar(value) => Some(value),
            Self::Opt(Some(reg)) => Some(reg as u64),
            Self::List(_) | Self::Opt(None) => None,
        }
    }

    /// The number, if it fits 32 bits; `None` for a list, and for what is left out.
    #[must_use]
    pub fn scalar32(self) -> Option<u32> {
        self.scalar().and_then(|value| u32::try_from(value).ok())
    }

    /// The list; empty for a number, and for what may be left out.
    #[must_use]
    pub const fn list(self) -> &'a [u32] {
        match self {
            Self::Scalar(_) | Self::Opt(_) => &[],
            Self::List(list) => list,
        }
    }

    /// The entries of a list, or the one number as an entry if it fits 32 bits and is not left out: the registers of a
    /// register operand, whichever form it has.
    pub fn entries(self) -> impl Iterator<Item = u32> + 'a {
        self.scalar32().into_iter().chain(self.list().iter().copied())
    }
}

/// A function's code, decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Code {
    instrs: Vec<Instr>,
    operands: Vec<u64>,
    lists: Vec<u32>,
    byte_len: u32,
}

impl Code {
    /// Decodes all of `bytes`, which must be whole instructions of `isa`.
    ///
    /// # Errors
    /// [`CodeError`] for the first instruction that does not decode.
    pub fn decode(isa: &Isa<'_>, bytes: &[u8]) -> Result<Self, CodeError> {
        Self::decode_as_of(isa, ContainerVersion::NEWEST, bytes)
    }

    /// As [`Code::decode`], but opcodes that a container of this version does not know are unknown.
    ///
    /// # Errors
    /// As for [`Code::decode`].
    pub fn decode_as_of(isa: &Isa<'_>, version: ContainerVersion, bytes: &[u8]) -> Result<Self, CodeError> {
        Decoder { isa, version, digest: |didx| digest(isa, didx) }.decode(bytes)
    }

    /// As [`Code::decode_as_of`], for who decodes much code of one instruction set.
    ///
    /// # Errors
    /// As for [`Code::decode`].
    pub(crate) fn decode_with(
        digests: &Digests<'_>,
        version: ContainerVersion,
        bytes: &[u8],
    ) -> Result<Self, CodeError> {
        Decoder { isa: digests.isa(), version, digest: |didx| *digests.get(didx) }.decode(bytes)
    }

    /// Bytes of memory the arrays take.
    pub(crate) fn heap_bytes(&self) -> usize {
        size_of::<Instr>() * self.instrs.len()
            + size_of::<u64>() * self.operands.len()
            + size_of::<u32>() * self.lists.len()
    }

    /// The number of list entries.
    pub(crate) fn list_entries(&self) -> usize {
        self.lists.len()
    }

    /// Instructions, operands and list entries together: what a walk over the code takes.
    pub(crate) fn size(&self) -> usize {
        self.instrs.len() + self.operands.len() + self.lists.len()
    }

    fn decode_operand(&mut self, row: &OperandRow, reader: &mut Reader<'_>) -> Result<u64, CodeErrorKind> {
        Ok(match row.enc() {
            Encoding::None => 0,
            Encoding::Uleb32 | Encoding::Uleb32Wide | Encoding::Uleb32Opt => u64::from(reader.uleb32()?),
            Encoding::Uleb64 => reader.uleb64()?,
            Encoding::Sleb64 => reader.sleb64()?,
            Encoding::U8 => u64::from(reader.byte()?),
            Encoding::Bool8 => match reader.byte()? {
                byte @ (0 | 1) => u64::from(byte),
                byte => return Err(CodeErrorKind::BadBool { byte }),
            },
            Encoding::Rounding8 => {
                let byte = reader.byte()?;
                let mode = Rounding::from_code(byte).ok_or(CodeErrorKind::BadRounding { byte })?;
                u64::from(mode.code())
            }
            Encoding::U64Le => reader.u64_le()?,
            Encoding::Uleb32List | Encoding::Uleb32WideList => {
                let count = reader.uleb32()?;
                // An entry takes at least one byte.
                if count as usize > reader.remaining() {
                    return Err(CodeErrorKind::ListTooLong { count });
                }
                let start = self.lists.len() as u64;
                for _ in 0..count {
                    self.lists.push(reader.uleb32()?);
                }
                start << 32 | u64::from(count)
            }
        })
    }

    /// The instructions in code order.
    #[must_use]
    pub fn instrs(&self) -> &[Instr] {
        &self.instrs
    }

    /// The instruction at an index.
    #[must_use]
    pub fn instr(&self, ix: InstrIx) -> Option<&Instr> {
        self.instrs.get(ix.index())
    }

    /// The operand words of an instruction of this code, one for each operand row. The word of a list holds
    /// its place; see [`Code::list`]. That of an optional register is 0 for none, else one more than the register.
    #[must_use]
    pub fn operands(&self, instr: &Instr) -> &[u64] {
        let first = instr.first as usize;
        self.operands.get(first..first + usize::from(instr.n_operands)).unwrap_or(&[])
    }

    /// The entries of the list with this operand word: start in the upper, length in the lower 32 bits.
    #[must_use]
    pub fn list(&self, word: u64) -> &[u32] {
        let start = (word >> 32) as usize;
        let len = word as u32 as usize;
        start.checked_add(len).and_then(|end| self.lists.get(start..end)).unwrap_or(&[])
    }

    /// The value of an operand, given its row and its word.
    #[must_use]
    pub fn value(&self, row: &OperandRow, word: u64) -> OperandValue<'_> {
        match row.enc() {
            Encoding::Uleb32Opt => OperandValue::Opt((word as u32).checked_sub(1)),
            enc if enc.is_list() => OperandValue::List(self.list(word)),
            _ => OperandValue::Scalar(word),
        }
    }

    /// The operands of an instruction with the rows that describe them, in encoding order. Nothing if `isa`
    /// is not the instruction set the code was decoded with.
    pub fn values<'a>(
        &'a self,
        isa: &Isa<'a>,
        instr: &Instr,
    ) -> impl Iterator<Item = (&'a OperandRow, OperandValue<'a>)> {
        let rows = isa.op(instr.didx).map_or(&[][..], |row| row.operands());
        rows.iter().zip(self.operands(instr)).map(|(row, &word)| (row, self.value(row, word)))
    }

    /// The instruction that starts at byte offset `pc`.
    #[must_use]
    pub fn at_pc(&self, pc: u32) -> Option<InstrIx> {
        let at = self.instrs.binary_search_by_key(&pc, |instr| instr.pc).ok()?;
        Some(InstrIx(at as u32))
    }

    /// The number of code bytes.
    #[must_use]
    pub fn byte_len(&self) -> u32 {
        self.byte_len
    }

    /// The byte offset where an instruction ends; the end of the code for an index past the last one.
    #[must_use]
    pub fn end_pc(&self, ix: InstrIx) -> u32 {
        let next = ix.index().checked_add(1).and_then(|next| self.instrs.get(next));
        next.map_or(self.byte_len, |instr| instr.pc)
    }
}

/// How code is decoded.
struct Decoder<'i, D> {
    isa: &'i Isa<'i>,
    version: ContainerVersion,
    /// The digests of its opcodes.
    digest: D,
}

impl<D: Fn(u16) -> Digest> Decoder<'_, D> {
    fn decode(&self, bytes: &[u8]) -> Result<Code, CodeError> {
        let too_large = CodeError { pc: 0, operand: None, kind: CodeErrorKind::CodeTooLarge };
        let byte_len = u32::try_from(bytes.len()).map_err(|_| too_large)?;
        let mut code = Code { byte_len, ..Code::default() };
        // A usual instruction takes four bytes and three of them are operands.
        code.instrs.reserve(bytes.len() / 4);
        code.operands.reserve(bytes.len() - bytes.len() / 4);
        let mut reader = Reader::new(bytes);
        while reader.remaining() > 0 {
            if !self.short_instr(&mut code, &mut reader) {
                self.instr(&mut code, &mut reader)?;
            }
        }
        code.instrs.shrink_to_fit();
        code.operands.shrink_to_fit();
        code.lists.shrink_to_fit();
        Ok(code)
    }

    fn instr(&self, code: &mut Code, reader: &mut Reader<'_>) -> Result<(), CodeError> {
        let pc = reader.position() as u32;
        let didx = read_didx(reader).map_err(|kind| CodeError { pc, operand: None, kind })?;
        let digest = (self.digest)(didx);
        if !digest.is_known_as_of(self.version) {
            return Err(CodeError { pc, operand: None, kind: CodeErrorKind::UnknownOpcode { didx } });
        }
        let first = code.operands.len() as u32;
        let rows = self.isa.op(didx).map_or(&[][..], |row| row.operands());
        for (i, row) in rows.iter().enumerate() {
            let word = code.decode_operand(row, reader);
            let word = word.map_err(|kind| CodeError { pc, operand: Some(i as u8), kind })?;
            code.operands.push(word);
        }
        code.instrs.push(Instr { didx, n_operands: digest.operands, marks: digest.marks, pc, first });
        Ok(())
    }

    /// Decodes the next instruction if it is of the most frequent form: an opcode of the first page, and operands that
    /// are numbers of one byte each. Whether it was; if not, nothing is read.
    #[inline(always)]
    fn short_instr(&self, code: &mut Code, reader: &mut Reader<'_>) -> bool {
        let Some(bytes) = reader.peek() else { return false };
        let didx = (bytes & 0xff) as u16;
        if didx == u16::from(PAGE_PREFIX) {
            return false;
        }
        let (digest, mut bytes) = ((self.digest)(didx), bytes >> 8);
        let Some(len @ 0..8) = digest.short_len() else { return false };
        let more = 0x80_8080_8080_8080 & ((1 << (8 * len)) - 1);
        if bytes & more != 0 || !digest.is_known_as_of(self.version) {
            return false;
        }
        let (pc, first) = (reader.position() as u32, code.operands.len() as u32);
        for _ in 0..len {
            code.operands.push(bytes & 0xff);
            bytes >>= 8;
        }
        code.instrs.push(Instr { didx, n_operands: len, marks: digest.marks, pc, first });
        reader.skip(1 + usize::from(len));
        true
    }
}

/// Reads an opcode: one byte, or the prefix, a page other than 0, and a byte.
fn read_didx(reader: &mut Reader<'_>) -> Result<u16, CodeErrorKind> {
    let byte = reader.byte()?;
    if byte != PAGE_PREFIX {
        return Ok(u16::from(byte));
    }
    let page = reader.byte()?;
    let didx = u16::from_be_bytes([page, reader.byte()?]);
    // Page 0 has one spelling only, without the prefix.
    if page == 0 { Err(CodeErrorKind::UnknownOpcode { didx: u16::from(PAGE_PREFIX) }) } else { Ok(didx) }
}
