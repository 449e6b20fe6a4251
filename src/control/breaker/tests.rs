//! Tests of the breaker, under a clock that the tests turn.

use super::*;
use crate::memory::numbers::{Numbers, times};

/// What a breaker is to do, written as plainly as can be.
struct Model {
    state: ModelState,
    /// Times of failures since it was closed last.
    failures: Vec<u64>,
    counts: BreakerCounts,
}

#[derive(Clone, Copy, PartialEq)]
enum ModelState {
    Closed,
    Open { since: u64 },
    HalfOpen { since: u64 },
}

/// The way of a query in the model: probes are told apart by when they began.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Graph,
    Probe { since: u64 },
    Scan,
}

impl Model {
    fn new() -> Self {
        let counts = BreakerCounts::default();
        Self { state: ModelState::Closed, failures: Vec::new(), counts }
    }

    fn route(&mut self, now: u64) -> Way {
        match self.state {
            ModelState::Closed => Way::Graph,
            ModelState::Open { since } | ModelState::HalfOpen { since } => {
                if now < since + 30_000 {
                    return Way::Scan;
                }
                self.state = ModelState::HalfOpen { since: now };
                self.counts.probes += 1;
                Way::Probe { since: now }
            }
        }
    }

    fn failed(&mut self, way: Way, now: u64) {
        self.counts.failures += u64::from(way != Way::Scan);
        match way {
            Way::Graph if self.state == ModelState::Closed => {
                self.failures.push(now);
                let recent = self.failures.iter().filter(|time| now - **time < 60_000);
                if recent.count() >= 5 {
                    self.state = ModelState::Open { since: now };
                    self.counts.trips += 1;
                }
            }
            Way::Probe { since } if self.state == (ModelState::HalfOpen { since }) => {
                self.state = ModelState::Open { since: now };
            }
            _ => {}
        }
    }

    fn succeeded(&mut self, way: Way) {
        if let Way::Probe { since } = way
            && self.state == (ModelState::HalfOpen { since })
        {
            self.state = ModelState::Closed;
            self.failures.clear();
            self.counts.recoveries += 1;
        }
    }

    fn trip(&mut self, now: u64) {
        self.counts.trips += u64::from(self.state == ModelState::Closed);
        self.state = ModelState::Open { since: now };
    }
}

/// What happens next.
#[derive(Clone, Copy, Debug)]
enum Act {
    Pass(u64),
    /// A query begins.
    Ask,
    /// The oldest query under way ends.
    Fail,
    Succeed,
    /// The newest one does.
    FailNewest,
    Trip,
}

const ACTS: [Act; 9] = [
    Act::Pass(1),
    Act::Pass(29_999),
    Act::Pass(30_000),
    Act::Pass(60_000),
    Act::Ask,
    Act::Fail,
    Act::Succeed,
    Act::FailNewest,
    Act::Trip,
];

/// Both, side by side.
struct Pair {
    breaker: Breaker,
    model: Model,
    now: u64,
    under_way: Vec<(Route, Way)>,
}

impl Pair {
    fn new() -> Self {
        Self { breaker: Breaker::default(), model: Model::new(), now: 0, under_way: Vec::new() }
    }

    fn act(&mut self, act: Act) {
        let now = self.now;
        match act {
            Act::Pass(by) => self.now += by,
            Act::Ask => {
                let (route, way) = (self.breaker.route(now), self.model.route(now));
                let alike = match (route, way) {
                    (Route::Graph, Way::Graph) | (Route::Scan, Way::Scan) => true,
                    (Route::Probe(probe), Way::Probe { since }) => time_of(probe.0) == since,
                    _ => false,
                };
                assert!(alike, "{route:?} for {way:?}");
                self.under_way.push((route, way));
            }
            Act::Fail if !self.under_way.is_empty() => {
                let (route, way) = self.under_way.remove(0);
                self.breaker.failed(route, now);
                self.model.failed(way, now);
            }
            Act::FailNewest => {
                if let Some((route, way)) = self.under_way.pop() {
                    self.breaker.failed(route, now);
                    self.model.failed(way, now);
                }
            }
            Act::Succeed if !self.under_way.is_empty() => {
                let (route, way) = self.under_way.remove(0);
                self.breaker.succeeded(route);
                self.model.succeeded(way);
            }
            Act::Fail | Act::Succeed => {}
            Act::Trip => {
                self.breaker.trip(now);
                self.model.trip(now);
            }
        }
        let expected = match self.model.state {
            ModelState::Closed => BreakerState::Closed,
            ModelState::Open { .. } => BreakerState::Open,
            ModelState::HalfOpen { .. } => BreakerState::HalfOpen,
        };
        assert_eq!(self.breaker.state(), expected);
        assert_eq!(self.breaker.counts(), self.model.counts);
    }
}

#[test]
fn every_sequence_of_acts_goes_as_in_the_model() {
    let fail = [Act::Ask, Act::Fail];
    let spaced = |gap: u64| [Act::Ask, Act::Fail, Act::Pass(gap)].repeat(4);
    // From these states on, all that can happen.
    let beginnings: [Vec<Act>; 5] = [
        Vec::new(),
        fail.repeat(4),
        spaced(15_000),
        fail.repeat(5),
        [fail.repeat(5), vec![Act::Ask, Act::Pass(30_000), Act::Ask]].concat(),
    ];
    let steps = times(5, 7) as u32;
    let mut sequences = 0;
    for beginning in &beginnings {
        for code in 0..ACTS.len().pow(steps) {
            let mut pair = Pair::new();
            let rest = (0..steps).map(|step| ACTS[code / ACTS.len().pow(step) % ACTS.len()]);
            for act in beginning.iter().copied().chain(rest) {
                pair.act(act);
            }
            sequences += 1;
        }
    }
    assert_eq!(sequences, beginnings.len() * ACTS.len().pow(steps));
}

#[test]
fn long_random_sequences_go_as_in_the_model() {
    let mut numbers = Numbers::new(41);
    for _ in 0..times(300, 10_000) {
        let mut pair = Pair::new();
        for _ in 0..400 {
            pair.act(match numbers.below(6) {
                0 => Act::Pass(numbers.bits() >> (46 + numbers.below(17))),
                1 | 2 => Act::Ask,
                3 | 4 => Act::Fail,
                _ => ACTS[numbers.below(8)],
            });
        }
    }
}

/// Reports a failure of the graph at `now`.
fn fail(breaker: &Breaker, now: u64) {
    breaker.failed(Route::Graph, now);
}

#[test]
fn five_failures_in_a_minute_trip_it() {
    let breaker = Breaker::default();
    for now in [0, 10_000, 20_000, 30_000] {
        fail(&breaker, now);
    }
    assert_eq!(breaker.state(), BreakerState::Closed);
    fail(&breaker, 59_999);
    assert_eq!((breaker.state(), breaker.counts().trips), (BreakerState::Open, 1));
}

#[test]
fn four_failures_in_each_sixty_one_seconds_never_trip_it() {
    // However the four lie within their 61 s.
    for offsets in [[0, 0, 0, 0], [0, 20_000, 40_000, 60_000], [0, 1, 2, 60_999]] {
        let breaker = Breaker::default();
        for period in 0..10_000 {
            for offset in offsets {
                fail(&breaker, 61_000 * period + offset);
                assert_eq!(breaker.state(), BreakerState::Closed, "period {period}");
            }
        }
        assert_eq!(breaker.counts(), BreakerCounts { failures: 40_000, ..Default::default() });
    }
}

#[test]
fn the_window_slides() {
    // A counter that starts anew each minute would miss five failures about its turn.
    let breaker = Breaker::default();
    for now in [58_000, 59_000, 59_500, 60_500, 61_000] {
        assert_eq!(breaker.state(), BreakerState::Closed);
        fail(&breaker, now);
    }
    assert_eq!(breaker.state(), BreakerState::Open);
}

#[test]
fn a_breaker_is_of_one_space() {
    let (one, other) = (Breaker::default(), Breaker::default());
    (0..5).for_each(|now| fail(&one, now));
    assert_eq!((one.route(10), other.route(10)), (Route::Scan, Route::Graph));
    assert_eq!(other.counts(), BreakerCounts::default());
}

#[test]
fn no_clock_keeps_it_open_or_closes_it() {
    for back in [0, 5, 1 << 40] {
        let breaker = Breaker::default();
        let late = u64::MAX - 5;
        breaker.trip(late);
        assert_eq!(breaker.route(back), Route::Scan, "the wait begins anew");
        assert_eq!(breaker.route(back + BREAKER_WAIT - 1), Route::Scan);
        let lost = breaker.route(back + BREAKER_WAIT);
        assert!(matches!(lost, Route::Probe(_)));
        // Again back, under a probe: another is sent, and the first one's report is late.
        let second = breaker.route(back);
        assert!(matches!(second, Route::Probe(_)));
        breaker.succeeded(lost);
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        breaker.succeeded(second);
        assert_eq!(breaker.state(), BreakerState::Closed);
    }
    // Failures at all times that a clock can say do no harm.
    let mut numbers = Numbers::new(42);
    let breaker = Breaker::default();
    for _ in 0..100_000 {
        let (route, now) = (breaker.route(numbers.time()), numbers.time());
        if numbers.below(3) == 0 {
            breaker.succeeded(route);
        } else {
            breaker.failed(route, now);
        }
    }
    let counts = breaker.counts();
    assert!(counts.trips > 0 && counts.recoveries <= counts.trips, "{counts:?}");
}

#[test]
fn of_many_threads_one_gets_the_probe() {
    let breaker = Breaker::default();
    for round in 1..=times(200, 5000) as u64 {
        let now = round * BREAKER_WAIT;
        breaker.trip(now - BREAKER_WAIT);
        let probes = std::thread::scope(|scope| {
            let ask = || matches!(breaker.route(now), Route::Probe(_)) as usize;
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>()
        });
        assert_eq!(probes, 1, "round {round}");
    }
}
