//! How the core's parallel work runs: on the instance's rayon pool, or on the caller alone.

#[cfg(feature = "threads")]
pub(crate) use pool::exec;

/// Everything on the calling thread.
#[cfg(not(feature = "threads"))]
pub(crate) fn exec() -> ecphory::exec::Sequential {
    ecphory::exec::Sequential
}

#[cfg(feature = "threads")]
mod pool {
    use std::ops::Range;

    use ecphory::exec::Exec;
    use rayon::prelude::*;

    /// The pool that `initThreadPool` started. The caller waits for it and is not one of its
    /// threads.
    pub(crate) struct Pool;

    /// The instance's pool.
    pub(crate) fn exec() -> Pool {
        Pool
    }

    impl Exec for Pool {
        fn for_each(&self, count: usize, grain: usize, work: &(dyn Fn(Range<usize>) + Sync)) {
            let grain = grain.max(1);
            (0..count.div_ceil(grain)).into_par_iter().with_max_len(1).for_each(|piece| {
                let start = piece * grain;
                work(start..count.min(start.saturating_add(grain)));
            });
        }

        fn width(&self) -> usize {
            rayon::current_num_threads()
        }
    }
}
