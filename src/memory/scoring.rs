//! Scores of neighbours: distance, weighed by how sure a memory is.
//!
//! ```text
//!   distance ──near()──► 0 or more ─┐
//!                                   × ──► score, lower is better; ties by confidence, then key
//!   confidence ──weight()───────────┘
//! ```
//!
//! | [`Scoring`] | weight of confidence `c` |
//! |---|---|
//! | `Plain` | 1: the distance itself |
//! | `Penalised` | `1 + λ·(1 − c)`: what is certain keeps its distance, doubt costs up to `1 + λ` times |
//! | `Seed` | `1 − min(c, 0.95)`: for comparison with systems that score so |
//!
//! The seed's form rewards confidence instead of penalising doubt: unclamped, everything certain
//! scores 0, however far away. Its defects are tests at the end of this file.
//!
//! # How far a weighted search looks
//! A search walks by raw distance: a weighted one is no function of the query alone, and the rule by
//! which a walk ends would no longer hold. With `w_min` the weight of the highest confidence there
//! is, no item from raw distance `d` on scores below `d · w_min`. So once that exceeds the k-th score
//! so far, the answer is exact ([`Best::is_complete`]). An equal product does not end it: an item that
//! ties on the score may still win by confidence. Whoever stops earlier says how far off a missed
//! item may be ([`Exactness::Bounded`]).
//!
//! # Invariants
//! - Scores are finite and at least 0, except under `Plain`, which changes nothing.
//! - Rounding keeps order: a product of two 32-bit floats is exact in 64 bits, and a rounded weight
//!   or fold does not rise where the true one falls. So the bound above holds to the last bit.
//!
//! Absent on purpose: when to give up and scan, and who walks (`index`).

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::{Refused, in_range};
use crate::distance::Metric;

/// Highest confidence in the seed's formula, so that no weight is 0.
const SEED_CONFIDENCE_MAX: f64 = 0.95;
/// Largest `λ`.
const LAMBDA_MAX: f32 = 100.0;
/// Steps of a confidence in a link word, which has five bits for it.
const LINK_STEPS: f32 = 31.0;

/// How sure a memory or a link is, 0..=1.
///
/// ```
/// use ecphory::memory::scoring::Confidence;
///
/// let doubtful = Confidence::new(0.4)?;
/// assert!(doubtful < Confidence::CERTAIN);
/// assert_eq!(doubtful.faded(0.5).get(), 0.2);
/// assert!(Confidence::new(f32::NAN).is_err());
/// # Ok::<(), ecphory::memory::Refused>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Confidence(f32);

impl Confidence {
    /// Of what nobody doubts: a weight that changes nothing under [`Scoring::Penalised`].
    pub const CERTAIN: Self = Self(1.0);

    /// # Errors
    /// [`Refused::OutOfRange`] outside 0..=1.
    pub fn new(confidence: f32) -> Result<Self, Refused> {
        in_range("confidence", f64::from(confidence), (0.0, 1.0), "between 0 and 1")?;
        // Turns -0 into 0, so that equal numbers have equal bits.
        Ok(Self(confidence + 0.0))
    }

    /// The number.
    pub fn get(self) -> f32 {
        self.0
    }

    /// What is left of it where `retention` of the memory is: `c · R`. With a floor in the
    /// retention, that is `c` times the floor at least.
    #[must_use]
    pub fn faded(self, retention: f64) -> Self {
        // NaN stays NaN in `clamp`; `max` answers the other number.
        Self((f64::from(self.0) * retention.max(0.0).clamp(0.0, 1.0)) as f32)
    }

    /// What it is after it was of use: `c + rate · (1 − c)`, for a rate of 0..=1.
    #[must_use]
    pub fn strengthened(self, rate: f32) -> Self {
        // The sum may round past 1.
        let stronger = (self.0 + rate * (1.0 - self.0)).min(1.0);
        if stronger > self.0 { Self(stronger) } else { self }
    }

    /// The nearest of the 32 steps that a link word has room for, ties to even.
    pub fn to_link(self) -> u8 {
        (self.0 * LINK_STEPS).round_ties_even() as u8
    }

    /// The confidence of a step; those above 31 count as 31.
    pub fn from_link(step: u8) -> Self {
        Self(f32::from(step).min(LINK_STEPS) / LINK_STEPS)
    }
}

impl Default for Confidence {
    fn default() -> Self {
        Self::CERTAIN
    }
}

impl Ord for Confidence {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Confidence {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Confidence {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Confidence {}

/// How confidence weighs on distance.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Scoring {
    /// Not at all: the distance as it is.
    #[default]
    Plain,
    /// `d · (1 + λ·(1 − c))`.
    ///
    /// Of two items, one that is `1 + λ` times as near always wins. Under the inner product, whose
    /// distances have a sign, they are first folded to 0..1, keeping their order.
    Penalised {
        /// `λ`, 0..=100.
        lambda: f32,
    },
    /// `d · (1 − c)` with `c` up to 0.95; refused under the inner product.
    Seed,
}

impl Scoring {
    /// What is meant by weighing confidence, unless told otherwise: nothing certain costs twice as
    /// much as the certain.
    pub const PENALISED: Self = Self::Penalised { lambda: 1.0 };

    /// The scoring over distances of one metric.
    ///
    /// # Errors
    /// [`Refused::OutOfRange`] for `λ`, [`Refused::SignedMetric`] for the seed's form under the inner
    /// product.
    pub fn over(self, metric: Metric) -> Result<Scorer, Refused> {
        match self {
            Self::Penalised { lambda } => {
                let max = f64::from(LAMBDA_MAX);
                in_range("lambda", f64::from(lambda), (0.0, max), "between 0 and 100")?;
            }
            Self::Seed if metric == Metric::InnerProduct => return Err(Refused::SignedMetric),
            Self::Plain | Self::Seed => {}
        }
        Ok(Scorer { scoring: self, metric })
    }
}

/// A scoring whose numbers were checked, over one metric.
///
/// ```
/// use ecphory::Metric;
/// use ecphory::memory::scoring::{Confidence, Scoring};
///
/// let scorer = Scoring::PENALISED.over(Metric::Cosine)?;
/// assert_eq!(scorer.score(0.5, Confidence::CERTAIN), 0.5);
/// assert_eq!(scorer.score(0.5, Confidence::new(0.0)?), 1.0);
/// # Ok::<(), ecphory::memory::Refused>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scorer {
    scoring: Scoring,
    metric: Metric,
}

impl Scorer {
    /// The score: lower is better.
    pub fn score(self, distance: f32, confidence: Confidence) -> f64 {
        self.near(distance) * self.weight(confidence)
    }

    /// What confidence multiplies distance with. It does not rise with confidence.
    pub fn weight(self, confidence: Confidence) -> f64 {
        let confidence = f64::from(confidence.get());
        match self.scoring {
            Scoring::Plain => 1.0,
            Scoring::Penalised { lambda } => 1.0 + f64::from(lambda) * (1.0 - confidence),
            Scoring::Seed => 1.0 - confidence.min(SEED_CONFIDENCE_MAX),
        }
    }

    /// The distance that is weighed: without a sign, in the order of the raw one.
    ///
    /// An inner product is folded by `½·(1 + d/(1 + |d|))`, which keeps its digits where it is near.
    /// Other distances are at least 0 but for their rounding.
    fn near(self, distance: f32) -> f64 {
        let distance = f64::from(distance);
        match (self.scoring, self.metric) {
            (Scoring::Plain, _) => distance,
            (_, Metric::InnerProduct) if distance < 0.0 => 0.5 / (1.0 - distance),
            (_, Metric::InnerProduct) => 1.0 - 0.5 / (1.0 + distance),
            (_, Metric::L2 | Metric::Cosine) => distance.max(0.0),
        }
    }
}

/// A neighbour and its score, with the parts that it is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weighted {
    /// The item.
    pub key: u64,
    /// Raw distance.
    pub distance: f32,
    /// Confidence, as it was at the time.
    pub confidence: Confidence,
    /// What orders: see [`Scorer::score`].
    pub score: f64,
}

impl Eq for Weighted {}

impl Ord for Weighted {
    /// The better one is less: by score, then by higher confidence, then by key.
    fn cmp(&self, other: &Self) -> Ordering {
        let by_score = self.score.total_cmp(&other.score);
        let by_confidence = other.confidence.cmp(&self.confidence);
        by_score.then(by_confidence).then(self.key.cmp(&other.key))
    }
}

impl PartialOrd for Weighted {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Whether better items may have been missed.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Exactness {
    /// None was, of those that the search could reach.
    Exact,
    /// A missed item scores at least `ratio` times the last one of the answer.
    Bounded {
        /// Below 1; 0 where nothing is known.
        ratio: f64,
    },
}

/// The best of the items that are offered by rising raw distance (or in any order, where all are).
#[derive(Clone, Debug)]
pub struct Best {
    scorer: Scorer,
    k: usize,
    /// The lowest weight there is.
    least: f64,
    /// The worst on top.
    heap: BinaryHeap<Weighted>,
}

impl Best {
    /// Of `k`, where no item is surer than `highest`.
    pub fn new(scorer: Scorer, k: usize, highest: Confidence) -> Self {
        Self { scorer, k, least: scorer.weight(highest), heap: BinaryHeap::new() }
    }

    /// Takes an item into account; whether it is among the best so far. O(log k).
    pub fn offer(&mut self, distance: f32, confidence: Confidence, key: u64) -> bool {
        let score = self.scorer.score(distance, confidence);
        let item = Weighted { key, distance, confidence, score };
        if self.heap.len() < self.k {
            self.heap.push(item);
            return true;
        }
        match self.heap.peek_mut() {
            Some(mut worst) if item < *worst => {
                *worst = item;
                true
            }
            _ => false,
        }
    }

    /// Whether no item from raw distance `next` on can be among the best.
    pub fn is_complete(&self, next: f32) -> bool {
        self.heap.len() >= self.k
            && self.heap.peek().is_none_or(|worst| self.least_score(next) > worst.score)
    }

    /// What is to be said of the answer if nothing was offered from raw distance `next` on.
    pub fn exactness(&self, next: f32) -> Exactness {
        if self.is_complete(next) {
            return Exactness::Exact;
        }
        let ratio = match self.heap.peek() {
            Some(worst) if self.heap.len() >= self.k && worst.score > 0.0 => {
                self.least_score(next) / worst.score
            }
            _ => 0.0,
        };
        Exactness::Bounded { ratio: ratio.clamp(0.0, 1.0) }
    }

    /// The best, best first.
    pub fn into_sorted(self) -> Vec<Weighted> {
        self.heap.into_sorted_vec()
    }

    fn least_score(&self, next: f32) -> f64 {
        self.scorer.near(next) * self.least
    }
}

/// The `k` best of all `items` (distance, confidence, key), best first. O(n log k).
///
/// ```
/// use ecphory::Metric;
/// use ecphory::memory::scoring::{Confidence, Scoring, weighted_top_k};
///
/// let doubtful = Confidence::new(0.1)?;
/// let items = [(0.30, doubtful, 1), (0.40, Confidence::CERTAIN, 2), (0.90, doubtful, 3)];
/// let best = weighted_top_k(items, 2, Scoring::PENALISED.over(Metric::Cosine)?);
/// assert_eq!([best[0].key, best[1].key], [2, 1]);
/// # Ok::<(), ecphory::memory::Refused>(())
/// ```
pub fn weighted_top_k(
    items: impl IntoIterator<Item = (f32, Confidence, u64)>,
    k: usize,
    scorer: Scorer,
) -> Vec<Weighted> {
    let mut best = Best::new(scorer, k, Confidence::CERTAIN);
    for (distance, confidence, key) in items {
        best.offer(distance, confidence, key);
    }
    best.into_sorted()
}

#[cfg(test)]
mod tests;
