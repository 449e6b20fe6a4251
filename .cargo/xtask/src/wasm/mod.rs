//! The WebAssembly binaries: one crate, four builds.
//!
//! ```text
//! compile ──► bind ──► optimise ──► gates ──► npm/dist
//! (cargo)     (glue)   (wasm-opt)   (features, memory, size)
//!
//!          simd128            relaxed
//!   st     st-simd128.wasm    st-relaxed.wasm    st.js
//!   mt     mt-simd128.wasm    mt-relaxed.wasm    mt.js
//! ```
//!
//! A page fetches one binary, chosen by what the engine can do; the two of a row are driven by the
//! same JavaScript, so a difference of their glue is an error.
//!
//! `crashes` is no part of the package: tests of the core, compiled the same way.
//!
//! Absent on purpose: how the package chooses and loads (`npm/src`).

pub(crate) mod bind;
pub(crate) mod compile;
pub(crate) mod crashes;
pub(crate) mod gates;

/// Whether a binary has threads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Threads {
    /// One thread; runs on every page.
    Single,
    /// Shared memory and atomics; needs a cross-origin isolated page.
    Many,
}

/// Which vector instructions a binary uses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Simd {
    /// What every current engine has.
    Simd128,
    /// With the relaxed dot product, which is exact for 7-bit codes and much faster.
    Relaxed,
}

/// One of the binaries.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Variant {
    pub(crate) threads: Threads,
    pub(crate) simd: Simd,
}

/// Pages of 64 KiB that a shared memory may grow to: all that 32-bit addresses reach.
pub(crate) const SHARED_PAGES_MAX: u64 = 65_536;

impl Threads {
    pub(crate) const ALL: [Self; 2] = [Self::Single, Self::Many];

    /// The name of the glue, and the first half of a binary's.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Single => "st",
            Self::Many => "mt",
        }
    }

    /// Bytes that a binary may have after gzip.
    pub(crate) const fn gzip_budget(self) -> usize {
        match self {
            Self::Single => 120_000,
            Self::Many => 170_000,
        }
    }

    pub(crate) const fn variants(self) -> [Variant; 2] {
        [
            Variant { threads: self, simd: Simd::Simd128 },
            Variant { threads: self, simd: Simd::Relaxed },
        ]
    }
}

impl Variant {
    /// `st-simd128` and so on: the stem of the file in the package.
    pub(crate) fn name(self) -> String {
        let simd = match self.simd {
            Simd::Simd128 => "simd128",
            Simd::Relaxed => "relaxed",
        };
        format!("{}-{simd}", self.threads.name())
    }
}
