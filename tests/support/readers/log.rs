//! A log, of a store that may have a checkpoint.
//!
//! ```text
//!   0  1  what is done with the store
//!   1  1  1 + the call of the disk that fails, or 0
//!   2  1  what there is beside the log: bits below
//!   3  1  frames that the manifest says are durable
//!   4     what the log is made of, each a byte (modulo 8) and what it takes:
//!           0  2 how many bytes, and they      a frame of them as payload
//!           1  32, 2 how many, and they        a frame with a header of its own
//!           2                                  the next segment
//!           3  64                              the next segment, with a header of its own
//!           4  2 how many, and they            bytes
//!           5  2                               as many zeros
//!           6  1                               so many bytes less
//!           7  1                               the next segment but so many
//! ```

use std::sync::LazyLock;

use ecphory::Check;

use super::disk::Files;
use super::input::Input;
use super::{index, mend, store};

/// There is a checkpoint of one space, and the log goes on behind it.
pub(super) const CHECKPOINT: u8 = 1;
/// A sync has failed before.
pub(super) const POISONED: u8 = 2;
/// There is no manifest.
pub(super) const NAMELESS: u8 = 4;

/// Frames that the checkpoint holds.
const HELD: u64 = 4;
/// Bytes of a segment that zeros are added to, at most.
const ZEROS_MAX: usize = 1 << 13;

/// A space of three items, as a checkpoint has it.
static SPACE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let index = ecphory::Index::builder(2).metric(ecphory::Metric::L2).m(4).build();
    let index = index.expect("options inside their bounds");
    for key in 1..4 {
        index.insert(key, &[key as f32, 1.0]).expect("a vector like others");
    }
    let bytes = index.to_snapshot().expect("an index at rest is written");
    index::open(&bytes, Check::Full).expect("what was written opens");
    bytes
});

/// A log that is being made.
struct Making {
    files: Files,
    segment: u64,
    bytes: Vec<u8>,
    /// The number of the next frame.
    next: u64,
    /// What its checksum is chained to.
    chain: u32,
}

impl Making {
    fn frame(&mut self, header: Option<&[u8]>, payload: &[u8]) {
        let mut bytes = [0; 32];
        if let Some(header) = header {
            bytes[..header.len()].copy_from_slice(header);
        } else {
            bytes[..4].copy_from_slice(b"ECF1");
            bytes[4..8].copy_from_slice(&(payload.len() as u32).to_le_bytes());
            bytes[8..16].copy_from_slice(&self.next.to_le_bytes());
            bytes[16..24].copy_from_slice(&self.next.wrapping_sub(1).to_le_bytes());
        }
        let place = [store::IDENTITY, self.segment, self.bytes.len() as u64];
        self.chain = mend::frame(&mut bytes, payload, place, self.chain);
        self.next = self.next.wrapping_add(1);
        self.bytes.extend(bytes);
        self.bytes.extend(payload);
    }

    fn next_segment(&mut self, header: Option<&[u8]>, skipped: u8) {
        self.keep();
        self.segment += 1 + u64::from(skipped);
        self.bytes = store::segment(self.segment, self.next, self.chain);
        if let Some(header) = header {
            self.bytes[..header.len()].copy_from_slice(header);
            mend::header(&mut self.bytes);
            self.chain = mend::word(&self.bytes, 12);
            self.next = mend::long(&self.bytes, 32);
        }
    }

    fn keep(&mut self) {
        self.files.insert(store::segment_name(self.segment), std::mem::take(&mut self.bytes));
    }
}

/// Reads an input.
pub(super) fn read(input: &[u8]) {
    let mut input = Input(input);
    let (how, fails) = (input.byte(), input.byte());
    let files = files(input);
    store::read(&files, how, fails);
}

/// The files of the rest of an input.
fn files(mut input: Input<'_>) -> Files {
    let (beside, durable) = (input.byte(), u64::from(input.byte()));
    let (first, held) = if beside & CHECKPOINT == 0 { (1, 0) } else { (2, HELD) };
    let saved = store::Saved { id: 1, file: 1, lsn: held, name: "a" };
    let saved: &[_] = if held == 0 { &[] } else { &[saved] };
    let mut files = store::files(first, held + durable, 2, saved);
    if held > 0 {
        files.insert(store::snapshot_name(1), SPACE.clone());
    }
    if beside & POISONED != 0 {
        files.insert("poisoned".to_owned(), Vec::new());
    }
    if beside & NAMELESS != 0 {
        files.remove("manifest-0");
    }
    let (bytes, next) = (store::segment(first, held + 1, 0), held + 1);
    let mut making = Making { files, segment: first, bytes, next, chain: 0 };
    while !input.is_empty() {
        match input.byte() % 8 {
            0 => making.frame(None, input.piece()),
            1 => {
                let header = input.bytes(32);
                making.frame(Some(header), input.piece());
            }
            2 => making.next_segment(None, 0),
            3 => making.next_segment(Some(input.bytes(64)), 0),
            4 => making.bytes.extend(input.piece()),
            5 => {
                let len = making.bytes.len();
                making.bytes.resize(len.max(ZEROS_MAX.min(len + input.pair())), 0);
            }
            6 => {
                let left = making.bytes.len().saturating_sub(input.byte().into());
                making.bytes.truncate(left);
            }
            _ => making.next_segment(None, input.byte()),
        }
    }
    making.keep();
    making.files
}
