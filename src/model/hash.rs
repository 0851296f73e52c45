//! FNV-1a (draft-eastlake-fnv). Stored hashes must mean the same in every release, which the standard library does not
//! promise for its hashes. Not safe against an attacker who looks for collisions.

/// The 64-bit hash.
pub fn fnv1a_64(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// The 32-bit hash.
pub fn fnv1a_32(bytes: &[u8]) -> u32 {
    let step = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    bytes.iter().fold(0x811c_9dc5, step)
}
