//! Builds containers piece by piece, so that a test can forge any one of their counts.

/// A piece of a section's payload.
#[derive(Clone, Debug)]
pub(crate) enum Piece {
    Bytes(Vec<u8>),
    /// A count of entries, which a test may replace.
    Count(u64),
    /// A length of bytes, likewise.
    Len(u64),
}

/// A section.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) tag: u8,
    pub(crate) pieces: Vec<Piece>,
}

pub(crate) const HEADER: &[u8] = b"EXTAPE\0\0\0\0\x01\0";

pub(crate) fn uleb(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn bytes(bytes: &[u8]) -> Piece {
    Piece::Bytes(bytes.to_vec())
}

fn part(tag: u8, pieces: Vec<Piece>) -> Part {
    Part { tag, pieces }
}

/// A container's sections with at least one entry in every counted list of the format.
pub(crate) fn full() -> Vec<Part> {
    use Piece::{Count, Len};
    let host_object = bytes(&[8, 1, 2, 3, 4, 5, 6, 7, 8]);
    vec![
        part(1, vec![Count(3), Len(0), Len(1), bytes(b"a"), Len(1), bytes(b"b")]),
        part(
            2,
            vec![
                Count(8),
                bytes(&[0, 1, 1, 2, 0x7f, 3, 5, 4, 0, 0, 0, 0, 0, 0, 0xf8, 0xff, 5, 0x7b, 255]),
                bytes(&[6]),
                Len(2),
                bytes(&[0, 255]),
                bytes(&[7]),
                Len(2),
                bytes("é".as_bytes()),
            ],
        ),
        part(
            3,
            vec![
                Count(1),
                Len(1),
                bytes(b"x"),
                Count(1),
                Count(2),
                bytes(&[0, 2, 0]),
                host_object.clone(),
                Count(2),
                bytes(&[2]),
                host_object.clone(),
            ],
        ),
        part(5, vec![Count(1), Len(3), bytes(&[1, 2, 3])]),
        part(6, vec![Count(1), Count(2), bytes(&[0, 1, 2, 9])]),
        part(4, vec![Count(1), bytes(&[2, 1, 4, 0, 0])]),
        part(7, vec![Count(1), Count(2), bytes(&[9, 9, 1, 1, 0]), Count(1), bytes(&[2, 1, 2])]),
        part(
            8,
            vec![Count(1), bytes(&[1, 1, 2, 3, 4, 5, 6, 7, 8]), Count(1), host_object, Count(1), bytes(&[0])],
        ),
        part(10, vec![Count(1), Count(1), bytes(&[2]), Count(1), bytes(&[7])]),
        part(11, vec![Count(2), bytes(&[0, 0, 1]), Count(2), bytes(&[0, 1, 2]), bytes(&[0, 1, 2, 0])]),
        part(128, vec![Count(1), bytes(&[0, 1, 1, 0])]),
        part(129, vec![Count(2), bytes(&[1, 2])]),
        part(130, vec![Count(1), bytes(&[1])]),
        part(
            131,
            vec![Count(3), bytes(&[1, 7]), bytes(&[2]), Count(2), bytes(&[0, 0]), bytes(&[3, 0, 1, 0])],
        ),
        part(132, vec![Count(2), bytes(&[1, 1]), Count(1), bytes(&[0, 0, 1]), bytes(&[0])]),
        part(133, vec![Count(1), bytes(&[1, 0])]),
        part(
            134,
            vec![
                Count(1),
                bytes(&[1, 0]),
                Count(2),
                bytes(&[0, 0, 1, 1]),
                Count(2),
                bytes(&[0, 1, 0, 64, 1, 0, 3, 4, 8]),
            ],
        ),
        part(135, vec![Count(1), bytes(&[1, 0, 1]), Count(1), bytes(&[7, 1, 3])]),
        part(136, vec![Count(1), bytes(&[2, 1])]),
        part(137, vec![Count(2), bytes(&[0, 0, 0, 1, 0, 0, 0]), bytes(&[0, 1, 0, 3, 0])]),
        part(9, vec![bytes(&[1, 1]), Count(1), bytes(&[0, 2]), Count(1), bytes(&[0, 3, 1])]),
    ]
}

/// A container with nothing in it; sections in the order they are written.
pub(crate) fn empty() -> Vec<Part> {
    let mut parts = vec![part(1, vec![Piece::Count(1), Piece::Len(0)])];
    for tag in [2, 3, 5, 6, 4, 7, 8] {
        // Section 3 has three lists.
        parts.push(part(tag, vec![Piece::Count(0); if tag == 3 { 3 } else { 1 }]));
    }
    parts
}

/// Puts `payload` in the place of the section with this tag, or behind all others.
pub(crate) fn replace(parts: &mut Vec<Part>, tag: u8, payload: Vec<u8>) {
    let new = part(tag, vec![Piece::Bytes(payload)]);
    match parts.iter_mut().find(|part| part.tag == tag) {
        Some(part) => *part = new,
        None => parts.push(new),
    }
}

impl Part {
    pub(crate) fn payload(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Bytes(bytes) => out.extend_from_slice(bytes),
                Piece::Count(value) | Piece::Len(value) => uleb(*value, &mut out),
            }
        }
        out
    }
}

/// The bytes of a container with these sections, of the first version that has them.
pub(crate) fn container(parts: &[Part]) -> Vec<u8> {
    let mut out = HEADER.to_vec();
    if parts.iter().any(|part| part.tag >= 128) {
        out[10] = 128;
    }
    for part in parts {
        let payload = part.payload();
        out.push(part.tag);
        uleb(payload.len() as u64, &mut out);
        out.extend_from_slice(&payload);
    }
    out
}
