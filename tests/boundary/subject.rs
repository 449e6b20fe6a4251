//! The indexes that the matrix is filled on.

use ecphory::exec::Sequential;
use ecphory::{Check, Codes, Index, Item, Metric, Region, Rows};
use ecphory_tests::data::random;

/// Components of their vectors.
pub(crate) const DIM: usize = 4;
/// Items of those that have any, and their keys: 0 and the largest among them.
pub(crate) const LEN: usize = 30;
/// A key of no item.
pub(crate) const NEW: u64 = 1 << 40;

/// How an index came to be what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// Nothing was put in.
    Empty,
    /// Items were inserted one by one.
    Inserted,
    /// Items were built in bulk, and the index was tuned.
    Built,
    /// It comes from a snapshot.
    Opened,
    /// Items were updated and deleted, and not all of the dead are reclaimed.
    Worn,
    /// Every item was deleted.
    Emptied,
}

pub(crate) const LIVES: [Life; 6] =
    [Life::Empty, Life::Inserted, Life::Built, Life::Opened, Life::Worn, Life::Emptied];

/// An index, and what it was when it was made.
pub(crate) struct Subject {
    pub(crate) life: Life,
    pub(crate) metric: Metric,
    pub(crate) rows: Rows,
    index: Index,
    before: State,
}

/// Everything that can be seen of an index.
#[derive(PartialEq)]
struct State {
    snapshot: Vec<u8>,
    items: Vec<(u64, Vec<u32>, Described)>,
}

/// Name, tags and payload.
type Described = (Option<String>, Vec<String>, Vec<u8>);

/// The keys of the items.
pub(crate) fn keys() -> Vec<u64> {
    (0..LEN as u64 - 1).chain([u64::MAX]).collect()
}

/// All of them: each life under each metric, and what else is kept of vectors under two.
pub(crate) fn subjects() -> Vec<Subject> {
    let plain = Metric::ALL.into_iter().map(|metric| (metric, Rows::F32));
    let narrow = [Metric::L2, Metric::Cosine]
        .into_iter()
        .flat_map(|metric| [Rows::F16, Rows::Codes].map(|rows| (metric, rows)));
    plain
        .chain(narrow)
        .flat_map(|(metric, rows)| LIVES.map(|life| (life, metric, rows)))
        // Codes begin with a bulk build.
        .filter(|&(life, _, rows)| rows != Rows::Codes || life != Life::Inserted)
        .map(|(life, metric, rows)| Subject::new(life, metric, rows))
        .collect()
}

impl Subject {
    pub(crate) fn new(life: Life, metric: Metric, rows: Rows) -> Self {
        let index = live(life, metric, rows);
        let before = State::of(&index);
        Self { life, metric, rows, index, before }
    }

    pub(crate) fn name(&self) -> String {
        format!("{:?}/{}/{}", self.life, self.metric, self.rows).to_lowercase()
    }

    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    /// Items in it.
    pub(crate) fn len(&self) -> usize {
        self.before.items.len()
    }

    /// Whether it was tuned.
    pub(crate) fn is_tuned(&self) -> bool {
        matches!(self.life, Life::Built | Life::Opened)
    }

    /// What is no longer as it was, for its users.
    pub(crate) fn has_changed(&self) -> Option<&'static str> {
        let now = State::of(&self.index);
        if now.items != self.before.items {
            return Some("the items");
        }
        if self.index.check().is_err() {
            return Some("what holds of a graph");
        }
        // A write that is refused may have taken dead nodes out in passing.
        let has_dead = matches!(self.life, Life::Worn | Life::Emptied);
        let same = has_dead || now.snapshot == self.before.snapshot;
        (!same).then_some("the snapshot")
    }

    /// Whether anything is not as it was.
    pub(crate) fn differs(&self) -> bool {
        State::of(&self.index) != self.before
    }

    /// Makes it as it was.
    pub(crate) fn renew(&mut self) {
        self.index = live(self.life, self.metric, self.rows);
    }
}

impl State {
    fn of(index: &Index) -> Self {
        let items = index.keys().unwrap().into_iter().map(|key| {
            let vector = index.get(key).expect("a listed key has an item");
            let tags = index.tags(key).expect("its tags");
            let described = (index.name(key), tags, index.payload(key).expect("its payload"));
            (key, vector.into_iter().map(f32::to_bits).collect(), described)
        });
        let items: Vec<_> = items.collect();
        assert_eq!(index.len(), items.len(), "items are counted");
        Self { snapshot: index.to_snapshot().unwrap(), items }
    }
}

fn live(life: Life, metric: Metric, rows: Rows) -> Index {
    let codes = if rows == Rows::Codes { Codes::U7 } else { Codes::Auto };
    let index = Index::builder(DIM).metric(metric).rows(rows).codes(codes).build().unwrap();
    let (keys, vectors) = (keys(), random(LEN, DIM, 1));
    let row = |number: usize| &vectors[number % LEN * DIM..][..DIM];
    let item = |(&key, number): (&u64, usize)| {
        let item = Item::new(key, row(number));
        // Every third has a tag, every fourth a payload.
        let tags: &[&str] = if number % 3 == 0 { &["third"] } else { &[] };
        item.tags(tags).payload(if number % 4 == 0 { b"fourth" } else { b"" })
    };
    let items: Vec<_> = keys.iter().zip(0..).map(item).collect();
    match life {
        Life::Empty => return index,
        Life::Inserted => {
            for item in &items {
                index.insert_item(item).unwrap();
            }
            return index;
        }
        Life::Built | Life::Opened | Life::Worn | Life::Emptied => {
            index.bulk_build_items(&items, &Sequential, &mut |_| true).unwrap();
        }
    }
    match life {
        Life::Worn => {
            for (number, &key) in keys.iter().enumerate() {
                assert!(index.update(key, row(number + 1)).unwrap());
            }
            for key in 1000..1040 {
                index.insert(key, row(key as usize)).unwrap();
            }
            (1000..1040).for_each(|key| assert!(index.delete(key).unwrap()));
            assert!(index.check().unwrap().dead > 0, "some dead are left");
        }
        Life::Emptied => keys.iter().for_each(|&key| assert!(index.delete(key).unwrap())),
        _ => drop(index.tune(&Sequential, &mut |_| true).unwrap()),
    }
    if life == Life::Opened {
        let snapshot = Region::copy_of(&index.to_snapshot().unwrap()).unwrap();
        return Index::open(snapshot, Check::Header).unwrap();
    }
    index
}
