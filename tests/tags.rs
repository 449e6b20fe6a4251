//! Tags and payloads: beside other writers, in files, and as filters of any share.

use std::sync::atomic::{AtomicBool, Ordering};

use ecphory::exec::Sequential;
use ecphory::{Check, Error, Index, Item, Metric, Region, TagFilter};
use ecphory_tests::data::{Numbers, seed};
use ecphory_tests::{full, words};

/// Repeats what was refused for a while: with more threads than cores, one that does not run can
/// hold deleted items, or be about to write the same key.
fn insist<T>(write: impl Fn() -> Result<T, Error>) -> T {
    loop {
        match write() {
            Ok(done) => return done,
            Err(Error::Overloaded { .. } | Error::Busy { .. }) => std::thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Is set when it is dropped, also by a panic: who waits for it waits no more.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn small() -> Index {
    Index::builder(2).metric(Metric::L2).m(4).build().unwrap()
}

#[test]
fn an_update_changes_vector_tags_and_payload_at_once() {
    let index = small();
    for key in 0..50 {
        index.insert(key, &[key as f32, 50.0]).unwrap();
    }
    let forms = [
        Item::new(99, &[1.0, 0.0]).tags(&["one"]).payload(b"1"),
        Item::new(99, &[2.0, 0.0]).tags(&["two"]).payload(b"2"),
    ];
    index.insert_item(&forms[0]).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for reader in 0..2 {
            let (index, done) = (&index, &done);
            scope.spawn(move || {
                let filters = ["one", "two"].map(TagFilter::tag);
                let mut seen = [0; 2];
                while !done.load(Ordering::Relaxed) {
                    for (form, filter) in filters.iter().enumerate() {
                        let search = index.search(&[0.0, 0.0]).up_to(5).tagged(filter);
                        let hits = search.exact(reader == 0).run().unwrap();
                        assert!(hits.len() <= 1, "{hits:?}");
                        if let Some(hit) = hits.first() {
                            let right = [1.0, 4.0][form];
                            assert_eq!((hit.key, hit.distance), (99, right), "form {form}");
                            seen[form] += 1;
                        }
                    }
                    let either = index.search(&[0.0, 0.0]).up_to(1).run().unwrap();
                    assert_eq!(either[0].key, 99, "always there");
                }
                assert!(seen.iter().all(|&times| times > 0), "{seen:?}");
            });
        }
        let _done = Done(&done);
        for turn in 0..if full() { 200_000 } else { 20_000 } {
            assert!(insist(|| index.upsert_item(&forms[(turn + 1) % 2])));
        }
    });
    assert_eq!(index.tags(99).unwrap(), ["one"]);
    assert_eq!(index.payload(99).unwrap(), b"1");
}

#[test]
fn no_tag_is_lost_beside_updates() {
    let index = small();
    for key in 0..20 {
        index.insert_item(&Item::new(key, &[key as f32, 1.0]).payload(&[key as u8])).unwrap();
    }
    let turns = if full() { 50_000 } else { 5000 };
    std::thread::scope(|scope| {
        let index = &index;
        for writer in 0..2 {
            scope.spawn(move || {
                let mut numbers = Numbers::new(seed(1) + writer);
                for _ in 0..turns {
                    let key = numbers.below(20) as u64;
                    let vector = [numbers.below(1000) as f32, 1.0];
                    assert!(insist(|| index.update(key, &vector)));
                }
            });
        }
        for tag in ["even", "odd"] {
            scope.spawn(move || {
                for turn in 0..turns {
                    let key = turn % 20;
                    // This thread alone gives and takes the tag, so it knows what there is.
                    assert!(insist(|| index.tag(key, tag)));
                    assert!(index.tags(key).unwrap().iter().any(|known| known == tag));
                    if key % 2 == u64::from(tag == "even") {
                        // False if it was refused after it had taken the tag.
                        insist(|| index.untag(key, tag));
                        assert!(index.tags(key).unwrap().iter().all(|known| known != tag));
                    }
                }
            });
        }
    });
    for key in 0..20 {
        let wanted = if key % 2 == 0 { "even" } else { "odd" };
        assert_eq!(index.tags(key).unwrap(), [wanted], "{key}");
        assert_eq!(index.payload(key).unwrap(), [key as u8]);
    }
}

#[test]
fn slots_that_are_used_again_have_nothing_of_before() {
    let index = small();
    index.insert(0, &[0.0, 0.0]).unwrap();
    for key in 1..3000 {
        let vector = [key as f32, 0.0];
        let item = Item::new(key, &vector).tags(&["old"]).payload(b"old");
        index.insert_item(&item).unwrap();
        assert!(index.delete(key).unwrap());
        index.insert(key + 10_000, &[key as f32, 1.0]).unwrap();
        assert_eq!(index.tags(key + 10_000).unwrap(), [""; 0]);
        assert_eq!(index.payload(key + 10_000).unwrap(), b"");
        if key > 20 {
            assert!(index.delete(key + 10_000 - 20).unwrap());
        }
    }
    assert_eq!(index.count(&TagFilter::tag("old")), Ok(0));
    assert!(index.memory().total < 8 << 20, "{:?}", index.memory());
}

#[test]
fn files_bring_tags_and_payloads_back() {
    let index = small();
    let mut numbers = Numbers::new(seed(5));
    for key in 0..3000 {
        let payload = vec![key as u8; numbers.below(50)];
        let tags: &[&str] = [&["a", "b"][..], &["b"], &[]][numbers.below(3)];
        let vector = [numbers.below(99) as f32, key as f32];
        index.insert_item(&Item::new(key, &vector).tags(tags).payload(&payload)).unwrap();
    }
    for key in 0..1000 {
        index.delete(3 * key).unwrap();
    }
    let file = index.to_snapshot().unwrap();
    for check in [Check::Full, Check::Header] {
        let opened = Index::open(Region::copy_of(&file).unwrap(), check).unwrap();
        assert!(opened.to_snapshot().unwrap() == file, "the same bytes again");
        for key in index.keys().unwrap() {
            assert_eq!(opened.tags(key), index.tags(key));
            assert_eq!(opened.payload(key), index.payload(key));
        }
        // What is written over a file's does not come back.
        let key = index.keys().unwrap()[5];
        assert!(opened.upsert(key, &[7.0, 7.0]).unwrap());
        while opened.reclaim().unwrap() {}
        for key in 20_000..21_500 {
            opened.insert(key, &[key as f32, 0.0]).unwrap();
            assert_eq!(opened.payload(key).unwrap(), b"", "a slot of the file's, used again");
        }
        let again = opened.to_snapshot().unwrap();
        let again = Index::open(Region::copy_of(&again).unwrap(), Check::Full).unwrap();
        assert_eq!((again.payload(key), again.tags(key)), (Some(vec![]), Some(vec![])));
        for key in index.keys().unwrap().into_iter().skip(6) {
            assert_eq!(again.payload(key), index.payload(key));
        }
    }
}

#[test]
fn any_share_is_searched_well_by_tags() {
    let words = words();
    let (rows, dim) = (words.vectors.rows(), words.vectors.dim());
    let index = Index::builder(dim).metric(Metric::Cosine).build().unwrap();
    let keys: Vec<u64> = (0..rows as u64).collect();
    index.bulk_build(&keys, words.vectors.values(), &Sequential, &mut |_| true).unwrap();
    let mut numbers = Numbers::new(seed(1));
    for share in [10_000, 1000, 100, 10, 2] {
        let (tag, all) = (format!("1 in {share}"), TagFilter::tag("all"));
        for &key in &keys {
            index.tag(key, "all").unwrap();
            if numbers.below(share) == 0 {
                index.tag(key, &tag).unwrap();
            }
        }
        let tag = TagFilter::tag(tag);
        let wanted = index.count(&tag).unwrap().min(10);
        for filter in [tag.clone(), all & tag.clone(), !!tag] {
            let mut right = 0;
            for query in words.queries.values().chunks(dim).take(100) {
                let search = index.search(query).up_to(10).tagged(&filter);
                let (hits, truth) = (search.run().unwrap(), search.exact(true).run().unwrap());
                assert_eq!((hits.len(), truth.len()), (wanted, wanted));
                right += hits.iter().filter(|hit| truth.contains(hit)).count();
            }
            let recall = right as f64 / (100 * wanted).max(1) as f64;
            println!("1 in {share}: {wanted} wanted, recall {recall:.4}");
            assert!(wanted == 0 || recall >= 0.95, "1 in {share}: {recall}");
        }
    }
}
