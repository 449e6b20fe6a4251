//! From measured recall to breadth: how many candidates a search keeps to reach a target.

use crate::limits::EF_MAX;

/// Neighbours for which recall is measured, where there are as many items.
const K: usize = 10;
/// The first breadth that is measured, in `k`: below, codes would set it instead.
const FIRST: usize = 2;
/// The widest breadth that is measured, in `k`.
const LAST: usize = 400;
/// Breadths that are measured, at most: each half as wide again as the one before.
pub(crate) const RUNGS_MAX: usize = 15;
/// Recall after which nothing wider is measured.
const ENOUGH: f64 = 0.9995;
/// Breadths without a rise of recall after which nothing wider is measured.
const PATIENCE: usize = 3;
/// Standard errors below the mean that 95 % of means of samples exceed.
const ONE_SIDED_95: f64 = 1.645;

/// What [`Index::tune`](crate::Index::tune) found: the recall that each breadth of a search
/// reached.
///
/// Queries that are alike the samples reach a recall asked of it with 95 % confidence.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Tuning {
    /// Neighbours for which recall was measured: ten, or all items where there are fewer.
    pub k: usize,
    /// Items in the index at that time. Many more by now call for another tuning.
    pub items: usize,
    /// Queries that were sampled.
    pub samples: usize,
    /// The points, by rising `ef`; recalls do not fall.
    pub points: Vec<TunedPoint>,
}

/// One measured breadth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TunedPoint {
    /// Candidates kept.
    pub ef: usize,
    /// Mean recall of the samples.
    pub recall: f32,
    /// What the mean recall of all queries like them exceeds with 95 % confidence.
    pub at_least: f32,
}

/// How many of their true neighbours the samples found, in sums.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Measured {
    samples: u64,
    sum: u64,
    squares: u64,
}

/// The breadths to measure, one after the other, until recall is high enough or rises no more.
#[derive(Debug)]
pub(crate) struct Rungs {
    k: usize,
    items: usize,
    points: Vec<TunedPoint>,
    samples: usize,
    /// Rungs since recall rose.
    flat: usize,
}

impl Measured {
    /// Adds a sample that found `hits` of its `k` neighbours.
    pub(crate) fn add(&mut self, hits: usize) {
        let hits = hits as u64;
        self.samples += 1;
        self.sum += hits;
        self.squares += hits * hits;
    }

    fn recall(&self, k: usize) -> f64 {
        self.sum as f64 / (self.samples as f64 * k as f64)
    }

    /// The lower bound, as if one sample more had missed one neighbour: samples without any miss are
    /// no proof that there is none.
    fn at_least(mut self, k: usize) -> f64 {
        self.add(k - 1);
        let (count, sum) = (self.samples as f64, self.sum as f64);
        let spread = (self.squares as f64 - sum * sum / count) / (count - 1.0).max(1.0);
        let error = (spread.max(0.0) / count).sqrt() / k as f64;
        (self.recall(k) - ONE_SIDED_95 * error).max(0.0)
    }
}

impl Rungs {
    /// Over an index of `items` items, at least one.
    pub(crate) fn new(items: usize) -> Self {
        Self { k: K.min(items), items, points: Vec::new(), samples: 0, flat: 0 }
    }

    /// Neighbours to measure recall for.
    pub(crate) fn k(&self) -> usize {
        self.k
    }

    /// The breadth to measure next.
    pub(crate) fn next(&self) -> Option<usize> {
        let Some(last) = self.points.last() else { return Some(FIRST * self.k) };
        let widest = (LAST * self.k).min(self.items.max(FIRST * self.k));
        let done = last.ef >= widest
            || f64::from(last.recall) >= ENOUGH
            || self.flat >= PATIENCE
            || self.points.len() >= RUNGS_MAX;
        (!done).then(|| (last.ef + last.ef / 2).min(widest))
    }

    /// Takes what was measured at [`Self::next`].
    pub(crate) fn push(&mut self, ef: usize, found: Measured) {
        let recall = found.recall(self.k) as f32;
        let best = self.points.iter().map(|point| point.recall).fold(-1.0, f32::max);
        self.flat = if recall > best { 0 } else { self.flat + 1 };
        self.samples = found.samples as usize;
        self.points.push(TunedPoint { ef, recall, at_least: found.at_least(self.k) as f32 });
    }

    /// The fit: the points, with recalls that do not fall.
    pub(crate) fn finish(self) -> Tuning {
        let Self { k, items, samples, mut points, .. } = self;
        let recalls = rising(points.iter().map(|point| point.recall));
        let bounds = rising(points.iter().map(|point| point.at_least));
        for ((point, recall), at_least) in points.iter_mut().zip(recalls).zip(bounds) {
            (point.recall, point.at_least) = (recall, at_least);
        }
        Tuning { k, items, samples, points }
    }
}

impl Tuning {
    /// Candidates that a search for `k` neighbours keeps to reach `recall`; `None` if no measured
    /// breadth reached it.
    ///
    /// Between two points, misses are taken to be linear in `1 / ef`; on real curves they fall a
    /// little faster, so that this errs upwards. For more neighbours than were measured the breadth
    /// grows in proportion; for fewer it stays as it is, which finds more of them.
    pub fn ef(&self, recall: f32, k: usize) -> Option<usize> {
        let ef = self.breadth(recall)?;
        let ef = if k > self.k { ef * k as f64 / self.k as f64 } else { ef };
        // An exact breadth must not be pushed up by the last bit of a quotient.
        Some(((ef - 1e-6).ceil() as usize).min(EF_MAX))
    }

    /// The highest recall that [`Self::ef`] has an answer for.
    pub fn highest(&self) -> f32 {
        self.points.last().map_or(0.0, |last| last.recall)
    }

    /// Whether this could come from a measurement: what a file says is not believed before.
    pub(crate) fn is_sound(&self) -> bool {
        let in_bounds = |point: &TunedPoint| {
            (1..=EF_MAX).contains(&point.ef)
                && (0.0..=1.0).contains(&point.at_least)
                && (0.0..=1.0).contains(&point.recall)
        };
        let rising = |a: &TunedPoint, b: &TunedPoint| {
            a.ef < b.ef && a.recall <= b.recall && a.at_least <= b.at_least
        };
        (1..=K).contains(&self.k)
            && !self.points.is_empty()
            && self.points.iter().all(in_bounds)
            && self.points.is_sorted_by(rising)
    }

    fn breadth(&self, recall: f32) -> Option<f64> {
        let Some(reached) = self.points.iter().position(|point| point.at_least >= recall) else {
            // Beyond what so few samples can vouch for, what they reached themselves has to do.
            let last = self.points.last()?;
            return (last.recall >= recall).then_some(last.ef as f64);
        };
        let (low, high) = (self.points[reached.saturating_sub(1)], self.points[reached]);
        if low.at_least >= recall {
            return Some(low.ef as f64);
        }
        let rise = f64::from(high.at_least) - f64::from(low.at_least);
        let share = (f64::from(recall) - f64::from(low.at_least)) / rise;
        let (wide, narrow) = (1.0 / high.ef as f64, 1.0 / low.ef as f64);
        Some(1.0 / (narrow + share * (wide - narrow)))
    }
}

/// The values that do not fall and are nearest to these in the sum of squares: neighbours that fall
/// share their mean (pool adjacent violators; Ayer et al. 1955).
fn rising(values: impl Iterator<Item = f32>) -> Vec<f32> {
    // Means of pools and how many values each stands for.
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for value in values {
        let mut pool = (f64::from(value), 1);
        while let Some(&(mean, count)) = pools.last().filter(|last| last.0 > pool.0) {
            pools.pop();
            let all = count + pool.1;
            pool = ((mean * count as f64 + pool.0 * pool.1 as f64) / all as f64, all);
        }
        pools.push(pool);
    }
    let shared = |(mean, count)| std::iter::repeat_n(mean as f32, count);
    pools.into_iter().flat_map(shared).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(hits: &[usize]) -> Measured {
        let mut measured = Measured::default();
        for &hits in hits {
            measured.add(hits);
        }
        measured
    }

    fn tuning(points: &[(usize, f32)]) -> Tuning {
        let point = |&(ef, at_least)| TunedPoint { ef, recall: at_least + 0.01, at_least };
        Tuning { k: 10, items: 9999, samples: 1, points: points.iter().map(point).collect() }
    }

    #[test]
    fn the_bound_lies_below_the_mean_and_nears_it_with_samples() {
        let few = measured(&[10, 8, 9, 9]);
        let many = measured(&[10, 8, 9, 9].repeat(100));
        assert_eq!((few.recall(10), many.recall(10)), (0.9, 0.9));
        let (few, many) = (few.at_least(10), many.at_least(10));
        assert!(0.8 < few && few < many && many < 0.9, "{few} {many}");
        // Known by hand: variance 0.5 (and a little less with the added sample), 400 samples.
        assert!((many - (0.9 - 1.645 * 0.5_f64.sqrt() / 200.0)).abs() < 1e-3, "{many}");
        let perfect = measured(&[10; 256]).at_least(10);
        assert!(0.998 < perfect && perfect < 1.0, "{perfect}");
        assert_eq!(measured(&[0; 3]).at_least(1), 0.0);
    }

    #[test]
    fn falls_are_pooled() {
        let pooled = |values: &[f32]| rising(values.iter().copied());
        assert_eq!(pooled(&[0.5, 0.75, 1.0]), [0.5, 0.75, 1.0]);
        assert_eq!(pooled(&[0.5, 1.0, 0.5, 0.75]), [0.5, 0.75, 0.75, 0.75]);
        assert_eq!(pooled(&[1.0, 0.5, 0.0]), [0.5; 3]);
        assert!(pooled(&[]).is_empty());
    }

    #[test]
    fn the_breadth_of_a_target_lies_between_its_points() {
        let tuning = tuning(&[(20, 0.8), (40, 0.9), (60, 0.9), (90, 0.95)]);
        assert_eq!(tuning.ef(0.5, 10), Some(20), "never below what was measured");
        assert_eq!(tuning.ef(0.8, 10), Some(20));
        // Misses of 0.15: halfway in 1 / ef between 20 and 40.
        assert_eq!(tuning.ef(0.85, 10), Some(27));
        assert_eq!(tuning.ef(0.9, 10), Some(40));
        assert!((61..90).contains(&tuning.ef(0.92, 10).unwrap()));
        assert_eq!(tuning.ef(0.955, 10), Some(90), "the samples reached it");
        assert_eq!((tuning.ef(0.97, 10), tuning.highest()), (None, 0.96));
        assert_eq!((tuning.ef(0.9, 1), tuning.ef(0.9, 25)), (Some(40), Some(100)));
        let mut last = 0;
        for percent in 1..=96 {
            let ef = tuning.ef(percent as f32 / 100.0, 10).unwrap();
            assert!(ef >= last, "{percent}");
            last = ef;
        }
    }

    #[test]
    fn rungs_end_at_enough_at_the_items_or_when_recall_rises_no_more() {
        let climb = |items, hits: &dyn Fn(usize) -> usize| {
            let mut rungs = Rungs::new(items);
            while let Some(ef) = rungs.next() {
                rungs.push(ef, measured(&[hits(ef); 4]));
            }
            rungs.finish().points.iter().map(|point| point.ef).collect::<Vec<_>>()
        };
        assert_eq!(climb(9999, &|ef| if ef >= 60 { 10 } else { 9 }), [20, 30, 45, 67]);
        assert_eq!(climb(9999, &|_| 9), [20, 30, 45, 67]);
        assert_eq!(climb(50, &|ef| ef / 10), [20, 30, 45, 50]);
        assert_eq!(climb(1, &|_| 1), [2]);
        let all = climb(1 << 20, &|ef| ef.ilog2() as usize - 3);
        assert_eq!((all.len(), all.last()), (RUNGS_MAX, Some(&4000)));
    }
}
