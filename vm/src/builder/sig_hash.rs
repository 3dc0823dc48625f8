//! The hash that ties a host signature to its types.

use crate::value_type::ValueType;

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

fn mix(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |h, &b| (h ^ u64::from(b)).wrapping_mul(PRIME))
}

fn mix_types(hash: u64, types: &[ValueType]) -> u64 {
    let count = u32::try_from(types.len()).unwrap_or(u32::MAX);
    types.iter().fold(mix(hash, &count.to_le_bytes()), |h, ty| {
        let h = mix(h, &[ty.tag()]);
        if let ValueType::Obj(host) = ty { mix(h, &host.to_le_bytes()) } else { h }
    })
}

/// The hash of a host signature: FNV-1a, 64 bits, over a version text, then parameter and result types, each
/// list with its count (u32, little-endian) in front, one tag byte a type, objects followed by their host type.
#[must_use]
pub fn sig_hash(params: &[ValueType], results: &[ValueType]) -> u64 {
    mix_types(mix_types(mix(OFFSET, b"execution_tape:v1\0"), params), results)
}
