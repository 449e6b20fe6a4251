//! The curve: searches at rising `ef` until recall is high enough or rises no more.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ecphory::exec::Exec;
use ecphory::{Error, Hit, Index};

use super::{Point, Truth, percentile};

/// Shortest time in which queries per second are measured: a pass repeats its queries to fill it.
pub const PASS: Duration = Duration::from_millis(200);

/// Largest `ef` of a sweep, unless `k` asks for more.
const EF_LAST: usize = 4096;

/// Passes for each point, at most.
const REPEAT_MAX: usize = 1000;

/// Points without a rise of recall after which a sweep gives up.
const PATIENCE: usize = 4;

/// How the points of a curve are measured.
#[derive(Clone, Copy)]
pub struct Sweep<'a> {
    /// The threads that search at the same time.
    pub searchers: &'a dyn Exec,
    /// Passes for each point, 1 to 1,000; the fastest counts.
    pub repeat: usize,
}

impl Sweep<'_> {
    /// Refuses a number of passes outside the bounds.
    pub(super) fn check(&self) -> Result<(), Error> {
        let (value, max) = (self.repeat as u64, REPEAT_MAX as u64);
        match self.repeat {
            1..=REPEAT_MAX => Ok(()),
            _ => Err(Error::OptionOutOfRange { name: "repeat", value, min: 1, max }),
        }
    }
}

/// Measures points from `ef = k` on, each a quarter above the one before, until recall reaches
/// `enough`, has not risen for four points, or `ef` reaches 4,096.
///
/// # Errors
/// What a search refuses.
pub fn sweep(
    options: &Sweep<'_>,
    index: &Index,
    truth: &Truth<'_>,
    enough: f64,
    each: &mut dyn FnMut(&Point),
) -> Result<Vec<Point>, Error> {
    let mut curve: Vec<Point> = Vec::new();
    let (mut ef, mut best, mut since_best) = (truth.k(), f64::NEG_INFINITY, 0);
    loop {
        let point = measure(options, index, truth, ef)?;
        each(&point);
        curve.push(point);
        since_best = if point.recall > best { 0 } else { since_best + 1 };
        best = best.max(point.recall);
        if best >= enough || since_best == PATIENCE || ef >= EF_LAST {
            return Ok(curve);
        }
        ef = (ef + ef.div_ceil(4)).min(EF_LAST);
    }
}

/// Measures one point. Recall and work come from a first pass, which also warms the caches.
///
/// # Errors
/// What a search refuses; [`Error::OptionOutOfRange`] for a number of passes outside the bounds.
pub fn measure(
    options: &Sweep<'_>,
    index: &Index,
    truth: &Truth<'_>,
    ef: usize,
) -> Result<Point, Error> {
    options.check()?;
    let queries = truth.queries();
    let (mut found, mut distances, mut hits) = (0, 0, Vec::with_capacity(truth.k()));
    let start = Instant::now();
    let mut judging = Duration::ZERO;
    for (number, query) in queries.iter().enumerate() {
        let work = index.search(query).k(truth.k()).ef(ef).run_into(&mut hits)?;
        distances += u64::from(work.distances);
        let before = Instant::now();
        found += truth.count(number, &hits);
        judging += before.elapsed();
    }
    let estimate =
        start.elapsed().saturating_sub(judging) / options.searchers.width().max(1) as u32;
    let rounds = PASS.as_nanos().div_ceil(estimate.as_nanos().max(1)).clamp(1, 1 << 20) as usize;

    let mut fastest: Option<Pass> = None;
    for _ in 0..options.repeat {
        let pass = Pass::run(options, index, truth, ef, rounds)?;
        if fastest.as_ref().is_none_or(|best| pass.seconds < best.seconds) {
            fastest = Some(pass);
        }
    }
    let pass = fastest.expect("at least one pass was run");
    let us = |share| percentile(&pass.nanoseconds, share).map_or(0.0, |ns| f64::from(ns) / 1e3);
    Ok(Point {
        ef,
        recall: found as f64 / (queries.rows() * truth.k()) as f64,
        qps: pass.nanoseconds.len() as f64 / pass.seconds,
        p50_us: us(0.50),
        p95_us: us(0.95),
        p99_us: us(0.99),
        distances_per_query: distances as f64 / queries.rows() as f64,
    })
}

/// All queries, `rounds` times.
struct Pass {
    seconds: f64,
    /// Latency of each query, sorted.
    nanoseconds: Vec<u32>,
}

impl Pass {
    fn run(
        options: &Sweep<'_>,
        index: &Index,
        truth: &Truth<'_>,
        ef: usize,
        rounds: usize,
    ) -> Result<Self, Error> {
        let total = truth.queries().rows() * rounds;
        let threads = options.searchers.width().clamp(1, total);
        let parts = Mutex::new(Vec::with_capacity(threads));
        let start = Instant::now();
        options.searchers.for_each(threads, 1, &|range| {
            for first in range {
                let part = time_queries(index, truth, ef, (first..total).step_by(threads));
                parts.lock().unwrap_or_else(PoisonError::into_inner).push(part);
            }
        });
        let seconds = start.elapsed().as_secs_f64();
        let mut nanoseconds = Vec::with_capacity(total);
        for part in parts.into_inner().unwrap_or_else(PoisonError::into_inner) {
            nanoseconds.extend(part?);
        }
        nanoseconds.sort_unstable();
        Ok(Self { seconds, nanoseconds })
    }
}

fn time_queries(
    index: &Index,
    truth: &Truth<'_>,
    ef: usize,
    numbers: impl ExactSizeIterator<Item = usize>,
) -> Result<Vec<u32>, Error> {
    let mut hits: Vec<Hit> = Vec::with_capacity(truth.k());
    let mut nanoseconds = Vec::with_capacity(numbers.len());
    for number in numbers {
        let query = truth.queries().row(number % truth.queries().rows());
        let start = Instant::now();
        index.search(query).k(truth.k()).ef(ef).run_into(&mut hits)?;
        nanoseconds.push(u32::try_from(start.elapsed().as_nanos()).unwrap_or(u32::MAX));
    }
    Ok(nanoseconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::Vectors;
    use ecphory::exec::Sequential;
    use ecphory::{Codes, Metric};

    /// 400 points on a circle; row `i` has the key `key(i)`.
    fn index(base: &Vectors, key: impl Fn(u64) -> u64) -> Index {
        let index = Index::builder(2).metric(Metric::L2).codes(Codes::None).build().unwrap();
        let keys: Vec<u64> = (0..base.rows() as u64).map(key).collect();
        index.bulk_build(&keys, base.values(), &Sequential, &mut |_| true).unwrap();
        index
    }

    fn circle() -> Vectors {
        let angle = |i: u16| f32::from(i) * std::f32::consts::TAU / 400.0;
        let values = (0..400).map(angle).flat_map(|angle| [angle.cos(), angle.sin()]).collect();
        Vectors::new(400, 2, values).unwrap()
    }

    #[test]
    fn a_broken_index_does_not_pass_for_a_good_one() {
        let base = circle();
        let good = index(&base, |row| row);
        let truth = Truth::exact(&good, &base, &base, 10, &Sequential).unwrap();
        let options = Sweep { searchers: &Sequential, repeat: 1 };
        let recall = |index: &Index| measure(&options, index, &truth, 64).unwrap().recall;
        assert_eq!(recall(&good), 1.0);
        // Its graph is as good and its answers look as good, but they are answers about others.
        let broken = index(&base, |row| (row + 200) % 400);
        assert_eq!(recall(&broken), 0.0);
        assert!(measure(&options, &Index::builder(2).build().unwrap(), &truth, 64).is_err());
    }
}
