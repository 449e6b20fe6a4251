//! 64-bit Arm: NEON, which every such processor has, with the byte dot product where it exists.

mod neon;

use std::arch::{asm, is_aarch64_feature_detected};

use super::{Isa, Kernels};

/// Which instructions there are is detected.
pub(super) const ONLY: Option<&Kernels> = None;

pub(super) fn kernels_for(isa: Isa) -> Option<&'static Kernels> {
    match isa {
        Isa::Neon if is_aarch64_feature_detected!("dotprod") => Some(&neon::KERNELS_DOTPROD),
        Isa::Neon => Some(&neon::KERNELS),
        _ => None,
    }
}

#[inline(always)]
pub(super) fn prefetch(address: *const u8) {
    // SAFETY: a prefetch of any address is harmless.
    unsafe {
        asm!("prfm pldl1keep, [{}]", in(reg) address, options(nostack, preserves_flags, readonly));
    }
}
