//! How much of a memory is left: retention curves, read at a time that is passed in.
//!
//! ```text
//!   Trace ──reinforce(now)──► Trace        a use: counted, dated, and the stability grows
//!     │
//!     ├──at(now)───────► 0..=1             how much is left: weighs confidence
//!     └──strength(now)─► unbounded         which of two is kept better, without ties at the top
//! ```
//!
//! | [`Curve`] | what is left after `t`, with stability `S` | source |
//! |---|---|---|
//! | `None` | 1 | |
//! | `Exponential` | `e^(−t/S)` | Ebbinghaus's shape as most textbooks give it |
//! | `Power` | `(1 + t/S)^−ψ` | Wickelgren 1974; Wixted & Carpenter 2007 |
//! | `Savings` | `k / ((log₁₀ t)^c + k)`, `k` 1.84, `c` 1.25, `t` in minutes | Ebbinghaus 1885 |
//! | `BaseLevel` | `1 / (1 + e^((τ − B)/s))`, `B = ln Σ tⱼ^−d` | Anderson & Lebiere 1998; Petrov 2006 |
//! | `Fsrs` | `(1 + F·t/S)^−w`, `F = 0.9^(−1/w) − 1` | Ye, FSRS-4.5 (w 0.5) to FSRS-6 (w 0.1542) |
//!
//! # How a use makes a memory last
//! A use that comes when much is forgotten strengthens more than one that comes at once, the
//! *spacing effect* (Bjork & Bjork 1992: what storage gains falls with retrieval strength). So
//! `S ← S·(1 + gain·(1 − R))`, and for FSRS its own rule with the same property. The base level needs
//! no stability: it sums over uses. Nothing else changes with a use, and nothing at all with time.
//!
//! # Invariants
//! - What a read gives depends on (trace, time) alone. A clock that stands before the last use reads
//!   it as just used; a use then is counted and dated as the last one, so that no wrong clock makes a
//!   memory older than it is. Time 0 means that no time is known, and nothing fades without one.
//! - A use never lowers strength, at any time of reading, and of two traces that are used at once
//!   the stronger stays the stronger (but for rounding; of base levels, older uses are estimates).
//!   Each of a million uses raises [`Strength`] strictly.
//! - Retention lies between the floor and 1.
//!
//! Absent on purpose: grades and lapses (nobody grades a search), difficulty by item, decay by item
//! after Pavlik & Anderson 2005, and anything that runs in the background.

mod curve;
#[cfg(test)]
mod tests;
mod trace;

use std::cmp::Ordering;

pub use curve::Curve;
pub use trace::{TRACE_BYTES, Trace};

use super::{Refused, in_range};

/// Bytes of a retention: a number for the curve, its three numbers, floor and gain; little-endian.
pub const RETENTION_BYTES: usize = 48;

/// Milliseconds of a day.
const DAY: f64 = 86_400_000.0;

/// How a space forgets: a curve, and what bounds it.
///
/// ```
/// use ecphory::memory::retention::{Curve, Retention, Trace};
///
/// const DAY: u64 = 86_400_000;
/// let retention = Retention::new(Curve::FSRS_6)?.floor(0.2)?;
/// let learnt = 20_000 * DAY;
/// let mut trace = Trace::new(learnt);
/// assert_eq!(retention.at(&trace, learnt), 1.0);
///
/// // Used after a week: from then on it fades more slowly.
/// let used_once = retention.at(&trace, learnt + 30 * DAY);
/// retention.reinforce(&mut trace, learnt + 7 * DAY);
/// assert!(retention.at(&trace, learnt + 37 * DAY) > used_once);
/// assert!(retention.at(&trace, u64::MAX) >= 0.2);
/// # Ok::<(), ecphory::memory::Refused>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retention {
    curve: Curve,
    floor: f64,
    gain: f64,
}

/// How well a memory is kept, for ordering: greater is stronger. Retention near 1 runs out of
/// digits; this does not.
///
/// The level is in natural logarithms: how far the stability exceeds the age, or the base level
/// itself. Levels of different curves do not compare.
#[derive(Clone, Copy, Debug)]
pub struct Strength {
    /// The level, finite.
    pub level: f64,
    /// Uses, which decide between equal levels.
    pub uses: u32,
}

impl Default for Retention {
    /// Nothing fades.
    fn default() -> Self {
        Self { curve: Curve::None, floor: 0.0, gain: 1.0 }
    }
}

impl Retention {
    /// With a curve whose numbers lie in their bounds.
    ///
    /// # Errors
    /// [`Refused::OutOfRange`] names the number that does not.
    pub fn new(curve: Curve) -> Result<Self, Refused> {
        curve.check()?;
        Ok(Self { curve, ..Self::default() })
    }

    /// What is left at least, 0..=1: `R ← floor + (1 − floor)·R`. A floor keeps old memories in the
    /// race.
    ///
    /// # Errors
    /// [`Refused::OutOfRange`] outside of that.
    pub fn floor(mut self, floor: f64) -> Result<Self, Refused> {
        in_range("floor", floor, (0.0, 1.0), "between 0 and 1")?;
        self.floor = floor;
        Ok(self)
    }

    /// What a use of something wholly forgotten adds to its stability, in stabilities, 0..=5; 1
    /// unless set. Curves with a rule of their own (base level, FSRS) do not ask for it.
    ///
    /// # Errors
    /// [`Refused::OutOfRange`] outside of that.
    pub fn gain(mut self, gain: f64) -> Result<Self, Refused> {
        in_range("gain", gain, (0.0, 5.0), "between 0 and 5")?;
        self.gain = gain;
        Ok(self)
    }

    /// The bytes to keep: of the curve its number (none, exponential, power, savings, base level, FSRS
    /// = 0 … 5) and three more, those it has in the order of its fields and zeros; floor; gain. Eight
    /// bytes each.
    pub fn to_bytes(&self) -> [u8; RETENTION_BYTES] {
        let (code, numbers) = self.curve.parts();
        let [a, b, c] = numbers.map(f64::to_bits);
        let fields = [code, a, b, c, self.floor.to_bits(), self.gain.to_bits()];
        let mut bytes = [0; RETENTION_BYTES];
        for (place, field) in bytes.as_chunks_mut().0.iter_mut().zip(fields) {
            *place = field.to_le_bytes();
        }
        bytes
    }

    /// The retention of these bytes.
    ///
    /// # Errors
    /// [`Refused`] if none has them.
    pub fn from_bytes(bytes: &[u8; RETENTION_BYTES]) -> Result<Self, Refused> {
        let mut fields = [0; RETENTION_BYTES / 8];
        for (field, bytes) in fields.iter_mut().zip(bytes.as_chunks().0) {
            *field = u64::from_le_bytes(*bytes);
        }
        let [code, a, b, c, floor, gain] = fields;
        let curve = Curve::from_parts(code, [a, b, c].map(f64::from_bits))?;
        Self::new(curve)?.floor(f64::from_bits(floor))?.gain(f64::from_bits(gain))
    }

    /// The curve.
    pub fn curve(&self) -> Curve {
        self.curve
    }

    /// Whether nothing fades, so that nobody needs to ask.
    pub fn is_off(&self) -> bool {
        self.curve == Curve::None
    }

    /// How much of a memory is left at `now`, between the floor and 1. O(1).
    pub fn at(&self, trace: &Trace, now: u64) -> f64 {
        let left = self.left(trace, now);
        // The sum may round past 1.
        (self.floor + (1.0 - self.floor) * left).min(1.0)
    }

    /// How strong a memory is at `now`, beside others of the space. O(1).
    pub fn strength(&self, trace: &Trace, now: u64) -> Strength {
        Strength { level: self.curve.level(trace, fading_until(trace, now)), uses: trace.uses() }
    }

    /// Notes a use at `now`.
    ///
    /// The trace remembers when, and its stability grows by the more the less was left. A trace is
    /// of one curve: under another, the growth it has is read as growth of that one.
    pub fn reinforce(&self, trace: &mut Trace, now: u64) {
        let left = self.left(trace, now);
        let growth = self.curve.grown(trace.growth(), left, self.gain);
        trace.note_use(now, growth);
    }

    /// What the curve leaves.
    fn left(&self, trace: &Trace, now: u64) -> f64 {
        if trace.is_evergreen() {
            return 1.0;
        }
        self.curve.left(trace, fading_until(trace, now))
    }
}

/// The moment that the age of a trace is read at: what does not fade stays at its last use.
fn fading_until(trace: &Trace, now: u64) -> u64 {
    if trace.is_evergreen() { trace.last() } else { now }
}

impl Ord for Strength {
    fn cmp(&self, other: &Self) -> Ordering {
        self.level.total_cmp(&other.level).then(self.uses.cmp(&other.uses))
    }
}

impl PartialOrd for Strength {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Strength {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Strength {}
