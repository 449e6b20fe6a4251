//! Damaged files, and files whose author computed the checksums anew.

use super::*;

/// A small deterministic source of choices.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        ((u128::from(self.0) * bound as u128) >> 64) as usize
    }
}

#[test]
fn every_flipped_bit_is_found() {
    let mut bytes = GOLDEN.to_vec();
    for bit in 0..bytes.len() * 8 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(open(&bytes, Check::Full).is_err(), "bit {bit}");
        // The cheap check answers for header and directory.
        let believed = open(&bytes, Check::Header).is_ok();
        assert_eq!(believed, (64..0x218).contains(&(bit / 8)), "bit {bit}");
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn damage_in_large_sections_is_found() {
    let mut bytes = file(&content(200_000), usize::MAX);
    let (mut dice, len) = (Dice(1), bytes.len());
    let edges = [65_535, 65_536, 131_071, 131_072, 65_536 + 199_999, 65_536 + 200_000];
    for at in edges.into_iter().chain((0..200).map(|_| dice.below(len))) {
        bytes[at] ^= 0xff;
        assert!(open(&bytes, Check::Full).is_err(), "byte {at}");
        bytes[at] ^= 0xff;
    }
    let mut swapped = bytes.clone();
    swapped.copy_within(65_536..131_072, 131_072);
    swapped[65_536..131_072].copy_from_slice(&bytes[131_072..196_608]);
    assert_eq!(refusal(&swapped, Check::Full), ("a block is damaged", 65_536));
}

#[test]
fn every_other_length_is_refused() {
    for len in 0..GOLDEN.len() {
        for check in CHECKS {
            refusal(&GOLDEN[..len], check);
        }
    }
    for more in (1..64).chain([4096, 65_536]) {
        for byte in [0, 0xff] {
            let longer = [GOLDEN, &vec![byte; more]].concat();
            for check in CHECKS {
                refusal(&longer, check);
            }
        }
    }
}

#[test]
fn a_directory_fits_one_header_only() {
    let mut other = content(130);
    other[2].1[0] ^= 1;
    let other = file(&other, 130);
    let mixed = [&GOLDEN[..0x218], &other[0x218..]].concat();
    assert_eq!(refusal(&mixed, Check::Full).0, "the block checksums are damaged");
    let mut flags = other.clone();
    flags[24] = 1;
    reseal(&mut flags);
    let mixed = [&flags[..64], &other[64..]].concat();
    assert_eq!(refusal(&mixed, Check::Header), ("the directory is damaged", 0x218));
}

/// Numeric fields as (offset, width): of the header, then of each directory entry.
fn fields_of(file: &[u8]) -> Vec<(usize, usize)> {
    let header = [(8, 4), (12, 4), (16, 8), (32, 8), (40, 8), (48, 4), (52, 4), (56, 4)];
    let start = file.len() - directory_len(file);
    let entries = (start..file.len() - 4).step_by(32);
    let entry = [(0, 4), (4, 4), (8, 8), (16, 8), (24, 8)];
    let entries = entries.flat_map(|at| entry.map(|(place, width)| (at + place, width)));
    header.into_iter().chain(entries).collect()
}

/// Values around `now`, around the file's length and around the ends of the types.
fn hostile(now: u64, file_len: u64) -> Vec<u64> {
    let near = |v: u64| [v.wrapping_sub(1), v, v.wrapping_add(1)];
    let mut values: Vec<u64> = [0, now, file_len, 1 << 31, 1 << 32, 1 << 63].map(near).concat();
    // Sums and products that wrap: with 64 for alignment, 4 a block, 32 an entry.
    values.extend([
        now + 64,
        now.wrapping_sub(64),
        1 << 58,
        1 << 59,
        1 << 62,
        64_u64.wrapping_neg(),
    ]);
    values
}

fn field(file: &[u8], (at, width): (usize, usize)) -> u64 {
    let mut value = [0; 8];
    value[..width].copy_from_slice(&file[at..at + width]);
    u64::from_le_bytes(value)
}

fn set(file: &mut [u8], (at, width): (usize, usize), value: u64) {
    file[at..at + width].copy_from_slice(&value.to_le_bytes()[..width]);
}

#[test]
fn lies_with_good_checksums_are_refused() {
    let fields = fields_of(GOLDEN);
    let directory = GOLDEN.len() - directory_len(GOLDEN);
    let mut lies = 0;
    for (i, &first) in fields.iter().enumerate() {
        for &second in &fields[i..] {
            for a in hostile(field(GOLDEN, first), GOLDEN.len() as u64) {
                for b in hostile(field(GOLDEN, second), GOLDEN.len() as u64) {
                    let mut bytes = GOLDEN.to_vec();
                    set(&mut bytes, first, a);
                    set(&mut bytes, second, b);
                    // A kind is free as long as the order is kept: the index misses it then.
                    let kind = |(at, _): (usize, usize)| {
                        at >= directory && (at - directory).is_multiple_of(32)
                    };
                    let unchanged = |f| field(&bytes, f) == field(GOLDEN, f) || kind(f);
                    if unchanged(first) && unchanged(second) {
                        continue;
                    }
                    reseal(&mut bytes);
                    assert!(open(&bytes, Check::Full).is_err(), "{first:?} {a} {second:?} {b}");
                    let _ = open(&bytes, Check::Header);
                    lies += 1;
                }
            }
        }
    }
    assert!(lies > 100_000, "{lies} files");
}

#[test]
fn a_kind_stands_once_and_in_order() {
    let start = GOLDEN.len() - directory_len(GOLDEN);
    for (entry, kind, good) in
        [(0, 0, true), (0, 2, false), (2, 2, false), (2, 1, false), (5, 14, true), (5, 10, false)]
    {
        let mut bytes = GOLDEN.to_vec();
        set(&mut bytes, (start + entry * 32, 4), kind);
        reseal(&mut bytes);
        assert_eq!(open(&bytes, Check::Header).is_ok(), good, "entry {entry} of kind {kind}");
    }
}

#[test]
fn a_directory_is_bounded() {
    for (sections, good) in [(0, true), (1, true), (64, true), (65, false), (100_000, false)] {
        let mut bytes = GOLDEN[..64].to_vec();
        for kind in 0..sections as u32 {
            bytes.extend([kind, 0, 64, 0, 0, 0, 0, 0].map(u32::to_le_bytes).concat());
        }
        bytes.extend([0; 4]);
        let len = bytes.len() as u64;
        // From kind 16 on there are tags, from 19 on there is what items remember.
        let features = u64::from(sections > 16) | u64::from(sections > 19) << 1;
        set(&mut bytes, (16, 8), features);
        set(&mut bytes, (32, 8), len);
        set(&mut bytes, (40, 8), 64);
        set(&mut bytes, (48, 4), sections);
        reseal(&mut bytes);
        assert_eq!(open(&bytes, Check::Full).is_ok(), good, "{sections} empty sections");
    }
}

#[test]
fn random_files_with_good_checksums_do_no_harm() {
    let (mut dice, mut opened) = (Dice(2), 0);
    for _ in 0..50_000 {
        let mut bytes = GOLDEN.to_vec();
        for _ in 0..=dice.below(6) {
            // Mostly the two ends, where the structure is.
            let at =
                if dice.below(4) == 0 { dice.below(732) } else { (0x218 + dice.below(260)) % 732 };
            bytes[at] = dice.below(256) as u8;
        }
        let cut = bytes.len() - dice.below(3) * dice.below(100);
        let bytes = &mut bytes[..cut];
        if bytes.len() >= 64 {
            set(bytes, (32, 8), cut as u64);
            reseal(bytes);
        }
        for check in CHECKS {
            if let Ok(snapshot) = open(bytes, check) {
                opened += 1;
                for &kind in Kind::ALL {
                    if let Ok(mut fields) = snapshot.fields(kind) {
                        while fields.take_u32().is_ok() {}
                    }
                }
            }
        }
    }
    assert!(opened > 1000, "only {opened} got past the checksums");
}
