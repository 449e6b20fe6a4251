//! Memory pressure: how much less a space takes when memory runs short, step by step and back.
//!
//! ```text
//!              75 %           85 %           95 %   of the budget in use
//!     step 0 ──────► step 1 ──────► step 2 ──────► step 3
//!            ◄──────        ◄──────        ◄──────
//!           below 65 %     below 75 %     below 85 %
//! ```
//!
//! | step | entered at | left below | `m` of new nodes | `ef` |
//! |---|---|---|---|---|
//! | 0 | | | 100 % | 100 % |
//! | 1 | 75 % | 65 % | 75 % | 75 % |
//! | 2 | 85 % | 75 % | 50 % | 50 % |
//! | 3 | 95 % | 85 % | 25 %, at least 6 | 25 % |
//!
//! # Invariants
//! - What is in force is computed from what the space was set to, never from what was in force
//!   before: when the pressure is gone, it is the same to the bit.
//! - `m` does not fall below [`PRESSURE_M_MIN`], `ef` not below `k`, and neither is raised.
//! - More use never means more `m` or `ef`, from the same step; a use that wavers by less than ten
//!   points changes nothing.
//!
//! Absent on purpose: sensors (hosts know their limits and what they use), and what a space does
//! about the memory it already holds.

use crate::sync::atomic::{AtomicU8, Ordering};

/// Links of new nodes, at least, unless the space was set to fewer: below this a graph falls apart.
pub const PRESSURE_M_MIN: usize = 6;

/// One step of pressure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PressureStep {
    /// The share of the budget in use at which it is entered, in per cent.
    pub entered_at: u8,
    /// The share below which it is left, in per cent.
    pub left_below: u8,
    /// What is left of `m`, in per cent.
    pub m: u8,
    /// What is left of `ef`, in per cent.
    pub ef: u8,
}

/// The steps, from none to the highest.
pub const PRESSURE_STEPS: [PressureStep; 4] = [
    PressureStep { entered_at: 0, left_below: 0, m: 100, ef: 100 },
    PressureStep { entered_at: 75, left_below: 65, m: 75, ef: 75 },
    PressureStep { entered_at: 85, left_below: 75, m: 50, ef: 50 },
    PressureStep { entered_at: 95, left_below: 85, m: 25, ef: 25 },
];

/// Something would take more memory than the budget allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{asked} bytes more do not fit a budget of {budget} of which {used} are in use; free memory or raise the budget"
)]
pub struct OverBudget {
    /// Bytes that were asked for.
    pub asked: u64,
    /// Bytes in use.
    pub used: u64,
    /// Bytes that may be.
    pub budget: u64,
}

/// The step in force. One thread feeds it samples, any number reads it.
///
/// ```
/// use ecphory::control::Pressure;
///
/// let pressure = Pressure::default();
/// pressure.sample(900, 1000);
/// assert_eq!((pressure.step(), pressure.m(16), pressure.ef(100, 10)), (2, 8, 50));
/// // It lets go later than it takes hold.
/// pressure.sample(800, 1000);
/// assert_eq!(pressure.step(), 2);
/// pressure.sample(600, 1000);
/// assert_eq!((pressure.step(), pressure.m(16), pressure.ef(100, 10)), (0, 16, 100));
/// ```
#[derive(Debug)]
pub struct Pressure {
    /// Relaxed throughout: nothing is published through it.
    step: AtomicU8,
}

impl Default for Pressure {
    /// None.
    fn default() -> Self {
        Self { step: AtomicU8::new(0) }
    }
}

impl Pressure {
    /// Takes into account that `used` bytes of `budget` are in use. A budget of 0 is none to spend.
    pub fn sample(&self, used: u64, budget: u64) {
        let step = next(usize::from(self.step.load(Ordering::Relaxed)), used, budget);
        self.step.store(step as u8, Ordering::Relaxed);
    }

    /// The step in force, a position in [`PRESSURE_STEPS`].
    pub fn step(&self) -> usize {
        usize::from(self.step.load(Ordering::Relaxed))
    }

    /// The pressure from 0 to 1, for reports.
    pub fn level(&self) -> f32 {
        self.step() as f32 / (PRESSURE_STEPS.len() - 1) as f32
    }

    /// Links for a new node, where a space was set to `m`.
    pub fn m(&self, m: usize) -> usize {
        share(m, PRESSURE_STEPS[self.step()].m).max(m.min(PRESSURE_M_MIN))
    }

    /// Candidates for a search for `k` neighbours that was set to `ef`.
    pub fn ef(&self, ef: usize, k: usize) -> usize {
        share(ef, PRESSURE_STEPS[self.step()].ef).max(ef.min(k)).max(1.min(ef))
    }

    /// Refuses what does not fit, before anything is allocated or written.
    ///
    /// # Errors
    /// [`OverBudget`] if `used` and `asked` together exceed the `budget`.
    pub fn admit(asked: u64, used: u64, budget: u64) -> Result<(), OverBudget> {
        match used.checked_add(asked) {
            Some(sum) if sum <= budget => Ok(()),
            _ => Err(OverBudget { asked, used, budget }),
        }
    }
}

/// The step after `step`, at this use: as far up as was entered, else as far down as was left.
fn next(step: usize, used: u64, budget: u64) -> usize {
    let reaches = |percent: u8| u128::from(used) * 100 >= u128::from(budget) * u128::from(percent);
    let entered = PRESSURE_STEPS.iter().rposition(|step| reaches(step.entered_at)).unwrap_or(0);
    let mut step = step.max(entered);
    while step > 0 && !reaches(PRESSURE_STEPS[step].left_below) {
        step -= 1;
    }
    step
}

fn share(of: usize, percent: u8) -> usize {
    (of as u128 * u128::from(percent) / 100) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::numbers::{Numbers, times};

    /// What is in force for a space with `m` 16 and searches with `ef` 100, `k` 10.
    fn in_force(pressure: &Pressure) -> (usize, usize) {
        (pressure.m(16), pressure.ef(100, 10))
    }

    #[test]
    fn each_step_shrinks_new_nodes_and_searches() {
        let pressure = Pressure::default();
        let seen: Vec<_> = [0, 749, 750, 849, 850, 949, 950, 1000, 5000]
            .into_iter()
            .map(|used| {
                pressure.sample(used, 1000);
                in_force(&pressure)
            })
            .collect();
        let (calm, one, two, three) = ((16, 100), (12, 75), (8, 50), (6, 25));
        assert_eq!(seen, [calm, calm, one, one, two, two, three, three, three]);
        assert_eq!(pressure.level(), 1.0);
    }

    #[test]
    fn up_down_up_returns_to_the_baseline() {
        let pressure = Pressure::default();
        let baseline = (16, 100);
        for _ in 0..1000 {
            for used in [990, 870, 990, 840, 790, 760, 740, 660, 640] {
                pressure.sample(used, 1000);
            }
            assert_eq!((pressure.step(), in_force(&pressure)), (0, baseline));
        }
        // The steps of one way up and down, by hand.
        let mut trace = Vec::new();
        for used in [700, 800, 900, 960, 900, 850, 849, 760, 749, 700, 649, 700, 800] {
            pressure.sample(used, 1000);
            trace.push(pressure.step());
        }
        assert_eq!(trace, [0, 1, 2, 3, 3, 3, 2, 2, 1, 1, 0, 0, 1]);
    }

    #[test]
    fn a_use_that_wavers_changes_nothing() {
        for (entered, step) in [(750, 1), (850, 2), (950, 3)] {
            let pressure = Pressure::default();
            for turn in 0..1000 {
                pressure.sample(entered - 100 * (turn % 2), 1000);
                assert_eq!(pressure.step(), step);
            }
        }
    }

    #[test]
    fn more_use_never_means_more_links_or_candidates() {
        let mut numbers = Numbers::new(51);
        for _ in 0..times(10_000, 200_000) {
            let (low, high) = (Pressure::default(), Pressure::default());
            let budget = 1 + numbers.below(10_000) as u64;
            for _ in 0..20 {
                let used = numbers.below(12_000) as u64;
                let less = used - used.min(numbers.below(3000) as u64);
                high.sample(used, budget);
                low.sample(less, budget);
                assert!(low.step() <= high.step());
                let (m, ef, k) = (numbers.below(65), numbers.below(1000), numbers.below(100));
                assert!(high.m(m) <= low.m(m) && low.m(m) <= m);
                assert!(high.ef(ef, k) <= low.ef(ef, k) && low.ef(ef, k) <= ef);
                assert!(high.m(m) >= m.min(PRESSURE_M_MIN) && high.ef(ef, k) >= ef.min(k));
            }
        }
    }

    #[test]
    fn steps_are_in_order() {
        for pair in PRESSURE_STEPS.windows(2) {
            assert!(
                pair[0].entered_at < pair[1].entered_at && pair[0].left_below < pair[1].left_below
            );
            assert!(pair[0].m > pair[1].m && pair[0].ef > pair[1].ef);
            assert!(pair[1].left_below < pair[1].entered_at);
        }
    }

    #[test]
    fn no_budget_and_no_end_of_numbers_does_harm() {
        let pressure = Pressure::default();
        pressure.sample(0, 0);
        assert_eq!(pressure.step(), 3, "nothing may be used, so nothing is spare");
        pressure.sample(0, u64::MAX);
        assert_eq!(pressure.step(), 0);
        pressure.sample(u64::MAX, u64::MAX);
        assert_eq!((pressure.step(), pressure.m(usize::MAX)), (3, usize::MAX / 4));
        assert_eq!((pressure.m(4), pressure.ef(0, 0), pressure.ef(3, 10)), (4, 0, 3));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(Pressure::admit(10, 90, 100), Ok(()));
        let refused = OverBudget { asked: 11, used: 90, budget: 100 };
        assert_eq!(Pressure::admit(11, 90, 100), Err(refused));
        assert!(Pressure::admit(u64::MAX, 1, u64::MAX).is_err());
        assert!(Pressure::admit(0, 101, 100).is_err());
    }
}
