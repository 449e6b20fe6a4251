//! Asking for neighbours.

use super::Index;
use super::effort::Effort;
use super::filter::{Filter, KeySet, TagFilter};
use super::find::{Sought, scan_search};
use super::options::in_range;
use super::root::Root;
use crate::distance::{check, check_denormals, to_f32};
use crate::error::{Error, Result};
use crate::exec::{Exec, map_ranges};
use crate::graph::{Scratch, Watch};
use crate::limits::K_MAX;
use crate::store::Pinned;

/// Queries that a scan compares with each tile of rows.
pub(super) const SCAN_GRAIN: usize = 32;
/// Rows that a scan for all of them ranks at once.
const SCAN_TILE: usize = 1024;
/// Queries per piece of parallel work.
pub(super) const GRAIN: usize = 8;

/// One neighbour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// The item's key.
    pub key: u64,
    /// Its distance; see [`Metric`](crate::Metric) for the meaning.
    pub distance: f32,
}

impl Hit {
    /// Of an ordinal of vectors and a key.
    pub(super) fn of((ordinal, key): (u32, u64)) -> Self {
        Self { key, distance: to_f32(ordinal) }
    }
}

/// How a search found what it returns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Plan {
    /// By a walk of the graph.
    #[default]
    Walk,
    /// By comparing all items that may be found: it was asked for, or cheaper, or the walk met too
    /// few of them.
    Scan,
}

/// What a search did; as text, a line that explains it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Work {
    /// How it found what it returns.
    pub plan: Plan,
    /// Candidates that its last walk kept, 0 without one.
    pub ef: usize,
    /// Items compared with the query, codes and vectors both counted.
    pub distances: u32,
    /// Items whose links were followed.
    pub hops: u32,
    /// Whether it was [stopped](Search::stop_when) before it had looked at all it would have.
    pub is_partial: bool,
}

impl std::fmt::Display for Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { plan, ef, distances, hops, is_partial } = self;
        match plan {
            Plan::Walk => write!(f, "walked the graph, keeping {ef} candidates: {hops} hops, ")?,
            Plan::Scan if *hops == 0 => write!(f, "compared all that may be found: ")?,
            Plan::Scan => write!(f, "walked {hops} hops, then compared all that may be found: ")?,
        }
        let stopped = if *is_partial { ", stopped early" } else { "" };
        write!(f, "{distances} comparisons{stopped}")
    }
}

/// The neighbours of many queries, `k` each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Neighbours per query.
    pub k: usize,
    /// Keys, query by query, nearest first.
    pub keys: Vec<u64>,
    /// Distances in the same places.
    pub distances: Vec<f32>,
}

/// A search being put together.
#[derive(Clone, Copy)]
#[must_use = "a search does nothing until it is run"]
pub struct Search<'a> {
    index: &'a Index,
    query: &'a [f32],
    k: usize,
    strict: bool,
    effort: Effort,
    exact: bool,
    filter: Option<&'a dyn Filter>,
    within: f32,
    watch: Watch<'a>,
}

impl Index {
    /// Starts a search for the neighbours of `query`: ten unless told otherwise.
    pub fn search<'a>(&'a self, query: &'a [f32]) -> Search<'a> {
        Search {
            index: self,
            query,
            k: 10,
            strict: true,
            effort: Effort::default(),
            exact: false,
            filter: None,
            within: f32::INFINITY,
            watch: None,
        }
    }

    /// The `k` nearest of each of the queries that stand one after the other in `queries`, on the
    /// threads of `exec`. `effort` is an [`Effort`], a number of candidates as in [`Search::ef`], or
    /// `None` for the default.
    ///
    /// # Errors
    /// As for [`Search::run`]; a bad query is named by its row.
    pub fn search_batch(
        &self,
        queries: &[f32],
        k: usize,
        effort: impl Into<Effort>,
        exec: &dyn Exec,
    ) -> Result<Batch> {
        let effort = effort.into();
        effort.check()?;
        let root = self.root();
        self.check_batch(&root, queries, k)?;
        let ef = effort.ef(&root, k)?;
        let (root, dim): (&Root, _) = (&root, self.options.dim);
        let blocks = map_ranges(exec, queries.len() / dim, GRAIN, |range| {
            let mut scratch = self.searches.take(|| Scratch::new(&root.space));
            let mut hits = Vec::with_capacity(range.len() * k);
            for query in queries[range.start * dim..range.end * dim].chunks_exact(dim) {
                let sought = Sought { index: self, root, query, k, ef, watch: None };
                sought.walk(&mut scratch, &mut hits);
            }
            hits
        });
        let hits: Vec<Hit> = blocks.into_iter().flatten().collect();
        check_k(k, root.len(), true)?;
        if hits.len() != queries.len() / dim * k && root.is_sound() {
            // Items were deleted meanwhile.
            return Err(Error::NotEnoughItems { k, len: root.len().min(k - 1) });
        }
        if hits.len() != queries.len() / dim * k {
            // Every item is reachable, so only a damaged file that was not checked ends up here.
            let reason = "its graph leads to fewer items than it holds";
            return Err(Error::Snapshot { reason, offset: 0 });
        }
        Ok(Batch::of(k, hits.into_iter()))
    }

    /// As [`Self::search_batch`], by comparing every item with every query: exact. O(n · queries).
    ///
    /// # Errors
    /// As for [`Search::run`].
    pub fn scan_batch(&self, queries: &[f32], k: usize, exec: &dyn Exec) -> Result<Batch> {
        let root = self.root();
        self.check_batch(&root, queries, k)?;
        let (root, dim): (&Root, _) = (&root, self.options.dim);
        let blocks = map_ranges(exec, queries.len() / dim, SCAN_GRAIN, |range| {
            let queries = queries[range.start * dim..range.end * dim].chunks_exact(dim);
            scan_search(self, root, queries, k)
        });
        Ok(Batch::of(k, blocks.into_iter().flatten().flatten()))
    }

    pub(super) fn check_batch(&self, root: &Root, queries: &[f32], k: usize) -> Result<()> {
        check_denormals()?;
        self.check_queries(queries)?;
        check_k(k, root.len(), true)
    }

    /// Refuses what is not whole queries, and queries that are none.
    fn check_queries(&self, queries: &[f32]) -> Result<()> {
        let dim = self.options.dim;
        if !queries.len().is_multiple_of(dim) {
            let rows = queries.len() / dim + 1;
            return Err(Error::ShapeMismatch { expected: rows * dim, rows, got: queries.len() });
        }
        for (row, query) in queries.chunks_exact(dim).enumerate() {
            check(self.options.metric, self.kernels, dim, row, query)?;
        }
        Ok(())
    }
}

impl<'a> Search<'a> {
    /// Exactly `k` neighbours (1..=65,536): fewer items than that are an error.
    pub fn k(mut self, k: usize) -> Self {
        self.k = k;
        self.strict = true;
        self
    }

    /// As many neighbours as there are items, at most `k` (1..=65,536).
    pub fn up_to(mut self, k: usize) -> Self {
        self.k = k;
        self.strict = false;
        self
    }

    /// Candidates the walk keeps (1..=65,536, raised to `k`, on codes to `2 k`): more find better neighbours, and take
    /// longer. [`DEFAULT_EF`](crate::DEFAULT_EF) unless set. Takes the place of [`Self::recall`].
    pub fn ef(mut self, ef: usize) -> Self {
        self.effort = Effort::Ef(ef);
        self
    }

    /// As many candidates as it takes to find this share of the true neighbours (above 0, below 1)
    /// on average over queries, in an index that was [tuned](Index::tune). Takes the place of
    /// [`Self::ef`].
    pub fn recall(mut self, recall: f32) -> Self {
        self.effort = Effort::Recall(recall);
        self
    }

    /// [`Self::ef`] or [`Self::recall`], for whoever is told which.
    pub fn effort(mut self, effort: Effort) -> Self {
        self.effort = effort;
        self
    }

    /// Compares every item with the query instead of walking the graph. O(n).
    pub fn exact(mut self, exact: bool) -> Self {
        self.exact = exact;
        self
    }

    /// Finds only items of these keys: as many of the `k` nearest of them as there are. Takes the
    /// place of [`Self::filter`].
    ///
    /// ```
    /// # use ecphory::{Index, Metric};
    /// # let index = Index::builder(1).metric(Metric::L2).build()?;
    /// for key in 0..10 {
    ///     index.insert(key, &[key as f32])?;
    /// }
    /// let mine = index.key_set([2, 3, 9]);
    /// let hits = index.search(&[0.0]).k(2).among(&mine).run()?;
    /// assert_eq!(hits.iter().map(|hit| hit.key).collect::<Vec<_>>(), [2, 3]);
    /// # Ok::<(), ecphory::Error>(())
    /// ```
    pub fn among(mut self, keys: &'a KeySet) -> Self {
        self.filter = Some(keys);
        self
    }

    /// Finds only items for whose keys this holds: as many of the `k` nearest of them as there are.
    /// It is asked for some keys, or for all, in any order, and not twice the same way if it does
    /// not answer alike. Takes the place of [`Self::among`].
    pub fn filter(mut self, admits: &'a (impl Fn(u64) -> bool + Sync)) -> Self {
        self.filter = Some(admits);
        self
    }

    /// Finds only items whose tags a filter admits: as many of the `k` nearest of them as there are.
    /// Takes the place of [`Self::among`] and [`Self::filter`].
    ///
    /// ```
    /// # use ecphory::{Index, Item, Metric, TagFilter};
    /// # let index = Index::builder(1).metric(Metric::L2).build()?;
    /// for key in 0..10 {
    ///     let parity = if key % 2 == 0 { "even" } else { "odd" };
    ///     index.insert_item(&Item::new(key, &[key as f32]).tags(&[parity]))?;
    /// }
    /// index.tag(7, "prime")?;
    /// let wanted: TagFilter = "odd & !prime".parse()?;
    /// let hits = index.search(&[7.0]).k(2).tagged(&wanted).run()?;
    /// assert_eq!(hits.iter().map(|hit| hit.key).collect::<Vec<_>>(), [5, 9]);
    /// # Ok::<(), ecphory::Error>(())
    /// ```
    pub fn tagged(mut self, filter: &'a TagFilter) -> Self {
        self.filter = Some(filter);
        self
    }

    /// Leaves out items farther than this, so that fewer than `k` may be found. Of inner products,
    /// distances are negative; with infinity any is near enough.
    pub fn max_distance(mut self, distance: f32) -> Self {
        self.within = distance;
        self
    }

    /// Stops as soon as this holds, and returns what was found until then, fewer than `k` perhaps:
    /// a deadline, or a request that was cancelled. It is asked every few microseconds;
    /// [`Work::is_partial`] says whether it stopped the search.
    ///
    /// ```
    /// # use std::time::{Duration, Instant};
    /// # use ecphory::{Index, Metric};
    /// # let index = Index::builder(1).metric(Metric::L2).build()?;
    /// # index.insert(1, &[0.0])?;
    /// let start = Instant::now();
    /// let is_late = || start.elapsed() > Duration::from_millis(5);
    /// let (hits, work) = index.search(&[0.0]).up_to(10).stop_when(&is_late).explain()?;
    /// # drop((hits, work));
    /// # Ok::<(), ecphory::Error>(())
    /// ```
    pub fn stop_when(mut self, is_over: &'a (impl Fn() -> bool + Sync)) -> Self {
        self.watch = Some(is_over);
        self
    }

    /// The hits, nearest first, ties by key. Of more equally near items than an eighth of `ef`, any
    /// may be the `k` returned.
    ///
    /// # Errors
    /// [`Error::Empty`] and [`Error::NotEnoughItems`] unless [`Self::up_to`] was asked for;
    /// [`Error::OptionOutOfRange`]; [`Error::DimensionMismatch`], [`Error::NotFinite`],
    /// [`Error::TooLong`] and [`Error::ZeroVector`] for a bad query; where recall is asked for,
    /// [`Error::RecallOutOfRange`], [`Error::NotTuned`] and [`Error::RecallOutOfReach`];
    /// [`Error::DistanceNotANumber`] for a [`Self::max_distance`] of NaN.
    pub fn run(self) -> Result<Vec<Hit>> {
        let mut hits = Vec::new();
        self.run_into(&mut hits)?;
        Ok(hits)
    }

    /// As [`Self::run`], into memory the caller keeps: nothing is allocated once it has grown
    /// (exact searches excepted).
    ///
    /// # Errors
    /// As for [`Self::run`]; `hits` is unchanged then.
    pub fn run_into(self, hits: &mut Vec<Hit>) -> Result<Work> {
        let root = self.begin()?;
        self.find(&root, hits)
    }

    /// The hits, and what was done to find them.
    ///
    /// # Errors
    /// As for [`Self::run`].
    pub fn explain(self) -> Result<(Vec<Hit>, Work)> {
        let mut hits = Vec::new();
        let work = self.run_into(&mut hits)?;
        Ok((hits, work))
    }

    /// The hits of many queries, which stand one after the other in what the search was started
    /// with, on the threads of `exec`. Each has all of this search's options, so that each may find
    /// another number of items.
    ///
    /// ```
    /// # use ecphory::{Index, Metric, exec::Sequential};
    /// # let index = Index::builder(1).metric(Metric::L2).build()?;
    /// # (0..10).try_for_each(|key| index.insert(key, &[key as f32]))?;
    /// let search = index.search(&[0.0, 9.0]).k(3).max_distance(1.0);
    /// let found = search.run_batch(&Sequential)?;
    /// assert_eq!((found[0].len(), found[1][0].key), (2, 9));
    /// # Ok::<(), ecphory::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`Self::run`]; a bad query is named by its row. [`Error::ShapeMismatch`] if the
    /// numbers are not whole queries.
    pub fn run_batch(self, exec: &dyn Exec) -> Result<Vec<Vec<Hit>>> {
        self.check()?;
        let (index, dim) = (self.index, self.index.options.dim);
        let root = index.root();
        index.check_queries(self.query)?;
        check_k(self.k, root.len(), self.strict)?;
        let root: &Root = &root;
        let blocks = map_ranges(exec, self.query.len() / dim, GRAIN, |range| {
            let search = |row: usize| {
                let mut hits = Vec::new();
                Self { query: &self.query[row * dim..][..dim], ..self }.find(root, &mut hits)?;
                Ok(hits)
            };
            range.map(search).collect::<Result<Vec<_>>>()
        });
        blocks.into_iter().try_fold(Vec::new(), |mut all, block| {
            all.extend(block?);
            Ok(all)
        })
    }

    /// Refuses options that no search can have.
    fn check(&self) -> Result<()> {
        check_denormals()?;
        self.effort.check()?;
        if self.within.is_nan() {
            return Err(Error::DistanceNotANumber);
        }
        self.filter.map_or(Ok(()), Filter::check)
    }

    /// The root to search in, if this is a search that can be made.
    pub(super) fn begin(&self) -> Result<Pinned<'a, Root>> {
        self.check()?;
        let index = self.index;
        check(index.options.metric, index.kernels, index.options.dim, 0, self.query)?;
        let root = index.root();
        check_k(self.k, root.len(), self.strict)?;
        Ok(root)
    }

    /// The hits, in place of those that are there.
    pub(super) fn find(&self, root: &Root, hits: &mut Vec<Hit>) -> Result<Work> {
        let Self { index, query, k, filter, watch, .. } = *self;
        let ef = if self.exact { 0 } else { self.effort.ef(root, k)? };
        let sought = Sought { index, root, query, k, ef, watch };
        hits.clear();
        let work = if self.exact {
            let slots = filter.map_or_else(|| root.items(), |filter| filter.slots(root));
            sought.scan(&slots, hits)
        } else {
            let mut scratch = index.searches.take(|| Scratch::new(&root.space));
            match filter {
                None => sought.walk(&mut scratch, hits),
                Some(filter) => filter.search(&sought, &mut scratch, hits),
            }
        };
        self.leave_near(hits);
        Ok(work)
    }
}

/// What a search is asked for, for those that are made of several.
impl<'a> Search<'a> {
    pub(super) fn index(&self) -> &'a Index {
        self.index
    }

    pub(super) fn is_exact(&self) -> bool {
        self.exact
    }

    pub(super) fn wanted(&self) -> usize {
        self.k
    }

    /// Candidates that its walk would keep.
    pub(super) fn candidates(&self, root: &Root) -> Result<usize> {
        self.effort.ef(root, self.k)
    }

    /// Hands on all that may be found, some at a time, in no order but within these.
    pub(super) fn scan_all(&self, root: &Root, then: &mut dyn FnMut(&[Hit])) -> Work {
        let Self { index, query, filter, watch, .. } = *self;
        let slots = filter.map_or_else(|| root.items(), |filter| filter.slots(root));
        let (mut hits, mut work) = (Vec::new(), Work { plan: Plan::Scan, ..Work::default() });
        for slots in slots.chunks(SCAN_TILE) {
            hits.clear();
            let sought = Sought { index, root, query, k: slots.len(), ef: 0, watch };
            work = work.then(sought.scan(slots, &mut hits));
            self.leave_near(&mut hits);
            then(&hits);
            if work.is_partial {
                break;
            }
        }
        work
    }

    /// Takes out what is farther than was asked for. What is no distance, from a damaged file, is not
    /// farther than anything.
    fn leave_near(&self, hits: &mut Vec<Hit>) {
        hits.truncate(hits.iter().position(|hit| hit.distance > self.within).unwrap_or(hits.len()));
    }
}

impl std::fmt::Debug for Search<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Search")
            .field("k", &self.k)
            .field("effort", &self.effort)
            .field("exact", &self.exact)
            .finish_non_exhaustive()
    }
}

impl Batch {
    fn of(k: usize, hits: impl Iterator<Item = Hit>) -> Self {
        let (keys, distances) = hits.map(|hit| (hit.key, hit.distance)).unzip();
        Self { k, keys, distances }
    }
}

fn check_k(k: usize, len: usize, strict: bool) -> Result<()> {
    in_range("k", k, 1, K_MAX)?;
    match len {
        0 if strict => Err(Error::Empty),
        len if strict && k > len => Err(Error::NotEnoughItems { k, len }),
        _ => Ok(()),
    }
}
