//! AVX2: 32 floats in four registers, 32 codes in one.

use std::arch::x86_64::{
    __m256, __m256i, _mm_add_epi32, _mm_add_ps, _mm_cvtsi128_si32, _mm_loadl_epi64,
    _mm_loadu_si128, _mm_shuffle_epi32, _mm256_abs_epi8, _mm256_add_epi32, _mm256_add_ps,
    _mm256_and_si256, _mm256_castps256_ps128, _mm256_castsi256_si128, _mm256_cvtepi32_ps,
    _mm256_cvtepu8_epi32, _mm256_cvtph_ps, _mm256_extractf128_ps, _mm256_extracti128_si256,
    _mm256_loadu_ps, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_mul_ps,
    _mm256_or_si256, _mm256_set1_epi8, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_setzero_ps,
    _mm256_setzero_si256, _mm256_slli_epi32, _mm256_srli_epi32, _mm256_sub_epi8, _mm256_sub_epi32,
    _mm256_sub_ps,
};

use super::fold_four;
use crate::arch::rows::{As, Block, Both, Dot, Halves, L2, Rows, Upper, Whole, score};
use crate::arch::{Isa, Kernels, ORIGIN};

/// Float rows scored together: eight of the sixteen registers are sums.
const F32_ROWS: usize = 2;
/// Code rows scored together.
const CODE_ROWS: usize = 4;

pub(super) static KERNELS: Kernels = Kernels {
    isa: Isa::Avx2,
    f32_dot,
    f32_l2,
    f16_dot,
    f16_l2,
    steps_dot,
    steps_l2,
    u7_dot,
    u7_l2,
    half_dot,
    half_l2,
    split_l2,
};

#[target_feature(enable = "avx2")]
unsafe fn f32_dot(query: *const f32, rows: &[*const f32], len: usize, out: &mut [f32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Floats, Whole, Dot, F32_ROWS>(query, rows, len, out) }
}

#[target_feature(enable = "avx2")]
unsafe fn f32_l2(query: *const f32, rows: &[*const f32], len: usize, out: &mut [f32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Floats, Whole, L2, F32_ROWS>(query, rows, len, out) }
}

#[target_feature(enable = "avx2,f16c")]
unsafe fn f16_dot(query: *const f32, rows: &[*const u16], len: usize, out: &mut [f32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Floats, As<F16>, Dot, F32_ROWS>(query, rows, len, out) }
}

#[target_feature(enable = "avx2,f16c")]
unsafe fn f16_l2(query: *const f32, rows: &[*const u16], len: usize, out: &mut [f32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Floats, As<F16>, L2, F32_ROWS>(query, rows, len, out) }
}

#[target_feature(enable = "avx2,f16c")]
unsafe fn steps_dot(query: *const f32, rows: &[*const u8], len: usize, out: &mut [f32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Floats, As<Steps>, Dot, F32_ROWS>(query, rows, len, out) }
}

#[target_feature(enable = "avx2,f16c")]
unsafe fn steps_l2(query: *const f32, rows: &[*const u8], len: usize, out: &mut [f32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Floats, As<Steps>, L2, F32_ROWS>(query, rows, len, out) }
}

#[target_feature(enable = "avx2")]
unsafe fn u7_dot(query: *const i8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Codes, Whole, Dot, CODE_ROWS>(query.cast(), rows, len, out) }
}

#[target_feature(enable = "avx2")]
unsafe fn u7_l2(query: *const u8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Codes, Whole, L2, CODE_ROWS>(query, rows, len, out) }
}

#[target_feature(enable = "avx2")]
unsafe fn half_dot(query: *const i8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Codes, Upper, Dot, CODE_ROWS>(query.cast(), rows, len, out) }
}

#[target_feature(enable = "avx2")]
unsafe fn half_l2(query: *const u8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Codes, Upper, L2, CODE_ROWS>(query, rows, len, out) }
}

#[target_feature(enable = "avx2")]
unsafe fn split_l2(query: *const u8, rows: &[*const u8], len: usize, out: &mut [i32]) {
    // SAFETY: the contract of the kernel is that of `score`.
    unsafe { score::<Codes, Both, L2, CODE_ROWS>(query, rows, len, out) }
}

/// The 32 lanes of the canonical order.
#[derive(Clone, Copy)]
struct Floats([__m256; 4]);

impl Block for Floats {
    type Element = f32;
    type Sum = Self;
    type Total = f32;
    const LEN: usize = 32;

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn zero() -> Self {
        Self([_mm256_setzero_ps(); 4])
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller promises 32 readable floats.
        unsafe {
            Self([
                _mm256_loadu_ps(from),
                _mm256_loadu_ps(from.add(8)),
                _mm256_loadu_ps(from.add(16)),
                _mm256_loadu_ps(from.add(24)),
            ])
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn dot(Self(mut sum): Self, Self(query): Self, Self(row): Self) -> Self {
        for i in 0..4 {
            sum[i] = _mm256_add_ps(sum[i], _mm256_mul_ps(query[i], row[i]));
        }
        Self(sum)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn l2(Self(mut sum): Self, Self(query): Self, Self(row): Self) -> Self {
        for i in 0..4 {
            let difference = _mm256_sub_ps(query[i], row[i]);
            sum[i] = _mm256_add_ps(sum[i], _mm256_mul_ps(difference, difference));
        }
        Self(sum)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn fold(Self([a, b, c, d]): Self) -> f32 {
        let eight = _mm256_add_ps(_mm256_add_ps(a, c), _mm256_add_ps(b, d));
        fold_four(_mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight)))
    }
}

/// Rows of 16-bit floats.
struct F16;

impl Rows<Floats> for F16 {
    type Element = u16;

    #[inline(always)]
    fn padding() -> u16 {
        0
    }

    #[inline]
    #[target_feature(enable = "avx2,f16c")]
    unsafe fn load(from: *const u16) -> Floats {
        // SAFETY: the caller promises 32 readable components.
        unsafe {
            Floats([
                _mm256_cvtph_ps(_mm_loadu_si128(from.cast())),
                _mm256_cvtph_ps(_mm_loadu_si128(from.add(8).cast())),
                _mm256_cvtph_ps(_mm_loadu_si128(from.add(16).cast())),
                _mm256_cvtph_ps(_mm_loadu_si128(from.add(24).cast())),
            ])
        }
    }
}

/// Rows of codes that stand for their steps from the origin.
struct Steps;

impl Steps {
    /// Eight of them.
    ///
    /// # Safety
    /// `from` points to eight readable bytes.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn eight(from: *const u8) -> __m256 {
        // SAFETY: the caller's promise.
        let codes = _mm256_cvtepu8_epi32(unsafe { _mm_loadl_epi64(from.cast()) });
        _mm256_cvtepi32_ps(_mm256_sub_epi32(codes, _mm256_set1_epi32(i32::from(ORIGIN))))
    }
}

impl Rows<Floats> for Steps {
    type Element = u8;

    #[inline(always)]
    fn padding() -> u8 {
        ORIGIN
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn load(from: *const u8) -> Floats {
        // SAFETY: the caller promises 32 readable components.
        unsafe {
            Floats([
                Self::eight(from),
                Self::eight(from.add(8)),
                Self::eight(from.add(16)),
                Self::eight(from.add(24)),
            ])
        }
    }
}

/// 32 codes; each 32-bit lane sums groups of four.
#[derive(Clone, Copy)]
struct Codes(__m256i);

impl Codes {
    /// Adds the products of unsigned and signed bytes. A pair is at most 2 · 127² = 32,258, so
    /// the 16-bit step never saturates.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn add_products(sum: __m256i, unsigned: __m256i, signed: __m256i) -> __m256i {
        let pairs = _mm256_maddubs_epi16(unsigned, signed);
        _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
    }
}

impl Block for Codes {
    type Element = u8;
    type Sum = __m256i;
    type Total = i32;
    const LEN: usize = 32;

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn zero() -> __m256i {
        _mm256_setzero_si256()
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: the caller promises 32 readable bytes.
        Self(unsafe { _mm256_loadu_si256(from.cast()) })
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn dot(sum: __m256i, query: Self, row: Self) -> __m256i {
        Self::add_products(sum, row.0, query.0)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn l2(sum: __m256i, query: Self, row: Self) -> __m256i {
        let distance = _mm256_abs_epi8(_mm256_sub_epi8(query.0, row.0));
        Self::add_products(sum, distance, distance)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn fold(sum: __m256i) -> i32 {
        let four = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256::<1>(sum));
        let two = _mm_add_epi32(four, _mm_shuffle_epi32::<0b1110>(four));
        _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32::<1>(two)))
    }
}

impl Halves for Codes {
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn load_halves(from: *const u8) -> [Self; 2] {
        let half = _mm256_set1_epi8(15);
        // SAFETY: the caller promises 32 readable bytes.
        let bytes = unsafe { _mm256_loadu_si256(from.cast()) };
        [
            Self(_mm256_and_si256(bytes, half)),
            Self(_mm256_and_si256(_mm256_srli_epi32::<4>(bytes), half)),
        ]
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn load_upper(from: *const u8) -> [Self; 2] {
        let upper = _mm256_set1_epi8(0x78);
        // SAFETY: the caller promises 32 readable bytes.
        let bytes = unsafe { _mm256_loadu_si256(from.cast()) };
        [
            Self(_mm256_and_si256(_mm256_slli_epi32::<3>(bytes), upper)),
            Self(_mm256_and_si256(_mm256_srli_epi32::<1>(bytes), upper)),
        ]
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn or(self, other: Self) -> Self {
        Self(_mm256_or_si256(self.0, other.0))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn less(self, by: u8) -> Self {
        Self(_mm256_sub_epi8(self.0, _mm256_set1_epi8(by as i8)))
    }
}
