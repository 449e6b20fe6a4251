//! Manifests, beside three snapshots, of which one is in parts, and a log.
//!
//! ```text
//!   0  1  what is done with the store
//!   1  1  1 + the call of the disk that fails, or 0
//!   2  2  how many bytes `manifest-0` has, and they
//!   4     `manifest-1`, if there is anything
//! ```

use std::sync::{Arc, LazyLock};

use ecphory::{Index, Item, Metric, Op};

use super::disk::{Disk, Files};
use super::input::Input;
use super::{mend, store};

/// Bytes of payload that fill pages.
const FILLING: usize = 3 << 16;

/// A store of two spaces, closed: the snapshot of the first, `a`, is of three pages and in parts.
pub(super) static STORE: LazyLock<Files> = LazyLock::new(|| {
    let disk = Disk::holding(&Files::new());
    let store = store::builder().open(Arc::<Disk>::clone(&disk)).expect("an empty folder");
    let made = |name| store.create(name, Index::builder(2).metric(Metric::L2).m(4));
    let (large, small) = (made("a").expect("a new name"), made("b").expect("a new name"));
    let filling = vec![1; FILLING];
    let item = Item::new(1, &[1.0, 1.0]).payload(&filling);
    large.apply(&Op::Insert(item)).expect("an item like others");
    small.insert(1, &[1.0, 1.0]).expect("an item like others");
    store.checkpoint().expect("the disk answers");
    large.insert(2, &[1.0, 2.0]).expect("an item like others");
    store.checkpoint().expect("the disk answers");
    large.insert(3, &[1.0, 3.0]).expect("an item like others");
    store.close().expect("the disk answers");
    disk.files()
});

/// Reads an input.
pub(super) fn read(input: &[u8]) {
    let mut input = Input(input);
    let (how, fails) = (input.byte(), input.byte());
    let mut files = STORE.clone();
    let slots = [("manifest-0", input.piece()), ("manifest-1", input.0)];
    for (name, bytes) in slots {
        let mut bytes = bytes.to_vec();
        mend::manifest(&mut bytes);
        let is_there = !bytes.is_empty();
        if is_there {
            files.insert(name.to_owned(), bytes);
        } else {
            files.remove(name);
        }
    }
    store::read(&files, how, fails);
}
