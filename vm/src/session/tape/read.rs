//! Reads tapes that nobody trusts: no count is believed, nothing recurses, every error says where.

use super::{EffectTape, MAGIC, TapeError, TapeErrorKind, VERSION};
use crate::endpoint::{CoroId, EndpointId, EvidenceId, SessionId};
use crate::ids::{ElemId, FuncId, InstrIx, LayerId, ShapeId, StructId};
use crate::protocol::LabelId;
use crate::sem::Decimal;
use crate::session::datum::{Datum, Node};
use crate::session::hash::Hasher;
use crate::session::record::{Act, Decision, Entry, Origin};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::str;

type Result<T> = core::result::Result<T, TapeError>;

/// The least bytes of an entry: of the host, done.
const MIN_ENTRY: usize = 4;
/// Bytes of the check at the end.
const CHECK: usize = 8;
/// What one byte of a tape may take of memory.
const EXPANSION: usize = 32;

// Counts are checked against these and against what lists before still need, so no byte pays for two things and this
// bounds what a tape takes. A datum is one byte at least.
const _: () = assert!(size_of::<Entry>() <= EXPANSION * MIN_ENTRY && size_of::<Datum>() <= EXPANSION);

impl EffectTape {
    /// Reads a tape.
    ///
    /// # Errors
    /// [`TapeError`], where the bytes are not those of a tape.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader { bytes, at: 0, owed: 0 };
        if bytes.get(..MAGIC.len()) != Some(MAGIC) {
            return reader.fail(0, TapeErrorKind::BadMagic);
        }
        reader.at = MAGIC.len();
        let version = reader.byte()?;
        if version != VERSION {
            return reader.fail(MAGIC.len(), TapeErrorKind::Version(version));
        }
        // The check is no part of what entries may take.
        let Some(end) = bytes.len().checked_sub(CHECK) else {
            return reader.fail(bytes.len(), TapeErrorKind::End);
        };
        reader.bytes = bytes.get(..end).unwrap_or(&[]);
        let (program, config) = (reader.fixed()?, reader.fixed()?);
        let complete = match reader.byte()? {
            0 => false,
            1 => true,
            other => return reader.fail(reader.at - 1, TapeErrorKind::Code(other)),
        };
        let count = reader.count(MIN_ENTRY)?;
        let mut entries = reader.list(count)?;
        for _ in 0..count {
            reader.owed -= MIN_ENTRY;
            entries.push(reader.entry()?);
        }
        if reader.at != end {
            return reader.fail(reader.at, TapeErrorKind::Trailing);
        }
        let mut check = Hasher::new();
        check.bytes(reader.bytes);
        reader.bytes = bytes;
        if reader.fixed()? != check.finish() {
            return reader.fail(end, TapeErrorKind::Check);
        }
        Ok(Self { program, config, complete, entries })
    }
}

/// A datum with parts of which some have been read.
struct Open {
    node: Node,
    count: usize,
    parts: Vec<Datum>,
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The least bytes that lists which have begun still need.
    owed: usize,
}

impl<'a> Reader<'a> {
    #[cold]
    fn fail<T>(&self, offset: usize, kind: TapeErrorKind) -> Result<T> {
        Err(TapeError { kind, offset })
    }

    fn byte(&mut self) -> Result<u8> {
        let Some(&byte) = self.bytes.get(self.at) else { return self.fail(self.at, TapeErrorKind::End) };
        self.at += 1;
        Ok(byte)
    }

    fn fixed(&mut self) -> Result<u64> {
        let Some(bytes) = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk) else {
            return self.fail(self.at, TapeErrorKind::End);
        };
        self.at += bytes.len();
        Ok(u64::from_le_bytes(*bytes))
    }

    /// A number of this type, in the fewest bytes.
    fn number<T: TryFrom<u64>>(&mut self) -> Result<T> {
        let start = self.at;
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            // The tenth byte holds one bit; a last byte of zero says nothing.
            if (shift == 63 && byte > 1) || (byte == 0 && shift > 0) {
                break;
            }
            if byte < 0x80 {
                return T::try_from(value).or_else(|_| self.fail(start, TapeErrorKind::Number));
            }
        }
        self.fail(start, TapeErrorKind::Number)
    }

    fn signed(&mut self) -> Result<i64> {
        let coded: u64 = self.number()?;
        Ok((coded >> 1) as i64 ^ -((coded & 1) as i64))
    }

    /// A count of things of at least so many bytes each, which these bytes are owed to from now on.
    fn count(&mut self, least: usize) -> Result<usize> {
        let start = self.at;
        let count: u64 = self.number()?;
        let room = (self.bytes.len() - self.at).saturating_sub(self.owed);
        match usize::try_from(count) {
            Ok(count) if count <= room / least => {
                self.owed += count * least;
                Ok(count)
            }
            _ => self.fail(start, TapeErrorKind::Count),
        }
    }

    /// Room for exactly so many.
    fn list<T>(&self, count: usize) -> Result<Vec<T>> {
        let mut list = Vec::new();
        match list.try_reserve_exact(count) {
            Ok(()) => Ok(list),
            Err(_) => self.fail(self.at, TapeErrorKind::OutOfMemory),
        }
    }

    fn blob(&mut self) -> Result<&'a [u8]> {
        let len = self.count(1)?;
        self.owed -= len;
        let blob = self.bytes.get(self.at..self.at + len).unwrap_or(&[]);
        self.at += len;
        Ok(blob)
    }

    fn text(&mut self) -> Result<Box<str>> {
        let blob = self.blob()?;
        match str::from_utf8(blob) {
            Ok(text) => Ok(text.into()),
            Err(error) => self.fail(self.at - blob.len() + error.valid_up_to(), TapeErrorKind::Utf8),
        }
    }

    fn coro(&mut self) -> Result<CoroId> {
        Ok(CoroId { index: self.number()?, generation: self.number()? })
    }

    fn session(&mut self) -> Result<SessionId> {
        Ok(SessionId { index: self.number()?, generation: self.number()? })
    }

    fn endpoint(&mut self) -> Result<EndpointId> {
        Ok(self.session()?.endpoint(self.number()?))
    }

    fn func(&mut self) -> Result<FuncId> {
        self.number().map(FuncId)
    }

    fn entry(&mut self) -> Result<Entry> {
        let origin = match self.byte()? {
            0 => Origin::Code { coro: self.coro()?, func: self.func()?, instr: InstrIx(self.number()?) },
            1 => Origin::Host { tick: self.number()? },
            other => return self.fail(self.at - 1, TapeErrorKind::Code(other)),
        };
        let code = self.byte()?;
        let Some(act) = Act::from_code(code) else {
            return self.fail(self.at - 1, TapeErrorKind::Code(code));
        };
        Ok(Entry { origin, act, decision: self.decision()? })
    }

    fn decision(&mut self) -> Result<Decision> {
        Ok(match self.byte()? {
            0 => Decision::Done,
            1 => Decision::Value(self.datum()?),
            2 => Decision::Dropped,
            3 => Decision::Blocked,
            4 => Decision::Failed(self.text()?),
            5 => Decision::Panicked(self.text()?),
            6 => Decision::Injected {
                session: self.session()?,
                from: self.number()?,
                to: self.number()?,
                label: LabelId(self.number()?),
                value: self.datum()?,
            },
            7 => Decision::Opened { session: self.session()?, shape: ShapeId(self.number()?) },
            8 => {
                let (child, func) = (self.coro()?, self.func()?);
                let count = self.count(1)?;
                let mut args = self.list(count)?;
                for _ in 0..count {
                    self.owed -= 1;
                    args.push(self.datum()?);
                }
                Decision::Spawned { child, func, args: args.into() }
            }
            9 => Decision::Session(self.session()?),
            10 => Decision::Coroutine(self.coro()?),
            11 => Decision::Layer(LayerId(self.number()?)),
            other => return self.fail(self.at - 1, TapeErrorKind::Code(other)),
        })
    }

    fn datum(&mut self) -> Result<Datum> {
        let mut stack: Vec<Open> = Vec::new();
        loop {
            let start = self.at;
            let code = self.byte()?;
            let mut done = None;
            match self.open(code)? {
                Some(_) if stack.len() >= Datum::MAX_DEPTH => {
                    return self.fail(start, TapeErrorKind::TooDeep);
                }
                Some(open) => stack.push(open),
                None => done = Some(self.leaf(code)?),
            }
            // What is done is a part of what is open, which may be done with that.
            loop {
                let Some(top) = stack.last_mut() else { return Ok(done.unwrap_or(Datum::Unit)) };
                top.parts.extend(done.take());
                if top.parts.len() < top.count {
                    self.owed -= 1;
                    break;
                }
                done = stack.pop().map(|full| full.node.of(full.parts));
            }
        }
    }

    /// What has parts; `None` for the code of a leaf.
    fn open(&mut self, code: u8) -> Result<Option<Open>> {
        let node = match code {
            11 => Node::Closure(self.func()?),
            16 => Node::Tuple,
            17 => Node::Struct(StructId(self.number()?)),
            18 => Node::Array(ElemId(self.number()?)),
            _ => return Ok(None),
        };
        let count = match node {
            Node::Closure(_) => {
                self.owed += 1;
                1
            }
            _ => self.count(1)?,
        };
        Ok(Some(Open { node, count, parts: self.list(count)? }))
    }

    fn leaf(&mut self, code: u8) -> Result<Datum> {
        Ok(match code {
            0 => Datum::Unit,
            1 => Datum::Bool(false),
            2 => Datum::Bool(true),
            3 => Datum::I64(self.signed()?),
            4 => Datum::U64(self.number()?),
            5 => Datum::F64(self.fixed()?),
            6 => Datum::Decimal(Decimal { mantissa: self.signed()?, scale: self.byte()? }),
            7 => Datum::Bytes(self.blob()?.into()),
            8 => Datum::Str(self.text()?),
            9 => Datum::Obj { host_type: self.number()?, handle: self.number()? },
            10 => Datum::Func(self.func()?),
            12 => Datum::Endpoint(self.endpoint()?),
            13 => Datum::Epid(self.endpoint()?),
            14 => Datum::Evidence(EvidenceId { layer: self.number()?, serial: self.number()? }),
            15 => Datum::Coro(self.coro()?),
            19 => Datum::NoAggregate,
            other => return self.fail(self.at - 1, TapeErrorKind::Code(other)),
        })
    }
}
