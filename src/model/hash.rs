//! FNV-1a (draft-eastlake-fnv): what is written down has to mean the same in every release, and the standard library's
//! hashes promise none of that. Not against whoever looks for collisions.

/// Of 64 bits.
pub fn fnv1a_64(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// Of 32 bits.
pub fn fnv1a_32(bytes: &[u8]) -> u32 {
    let step = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    bytes.iter().fold(0x811c_9dc5, step)
}
