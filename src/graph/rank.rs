//! The last step of a search: what was walked on codes is compared again on vectors.

use super::pool::Candidate;
use super::probe::{Probe, Reads};
use super::walk::Scratch;
use crate::distance::to_f32;
use crate::store::Space;

/// Candidates compared again in one turn, while those of the next are fetched.
const AT_ONCE: usize = 4;

/// Different errors of codes that are looked at, at least, before their spread counts as known.
const SAMPLE: u32 = 12;

/// Standard deviations of what codes get wrong by which a candidate has to be too far to be left.
/// With 4, recall differs by 0.0002 at most from comparing half of them or more; 2 lose 0.003.
const DOUBT: f32 = 4.0;

impl Scratch {
    /// The best `k` of the pool by full vectors, as (ordinal, key, slot), ties by key.
    ///
    /// What was walked on codes is compared again, nearest first: `2 k` at least, then until the
    /// rest is too far to matter. Where rows lie a few steps of the codes apart, that is all of it.
    pub(crate) fn rank(&mut self, space: &Space, k: usize) -> &[(u32, u64, u32)] {
        let Self { pool, probe, ranked, distances, .. } = self;
        let candidates = pool.candidates();
        ranked.clear();
        if probe.is_exact() {
            ranked.extend(candidates.iter().map(|c| (c.ordinal(), space.key(c.node()), c.node())));
            ranked.sort_unstable();
            ranked.truncate(k);
            return ranked;
        }
        let vectors = Reads::vectors(space);
        let mut errors = Errors::default();
        let mut last = None;
        for (turn, compared) in candidates.chunks(AT_ONCE).enumerate() {
            let nearest = compared[0].ordinal();
            // What is as near as the last one, by codes, may be a copy of it with a smaller key.
            if turn * AT_ONCE >= 2 * k && last != Some(nearest) {
                let distance = errors.least(probe.estimate(nearest));
                if ranked.get(k - 1).is_some_and(|worst| distance > to_f32(worst.0)) {
                    break;
                }
            }
            // What the next turn reads is on its way while this one is summed.
            let next = candidates.iter().skip((turn + 1) * AT_ONCE).take(AT_ONCE);
            next.for_each(|candidate| vectors.prefetch(candidate.node()));
            let ordinals = compare(probe, space, compared);
            *distances += compared.len() as u32;
            for (&ordinal, candidate) in ordinals.iter().zip(compared) {
                // Copies of one vector say once what codes get wrong.
                if last.replace(candidate.ordinal()) != Some(candidate.ordinal()) {
                    errors.add(to_f32(ordinal) - probe.estimate(candidate.ordinal()));
                }
                keep((ordinal, space.key(candidate.node()), candidate.node()), k, ranked);
            }
        }
        ranked
    }
}

/// Ordinals of up to [`AT_ONCE`] candidates on vectors.
fn compare(probe: &Probe, space: &Space, candidates: &[Candidate]) -> [u32; AT_ONCE] {
    let (mut slots, mut ordinals) = ([0; AT_ONCE], [0; AT_ONCE]);
    slots.iter_mut().zip(candidates).for_each(|(slot, candidate)| *slot = candidate.node());
    let len = candidates.len();
    probe.score_exact(space, &slots[..len], &mut ordinals[..len]);
    ordinals
}

/// Puts `found` among the best `k`, sorted.
fn keep(found: (u32, u64, u32), k: usize, ranked: &mut Vec<(u32, u64, u32)>) {
    if ranked.len() == k {
        if found >= ranked[k - 1] {
            return;
        }
        ranked.pop();
    }
    let place = ranked.partition_point(|other| *other < found);
    ranked.insert(place, found);
}

/// What codes got wrong so far, against vectors: a shift that all candidates share, and a spread.
///
/// An error that is no number says nothing: all candidates are compared then.
#[derive(Default)]
struct Errors {
    count: u32,
    /// The first error: the others are counted from it, or their squares would have no digits left.
    first: f32,
    sum: f32,
    squares: f32,
}

impl Errors {
    fn add(&mut self, error: f32) {
        if self.count == 0 {
            self.first = error;
        }
        let error = error - self.first;
        self.count += 1;
        self.sum += error;
        self.squares += error * error;
    }

    /// What a distance of this estimate is at least, as far as can be told.
    fn least(&self, estimate: f32) -> f32 {
        let count = self.count as f32;
        let mean = self.sum / count;
        let variance = self.squares / count - mean * mean;
        if self.count < SAMPLE || !variance.is_finite() {
            return f32::NEG_INFINITY;
        }
        estimate + self.first + mean - DOUBT * variance.max(0.0).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distance_is_at_least_what_the_errors_so_far_allow() {
        let mut errors = Errors::default();
        for i in 0..SAMPLE {
            assert_eq!(errors.least(5.0), f32::NEG_INFINITY);
            errors.add(if i % 2 == 0 { 99.5 } else { 100.5 });
        }
        assert_eq!(errors.least(5.0), 5.0 + 100.0 - DOUBT * 0.5);
        errors.add(f32::INFINITY);
        assert_eq!(errors.least(5.0), f32::NEG_INFINITY);
    }

    #[test]
    fn the_best_are_kept_in_order() {
        let mut ranked = Vec::new();
        for found in [(3, 1, 0), (1, 9, 0), (2, 5, 0), (1, 8, 0), (3, 0, 0)] {
            keep(found, 3, &mut ranked);
        }
        assert_eq!(ranked, [(1, 8, 0), (1, 9, 0), (2, 5, 0)]);
    }
}
