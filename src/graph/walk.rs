//! The walk: best-first search of one layer (algorithm 2 of Malkov and Yashunin 2018).

use super::layout::{BaseLayer, Graph, Layer, UpperLayer};
use super::links;
use super::pool::{LINKING_TIES, Pool};
use super::probe::Probe;
use super::visited::Visited;
use super::word::Entry;
use crate::arch::PREFETCHES;
use crate::limits::M0_MAX;
use crate::store::Space;

/// Memory of a walk, reused from query to query: nothing is allocated once it has grown.
pub(crate) struct Scratch {
    pub(crate) probe: Probe,
    pub(crate) pool: Pool,
    /// Of level 0, and of the levels above it, which are begun more often and have fewer nodes.
    visited: [Visited; 2],
    /// The one that is collected and the one that is scored, in turn.
    batches: [Batch; 2],
    pub(crate) ranked: Vec<(u32, u64, u32)>,
    seeds: Vec<u32>,
    pub(crate) distances: u32,
    pub(crate) hops: u32,
    /// Whether the last search was told to stop.
    pub(crate) has_stopped: bool,
}

/// Says whether a search shall stop; asked now and then.
pub(crate) type Watch<'a> = Option<&'a (dyn Fn() -> bool + Sync)>;

/// Hops between two such questions, of which each may read a clock.
const WATCH_EVERY: u32 = 16;

/// A search keeps this share of `ef` of equally near candidates at most, if that is `k` or more:
/// copies of one vector would fill the pool and hide what lies behind them. On sets with 80 copies
/// of each vector, recall at ef 96 rose from 0.92 to 0.985; binary vectors, where most distances
/// tie, measured the same.
const SEARCH_TIES_SHARE: usize = 8;

/// Candidates of one distance that a search for `k` keeps, at most.
pub(crate) fn search_ties(k: usize, ef: usize) -> usize {
    k.max(ef / SEARCH_TIES_SHARE)
}

/// Neighbours within the rounding of codes that make an item blurred; copies of one vector are at
/// most [`LINKING_TIES`] of them.
const BLURRED_NEIGHBOURS: usize = 16;

/// Neighbours of one expanded node; once collected, the unseen ones.
struct Batch {
    len: usize,
    nodes: [u32; M0_MAX],
    slots: [u32; M0_MAX],
    ordinals: [u32; M0_MAX],
}

impl Batch {
    const EMPTY: Self =
        Self { len: 0, nodes: [0; M0_MAX], slots: [0; M0_MAX], ordinals: [0; M0_MAX] };
}

impl Scratch {
    pub(crate) fn new(space: &Space) -> Self {
        Self {
            probe: Probe::new(space),
            pool: Pool::default(),
            visited: [Visited::default(), Visited::default()],
            batches: [Batch::EMPTY, Batch::EMPTY],
            ranked: Vec::new(),
            seeds: Vec::new(),
            distances: 0,
            hops: 0,
            has_stopped: false,
        }
    }

    /// Memory of walks that look for neighbours to link, not for answers.
    pub(crate) fn linking(space: &Space) -> Self {
        let mut scratch = Self::new(space);
        scratch.pool.limit_ties(LINKING_TIES);
        scratch
    }

    /// Empties the pool for a walk over `layer` that keeps `ef` candidates.
    pub(crate) fn begin<L: Layer>(&mut self, layer: &L, ef: usize) {
        self.pool.reset(ef);
        self.visited[usize::from(L::UPPER)].reset(layer.capacity());
    }

    /// Leaves a node out of the walk that has begun.
    pub(crate) fn skip<L: Layer>(&mut self, node: u32) {
        self.visited[usize::from(L::UPPER)].marker().insert(node);
    }

    /// Makes nodes of `layer` known to the walk, as if a link had led there.
    #[cfg_attr(ecphory_compact, optimize(speed))]
    pub(crate) fn seed<L: Layer>(&mut self, layer: &L, space: &Space, nodes: &[u32]) {
        for nodes in nodes.chunks(M0_MAX) {
            let batch = &mut self.batches[0];
            batch.len = 0;
            let mut visited = self.visited[usize::from(L::UPPER)].marker();
            for &node in nodes {
                if visited.insert(node) {
                    batch.nodes[batch.len] = node;
                    batch.len += 1;
                }
            }
            self.request(layer, space, 0);
            self.score(space, 0);
        }
    }

    /// Expands the nearest candidates until none of the best `ef` is left unexpanded.
    ///
    /// A pipeline of three steps, so that memory answers while something else is done: the row of
    /// the next node is on its way while the neighbours of this one are collected, and theirs while
    /// those of the last are scored. So a node is chosen before the two batches under way are
    /// known, which costs a few expansions (51 to 55 at ef 40) and wins more.
    #[cfg_attr(ecphory_compact, optimize(speed))]
    pub(crate) fn run<L: Layer>(&mut self, layer: &L, space: &Space, watch: Watch<'_>) {
        let mut side = 0;
        let mut next = self.pool.expand();
        while let Some(node) = next {
            self.hops += 1;
            if self.hops.is_multiple_of(WATCH_EVERY) && watch.is_some_and(|is_over| is_over()) {
                self.has_stopped = true;
                self.score(space, side ^ 1);
                break;
            }
            let batch = &mut self.batches[side];
            let mut visited = self.visited[usize::from(L::UPPER)].marker();
            let unseen = |target| visited.insert(target);
            batch.len = links::read(layer.row(node), &mut batch.nodes, unseen);
            next = self.pool.expand();
            if PREFETCHES && let Some(next) = next {
                layer.prefetch(next);
            }
            self.request(layer, space, side);
            side ^= 1;
            self.score(space, side);
            if next.is_none() {
                // Nothing to do meanwhile: the batch under way may name more.
                self.score(space, side ^ 1);
                next = self.pool.expand();
            }
        }
    }

    /// Asks for what scoring the nodes of a batch will read.
    #[inline(always)]
    fn request<L: Layer>(&mut self, layer: &L, space: &Space, side: usize) {
        let Batch { len, nodes, slots, .. } = &mut self.batches[side];
        let (slots_end, reads) = (space.store.capacity(), self.probe.reads(space));
        let mut known = 0;
        for i in 0..*len {
            let node = nodes[i];
            let slot = layer.slot(node);
            // Only a damaged file names a slot that cannot be.
            if slot == 0 || slot >= slots_end {
                continue;
            }
            reads.prefetch(slot);
            nodes[known] = node;
            slots[known] = slot;
            known += 1;
        }
        *len = known;
        self.distances += known as u32;
    }

    /// Scores a collected batch and empties it.
    #[inline(always)]
    fn score(&mut self, space: &Space, side: usize) {
        let Batch { len, nodes, slots, ordinals } = &mut self.batches[side];
        let (slots, ordinals) = (&slots[..*len], &mut ordinals[..*len]);
        self.probe.score(space, slots, ordinals);
        self.pool.offer(ordinals, nodes);
        *len = 0;
    }

    /// The nearest node of `level` that greedy steps from `from` reach.
    fn descend(&mut self, graph: &Graph, space: &Space, level: usize, from: u32) -> u32 {
        let layer = UpperLayer::new(graph, level);
        self.begin(&layer, 1);
        self.seed(&layer, space, &[from]);
        self.run(&layer, space, None);
        self.pool.candidates().first().map_or(from, |nearest| nearest.node())
    }

    /// Walks down from the entry to `level` + 1 and returns the upper id reached there (0 if the
    /// graph is no higher than `level`).
    pub(crate) fn approach(
        &mut self,
        graph: &Graph,
        space: &Space,
        entry: Entry,
        level: usize,
    ) -> u32 {
        let mut node = entry.upper;
        for upper in (level + 1..=entry.level).rev() {
            node = self.descend(graph, space, upper, node);
        }
        node
    }

    /// Searches level 0 for what the probe holds: the pool has the `ef` nearest afterwards, as
    /// slots, with at least the `k` first of any that are equally near. An empty graph leaves the
    /// pool empty, and a search that was stopped those it had met.
    pub(crate) fn search(
        &mut self,
        graph: &Graph,
        space: &Space,
        k: usize,
        ef: usize,
        watch: Watch<'_>,
    ) {
        self.distances = 0;
        self.hops = 0;
        self.has_stopped = false;
        self.pool.limit_ties(search_ties(k, ef));
        let Some(entry) = graph.entry() else {
            self.pool.reset(ef);
            return;
        };
        // The anchor roots the backbone: from it, every linked node can be reached.
        self.seeds.clear();
        self.seeds.extend([graph.anchor(), entry.slot]);
        if entry.level > 0 {
            let near = self.approach(graph, space, entry, 1);
            let layer = UpperLayer::new(graph, 1);
            self.begin(&layer, graph.breadth());
            self.seed(&layer, space, &[near]);
            self.run(&layer, space, None);
            self.seeds.extend(self.pool.candidates().iter().map(|c| graph.slot_of(c.node())));
        }
        let layer = BaseLayer::new(graph, space);
        self.begin(&layer, ef);
        let seeds = std::mem::take(&mut self.seeds);
        self.seed(&layer, space, &seeds);
        self.seeds = seeds;
        self.run(&layer, space, watch);
    }

    /// Ends a walk of level 0 that skimmed: what it found is compared again, on whole codes.
    pub(crate) fn heed(&mut self, space: &Space) {
        let Self { probe, pool, .. } = self;
        if probe.heed() {
            pool.score_again(|slots, ordinals| probe.score(space, slots, ordinals));
        }
    }

    /// Whether the item that was walked for has many neighbours within what rounding to codes adds
    /// to a squared distance: about a sixth of a step for each component, so half of one is doubt.
    pub(crate) fn is_blurred(&self, space: &Space) -> bool {
        let dim = space.store.shape.dim;
        let doubtful = self
            .pool
            .candidates()
            .iter()
            .take_while(|c| self.probe.is_item() && (c.ordinal() as usize) < dim / 2);
        doubtful.count() >= BLURRED_NEIGHBOURS.min(dim / 2).max(1)
    }
}
