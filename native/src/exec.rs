//! Threads for the core, which owns none.

use std::ops::Range;

use ecphory::exec::Exec;
use rayon::prelude::*;

/// Threads of one pool, at most: far above any machine's cores, far below what a system refuses.
const THREADS_MAX: usize = 1024;

/// A fixed number of threads that share work by stealing. Hand it to
/// [`Index::bulk_build`](ecphory::Index::bulk_build) and to the batch searches.
pub struct Pool {
    threads: rayon::ThreadPool,
}

/// No pool of that size.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// Zero threads, or more than a system gives.
    #[error("{0} threads is outside 1..={THREADS_MAX}; use one a core")]
    Count(usize),
    /// The system gave no threads.
    #[error("cannot start threads: {0}; ask for fewer")]
    Start(rayon::ThreadPoolBuildError),
}

impl Pool {
    /// Starts `threads` threads, 1 to 1,024.
    ///
    /// # Errors
    /// [`PoolError`] for a number outside the bounds, or if the system refuses.
    pub fn new(threads: usize) -> Result<Self, PoolError> {
        if !(1..=THREADS_MAX).contains(&threads) {
            return Err(PoolError::Count(threads));
        }
        let builder = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|number| format!("ecphory-{number}"));
        Ok(Self { threads: builder.build().map_err(PoolError::Start)? })
    }

    /// Starts one thread for each core this process may use.
    ///
    /// # Errors
    /// [`PoolError::Start`] if the system refuses.
    pub fn per_core() -> Result<Self, PoolError> {
        Self::new(cores())
    }
}

/// Cores this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(THREADS_MAX))
}

impl Exec for Pool {
    fn for_each(&self, count: usize, grain: usize, work: &(dyn Fn(Range<usize>) + Sync)) {
        let grain = grain.max(1);
        let pieces = count.div_ceil(grain);
        self.threads.install(|| {
            (0..pieces).into_par_iter().with_max_len(1).for_each(|piece| {
                let start = piece * grain;
                work(start..count.min(start + grain));
            });
        });
    }

    fn width(&self) -> usize {
        self.threads.current_num_threads()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn covers_every_item_once() {
        for threads in [1, 3] {
            let pool = Pool::new(threads).unwrap();
            assert_eq!(pool.width(), threads);
            for (count, grain) in [(0, 4), (1, 4), (4, 4), (1001, 7), (5, 0), (3, usize::MAX)] {
                let seen: Vec<AtomicU32> = (0..count).map(|_| AtomicU32::new(0)).collect();
                pool.for_each(count, grain, &|range| {
                    assert!(!range.is_empty() && range.len() <= grain.max(1));
                    for item in range {
                        seen[item].fetch_add(1, Ordering::Relaxed);
                    }
                });
                assert!(seen.iter().all(|count| count.load(Ordering::Relaxed) == 1));
            }
        }
    }

    #[test]
    fn refuses_sizes_no_system_has() {
        for threads in [0, THREADS_MAX + 1, usize::MAX] {
            assert!(matches!(Pool::new(threads), Err(PoolError::Count(_))));
        }
    }
}
