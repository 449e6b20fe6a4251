//! The candidates of a search: one sorted array.

use crate::limits::M0_MAX;

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
    /// What a batch brings that is better than the worst, and where it goes.
    arrived: [Candidate; M0_MAX],
    places: [usize; M0_MAX],
}

impl Default for Pool {
    fn default() -> Self {
        Self {
            candidates: Vec::new(),
            ef: 0,
            cursor: 0,
            ties: usize::MAX,
            arrived: [Candidate(0); M0_MAX],
            places: [0; M0_MAX],
        }
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
        debug_assert!(ef > 0, "a pool keeps one candidate at least");
        self.candidates.clear();
        self.ef = ef;
        self.cursor = 0;
    }

    /// Leaves candidates out of a finished walk.
    pub(crate) fn retain(&mut self, keep: impl Fn(u32) -> bool) {
        self.candidates.retain(|candidate| keep(candidate.node()));
    }

    /// Gives the candidates of a finished walk other ordinals: `score` fills in those of nodes.
    #[cfg_attr(ecphory_compact, optimize(speed))]
    pub(crate) fn score_again(&mut self, mut score: impl FnMut(&[u32], &mut [u32])) {
        let (mut nodes, mut ordinals) = ([0; M0_MAX], [0; M0_MAX]);
        for candidates in self.candidates.chunks_mut(M0_MAX) {
            let (nodes, ordinals) =
                (&mut nodes[..candidates.len()], &mut ordinals[..candidates.len()]);
            nodes.iter_mut().zip(&*candidates).for_each(|(node, c)| *node = c.node());
            score(nodes, ordinals);
            let scored = candidates.iter_mut().zip(ordinals);
            scored.for_each(|(c, ordinal)| *c = Candidate::new(*ordinal, c.node()));
        }
        sort(&mut self.candidates);
    }

    /// Keeps those of up to [`M0_MAX`] candidates that are among the best.
    ///
    /// Nothing here depends on the order in which they come. What fails the first comparison, most of
    /// them late in a search, is left out without a branch; the places of the others are looked up
    /// independently of each other, and each candidate that makes room moves once.
    #[inline(always)]
    #[cfg_attr(ecphory_compact, optimize(speed))]
    pub(crate) fn offer(&mut self, ordinals: &[u32], nodes: &[u32]) {
        let full = self.candidates.len() == self.ef;
        let bound = if full { self.candidates[self.ef - 1] } else { Candidate(u64::MAX) };
        let mut arrived = 0;
        for (&ordinal, &node) in ordinals.iter().zip(nodes) {
            let candidate = Candidate::new(ordinal, node);
            self.arrived[arrived] = candidate;
            arrived += usize::from(candidate < bound);
        }
        if arrived > 0 {
            self.admit(arrived);
        }
    }

    /// Merges the first `count` of what arrived.
    #[cfg_attr(ecphory_compact, optimize(speed))]
    fn admit(&mut self, count: usize) {
        let Self { candidates, arrived, places, .. } = self;
        let arrived = &mut arrived[..count];
        sort(arrived);
        let mut last = None;
        let mut crowded = false;
        for (place, &candidate) in places.iter_mut().zip(&*arrived) {
            *place = candidates.partition_point(|&other| other < candidate);
            let ordinal = candidate.ordinal();
            let beside = [place.wrapping_sub(1), *place].map(|i| candidates.get(i).copied());
            if beside.into_iter().chain([last]).flatten().any(|other| other.ordinal() == ordinal) {
                let there = tied_around(candidates, *place, ordinal);
                let arriving = arrived.iter().filter(|other| other.ordinal() == ordinal);
                crowded = there.0 + there.1 + arriving.count() > self.ties;
                if crowded {
                    break;
                }
            }
            last = Some(candidate);
        }
        if crowded {
            return (0..count).for_each(|i| self.admit_one(self.arrived[i]));
        }
        let mut end = candidates.len();
        candidates.resize(self.ef.min(end + count), Candidate(0));
        for i in (0..count).rev() {
            let place = places[i];
            // What would land past the last place falls out.
            let moved = place..end.min(candidates.len() - (i + 1).min(candidates.len()));
            if !moved.is_empty() {
                candidates.copy_within(moved, place + i + 1);
            }
            if let Some(free) = candidates.get_mut(place + i) {
                *free = arrived[i];
            }
            end = place;
        }
        self.cursor = self.cursor.min(places[0]);
    }

    /// Keeps one candidate if it is among the best, and its ordinal has room.
    #[cfg_attr(ecphory_compact, optimize(speed))]
    fn admit_one(&mut self, candidate: Candidate) {
        let full = self.candidates.len() == self.ef;
        if full && candidate >= self.candidates[self.ef - 1] {
            return;
        }
        let place = self.candidates.partition_point(|&other| other < candidate);
        if self.is_crowded(candidate.ordinal(), place) {
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
        let (before, after) = tied_around(&self.candidates, place, ordinal);
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

    #[cfg_attr(ecphory_compact, optimize(speed))]
    fn advance(&mut self) {
        while self.candidates.get(self.cursor).is_some_and(|c| c.is_expanded()) {
            self.cursor += 1;
        }
    }

    /// Whether there is an ordinal of which the pool holds as many as it may, none of them wanted:
    /// wanted ones may have found no room.
    pub(crate) fn hides(&self, ties: usize, is_wanted: impl Fn(u32) -> bool) -> bool {
        let runs = self.candidates.chunk_by(|a, b| a.ordinal() == b.ordinal());
        let mut full = runs.filter(|run| run.len() >= ties);
        full.any(|run| run.iter().all(|candidate| !is_wanted(candidate.node())))
    }

    /// The candidates, nearest first.
    pub(crate) fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }
}

/// More candidates than this are not sorted by insertion.
const SHORT: usize = 512;

/// Sorts candidates, nearest first: by insertion, because they are few, or were put nearly in order
/// by the halves of their codes. (What the standard library has when it is built small for the
/// browser looks at neither.)
#[cfg_attr(ecphory_compact, optimize(speed))]
pub(crate) fn sort(candidates: &mut [Candidate]) {
    if candidates.len() > SHORT {
        return candidates.sort_unstable();
    }
    for end in 1..candidates.len() {
        let candidate = candidates[end];
        let mut place = end;
        while place > 0 && candidate < candidates[place - 1] {
            candidates[place] = candidates[place - 1];
            place -= 1;
        }
        candidates[place] = candidate;
    }
}

/// How many candidates before a place have this ordinal, and how many from there on.
fn tied_around(candidates: &[Candidate], place: usize, ordinal: u32) -> (usize, usize) {
    let (before, after) = candidates.split_at(place);
    let tied = |other: &&Candidate| other.ordinal() == ordinal;
    (before.iter().rev().take_while(tied).count(), after.iter().take_while(tied).count())
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
            pool.offer(&[10], &[node]);
        }
        pool.offer(&[30, 20, 40], &[1, 1, 1]);
        let kept = pool.candidates().iter().map(|c| (c.ordinal(), c.node()));
        assert_eq!(kept.collect::<Vec<_>>(), [(10, 2), (10, 4), (10, 7), (20, 1), (30, 1)]);
        assert_eq!([pool.expand(), pool.expand()], [Some(2), Some(4)]);
        // A nearer one is next, wherever the cursor was.
        pool.offer(&[10], &[1]);
        assert_eq!([pool.expand(), pool.expand()], [Some(1), Some(1)]);
    }

    /// Numbers below what each call names.
    fn random(mut state: u32) -> impl FnMut(u32) -> u32 {
        move |below| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % below
        }
    }

    #[test]
    fn a_batch_keeps_the_best_in_whatever_order_they_come() {
        let mut random = random(7);
        for ef in [1, 2, 7, 40] {
            for values in [40, 1 << 20] {
                let (mut pool, mut naive) = (Pool::default(), Vec::new());
                pool.reset(ef);
                for _ in 0..200 {
                    let len = random(M0_MAX as u32 + 1) as usize;
                    let ordinals: Vec<u32> = (0..len).map(|_| random(values)).collect();
                    let nodes: Vec<u32> = (0..len).map(|_| random(1 << 30)).collect();
                    pool.offer(&ordinals, &nodes);
                    naive.extend(ordinals.iter().copied().zip(nodes));
                    naive.sort_unstable();
                    naive.truncate(ef);
                    let kept = pool.candidates().iter().map(|c| (c.ordinal(), c.node()));
                    assert!(kept.eq(naive.iter().copied()));
                }
            }
        }
    }

    #[test]
    fn a_batch_with_ties_keeps_what_its_candidates_would_keep_one_by_one() {
        let mut random = random(3);
        for ef in [1, 2, 7, 40] {
            for values in [60, 1 << 20] {
                let [mut batch, mut single] = [Pool::default(), Pool::default()];
                for pool in [&mut batch, &mut single] {
                    pool.limit_ties(2);
                    pool.reset(ef);
                }
                for _ in 0..200 {
                    let len = random(M0_MAX as u32 + 1);
                    let mut arriving: Vec<(u32, u32)> =
                        (0..len).map(|_| (random(values), random(1 << 30))).collect();
                    let (ordinals, nodes): (Vec<_>, Vec<_>) = arriving.iter().copied().unzip();
                    batch.offer(&ordinals, &nodes);
                    arriving.sort_unstable();
                    for (ordinal, node) in arriving {
                        single.offer(&[ordinal], &[node]);
                    }
                    assert_eq!(batch.candidates(), single.candidates());
                    assert_eq!(batch.expand(), single.expand());
                }
            }
        }
    }
}
