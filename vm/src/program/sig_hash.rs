//! The hash that containers and hosts identify signatures by.

use crate::value_type::ValueType;

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;
/// What every hash starts with, so that it belongs to this purpose and version alone.
const DOMAIN: &[u8] = b"execution_tape:v1\0";

/// The hash of a signature: FNV-1a, 64 bits, over a fixed text, then the parameters and the results as their
/// number (u32, little-endian) and their tags, with an object's host type (u64, little-endian) behind its tag.
///
/// It is part of the format: a host signature carries it, the verifier computes it again.
///
/// ```
/// use opforge_vm::{ValueType, program::signature_hash};
/// assert_eq!(signature_hash(&[ValueType::I64], &[ValueType::I64]), 0x4904_8bcf_a89c_e5f5);
/// ```
#[must_use]
pub fn signature_hash(params: &[ValueType], results: &[ValueType]) -> u64 {
    let mut hash = fnv1a(OFFSET, DOMAIN);
    for types in [params, results] {
        // A signature of 2^32 or more types cannot come from a container; the count wraps rather than panics.
        hash = fnv1a(hash, &(types.len() as u32).to_le_bytes());
        for ty in types {
            hash = fnv1a(hash, &[ty.tag()]);
            if let ValueType::Obj(host_type) = ty {
                hash = fnv1a(hash, &host_type.to_le_bytes());
            }
        }
    }
    hash
}

fn fnv1a(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}
