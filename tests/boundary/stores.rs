//! Files of a store of which each number lies, with checksums that hold.

use std::sync::Arc;

use ecphory::log::StoreError;
use ecphory::{Check, Index, Item, Metric, Op, Store};
use ecphory_tests::heap::measured;
use ecphory_tests::simdisk::{Image, SimDisk};

use crate::tally::Table;

const IDENTITY: u64 = 7;
/// Bytes that reading a file may take beside as many as the file has.
const ROOM: usize = 1 << 20;

/// A checksum to be mended: where it stands, what it begins with, and the bytes that it sums up.
type Sum = fn(&mut [u8]);

/// A header: its file, its offset, the numbers in it (offset, bytes), and its checksum.
struct Header {
    name: &'static str,
    file: String,
    at: usize,
    numbers: &'static [(usize, usize)],
    mend: Sum,
}

fn builder() -> ecphory::StoreBuilder {
    let builder = Store::builder().log_files(1 << 20, 512).share_from(0);
    builder.identity(IDENTITY).check(Check::Full)
}

fn fill(store: &Store) {
    for name in ["one", "two"] {
        let space = store.create(name, Index::builder(2).metric(Metric::L2).m(4)).unwrap();
        (0..9).for_each(|key| space.insert(key, &[key as f32, 1.0]).unwrap());
    }
}

/// A store with a checkpoint, and frames behind it.
fn image() -> Image {
    let disk = SimDisk::default();
    let store = builder().open(Arc::new(disk.clone())).unwrap();
    fill(&store);
    store.checkpoint().unwrap();
    store.space("one").unwrap().insert(50, &[1.0, 2.0]).unwrap();
    store.space("two").unwrap().delete(3).unwrap();
    store.close().unwrap();
    disk.image()
}

/// A store with a snapshot that stands on the one before.
fn shared() -> Image {
    let disk = SimDisk::default();
    let store = builder().open(Arc::new(disk.clone())).unwrap();
    let space = store.create("s", Index::builder(2).metric(Metric::L2).m(4)).unwrap();
    for key in 0..12 {
        let (vector, payload) = ([key as f32, 1.0], vec![key as u8; 20_000]);
        space.apply(&Op::Upsert(Item::new(key, &vector).payload(&payload))).unwrap();
        if key > 9 {
            store.checkpoint().unwrap();
        }
    }
    store.close().unwrap();
    disk.image()
}

fn put(bytes: &mut [u8], at: usize, sum: u32) {
    bytes[at..at + 4].copy_from_slice(&sum.to_le_bytes());
}

fn mend_manifest(bytes: &mut [u8]) {
    let len = u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    // Where the length says that the checksum is, if that is inside.
    let end = len.checked_sub(4).filter(|end| end + 4 <= bytes.len()).unwrap_or(bytes.len() - 4);
    let sum = crc32c::crc32c(&bytes[..end]);
    put(bytes, end, sum);
}

fn mend_segment(bytes: &mut [u8]) {
    let sum = crc32c::crc32c(&bytes[..60]);
    put(bytes, 60, sum);
}

fn mend_frame(bytes: &mut [u8]) {
    let places: Vec<u8> = [IDENTITY, 2, 64].into_iter().flat_map(u64::to_le_bytes).collect();
    let sum = crc32c::crc32c_append(crc32c::crc32c(&places), &bytes[64..92]);
    put(bytes, 92, sum);
}

fn mend_parts(bytes: &mut [u8]) {
    let sum = crc32c::crc32c(&bytes[..60]);
    put(bytes, 60, sum);
    let parts = u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    let list = u64::from_le_bytes(bytes[24..32].try_into().unwrap());
    // Where the header says that the list is, if that is inside.
    let list = usize::try_from(list).ok().filter(|&list| list <= bytes.len() - 28);
    let start = list.unwrap_or(bytes.len() - 28);
    let end = parts.checked_mul(24).and_then(|len| start.checked_add(len));
    let end = end.filter(|end| end + 4 <= bytes.len()).unwrap_or(bytes.len() - 4);
    let sum = crc32c::crc32c_append(crc32c::crc32c(&bytes[..64]), &bytes[start..end]);
    put(bytes, end, sum);
}

/// Values that counts and lengths are not made for.
fn values(bytes: usize, number: u64) -> Vec<u64> {
    let all = [
        0,
        1,
        2,
        number.wrapping_sub(1),
        number.wrapping_add(1),
        1 << 16,
        (1 << 31) - 1,
        1 << 31,
        u64::from(u32::MAX),
        1 << 62,
        1 << 63,
        u64::MAX,
        u64::MAX / 28,
        u64::MAX / 32 + 1,
    ];
    let mask = if bytes == 8 { u64::MAX } else { u64::from(u32::MAX) };
    let mut all: Vec<u64> = all.iter().map(|value| value & mask).collect();
    all.sort_unstable();
    all.dedup();
    all.retain(|&value| value != number);
    all
}

/// Opens an image: whole, or refused for what it is.
fn open(image: Image) -> (Result<(), String>, usize) {
    let disk = Arc::new(SimDisk::holding(image));
    let (opened, most) = measured(|| builder().open(disk).map(|store| store.spaces().len()));
    let told = match opened {
        Ok(_) | Err(StoreError::Damaged { .. }) => Ok(()),
        Err(error) => Err(format!("refused for another reason: {error}")),
    };
    (told, most)
}

/// Each number of each header at its extremes, alone and with the one behind it.
pub(crate) fn boundary_stores(table: &mut Table) {
    let mut whole = image();
    let log = whole.names().into_iter().find(|name| name.starts_with("log-")).unwrap();
    let usual = open(whole.clone()).1;
    lie(table, &mut whole, usual, &headers(log));
    let mut shared = shared();
    let last = shared.names().into_iter().rfind(|name| name.starts_with("snap-")).unwrap();
    assert!(shared.bytes(&last).starts_with(b"\x89ECX"), "the last one shares pages");
    let list = u64::from_le_bytes(shared.bytes(&last)[24..32].try_into().unwrap()) as usize;
    let usual = open(shared.clone()).1;
    let header =
        |name, at, numbers| Header { name, file: last.clone(), at, numbers, mend: mend_parts };
    let parts = [
        header("parts", 0, &[(8, 4), (12, 4), (16, 8), (24, 8), (32, 8), (56, 4)]),
        header("part", list, &[(0, 8), (8, 8), (16, 8), (24, 8), (32, 8), (40, 8)]),
    ];
    lie(table, &mut shared, usual, &parts);
}

/// The headers of a store whose log is this file.
fn headers(log: String) -> [Header; 3] {
    [
        Header {
            name: "manifest",
            file: "manifest-0".to_owned(),
            at: 0,
            numbers: &[
                (8, 4),
                (12, 4),
                (16, 8),
                (24, 8),
                (32, 8),
                (40, 8),
                (48, 8),
                (56, 4),
                (60, 4),
                (64, 8),
                (72, 8),
                (80, 8),
                (88, 4),
            ],
            mend: mend_manifest,
        },
        Header {
            name: "segment",
            file: log.clone(),
            at: 0,
            numbers: &[(8, 4), (12, 4), (16, 8), (24, 8), (32, 8), (40, 8)],
            mend: mend_segment,
        },
        Header {
            name: "frame",
            file: log,
            at: 64,
            numbers: &[(4, 4), (8, 8), (16, 8), (24, 4)],
            mend: mend_frame,
        },
    ]
}

fn lie(table: &mut Table, whole: &mut Image, usual: usize, headers: &[Header]) {
    for Header { name, file, at, numbers, mend } in headers {
        // The other slot would stand in for a manifest that is refused.
        if *name == "manifest" {
            whole.bytes("manifest-1").truncate(0);
        }
        let size = whole.bytes(file).len();
        for (i, &(offset, bytes)) in numbers.iter().enumerate() {
            let place = at + offset;
            let mut eight = [0; 8];
            eight[..bytes].copy_from_slice(&whole.bytes(file)[place..place + bytes]);
            for value in values(bytes, u64::from_le_bytes(eight)) {
                for pair in [false, true] {
                    let mut forged = whole.clone();
                    let content = forged.bytes(file);
                    content[place..place + bytes].copy_from_slice(&value.to_le_bytes()[..bytes]);
                    if let Some(&(next, more)) = numbers.get(i + 1).filter(|_| pair) {
                        let next = at + next;
                        content[next..next + more].copy_from_slice(&value.to_le_bytes()[..more]);
                    }
                    mend(content);
                    let (told, most) = open(forged);
                    let within = if most <= usual + size + ROOM {
                        told
                    } else {
                        Err(format!("took {most} bytes, a whole one {usual}"))
                    };
                    table.count(&format!("{name}: {value} at {offset}, pair {pair}"), within);
                }
            }
        }
    }
}
