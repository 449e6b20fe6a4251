//! Whole snapshots of one index.

use std::fs;
use std::path::Path;

use ecphory::arch::{Isa, detected};
use ecphory::exec::Sequential;
use ecphory::{Builder, Check, Codes, Index, Metric, Region, Rows};
use ecphory_tests::fixture;

use crate::made::{
    Answers, DIM, Things, bits, changes, files, forty, is_frozen, vector, with_items,
};

/// How far apart what is kept of a component and what was put may be.
struct Kind {
    file: &'static str,
    metric: Metric,
    codes: Codes,
    rows: Rows,
    blur: f32,
    /// The three items nearest to vector 20.5, by a walk that looks at all.
    answers: &'static Answers,
}

const KINDS: [Kind; 4] = [
    Kind {
        file: "v1-f32.ecp",
        metric: Metric::L2,
        codes: Codes::None,
        rows: Rows::F32,
        blur: 0.0,
        answers: &[(401, 1118404736), (442, 1118404736), (1370, 1118544000)],
    },
    Kind {
        file: "v1-u7.ecp",
        metric: Metric::Cosine,
        codes: Codes::U7,
        rows: Rows::F32,
        blur: 0.0,
        answers: &[(1370, 1045589960), (8, 1045592160), (401, 1045875508)],
    },
    Kind {
        file: "v1-f16.ecp",
        metric: Metric::InnerProduct,
        codes: Codes::U7,
        rows: Rows::F16,
        blur: 0.0,
        answers: &[(8, 3267208704), (1370, 3267030272), (401, 3266851840)],
    },
    Kind {
        file: "v1-codes.ecp",
        metric: Metric::L2,
        codes: Codes::U7,
        rows: Rows::Codes,
        blur: 0.11,
        answers: &[(401, 1118399360), (442, 1118425926), (1370, 1118528105)],
    },
];

impl Kind {
    fn builder(&self) -> Builder {
        let builder = Index::builder(DIM).metric(self.metric).codes(self.codes).rows(self.rows);
        builder.m(4).ef_construction(16).seed(5)
    }

    /// The index, and what it holds: built in bulk, changed, and tuned if it has 32-bit rows.
    fn made(&self, isa: Isa) -> (Index, Things) {
        let builder = self.builder().isa(isa).expect("every machine has this one");
        let index = builder.build().unwrap();
        let mut things = forty();
        with_items(&things, |items| {
            index.bulk_build_items(items, &Sequential, &mut |_| true).unwrap();
        });
        for change in changes() {
            change.make(|op| _ = op.apply(&index).unwrap());
            change.tell(&mut things);
        }
        if self.rows == Rows::F32 {
            index.tune(&Sequential, &mut |_| true).unwrap();
        }
        (index, things)
    }

    fn check(&self, index: &Index, things: &Things) {
        assert_eq!(index.keys().unwrap(), things.keys().copied().collect::<Vec<_>>());
        for (&key, thing) in things {
            assert_eq!(index.name(key).as_deref(), thing.name, "{}: {key}", self.file);
            assert!(index.tags(key).unwrap().iter().eq(&thing.tags), "{}: {key}", self.file);
            assert_eq!(index.payload(key).unwrap(), thing.payload, "{}: {key}", self.file);
            let kept = index.get(key).unwrap();
            let apart = kept.iter().zip(&thing.vector).map(|(a, b)| (a - b).abs());
            assert!(apart.fold(0.0, f32::max) <= self.blur, "{}: {key}: {kept:?}", self.file);
        }
        assert_eq!(index.tuning().is_some(), self.rows == Rows::F32);
        index.check().unwrap();
        for exact in [false, true] {
            let hits = index.search(&query()).k(3).ef(100).exact(exact).run().unwrap();
            assert_eq!(bits(&hits), self.answers, "{}, exact {exact}", self.file);
        }
    }
}

/// Between two of the vectors.
fn query() -> Vec<f32> {
    vector(20).iter().zip(vector(21)).map(|(a, b)| (a + b) / 2.0).collect()
}

#[test]
fn snapshots_of_version_1_are_read_and_written_to_the_byte() {
    for kind in KINDS {
        let (made, things) = kind.made(detected().isa);
        let kept = fs::read(fixture("format").join(kind.file)).unwrap();
        for check in [Check::Full, Check::Header] {
            let index = Index::open(Region::copy_of(&kept).unwrap(), check).unwrap();
            assert_eq!(index.options(), made.options());
            kind.check(&index, &things);
            assert!(index.to_snapshot().unwrap() == kept, "{} is not written as it was", kind.file);
        }
        kind.check(&made, &things);
        is_frozen(kind.file, &kept, &made.to_snapshot().unwrap());
        let plain = kind.made(Isa::Scalar).0;
        is_frozen(kind.file, &kept, &plain.to_snapshot().unwrap());
    }
    // None is forgotten.
    let known = KINDS.map(|kind| kind.file);
    let is_snapshot = |name: &String| Path::new(name).extension().is_some_and(|it| it == "ecp");
    let there = files("").into_keys().filter(is_snapshot);
    assert_eq!(there.filter(|name| !known.contains(&name.as_str())).count(), 0);
}

#[test]
#[ignore = "writes the files that the others read"]
fn snapshots_are_made() {
    for kind in KINDS {
        let (index, _) = kind.made(detected().isa);
        fs::write(fixture("format").join(kind.file), index.to_snapshot().unwrap()).unwrap();
        let hits = index.search(&query()).k(3).ef(100).run().unwrap();
        println!("{}: {:?}", kind.file, bits(&hits));
    }
}
