//! Tapes: what was written reads back, and nothing else does. Damaged ones are errors that say where, and cost no more
//! memory than their bytes allow.
//!
//! `OPFORGE_MUTATIONS` sets how many damaged tapes are tried, the default is 60000. The seed is fixed.

mod random_support;

use opforge_vm::ids::{ElemId, FuncId, InstrIx, LayerId, ShapeId, StructId};
use opforge_vm::protocol::LabelId;
use opforge_vm::sem::Decimal;
use opforge_vm::session::tape::{TapeError, TapeErrorKind};
use opforge_vm::session::{Act, Datum, Decision, EffectTape, Entry, Origin};
use opforge_vm::{CoroId, EndpointId, EvidenceId, SessionId};
use random_support::Random;

impl Random {
    /// A number of any size.
    fn number(&mut self) -> u64 {
        let bits = self.below(64);
        self.next() >> bits
    }

    fn endpoint(&mut self) -> EndpointId {
        let (session, generation) = (self.number() as u32, self.number() as u16);
        EndpointId { session, generation, role: self.number() as u16 }
    }

    fn coro(&mut self) -> CoroId {
        CoroId { index: self.number() as u32, generation: self.number() as u32 }
    }

    fn text(&mut self) -> Box<str> {
        ["", "a", "déjà vu", "a longer text than the others"][self.below(4)].into()
    }

    fn parts(&mut self, depth: usize) -> Box<[Datum]> {
        (0..self.below(4)).map(|_| self.datum(depth + 1)).collect()
    }

    fn datum(&mut self, depth: usize) -> Datum {
        let kinds = if depth < 6 { 19 } else { 15 };
        match self.below(kinds) {
            0 => Datum::Unit,
            1 => Datum::Bool(self.below(2) == 0),
            2 => Datum::I64(self.number() as i64),
            3 => Datum::I64((self.number() as i64).wrapping_neg()),
            4 => Datum::U64(self.number()),
            5 => Datum::F64(self.next()),
            6 => Datum::Decimal(Decimal { mantissa: self.next() as i64, scale: self.number() as u8 }),
            7 => Datum::Bytes(self.text().as_bytes().into()),
            8 => Datum::Str(self.text()),
            9 => Datum::Obj { host_type: self.number(), handle: self.number() },
            10 => Datum::Func(FuncId(self.number() as u32)),
            11 => Datum::Endpoint(self.endpoint()),
            12 => Datum::Epid(self.endpoint()),
            13 => Datum::Evidence(EvidenceId { layer: self.number() as u16, serial: self.number() }),
            14 => Datum::Coro(self.coro()),
            15 => Datum::Closure(FuncId(self.number() as u32), Box::new(self.datum(depth + 1))),
            16 => Datum::Tuple(self.parts(depth)),
            17 => Datum::Struct(StructId(self.number() as u32), self.parts(depth)),
            _ => Datum::Array(ElemId(self.number() as u32), self.parts(depth)),
        }
    }

    fn decision(&mut self) -> Decision {
        let session = SessionId { index: self.number() as u32, generation: self.number() as u16 };
        match self.below(12) {
            0 => Decision::Done,
            1 => Decision::Value(self.datum(0)),
            2 => Decision::Dropped,
            3 => Decision::Blocked,
            4 => Decision::Failed(self.text()),
            5 => Decision::Panicked(self.text()),
            6 => Decision::Injected {
                session,
                from: self.number() as u16,
                to: self.number() as u16,
                label: LabelId(self.number() as u16),
                value: self.datum(0),
            },
            7 => Decision::Opened { session, shape: ShapeId(self.number() as u32) },
            8 => {
                let (child, func) = (self.coro(), FuncId(self.number() as u32));
                Decision::Spawned { child, func, args: self.parts(0) }
            }
            9 => Decision::Session(session),
            10 => Decision::Coroutine(self.coro()),
            _ => Decision::Layer(LayerId(self.number() as u32)),
        }
    }

    fn tape(&mut self) -> EffectTape {
        let entries = (0..self.below(12)).map(|_| Entry {
            origin: match self.below(3) {
                0 => Origin::Host { tick: self.number() },
                _ => Origin::Code {
                    coro: self.coro(),
                    func: FuncId(self.number() as u32),
                    instr: InstrIx(self.number() as u32),
                },
            },
            act: Act::ALL[self.below(Act::ALL.len())],
            decision: self.decision(),
        });
        let entries = entries.collect();
        EffectTape { program: self.next(), config: self.next(), complete: self.below(2) == 0, entries }
    }
}

/// Reads, and fails if that takes too much memory.
fn bounded(bytes: &[u8]) -> Result<EffectTape, TapeError> {
    let mut outcome = None;
    let memory = allocation_counter::measure(|| outcome = Some(EffectTape::from_bytes(bytes)));
    let (outcome, peak) = (outcome.unwrap(), memory.bytes_max as usize);
    assert!(peak <= 32 * bytes.len() + (8 << 10), "{peak} bytes for {} bytes of tape", bytes.len());
    if let Err(error) = &outcome {
        assert!(error.offset <= bytes.len(), "{error}");
    }
    outcome
}

/// The check that makes bytes a tape again, so that what lies before it is what is tried.
fn signed(mut body: Vec<u8>) -> Vec<u8> {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut word = |word: u64| {
        hash = (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        hash ^= hash >> 32;
    };
    word(body.len() as u64);
    for chunk in body.chunks(8) {
        let mut bytes = [0; 8];
        bytes[..chunk.len()].copy_from_slice(chunk);
        word(u64::from_le_bytes(bytes));
    }
    body.extend(hash.to_le_bytes());
    body
}

/// A tape of these bytes behind the header.
fn with_entries(entries: &[u8]) -> Vec<u8> {
    let mut body = b"OPFTAPE\x01".to_vec();
    body.extend([0; 16]);
    body.push(1);
    body.extend(entries);
    signed(body)
}

#[test]
fn tapes_read_back_as_they_were() {
    let mut random = Random(1);
    for _ in 0..2000 {
        let tape = random.tape();
        let bytes = tape.to_bytes();
        assert_eq!(bounded(&bytes).unwrap(), tape);
        assert_eq!(signed(bytes[..bytes.len() - 8].to_vec()), bytes, "the check is as the module says");
    }
}

/// The bytes that the description of the format gives, by hand.
#[test]
fn the_format_is_the_described_one() {
    let code =
        Origin::Code { coro: CoroId { index: 1, generation: 0 }, func: FuncId(300), instr: InstrIx(2) };
    let value = Datum::Tuple(Box::new([Datum::I64(-1), Datum::Str("hi".into())]));
    let tape = EffectTape {
        program: 0,
        config: 0,
        complete: true,
        entries: vec![
            Entry { origin: code, act: Act::Invoke, decision: Decision::Value(value) },
            Entry {
                origin: Origin::Host { tick: 5 },
                act: Act::WakeLayer,
                decision: Decision::Layer(LayerId(9)),
            },
        ],
    };
    let entries =
        [&[2][..], &[0, 1, 0, 0xac, 2, 2, 0, 1, 16, 2, 3, 1, 8, 2, b'h', b'i'], &[1, 5, 11, 11, 9]].concat();
    assert_eq!(tape.to_bytes(), with_entries(&entries));
}

#[test]
fn every_kind_of_error_is_reported() {
    let good = with_entries(&[1, 1, 5, 11, 11, 9]);
    assert!(bounded(&good).is_ok());
    let value = |datum: &[u8]| with_entries(&[&[1, 1, 0, 0, 1], datum].concat());
    let deep = |levels: usize| value(&[&[16, 1].repeat(levels)[..], &[0]].concat());
    let header = 25;
    let mut other_version = good.clone();
    other_version[7] = 2;
    let mut flag = good.clone();
    flag[24] = 2;
    let mut damaged = good.clone();
    damaged[8] ^= 1;
    for (bytes, kind, offset, code) in [
        (Vec::new(), TapeErrorKind::BadMagic, 0, "R0001"),
        (b"OPFTAP?\x01".to_vec(), TapeErrorKind::BadMagic, 0, "R0001"),
        (b"OPFTAPE".to_vec(), TapeErrorKind::End, 7, "R0003"),
        (other_version, TapeErrorKind::Version(2), 7, "R0002"),
        (b"OPFTAPE\x01".to_vec(), TapeErrorKind::End, 8, "R0003"),
        (flag, TapeErrorKind::Code(2), 24, "R0006"),
        (damaged, TapeErrorKind::Check, good.len() - 8, "R0010"),
        (with_entries(&[1, 1, 5, 11, 11]), TapeErrorKind::End, header + 5, "R0003"),
        (with_entries(&[2, 1, 5, 11, 11, 9]), TapeErrorKind::Count, header, "R0005"),
        (with_entries(&[0x80]), TapeErrorKind::End, header + 1, "R0003"),
        (with_entries(&[0xff; 10]), TapeErrorKind::Number, header, "R0004"),
        (with_entries(&[0x81, 0]), TapeErrorKind::Number, header, "R0004"),
        (with_entries(&[1, 2, 5, 11, 11, 9]), TapeErrorKind::Code(2), header + 1, "R0006"),
        (with_entries(&[1, 1, 5, 20, 0]), TapeErrorKind::Code(20), header + 3, "R0006"),
        (with_entries(&[1, 1, 5, 0, 12]), TapeErrorKind::Code(12), header + 4, "R0006"),
        (value(&[20]), TapeErrorKind::Code(20), header + 5, "R0006"),
        // The layer of evidence has 16 bits.
        (value(&[14, 0x80, 0x80, 4, 0]), TapeErrorKind::Number, header + 6, "R0004"),
        (value(&[8, 2, b'a', 0xff]), TapeErrorKind::Utf8, header + 8, "R0007"),
        (value(&[7, 3, 0, 0]), TapeErrorKind::Count, header + 6, "R0005"),
        (value(&[16, 2, 0]), TapeErrorKind::Count, header + 6, "R0005"),
        (deep(65), TapeErrorKind::TooDeep, header + 5 + 2 * 64, "R0008"),
        (with_entries(&[1, 1, 5, 11, 0, 9]), TapeErrorKind::Trailing, header + 5, "R0009"),
    ] {
        let error = bounded(&bytes).unwrap_err();
        assert_eq!((error.kind, error.offset), (kind, offset), "{bytes:?}");
        let text = error.to_string();
        assert!(text.starts_with(&format!("error[{code}]: ")), "{text}");
        assert!(text.ends_with(&format!(", at byte {offset} of the tape")), "{text}");
    }
    assert!(bounded(&deep(64)).is_ok());
}

#[test]
fn every_cut_and_every_changed_bit_is_noticed() {
    let mut random = Random(7);
    for _ in 0..50 {
        let bytes = random.tape().to_bytes();
        for len in 0..bytes.len() {
            bounded(&bytes[..len]).unwrap_err();
        }
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << random.below(8);
            bounded(&changed).unwrap_err();
        }
    }
}

/// Forged counts of every list, with much behind them that could be taken for entries.
#[test]
fn lists_take_no_more_memory_than_they_have_bytes() {
    let units = |count: u64, len: usize| {
        let mut entries = vec![1, 1, 0, 0, 1, 16];
        let mut rest = count;
        while rest >= 0x80 {
            entries.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        entries.push(rest as u8);
        entries.resize(entries.len() + len, 0);
        with_entries(&entries)
    };
    assert!(bounded(&units(100_000, 100_000)).is_ok());
    for count in [100_001, 1 << 20, 1 << 33, 1 << 61, u64::MAX] {
        assert_eq!(bounded(&units(count, 100_000)).unwrap_err().kind, TapeErrorKind::Count);
    }
    let least = with_entries(&[&[0xa0, 0x8d, 6][..], &[1, 0, 0, 0].repeat(100_000)].concat());
    assert_eq!(bounded(&least).unwrap().entries.len(), 100_000);
    // Tuples in tuples that each claim all of the rest.
    let nested = with_entries(&[&[1, 1, 0, 0, 1][..], &[16, 0x7f].repeat(60), &[0; 200]].concat());
    bounded(&nested).unwrap_err();
}

#[test]
fn damaged_tapes_are_errors_or_tapes() {
    let count = std::env::var("OPFORGE_MUTATIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(60_000);
    let mut random = Random(0x5eed);
    let tapes: Vec<Vec<u8>> = (0..200).map(|_| random.tape().to_bytes()).collect();
    let mut read = 0;
    for _ in 0..count {
        let bytes = &tapes[random.below(tapes.len())];
        let mut body = bytes[..bytes.len() - 8].to_vec();
        for _ in 0..=random.below(3) {
            mutate(&mut random, &mut body, &tapes);
        }
        if let Ok(tape) = bounded(&signed(body.clone())) {
            read += 1;
            assert_eq!(tape.to_bytes(), signed(body), "one tape has one form");
        }
    }
    assert!(read > count / 50, "only {read} of {count} could be read: the reader was hardly tried");
}

fn mutate(random: &mut Random, bytes: &mut Vec<u8>, others: &[Vec<u8>]) {
    const BYTES: [u8; 10] = [0, 1, 2, 11, 16, 18, 0x7f, 0x80, 0x81, 0xff];
    let at = random.below(bytes.len());
    match random.below(6) {
        0 | 1 => bytes[at] ^= 1 << random.below(8),
        2 | 3 => bytes[at] = BYTES[random.below(BYTES.len())],
        4 => {
            let end = (at + random.below(8)).min(bytes.len());
            bytes.drain(at..end);
        }
        _ => {
            let other = &others[random.below(others.len())];
            let start = random.below(other.len());
            let piece = &other[start..(start + random.below(20)).min(other.len())];
            bytes.splice(at..at, piece.iter().copied());
        }
    }
    if bytes.is_empty() {
        bytes.push(0);
    }
}
