//! Searches in which confidence and time weigh on distance.
//!
//! ```text
//!   walk or scan, by raw distance ──nearest first──► Best of k by score ──is it complete?──► hits
//!        ▲                                                       │ no
//!        └── twice as many, up to 4 ef ── or all, where that is cheaper ◄─┘
//! ```
//! The walk knows nothing of scores (see [`scoring`](crate::memory::scoring)): what it meets is
//! offered by rising distance until nothing farther can be among the best.

use super::root::Root;
use super::search::{Hit, Search, Work};
use crate::error::Result;
use crate::limits::EF_MAX;
use crate::memory::retention::Retention;
use crate::memory::scoring::{Best, Confidence, Exactness, Scorer, Scoring};

/// How many times as many candidates as a plain search keeps are looked at before the answer is
/// called bounded.
const WIDEST: usize = 4;
/// Comparisons one after the other that take the time of one in a walk, which waits for each link it
/// follows.
const SCAN_ADVANTAGE: usize = 4;

/// A search in which confidence, and what time has left, weigh on distance. Made by
/// [`Search::weighed`].
#[derive(Clone, Copy, Debug)]
#[must_use = "a search does nothing until it is run"]
pub struct Weighed<'a> {
    search: Search<'a>,
    scoring: Scoring,
    now: u64,
}

/// A memory that was found, with the parts that its score is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WeighedHit {
    /// The item's key.
    pub key: u64,
    /// Its distance from the query.
    pub distance: f32,
    /// How sure it is.
    pub confidence: Confidence,
    /// What time has left of it, 0..=1.
    pub retention: f64,
    /// What orders, lower first: the [score](crate::memory::scoring::Scorer::score) of the distance and
    /// of the confidence, [faded](Confidence::faded) by the retention.
    pub score: f64,
}

/// What a weighed search found.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WeighedHits {
    /// Best first.
    pub hits: Vec<WeighedHit>,
    /// Whether better ones may have been missed.
    pub exactness: Exactness,
    /// What was done to find them.
    pub work: Work,
}

impl<'a> Search<'a> {
    /// Lets confidence weigh on distance, and time where one is [given](Weighed::at).
    ///
    /// ```
    /// use ecphory::memory::scoring::{Confidence, Exactness, Scoring};
    /// use ecphory::{Index, Item, Metric};
    ///
    /// let index = Index::builder(1).metric(Metric::L2).build()?;
    /// let rumour = Confidence::new(0.1)?;
    /// index.insert_item(&Item::new(1, &[3.0]).confidence(rumour))?;
    /// index.insert_item(&Item::new(2, &[3.5]))?;
    ///
    /// let found = index.search(&[0.0]).k(2).weighed(Scoring::PENALISED).run()?;
    /// assert_eq!([found.hits[0].key, found.hits[1].key], [2, 1]);
    /// assert_eq!(found.exactness, Exactness::Exact);
    /// # Ok::<(), ecphory::Error>(())
    /// ```
    pub fn weighed(self, scoring: Scoring) -> Weighed<'a> {
        Weighed { search: self, scoring, now: 0 }
    }
}

impl Weighed<'_> {
    /// Lets what the index's [retention](crate::Index::set_retention) leaves at `now`, in
    /// milliseconds, weigh on confidence. Without it, or at 0, nothing fades.
    pub fn at(mut self, now: u64) -> Self {
        self.now = now;
        self
    }

    /// The best by score: lowest first, ties by confidence, then key.
    ///
    /// Exact with [`Search::exact`], and where nothing farther can be better. Otherwise it looks at
    /// up to four times as many candidates as a plain search, or at everything where that is
    /// cheaper, and [`WeighedHits::exactness`] says how much better a missed item can be. With
    /// [`Scoring::Plain`] the hits are those of a plain search.
    ///
    /// # Errors
    /// As for [`Search::run`]; [`Error::Memory`](crate::Error::Memory) for a scoring that this metric
    /// does not take.
    pub fn run(self) -> Result<WeighedHits> {
        let Self { search, scoring, now } = self;
        let scorer = scoring.over(search.index().options().metric)?;
        let root = search.begin()?;
        let retention = if now == 0 { Retention::default() } else { *root.retention.pin() };
        let weigher = Weigher { root: &root, scorer, retention, now };
        if scoring == Scoring::Plain {
            return weigher.plain(search);
        }
        if search.is_exact() {
            return Ok(weigher.all(search));
        }
        weigher.walked(search)
    }
}

/// What all of one search have in common.
struct Weigher<'a> {
    root: &'a Root,
    scorer: Scorer,
    retention: Retention,
    now: u64,
}

impl Weigher<'_> {
    fn plain(&self, search: Search<'_>) -> Result<WeighedHits> {
        let mut hits = Vec::new();
        let work = search.find(self.root, &mut hits)?;
        let hits = hits.iter().map(|&hit| self.memory(hit)).collect();
        Ok(WeighedHits { hits, exactness: Exactness::Exact, work })
    }

    /// By comparing all.
    fn all(&self, search: Search<'_>) -> WeighedHits {
        let mut best = Offered::new(self, search.wanted());
        let work = search.scan_all(self.root, &mut |hits| best.offer(hits));
        best.memories(f32::INFINITY, work)
    }

    /// By walks that keep more and more candidates.
    fn walked(&self, search: Search<'_>) -> Result<WeighedHits> {
        let k = search.wanted();
        let ef = search.candidates(self.root)?;
        let widest = ef.saturating_mul(WIDEST).clamp(k, EF_MAX);
        let (mut wanted, mut hits, mut work) = (ef.max(k), Vec::new(), Work::default());
        loop {
            let walked = search.up_to(wanted).ef(wanted).find(self.root, &mut hits)?;
            work = work.then(walked);
            let mut best = Offered::new(self, k);
            best.offer(&hits);
            // Fewer than were asked for are all that there are.
            let next = match hits.last() {
                Some(last) if hits.len() == wanted => last.distance,
                _ => f32::INFINITY,
            };
            if best.best.is_complete(next) || next == f32::INFINITY || work.is_partial {
                return Ok(best.memories(next, work));
            }
            let compared = 2 * walked.distances as usize;
            if compared.saturating_mul(SCAN_ADVANTAGE) >= self.root.len() {
                let mut found = self.all(search);
                found.work = work.then(found.work);
                return Ok(found);
            }
            if wanted >= widest {
                return Ok(best.memories(next, work));
            }
            wanted = (2 * wanted).min(widest);
        }
    }

    /// A hit with its parts.
    fn memory(&self, Hit { key, distance }: Hit) -> WeighedHit {
        let slot = self.root.find(key);
        let (confidence, retention) = slot.map_or((Confidence::CERTAIN, 1.0), |slot| {
            self.root.stands(slot, &self.retention, self.now)
        });
        let score = self.scorer.score(distance, confidence.faded(retention));
        WeighedHit { key, distance, confidence, retention, score }
    }
}

/// Those that were offered to the best, with their parts.
struct Offered<'a> {
    weigher: &'a Weigher<'a>,
    best: Best,
    parts: Vec<WeighedHit>,
}

impl<'a> Offered<'a> {
    fn new(weigher: &'a Weigher<'a>, k: usize) -> Self {
        let best = Best::new(weigher.scorer, k, Confidence::CERTAIN);
        Self { weigher, best, parts: Vec::new() }
    }

    fn offer(&mut self, hits: &[Hit]) {
        for &hit in hits {
            let memory = self.weigher.memory(hit);
            let confidence = memory.confidence.faded(memory.retention);
            if self.best.offer(hit.distance, confidence, hit.key) {
                self.parts.push(memory);
            }
        }
    }

    /// The best, where nothing was offered from raw distance `next` on.
    fn memories(mut self, next: f32, work: Work) -> WeighedHits {
        let exactness = match self.best.exactness(next) {
            _ if next == f32::INFINITY && !work.is_partial => Exactness::Exact,
            exactness => exactness,
        };
        self.parts.sort_unstable_by_key(|memory| memory.key);
        let found = |key| self.parts.binary_search_by_key(&key, |memory| memory.key).ok();
        let best = self.best.into_sorted();
        let hits = best.iter().filter_map(|best| found(best.key).map(|place| self.parts[place]));
        WeighedHits { hits: hits.collect(), exactness, work }
    }
}
