//! Models of the live table's protocol: the shipped functions in every order the memory model
//! allows, on two or three places with one lane.

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::AtomicU64;
use loom::thread;

use super::tiny::Tiny;
use super::word::FREE;
use crate::sync::explore;

/// Two keys of one sequence, lane and mark.
const KEY: u64 = 5;
const OTHER: u64 = 6;

/// A table, and plain memory that only the owner of [`KEY`] may touch: loom fails a model in which
/// two owners could, or one without seeing all that the one before did.
struct Model {
    table: Tiny<AtomicU64>,
    owned: UnsafeCell<u32>,
}

impl Model {
    fn new(places: u32) -> Arc<Self> {
        let table = Tiny::new(places, || AtomicU64::new(0));
        Arc::new(Self { table, owned: UnsafeCell::new(0) })
    }

    fn touch(&self) {
        // SAFETY: the caller owns the key, so nobody else is here; loom checks that very thing.
        self.owned.with_mut(|owned| unsafe { *owned += 1 });
    }

    /// Claims and publishes a key; whether it could be had.
    fn insert(&self, key: u64, slot: u32) -> bool {
        let Some(claimed) = self.table.claim(key) else { return false };
        if key == KEY {
            self.touch();
        }
        claimed.set(slot);
        true
    }

    /// Claims the key and gives it back.
    fn give_back(&self) -> bool {
        let Some(claimed) = self.table.claim(KEY) else { return false };
        self.touch();
        claimed.set(FREE);
        true
    }

    /// How many places have a key.
    fn taken(&self) -> usize {
        self.table.states().iter().filter(|state| state.is_taken()).count()
    }
}

fn spawn<T: 'static>(
    model: &Arc<Model>,
    run: impl FnOnce(&Model) -> T + 'static,
) -> thread::JoinHandle<T> {
    let model = Arc::clone(model);
    thread::spawn(move || run(&model))
}

#[test]
fn loom_of_two_claims_of_one_key_one_wins() {
    explore("claim against claim", Some(3), || {
        let model = Model::new(2);
        let other = spawn(&model, |model| model.insert(KEY, 2));
        let mine = model.insert(KEY, 1);
        let other = other.join().unwrap();
        assert!(mine != other, "one of them has the key");
        assert_eq!(model.table.find(KEY), Some(if mine { 1 } else { 2 }));
        assert!(model.taken() == 1 && model.table.is_calm());
    });
}

#[test]
fn loom_a_turn_that_stands_still_is_decided_once() {
    explore("claim against claim in another's turn", Some(2), || {
        let model = Model::new(3);
        // A claim of the key is in turn, and its thread goes no further.
        model.table.stand_still(KEY);
        let other = spawn(&model, |model| model.insert(OTHER, 2));
        assert!(!model.insert(KEY, 1), "the one in turn has it");
        assert!(other.join().unwrap());
        assert_eq!(model.table.find(KEY), Some(super::CLAIMED));
        assert!(model.taken() == 2 && model.table.is_calm());
    });
}

#[test]
fn loom_a_removed_key_goes_to_one_claim_at_most() {
    explore("claim against claim against remove", Some(3), || {
        let model = Model::new(3);
        assert!(model.insert(OTHER, 8) && model.insert(KEY, 9));
        // The first place is free, so that claims meet the key behind their own place.
        assert!(model.table.change(OTHER, FREE));
        let claiming = spawn(&model, |model| model.insert(KEY, 1));
        let removing = spawn(&model, |model| {
            model.touch();
            assert!(model.table.change(KEY, FREE), "nobody else removes it");
        });
        let won = [model.insert(KEY, 2), claiming.join().unwrap()];
        removing.join().unwrap();
        let won = won.iter().filter(|won| **won).count();
        assert!(won <= 1 && model.taken() == won && model.table.is_calm());
        assert_eq!(model.insert(KEY, 3), won == 0, "nobody is refused what nobody has");
    });
}

#[test]
fn loom_two_keys_of_one_lane_are_both_claimed() {
    explore("two keys", Some(3), || {
        let model = Model::new(2);
        let other = spawn(&model, |model| model.insert(OTHER, 2));
        assert!(model.insert(KEY, 1), "nobody else claims it");
        assert_eq!(model.table.find(KEY), Some(1), "found, whatever the other place is meanwhile");
        assert!(other.join().unwrap());
        assert_eq!(model.table.find(OTHER), Some(2));
        assert!(model.taken() == 2 && model.table.is_calm());
    });
}

#[test]
fn loom_a_claim_that_is_given_back_can_be_had() {
    explore("claim against give back", Some(3), || {
        let model = Model::new(2);
        let other = spawn(&model, Model::give_back);
        let mine = model.give_back();
        assert!(other.join().unwrap() || mine, "one has it, or both in turn");
        assert!(model.taken() == 0 && model.table.is_calm());
        assert!(model.insert(KEY, 1));
    });
}

#[test]
fn loom_a_look_up_meets_no_slot_of_another_key() {
    explore("look-up against rename", Some(3), || {
        let model = Model::new(1);
        assert!(model.insert(KEY, 1));
        // The one place is given to another key and back.
        let renaming = spawn(&model, |model| {
            assert!(model.table.change(KEY, FREE) && model.insert(OTHER, 2));
            assert!(model.table.change(OTHER, FREE) && model.insert(KEY, 3));
        });
        let claimed = Some(super::CLAIMED);
        let seen = model.table.find(OTHER);
        assert!([None, claimed, Some(2)].contains(&seen), "{seen:?}");
        let seen = model.table.find(KEY);
        assert!([None, claimed, Some(1), Some(3)].contains(&seen), "{seen:?}");
        renaming.join().unwrap();
        assert_eq!((model.table.find(KEY), model.table.find(OTHER)), (Some(3), None));
    });
}

#[test]
fn loom_a_key_that_stays_is_found_beside_changes() {
    explore("look-up against replace", Some(3), || {
        let model = Model::new(2);
        assert!(model.insert(OTHER, 1) && model.insert(KEY, 2));
        let changing = spawn(&model, |model| {
            // The place before the key's becomes another key's.
            assert!(model.table.change(OTHER, FREE) && model.insert(7, 3));
            assert!(model.table.change(KEY, 4), "nobody else does");
        });
        let seen = [model.table.find(KEY), model.table.find(KEY)];
        assert!([[2, 2], [2, 4], [4, 4]].map(|seen| seen.map(Some)).contains(&seen), "{seen:?}");
        changing.join().unwrap();
        assert_eq!((model.table.find(KEY), model.table.find(7)), (Some(4), Some(3)));
    });
}
