//! What is kept of a memory's past: when it began, its last uses, how many, how stable they made it.

use super::super::Refused;

/// Last uses that are dated one by one.
pub(super) const RECENT: usize = 3;

/// Bytes of a trace: birth, last uses, growth, count, flags; little-endian.
pub const TRACE_BYTES: usize = 48;

/// Growth, at most. Stabilities beyond (a day grown to three billion years) differ in nothing.
pub(super) const GROWTH_MAX: f64 = (1_u64 << 40) as f64;

/// The flag of what never fades.
const EVERGREEN: u32 = 1;

/// The past of one memory. 48 bytes, of which nothing changes but by
/// [`reinforce`](super::Retention::reinforce).
///
/// Times are milliseconds; 0 means that none is known.
///
/// ```
/// use ecphory::memory::retention::{Curve, Retention, Trace};
///
/// let retention = Retention::new(Curve::ACT_R)?;
/// let mut trace = Trace::new(1_000);
/// retention.reinforce(&mut trace, 5_000);
/// assert_eq!((trace.birth(), trace.last(), trace.uses()), (1_000, 5_000, 2));
/// assert_eq!(Trace::from_bytes(&trace.to_bytes()), Ok(trace));
/// # Ok::<(), ecphory::memory::Refused>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trace {
    birth: u64,
    /// Newest first, then zeros.
    recent: [u64; RECENT],
    /// Stability as a multiple of what the curve begins with.
    growth: f64,
    uses: u32,
    flags: u32,
}

impl Default for Trace {
    /// Of a memory without a past: nothing is known of its times, so it does not fade.
    fn default() -> Self {
        Self { birth: 0, recent: [0; RECENT], growth: 1.0, uses: 0, flags: 0 }
    }
}

impl Trace {
    /// Of a memory that is made at `now`, which is its first use.
    pub fn new(now: u64) -> Self {
        let mut trace = Self::default();
        trace.note_use(now, 1.0);
        trace
    }

    /// The same, never fading (or fading again).
    #[must_use]
    pub fn evergreen(mut self, is_evergreen: bool) -> Self {
        self.flags = if is_evergreen { EVERGREEN } else { 0 };
        self
    }

    /// Whether it never fades.
    pub fn is_evergreen(&self) -> bool {
        self.flags & EVERGREEN != 0
    }

    /// When the first use that has a time was; 0 if none has.
    pub fn birth(&self) -> u64 {
        self.birth
    }

    /// When the last use was; 0 if that is not known.
    pub fn last(&self) -> u64 {
        self.recent[0]
    }

    /// Uses, the first included; they stop at 2^32 − 1.
    pub fn uses(&self) -> u32 {
        self.uses
    }

    /// Stability, as a multiple of what the curve begins with; at least 1.
    pub fn growth(&self) -> f64 {
        self.growth
    }

    /// The dated uses, newest first.
    pub(super) fn recent(&self) -> &[u64] {
        let known = self.recent.iter().take_while(|time| **time != 0).count();
        &self.recent[..known]
    }

    /// Counts and dates a use. The time of a trace does not run backwards, whatever clocks do: a use
    /// before the last one is dated as that.
    pub(super) fn note_use(&mut self, now: u64, growth: f64) {
        self.uses = self.uses.saturating_add(1);
        self.growth = growth.clamp(1.0, GROWTH_MAX);
        let now = now.max(self.last());
        if now == 0 {
            return;
        }
        if self.birth == 0 {
            self.birth = now;
        }
        self.recent.rotate_right(1);
        self.recent[0] = now;
    }

    /// The bytes to keep.
    pub fn to_bytes(&self) -> [u8; TRACE_BYTES] {
        let [newest, second, third] = self.recent;
        let mut bytes = [0; TRACE_BYTES];
        let fields = [self.birth, newest, second, third, self.growth.to_bits()];
        let (words, rest) = bytes.split_at_mut(40);
        for (place, field) in words.chunks_exact_mut(8).zip(fields) {
            place.copy_from_slice(&field.to_le_bytes());
        }
        rest[..4].copy_from_slice(&self.uses.to_le_bytes());
        rest[4..].copy_from_slice(&self.flags.to_le_bytes());
        bytes
    }

    /// The trace of these bytes.
    ///
    /// # Errors
    /// [`Refused::DamagedTrace`] if no trace has them.
    pub fn from_bytes(bytes: &[u8; TRACE_BYTES]) -> Result<Self, Refused> {
        let word = |place: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&bytes[8 * place..8 * place + 8]);
            u64::from_le_bytes(word)
        };
        let trace = Self {
            birth: word(0),
            recent: [word(1), word(2), word(3)],
            growth: f64::from_bits(word(4)),
            uses: word(5) as u32,
            flags: (word(5) >> 32) as u32,
        };
        if trace.is_sound() { Ok(trace) } else { Err(Refused::DamagedTrace) }
    }

    fn is_sound(&self) -> bool {
        let recent = self.recent();
        let first = recent.last().copied().unwrap_or(0);
        self.recent.is_sorted_by(|a, b| a >= b)
            && self.birth <= first
            && (self.birth == 0) == recent.is_empty()
            && recent.len() <= self.uses as usize
            && (1.0..=GROWTH_MAX).contains(&self.growth)
            && self.flags & !EVERGREEN == 0
    }
}
