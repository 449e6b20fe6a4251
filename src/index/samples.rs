//! Queries to tune on: some of those given, or ones made from the items.
//!
//! An item itself is too easy a query: it is in the graph, with its neighbours beside it. A query
//! from elsewhere lies off the items, about as far as these lie from each other; so a sample is an
//! item moved away in a random direction by a multiple of the distance of its tenth neighbour.

use super::Index;
use super::find::Sought;
use super::options::in_range;
use super::root::Root;
use super::search::GRAIN;
use crate::distance::{Metric, check};
use crate::error::Result;
use crate::exec::{Exec, map_ranges};
use crate::graph::{Scratch, mix};

/// Samples that are made where none are given.
const SAMPLES: usize = 256;
/// Samples that are used of those given, at most.
const SAMPLES_MAX: usize = 1024;

/// How far samples are moved, in distances of the tenth neighbour. Under cosine and inner product,
/// items are as a rule embeddings, and queries embeddings of something else; under L2, both are as
/// a rule of one kind. Chosen on words20k, wordnet-384, sift-128 and made-up sets: at these
/// distances samples are as hard as the real queries, or harder.
const EMBEDDED: f64 = 2.0;
const MEASURED: f64 = 1.25;

/// Neighbours, the item itself included, and candidates of the search for the tenth.
const NEAR: (usize, usize) = (11, 64);
/// Share of the mean distance below which a neighbour is a copy, and its distance tells nothing.
const COPY: f64 = 0.125;

/// At most [`SAMPLES_MAX`] of the queries, taken evenly.
pub(super) fn some_of(queries: &[f32], dim: usize) -> Result<Vec<f32>> {
    let rows = queries.len() / dim;
    in_range("queries", rows, 1, usize::MAX)?;
    let count = rows.min(SAMPLES_MAX);
    // In 64 bits, so that 32-bit targets choose the same.
    let place = |number: usize| (number as u64 * rows as u64 / count as u64) as usize;
    let row = |number: usize| &queries[place(number) * dim..][..dim];
    Ok((0..count).flat_map(|number| row(number).iter().copied()).collect())
}

/// [`SAMPLES`] queries made from items, of which there is at least one.
pub(super) fn made_of_items(index: &Index, root: &Root, exec: &dyn Exec) -> Vec<f32> {
    let blocks = map_ranges(exec, SAMPLES, GRAIN, |range| {
        let mut scratch = index.searches.take(|| Scratch::new(&root.space));
        range.map(|number| Start::new(index, root, number, &mut scratch)).collect::<Vec<_>>()
    });
    let starts: Vec<Start> = blocks.into_iter().flatten().collect();
    let apart = starts.iter().filter(|start| start.away > 0.0);
    let mean = apart.clone().map(|start| start.away).sum::<f64>() / apart.count().max(1) as f64;
    starts.iter().flat_map(|start| start.moved(index, root, mean)).collect()
}

/// An item that a sample starts from.
struct Start {
    seed: u64,
    slot: u32,
    /// Distance of its tenth neighbour, as the crow flies.
    away: f64,
}

impl Start {
    fn new(index: &Index, root: &Root, number: usize, scratch: &mut Scratch) -> Self {
        let seed = mix(index.options.seed, number as u64);
        let end = root.space.end();
        let first = 1 + (mix(seed, 0) % u64::from(end - 1)) as u32;
        // A few slots may be unused; in a damaged file, all of them.
        let slot = (first..end).chain(1..first).find(|&slot| root.is_linked(slot)).unwrap_or(first);
        let item = root.space.vector(slot);
        let mut hits = Vec::new();
        let (k, ef) = NEAR;
        Sought { index, root, query: &item, k, ef, watch: None }.walk(scratch, &mut hits);
        let near = hits.last().and_then(|hit| root.find(hit.key)).unwrap_or(slot);
        let near = root.space.vector(near);
        let norm = |vector: &[f32]| length(vector.iter().copied().map(f64::from));
        // Under cosine only directions count: compare at the item's length.
        let scale = match index.options.metric {
            Metric::Cosine => norm(&item) / norm(&near),
            Metric::L2 | Metric::InnerProduct => 1.0,
        };
        let away = item.iter().zip(&near).map(|(&a, &b)| f64::from(a) - scale * f64::from(b));
        Self { seed, slot, away: length(away) }
    }

    /// The sample, or the item itself where the sample would be no vector to search for.
    fn moved(&self, index: &Index, root: &Root, mean: f64) -> Vec<f32> {
        let item = root.space.vector(self.slot);
        let factor = match index.options.metric {
            Metric::Cosine | Metric::InnerProduct => EMBEDDED,
            Metric::L2 => MEASURED,
        };
        let away = factor * if self.away < COPY * mean { mean } else { self.away };
        let direction: Vec<f64> =
            (1..=item.len() as u64).map(|place| normal(mix(self.seed, place))).collect();
        let step = away / length(direction.iter().copied());
        let moved = item.iter().zip(&direction).map(|(&x, y)| (f64::from(x) + step * y) as f32);
        let moved: Vec<f32> = moved.collect();
        let usable = check(index.options.metric, index.kernels, item.len(), 0, &moved).is_ok();
        if usable { moved } else { item }
    }
}

/// Euclidean length, summed in the order of components: the same bits everywhere.
fn length(components: impl Iterator<Item = f64>) -> f64 {
    components.map(|x| x * x).sum::<f64>().sqrt()
}

/// A number that is about normal: the sum of the four quarters of a hash.
fn normal(hash: u64) -> f64 {
    let quarters = [hash >> 48, hash >> 32 & 0xffff, hash >> 16 & 0xffff, hash & 0xffff];
    quarters.into_iter().sum::<u64>() as f64 - 2.0 * 65_535.0
}
