//! Seeds, candidates, scores.

use std::collections::BTreeSet;

use super::super::find::Sought;
use super::super::options::in_range as option;
use super::super::root::Root;
use super::super::search::{Hit, Work};
use super::brain::Brain;
use super::{Recollect, Recollected, Recollection};
use crate::distance::{Metric, check, check_denormals, to_f32};
use crate::error::{Error, Result};
use crate::graph::Scratch;
use crate::limits::{EF_MAX, K_MAX};
use crate::memory::activation::Activation;
use crate::memory::in_range;
use crate::memory::retention::Retention;
use crate::memory::scoring::{Scorer, Scoring};

/// Of what is like a cue, so many are cues as well.
const ALIKE: usize = 8;
/// By how much less similar one of them is that counts `1/e` of the most similar.
const ALIKE_STEP: f64 = 0.05;
/// The part of all cues that recent ones are, at most.
const PRIMED_PART: f64 = 0.3;
/// The activation that is answered by half of the gain.
const HALF: f64 = 0.003;

/// A memory that may be among the best.
#[derive(Clone, Copy)]
struct Candidate {
    slot: u32,
    distance: f32,
}

pub(super) fn run(asked: &Recollect<'_>) -> Result<Recollection> {
    let &Recollect { index, k, ef, scoring, gain, associations, now, .. } = asked;
    check_denormals()?;
    option("k", k, 1, K_MAX)?;
    option("ef", ef, 1, EF_MAX)?;
    option("keys", asked.keys.len(), 0, K_MAX)?;
    in_range("gain", gain, (0.0, 10.0), "between 0 and 10")?;
    in_range("alike", asked.alike, (0.0, 1.0), "between 0 and 1")?;
    in_range("associations", associations.into(), (0.0, 1.0), "between 0 and 1")?;
    for &(_, weight) in asked.kinds {
        in_range("the weight of a kind", weight.into(), (0.0, 1e6), "between 0 and a million")?;
    }
    // Over inner products, whose sign says nothing of likeness, weighed with nothing is folded.
    let folded =
        if scoring == Scoring::Plain { Scoring::Penalised { lambda: 0.0 } } else { scoring };
    let scorer = folded.over(index.options.metric)?;
    let root = index.root();
    let retention = if now == 0 { Retention::default() } else { *root.retention.pin() };
    let mut cues: Vec<u32> = asked.keys.iter().filter_map(|&key| root.find(key)).collect();
    cues.sort_unstable();
    cues.dedup();
    let query = query(asked, &root, &cues)?;

    let recollector = Recollector { asked, root: &root, scorer, retention };
    let (near, work) = recollector.near(&query, &cues);
    let seeds = recollector.seeds(&near, &cues);
    let brain = recollector.brain();
    let activation = asked.spreading.run(&brain, &seeds);
    let candidates = recollector.candidates(&query, near, &activation, &cues);
    let memories = recollector.best(candidates, &activation);
    let (residual, stopped) = (activation.residual(), activation.stopped());
    Ok(Recollection { memories, residual, stopped, work })
}

/// The vector that likeness is measured from: the one given, or the middle of the cues'.
fn query(asked: &Recollect<'_>, root: &Root, cues: &[u32]) -> Result<Vec<f32>> {
    let &Recollect { index, vector, .. } = asked;
    let options = index.options();
    let checked = |vector: &[f32]| check(options.metric, index.kernels, options.dim, 0, vector);
    if let Some(vector) = vector {
        checked(vector)?;
        return Ok(vector.to_vec());
    }
    let (&first, rest) = cues.split_first().ok_or(Error::NoCue)?;
    let vector = |slot| {
        let mut vector = root.space.vector(slot);
        if options.metric == Metric::Cosine {
            let longest = vector.iter().fold(0.0_f32, |longest, value| longest.max(value.abs()));
            let scaled = |value: f32| f64::from(value) / f64::from(longest);
            let norm = vector.iter().map(|&value| scaled(value).powi(2)).sum::<f64>().sqrt();
            for value in &mut vector {
                *value = (scaled(*value) / norm) as f32;
            }
        }
        vector
    };
    let alone = root.space.vector(first);
    if rest.is_empty() {
        return Ok(alone);
    }
    let mut sum = vector(first);
    for &slot in rest {
        sum.iter_mut().zip(vector(slot)).for_each(|(sum, value)| *sum += value);
    }
    for value in &mut sum {
        *value /= cues.len() as f32;
    }
    // Opposite cues have no middle under cosine.
    Ok(if checked(&sum).is_ok() { sum } else { alone })
}

/// What all parts of one recollection have in common.
struct Recollector<'a> {
    asked: &'a Recollect<'a>,
    root: &'a Root,
    scorer: Scorer,
    retention: Retention,
}

impl<'a> Recollector<'a> {
    /// What is nearest to the query, but for the cues.
    fn near(&self, query: &[f32], cues: &[u32]) -> (Vec<Candidate>, Work) {
        let &Recollect { index, k, ef, .. } = self.asked;
        let wanted = ef.max(k).saturating_add(cues.len()).min(K_MAX);
        let sought = Sought { index, root: self.root, query, k: wanted, ef: wanted, watch: None };
        let mut hits = Vec::new();
        let work = {
            let mut scratch = index.searches.take(|| Scratch::new(&self.root.space));
            sought.walk(&mut scratch, &mut hits)
        };
        let candidate =
            |Hit { key, distance }| Some(Candidate { slot: self.root.find(key)?, distance });
        let near = hits.into_iter().filter_map(candidate);
        (near.filter(|near| cues.binary_search(&near.slot).is_err()).collect(), work)
    }

    /// Where activation begins: with the cues and with what is like them, all of it with one of the two
    /// where the other is missing; a part of both with what was a cue before.
    fn seeds(&self, near: &[Candidate], cues: &[u32]) -> Vec<(u32, f32)> {
        let alike = &near[..near.len().min(ALIKE)];
        let part = match (alike.is_empty(), cues.is_empty()) {
            (true, _) => 0.0,
            (_, true) => 1.0,
            _ => self.asked.alike,
        };
        let mut seeds: Vec<(u32, f64)> = Vec::new();
        seeds.extend(cues.iter().map(|&cue| (cue, (1.0 - part) / cues.len() as f64)));
        let scale = self.scale(near);
        let similarity = |near: &Candidate| self.similarity(*near, scale);
        let most = alike.iter().map(similarity).fold(f64::NEG_INFINITY, f64::max);
        let strength = |near| libm::exp((similarity(near) - most) / ALIKE_STEP);
        let sum: f64 = alike.iter().map(strength).sum();
        seeds.extend(alike.iter().map(|near| (near.slot, part * strength(near) / sum)));
        self.prime(&mut seeds);
        seeds.into_iter().map(|(slot, weight)| (slot, weight as f32)).collect()
    }

    fn prime(&self, seeds: &mut Vec<(u32, f64)>) {
        let Some(priming) = self.asked.priming else { return };
        let primed = priming.cues(self.asked.now);
        let primed = primed.filter_map(|(key, strength)| Some((self.root.find(key)?, strength)));
        let primed: Vec<(u32, f64)> = primed.collect();
        let sum: f64 = primed.iter().map(|(_, strength)| strength).sum();
        // As strong as the recent ones are together, but never more than their part.
        let part = PRIMED_PART * sum.min(1.0);
        if sum > 0.0 {
            for (_, weight) in seeds.iter_mut() {
                *weight *= 1.0 - part;
            }
            seeds.extend(primed.into_iter().map(|(slot, strength)| (slot, part * strength / sum)));
        }
    }

    fn brain(&self) -> Brain<'a> {
        let &Recollect { kinds, associations, now, .. } = self.asked;
        let there = &self.root.space.associations;
        let kind = |(name, weight): &(&str, f32)| Some((there.find_kind(name)?, *weight));
        let kinds = kinds.iter().filter_map(kind).collect();
        Brain { root: self.root, kinds, associations, retention: self.retention, now }
    }

    /// What is near, and the most active of what is not, with distances.
    fn candidates(
        &self,
        query: &[f32],
        near: Vec<Candidate>,
        activation: &Activation,
        cues: &[u32],
    ) -> Vec<Candidate> {
        let &Recollect { index, k, ef, .. } = self.asked;
        let mut known: Vec<u32> =
            near.iter().map(|near| near.slot).chain(cues.iter().copied()).collect();
        known.sort_unstable();
        let active = activation.top(ef.max(k).saturating_add(known.len()));
        let is_new = |slot: &u32| known.binary_search(slot).is_err();
        let slots: Vec<u32> = active.iter().map(|active| active.node).filter(is_new).collect();
        let mut ordinals = vec![0; slots.len()];
        let mut scratch = index.searches.take(|| Scratch::new(&self.root.space));
        scratch.probe.set_query(&self.root.space, query);
        scratch.probe.score_exact(&self.root.space, &slots, &mut ordinals);
        let mut candidates = near;
        let far = |(&slot, &ordinal): (&u32, &u32)| Candidate { slot, distance: to_f32(ordinal) };
        candidates.extend(slots.iter().zip(&ordinals).map(far));
        candidates
    }

    /// The best `k`.
    fn best(&self, candidates: Vec<Candidate>, activation: &Activation) -> Vec<Recollected> {
        let scale = self.scale(&candidates);
        let mut ranked: Vec<(f64, u64, Candidate)> = candidates
            .into_iter()
            .map(|candidate| {
                let active = activation.get(candidate.slot);
                let response = self.asked.gain * active / (active + HALF);
                let score = self.similarity(candidate, scale) + response;
                (score, self.root.space.key(candidate.slot), candidate)
            })
            .collect();
        ranked.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        // Beside an update an item may be met in two slots; and a cue in one that it has left.
        let mut seen: BTreeSet<u64> = self.asked.keys.iter().copied().collect();
        ranked.retain(|&(_, key, _)| seen.insert(key));
        ranked.truncate(self.asked.k);
        let key = |slot| self.root.space.key(slot);
        let memory = |(score, _, candidate): (f64, u64, Candidate)| {
            let Candidate { slot, distance } = candidate;
            let (confidence, retention) = self.stands(slot);
            Recollected {
                key: key(slot),
                distance,
                confidence,
                retention,
                similarity: self.similarity(candidate, scale),
                activation: activation.get(slot),
                score,
                path: activation.path(slot).into_iter().map(key).collect(),
            }
        };
        ranked.into_iter().map(memory).collect()
    }

    fn stands(&self, slot: u32) -> (crate::memory::scoring::Confidence, f64) {
        self.root.stands(slot, &self.retention, self.asked.now)
    }

    /// A distance that counts as half similar under L2, whose distances have no scale of their own:
    /// that of the `k`-th nearest.
    fn scale(&self, candidates: &[Candidate]) -> f64 {
        let mut distances: Vec<f32> = candidates.iter().map(|near| near.distance).collect();
        distances.sort_unstable_by(f32::total_cmp);
        let place = distances.len().min(self.asked.k).saturating_sub(1);
        distances.get(place).map_or(1.0, |&distance| f64::from(distance)).max(f64::MIN_POSITIVE)
    }

    /// How like the cue an item is, weighed by how sure it is: at most 1.
    fn similarity(&self, candidate: Candidate, scale: f64) -> f64 {
        let (confidence, retention) = self.stands(candidate.slot);
        let score = self.scorer.score(candidate.distance, confidence.faded(retention));
        match self.asked.index.options.metric {
            Metric::L2 => 1.0 / (1.0 + score / scale),
            Metric::Cosine | Metric::InnerProduct => 1.0 - score,
        }
    }
}
