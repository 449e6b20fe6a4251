//! Recollection: what a cue brings to mind, by likeness and by association.
//!
//! ```text
//!   vector ──nearest──► likeness ──┐               ┌──► similarity ──────────────┐
//!   keys   ────────────────────────┼─► seeds ──────┤                             ├─► score, best k
//!   recent cues ──priming──────────┘               └──► activation ──response────┘
//! ```
//! Both alone miss what the other knows: likeness finds no cause, association nothing that nobody
//! has written down. Here `score = similarity + gain · a / (a + half)`: a response that saturates,
//! because activation falls by orders of magnitude with each hop, while what counts is whether
//! something is brought to mind at all (a hyperbolic ratio, as Naka & Rushton 1966 found it of cells
//! that see). What nothing spread to is ranked as a plain search ranks it. `tests/memory` measures
//! how much it helps.
//!
//!   brain   the links that activation follows
//!   run     seeds, candidates, scores

mod brain;
mod run;

use super::{DEFAULT_EF, Index, Work};
use crate::error::Result;
use crate::memory::activation::{Spreading, Stopped};
use crate::memory::priming::Priming;
use crate::memory::scoring::{Confidence, Scoring};

/// A recollection being put together.
#[derive(Clone, Copy)]
#[must_use = "a recollection does nothing until it is run"]
pub struct Recollect<'a> {
    index: &'a Index,
    vector: Option<&'a [f32]>,
    keys: &'a [u64],
    k: usize,
    ef: usize,
    scoring: Scoring,
    now: u64,
    spreading: Spreading,
    kinds: &'a [(&'a str, f32)],
    associations: f32,
    alike: f64,
    gain: f64,
    priming: Option<&'a Priming>,
}

/// A memory that came to mind, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Recollected {
    /// The item's key.
    pub key: u64,
    /// Its distance from the cue.
    pub distance: f32,
    /// How sure it is.
    pub confidence: Confidence,
    /// What time has left of it, 0..=1.
    pub retention: f64,
    /// How like the cue it is: at most 1.
    pub similarity: f64,
    /// What spread to it: its share of all activation, 0..=1.
    pub activation: f64,
    /// What orders, higher first: similarity and the response to activation.
    pub score: f64,
    /// The keys by which most of its activation came, from a cue to the item; none if none came.
    pub path: Vec<u64>,
}

/// What came to mind.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Recollection {
    /// Best first.
    pub memories: Vec<Recollected>,
    /// What all activations together may lack.
    pub residual: f64,
    /// Why activation spread no further.
    pub stopped: Stopped,
    /// What was done to find what is like the cue.
    pub work: Work,
}

impl Index {
    /// Starts a recollection: of ten memories unless told otherwise.
    ///
    /// ```
    /// use ecphory::{Association, Index, Item, Metric};
    ///
    /// let index = Index::builder(2).metric(Metric::Cosine).build()?;
    /// for (name, vector) in [("rain", [1.0, 0.1]), ("drizzle", [1.0, 0.2]), ("umbrella", [-0.2, 1.0])] {
    ///     index.insert_item(&Item::named(name, &vector))?;
    /// }
    /// let key = |name| index.key(name).expect("it was put there");
    /// index.associate(&Association::new(key("drizzle"), key("umbrella")).kind("calls for"))?;
    ///
    /// // Nothing leads from rain to an umbrella, but something like rain does.
    /// let rain = [key("rain")];
    /// let found = index.recollect().about(&rain).k(2).run()?;
    /// let why = &found.memories[1];
    /// assert_eq!(why.key, key("umbrella"));
    /// assert_eq!(why.path.last(), Some(&key("umbrella")));
    /// # Ok::<(), ecphory::Error>(())
    /// ```
    pub fn recollect(&self) -> Recollect<'_> {
        Recollect {
            index: self,
            vector: None,
            keys: &[],
            k: 10,
            ef: DEFAULT_EF,
            scoring: Scoring::Plain,
            now: 0,
            spreading: Spreading::default(),
            kinds: &[],
            associations: 1.0,
            alike: 0.5,
            gain: 0.2,
            priming: None,
        }
    }
}

impl<'a> Recollect<'a> {
    /// Begins with a vector: what is like it is found, and is a cue as well.
    pub fn near(mut self, vector: &'a [f32]) -> Self {
        self.vector = Some(vector);
        self
    }

    /// Begins with items, which are not part of the answer. Without a [vector](Self::near), what is
    /// like them is meant by likeness. Keys without an item are left out; 65,536 at most.
    pub fn about(mut self, keys: &'a [u64]) -> Self {
        self.keys = keys;
        self
    }

    /// As many memories as there are, at most `k` (1..=65,536).
    pub fn k(mut self, k: usize) -> Self {
        self.k = k;
        self
    }

    /// Candidates by likeness and as many by association (1..=65,536, raised to `k`);
    /// [`DEFAULT_EF`](crate::DEFAULT_EF) unless set.
    pub fn ef(mut self, ef: usize) -> Self {
        self.ef = ef;
        self
    }

    /// Lets confidence weigh on similarity, by this rule; [`Scoring::Plain`] unless set.
    pub fn scoring(mut self, scoring: Scoring) -> Self {
        self.scoring = scoring;
        self
    }

    /// Lets what the index's [retention](Index::set_retention) leaves at `now`, in milliseconds, weigh
    /// on confidence and on links.
    pub fn at(mut self, now: u64) -> Self {
        self.now = now;
        self
    }

    /// How activation spreads.
    pub fn spreading(mut self, spreading: Spreading) -> Self {
        self.spreading = spreading;
        self
    }

    /// What kinds of associations count, in place of 1: 0 for one that is not to be followed.
    pub fn kinds(mut self, kinds: &'a [(&'a str, f32)]) -> Self {
        self.kinds = kinds;
        self
    }

    /// The part of what an item passes on that goes by its associations, 0..=1, the rest going by its
    /// links to what is like it, as all of it does where it has no associations. With 1, which it is
    /// unless set, no link to what is alike is followed: likeness begins and ranks, and that is
    /// enough where much is associated.
    pub fn associations(mut self, part: f32) -> Self {
        self.associations = part;
        self
    }

    /// The part of all activation that begins with what is most like the cue instead of with
    /// [items](Self::about), 0..=1; 0.5 unless set. Without items, all of it does.
    pub fn alike(mut self, part: f64) -> Self {
        self.alike = part;
        self
    }

    /// What full activation adds to similarity, 0..=10; 0.2 unless set. With 0 likeness alone counts.
    pub fn gain(mut self, gain: f64) -> Self {
        self.gain = gain;
        self
    }

    /// Lets recent cues take part, as strong as they are at the time [given](Self::at).
    pub fn primed(mut self, priming: &'a Priming) -> Self {
        self.priming = Some(priming);
        self
    }

    /// What comes to mind: best first, ties by key.
    ///
    /// # Errors
    /// [`Error::NoCue`](crate::Error::NoCue) without a vector or an item to begin with;
    /// [`Error::Memory`](crate::Error::Memory) for numbers out of range; as for
    /// [`Search::run`](crate::Search::run).
    pub fn run(self) -> Result<Recollection> {
        run::run(&self)
    }
}

impl std::fmt::Debug for Recollect<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recollect")
            .field("keys", &self.keys)
            .field("k", &self.k)
            .finish_non_exhaustive()
    }
}
