//! Measuring which breadth of a search reaches which recall, on samples.

use super::options::in_range;
use super::root::Root;
use super::search::{GRAIN, SCAN_GRAIN, graph_search, scan_search};
use super::{Hit, Index, Phase, Progress};
use crate::control::{Measured, RUNGS_MAX, Rungs, Tuning};
use crate::distance::{Metric, check, check_denormals};
use crate::error::{Error, Result};
use crate::exec::{Exec, map_ranges};
use crate::graph::{Scratch, mix};

/// Samples that are made where none are given.
const SAMPLES: usize = 256;
/// Samples that are used of those given, at most.
const SAMPLES_MAX: usize = 1024;

/// How far samples are moved from items, in distances of the tenth neighbour: under cosine and inner
/// product, where items are as a rule embeddings and queries embeddings of something else, and
/// under L2, where both are as a rule of one kind.
const EMBEDDED: f64 = 2.0;
const MEASURED: f64 = 1.25;

/// Neighbours and candidates of the search that tells how far away a sample's neighbours are.
const NEAR: (usize, usize) = (11, 64);

impl Index {
    /// Measures which recall searches reach, so that it can be [asked for](crate::Search::recall),
    /// on queries made from the items: each an item moved away in a random direction, a little
    /// farther than its tenth neighbour (L2) or twice as far (cosine and inner product). Real queries that lie farther from the items than such
    /// ones are harder; where you have real ones, prefer [`Self::tune_with`].
    ///
    /// Readers and inserts go on meanwhile. The tuning is kept in the index and in its snapshots,
    /// and is the same on every target and number of threads for the same index. It tells of the
    /// items that there are: tune again when many were inserted.
    ///
    /// `progress` is called now and then from this thread; returning `false` cancels. O(256 · n)
    /// distance computations on full vectors for the true neighbours, and up to 15 searches for each of 256
    /// samples, the last of them with 4,000 candidates if recall is not perfect before.
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
    /// [`Error::Cancelled`]. An earlier tuning stays then.
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
            None => self.samples(&root, exec),
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

    /// Queries made from items: see [`Self::tune`].
    fn samples(&self, root: &Root, exec: &dyn Exec) -> Vec<f32> {
        let blocks = map_ranges(exec, SAMPLES, GRAIN, |range| {
            let mut scratch = self.searches.take(|| Scratch::new(&root.space));
            range.flat_map(|number| self.sample(root, number as u64, &mut scratch)).collect()
        });
        blocks.into_iter().flat_map(|block: Vec<f32>| block).collect()
    }

    fn sample(&self, root: &Root, number: u64, scratch: &mut Scratch) -> Vec<f32> {
        let seed = mix(self.options.seed, number);
        let end = root.space.end();
        let first = 1 + (mix(seed, 0) % u64::from(end - 1)) as u32;
        // A few slots may be unused; in a damaged file, all of them.
        let slot = (first..end).chain(1..first).find(|&slot| root.is_linked(slot)).unwrap_or(first);
        let item = root.space.store.vector(slot);
        let mut hits = Vec::new();
        let (k, ef) = NEAR;
        graph_search(root, item, k, ef, scratch, &mut hits);
        let near = hits.last().and_then(|hit| root.find(hit.key)).unwrap_or(slot);
        let near = root.space.store.vector(near);
        // Under cosine only directions count: compare at the item's length.
        let (scale, distance) = match self.options.metric {
            Metric::Cosine => (length(item) / length(near), EMBEDDED),
            Metric::InnerProduct => (1.0, EMBEDDED),
            Metric::L2 => (1.0, MEASURED),
        };
        let away = item.iter().zip(near).map(|(&a, &b)| f64::from(a) - scale * f64::from(b));
        let away = distance * away.map(|x| x * x).sum::<f64>().sqrt();
        let direction: Vec<f64> = (1..=item.len() as u64).map(|i| normal(mix(seed, i))).collect();
        let unit = direction.iter().map(|x| x * x).sum::<f64>().sqrt();
        let moved =
            item.iter().zip(&direction).map(|(&x, y)| (f64::from(x) + away / unit * y) as f32);
        let moved: Vec<f32> = moved.collect();
        let usable = check(self.options.metric, self.kernels, item.len(), 0, &moved).is_ok();
        if usable { moved } else { item.to_vec() }
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
        let count = left.min(SCAN_GRAIN * exec.width().max(1));
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
                graph_search(root, self.row(number), self.k, ef, &mut scratch, &mut hits);
                hits.iter().filter(|hit| hit.distance <= self.bounds[number]).count()
            };
            range.map(&mut found).collect::<Vec<_>>()
        });
        let mut measured = Measured::default();
        blocks.into_iter().flatten().for_each(|hits| measured.add(hits));
        measured
    }
}

/// At most [`SAMPLES_MAX`] of the queries, taken evenly.
fn some_of(queries: &[f32], dim: usize) -> Result<Vec<f32>> {
    let rows = queries.len() / dim;
    in_range("queries", rows, 1, usize::MAX)?;
    let count = rows.min(SAMPLES_MAX);
    let row = |number: usize| &queries[number * rows / count * dim..][..dim];
    Ok((0..count).flat_map(|number| row(number).iter().copied()).collect())
}

fn length(vector: &[f32]) -> f64 {
    vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt()
}

/// A number that is about normal: the sum of the four quarters of a hash.
fn normal(hash: u64) -> f64 {
    let quarters = [hash >> 48, hash >> 32 & 0xffff, hash >> 16 & 0xffff, hash & 0xffff];
    quarters.into_iter().sum::<u64>() as f64 - 2.0 * 65_535.0
}
