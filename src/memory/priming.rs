//! Priming: what was brought to mind a moment ago comes to mind more easily.
//!
//! A recent cue takes part in the next ones, the less the longer it is ago: half as much after each
//! half-life, and not at all after the window (Meyer & Schvaneveldt 1971 found the facilitation of a
//! word by a related one just before; its decay within seconds to minutes is after Neely 1977).

use std::collections::VecDeque;

use super::{Refused, in_range};

/// Cues that are remembered, at most; the oldest goes first.
const CUES_MAX: usize = 64;

/// The recent cues of one train of thought. It belongs to whoever asks, and no index keeps it.
///
/// ```
/// use ecphory::memory::priming::Priming;
///
/// let mut priming = Priming::new(60_000, 300_000)?;
/// priming.note(7, 1_000_000);
/// assert_eq!(priming.strength(7, 1_060_000), 0.5);
/// assert_eq!(priming.strength(7, 1_300_001), 0.0);
/// # Ok::<(), ecphory::memory::Refused>(())
/// ```
#[derive(Clone, Debug)]
pub struct Priming {
    half_life: u64,
    window: u64,
    /// Keys and times, the oldest first; no key twice.
    cues: VecDeque<(u64, u64)>,
}

impl Priming {
    /// Half of a cue's strength is left after `half_life`, nothing after `window`; both in
    /// milliseconds, at most ten years.
    ///
    /// # Errors
    /// [`Refused::OutOfRange`] outside of that.
    pub fn new(half_life: u64, window: u64) -> Result<Self, Refused> {
        let accepted = "between a millisecond and ten years";
        for (name, value) in [("half-life", half_life), ("window", window)] {
            in_range(name, value as f64, (1.0, 3.2e11), accepted)?;
        }
        Ok(Self { half_life, window, cues: VecDeque::new() })
    }

    /// Notes that the item of a key was a cue at `now`.
    pub fn note(&mut self, key: u64, now: u64) {
        self.cues.retain(|&(other, _)| other != key);
        if self.cues.len() >= CUES_MAX {
            self.cues.pop_front();
        }
        self.cues.push_back((key, now));
    }

    /// How strong a cue still is at `now`, 0..=1. A clock that stands before the cue reads it as just
    /// noted.
    pub fn strength(&self, key: u64, now: u64) -> f64 {
        let found = self.cues.iter().find(|&&(other, _)| other == key);
        found.map_or(0.0, |&(_, then)| self.left(then, now))
    }

    /// The cues that still are something at `now`, with their strengths; the oldest first.
    pub fn cues(&self, now: u64) -> impl Iterator<Item = (u64, f64)> {
        let strong = move |&(key, then): &(u64, u64)| (key, self.left(then, now));
        self.cues.iter().map(strong).filter(|&(_, strength)| strength > 0.0)
    }

    fn left(&self, then: u64, now: u64) -> f64 {
        let age = now.saturating_sub(then);
        if age > self.window { 0.0 } else { libm::exp2(-(age as f64) / self.half_life as f64) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cues_fade_are_bounded_and_survive_any_clock() {
        let mut priming = Priming::new(10, 40).unwrap();
        (0..200).for_each(|key| priming.note(key, 100));
        assert_eq!(priming.cues(100).count(), CUES_MAX);
        assert_eq!(priming.cues(140).last(), Some((199, 0.0625)));
        assert_eq!((priming.cues(141).count(), priming.cues(0).count()), (0, CUES_MAX));
        priming.note(199, 150);
        assert_eq!(priming.cues(150).collect::<Vec<_>>(), [(199, 1.0)]);
        assert_eq!(priming.strength(199, u64::MAX), 0.0);
        for (half_life, window) in [(0, 5), (5, 0), (u64::MAX, 5), (5, u64::MAX)] {
            assert!(Priming::new(half_life, window).is_err());
        }
    }
}
