//! The list of a snapshot in parts, beside the snapshot that it stands on.
//!
//! ```text
//!   0  1  what is done with the store
//!   1  1  1 + the call of the disk that fails, or 0
//!   2  1  zeros behind the list
//!   3 64  the header of the file
//!  67     its list, which stands where the header says, if pages of its own end there
//! ```

use super::disk::Files;
use super::input::Input;
use super::manifest::STORE;
use super::{mend, store};

const PAGE: usize = 1 << 16;
const HEADER: usize = 64;
const MAGIC: &[u8; 8] = b"\x89ECX\r\n\x1a\n";

/// The name and the bytes of the snapshot in parts.
fn given() -> (&'static str, &'static [u8]) {
    let in_parts = STORE.iter().find(|(_, bytes)| bytes.starts_with(MAGIC));
    let (name, bytes) = in_parts.expect("a snapshot is in parts");
    (name, bytes)
}

/// Reads an input.
pub(super) fn read(input: &[u8]) {
    let mut input = Input(input);
    let (how, fails) = (input.byte(), input.byte());
    store::read(&files(input), how, fails);
}

/// The files of the rest of an input.
fn files(mut input: Input<'_>) -> Files {
    let (name, whole) = given();
    let zeros = input.byte();
    let mut file = input.bytes(HEADER).to_vec();
    mend::header(&mut file);
    file.resize(HEADER, 0);
    let mut list = input.0.to_vec();
    mend::list(&file, &mut list);
    // Its own pages are as they were, as far as there are any.
    let own = usize::try_from(mend::long(&file, 24)).ok();
    let own = own.filter(|own| (PAGE..=whole.len() + PAGE).contains(own)).unwrap_or(whole.len());
    file.extend(&whole[HEADER..whole.len().min(own)]);
    file.resize(own, 0);
    file.extend(list);
    file.resize(file.len() + usize::from(zeros), 0);
    let mut files = STORE.clone();
    files.insert(name.to_owned(), file);
    files
}

/// The input of the file as it was written.
pub(super) fn written(how: u8) -> Vec<u8> {
    let (_, whole) = given();
    let mut input = vec![how, 0, 0];
    input.extend(&whole[..HEADER]);
    input.extend(&whole[mend::long(whole, 24) as usize..]);
    input
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_put_together_as_it_was() {
        let (name, whole) = given();
        assert_eq!(name, store::snapshot_name(3));
        assert!(whole.len() < 2 * PAGE + 4096, "it shares its pages");
        assert!(files(Input(&written(0)[2..])) == *STORE);
    }
}
