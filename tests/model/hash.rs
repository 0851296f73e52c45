//! The hash of what operations were told.

use mfa_warden::model::hash::{fnv1a_32, fnv1a_64};

#[test]
fn the_hash_is_the_specified_one() {
    // The test vectors of draft-eastlake-fnv.
    for (text, short, long) in [
        ("", 0x811c_9dc5, 0xcbf2_9ce4_8422_2325),
        ("a", 0xe40c_292c, 0xaf63_dc4c_8601_ec8c),
        ("foobar", 0xbf9c_f968, 0x8594_4171_f739_67e8),
    ] {
        assert_eq!((fnv1a_32(text.as_bytes()), fnv1a_64(text.as_bytes())), (short, long), "{text}");
    }
}
