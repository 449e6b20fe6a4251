//! A snapshot: as it stands in a file, or put together from its sections.
//!
//! ```text
//!   0  1  what it is, and what is done with it: bits below
//!   1     the file; with `SECTIONS` of each section instead:
//!           1 kind · 2 how many bytes are given, and they · 3 how many zeros follow them
//! ```

use ecphory::Check;

use super::disk::Files;
use super::input::{Input, put_piece};
use super::{index, mend, store};

/// The rest is sections.
pub(super) const SECTIONS: u8 = 1;
/// It is the snapshot of a space, too, of a store that is saved again.
pub(super) const STORED: u8 = 2;
/// As before, and it is salvaged.
pub(super) const SALVAGED: u8 = 4;
/// The features say that there are none of those that sections ask for, or the reverse.
const OTHER_FEATURES: u8 = 8;

/// Bytes of a file that is put together, at most.
const FILE_MAX: usize = 1 << 20;
/// Sections of one, at most: one more than a file may have.
const SECTIONS_MAX: usize = 65;
const HEADER: usize = 64;
const MAGIC: &[u8; 8] = b"\x89ECP\r\n\x1a\n";

/// Reads an input.
pub(super) fn read(input: &[u8]) {
    let mut input = Input(input);
    let how = input.byte();
    let mut file =
        if how & SECTIONS == 0 { input.0.to_vec() } else { assembled(input, how & OTHER_FEATURES) };
    mend::snapshot(&mut file);
    let verified = index::open(&file, Check::Full);
    let is_whole = verified.is_ok();
    if let Ok(index) = verified {
        index::use_verified(&index);
    }
    if let Ok(index) = index::open(&file, Check::Header) {
        index::use_unverified(&index);
    } else {
        assert!(!is_whole, "what holds is refused at a glance");
    }
    if how & (STORED | SALVAGED) != 0 {
        let files = stored(file);
        if how & STORED != 0 {
            let opened = store::use_files(&files);
            assert_eq!(opened, is_whole, "a store sees something else in a snapshot");
        }
        if how & SALVAGED != 0 {
            store::salvage(&files);
        }
    }
}

/// A store of which a snapshot is the only space.
fn stored(file: Vec<u8>) -> Files {
    let saved = store::Saved { id: 1, file: 1, lsn: 4, name: "a" };
    let mut files = store::files(2, 4, 2, &[saved]);
    files.insert(store::segment_name(2), store::segment(2, 5, 0));
    files.insert(store::snapshot_name(1), file);
    files
}

/// The file of some sections.
fn assembled(mut input: Input<'_>, other_features: u8) -> Vec<u8> {
    let mut file = vec![0; HEADER];
    let (mut entries, mut blocks, mut features) = (Vec::new(), 0, 0u64);
    while !input.is_empty() && entries.len() < SECTIONS_MAX {
        let kind = input.byte();
        let given = input.piece();
        let zeros = input.pair() | usize::from(input.byte()) << 16;
        let len = given.len() + zeros.min(FILE_MAX.saturating_sub(file.len() + given.len()));
        let align = if len < mend::BLOCK { HEADER } else { mend::BLOCK };
        let offset = file.len().next_multiple_of(align);
        file.resize(offset, 0);
        file.extend(given);
        file.resize(offset + len, 0);
        entries.push((kind, offset, len));
        blocks += len.div_ceil(mend::BLOCK);
        features |=
            u64::from((16..=18).contains(&kind)) | u64::from((19..=21).contains(&kind)) << 1;
    }
    file.resize(file.len() + 4 * blocks, 0);
    let directory = file.len();
    for &(kind, offset, len) in &entries {
        file.extend(u64::from(kind).to_le_bytes());
        for value in [offset, len, 0] {
            file.extend((value as u64).to_le_bytes());
        }
    }
    file.extend([0; 4]);
    let mut header = MAGIC.to_vec();
    for value in [1u32, 1] {
        header.extend(value.to_le_bytes());
    }
    let features = features ^ u64::from(other_features != 0);
    for value in [features, 0, file.len() as u64, directory as u64] {
        header.extend(value.to_le_bytes());
    }
    header.extend((entries.len() as u32).to_le_bytes());
    header.extend((mend::BLOCK as u32).to_le_bytes());
    file[..header.len()].copy_from_slice(&header);
    file
}

/// The input of a file, section by section.
pub(super) fn sections_of(how: u8, file: &[u8]) -> Vec<u8> {
    let mut input = vec![how | SECTIONS];
    let directory = mend::long(file, 40) as usize;
    for entry in (0..mend::word(file, 48) as usize).map(|i| directory + 32 * i) {
        let (start, len) = (mend::long(file, entry + 8), mend::long(file, entry + 16));
        let section = &file[start as usize..(start + len) as usize];
        let given = section.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        input.push(mend::word(file, entry) as u8);
        put_piece(&mut input, &section[..given]);
        input.extend(&(section.len() as u32 - given as u32).to_le_bytes()[..3]);
    }
    input
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_put_together_as_they_were() {
        let index = ecphory::Index::builder(2).m(4).build().unwrap();
        for count in [0, 1, 900] {
            for key in index.len() as u64..count {
                let vector = [key as f32, 1.0];
                let item = ecphory::Item::new(key, &vector).tags(&["red"]).payload(b"core");
                index.insert_item(&item.at(1 + key)).unwrap();
                index.associate(&ecphory::Association::new(key, key / 2)).unwrap();
            }
            let file = index.to_snapshot().unwrap();
            let input = sections_of(0, &file);
            let mut again = assembled(Input(&input[1..]), 0);
            mend::snapshot(&mut again);
            assert!(again == file, "{count} items");
        }
    }
}
