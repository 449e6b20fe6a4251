//! Numbers for tests, the same from the same seed.

use crate::graph::mix;

/// Numbers that look random (`SplitMix64`).
pub(crate) struct Numbers {
    seed: u64,
    drawn: u64,
}

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    /// Any 64 bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.drawn += 1;
        mix(self.seed, self.drawn)
    }

    /// Below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.bits() % end as u64) as usize
    }

    /// At least 0 and below 1.
    pub(crate) fn share(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Times, of every magnitude and at the ends of what a clock can say.
    pub(crate) fn time(&mut self) -> u64 {
        match self.below(8) {
            0 => 0,
            1 => u64::MAX,
            2 => self.bits(),
            _ => self.bits() >> self.below(63),
        }
    }
}

/// `usual` times, or `all` where every count that the project promises is asked for.
pub(crate) fn times(usual: usize, all: usize) -> usize {
    let is_full = std::env::var_os("ECPHORY_FULL").is_some_and(|value| value != "0");
    if is_full { all } else { usual }
}
