//! Carrying a search out: by a walk that is ranked on vectors, or by comparing.

use super::Index;
use super::root::Root;
use super::search::{Hit, Plan, Work};
use super::settle::{has_met_all, settle};
use crate::distance::Query;
use crate::graph::{Scratch, Watch, node};
use crate::scan::{Nearest, scan};

/// What a search looks for.
pub(super) struct Sought<'a> {
    pub(super) index: &'a Index,
    pub(super) root: &'a Root,
    pub(super) query: &'a [f32],
    pub(super) k: usize,
    pub(super) ef: usize,
    pub(super) watch: Watch<'a>,
}

impl Sought<'_> {
    /// Walks the graph and appends the `k` nearest by full vectors to `hits`, ties by key.
    pub(super) fn walk(&self, scratch: &mut Scratch, hits: &mut Vec<Hit>) -> Work {
        let &Self { root, query, k, ef, watch, .. } = self;
        let then = root.updates.now();
        scratch.probe.set_query(&root.space, query);
        // Codes err in the order of near ones: twice as many as are wanted get a second chance.
        let ef = if scratch.probe.is_exact() { ef } else { ef.max(2 * k) };
        let ef = root.ef_among_dead(ef);
        scratch.search(&root.graph, &root.space, k, ef, watch);
        scratch.rank(&root.space, k);
        let ranked = &scratch.ranked;
        // All are items, and none of them is there twice.
        let sure = ranked.iter().all(|&(_, _, slot)| node(&root.space, slot).is_sure());
        let enough = ranked.len() == k
            || (ranked.len() >= k.min(root.len()) && has_met_all(root, ef, scratch));
        if sure && enough && root.updates.have_rested(then) {
            hits.extend(ranked.iter().map(|&(ordinal, key, _)| Hit::of((ordinal, key))));
            Work::of_walk(scratch, ef)
        } else {
            settle(self, ef, then, scratch, hits)
        }
    }

    /// Appends the `k` nearest of the items in `slots` to `hits`, ties by key.
    pub(super) fn scan(&self, slots: &[u32], hits: &mut Vec<Hit>) -> Work {
        let mut nearest = [Nearest::new(self.k)];
        let is_over = || self.watch.is_some_and(|is_over| is_over());
        let query = prepared(self.index, self.root, self.query);
        let is_whole = scan(&self.root.space, &[query], slots, &mut nearest, &is_over);
        let [nearest] = nearest;
        hits.extend(nearest.into_sorted().into_iter().map(Hit::of));
        let distances = slots.len() as u32;
        Work { plan: Plan::Scan, distances, is_partial: !is_whole, ..Work::default() }
    }
}

impl Work {
    /// What a walk that kept `ef` candidates did.
    pub(super) fn of_walk(scratch: &Scratch, ef: usize) -> Self {
        let &Scratch { distances, hops, has_stopped: is_partial, .. } = scratch;
        Self { plan: Plan::Walk, ef, distances, hops, is_partial }
    }

    /// Both, of which the second gave the answer.
    pub(super) fn then(self, last: Self) -> Self {
        let distances = self.distances.saturating_add(last.distances);
        Self { ef: self.ef.max(last.ef), hops: self.hops + last.hops, distances, ..last }
    }
}

/// The `k` nearest items of each query, by comparing all.
pub(super) fn scan_search<'a>(
    index: &Index,
    root: &Root,
    queries: impl Iterator<Item = &'a [f32]>,
    k: usize,
) -> Vec<Vec<Hit>> {
    let queries: Vec<Query> = queries.map(|query| prepared(index, root, query)).collect();
    let mut nearest: Vec<Nearest> = queries.iter().map(|_| Nearest::new(k)).collect();
    scan(&root.space, &queries, &root.items(), &mut nearest, &|| false);
    let hits = |nearest: Nearest| nearest.into_sorted().into_iter().map(Hit::of).collect();
    nearest.into_iter().map(hits).collect()
}

fn prepared(index: &Index, root: &Root, vector: &[f32]) -> Query {
    let mut query = Query::new(index.options.metric, index.kernels);
    query.set(vector, root.space.frame());
    query
}
