//! A seed leaves nothing in memory when it is dropped: the process's own memory is searched for it.
#![cfg(target_os = "linux")]

use crate::builders::*;
use mfa_warden::model::seed::{Seed, secret_value};
use std::fs::File;
use std::hint::black_box;
use std::io::{Read, Seek, SeekFrom};

/// A base32 text of 64 digits. Never kept: it is made again wherever it is compared.
fn digit(of: u64, at: u64) -> u8 {
    let mixed = (of.rotate_left(7) ^ at).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[usize::try_from(mixed % 32).unwrap()]
}

/// How often the first `length` digits stand in the writable memory of this process.
fn found(of: u64, length: u64) -> usize {
    let mut memory = File::open("/proc/self/mem").unwrap();
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let mut found = 0;
    for line in maps.lines().filter(|line| line.contains(" rw") && !line.contains("[v")) {
        let (from, to) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let [from, to] = [from, to].map(|address| u64::from_str_radix(address, 16).unwrap());
        let mut bytes = vec![0; usize::try_from(to - from).unwrap()];
        // What other tests unmap in the meantime cannot be read, and holds nothing.
        if memory.seek(SeekFrom::Start(from)).is_err() || memory.read_exact(&mut bytes).is_err() {
            continue;
        }
        let stands = |window: &[u8]| window.iter().zip(0..).all(|(byte, at)| *byte == digit(of, at));
        found += bytes.windows(usize::try_from(length).unwrap()).filter(|window| stands(window)).count();
        // The copy must not be found by a search to come.
        bytes.fill(0);
        black_box(&bytes);
    }
    found
}

#[test]
fn a_dropped_seed_and_its_secret_value_leave_no_trace_in_memory() {
    let of = fastrand::u64(..);
    let bytes: Vec<u8> = (0..64).map(|at| digit(of, at)).collect();
    let seed = Seed::from_answer(bytes).unwrap();
    let value =
        secret_value(&seed, &account(), &user("alice").user, "arn:aws:iam::123456789012:mfa/x", now());
    assert!(found(of, 64) >= 3, "the search finds the seed, its value's field and its URI");
    drop(black_box(value));
    drop(black_box(seed));
    assert_eq!(found(of, 24), 0, "traces of the seed are left");
}
