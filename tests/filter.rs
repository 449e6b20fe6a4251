//! Searches among some of the items find as many as there are, and the right ones.

use ecphory::exec::Sequential;
use ecphory::{Index, Metric, Plan};
use ecphory_tests::data::{Numbers, seed};
use ecphory_tests::words;

/// One item in so many may be found.
const SHARES: [usize; 5] = [10_000, 1000, 100, 10, 2];

struct Words {
    index: Index,
    queries: Vec<f32>,
}

fn built() -> Words {
    let words = words();
    let (rows, dim) = (words.vectors.rows(), words.vectors.dim());
    let index = Index::builder(dim).metric(Metric::Cosine).build().unwrap();
    let keys: Vec<u64> = (0..rows as u64).collect();
    index.bulk_build(&keys, words.vectors.values(), &Sequential, &mut |_| true).unwrap();
    Words { index, queries: words.queries.values()[..100 * dim].to_vec() }
}

impl Words {
    /// Recall of the graph's answers among `keys`, by set and by closure; each answer is complete.
    fn recall(&self, keys: &[u64], query: &[f32]) -> [f64; 2] {
        let set = self.index.key_set(keys.iter().copied());
        let admits = |key| set.contains(key);
        let search = || self.index.search(query).k(10);
        let wanted = keys.len().min(10);
        let truth = search().among(&set).exact(true).run().unwrap();
        assert_eq!(truth, search().filter(&admits).exact(true).run().unwrap());
        assert_eq!(truth.len(), wanted);
        [search().among(&set).run().unwrap(), search().filter(&admits).run().unwrap()].map(|hits| {
            assert_eq!(hits.len(), wanted, "as many as there are");
            assert!(hits.iter().all(|hit| set.contains(hit.key)));
            let right = hits.iter().filter(|hit| truth.iter().any(|t| t.key == hit.key));
            right.count() as f64 / wanted as f64
        })
    }
}

#[test]
fn any_share_of_the_items_is_searched_well() {
    let words = built();
    let dim = words.index.options().dim;
    let mut numbers = Numbers::new(seed(1));
    for share in SHARES {
        let keys: Vec<u64> =
            (0..words.index.len() as u64).filter(|_| numbers.below(share) == 0).collect();
        let mut sums = [0.0; 2];
        for query in words.queries.chunks(dim) {
            let recalls = words.recall(&keys, query);
            sums.iter_mut().zip(recalls).for_each(|(sum, recall)| *sum += recall / 100.0);
        }
        println!("1 in {share}: {} items, recall {sums:.4?}", keys.len());
        assert!(sums.iter().all(|&recall| recall >= 0.95), "1 in {share}: {sums:?}");
    }
}

#[test]
fn items_that_lie_elsewhere_are_found() {
    let words = built();
    let dim = words.index.options().dim;
    let half = words.index.len() / 2;
    for query in words.queries.chunks(dim).take(10) {
        let all = words.index.search(query).k(words.index.len()).exact(true).run().unwrap();
        // The farther half, the farthest tenth, and the nearest of all.
        for far in [&all[half..], &all[all.len() - half / 5..], &all[..50]] {
            let keys: Vec<u64> = far.iter().map(|hit| hit.key).collect();
            assert!(words.recall(&keys, query).iter().all(|&recall| recall >= 0.9));
        }
    }
}

#[test]
fn sets_follow_what_becomes_of_their_items() {
    let index = Index::builder(2).metric(Metric::L2).build().unwrap();
    for key in 0..100 {
        index.insert(key, &[key as f32, 0.0]).unwrap();
    }
    let set = index.key_set([5, 7, 50, 1000]);
    let found = |query: f32| {
        let hits = index.search(&[query, 0.0]).up_to(10).among(&set).run().unwrap();
        hits.iter().map(|hit| hit.key).collect::<Vec<_>>()
    };
    assert_eq!(found(6.1), [7, 5, 50]);
    assert!(index.delete(7).unwrap() && index.upsert(50, &[6.0, 0.0]).unwrap());
    assert_eq!(found(6.1), [50, 5]);
    for key in 2000..4000 {
        // Other items in the slots of those that were deleted.
        index.insert(key, &[6.0, 1.0]).unwrap();
        index.delete(key).unwrap();
    }
    index.insert(1000, &[6.5, 0.0]).unwrap();
    index.insert(7, &[90.0, 0.0]).unwrap();
    assert_eq!(found(6.1), [50, 1000, 5, 7]);
    let near = index.search(&[6.1, 0.0]).up_to(10).among(&set).max_distance(1.5).run().unwrap();
    assert_eq!(near.iter().map(|hit| hit.key).collect::<Vec<_>>(), [50, 1000, 5]);
    assert!(
        index.search(&[6.1, 0.0]).up_to(10).among(&index.key_set([])).run().unwrap().is_empty()
    );
}

/// A walk that was tried in vain must not stop the one that goes as far as it takes: half and a
/// tenth of the words are found by walking, one in a thousand by comparing, and the search says so.
#[test]
fn many_are_walked_to_and_few_compared() {
    let words = built();
    let dim = words.index.options().dim;
    let walked = |share: u64| {
        let keys = (0..words.index.len() as u64).filter(|key| key % share == 0);
        let set = words.index.key_set(keys);
        let plans = words.queries.chunks(dim).map(|query| {
            let (_, work) = words.index.search(query).k(10).ef(20).among(&set).explain().unwrap();
            assert_eq!(work.plan == Plan::Walk, work.to_string().starts_with("walked the graph"));
            assert!(work.plan == Plan::Scan || (work.ef >= 20 && work.hops > 0), "{work}");
            work
        });
        plans.filter(|work| work.plan == Plan::Walk).count()
    };
    let counts = [2, 10, 1000].map(walked);
    println!("walked, of 100 queries: {counts:?}");
    assert!(counts[0] == 100 && counts[1] >= 50 && counts[2] == 0, "{counts:?}");
}
