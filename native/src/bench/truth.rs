//! The judge: which of the hits are true neighbours.

use ecphory::exec::Exec;
use ecphory::{Error, Hit, Index, Metric};

use super::BenchError;
use crate::vectors::{Ids, Vectors};

/// The true neighbours of a set of queries, and the distance up to which others are as good.
///
/// A hit counts if its key is among the first `k` true ones, or if it is no farther than the
/// farthest of them: of several items at one distance any will do. Distances are computed here, in
/// `f64`, from the vectors that went in; what the index says of them is not believed.
pub struct Truth<'a> {
    metric: Metric,
    base: &'a Vectors,
    queries: &'a Vectors,
    k: usize,
    keys: Vec<u64>,
    bounds: Vec<f64>,
}

impl<'a> Truth<'a> {
    /// Finds the neighbours by comparing every query with every item of `index`, which keeps full
    /// vectors and whose keys are the rows of `base`.
    ///
    /// # Errors
    /// What the index refuses: other dimensions, `k` out of bounds.
    pub fn exact(
        index: &Index,
        base: &'a Vectors,
        queries: &'a Vectors,
        k: usize,
        exec: &dyn Exec,
    ) -> Result<Self, Error> {
        let keys = index.scan_batch(queries.values(), k, exec)?.keys;
        Ok(Self::new(index.options().metric, base, queries, k, keys))
    }

    /// Takes the first `k` of each row of `ids`, nearest first, as rows of `base`.
    ///
    /// # Errors
    /// As for [`Truth::check`].
    pub fn given(
        ids: &Ids,
        metric: Metric,
        base: &'a Vectors,
        queries: &'a Vectors,
        k: usize,
    ) -> Result<Self, BenchError> {
        Self::check(ids, base.rows(), queries.rows(), k)?;
        let keys = (0..ids.rows()).flat_map(|query| &ids.row(query)[..k]).copied().collect();
        Ok(Self::new(metric, base, queries, k, keys))
    }

    /// Whether `ids` can be the truth of `queries` queries on `rows` items.
    ///
    /// # Errors
    /// [`BenchError`] if there are too few, or they name items that do not exist, or one twice.
    pub fn check(ids: &Ids, rows: usize, queries: usize, k: usize) -> Result<(), BenchError> {
        if ids.rows() != queries {
            return Err(BenchError::TruthRows { found: ids.rows(), queries });
        }
        if ids.columns() < k {
            return Err(BenchError::TruthColumns { found: ids.columns(), k });
        }
        for query in 0..queries {
            let mut keys = ids.row(query)[..k].to_vec();
            keys.sort_unstable();
            if let Some(&key) = keys.last().filter(|&&key| key >= rows as u64) {
                return Err(BenchError::TruthRange { key, rows });
            }
            if let Some(pair) = keys.windows(2).find(|pair| pair[0] == pair[1]) {
                return Err(BenchError::TruthRepeats { query, key: pair[0] });
            }
        }
        Ok(())
    }

    fn new(
        metric: Metric,
        base: &'a Vectors,
        queries: &'a Vectors,
        k: usize,
        keys: Vec<u64>,
    ) -> Self {
        let mut truth = Self { metric, base, queries, k, keys, bounds: Vec::new() };
        truth.bounds = (0..queries.rows())
            .map(|query| {
                let distances = truth.row(query).iter().map(|&key| truth.distance(query, key));
                distances.fold(f64::NEG_INFINITY, f64::max)
            })
            .collect();
        truth
    }

    /// Neighbours of each query.
    pub fn k(&self) -> usize {
        self.k
    }

    /// The queries.
    pub fn queries(&self) -> &'a Vectors {
        self.queries
    }

    /// How many of the first `k` hits for query number `query` are true neighbours. A key that
    /// comes twice counts once; one that is no row of the base, never.
    pub fn count(&self, query: usize, hits: &[Hit]) -> usize {
        let mut keys: Vec<u64> = hits.iter().take(self.k).map(|hit| hit.key).collect();
        keys.sort_unstable();
        keys.dedup();
        keys.into_iter().filter(|&key| self.is_true(query, key)).count()
    }

    fn is_true(&self, query: usize, key: u64) -> bool {
        self.row(query).contains(&key)
            || (key < self.base.rows() as u64 && self.distance(query, key) <= self.bounds[query])
    }

    fn row(&self, query: usize) -> &[u64] {
        &self.keys[query * self.k..][..self.k]
    }

    fn distance(&self, query: usize, key: u64) -> f64 {
        distance(self.metric, self.queries.row(query), self.base.row(key as usize))
    }
}

/// The metric as a textbook has it, in double precision.
fn distance(metric: Metric, a: &[f32], b: &[f32]) -> f64 {
    let sum = |term: &dyn Fn(f64, f64) -> f64| -> f64 {
        a.iter().zip(b).map(|(&a, &b)| term(a.into(), b.into())).sum()
    };
    let dot = || sum(&|a, b| a * b);
    match metric {
        Metric::L2 => sum(&|a, b| (a - b) * (a - b)),
        Metric::InnerProduct => -dot(),
        Metric::Cosine => 1.0 - dot() / (sum(&|a, _| a * a).sqrt() * sum(&|_, b| b * b).sqrt()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(keys: &[u64]) -> Vec<Hit> {
        // A distance that lies: the judge must not look at it.
        keys.iter().map(|&key| Hit { key, distance: -1.0 }).collect()
    }

    fn line() -> Vectors {
        Vectors::new(6, 1, vec![0.0, 1.0, -1.0, 1.0, 5.0, 9.0]).unwrap()
    }

    #[test]
    fn ties_count_and_strangers_do_not() {
        let (base, queries) = (line(), Vectors::new(1, 1, vec![0.0]).unwrap());
        let ids = Ids::new(1, 3, vec![0, 1, 4]).unwrap();
        let truth = Truth::given(&ids, Metric::L2, &base, &queries, 2).unwrap();
        assert_eq!(truth.count(0, &hits(&[0, 1])), 2);
        assert_eq!(truth.count(0, &hits(&[0, 3])), 2, "3 is as near as 1");
        assert_eq!(truth.count(0, &hits(&[0, 4])), 1, "4 is beyond the first two");
        assert_eq!(truth.count(0, &hits(&[0, 0])), 1, "one key counts once");
        assert_eq!(truth.count(0, &hits(&[4, 5, 0, 1])), 0, "only the first k count");
        assert_eq!(truth.count(0, &hits(&[0, u64::MAX])), 1);
        assert_eq!(truth.count(0, &[]), 0);
    }

    #[test]
    fn refuses_the_truth_of_other_data() {
        let check = |rows, columns, values: Vec<u64>| {
            Truth::check(&Ids::new(rows, columns, values).unwrap(), 6, 1, 2)
        };
        assert!(check(1, 2, vec![0, 5]).is_ok());
        assert!(matches!(check(2, 2, vec![0; 4]), Err(BenchError::TruthRows { .. })));
        assert!(matches!(check(1, 1, vec![0]), Err(BenchError::TruthColumns { .. })));
        assert!(matches!(check(1, 2, vec![0, 6]), Err(BenchError::TruthRange { key: 6, .. })));
        assert!(matches!(check(1, 2, vec![3, 3]), Err(BenchError::TruthRepeats { key: 3, .. })));
    }

    #[test]
    fn textbook_distances() {
        let (a, b) = ([3.0, 4.0], [4.0, 3.0]);
        assert_eq!(distance(Metric::L2, &a, &b), 2.0);
        assert_eq!(distance(Metric::InnerProduct, &a, &b), -24.0);
        assert!((distance(Metric::Cosine, &a, &b) - 0.04).abs() < 1e-15);
    }
}
