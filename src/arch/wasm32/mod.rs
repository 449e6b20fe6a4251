//! WebAssembly: 128-bit vectors, and relaxed dot products in the binary compiled for them.
//!
//! There is no detection inside a module: an engine refuses a binary with instructions that it
//! lacks, so the page chooses the binary and this folder answers with what was compiled in. The
//! relaxed binary holds both sets, so that either can be asked for.
//!
//! Absent on purpose: relaxed multiply-add (it may or may not fuse) and prefetch (WebAssembly has
//! none; batches of independent loads stand in for it).

#[cfg(target_feature = "relaxed-simd")]
mod relaxed;
mod simd128;

use super::{Isa, Kernels};

/// The kernels of every index, known to the compiler: it leaves out the others, unless a program
/// asks for them.
pub(super) const ONLY: Option<&Kernels> = Some(BEST);

#[cfg(target_feature = "relaxed-simd")]
const BEST: &Kernels = &relaxed::KERNELS;
#[cfg(not(target_feature = "relaxed-simd"))]
const BEST: &Kernels = &simd128::KERNELS;

pub(super) fn kernels_for(isa: Isa) -> Option<&'static Kernels> {
    match isa {
        Isa::Simd128 => Some(&simd128::KERNELS),
        #[cfg(target_feature = "relaxed-simd")]
        Isa::RelaxedSimd => Some(&relaxed::KERNELS),
        _ => None,
    }
}

#[inline(always)]
pub(super) fn prefetch(_: *const u8) {}
