//! Contenders that take turns, and the medians of what they took.

use std::time::Instant;

use crate::Outcome;

/// Rounds, at most, where a turn takes seconds and so varies little.
pub(crate) const LONG: usize = 3;

/// Seconds of every contender in every round.
pub(crate) struct Race {
    seconds: Vec<Vec<f64>>,
}

impl Race {
    /// Has the contenders `0..count` run one after the other, `rounds` times over. A run returns the
    /// seconds that count.
    pub(crate) fn run(
        rounds: usize,
        count: usize,
        mut run: impl FnMut(usize) -> Outcome<f64>,
    ) -> Outcome<Self> {
        let mut seconds = vec![Vec::with_capacity(rounds); count];
        for round in 0..rounds {
            for (contender, seconds) in seconds.iter_mut().enumerate() {
                seconds.push(run(contender)?);
            }
            eprintln!("  round {} of {rounds}", round + 1);
        }
        Ok(Self { seconds })
    }

    /// What a contender took, as a median.
    pub(crate) fn seconds(&self, contender: usize) -> f64 {
        median(self.seconds[contender].clone())
    }

    /// How many times as fast as `other` a contender was.
    pub(crate) fn speedup(&self, contender: usize, other: usize) -> f64 {
        let rounds = self.seconds[contender].iter().zip(&self.seconds[other]);
        median(rounds.map(|(own, other)| other / own).collect())
    }
}

/// The middle value; of an even number, the mean of the middle two.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) {
        f64::midpoint(values[middle - 1], values[middle])
    } else {
        values[middle]
    }
}

/// Seconds that `work` takes.
pub(crate) fn timed(work: impl FnOnce() -> Outcome<()>) -> Outcome<f64> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_secs_f64())
}
