//! Inputs to begin with: files as they are written, of each kind that there is.

use ecphory::exec::Sequential;
use ecphory::memory::retention::{Curve, Retention};
use ecphory::memory::scoring::Confidence;
use ecphory::memory::{STANDING_BYTES, Standing};
use ecphory::{Association, Codes, Index, Item, Metric, Rows, key_of};

use super::input::put_piece;
use super::manifest::STORE;
use super::snapshot::{SALVAGED as SNAPSHOT_SALVAGED, STORED, sections_of};
use super::store::{COMPACTED, GLANCED, SALVAGED};
use super::{log, parts as in_parts, store};

const METRICS: [Metric; 3] = [Metric::L2, Metric::InnerProduct, Metric::Cosine];
const ROWS: [Rows; 3] = [Rows::F32, Rows::F16, Rows::Codes];

/// Snapshots of each metric and kind of rows, built and inserted, plain and described.
pub(super) fn snapshots() -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for (metric, rows) in METRICS.into_iter().flat_map(|metric| ROWS.map(|rows| (metric, rows))) {
        for codes in [Codes::Auto, Codes::None, Codes::U7] {
            let builder = Index::builder(2).metric(metric).rows(rows).codes(codes);
            let Ok(index) = builder.m(4).ef_construction(8).build() else { continue };
            fill(&index, 2, codes == Codes::U7 || rows == Rows::Codes);
            files.push(file_of(&index));
        }
    }
    files.extend([described(), tuned(), worn(), tagged_by_many(), two_planes(), remembered()]);
    files.push(file_of(&Index::builder(1).build().expect("options inside their bounds")));
    let mut inputs = Vec::new();
    for (i, file) in files.iter().enumerate() {
        let how = [0, STORED, SNAPSHOT_SALVAGED][i % 3];
        inputs.push(sections_of(how, file));
        // Most of them are the same sections, and zeros between.
        if i % 4 == 0 && file.len() < 1 << 12 {
            inputs.push([&[how], &file[..]].concat());
        }
    }
    inputs
}

fn file_of(index: &Index) -> Vec<u8> {
    index.to_snapshot().expect("an index at rest is written")
}

/// Eight items, built in bulk or one by one.
fn fill(index: &Index, dim: usize, in_bulk: bool) {
    let keys: Vec<u64> = (1..9).collect();
    let component = |i: usize| ((i * 37 + 11) % 64) as f32 / 64.0 - 0.4;
    let vectors: Vec<f32> = (0..keys.len() * dim).map(component).collect();
    if in_bulk {
        index.bulk_build(&keys, &vectors, &Sequential, &mut |_| true).expect("vectors like others");
    } else {
        for (key, vector) in keys.iter().zip(vectors.chunks(dim)) {
            index.insert(*key, vector).expect("a vector like others");
        }
    }
}

fn small() -> Index {
    let builder = Index::builder(2).metric(Metric::L2).m(4).ef_construction(8);
    builder.build().expect("options inside their bounds")
}

/// Items with names, tags and payloads.
fn described() -> Vec<u8> {
    let index = small();
    for key in 0..6 {
        let (vector, payload) = ([key as f32, 0.5], vec![key as u8; key as usize]);
        let name = format!("item {key}");
        let item = if key < 3 { Item::named(&name, &vector) } else { Item::new(key, &vector) };
        let tags: &[&str] = [&["red"][..], &["red", "round"], &[]][key as usize % 3];
        index.insert_item(&item.tags(tags).payload(&payload)).expect("an item like others");
    }
    file_of(&index)
}

/// Items that fade, of which nobody is sure, and that lead to each other.
fn remembered() -> Vec<u8> {
    let index = small();
    let retention = Retention::new(Curve::ACT_R).expect("numbers inside their bounds");
    index.set_retention(retention).expect("nobody else writes");
    for key in 1..7 {
        let (vector, confidence) = ([key as f32, 0.5], Confidence::new(key as f32 / 8.0));
        let item = Item::new(key, &vector).confidence(confidence.expect("an eighth and more"));
        index.insert_item(&item.at(1000 * key)).expect("an item like others");
        let kind = ["is a", "part of"][key as usize % 2];
        let association = Association::new(key, key * 3 % 7).kind(kind).weight(0.5);
        index.associate(&association).expect("an association like others");
    }
    index.delete(3).expect("nobody else writes");
    file_of(&index)
}

fn tuned() -> Vec<u8> {
    let index = small();
    fill(&index, 2, true);
    index.tune(&Sequential, &mut |_| true).expect("there are items");
    file_of(&index)
}

/// Deleted, replaced, and deleted again.
fn worn() -> Vec<u8> {
    let index = small();
    for round in 0..3 {
        for key in 0..12 {
            let vector = [key as f32, round as f32];
            index.upsert(key, &vector).expect("a vector like others");
        }
        for key in 0..4 {
            index.delete(3 * key).expect("a key");
        }
        // The last round is left as it is.
        while round < 2 && index.reclaim().expect("nobody else writes") {}
    }
    file_of(&index)
}

/// A tag of so many items that its set is bits. All else is zeros in the input, which opens at a
/// glance alone.
fn tagged_by_many() -> Vec<u8> {
    let index = Index::builder(1).metric(Metric::L2).m(4).ef_construction(4);
    let index = index.build().expect("options inside their bounds");
    let keys: Vec<u64> = (0..5000).collect();
    let vectors: Vec<f32> = keys.iter().map(|&key| key as f32).collect();
    index.bulk_build(&keys, &vectors, &Sequential, &mut |_| true).expect("vectors like others");
    for &key in &keys {
        index.tag(key, "many").expect("a key");
    }
    let mut file = file_of(&index);
    // Meta, tags, the means: of the rest the lengths alone.
    let directory = super::mend::long(&file, 40) as usize;
    for entry in (0..super::mend::word(&file, 48) as usize).map(|i| directory + 32 * i) {
        let kind = super::mend::word(&file, entry);
        let start = super::mend::long(&file, entry + 8) as usize;
        let len = super::mend::long(&file, entry + 16) as usize;
        if ![1, 2, 16].contains(&kind) {
            file[start..start + len].fill(0);
        }
    }
    file
}

/// Codes that are split in planes, of longer vectors.
fn two_planes() -> Vec<u8> {
    let builder = Index::builder(256).metric(Metric::L2).codes(Codes::U7).m(4);
    let index = builder.build().expect("options inside their bounds");
    let vector: Vec<f32> = (0..256).map(|i| (i % 7) as f32).collect();
    index.bulk_build(&[5], &vector, &Sequential, &mut |_| true).expect("a vector like others");
    file_of(&index)
}

/// The list as it was written, for each that is done with it.
pub(super) fn parts() -> Vec<Vec<u8>> {
    [0, GLANCED, COMPACTED, SALVAGED].map(in_parts::written).into()
}

/// Manifests of no space, of one, of all, one after the other and both.
pub(super) fn manifests() -> Vec<Vec<u8>> {
    let written = ["manifest-0", "manifest-1"].map(|name| &STORE[name][..]);
    let empty = store::manifest(1, 0, 1, &[]);
    let one = [store::Saved { id: 2, file: 2, lsn: 4, name: "b" }];
    let one = store::manifest(2, 4, 9, &one);
    let none: &[u8] = &[];
    let pairs = [(written[0], written[1]), (none, written[0]), (&one, none), (&empty, &one)];
    let mut inputs = Vec::new();
    for (i, (first, second)) in pairs.into_iter().chain([(none, none)]).enumerate() {
        for how in [0, [GLANCED, COMPACTED, SALVAGED][i % 3]] {
            let mut input = vec![how, 0];
            put_piece(&mut input, first);
            input.extend(second);
            inputs.push(input);
        }
    }
    inputs
}

/// A payload of a frame: space, what kind it is, the rest.
fn payload(space: u64, kind: u32, rest: &[u8]) -> Vec<u8> {
    [&space.to_le_bytes()[..], &kind.to_le_bytes(), rest].concat()
}

/// The beginning of a space.
fn begin(space: u64, name: &str, options: [u32; 6]) -> Vec<u8> {
    let mut rest = text(name);
    for value in options {
        rest.extend(value.to_le_bytes());
    }
    rest.extend(5u64.to_le_bytes());
    payload(space, 0, &rest)
}

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()
}

/// A change that is an item: `kind` as `index::op` has it.
fn item(space: u64, kind: u32, key: u64, name: Option<&str>) -> Vec<u8> {
    let mut rest = kind.to_le_bytes().to_vec();
    rest.extend(name.map_or(key, key_of).to_le_bytes());
    rest.extend(name.map_or(0, |name| name.len() as u32 + 1).to_le_bytes());
    rest.extend(name.unwrap_or_default().as_bytes());
    rest.extend(2u32.to_le_bytes());
    for value in [key as f32, 0.5] {
        rest.extend(value.to_le_bytes());
    }
    let tags: &[&str] = if name.is_some() { &["red", "round"] } else { &[] };
    rest.extend((tags.len() as u32).to_le_bytes());
    for tag in tags {
        rest.extend(text(tag));
    }
    rest.extend(text("core"));
    payload(space, 2, &rest)
}

/// A change that is a key, and a tag perhaps.
fn key(space: u64, kind: u32, key: u64, tag: Option<&str>) -> Vec<u8> {
    let tag = tag.map_or(vec![], text);
    payload(space, 2, &[&kind.to_le_bytes()[..], &key.to_le_bytes(), &tag].concat())
}

/// A change of what is remembered of an item, or of all: `kind` as `index::op` has it.
fn remember(space: u64, kind: u32, key: u64, rest: &[u8]) -> Vec<u8> {
    payload(space, 2, &[&kind.to_le_bytes()[..], &key.to_le_bytes(), rest].concat())
}

/// What is remembered, each kind of change once, and an item with a standing.
fn memories() -> [Vec<u8>; 8] {
    let half = 0.5_f32.to_le_bytes();
    let (to, kind) = (10u64.to_le_bytes(), text("is a"));
    let fading = Retention::new(Curve::FSRS_6).expect("numbers inside their bounds").to_bytes();
    let standing: [u8; STANDING_BYTES] = Standing::default().to_bytes();
    [
        [item(2, 2, 10, None), standing.to_vec()].concat(),
        remember(2, 7, 10, &half),
        remember(2, 8, 10, &77u64.to_le_bytes()),
        remember(2, 9, 10, &1u32.to_le_bytes()),
        remember(2, 10, 10, &[&to[..], &kind, &half, &half].concat()),
        remember(2, 12, 10, &[&to[..], &half].concat()),
        remember(2, 11, 10, &[&to[..], &kind].concat()),
        remember(2, 13, 0, &fading),
    ]
}

/// Logs of each kind of change, of several segments, cut and damaged.
pub(super) fn logs() -> Vec<Vec<u8>> {
    let l2 = |rows| [2, 0, 4, 8, 0, rows];
    let ops = [
        begin(2, "words", l2(0)),
        item(2, 1, 10, None),
        item(2, 2, 10, Some("apple")),
        item(2, 3, 10, None),
        key(2, 5, 10, Some("blue")),
        key(2, 6, 10, Some("blue")),
        key(2, 4, 10, None),
        begin(3, "x", [2, 2, 4, 8, 1, 1]),
        item(3, 1, 1, None),
        payload(2, 1, &[]),
    ];
    let known = [item(1, 1, 50, None), key(1, 5, 1, Some("late")), key(1, 4, 2, None)];
    let frame = |payload: &Vec<u8>| {
        let mut record = vec![0];
        put_piece(&mut record, payload);
        record
    };
    let (all, beside) = (ops.iter().map(frame), known.iter().map(frame));
    let all: Vec<Vec<u8>> = all.collect();
    let memories = memories();
    let remembered: Vec<Vec<u8>> = memories.iter().map(frame).collect();
    let beside: Vec<Vec<u8>> = beside.collect();
    let next = vec![2u8];
    let (cut, zeros, gap) = (vec![6u8, 5], vec![5u8, 0, 2], vec![7u8, 1]);
    let garbage = vec![4u8, 3, 0, 1, 2, 3];
    let own = own_frame(&item(1, 1, 51, None));
    let logs = [
        all.concat(),
        [&all[..3].concat()[..], &next, &all[3..].concat(), &zeros].concat(),
        [&all.concat()[..], &next, &zeros].concat(),
        [&all.concat()[..], &cut].concat(),
        [&all[..4].concat()[..], &cut, &all[4..].concat()].concat(),
        [&all.concat()[..], &gap, &garbage].concat(),
        [&beside.concat()[..], &garbage].concat(),
        [&beside.concat()[..], &own, &next, &next].concat(),
        [&beside[0][..], &next, &beside[1], &next, &beside[2]].concat(),
        [&all[..2].concat()[..], &remembered.concat(), &next].concat(),
        Vec::new(),
    ];
    let mut inputs = Vec::new();
    for (i, records) in logs.iter().enumerate() {
        let beside = if (6..9).contains(&i) { log::CHECKPOINT } else { 0 };
        let how = [GLANCED, COMPACTED, SALVAGED][i % 3];
        inputs.push([&[how, 0, beside, 0], &records[..]].concat());
        inputs.push([&[SALVAGED, 0, beside | log::NAMELESS, 0], &records[..]].concat());
        inputs.push([&[0, 9, beside | log::POISONED, i as u8], &records[..]].concat());
    }
    inputs
}

/// A frame with a header of its own: the fourth behind a checkpoint of four.
fn own_frame(payload: &[u8]) -> Vec<u8> {
    let mut record = vec![1];
    record.extend(b"ECF1");
    record.extend((payload.len() as u32).to_le_bytes());
    for value in [8u64, 7] {
        record.extend(value.to_le_bytes());
    }
    record.extend([0; 8]);
    put_piece(&mut record, payload);
    record
}
