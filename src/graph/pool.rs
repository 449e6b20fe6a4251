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

/// Candidates of one ordinal that are kept when a node is linked. On sets with 90 copies of each
/// vector, more measured lower recall (0.97 with two, 0.95 with eight, 0.94 without a limit); on
/// small grids, where all is ties, two measured no loss.
pub(crate) const LINKING_TIES: usize = 2;

/// The best `ef` candidates so far, nearest first, and the first that was not expanded.
///
/// Insertion moves the tail, which for the usual `ef` costs less than a heap's two logarithms; most
/// offers late in a search fail the first comparison.
pub(crate) struct Pool {
    candidates: Vec<Candidate>,
    ef: usize,
    cursor: usize,
    ties: usize,
}

impl Default for Pool {
    fn default() -> Self {
        Self { candidates: Vec::new(), ef: 0, cursor: 0, ties: usize::MAX }
    }
}

impl Pool {
    /// Keeps at most `ties` candidates of one ordinal from now on, those of the smallest nodes.
    ///
    /// For linking: copies of one vector are as good as each other then, and would crowd out
    /// whatever leads elsewhere.
    pub(crate) fn limit_ties(&mut self, ties: usize) {
        self.ties = ties;
    }

    /// Empties the pool and sets how many it keeps (at least one).
    pub(crate) fn reset(&mut self, ef: usize) {
        self.candidates.clear();
        self.ef = ef;
        self.cursor = 0;
    }

    /// Keeps the candidate if it is among the best.
    #[inline(always)]
    pub(crate) fn offer(&mut self, candidate: Candidate) {
        let full = self.candidates.len() == self.ef;
        if full && candidate >= self.candidates[self.ef - 1] {
            return;
        }
        let place = self.candidates.partition_point(|&other| other < candidate);
        if self.ties != usize::MAX && self.is_crowded(candidate.ordinal(), place) {
            return;
        }
        if self.candidates.len() == self.ef {
            self.candidates.pop();
        }
        self.candidates.insert(place, candidate);
        self.cursor = self.cursor.min(place);
    }

    /// Whether the ordinal's run around `place` has no room there; where it is full and the place is
    /// inside, its last makes room.
    fn is_crowded(&mut self, ordinal: u32, place: usize) -> bool {
        let tied = |other: &&Candidate| other.ordinal() == ordinal;
        let before = self.candidates[..place].iter().rev().take_while(tied).count();
        let after = self.candidates[place..].iter().take_while(tied).count();
        let crowded = before + after >= self.ties;
        if crowded && after > 0 {
            self.candidates.remove(place + after - 1);
        }
        crowded && after == 0
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_do_not_crowd_out_the_rest() {
        let mut pool = Pool::default();
        pool.limit_ties(3);
        pool.reset(5);
        for node in [9, 4, 7, 8, 2, 4000] {
            pool.offer(Candidate::new(10, node));
        }
        for ordinal in [30, 20, 40] {
            pool.offer(Candidate::new(ordinal, 1));
        }
        let kept = pool.candidates().iter().map(|c| (c.ordinal(), c.node()));
        assert_eq!(kept.collect::<Vec<_>>(), [(10, 2), (10, 4), (10, 7), (20, 1), (30, 1)]);
        assert_eq!([pool.expand(), pool.expand()], [Some(2), Some(4)]);
        // A nearer one is next, wherever the cursor was.
        pool.offer(Candidate::new(10, 1));
        assert_eq!([pool.expand(), pool.expand()], [Some(1), Some(1)]);
    }
}
