//! Percentiles, interpolation and the memory of the process.

use super::{AtRecall, Point};

/// The smallest of `sorted` that at least `share` of them do not exceed (nearest rank); `None` of
/// nothing.
pub fn percentile<T: Copy>(sorted: &[T], share: f64) -> Option<T> {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied().or(sorted.last().copied())
}

/// Figures where the curve first reaches `recall`, or `None` if it does not.
///
/// Between two points, the logarithms of `ef`, of queries per second and of latency are taken to be
/// linear in recall. A curve that starts above `recall` gives its first point.
pub fn at_recall(curve: &[Point], recall: f64) -> Option<AtRecall> {
    let reached = curve.iter().position(|point| point.recall >= recall)?;
    let high = &curve[reached];
    let low = &curve[reached.saturating_sub(1)];
    let share = match high.recall - low.recall {
        rise if rise > 0.0 => (recall - low.recall) / rise,
        _ => 1.0,
    };
    let between = |low: f64, high: f64| (low.ln() + share * (high.ln() - low.ln())).exp();
    // An exact `ef` must not be pushed up by the last bit of the logarithms.
    let ef = (between(low.ef as f64, high.ef as f64) - 1e-6).ceil() as usize;
    Some(AtRecall { ef, qps: between(low.qps, high.qps), p95_us: between(low.p95_us, high.p95_us) })
}

/// The most memory this process has had at one time, where the system says so.
pub fn peak_rss_bytes() -> Option<u64> {
    high_water_mark(&std::fs::read_to_string("/proc/self/status").ok()?)
}

fn high_water_mark(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(ef: usize, recall: f64, qps: f64) -> Point {
        let us = 1e6 / qps;
        Point { ef, recall, qps, p50_us: us, p95_us: us, p99_us: us, distances_per_query: 1.0 }
    }

    #[test]
    fn percentiles_are_nearest_ranks() {
        let sorted: Vec<u32> = (1..=100).collect();
        assert_eq!(percentile(&sorted, 0.5), Some(50));
        assert_eq!(percentile(&sorted, 0.99), Some(99));
        assert_eq!(percentile(&sorted, 1.0), Some(100));
        assert_eq!(percentile(&sorted, 0.0), Some(1));
        assert_eq!(percentile(&[7], 0.95), Some(7));
        assert_eq!(percentile::<u32>(&[], 0.5), None);
    }

    #[test]
    fn interpolates_logarithms() {
        let curve = [point(10, 0.8, 1000.0), point(40, 0.9, 250.0)];
        let middle = at_recall(&curve, 0.85).unwrap();
        assert_eq!(middle.ef, 20);
        assert!((middle.qps - 500.0).abs() < 1e-9, "{middle:?}");
        assert!((middle.p95_us - 2000.0).abs() < 1e-9, "{middle:?}");
        assert_eq!(at_recall(&curve, 0.9).unwrap().ef, 40);
    }

    #[test]
    fn a_curve_is_not_extrapolated() {
        let curve = [point(10, 0.8, 1000.0), point(20, 0.8, 500.0)];
        assert_eq!(at_recall(&curve, 0.5).unwrap().ef, 10);
        assert_eq!(at_recall(&curve, 0.81), None);
        assert_eq!(at_recall(&[], 0.1), None);
    }

    #[test]
    fn reads_the_high_water_mark() {
        assert_eq!(high_water_mark("Name:\tx\nVmHWM:\t    2048 kB\n"), Some(2 << 20));
        assert_eq!(high_water_mark("VmRSS:\t 1 kB\n"), None);
    }
}
