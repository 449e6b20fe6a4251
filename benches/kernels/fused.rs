//! What the canonical order of sums costs: the float kernels beside ones that are free to fuse.
//!
//! The fused kernels have the shape of the library's (32 lanes a row, several rows at once), one
//! multiply-add where those multiply and add, and the fold that the instruction set does best. They
//! give other bits, which is why they are here and not in the library.

use std::arch::x86_64::{
    __m256, __m512, _mm_add_ps, _mm_add_ss, _mm_cvtss_f32, _mm_movehl_ps, _mm_shuffle_ps,
    _mm256_add_ps, _mm256_castps256_ps128, _mm256_extractf128_ps, _mm256_fmadd_ps, _mm256_loadu_ps,
    _mm256_setzero_ps, _mm256_sub_ps, _mm512_add_ps, _mm512_fmadd_ps, _mm512_loadu_ps,
    _mm512_reduce_add_ps, _mm512_setzero_ps, _mm512_sub_ps,
};

use ecphory::arch::{FloatKernel, Isa, kernels_for};

/// A kernel of the library, and the fused one that stands in its place.
pub(crate) struct Pair {
    pub(crate) isa: Isa,
    pub(crate) measure: &'static str,
    pub(crate) canonical: FloatKernel<f32>,
    pub(crate) fused: FloatKernel<f32>,
}

/// The pairs that this machine can run.
pub(crate) fn pairs() -> Vec<Pair> {
    let mut pairs = Vec::new();
    let fma = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    let mut add = |isa, dot: FloatKernel<f32>, l2: FloatKernel<f32>| {
        if let Some(kernels) = kernels_for(isa).filter(|_| fma) {
            let (f32_dot, f32_l2) = (kernels.f32_dot, kernels.f32_l2);
            pairs.push(Pair { isa, measure: "dot", canonical: f32_dot, fused: dot });
            pairs.push(Pair { isa, measure: "l2", canonical: f32_l2, fused: l2 });
        }
    };
    add(Isa::Avx2, avx2::<false>, avx2::<true>);
    add(Isa::Avx512, avx512::<false>, avx512::<true>);
    pairs
}

/// Defines a kernel for lengths that are multiples of 32: `L2` takes differences first.
macro_rules! kernel {
    ($name:ident, $features:literal, $rows:literal, $registers:literal, $lanes:literal,
     $zero:ident, $load:ident, $subtract:ident, $fuse:ident, $fold:ident) => {
        #[target_feature(enable = $features)]
        unsafe fn $name<const L2: bool>(
            query: *const f32,
            rows: &[*const f32],
            len: usize,
            out: &mut [f32],
        ) {
            assert!(len.is_multiple_of(32) && rows.len().is_multiple_of($rows));
            for (rows, out) in rows.chunks_exact($rows).zip(out.chunks_exact_mut($rows)) {
                let mut sums = [[$zero(); $registers]; $rows];
                for start in (0..len).step_by(32) {
                    for lane in 0..$registers {
                        let at = start + lane * $lanes;
                        // SAFETY: the query has `len` components, a multiple of 32.
                        let q = unsafe { $load(query.add(at)) };
                        for (sums, row) in sums.iter_mut().zip(rows) {
                            // SAFETY: so has each row.
                            let x = unsafe { $load(row.add(at)) };
                            let (a, b) = if L2 {
                                let difference = $subtract(q, x);
                                (difference, difference)
                            } else {
                                (q, x)
                            };
                            sums[lane] = $fuse(a, b, sums[lane]);
                        }
                    }
                }
                for (out, sums) in out.iter_mut().zip(sums) {
                    *out = $fold(sums);
                }
            }
        }
    };
}

kernel!(
    avx2,
    "avx2,fma",
    2,
    4,
    8,
    _mm256_setzero_ps,
    _mm256_loadu_ps,
    _mm256_sub_ps,
    _mm256_fmadd_ps,
    fold_avx2
);
kernel!(
    avx512,
    "avx512f,avx2,fma",
    4,
    2,
    16,
    _mm512_setzero_ps,
    _mm512_loadu_ps,
    _mm512_sub_ps,
    _mm512_fmadd_ps,
    fold_avx512
);

#[inline]
#[target_feature(enable = "avx2")]
fn fold_avx2([a, b, c, d]: [__m256; 4]) -> f32 {
    let eight = _mm256_add_ps(_mm256_add_ps(a, b), _mm256_add_ps(c, d));
    let four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
    let pair = _mm_add_ps(four, _mm_movehl_ps(four, four));
    _mm_cvtss_f32(_mm_add_ss(pair, _mm_shuffle_ps::<1>(pair, pair)))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn fold_avx512([a, b]: [__m512; 2]) -> f32 {
    _mm512_reduce_add_ps(_mm512_add_ps(a, b))
}
