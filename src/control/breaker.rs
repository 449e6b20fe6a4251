//! The circuit breaker of a space: after faults of the graph, exact search answers instead.
//!
//! ```text
//!                 5 failures within 60 s, or a failed check
//!      CLOSED ──────────────────────────────────────────────► OPEN ◄──────────────┐
//!      graph                                                  scan                │ fails
//!        ▲                                                     │ 30 s on          │
//!        │                      succeeds                       ▼ one query        │
//!        └─────────────────────────────────────────────── HALF-OPEN ──────────────┘
//!                                                         probe: graph; others: scan
//! ```
//!
//! The pattern is Nygard's (Release It!, 2007). A failure is a fault of the graph — a slot out of
//! range, a damaged block, an empty answer where there are items, a deadline, a panic that the host
//! caught, a failed check — never a mistake of the caller.
//!
//! # Invariants
//! - The five failures that trip it lie within less than 60 s of one another: a window that slides,
//!   not a counter that somebody resets.
//! - One probe at a time. A probe that never reports counts as lost after 30 s; a report that comes
//!   later than that changes nothing.
//! - A clock that goes back neither keeps it open for longer than 30 s more nor closes it.
//! - Nobody waits: asking is one load while it is closed. All accesses are relaxed, since nothing is
//!   published through these words: they only choose between two correct ways to answer.
//!
//! Absent on purpose: a clock (time is an argument, in milliseconds), what a failure is found by, and
//! the scan (`index`).

use super::count;
use crate::sync::atomic::{AtomicU64, Ordering};

/// Failures within [`BREAKER_WINDOW`] that trip it.
pub const BREAKER_FAILURES: usize = 5;
/// Milliseconds in which they have to come.
pub const BREAKER_WINDOW: u64 = 60_000;
/// Milliseconds after which a probe is sent.
pub const BREAKER_WAIT: u64 = 30_000;

/// Failures whose times are kept: those that the next one may be too many after.
const KEPT: usize = BREAKER_FAILURES - 1;
/// Bits of the state, below those of the time.
const STATE_BITS: u32 = 2;
const CLOSED: u64 = 0;
const OPEN: u64 = 1;
const HALF_OPEN: u64 = 2;

/// Decides by which way queries of one space are answered. Shared by all threads that ask.
///
/// ```
/// use ecphory::control::{Breaker, BreakerState, Route};
///
/// let breaker = Breaker::default();
/// for second in 0..5 {
///     let route = breaker.route(1000 * second);
///     assert_eq!(route, Route::Graph);
///     breaker.failed(route, 1000 * second);
/// }
/// assert_eq!((breaker.state(), breaker.route(20_000)), (BreakerState::Open, Route::Scan));
///
/// // 30 s later one query tries the graph again.
/// let probe = breaker.route(34_000);
/// assert!(matches!(probe, Route::Probe(_)));
/// assert_eq!(breaker.route(34_001), Route::Scan);
/// breaker.succeeded(probe);
/// assert_eq!(breaker.route(34_002), Route::Graph);
/// ```
#[derive(Debug)]
pub struct Breaker {
    /// State, and since when: one word, so that both change at once.
    word: AtomicU64,
    /// Times of the last failures, plus one; 0 for none. Each failure takes the place of the one
    /// that was [`KEPT`] before it.
    failures: [AtomicU64; KEPT],
    /// Failures that took such a place.
    turn: AtomicU64,
    failed: AtomicU64,
    trips: AtomicU64,
    probes: AtomicU64,
    recoveries: AtomicU64,
}

/// By which way a query is to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// By the graph.
    Graph,
    /// By the graph, to see whether it works again. Report how it went; answer by scan if it fails.
    Probe(Probe),
    /// By exact search; the answer is to say that the space is degraded.
    Scan,
}

/// Which probe a report is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe(u64);

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// The graph answers.
    Closed,
    /// Exact search answers.
    Open,
    /// Exact search answers, while one query tries the graph.
    HalfOpen,
}

/// What a breaker has counted since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BreakerCounts {
    /// Failures that were reported, probes included.
    pub failures: u64,
    /// Times that it went from closed to open.
    pub trips: u64,
    /// Probes that were sent.
    pub probes: u64,
    /// Times that it closed again.
    pub recoveries: u64,
}

impl Default for Breaker {
    /// Closed.
    fn default() -> Self {
        Self {
            word: AtomicU64::new(CLOSED),
            failures: [0; KEPT].map(AtomicU64::new),
            turn: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            trips: AtomicU64::new(0),
            probes: AtomicU64::new(0),
            recoveries: AtomicU64::new(0),
        }
    }
}

impl Breaker {
    /// The way of a query that begins at `now`.
    pub fn route(&self, now: u64) -> Route {
        let seen = self.word.load(Ordering::Relaxed);
        let state = state_of(seen);
        if state == CLOSED {
            return Route::Graph;
        }
        let now = bounded(now);
        let since = time_of(seen);
        if state == OPEN && now < since {
            // The clock went back: wait anew by what it says now.
            self.exchange(seen, word(OPEN, now));
            return Route::Scan;
        }
        // A clock that went back under a probe counts as if the probe were lost.
        let is_due = now < since || now - since >= BREAKER_WAIT;
        let probe = word(HALF_OPEN, now);
        if is_due && self.exchange(seen, probe) {
            count(&self.probes);
            return Route::Probe(Probe(probe));
        }
        Route::Scan
    }

    /// Takes a failure of the graph at `now` into account, of a query that went by `route`.
    pub fn failed(&self, route: Route, now: u64) {
        let now = bounded(now);
        match route {
            Route::Graph => {
                count(&self.failed);
                let seen = self.word.load(Ordering::Relaxed);
                // Of those that began before it tripped, more failures say nothing new.
                if state_of(seen) != CLOSED {
                    return;
                }
                let place = &self.failures[(count(&self.turn) % KEPT as u64) as usize];
                let before = place.swap(now + 1, Ordering::Relaxed);
                let is_within = before != 0 && (now + 1).saturating_sub(before) < BREAKER_WINDOW;
                if is_within && self.exchange(seen, word(OPEN, now)) {
                    count(&self.trips);
                }
            }
            Route::Probe(Probe(probe)) => {
                count(&self.failed);
                self.exchange(probe, word(OPEN, now));
            }
            Route::Scan => {}
        }
    }

    /// Takes an answer without a fault into account, of a query that went by `route`.
    pub fn succeeded(&self, route: Route) {
        let Route::Probe(Probe(probe)) = route else { return };
        if self.word.load(Ordering::Relaxed) != probe {
            return;
        }
        // Before it closes: none of these times may count together with new ones.
        for place in &self.failures {
            place.store(0, Ordering::Relaxed);
        }
        if self.exchange(probe, CLOSED) {
            count(&self.recoveries);
        }
    }

    /// Opens it at once: a check has found the graph damaged, or an operator says so.
    pub fn trip(&self, now: u64) {
        let before = self.word.swap(word(OPEN, bounded(now)), Ordering::Relaxed);
        if state_of(before) == CLOSED {
            count(&self.trips);
        }
    }

    /// Where it stands, for reports.
    pub fn state(&self) -> BreakerState {
        match state_of(self.word.load(Ordering::Relaxed)) {
            CLOSED => BreakerState::Closed,
            OPEN => BreakerState::Open,
            _ => BreakerState::HalfOpen,
        }
    }

    /// What it has counted.
    pub fn counts(&self) -> BreakerCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        BreakerCounts {
            failures: read(&self.failed),
            trips: read(&self.trips),
            probes: read(&self.probes),
            recoveries: read(&self.recoveries),
        }
    }

    fn exchange(&self, old: u64, new: u64) -> bool {
        self.word.compare_exchange(old, new, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

fn word(state: u64, since: u64) -> u64 {
    since << STATE_BITS | state
}

fn state_of(word: u64) -> u64 {
    word & ((1 << STATE_BITS) - 1)
}

fn time_of(word: u64) -> u64 {
    word >> STATE_BITS
}

/// A time that fits beside the state: 146 million years.
fn bounded(now: u64) -> u64 {
    now.min(u64::MAX >> STATE_BITS)
}

#[cfg(test)]
mod tests;
