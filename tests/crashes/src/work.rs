//! What is done to a store, and what must be there afterwards.

use std::collections::BTreeMap;
use std::sync::Arc;

use ecphory::TagFilter;
use ecphory::exec::Sequential;
use ecphory::log::StoreError;
use ecphory::memory::Standing;
use ecphory::memory::retention::{Curve, Retention};
use ecphory::memory::scoring::Confidence;
use ecphory::{
    Associated, Association, Builder, Index, Item, Metric, Op, Space, Store, StoreBuilder,
};

use crate::Numbers;
use crate::disk::SimDisk;

/// An item as it can be read: vector, tags, payload, name, what makes it a memory.
type Kept = (Vec<u32>, Vec<String>, Vec<u8>, Option<String>, Remembered);
/// How an item fades, how it stands, whom it leads to.
type Remembered = (Retention, Standing, Vec<Associated>);
/// The items of all spaces.
pub type State = BTreeMap<String, BTreeMap<u64, Kept>>;

/// One thing that is asked of a store.
#[derive(Clone, Debug)]
pub enum Ask {
    /// An empty space.
    Create(&'static str),
    /// A space of three items that were built elsewhere.
    Import(&'static str),
    /// A space less.
    Remove(&'static str),
    /// An item that was not there.
    Insert(&'static str, u64, [f32; 3]),
    /// With tags and a payload of so many bytes.
    Upsert(&'static str, u64, [f32; 3], usize),
    /// Another vector of an item.
    Update(&'static str, u64, [f32; 3]),
    /// An item with a name, whether or not it is there.
    Named(&'static str, u64, [f32; 3]),
    /// An item less.
    Delete(&'static str, u64),
    /// A tag more.
    Tag(&'static str, u64),
    /// A tag less.
    Untag(&'static str, u64),
    /// How sure an item is, in quarters.
    Doubt(&'static str, u64, u8),
    /// A use of an item.
    Reinforce(&'static str, u64, u64),
    /// An item that never fades.
    Keep(&'static str, u64),
    /// An association from one item to another.
    Associate(&'static str, u64, u64),
    /// The same taken out.
    Dissociate(&'static str, u64, u64),
    /// The same made surer.
    Strengthen(&'static str, u64, u64),
    /// How items fade: half of them in so many days.
    Fade(&'static str, u8),
    /// All that was done is durable.
    Flush,
    /// New snapshots, a shorter log.
    Checkpoint,
    /// A space built anew.
    Compact(&'static str),
    /// The store is dropped and opened again.
    Reopen,
    /// What is durable is written down.
    Close,
}

const SPACES: [&str; 3] = ["words", "bilder", "x"];

/// A mixture of everything, with segments and checkpoints so small that all of them happen often.
pub fn plan(count: usize, seed: u64) -> Vec<Ask> {
    let mut numbers = Numbers::new(seed);
    let mut plan = vec![Ask::Create(SPACES[0]), Ask::Create(SPACES[1])];
    while plan.len() < count {
        let space = SPACES[numbers.below(4).min(2)];
        let key = numbers.below(24) as u64;
        let vector = [numbers.unit(), numbers.unit(), numbers.unit()];
        plan.push(match numbers.below(54) {
            0..=11 => Ask::Insert(space, key, vector),
            12..=18 => Ask::Upsert(space, key, vector, numbers.below(3) * 400),
            19..=21 => Ask::Update(space, key, vector),
            22..=23 => Ask::Named(space, key, vector),
            24..=29 => Ask::Delete(space, key),
            30..=32 => Ask::Tag(space, key),
            33 => Ask::Untag(space, key),
            34 => Ask::Create(SPACES[2]),
            35 if numbers.below(2) == 0 => Ask::Remove(space),
            36..=37 => Ask::Checkpoint,
            38 => Ask::Reopen,
            39 => Ask::Close,
            40 => Ask::Compact(space),
            41 => Ask::Import(space),
            42..=43 => Ask::Doubt(space, key, numbers.below(5) as u8),
            44..=45 => Ask::Reinforce(space, key, 1 + numbers.below(1 << 30) as u64),
            46 => Ask::Keep(space, key),
            47..=50 => Ask::Associate(space, key, numbers.below(24) as u64),
            51 => Ask::Dissociate(space, key, numbers.below(24) as u64),
            52 => Ask::Strengthen(space, key, numbers.below(24) as u64),
            53 => Ask::Fade(space, 1 + numbers.below(9) as u8),
            _ => Ask::Upsert(space, key, vector, 0),
        });
    }
    plan
}

/// One space of payloads that fill pages, changed and saved in turn.
pub fn generations(count: usize, seed: u64) -> Vec<Ask> {
    let mut numbers = Numbers::new(seed);
    let mut plan = vec![Ask::Create(SPACES[0])];
    let upsert = |key, bytes| Ask::Upsert(SPACES[0], key, [key as f32, 1.0, 2.0], bytes);
    plan.extend((0..4).map(|key| upsert(key, 100_000)));
    while plan.len() < count {
        plan.push(Ask::Checkpoint);
        // The last payloads move if one before them does.
        let key = 4 + numbers.below(4) as u64;
        plan.push(match numbers.below(5) {
            0 => Ask::Delete(SPACES[0], key),
            1 => Ask::Tag(SPACES[0], key),
            2 => Ask::Compact(SPACES[0]),
            _ => upsert(key, 1000 * numbers.below(40)),
        });
    }
    plan
}

/// How stores are opened here: with files of the log that are soon full, and whatever is equal
/// shared.
pub fn builder() -> StoreBuilder {
    Store::builder().log_files(3000, 700).share_from(0).identity(7)
}

/// Small graphs, in which few items are many.
pub fn index() -> Builder {
    Index::builder(3).metric(Metric::L2).m(4).ef_construction(8)
}

/// What was done.
pub struct Done {
    /// What there was after each acknowledged request, the empty store first.
    pub states: Vec<State>,
    /// How long the disk's trace was when each of [`Self::states`] was acknowledged.
    pub traced: Vec<usize>,
}

/// Does a plan on a disk that does not fail.
pub fn run(disk: &SimDisk, plan: &[Ask]) -> Done {
    let open = || builder().open(Arc::new(disk.clone())).unwrap();
    let mut store = open();
    let mut done = Done { states: vec![State::new()], traced: vec![disk.traced()] };
    for ask in plan {
        match ask {
            Ask::Reopen => {
                drop(store);
                store = open();
            }
            ask => do_one(&store, ask).unwrap(),
        }
        done.states.push(items(&store));
        done.traced.push(disk.traced());
    }
    done
}

/// Does one request. What the index refuses because of what it holds is no failure of the store.
///
/// # Errors
/// The store's.
///
/// # Panics
/// At [`Ask::Reopen`], which is not for who borrows a store.
pub fn do_one(store: &Store, ask: &Ask) -> Result<(), StoreError> {
    let apply = |space: &str, op: Op<'_>| store.space(space).map_or(Ok(false), |s| s.apply(&op));
    let payload = |bytes: usize| vec![bytes as u8; bytes];
    let done = match ask {
        Ask::Create(name) if store.space(name).is_some() => Ok(false),
        Ask::Create(name) => store.create(name, index()).map(|_| true),
        Ask::Import(name) if store.space(name).is_some() => Ok(false),
        Ask::Import(name) => {
            let built = index().build()?;
            let vectors = [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0];
            built.bulk_build(&[1, 2, 30], &vectors, &Sequential, &mut |_| true)?;
            store.import(name, built).map(|_| true)
        }
        Ask::Remove(name) => store.remove(name),
        Ask::Insert(space, key, vector) => apply(space, Op::Insert(Item::new(*key, vector))),
        Ask::Upsert(space, key, vector, bytes) => {
            let (tags, payload) = (["red", "round"], payload(*bytes));
            let tags = &tags[..(bytes / 400).min(2)];
            apply(space, Op::Upsert(Item::new(*key, vector).tags(tags).payload(&payload)))
        }
        Ask::Update(space, key, vector) => apply(space, Op::Update(Item::new(*key, vector))),
        Ask::Named(space, key, vector) => {
            let name = format!("name {key}");
            apply(space, Op::Upsert(Item::named(&name, vector)))
        }
        Ask::Delete(space, key) => apply(space, Op::Delete(*key)),
        Ask::Tag(space, key) => apply(space, Op::Tag(*key, "late")),
        Ask::Untag(space, key) => apply(space, Op::Untag(*key, "late")),
        Ask::Doubt(space, key, quarters) => {
            let confidence = Confidence::new(f32::from(*quarters) / 4.0);
            apply(space, Op::SetConfidence(*key, confidence.expect("at most four quarters")))
        }
        Ask::Reinforce(space, key, now) => apply(space, Op::Reinforce(*key, *now)),
        Ask::Keep(space, key) => apply(space, Op::SetEvergreen(*key, true)),
        Ask::Associate(space, from, to) => {
            let unsure = Confidence::new(0.5).expect("a half");
            let association = Association::new(*from, *to).weight(1.5).confidence(unsure);
            apply(space, Op::Associate(association))
        }
        Ask::Dissociate(space, from, to) => apply(space, Op::Dissociate(*from, *to, "related")),
        Ask::Strengthen(space, from, to) => apply(space, Op::Strengthen(*from, *to, 0.5)),
        Ask::Fade(space, days) => {
            let curve = Curve::Exponential { stability: f64::from(*days) };
            apply(space, Op::SetRetention(Retention::new(curve).expect("some days")))
        }
        Ask::Flush => store.flush().map(|()| true),
        Ask::Checkpoint => store.checkpoint().map(|()| true),
        Ask::Compact(space) if store.space(space).is_none() => Ok(false),
        Ask::Compact(space) => store.compact(space, &Sequential).map(|()| true),
        Ask::Close => store.close().map(|()| true),
        Ask::Reopen => unreachable!("the caller opens"),
    };
    match done {
        Ok(_) | Err(StoreError::Index(ecphory::Error::DuplicateKey { .. })) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Everything that can be read of a store.
pub fn items(store: &Store) -> State {
    let space = |name: String| {
        let space = store.space(&name).expect("a name that was listed");
        let items = space.iter().map(|key| (key, item(&space, key))).collect();
        (name, items)
    };
    store.spaces().into_iter().map(space).collect()
}

fn item(space: &Space, key: u64) -> Kept {
    let vector = space.get(key).expect("a key that was listed");
    let bits = vector.iter().map(|value| value.to_bits()).collect();
    let tags = space.tags(key).unwrap();
    for tag in &tags {
        assert!(space.keys_where(&TagFilter::tag(tag.as_str())).unwrap().contains(&key));
    }
    let (payload, name) = (space.payload(key).unwrap(), space.name_of_item(key));
    let remembered = (space.retention(), space.standing(key).unwrap(), space.associations(key));
    (bits, tags, payload, name, remembered)
}

/// Whether what a store holds holds together: its graphs, and that each item finds itself.
pub fn check(store: &Store) {
    for name in store.spaces() {
        let space = store.space(&name).expect("a name that was listed");
        space.check().unwrap();
        for key in &space {
            let vector = space.get(key).expect("a key that was listed");
            let nearest = space.search(&vector).k(1).ef(64).run().unwrap();
            assert_eq!(nearest[0].distance, 0.0, "item {key} of {name} is not found");
        }
    }
}
