//! The shadow check: now and then a live answer is compared with exact search, so that damage which
//! looks like no fault is seen by what it costs.
//!
//! ```text
//!   query ──due?──► one in 16 ──► graph and scan ──► recall x ──► sum ← max(0, sum + ln Λ(x))
//!                   (every one while it looks suspicious)           │ ≥ 0.1 suspicious
//!                                                                   └ ≥ 8   damaged: trip the breaker
//! ```
//!
//! A link that points to a wrong but existing node breaks no bound and no checksum that is looked at
//! while walking; the answer is only worse. A mean over a window would be slow or nervous; this is a
//! cumulative sum (Page 1954) of log-likelihood ratios (Wald 1945), of recall `μ₁ = μ₀ − 0.05`
//! against the expected `μ₀`:
//!
//! `ln Λ(x) = x·ln(μ₁/μ₀) + (1 − x)·ln((1 − μ₁)/(1 − μ₀))`
//!
//! # What it promises
//! - *False alarms.* `ln Λ` is linear in `x`, so `Λ` is convex, and its mean over any distribution of
//!   `x` on 0..=1 whose mean is `μ₀` or more is at most the one for answers that are all right or all
//!   wrong, which is 1. So between false alarms there are `e^8 ≈ 3,000` checks in the mean, whatever
//!   single answers look like (Lorden 1971). That is a bound: the simulation in the tests sees one in
//!   140,000 checks for answers that are all or nothing, and none in ten million for others.
//! - *Damage.* The rise of the sum depends on the mean loss alone. In the same simulation a loss of
//!   5.5 points is seen within 2,000 queries by 97 % to all of the runs (after 600 in the middle,
//!   from a recall of 0.9; after 100 to 300 from 0.995), and one of 10 points always.
//! - *Cost.* About 7 of 100 queries are searched exactly as well where answers miss little by
//!   little, and up to 23 where they are all or nothing.
//!
//! Absent on purpose: what is expected (a tuning measured it, at the breadth that is searched with),
//! who searches, and threads: all accesses are relaxed, and a lost race loses a check.

use super::count;
use crate::graph::mix;
use crate::sync::atomic::{AtomicU64, Ordering};

/// Of how many queries one is checked, while nothing is suspicious.
pub const SHADOW_EVERY: u64 = 16;
/// The loss of recall that is told apart from none.
pub const SHADOW_LOSS: f64 = 0.05;

/// The sum from which every query is checked.
const SUSPICIOUS: f64 = 0.1;
/// The sum that is damage.
const DAMAGED: f64 = 8.0;
/// Expected recalls that a ratio can be formed of.
const EXPECTED: (f64, f64) = (0.1, 0.995);
/// What a check weighs in the gauge.
const GAUGE_WEIGHT: f64 = 1.0 / 64.0;

/// Watches the recall of one space.
///
/// ```
/// use ecphory::control::{Health, Shadow};
///
/// let shadow = Shadow::new(0.97);
/// // Answers that find all of ten; then every second one finds none.
/// assert!((0..100).all(|_| shadow.report(10, 10) == Health::Fine));
/// let verdicts: Vec<Health> = (0..40).map(|query| shadow.report(10 * (query % 2), 10)).collect();
/// assert!(verdicts.contains(&Health::Suspicious) && verdicts.contains(&Health::Damaged));
/// ```
#[derive(Debug)]
pub struct Shadow {
    /// `ln Λ` of a neighbour that was found, and of one that was missed.
    found: f64,
    missed: f64,
    /// Floats, as bits.
    sum: AtomicU64,
    gauge: AtomicU64,
    queries: AtomicU64,
    checks: AtomicU64,
}

/// What the checks say of a space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Recall is as expected.
    Fine,
    /// It may have fallen: every query is checked until that is known.
    Suspicious,
    /// It has fallen by 5 points or more. The checks begin anew.
    Damaged,
}

impl Shadow {
    /// Where a recall of `expected` is what queries reach when nothing is wrong. Taken to be within
    /// 0.1..=0.995, and 0.95 if it is no number.
    pub fn new(expected: f64) -> Self {
        let expected = if expected.is_nan() { 0.95 } else { expected };
        let expected = expected.clamp(EXPECTED.0, EXPECTED.1);
        let fallen = expected - SHADOW_LOSS;
        Self {
            found: libm::log(fallen / expected),
            missed: libm::log((1.0 - fallen) / (1.0 - expected)),
            sum: AtomicU64::new(0),
            gauge: AtomicU64::new(expected.to_bits()),
            queries: AtomicU64::new(0),
            checks: AtomicU64::new(0),
        }
    }

    /// Whether the query that begins now is to be checked. Which ones are is drawn from their
    /// number, so that no rhythm of the queries escapes.
    pub fn is_due(&self) -> bool {
        let number = count(&self.queries);
        read(&self.sum) >= SUSPICIOUS || mix(0, number).is_multiple_of(SHADOW_EVERY)
    }

    /// Takes a check into account: of the `k` nearest by exact search, the answer held `hits`.
    pub fn report(&self, hits: usize, k: usize) -> Health {
        if k == 0 {
            return Health::Fine;
        }
        let recall = (hits.min(k) as f64) / k as f64;
        count(&self.checks);
        change(&self.gauge, |gauge| gauge + GAUGE_WEIGHT * (recall - gauge));
        let ratio = recall * self.found + (1.0 - recall) * self.missed;
        let rise = |sum: f64| (sum + ratio).max(0.0);
        let sum = rise(change(&self.sum, |sum| if rise(sum) >= DAMAGED { 0.0 } else { rise(sum) }));
        match sum {
            sum if sum >= DAMAGED => Health::Damaged,
            sum if sum >= SUSPICIOUS => Health::Suspicious,
            _ => Health::Fine,
        }
    }

    /// The recall of late: the mean of about the last 64 checks, for reports.
    pub fn recall(&self) -> f64 {
        read(&self.gauge)
    }

    /// Queries that were checked.
    pub fn checks(&self) -> u64 {
        self.checks.load(Ordering::Relaxed)
    }
}

fn read(float: &AtomicU64) -> f64 {
    f64::from_bits(float.load(Ordering::Relaxed))
}

/// Puts something else in place of a float; what it was before.
fn change(float: &AtomicU64, to: impl Fn(f64) -> f64) -> f64 {
    let next = |bits| Some(to(f64::from_bits(bits)).to_bits());
    let changed = float.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
    match changed {
        Ok(before) | Err(before) => f64::from_bits(before),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::numbers::{Numbers, times};

    const K: usize = 10;

    /// How the hits of single answers spread about the same mean.
    #[derive(Clone, Copy, Debug)]
    enum Spread {
        /// Each neighbour is found or not by itself.
        Even,
        /// Most answers find all, some only a half.
        Uneven,
        /// An answer finds all or nothing.
        AllOrNothing,
    }

    const SPREADS: [Spread; 3] = [Spread::Even, Spread::Uneven, Spread::AllOrNothing];

    impl Spread {
        /// Hits of one answer, with mean recall `recall`.
        fn hits(self, recall: f64, numbers: &mut Numbers) -> usize {
            match self {
                Self::Even => (0..K).filter(|_| numbers.share() < recall).count(),
                Self::Uneven if numbers.share() < 2.0 * (1.0 - recall) => K / 2,
                Self::AllOrNothing if numbers.share() > recall => 0,
                Self::Uneven | Self::AllOrNothing => K,
            }
        }
    }

    /// Queries until the alarm, and those of them that were checked.
    fn until_alarm(shadow: &Shadow, most: usize, mut hits: impl FnMut() -> usize) -> Option<usize> {
        (1..=most).find(|_| shadow.is_due() && shadow.report(hits(), K) == Health::Damaged)
    }

    #[test]
    fn damage_of_more_than_five_points_is_caught_within_two_thousand_queries() {
        let mut numbers = Numbers::new(61);
        let runs = times(300, 5000);
        for expected in [0.9, 0.95, 0.98, 0.995] {
            for spread in SPREADS {
                for loss in [0.055, 0.1, 0.3] {
                    let mut took: Vec<usize> = (0..runs)
                        .filter_map(|_| {
                            let shadow = Shadow::new(expected);
                            // Damage comes to a space that was watched for a while.
                            until_alarm(&shadow, 3000, || spread.hits(expected, &mut numbers));
                            until_alarm(&shadow, 2000, || {
                                spread.hits(expected - loss, &mut numbers)
                            })
                        })
                        .collect();
                    took.sort_unstable();
                    let caught = took.len() as f64 / runs as f64;
                    // Of answers that are all or nothing each tells little.
                    let least = if matches!(spread, Spread::AllOrNothing) { 0.95 } else { 0.99 };
                    assert!(caught >= least, "{expected} − {loss}, {spread:?}: {caught}");
                    let median = took[took.len() / 2];
                    println!("{expected} − {loss}, {spread:?}: caught {caught}, median {median}");
                }
            }
        }
    }

    #[test]
    fn false_alarms_are_as_rare_as_promised() {
        let mut numbers = Numbers::new(62);
        let checks = times(1_000_000, 10_000_000);
        for expected in [0.9, 0.95, 0.98, 0.995] {
            for spread in SPREADS {
                let shadow = Shadow::new(expected);
                let alarms = (0..checks)
                    .filter(|_| {
                        let hits = spread.hits(expected, &mut numbers);
                        shadow.report(hits, K) == Health::Damaged
                    })
                    .count();
                // e^8 checks for each in the mean, at least.
                let most = match spread {
                    Spread::Even => 0.0,
                    Spread::Uneven | Spread::AllOrNothing => checks as f64 / DAMAGED.exp(),
                };
                println!("{expected}, {spread:?}: {alarms} alarms in {checks} checks");
                let noise = 3.0 * most.sqrt();
                assert!(alarms as f64 <= most + noise, "{expected} {spread:?}: {alarms}");
            }
        }
    }

    #[test]
    fn few_queries_are_checked_while_all_is_well() {
        let mut numbers = Numbers::new(63);
        let shadow = Shadow::new(0.97);
        let queries = 100_000;
        let checked = (0..queries)
            .filter(|_| {
                let is_due = shadow.is_due();
                if is_due {
                    shadow.report(Spread::Even.hits(0.98, &mut numbers), K);
                }
                is_due
            })
            .count();
        let usual = queries / SHADOW_EVERY as usize;
        assert!((usual * 9 / 10..usual * 12 / 10).contains(&checked), "{checked}");
        assert_eq!(shadow.checks(), checked as u64);
        assert!((shadow.recall() - 0.98).abs() < 0.03, "{}", shadow.recall());
    }

    #[test]
    fn odd_numbers_do_no_harm() {
        for expected in [f64::NAN, -1.0, 0.0, 1.0, f64::INFINITY] {
            let shadow = Shadow::new(expected);
            assert_eq!(shadow.report(0, 0), Health::Fine);
            for _ in 0..100 {
                shadow.report(usize::MAX, 1);
                shadow.report(0, usize::MAX);
            }
            assert!((0.0..=1.0).contains(&shadow.recall()));
        }
    }
}
