//! Chosen instruction sets of this architecture.

use super::{Isa, Kernels, scalar};

pub(super) fn detect() -> &'static Kernels {
    &scalar::KERNELS
}

pub(super) fn kernels_for(_: Isa) -> Option<&'static Kernels> {
    None
}

#[inline(always)]
pub(super) fn prefetch(_: *const u8) {}
