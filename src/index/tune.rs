//! Measuring which breadth of a search reaches which recall, on samples.

use super::find::{Sought, scan_search};
use super::root::Root;
use super::samples::{made_of_items, some_of};
use super::search::{GRAIN, SCAN_GRAIN};
use super::{Hit, Index, Phase, Progress};
use crate::control::{Measured, RUNGS_MAX, Rungs, Tuning};
use crate::distance::check_denormals;
use crate::error::{Error, Result};
use crate::exec::{Exec, map_ranges};
use crate::graph::Scratch;

impl Index {
    /// Measures which recall searches reach, so that it can be [asked for](crate::Search::recall),
    /// on 256 queries made from the items: each an item moved in a random direction, farther away
    /// than its tenth neighbour. Queries of a kind that the items do not foretell may be harder;
    /// where you have real ones, prefer [`Self::tune_with`].
    ///
    /// Readers and inserts go on meanwhile. The tuning is kept in the index and in its snapshots,
    /// and is the same on every target and number of threads for the same index. It tells of the
    /// items that there are: tune again when many were inserted.
    ///
    /// `progress` is called now and then from this thread; returning `false` cancels. 256 exact
    /// searches, O(n) each, and up to 15 walks for each sample, of rising breadth until recall is
    /// nearly perfect, at most 4,000 candidates.
    ///
    /// ```
    /// use ecphory::{Index, Metric, exec::Sequential};
    ///
    /// let index = Index::builder(1).metric(Metric::L2).build()?;
    /// let keys: Vec<u64> = (0..500).collect();
    /// let vectors: Vec<f32> = keys.iter().map(|&key| key as f32).collect();
    /// index.bulk_build(&keys, &vectors, &Sequential, &mut |_| true)?;
    ///
    /// let tuning = index.tune(&Sequential, &mut |_| true)?;
    /// assert!(tuning.ef(0.95, 10).is_some());
    /// assert_eq!(index.search(&[70.2]).k(1).recall(0.95).run()?[0].key, 70);
    /// # Ok::<(), ecphory::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Empty`] if there are no items, [`Error::Busy`] beside a bulk build or a snapshot,
    /// [`Error::Cancelled`]. An earlier tuning stays then. While it runs, it counts as a writer to
    /// snapshots, `keys` and `check`, which are refused.
    pub fn tune(
        &self,
        exec: &dyn Exec,
        progress: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<Tuning> {
        self.tune_on(None, exec, progress)
    }

    /// As [`Self::tune`], on `queries` that stand one after the other, at most 1,024 of them, taken
    /// evenly: queries of the same kind reach the recall that is asked for. A few hundred make the
    /// bound a narrow one.
    ///
    /// # Errors
    /// As for [`Self::tune`], and those of [`Search::run`](crate::Search::run) for bad queries;
    /// [`Error::OptionOutOfRange`] if there are none.
    pub fn tune_with(
        &self,
        queries: &[f32],
        exec: &dyn Exec,
        progress: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<Tuning> {
        self.tune_on(Some(queries), exec, progress)
    }

    /// What was found by the last [`Self::tune`] or [`Self::tune_with`] of these items, here or
    /// before the snapshot was written.
    pub fn tuning(&self) -> Option<Tuning> {
        self.root().tuning.pin().clone()
    }

    fn tune_on(
        &self,
        given: Option<&[f32]>,
        exec: &dyn Exec,
        progress: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<Tuning> {
        check_denormals()?;
        let _beside_inserts = self.gate.share()?;
        let root = self.root();
        let (dim, items) = (self.options.dim, root.len());
        if let Some(queries) = given {
            self.check_batch(&root, queries, 1)?;
        } else if items == 0 {
            return Err(Error::Empty);
        }
        let samples = match given {
            Some(queries) => some_of(queries, dim)?,
            None => made_of_items(self, &root, exec),
        };
        let count = samples.len() / dim;
        let total = count + RUNGS_MAX;
        let mut step = |done| {
            let go_on = progress(Progress { phase: Phase::Tune, done, total });
            if go_on { Ok(()) } else { Err(Error::Cancelled) }
        };
        let mut rungs = Rungs::new(items);
        let mut samples = Samples { dim, k: rungs.k(), vectors: samples, bounds: Vec::new() };
        while samples.bounds.len() < count {
            step(samples.bounds.len())?;
            samples.judge_more(self, &root, exec);
        }
        for done in count.. {
            step(done)?;
            let Some(ef) = rungs.next() else { break };
            rungs.push(ef, samples.search(self, &root, ef, exec));
        }
        step(total)?;
        let tuning = rungs.finish();
        root.tuning.swap(Some(tuning.clone()));
        Ok(tuning)
    }
}

/// Queries and how far their true neighbours lie.
struct Samples {
    dim: usize,
    k: usize,
    vectors: Vec<f32>,
    /// Distances of the `k`-th true neighbours, as far as they are known.
    bounds: Vec<f32>,
}

impl Samples {
    fn row(&self, number: usize) -> &[f32] {
        &self.vectors[number * self.dim..][..self.dim]
    }

    /// Finds the true neighbours of as many samples as all threads take at once.
    fn judge_more(&mut self, index: &Index, root: &Root, exec: &dyn Exec) {
        let first = self.bounds.len();
        let left = self.vectors.len() / self.dim - first;
        let count = left.min(SCAN_GRAIN.saturating_mul(exec.width().max(1)));
        let blocks = map_ranges(exec, count, SCAN_GRAIN, |range| {
            let queries = range.map(|number| self.row(first + number));
            let farthest =
                |hits: Vec<Hit>| hits.last().map_or(f32::NEG_INFINITY, |hit| hit.distance);
            scan_search(index, root, queries, self.k).into_iter().map(farthest).collect::<Vec<_>>()
        });
        self.bounds.extend(blocks.into_iter().flatten());
    }

    /// Searches for all of them. A hit that is no farther than the farthest true neighbour counts:
    /// of several items at one distance any will do.
    fn search(&self, index: &Index, root: &Root, ef: usize, exec: &dyn Exec) -> Measured {
        let blocks = map_ranges(exec, self.bounds.len(), GRAIN, |range| {
            let mut scratch = index.searches.take(|| Scratch::new(&root.space));
            let mut hits = Vec::new();
            let mut found = |number| {
                hits.clear();
                let query = self.row(number);
                let sought = Sought { index, root, query, k: self.k, ef, watch: None };
                sought.walk(&mut scratch, &mut hits);
                hits.iter().filter(|hit| hit.distance <= self.bounds[number]).count()
            };
            range.map(&mut found).collect::<Vec<_>>()
        });
        let mut measured = Measured::default();
        blocks.into_iter().flatten().for_each(|hits| measured.add(hits));
        measured
    }
}
