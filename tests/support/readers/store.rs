//! Stores put together from files, and what is done with one that opens.

use std::collections::BTreeMap;
use std::sync::Arc;

use ecphory::exec::Sequential;
use ecphory::log::StoreError;
use ecphory::{Association, Check, Error, Index, Item, Metric, Op, Space, Store, StoreBuilder};

use super::disk::{Disk, Files};
use super::index::{self, Kept};
use super::mend;
use crate::heap::measured;

/// The identity of all stores here.
pub(super) const IDENTITY: u64 = 7;

/// It is salvaged.
pub(super) const SALVAGED: u8 = 1;
/// Its spaces are compacted, and it is backed up.
pub(super) const COMPACTED: u8 = 2;
/// It is opened without a look at all of its snapshots.
pub(super) const GLANCED: u8 = 4;

/// Bytes that opening may take beside some for each byte of the files: the first item of each space
/// takes room for 1,024.
const ROOM: usize = 128 << 20;
const EACH: usize = 64;
/// Spaces that are changed, and items that are looked at of those that were not verified.
const SOME: usize = 3;

/// Why a store of made-up numbers is not written to any more.
const USED_UP: &str = "its numbers are used up";

/// A space of a manifest.
pub(super) struct Saved<'a> {
    pub(super) id: u64,
    pub(super) file: u64,
    pub(super) lsn: u64,
    pub(super) name: &'a str,
}

/// A folder with a manifest alone: the first segment that is needed, the last frame that is durable,
/// the number of the next snapshot, spaces.
pub(super) fn files(segment: u64, durable: u64, next_file: u64, spaces: &[Saved<'_>]) -> Files {
    [("manifest-0".to_owned(), manifest(segment, durable, next_file, spaces))].into()
}

/// A manifest.
pub(super) fn manifest(
    segment: u64,
    durable: u64,
    next_file: u64,
    spaces: &[Saved<'_>],
) -> Vec<u8> {
    let mut bytes = b"\x89ECM\r\n\x1a\n".to_vec();
    let put = |bytes: &mut Vec<u8>, value: u64| bytes.extend(value.to_le_bytes());
    put(&mut bytes, 1);
    for value in [1, IDENTITY, segment, durable, next_file, spaces.len() as u64] {
        put(&mut bytes, value);
    }
    for Saved { id, file, lsn, name } in spaces {
        for value in [*id, *file, *lsn] {
            put(&mut bytes, value);
        }
        bytes.extend((name.len() as u32).to_le_bytes());
        bytes.extend(name.as_bytes());
    }
    bytes.extend([0; 4]);
    let len = bytes.len() as u32;
    bytes[12..16].copy_from_slice(&len.to_le_bytes());
    mend::manifest(&mut bytes);
    bytes
}

/// The header of a segment.
pub(super) fn segment(number: u64, first: u64, chain: u32) -> Vec<u8> {
    let mut bytes = b"\x89ECL\r\n\x1a\n".to_vec();
    bytes.extend(1u32.to_le_bytes());
    bytes.extend(chain.to_le_bytes());
    for value in [IDENTITY, number, first] {
        bytes.extend(value.to_le_bytes());
    }
    bytes.resize(64, 0);
    mend::header(&mut bytes);
    bytes
}

/// The file of a segment.
pub(super) fn segment_name(number: u64) -> String {
    format!("log-{number:016x}")
}

/// The file of a snapshot.
pub(super) fn snapshot_name(number: u64) -> String {
    format!("snap-{number:016x}")
}

/// How stores are opened here: whatever is equal is shared.
pub(super) fn builder() -> StoreBuilder {
    Store::builder().log_files(1 << 20, 512).share_from(0).identity(IDENTITY)
}

/// Does what an input asks for, and fails a call of the disk if it says which.
pub(super) fn read(files: &Files, how: u8, fails: u8) {
    use_files(files);
    if how & GLANCED != 0 {
        use_at_a_glance(files);
    }
    if how & COMPACTED != 0 {
        compact(files);
    }
    if how & SALVAGED != 0 {
        salvage(files);
    }
    if let Some(after) = fails.checked_sub(1) {
        fail(files, u64::from(after));
    }
}

/// Opens a store, or is told what is wrong with it.
fn open(builder: StoreBuilder, disk: &Arc<Disk>) -> Result<Store, StoreError> {
    let size = disk.size();
    let (opened, most) = measured(|| builder.open(disk.clone()));
    assert!(most <= ROOM + EACH * size, "{most} bytes were taken for {size}");
    match &opened {
        Ok(_) | Err(StoreError::Index(Error::UnsupportedSnapshot { .. })) => {}
        Err(StoreError::Damaged { file, .. }) => assert!(!file.is_empty(), "of an unknown file"),
        Err(error) => panic!("refused for another reason: {error}"),
    }
    opened
}

fn verified(disk: &Arc<Disk>) -> Result<Store, StoreError> {
    open(builder().check(Check::Full), disk)
}

/// The items of all spaces.
fn items(store: &Store) -> BTreeMap<String, Vec<Kept>> {
    let of_space = |name: String| {
        let space = store.space(&name).expect("a name that was listed");
        space.check().expect("what was verified holds");
        let mut bytes = Vec::new();
        space.write_snapshot(&mut bytes).expect("a space at rest is written");
        let copy = index::open(&bytes, Check::Full).expect("what was written opens");
        assert_eq!(space.len(), copy.len(), "a copy has other items");
        (name, index::items(&copy))
    };
    store.spaces().into_iter().map(of_space).collect()
}

/// Reads a store, writes to it, and opens it again; whether it opened at all.
pub(super) fn use_files(files: &Files) -> bool {
    let shown = Disk::holding(files);
    let seen = open(builder().check(Check::Full).read_only(), &shown);
    let seen = seen.ok().map(|store| items(&store));
    assert!(shown.files() == *files, "who reads only has changed a file");
    let disk = Disk::holding(files);
    let Ok(store) = verified(&disk) else {
        assert!(seen.is_none(), "who reads only sees a store that nobody can write to");
        return false;
    };
    let before = items(&store);
    // A folder without a manifest may be a store that was never finished.
    assert!(seen.is_none_or(|seen| seen == before), "who reads only sees other items");
    store.scrub().expect("what was verified holds");
    change(&store);
    let changed = items(&store);
    match store.checkpoint() {
        Err(StoreError::Damaged { reason: USED_UP, .. }) => return true,
        made => made.expect("a checkpoint is made of what opened"),
    }
    store.scrub().expect("a checkpoint holds");
    drop(store);
    let store = verified(&disk).expect("what was written opens");
    assert!(items(&store) == changed, "other items are read back");
    match store.close() {
        Err(StoreError::Damaged { reason: USED_UP, .. }) => {}
        closed => closed.expect("the disk answers"),
    }
    true
}

/// Changes of each kind to some spaces, and a new one. Indexes may refuse any of them, and so does a
/// log or a manifest whose numbers are used up.
fn change(store: &Store) {
    let made = store.create("made anew", Index::builder(2).metric(Metric::L2).m(4));
    let is_fine = matches!(
        made,
        Ok(_) | Err(StoreError::Space { .. } | StoreError::Damaged { reason: USED_UP, .. })
    );
    assert!(is_fine, "{made:?}");
    for name in store.spaces().iter().take(SOME) {
        let space = store.space(name).expect("a name that was listed");
        change_space(&space);
    }
}

fn change_space(space: &Space) {
    let apply = |op: Op<'_>| match space.apply(&op) {
        Ok(_) | Err(StoreError::Index(_) | StoreError::Damaged { reason: USED_UP, .. }) => {}
        Err(error) => panic!("a change was refused: {error}"),
    };
    if let Some(key) = space.iter().next() {
        apply(Op::Tag(key, "late"));
        apply(Op::Untag(key, "red"));
        apply(Op::Delete(key));
    }
    let vector = vec![0.25; space.options().dim];
    if vector.len() <= 64 {
        apply(Op::Insert(Item::named("a name", &vector)));
        apply(Op::Upsert(Item::new(3, &vector).tags(&["late"]).payload(b"core").at(77)));
        apply(Op::Associate(Association::new(3, 3)));
        apply(Op::Reinforce(3, 99));
        apply(Op::Update(Item::new(4, &vector)));
    }
}

/// Reads and changes a store of which nothing but the headers was verified: nothing is asked but that
/// it comes to an end.
fn use_at_a_glance(files: &Files) {
    let disk = Disk::holding(files);
    let Ok(store) = open(builder(), &disk) else { return };
    for name in store.spaces().iter().take(SOME) {
        let space = store.space(name).expect("a name that was listed");
        let query = vec![0.5; space.options().dim];
        let _ = space.search(&query).up_to(5).run();
        let _ = space.search(&query).up_to(5).exact(true).run();
        for key in space.iter().take(SOME) {
            let _ = (space.get(key), space.tags(key), space.payload(key), space.name_of_item(key));
        }
        let _ = (space.check(), space.memory());
        change_space(&space);
    }
    let _ = store.scrub();
    let _ = store.checkpoint();
    drop(store);
    let _ = open(builder(), &disk);
}

/// Builds the spaces of a store anew, and copies it: with the same items.
fn compact(files: &Files) {
    let disk = Disk::holding(files);
    let Ok(store) = verified(&disk) else { return };
    let before = items(&store);
    for name in before.keys().take(SOME) {
        match store.compact(name, &Sequential) {
            Err(StoreError::Damaged { reason: USED_UP, .. }) => return,
            built => built.expect("what was verified is built anew"),
        }
    }
    assert!(items(&store) == before, "other items were built");
    let copy = Disk::holding(&Files::new());
    match store.backup(&*copy) {
        Err(StoreError::Damaged { reason: USED_UP, .. }) => return,
        copied => copied.expect("what was verified is copied"),
    }
    let copied = verified(&copy).expect("a copy opens");
    assert!(items(&copied) == before, "other items were copied");
}

/// Takes what there is of a store, however damaged.
pub(super) fn salvage(files: &Files) {
    let (from, to) = (Disk::holding(files), Disk::holding(&Files::new()));
    let report = match builder().salvage(&*from, to.clone(), &Sequential) {
        Ok((store, report)) => {
            let found = items(&store).into_iter().map(|(name, items)| (name, items.len()));
            let mut told = report.spaces.clone();
            told.sort_unstable();
            assert!(found.eq(told), "other items were salvaged than are told of");
            report
        }
        Err(StoreError::Damaged { .. }) => return,
        Err(error) => panic!("salvaging was refused: {error}"),
    };
    assert!(from.files() == *files, "salvaging has changed a file");
    let again = verified(&to).expect("what was salvaged opens");
    assert_eq!(again.spaces().len(), report.spaces.len());
}

/// Lets one call of the disk fail. What opened before opens when the disk answers again.
fn fail(files: &Files, after: u64) {
    let was_whole = verified(&Disk::holding(files)).is_ok();
    let disk = Disk::failing(files, after);
    if let Ok(store) = builder().check(Check::Full).open(disk.clone()) {
        for name in store.spaces().iter().take(SOME) {
            let space = store.space(name).expect("a name that was listed");
            let _ = space.apply(&Op::Delete(1));
            let _ = store.compact(name, &Sequential);
        }
        let _ = (store.scrub(), store.checkpoint(), store.close());
    }
    if let (true, Err(error)) = (was_whole, verified(&Disk::holding(&disk.files()))) {
        panic!("call {after} failed and has broken a store: {error}");
    }
    let disk = Disk::failing(files, after);
    let _ = builder().salvage(&*disk, Disk::holding(&Files::new()), &Sequential);
}
