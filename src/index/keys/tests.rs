//! Tests of the key table as a whole.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::*;
use crate::store::Heap;

fn keys(pairs: &mut [(u64, u32)]) -> Result<Keys> {
    let heap: Arc<dyn Allocator> = Arc::new(Heap);
    Keys::sorted(pairs, &heap)
}

/// Numbers that look random.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
    *state >> 33
}

#[test]
fn keys_are_found_whether_built_or_inserted() {
    let keys = keys(&mut [(5, 1), (u64::MAX - 1, 2), (0, 3)]).unwrap();
    for key in (10..50_000).chain([u64::MAX]) {
        assert_eq!(keys.find(key), None);
        keys.claim(key).unwrap().publish(key.min(1 << 20) as u32);
        assert_eq!(keys.find(key), Some(key.min(1 << 20) as u32));
        assert!(keys.claim(key).is_err(), "{key} is taken");
    }
    assert_eq!((keys.find(5), keys.find(0)), (Some(1), Some(3)));
    assert!(keys.claim(u64::MAX - 1).is_err());
    assert_eq!(keys.pairs().len(), 3 + 49_991);
    assert!(keys.pairs().is_sorted());
}

#[test]
fn a_key_that_stands_twice_is_refused() {
    let twice = keys(&mut [(5, 1), (9, 2), (5, 3)]);
    assert_eq!(twice.err(), Some(Error::DuplicateKey { key: 5 }));
}

#[test]
fn of_many_claims_for_one_key_one_wins() {
    let keys = keys(&mut []).unwrap();
    let won = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for key in 0..20_000 {
                    if let Ok(claim) = keys.claim(key) {
                        claim.publish(1);
                        won.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert_eq!(won.into_inner(), 20_000);
    assert_eq!(keys.pairs().len(), 20_000);
}

#[test]
fn a_key_is_replaced_removed_and_claimed_again() {
    let keys = keys(&mut [(5, 1), (7, 2)]).unwrap();
    keys.claim(u64::MAX).unwrap().publish(3);
    keys.claim(0).unwrap().publish(4);
    let all = keys.pairs();
    for (round, key) in (10..).zip([5, u64::MAX, 0].repeat(3)) {
        let located = keys.locate(key).unwrap();
        assert_eq!(Some(located.slot), keys.find(key));
        assert!(located.replace(round + 100));
        assert!(!located.replace(round + 200) && !located.remove(), "its slot is another");
        assert_eq!(keys.find(key), Some(round + 100));
        assert!(keys.claim(key).is_err());

        let located = keys.locate(key).unwrap();
        assert!(located.remove() && !located.remove() && !located.replace(1));
        assert!(keys.find(key).is_none() && keys.locate(key).is_none());
        assert_eq!(keys.pairs().len(), all.len() - 1);

        let claim = keys.claim(key).unwrap();
        assert!(keys.find(key).is_none() && keys.claim(key).is_err());
        assert_eq!(keys.pairs().len(), all.len() - 1);
        drop(claim);
        assert!(keys.find(key).is_none());
        keys.claim(key).unwrap().publish(round);
        assert_eq!(keys.find(key), Some(round));
        let names: Vec<u64> = keys.pairs().into_iter().map(|(key, _)| key).collect();
        assert_eq!(names, [0, 5, 7, u64::MAX]);
    }
    assert_eq!(keys.find(7), Some(2), "the others stay as they are");
}

#[test]
fn damaged_places_of_a_file_are_no_slots() {
    let damaged = keys(&mut [(1, CLAIMED), (2, u32::MAX), (3, 9)]).unwrap();
    assert_eq!((damaged.find(1), damaged.find(2), damaged.find(3)), (None, None, Some(9)));
    assert!(damaged.claim(1).is_err() && damaged.claim(2).is_err());
    assert_eq!(damaged.pairs(), [(3, 9)]);
}

#[test]
fn ever_new_keys_take_the_places_of_removed_ones() {
    const LIVE: u64 = 10_000;
    let keys = keys(&mut []).unwrap();
    let mut seed = 1;
    let mut alive: Vec<u64> = (0..LIVE).collect();
    for &key in &alive {
        keys.claim(key).unwrap().publish(key as u32 + 1);
    }
    let full = keys.bytes();
    for key in LIVE..11 * LIVE {
        let place = random(&mut seed) as usize % alive.len();
        let old = std::mem::replace(&mut alive[place], key);
        assert!(keys.locate(old).unwrap().remove());
        drop(keys.claim(old).unwrap());
        keys.claim(key).unwrap().publish(key as u32 + 1);
    }
    let churned = keys.bytes();
    println!("{LIVE} keys: {full} bytes, after {} more: {churned} bytes", 10 * LIVE);
    // One further segment at most, and each has twice the places of the one before.
    assert!(churned <= full * 5 / 2, "{full} bytes grew to {churned}");
    alive.sort_unstable();
    let pairs: Vec<_> = alive.iter().map(|&key| (key, key as u32 + 1)).collect();
    assert_eq!(keys.pairs(), pairs);
    assert!(alive.iter().all(|&key| keys.find(key) == Some(key as u32 + 1)));
}

/// Keys that many threads share: those of the first part, and those of one window of the second.
struct Shared {
    keys: Keys,
    names: Vec<u64>,
    /// By key: the last version that somebody drew. A slot is its key's place and a version, and
    /// never comes back.
    versions: Vec<AtomicU32>,
    owners: Vec<AtomicU32>,
    done: AtomicBool,
}

const SHARED: usize = 16;
const VERSION_BITS: u32 = 22;

impl Shared {
    fn new() -> Self {
        // One key of four was built.
        let mut built: Vec<(u64, u32)> =
            (0..4).map(|key| (key, (key as u32 * 4) << VERSION_BITS | 1)).collect();
        let keys = keys(&mut built).unwrap();
        let mut inserted = (100..).filter(|&key| keys.live.first_place(key) == 0);
        let names = (0..SHARED).map(|which| {
            let built = which % 4 == 0;
            if built { which as u64 / 4 } else { inserted.next().expect("there are many") }
        });
        let names = names.collect();
        for key in 0..4 {
            assert!(keys.locate(key).unwrap().remove());
        }
        Self {
            keys,
            names,
            versions: (0..SHARED).map(|_| AtomicU32::new(1)).collect(),
            owners: (0..SHARED).map(|_| AtomicU32::new(0)).collect(),
            done: AtomicBool::new(false),
        }
    }

    /// A slot that the key at this place never had, and later than all it had.
    fn slot(&self, which: usize) -> u32 {
        let version = self.versions[which].fetch_add(1, Ordering::AcqRel) + 1;
        assert!(version < 1 << VERSION_BITS);
        (which as u32) << VERSION_BITS | version
    }

    /// Replaces the slot of somebody's key.
    fn update(&self, which: usize) {
        if let Some(located) = self.keys.locate(self.names[which]) {
            assert_eq!(located.slot >> VERSION_BITS, which as u32);
            // Drawn later than the slot that it replaces, so versions rise.
            located.replace(self.slot(which));
        }
    }

    /// Claims a key and gives it back, in one of several ways; whether it could be had.
    fn own(&self, which: usize, publish: bool) -> bool {
        let (key, owner) = (self.names[which], &self.owners[which]);
        let Ok(claim) = self.keys.claim(key) else { return false };
        assert_eq!(owner.fetch_add(1, Ordering::AcqRel), 0, "key {key} has one owner");
        if publish {
            claim.publish(self.slot(which));
            assert!(self.keys.claim(key).is_err());
            self.update(which);
            assert_eq!(owner.fetch_sub(1, Ordering::AcqRel), 1);
            // Others may replace its slot, but nobody else removes it.
            while !self.keys.locate(key).expect("nobody else removes it").remove() {}
        } else {
            assert_eq!(self.keys.find(key), None);
            assert_eq!(owner.fetch_sub(1, Ordering::AcqRel), 1);
            drop(claim);
        }
        true
    }

    /// Looks keys up until all others have done; how often one was found.
    fn read(&self, mut seed: u64) -> u32 {
        let (mut seen, mut found) = ([0; SHARED], 0);
        while !self.done.load(Ordering::Acquire) {
            let which = random(&mut seed) as usize % SHARED;
            if let Some(slot) = self.keys.find(self.names[which]) {
                assert_eq!(slot >> VERSION_BITS, which as u32, "that is another key's slot");
                assert!(slot >= seen[which], "a key does not go back to an earlier slot");
                (seen[which], found) = (slot, found + 1);
            }
        }
        found
    }
}

#[test]
fn shared_keys_have_one_owner_at_a_time_and_only_their_own_slots() {
    let shared = Shared::new();
    let bytes = AtomicU32::new(0);
    let (mut won, mut lost, mut found) = (0, 0, 0);
    std::thread::scope(|scope| {
        let shared = &shared;
        let readers = [0, 1].map(|seed| scope.spawn(move || shared.read(seed)));
        let writers: Vec<_> = (10..14_u64)
            .map(|mut seed| {
                scope.spawn(move || {
                    let mut outcomes = [0, 0];
                    for _ in 0..40_000 {
                        let which = random(&mut seed) as usize % SHARED;
                        match random(&mut seed) % 4 {
                            0 => shared.update(which),
                            how => outcomes[usize::from(shared.own(which, how != 1))] += 1,
                        }
                    }
                    outcomes
                })
            })
            .collect();
        for writer in writers {
            let outcomes = writer.join().unwrap();
            (lost, won) = (lost + outcomes[0], won + outcomes[1]);
        }
        shared.done.store(true, Ordering::Release);
        found = readers.into_iter().map(|reader| reader.join().unwrap()).sum();
        bytes.store(shared.keys.live.bytes() as u32, Ordering::Relaxed);
    });
    println!("{won} claims won, {lost} refused, {found} keys found");
    assert!(won > 10_000);
    assert_eq!(shared.keys.pairs(), [], "all was given back");
    assert!(shared.names.iter().all(|&key| shared.keys.claim(key).is_ok()));
    // One window's keys: the second segment, at most, where claims meet a full window.
    assert!(bytes.into_inner() <= (1 + 2) * 1024 * 16);
}

#[test]
fn of_many_removals_of_one_key_one_succeeds() {
    let shared = Shared::new();
    let (claimed, removed) = (AtomicU32::new(0), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for mut seed in 0..4_u64 {
            let (shared, claimed, removed) = (&shared, &claimed, &removed);
            scope.spawn(move || {
                for _ in 0..40_000 {
                    let which = random(&mut seed) as usize % SHARED;
                    if random(&mut seed).is_multiple_of(2) {
                        if let Ok(claim) = shared.keys.claim(shared.names[which]) {
                            claim.publish(shared.slot(which));
                            claimed.fetch_add(1, Ordering::Relaxed);
                        }
                    } else if let Some(located) = shared.keys.locate(shared.names[which])
                        && located.remove()
                    {
                        removed.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let (claimed, removed) = (claimed.into_inner(), removed.into_inner());
    println!("{claimed} claimed, {removed} removed");
    let left = shared.keys.pairs();
    assert_eq!((claimed - removed) as usize, left.len());
    assert!(left.is_sorted_by(|a, b| a.0 < b.0), "each is there once");
}
