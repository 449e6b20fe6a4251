//! Asking for neighbours.

use super::Index;
use super::effort::Effort;
use super::filter::{Filter, KeySet, Sought, among};
use super::options::in_range;
use super::root::Root;
use super::settle::{has_met_all, settle};
use crate::distance::{Query, check, check_denormals, to_f32};
use crate::error::{Error, Result};
use crate::exec::{Exec, map_ranges};
use crate::graph::{Scratch, node};
use crate::limits::K_MAX;
use crate::scan::{Nearest, scan};

/// Queries that a scan compares with each tile of rows.
pub(super) const SCAN_GRAIN: usize = 32;
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

/// What a search did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Items compared with the query, codes and vectors both counted.
    pub distances: u32,
    /// Items whose links were followed.
    pub hops: u32,
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
                graph_search(self, root, query, k, ef, &mut scratch, &mut hits);
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
        let dim = self.options.dim;
        if !queries.len().is_multiple_of(dim) {
            let rows = queries.len() / dim + 1;
            return Err(Error::ShapeMismatch { expected: rows * dim, rows, got: queries.len() });
        }
        for (row, query) in queries.chunks_exact(dim).enumerate() {
            check(self.options.metric, self.kernels, dim, row, query)?;
        }
        check_k(k, root.len(), true)
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

    /// Leaves out items farther than this, so that fewer than `k` may be found.
    pub fn max_distance(mut self, distance: f32) -> Self {
        self.within = distance;
        self
    }

    /// The hits, nearest first, ties by key. Of more equally near items than an eighth of `ef`, any
    /// may be the `k` returned.
    ///
    /// # Errors
    /// [`Error::Empty`] and [`Error::NotEnoughItems`] unless [`Self::up_to`] was asked for;
    /// [`Error::OptionOutOfRange`]; [`Error::DimensionMismatch`], [`Error::NotFinite`],
    /// [`Error::TooLong`] and [`Error::ZeroVector`] for a bad query; where recall is asked for,
    /// [`Error::RecallOutOfRange`], [`Error::NotTuned`] and [`Error::RecallOutOfReach`].
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
        check_denormals()?;
        let index = self.index;
        self.effort.check()?;
        check(index.options.metric, index.kernels, index.options.dim, 0, self.query)?;
        let root = index.root();
        check_k(self.k, root.len(), self.strict)?;
        let work = self.find(&root, hits)?;
        // What is no distance, from a damaged file, is not farther than anything.
        hits.truncate(hits.iter().position(|hit| hit.distance > self.within).unwrap_or(hits.len()));
        Ok(work)
    }

    fn find(&self, root: &Root, hits: &mut Vec<Hit>) -> Result<Work> {
        let Self { index, query, k, filter, .. } = *self;
        if self.exact {
            let slots = filter.map_or_else(|| root.items(), |filter| filter.slots(root));
            hits.clear();
            hits.extend(among(index, root, query, k, &slots));
            return Ok(Work { distances: slots.len() as u32, hops: 0 });
        }
        let ef = self.effort.ef(root, k)?;
        hits.clear();
        let mut scratch = index.searches.take(|| Scratch::new(&root.space));
        match filter {
            None => graph_search(index, root, query, k, ef, &mut scratch, hits),
            Some(filter) => {
                let sought = Sought { index, root, query, k, ef };
                filter.search(&sought, &mut scratch, hits);
            }
        }
        Ok(Work { distances: scratch.distances, hops: scratch.hops })
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

/// Walks the graph and appends the `k` nearest by full vectors to `hits`, ties by key.
pub(super) fn graph_search(
    index: &Index,
    root: &Root,
    query: &[f32],
    k: usize,
    ef: usize,
    scratch: &mut Scratch,
    hits: &mut Vec<Hit>,
) {
    let then = root.updates.now();
    scratch.probe.set_query(&root.space, query);
    // Codes err in the order of near ones: twice as many as are wanted get a second chance.
    let ef = if scratch.probe.is_exact() { ef } else { ef.max(2 * k) };
    let ef = root.ef_among_dead(ef);
    scratch.search(&root.graph, &root.space, k, ef);
    scratch.rank(&root.space, k);
    let ranked = &scratch.ranked;
    // All are items, and none of them is there twice.
    let sure = ranked.iter().all(|&(_, _, slot)| node(&root.space, slot).is_sure());
    let enough =
        ranked.len() == k || (ranked.len() >= k.min(root.len()) && has_met_all(root, ef, scratch));
    if sure && enough && root.updates.have_rested(then) {
        hits.extend(ranked.iter().map(|&(ordinal, key, _)| Hit::of((ordinal, key))));
    } else {
        settle(index, root, query, k, ef, scratch, hits);
    }
}

pub(super) fn scan_search<'a>(
    index: &Index,
    root: &Root,
    queries: impl Iterator<Item = &'a [f32]>,
    k: usize,
) -> Vec<Vec<Hit>> {
    let prepare = |vector: &[f32]| {
        let mut query = Query::new(index.options.metric, index.kernels);
        query.set(vector, root.space.frame());
        query
    };
    let queries: Vec<Query> = queries.map(prepare).collect();
    let mut nearest: Vec<Nearest> = queries.iter().map(|_| Nearest::new(k)).collect();
    scan(&root.space, &queries, root.items().into_iter(), &mut nearest);
    let hits = |nearest: Nearest| nearest.into_sorted().into_iter().map(Hit::of).collect();
    nearest.into_iter().map(hits).collect()
}
