//! x86-64: AVX-512 where the processor has its byte dot product, else AVX2, else plain Rust.
//!
//! Both are detected at run time, because the crate is compiled for the baseline, which has
//! neither. Their `maddubs` and `dpbusd` multiply unsigned by signed bytes: the row is the
//! unsigned operand, the query the signed one, and 7 bits keep every sum of pairs inside 16 bits.
//!
//! Absent on purpose: fused multiply-add (it rounds once where other targets round twice) and
//! SSE-only kernels (the compiler's own, from plain Rust, are as good).

mod avx2;
mod avx512;

use std::arch::x86_64::{
    __m128, _MM_HINT_T0, _mm_add_ps, _mm_add_ss, _mm_cvtss_f32, _mm_movehl_ps, _mm_prefetch,
    _mm_shuffle_ps,
};

use super::{Isa, Kernels};

/// Which instructions there are is detected.
pub(super) const ONLY: Option<&Kernels> = None;

pub(super) fn kernels_for(isa: Isa) -> Option<&'static Kernels> {
    match isa {
        Isa::Avx2 => (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("f16c"))
            .then_some(&avx2::KERNELS),
        Isa::Avx512 => (is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vnni"))
        .then_some(&avx512::KERNELS),
        _ => None,
    }
}

#[inline(always)]
pub(super) fn prefetch(address: *const u8) {
    // SAFETY: a prefetch of any address is harmless, and SSE is part of the baseline.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
}

/// The last two halvings of the canonical tree: `+ 2`, then `+ 1`.
#[inline(always)]
fn fold_four(lanes: __m128) -> f32 {
    // SAFETY: SSE is part of the baseline.
    unsafe {
        let pair = _mm_add_ps(lanes, _mm_movehl_ps(lanes, lanes));
        _mm_cvtss_f32(_mm_add_ss(pair, _mm_shuffle_ps::<1>(pair, pair)))
    }
}
