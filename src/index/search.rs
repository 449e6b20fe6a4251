//! Asking for neighbours.

use super::{Index, options::in_range};
use crate::distance::{Query, check, check_denormals, to_f32};
use crate::error::{Error, Result};
use crate::exec::Exec;
use crate::limits::{EF_MAX, K_MAX};
use crate::scan::{Nearest, scan};

/// Candidates a search keeps unless told otherwise.
pub const DEFAULT_EF: usize = 100;

/// One neighbour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// The item's key.
    pub key: u64,
    /// Its distance; see [`Metric`](crate::Metric) for the meaning.
    pub distance: f32,
}

/// What a search did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Items compared with the query.
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
#[must_use = "a search does nothing until it is run"]
pub struct Search<'a> {
    index: &'a Index,
    query: &'a [f32],
    k: usize,
    strict: bool,
    ef: Option<usize>,
    exact: bool,
}

impl Index {
    /// Starts a search.
    pub fn search<'a>(&'a self, query: &'a [f32]) -> Search<'a> {
        Search { index: self, query, k: 10, strict: true, ef: None, exact: false }
    }
    /// Batch.
    pub fn search_batch(
        &self,
        queries: &[f32],
        k: usize,
        _ef: Option<usize>,
        exec: &dyn Exec,
    ) -> Result<Batch> {
        self.scan_batch(queries, k, exec)
    }
    /// Exact batch.
    pub fn scan_batch(&self, queries: &[f32], k: usize, _exec: &dyn Exec) -> Result<Batch> {
        let mut batch = Batch { k, ..Batch::default() };
        for query in queries.chunks(self.options.dim) {
            for hit in self.search(query).k(k).exact(true).run()? {
                batch.keys.push(hit.key);
                batch.distances.push(hit.distance);
            }
        }
        Ok(batch)
    }
}

impl Search<'_> {
    /// Exactly `k` neighbours.
    pub fn k(mut self, k: usize) -> Self {
        self.k = k;
        self.strict = true;
        self
    }
    /// At most `k` neighbours.
    pub fn up_to(mut self, k: usize) -> Self {
        self.k = k;
        self.strict = false;
        self
    }
    /// Candidates kept.
    pub fn ef(mut self, ef: usize) -> Self {
        self.ef = Some(ef);
        self
    }
    /// Scan everything.
    pub fn exact(mut self, exact: bool) -> Self {
        self.exact = exact;
        self
    }
    /// Runs.
    pub fn run(self) -> Result<Vec<Hit>> {
        let mut hits = Vec::new();
        self.run_into(&mut hits)?;
        Ok(hits)
    }
    /// Runs.
    pub fn run_into(self, hits: &mut Vec<Hit>) -> Result<Work> {
        check_denormals()?;
        let index = self.index;
        in_range("k", self.k, 1, K_MAX)?;
        in_range("ef", self.ef.unwrap_or(1), 1, EF_MAX)?;
        check(index.options.metric, index.kernels, index.options.dim, 0, self.query)?;
        let len = index.len();
        if self.strict && len == 0 {
            return Err(Error::Empty);
        }
        if self.strict && self.k > len {
            return Err(Error::NotEnoughItems { k: self.k, len });
        }
        let space = index.root.read().unwrap().clone();
        let mut query = Query::new(index.options.metric, index.kernels);
        query.set(self.query);
        let mut nearest = [Nearest::new(self.k)];
        scan(&space, &[query], 1..space.end(), &mut nearest);
        hits.clear();
        let [nearest] = nearest;
        hits.extend(
            nearest
                .into_sorted()
                .into_iter()
                .map(|(ordinal, key)| Hit { key, distance: to_f32(ordinal) }),
        );
        Ok(Work { distances: len as u32, hops: 0 })
    }
}
