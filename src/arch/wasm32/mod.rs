//! Chosen instruction sets of this architecture.

use super::{Isa, Kernels};

pub(super) fn kernels_for(_: Isa) -> Option<&'static Kernels> {
    None
}

#[inline(always)]
pub(super) fn prefetch(_: *const u8) {}
