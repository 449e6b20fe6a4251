//! The candidates of a search: one sorted array.

/// A candidate: ordinal, node and whether it was expanded, in the bits of one integer whose order
/// is (ordinal, node).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Candidate(u64);

impl Candidate {
    #[inline(always)]
    pub(crate) fn new(ordinal: u32, node: u32) -> Self {
        Self(u64::from(ordinal) << 32 | u64::from(node) << 1)
    }

    #[inline(always)]
    pub(crate) fn ordinal(self) -> u32 {
        (self.0 >> 32) as u32
    }

    #[inline(always)]
    pub(crate) fn node(self) -> u32 {
        self.0 as u32 >> 1
    }

    fn is_expanded(self) -> bool {
        self.0 & 1 != 0
    }
}

/// The best `ef` candidates so far, nearest first, and the first that was not expanded.
///
/// Insertion moves the tail, which for the usual `ef` costs less than a heap's two logarithms; most
/// offers late in a search fail the first comparison.
#[derive(Default)]
pub(crate) struct Pool {
    candidates: Vec<Candidate>,
    ef: usize,
    cursor: usize,
}

impl Pool {
    /// Empties the pool and sets how many it keeps (at least one).
    pub(crate) fn reset(&mut self, ef: usize) {
        self.candidates.clear();
        self.ef = ef;
        self.cursor = 0;
    }

    /// Keeps the candidate if it is among the best.
    #[inline(always)]
    pub(crate) fn offer(&mut self, candidate: Candidate) {
        if self.candidates.len() == self.ef {
            if candidate >= self.candidates[self.ef - 1] {
                return;
            }
            self.candidates.pop();
        }
        let place = self.candidates.partition_point(|&other| other < candidate);
        self.candidates.insert(place, candidate);
        self.cursor = self.cursor.min(place);
    }

    /// Takes the nearest candidate that was not expanded, and marks it.
    #[inline(always)]
    pub(crate) fn expand(&mut self) -> Option<u32> {
        let candidate = self.candidates.get_mut(self.cursor)?;
        candidate.0 |= 1;
        let node = candidate.node();
        self.advance();
        Some(node)
    }

    /// The candidate that [`Self::expand`] would take now.
    #[inline(always)]
    pub(crate) fn peek(&self) -> Option<u32> {
        self.candidates.get(self.cursor).map(|candidate| candidate.node())
    }

    fn advance(&mut self) {
        while self.candidates.get(self.cursor).is_some_and(|c| c.is_expanded()) {
            self.cursor += 1;
        }
    }

    /// The candidates, nearest first.
    pub(crate) fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }
}
