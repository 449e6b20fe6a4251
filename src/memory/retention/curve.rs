//! The curves: what time leaves, and what a use adds.

use super::super::{Refused, in_range};
use super::DAY;
use super::trace::{GROWTH_MAX, Trace};

/// Ebbinghaus's constants (1885, § 29), for times in minutes and logarithms to base 10.
const SAVINGS_K: f64 = 1.84;
const SAVINGS_C: f64 = 1.25;
const MINUTES_PER_DAY: f64 = 1440.0;
/// Seconds, the unit of ACT-R; uses within one second count as one second old.
const SECONDS_PER_DAY: f64 = 86_400.0;
const SECOND: f64 = 1000.0;

/// FSRS-6's numbers for a use that succeeds (`w₈`, `w₉`, `w₁₀`), as fitted by default to some hundred
/// million reviews, for an item of the middle difficulty.
const FSRS_W8: f64 = 1.8722;
const FSRS_W9: f64 = 0.1666;
const FSRS_W10: f64 = 0.796;
const FSRS_DIFFICULTY: f64 = 5.0;
/// The longest stability FSRS gives, in days.
const FSRS_STABILITY_MAX: f64 = 36_500.0;

/// The shape of forgetting. Times are in days.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Curve {
    /// Nothing is forgotten.
    #[default]
    None,
    /// `e^(−t/S)`: the same share in equal times. Nearly nothing is left after `5 S`, so choose this
    /// only for what is worthless then.
    Exponential {
        /// `S`: after it, 37 % is left.
        stability: f64,
    },
    /// `(1 + t/S)^−ψ`: the longer it was kept, the slower it goes (Wickelgren 1974; Wixted &
    /// Carpenter 2007).
    Power {
        /// `S`, the `1/β` of the papers.
        stability: f64,
        /// `ψ`, 0.01..=10.
        exponent: f64,
    },
    /// Ebbinghaus's own: what relearning saves, `k / ((log₁₀ t)^c + k)`.
    Savings {
        /// How many times as slowly as Ebbinghaus forgot syllables: 1 is his curve.
        stretch: f64,
    },
    /// The base level of ACT-R: `B = ln Σ tⱼ^−d` over all uses, as the chance of recall. The last
    /// three uses are summed one by one, older ones as if they had been spread evenly since the first
    /// (Petrov 2006).
    BaseLevel {
        /// `d`, 0.05..=0.95; 0.5 in nearly all of the literature.
        decay: f64,
        /// Age at which a single use is recalled half of the times: sets `τ`.
        half: f64,
        /// `s`, 0.01..=10: how gradually recall fails.
        noise: f64,
    },
    /// `(1 + F·t/S)^−w`, with `F` such that 90 % is left at `t = S`.
    Fsrs {
        /// `S` after the first use.
        stability: f64,
        /// `w`, 0.05..=1.
        decay: f64,
    },
}

impl Curve {
    /// Ebbinghaus's measurements of himself.
    pub const EBBINGHAUS: Self = Self::Savings { stretch: 1.0 };
    /// The base level with its usual decay, half gone after a month.
    pub const ACT_R: Self = Self::BaseLevel { decay: 0.5, half: 30.0, noise: 0.4 };
    /// FSRS-4.5 and FSRS-5: `w` 0.5, so `F` is 19/81; `S` of a first review that went well in FSRS-5.
    pub const FSRS_5: Self = Self::Fsrs { stability: 3.173, decay: 0.5 };
    /// FSRS-6 with its default `w₂₀`, and `S` of a first review that went well.
    pub const FSRS_6: Self = Self::Fsrs { stability: 2.3065, decay: 0.1542 };

    /// Refuses numbers outside their bounds.
    pub(super) fn check(self) -> Result<(), Refused> {
        let days = |name, value| {
            in_range(name, value, (1e-6, 1e6), "between a millionth of a day and a million days")
        };
        match self {
            Self::None => Ok(()),
            Self::Exponential { stability } => days("stability", stability),
            Self::Power { stability, exponent } => {
                days("stability", stability)?;
                in_range("exponent", exponent, (0.01, 10.0), "between 0.01 and 10")
            }
            Self::Savings { stretch } => {
                in_range("stretch", stretch, (1e-3, 1e6), "between a thousandth and a million")
            }
            Self::BaseLevel { decay, half, noise } => {
                days("half", half)?;
                in_range("decay", decay, (0.05, 0.95), "between 0.05 and 0.95")?;
                in_range("noise", noise, (0.01, 10.0), "between 0.01 and 10")
            }
            Self::Fsrs { stability, decay } => {
                days("stability", stability)?;
                in_range("decay", decay, (0.05, 1.0), "between 0.05 and 1")
            }
        }
    }

    /// Which it is, and its numbers: part of the format.
    pub(super) fn parts(self) -> (u64, [f64; 3]) {
        match self {
            Self::None => (0, [0.0; 3]),
            Self::Exponential { stability } => (1, [stability, 0.0, 0.0]),
            Self::Power { stability, exponent } => (2, [stability, exponent, 0.0]),
            Self::Savings { stretch } => (3, [stretch, 0.0, 0.0]),
            Self::BaseLevel { decay, half, noise } => (4, [decay, half, noise]),
            Self::Fsrs { stability, decay } => (5, [stability, decay, 0.0]),
        }
    }

    /// The curve of these parts; its numbers are not checked.
    pub(super) fn from_parts(code: u64, [a, b, c]: [f64; 3]) -> Result<Self, Refused> {
        Ok(match code {
            0 => Self::None,
            1 => Self::Exponential { stability: a },
            2 => Self::Power { stability: a, exponent: b },
            3 => Self::Savings { stretch: a },
            4 => Self::BaseLevel { decay: a, half: b, noise: c },
            5 => Self::Fsrs { stability: a, decay: b },
            _ => return Err(Refused::OutOfRange { name: "curve", accepted: "one of 0 to 5" }),
        })
    }

    /// The share that is left at `now`, 0..=1.
    pub(super) fn left(self, trace: &Trace, now: u64) -> f64 {
        let ages = self.ages(trace, now);
        let left = match self {
            Self::None => 1.0,
            Self::Exponential { .. } => libm::exp(-ages),
            Self::Power { exponent, .. } => libm::pow(1.0 + ages, -exponent),
            // Within the first minute nothing is lost: the logarithm would be negative.
            Self::Savings { .. } => {
                SAVINGS_K / (libm::pow(libm::log10(ages.max(1.0)), SAVINGS_C) + SAVINGS_K)
            }
            Self::BaseLevel { decay, half, noise } => {
                let threshold = -decay * libm::log(half * SECONDS_PER_DAY);
                let level = base_level(trace, now, decay);
                1.0 / (1.0 + libm::exp((threshold - level) / noise))
            }
            Self::Fsrs { decay, .. } => libm::pow(1.0 + fsrs_factor(decay) * ages, -decay),
        };
        left.clamp(0.0, 1.0)
    }

    /// How strong a trace is, without an upper end: by how much the stability exceeds the age, in
    /// natural logarithms.
    pub(super) fn level(self, trace: &Trace, now: u64) -> f64 {
        match self {
            Self::None => 0.0,
            Self::BaseLevel { decay, .. } => base_level(trace, now, decay),
            // Nothing is younger than a clock can tell.
            _ => libm::log(self.stability() * trace.growth() * DAY / age(trace, now).max(1.0)),
        }
    }

    /// The growth of a trace after a use, at which `left` was left.
    pub(super) fn grown(self, growth: f64, left: f64, gain: f64) -> f64 {
        let lost = 1.0 - left;
        let factor = match self {
            // Its sum over uses is all there is.
            Self::None | Self::BaseLevel { .. } => return growth,
            Self::Fsrs { .. } => {
                let stability = self.stability() * growth;
                let ease = libm::exp(FSRS_W8) * (11.0 - FSRS_DIFFICULTY);
                let add = ease * libm::pow(stability, -FSRS_W9) * libm::expm1(FSRS_W10 * lost);
                (1.0 + add).min((FSRS_STABILITY_MAX / stability).max(1.0))
            }
            _ => 1.0 + gain * lost,
        };
        (growth * factor).min(GROWTH_MAX)
    }

    /// The stability that a trace begins with, in days.
    fn stability(self) -> f64 {
        match self {
            Self::None | Self::BaseLevel { .. } => 1.0,
            Self::Exponential { stability }
            | Self::Power { stability, .. }
            | Self::Fsrs { stability, .. } => stability,
            Self::Savings { stretch } => stretch / MINUTES_PER_DAY,
        }
    }

    /// The age of a trace in its stabilities.
    fn ages(self, trace: &Trace, now: u64) -> f64 {
        age(trace, now) / DAY / (self.stability() * trace.growth())
    }
}

/// Milliseconds since the last use; 0 where no time is known, or the clock stands before it.
fn age(trace: &Trace, now: u64) -> f64 {
    match trace.last() {
        0 => 0.0,
        last => now.saturating_sub(last) as f64,
    }
}

/// `F`, by which 90 % is left after one stability.
fn fsrs_factor(decay: f64) -> f64 {
    libm::pow(0.9, -1.0 / decay) - 1.0
}

/// `ln Σ tⱼ^−d`, older uses as their mean over the time in which they were.
fn base_level(trace: &Trace, now: u64, decay: f64) -> f64 {
    let seconds = |time: u64| (now.saturating_sub(time) as f64 / SECOND).max(1.0);
    let recent = trace.recent();
    let mut sum: f64 = recent.iter().map(|time| libm::pow(seconds(*time), -decay)).sum();
    let older = f64::from(trace.uses()) - recent.len() as f64;
    if older > 0.0 {
        sum += older
            * match recent.last() {
                Some(&oldest) => mean_power(seconds(oldest), seconds(trace.birth()), decay),
                None => 1.0,
            };
    }
    // A trace that was never used has no sum: it counts as one use just now.
    if sum > 0.0 { libm::log(sum) } else { 0.0 }
}

/// The mean of `t^−d` over `from..=to`: `(to^(1−d) − from^(1−d)) / ((1 − d)·(to − from))`.
///
/// With `x = ln(from/to)` that is `to^−d · (1 − e^((1−d)x)) / ((1−d)·(1 − e^x))`, which keeps its
/// digits when the two are near each other.
fn mean_power(from: f64, to: f64, decay: f64) -> f64 {
    let x = libm::log1p((from - to) / to);
    let end = libm::pow(to, -decay);
    if x < 0.0 {
        end * libm::expm1((1.0 - decay) * x) / ((1.0 - decay) * libm::expm1(x))
    } else {
        end
    }
}
